// SPDX-License-Identifier: MIT
import { AppError } from '../../main/contract/index.ts';
import type { OpenStream, Packet } from './types.ts';

/** The first packet of a stream that sends one; the stream is closed afterwards. */
export async function onePacket<H>(stream: OpenStream<H, never>): Promise<Packet<H>> {
  try {
    for await (const packet of stream.packets) return packet;
    throw new AppError('rpc.disconnected', 'The answer ended before it began.', { retryable: true });
  } finally {
    stream.close();
  }
}

/** Bytes of a packet as 32-bit floats, copied only when they do not lie on a boundary of four. */
export function asFloat32(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0)
    return new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
  const copy = bytes.slice();
  return new Float32Array(copy.buffer, 0, Math.floor(copy.byteLength / 4));
}

/** A window of traces as numbers. Column `i` of row `r` and kind `k`: minimum and maximum over its frames. */
export interface TraceWindow {
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly columns: number;
  /** Centre of each column in seconds since the recording's start; NaN where the recording has no time. */
  readonly timesS: Float64Array;
  /** Which cell each row is. */
  readonly rowNumbers: readonly number[];
  /** `minima[r][k]`, `maxima[r][k]`. */
  readonly rows: ReadonlyArray<ReadonlyArray<{ readonly minima: Float32Array; readonly maxima: Float32Array }>>;
}

interface TraceHeader {
  readonly rows: readonly number[];
  readonly kinds: readonly string[];
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly columns: number;
}

/** Reads a packet of `review.traces`: float64 times, then for each row, for each kind, minima and maxima as float32. */
export function readTraces({ header, bytes }: Packet<TraceHeader>): TraceWindow {
  const { columns } = header;
  const expected = columns * 8 + header.rows.length * header.kinds.length * columns * 8;
  if (bytes.byteLength !== expected) {
    throw new AppError(
      'rpc.invalid_output',
      `Traces came as ${String(bytes.byteLength)} bytes, not ${String(expected)}.`,
    );
  }
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const timesS = new Float64Array(aligned.buffer, aligned.byteOffset, columns);
  let offset = aligned.byteOffset + columns * 8;
  const next = (): Float32Array => {
    const values = new Float32Array(aligned.buffer, offset, columns);
    offset += columns * 4;
    return values;
  };
  const rows = header.rows.map(() => header.kinds.map(() => ({ minima: next(), maxima: next() })));
  const { firstFrame, lastFrame, rows: rowNumbers } = header;
  return { firstFrame, lastFrame, columns, timesS, rowNumbers, rows };
}
