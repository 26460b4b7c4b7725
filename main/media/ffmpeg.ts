// SPDX-License-Identifier: MIT
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const executable = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The binary of an optional npm package, if the package is installed and brought one. */
function fromPackage(name: string, pick: (exported: unknown) => unknown): string | undefined {
  try {
    const found = pick(createRequire(import.meta.url)(name));
    return typeof found === 'string' && isRunnable(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The ffmpeg that decodes compressed films: `$FFMPEG_BIN`, `ffmpeg` on the PATH, `ffmpeg-static`, `@ffmpeg-installer/ffmpeg`; undefined when there is
 * none. A `$FFMPEG_BIN` that does not exist is not replaced by another: whoever sets it wants to know.
 */
export function findFfmpeg(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['FFMPEG_BIN'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, executable);
    if (folder !== '' && isRunnable(candidate)) return candidate;
  }
  return (
    fromPackage('ffmpeg-static', (exported) => exported) ??
    fromPackage('@ffmpeg-installer/ffmpeg', (exported) =>
      typeof exported === 'object' && exported !== null && 'path' in exported ? exported.path : undefined,
    )
  );
}
