// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import { exportError } from '../../../main/interop/export-error.ts';

const hdf5 = (words: string): Error =>
  new Error(`HDF5-DIAG: Error detected in HDF5 (2.0.0):
  #020: /src/H5FDsec2.c line 775 in H5FD__sec2_write(): file write failed: time = Sat Nov 28 13:01:09 2026
, filename = '/x/run.nwb', file descriptor = 3, errno = 51, error message = '${words}', buf = 0x4b1b58
    minor: Write failed`);

test('a disk that is full while an export is written is told as that, whoever noticed it', () => {
  const full = 'The disk is full (exporting to /x/run.nwb); what was unfinished was removed.';
  expect(exportError(hdf5('No space left on device'), '/x/run.nwb')).toMatchObject({
    code: 'disk.full',
    message: full,
  });
  const system = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  expect(exportError(system, '/x/run.nwb')).toMatchObject({ code: 'disk.full', message: full });
  // What was noticed first counts, not what failed while the file was closed.
  expect(exportError(new SuppressedError(hdf5('Bad file number'), system), '/x/run.nwb').code).toBe('disk.full');
  expect(exportError(hdf5('Input/output error'), '/x/run.nwb')).toMatchObject({
    code: 'disk.io',
    message: 'exporting to /x/run.nwb: Input/output error',
  });
  const ours = new AppError('media.unreadable', 'cut off');
  expect(exportError(ours, '/x/run.nwb')).toBe(ours);
});
