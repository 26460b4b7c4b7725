// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { scale, ticks, tickText } from '../../../renderer/plots/axes.ts';
import { histogram, quantile } from '../../../renderer/plots/bars.ts';
import { csvText } from '../../../renderer/plots/csv.ts';
import { drawCurves } from '../../../renderer/plots/curves.ts';
import { backToFirst } from '../../../renderer/plots/field.ts';
import { heatMap, lineAt, mapBox, mapPixels } from '../../../renderer/plots/heat-map.ts';
import { paper } from '../../../renderer/plots/pen.ts';
import { SvgPen } from '../../../renderer/plots/svg-pen.ts';
import { fileName, provenanceFacts } from '../../../renderer/screens/explore/provenance.ts';
import { latencyOrder, responseOrder } from '../../../renderer/stores/explore.ts';
import {
  dayNames,
  doubtfulFirst,
  nextUndecidedGroup,
  onDays,
  type MatchGroup,
} from '../../../renderer/stores/matches.ts';
import { passes, qualityMetrics, startingLimits } from '../../../renderer/stores/quality.ts';

describe('axes', () => {
  it('have round numbers inside the scale', () => {
    expect(ticks({ from: -1, to: 1.7 }, 5)).toEqual([-1, -0.5, 0, 0.5, 1, 1.5]);
    expect(ticks({ from: 0, to: 0.03 }, 3)).toEqual([0, 0.01, 0.02, 0.03]);
    expect(ticks({ from: 2, to: 2 })).toEqual([2]);
    expect(tickText(-0.5)).toBe('−0.5');
    expect(scale(0, 10, 100, 0).at(2.5)).toBe(75);
  });

  it('count values, wild ones in the outermost bins', () => {
    expect(histogram([0, 1, 2, 3, 99, Number.NaN], 4, [0, 4]).counts).toEqual([1, 1, 1, 2]);
    expect(histogram([5, 5], 3).counts).toEqual([2, 0, 0]);
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([], 0.5)).toBeNull();
  });
});

describe('maps', () => {
  it('draw rows and columns in an order; what is not known is grey', () => {
    const matrix = { rows: 2, columns: 2, values: Float32Array.from([0, Number.NaN, 1, 0.5]) };
    const { width, height, data } = mapPixels(matrix, [1, 0], { low: 0, high: 1 }, 'grey', true);
    expect([width, height]).toEqual([2, 2]);
    const reds = [0, 1, 2, 3].map((pixel) => data[pixel * 4]);
    expect(reds).toEqual([128, 255, 42, 0]);
  });

  it('tell the line under a point', () => {
    const box = mapBox({ width: 400 }, 10, 110);
    expect(lineAt(box, 10, 100, 10)).toBe(0);
    expect(lineAt(box, 10, 100, 109.9)).toBe(9);
    expect(lineAt(box, 10, 100, 110)).toBe(-1);
  });

  it('put a turned and shifted session back into the first one’s frame', () => {
    const [angle, centre, shift] = [(7 * Math.PI) / 180, { y: 60, x: 63 }, { y: 4, x: -9 }];
    // The engine’s way there: q = R(p − c) + c + t on (y, x), R = [[cos, sin], [−sin, cos]].
    const there = (x: number, y: number): readonly [number, number] => {
      const [dy, dx] = [y - centre.y, x - centre.x];
      return [
        -Math.sin(angle) * dy + Math.cos(angle) * dx + centre.x + shift.x,
        Math.cos(angle) * dy + Math.sin(angle) * dx + centre.y + shift.y,
      ];
    };
    const back = backToFirst({ shiftPx: shift, rotationDegrees: 7 }, centre);
    const [x, y] = back(...there(20, 95));
    expect(x).toBeCloseTo(20, 9);
    expect(y).toBeCloseTo(95, 9);
  });
});

