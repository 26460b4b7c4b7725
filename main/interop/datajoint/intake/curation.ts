// SPDX-License-Identifier: MIT
import type { CellLabel } from '../../../contract/index.ts';
import { type Judgements, uuidText } from '../../../library/index.ts';
import { instantOf, steadyUuid } from './records.ts';
import type { ServerRow } from './snapshot.ts';

/** Who decided where the server names nobody: element-miniscope has no column for it. */
const unnamed = { initials: 'DJ', name: 'unnamed curator (DataJoint)' } as const;
const longestInitials = 8;

/** A person's decisions on the server about the cells of a run. */
export interface ServerDecisions {
  readonly prefix: string;
  readonly runUuid: string;
  /** The row of Curation; releases from 0.5 have none. */
  readonly curation: ServerRow | undefined;
  /** When the result was made: decisions without a time of their own are as old. */
  readonly at: string;
  /** By row of the run; null: not decided. */
  readonly decided: readonly (boolean | null)[];
  readonly cellUuids: readonly string[];
}

/** They as a finished curation of the run with its rater; null where nothing was decided. The same server always gives the same curation. */
export function curationOf(given: ServerDecisions): Judgements | null {
  const { prefix, runUuid, curation, decided, cellUuids } = given;
  const at = instantOf(curation?.['curation_time']) ?? given.at;
  const curator = String(curation?.['curator'] ?? '').trim();
  const person =
    curator === ''
      ? unnamed
      : { initials: curator.slice(0, longestInitials), name: curator.length > longestInitials ? curator : null };
  const raterUuid = uuidText(steadyUuid('datajoint', prefix, 'rater', curator.toLowerCase()));
  const note = String(curation?.['curation_note'] ?? '').trim();
  const context = JSON.stringify({ from: 'DataJoint', ...(note === '' ? {} : { note }) });
  const labels = cellUuids.flatMap((cellUuid, row): { cellUuid: string; to: CellLabel }[] => {
    const is = decided[row] ?? null;
    return is === null ? [] : [{ cellUuid, to: is ? 'accepted' : 'rejected' }];
  });
  if (labels.length === 0) return null;
  return {
    raters: [{ uuid: raterUuid, ...person, createdAt: at }],
    curations: [
      {
        uuid: uuidText(steadyUuid('datajoint', runUuid, 'curation')),
        ownerUuid: raterUuid,
        parentUuid: null,
        version: 1,
        createdAt: at,
        frozenAt: at,
        receivedAt: null,
        log: labels.map(({ cellUuid, to }, i) => ({
          seq: i + 1,
          step: 1,
          kind: 'decide',
          target: null,
          raterUuid,
          cellUuid,
          from: 'undecided',
          to,
          at,
          context,
        })),
        edits: [],
      },
    ],
  };
}
