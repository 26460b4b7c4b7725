// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedPages } from '../../../scripts/docs.mjs';
import { repositoryRoot } from '../../support/shared.ts';

const read = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');

describe('generated pages', () => {
  it.each(Object.entries(generatedPages()))('%s is what `npm run docs` writes', (file, text) => {
    expect(read(file)).toBe(text);
  });
});

describe('docs/formats.md', () => {
  const page = read('docs/formats.md').replaceAll(/ +/g, ' ');

  it('names every frame flag of the engine with its value', () => {
    const flags = [...read('native/engine/src/types.rs').matchAll(/pub const (\w+): u32 = 1 << (\d+);/g)];
    expect(flags.length).toBeGreaterThan(8);
    for (const [, name = '', bit = ''] of flags) {
      const camel = name.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      expect(page).toContain(`| ${bit} | ${String(2 ** Number(bit))} | \`${camel}\` |`);
    }
  });

  it('names every array that the engine writes', () => {
    const source = read('native/engine/src/result.rs');
    const written = [...source.matchAll(/"([\w/]+\.(?:npy|npz|json))"/g)].map((match) => match[1] ?? '');
    expect(written).toContain('footprints.npz');
    for (const file of written) expect(page).toContain(file);
  });
});

describe('links between the pages', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(path.join(repositoryRoot, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];

  it.each(pages)('%s points to files that are there', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
    for (const link of links) expect(existsSync(path.join(repositoryRoot, path.dirname(page), link)), link).toBe(true);
  });
});
