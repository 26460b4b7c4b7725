// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyModules } from '../../../scripts/package-modules.mjs';
import { repositoryRoot } from '../../support/shared.ts';
import { temporaryFolder } from '../../support/library.ts';

describe('the packed application', () => {
  it('has the serial port of the commutator, with all that it loads', () => {
    const core = temporaryFolder();
    copyModules(['serialport'], repositoryRoot, path.join(core, 'node_modules'));
    // Far from the repository: nothing of its node_modules is found from here.
    const script = path.join(core, 'core.mjs');
    writeFileSync(
      script,
      `const { SerialPort } = await import('serialport');
       const port = new SerialPort({ path: '/nowhere/port', baudRate: 115200, autoOpen: false });
       port.open((error) => console.log(error.message));`,
    );
    const said = execFileSync(process.execPath, [script], { cwd: core, encoding: 'utf8', env: {} });
    // The native part was there, and asked the system.
    expect(said).toMatch(/cannot open|File not found|No such file/i);
  });

  it('has binaries of its own system only', () => {
    const core = temporaryFolder();
    const modules = path.join(core, 'node_modules');
    copyModules(['serialport'], repositoryRoot, modules, { platform: 'darwin', arch: 'arm64' });
    expect(readdirSync(path.join(modules, '@serialport', 'bindings-cpp', 'prebuilds'))).toEqual(['darwin-x64+arm64']);
    expect(readdirSync(path.join(modules, '@serialport', 'bindings-cpp'))).toContain('LICENSE');
    expect(() => copyModules(['no-such-module'], repositoryRoot, modules)).toThrow('no-such-module is not installed.');
  });

  it('is told to take them along, and everything else that its core does not hold itself', () => {
    const read = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');
    const [, external = ''] =
      /ssr: \{ noExternal: true, external: \[([^\]]*)\]/.exec(read('vite.core.config.ts')) ?? [];
    const builder = read('electron-builder.yml');
    const packer = read('scripts/package.mjs');
    expect(builder).toContain('{ from: out/modules, to: core/node_modules }');
    for (const name of external.split(',').map((text) => text.trim().replaceAll("'", ''))) {
      const isCopied = packer.includes(`copyModules(['${name}']`) || builder.includes(`to: core/node_modules/${name}`);
      expect([name, isCopied]).toEqual([name, true]);
    }
  });
});
