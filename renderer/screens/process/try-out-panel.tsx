// SPDX-License-Identifier: MIT
import { FlaskConical, Move, Pause, Play } from 'lucide-react';
import { type ReactElement, useEffect, useMemo, useRef, useState } from 'react';
import { useConnection } from '../../client/context.ts';
import { Film, type FilmFrame } from '../../client/film.ts';
import { type TryOutForm, useTryOutData, useTryOutRunner } from '../../client/try-out.ts';
import { percentileLevels } from '../../gl/levels.ts';
import { mapPixels } from '../../plots/heat-map.ts';
import type { Figure, Pixels } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import { type FormField, readForm } from '../../stores/parameters.ts';
import { useProcess } from '../../stores/process.ts';
import { brightest, busiestFrame, cellLight, onlyHere, placeAt, type Tried, useTryOut } from '../../stores/try-out.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button, FoldingChoice } from '../../ui/controls.tsx';
import { clock, decimal, duration, percent, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Panel } from '../../ui/panel.tsx';
import type { Candidate } from './candidates.ts';
import { styles } from './styles.ts';
import { stageTitles } from './stage-names.ts';
import {
  cut,
  drawDifferenceBar,
  drawSeeds,
  drawView,
  drawWiped,
  ringsOf,
  type Side,
  type Square,
  tones,
} from './try-out-drawing.ts';
import { nameOf, SideFacts } from './try-out-facts.tsx';

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
          <FoldingChoice
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
            label="Elsewhere"
            title="Another piece of the field and of the film"
            onPress={() => useTryOut.setState({ spot: spot + 1 })}
          >
            <Icon of={Move} size={12} />
            <span className={c('word')}>Elsewhere</span>
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
          for (const [line, text] of ['Change a setting,', 'then “Try the changes”:', 'B stands here.'].entries())
            pen.text(text, width / 2, height * 1.5 + 16 * line, { colour: look.dim, align: 'center' });
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
