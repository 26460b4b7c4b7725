// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FrameCounter } from '../../../main/devices/miniscope/frame-counter.ts';
import { probeFilm, startFilm } from '../../../main/media/index.ts';
import { diskWords } from '../../../main/recording/disk.ts';
import {
  checkSpace,
  type Disk,
  failingDisk,
  type FailingDisk,
  measureWriteSpeed,
  rigJson,
  rigOf,
  systemDisk,
  verifySession,
} from '../../../main/recording/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { beginRecording, nothingHappened, type UnderWay } from '../../support/recorded.ts';

const rows = (device: string): string[] =>
  readFileSync(path.join(device, 'timeStamps.csv'), 'utf8').trimEnd().split('\n').slice(1);

/** A recording on a disk that fails on command; its clock is that of the recording. */
async function onFailingDisk(): Promise<UnderWay & { readonly fault: FailingDisk['fault'] }> {
  let nowNs = (): bigint => 0n;
  const { disk, fault } = failingDisk(systemDisk(startFilm), { nowNs: () => nowNs() });
  const begun = await beginRecording({ data: temporaryFolder('calyx-disk-'), compression: 'GREY', disk });
  nowNs = begun.clock.nowNs;
  return { ...begun, fault };
}

describe('a disk that fails while a recording is under way', () => {
  it('slow: frames that did not fit are counted and told, the others are all there', async () => {
    const { recording, come, fault, device } = await onFailingDisk();
    await come(20);
    fault('slow-disk');
    await come(200);
    expect(recording.buffer.highWater).toBe(128);
    const report = await recording.stop(nothingHappened);
    expect(report).toMatchObject({ failure: null, stopped: null, bufferHighWater: 128 });
    const lost = report.missing ?? Number.NaN;
    expect(lost).toBeGreaterThan(20);
    expect(report.saved).toBe(220 - lost);
    // The encoder runs in real time: a frame may fit in between, so that the loss falls in one piece or in a few.
    expect(report.gaps[0]).toMatchObject({ afterFrame: 147, where: 'disk' });
    expect(report.gaps.every(({ where }) => where === 'disk')).toBe(true);
    expect(report.gaps.reduce((sum, { frames }) => sum + (frames ?? Number.NaN), 0)).toBe(lost);
    const told = report.events.map(({ text }) => text);
    expect(told[0]).toBe('Frames are not saved: the disk does not keep up.');
    const counts = told.map((text) =>
      /^(\d+) frames? (?:was|were) not saved until (?:00:00:\d\d|the end): the disk did not keep up\. .+ marked in the recording\.$/.exec(
        text,
      ),
    );
    expect(counts.reduce((sum, found) => sum + Number(found?.[1] ?? 0), 0)).toBe(lost);
    expect(await probeFilm(path.join(device, '0.avi'))).toMatchObject({ frames: report.saved, findings: [] });
    expect(rows(device)).toHaveLength(report.saved);
    expect(await verifySession(recording.folder)).toMatchObject({ sound: true });
  });

  it('full: the recording ends and says so; what was written before is sound', async () => {
    const { recording, come, fault, device } = await onFailingDisk();
    await come(40);
    await expect.poll(() => rows(device).length).toBe(40);
    fault('full-disk');
    await come(10);
    expect(recording.stopped).toBe('The disk is full. The recording was ended; what was written before is saved.');
    const report = await recording.stop(nothingHappened);
    expect(report).toMatchObject({ saved: 40, failure: 'The disk is full.' });
    // The frame under way when the disk said so; none when the look at its free space came first.
    expect([0, 1]).toContain(report.missing);
    expect(await probeFilm(path.join(device, '0.avi'))).toMatchObject({ frames: 40, findings: [] });
    expect(rows(device)).toHaveLength(40);
  });

  it('that ends the film while frames wait: they are missing in the report, and films and rows end together', async () => {
    const real = systemDisk(startFilm);
    const disk: Disk = { ...real, startFilm: (options) => real.startFilm({ ...options, framesPerFile: 5 }) };
    const data = temporaryFolder('calyx-disk-');
    const { recording, come, device } = await beginRecording({ data, compression: 'GREY', disk });
    // The writer never touches a file that is there: it ends at the sixth frame, whatever it has been given by then.
    writeFileSync(path.join(device, '1.avi'), '');
    await come(40);
    const report = await recording.stop(nothingHappened);
    expect(report.failure).toContain('1.avi');
    expect(report.stopped).toContain('what was written before is saved');
    expect(report).toMatchObject({ saved: 5, files: [{ name: '0.avi', frames: 5 }] });
    expect(report.missing).toBeGreaterThan(0);
    expect(report.expected).toBe(5 + (report.missing ?? Number.NaN));
    expect(report.gaps.reduce((sum, { frames }) => sum + frames, 0)).toBe(report.missing);
    for (const name of ['timeStamps.csv', 'calyxFrames.csv'])
      expect(readFileSync(path.join(device, name), 'utf8').split('\n')).toHaveLength(1 + 5 + 1);
    expect(await verifySession(recording.folder)).toMatchObject({ sound: true });
  });

  it('full, as the system says it, is told in words', () => {
    const full = '/data/Miniscope/2.avi: No space left on device (os error 28)';
    expect(
      [full, 'ENOSPC: no space left on device, write', '0.avi: Input/output error (os error 5)'].map(diskWords),
    ).toEqual(['The disk is full.', 'The disk is full.', 'The disk answers with errors.']);
    expect(diskWords('The film is torn.')).toBe('The film is torn.');
  });

  it('nearly full: the recording ends by itself while everything can still be closed', async () => {
    const { recording, come, fault, device } = await onFailingDisk();
    await come(10);
    fault('low-disk');
    await come(60);
    const sentence =
      'The disk is nearly full (100 MB free): the recording was ended, and everything up to here is saved.';
    await expect.poll(() => recording.stopped).toBe(sentence);
    const { saved } = recording;
    await come(5);
    const report = await recording.stop(nothingHappened);
    expect(report).toMatchObject({ saved, missing: 0, failure: null, stopped: sentence });
    expect(readFileSync(path.join(recording.folder, 'notes.csv'), 'utf8')).toContain(sentence);
    expect(rows(device)).toHaveLength(saved);
    expect(await verifySession(recording.folder)).toMatchObject({ sound: true });
  });
});

