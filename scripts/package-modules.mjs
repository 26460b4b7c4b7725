// SPDX-License-Identifier: MIT
// Copies a module of npm with everything it loads at run time: what carries native code is not bundled, and electron-builder takes single folders only. Each lies below the
// module that found it there, or at the top.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What runs: no sources, types, maps or binaries of other systems. */
const left = /(^|\/)(test|tests|build-tmp-napi-v\d+|\.github)(\/|$)|\.(ts|mts|cts|map|md|gyp|gypi|cpp|h|mm)$|\.d\.\w+$/;

/**
 * @param {readonly string[]} names modules as they are imported
 * @param {string} from a folder whose `node_modules` has them
 * @param {string} into a `node_modules` to be
 * @returns {string[]} where each was put, below `into`
 */
export function copyModules(names, from, into, { platform = process.platform, arch = process.arch } = {}) {
  const copied = new Map();
  const visit = (name, asker) => {
    const source = folderOf(name, asker);
    if (copied.has(source)) return;
    // As npm laid it out: below its asker where that has its own, else at the top.
    const below = path.relative(path.join(from, 'node_modules'), source);
    const target = path.join(into, below);
    copied.set(source, below);
    const prebuilds = path.join(source, 'prebuilds');
    cpSync(source, target, {
      recursive: true,
      filter: (file) => {
        const relative = path.relative(source, file);
        if (relative === '') return true;
        if (relative === 'node_modules' || relative.startsWith(`node_modules${path.sep}`)) return false;
        if (path.dirname(file) === prebuilds) return isFor(path.basename(file), platform, arch);
        return !left.test(relative.split(path.sep).join('/'));
      },
    });
    const { dependencies = {} } = JSON.parse(readFileSync(path.join(source, 'package.json'), 'utf8'));
    for (const next of Object.keys(dependencies)) visit(next, source);
  };
  for (const name of names) visit(name, from);
  return [...copied.values()];
}

/** Binaries lie in folders of a system and its processors: `linux-x64`, `darwin-x64+arm64`. */
function isFor(folder, platform, arch) {
  const [system, ...processors] = folder.split('-');
  return system === platform && processors.join('-').split('+').includes(arch);
}

function folderOf(name, asker) {
  const places = createRequire(path.join(asker, 'package.json')).resolve.paths(name) ?? [];
  const place = places
    .map((folder) => path.join(folder, name))
    .find((folder) => existsSync(path.join(folder, 'package.json')));
  if (place === undefined) throw new Error(`${name} is not installed.`);
  return place;
}
