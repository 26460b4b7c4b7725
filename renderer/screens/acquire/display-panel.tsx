// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { useCore } from '../../client/context.ts';
import type { LiveFeed } from '../../client/live.ts';
import { useRuns, useSessions } from '../../client/queries.ts';
import { asFloat32, onePacket } from '../../client/streams.ts';
import { liveLuts, useLiveView } from '../../stores/acquire.ts';
import { penOf } from '../../ui/canvas.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Select } from '../../ui/controls.tsx';
import { Panel } from '../../ui/panel.tsx';
import { styles } from './styles.ts';
import { autoLevels } from './live-look.ts';

const c = classes(styles);

/** How the picture is shown, with its grey levels; nothing here changes what is recorded. */
export function DisplayPanel({ feed }: { readonly feed: LiveFeed }): ReactElement {
  const { lut, frozen, maximum, levels } = useLiveView();
  return (
    <Panel title="Display" meta="only what is seen, never the recorded film" scroll>
      <div className={c('display')}>
        <Histogram feed={feed} />
        <Contrast feed={feed} />
        <div className={c('pair')}>
          <span className={c('lab')}>Colours</span>
          <Choice
            label="Colours"
            value={lut}
            options={liveLuts.map((name) => ({
              value: name,
              label: name === 'grey' ? 'Grey' : `${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`,
            }))}
            onChange={(next) => useLiveView.setState({ lut: next })}
          />
        </div>
        <div className={c('pair')}>
          <span className={c('lab')}>Picture</span>
          <span className={c('buttons')}>
            <Button size="small" pressed={frozen} onPress={() => useLiveView.setState({ frozen: !frozen })}>
              Freeze
            </Button>
            <Button size="small" pressed={maximum} onPress={() => useLiveView.setState({ maximum: !maximum })}>
              Maximum
            </Button>
            <Button size="small" pressed={levels === null} onPress={() => useLiveView.setState({ levels: null })}>
              Auto contrast
            </Button>
          </span>
        </div>
        <ReferenceChoice />
      </div>
    </Panel>
  );
}

function Contrast({ feed }: { readonly feed: LiveFeed }): ReactElement {
  const levels = useLiveView((state) => state.levels);
  const now = levels ?? (feed.newest === undefined ? { low: 0, high: 255 } : autoLevels(feed.newest.header.histogram));
  const set = (low: number, high: number): void => {
    useLiveView.setState({ levels: { low: Math.min(low, high - 1), high: Math.max(high, low + 1) } });
  };
  return (
    <div className={c('contrast')}>
      {(
        [
          ['Black at', now.low, (value: number) => set(Math.min(value, 254), Math.max(now.high, value + 1))],
          ['White at', now.high, (value: number) => set(Math.min(now.low, value - 1), Math.max(1, value))],
        ] as const
      ).map(([label, value, change]) => (
        <label key={label}>
          <span className={c('lab')}>{label}</span>
          <input
            className={c('slider')}
            type="range"
            min={0}
            max={255}
            aria-label={label}
            value={Math.round(value)}
            style={{ backgroundSize: `${String(value / 2.55)}% 2px, 100% 2px` }}
            onChange={(event) => change(Number(event.target.value))}
          />
          <b>{Math.round(value)}</b>
        </label>
      ))}
    </div>
  );
}

function Histogram({ feed }: { readonly feed: LiveFeed }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let frames = 0;
    return feed.listen(({ header: { histogram } }) => {
      frames += 1;
      if (canvas.current !== null && frames % 4 === 1) drawHistogram(canvas.current, histogram);
    });
  }, [feed]);
  return (
    <div className={`${c('histogram')} on-well`}>
      <canvas ref={canvas} role="img" aria-label="How often each grey level occurs" />
      <span>0</span>
      <span>grey level, log count</span>
      <span>255</span>
    </div>
  );
}

function drawHistogram(canvas: HTMLCanvasElement, histogram: readonly number[]): void {
  const context = penOf(canvas);
  if (context === null || canvas.clientWidth === 0) return;
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const style = getComputedStyle(canvas);
  const most = Math.log1p(Math.max(1, ...histogram));
  const step = canvas.width / histogram.length;
  for (const [bin, count] of histogram.entries()) {
    const height = (Math.log1p(count) / most) * canvas.height;
    context.fillStyle = style.getPropertyValue(bin === histogram.length - 1 ? '--rec' : '--fg-2');
    context.fillRect(bin * step, canvas.height - height, Math.max(1, step - ratio), height);
  }
}

function ReferenceChoice(): ReactElement {
  const core = useCore();
  const runs = useRuns();
  const sessions = useSessions();
  const reference = useLiveView((state) => state.reference);
  const [wanted, setWanted] = useState('');
  const usable = (runs.data ?? []).filter(({ state }) => state === 'succeeded');
  const nameOf = (runUuid: string): string => {
    const run = usable.find(({ uuid }) => uuid === runUuid);
    const session = sessions.data?.find(({ uuid }) => uuid === run?.sessionUuid);
    return session === undefined
      ? 'run'
      : session.subject === null
        ? session.name
        : `${session.subject} ${session.name}`;
  };
  const picture = useQuery({
    queryKey: ['reference', wanted],
    queryFn: ({ signal }) => onePacket(core.review.image({ runUuid: wanted, image: 'mean' }, { signal })),
    enabled: wanted !== '',
  });
  useEffect(() => {
    if (wanted === '') useLiveView.setState({ reference: null });
    else if (picture.data !== undefined) {
      const { width, height } = picture.data.header;
      useLiveView.setState({
        reference: { name: nameOf(wanted), width, height, values: asFloat32(picture.data.bytes) },
        look: 'grey',
      });
    }
    // oxlint-disable-next-line react/exhaustive-deps -- the name is only a caption
  }, [wanted, picture.data]);
  return (
    <div className={c('pair')}>
      <span className={c('lab')}>Reference</span>
      {usable.length === 0 ? (
        <span className={c('quiet')}>none yet: the mean picture of a processed session can be laid over this one</span>
      ) : (
        <Select
          label="Reference picture of an earlier day"
          value={wanted}
          options={[
            { value: '', label: reference === null ? 'None' : 'None (take away)' },
            ...usable.map(({ uuid }) => ({ value: uuid, label: nameOf(uuid) })),
          ]}
          onChange={setWanted}
        />
      )}
    </div>
  );
}
