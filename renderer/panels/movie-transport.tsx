// SPDX-License-Identifier: MIT
import { ChevronFirst, Crosshair, Pause, Play, Repeat, SkipBack, SkipForward } from 'lucide-react';
import { type ReactElement, useEffect, useRef } from 'react';
import type { ReviewOpening } from '../client/queries.ts';
import { moveCursor, playedFrame, speeds, useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { Button, Select } from '../ui/controls.tsx';
import { clock, count } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** Moves the cursor in real time while playing; waits for frames that are late instead of running away from them. */
export function usePlayback(opening: ReviewOpening, shownFrame: number | null): void {
  const playing = useReview((state) => state.playing);
  const speed = useReview((state) => state.speed);
  const arrived = useRef(shownFrame);
  useEffect(() => {
    arrived.current = shownFrame;
  }, [shownFrame]);
  useEffect(() => {
    if (!playing) return undefined;
    let handle = 0;
    let last = performance.now();
    let owed = 0;
    const tick = (now: number): void => {
      const { frame, loop } = useReview.getState();
      const late = arrived.current !== null && Math.abs(arrived.current - frame) > opening.fps * speed;
      owed = late ? 0 : owed + ((now - last) / 1000) * opening.fps * speed;
      last = now;
      const whole = Math.floor(owed);
      if (whole > 0) {
        owed -= whole;
        const next = playedFrame(frame, whole, opening.frames, loop);
        moveCursor(next.frame, opening.frames);
        if (next.ended) useReview.setState({ playing: false });
      }
      handle = requestAnimationFrame(tick);
    };
    handle = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(handle);
  }, [playing, speed, opening.fps, opening.frames]);
}

/** Play, step, speed, and where the cursor is. */
export function Transport({ opening }: { readonly opening: ReviewOpening }): ReactElement {
  const { frame, playing, speed, zoomed, selected, loop } = useReview();
  const { frames, startS, endS } = opening;
  const time = frames > 1 ? startS + ((endS - startS) * frame) / (frames - 1) : startS;
  const step = (by: number): void => {
    useReview.setState({ playing: false, loop: null });
    moveCursor(frame + by, frames);
  };
  return (
    <div className={c('transport')}>
      <Button
        kind="bare"
        size="small"
        square
        keepFocus
        label="To the start"
        title="To the start (Home)"
        onPress={() => step(-frames)}
      >
        <Icon of={ChevronFirst} />
      </Button>
      <Button
        kind="bare"
        size="small"
        square
        keepFocus
        label="One frame back"
        title="One frame back (←)"
        onPress={() => step(-1)}
      >
        <Icon of={SkipBack} />
      </Button>
      <Button
        size="small"
        square
        keepFocus
        label={playing ? 'Pause' : 'Play'}
        title={`${playing ? 'Pause' : 'Play'} (Space)`}
        onPress={() => useReview.setState({ playing: !playing })}
      >
        <Icon of={playing ? Pause : Play} />
      </Button>
      <Button
        kind="bare"
        size="small"
        square
        keepFocus
        label="One frame on"
        title="One frame on (→)"
        onPress={() => step(1)}
      >
        <Icon of={SkipForward} />
      </Button>
      <span className={c('clock')}>{clock(time)}</span>
      <span className={c('whole')}>
        <span>
          frame {count(frame)} of {count(frames)}
        </span>
      </span>
      <input
        className={c('scrub')}
        type="range"
        min={0}
        max={Math.max(1, frames - 1)}
        value={frame}
        aria-label="Frame"
        aria-valuetext={`frame ${String(frame)} of ${String(frames)}`}
        onChange={(event) => moveCursor(Number(event.target.value), frames)}
      />
      {loop === null ? null : (
        <Button
          size="small"
          pressed
          keepFocus
          label="Around one event; play on"
          title="Around one event; play on"
          square
          onPress={() => useReview.setState({ loop: null })}
        >
          <Icon of={Repeat} />
        </Button>
      )}
      <Select
        label="Speed"
        value={String(speed)}
        onChange={(value) => useReview.setState({ speed: Number(value) })}
        options={speeds.map((value) => ({ value: String(value), label: `${String(value)}×` }))}
      />
      <Button
        size="small"
        pressed={zoomed}
        keepFocus
        keys="Z"
        off={selected === null ? 'Select a cell first.' : undefined}
        onPress={() => useReview.setState({ zoomed: !zoomed })}
      >
        <Icon of={Crosshair} />
        Cell
      </Button>
    </div>
  );
}
