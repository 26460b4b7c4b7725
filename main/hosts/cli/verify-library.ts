// SPDX-License-Identifier: MIT
import { AppError, type VerifyReport } from '../../contract/index.ts';
import type { Answer, Invocation } from './command.ts';
import { bytes } from './output.ts';
import { exitCodes } from '../exit-codes.ts';

/** `verify` without a folder: is the library whole? */
export async function verifyLibraryFiles({ flags, connect, terminal, json, signal }: Invocation): Promise<Answer> {
  const { client } = await connect();
  let report: VerifyReport | null = null;
  const steps = client.library.verify({ quarantine: flags['check-only'] !== true }, { signal });
  for await (const step of steps) {
    ({ report } = step);
    if (!json && report === null) terminal.err(`${step.done} of ${step.total} files\n`);
  }
  if (report === null) throw new AppError('rpc.cancelled', 'The check was ended before it was done.');
  return { exitCode: report.ok ? exitCodes.ok : exitCodes.incomplete, json: report, text: textOf(report) };
}

function textOf(report: VerifyReport): string {
  return [
    report.integrity.length === 0
      ? 'database: whole\n'
      : report.integrity.map((line) => `DAMAGED database: ${line}\n`).join(''),
    ...report.foreignKeys.map(({ table, parent, rows }) => `DAMAGED ${table}: ${rows} rows lack their ${parent}\n`),
    `${report.filesChecked} files, ${bytes(report.bytesChecked)} checked\n`,
    ...report.damaged.map(
      ({ file, what, quarantined }) =>
        `DAMAGED ${file}: ${what}${quarantined === null ? '' : `, moved to ${quarantined}`}\n`,
    ),
    ...report.recovered.map((file) => `whole again: ${file}\n`),
    ...report.orphans.map((file) => `orphan: ${file}\n`),
    ...report.held.map((file) => `deleted, can still be undone: ${file}\n`),
  ].join('');
}
