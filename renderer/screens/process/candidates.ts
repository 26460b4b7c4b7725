// SPDX-License-Identifier: MIT
import type { RecordingRow, SessionRow } from '../../../main/contract/index.ts';
import type { FormField } from '../../stores/parameters.ts';

/** A recording and the session it belongs to. */
export interface Candidate {
  readonly session: SessionRow;
  readonly recording: RecordingRow;
}

/** Why a run cannot be started as things stand; undefined when it can. */
export function whyNot(chosen: readonly Candidate[], fields: readonly FormField[]): string | undefined {
  const [first] = chosen;
  if (first === undefined) return 'Choose a recording first.';
  const moved = chosen.find((candidate) => !candidate.session.filesPresent);
  if (moved !== undefined) return `The films of ${moved.session.name} are not where they were.`;
  const { width, height } = first.recording;
  const other = chosen.find(({ recording }) => recording.width !== width || recording.height !== height);
  if (other !== undefined) {
    return `${other.session.name} is ${String(other.recording.width)} × ${String(other.recording.height)} px, ${first.session.name} is ${String(width)} × ${String(height)}: they are not one field.`;
  }
  const wrong = fields.find((field) => field.problem !== undefined);
  return wrong === undefined ? undefined : `${wrong.spec.label}: ${wrong.problem ?? ''}`;
}
