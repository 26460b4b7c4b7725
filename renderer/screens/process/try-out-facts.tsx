// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import { useProcess } from '../../stores/process.ts';
import { type Tried, useTryOut } from '../../stores/try-out.ts';
import { Button } from '../../ui/controls.tsx';
import { about, bytes, count, decimal, plural } from '../../ui/format.ts';

/** What a side's settings are called. */
export const nameOf = (typed: Readonly<Record<string, string>>): string => {
  const changes = Object.keys(typed).length;
  return changes === 0 ? 'the defaults' : plural(changes, 'setting changed', 'settings changed');
};

interface SideFactsProps {
  readonly name: 'A' | 'B';
  readonly tone: string;
  readonly tried: Tried;
  readonly only: number | null;
  readonly words: string;
}

/** What came of one side, and the way to keep its settings. */
export function SideFacts({ name, tone, tried, only, words }: SideFactsProps): ReactElement {
  const { result, typed } = tried;
  const now = useProcess((state) => state.typed);
  const held = JSON.stringify(now) === JSON.stringify(typed);
  const keep = (): void => {
    useProcess.setState({ typed });
    // What was kept is what the next change is held against.
    useTryOut.setState({ a: tried, b: null });
  };
  return (
    <section aria-label={`Side ${name}`}>
      <h3>
        <i style={{ background: `var(${tone})` }} />
        <b>{name}</b> {words}
      </h3>
      <dl>
        <dt>Cells</dt>
        <dd>{count(result.suggested)}</dd>
        <dt>Only here</dt>
        <dd>{only === null ? '–' : count(only)}</dd>
        <dt>Median SNR</dt>
        <dd>{decimal(result.medianSnr, 1)}</dd>
        <dt>Diameter</dt>
        <dd>{result.diameterPx === null ? '–' : `${decimal(result.diameterPx, 1)} px`}</dd>
        <dt>All of it</dt>
        <dd>{about(result.wholeSeconds)}</dd>
        <dt>Memory here</dt>
        <dd>{bytes(result.peakMemoryBytes)}</dd>
      </dl>
      <Button onPress={keep} off={name === 'A' && held ? 'These are the settings of the form.' : undefined}>
        Keep {name}
      </Button>
    </section>
  );
}