describe('room on the disk', () => {
  const free = (bytes: number | null): { readonly freeBytes: () => Promise<number | null> } => ({
    freeBytes: () => Promise.resolve(bytes),
  });

  it('is refused, warned of or not known, in words', async () => {
    const need = { perSecond: 11e6, plannedS: 1200 };
    expect((await checkSpace('/data', need, free(4.1e9))).refusal).toBe(
      'Not started: 20 min need 13.4 GB, 4.1 GB are free on the disk of /data.',
    );
    expect((await checkSpace('/data', { ...need, plannedS: null }, free(4e8))).refusal).toBe(
      'Not started: a recording needs 500 MB at least, 400 MB are free on the disk of /data.',
    );
    expect(await checkSpace('/data', { ...need, plannedS: 60 }, free(3e9))).toMatchObject({
      refusal: null,
      warning: 'Only 3.0 GB are free on the disk of /data.',
      lastsS: 250,
    });
    expect(await checkSpace('/data', need, free(1e12))).toMatchObject({ refusal: null, warning: null });
    expect((await checkSpace('/data', need, free(null))).warning).toContain('is unknown');
  });

  it('that is missing leaves no folder behind', async () => {
    const data = temporaryFolder();
    const disk = { ...systemDisk(startFilm), ...free(1e8) };
    await expect(beginRecording({ data, compression: 'GREY', disk })).rejects.toMatchObject({ code: 'disk.full' });
    expect(readdirSync(data)).toEqual([]);
  });

  it('is measured by what the disk takes, and nothing of that stays', async () => {
    const data = temporaryFolder();
    let ns = 0n;
    const speed = await measureWriteSpeed(data, () => (ns += 500_000_000n), 2 << 20);
    expect(speed).toBe((2 << 20) / 0.5);
    expect(readdirSync(data)).toEqual([]);
  });
});

