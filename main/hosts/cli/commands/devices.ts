// SPDX-License-Identifier: MIT
import { type FoundDevice, listDevices, readCatalogue } from '../../../devices/index.ts';
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
  const { devices, unavailable } = listDevices();
  const scopeTypes = [...readCatalogue().values()].map(({ type, label, width, height, controls }) => ({
    type,
    label: label ?? type,
    width,
    height,
    controls: Object.keys(controls),
  }));
  const lines = [
    ...devices.map(
      ({ id, name, problem, usb }) =>
        `${id.padEnd(14)} ${name}${connection(usb)}\n${problem === null ? '' : `               ${problem.message}\n               ${problem.fix}\n`}`,
    ),
    ...(unavailable === null ? [] : [`\nReal boards: ${unavailable}\n`]),
    '\nScope types:\n',
    ...scopeTypes.map(({ type, label, width, height }) => `  ${type.padEnd(24)} ${label}, ${width} × ${height}\n`),
  ];
  return Promise.resolve({ exitCode: exitCodes.ok, json: { devices, unavailable, scopeTypes }, text: lines.join('') });
}

/** Speed and driver, where the system tells them. */
function connection(usb: FoundDevice['usb']): string {
  if (usb === null) return '';
  const speed = usb.speedMbps === null ? [] : [`${usb.speedMbps} Mbit/s`];
  const driver = usb.driver === null ? [] : [`driver ${usb.driver}`];
  const told = [...speed, ...driver];
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}
