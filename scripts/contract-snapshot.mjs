// SPDX-License-Identifier: MIT
// Rewrites the committed JSON schema of the contract. Run it after a wanted change; the diff shows what clients will notice.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeContract } from '../test/contract/describe-contract.ts';
import { root } from './lib.mjs';

writeFileSync(
  path.join(root, 'test', 'contract', 'contract.snapshot.json'),
  `${JSON.stringify(describeContract(), null, 2)}\n`,
);
