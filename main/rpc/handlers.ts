// SPDX-License-Identifier: MIT
import type { z } from 'zod';
import type { Api, Audience, Procedure } from '../contract/index.ts';

/** What a handler knows of its caller. */
export interface CallContext {
  /** Aborted when the caller cancels or is gone. */
  readonly signal: AbortSignal;
  readonly audience: Audience;
}

/** A packet to send; the bytes may be used again once the next one is asked for. */
export interface OutPacket<H> {
  readonly header: H;
  readonly bytes: Uint8Array;
}

type Handler<P> =
  P extends Procedure<infer V, infer I, infer O, infer U>
    ? V extends 'query' | 'command'
      ? (input: z.output<I>, context: CallContext) => Promise<z.input<O>>
      : V extends 'subscription'
        ? (input: z.output<I>, context: CallContext) => AsyncIterable<z.input<O>>
        : (
            input: z.output<I>,
            updates: AsyncIterable<z.output<U>>,
            context: CallContext,
          ) => AsyncIterable<OutPacket<z.input<O>>>
    : never;

/** One handler for each procedure of a domain; subscriptions and streams are asked for a value only when the caller wants one. */
export type Handlers<A extends Api> = { readonly [P in keyof A]: Handler<A[P]> };

/** Handlers of several domains, by the names of an api index such as `coreApis`. */
export type DomainHandlers<A extends Readonly<Record<string, { readonly procedures: Api }>>> = {
  readonly [D in keyof A]: Handlers<A[D]['procedures']>;
};
