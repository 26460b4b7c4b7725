// SPDX-License-Identifier: MIT
import { createConnection, createServer, type Socket } from 'node:net';
import { AppError, ErrorData } from '../../contract/index.ts';
import type { BoardLink } from '../board-link.ts';
import { systemClock } from '../clock.ts';
import type { AssemblyCounts, RawFrame } from '../miniscope/frame-assembler.ts';
import { persist } from '../miniscope/persist.ts';
import { selector, type Selector } from '../miniscope/uvc.ts';

/**
 * A simulated board in a process of its own, as a real one is beside the computer: it keeps its registers, its LED too, when the process that talks to it dies.
 * Messages are a JSON header and bytes, each with its length before it.
 */

/** What can be asked of a board over its socket. */
export interface BoardOperations {
  /** Opens the way to the board. @throws AppError `device.not_found` */
  readonly open: () => Promise<BoardLink & { readonly unplug: () => void }>;
  /** Anything else that a person can do to it: faults, a trigger pulse. */
  readonly act: (name: string) => unknown;
}

interface Request {
  readonly id: number;
  readonly op: 'open' | 'start' | 'stop' | 'set' | 'get' | 'close' | 'act';
  readonly control?: Selector;
  readonly value?: number;
  readonly width?: number;
  readonly height?: number;
  readonly name?: string;
}

interface Answer {
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: unknown;
  readonly gone?: string;
  readonly frame?: {
    readonly firstNs: string;
    readonly lastNs: string;
    readonly pixels: number;
    readonly counts: AssemblyCounts;
    readonly controls: Readonly<Record<string, number | null>>;
  };
}

/** Bytes that may wait for a reader that has fallen behind; what comes then is lost, as it is on a real board. */
const mostWaitingBytes = 8 * 1024 * 1024;
/** What a reader asks right after a frame. It is read with the frame here: over a socket the question might come a frame too late. */
const readWithFrame = [
  selector.contrast,
  selector.saturation,
  selector.hue,
  selector.gain,
  selector.brightness,
] as const;

function write(socket: Socket, header: object, bytes?: readonly Uint8Array[]): void {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(text.length, 0);
  length.writeUInt32LE(bytes?.reduce((sum, part) => sum + part.length, 0) ?? 0, 4);
  socket.cork();
  socket.write(length);
  socket.write(text);
  for (const part of bytes ?? []) socket.write(part);
  socket.uncork();
}

