// SPDX-License-Identifier: MIT
/** MATLAB's files of level 5. See README.md. */
export { Mat5Error } from './error.ts';
export { isMat5, Mat5File, readMat5, readMat5Names, type Mat5Name, type Mat5Value } from './read.ts';
