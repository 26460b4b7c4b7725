// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { listDevices, udevRule, type UsbPlaces } from '../../../main/devices/index.ts';
import { temporaryFolder } from '../../support/library.ts';

function places(
  devices: Readonly<Record<string, Readonly<Record<string, string>>>>,
  writable: readonly string[],
): UsbPlaces {
  const folder = temporaryFolder();
  for (const [port, attributes] of Object.entries(devices)) {
    mkdirSync(path.join(folder, 'devices', port), { recursive: true });
    for (const [name, value] of Object.entries(attributes))
      writeFileSync(path.join(folder, 'devices', port, name), `${value}\n`);
  }
  for (const node of writable) {
    mkdirSync(path.join(folder, 'nodes', path.dirname(node)), { recursive: true });
    writeFileSync(path.join(folder, 'nodes', node), '');
  }
  return { devices: path.join(folder, 'devices'), nodes: path.join(folder, 'nodes') };
}

const board = (idProduct: string, devnum: string): Readonly<Record<string, string>> => ({
  idVendor: '04b4',
  idProduct,
  busnum: '2',
  devnum,
});

describe('the list of devices', () => {
  it('names boards by the port they hang on, numbers in order, and always has the simulated one', () => {
    const found = listDevices(
      places(
        {
          '2-10': board('00f9', '9'),
          '2-2.4': board('00f9', '3'),
          '1-1': { idVendor: '046d', idProduct: '0825' },
          '2-3': { idVendor: '04b4', idProduct: '6560' },
          '2-2.4:1.0': board('00f9', '3'),
          usb2: board('00f9', '1'),
        },
        ['002/003', '002/009'],
      ),
    );
    expect(found.map(({ id, state }) => [id, state])).toEqual([
      ['usb-2-2.4', 'ready'],
      ['usb-2-10', 'ready'],
      ['simulator', 'ready'],
    ]);
  });

  it.each([
    ['00f8', [], /USB 2 speed/, /USB 3 port/],
    ['00f3', [], /boot loader/, /firmware/],
    ['00f9', [], /may not use/, new RegExp(udevRule.slice(0, 20))],
  ] as const)('says what is wrong with a board %s and what mends it', (product, nodes, message, fix) => {
    const [found] = listDevices(places({ '2-1': board(product, '4') }, nodes));
    expect(found?.state).toBe('problem');
    expect(found?.problem?.message).toMatch(message);
    expect(found?.problem?.fix).toMatch(fix);
  });

  it('has the simulated one only where there is no USB', () => {
    expect(listDevices({ devices: '/nowhere', nodes: '/nowhere' }).map(({ id }) => id)).toEqual(['simulator']);
  });
});
