#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Nothing may be imported here: older versions of Node die in a native module without a word.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(
    `Calyx needs Node 22.12 or newer, this is ${process.version}: start it with \`npm run -s calyx -- …\`, which brings its own.\n`,
  );
  process.exitCode = 4;
} else {
  const { beginAnewToRecord } = await import('./begin-anew.ts');
  beginAnewToRecord();
  const { runCli } = await import('./cli.ts');
  process.exitCode = await runCli(process.argv.slice(2));
}
