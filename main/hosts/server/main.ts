// SPDX-License-Identifier: MIT
/**
 * Serves the workstation to a browser on this machine, or to the Electron window beside which it runs. Prints one address when it is ready.
 */
const major = Number(process.versions.node.split('.')[0]);
if (major < 22) {
  process.stderr.write(`Calyx needs Node 22 or newer, this is ${process.version}. \`npm start\` brings its own.\n`);
  process.exit(4);
}
// Loaded late: better-sqlite3 ends an older Node without a word.
const { runServer } = await import('./run-server.ts');
await runServer(process.argv.slice(2));
