// SPDX-License-Identifier: MIT
import { FlaskConical, Move, Pause, Play } from 'lucide-react';
import { type ReactElement, useEffect, useMemo, useRef, useState } from 'react';
import { useConnection } from '../../client/context.ts';
import { Film, type FilmFrame } from '../../client/film.ts';
import { type TryOutForm, useTryOutData, useTryOutRunner } from '../../client/try-out.ts';
import { footprintRings, type Ring } from '../../gl/contours.ts';
import { percentileLevels } from '../../gl/levels.ts';
import { mapPixels } from '../../plots/heat-map.ts';
import type { Figure, Look, Pen, Pixels } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import { type FormField, readForm } from '../../stores/parameters.ts';
import { useProcess } from '../../stores/process.ts';
import {
  brightest,
  busiestFrame,
  cellLight,
  onlyHere,
  placeAt,
  seedCandidates,
  seedsOf,
  type Tried,
  type TryOutData,
  useTryOut,
} from '../../stores/try-out.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button, Choice } from '../../ui/controls.tsx';
import { about, bytes, clock, count, decimal, duration, percent, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Panel } from '../../ui/panel.tsx';
import type { Candidate } from './candidates.ts';
import styles from './process.module.css';
import { stageTitles } from './stage-names.ts';

const c = classes(styles);

interface TryOutProps {
  readonly chosen: readonly Candidate[];
  readonly fields: readonly FormField[];
  /** Why nothing can be run now. */
  readonly blocked: string | undefined;
}

/** A small piece through the engine twice: as it is kept (A) and as the form stands (B), side by side, before the whole film is run. */
export function TryOutPanel({ chosen, fields, blocked }: TryOutProps): ReactElement {
  const typed = useProcess((state) => state.typed);
  const { a, b, mode, spot } = useTryOut();
  const { state, start, cancel } = useTryOutRunner();
  const recording = chosen[0]?.recording;
  const place = useMemo(() => (recording === undefined ? null : placeAt(recording, spot)), [recording, spot]);
  const same = (tried: Tried | null): boolean =>
    tried !== null &&
    tried.recordingUuid === recording?.uuid &&
    JSON.stringify(tried.result.place) === JSON.stringify(place);
  const [shownA, shownB] = [same(a) ? a : null, same(b) ? b : null];
  const changed = fields.some((field) => field.changed && field.spec.part === 'parameters');
  const form: TryOutForm = { typed, fields };
  const off = blocked ?? (state.kind === 'running' ? 'A piece is being run.' : undefined);
  const run = (): void => {
    if (recording === undefined || place === null) return;
    const base: TryOutForm = { typed: {}, fields: readForm({}, {}) };
    const sides: (readonly ['A' | 'B', TryOutForm])[] =
      shownA === null
        ? changed
          ? [
              ['A', base],
              ['B', form],
            ]
          : [['A', form]]
        : [['B', form]];
    if (shownA === null) useTryOut.setState({ b: null });
    void start(recording.uuid, place, sides);
  };
  return (
    <Panel
      title="Try-out"
      meta={
        place === null || recording === undefined
          ? 'no recording chosen'
          : `${String(place.width)} × ${String(place.height)} px, ${duration((place.lastFrame - place.firstFrame + 1) / (recording.fps ?? 30))} from ${duration(place.firstFrame / (recording.fps ?? 30))}`
      }
      end={
        <>
          <Choice
            label="How the two are shown"
            value={mode}
            options={[
              { value: 'four', label: 'Four' },
              { value: 'wipe', label: 'Wipe' },
              { value: 'blink', label: 'Blink' },
              { value: 'seeds', label: 'Seeds' },
            ]}
            onChange={(value) => useTryOut.setState({ mode: value })}
          />
          <Button
            size="small"
            off={recording === undefined ? 'Choose a recording first.' : undefined}
            title="Another piece of the field and of the film"
            onPress={() => useTryOut.setState({ spot: spot + 1 })}
          >
            <Icon of={Move} size={12} />
            Elsewhere
          </Button>
          <Button size="small" off={off} onPress={run}>
            <Icon of={FlaskConical} size={12} />
            {shownA !== null ? 'Try the changes' : 'Try it out'}
          </Button>
        </>
      }
    >
      {state.kind === 'running' ? (
        <div className={c('tryProgress')} role="status">
          <span>
            {state.side}: {state.stage === null ? 'starting' : stageTitles[state.stage].toLowerCase()}
          </span>
          <Bar label={`Try-out ${state.side}`} value={state.overall} width={160} />
          <span>{percent(state.overall)}</span>
          <Button size="small" onPress={cancel}>
            Cancel
          </Button>
        </div>
      ) : null}
      {state.kind === 'failed' ? (
        <Failed title="The piece could not be run" error={state.error} onRetry={run} />
      ) : shownA === null ? (
        <Empty
          title="See what the settings do before you run them"
          actions={
            <Button onPress={run} off={off}>
              Try it out
            </Button>
          }
        >
          <p>
            The engine runs on a piece of the chosen recording, once as it is (A) and once with your changes (B): cells,
            their light and the difference stand beside each other, with what the whole recording would take. Nothing of
            it enters the library.
          </p>
        </Empty>
      ) : (
        <Shown key={shownA.result.ticket} a={shownA} b={shownB} mode={mode} fields={fields} />
      )}
    </Panel>
  );
}

