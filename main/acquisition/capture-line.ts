// SPDX-License-Identifier: MIT
import type { Socket } from 'node:net';
import { AppError, ErrorData } from '../contract/index.ts';
import type { UpgradeRequest } from '../media/index.ts';
import { type Child, type ChildOptions, recordingFlags } from '../supervisor/index.ts';
import {
  captureEntry,
  type CaptureRequest,
  type CaptureRequests,
  type FromCapture,
  type ToCapture,
} from './capture-messages.ts';

/** What the core hears of a capture process. */
export interface LineEvents {
  /** A process is there: the first one, or the one after a crash. */
  readonly onReady: () => void;
  readonly onCrash: (cause: string) => void;
  readonly onMessage: (message: Exclude<FromCapture, { type: 'ready' | 'pong' | 'answer' }>) => void;
}

/** The core's line to the process that owns a board. */
export class CaptureLine {
  readonly #child: Child;
  readonly #events: LineEvents;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;
  #pid = 0;

  constructor(
    options: Pick<ChildOptions, 'logFolder'>,
    events: LineEvents,
    supervise: (options: ChildOptions) => Child,
  ) {
    this.#events = events;
    this.#child = supervise({
      name: 'capture',
      entry: captureEntry,
      nodeFlags: recordingFlags,
      logFolder: options.logFolder,
      onMessage: (message) => this.#take(message as FromCapture),
      onCrash: (cause) => {
        for (const { reject } of this.#waiting.values()) reject(new AppError('acquire.capture_ended', cause));
        this.#waiting.clear();
        events.onCrash(cause);
      },
    });
  }

  /** The process that is there now. */
  get pid(): number {
    return this.#pid;
  }

  /** Asks; rejects when the process ends before it has answered. @throws AppError */
  ask<R extends CaptureRequest>(name: R, input: CaptureRequests[R]['input']): Promise<CaptureRequests[R]['output']> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as CaptureRequests[R]['output']), reject });
      this.#child.send({ type: 'request', id, name, input } satisfies ToCapture);
    });
  }

  /** Hands a window's socket over. */
  upgrade(request: UpgradeRequest, socket: Socket, head: Buffer): void {
    const message: ToCapture = { type: 'upgrade', request, head: head.toString('base64') };
    this.#child.send(message, socket);
  }

  /** Ends the process. It closes its recording by itself when it has one, but has 3 s for that: ask `disconnect` first. */
  async stop(): Promise<void> {
    await this.#child.stop();
  }

  #take(message: FromCapture): void {
    if (message.type === 'answer') {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(AppError.fromData(ErrorData.parse(message.error)));
    } else if (message.type === 'ready') {
      this.#pid = message.pid;
      this.#events.onReady();
    } else if (message.type !== 'pong') this.#events.onMessage(message);
  }
}
