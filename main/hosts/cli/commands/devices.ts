// SPDX-License-Identifier: MIT
import { listDevices, readCatalogue } from '../../../devices/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { words, type Answer, type Command, type Invocation } from '../command.ts';

/** `devices`: boards that are connected, and the scope types that can be driven. */
export const devicesCommand: Command = {
  name: 'devices',
  summary: 'List connected Miniscope boards, the simulated one and the known scope types',
  usage: 'devices [flags]',
  flags: () => [],
  run,
};

function run({ positionals }: Invocation): Promise<Answer> {
  words(devicesCommand, positionals, [] as const);
  const devices = listDevices();
  const scopeTypes = [...readCatalogue().values()].map(({ type, label, width, height, controls }) => ({
    type,
    label: label ?? type,
    width,
    height,
    controls: Object.keys(controls),
  }));
  const lines = [
    ...devices.map(
      ({ id, name, problem }) =>
        `${id.padEnd(14)} ${name}\n${problem === null ? '' : `               ${problem.message}\n               ${problem.fix}\n`}`,
    ),
    '\nScope types:\n',
    ...scopeTypes.map(({ type, label, width, height }) => `  ${type.padEnd(24)} ${label}, ${width} × ${height}\n`),
  ];
  return Promise.resolve({ exitCode: exitCodes.ok, json: { devices, scopeTypes }, text: lines.join('') });
}
