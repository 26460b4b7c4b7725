// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Context } from './context.ts';

/** Little-endian bytes of numbers, as every machine this runs on holds them. */
export function bytesOf(values: Float32Array | Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** Numbers of bytes that a row holds; copied, since a row's bytes need not lie on a multiple of eight. */
export function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** As {@link floats}, of 8 bytes each. */
export function doubles(bytes: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(bytes).buffer);
}

/** The row of an array kept inside the database; equal arrays are one row. */
export function addArray(
  { database }: Context,
  values: Float32Array | Float64Array,
  shape: readonly number[],
): number | bigint {
  const bytes = bytesOf(values);
  const row = {
    dtype: values instanceof Float32Array ? '<f4' : '<f8',
    shape: JSON.stringify(shape),
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    inline: bytes,
  };
  const known = database
    .prepare<[typeof row], { id: number }>(
      'SELECT id FROM array_ref WHERE sha256 = :sha256 AND dtype = :dtype AND shape = :shape',
    )
    .get(row);
  if (known !== undefined) return known.id;
  return database
    .prepare(
      'INSERT INTO array_ref (dtype, shape, bytes, sha256, inline) VALUES (:dtype, :shape, :bytes, :sha256, :inline)',
    )
    .run(row).lastInsertRowid;
}
