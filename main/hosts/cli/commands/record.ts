// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError } from '../../../contract/index.ts';
import { type FaultName, faultNames, type PracticeScope, systemClock } from '../../../devices/index.ts';
import { programVersion, sceneExecutable } from '../../../installation/index.ts';
import { startFilm } from '../../../media/index.ts';
import {
  allowedPrograms,
  type CameraReport,
  type DiskFaultName,
  diskFaultNames,
  failingDisk,
  type FailingDisk,
  faultsText,
  fileName,
  type IntegrityReport,
  lossText,
  makeTruthFolder,
  readRig,
  refuseUnlisted,
  type Rig,
  RigRecording,
  simulatorRig,
  startProgram,
  systemDisk,
  writeTruth,
} from '../../../recording/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { positive, text, texts, words, type Answer, type Command, type Invocation } from '../command.ts';
import { duration } from '../output.ts';
import { boardsFor } from '../choose-boards.ts';
import { type OpenRigScope, openRig } from '../open-rig.ts';

/** `record`: a session folder from a scope, and what is missing in it. */
export const recordCommand: Command = {
  name: 'record',
  summary: 'Record a session folder from a board, or from the simulated scope',
  usage: 'record --rig <simulator | configuration.json> --seconds <n> --data <folder> [flags]',
  flags: () => [
    { name: 'rig', value: 'rig', help: 'simulator, or a Miniscope-DAQ user configuration.' },
    { name: 'seconds', value: 'n', help: 'How long; else as the configuration says. Ctrl-C ends it properly.' },
    { name: 'data', value: 'folder', help: 'Data folder; else the one of the configuration.' },
    {
      name: 'device',
      value: 'id',
      isRepeatable: true,
      help: 'The board of each scope, as `calyx devices` names it (usb-2-1); not needed for the only one. v4l2:/dev/video0: through the system’s camera driver.',
    },
    { name: 'scene', value: 'name', help: 'What the simulated scope looks at: scope, small, tiny or sample.' },
    {
      name: 'truth',
      value: 'folder',
      help: 'Also write there what the simulated scope showed: cells, spikes, motion of each saved frame.',
    },
    { name: 'seed', value: 'n', help: 'Another one shows other tissue.' },
    {
      name: 'fault',
      value: 'name@s',
      isRepeatable: true,
      help: `Let something go wrong after so many seconds: ${allFaults.join(', ')}.`,
    },
  ],
  run,
};

const allFaults: readonly (FaultName | DiskFaultName)[] = [...faultNames, ...diskFaultNames];

interface Fault {
  readonly name: FaultName | DiskFaultName;
  readonly atS: number;
}