describe('files', () => {
  it('are CSV with where the numbers come from', () => {
    const text = csvText(
      {
        columns: ['cell', 'say "so"'],
        rows: [
          [1, Number.NaN],
          [2, 0.1 + 0.2],
          ['a,b', null],
        ],
      },
      [['run', 'x\ny']],
    );
    expect(text).toBe('# run: x y\ncell,"say ""so"""\n1,\n2,0.3\n"a,b",\n');
  });

  it('are SVG with the same drawing, its title and where it comes from', () => {
    const pen = new SvgPen(300, 200, 'Plex', () => 'data:image/png;base64,AA==');
    const pixels = mapPixels(
      { rows: 1, columns: 2, values: Float32Array.from([0, 1]) },
      [0],
      { low: 0, high: 1 },
      'viridis',
    );
    heatMap({ pixels, x: { from: 0, to: 2, unit: 's' }, rowsName: 'cells <all>' })(pen, paper);
    drawCurves(
      pen,
      paper,
      mapBox(pen, 10, 60),
      [{ name: 'm', x: [0, 1, 2], mean: [0, null, 1], low: [0, 0, 0], high: [1, 1, 1] }],
      {
        x: [0, 2],
      },
    );
    const svg = pen.finish('A & B', 'run: 1');
    expect(svg).toContain('<title>A &amp; B</title>');
    expect(svg).toContain('<desc>run: 1</desc>');
    expect(svg).toContain('cells &lt;all&gt;');
    expect(svg.match(/<image /g)).toHaveLength(1);
    // The line is broken where nothing is known, the band is not.
    expect(svg).toMatch(/<path d="M[\d. ]+M[\d. ]+" fill="none" stroke="#000000" stroke-width="1.5"/);
    expect(svg.match(/<polygon /g)).toHaveLength(1);
  });

  it('say run, curation, settings and program', () => {
    const facts = provenanceFacts(
      [
        {
          runUuid: 'r1',
          session: 'day 1',
          subject: 'm12',
          recordings: ['q'],
          programVersion: '1.2.3',
          engineVersion: '4',
          curation: { uuid: 'c1', version: 2, frozen: true, accepted: 5, rejected: 1 },
          parameters: { minSnr: 3, decayS: null },
          parameterSetUuid: 'p1',
        },
      ],
      new Date('2026-11-27T12:00:00Z'),
    );
    const fact = (name: string): string | undefined => facts.find(([each]) => each === name)?.[1];
    expect(fact('run')).toBe('r1');
    expect(fact('curation')).toBe('c1 version 2 (frozen), 5 accepted, 1 rejected');
    expect(fact('parameters')).toBe('minSnr=3 decayS=automatic');
    expect(fact('program')).toBe('Calyx 1.2.3');
    expect(fileName('Around reward', 'ΔF/F', 'm12')).toBe('around-reward-f-f-m12');
  });
});

describe('orders and limits', () => {
  it('sort cells by when they peak and by how much they answer', () => {
    const means = Float32Array.from([0, 0, 9, 5, 0, 0, 0, 7, 0]);
    expect(latencyOrder(means, 3, 3)).toEqual([1, 2, 0]);
    expect(responseOrder(means, 3, [-1, 0, 1])).toEqual([0, 2, 1]);
  });

  it('keep what reaches every limit', () => {
    expect(startingLimits({ minSnr: 3, minProbability: 0, decayS: 1 })).toEqual({ snr: 3 });
    expect(passes({ metrics: { snr: 3 } }, { snr: 3 })).toBe(true);
    expect(passes({ metrics: { snr: null } }, { snr: 3 })).toBe(false);
    expect(qualityMetrics([{ metrics: { snr: 1, noise: 2 } }, { metrics: { snr: 2, noise: 2 } }])).toEqual(['snr']);
  });
});

describe('matches of sessions', () => {
  const group = (
    index: number,
    score: number | null,
    label: MatchGroup['label'],
    sessions: readonly number[],
  ): MatchGroup => ({
    index,
    score,
    label,
    members: sessions.map((session) => ({ session, row: index, score })),
  });
  const groups = [
    group(0, 0.9, 'undecided', [0, 1, 2]),
    group(1, 0.4, 'undecided', [0, 1]),
    group(2, null, 'undecided', [2]),
    group(3, 0.3, 'accepted', [1, 2]),
    group(4, 0.95, 'rejected', [0, 2]),
  ];

  it('begin with the doubtful ones', () => {
    expect(doubtfulFirst(groups).map(({ index }) => index)).toEqual([3, 1, 0, 4]);
    expect(nextUndecidedGroup(doubtfulFirst(groups), 1, 1)?.index).toBe(0);
    expect(nextUndecidedGroup(doubtfulFirst(groups), 0, 1)?.index).toBe(1);
    expect(nextUndecidedGroup(doubtfulFirst(groups), 0, -1)?.index).toBe(1);
    expect(nextUndecidedGroup([group(1, 1, 'accepted', [0, 1])], null, 1)).toBeUndefined();
  });

  it('count cells by sessions: what is rejected or below the limit falls apart', () => {
    expect(onDays(groups, 3, 0.5)).toEqual([
      { days: 3, cells: 1 },
      { days: 2, cells: 1 },
      { days: 1, cells: 5 },
    ]);
  });

  it('name sessions by their day, with the time where two share one', () => {
    const at = (startedAt: string | null) => ({ name: 'pilot', startedAt, tzOffsetMin: 60 });
    expect(
      dayNames([at('2026-01-10T23:30:00Z'), at('2026-01-12T08:00:00Z'), at('2026-01-12T12:00:00Z'), at(null)]),
    ).toEqual(['11 Jan', '12 Jan 09:00', '12 Jan 13:00', 'pilot']);
  });
});
