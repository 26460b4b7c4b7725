// SPDX-License-Identifier: MIT
import process from './process.module.css';
import tryOut from './try-out.module.css';

/** The classes of this screen, and those of its try-out. No name is in both. */
export const styles: Readonly<Record<string, string>> = { ...process, ...tryOut };