/** Time a recording is watched between two looks at the clock, ms. */
const lookMs = 50;

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, absolute, positionals, terminal, json, signal } = invocation;
  words(recordCommand, positionals, [] as const);
  const which = text(flags, 'rig');
  if (which === undefined) throw new AppError('usage.invalid', 'record needs --rig: simulator, or a configuration.');
  const rig: Rig = which === 'simulator' ? simulatorRig : await readRig(absolute(which));
  const given = text(flags, 'data');
  const dataDirectory = given === undefined ? rig.dataDirectory : absolute(given);
  if (dataDirectory === null) throw new AppError('usage.invalid', 'record needs --data: the folder to record into.');
  const seconds = positive(flags, 'seconds', 'number') ?? (rig.recordLengthS > 0 ? rig.recordLengthS : null);
  if (seconds === null) throw new AppError('usage.invalid', 'record needs --seconds: how long to record.');
  const faults = texts(flags, 'fault').map(faultOf);
  const scene = { name: text(flags, 'scene') ?? 'scope', seed: positive(flags, 'seed', 'whole number') ?? 1 };
  const named = texts(flags, 'device');
  if (rig.isSimulated && named.length > 0) {
    throw new AppError('usage.invalid', `--device ${named.join(', ')}: the rig is simulated and takes no board.`, {
      hint: 'Without "calyx": {"simulator": true} in it a configuration is for real boards.',
    });
  }
  const boards = rig.isSimulated ? null : boardsFor(rig, named, terminal.err);
  const practised = [
    ...(faults.length > 0 ? ['--fault'] : []),
    ...(text(flags, 'truth') === undefined ? [] : ['--truth']),
  ];
  if (boards !== null && practised.length > 0) {
    throw new AppError('usage.invalid', `${practised.join(' and ')}: for the simulated scope only.`);
  }
  const allowed = allowedPrograms(process.env);
  for (const program of [rig.onStart, rig.onStop]) refuseUnlisted(program, allowed);
  const disk = failingDisk(systemDisk(startFilm), systemClock);
  // A counter is near its end before the scope is there; a disk fails before the first file is made; all else happens once frames are saved.
  const isBefore = ({ name, atS }: Fault): boolean => atS === 0 && (name === 'counter-wrap' || isOfDisk(name));
  const early = faults.filter(isBefore).map(({ name }) => name);
  await using open = await openRig(rig, {
    clock: systemClock,
    boards,
    scene,
    faults: faultNames.filter((name) => early.includes(name)),
    said: (message) => {
      if (!json) terminal.err(`${message}\n`);
    },
  });
  const [first] = open.scopes;
  if (first === undefined) throw new AppError('recording.bad_rig', 'The configuration names no miniscope.');
  const raise = (name: Fault['name']): void => fault(name, first.practice, disk);
  for (const name of early.filter(isOfDisk)) raise(name);
  const truth = text(flags, 'truth');
  if (truth !== undefined) await makeTruthFolder(absolute(truth));
  if (signal.aborted) throw new AppError('rpc.cancelled', 'Cancelled before the recording began.');
  const recording = await RigRecording.start(
    { rig, dataDirectory, plannedS: seconds, scopes: open.scopes, cameras: open.cameras },
    {
      clock: systemClock,
      now: () => new Date(),
      startFilm,
      programVersion: programVersion(),
      disk: disk.disk,
      onLoss: (message) => {
        if (!json) terminal.err(`${message}\n`);
      },
    },
  );
  if (!json) terminal.err(`Recording into ${recording.folder}\n`);
  const programs = { folder: recording.folder, allowed, tell: (message: string) => terminal.err(`${message}\n`) };
  startProgram(rig.onStart, programs);
  const late = await untilOver(() => recording.seconds, {
    seconds,
    faults: faults.filter((each) => !isBefore(each)),
    fault: raise,
    signal,
    failed: () => recording.stopped !== null,
  });
  const reports = await recording.stop();
  for (const { name, atS } of late)
    terminal.err(`--fault ${name}@${atS}: the recording ended before, it did not happen.\n`);
  startProgram(rig.onStop, programs);
  if (truth !== undefined) await writeTruths(recording.folder, open.scopes, absolute(truth));
  return answerOf(recording.folder, reports, first.scope.name, terminal);
}

/** The first scope's truth in the folder itself, that of others in folders of their names below it. */
async function writeTruths(folder: string, scopes: readonly OpenRigScope[], truth: string): Promise<void> {
  for (const [n, { scope, type, scene, settings, practice }] of scopes.entries()) {
    const about = {
      scene,
      size: type,
      fps: settings.get('frameRate')?.number ?? 30,
      deviceFolder: path.join(folder, fileName(scope.name)),
      shown: practice?.shown() ?? [],
    };
    await writeTruth(about, n === 0 ? truth : path.join(truth, fileName(scope.name)), sceneExecutable());
  }
}

