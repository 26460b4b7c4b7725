// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AppError, type AcquireCheck, type AcquirePlan, type AcquireRig, type FolderRef } from '../contract/index.ts';
import type { Clock } from '../devices/index.ts';
import { freeBytesOf, measureWriteSpeed, type Rig } from '../recording/index.ts';
import type { CaptureState } from './capture-messages.ts';
import { previewFolder } from './plan.ts';
import { judge, type PreflightFacts } from './preflight.ts';
import type { ConnectedDevice } from './status.ts';

/** What a look at the rig needs. */
export interface RigFacts {
  readonly plan: AcquirePlan;
  readonly device: ConnectedDevice | undefined;
  readonly state: CaptureState | null;
  readonly isRecording: boolean;
  /** The rig that was chosen, as it is shown and as it was read; null for one scope and nothing else. */
  readonly rig: AcquireRig | null;
  readonly file: Rig | null;
  /** How far the system's clock and the steady one have come apart since the core was started. */
  readonly clock: PreflightFacts['clock'];
}

interface World {
  readonly clock: Clock;
  readonly now: () => Date;
  readonly makeFolder: (folder: FolderRef) => Promise<string>;
}

/** A start waits this long for frames that are late, and looks this often, ms. */
const patienceMs = 3000;
const lookMs = 200;

type Measured = Pick<PreflightFacts, 'dataFolder' | 'write' | 'writeProblem' | 'freeBytes'>;

function judged({ plan, device, state, rig, file, clock }: RigFacts, measured: Measured, now: Date): AcquireCheck[] {
  const preview = previewFolder(plan, now, file);
  return judge({
    ...measured,
    device:
      device === undefined
        ? null
        : {
            name: device.name,
            simulated: device.id === 'simulator',
            width: device.type.width,
            height: device.type.height,
            speedMbps: device.speedMbps,
          },
    state,
    plan,
    rig,
    clock,
    folderPreview: preview,
    folderTaken: existsSync(path.join(measured.dataFolder, preview)),
  });
}

/** Every check, with the disk measured. */
export async function checksOf(facts: RigFacts, { clock, now, makeFolder }: World): Promise<AcquireCheck[]> {
  let dataFolder = facts.plan.folder.path;
  let write: { readonly bytesPerS: number } | null = null;
  let writeProblem: string | null = null;
  try {
    dataFolder = await makeFolder(facts.plan.folder);
    // A disk that is being recorded to is left alone.
    if (!facts.isRecording) write = { bytesPerS: await measureWriteSpeed(dataFolder, clock.nowNs) };
  } catch (error) {
    writeProblem = AppError.from(error).message;
  }
  return judged(facts, { dataFolder, write, writeProblem, freeBytes: await freeBytesOf(dataFolder) }, now());
}

/** The data folder, when nothing stands against a recording. @throws AppError `acquire.not_ready` with the first thing that is wrong, `disk.*` */
export async function whenReady(facts: () => RigFacts, { clock, now, makeFolder }: World): Promise<string> {
  const dataFolder = await makeFolder(facts().plan.folder);
  const freeBytes = await freeBytesOf(dataFolder);
  // Measured on the pre-flight page; a start must not wait for it.
  const measured = { dataFolder, write: { bytesPerS: Number.POSITIVE_INFINITY }, writeProblem: null, freeBytes };
  let [worst] = judged(facts(), measured, now());
  // A moment without frames (the computer was busy) is waited out.
  for (let waited = 0; worst?.id === 'device' && worst.state === 'fix' && waited < patienceMs; waited += lookMs) {
    await clock.sleep(lookMs);
    [worst] = judged(facts(), measured, now());
  }
  if (worst?.state === 'fix') {
    throw new AppError('acquire.not_ready', `Not started. ${worst.title}: ${worst.text.replace(/\.$/, '')}.`, {
      hint: 'The pre-flight page says how to mend it.',
    });
  }
  return dataFolder;
}
