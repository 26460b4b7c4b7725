// SPDX-License-Identifier: MIT
import type { Library, RunDetail, StoredRecording, StoredSession } from '../library/index.ts';

/** The frames of a run that come from one recording. */
export interface RunPart {
  readonly recording: StoredRecording;
  readonly session: StoredSession;
  /** First frame of the run that is its. */
  readonly start: number;
  readonly frames: number;
  /** Frame of the recording that is the run's frame `start`. */
  readonly firstFrame: number;
}

/** The recordings of a run in order, with the frames each gave; `frames` in all. */
export async function runParts(library: Library, detail: RunDetail, frames: number): Promise<readonly RunPart[]> {
  const parts: RunPart[] = [];
  let start = 0;
  for (const { recordingUuid, firstFrame, lastFrame } of detail.inputs) {
    const recording = await library.sessions.recording(recordingUuid);
    const session = await library.sessions.get(recording.sessionUuid);
    const wanted = (lastFrame ?? recording.frames - 1) - firstFrame + 1;
    const count = Math.max(0, Math.min(wanted, frames - start));
    parts.push({ recording, session, start, frames: count, firstFrame });
    start += count;
  }
  return parts;
}

/** The run's frame that is a recording's frame; null where the run does not hold it. */
export function frameInRun(part: RunPart, frame: number): number | null {
  const local = frame - part.firstFrame;
  return local >= 0 && local < part.frames ? part.start + local : null;
}
