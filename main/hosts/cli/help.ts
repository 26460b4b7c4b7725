// SPDX-License-Identifier: MIT
import { commonFlags, type Command, type Flag } from './command.ts';

const label = (flag: Flag): string => `--${flag.name}${flag.value === undefined ? '' : ` <${flag.value}>`}`;

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}\n`).join('');
}

/** Help for all commands. */
export function generalHelp(commands: readonly Command[]): string {
  return [
    'Calyx: from miniscope recordings to cells.\n\n',
    'Usage: npm run -s calyx -- <command> [flags]\n\n',
    table(commands.map((command) => [command.name, command.summary])),
    '\nFlags of every command:\n',
    table(commonFlags.map((flag) => [label(flag), flag.help])),
    '\nExit codes: 0 ok, 2 usage, 3 input, 4 environment, 5 resource, 6 result incomplete, 70 bug, 130 cancelled.\n',
    '`<command> --help` says more.\n',
  ].join('');
}

/** Help for one command. */
export function commandHelp(command: Command): string {
  const flags = [...command.flags(), ...commonFlags];
  return `${command.summary}.\n\nUsage: npm run -s calyx -- ${command.usage}\n\n${table(flags.map((flag) => [label(flag), flag.help]))}`;
}
