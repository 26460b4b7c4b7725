// SPDX-License-Identifier: MIT
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jpegSize, JpegStream } from '../../../main/devices/camera/jpeg-stream.ts';
import { type Camera, cameraArguments, type CameraWish, type CameraPicture } from '../../../main/devices/index.ts';
import { inspectAvi, repairAvi, startFilm } from '../../../main/media/index.ts';
import {
  CameraRecording,
  type Disk,
  failingDisk,
  SharedSession,
  recoverSession,
  simulatorRig,
  systemDisk,
  verifySession,
} from '../../../main/recording/index.ts';
import { JpegFilm } from '../../../main/recording/jpeg-film.ts';
import { temporaryFolder } from '../../support/library.ts';
import { manualClock } from '../../support/manual-clock.ts';

const wish: CameraWish = {
  name: 'BehavCam',
  deviceId: 2,
  systemName: null,
  size: { width: 1280, height: 720 },
  frameRate: 30,
  playback: null,
  isTest: false,
};

/** The head of a JPEG of 64 × 48 pixels with a number in a comment: no picture, but what a film must keep byte for byte. */
function jpeg(number: number, length = 200): Uint8Array {
  const bytes = Buffer.alloc(length, 0x55);
  bytes.set([0xff, 0xd8, 0xff, 0xfe, 0x00, 0x06]);
  bytes.writeUInt32BE(number, 6);
  bytes.set([0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 48, 0x00, 64, 0x01, 0x11, 0x00, 0x00], 10);
  return bytes;
}

