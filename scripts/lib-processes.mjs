// SPDX-License-Identifier: MIT
// What processes use, as Linux tells it; nothing elsewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const tick = 100;

function nameOf(pid) {
  const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const of = (name) => line.some((word) => word.includes(name));
  if (path.basename(line[0] ?? '').startsWith('ffmpeg')) return of('testsrc2') ? 'camera' : 'encoder';
  if (of('capture-process')) return 'capture';
  if (of('board-process')) return 'simulated board';
  if (of('hosts/server')) return 'core';
  return of('hosts/cli') ? 'recorder' : null;
}

function used(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      name: nameOf(pid),
      anonymousBytes: 1024 * Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / tick,
    };
  } catch {
    return null;
  }
}

/**
 * A process and those below it that take part in a recording.
 * @param {number | undefined} ancestor
 */
export function descendants(ancestor) {
  if (ancestor === undefined || !existsSync('/proc/self/stat')) return [];
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const isOurs = (pid) => pid === ancestor || (parents.has(pid) && isOurs(parents.get(pid)));
  return [...parents.keys()]
    .filter(isOurs)
    .map(used)
    .filter((found) => found?.name != null);
}
