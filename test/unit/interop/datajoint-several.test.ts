// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { createDatajointHandlers, Progresses } from '../../../main/interop/index.ts';
import { createReader } from '../../../main/library/index.ts';
import { finishedRunOnDisk, localCall } from '../../support/finished-run.ts';
import { windowCall } from '../../support/core.ts';

const handlersOf = (run: Awaited<ReturnType<typeof finishedRunOnDisk>>) =>
  createDatajointHandlers({
    library: run.library,
    reader: createReader(run.library.folders.database),
    editor: { collect: () => Promise.reject(new Error('no cell was edited')) },
    progresses: new Progresses(),
    roots: [],
    probeFilm: () => Promise.reject(new Error('no film is looked at')),
  });

// Port 9 answers nobody: what is refused is refused before the server is asked.
const server = { url: 'mysql://lab@127.0.0.1:9', password: 'secret', prefix: 'lab_', dryRun: true } as const;

test('a run over several recordings is not published under the times of one of them', async () => {
  const run = await finishedRunOnDisk('m1', { two: true });
  const ask = { ...server, target: run.runUuid, orientation: 'corrected', values: {} } as const;
  await expect(handlersOf(run).publish(ask, localCall)).rejects.toMatchObject({
    code: 'usage.invalid',
    message: expect.stringContaining('over 2 recordings'),
  });
});

test("a window names no path as the folder of the server's files", async () => {
  const run = await finishedRunOnDisk();
  const handlers = handlersOf(run);
  const ask = { ...server, orientation: 'auto' } as const;
  await expect(handlers.import({ ...ask, root: '/' }, windowCall)).rejects.toMatchObject({ code: 'rpc.not_allowed' });
  await expect(handlers.import({ ...ask, rootFolder: { root: 'data-1', path: '' } }, windowCall)).rejects.toMatchObject(
    { code: 'files.outside_roots' },
  );
});
