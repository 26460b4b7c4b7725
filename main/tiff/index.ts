// SPDX-License-Identifier: MIT
/** TIFF files of many pages. */
export { writeFloatPages, type FloatPages } from './float-pages.ts';
