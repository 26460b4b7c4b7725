// SPDX-License-Identifier: MIT
import { lookOf, versionOf } from '../stores/look.ts';
import type { CoreClient, OpenStream } from './types.ts';
import { readTraces, type TraceWindow } from './streams.ts';

type TraceStream = ReturnType<CoreClient['review']['traces']>;
type Update = TraceStream extends OpenStream<unknown, infer U> ? U : never;

/** What is asked for: rows and kinds over a window of frames, in so many columns. */
export type TraceQuestion = Omit<Update, 'request'>;

/** Asks for windows of traces over one open stream; an answer that has been overtaken is dropped. */
export class TraceReader {
  readonly #stream: TraceStream;
  readonly #onWindow: (window: TraceWindow, question: TraceQuestion) => void;
  readonly #onFailed: (error: unknown) => void;
  readonly #questions = new Map<number, TraceQuestion>();
  #request = 0;
  #closed = false;

  constructor(
    core: CoreClient,
    runUuid: string,
    onWindow: (window: TraceWindow, question: TraceQuestion) => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#onWindow = onWindow;
    this.#onFailed = onFailed;
    this.#stream = core.review.traces({ runUuid, ...versionOf(lookOf(runUuid)) });
    void this.#read();
  }

  ask(question: TraceQuestion): void {
    this.#request += 1;
    this.#questions.clear();
    this.#questions.set(this.#request, question);
    this.#stream.update({ ...question, request: this.#request });
  }

  close(): void {
    this.#closed = true;
    this.#stream.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const packet of this.#stream.packets) {
        if (this.#closed) return;
        const question = this.#questions.get(packet.header.request);
        if (question !== undefined) this.#onWindow(readTraces(packet), question);
      }
      if (!this.#closed) this.#onFailed(new Error('The traces are no longer sent.'));
    } catch (error) {
      if (!this.#closed) this.#onFailed(error);
    }
  }
}

/** Recording time (s) of a frame by the times of a window's columns; NaN where none is known. */
export function timeOfFrame(window: TraceWindow, frame: number): number {
  const { columns, timesS, firstFrame, lastFrame } = window;
  const perColumn = (lastFrame - firstFrame + 1) / columns;
  const place = Math.max(0, Math.min(columns - 1, (frame - firstFrame + 0.5) / perColumn - 0.5));
  const left = Math.floor(place);
  const right = Math.min(columns - 1, left + 1);
  const from = timesS[left] ?? Number.NaN;
  const to = timesS[right] ?? Number.NaN;
  return from + (place - left) * (to - from);
}

/** As `timeOfFrame`; outside the window time goes on as it does inside. */
export function timeBeyond(window: TraceWindow, frame: number): number {
  const { timesS, firstFrame, lastFrame } = window;
  const from = timesS.find((time) => Number.isFinite(time)) ?? 0;
  const to = timesS.findLast((time) => Number.isFinite(time)) ?? from;
  const perFrame = lastFrame > firstFrame ? (to - from) / (lastFrame - firstFrame) : 0;
  if (frame < firstFrame) return from - (firstFrame - frame) * perFrame;
  if (frame > lastFrame) return to + (frame - lastFrame) * perFrame;
  const inside = timeOfFrame(window, frame);
  return Number.isFinite(inside) ? inside : from + (frame - firstFrame) * perFrame;
}

/** The frame whose time is nearest to `timeS`, by the times of a window's columns. */
export function frameOfTime(window: TraceWindow, timeS: number): number {
  const { columns, timesS, firstFrame, lastFrame } = window;
  const perColumn = (lastFrame - firstFrame + 1) / columns;
  let low = 0;
  let high = columns - 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((timesS[middle] ?? 0) <= timeS) low = middle;
    else high = middle;
  }
  const from = timesS[low] ?? 0;
  const to = timesS[high] ?? from;
  const share = to > from ? Math.max(0, Math.min(1, (timeS - from) / (to - from))) : 0;
  const frame = firstFrame + (low + share * (high - low) + 0.5) * perColumn - 0.5;
  return Math.max(firstFrame, Math.min(lastFrame, Math.round(frame)));
}
