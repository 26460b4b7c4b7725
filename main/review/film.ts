// SPDX-License-Identifier: MIT
import type { filmKinds, Uuid } from '../contract/index.ts';
import type { Library, StoredRecording } from '../library/index.ts';

/** Which film of a run can be shown here, and what to say of it. */
export interface ShownFilm {
  readonly film: (typeof filmKinds)[number];
  readonly filmsPresent: boolean;
  readonly filmNote: string | null;
}

const notes = {
  recorded: null,
  proxy: 'The recorded films are not on this machine; a small copy of lower quality stands in for them.',
  absent:
    'The films of this run are not on this machine. Pictures, footprints, traces and decisions are; connect the disk with the films to see them move.',
} as const;

/** @param present - by session: are its films where they were? */
export async function filmOf(
  library: Library,
  recordings: readonly StoredRecording[],
  present: ReadonlyMap<Uuid, boolean>,
): Promise<ShownFilm> {
  const kinds = await Promise.all(
    recordings.map(async ({ uuid, sessionUuid }) =>
      present.get(sessionUuid) === true ? 'recorded' : (await library.travel.proxy(uuid)) === null ? 'absent' : 'proxy',
    ),
  );
  const film = kinds.includes('absent') ? 'absent' : kinds.includes('proxy') ? 'proxy' : 'recorded';
  return { film, filmsPresent: film !== 'absent', filmNote: notes[film] };
}
