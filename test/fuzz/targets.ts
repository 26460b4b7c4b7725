// SPDX-License-Identifier: MIT
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeNpy, encodeNpy, NpyFile, readNpz, readSparseRows } from '../../main/arrays/index.ts';
import { packBlob, unpackBlob } from '../../main/interop/datajoint/blob.ts';
import { filmReaderOf } from '../../main/interop/films/readers/index.ts';
import { PickleError, readPickle } from '../../main/interop/results/pickle.ts';
import { writeRun as writeForeign } from '../../main/interop/results/write-run.ts';
import { readerOf } from '../../main/interop/results/readers/index.ts';
import { roiBytes } from '../../main/interop/writers/roi-zip.ts';
import { binding, fromNative, probeFilm } from '../../main/media/index.ts';
import { positionReaders } from '../../main/position/readers/index.ts';
import { frameTimes, openSession } from '../../main/sessions/index.ts';
import { greyAvi } from '../support/avi.ts';
import { scipyMat } from '../support/mat-files.ts';
import { pickled } from '../support/pickles.ts';
import { npyBytes, sparseBytes, zipBytes } from '../support/run-folder.ts';
import { tiffBytes } from '../support/tiff.ts';
import { fixture, frames, hdf5, height, isxd, mat5, page, text, width } from './corpus.ts';
import type { Files, Target } from './target.ts';
import { travel } from './travel-targets.ts';

const first = (folder: string, names: readonly string[]): string => path.join(folder, names[0] ?? '');

/** Reads a film of another program to its end; what nobody recognises is no film. */
async function readFilm(place: string): Promise<boolean> {
  const reader = await filmReaderOf(place);
  if (reader === null) return false;
  const film = await reader.open(place, { dataset: null });
  if ('film' in film) return false;
  await using held = film;
  for (let frame = 0; frame < Math.min(held.frames, 8); frame += 1) await held.read(frame);
  return true;
}

/** Reads a result of another program and writes it as a run folder. */
async function readResult(place: string, folder: string): Promise<boolean> {
  const reader = await readerOf(place);
  if (reader === null) return false;
  const field = { height, width, frames, fps: 20 };
  await writeForeign(path.join(folder, 'run-of-the-result'), await reader.read(place, field), reader.title);
  return true;
}

const bytes16 = (values: readonly number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer);
const timing = { numTimes: 8, period: { num: 50, den: 1000 }, dropped: [1], cropped: [[3, 4]], blank: [] };
const spacing = { numPixels: { x: width, y: height } };

const zarray = (shape: readonly number[], chunks: readonly number[], dtype: string): Buffer =>
  text({ zarr_format: 2, shape, chunks, dtype, compressor: null, fill_value: 0, filters: null, order: 'C' });

const films: readonly Target[] = [
  {
    name: 'avi',
    corpus: () => [{ '0.avi': greyAvi(3, 4, 8) }, { '0.avi': greyAvi(1, 2, 4) }],
    read: async (folder, names) => {
      await probeFilm(first(folder, names));
      const native = binding();
      try {
        const { handle, frames: count } = await native.openRecording([first(folder, names)]);
        try {
          for (let frame = 0; frame < Math.min(count, 4); frame += 1) await native.readFrame(handle, frame, 0, 0);
        } finally {
          native.closeRecording(handle);
        }
      } catch (error) {
        throw fromNative(error);
      }
      return true;
    },
  },
  {
    name: 'tiff',
    corpus: () => {
      const pages = Array.from({ length: 3 }, (_, frame) => Uint16Array.from(page(frame)));
      return [
        { 'film.tif': tiffBytes({ height, width, pages }) },
        { 'film.tif': tiffBytes({ height, width, pages, big: true }) },
        {
          'film.tif': tiffBytes({
            height,
            width,
            pages,
            bigEndian: true,
            listFirstOnly: true,
            description: 'ImageJ=1.54\nimages=3\nfinterval=0.05\n',
          }),
        },
      ];
    },
    read: (folder, names) => readFilm(first(folder, names)),
  },
  {
    name: 'isxd-film',
    corpus: () => {
      const footer = { type: 0, dataType: 0, hasFrameHeaderFooter: false, spacingInfo: spacing, timingInfo: timing };
      return [
        {
          'film.isxd': isxd(
            Array.from({ length: frames }, (_, frame) => bytes16(page(frame))),
            footer,
          ),
        },
      ];
    },
    read: (folder, names) => readFilm(first(folder, names)),
  },
  {
    name: 'zarr',
    corpus: (): readonly Files[] => {
      const film: Files = {
        'film.zarr/.zarray': zarray([frames, height, width], [2, height, width], '<u2'),
        'film.zarr/0.0.0': bytes16([...page(0), ...page(1)]),
        'film.zarr/1.0.0': bytes16([...page(2), ...page(3)]),
      };
      return [film];
    },
    read: (folder) => readFilm(path.join(folder, 'film.zarr')),
  },
  {
    name: 'hdf5-film',
    corpus: async () => [
      await hdf5('film.h5', (file) =>
        file.array('/film', Uint16Array.from(Array.from({ length: frames }, (_, frame) => page(frame)).flat()), [
          frames,
          height,
          width,
        ]),
      ),
    ],
    read: (folder, names) => readFilm(first(folder, names)),
  },
];

