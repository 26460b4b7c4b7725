// SPDX-License-Identifier: MIT
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { doorFile, doorFor, keepDoor, lastDoor, nonceOf, proofFor } from '../../../../main/hosts/server/door.ts';
import { temporaryFolder } from '../../../support/session-folders.ts';

const start = new Date('2026-11-27T08:00:00.000Z');
const later = (days: number): Date => new Date(start.getTime() + days * 24 * 3600 * 1000);

describe('the door of windows', () => {
  it('is the same at the next start, for a month and for its own port', () => {
    using folder = temporaryFolder();
    const door = doorFor(4100, undefined, start);
    keepDoor(folder.path, door);
    expect(lastDoor(folder.path, later(29))).toEqual(door);
    expect(doorFor(4100, lastDoor(folder.path, later(29)), later(29))).toEqual(door);
    expect(lastDoor(folder.path, later(30))).toBeUndefined();
    // A clock that was set back makes no token good for longer.
    expect(lastDoor(folder.path, later(-1))).toBeUndefined();
    const other = doorFor(4101, door, later(1));
    expect(other).toMatchObject({ port: 4101, madeAt: later(1).toISOString() });
    expect(other.token).not.toBe(door.token);
  });

  it.skipIf(process.platform === 'win32')(
    'is readable by its owner only, and not taken from a file others may read or have put there',
    () => {
      using folder = temporaryFolder();
      keepDoor(folder.path, doorFor(4100, undefined, start));
      const file = doorFile(folder.path);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder.path)).toEqual([path.basename(file)]);
      for (const mode of [0o640, 0o604, 0o620]) {
        chmodSync(file, mode);
        expect(lastDoor(folder.path, start), mode.toString(8)).toBeUndefined();
      }
      using elsewhere = temporaryFolder();
      chmodSync(file, 0o600);
      symlinkSync(file, doorFile(elsewhere.path));
      expect(lastDoor(elsewhere.path, start)).toBeUndefined();
    },
  );

  it('is none where the file is damaged or of a later program', () => {
    using folder = temporaryFolder();
    const file = doorFile(folder.path);
    expect(lastDoor(folder.path, start)).toBeUndefined();
    keepDoor(folder.path, doorFor(4100, undefined, start));
    const whole = readFileSync(file, 'utf8');
    const damaged = [whole.slice(0, 40), whole.replace('"formatVersion": 1', '"formatVersion": 2')];
    for (const text of [...damaged, whole.replace('4100', '0'), whole.replace(/"token": "../, '"token": "')]) {
      writeFileSync(file, text, { mode: 0o600 });
      expect(lastDoor(folder.path, start), text).toBeUndefined();
    }
  });

  it('proves that it knows the token, for one origin and one question', () => {
    const { token } = doorFor(4100, undefined, start);
    const nonce = 'a'.repeat(48);
    const proof = proofFor(token, 'http://127.0.0.1:4100', nonce);
    expect(proof).toMatch(/^[\w-]{43}$/);
    expect(proof).not.toContain(token);
    expect(proofFor(token, 'http://127.0.0.1:4101', nonce)).not.toBe(proof);
    expect(proofFor(token, 'http://127.0.0.1:4100', 'b'.repeat(48))).not.toBe(proof);
    expect(nonceOf(`/proof?of=${nonce}`)).toBe(nonce);
    for (const other of ['/proof', '/proof?of=', '/proof?of=short', `/proof?of=${nonce}&x=1`, `/x/proof?of=${nonce}`])
      expect(nonceOf(other), other).toBeUndefined();
  });
});
