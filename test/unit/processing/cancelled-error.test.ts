// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import { fileError } from '../../../main/processing/failure.ts';

test('what an aborted signal throws is a cancellation, no fault of the program or the disk', async () => {
  const signal = AbortSignal.abort();
  const ofSignal: unknown = signal.reason;
  const ofFiles: unknown = await readFile(import.meta.filename, { signal }).catch((error: unknown) => error);
  for (const error of [ofSignal, ofFiles]) {
    expect(AppError.from(error)).toMatchObject({ code: 'rpc.cancelled', cause: error });
    expect(fileError(error, 'reading')).toMatchObject({ code: 'rpc.cancelled' });
  }
});