const results: readonly Target[] = [
  {
    name: 'caiman',
    corpus: async () => [
      await hdf5('result.hdf5', (file) => {
        for (const group of ['/estimates', '/estimates/A']) file.group(group);
        file.array('/estimates/A/data', Float64Array.of(2, 1, 4, 1), [4]);
        file.array('/estimates/A/indices', Int32Array.of(17, 18, 0, 23), [4]);
        file.array('/estimates/A/indptr', Int32Array.of(0, 2, 4), [3]);
        file.array('/estimates/A/shape', Int32Array.of(height * width, 2), [2]);
        file.array('/estimates/C', Float64Array.of(0, 1, 2, 3, 4, 5), [2, 3]);
        file.array('/estimates/YrA', new Float64Array(6), [2, 3]);
        file.text('/estimates/S', 'NoneType');
        file.array('/estimates/idx_components', Int32Array.of(1), [1]);
        file.array('/dims', Int32Array.of(height, width), [2]);
      }),
    ],
    read: (folder, names) => readResult(first(folder, names), folder),
  },
  {
    name: 'isxd-cells',
    corpus: () => {
      const footer = {
        type: 1,
        spacingInfo: spacing,
        timingInfo: { numTimes: frames, period: { num: 50, den: 1000 } },
        CellNames: ['C0'],
        CellStatuses: [0],
      };
      const values = Float32Array.from({ length: height * width + frames }, (_, i) => i % 7);
      const seconds = (num: number) => ({ secsSinceEpoch: { num, den: 1 } });
      const events = {
        type: 5,
        'channel list': ['C0', 'C1'],
        numSamples: [2, 1],
        signalSteps: [
          { num: 1, den: 20 },
          { num: 1, den: 20 },
        ],
        'global times': [seconds(1_700_000_000), seconds(1_700_000_010)],
      };
      const event = (micros: number, amplitude: number): Buffer => {
        const bytes = Buffer.alloc(20);
        bytes.writeBigUInt64LE(BigInt(micros));
        bytes.writeFloatLE(amplitude, 16);
        return bytes;
      };
      return [
        { 'cells.isxd': isxd([Buffer.from(values.buffer)], footer) },
        { 'events.isxd': isxd([event(50_000, 1), event(450_000, 2.5), event(1_000_000, 0.5)], events) },
      ];
    },
    read: (folder, names) => readResult(first(folder, names), folder),
  },
  {
    name: 'minian',
    corpus: (): readonly Files[] => {
      const floats = (count: number): Buffer =>
        Buffer.from(Float64Array.from({ length: count }, (_, i) => i % 5).buffer);
      const array = (name: string, shape: readonly number[], axes: readonly string[]): Files => ({
        [`minian/${name}.zarr/${name}/.zarray`]: zarray(shape, shape, '<f8'),
        [`minian/${name}.zarr/${name}/.zattrs`]: text({ _ARRAY_DIMENSIONS: axes }),
        [`minian/${name}.zarr/${name}/${shape.map(() => 0).join('.')}`]: floats(shape.reduce((a, b) => a * b, 1)),
      });
      return [
        {
          ...array('A', [2, height, width], ['unit_id', 'height', 'width']),
          ...array('C', [2, frames], ['unit_id', 'frame']),
          ...array('S', [2, frames], ['unit_id', 'frame']),
        },
      ];
    },
    read: (folder) => readResult(path.join(folder, 'minian'), folder),
  },
  {
    name: 'suite2p',
    corpus: (): readonly Files[] => [
      {
        'plane0/stat.npy': pickled('stat'),
        'plane0/ops.npy': pickled('ops'),
        'plane0/F.npy': npyBytes([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
        'plane0/iscell.npy': npyBytes([2, 2], Float64Array.of(1, 0.75, 0, 0.25)),
      },
    ],
    read: (folder) => readResult(path.join(folder, 'plane0'), folder),
  },
  {
    name: 'pickle',
    corpus: () => (['p2', 'p3', 'p4', 'p5'] as const).map((name) => ({ 'a.pickle': pickled(name) })),
    read: async (folder, names) => {
      try {
        readPickle(await readFile(first(folder, names)));
      } catch (error) {
        // Its callers say which file it is; a type of elements that is not read is the arrays' own error.
        if (!(error instanceof PickleError || error instanceof RangeError)) throw error;
      }
      return true;
    },
  },
  {
    name: 'roi-zip',
    corpus: () => {
      const square = [
        { x: 1, y: 1 },
        { x: 4, y: 1 },
        { x: 4, y: 3 },
        { x: 1, y: 3 },
      ];
      const roi = Buffer.from(roiBytes(square, 'cell'));
      return [
        { 'rois.zip': zipBytes({ 'cell.roi': roi }, 'stored') },
        { 'rois.zip': zipBytes({ 'cell.roi': roi }, 'deflated') },
        { 'cell.roi': roi },
      ];
    },
    read: (folder, names) => readResult(first(folder, names), folder),
  },
  {
    name: 'cellreg',
    corpus: async () => [
      { 'filters.mat': mat5({ allFiltersMat: [2, height, width] }) },
      // Version 7.3 has MATLAB's axes turned.
      await hdf5('filters.mat', (file) =>
        file.array(
          '/allFiltersMat',
          Float64Array.from({ length: 2 * height * width }, (_, i) => i % 3),
          [width, height, 2],
        ),
      ),
    ],
    read: (folder, names) => readResult(first(folder, names), folder),
  },
  {
    name: 'cnmf-e',
    corpus: () => [
      ...(['packed', 'plain', 'variables'] as const).map((name) => ({
        'out.mat': Buffer.from(scipyMat[name], 'base64'),
      })),
      { 'out.mat': mat5({ A: [height * width, 2], C: [2, 3], Cn: [height, width] }) },
    ],
    read: (folder, names) => readResult(first(folder, names), folder),
  },
  {
    name: 'min1pipe',
    corpus: async () => [
      await hdf5('result.mat', (file) => {
        file.array('/roifn', new Float64Array(2 * height * width).fill(0.5), [2, height * width]);
        file.array('/sigfn', new Float64Array(2 * frames), [frames, 2]);
        file.array('/pixh', Float64Array.of(height), [1, 1]);
        file.array('/pixw', Float64Array.of(width), [1, 1]);
      }),
    ],
    read: (folder, names) => readResult(first(folder, names), folder),
  },
];

async function readPosition(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  const head = Buffer.alloc(64 * 1024);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  await handle.close();
  const about = { path: file, head: head.subarray(0, bytesRead) };
  for (const reader of positionReaders) {
    if (!(await reader.recognises(about))) continue;
    await reader.read(file);
    return true;
  }
  return false;
}

const tables: readonly Target[] = [
  {
    name: 'position',
    corpus: () => [
      {
        'track.csv': text(
          'scorer,net,net,net\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n0,1.5,2.5,0.9\n1,1.6,2.6,0.8\n2,1.7,2.4,0.1\n',
        ),
      },
      { 'pose.csv': text('DLC-Live Pose Data.\n3,10.5,20.5,0.98,30,40,0.5,\n5,11,21,0.97,31,41,0.6,\n') },
      { 'track.mat': mat5({ positions: [9, 2] }) },
      { 'plain.csv': text('time,x,y\n0,1,2\n0.05,1.5,2.5\n0.1,2,3\n') },
      { 'track.h5': fixture('deeplabcut.h5.gz') },
      { 'track.h5': fixture('sleap-analysis.h5.gz') },
    ],
    read: (folder, names) => readPosition(first(folder, names)),
  },
  {
    name: 'session',
    corpus: () => {
      const device = {
        deviceName: 'Miniscope',
        deviceType: 'Miniscope_V4_BNO',
        deviceID: 0,
        framesPerFile: 1000,
        compression: 'GREY',
        frameRate: '20FPS',
        gain: 'Low',
        led0: 10,
        ewl: 0,
        ROI: { leftEdge: 0, topEdge: 0, width: 8, height: 4 },
      };
      const meta = {
        animalName: 'm1',
        researcherName: 'ada',
        experimentName: 'x',
        recordingStartTime: {
          year: 2026,
          month: 5,
          day: 1,
          hour: 11,
          minute: 0,
          second: 0,
          msec: 1,
          msecSinceEpoch: 1777626000001,
        },
        miniscopes: ['Miniscope'],
        cameras: [],
        directoryStructure: ['date', 'time'],
      };
      return [
        {
          'metaData.json': text(meta),
          'notes.csv': text('Time Stamp (ms), Note\n1200,turned\n'),
          'Miniscope/metaData.json': text(device),
          'Miniscope/timeStamps.csv': text('Frame Number,Time Stamp (ms),Buffer Index\n0,-5,0\n1,45,0\n2,95,1\n'),
          'Miniscope/headOrientation.csv': text('Time Stamp (ms),qw,qx,qy,qz\n0,0.5,0.5,0.5,0.5\n50,1,0,0,0\n'),
          'Miniscope/0.avi': greyAvi(3, 4, 8),
        },
        {
          'msCam1.avi': greyAvi(3, 4, 8),
          'timestamp.dat': text('camNum\tframeNum\tsysClock\tbuffer\n1\t1\t3\t1\n1\t2\t53\t1\n1\t3\t103\t1\n'),
          'settings_and_notes.dat': text(
            'animal\texcitation\tmsCamExposure\trecordLength\nm1\t10\t255\t1000\n\nelapsedTime\tNote\n',
          ),
        },
      ];
    },
    read: async (folder) => {
      const session = await openSession(folder, { probeFilm, fps: undefined });
      for (const read of session.devices) await frameTimes(session.format, read.films);
      return true;
    },
  },
  {
    name: 'npy',
    corpus: () => [
      {
        'a.npy': Buffer.from(
          encodeNpy(
            Float32Array.from({ length: 24 }, (_, i) => i),
            [4, 6],
          ),
        ),
      },
      { 'a.npy': npyBytes([3], BigInt64Array.of(1n, 2n, 3n)) },
    ],
    read: async (folder, names) => {
      decodeNpy(await readFile(first(folder, names)), 'a.npy');
      const file = await NpyFile.open(first(folder, names), 'a.npy');
      try {
        await file.read(
          0,
          Math.min(
            8,
            file.shape.reduce((product, axis) => product * axis, 1),
          ),
        );
      } finally {
        await file.close();
      }
      return true;
    },
  },
  {
    name: 'npz',
    corpus: () => [
      {
        'a.npz': sparseBytes(
          [
            [
              [5, 1],
              [7, 0.5],
            ],
            [],
            [[23, 1]],
          ],
          24,
          'deflated',
        ),
      },
      { 'a.npz': sparseBytes([[[5, 1]], [[0, 2]]], 24, 'stored') },
    ],
    read: async (folder, names) => {
      await readSparseRows(first(folder, names), 'a.npz');
      await readNpz(first(folder, names), ['data'], 'a.npz');
      return true;
    },
  },
  {
    name: 'blob',
    corpus: async () => {
      const values = [
        { shape: [2, 3], values: Float64Array.of(1, 2, 3, 4, 5, 6) },
        { a: [1, 'two', null, true], b: { c: 1.5 } },
        { shape: [2000], values: new Float32Array(2000) },
      ];
      return await Promise.all(values.map(async (value) => ({ 'a.blob': await packBlob(value) })));
    },
    read: async (folder, names) => {
      unpackBlob(await readFile(first(folder, names)));
      return true;
    },
  },
];

/** Every parser of files that are not ours. */
export const targets: readonly Target[] = [...films, ...results, ...tables, ...travel];
