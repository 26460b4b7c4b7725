// SPDX-License-Identifier: MIT
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { RunPicture, StageName } from '../contract/index.ts';

const finite = z
  .number()
  .nullish()
  .transform((value) => value ?? null);

/** One line of the engine's stdout. */
export const EngineMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress'),
    stage: StageName,
    fraction: z.number(),
    overall: z.number(),
    framesPerSecond: finite,
    etaSeconds: finite,
    memoryBytes: finite,
  }),
  z.object({
    type: z.literal('stage'),
    stage: StageName,
    state: z.enum(['started', 'done']),
    seconds: finite,
    cached: z.boolean().optional(),
  }),
  z.object({
    type: z.literal('preview'),
    stage: StageName,
    frames: z.number().int(),
    height: z.number().int(),
    width: z.number().int(),
    pictures: z.array(RunPicture.pick({ name: true, low: true, high: true, pixels: true })),
  }),
  z.object({ type: z.literal('warning'), code: z.string(), message: z.string() }),
  z.object({ type: z.literal('done'), output: z.string(), components: z.number(), accepted: z.number() }),
  z.object({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    retryable: z.boolean().optional(),
  }),
]);
export type EngineMessage = z.infer<typeof EngineMessage>;

/** What `calyx-engine plan` prints. */
export const EnginePlan = z.object({
  frames: z.number().int(),
  /** The neurons' diameter as given or as an earlier run measured it, null while nobody knows. */
  diameterPx: finite,
  /** Raw pixels per pixel of the working grid, null while the diameter is not known. */
  bin: finite,
  memoryBytes: z.number(),
  scratchBytes: z.number(),
  stages: z.array(z.object({ stage: StageName, cached: z.boolean() })),
});
export type EnginePlan = z.infer<typeof EnginePlan>;

/** A line longer than this is not the engine's. */
const longestLine = 1_000_000;

/**
 * Cuts a byte stream into lines, wherever the pieces end; a line that is no message of the engine is handed to `onOther` as text.
 */
export class EngineOutput {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onMessage: (message: EngineMessage) => void;
  readonly #onOther: (line: string) => void;
  #rest = '';

  constructor(onMessage: (message: EngineMessage) => void, onOther: (line: string) => void) {
    this.#onMessage = onMessage;
    this.#onOther = onOther;
  }

  push(bytes: Buffer): void {
    this.#take(this.#decoder.write(bytes));
  }

  /** Hands out what stands after the last line end. */
  end(): void {
    this.#take(`${this.#decoder.end()}\n`);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > longestLine) {
      lines.push(this.#rest.slice(0, 200));
      this.#rest = '';
    }
    for (const line of lines) if (line.trim() !== '') this.#line(line);
  }

  #line(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.#onOther(line);
      return;
    }
    const message = EngineMessage.safeParse(value);
    if (message.success) this.#onMessage(message.data);
    else this.#onOther(line);
  }
}
