// SPDX-License-Identifier: MIT
/** The thread that writes an export, so that neither its arithmetic nor its memory stands in the core's way; ending it cancels the export. */
import { parentPort, workerData } from 'node:worker_threads';
import { exportError } from './export-error.ts';
import type { ExportJob } from './job.ts';
import { writeExport } from './write-export.ts';
import type { ExportMessage } from './export.ts';

const port = parentPort;
const aborted = new AbortController();
// The thread lives by its work, not by the port.
port?.on('message', () => aborted.abort());
port?.unref();
const tell = (message: ExportMessage): void => port?.postMessage(message);

try {
  const written = await writeExport(
    workerData as ExportJob,
    (step, fraction) => {
      // Writers that never wait for anything else end here.
      aborted.signal.throwIfAborted();
      tell({ type: 'progress', step, fraction });
    },
    aborted.signal,
  );
  tell({ type: 'done', value: written });
} catch (error) {
  tell({ type: 'failed', error: exportError(error, (workerData as ExportJob).destination).toData() });
}
