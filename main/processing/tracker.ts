// SPDX-License-Identifier: MIT
import {
  stageNames,
  type RunPicture,
  type RunProgress,
  type RunState,
  type StageName,
  type StageStatus,
} from '../contract/index.ts';
import type { EngineMessage } from './engine-output.ts';

/** `read` and `motion` are one pass of the engine: they run, and end, together. */
const together: Readonly<Partial<Record<StageName, readonly StageName[]>>> = { read: ['read', 'motion'] };

/** Progress of a run that has not started. */
export function waitingProgress(runUuid: string, state: RunState, memoryLimitBytes: number): RunProgress {
  return {
    runUuid,
    state,
    stages: stageNames.map((stage) => ({ stage, state: 'waiting', fraction: 0, seconds: null })),
    stage: null,
    overall: 0,
    framesPerSecond: null,
    etaSeconds: null,
    memoryBytes: null,
    memoryLimitBytes,
    warnings: [],
    error: null,
  };
}

/** The progress after one more message of the engine. Fractions never fall, whatever the engine says. */
export function advance(before: RunProgress, message: EngineMessage): RunProgress {
  switch (message.type) {
    case 'progress': {
      const running = together[message.stage] ?? [message.stage];
      return {
        ...before,
        stage: message.stage,
        overall: Math.max(before.overall, Math.min(1, message.overall)),
        framesPerSecond: message.framesPerSecond,
        etaSeconds: message.etaSeconds,
        memoryBytes: message.memoryBytes ?? before.memoryBytes,
        stages: change(before, running, (stage) =>
          stage.state === 'done'
            ? stage
            : { ...stage, state: 'running', fraction: Math.max(stage.fraction, Math.min(1, message.fraction)) },
        ),
      };
    }
    case 'stage':
      return {
        ...before,
        stage: message.state === 'started' ? message.stage : before.stage,
        stages: change(before, [message.stage], (stage) =>
          message.state === 'started'
            ? { ...stage, state: 'running' }
            : {
                ...stage,
                state: 'done',
                fraction: 1,
                seconds: message.seconds,
                ...(message.cached === true ? { cached: true } : {}),
              },
        ),
      };
    case 'warning':
      return { ...before, warnings: [...before.warnings, { code: message.code, message: message.message }] };
    default:
      return before;
  }
}

function change(
  before: RunProgress,
  names: readonly StageName[],
  to: (stage: StageStatus) => StageStatus,
): StageStatus[] {
  return before.stages.map((stage) => (names.includes(stage.stage) ? to(stage) : stage));
}

/** A run's pictures after one more message of the engine: the newest of each name. */
export function withPictures(before: readonly RunPicture[], message: EngineMessage): readonly RunPicture[] {
  if (message.type !== 'preview') return before;
  const { frames, height, width } = message;
  const pictures = message.pictures.map((picture) => ({ ...picture, frames, height, width }));
  const names = new Set(pictures.map(({ name }) => name));
  return [...before.filter(({ name }) => !names.has(name)), ...pictures];
}

/** The progress of a run that ended. */
export function ended(before: RunProgress, state: RunState, error: RunProgress['error']): RunProgress {
  const failed = state === 'failed';
  return {
    ...before,
    state,
    stage: null,
    overall: state === 'succeeded' ? 1 : before.overall,
    framesPerSecond: null,
    etaSeconds: null,
    error,
    stages: before.stages.map((stage) => {
      if (state === 'succeeded') return { ...stage, state: 'done', fraction: 1 };
      return stage.state === 'running' ? { ...stage, state: failed ? 'failed' : 'waiting' } : stage;
    }),
  };
}
