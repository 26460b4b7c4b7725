// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { defineApi, query, stream } from '../define.ts';
import { Uuid } from '../types.ts';

/**
 * What of the film is shown: as recorded; movement taken out; and the registered frame taken apart by the run's model. `split` is registered, cells, background
 * and residual in one packet, one after the other.
 */
export const movieLayers = ['raw', 'registered', 'cells', 'background', 'residual', 'split'] as const;

/** What a byte of a layer stands for: grey levels = (byte − zero) · step. */
export const layerScales = {
  raw: { zero: 0, step: 1 },
  registered: { zero: 0, step: 1 },
  cells: { zero: 0, step: 0.5 },
  background: { zero: 0, step: 1 },
  residual: { zero: 128, step: 0.25 },
} as const;

/** Admission to the process that owns the frames; asked of the core. */
export const framesApi = defineApi('frames', {
  ticket: query(
    /** With the edits that hold in a version of the run's curation; the newest when none is named. */
    z.object({
      runUuid: Uuid,
      version: z.number().int().min(1).optional(),
      /** The film of a behaviour camera that was recorded with it, instead. */
      camera: z.string().optional(),
    }),
    z.object({
      ticket: z.string(),
      /** Path of the WebSocket on the same host, whose first message is the ticket. */
      path: z.string(),
    }),
    { doc: "A single-use ticket for the media process's socket, bound to the films of one run." },
  ),
});

/** Spoken on the media process's own socket. */
export const movieApi = defineApi('movie', {
  frames: stream(
    z.object({
      layer: z.enum(movieLayers),
      /** Somebody may drag through this film: where each jump starts a decoder, small frames are prepared, which takes a processor for up to a minute. */
      ahead: z.boolean().optional(),
    }),
    z.object({
      /** 0-based frame of the run's input. */
      frame: z.number().int(),
      height: z.number().int(),
      width: z.number().int(),
      layer: z.enum(movieLayers),
      timeS: z.number().nullable(),
      /** The frame could not be decoded; the pixels are those of the frame before. */
      unreadable: z.boolean(),
      /** A small picture of this frame, blown up: it stands in for a frame that is still being decoded. */
      small: z.boolean().optional(),
    }),
    z.object({ frame: z.number().int().min(0) }),
    {
      doc: 'Frames as H × W bytes (`split`: four times that); the newest asked for wins. While somebody drags, frames before those asked for may come, or small pictures of frames near them.',
    },
  ),
});