/** Colours of A and B on a picture, the same in both themes. */
const tones = { a: '#5aa6f5', b: '#f0a93c', both: '#d0d2d4' } as const;

const ringsOf = (data: TryOutData | undefined): ReadonlyArray<readonly Ring[]> =>
  (data?.cells ?? []).map((cell) => (cell.width === 0 ? [] : footprintRings(cell, data?.bytes ?? new Uint8Array())));

/** The registered frames of a try-out, as they come. */
function useFrames(ticket: string, frame: number): FilmFrame | null {
  const connection = useConnection();
  const [shown, setShown] = useState<FilmFrame | null>(null);
  const film = useRef<Film | null>(null);
  const wanted = useRef(frame);
  useEffect(() => {
    const opened = new Film(
      connection,
      ticket,
      'raw',
      (next) => setShown({ ...next, bytes: next.bytes.slice() }),
      () => undefined,
    );
    film.current = opened;
    opened.show('raw', wanted.current);
    return () => opened.dispose();
  }, [connection, ticket]);
  useEffect(() => {
    wanted.current = frame;
    film.current?.show('raw', frame);
  }, [frame]);
  return shown;
}

interface ShownProps {
  readonly a: Tried;
  readonly b: Tried | null;
  readonly mode: 'four' | 'wipe' | 'blink' | 'seeds';
  readonly fields: readonly FormField[];
}

