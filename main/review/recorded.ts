// SPDX-License-Identifier: MIT
import type { recordedApi, Uuid } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import type { ProbeFilm } from '../sessions/index.ts';
import { BesideCameras, headOf } from './beside.ts';
import { integrityOf } from './integrity.ts';
import { motionOf } from './motion.ts';
import { RunFolder } from './run-folder.ts';
import { type RunPart, runParts } from './run-parts.ts';

/** What the procedures about the recording behind a run need. */
export interface RecordedDependencies {
  readonly library: Library;
  readonly probeFilm: ProbeFilm;
}

async function partsOf(library: Library, runUuid: Uuid): Promise<{ folder: RunFolder; parts: readonly RunPart[] }> {
  const detail = await library.runs.get(runUuid);
  const folder = await RunFolder.open(detail.folder);
  return { folder, parts: await runParts(library, detail, folder.manifest.frames) };
}

/** The films of a behaviour camera of a run, for the process that shows films. @throws AppError `rpc.invalid_input`, `media.…` */
export async function cameraFilms({ library, probeFilm }: RecordedDependencies, runUuid: Uuid, camera: string) {
  const { parts } = await partsOf(library, runUuid);
  return await new BesideCameras(library, probeFilm).films(camera, parts);
}

/** Serves `recorded.*`. */
export function createRecordedHandlers({
  library,
  probeFilm,
}: RecordedDependencies): Handlers<typeof recordedApi.procedures> {
  const cameras = new BesideCameras(library, probeFilm);
  return {
    motion: async ({ runUuid, columns }) =>
      await motionOf(await RunFolder.open((await library.runs.get(runUuid)).folder), columns),
    integrity: async ({ runUuid }) => {
      const { parts } = await partsOf(library, runUuid);
      const present = await library.filesPresent([...new Set(parts.map(({ session }) => session.uuid))]);
      return await Promise.all(parts.map((part) => integrityOf(part, present.get(part.session.uuid) === true)));
    },
    cameras: async ({ runUuid }) => {
      const { folder, parts } = await partsOf(library, runUuid);
      return await cameras.list(parts, await folder.times());
    },
    cameraFrames: async function* frames({ runUuid, camera }) {
      const { folder, parts } = await partsOf(library, runUuid);
      const map = await cameras.frames(camera, parts, await folder.times());
      yield { header: { frames: map.length }, bytes: new Uint8Array(map.buffer) };
    },
    head: async function* head({ runUuid }) {
      const { folder, parts } = await partsOf(library, runUuid);
      const turned = await headOf(parts, await folder.times());
      let known = 0;
      for (let frame = 0; frame < turned.length / 4; frame += 1) if (!Number.isNaN(turned[4 * frame])) known += 1;
      yield { header: { frames: turned.length / 4, known }, bytes: new Uint8Array(turned.buffer) };
    },
  };
}
