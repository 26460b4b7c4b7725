// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { StageName } from '../../../main/contract/index.ts';
import { took } from '../../ui/format.ts';
import { stageTitles } from './stage-names.ts';

const Stage = z.object({
  type: z.literal('stage'),
  stage: StageName,
  state: z.enum(['started', 'done']),
  seconds: z.number().nullish(),
});
const Said = z.object({ type: z.enum(['warning', 'error']), message: z.string() });
const Done = z.object({ type: z.literal('done'), components: z.number(), accepted: z.number() });

/** A line of the engine's log as a person reads it; undefined for lines that only move the progress. What is no JSON stays as it is. */
export function readableLine(line: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return line;
  }
  const stage = Stage.safeParse(parsed).data;
  if (stage !== undefined) {
    const title = stageTitles[stage.stage];
    if (stage.state === 'started') return `${title}: started`;
    return stage.seconds == null ? `${title}: done` : `${title}: done after ${took(stage.seconds)}`;
  }
  const said = Said.safeParse(parsed).data;
  if (said !== undefined) return `${said.type}: ${said.message}`;
  const done = Done.safeParse(parsed).data;
  if (done !== undefined) return `Done: ${String(done.components)} cells, ${String(done.accepted)} suggested`;
  return undefined;
}
