// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Progresses } from '../../../main/interop/index.ts';
import { openLibrary } from '../../../main/library/index.ts';
import { addPosition } from '../../../main/position/add.ts';
import { createPositionHandlers, trackOf } from '../../../main/position/index.ts';
import { newLibraryIn, newSession, temporaryFolder } from '../../support/library.ts';

const local = { signal: new AbortController().signal, audience: 'local' } as const;

async function place() {
  const folder = temporaryFolder();
  const library = await openLibrary({ directory: newLibraryIn(path.join(folder, 'library')) });
  onTestFinished(() => library.close());
  const startedAt = '2026-05-01T10:00:00.000Z';
  const { session } = await library.sessions.insert(newSession(1, { startedAt }));
  const changed: string[] = [];
  const position = createPositionHandlers({
    library,
    roots: [],
    progresses: new Progresses(),
    changed: (uuid) => changed.push(uuid),
  });
  const file = (name: string, text: string): { path: string } => {
    const written = path.join(folder, name);
    writeFileSync(written, text);
    return { path: written };
  };
  return { library, position, file, sessionUuid: session.uuid, changed, startS: Date.parse(startedAt) / 1000 };
}

const dlc = 'scorer,s,s,s\nbodyparts,LED,LED,LED\ncoords,x,y,likelihood\n0,10,20,1\n1,30,40,0.5\n2,50,60,0.95\n';

it('a tracking is kept once with its session, on the miniscope’s clock, in cm by its scale, unsure samples not seen', async () => {
  const { library, position, file, sessionUuid, changed } = await place();
  const source = file('pose.csv', dlc);
  const times = file('timeStamps.csv', 'Frame Number,Time Stamp (ms),Buffer Index\n0,0,0\n1,100,0\n2,200,0\n');
  const wish = { sessionUuid, source, times, pxPerCm: 10 };
  expect(await position.add({ ...wish, dryRun: true }, local)).toMatchObject({
    position: null,
    added: false,
    samples: 3,
  });
  expect(await position.list({}, local)).toEqual([]);
  const { position: made, added } = await position.add(wish, local);
  expect(added).toBe(true);
  expect(made).toMatchObject({ name: 'pose', program: 'deeplabcut', unit: 'px', pxPerCm: 10, mainPart: 'LED' });
  expect(changed).toEqual([sessionUuid]);
  expect(await position.add(wish, local)).toMatchObject({ added: false, position: { uuid: made!.uuid } });
  // The behaviour began 1.5 s after the miniscope.
  await library.events.setClock(sessionUuid, { offsetS: 1.5, rate: 1 });
  const track = await position.track({ positionUuid: made!.uuid, mostSamples: 100 }, local);
  expect(track).toMatchObject({ unit: 'cm', samples: 3, x: [1, null, 5], y: [2, null, 6] });
  expect(track.seen).toBeCloseTo(2 / 3, 6);
  expect(track.timesS).toEqual([1.5, 1.6, 1.7]);
  expect(track.clock).toMatchObject({ offsetS: 1.5, method: 'given' });
  const all = await position.track({ positionUuid: made!.uuid, leastLikelihood: 0.4, mostSamples: 2 }, local);
  expect(all).toMatchObject({ samples: 3, x: [1, 5], seen: 1 });
  // What Explore asks for.
  expect(await trackOf(library, sessionUuid)).toMatchObject({ unit: 'cm', x: Float32Array.of(1, Number.NaN, 5) });
  await position.set({ positionUuid: made!.uuid, pxPerCm: 20 }, local);
  expect((await position.track({ positionUuid: made!.uuid, mostSamples: 9 }, local)).x).toEqual([0.5, null, 2.5]);
});

