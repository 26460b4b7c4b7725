// SPDX-License-Identifier: MIT

/** Class names of one CSS module: `c('btn pri', pressed && 'down')` → the module's own names, joined. */
export type ClassNames = (...names: readonly (string | false | undefined)[]) => string;

/** Binds a CSS module; a name the module does not have is an error in development, so that a typing slip shows. */
export function classes(module: Readonly<Record<string, string>>): ClassNames {
  return (...names) =>
    names
      .flatMap((name) => (typeof name === 'string' ? name.split(' ') : []))
      .filter((name) => name !== '')
      .map((name) => {
        const found = module[name];
        if (found === undefined) throw new Error(`no class "${name}" in this module`);
        return found;
      })
      .join(' ');
}
