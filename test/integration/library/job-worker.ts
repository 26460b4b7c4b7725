// SPDX-License-Identifier: MIT
/** A worker of the stress test: claims jobs by rpc until there are none; the one told to dies with a job in its hands. */
import { AppError, connect, contractVersion, coreApis, webSocketChannel } from '../../../main/contract/index.ts';

const [, , origin = '', token = '', name = '', dieAfter = ''] = process.argv;
const { client, ready } = connect(coreApis, {
  open: () => webSocketChannel(new WebSocket(`${origin.replace(/^http/, 'ws')}/rpc`)),
  token,
  version: contractVersion,
  reconnect: false,
  wait: () => Promise.resolve(),
});
await ready;
for (let n = 0; ; n += 1) {
  const worker = { name, host: 'here', pid: process.pid };
  const { claim } = await client.jobs.claim({ steps: ['count'], worker, leaseMs: 60_000 });
  if (claim === null) break;
  if (dieAfter !== '' && n === Number(dieAfter)) process.kill(process.pid, 'SIGKILL');
  try {
    await client.jobs.finish({ jobUuid: claim.job.uuid, attempt: claim.attempt, result: { by: name } });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'job.lease_lost') throw error;
  }
}
process.exit(0);
