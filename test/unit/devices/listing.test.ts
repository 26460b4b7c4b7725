// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { listDevices, udevRule, type UsbBoard } from '../../../main/devices/index.ts';

const board = (more: Partial<UsbBoard> = {}): UsbBoard => ({
  port: '2-1',
  kind: 'board',
  speedMbps: 5000,
  permitted: true,
  users: [],
  driver: 'uvcvideo',
  ...more,
});
const problemOf = (more: Partial<UsbBoard>) => listDevices(() => ({ boards: [board(more)] })).devices[0]?.problem;

describe('the list of devices', () => {
  it('names boards by the USB port they hang on, with what the system tells of them, and always has the simulated one', () => {
    const { devices, unavailable } = listDevices(() => ({ boards: [board(), board({ port: '2-10.4' })] }));
    expect(devices.map(({ id, state }) => [id, state])).toEqual([
      ['usb-2-1', 'ready'],
      ['usb-2-10.4', 'ready'],
      ['simulator', 'ready'],
    ]);
    expect(devices[0]?.usb).toEqual({ port: '2-1', speedMbps: 5000, serial: null, driver: 'uvcvideo' });
    expect(unavailable).toBeNull();
  });

  it.each([
    [{ kind: 'high-speed', speedMbps: 480 }, /USB 2 speed/, /USB 3 port/],
    [{ speedMbps: 480 }, /USB 2 speed/, /USB 3 cable/],
    [{ kind: 'boot-loader' }, /boot loader/, /firmware/],
    [{ permitted: false }, /may not use/, /70-miniscope\.rules.*04b4/],
    [{ users: ['cheese', 'obs'] }, /in use by cheese and obs/, /Close that program/],
    [{ driver: 'usbfs' }, /in use by another program/, /one program only/],
  ] as const)('says what is wrong with a board %j and what mends it', (more, message, fix) => {
    const problem = problemOf(more);
    expect(problem?.message).toMatch(message);
    expect(problem?.fix).toMatch(fix);
  });

  it('offers the rule that is shipped', () => {
    const shipped = readFileSync(new URL('../../../assets/udev/70-miniscope.rules', import.meta.url), 'utf8');
    expect(shipped.split('\n')).toContain(udevRule);
    expect(problemOf({ permitted: false })?.fix).toContain(udevRule);
  });

  it('has a sentence instead of boards where the ports cannot be seen', () => {
    const seen = listDevices(() => ({ boards: [], unavailable: 'This computer shows no USB ports to Calyx.' }));
    expect(seen.devices.map(({ id }) => id)).toEqual(['simulator']);
    expect(seen.unavailable).toMatch(/no USB ports/);
    const broken = listDevices(() => {
      throw new Error('The part of Calyx that reads films is missing.');
    });
    expect(broken).toMatchObject({
      devices: [{ id: 'simulator' }],
      unavailable: expect.stringMatching(/missing/) as unknown,
    });
  });

  it('never fails on the computer it runs on', () => {
    expect(listDevices().devices.at(-1)?.id).toBe('simulator');
  });
});
