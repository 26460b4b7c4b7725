// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { access, constants, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../contract/index.ts';
import { decodeNpy, encodeNpy, type NpyArray } from '../arrays/index.ts';
import { asRecord, readJson } from './recovery.ts';
import { readRows } from './row-repair.ts';
import { rowHeaders } from './row-file.ts';

/** A bout counts when so many seconds passed since the one before. */
const boutS = 0.5;

/** What the simulated scope showed, and how it was recorded. */
export interface TruthOf {
  readonly scene: { readonly name: string; readonly seed: number };
  readonly size: { readonly width: number; readonly height: number };
  readonly fps: number;
  /** Folder of the scope in the recording. */
  readonly deviceFolder: string;
  readonly shown: readonly { readonly atNs: bigint; readonly sceneFrame: number }[];
}

/**
 * Writes the known truth of a recording of the simulated scope beside it: `truth.json`, `footprints.npz`, `traces.npy`, `spikes.npy`, `motion.npy`, in the form
 * of the known-truth recordings, with a column for each saved frame. Spikes of frames that were lost are those of the next saved one; a frame that shows no new picture (the
 * scope had no link) has none. Footprints are those of the whole frame with the practice rig's light and gain.
 *
 * @param sceneExecutable makes a scene's truth (`calyx-scene`)
 * @throws AppError `engine.missing`, `disk.io`
 */
export async function writeTruth(about: TruthOf, folder: string, sceneExecutable: string): Promise<void> {
  const whole = await sceneTruth(about, sceneExecutable);
  try {
    await mkdir(folder, { recursive: true });
    const frames = await sceneFrames(about);
    const { rows: cells, columns, data: traces } = await matrix(path.join(whole, 'traces.npy'));
    const { data: spikes } = await matrix(path.join(whole, 'spikes.npy'));
    const { data: motion } = await matrix(path.join(whole, 'motion.npy'));
    const out = { traces: new Float32Array(cells * frames.length), spikes: new Uint8Array(cells * frames.length) };
    for (let cell = 0; cell < cells; cell += 1) {
      for (const [n, frame] of frames.entries()) {
        out.traces[cell * frames.length + n] = traces[cell * columns + (frame % columns)] ?? 0;
        const before = frames[n - 1];
        const first = before !== undefined && before <= frame && frame - before < columns ? before + 1 : frame;
        let sum = 0;
        for (let t = first; t <= frame; t += 1) sum += spikes[cell * columns + (t % columns)] ?? 0;
        out.spikes[cell * frames.length + n] = Math.min(255, sum);
      }
    }
    const moved = Float32Array.from(
      { length: 2 * frames.length },
      (_, n) => motion[2 * ((frames[n >> 1] ?? 0) % columns) + (n & 1)] ?? 0,
    );
    await writeFile(path.join(folder, 'traces.npy'), encodeNpy(out.traces, [cells, frames.length]));
    await writeFile(path.join(folder, 'spikes.npy'), encodeNpy(out.spikes, [cells, frames.length]));
    await writeFile(path.join(folder, 'motion.npy'), encodeNpy(moved, [frames.length, 2]));
    await copyFile(path.join(whole, 'footprints.npz'), path.join(folder, 'footprints.npz'));
    const json = truthJson((await readJson(path.join(whole, 'truth.json'))) ?? {}, about, frames, out.spikes);
    await writeFile(path.join(folder, 'truth.json'), `${JSON.stringify(json)}\n`);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('disk.io', `The truth could not be written into ${folder}.`, {
      hint: 'The recording is there, and whole.',
      cause: error,
    });
  } finally {
    await rm(path.dirname(whole), { recursive: true, force: true });
  }
}

/** Makes the folder of a truth before anything is recorded, so that one who may not write there is told at once. @throws AppError `disk.io` */
export async function makeTruthFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new AppError('disk.io', `The truth cannot be written into ${folder}.`, {
      hint: 'Choose another folder for --truth.',
      cause: error,
    });
  }
}

/** The truth of the whole scene, in a temporary folder; its films go nowhere. */
async function sceneTruth({ scene, size }: TruthOf, executable: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'calyx-truth-'));
  const device = path.join(folder, 'Miniscope');
  await mkdir(device);
  if (process.platform !== 'win32')
    for (let n = 0; n < 4; n += 1) await symlink('/dev/null', path.join(device, `${n}.avi`));
  const flags = ['--seed', String(scene.seed), '--width', String(size.width), '--height', String(size.height)];
  try {
    await promisify(execFile)(executable, [scene.name, ...flags, '--codec', 'grey', '--out', folder]);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new AppError('engine.missing', 'The truth of the scene could not be made.', {
      hint: 'calyx-scene makes it, which is built with the engine, and needs ffmpeg.',
      cause: error,
    });
  }
  return path.join(folder, 'truth');
}

async function matrix(
  file: string,
): Promise<{ readonly rows: number; readonly columns: number; readonly data: NpyArray }> {
  const { shape, data } = decodeNpy(await readFile(file), path.basename(file));
  return { rows: shape[0] ?? 0, columns: shape[1] ?? 0, data };
}

/** For each saved frame the picture of the scene it shows: the last one drawn before its first payload came. */
async function sceneFrames({ deviceFolder, shown }: TruthOf): Promise<readonly number[]> {
  const header = rowHeaders['calyxFrames.csv'];
  const rows = (await readRows(path.join(deviceFolder, 'calyxFrames.csv'), { header, isFree: false }))?.rows ?? [];
  let at = 0;
  return rows.map((row) => {
    const firstNs = BigInt(row.split(',')[2] ?? '0');
    while (at + 1 < shown.length && (shown[at + 1]?.atNs ?? 0n) <= firstNs) at += 1;
    return shown[at]?.sceneFrame ?? 0;
  });
}

/** What the scene says of itself, for the frames that were saved at the rate they were. */
function truthJson(
  scene: Readonly<Record<string, unknown>>,
  { fps }: TruthOf,
  frames: readonly number[],
  spikes: Uint8Array,
): Readonly<Record<string, unknown>> {
  const slower = Number(scene['fps']) / fps;
  const cells = (scene['cells'] as readonly unknown[]).map(asRecord).map((cell, row) => {
    const spikeFrames = frames.map((_, n) => n).filter((n) => (spikes[row * frames.length + n] ?? 0) > 0);
    const onsets = spikeFrames.filter((n, k) => k === 0 || spikeFrames[k - 1] !== n - 1);
    const events = onsets.filter((n, k) => k === 0 || n - (onsets[k - 1] ?? 0) > boutS * fps).length;
    const detectable =
      cell['kind'] === 'cell' && Number(cell['peakSnr']) >= 5 && events >= 2 && Number(cell['inside']) >= 0.5;
    return Object.assign(cell, { detectable, events, spikeFrames });
  });
  return {
    ...scene,
    frames: frames.length,
    fps,
    // The simulated tissue lives by frames: at another rate its calcium takes another time.
    tauRise: Number(scene['tauRise']) * slower,
    tauDecay: Number(scene['tauDecay']) * slower,
    detectable: cells.filter(({ detectable }) => detectable).length,
    cells,
    sceneFrames: frames,
  };
}
