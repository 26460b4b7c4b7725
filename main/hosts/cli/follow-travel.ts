// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { Invocation } from './command.ts';
import { progressLine } from './output.ts';

const names: Readonly<Record<string, string>> = {
  film: 'making the small film',
  write: 'writing',
  check: 'checking',
  unpack: 'unpacking',
};

/** Shows how far a package is and gives its report: a redrawn line on a terminal, else a line for each step. */
export async function followTravel<R>(
  { terminal, json }: Invocation,
  moments: AsyncIterable<{ readonly step: string; readonly fraction: number; readonly report: R | null }>,
): Promise<R> {
  let shown = '';
  let report: R | null = null;
  for await (const moment of moments) {
    report ??= moment.report;
    const name = names[moment.step];
    if (json || name === undefined) continue;
    const line = progressLine(terminal, name, moment.fraction);
    if (line !== shown) terminal.err(line);
    shown = line;
  }
  if (terminal.redraws && shown !== '') terminal.err('\r\u001B[K');
  if (report === null) throw new AppError('rpc.cancelled', 'It was cancelled; nothing was changed.');
  return report;
}
