// SPDX-License-Identifier: MIT
import rig from './acquire.module.css';
import panels from './panels.module.css';
import report from './report.module.css';

/** The class names of this screen: its frame and live picture, its panels, its report. No name is in two of them. */
export const styles: Readonly<Record<string, string>> = { ...rig, ...panels, ...report };
