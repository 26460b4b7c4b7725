// SPDX-License-Identifier: MIT

/** Where values stand in a JSON text: line (from 1) of each key or list entry, by its path joined with `/`. */
export function jsonLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let [at, line] = [0, 1];
  const skip = (): void => {
    while (at < text.length && /\s/.test(text[at] ?? '')) {
      if (text[at] === '\n') line += 1;
      at += 1;
    }
  };
  const string = (): string => {
    const start = at;
    at += 1;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    at += 1;
    try {
      return JSON.parse(text.slice(start, at)) as string;
    } catch {
      return text.slice(start + 1, at - 1);
    }
  };
  const value = (path: readonly string[]): void => {
    skip();
    const sign = text[at];
    if (sign === '"') {
      string();
      return;
    }
    if (sign !== '{' && sign !== '[') {
      while (at < text.length && !/[,\]}\s]/.test(text[at] ?? '')) at += 1;
      return;
    }
    at += 1;
    for (let index = 0; at < text.length; index += 1) {
      skip();
      if (text[at] === '}' || text[at] === ']') {
        at += 1;
        return;
      }
      const began = line;
      let key = String(index);
      if (sign === '{') {
        if (text[at] !== '"') {
          at = text.length;
          return;
        }
        key = string();
        skip();
        at += 1;
      }
      const here = [...path, key];
      if (!lines.has(here.join('/'))) lines.set(here.join('/'), began);
      value(here);
      skip();
      if (text[at] === ',') at += 1;
    }
  };
  value([]);
  return lines;
}

/** The line of a path, or of the deepest part of it that is there. */
export function lineOf(lines: ReadonlyMap<string, number>, path: readonly string[]): number | null {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const line = lines.get(path.slice(0, depth).join('/'));
    if (line !== undefined) return line;
  }
  return null;
}

/** Line of a character of a text, from 1. */
export const lineAt = (text: string, position: number): number => text.slice(0, position).split('\n').length;
