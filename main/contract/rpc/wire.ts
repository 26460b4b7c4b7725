// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { ErrorData } from '../errors.ts';

/**
 * What travels. Control messages are JSON text; a binary packet is a `packet` message followed at once by one binary message, so the
 * order of a channel must be kept. Every call has an id of the caller's choosing.
 *
 * Credits: the server sends a value or packet of a call only while it has credit; the caller returns one when a value was taken.
 * So a slow consumer never makes memory grow, and a handler is only asked for its next value when it is wanted.
 */
export const ClientMessage = z.discriminatedUnion('t', [
  z.object({ t: z.literal('hello'), version: z.number().int(), token: z.string().max(512) }),
  z.object({ t: z.literal('call'), id: z.number().int(), name: z.string().max(128), input: z.unknown() }),
  z.object({ t: z.literal('cancel'), id: z.number().int() }),
  z.object({ t: z.literal('update'), id: z.number().int(), value: z.unknown() }),
  z.object({ t: z.literal('credit'), id: z.number().int(), count: z.number().int().min(1).max(1024) }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

export const ServerMessage = z.discriminatedUnion('t', [
  z.object({ t: z.literal('welcome'), version: z.number().int() }),
  z.object({ t: z.literal('refused'), error: ErrorData }),
  z.object({ t: z.literal('result'), id: z.number().int(), value: z.unknown() }),
  z.object({ t: z.literal('value'), id: z.number().int(), value: z.unknown() }),
  /** Header of the binary message that follows; `skipped` counts updates that newer ones replaced since the last packet. */
  z.object({ t: z.literal('packet'), id: z.number().int(), header: z.unknown(), skipped: z.number().int() }),
  z.object({ t: z.literal('end'), id: z.number().int() }),
  z.object({ t: z.literal('error'), id: z.number().int(), error: ErrorData }),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;

/** Values a subscription may send before the caller has taken one. */
export const subscriptionCredit = 16;
/** Packets of a stream under way at a time: one being drawn, one coming. */
export const streamCredit = 2;

/** A two-way, ordered line of text and binary messages. */
export interface Channel {
  /** Sends; the promise resolves when the message has left this process (its memory may be used again) and rejects when the line is closed. */
  readonly send: (message: string | Uint8Array) => Promise<void>;
  /** Sets the one receiver; messages that came before are delivered to it. */
  readonly receive: (onMessage: (message: string | Uint8Array) => void) => void;
  /** Called once when the line has ended, by either side. */
  readonly closed: Promise<void>;
  readonly close: () => void;
}

/** The part of an AbortSignal that calls use; the browser's and Node's both have it. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
