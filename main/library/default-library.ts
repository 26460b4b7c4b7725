// SPDX-License-Identifier: MIT
import { homedir } from 'node:os';
import path from 'node:path';

/** The library of a user who names none: `CALYX_LIBRARY`, else the platform's place for application data. */
export function defaultLibrary(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const named = env['CALYX_LIBRARY'];
  if (named !== undefined && named !== '') return path.resolve(named);
  if (platform === 'win32')
    return path.join(env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'Calyx', 'library');
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Calyx', 'library');
  const data = env['XDG_DATA_HOME'];
  return path.join(
    data !== undefined && path.isAbsolute(data) ? data : path.join(home, '.local', 'share'),
    'calyx',
    'library',
  );
}
