// SPDX-License-Identifier: MIT

/** Whether a cell is shown and explains light: `dark` is deleted, `gone` merged, split or replaced. */
export type EditState = 'live' | 'dark' | 'gone';
