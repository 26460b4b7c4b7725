// SPDX-License-Identifier: MIT
// Makes the unpacked application in dist/ with electron-builder. `--electron FOLDER` takes that Electron runtime instead of the one of
// package.json (where its binary cannot be fetched); its version is read from the runtime itself.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bindingName, projectEnv, root, run } from './lib.mjs';
import { copyModules } from './package-modules.mjs';

const { values } = parseArgs({
  options: { electron: { type: 'string' }, output: { type: 'string' }, 'test-build': { type: 'boolean' } },
});

function fail(sentence) {
  process.stderr.write(`Calyx cannot be packed: ${sentence}\n`);
  process.exit(4);
}

/** The engine as packages ship it: small and without symbols; `--test-build` takes what tests have built already. */
async function native() {
  const profile = values['test-build'] ? 'release' : 'dist';
  if (profile === 'dist') {
    process.stderr.write('  building the engine for the package …\n');
    const result = await run(
      'cargo',
      ['build', '--profile', 'dist', '--locked', '--quiet', '-p', 'calyx-engine', '-p', 'calyx-node'],
      {
        cwd: path.join(root, 'native'),
      },
    );
    if (result.code !== 0) fail('the engine did not build');
  }
  const built = path.join(root, 'native', 'target', profile);
  const output = path.join(root, 'out', 'native');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const executable = process.platform === 'win32' ? 'calyx-engine.exe' : 'calyx-engine';
  const library = { linux: 'libcalyx_node.so', darwin: 'libcalyx_node.dylib', win32: 'calyx_node.dll' }[
    process.platform
  ];
  if (library === undefined) fail(`${process.platform} is not a platform Calyx is packed for`);
  copyFileSync(path.join(built, executable), path.join(output, executable));
  copyFileSync(path.join(built, library), path.join(output, bindingName));
}

await native();
// The commutator's serial port; better-sqlite3 needs nothing else, and electron-builder takes it as it is.
const modules = path.join(root, 'out', 'modules');
rmSync(modules, { recursive: true, force: true });
copyModules(['serialport'], root, modules);
const { name, version, type } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
writeFileSync(path.join(root, 'out', 'core', 'package.json'), JSON.stringify({ name, version, type }));

const args = ['--dir', '--publish', 'never', `--config.directories.output=${values.output ?? 'dist'}`];
args.push(
  values['test-build']
    ? '--config.electronFuses.enableNodeCliInspectArguments=true'
    : '--config.electronFuses.grantFileProtocolExtraPrivileges=false',
);
if (values.electron !== undefined) {
  const folder = path.resolve(process.env.INIT_CWD ?? process.cwd(), values.electron);
  const versionFile = path.join(folder, 'version');
  if (!existsSync(path.join(folder, 'electron'))) fail(`there is no Electron runtime in ${folder}`);
  const runtime = existsSync(versionFile) ? readFileSync(versionFile, 'utf8').trim().replace(/^v/, '') : '22.3.25';
  args.push(`--config.electronDist=${folder}`, `--config.electronVersion=${runtime}`);
}
const builder = path.join(root, 'node_modules', 'electron-builder', 'cli.js');
const result = await run(process.execPath, [builder, ...args], {
  env: projectEnv({ CSC_IDENTITY_AUTO_DISCOVERY: 'false' }),
});
process.exitCode = result.code;
