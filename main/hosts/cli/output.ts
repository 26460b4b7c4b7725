// SPDX-License-Identifier: MIT
import type { AppError, RunProgress } from '../../contract/index.ts';

/** Where a command writes and what it knows of its surroundings; tests give their own. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Is stderr a terminal that can redraw a line? */
  readonly redraws: boolean;
  readonly columns: () => number;
}

/** The process's own streams. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    redraws: process.stderr.isTTY,
    columns: () => process.stderr.columns || 80,
  };
}

/** An error as people read it: what happened, what to do. */
export function errorText(error: AppError): string {
  return `calyx: ${error.message}\n${error.hint === undefined ? '' : `       ${error.hint}\n`}`;
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes as people say them. */
export function bytes(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${Math.round(count / 1e6)} MB`;
}

const barWidth = 24;

function bar(fraction: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * barWidth);
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
}

function line(progress: RunProgress): string {
  const parts = [
    `${Math.floor(progress.overall * 100)} %`,
    progress.stage ?? progress.state,
    ...(progress.framesPerSecond === null ? [] : [`${Math.round(progress.framesPerSecond)} frames/s`]),
    ...(progress.etaSeconds === null ? [] : [`about ${duration(progress.etaSeconds)} left`]),
    ...(progress.memoryBytes === null ? [] : [bytes(progress.memoryBytes)]),
  ];
  return parts.join(' · ');
}

/** Shows a run's progress: one redrawn line on a terminal, else a line for each step. */
export interface ProgressView {
  show(progress: RunProgress): void;
  /** Clears the redrawn line. */
  end(): void;
}

/** A view on stderr; `quiet` shows nothing. */
export function progressView(terminal: Terminal, quiet: boolean): ProgressView {
  let drawn = false;
  const said = new Set<string>();
  return {
    show: (progress) => {
      if (quiet) return;
      if (terminal.redraws) {
        const text = `${bar(progress.overall)} ${line(progress)}`;
        terminal.err(`\r\u001B[2K${text.slice(0, terminal.columns() - 1)}`);
        drawn = true;
      } else if (progress.stage !== null && !said.has(progress.stage)) {
        said.add(progress.stage);
        terminal.err(`${line(progress)}\n`);
      }
    },
    end: () => {
      if (drawn) terminal.err('\r\u001B[2K');
      drawn = false;
    },
  };
}

/** How far a step is: a redrawn line on a terminal, else a line for each step. */
export function progressLine({ redraws }: Pick<Terminal, 'redraws'>, step: string, fraction: number): string {
  return redraws ? `\r${step} ${Math.floor(fraction * 100)} %\u001B[K` : `${step}\n`;
}
