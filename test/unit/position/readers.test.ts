// SPDX-License-Identifier: MIT
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { pickledNames } from '../../../main/position/readers/hdf5.ts';
import { positionReaders } from '../../../main/position/readers/index.ts';
import { readMatrix } from '../../../main/position/readers/mat5.ts';
import { joinFrames, readTimes, timeColumn } from '../../../main/position/times.ts';
import type { ReadPosition } from '../../../main/position/types.ts';
import { arenaBins, placeMap, spatialInformation } from '../../../main/explore/tuning.ts';
import { temporaryFolder } from '../../support/library.ts';
import { repositoryRoot, sharedFolder } from '../../support/shared.ts';

/** Reads a file by the first reader that knows it. */
async function read(file: string): Promise<ReadPosition & { title: string }> {
  const head = readFileSync(file).subarray(0, 65_536);
  for (const reader of positionReaders)
    if (await reader.recognises({ path: file, head })) return { ...(await reader.read(file)), title: reader.title };
  throw new Error(`nobody reads ${file}`);
}

function written(name: string, content: string | Buffer): string {
  const file = path.join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

const fixture = (name: string): string =>
  written(name, gunzipSync(readFileSync(path.join(repositoryRoot, 'test', 'fixtures', `${name}.gz`))));

const dlc = (rows: readonly string[]): string =>
  [
    'scorer,DLC_a,DLC_a,DLC_a,DLC_a,DLC_a,DLC_a',
    'bodyparts,nose,nose,nose,tail base,tail base,tail base',
    'coords,x,y,likelihood,x,y,likelihood',
    ...rows,
    '',
  ].join('\n');

describe('a DeepLabCut file', () => {
  it('of CSV has parts, frame numbers and likelihoods; what is not seen is NaN', async () => {
    const found = await read(written('a.csv', dlc(['0,1.5,2.5,0.99,10,20,0.1', '2,3,4,1,,,nan'])));
    expect(found).toMatchObject({ title: 'DeepLabCut CSV', program: 'deeplabcut', unit: 'px', timesS: null });
    expect([...found.frames!]).toEqual([0, 2]);
    expect(found.parts.map(({ part }) => part)).toEqual(['nose', 'tail base']);
    expect([...found.parts[0]!.x]).toEqual([1.5, 3]);
    expect([...found.parts[0]!.y]).toEqual([2.5, 4]);
    expect([...found.parts[1]!.x]).toEqual([10, Number.NaN]);
  });

  it('of several animals names the animal before the part; empty first fields do not matter', async () => {
    const text = 'scorer,s,s,s,s\nindividuals,m1,m1,m2,m2\nbodyparts,nose,nose,nose,nose\ncoords,x,y,x,y\n0,1,2,3,4\n';
    expect((await read(written('m.csv', text))).parts.map(({ part }) => part)).toEqual(['m1 nose', 'm2 nose']);
    const plain = ',F,F,F\n,LED,LED,LED\n,x,y,likelihood\n0,198.0,406.0,1.0\n';
    expect((await read(written('p.csv', plain))).parts).toMatchObject([{ part: 'LED' }]);
  });

  it('that is damaged says the line', async () => {
    const bad = { code: 'position.unreadable', details: { line: 5 } };
    await expect(read(written('b.csv', dlc(['0,1,2,1,3,4,1', '1,1,2,1,three,4,1'])))).rejects.toMatchObject(bad);
    await expect(read(written('c.csv', dlc(['0,1,2,1,3,4,1', '1,1,2'])))).rejects.toMatchObject(bad);
  });

  it('of HDF5, as pandas writes it, is the same', async () => {
    const found = await read(fixture('deeplabcut.h5'));
    expect(found).toMatchObject({ title: 'DeepLabCut HDF5', program: 'deeplabcut' });
    expect(found.parts.map(({ part }) => part)).toEqual(['nose', 'tail base']);
    expect(found.frames).toHaveLength(12);
    expect(found.parts[0]!.x[4]).toBe(12);
    expect(found.parts[0]!.y[4]).toBe(19);
    expect(found.parts[1]!.y[11]).toBeCloseTo(37.25, 5);
    expect(found.parts[1]!.likelihood![11]).toBe(1);
  });

  it('has its columns’ names in Python’s pickle, of which nothing else is understood', () => {
    expect(pickledNames('(lp0\n(VDLC\np1\nVnose\np2\nVx\np3\ntp4\na(g1\ng2\nVy\np5\ntp6\na.')).toEqual([
      ['nose', 'x'],
      ['nose', 'y'],
    ]);
    for (const odd of ['', "cos\nsystem\n(S'ls'\ntR.", '(lp0\nI1\na.', '(lp0\n.']) expect(pickledNames(odd)).toBeNull();
  });
});

describe('other files', () => {
  it('SLEAP’s analysis: the track seen most first, NaN where a node was not found', async () => {
    const found = await read(fixture('sleap-analysis.h5'));
    expect(found.program).toBe('sleap');
    expect(found.parts.map(({ part }) => part)).toEqual([
      'm1 head',
      'm1 body',
      'm1 tail',
      'm2 head',
      'm2 body',
      'm2 tail',
    ]);
    const body = found.parts[1]!;
    expect([body.x[2], body.y[2]]).toEqual([103, 51]);
    expect(body.x[3]).toBeNaN();
    expect(body.likelihood![0]).toBeCloseTo(0.8, 6);
    expect([found.parts[3]!.x[4], found.parts[3]!.x[5]]).toEqual([Number.NaN, 7]);
  });

  it('the Miniscope software’s pose.csv: a title, frame numbers, a comma at the end', async () => {
    const found = await read(
      written('pose.csv', 'DLC-Live Pose Data.\n3,10.5,20.5,0.98,30,40,0.5,\n5,11,21,0.97,31,41,0.6,\n'),
    );
    expect([...found.frames!]).toEqual([3, 5]);
    expect(found.parts.map(({ part }) => part)).toEqual(['part 0', 'part 1']);
    expect(found.parts[1]!.likelihood![1]).toBeCloseTo(0.6, 6);
    await expect(read(written('pose.csv', 'DLC-Live Pose Data.\n'))).rejects.toThrow('holds no pose');
  });

  it('a table: time by its unit, several parts, any separator, millimetres as centimetres', async () => {
    const found = await read(
      written('t.csv', 'Time (ms);Nose X (mm);Nose Y (mm);tail_x (mm);tail_y (mm)\n0;10;20;30;40\n50;11;21;;\n'),
    );
    expect(found).toMatchObject({ program: 'csv', unit: 'cm' });
    expect([...found.timesS!]).toEqual([0, 0.05]);
    expect(found.parts.map(({ part }) => part)).toEqual(['Nose', 'tail']);
    expect(found.parts[0]!.x[1]).toBeCloseTo(1.1, 6);
    expect(found.parts[1]!.y[1]).toBeNaN();
    const bare = await read(written('b.csv', 't,x,y\n0,1,2\n0.1,3,4\n'));
    expect(bare).toMatchObject({ unit: null, parts: [{ part: 'animal', likelihood: null }] });
    await expect(read(written('c.csv', 't,x,y\n0,1,2\n0.1,three,4\n'))).rejects.toMatchObject({ details: { line: 3 } });
  });

  it('MATLAB’s level 5, compressed or not; other content is refused by name', async () => {
    const matrix = (name: string, rows: number, columns: number, values: readonly number[]): Buffer => {
      const tag = (type: number, bytes: Buffer): Buffer => {
        const head = Buffer.alloc(8);
        head.writeUInt32LE(type, 0);
        head.writeUInt32LE(bytes.length, 4);
        return Buffer.concat([head, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
      };
      const words = (...list: number[]): Buffer => {
        const bytes = Buffer.alloc(list.length * 4);
        for (const [i, word] of list.entries()) bytes.writeUInt32LE(word, i * 4);
        return bytes;
      };
      const doubles = Buffer.alloc(values.length * 8);
      for (const [i, value] of values.entries()) doubles.writeDoubleLE(value, i * 8);
      return tag(
        14,
        Buffer.concat([tag(6, words(6, 0)), tag(5, words(rows, columns)), tag(1, Buffer.from(name)), tag(9, doubles)]),
      );
    };
    const head = Buffer.alloc(128, ' ');
    head.write('MATLAB 5.0 MAT-file', 'latin1');
    head.writeUInt16LE(0x0100, 124);
    head.write('IM', 126, 'latin1');
    const packed = (element: Buffer): Buffer => {
      const deflated = deflateSync(element);
      const tag = Buffer.alloc(8);
      tag.writeUInt32LE(15, 0);
      tag.writeUInt32LE(deflated.length, 4);
      return Buffer.concat([tag, deflated]);
    };
    const one = matrix('pos', 3, 2, [1, 2, 3, 10, 20, 30]);
    for (const body of [one, packed(one)]) {
      const found = await read(written('p.mat', Buffer.concat([head, body])));
      expect([...found.parts[0]!.x, ...found.parts[0]!.y]).toEqual([1, 2, 3, 10, 20, 30]);
    }
    const two = Buffer.concat([head, one, packed(matrix('other', 1, 1, [5]))]);
    await expect(readMatrix(written('two.mat', two))).rejects.toThrow('pos, other');
    await expect(
      readMatrix(written('cut.mat', Buffer.concat([head, packed(one).subarray(0, 40)]))),
    ).rejects.toMatchObject({
      code: 'position.unreadable',
    });
  });
});

describe('times of frames', () => {
  it('are found by the name of the column, in its unit', async () => {
    expect(timeColumn(['Frame Number', 'Time Stamp (ms)', 'Buffer Index'])).toEqual({ index: 1, toS: 1e-3 });
    expect(timeColumn(['frame_index', 'unix_time'])).toEqual({ index: 1, toS: 1 });
    expect(timeColumn(['x', 'y'])).toBeNull();
    const file = written('timeStamps.csv', 'Frame Number,Time Stamp (ms),Buffer Index\n0,-10,0\n1,23,0\n');
    expect([...(await readTimes(file))]).toEqual([-0.01, 0.023]);
    expect([...(await readTimes(written('list.csv', '0.5\n0.75\n')))]).toEqual([0.5, 0.75]);
    await expect(readTimes(written('none.csv', 'a,b\n1,2\n'))).rejects.toThrow('no column is called a time');
  });

  it('go with frame numbers, not with counts of rows', () => {
    const { timesS, findings } = joinFrames(Float64Array.of(0, 2, 9), Float64Array.of(0, 0.1, 0.2, 0.3), 'times.csv');
    expect([...timesS]).toEqual([0, 0.2, Number.NaN]);
    expect(findings).toEqual([
      '1 rows are of frames that times.csv does not know; they have no time.',
      'times.csv has 1 times more than there are rows.',
    ]);
  });
});

describe('real recordings', () => {
  const camap = path.join(sharedFolder, 'data', 'real', 'camap-sessions');
  const etter = path.join(sharedFolder, 'data', 'real', 'etter-ca1');

  it.skipIf(!existsSync(camap))('of CaMAP (DeepLabCut, an imitation of it, a table with more columns)', async () => {
    const arena = await read(path.join(camap, 'regression_2d', 'behavior_position.csv'));
    expect(arena.parts.map(({ part }) => part)).toEqual(['LED', 'center', 'taile_base', 'tail_end']);
    const maze = await read(path.join(camap, 'regression_1d', 'behavior_position.csv'));
    expect(maze.parts).toMatchObject([{ part: 'LED' }]);
    const times = await readTimes(path.join(camap, 'regression_2d', 'behavior_timestamp.csv'));
    expect(Math.abs(times.length - arena.parts[0]!.x.length)).toBeLessThan(50);
    expect(times[0]).toBeCloseTo(1_764_635_174.064_755, 5);
  });

  it.skipIf(!existsSync(etter))('of Etter and colleagues (MAT 5)', async () => {
    const track = await read(path.join(etter, 'Linear_track_data', 'behav_vec.mat'));
    const times = await readTimes(path.join(etter, 'Linear_track_data', 'behav_time.mat'));
    expect(track.parts[0]!.x).toHaveLength(26_796);
    expect(times).toHaveLength(26_796);
    const field = await read(path.join(etter, 'Open_field_data', 'behav_vec.mat'));
    expect(field.parts[0]!.y).toHaveLength(26_050);
    expect(Math.max(...field.parts[0]!.y)).toBeGreaterThan(30);
  });
});

it.skipIf(!existsSync(path.join(sharedFolder, 'data', 'real', 'etter-ca1')))(
  'a published place cell tells more of the place than the same activity at other times',
  async () => {
    const folder = path.join(sharedFolder, 'data', 'real', 'etter-ca1', 'Linear_track_data');
    const { parts } = await read(path.join(folder, 'behav_vec.mat'));
    const timesS = await readTimes(path.join(folder, 'behav_time.mat'));
    const cell = await readMatrix(path.join(folder, 'ca_trace.mat'));
    const cameraS = await readTimes(path.join(folder, 'ca_time.mat'));
    const { x, y } = parts[0]!;
    const arena = arenaBins(cameraS, { timesS, x, y, unit: 'cm' }, 3, 5);
    // A track of one metre, one line of places.
    expect([arena.rows, arena.columns]).toEqual([1, expect.any(Number)]);
    expect(arena.columns).toBeGreaterThan(20);
    const rises = Float32Array.from(cell.values, (value, i) => Math.max(0, value - (cell.values[i - 1] ?? value)));
    const bits = (shift: number): number => {
      const shifted = Float32Array.from(rises, (_, i) => rises[(i + shift) % rises.length] ?? 0);
      return spatialInformation(placeMap(shifted, arena), arena.occupancyS) ?? 0;
    };
    const others = [3000, 6000, 9000, 12_000, 15_000, 18_000, 21_000].map(bits);
    expect(bits(0)).toBeGreaterThan(1.5 * Math.max(...others));
  },
);
