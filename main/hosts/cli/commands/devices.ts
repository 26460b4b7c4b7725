// SPDX-License-Identifier: MIT
import { AppError } from '../../../contract/index.ts';
import {
  blinkBoard,
  followDevices,
  type FoundDevice,
  listDevices,
  openLink,
  portNews,
  readCatalogue,
  scopeType,
  systemClock,
} from '../../../devices/index.ts';
import { readOwner } from '../../../library/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { text, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `devices`: boards that are connected, and the scope types that can be driven. */
export const devicesCommand: Command = {
  name: 'devices',
  summary: 'List connected Miniscope boards, the simulated one and the known scope types',
  usage: 'devices [flags]',
  flags: () => [
    {
      name: 'identify',
      value: 'port',
      help: 'Blink the LED of the board on this USB port (2-1) three times, and leave it as it was. A running Calyx does it where one has the library, its simulated scope (simulator) too; never while it records.',
    },
    { name: 'type', value: 'name', help: 'The type of scope that is to blink; Miniscope_V4_BNO when left out.' },
    { name: 'watch', help: 'Stay, and tell each board that comes or goes, until Ctrl-C.' },
  ],
  run,
};

const usualType = 'Miniscope_V4_BNO';
const simulator = 'simulator';

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, flags } = invocation;
  words(devicesCommand, positionals, [] as const);
  const port = text(flags, 'identify');
  if (port !== undefined) return await identify(port, text(flags, 'type'), invocation);
  return flags['watch'] === true ? await watch(invocation) : list();
}

/**
 * Asks the Calyx that runs on this library, which may have the board open; does it itself where none runs.
 *
 * @throws AppError `device.*`, `acquire.not_now` while that one records
 */
async function identify(
  given: string,
  wanted: string | undefined,
  { library, connect, signal }: Invocation,
): Promise<Answer> {
  const id = given === simulator || given.startsWith('usb-') ? given : `usb-${given}`;
  if (readOwner(library) !== null) {
    const { client } = await connect();
    await client.acquire.identify({ deviceId: id, ...(wanted === undefined ? {} : { scopeType: wanted }) }, { signal });
    return blinked(id, wanted);
  }
  if (id === simulator) {
    throw new AppError('device.not_found', 'No simulated scope is connected: one blinks only in a running Calyx.');
  }
  const type = scopeType(readCatalogue(), wanted ?? usualType);
  const { devices, unavailable } = listDevices();
  const board = devices.find((device) => device.id === id);
  if (board === undefined) {
    throw new AppError('device.not_found', unavailable ?? `No Miniscope DAQ board is on USB port ${id.slice(4)}.`, {
      hint: '`calyx devices` lists what is there.',
    });
  }
  if (board.problem !== null) {
    throw new AppError('device.not_found', board.problem.message, { hint: board.problem.fix });
  }
  await blinkBoard(type, () => openLink(board.address), systemClock, signal);
  return blinked(id, type.type);
}

function blinked(id: string, type: string | undefined): Answer {
  const which = id === simulator ? 'the simulated scope' : `the scope on USB port ${id.slice(4)}`;
  return {
    exitCode: exitCodes.ok,
    json: { identified: id, ...(type === undefined ? {} : { scopeType: type }) },
    text: `The LED of ${which} has blinked.\n`,
  };
}

/** A line for each change; with `--json` one object each, with the whole list. */
async function watch({ json, terminal, signal }: Invocation): Promise<Answer> {
  let before: readonly FoundDevice[] | undefined;
  for await (const { devices, unavailable } of followDevices(signal)) {
    const news = before === undefined ? [] : portNews(before, devices);
    before = devices;
    if (json) terminal.out(`${JSON.stringify({ devices, unavailable, news })}\n`);
    else terminal.out(news.length > 0 ? news.map((line) => `${line}\n`).join('') : linesOf(devices, unavailable));
  }
  return { exitCode: exitCodes.ok, json: undefined, text: '' };
}

function list(): Answer {
  const { devices, unavailable } = listDevices();
  const scopeTypes = [...readCatalogue().values()].map(({ type, label, width, height, controls }) => ({
    type,
    label: label ?? type,
    width,
    height,
    controls: Object.keys(controls),
  }));
  const lines = [
    linesOf(devices, unavailable),
    '\nScope types:\n',
    ...scopeTypes.map(({ type, label, width, height }) => `  ${type.padEnd(24)} ${label}, ${width} × ${height}\n`),
  ];
  return { exitCode: exitCodes.ok, json: { devices, unavailable, scopeTypes }, text: lines.join('') };
}

function linesOf(devices: readonly FoundDevice[], unavailable: string | null): string {
  return [
    ...devices.map(
      ({ id, name, problem, loss, usb }) =>
        `${id.padEnd(14)} ${name}${connection(usb)}\n${indented(problem)}${indented(loss)}`,
    ),
    ...(unavailable === null ? [] : [`\nReal boards: ${unavailable}\n`]),
  ].join('');
}

const indented = (told: FoundDevice['problem']): string =>
  told === null ? '' : `               ${told.message}\n               ${told.fix}\n`;

/** Speed and driver, where the system tells them. */
function connection(usb: FoundDevice['usb']): string {
  if (usb === null) return '';
  const speed = usb.speedMbps === null ? [] : [`${usb.speedMbps} Mbit/s`];
  const driver = usb.driver === null ? [] : [`driver ${usb.driver}`];
  const told = [...speed, ...driver];
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}
