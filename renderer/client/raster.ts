// SPDX-License-Identifier: MIT
import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { AppError } from '../../main/contract/index.ts';
import { useLook, versionOf } from '../stores/look.ts';
import { useCore } from './context.ts';
import { useEditsKey } from './edits.ts';
import { readTraces } from './streams.ts';

/** Activity of all cells over the whole recording: `rows × columns`, each row from 0 to 1 of its own maximum. */
export interface Raster {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** The contract allows so many rows in one question. */
const batch = 64;
const mostColumns = 800;

/** Maxima of the denoised traces in columns, all rows, asked for in batches one after the other. */
export function useRaster(runUuid: string, rows: number, frames: number): UseQueryResult<Raster> {
  const core = useCore();
  const edits = useEditsKey(runUuid);
  const shown = versionOf(useLook(runUuid));
  return useQuery({
    queryKey: ['raster', runUuid, rows, edits],
    placeholderData: keepPreviousData,
    enabled: rows > 0,
    queryFn: async ({ signal }): Promise<Raster> => {
      const columns = Math.min(mostColumns, frames);
      const values = new Float32Array(rows * columns);
      const stream = core.review.traces({ runUuid, ...shown }, { signal });
      const ask = (first: number): void => {
        const wanted = Array.from({ length: Math.min(batch, rows - first) }, (_, index) => first + index);
        stream.update({
          request: first,
          rows: wanted,
          kinds: ['denoised'],
          firstFrame: 0,
          lastFrame: frames - 1,
          columns,
        });
      };
      try {
        ask(0);
        for await (const packet of stream.packets) {
          if (signal.aborted) throw new AppError('rpc.cancelled', 'The raster is no longer wanted.');
          const window = readTraces(packet);
          packet.header.rows.forEach((row, index) => {
            const maxima = window.rows[index]?.[0]?.maxima;
            if (maxima !== undefined) values.set(normalised(maxima), row * columns);
          });
          const next = packet.header.request + batch;
          if (next >= rows) return { rows, columns, values };
          ask(next);
        }
        throw new AppError('rpc.disconnected', 'The traces ended before all cells were there.', { retryable: true });
      } finally {
        stream.close();
      }
    },
  });
}

/** A row scaled to its own maximum; negative and unknown values are 0. */
export function normalised(values: Float32Array): Float32Array {
  const most = values.reduce((highest, value) => (value > highest ? value : highest), 0);
  return values.map((value) => (most > 0 && value > 0 ? value / most : 0));
}