function Shown({ a, b, mode, fields }: ShownProps): ReactElement {
  const dataA = useTryOutData(a).data;
  const dataB = useTryOutData(b).data;
  const [picked, setFrame] = useState<number | null>(null);
  const [playing, setPlaying] = useState(false);
  const [phase, setPhase] = useState(0);
  const [wipe, setWipe] = useState(0.5);
  const [wellWidth, setWellWidth] = useState(1);
  const frames = dataA?.frames ?? 1;
  const frame = Math.min(frames - 1, picked ?? (dataA === undefined ? 0 : busiestFrame(dataA)));
  const film = useFrames(a.result.ticket, frame);
  const { fps, place } = a.result;
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(
      () => setFrame((now) => ((now ?? frame) + Math.max(1, Math.round(fps / 15))) % frames),
      1000 / 15,
    );
    return () => clearInterval(timer);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- begins where the cursor is, then counts by itself
  }, [playing, fps, frames]);
  useEffect(() => {
    if (mode !== 'blink') return undefined;
    const timer = setInterval(() => setPhase((now) => 1 - now), 700);
    return () => clearInterval(timer);
  }, [mode]);
  const ringsA = useMemo(() => ringsOf(dataA), [dataA]);
  const ringsB = useMemo(() => ringsOf(dataB), [dataB]);
  const only = useMemo(
    () => ({
      a: dataA === undefined || dataB === undefined ? [] : onlyHere(dataA, dataB),
      b: dataA === undefined || dataB === undefined ? [] : onlyHere(dataB, dataA),
    }),
    [dataA, dataB],
  );
  const white = useMemo(
    () => Math.max(1e-6, dataA === undefined ? 0 : brightest(dataA), dataB === undefined ? 0 : brightest(dataB)) * 0.7,
    [dataA, dataB],
  );
  const pictures = useMemo(() => {
    if (dataA === undefined) return undefined;
    const lines = Array.from({ length: dataA.height }, (_, line) => line);
    const size = { rows: dataA.height, columns: dataA.width };
    const grey = (values: Float32Array, levels: { readonly low: number; readonly high: number }): Pixels =>
      mapPixels({ ...size, values }, lines, levels, 'grey');
    const lightA = cellLight(dataA, frame);
    const lightB = dataB === undefined ? null : cellLight(dataB, frame);
    const before = film === null ? dataA.images.get('mean') : cut(film, place);
    return {
      before: before === undefined ? null : grey(before, percentileLevels(before)),
      a: grey(lightA, { low: 0, high: white }),
      b: lightB === null ? null : grey(lightB, { low: 0, high: white }),
      difference:
        lightB === null
          ? null
          : mapPixels(
              { ...size, values: lightA.map((value, i) => (lightB[i] ?? 0) - value) },
              lines,
              { low: -white / 2, high: white / 2 },
              'difference',
            ),
    };
  }, [dataA, dataB, frame, film, place, white]);
  const figure = useMemo<Figure>(
    () => (pen, look) => {
      if (dataA === undefined || pictures === undefined) return;
      const view = { height: dataA.height, width: dataA.width };
      const draw = (box: Square, pixels: Pixels | null, title: string, sides: readonly Side[]): void => {
        drawView(pen, look, box, view, pixels, title, sides);
      };
      const sideA: Side = { data: dataA, rings: ringsA, only: only.a, tone: tones.a };
      const sideB: Side | null =
        dataB === undefined ? null : { data: dataB, rings: ringsB, only: only.b, tone: tones.b };
      const titleA = `A, ${plural(a.result.suggested, 'cell')}`;
      const titleB = b === null ? 'B' : `B, ${plural(b.result.suggested, 'cell')}`;
      if (mode === 'seeds') {
        drawSeeds(pen, look, dataA, a, fields);
        return;
      }
      if (mode === 'four' || sideB === null || b === null) {
        const [width, height] = [pen.width / 2, pen.height / 2];
        const at = (x: number, y: number): Square => ({
          left: x * width,
          top: y * height,
          width: width - 1,
          height: height - 1,
        });
        draw(at(0, 0), pictures.before, 'before', []);
        draw(at(1, 0), pictures.a, titleA, [sideA]);
        if (sideB === null) {
          pen.text('Change a setting, then “Try the changes”: B stands here.', width / 2, height * 1.5, {
            colour: look.dim,
            align: 'center',
          });
          return;
        }
        draw(at(0, 1), pictures.b, titleB, [sideB]);
        draw(at(1, 1), pictures.difference, 'difference', []);
        drawDifferenceBar(pen, at(1, 1));
        return;
      }
      const whole: Square = { left: 0, top: 0, width: pen.width, height: pen.height };
      if (mode === 'blink') {
        draw(whole, phase === 0 ? pictures.a : pictures.b, phase === 0 ? titleA : titleB, [
          phase === 0 ? sideA : sideB,
        ]);
        return;
      }
      draw(whole, pictures.b, '', [sideB]);
      drawWiped(pen, look, whole, view, pictures.a, [sideA], wipe);
      pen.text(titleA, 8, 14, { colour: '#f0f0ef' });
      pen.text(titleB, pen.width - 8, 14, { colour: '#f0f0ef', align: 'right' });
    },
    [dataA, dataB, pictures, ringsA, ringsB, only, mode, phase, wipe, a, b, fields],
  );
  return (
    <>
      <div className={c('tryBody')}>
        <div className={`${c('tryWell')} on-well`}>
          <Plot
            figure={figure}
            onSize={setWellWidth}
            label={`The piece before, A with ${plural(a.result.suggested, 'cell')}${b === null ? '' : ` and B with ${plural(b.result.suggested, 'cell')}`}`}
            {...(mode === 'wipe'
              ? {
                  onPress: ([x]: readonly [number, number], size: { readonly width: number }) =>
                    setWipe(x / size.width),
                  onDrag: ([x]: readonly [number, number]) => setWipe(Math.max(0, Math.min(1, x / wellWidth))),
                }
              : {})}
          />
        </div>
        <div className={c('tryFacts')}>
          <SideFacts name="A" tone="--c1" tried={a} only={b === null ? null : only.a.length} words={nameOf(a.typed)} />
          {b === null ? null : (
            <SideFacts name="B" tone="--c2" tried={b} only={only.b.length} words={nameOf(b.typed)} />
          )}
        </div>
      </div>
      <div className={c('tryTime')}>
        <Button
          kind="plain"
          size="small"
          square
          label={playing ? 'Pause the piece' : 'Play the piece'}
          onPress={() => setPlaying(!playing)}
        >
          <Icon of={playing ? Pause : Play} size={12} />
        </Button>
        <input
          type="range"
          aria-label="Moment of the piece"
          min={0}
          max={frames - 1}
          value={frame}
          onChange={(event) => setFrame(Number(event.target.value))}
        />
        <span className={c('mono')}>{clock((place.firstFrame + frame) / fps)}</span>
        <span className={c('dim')}>
          {decimal(frame / fps, 1)} of {decimal(frames / fps, 0)} s
        </span>
      </div>
    </>
  );
}

