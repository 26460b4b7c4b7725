// SPDX-License-Identifier: MIT
import { z } from 'zod';

/**
 * How a procedure is declared. Four verbs:
 *
 * - `query`: repeatable, changes nothing;
 * - `command`: changes something;
 * - `subscription`: a stream of JSON values until the caller leaves;
 * - `stream`: binary packets, credit-based, newest wins. The caller may send `update` values (for example the frame the cursor
 *   is on); the server sends the newest packet for the newest update and counts what it skipped.
 *
 * Types, run-time checks, forms and command-line flags come from the same schemas.
 */
export type Verb = 'query' | 'command' | 'subscription' | 'stream';

/**
 * Who may call: `window` is any client that holds the window's token; `local` is a program that read the library's lock file; `remote` is a program that was
 * given the token of remote control, and may call what is marked so and nothing else.
 */
export type Audience = 'window' | 'local' | 'remote';

export interface Procedure<
  V extends Verb = Verb,
  I extends z.ZodType = z.ZodType,
  O extends z.ZodType = z.ZodType,
  U extends z.ZodType = z.ZodType,
> {
  readonly verb: V;
  readonly input: I;
  /** Result of a query or command, one value of a subscription, the header of one packet of a stream. */
  readonly output: O;
  /** Values a stream's caller may send while it is open; `z.never()` for the other verbs. */
  readonly update: U;
  readonly audience: Exclude<Audience, 'remote'>;
  /** Other programs may call it by remote control. */
  readonly remote: boolean;
  /** One sentence for the documentation and the snapshot. */
  readonly doc: string;
}

interface Options {
  readonly doc: string;
  readonly audience?: Exclude<Audience, 'remote'>;
  readonly remote?: boolean;
}

function declared<V extends Verb, I extends z.ZodType, O extends z.ZodType, U extends z.ZodType>(
  verb: V,
  input: I,
  output: O,
  update: U,
  { doc, audience = 'window', remote = false }: Options,
): Procedure<V, I, O, U> {
  return { verb, input, output, update, audience, remote, doc };
}

/** Declares a repeatable question. */
export function query<I extends z.ZodType, O extends z.ZodType>(
  input: I,
  output: O,
  options: Options,
): Procedure<'query', I, O, z.ZodNever> {
  return declared('query', input, output, z.never(), options);
}

/** Declares a change. */
export function command<I extends z.ZodType, O extends z.ZodType>(
  input: I,
  output: O,
  options: Options,
): Procedure<'command', I, O, z.ZodNever> {
  return declared('command', input, output, z.never(), options);
}

/** Declares a stream of JSON values. */
export function subscription<I extends z.ZodType, O extends z.ZodType>(
  input: I,
  output: O,
  options: Options,
): Procedure<'subscription', I, O, z.ZodNever> {
  return declared('subscription', input, output, z.never(), options);
}

/** Declares a stream of binary packets, each with a JSON header of type `output`. */
export function stream<I extends z.ZodType, O extends z.ZodType, U extends z.ZodType>(
  input: I,
  output: O,
  update: U,
  options: Options,
): Procedure<'stream', I, O, U> {
  return declared('stream', input, output, update, options);
}

/** The procedures of one domain. */
export type Api = Readonly<Record<string, Procedure>>;

/** Names a domain's procedures; the wire name of each is `domain.procedure`. */
export function defineApi<A extends Api>(
  domain: string,
  procedures: A,
): { readonly domain: string; readonly procedures: A } {
  return { domain, procedures };
}
