// SPDX-License-Identifier: MIT
import panels from './panels.module.css';
import edits from './edits.module.css';

/** The classes of the panels, and those of what edits cells and of what lies behind them. No name is in both. */
export const styles: Readonly<Record<string, string>> = { ...panels, ...edits };
