// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AppError, type framesApi } from '../contract/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { type Child, superviseNodeChild } from '../supervisor/index.ts';
import type { ToMediaProcess } from './media-process.ts';
import { useFoundFfmpeg } from './probe.ts';
import { movieSockets, upgradeRequestOf } from './socket.ts';
import { type Movie, type MovieInput, Tickets } from './tickets.ts';

/** Path of the frames' WebSocket on the core's address. */
export const framesPath = '/frames';

/** The core's side of the frames. */
export interface Media extends AsyncDisposable {
  /** A new ticket for a movie. */
  readonly admit: (movie: Movie) => string;
  /** Hands an upgrade of {@link framesPath} to the process that owns the frames. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** How the frames are served. */
export interface MediaOptions {
  /** Folder for the process's log file. */
  readonly logFolder: string;
  /** Told when the process had to be started again, with the cause. */
  readonly onCrash?: (cause: string) => void;
}

function newTicket(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * Starts serving frames: in a process of their own, started with the first ticket. Inside Electron's utility process no Node child can be started
 * (the fuse runAsNode is off in a release): there frames are served by the core itself, on the native threads.
 */
export function startMedia(options: MediaOptions): Media {
  useFoundFfmpeg();
  return process.versions['electron'] === undefined ? inOwnProcess(options) : inThisProcess();
}

function inThisProcess(): Media {
  const tickets = new Tickets();
  const serve = movieSockets(tickets);
  return {
    admit: (movie) => {
      const ticket = newTicket();
      tickets.put(ticket, movie);
      return ticket;
    },
    upgrade: (request, socket, head) => serve(upgradeRequestOf(request), socket, head),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function inOwnProcess({ logFolder, onCrash }: MediaOptions): Media {
  let child: Child | undefined;
  const running = (): Child =>
    (child ??= superviseNodeChild({
      name: 'media',
      entry: fileURLToPath(new URL('./media-process.ts', import.meta.url)),
      logFolder,
      ...(onCrash === undefined ? {} : { onCrash }),
    }));
  return {
    admit: (movie) => {
      const ticket = newTicket();
      running().send({ type: 'ticket', ticket, movie } satisfies ToMediaProcess);
      return ticket;
    },
    upgrade: (request, socket, head) => {
      const message: ToMediaProcess = {
        type: 'upgrade',
        request: upgradeRequestOf(request),
        head: head.toString('base64'),
      };
      running().send(message, socket as Socket);
    },
    [Symbol.asyncDispose]: async () => {
      await child?.stop();
    },
  };
}

/** What the frame procedures need. */
export interface FramesDependencies {
  readonly media: Media;
  /** The films of a run's input and its arrays. @throws AppError `run.not_found`, `run.not_ready` */
  readonly movieOf: (runUuid: string, version?: number) => Promise<Movie>;
  /** The films of a behaviour camera beside a run's. */
  readonly cameraOf: (runUuid: string, camera: string) => Promise<MovieInput[]>;
}

/** Serves `frames.*`. */
export function createFramesHandlers({
  media,
  movieOf,
  cameraOf,
}: FramesDependencies): Handlers<typeof framesApi.procedures> {
  return {
    ticket: async ({ runUuid, version, camera }) => {
      // A camera's frames lie where they were seen: nothing registers them.
      const movie: Movie =
        camera === undefined
          ? await movieOf(runUuid, version)
          : { inputs: await cameraOf(runUuid, camera), motionFile: '', timeFile: '' };
      if (movie.inputs.length === 0) throw new AppError('run.not_ready', 'This run has no films.');
      return { ticket: media.admit(movie), path: framesPath };
    },
  };
}
