// SPDX-License-Identifier: MIT
import { spawn, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { mostTurnsPerStep, Twist } from '../../../main/devices/commutator/twist.ts';
import { Commutator, type CommutatorLine, serialLine, systemClock } from '../../../main/devices/index.ts';
import { manualClock } from '../../support/manual-clock.ts';

const upright = {
  headstageAxis: [0, 0, 1],
  commutatorAxis: [0, 0, 1],
  fallbackThreshold: -0.9,
  fallbackMode: 'global',
} as const;

/** A head turned about an axis, degrees. */
function turned(degrees: number, [x, y, z]: readonly [number, number, number] = [0, 0, 1]) {
  const half = (degrees * Math.PI) / 360;
  const s = Math.sin(half);
  return { w: Math.cos(half), x: s * x, y: s * y, z: s * z };
}
const negative = ({ w, x, y, z }: ReturnType<typeof turned>) => ({ w: -w, x: -x, y: -y, z: -z });

describe('the twist of a tether', () => {
  it('is undone by the commutator: a quarter turn of the head is minus a quarter turn', () => {
    const twist = new Twist(upright);
    expect(twist.take(turned(0))).toBe(0);
    expect(twist.take(turned(60))).toBeCloseTo(-60 / 360, 9);
    expect(twist.take(turned(30))).toBeCloseTo(30 / 360, 9);
  });

  it('adds up over many turns, whatever the sign the sensor gives its quaternion', () => {
    const twist = new Twist(upright);
    let turns = 0;
    for (let step = 0; step <= 100; step += 1) {
      const reading = turned(step * 36);
      turns += twist.take(step % 3 === 0 ? negative(reading) : reading);
    }
    expect(turns).toBeCloseTo(-10, 6);
    expect(twist.take(turned(3600))).toBeCloseTo(0, 9);
    expect(twist.take(negative(turned(3600)))).toBeCloseTo(0, 9);
  });

  it('is no nod: a head that tilts forth and back leaves the tether as it was', () => {
    const twist = new Twist(upright);
    let turns = 0;
    for (const tilt of [0, 20, 40, 60, 40, 20, 0]) turns += twist.take(turned(tilt, [0, 1, 0]));
    expect(turns).toBeCloseTo(0, 9);
  });

  it('is never more than a quarter turn a step, nor anything for a reading of zeros', () => {
    const twist = new Twist(upright);
    twist.take(turned(0));
    expect(twist.take(turned(179))).toBe(-mostTurnsPerStep);
    expect(twist.take({ w: 0, x: 0, y: 0, z: 0 })).toBe(0);
    expect(twist.take(turned(189))).toBeCloseTo(-10 / 360, 9);
    twist.forget();
    expect(twist.take(turned(0))).toBe(0);
  });

  it('of a head upside down is that about the axis the rig names', () => {
    const down = turned(180, [1, 0, 0]);
    for (const [fallbackMode, sign] of [
      ['global', -1],
      ['local', 1],
    ] as const) {
      const twist = new Twist({ ...upright, fallbackMode });
      twist.take(down);
      const about = turned(36);
      const next = {
        w: about.w * down.w - about.z * down.z,
        x: about.w * down.x - about.z * down.y,
        y: about.w * down.y + about.z * down.x,
        z: about.w * down.z + about.z * down.w,
      };
      expect(twist.take(next)).toBeCloseTo(sign * 0.1, 9);
    }
  });
});

/** A line that a test holds. */
function fakeLine() {
  const sent: string[] = [];
  let onLine: (line: string) => void = () => undefined;
  let close: () => void = () => undefined;
  const state = { broken: false };
  const line: CommutatorLine = {
    write: (text) => {
      if (state.broken) return Promise.reject(new Error('gone'));
      sent.push(text);
      return Promise.resolve();
    },
    follow: (handler) => {
      onLine = handler;
    },
    closed: new Promise((resolve) => {
      close = resolve;
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { line, sent, say: (text: string) => onLine(text), close: () => close(), state };
}

const good = (quaternion: ReturnType<typeof turned>) => ({ quaternion, normError: 0, good: true });

describe('a commutator', () => {
  it('is switched on, turned ten times a second by the newest orientation, and switched off', async () => {
    const clock = manualClock();
    const { line, sent } = fakeLine();
    const options = { ...upright, port: 'tty', led: false, sampleRate: 10, clock, tell: () => undefined };
    const commutator = await Commutator.open({ ...options, open: () => Promise.resolve(line) });
    commutator.take(good(turned(0)));
    await clock.advance(100);
    for (const degrees of [9, 18, 36]) commutator.take(good(turned(degrees)));
    commutator.take({ ...good(turned(170)), good: false });
    await clock.advance(300);
    await commutator[Symbol.asyncDispose]();
    expect(sent).toEqual([
      '{"enable":true}\n',
      '{"led":false}\n',
      '{"print":true}\n',
      '{"turn":-0.100000}\n',
      '{"enable":false}\n',
    ]);
    expect(commutator.turns).toBeCloseTo(-0.1, 9);
  });

  it('that does not answer, or has nothing to turn by, is told once', async () => {
    const clock = manualClock();
    const { line, say } = fakeLine();
    const told: string[] = [];
    const tell = (text: string): void => void told.push(text);
    const options = { ...upright, port: 'tty7', led: true, sampleRate: 10, clock, tell };
    const commutator = await Commutator.open({ ...options, open: () => Promise.resolve(line) });
    await clock.advance(6000);
    expect(told).toEqual([
      'Nothing answers at tty7: is it the commutator’s port?'.replace('’', "'"),
      'The commutator gets no orientation of the head: the scope has no sensor, or it gives nothing.',
    ]);
    say('{"turn":0}');
    commutator.take(good(turned(0)));
    await clock.advance(6000);
    expect(told[2]).toBe('Commutator: no rotation yet (the animal may simply be still).');
    await clock.advance(6000);
    expect(told).toHaveLength(3);
    await commutator[Symbol.asyncDispose]();
  });

  it('that was pulled out comes back, without a turn for what the head did meanwhile', async () => {
    const clock = manualClock();
    const lines = [fakeLine(), fakeLine()];
    const told: string[] = [];
    let opened = 0;
    const commutator = await Commutator.open({
      ...upright,
      port: 'tty',
      led: true,
      sampleRate: 10,
      clock,
      tell: (text) => told.push(text),
      open: () => {
        opened += 1;
        return opened === 2 ? Promise.reject(new Error('not yet')) : Promise.resolve(lines[opened === 1 ? 0 : 1]!.line);
      },
    });
    commutator.take(good(turned(0)));
    await clock.advance(100);
    lines[0]!.close();
    await clock.advance(200);
    commutator.take(good(turned(120)));
    await clock.advance(2500);
    expect(told.map((text) => text.slice(0, 32))).toEqual([
      'The commutator at tty is gone; C',
      'The commutator at tty is back.',
    ]);
    commutator.take(good(turned(120)));
    await clock.advance(200);
    commutator.take(good(turned(138)));
    await clock.advance(200);
    expect(lines[1]!.sent.filter((text) => text.includes('turn'))).toEqual(['{"turn":-0.050000}\n']);
    await commutator[Symbol.asyncDispose]();
  });

  it('is spoken to over a serial port', async (context) => {
    if (process.platform === 'win32' || spawnSync('python3', ['-c', 'import pty']).status !== 0) {
      context.skip('no python3 with pty on this machine');
    }
    // The other end of a pair of terminals: says its name, then what it hears, and answers each line.
    const script = [
      'import os, pty, sys, tty',
      'm, s = pty.openpty(); tty.setraw(s); tty.setraw(m)',
      'print(os.ttyname(s), flush=True)',
      'while True:',
      '    heard = os.read(m, 1000)',
      '    sys.stdout.buffer.write(heard); sys.stdout.flush()',
      '    os.write(m, b\'{"ok":1}\\n\')',
    ].join('\n');
    const far = spawn('python3', ['-u', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let heard = '';
      far.stdout.on('data', (chunk: Buffer) => {
        heard += chunk.toString();
      });
      await expect.poll(() => heard, { timeout: 10_000 }).toMatch(/^\/dev\/\S+\n/);
      const port = heard.trim();
      const told: string[] = [];
      const commutator = await Commutator.open({
        ...upright,
        port,
        led: true,
        sampleRate: 50,
        clock: systemClock,
        tell: (text) => told.push(text),
        open: () => serialLine(port),
      });
      commutator.take(good(turned(0)));
      await expect.poll(() => heard, { timeout: 10_000 }).toContain('{"print":true}\n');
      // The first orientation is where the head is; it is taken with the next command.
      await systemClock.sleep(60);
      commutator.take(good(turned(90)));
      await expect.poll(() => heard, { timeout: 10_000 }).toContain('{"turn":-0.250000}\n');
      await commutator[Symbol.asyncDispose]();
      await expect.poll(() => heard, { timeout: 10_000 }).toContain('{"enable":false}\n');
      expect(told).toEqual([]);
      await expect(serialLine('/dev/no-such-port')).rejects.toMatchObject({ code: 'device.not_found' });
    } finally {
      far.kill('SIGKILL');
    }
  });
});
