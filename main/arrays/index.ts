// SPDX-License-Identifier: MIT
/** NumPy arrays and SciPy's sparse archives on disk. See README.md. */
export { encodeNpy, littleEndian, npyHeader } from './encode-npy.ts';
export type { NpyData } from './encode-npy.ts';
export { greyPng } from './grey-png.ts';
export { decodeNpy, NpyFile } from './npy.ts';
export type { NpyArray } from './npy.ts';
export { readNpz, readSparseRows } from './npz.ts';
export type { SparseRows } from './npz.ts';
export { readAt } from './read-at.ts';
