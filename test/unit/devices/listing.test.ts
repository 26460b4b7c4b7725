// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { listDevices, openLink, udevRule, type UsbBoard } from '../../../main/devices/index.ts';

const board = (more: Partial<UsbBoard> = {}): UsbBoard => ({
  port: '2-1',
  kind: 'board',
  speedMbps: 5000,
  permitted: true,
  users: [],
  driver: 'uvcvideo',
  ...more,
});
const problemOf = (more: Partial<UsbBoard>) =>
  listDevices(() => ({ boards: [board(more)] }), 'linux').devices[0]?.problem;

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
    [
      { kind: 'high-speed', speedMbps: 480 },
      'The board is connected at USB 2 speed; no picture comes at that speed.',
      'Use a USB 3 port (blue) and a USB 3 cable, without a hub.',
    ],
    [
      { speedMbps: 480 },
      'The board is connected at USB 2 speed; no picture comes at that speed.',
      'Use a USB 3 port (blue) and a USB 3 cable, without a hub.',
    ],
    [
      { kind: 'boot-loader' },
      'The board runs its boot loader: it has no firmware, or its PMODE jumper is set.',
      'Take the jumper off and plug it in again; else write the firmware to the board.',
    ],
    [
      { permitted: false },
      'You may not use the board: the system gives it to administrators only.',
      'Put this line into /etc/udev/rules.d/70-miniscope.rules, run `sudo udevadm control --reload` and plug the board in again: SUBSYSTEM=="usb", ATTR{idVendor}=="04b4", ATTR{idProduct}=="00f9", MODE="0660", TAG+="uaccess"',
    ],
    [
      { users: ['cheese', 'obs'] },
      'The board is in use by cheese and obs.',
      'Close that program; a board sends its picture to one program only.',
    ],
    [
      { driver: 'usbfs' },
      'The board is in use by another program.',
      'Close that program; a board sends its picture to one program only.',
    ],
  ] as const)('says what is wrong with a board %j and what mends it', (more, message, fix) => {
    expect(problemOf(more)).toEqual({ message, fix });
  });

  it('offers the system’s camera of a board where raw access is refused, and says what is lost with it', () => {
    const more = { permitted: false, camera: '/dev/video2' };
    const [device] = listDevices(() => ({ boards: [board(more)] }), 'linux').devices;
    expect(device).toMatchObject({ id: 'usb-2-1', state: 'ready', problem: null, address: 'v4l2:/dev/video2' });
    expect(device?.loss?.message).toBe(
      'The system gives only the camera of the board to you, so that its frame counter, orientation and trigger input cannot be read: lost frames are those the camera driver counts.',
    );
    expect(device?.loss?.fix).toContain(udevRule);
    // In use it is in use, whatever the way.
    expect(problemOf({ ...more, users: ['cheese'] })?.message).toBe('The board is in use by cheese.');
    expect(listDevices(() => ({ boards: [board()] })).devices[0]).toMatchObject({ address: 'usb-2-1', loss: null });
  });

  it.each([
    ['win32', 'Boards cannot be used on this system yet: capture through Media Foundation is not built.'],
    ['darwin', 'Boards cannot be used on this system yet: capture through AVFoundation is not built.'],
  ] as const)(
    'says that a board cannot be used on %s yet, in the list and when it is opened',
    async (platform, message) => {
      const [device] = listDevices(() => ({ boards: [board({ permitted: null, driver: null })] }), platform).devices;
      expect(device).toMatchObject({ state: 'problem', problem: { message } });
      await expect(openLink('usb-2-1', platform)).rejects.toMatchObject({ code: 'device.not_found', message });
      // What is wrong with the board itself comes first.
      const slow = listDevices(() => ({ boards: [board({ kind: 'high-speed' })] }), platform).devices[0];
      expect(slow?.problem?.message).toMatch(/USB 2 speed/);
    },
  );

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
