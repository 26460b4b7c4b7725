// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { RunRow } from '../../../main/contract/index.ts';
import type { Library } from '../../../main/library/index.ts';
import { queueRuns } from '../../../main/processing/index.ts';

const library = {
  sessions: {
    get: () =>
      Promise.resolve({
        recordings: [
          { uuid: 'a', device: 'CA1' },
          { uuid: 'b', device: 'PFC_left' },
        ],
      }),
  },
} as unknown as Library;

async function queued(devices?: readonly string[]): Promise<readonly string[]> {
  const begun: string[] = [];
  const wish = { preset: 'balanced', ...(devices === undefined ? {} : { devices }) };
  const runs = await queueRuns(library, 'session', wish, ({ recordingUuids }) => {
    begun.push(recordingUuids.join());
    return Promise.resolve({ run: { uuid: `run of ${recordingUuids.join()}` } as RunRow });
  });
  expect(runs).toEqual(begun.map((uuid) => `run of ${uuid}`));
  return begun;
}

test('every scope of a recording is queued, a run each, or those that were chosen', async () => {
  expect(await queued()).toEqual(['a', 'b']);
  expect(await queued(['PFC left'])).toEqual(['b']);
  expect(await queued(['CA1', 'PFC left'])).toEqual(['a', 'b']);
});

test('a scope that is not there is said before anything is queued', async () => {
  await expect(queued(['CA1', 'V1'])).rejects.toMatchObject({
    code: 'usage.invalid',
    message: 'The session has no recording of V1.',
    hint: 'It has CA1, PFC_left.',
  });
});
