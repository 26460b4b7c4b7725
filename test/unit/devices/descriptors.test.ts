// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  bosDescriptor,
  configurationDescriptor,
  deviceDescriptor,
} from '../../../main/devices/simulator/descriptors.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('the simulated board shows itself', () => {
  it('at SuperSpeed with the bytes of the real one', () => {
    // Digests of the compiled descriptors of the firmware (acquisition.md 1.2).
    expect(sha256(configurationDescriptor('super'))).toBe(
      '7a585ae327bf53efc5953d9d8f0c5c77d7f721ea38116f01638da4a5a802ec21',
    );
    expect(sha256(deviceDescriptor('super'))).toBe('c8dbab5706ceea9cc7c39ef071429bc0de907b8984350f998ab4957824e28fba');
  });

  it('at high speed with another product number and one frame of no use', () => {
    const device = Buffer.from(deviceDescriptor('high'));
    expect([device.readUInt16LE(2), device.readUInt16LE(10), device[7]]).toEqual([0x0210, 0x00f8, 64]);
    const configuration = Buffer.from(configurationDescriptor('high'));
    expect(configuration.length).toBe(206);
    expect(configuration.readUInt16LE(2)).toBe(206);
    expect(configuration[8]).toBe(0xfa);
  });

  it('with a BOS descriptor of 22 bytes', () => {
    const bos = Buffer.from(bosDescriptor());
    expect([bos.length, bos.readUInt16LE(2), bos[4]]).toEqual([22, 22, 2]);
  });
});
