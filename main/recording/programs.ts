// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { RigProgram } from './rig.ts';

/** Programs that a rig may start: absolute paths, as a person of this machine listed them. */
export function allowedPrograms(env: NodeJS.ProcessEnv): readonly string[] {
  return (env['CALYX_PROGRAMS'] ?? '')
    .split(path.delimiter)
    .filter((file) => path.isAbsolute(file))
    .map((file) => path.normalize(file));
}

/**
 * Refuses a rig's program that nobody of this machine has listed: a configuration comes from elsewhere, and must not run what it likes.
 *
 * @throws AppError `recording.bad_rig`
 */
export function refuseUnlisted(program: RigProgram | null, allowed: readonly string[]): void {
  if (program === null || allowed.includes(path.normalize(program.filePath))) return;
  throw new AppError(
    'recording.bad_rig',
    `The rig wants to start ${program.filePath}, which is not on this machine's list of programs.`,
    {
      hint: `Put its absolute path into CALYX_PROGRAMS (several are separated by “${path.delimiter}”), or switch it off in the rig.`,
    },
  );
}

/**
 * Starts a program with the session's folder as CALYX_SESSION, without a shell: its arguments are what they are. It runs on by itself; a recording never waits for it.
 *
 * @param tell told when it cannot be started, or ends with an error
 */
export function startProgram(
  program: RigProgram | null,
  {
    folder,
    allowed,
    tell,
  }: { readonly folder: string; readonly allowed: readonly string[]; readonly tell: (message: string) => void },
): void {
  if (program === null) return;
  refuseUnlisted(program, allowed);
  const child = spawn(program.filePath, [...program.arguments], {
    cwd: folder,
    env: { ...process.env, CALYX_SESSION: folder },
    stdio: 'ignore',
    detached: true,
    shell: false,
  });
  child.on('error', (error) => tell(`${program.filePath} could not be started: ${error.message}`));
  child.on('exit', (code) => {
    if (code !== 0 && code !== null) tell(`${program.filePath} ended with code ${code}.`);
  });
  child.unref();
}