describe('a counter of 16 bits over 12 hours', () => {
  it('is exact at 30 frames a second with losses, wraps and reconnections', () => {
    const counter = new FrameCounter();
    let raw = 65_000;
    let lost = 0;
    let expected = 0;
    let told = 0;
    for (let frame = 1; frame <= 12 * 3600 * 30; frame += 1) {
      const isReconnection = frame % 300_007 === 0;
      if (isReconnection) {
        counter.reconnected();
        raw = 0;
      }
      const gone = frame % 10_007 === 0 ? 1 + (frame % 5) : 0;
      if (!isReconnection) lost += gone;
      raw = (raw + 1 + (isReconnection ? 0 : gone)) & 0xffff;
      const reading = counter.take(raw);
      told += reading.lost;
      expected += 1 + (isReconnection ? 0 : gone);
      if (reading.frame !== expected) throw new Error(`frame ${frame}: ${String(reading.frame)} for ${expected}`);
    }
    expect(told).toBe(lost);
    expect(counter.restarts).toBe(4);
    expect(expected).toBe(12 * 3600 * 30 + lost);
  });
});

describe('a recording that cannot begin', () => {
  it('leaves no file and no film open, whichever step the disk refuses', async () => {
    for (let refused = 1; ; refused += 1) {
      const real = systemDisk(startFilm);
      let steps = 0;
      let open = 0;
      const step = (): void => {
        steps += 1;
        if (steps === refused) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      };
      const disk: Disk = {
        ...real,
        create: async (name) => {
          step();
          const file = await real.create(name);
          open += 1;
          let isOpen = true;
          return {
            ...file,
            write: async (bytes, at) => {
              step();
              await file.write(bytes, at);
            },
            close: async () => {
              await file.close();
              if (isOpen) open -= 1;
              isOpen = false;
            },
          };
        },
        syncFolder: async (folder) => {
          step();
          await real.syncFolder(folder);
        },
        startFilm: async (options) => {
          step();
          const film = await real.startFilm(options);
          open += 1;
          return {
            ...film,
            finish: async () => {
              open -= 1;
              return await film.finish();
            },
          };
        },
      };
      const begun = await beginRecording({ data: temporaryFolder('calyx-disk-'), compression: 'GREY', disk }).catch(
        () => null,
      );
      if (begun === null) {
        expect(open, `step ${String(refused)}`).toBe(0);
        continue;
      }
      // Notes, three tables, and the film.
      expect(open).toBe(5);
      expect(refused).toBeGreaterThan(12);
      await begun.recording.stop(nothingHappened);
      expect(open).toBe(0);
      return;
    }
  });
});

describe('a rig that is saved again', () => {
  it('keeps every key it does not know, and the form of its devices', () => {
    const old = {
      dataDirectory: '/data',
      researcherName: 'r',
      recordLengthinSeconds: 60,
      compressionOptions: ['FFV1'],
      behaviorTracker: { type: 'DeepLabCut-Live', resize: 0.5 },
      devices: {
        miniscopes: [
          {
            deviceName: 'A',
            deviceType: 'Miniscope_V4',
            led0: 3,
            windowX: 9,
            ROI: { leftEdge: 0, topEdge: 0, width: 8, height: 8, notes: 'n' },
          },
        ],
        cameras: [{ deviceName: 'Cam', deviceType: 'WebCam-640x480', cameraCalibrationFileLocation: 'x' }],
        other: 1,
      },
    };
    const rig = rigOf(old, 'rig.json');
    const [scope] = rig.scopes;
    const saved = rigJson({ ...rig, recordLengthS: 90, scopes: [{ ...scope!, settings: { led0: 7 } }] });
    expect(saved).toMatchObject({
      ...old,
      recordLengthinSeconds: 90,
      devices: { ...old.devices, miniscopes: [{ ...old.devices.miniscopes[0]!, led0: 7 }] },
    });
    expect(rigOf(saved, 'rig.json').scopes).toMatchObject([{ name: 'A', settings: { led0: 7 }, roi: { width: 8 } }]);
    expect(rig.cameras).toMatchObject([{ name: 'Cam', size: { width: 640, height: 480 } }]);
  });
});
