// SPDX-License-Identifier: MIT
import type { RecordingRow, SessionRow } from '../../../main/contract/index.ts';
import type { FormField } from '../../stores/parameters.ts';

/** A recording and the session it belongs to. */
export interface Candidate {
  readonly session: SessionRow;
  readonly recording: RecordingRow;
}

/** The inputs of the runs to be: one of all chosen recordings, or one of each. */
export function inputsOf(chosen: readonly Candidate[], joined: boolean): ReadonlyArray<readonly Candidate[]> {
  if (chosen.length === 0) return [];
  return joined ? [chosen] : chosen.map((candidate) => [candidate]);
}

/** Why a run cannot be started as things stand; undefined when it can. */
export function whyNot(chosen: readonly Candidate[], fields: readonly FormField[], joined = true): string | undefined {
  const [first] = chosen;
  if (first === undefined) return 'Choose a recording first.';
  const moved = chosen.find((candidate) => !candidate.session.filesPresent);
  if (moved !== undefined) return `The films of ${moved.session.name} are not where they were.`;
  const { width, height } = first.recording;
  const other = (joined ? chosen : []).find(
    ({ recording }) => recording.width !== width || recording.height !== height,
  );
  if (other !== undefined) {
    return `${other.session.name} is ${String(other.recording.width)} × ${String(other.recording.height)} px, ${first.session.name} is ${String(width)} × ${String(height)}: they are not one field.`;
  }
  const wrong = fields.find((field) => field.problem !== undefined);
  return wrong === undefined ? undefined : `${wrong.spec.label}: ${wrong.problem ?? ''}`;
}
