// SPDX-License-Identifier: MIT
import { expect, test, vi } from 'vitest';
import { inThread, type ThreadJob } from '../../../main/threads/index.ts';

type Said = { readonly type: 'share'; readonly share: number } | { readonly type: 'question' | 'began' | 'tidied' };

const job = (wish: string, more: Partial<ThreadJob<Said>> = {}): ThreadJob<Said> => ({
  module: new URL('echo-worker.ts', import.meta.url),
  name: 'a test',
  data: { wish },
  signal: new AbortController().signal,
  cancelled: 'Taken back.',
  ...more,
});

test('a thread is heard and its result given', async () => {
  const hear = vi.fn<NonNullable<ThreadJob<Said>['hear']>>();
  expect(await inThread<readonly number[], Said>(job('double', { hear }))).toEqual([2, 4]);
  expect(hear.mock.calls.map(([said]) => said)).toEqual([{ type: 'share', share: 0.5 }]);
});

test('what a thread asks is answered', async () => {
  const result = await inThread<number, Said>(job('ask', { hear: (_said, answer) => answer.post(41) }));
  expect(result).toBe(42);
});

test('errors come over whole, and an end without a word is one', async () => {
  await expect(inThread(job('fail'))).rejects.toMatchObject({ code: 'disk.full', message: 'No room.' });
  await expect(inThread(job('leave'))).rejects.toMatchObject({
    code: 'rpc.internal',
    message: 'The thread for a test ended with code 0 and without an answer.',
  });
});

test('a job that is taken back ends its thread at once', async () => {
  const abort = new AbortController();
  const hear = (): void => abort.abort();
  await expect(inThread<never, Said>(job('hang', { signal: abort.signal, hear }))).rejects.toMatchObject({
    code: 'rpc.cancelled',
    message: 'Taken back.',
  });
  await expect(inThread(job('double', { signal: abort.signal }))).rejects.toMatchObject({
    code: 'rpc.cancelled',
    message: 'Taken back.',
  });
});

test('with time to end a thread tidies up first, and one that does not is ended', async () => {
  const heard: string[] = [];
  for (const [wish, graceMs] of [
    ['tidy', 60_000],
    ['hang', 0],
  ] as const) {
    const abort = new AbortController();
    const hear = ({ type }: Said): void => {
      heard.push(type);
      if (type === 'began') abort.abort();
    };
    // oxlint-disable-next-line no-await-in-loop -- one thread after the other
    await expect(inThread<never, Said>(job(wish, { signal: abort.signal, graceMs, hear }))).rejects.toMatchObject({
      code: 'rpc.cancelled',
    });
  }
  expect(heard).toEqual(['began', 'tidied', 'began']);
});
