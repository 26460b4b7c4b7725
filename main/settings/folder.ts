// SPDX-License-Identifier: MIT
import { homedir } from 'node:os';
import path from 'node:path';

/** The user's own folder: `CALYX_SETTINGS`, else the platform's place for configuration. */
export function settingsFolder(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const named = env['CALYX_SETTINGS'];
  if (named !== undefined && named !== '') return path.resolve(named);
  if (platform === 'win32') return path.join(env['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'), 'Calyx');
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Calyx');
  const config = env['XDG_CONFIG_HOME'];
  return path.join(config !== undefined && path.isAbsolute(config) ? config : path.join(home, '.config'), 'calyx');
}
