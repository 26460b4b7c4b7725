// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { repositoryRoot } from './shared.ts';

const unpacked = path.join(repositoryRoot, 'node_modules', '.cache', 'calyx-chromium');

/** `$CALYX_CHROMIUM`, else the one that set-up unpacked, else one of the system; undefined when there is none. */
export function chromiumExecutable(): string | undefined {
  const own = process.env['CALYX_CHROMIUM'];
  if (own !== undefined) return own;
  const candidates = [path.join(unpacked, 'chromium')];
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) candidates.push(path.join(folder, name));
  }
  return candidates.find((candidate) => existsSync(candidate));
}

/**
 * A headless Chromium as it is by itself on a machine without a graphics card: the processor draws and puts together pages, SwiftShader draws
 * WebGL2. (Forcing `--use-angle=swiftshader` makes it paint pages through SwiftShader too, which no such machine does.)
 */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumExecutable();
  if (executablePath === undefined) throw new Error('No Chromium: set CALYX_CHROMIUM or install chromium.');
  const bundled = executablePath.startsWith(unpacked);
  return chromium.launch({
    executablePath,
    env: {
      ...process.env,
      ...(bundled
        ? { LD_LIBRARY_PATH: path.join(unpacked, 'lib'), FONTCONFIG_PATH: path.join(unpacked, 'fonts') }
        : {}),
    },
    args: ['--no-sandbox', '--enable-unsafe-swiftshader', '--disable-background-networking'],
  });
}
