// SPDX-License-Identifier: MIT

const isLittle = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Element types that are written from here. */
export type NpyData = Float32Array | Float64Array | Int32Array | Uint8Array;

/**
 * A NumPy NPY file (version 1.0, little-endian, C order).
 *
 * @param shape product must equal the number of elements
 */
export function encodeNpy(data: NpyData, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((product, length) => product * length, 1);
  if (count !== data.length) throw new RangeError(`${data.length} elements do not fill the shape ${shape.join(' × ')}`);
  return Buffer.concat([npyHeader(descriptor(data), shape), littleEndian(data)]);
}

/** What stands before the elements of a file that is written piece by piece. @param descr NumPy's name of the elements, such as `<f4` */
export function npyHeader(descr: '<f4' | '<f8' | '<i4' | '|u1', shape: readonly number[]): Uint8Array {
  const axes = shape.length === 1 ? `${shape[0] ?? 0},` : shape.join(', ');
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${axes}), }`;
  // The header with its 10 bytes before it is padded to a multiple of 64 and ends with a newline.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, ' ');
  header.write('\u0093NUMPY\u0001\u0000', 'latin1');
  header.writeUInt16LE(length, 8);
  header.write(dictionary, 10, 'latin1');
  header.write('\n', 9 + length, 'latin1');
  return header;
}

function descriptor(data: NpyData): '<f4' | '<f8' | '<i4' | '|u1' {
  if (data instanceof Float64Array) return '<f8';
  if (data instanceof Float32Array) return '<f4';
  return data instanceof Int32Array ? '<i4' : '|u1';
}

/** Elements as they stand in a file; memory of the caller's where that is so already. */
export function littleEndian(data: NpyData): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (isLittle) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bytes = Buffer.alloc(data.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data instanceof Float32Array) {
    for (let i = 0; i < data.length; i += 1) view.setFloat32(i * 4, data[i] ?? 0, true);
  } else if (data instanceof Int32Array) {
    for (let i = 0; i < data.length; i += 1) view.setInt32(i * 4, data[i] ?? 0, true);
  } else {
    for (let i = 0; i < data.length; i += 1) view.setFloat64(i * 8, data[i] ?? 0, true);
  }
  return bytes;
}
