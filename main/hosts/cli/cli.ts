// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import { programVersion } from '../../installation/index.ts';
import { defaultLibrary } from '../../library/index.ts';
import { probeFilm } from '../../media/index.ts';
import { describeFilm } from '../../interop/index.ts';
import { openSession } from '../../sessions/index.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import { parseFlags, pathResolver, text, type Answer, type Command, type Invocation } from './command.ts';
import { commands } from './commands/index.ts';
import { openConnection, type Connection, type OwnerWishes } from './connection.ts';
import { commandHelp, generalHelp } from './help.ts';
import { errorText, processTerminal, type Terminal } from './output.ts';

/** What the command line runs in; tests give their own. */
export interface CliHost {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Aborted by Ctrl-C or a request to end. */
  readonly signal: AbortSignal;
  /** Aborted by the second one. */
  readonly insisted: AbortSignal;
  readonly connect: (library: string, terminal: Terminal, wishes: OwnerWishes) => Promise<Connection>;
  /** Reads what lies at an absolute path as an import would, without a library. @throws AppError `session.*`, `media.*` */
  readonly readSession: (place: string) => Promise<unknown>;
}

/** Runs one command line and returns its exit code. Everything it says goes through the host's terminal. */
export async function runCli(args: readonly string[], host: CliHost = processHost()): Promise<number> {
  const { terminal } = host;
  const json = args.includes('--json');
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      terminal.out(generalHelp(commands));
      return name === undefined ? exitCodes.usage : exitCodes.ok;
    }
    if (name === '--version') {
      terminal.out(`${programVersion()}\n`);
      return exitCodes.ok;
    }
    const command = commands.find((candidate) => candidate.name === name);
    if (command === undefined) {
      const known = commands.map((candidate) => candidate.name).join(', ');
      throw new AppError('usage.invalid', `There is no command “${name}”.`, { hint: `Commands: ${known}.` });
    }
    return await runCommand(command, rest, host);
  } catch (thrown) {
    const error = AppError.from(thrown);
    terminal.err(json ? `${JSON.stringify(error.toData())}\n` : errorText(error));
    return exitCodeOf(error.code);
  }
}

async function runCommand(command: Command, args: readonly string[], host: CliHost): Promise<number> {
  const { flags, positionals } = parseFlags(command, args);
  if (flags['help'] === true) {
    host.terminal.out(commandHelp(command));
    return exitCodes.ok;
  }
  const absolute = pathResolver(host.env, host.cwd);
  const named = text(flags, 'library');
  const library = named === undefined ? defaultLibrary(host.env) : absolute(named);
  let connection: Promise<Connection> | undefined;
  const invocation: Invocation = {
    positionals,
    flags,
    json: flags['json'] === true,
    terminal: host.terminal,
    env: host.env,
    signal: host.signal,
    absolute,
    library,
    readSession: host.readSession,
    connect: (wishes = {}) =>
      (connection ??= host.connect(library, host.terminal, { takeQueued: command.stays ?? false, port: 0, ...wishes })),
  };
  let answer: Answer;
  try {
    answer = await command.run(invocation);
    if (answer.json !== undefined)
      host.terminal.out(invocation.json ? `${JSON.stringify(answer.json)}\n` : answer.text);
  } finally {
    // An owner waits here until the jobs of its clients have ended.
    await (await connection?.catch(() => undefined))?.close(host.insisted);
  }
  return answer.exitCode;
}

/** The running process: its streams, its folder, Ctrl-C. */
function processHost(): CliHost {
  const [interrupted, insisted] = [new AbortController(), new AbortController()];
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => (interrupted.signal.aborted ? insisted : interrupted).abort());
  }
  return {
    terminal: processTerminal(),
    env: process.env,
    cwd: process.cwd(),
    signal: interrupted.signal,
    insisted: insisted.signal,
    connect: openConnection,
    readSession: async (place) => (await describeFilm(place, {})) ?? (await openSession(place, { probeFilm })),
  };
}
