// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { AppError, type Finding } from '../contract/index.ts';
import type { Clock } from '../devices/index.ts';
import { isAlive, type Library, processRef, type UnderWay } from '../library/index.ts';
import { recoverSession, type Recovery, type Rig, rigJson } from '../recording/index.ts';
import { importSession, plannedSession, type ReadSession } from '../sessions/index.ts';

/** What the service needs of the library: rows of recordings from before their first frame to their end. */
export interface RecordedSessions {
  /** Adds the session in state `recording`; null where the library cannot be written: a recording is never refused for that. */
  readonly begin: (begun: {
    readonly rig: Rig;
    readonly dataDirectory: string;
    readonly folder: string;
    readonly startedAt: Date;
    readonly pid: number;
  }) => Promise<string | null>;
  /** The session with its recordings. @throws AppError why it cannot be in the library */
  readonly complete: (sessionUuid: string | null, folder: string) => Promise<{ readonly sessionUuid: string }>;
  /** It never began. */
  readonly discard: (sessionUuid: string | null) => Promise<void>;
  /** Repairs what processes that are gone left behind, until the signal; says each once. */
  readonly recover: (signal: AbortSignal) => AsyncGenerator<LeftBehind>;
  /** Queues processing of its recordings, or of those of the devices named. @throws AppError `usage.invalid` for a preset or a device that is not there, `session.*` */
  readonly process: (sessionUuid: string, preset: string, devices?: readonly string[]) => Promise<readonly string[]>;
}

/** A recording that a crash ended, as a person is told. */
export interface LeftBehind {
  readonly folder: string;
  readonly severity: 'warning' | 'error';
  readonly text: string;
}

/** What stands behind {@link RecordedSessions}. */
export interface RecordedSessionsOptions {
  readonly library: Library;
  readonly open: (folder: string) => Promise<ReadSession>;
  readonly changed: (sessionUuid: string) => void;
  readonly process: RecordedSessions['process'];
  readonly now: () => Date;
  readonly clock: Clock;
}

/** A process that still writes is looked at again after this time, ms. */
const lookAgainMs = 2000;

/** Keeps recordings under way in a library. */
export function recordedSessions(options: RecordedSessionsOptions): RecordedSessions {
  const { library, open, changed, process, now, clock } = options;
  /** Sessions that are being completed or repaired. */
  const busy = new Set<string>();

  const begin: RecordedSessions['begin'] = async ({ rig, dataDirectory, folder, startedAt, pid }) => {
    const { sessionUuid } = await library.acquisitions.begin({
      name: path.relative(dataDirectory, folder).split(path.sep).join('/'),
      animal: rig.animalName,
      experimenter: rig.researcherName,
      experiment: rig.experimentName,
      startedAt: startedAt.toISOString(),
      // JavaScript counts the other way round; adding 0 makes -0 a 0.
      tzOffsetMin: -startedAt.getTimezoneOffset() + 0,
      folder,
      rig: rigJson(rig),
      process: processRef(pid),
    });
    changed(sessionUuid);
    return sessionUuid;
  };

  const complete: RecordedSessions['complete'] = async (sessionUuid, folder) => {
    if (sessionUuid !== null) busy.add(sessionUuid);
    try {
      const read = await open(folder);
      const session =
        sessionUuid === null
          ? (await importSession(read, {}, library)).session
          : await library.acquisitions.complete(
              sessionUuid,
              (await plannedSession(read, {}, library)).session,
              'ended',
            );
      changed(session.uuid);
      return { sessionUuid: session.uuid };
    } finally {
      if (sessionUuid !== null) busy.delete(sessionUuid);
    }
  };

  const discard: RecordedSessions['discard'] = async (sessionUuid) => {
    if (sessionUuid === null) return;
    await library.acquisitions.discard(sessionUuid);
    changed(sessionUuid);
  };

  async function recoverOne({ sessionUuid, folder, name }: UnderWay): Promise<LeftBehind> {
    busy.add(sessionUuid);
    let recovery: Recovery | null = null;
    try {
      if (!existsSync(folder)) {
        const why = `The recording ${name} ended without a stop, and its folder is not there.`;
        await library.acquisitions.lost(sessionUuid, why);
        return { folder, severity: 'error', text: why };
      }
      recovery = await recoverSession(folder, now);
      const { session } = await plannedSession(await open(folder), {}, library);
      const told = recoveredText(name, recovery);
      const finding: Finding = {
        severity: told.severity === 'error' ? 'problem' : 'warning',
        code: 'session.recovered',
        message: told.text,
      };
      await library.acquisitions.complete(
        sessionUuid,
        recovery.state === 'sound' ? session : { ...session, findings: [finding, ...session.findings] },
        recovery.state === 'sound' ? 'ended' : 'recovered',
      );
      return { folder, ...told };
    } catch (error) {
      const { code, message } = AppError.from(error);
      if (recovery?.devices.every(({ frames }) => frames === 0) === true || code === 'session.no_films') {
        const text = `The recording ${name} ended before its first frame was on the disk; nothing of it can be shown.`;
        await library.acquisitions.lost(sessionUuid, text);
        return { folder, severity: 'error', text };
      }
      // A full or unplugged disk: its row stays, and the next start tries again.
      return {
        folder,
        severity: 'error',
        text: `The recording ${name} ended without a stop and could not be repaired yet: ${message}`,
      };
    } finally {
      busy.delete(sessionUuid);
      changed(sessionUuid);
    }
  }

  async function* recover(signal: AbortSignal): AsyncGenerator<LeftBehind> {
    if (library.readOnly !== null) return;
    let left = (await library.acquisitions.underWay()).filter(
      // Another machine's disk may not be here: its rows wait for that machine.
      ({ sessionUuid, folder, host }) => !busy.has(sessionUuid) && (host === hostname() || existsSync(folder)),
    );
    while (left.length > 0 && !signal.aborted) {
      const waiting: UnderWay[] = [];
      for (const row of left) {
        if (signal.aborted || busy.has(row.sessionUuid)) continue;
        // A process whose core died closes its files by itself; until it has, its folder is left alone.
        if (isAlive(row.process)) waiting.push(row);
        else yield await recoverOne(row);
      }
      left = waiting;
      if (left.length > 0) await clock.sleep(lookAgainMs, signal).catch(() => undefined);
    }
  }

  return { begin, complete, discard, recover, process };
}

/** What is there and what is not, with counts. */
function recoveredText(name: string, { state, devices, sentence }: Recovery): Pick<LeftBehind, 'severity' | 'text'> {
  const frames = devices.reduce((sum, device) => sum + device.frames, 0);
  const cut = devices.reduce((sum, device) => sum + device.framesCut, 0);
  if (state === 'sound') {
    return {
      severity: 'warning',
      text: `Calyx ended while ${name} was being recorded; the recording was closed properly: ${String(frames)} frames.`,
    };
  }
  const counts = `${String(frames)} frames are there${cut === 0 ? '' : `, ${String(cut)} at the end were torn and given up`}.`;
  return { severity: state === 'lost' ? 'error' : 'warning', text: `${name}: ${sentence} ${counts}` };
}
