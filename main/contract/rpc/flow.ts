// SPDX-License-Identifier: MIT
import type { z } from 'zod';
import type { Procedure } from '../define.ts';
import { AppError } from '../errors.ts';

/** One binary packet, its header, and how many updates newer ones replaced before it. */
export interface Packet<H> {
  readonly header: H;
  readonly bytes: Uint8Array;
  readonly skipped: number;
}

/** An open stream: packets as they come, values sent to its other end (newest wins), and its end. */
export interface OpenStream<H, U> {
  readonly packets: AsyncIterable<Packet<H>>;
  readonly update: (value: U) => void;
  readonly close: () => void;
}

/** A value as its schema wants it. @throws AppError with the code, naming the procedure and the place */
export function parse(
  schema: z.ZodType,
  value: unknown,
  code: 'rpc.invalid_input' | 'rpc.invalid_output',
  name: string,
): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw new AppError(code, `${name}: ${issue?.message ?? 'wrong shape'}${where}.`);
}

/** Elements that are looked at in one go: a few milliseconds. */
const sliceLength = 100;

/**
 * As `parse`, for answers that may be long: a list is looked at in slices, with a pause after each, so that thousands of rows do not hold up what else the
 * thread does. @throws AppError as `parse`
 */
export async function parseInSlices(
  schema: z.ZodType,
  value: unknown,
  name: string,
  pause: () => Promise<void>,
): Promise<unknown> {
  if (!isList(schema) || !Array.isArray(value) || value.length <= sliceLength)
    return parse(schema, value, 'rpc.invalid_output', name);
  const rows: readonly unknown[] = value;
  const all: unknown[] = [];
  for (let first = 0; first < rows.length; first += sliceLength) {
    if (first > 0) await pause();
    const slice = schema.safeParse(rows.slice(first, first + sliceLength));
    // The whole list names the place as it is there.
    if (!slice.success) return parse(schema, value, 'rpc.invalid_output', name);
    for (const row of slice.data) all.push(row);
  }
  return all;
}

/** A list without rules on its length: each slice of a good one is good. */
function isList(schema: z.ZodType): schema is z.ZodArray {
  const { type, checks } = schema.def as { readonly type: string; readonly checks?: readonly unknown[] };
  return type === 'array' && (checks === undefined || checks.length === 0);
}

/** A value of a subscription, or a packet with its header, as it came. */
export interface Flowing {
  readonly value?: unknown;
  readonly header?: unknown;
  readonly bytes?: Uint8Array;
  readonly skipped?: number;
}

/** What a flow asks of its line. */
export interface FlowControls {
  readonly credit: () => void;
  readonly cancel: () => void;
  readonly update: (value: unknown) => void;
}

/** Values of one subscription or packets of one stream, waiting to be taken; credits bound how many can wait. */
export class Flow {
  readonly #name: string;
  readonly #procedure: Procedure;
  readonly #controls: FlowControls;
  readonly #waiting: Flowing[] = [];
  #wake: (() => void) | undefined;
  #ended: { readonly error: AppError | undefined } | undefined;
  /** Counts the lines this call was made on. */
  #line = 0;

  constructor(name: string, procedure: Procedure, controls: FlowControls) {
    this.#name = name;
    this.#procedure = procedure;
    this.#controls = controls;
  }

  push(message: Flowing): void {
    this.#waiting.push(message);
    this.#wake?.();
  }

  /** The call begins anew with full credit: values of the old line may not earn more, or each loss would add to what can wait. */
  reopened(): void {
    this.#waiting.length = 0;
    this.#line += 1;
  }

  finish(error: AppError | undefined): void {
    this.#ended ??= { error };
    this.#wake?.();
  }

  /** Ends it quietly from this side. */
  close(): void {
    this.finish(undefined);
    this.#waiting.length = 0;
    this.#controls.cancel();
  }

  async *#taken(): AsyncGenerator<Flowing> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          const line = this.#line;
          yield next;
          if (line === this.#line) this.#controls.credit();
          continue;
        }
        if (this.#ended !== undefined) {
          if (this.#ended.error !== undefined) throw this.#ended.error;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      if (this.#ended === undefined) this.close();
    }
  }

  async *values(): AsyncGenerator {
    for await (const { value } of this.#taken())
      yield parse(this.#procedure.output, value, 'rpc.invalid_output', this.#name);
  }

  async *#packets(): AsyncGenerator<Packet<unknown>> {
    for await (const { header, bytes, skipped } of this.#taken()) {
      if (bytes === undefined) continue;
      yield {
        header: parse(this.#procedure.output, header, 'rpc.invalid_output', this.#name),
        bytes,
        skipped: skipped ?? 0,
      };
    }
  }

  stream(): OpenStream<unknown, unknown> {
    return {
      packets: this.#packets(),
      update: (value) => this.#controls.update(parse(this.#procedure.update, value, 'rpc.invalid_input', this.#name)),
      close: () => this.close(),
    };
  }
}
