// SPDX-License-Identifier: MIT
/** Hashes of files. See README.md. */
export {
  filesWithHashes,
  hashFileInto,
  sha256OfFile,
  sha256OfPlace,
  type HashedFile,
  type HashOptions,
} from './checksum.ts';
