// SPDX-License-Identifier: MIT
import { type ReactElement, useMemo } from 'react';
import type { MotionReport } from '../../main/contract/index.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { type Motion, useMotion } from '../client/recorded.ts';
import { bottomAxis, type Box, leftName, scale } from '../plots/axes.ts';
import { type Curve, drawCurves, legend } from '../plots/curves.ts';
import type { Figure } from '../plots/pen.ts';
import { Plot } from '../plots/plot.tsx';
import { moveCursor, useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { useInFront } from '../ui/dock/slots.ts';
import { decimal, percent } from '../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import styles from './recorded.module.css';

const c = classes(styles);

/** Margins of the plot, CSS px: the cursor lies over it. */
const room = { left: 48, right: 12, top: 20, bottom: 20 } as const;

/** How the picture moved, and what registration did about it, under the one cursor. */
export function MotionPanel({ opening }: { readonly opening: ReviewOpening }): ReactElement {
  const motion = useMotion(opening.run.uuid, useInFront());
  const report = motion.data?.report;
  const { shiftPx } = report ?? {};
  return (
    <Panel
      title="Motion"
      scope="motion"
      meta={
        shiftPx === null || shiftPx === undefined
          ? undefined
          : `typically ${decimal(shiftPx.median, 1)} px, at most ${decimal(shiftPx.largest, 1)} px`
      }
    >
      {motion.isError ? (
        <Failed title="The motion cannot be read" error={motion.error} onRetry={() => void motion.refetch()} />
      ) : motion.data === undefined ? (
        <Loading title="Reading the motion" step={1} steps={1} detail="displacements of all frames" />
      ) : motion.data === null ? (
        <Empty title="No displacements">
          <p>This run was made without registration, or by another program that keeps no displacements.</p>
        </Empty>
      ) : (
        <div className={c('recorded')}>
          <Shifts motion={motion.data} opening={opening} />
          {report === null || report === undefined ? (
            <p className={c('none')}>This run has no report of its registration.</p>
          ) : (
            <Facts report={report} />
          )}
        </div>
      )}
    </Panel>
  );
}

interface ShiftsProps {
  readonly motion: NonNullable<Motion>;
  readonly opening: ReviewOpening;
}

function Shifts({ motion, opening }: ShiftsProps): ReactElement {
  const frame = useReview((state) => state.frame);
  const { frames, startS, endS } = opening;
  const figure = useMemo<Figure>(() => shiftFigure(motion, frames, endS - startS), [motion, frames, endS, startS]);
  const share = frames > 1 ? frame / (frames - 1) : 0;
  const go = (x: number, width: number): void =>
    moveCursor(((x - room.left) / Math.max(1, width - room.left - room.right)) * (frames - 1), frames);
  return (
    <div className={c('over')}>
      <Plot
        figure={figure}
        label="Displacement of the picture over the recording, down and to the right, and its agreement with the template"
        onPress={([x], { width }) => go(x, width)}
      />
      <i
        className={c('line')}
        style={{
          left: `calc(${String(room.left)}px + ${String(share)} * (100% - ${String(room.left + room.right)}px))`,
        }}
      />
    </div>
  );
}

/** What a recording of this length is counted in: seconds of it, and its name. */
function axisUnit(lengthS: number): readonly [seconds: number, name: string] {
  if (lengthS > 7200) return [3600, 'h'];
  return lengthS > 600 ? [60, 'min'] : [1, 's'];
}

/** Below this height only the displacements are drawn, CSS px. */
const leastForBoth = 130;

/** Both displacements above, agreement with the template below; time is that of the recording. */
function shiftFigure({ frames, dy, dx, quality }: NonNullable<Motion>, count: number, lengthS: number): Figure {
  const x = frames.map((frame) => (count > 1 ? (frame / (count - 1)) * lengthS : 0));
  const curve = (name: string, colour: number, { low, high }: NonNullable<Motion>['dy']): Curve => ({
    name,
    colour,
    x,
    low,
    high,
    mean: low.map((value, i) => (value === null ? null : (value + (high[i] ?? value)) / 2)),
  });
  const curves = [curve('down', 0, dy), curve('right', 1, dx)];
  return (pen, look) => {
    const width = pen.width - room.left - room.right;
    const height = pen.height - room.top - room.bottom;
    if (width < 20 || height < 20) return;
    // Two strips need room for their numbers; a larger panel shows both.
    const template = height >= leastForBoth ? quality : null;
    const upper = template === null ? height : Math.round(height * 0.62);
    const box: Box = { left: room.left, top: room.top, width, height: upper };
    legend(pen, look, room.left, 9, curves);
    drawCurves(pen, look, box, curves, { x: [0, lengthS], include: [0] });
    leftName(pen, look, box, 'px');
    let bottom = box;
    if (template !== null) {
      bottom = { left: room.left, top: room.top + upper + 10, width, height: height - upper - 10 };
      drawCurves(pen, look, bottom, [{ name: 'template', x, mean: template }], { x: [0, lengthS], include: [0, 1] });
      leftName(pen, look, bottom, 'template');
    }
    const [seconds, unit] = axisUnit(lengthS);
    bottomAxis(pen, look, bottom, scale(0, lengthS / seconds, room.left, room.left + width), unit);
  };
}

/** What the report says, in words and numbers. */
export function factsOf(report: MotionReport): readonly (readonly [name: string, value: string, help: string])[] {
  const { shiftPx, stepPx, quality, crispness, rotation, residualFlow, piecewise, unsureShare, boundShare } = report;
  const facts: (readonly [string, string, string])[] = [];
  if (shiftPx !== null)
    facts.push([
      'Shift',
      `${decimal(shiftPx.median, 1)} px, 95 % below ${decimal(shiftPx.p95, 1)} px`,
      'Length of the displacement',
    ]);
  if (stepPx !== null)
    facts.push([
      'Frame to frame',
      `${decimal(stepPx.median, 2)} px, at most ${decimal(stepPx.largest, 1)} px`,
      'Change of the displacement',
    ]);
  if (quality !== null)
    facts.push([
      'Template',
      `${decimal(quality.median, 2)}, 5 % below ${decimal(quality.p5, 2)}`,
      'Height of the correlation’s peak, 0 to 1',
    ]);
  if (crispness !== null) {
    const after = crispness.piecewise ?? crispness.rigid;
    const gain =
      crispness.recorded > 0
        ? ` (${after >= crispness.recorded ? '+' : '−'}${percent(Math.abs(after / crispness.recorded - 1))})`
        : '';
    facts.push([
      'Crispness',
      `${crisp(crispness.recorded)} before, ${crisp(after)} after${gain}`,
      'Sharpness of the average picture',
    ]);
  }
  if (residualFlow !== null && residualFlow.rmsPx.length > 0)
    facts.push([
      'Residual flow',
      `at most ${decimal(Math.max(...residualFlow.rmsPx), 2)} px in a block`,
      'What blocks move beside the whole picture',
    ]);
  if (rotation !== null)
    facts.push([
      'Rotation',
      `${decimal(rotation.typicalDeg, 2)}°, at most ${decimal(rotation.largestDeg, 2)}°`,
      'Not corrected',
    ]);
  if (piecewise !== null)
    facts.push([
      'Blocks',
      `${piecewise.used ? 'registered' : 'not used'}: ${piecewise.reason}`,
      'Registration of parts of the picture',
    ]);
  if (unsureShare !== null) facts.push(['Unsure', percent(unsureShare), 'Frames without a reliable displacement']);
  if (boundShare !== null)
    facts.push(['At the bound', percent(boundShare), 'Frames whose displacement lies at the bound of the search']);
  return facts;
}

/** Sharpness has no scale of its own: small figures need their decimals. */
const crisp = (value: number): string => decimal(value, value < 10 ? 2 : 0);

function Facts({ report }: { readonly report: MotionReport }): ReactElement {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and keys must reach it
    <dl className={c('facts')} tabIndex={0}>
      {factsOf(report).map(([name, value, help]) => (
        <div key={name} title={help}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