/** Calls back for each whole message. */
function reader(onMessage: (header: unknown, bytes: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let length = 0;
  return (chunk) => {
    parts.push(chunk);
    length += chunk.length;
    for (;;) {
      if (length < 8) return;
      let [head = Buffer.alloc(0)] = parts;
      if (head.length < 8) head = Buffer.concat(parts);
      const text = head.readUInt32LE(0);
      const whole = 8 + text + head.readUInt32LE(4);
      if (length < whole) {
        if (parts[0] !== head) parts = [head];
        return;
      }
      const all = parts.length === 1 && parts[0] === head ? head : head.length === length ? head : Buffer.concat(parts);
      parts = all.length === whole ? [] : [all.subarray(whole)];
      length -= whole;
      onMessage(JSON.parse(all.toString('utf8', 8, 8 + text)), all.subarray(8 + text, whole));
    }
  };
}

/** Serves a board at an address (a socket's path, or a named pipe) until it is closed. Whoever connects and goes without a word leaves the board as it is. */
export async function serveBoard(
  address: string,
  operations: BoardOperations,
): Promise<{ readonly connections: () => number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serveOne(socket, operations);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
  return {
    connections: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function serveOne(socket: Socket, { open, act }: BoardOperations): void {
  let link: Awaited<ReturnType<BoardOperations['open']>> | undefined;
  const readControls = async (): Promise<Record<string, number | null>> => {
    const values: Record<string, number | null> = {};
    for (const control of readWithFrame) values[control] = (await link?.getControl(control).catch(() => null)) ?? null;
    return values;
  };
  const send = async ({ pixels, oddBytes, firstNs, lastNs }: RawFrame, counts: AssemblyCounts): Promise<void> => {
    const controls = await readControls();
    const frame = { firstNs: String(firstNs), lastNs: String(lastNs), pixels: pixels.length, counts, controls };
    if (!socket.destroyed) write(socket, { frame } satisfies Answer, [pixels, oddBytes]);
  };
  const onFrame = (frame: RawFrame): void => {
    if (link !== undefined && socket.writableLength <= mostWaitingBytes) void send(frame, link.counts());
  };
  // In their order: one that is made again must not come after the next.
  let sets: Promise<void> = Promise.resolve();
  const set = (to: BoardLink, control: Selector, value: number): Promise<void> => {
    const done = sets.then(() =>
      persist(
        systemClock,
        () => to.setControl(control, value),
        () => link !== to || socket.destroyed,
      ),
    );
    sets = done.catch(() => undefined);
    return done;
  };
  const answer = async ({ op, control = selector.contrast, ...request }: Request): Promise<unknown> => {
    if (op === 'act') return act(request.name ?? '');
    if (op === 'open') {
      link = await open();
      void link.gone.then((gone) => socket.destroyed || write(socket, { gone } satisfies Answer));
      return link.port ?? null;
    }
    if (link === undefined) throw new AppError('device.no_answer', 'The simulated board is not open.');
    if (op === 'get') return await link.getControl(control);
    if (op === 'set') await set(link, control, request.value ?? 0);
    else if (op === 'start') await link.start({ width: request.width ?? 0, height: request.height ?? 0 }, onFrame);
    else if (op === 'stop') await link.stop();
    else {
      const closing = link;
      link = undefined;
      await closing[Symbol.asyncDispose]();
    }
    return null;
  };
  socket.on(
    'data',
    reader((header) => {
      const request = header as Request;
      answer(request).then(
        (value) => socket.destroyed || write(socket, { id: request.id, value } satisfies Answer),
        (error: unknown) =>
          socket.destroyed || write(socket, { id: request.id, error: AppError.from(error).toData() } satisfies Answer),
      );
    }),
  );
  socket.on('error', () => socket.destroy());
  socket.on('close', () => link?.unplug());
}

/** A line to a board that is served at an address. */
class BoardLine {
  readonly closed: Promise<void>;
  onFrame: ((frame: RawFrame) => void) | undefined;
  onGone: (why: string) => void = () => undefined;
  counts: AssemblyCounts = { short: 0, unended: 0, badHeaders: 0 };
  controls: Readonly<Record<string, number | null>> = {};
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on(
      'data',
      reader((header, bytes) => this.#take(header as Answer, bytes)),
    );
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        for (const { reject } of this.#waiting.values()) reject(noAnswer());
        this.#waiting.clear();
        resolve();
      });
    });
  }

  ask(request: Omit<Request, 'id'>): Promise<unknown> {
    if (this.#socket.destroyed) return Promise.reject(noAnswer());
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      write(this.#socket, { ...request, id });
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #take({ id, value, error, gone, frame }: Answer, bytes: Buffer): void {
    if (gone !== undefined) this.onGone(gone);
    else if (frame !== undefined) {
      this.counts = frame.counts;
      this.controls = frame.controls;
      this.onFrame?.({
        // Copied out of the socket's memory: a frame is kept for as long as its reader wants.
        pixels: Uint8Array.from(bytes.subarray(0, frame.pixels)),
        oddBytes: Uint8Array.from(bytes.subarray(frame.pixels)),
        firstNs: BigInt(frame.firstNs),
        lastNs: BigInt(frame.lastNs),
      });
    } else if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(AppError.fromData(ErrorData.parse(error)));
    }
  }
}

const noAnswer = (): AppError =>
  new AppError('device.no_answer', 'The simulated board did not answer.', { retryable: true });

function connectLine(address: string): Promise<BoardLine> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(address);
    socket.once('connect', () => resolve(new BoardLine(socket)));
    socket.once('error', (cause) =>
      reject(new AppError('device.not_found', 'The simulated board is not connected.', { cause, retryable: true })),
    );
  });
}

/** Opens the way to a board that {@link serveBoard} serves. @throws AppError `device.not_found` */
export async function socketLink(address: string): Promise<BoardLink> {
  const line = await connectLine(address);
  let port: unknown;
  try {
    port = await line.ask({ op: 'open' });
  } catch (error) {
    line.end();
    throw error;
  }
  const gone = new Promise<string>((resolve) => {
    line.onGone = resolve;
    void line.closed.then(() => resolve('The Miniscope DAQ board was unplugged.'));
  });
  const told: ReadonlySet<Selector> = new Set<Selector>(readWithFrame);
  let fresh = false;
  let failed: AppError | undefined;
  return {
    gone,
    ...(typeof port === 'string' ? { port } : {}),
    counts: () => line.counts,
    start: async ({ width, height }, onFrame) => {
      line.onFrame = (frame) => {
        fresh = true;
        onFrame(frame);
      };
      await line.ask({ op: 'start', width, height });
    },
    stop: async () => {
      fresh = false;
      await line.ask({ op: 'stop' });
      line.onFrame = undefined;
    },
    // Posted: the order is kept, and a board that did not take one says so at the next. Waiting for each would take seconds on a busy computer.
    setControl: (control, value) => {
      const before = failed;
      failed = undefined;
      line.ask({ op: 'set', control, value }).catch((error: unknown) => {
        failed = AppError.from(error);
      });
      return before === undefined ? Promise.resolve() : Promise.reject(before);
    },
    getControl: async (control) => {
      if (!fresh || !told.has(control)) return Number(await line.ask({ op: 'get', control }));
      const value = line.controls[control] ?? null;
      if (value === null) throw noAnswer();
      return value;
    },
    [Symbol.asyncDispose]: async () => {
      await line.ask({ op: 'close' }).catch(() => undefined);
      line.end();
    },
  };
}

/** Does something to a served board, as a hand beside it would: a fault by name, `trigger-high`, `trigger-low`. @throws AppError `device.not_found` */
export async function actOnBoard(address: string, name: string): Promise<unknown> {
  const line = await connectLine(address);
  try {
    return await line.ask({ op: 'act', name });
  } finally {
    line.end();
  }
}
