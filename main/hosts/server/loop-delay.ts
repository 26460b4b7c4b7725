// SPDX-License-Identifier: MIT
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The loop is looked at this often, ms. */
const resolutionMs = 5;
/** The longest stop of each such stretch is told, ms. */
const stretchMs = 500;
/** Shorter stops are not told one by one, ms. */
const tellFromMs = 20;

/**
 * Watches how late this process's event loop comes round (benches read it). Each stop of 20 ms or more is a line when it has passed, with the time (ms since 1970) of the look that found it, so
 * that a bench can tell stops of its own stretch from those of the start; the returned function writes the last line.
 */
export function watchLoop(write: (line: string) => void): () => void {
  const whole = monitorEventLoopDelay({ resolution: resolutionMs });
  const stretch = monitorEventLoopDelay({ resolution: resolutionMs });
  whole.enable();
  stretch.enable();
  const timer = setInterval(() => {
    const ms = late(stretch.max);
    if (ms >= tellFromMs) write(`event loop stop: ${ms.toFixed(1)} ms before ${String(Date.now())}`);
    stretch.reset();
  }, stretchMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    write(`event loop delay: p99 ${late(whole.percentile(99)).toFixed(1)} ms, max ${late(whole.max).toFixed(1)} ms`);
  };
}

/** Node's histogram holds the time from one tick to the next, ns: what a loop that does nothing shows is the resolution itself. */
const late = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs);
