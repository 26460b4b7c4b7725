// SPDX-License-Identifier: MIT

/** Type of elements of a NumPy array: kind `b`, `i`, `u` or `f`, bytes each, order. */
export interface NumpyKind {
  readonly kind: string;
  readonly bytes: number;
  readonly isLittle: boolean;
}

/** A dtype's text: `<f4`, `|b1`, `>i8`. @throws RangeError for what holds no numbers */
export function parseDtype(text: string): NumpyKind {
  const match = /^([<>|=]?)([bifu])(\d+)$/.exec(text);
  const [, order, kind = '', bytes = ''] = match ?? [];
  const known = ['b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8'];
  if (match === null || !known.includes(kind + bytes))
    throw new RangeError(`elements of type “${text.slice(0, 40)}” are not read`);
  return { kind, bytes: Number(bytes), isLittle: order !== '>' };
}

/** Numbers of bytes; exactly `count`. @throws RangeError when there are fewer bytes */
export function numbersOfBytes({ kind, bytes, isLittle }: NumpyKind, from: Buffer, count: number): Float64Array {
  if (!(count >= 0) || from.length < count * bytes) throw new RangeError('it is cut off');
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
  const out = new Float64Array(count);
  const read = reader(view, kind, bytes, isLittle);
  for (let i = 0; i < count; i += 1) out[i] = read(i * bytes);
  return out;
}

function reader(view: DataView, kind: string, bytes: number, little: boolean): (at: number) => number {
  switch (kind + String(bytes)) {
    case 'b1':
    case 'u1':
      return (at) => view.getUint8(at);
    case 'i1':
      return (at) => view.getInt8(at);
    case 'i2':
      return (at) => view.getInt16(at, little);
    case 'u2':
      return (at) => view.getUint16(at, little);
    case 'i4':
      return (at) => view.getInt32(at, little);
    case 'u4':
      return (at) => view.getUint32(at, little);
    case 'i8':
      return (at) => Number(view.getBigInt64(at, little));
    case 'u8':
      return (at) => Number(view.getBigUint64(at, little));
    case 'f2':
      return (at) => half(view.getUint16(at, little));
    case 'f4':
      return (at) => view.getFloat32(at, little);
    default:
      return (at) => view.getFloat64(at, little);
  }
}

function half(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
