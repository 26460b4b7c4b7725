// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { checkSize, unreadable } from '../check.ts';
import { ofImage } from '../footprints.ts';
import type { ForeignResult, ResultReader } from '../foreign-result.ts';
import { isxdKinds, isxdSizes, readFooter } from '../isxd.ts';

/** An Inscopix cell's status: 0 accepted, 1 undecided, 2 rejected. */
const statuses: Readonly<Record<number, boolean>> = { 0: true, 2: false };

/** Cell sets of the Inscopix software (`.isxd`): for each cell its image, then its trace, 32-bit floats. */
export const inscopix: ResultReader = {
  program: 'inscopix',
  title: 'Inscopix cell set',
  // A movie is no result; what cannot be read is told by the reading.
  recognises: async (place) =>
    /\.isxd$/i.test(place) &&
    (await readFooter(place).then(
      ({ footer }) => footer.type !== 0,
      () => true,
    )),
  read: async (place) => {
    const { footer, dataBytes } = await readFooter(place);
    if (footer.type !== 1) {
      const kind = isxdKinds[footer.type] ?? `file of kind ${footer.type}`;
      throw unreadable(
        place,
        `it is an Inscopix ${kind}, neither a cell set nor a movie; of Inscopix files Calyx reads cell sets and movies.`,
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
    const bytes = await readFile(place);
    const floats = (at: number, length: number): Float32Array => {
      const out = new Float32Array(length);
      for (let i = 0; i < length; i += 1) out[i] = bytes.readFloatLE(at + 4 * i);
      return out;
    };
    const traces = new Float32Array(names.length * frames);
    const footprints = names.map((_, k) => {
      traces.set(floats(k * each + height * width * 4, frames), k * frames);
      return ofImage(floats(k * each, height * width));
    });
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