describe('a camera', () => {
  it('gives its own JPEG under Linux and Windows, and is encoded under macOS', () => {
    const linux = cameraArguments(wish, 'linux').join(' ');
    expect(linux).toContain('-f v4l2 -input_format mjpeg -framerate 30 -video_size 1280x720 -i /dev/video2 -c:v copy');
    const windows = cameraArguments({ ...wish, systemName: 'HD Webcam' }, 'win32').join(' ');
    expect(windows).toContain('-f dshow -vcodec mjpeg');
    expect(windows).toContain('-video_size 1280x720 -i video=HD Webcam -c:v copy');
    const mac = cameraArguments(wish, 'darwin').join(' ');
    expect(mac).toContain('-f avfoundation -framerate 30 -video_size 1280x720 -i 2:none -c:v mjpeg');
    for (const line of [linux, windows, mac]) expect(line).toMatch(/-f mpjpeg -flush_packets 1 pipe:1$/);
  });

  it('is a test picture or films in order, where the rig says so', () => {
    expect(cameraArguments({ ...wish, isTest: true }, 'linux').join(' ')).toContain(
      '-re -f lavfi -i testsrc2=size=1280x720:rate=30 -c:v mjpeg',
    );
    const playback = { ...wish, playback: { folderPath: '/films', filePrefix: 'cam' } };
    const line = cameraArguments(playback, 'linux', ['/films/cam0.avi', '/films/cam1.avi']).join(' ');
    expect(line).toContain('-re -i /films/cam0.avi -re -i /films/cam1.avi -filter_complex [0:v:0][1:v:0]concat=n=2');
  });

  it('that cannot be named is refused with what to do', () => {
    expect(() => cameraArguments(wish, 'win32')).toThrow(/Windows knows cameras by name/);
    const playback = { ...wish, playback: { folderPath: '/films', filePrefix: '' } };
    expect(() => cameraArguments(playback, 'linux', [])).toThrow(/there is none in \/films/);
  });

  it('sends pictures that are told apart however they are cut on their way', () => {
    const pictures = [jpeg(1, 201), jpeg(2, 60), jpeg(3, 4000)];
    const stream = Buffer.concat(
      pictures.flatMap((picture) => [
        Buffer.from(`--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: ${picture.length}\r\n\r\n`),
        picture,
        Buffer.from('\r\n'),
      ]),
    );
    for (const step of [1, 7, 64, stream.length]) {
      const seen: Uint8Array[] = [];
      const reader = new JpegStream((picture) => seen.push(picture));
      for (let at = 0; at < stream.length; at += step) reader.take(stream.subarray(at, at + step));
      expect(seen.map((picture) => Buffer.compare(picture, pictures[seen.indexOf(picture)]!))).toEqual([0, 0, 0]);
    }
    expect(jpegSize(pictures[0]!)).toEqual({ width: 64, height: 48 });
    expect(jpegSize(Uint8Array.from([0xff, 0xd8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))).toBeNull();
    expect(() => new JpegStream(() => undefined).take(Buffer.alloc(5000, 65))).toThrow(/told apart/);
  });
});

/** A camera that a test holds, and what it records. */
async function setUp() {
  const clock = manualClock();
  await clock.advance(500);
  const { disk, fault } = failingDisk(systemDisk(startFilm), clock);
  const world = { clock, now: () => new Date(Date.UTC(2026, 9, 10, 7, 30) + Number(clock.nowNs() / 1_000_000n)), disk };
  const data = temporaryFolder('calyx-camera-');
  const session = await SharedSession.make(
    { rig: simulatorRig, dataDirectory: data, miniscopes: [], cameras: ['BehavCam'], held: true },
    world,
  );
  let onPicture: (picture: CameraPicture) => void = () => undefined;
  let end: (why: string) => void = () => undefined;
  const camera: Camera = {
    name: 'BehavCam',
    size: { width: 64, height: 48 },
    follow: (handler) => {
      onPicture = handler;
    },
    ended: new Promise((resolve) => {
      end = resolve;
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const rigCamera = { ...wish, playback: null, type: 'WebCam-64x48', framesPerFile: 8 };
  const recording = await CameraRecording.start(rigCamera, camera, session, { ...world, programVersion: '0.0.0' });
  let n = 0;
  const come = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      await clock.advance(33);
      onPicture({ jpeg: jpeg(n, 200 + n), atNs: clock.nowNs() });
      n += 1;
    }
  };
  return { clock, session, recording, come, end, fault, device: path.join(session.folder, 'BehavCam') };
}

describe('a behaviour camera in a recording', () => {
  it('is held until all devices are let go; then its pictures are kept as they came, with their times', async () => {
    const { session, recording, come, clock, device } = await setUp();
    await come(3);
    await session.release();
    await recording.released();
    await come(20);
    await clock.advance(1000);
    const report = await recording.stop();
    await session.close();
    expect(report).toMatchObject({ saved: 20, missing: null, knownMissing: 0, usualIntervalMs: 33, failure: null });
    expect(report.files.map(({ name, frames }) => [name, frames])).toEqual([
      ['0.avi', 8],
      ['1.avi', 8],
      ['2.avi', 4],
    ]);
    const film = readFileSync(path.join(device, '0.avi'));
    // The first three came before time zero.
    for (let n = 3; n < 11; n += 1) expect(film.includes(Buffer.from(jpeg(n, 200 + n)))).toBe(true);
    expect(film.includes(Buffer.from(jpeg(2, 202)))).toBe(false);
    const rows = readFileSync(path.join(device, 'timeStamps.csv'), 'utf8').trimEnd().split('\n');
    expect(rows.slice(0, 2)).toEqual([
      'Frame Number,Time Stamp (ms),Buffer Index,Unix Time Stamp (ms)',
      `0,33,1,${Date.UTC(2026, 9, 10, 7, 30) + 500 + 3 * 33 + 33}`,
    ]);
    expect(JSON.parse(readFileSync(path.join(session.folder, 'metaData.json'), 'utf8'))).toMatchObject({
      cameras: ['BehavCam'],
      recordingStartTime: { msecSinceEpoch: Date.UTC(2026, 9, 10, 7, 30) + 500 + 3 * 33 },
    });
    expect(await verifySession(session.folder)).toMatchObject({ sound: true });
    expect(await inspectAvi(path.join(device, '0.avi'))).toMatchObject({ frames: 8, counted: 8, isClosed: true });
  });

  it('that stops giving pictures is told, and what came is kept', async () => {
    const { session, recording, come, end, clock } = await setUp();
    await session.release();
    await come(5);
    end('The camera BehavCam stopped: Input/output error.');
    await clock.advance(10);
    const report = await recording.stop();
    expect(report).toMatchObject({ saved: 5, stopped: 'The camera BehavCam stopped: Input/output error.' });
    await session.close();
    expect(readFileSync(path.join(session.folder, 'notes.csv'), 'utf8')).toContain('BehavCam stopped');
  });

  it('is not disturbed when a file is full in the middle of its being put on the disk', async () => {
    const folder = temporaryFolder();
    const { promise: slow, resolve: go } = Promise.withResolvers<void>();
    let syncs = 0;
    const real = systemDisk(startFilm);
    const disk: Disk = {
      ...real,
      create: async (file) => {
        const inner = await real.create(file);
        return {
          ...inner,
          sync: async () => {
            syncs += 1;
            if (syncs === 1) await slow;
            await inner.sync();
          },
        };
      },
    };
    const film = await JpegFilm.create({ folder, size: { width: 64, height: 48 }, fps: 30, framesPerFile: 2 }, disk);
    const push = (first: number, end: number): void => {
      for (let n = first; n < end; n += 1) expect(film.push(jpeg(n))).toBe('taken');
    };
    push(0, 2);
    await expect.poll(() => film.waiting).toBe(0);
    const synced = film.sync();
    push(2, 5);
    // The next file is there: the first one is being closed.
    await expect.poll(() => existsSync(path.join(folder, '1.avi'))).toBe(true);
    go();
    await synced;
    expect((await film.finish()).map(({ frames }) => frames)).toEqual([2, 2, 1]);
    for (const [name, frames] of [
      ['0.avi', 2],
      ['1.avi', 2],
      ['2.avi', 1],
    ] as const)
      expect(await inspectAvi(path.join(folder, name))).toMatchObject({ frames, isClosed: true });
  });

  it('on a full disk keeps what was written, readable', async () => {
    const { session, recording, come, fault, device, clock } = await setUp();
    await session.release();
    await come(5);
    await clock.advance(1000);
    // The disk is a real one: what came is there once it has been written.
    await expect.poll(async () => (await inspectAvi(path.join(device, '0.avi'))).frames).toBe(5);
    fault('full-disk');
    await come(3);
    const report = await recording.stop();
    expect(report).toMatchObject({ failure: 'The disk is full.', saved: 5, files: [{ name: '0.avi', frames: 5 }] });
    expect(await inspectAvi(path.join(device, '0.avi'))).toMatchObject({ frames: 5, isClosed: true });
    expect(readFileSync(path.join(device, 'timeStamps.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(1 + 5);
    await session.close().catch(() => undefined);
  });

  it('is sound once it was recovered from a crash: it has no table of a board', async () => {
    const { session, recording, come, device } = await setUp();
    await session.release();
    await recording.released();
    await come(7);
    await recording.stop();
    await session.close();
    rmSync(path.join(device, 'integrity.json'));
    expect(await recoverSession(session.folder, () => new Date(0))).toMatchObject({ state: 'repaired' });
    const report: unknown = JSON.parse(readFileSync(path.join(device, 'integrity.json'), 'utf8'));
    expect(report).toMatchObject({ kind: 'camera', saved: 7, missing: null });
    expect(await verifySession(session.folder)).toMatchObject({ sound: true });
  });

  it('leaves a film that a power cut threw back readable at any place', async () => {
    const { session, recording, come, clock, device } = await setUp();
    await session.release();
    await come(7);
    await clock.advance(1000);
    const open = readFileSync(path.join(device, '0.avi'));
    const cut = path.join(temporaryFolder(), 'cut.avi');
    for (let length = 224 + 208; length <= open.length; length += 97) {
      writeFileSync(cut, open);
      truncateSync(cut, length);
      const { frames } = await repairAvi(cut);
      expect(await inspectAvi(cut)).toMatchObject({ frames, isClosed: true });
    }
    await recording.stop();
    await session.close();
    copyFileSync(path.join(device, '0.avi'), cut);
    expect(await inspectAvi(cut)).toMatchObject({ frames: 7, isClosed: true });
  });
});