it('another file under the same name, a part or a session that is not there, and a file without times are refused', async () => {
  const { position, file, sessionUuid } = await place();
  const source = file('pose.csv', dlc);
  await expect(position.add({ sessionUuid, source }, local)).rejects.toMatchObject({ code: 'position.unreadable' });
  await position.add({ sessionUuid, source, fps: 20 }, local);
  const other = file('pose.csv', `${dlc}3,1,1,1\n`);
  await expect(position.add({ sessionUuid, source: other, fps: 20 }, local)).rejects.toMatchObject({
    code: 'position.exists',
  });
  expect(await position.add({ sessionUuid, source: other, fps: 20, name: 'second' }, local)).toMatchObject({
    added: true,
  });
  await expect(position.add({ sessionUuid, source, fps: 20, part: 'tail' }, local)).rejects.toMatchObject({
    hint: 'It has: LED.',
  });
  const missing = { sessionUuid: '01a20ba6-cef8-770a-a360-34fe36bbb301', source, fps: 20 };
  await expect(position.add(missing, local)).rejects.toMatchObject({ code: 'session.not_imported' });
  await expect(position.add({ sessionUuid, source: file('x.bin', 'junk'), fps: 20 }, local)).rejects.toMatchObject({
    code: 'position.unreadable',
  });
  await expect(position.add({ sessionUuid, source }, { ...local, audience: 'window' })).rejects.toMatchObject({
    code: 'rpc.not_allowed',
  });
});

it('times since 1970 are put on the start of the session; those of another day begin at 0 and say so', async () => {
  const { position, file, sessionUuid, startS } = await place();
  const table = (from: number): string => `unix_time,x (cm),y (cm)\n${from},1,2\n${from + 0.5},3,4\n`;
  const same = await position.add({ sessionUuid, source: file('a.csv', table(startS + 12.25)) }, local);
  expect(same).toMatchObject({ onMiniscopeClock: true, unit: 'cm' });
  const track = await position.track({ positionUuid: same.position!.uuid, mostSamples: 9 }, local);
  expect(track.timesS).toEqual([12.25, 12.75]);
  expect(track.x).toEqual([1, 3]);
  const other = await position.add({ sessionUuid, source: file('b.csv', table(startS - 1e6)) }, local);
  expect(other.onMiniscopeClock).toBe(false);
  expect(other.findings.join(' ')).toContain('another day');
  await expect(position.set({ positionUuid: same.position!.uuid, pxPerCm: 4 }, local)).rejects.toThrow(
    'centimetres already',
  );
});

it('a table that a spreadsheet wrote with semicolons, commas before the decimals and a mark of its encoding is read like any other', async () => {
  const { position, file, sessionUuid } = await place();
  const rows = ['0,00;1,5;-2,25', '0,50;2,5;-2,5', '1,00;3,5;-2,75'];
  const german = `"Zeit";"time (s)";"x (cm)";"y (cm)"\r\n${rows.map((row, i) => `${i};${row}\r\n`).join('')};;;\r\n\r\n`;
  const bytes = Buffer.from(`\uFEFF${german.replace(';;;\r\n', '')}`, 'utf16le').toString('latin1');
  const utf16 = file('utf16.csv', '');
  writeFileSync(utf16.path, bytes, 'latin1');
  const { position: made } = await position.add({ sessionUuid, source: utf16 }, local);
  const track = await position.track({ positionUuid: made!.uuid, mostSamples: 9 }, local);
  expect(track).toMatchObject({ unit: 'cm', x: [1.5, 2.5, 3.5], y: [-2.25, -2.5, -2.75], timesS: [0, 0.5, 1] });
  const refused = async (name: string, text: string): Promise<string> =>
    await position.add({ sessionUuid, source: file(name, text) }, local).then(
      () => 'it was added',
      (error: Error) => error.message,
    );
  // Between commas nobody can tell which of them belong to a number.
  expect(await refused('commas.csv', 'time,x,y\n0,5,1,5,2,5\n')).toBe(
    'commas.csv, line 2: it has 6 fields, the first line 3.',
  );
  expect(await refused('mixed.csv', 'time;x;y\n0,5;1,5;2,5\n1.5;2;3\n')).toContain(
    'mixed.csv, line 3: “1.5” has its decimals',
  );
  expect(await refused('thousands.csv', 'time;x;y\n0,5;1.234,5;2,5\n')).toBe(
    'thousands.csv, line 2: “1.234,5” in column 2 is no number; numbers are written without marks between thousands.',
  );
});

it('is told row by row how far it is', async () => {
  const { library, file, sessionUuid } = await place();
  const rows = Array.from({ length: 5000 }, (_, i) => `${i / 30},${i},${i}\n`);
  const source = file('long.csv', `time,x,y\n${rows.join('')}`);
  const shares: number[] = [];
  const choice = { sessionUuid, file: source.path, dryRun: true };
  await addPosition(choice, library, local.signal, (_step, share) => shares.push(share));
  expect(shares.length).toBeGreaterThan(50);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
});
