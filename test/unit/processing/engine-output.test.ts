// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { EngineOutput, type EngineMessage } from '../../../main/processing/engine-output.ts';
import { advance, ended, waitingProgress } from '../../../main/processing/tracker.ts';

function read(pieces: readonly Buffer[]): { messages: EngineMessage[]; others: string[] } {
  const messages: EngineMessage[] = [];
  const others: string[] = [];
  const output = new EngineOutput(
    (message) => messages.push(message),
    (line) => others.push(line),
  );
  for (const piece of pieces) output.push(piece);
  output.end();
  return { messages, others };
}

const bytes = Buffer.from(
  '{"type":"warning","code":"a.b","message":"größer"}\nhello\n{"type":"stage","stage":"demix","state":"done","seconds":1.5}',
);

describe('what the engine prints', () => {
  it('is the same wherever the pipe cuts it, even inside a character', () => {
    const whole = read([bytes]);
    expect(whole.messages).toEqual([
      { type: 'warning', code: 'a.b', message: 'größer' },
      { type: 'stage', stage: 'demix', state: 'done', seconds: 1.5 },
    ]);
    expect(whole.others).toEqual(['hello']);
    for (let cut = 1; cut < bytes.length; cut += 1)
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
  });

  it('does not grow without end on a line that never ends', () => {
    const { others } = read(Array.from({ length: 5 }, () => Buffer.alloc(400_000, 'x')));
    expect(others.every((line) => line.length <= 800_000)).toBe(true);
    expect(others[0]).toHaveLength(200);
  });
});

describe('progress', () => {
  const start = waitingProgress('r', 'running', 1000);
  const at = (stage: 'read' | 'seeds', fraction: number, overall: number): EngineMessage => ({
    type: 'progress',
    stage,
    fraction,
    overall,
    framesPerSecond: 10,
    etaSeconds: 5,
    memoryBytes: null,
  });

  it('shows read and motion together, as they are one pass', () => {
    const progress = advance(start, at('read', 0.4, 0.1));
    expect(progress.stages.slice(0, 3).map((stage) => [stage.state, stage.fraction])).toEqual([
      ['running', 0.4],
      ['running', 0.4],
      ['waiting', 0],
    ]);
  });

  it('never falls back', () => {
    const progress = advance(advance(start, at('read', 0.4, 0.3)), at('read', 0.2, 0.1));
    expect([progress.overall, progress.stages[0]?.fraction]).toEqual([0.3, 0.4]);
  });

  it('marks the stage that failed', () => {
    const failed = ended(advance(start, at('seeds', 0.4, 0.3)), 'failed', { code: 'engine.crashed', message: 'x' });
    expect(failed.stages.find((stage) => stage.state === 'failed')?.stage).toBe('seeds');
    expect(failed).toMatchObject({ state: 'failed', overall: 0.3, etaSeconds: null });
  });
});
