// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { DoctorCheck } from '../../contract/index.ts';
import { bindingFile, engineExecutable, engineProblem, isPacked, rendererFolder } from '../../installation/index.ts';
import type { BackupSchedule, Library, PlaceProblem } from '../../library/index.ts';
import { findFfmpeg } from '../../media/index.ts';

const execute = promisify(execFile);
const answerLimitMs = 10_000;
/** Runs of ordinary recordings need a few GB for their cache. */
const lowDiskBytes = 5 * 1024 ** 3;

async function firstLine(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execute(program, [...args], { timeout: answerLimitMs });
  return stdout.split('\n', 1)[0] ?? '';
}

/** The engine's own word for its version; null when there is no engine or it does not answer. */
export async function engineVersion(): Promise<string | null> {
  if (engineProblem() !== undefined) return null;
  try {
    return (await firstLine(engineExecutable(), ['--version'])).replace(/^\D*/, '') || null;
  } catch {
    return null;
  }
}

async function engine(): Promise<DoctorCheck> {
  const base = { id: 'engine', title: 'Engine' } as const;
  const problem = engineProblem();
  if (problem !== undefined) return { ...base, status: 'problem', detail: problem };
  const version = await engineVersion();
  return version === null
    ? { ...base, status: 'problem', detail: 'The engine does not answer.', fix: 'Build or install Calyx again.' }
    : { ...base, status: 'ok', detail: `version ${version}` };
}

async function ffmpeg(): Promise<DoctorCheck> {
  const base = { id: 'ffmpeg', title: 'ffmpeg (for compressed films)' } as const;
  const file = findFfmpeg();
  const fix = 'apt-get install ffmpeg, brew install ffmpeg, or set FFMPEG_BIN';
  if (file === undefined) {
    return { ...base, status: 'problem', detail: 'None was found: FFV1, MJPEG and H.264 films will not open.', fix };
  }
  try {
    return { ...base, status: 'ok', detail: await firstLine(file, ['-version']) };
  } catch {
    return { ...base, status: 'problem', detail: `${path.basename(file)} does not run here.`, fix };
  }
}

async function disk(folder: string): Promise<DoctorCheck> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const detail = `${(free / 1024 ** 3).toFixed(1)} GB free where the library lies`;
  return {
    id: 'disk',
    title: 'Disk',
    status: free < lowDiskBytes ? 'warning' : 'ok',
    detail,
    ...(free < lowDiskBytes ? { fix: 'Free some space, or move the library to another disk.' } : {}),
  };
}

/** A part that set-up builds: its absence is a fault of an installation, but only a step not yet taken in a fresh clone. */
export function builtPart(id: string, title: string, file: string, packed: boolean): DoctorCheck {
  if (existsSync(file)) return { id, title, status: 'ok', detail: 'present' };
  return packed
    ? { id, title, status: 'problem', detail: 'missing from this installation', fix: 'Install Calyx again.' }
    : { id, title, status: 'ok', detail: 'not built yet; the first `npm start` builds it' };
}

/** The command line needs it too, and `npm run calyx` builds it: missing, something went wrong. */
function presence(id: string, title: string, file: string): DoctorCheck {
  return existsSync(file)
    ? { id, title, status: 'ok', detail: 'present' }
    : { id, title, status: 'problem', detail: 'missing', fix: 'npm run calyx -- doctor builds it' };
}

/** What is known of the library's safety. */
export interface Trust {
  readonly place: PlaceProblem | null;
  /** Null where no copies are made by themselves. */
  readonly backups: Awaited<ReturnType<BackupSchedule['state']>> | null;
}

function placeCheck({ place }: Trust): DoctorCheck {
  const base = { id: 'place', title: 'Place of the library' } as const;
  if (place === null) return { ...base, status: 'ok', detail: 'a disk of this computer, as far as can be told' };
  const fix = 'Move the whole folder to a disk of this computer, and let calyx backup --to put copies elsewhere.';
  return { ...base, status: 'warning', detail: place.message, fix };
}

function backupCheck({ backups }: Trust): DoctorCheck {
  const base = { id: 'backups', title: 'Backups' } as const;
  if (backups === null) return { ...base, status: 'ok', detail: 'none are made while the library is read-only' };
  const { newest, failure } = backups;
  if (failure !== null)
    return { ...base, status: 'problem', detail: `The last one failed: ${failure}`, fix: 'calyx backup' };
  return newest === null
    ? { ...base, status: 'ok', detail: 'none yet; the first is made once the library has been open for a minute' }
    : { ...base, status: 'ok', detail: `newest of ${newest.at.slice(0, 16).replace('T', ' ')} UTC` };
}

/** Everything this program needs, checked on this machine. */
export async function doctor(library: Library, trust: Trust): Promise<DoctorCheck[]> {
  const checks = await Promise.all([engine(), ffmpeg(), disk(library.folders.root)]);
  return [
    ...checks,
    presence('binding', 'Film reader', bindingFile()),
    builtPart('window', 'Built window', path.join(rendererFolder, 'index.html'), isPacked),
    library.readOnly === null
      ? { id: 'library', title: 'Library', status: 'ok', detail: 'open for writing' }
      : { id: 'library', title: 'Library', status: 'warning', detail: library.readOnly },
    placeCheck(trust),
    backupCheck(trust),
    { id: 'node', title: 'Node', status: 'ok', detail: process.version },
  ];
}
