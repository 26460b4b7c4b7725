// SPDX-License-Identifier: MIT
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import path from 'node:path';
import { AppError, Uuid } from '../../contract/index.ts';
import type { Connection, OwnerWishes } from './connection.ts';
import type { Terminal } from './output.ts';

/** A flag with a value (or none) as it is parsed and described. */
export interface Flag {
  readonly name: string;
  /** What stands for its value in the help; absent for a switch. */
  readonly value?: string;
  /** It may be given several times. */
  readonly isRepeatable?: boolean;
  readonly help: string;
}

/** Values of flags by name; a switch that was given is `true`, one that may be repeated a list. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command is called with. */
export interface Invocation {
  readonly positionals: readonly string[];
  readonly flags: FlagValues;
  readonly json: boolean;
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** A path of the caller made absolute. */
  readonly absolute: (given: string) => string;
  /** Absolute folder of the library. */
  readonly library: string;
  /** The library's core, this process's or another's. */
  readonly connect: (wishes?: Partial<OwnerWishes>) => Promise<Connection>;
  /** Reads what lies at an absolute path as an import would, without a library. @throws AppError `session.*`, `media.*` */
  readonly readSession: (place: string) => Promise<unknown>;
}

/** What a command ends with: an exit code and the one answer on stdout. */
export interface Answer {
  readonly exitCode: number;
  /** Printed as the one JSON object with `--json`; undefined when the command printed it itself. */
  readonly json: unknown;
  /** Printed otherwise; empty for none. */
  readonly text: string;
}

/** A command of the command line: one file each in `commands/`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** How its arguments are written. */
  readonly usage: string;
  readonly flags: () => readonly Flag[];
  /** It stays long enough to go on with runs that were left queued. */
  readonly stays?: boolean;
  /** @throws AppError */
  readonly run: (invocation: Invocation) => Promise<Answer>;
}

/** Flags that every command has. */
export const commonFlags: readonly Flag[] = [
  { name: 'library', value: 'folder', help: 'Library to work in (else $CALYX_LIBRARY, else your own).' },
  { name: 'json', help: 'Print exactly one JSON object; errors as one on stderr.' },
  { name: 'help', help: 'Show this help.' },
];

/** Flags and words of a command line. */
export interface ParsedFlags {
  readonly positionals: readonly string[];
  readonly flags: FlagValues;
}

/**
 * Reads a command's flags. A negative number may be a value.
 *
 * @throws AppError `usage.invalid` naming what is wrong
 */
export function parseFlags(command: Command, args: readonly string[]): ParsedFlags {
  const all = [...command.flags(), ...commonFlags];
  const options: ParseArgsOptionsConfig = Object.fromEntries(
    all.map((flag) => [
      flag.name,
      { type: flag.value === undefined ? 'boolean' : 'string', multiple: flag.isRepeatable ?? false },
    ]),
  );
  const joined = joinNegativeValues(
    args,
    new Set(all.filter((flag) => flag.value !== undefined).map((flag) => `--${flag.name}`)),
  );
  try {
    const { positionals, values } = parseArgs({ args: joined, options, allowPositionals: true, strict: true });
    return { positionals, flags: values as FlagValues };
  } catch (error) {
    const [sentence = ''] = error instanceof Error ? error.message.split('. ') : [];
    throw new AppError('usage.invalid', `${sentence.replace(/\.$/, '')}.`, {
      hint: `See: calyx ${command.name} --help`,
      cause: error,
    });
  }
}

/** `--min-r-value -0.5` is written as `--min-r-value=-0.5`: a value that begins with a minus is otherwise taken for a flag. */
function joinNegativeValues(args: readonly string[], valued: ReadonlySet<string>): string[] {
  const joined: string[] = [];
  for (const argument of args) {
    const before = joined.at(-1);
    if (before !== undefined && valued.has(before) && /^-\.?\d/.test(argument))
      joined[joined.length - 1] = `${before}=${argument}`;
    else joined.push(argument);
  }
  return joined;
}

/** A text value of a flag; undefined where it was not given. */
export function text(flags: FlagValues, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** All values of a flag that may be repeated. */
export function texts(flags: FlagValues, name: string): readonly string[] {
  const value = flags[name];
  return typeof value === 'object' ? value : [];
}

/** A number above zero from a flag. @throws AppError `usage.invalid` */
export function positive(flags: FlagValues, name: string, kind: 'number' | 'whole number'): number | undefined {
  const given = text(flags, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() !== '' && Number.isFinite(value) && value > 0 && (kind === 'number' || Number.isInteger(value)))
    return value;
  throw new AppError('usage.invalid', `--${name} must be a ${kind} above 0; it is “${given}”.`);
}

/** The words of a command, exactly as many as it names. @throws AppError `usage.invalid` */
export function words<const N extends readonly string[]>(
  command: Command,
  positionals: readonly string[],
  names: N,
): { readonly [K in keyof N]: string } {
  const [missing] = names.slice(positionals.length);
  if (missing !== undefined)
    throw new AppError('usage.invalid', `${command.name} needs ${missing}.`, { hint: `calyx ${command.usage}` });
  const [extra] = positionals.slice(names.length);
  if (extra !== undefined) {
    throw new AppError('usage.invalid', `${command.name} does not know what to do with “${extra}”.`, {
      hint: `calyx ${command.usage}`,
    });
  }
  return positionals as unknown as { readonly [K in keyof N]: string };
}

/** A run's id as it was given. @throws AppError `run.not_found` for what cannot be one */
export function runId(given: string): string {
  if (Uuid.safeParse(given).success) return given;
  throw new AppError('run.not_found', `“${given}” is no run’s id.`, {
    hint: 'calyx runs lists the runs with their ids.',
  });
}

/**
 * Makes paths absolute against the caller's folder: npm runs scripts elsewhere and names the caller's in INIT_CWD. An empty one is what a variable of a shell leaves that was never set, not that folder.
 */
export function pathResolver(env: NodeJS.ProcessEnv, cwd: string): (given: string) => string {
  const base = env['INIT_CWD'] ?? cwd;
  return (given) => {
    if (given === '') throw new AppError('usage.invalid', 'A path that was given is empty.');
    return path.resolve(base, given);
  };
}
