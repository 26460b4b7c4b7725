// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { repositoryRoot } from './shared.ts';

const source = readFileSync(path.join(repositoryRoot, 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');

/** One thing that keeps somebody out, with where it stands. */
export interface Barrier {
  readonly rule: string;
  readonly impact: string;
  readonly help: string;
  readonly where: readonly string[];
}

/**
 * What axe finds in a page as it is now, serious and critical only. The script comes in by the developer's protocol, which the page's own
 * policy does not hold back.
 *
 * @param without rules that do not apply, each with its reason beside the call
 */
export async function barriers(page: Page, without: readonly string[] = []): Promise<readonly Barrier[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(source);
  const results = await page.evaluate(
    async (off) => {
      const { axe } = globalThis as unknown as { axe: { run: (options: object) => Promise<AxeResults> } };
      return await axe.run({
        runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] },
        rules: Object.fromEntries(off.map((rule) => [rule, { enabled: false }])),
      });
    },
    [...without],
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, help, nodes }) => ({
      rule: id,
      impact: impact ?? '',
      help,
      where: nodes
        .slice(0, 4)
        .map(
          ({ target, html, failureSummary }) =>
            `${target.join(' ')}: ${html.slice(0, 140)} — ${(failureSummary ?? '').split('\n').slice(1, 2).join('').trim()}`,
        ),
    }));
}
