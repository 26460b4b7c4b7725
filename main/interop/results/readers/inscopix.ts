// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { checkSize, frameCount, unreadable } from '../check.ts';
import { ofImage } from '../footprints.ts';
import type { Field, ForeignFootprint, ForeignResult, ResultReader, RowSource } from '../foreign-result.ts';
import { type IsxdFooter, isxdKinds, isxdSizes, readFooter } from '../isxd.ts';
import { piece } from '../piece.ts';

/** An Inscopix cell's status: 0 accepted, 1 undecided, 2 rejected. */
const statuses: Readonly<Record<number, boolean>> = { 0: true, 2: false };

/**
 * Cell sets of the Inscopix software (`.isxd`): for each cell its image, then its trace, 32-bit floats. Event sets: for each cell its events, each
 * as its time in µs (64 bits), 64 bits that are not used, and its amplitude (32-bit float).
 */
export const inscopix: ResultReader = {
  program: 'inscopix',
  title: 'Inscopix cell or event set',
  // A movie is no result; what cannot be read is told by the reading.
  recognises: async (place) =>
    /\.isxd$/i.test(place) &&
    (await readFooter(place).then(
      ({ footer }) => footer.type !== 0,
      () => true,
    )),
  read: async (place, field, onShare) => {
    const { footer, dataBytes } = await readFooter(place);
    if (footer.type === 5) return await readEvents(place, footer, dataBytes, field);
    if (footer.type !== 1) {
      const kind = isxdKinds[footer.type] ?? `file of kind ${footer.type}`;
      throw unreadable(
        place,
        `it is an Inscopix ${kind}, neither a movie nor a set of cells or events, which are what Calyx reads of Inscopix files.`,
      );
    }
    const { height, width, frames, fps } = isxdSizes(footer, place);
    const names = footer.CellNames ?? [];
    const each = (height * width + frames) * 4;
    checkSize([names.length, each], 'cell set', place);
    if (dataBytes < names.length * each) {
      throw unreadable(
        place,
        `it holds ${dataBytes} bytes, ${names.length} cells of ${width} × ${height} pixels and ${frames} samples need ${names.length * each}.`,
      );
    }
    const footprints: ForeignFootprint[] = [];
    for (let k = 0; k < names.length; k += 1) {
      onShare?.(k / names.length);
      footprints.push(ofImage(await floatsAt(place, k * each, height * width)));
    }
    const traces: RowSource = async (first, count) => {
      const out = new Float32Array(count * frames);
      for (let k = 0; k < count; k += 1)
        out.set(await floatsAt(place, (first + k) * each + height * width * 4, frames), k * frames);
      return out;
    };
    return {
      program: 'inscopix',
      version: null,
      height,
      width,
      frames,
      fps,
      footprints,
      traces: { raw: traces },
      accepted: names.map((_, k) => statuses[footer.CellStatuses?.[k] ?? 1] ?? null),
      metrics: {},
      images: {},
      motion: null,
      timeS: null,
      parameters: {},
      findings: [
        'A cell set holds one trace for each cell; it stands as the raw one. Pixels are those of the (binned, cropped) cell set.',
      ],
    } satisfies ForeignResult;
  },
};

/** Floats that begin at a byte of a file. @throws AppError `interop.unreadable`, `disk.io` */
async function floatsAt(place: string, at: number, count: number): Promise<Float32Array> {
  const bytes = await piece(place, at, count * 4);
  if (bytes.length < count * 4) throw unreadable(place, 'it is cut off.');
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 1) out[i] = bytes.readFloatLE(4 * i);
  return out;
}

/** Bytes of one event. */
const eventBytes = 20;

/** Events have no place in the field: their cells have no pixels, and the amplitude of each event stands at its sample in the deconvolved trace. */
async function readEvents(
  place: string,
  footer: IsxdFooter,
  dataBytes: number,
  field: Field | null,
): Promise<ForeignResult> {
  const names = footer['channel list'] ?? [];
  const counts = footer.numSamples ?? [];
  const steps = (footer.signalSteps ?? []).map(({ num, den }) => num / den);
  const [step] = steps;
  const [begin, end] = (footer['global times'] ?? []).map(({ secsSinceEpoch: { num, den } }) => num / den);
  if (
    names.length === 0 ||
    counts.length !== names.length ||
    steps.length !== names.length ||
    step === undefined ||
    !(step > 0)
  )
    throw unreadable(place, 'it does not say how many events of which cells it holds, or how long a sample is.');
  if (steps.some((each) => Math.abs(each - step) > 1e-9))
    throw unreadable(place, 'its cells were sampled at different rates.');
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (dataBytes < total * eventBytes)
    throw unreadable(place, `it holds ${dataBytes} bytes; ${total} events need ${total * eventBytes}.`);
  const bytes = await readFile(place);
  const events: { readonly row: number; readonly sample: number; readonly value: number }[] = [];
  let at = 0;
  for (const [row, count] of counts.entries()) {
    for (let i = 0; i < count; i += 1) {
      const sample = Math.round(Number(bytes.readBigUInt64LE(at)) / 1e6 / step);
      events.push({ row, sample, value: bytes.readFloatLE(at + 16) });
      at += eventBytes;
    }
  }
  const last = events.reduce((most, { sample }) => Math.max(most, sample), 0);
  const told = begin === undefined || end === undefined ? 0 : Math.round((end - begin) / step);
  const frames = field?.frames ?? frameCount(Math.max(told, last + 1), place);
  checkSize([names.length, frames], 'table of events', place);
  const inside = events.filter(({ sample }) => sample >= 0 && sample < frames);
  const beyond = events.length - inside.length;
  // Made row by row when it is asked for: however long the recording is, only its events lie in memory.
  const deconvolved: RowSource = (first, rows) => {
    const out = new Float32Array(rows * frames);
    for (const { row, sample, value } of inside) {
      if (row < first || row >= first + rows || !Number.isFinite(value)) continue;
      const at = (row - first) * frames + sample;
      out[at] = (out[at] ?? 0) + value;
    }
    return Promise.resolve(out);
  };
  return {
    program: 'inscopix',
    version: null,
    height: field?.height ?? 1,
    width: field?.width ?? 1,
    frames,
    fps: 1 / step,
    footprints: names.map(() => ({ pixels: new Uint32Array(), values: new Float32Array() })),
    traces: { deconvolved },
    accepted: names.map(() => null),
    metrics: {},
    images: {},
    motion: null,
    timeS: null,
    parameters: {},
    findings: [
      `An event set says when its ${names.length} cells were active (${total} events), not where they lie: they have no pixels.`,
      ...(beyond === 0 ? [] : [`${beyond} events lie beyond the ${frames} frames and were left out.`]),
    ],
  };
}