function answerOf(
  folder: string,
  { scopes, cameras }: Awaited<ReturnType<RigRecording['stop']>>,
  first: string,
  terminal: Invocation['terminal'],
): Answer {
  const integrity = scopes[first];
  if (integrity === undefined) throw new AppError('recording.failed', 'The recording ended before it began.');
  const reports = Object.values(scopes);
  const ended = reports.map(({ failure, stopped }) => failure ?? stopped).find((why) => why !== null) ?? null;
  const silent = Object.values(cameras).filter(({ failure, stopped }) => failure !== null || stopped !== null);
  const isAlone = reports.length + Object.keys(cameras).length === 1;
  const lines = isAlone
    ? [sentence(integrity)]
    : [
        ...reports.map((report) => `${report.device}: ${sentence(report)}`),
        ...Object.values(cameras).map(cameraSentence),
      ];
  if (ended !== null) terminal.err(`The recording ended before its time: ${ended}\n`);
  for (const { failure, stopped } of silent) {
    terminal.err(`A camera ended before the recording: ${failure ?? stopped ?? ''}\n`);
  }
  return {
    exitCode: exitCodeOfRecording(ended, silent),
    json: { folder, integrity, ...(isAlone ? {} : { devices: { ...scopes, ...cameras } }) },
    text: `${lines.join('\n')}\n${folder}\n`,
  };
}

/** Everything up to there is saved and told, but it is not what was asked for; 0 only when whatever is missing is in the report as frames lost. */
function exitCodeOfRecording(ended: string | null, silent: readonly CameraReport[]): number {
  if (ended !== null || silent.some(({ failure }) => failure !== null)) return exitCodes.resource;
  return silent.length > 0 ? exitCodes.incomplete : exitCodes.ok;
}

function cameraSentence({ device, saved, knownMissing, failure, stopped }: CameraReport): string {
  const lost = knownMissing === 0 ? '' : ` ${knownMissing} had no room.`;
  const ended = failure ?? stopped;
  return `${device}: ${saved} pictures${ended === null ? '' : `; ${ended}`}.${lost}`.replace('..', '.');
}

const isOfDisk = (name: string): boolean => diskFaultNames.some((candidate) => candidate === name);

function fault(name: FaultName | DiskFaultName, practice: PracticeScope | null, disk: FailingDisk): void {
  const ofDisk = diskFaultNames.find((candidate) => candidate === name);
  if (ofDisk !== undefined) disk.fault(ofDisk);
  else practice?.fault(name as FaultName);
}

function faultOf(given: string): Fault {
  const [, name, at] = /^([a-z-]+)@(\d+(?:\.\d+)?)$/.exec(given) ?? [];
  const known = allFaults.find((candidate) => candidate === name);
  const atS = Number(at);
  if (known === 'counter-wrap' && atS !== 0) {
    throw new AppError(
      'usage.invalid',
      `--fault ${given}: a counter can be set before the start only: counter-wrap@0.`,
    );
  }
  if (known !== undefined && at !== undefined) return { name: known, atS };
  throw new AppError('usage.invalid', `--fault ${given} is not of the form name@seconds with a known name.`, {
    hint: `Names: ${allFaults.join(', ')}.`,
  });
}

/** Lets faults happen when they are due; those whose time never came are what it answers. */
async function untilOver(
  now: () => number,
  {
    seconds,
    faults,
    fault,
    signal,
    failed,
  }: {
    readonly seconds: number;
    readonly faults: readonly Fault[];
    readonly fault: (name: FaultName | DiskFaultName) => void;
    readonly signal: AbortSignal;
    readonly failed: () => boolean;
  },
): Promise<readonly Fault[]> {
  const due = [...faults].sort((a, b) => a.atS - b.atS);
  for (;;) {
    // On a busy machine the end may come before a fault could: one that is due happens all the same.
    for (let next = due[0]; next !== undefined && next.atS < seconds && next.atS <= now() && !failed(); next = due[0]) {
      fault(next.name);
      due.shift();
    }
    if (now() >= seconds || signal.aborted || failed()) break;
    await systemClock.sleep(Math.min(lookMs, Math.max(1, (seconds - now()) * 1000)), signal).catch(() => undefined);
  }
  return due;
}

function sentence(report: IntegrityReport): string {
  return `${duration(report.durationS)}: ${lossText(report)}${faultsText(report)}`;
}
