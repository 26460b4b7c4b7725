// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import path from 'node:path';
import { AppError, type Finding, type ImportPreview } from '../contract/index.ts';
import type { Library, NewRecording, NewSession, StoredSession } from '../library/index.ts';
import { importDigest } from './digest.ts';
import type { ReadDevice, ReadSession } from './types.ts';

/** What the user chose beside the place. */
export interface ImportChoice {
  readonly device?: string | undefined;
  readonly subject?: string | undefined;
  readonly sample?: boolean | undefined;
}

/**
 * The miniscopes that an import would link: the chosen one, else all.
 *
 * @throws AppError the first error of a chosen device, `session.not_found` for an unknown name, `session.no_films`
 */
function chooseDevices(session: ReadSession, device: string | undefined): readonly ReadDevice[] {
  const miniscopes = session.devices.filter((candidate) => candidate.kind === 'miniscope');
  const wanted = device ?? session.chosenDevice ?? undefined;
  const same = (candidate: ReadDevice): boolean =>
    candidate.name === wanted || path.basename(candidate.folder) === wanted;
  const chosen = wanted === undefined ? miniscopes : session.devices.filter(same);
  if (wanted !== undefined && chosen.length === 0) {
    const names = session.devices.map((candidate) => candidate.name).join(', ');
    throw new AppError('session.not_found', `${session.name} has no device “${wanted}”; it has: ${names || 'none'}.`, {
      details: { devices: session.devices.map((candidate) => candidate.name) },
    });
  }
  for (const candidate of chosen) if (candidate.error !== null) throw candidate.error;
  if (chosen.length === 0) {
    throw new AppError('session.no_films', `${session.name} holds no miniscope with films.`, {
      hint: 'Its cameras are not imported by themselves; choose a miniscope device.',
    });
  }
  return chosen;
}

const relative = ({ folder }: ReadSession, file: string): string =>
  path.relative(folder, file).split(path.sep).join('/');

/** Names of `AcquisitionSoftware` by format. */
const softwareOf: Readonly<Record<string, string>> = {
  'miniscope-daq-v4': 'Miniscope-DAQ-V4',
  'miniscope-daq-v3': 'Miniscope-DAQ-V3',
  inscopix: 'Inscopix',
};

function recordingOf(session: ReadSession, device: ReadDevice): NewRecording {
  return {
    device: device.name,
    deviceType: device.deviceType,
    acquisitionSoftware: softwareOf[session.format] ?? null,
    frames: device.frames,
    height: device.height,
    width: device.width,
    fps: device.fps,
    durationS: device.durationS,
    startedAt: session.startedAt,
    tzOffsetMin: session.tzOffsetMin,
    codec: device.codec,
    files: device.films.map((film) => ({
      path: relative(session, film.path),
      frames: film.frames,
      bytes: film.bytes,
    })),
    config: device.config,
    notes: session.notes,
  };
}

/** A session that is already in the library and still where it was, if there is one; the digest for a new one otherwise. */
async function known(
  session: ReadSession,
  devices: readonly ReadDevice[],
  library: Library,
): Promise<{ readonly session: StoredSession | null; readonly digest: string; readonly movedFrom: string | null }> {
  const usable = session.devices.filter((device) => device.kind === 'miniscope' && device.error === null);
  const sets = usable.length > devices.length ? [usable, devices] : [devices];
  let digest = '';
  for (const set of sets) {
    digest = await importDigest(session, set);
    const found = await library.sessions.findByDigest(digest);
    if (found === null) continue;
    if (found.folder === session.folder || (await library.filesPresent([found.uuid])).get(found.uuid) === true) {
      return { session: found, digest, movedFrom: null };
    }
    // The same films, but not where the library knows them: a new entry that says so, under a digest of its own.
    const here = createHash('sha256').update(`${digest}\n${session.folder}`).digest('hex');
    return { session: await library.sessions.findByDigest(here), digest: here, movedFrom: found.name };
  }
  return { session: null, digest, movedFrom: null };
}

function allFindings(session: ReadSession, devices: readonly ReadDevice[]): Finding[] {
  return [...session.findings, ...devices.flatMap((device) => device.findings)];
}

/**
 * What an import would add, for a caller that writes it itself. A session that is there already keeps its digest.
 *
 * @throws AppError as {@link chooseDevices}; `media.io`
 */
export async function plannedSession(
  session: ReadSession,
  choice: ImportChoice,
  library: Library,
): Promise<{ readonly session: NewSession }> {
  const devices = chooseDevices(session, choice.device);
  return { session: rowOf(session, devices, choice, await known(session, devices, library)) };
}

/**
 * Links a session into the library: rows only, no file is copied or changed.
 *
 * @throws AppError as {@link chooseDevices}; `library.read_only`, `media.io`
 */
export async function importSession(
  session: ReadSession,
  choice: ImportChoice,
  library: Library,
): Promise<{ readonly session: StoredSession; readonly alreadyImported: boolean }> {
  const devices = chooseDevices(session, choice.device);
  const before = await known(session, devices, library);
  if (before.session !== null) return { session: before.session, alreadyImported: true };
  return await library.sessions.insert(rowOf(session, devices, choice, before));
}

function rowOf(
  session: ReadSession,
  devices: readonly ReadDevice[],
  choice: ImportChoice,
  before: { readonly session: StoredSession | null; readonly digest: string; readonly movedFrom: string | null },
): NewSession {
  const moved: Finding[] =
    before.movedFrom === null
      ? []
      : [
          {
            severity: 'info',
            code: 'session.moved',
            message: `The same films were imported before as “${before.movedFrom}”; they are no longer where they were then.`,
          },
        ];
  return {
    name: session.name,
    subject: choice.subject ?? session.subject,
    startedAt: session.startedAt,
    tzOffsetMin: session.tzOffsetMin,
    folder: session.folder,
    format: session.format,
    contentDigest: before.digest,
    sample: choice.sample ?? false,
    recordings: devices.map((device) => recordingOf(session, device)),
    cameraFiles: session.devices
      .filter(({ kind, error }) => kind === 'camera' && error === null)
      .flatMap(({ films }) => films.map((film) => relative(session, film.path))),
    findings: [...allFindings(session, devices), ...moved],
  };
}

/** What an import of all miniscopes would do. Never throws for what one device lacks: that is among the findings. */
export async function previewSession(session: ReadSession, library: Library): Promise<ImportPreview> {
  let importedAs: string | null = null;
  let canImport = true;
  try {
    importedAs = (await known(session, chooseDevices(session, undefined), library)).session?.uuid ?? null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    canImport = false;
  }
  return {
    format: session.format,
    name: session.name,
    subject: session.subject,
    startedAt: session.startedAt,
    tzOffsetMin: session.tzOffsetMin,
    devices: session.devices.map((device) => ({
      name: device.name,
      kind: device.kind,
      ...(device.deviceType === null ? {} : { deviceType: device.deviceType }),
      films: device.films.length,
      frames: device.frames,
      ...(device.csvRows === null ? {} : { csvRows: device.csvRows }),
      height: device.height,
      width: device.width,
      fps: device.fps,
      durationS: device.durationS,
      codec: device.codec,
      bytes: device.bytes,
    })),
    findings: allFindings(session, session.devices),
    canImport,
    importedAs,
  };
}