const nameOf = (typed: Readonly<Record<string, string>>): string => {
  const changes = Object.keys(typed).length;
  return changes === 0 ? 'the defaults' : plural(changes, 'setting changed', 'settings changed');
};

/** The rectangle of a frame that was tried. */
function cut(film: FilmFrame, place: Tried['result']['place']): Float32Array {
  const values = new Float32Array(place.height * place.width);
  for (let y = 0; y < place.height; y += 1) {
    for (let x = 0; x < place.width; x += 1)
      values[y * place.width + x] = film.bytes[(place.top + y) * film.width + place.left + x] ?? 0;
  }
  return values;
}

interface Square {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Side {
  readonly data: TryOutData;
  readonly rings: ReadonlyArray<readonly Ring[]>;
  readonly only: readonly number[];
  readonly tone: string;
}

function inner(
  box: Square,
  view: { readonly height: number; readonly width: number },
): Square & { readonly scale: number } {
  const scale = Math.min(box.width / view.width, box.height / view.height);
  const [width, height] = [view.width * scale, view.height * scale];
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height, scale };
}

function drawView(
  pen: Pen,
  _look: Look,
  box: Square,
  view: { readonly height: number; readonly width: number },
  pixels: Pixels | null,
  title: string,
  sides: readonly Side[],
): void {
  const at = inner(box, view);
  if (pixels === null) pen.rect(at.left, at.top, at.width, at.height, '#0a0a0a');
  else pen.image(pixels, at.left, at.top, at.width, at.height);
  for (const side of sides) drawOutlines(pen, at, side, Number.POSITIVE_INFINITY);
  if (title !== '') {
    pen.rect(at.left + 6, at.top + 6, title.length * 6 + 10, 16, '#000000', 0.62);
    pen.text(title, at.left + 10, at.top + 14, { colour: '#f0f0ef' });
  }
}

function drawOutlines(pen: Pen, at: Square & { readonly scale: number }, side: Side, until: number): void {
  for (const cell of side.data.cells) {
    if (!cell.suggested) continue;
    const alone = side.only.includes(cell.row);
    for (const ring of side.rings[cell.row] ?? []) {
      const points = Array.from({ length: ring.length / 2 }, (_, i): readonly [number, number] => [
        at.left + ((ring[2 * i] ?? 0) + 0.5) * at.scale,
        at.top + ((ring[2 * i + 1] ?? 0) + 0.5) * at.scale,
      ]);
      const [first] = points;
      if (first === undefined || points.some(([x]) => x > until)) continue;
      pen.line([...points, first], { colour: alone ? side.tone : tones.both, width: alone ? 2 : 1 });
    }
  }
}

/** The ends of the difference, named, at the lower right of its view. */
function drawDifferenceBar(pen: Pen, box: Square): void {
  const [width, x, y] = [72, box.left + box.width - 118, box.top + box.height - 22];
  pen.rect(x - 62, y - 4, width + 108, 18, '#000000', 0.62);
  pen.text('more in A', x - 6, y + 5, { colour: '#f0f0ef', align: 'right' });
  pen.image(differenceRamp, x, y, width, 10);
  pen.text('in B', x + width + 6, y + 5, { colour: '#f0f0ef' });
}

