// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import {
  type DeviceList,
  followDevices,
  portNews,
  type UsbBoard,
  type UsbBoards,
} from '../../../main/devices/index.ts';
import { manualClock } from '../../support/manual-clock.ts';

const board = (port: string, more: Partial<UsbBoard> = {}): UsbBoard => ({
  port,
  kind: 'board',
  speedMbps: 5000,
  permitted: true,
  users: [],
  driver: 'uvcvideo',
  ...more,
});

/** Ports that a test plugs boards into, and what somebody who follows them is told. */
function ports(first: UsbBoards) {
  const clock = manualClock();
  const leaving = new AbortController();
  let boards = first;
  let word: (() => void) | undefined;
  const counted = { looks: 0, watches: 0, unwatches: 0 };
  const told: string[][] = [];
  const world = {
    clock,
    look: () => {
      counted.looks += 1;
      return Promise.resolve(boards);
    },
    watch: (onChange: () => void) => {
      counted.watches += 1;
      word = onChange;
      return () => {
        counted.unwatches += 1;
      };
    },
  };
  const over = (async () => {
    for await (const list of followDevices(leaving.signal, world)) {
      told.push(list.devices.map(({ id, problem }) => (problem === null ? id : `${id}: ${problem.message}`)));
    }
  })();
  return {
    clock,
    counted,
    told,
    change: (next: UsbBoards) => {
      boards = next;
    },
    /** The system's word. */
    word: () => word?.(),
    leave: async () => {
      leaving.abort();
      await clock.advance(1);
      await over;
    },
  };
}

describe('somebody who follows the USB ports', () => {
  it('is told of a board that comes and goes when the system says so, without asking meanwhile', async () => {
    const { clock, counted, told, change, word, leave } = ports({ boards: [] });
    await clock.advance(1);
    expect(told).toEqual([['simulator']]);
    expect(counted).toMatchObject({ looks: 1, watches: 1 });
    change({ boards: [board('2-1')] });
    await clock.advance(1000);
    expect(told).toHaveLength(1);
    word();
    await clock.advance(1);
    expect(told.at(-1)).toEqual(['usb-2-1', 'simulator']);
    change({ boards: [] });
    word();
    await clock.advance(1);
    expect(told.at(-1)).toEqual(['simulator']);
    expect(told).toHaveLength(3);
    await leave();
    expect(counted.unwatches).toBe(1);
  });

  it('is told again when the system has given the permission, a moment after the board came', async () => {
    const { clock, told, change, word, leave } = ports({ boards: [] });
    await clock.advance(1);
    change({ boards: [board('2-1', { permitted: false })] });
    word();
    await clock.advance(1);
    expect(told.at(-1)).toEqual([
      'usb-2-1: You may not use the board: the system gives it to administrators only.',
      'simulator',
    ]);
    change({ boards: [board('2-1')] });
    await clock.advance(700);
    expect(told.at(-1)).toEqual(['usb-2-1', 'simulator']);
    await leave();
  });

  it('is told without a word of the system, too: of a program that lets the camera go, and where there is no udev', async () => {
    const { clock, told, change, leave } = ports({ boards: [board('2-1', { users: ['cheese'] })] });
    await clock.advance(1);
    expect(told.at(-1)).toEqual(['usb-2-1: The board is in use by cheese.', 'simulator']);
    change({ boards: [board('2-1')] });
    await clock.advance(3000);
    expect(told.at(-1)).toEqual(['usb-2-1', 'simulator']);
    await leave();
  });

  it('asks the system for its word only once the ports could be seen: some fail hard where there is no USB', async () => {
    const { clock, counted, told, change, leave } = ports({ boards: [], unavailable: 'no USB here' });
    await clock.advance(10_000);
    expect(counted.watches).toBe(0);
    expect(told).toEqual([['simulator']]);
    change({ boards: [board('2-1')] });
    await clock.advance(3000);
    expect(counted.watches).toBe(1);
    expect(told.at(-1)).toEqual(['usb-2-1', 'simulator']);
    await leave();
  });

  it('goes on where the system gives no word, and where a look fails', async () => {
    const clock = manualClock();
    const leaving = new AbortController();
    let looks = 0;
    const told: DeviceList[] = [];
    const over = (async () => {
      for await (const list of followDevices(leaving.signal, {
        clock,
        look: () => {
          looks += 1;
          return looks === 1 ? Promise.reject(new Error('no ports')) : Promise.resolve({ boards: [board('1-4')] });
        },
        watch: () => {
          throw new Error('no word');
        },
      }))
        told.push(list);
    })();
    await clock.advance(3001);
    expect(told.map(({ unavailable }) => unavailable !== null)).toEqual([true, false]);
    expect(told[1]?.devices[0]?.id).toBe('usb-1-4');
    leaving.abort();
    await clock.advance(1);
    await over;
  });

  it('hears of it in words', async () => {
    const { clock, counted, leave } = ports({ boards: [] });
    await clock.advance(1);
    await leave();
    expect(counted.looks).toBe(1);
    const list = (boards: readonly UsbBoard[]): DeviceList['devices'] =>
      boards.map((each) => ({
        id: `usb-${each.port}`,
        name: '',
        kind: 'miniscope-daq',
        state: 'ready',
        problem: each.kind === 'high-speed' ? { message: 'It is too slow.', fix: '' } : null,
        address: `usb-${each.port}`,
        loss: null,
        usb: { port: each.port, speedMbps: null, serial: null, driver: null },
      }));
    expect(portNews(list([board('2-1')]), list([board('2-2'), board('1-3', { kind: 'high-speed' })]))).toEqual([
      'The Miniscope DAQ board on USB port 2-1 was unplugged.',
      'A Miniscope DAQ board was plugged in on USB port 2-2.',
      'A Miniscope DAQ board was plugged in on USB port 1-3. It is too slow.',
    ]);
  });
});
