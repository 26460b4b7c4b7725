// SPDX-License-Identifier: MIT
import library from './library.module.css';
import detail from './detail.module.css';
import dialogs from './dialogs.module.css';

/** The classes of this folder, from the files of its components. */
export const styles: Readonly<Record<string, string>> = { ...library, ...detail, ...dialogs };
