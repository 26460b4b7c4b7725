// SPDX-License-Identifier: MIT
/** A process that records until it is killed: `node killed-recording.ts <data folder> <FFV1|GREY>`. Says the folder, then frames go as fast as the writer takes them. */
import { beginRecording } from './recorded.ts';

const [data = '', compression = 'GREY'] = process.argv.slice(2);
const { recording, come } = await beginRecording({
  data,
  compression: compression === 'FFV1' ? 'FFV1' : 'GREY',
  framesPerFile: 60,
});
process.stdout.write(`${recording.folder}\n`);
for (;;) await come(1);