const differenceRamp = mapPixels(
  { rows: 1, columns: 64, values: Float32Array.from({ length: 64 }, (_, i) => i / 63) },
  [0],
  { low: 0, high: 1 },
  'difference',
);

/** The left part of a picture, up to the wipe. */
function drawWiped(
  pen: Pen,
  look: Look,
  box: Square,
  view: { readonly height: number; readonly width: number },
  pixels: Pixels,
  sides: readonly Side[],
  wipe: number,
): void {
  const at = inner(box, view);
  const edge = Math.max(at.left, Math.min(at.left + at.width, wipe * pen.width));
  const columns = Math.round((edge - at.left) / at.scale);
  if (columns > 0) {
    const data = new Uint8ClampedArray(4 * columns * pixels.height);
    for (let y = 0; y < pixels.height; y += 1)
      data.set(pixels.data.subarray(4 * y * pixels.width, 4 * (y * pixels.width + columns)), 4 * y * columns);
    pen.image({ width: columns, height: pixels.height, data }, at.left, at.top, columns * at.scale, at.height);
    for (const side of sides) drawOutlines(pen, at, side, edge);
  }
  pen.line(
    [
      [edge, at.top],
      [edge, at.top + at.height],
    ],
    { colour: look.accent, width: 2 },
  );
}

/** Limits of seeds as the form has them; those the engine chose where the form leaves them to it. */
export function seedLimits(
  fields: readonly FormField[],
  tried: Tried,
): { readonly pnr: number; readonly correlation: number } {
  const typed = (name: string): number | null => {
    const value = fields.find((field) => field.spec.name === name)?.value;
    return typeof value === 'number' ? value : null;
  };
  return {
    pnr: typed('minPnr') ?? tried.result.minPnr ?? 0,
    correlation: typed('minCorrelation') ?? tried.result.minCorrelation ?? 0,
  };
}

const candidateLists = new WeakMap<TryOutData, ReturnType<typeof seedCandidates>>();

/** Places that could be seeds in a piece; looked for once. */
export function candidatesOf(data: TryOutData, tried: Tried): ReturnType<typeof seedCandidates> {
  const known = candidateLists.get(data);
  if (known !== undefined) return known;
  const [pnr, correlation] = [data.images.get('pnr'), data.images.get('correlation')];
  const list =
    pnr === undefined || correlation === undefined
      ? []
      : seedCandidates(pnr, correlation, data.height, data.width, tried.result.diameterPx ?? 10);
  candidateLists.set(data, list);
  return list;
}

/** Peak-to-noise and local correlation of the piece with the seeds that the limits of the form would leave. */
function drawSeeds(pen: Pen, look: Look, data: TryOutData, tried: Tried, fields: readonly FormField[]): void {
  const limits = seedLimits(fields, tried);
  const all = candidatesOf(data, tried);
  const kept = new Set(seedsOf(all, limits.pnr, limits.correlation));
  const lines = Array.from({ length: data.height }, (_, line) => line);
  const width = pen.width / 2;
  for (const [index, name] of (['pnr', 'correlation'] as const).entries()) {
    const values = data.images.get(name);
    const box = { left: index * width, top: 0, width: width - 1, height: pen.height };
    const view = { height: data.height, width: data.width };
    const title = name === 'pnr' ? `peak to noise, ${plural(kept.size, 'seed')}` : 'local correlation';
    drawView(
      pen,
      look,
      box,
      view,
      values === undefined
        ? null
        : mapPixels({ rows: data.height, columns: data.width, values }, lines, percentileLevels(values), 'magma'),
      title,
      [],
    );
    const at = inner(box, view);
    for (const seed of all) {
      const [x, y] = [at.left + (seed.x + 0.5) * at.scale, at.top + (seed.y + 0.5) * at.scale];
      if (kept.has(seed)) {
        pen.circle(x, y, 4, '#000000');
        pen.circle(x, y, 2.5, '#ffffff');
      } else pen.circle(x, y, 1.25, '#9a9da1');
    }
  }
}

interface SideFactsProps {
  readonly name: 'A' | 'B';
  readonly tone: string;
  readonly tried: Tried;
  readonly only: number | null;
  readonly words: string;
}

/** What came of one side, and the way to keep its settings. */
function SideFacts({ name, tone, tried, only, words }: SideFactsProps): ReactElement {
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
