// SPDX-License-Identifier: MIT
import { availableParallelism, totalmem } from 'node:os';
import type { ScopeTypeInfo, settingsApi } from '../../contract/index.ts';
import { readCatalogue } from '../../devices/index.ts';
import type { Library } from '../../library/index.ts';
import { cacheLimit, type Limits, machineLimits, trimCache } from '../../processing/index.ts';
import type { Handlers } from '../../rpc/index.ts';
import type { DataRoot } from '../../sessions/index.ts';
import { placeOf } from '../../sessions/index.ts';
import { createSettingsHandlers, MachineSettings, RigFiles, settingsFolder } from '../../settings/index.ts';

/** What a person set on this machine, and the limits that follow from it. */
export interface Machine {
  /** Read anew whenever a run begins. */
  readonly limits: Limits;
  readonly cacheBytes: () => number;
  /** The text of a rig of this user. @throws AppError `files.not_found` */
  readonly readRig: (id: string) => Promise<string>;
  readonly handlers: (dependencies: {
    readonly library: Library;
    readonly roots: readonly DataRoot[];
    readonly backup: (signal: AbortSignal) => Promise<{ readonly file: string; readonly bytes: number }>;
  }) => Handlers<typeof settingsApi.procedures>;
}

/** @throws AppError `usage.invalid` for a size in the environment that is none */
export function openMachine(env: NodeJS.ProcessEnv): Machine {
  const folder = settingsFolder(env);
  const machine = new MachineSettings(folder);
  const suggested = { ...machineLimits(), cacheBytes: cacheLimit(env) };
  const rigs = new RigFiles(folder, new Set(readCatalogue().keys()));
  const cacheBytes = (): number => machine.processing.cacheBytes ?? suggested.cacheBytes;
  return {
    limits: {
      get threads() {
        return machine.processing.threads ?? suggested.threads;
      },
      get memoryBytes() {
        return machine.processing.memoryBytes ?? suggested.memoryBytes;
      },
    },
    cacheBytes,
    readRig: (id) => rigs.read(id),
    handlers: ({ library, roots, backup }) =>
      createSettingsHandlers({
        folder,
        machine,
        library,
        roots,
        backup,
        suggested,
        scopeTypes: scopeTypes(),
        has: { threads: availableParallelism(), memoryBytes: totalmem() },
        place: placeOf(library.folders.root, roots),
        trimCache: (bytes) => trimCache(library.folders.cache, bytes),
      }),
  };
}

function scopeTypes(): readonly ScopeTypeInfo[] {
  return [...readCatalogue().values()].map(({ type, label, width, height, controls }) => {
    const choices: Record<string, string[]> = {};
    const ranges: ScopeTypeInfo['ranges'] = {};
    for (const [name, control] of Object.entries(controls)) {
      if (control.kind === 'range') ranges[name] = { min: control.min, max: control.max, step: control.step };
      else choices[name] = control.options.map((option) => option.label);
    }
    return { type, label: label ?? type, width, height, choices, ranges };
  });
}
