// SPDX-License-Identifier: MIT
import path from 'node:path';
import { SideWork } from '../../../acquisition/index.ts';
import { AppError } from '../../../contract/index.ts';
import {
  type BoardLink,
  Miniscope,
  openLink,
  practiceScope,
  readCatalogue,
  scopeType,
  systemClock,
} from '../../../devices/index.ts';
import { readRig, simulatorRig } from '../../../recording/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { boardsFor } from '../choose-boards.ts';
import { positive, text, texts, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `stack`: pictures through the depth that the lens reaches, as a TIFF. */
export const stackCommand: Command = {
  name: 'stack',
  summary: 'Take a stack of pictures through the depth that the lens reaches, as a TIFF',
  usage: 'stack --rig <simulator | configuration.json> --from <n> --to <n> --out <file.tif> [flags]',
  flags: () => [
    { name: 'rig', value: 'rig', help: 'simulator, or a Miniscope-DAQ user configuration; its first scope is used.' },
    { name: 'from', value: 'n', help: 'Lens setting of the first page.' },
    { name: 'to', value: 'n', help: 'Lens setting of the last page.' },
    { name: 'step', value: 'n', help: 'Lens steps from page to page; 5 when left out.' },
    { name: 'frames', value: 'n', help: 'Frames that are averaged for a page; 20 when left out.' },
    {
      name: 'out',
      value: 'file',
      help: 'The TIFF to write: grey levels as 32-bit float, the lens setting in the description of each page.',
    },
    {
      name: 'device',
      value: 'id',
      isRepeatable: true,
      help: 'The board, as `calyx devices` names it; not needed for the only one.',
    },
    { name: 'scene', value: 'name', help: 'What the simulated scope looks at: scope, small, tiny or sample.' },
    { name: 'seed', value: 'n', help: 'Another one shows other tissue.' },
  ],
  run,
};

/** @throws AppError `usage.invalid`, `device.*`, `disk.io` */
async function run({ flags, absolute, positionals, terminal, signal, json }: Invocation): Promise<Answer> {
  words(stackCommand, positionals, [] as const);
  const [which, out] = [text(flags, 'rig'), text(flags, 'out')];
  if (which === undefined) throw new AppError('usage.invalid', 'stack needs --rig: simulator, or a configuration.');
  if (out === undefined) throw new AppError('usage.invalid', 'stack needs --out: the TIFF to write.');
  const wish = {
    from: lens(text(flags, 'from'), 'from'),
    to: lens(text(flags, 'to'), 'to'),
    step: positive(flags, 'step', 'number') ?? 5,
    frames: positive(flags, 'frames', 'whole number') ?? 20,
    file: absolute(out),
  };
  const rig = which === 'simulator' ? simulatorRig : await readRig(absolute(which));
  const [scope] = rig.scopes;
  if (scope === undefined) throw new AppError('recording.bad_rig', 'The configuration names no miniscope.');
  const type = scopeType(readCatalogue(), scope.type);
  const one = { ...rig, scopes: [scope] };
  const [address = ''] = rig.isSimulated ? [] : boardsFor(one, texts(flags, 'device'), terminal.err);
  await using opened = new AsyncDisposableStack();
  const scene = { name: text(flags, 'scene') ?? 'scope', seed: positive(flags, 'seed', 'whole number') ?? 1 };
  const practice = rig.isSimulated ? opened.use(practiceScope(type, systemClock, scene)) : null;
  const side = new SideWork({ clock: systemClock, openLink }, () => {
    if (!json && side.plane !== null) terminal.err(`plane ${side.plane.plane} of ${side.plane.planes}\n`);
  });
  const miniscope = new Miniscope({
    type,
    clock: systemClock,
    settings: scope.settings,
    open: (): Promise<BoardLink> => practice?.open() ?? openLink(address),
    onFrame: (frame) => side.seen(miniscope, frame),
    onEvent: ({ message }) => terminal.err(`${message}\n`),
  });
  opened.use(miniscope);
  await miniscope.connect();
  const lensAtFirst = miniscope.settings.get('ewl')?.shown ?? 0;
  signal.addEventListener('abort', () => side.stop(), { once: true });
  const planes = await side.takeStack({ address, type, scope: miniscope, shown: () => lensAtFirst }, wish);
  return {
    exitCode: exitCodes.ok,
    json: { file: wish.file, planes },
    text: `${planes} planes in ${path.basename(wish.file)}\n`,
  };
}

function lens(given: string | undefined, name: string): number {
  const value = Number(given?.trim() === '' ? undefined : given);
  if (!Number.isFinite(value))
    throw new AppError('usage.invalid', `stack needs --${name}: a lens setting, such as -60.`);
  return value;
}
