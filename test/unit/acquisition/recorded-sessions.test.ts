// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedSessions, type LeftBehind } from '../../../main/acquisition/index.ts';
import { type Library, openLibrary } from '../../../main/library/index.ts';
import { probeFilm } from '../../../main/media/index.ts';
import { simulatorRig } from '../../../main/recording/index.ts';
import { openSession } from '../../../main/sessions/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { beginRecording, nothingHappened } from '../../support/recorded.ts';

const startedAt = new Date(Date.UTC(2026, 9, 10, 7, 30));
const rig = { ...simulatorRig, animalName: 'm12', researcherName: 'Eva', experimentName: 'track' };

let library: Library;
const libraryFolder = mkdtempSync(path.join(tmpdir(), 'calyx-recorded-'));
beforeAll(async () => {
  library = await openLibrary({ directory: libraryFolder });
});
afterAll(async () => {
  await library.close();
  rmSync(libraryFolder, { recursive: true, force: true });
});

/** A folder that is being recorded into, and what keeps it in the library. */
function setUp() {
  const root = temporaryFolder();
  const changed: string[] = [];
  const clock = manualClock();
  const sessions = recordedSessions({
    library,
    open: (folder) => openSession(folder, { probeFilm, fps: undefined }),
    changed: (uuid) => changed.push(uuid),
    process: () => Promise.resolve([]),
    now: () => startedAt,
    clock,
  });
  const data = path.join(root, 'data');
  const folder = path.join(data, 'm12', 'first');
  mkdirSync(folder, { recursive: true });
  const begin = async (pid: number): Promise<string> =>
    (await sessions.begin({ rig, dataDirectory: data, folder, startedAt, pid })) ?? '';
  const recovered = async (signal = new AbortController().signal): Promise<LeftBehind[]> => {
    const told: LeftBehind[] = [];
    for await (const left of sessions.recover(signal)) told.push(left);
    return told;
  };
  return { sessions, clock, data, folder, begin, recovered, changed };
}

/** The number of a process that is gone. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

/** Forty frames in a folder, left as a power cut leaves them. */
async function crashInto(folder: string, data: string): Promise<void> {
  const elsewhere = path.join(data, 'elsewhere');
  mkdirSync(elsewhere);
  const { recording, come, clock } = await beginRecording({ data, folder: elsewhere, compression: 'GREY' });
  await come(40);
  await clock.advance(1000);
  await expect.poll(() => recording.waiting).toBe(0);
  await clock.advance(1000);
  // The writer says that nothing waits while its last frames and rows are still on their way to the system.
  const device = path.join(elsewhere, 'Miniscope');
  const onDisk = (): number[] => [
    readFileSync(path.join(device, 'timeStamps.csv'), 'utf8').split('\n').length - 2,
    readFileSync(path.join(device, 'calyxFrames.csv'), 'utf8').split('\n').length - 2,
    Math.min(40, Math.floor(statSync(path.join(device, '0.avi')).size / (64 * 48))),
  ];
  await expect.poll(onDisk).toEqual([40, 40, 40]);
  cpSync(elsewhere, folder, { recursive: true });
  await recording.stop(nothingHappened);
}

describe('a recording under way', () => {
  it('is a session of the library before its first frame, with animal and experimenter', async () => {
    const { begin, changed } = setUp();
    const uuid = await begin(process.pid);
    expect(await library.sessions.get(uuid)).toMatchObject({
      name: 'm12/first',
      subject: 'm12',
      startedAt: '2026-10-10T07:30:00.000Z',
      recordings: [],
      findings: [{ code: 'session.recording', message: 'It is being recorded now.' }],
    });
    expect((await library.filesPresent([uuid])).get(uuid)).toBe(true);
    expect(await library.acquisitions.underWay()).toMatchObject([{ sessionUuid: uuid, process: { pid: process.pid } }]);
    expect(changed).toEqual([uuid]);
    await library.acquisitions.discard(uuid);
  });

  it('becomes a normal session when it has ended', async () => {
    const { sessions, begin, folder, data } = setUp();
    const uuid = await begin(process.pid);
    const { recording, come } = await beginRecording({ data, folder, compression: 'GREY' });
    await come(40);
    await recording.stop(nothingHappened);
    expect(await sessions.complete(uuid, folder)).toEqual({ sessionUuid: uuid });
    const session = await library.sessions.get(uuid);
    expect(session.recordings).toMatchObject([{ device: 'Miniscope', frames: 40 }]);
    expect(session.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(await library.acquisitions.underWay()).toEqual([]);
    // The same folder is not imported again.
    expect(await sessions.complete(null, folder)).toEqual({ sessionUuid: uuid });
  });

  it('that never began leaves no row', async () => {
    const { sessions, begin } = setUp();
    const uuid = await begin(process.pid);
    await sessions.discard(uuid);
    await expect(library.sessions.get(uuid)).rejects.toMatchObject({ code: 'session.not_imported' });
  });
});

describe('a recording whose process is gone', () => {
  it('is repaired and told with counts at the next start, once', async () => {
    const { begin, recovered, folder, data } = setUp();
    const uuid = await begin(deadProcess());
    await crashInto(folder, data);
    const told = await recovered();
    expect(told).toEqual([
      {
        folder,
        severity: 'warning',
        text: 'm12/first: The recording ended without a stop. 00:00:02 of it is intact, up to a second at its end may be missing. 40 frames are there.',
      },
    ]);
    const session = await library.sessions.get(uuid);
    expect(session.recordings).toMatchObject([{ frames: 40 }]);
    expect(session.findings[0]).toMatchObject({ code: 'session.recovered', message: told[0]?.text });
    expect(await recovered()).toEqual([]);
  });

  it('is told as lost when no frame or no folder is there', async () => {
    const { begin, recovered, folder } = setUp();
    const uuid = await begin(deadProcess());
    expect((await recovered())[0]?.text).toBe(
      'The recording m12/first ended before its first frame was on the disk; nothing of it can be shown.',
    );
    expect((await library.sessions.get(uuid)).findings).toMatchObject([{ code: 'session.lost', severity: 'problem' }]);
    await begin(deadProcess());
    rmSync(folder, { recursive: true });
    expect((await recovered())[0]?.text).toBe(
      'The recording m12/first ended without a stop, and its folder is not there.',
    );
  });

  it('is left alone while a process still writes it', async () => {
    const { begin, recovered, clock } = setUp();
    await begin(process.pid);
    const leaving = new AbortController();
    const looking = recovered(leaving.signal);
    await clock.advance(10_000);
    leaving.abort();
    expect(await looking).toEqual([]);
    expect(await library.acquisitions.underWay()).toHaveLength(1);
  });
});
