// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { packBlob, unpackBlob, unpackTyped, type BlobValue } from '../../../main/interop/datajoint/blob.ts';

/** What datajoint 0.14.10 (`datajoint.blob.pack`) wrote for the values beside. */
const written: readonly (readonly [what: string, hex: string, value: BlobValue])[] = [
  [
    'array',
    '6d596d00410200000000000000020000000000000003000000000000000a00000000000000000003000100040002000500',
    { shape: [2, 3], values: Int16Array.of(0, 1, 2, 3, 4, 5) },
  ],
  [
    'dict',
    '646a30000404000000000000000a000000000000000501000000000000007804000000000000000a0100010a00000000000000050100000000000000794b0000000000000002050000000000000004000000000000000a01000109000000000000000d00000000000004400a00000000000000050100000000000000740100000000000000ff02000000000000000b010a000000000000000501000000000000006e2100000000000000410100000000000000020000000000000007000000000000000000803f000000400a0000000000000005010000000000000074210000000000000001020000000000000004000000000000000a01000104000000000000000a010002',
    { x: 1, y: [1, 2.5, 't', null, true], n: { shape: [2], values: Float32Array.of(1, 2) }, t: [1, 2] },
  ],
  ['scalar', '646a300041000000000000000006000000000000000000000000000c40', 3.5],
  ['date', '646a300074d025350100a969c80b000000', new Date('2026-03-04T05:06:07.008Z')],
  ['uuid', '646a300075476297333a1445e7b228e528a3edb57a', '47629733-3a14-45e7-b228-e528a3edb57a'],
  ['minus129', '646a30000a02007fff', -129],
  ['big', '646a30000a0900000000000000000040', 2n ** 70n],
  ['text', '646a30000507000000000000004d61757320c3bc', 'Maus ü'],
  [
    'zeros',
    '5a4c31323300dd5d000000000000789cedc5210100201004b0c36048450c427c3fe221de106233ab53d923edae7e060000000000000000000000000000000000000000000080df03d305023f',
    { shape: [3000], values: new Float64Array(3000) },
  ],
];

describe('blobs of DataJoint', () => {
  it.each(written)('%s is read as it was meant', (_, hex, value) => {
    expect(unpackBlob(Buffer.from(hex, 'hex'))).toEqual(value);
  });

  it.each(written.filter(([what]) => ['array', 'minus129', 'big', 'text', 'date'].includes(what)))(
    '%s is written byte for byte alike',
    async (_, hex, value) => {
      expect((await packBlob(value)).toString('hex')).toBe(hex);
    },
  );

  it('come back from a round through every kind of value', async () => {
    const values: BlobValue = {
      whole: [0, 1, -1, 127, 128, 255, 256, -128, -32_769, Number.MAX_SAFE_INTEGER, -(2n ** 63n)],
      real: [0.1, -0.5, 1e300, Number.NaN],
      yes: true,
      nothing: null,
      inside: { list: [{ deep: 'text' }] },
      cube: { shape: [2, 3, 4], values: Uint16Array.from({ length: 24 }, (__, i) => i) },
      empty: { shape: [0], values: new Float32Array() },
      wide: { shape: [1, 2000], values: Float32Array.from({ length: 2000 }, (__, i) => i / 7) },
    };
    expect(unpackBlob(await packBlob(values))).toEqual(values);
  });

  it('that are damaged or lie about their size are refused before anything is allocated', async () => {
    const whole = await packBlob({ shape: [2, 3], values: Int16Array.of(0, 1, 2, 3, 4, 5) });
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => unpackBlob(whole.subarray(0, length))).toThrowError(
        expect.objectContaining({ code: 'interop.unreadable' }),
      );
    }
    const huge = Buffer.from(whole);
    huge.writeBigUInt64LE(2n ** 40n, 13);
    expect(() => unpackBlob(huge)).toThrowError(/impossible size/);
    const packed = await packBlob({ shape: [3000], values: new Float64Array(3000) });
    expect(packed.length).toBeLessThan(200);
    const bomb = Buffer.from(packed);
    bomb.writeBigUInt64LE(100n, 6);
    expect(() => unpackBlob(bomb)).toThrowError(expect.objectContaining({ code: 'interop.unreadable' }));
    const deep = Array.from({ length: 100 }).reduce<BlobValue>((value) => [value], 1);
    const nested = await packBlob(deep);
    expect(() => unpackBlob(nested)).toThrowError(/nested too deeply/);
  });

  it('keep tuples, lists, whole and broken numbers apart as typed JSON', () => {
    // {'a': (5, 5.0), 'b': [None, True]} as Python packs it.
    const part = (bytes: Buffer): Buffer => Buffer.concat([length(bytes.length), bytes]);
    const length = (value: number): Buffer => {
      const out = Buffer.alloc(8);
      out.writeBigUInt64LE(BigInt(value));
      return out;
    };
    const text = (word: string): Buffer => Buffer.concat([Buffer.of(5), length(word.length), Buffer.from(word)]);
    const five = Buffer.of(0x0a, 1, 0, 5);
    const double = Buffer.alloc(9);
    double[0] = 0x0d;
    double.writeDoubleLE(5, 1);
    const tuple = Buffer.concat([Buffer.of(1), length(2), part(five), part(double)]);
    const list = Buffer.concat([Buffer.of(2), length(2), part(Buffer.of(0xff)), part(Buffer.of(0x0b, 1))]);
    const all = [part(text('a')), part(tuple), part(text('b')), part(list)];
    const blob = Buffer.concat([Buffer.from('dj0\0', 'latin1'), Buffer.of(4), length(2), ...all]);
    expect(unpackTyped(blob)).toEqual({ a: { $tuple: [5, { $float: 5 }] }, b: [null, true] });
    expect(unpackBlob(blob)).toEqual({ a: [5, 5], b: [null, true] });
  });
});
