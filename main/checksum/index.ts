// SPDX-License-Identifier: MIT
/** Hashes of files. See README.md. */
export { hashFileInto, sha256OfFile, sha256OfPlace, type HashOptions } from './checksum.ts';
