// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AcquirePlan } from '../contract/index.ts';
import type { CaptureState } from './capture-messages.ts';
import { recordingFolder, type Rig, simulatorRig, writeWholeFile } from '../recording/index.ts';

/** Plan of a first start: below the first folder that is offered. */
export function firstPlan(root: string): AcquirePlan {
  return {
    researcher: '',
    experiment: '',
    animal: '',
    folder: { root, path: 'Calyx recordings' },
    lengthS: 1200,
    compression: 'FFV1',
    startBy: 'hand',
    segments: { count: 1, everyS: 3600 },
    markers: ['reward', 'rearing', 'grooming'],
    processWith: null,
    rig: null,
  };
}

/** The plan that was kept in a file; the first one where there is none, or it cannot be read. The animal is asked for each time: yesterday's must not stay by mistake. */
export function readPlan(file: string, root: string): AcquirePlan {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    // A field that is newer than the file has its first value.
    return { ...AcquirePlan.parse({ ...firstPlan(root), ...(parsed as object) }), animal: '' };
  } catch {
    return firstPlan(root);
  }
}

/** What a rig that is chosen says of the next recording: the form begins with it. */
export function planOf(plan: AcquirePlan, { researcherName, experimentName, animalName, ...rig }: Rig): AcquirePlan {
  const lengthS = rig.recordLengthS > 0 ? rig.recordLengthS : null;
  return {
    ...plan,
    researcher: researcherName === '' ? plan.researcher : researcherName,
    experiment: experimentName === '' ? plan.experiment : experimentName,
    animal: animalName === '' ? plan.animal : animalName,
    lengthS,
    compression: rig.scopes[0]?.compression ?? plan.compression,
    segments:
      lengthS === null
        ? { ...plan.segments, count: 1 }
        : { ...plan.segments, everyS: Math.max(plan.segments.everyS, lengthS) },
  };
}

/** Keeps a plan in a file, whole or not at all. */
export async function keepPlan(file: string, plan: AcquirePlan): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeWholeFile(file, `${JSON.stringify(plan, null, 2)}\n`);
}

/**
 * The rig of a plan: its form fills the folder's names; a name that was left empty makes no folder.
 *
 * @param file the rig that was chosen: its folder tokens, devices and programs hold
 */
export function rigOf(plan: AcquirePlan, isSimulated: boolean, type?: string, file: Rig | null = null): Rig {
  const tokens = [
    ['researcherName', plan.researcher],
    ['experimentName', plan.experiment],
    ['animalName', plan.animal],
  ] as const;
  const { lengthS, compression } = plan;
  if (file !== null) {
    return {
      ...file,
      isSimulated,
      researcherName: plan.researcher,
      experimentName: plan.experiment,
      animalName: plan.animal,
      recordLengthS: lengthS ?? 0,
      scopes: file.scopes.map((scope) => Object.assign({}, scope, { compression })),
    };
  }
  return {
    ...simulatorRig,
    isSimulated,
    researcherName: plan.researcher,
    experimentName: plan.experiment,
    animalName: plan.animal,
    directoryStructure: [...tokens.filter(([, text]) => text !== '').map(([token]) => token), 'date', 'time'],
    recordLengthS: lengthS ?? 0,
    scopes: simulatorRig.scopes.map((scope) => Object.assign({}, scope, { type: type ?? scope.type, compression })),
  };
}

/** A rig as it is driven now: each scope with the values of its controls. */
export function drivenRig(rig: Rig, state: CaptureState | null): Rig {
  const scopes = rig.scopes.map((scope, n) => {
    const { controls } = (n === 0 ? state : state?.companions.scopes.find(({ name }) => name === scope.name)) ?? {};
    const values = (controls ?? []).map(({ name, shown }) => [name, shown] as const);
    return Object.assign({}, scope, { settings: { ...scope.settings, ...Object.fromEntries(values) } });
  });
  return { ...rig, scopes };
}

/** The folder that a recording would make if it began now, below the data folder. */
export function previewFolder(plan: AcquirePlan, now: Date, file: Rig | null = null): string {
  return recordingFolder(rigOf(plan, true, undefined, file), '.', now)
    .split(path.sep)
    .join('/');
}
