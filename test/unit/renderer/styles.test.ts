// SPDX-License-Identifier: MIT
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { colourOf } from '../../../renderer/gl/outline-styles.ts';
import { readableLine } from '../../../renderer/screens/process/log-lines.ts';
import { repositoryRoot } from '../../support/shared.ts';

describe('colours of the tokens', () => {
  it('are read as written and as a build shortens them', () => {
    expect(colourOf('#ff0080', 0.5)).toEqual([1, 0, 128 / 255, 0.5]);
    expect(colourOf(' #fff')).toEqual([1, 1, 1, 1]);
  });
  it('that are none are told, not drawn grey', () => {
    expect(() => colourOf('')).toThrow('not a colour');
  });
});

describe('the log of a run', () => {
  it('is shown in words', () => {
    expect(readableLine('{"type":"stage","stage":"motion","state":"done","seconds":4.318}')).toBe(
      'Motion: done after 4.3 s',
    );
    expect(readableLine('{"type":"warning","code":"media.truncated","message":"The last frame is cut."}')).toBe(
      'warning: The last frame is cut.',
    );
    expect(readableLine('{"type":"done","output":"x","components":28,"accepted":26}')).toBe(
      'Done: 28 cells, 26 suggested',
    );
  });
  it('leaves progress out and keeps what is no JSON', () => {
    expect(readableLine('{"type":"progress","stage":"read","fraction":0.3}')).toBeUndefined();
    expect(readableLine('thread main panicked')).toBe('thread main panicked');
  });
});

describe('lines of text', () => {
  it('grow with the size of the text that the person chose', () => {
    const fixed = globSync('renderer/**/*.css', { cwd: repositoryRoot }).flatMap((file) =>
      readFileSync(path.join(repositoryRoot, file), 'utf8')
        .split('\n')
        .flatMap((line, n) =>
          /line-height: *\d+px|font:[^;]*\/ *\d+px/.test(line) ? [`${file}:${String(n + 1)} ${line.trim()}`] : [],
        ),
    );
    expect(fixed).toEqual([]);
  });
});
