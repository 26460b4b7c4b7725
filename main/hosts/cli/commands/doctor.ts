// SPDX-License-Identifier: MIT
import { AppError, type DoctorCheck } from '../../../contract/index.ts';
import { words, type Answer, type Command, type Invocation } from '../command.ts';
import { exitCodes } from '../../exit-codes.ts';

/** `doctor`: what works here, what is missing, what mends it. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Check engine, ffmpeg, library and disk, and say what mends them',
  usage: 'doctor [flags]',
  flags: () => [],
  run,
};

const marks: Readonly<Record<DoctorCheck['status'], string>> = {
  ok: 'ok      ',
  warning: 'warning ',
  problem: 'PROBLEM ',
};

async function run(invocation: Invocation): Promise<Answer> {
  words(doctorCommand, invocation.positionals, [] as const);
  const checks = await checksOf(invocation);
  const problem = checks.some((check) => check.status === 'problem');
  const text = checks.map(
    ({ status, title, detail, fix }) =>
      `${marks[status]}${title}: ${detail}\n${fix === undefined ? '' : `        ${fix}\n`}`,
  );
  return { exitCode: problem ? exitCodes.environment : exitCodes.ok, json: { checks }, text: text.join('') };
}

/** A library that does not open is a finding of its own, not the end of the check-up. */
async function checksOf(invocation: Invocation): Promise<readonly DoctorCheck[]> {
  try {
    const { client } = await invocation.connect();
    return await client.app.doctor({});
  } catch (thrown) {
    const error = AppError.from(thrown);
    return [
      {
        id: 'library',
        title: 'Library',
        status: 'problem',
        detail: `${invocation.library}: ${error.message}`,
        ...(error.hint === undefined ? {} : { fix: error.hint }),
      },
    ];
  }
}
