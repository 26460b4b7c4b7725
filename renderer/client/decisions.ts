// SPDX-License-Identifier: MIT
import type { QueryClient } from '@tanstack/react-query';
import { AppError, type Cell, type CellLabel, type LogEntry } from '../../main/contract/index.ts';
import { foldEntries } from '../stores/cell-list.ts';
import { type Look, lookOf } from '../stores/look.ts';
import { report } from '../stores/messages.ts';
import { createSteps, isSame } from './own-steps.ts';
import { keys, type ReviewOpening } from './queries.ts';
import type { Connection, CoreClient } from './types.ts';

type Changed = Awaited<ReturnType<CoreClient['review']['decide']>>;
type Context = Parameters<CoreClient['review']['decide']>[0]['context'];

/** Sends decisions in the order they were made; screens show them at once. */
export interface Decider {
  readonly decide: (runUuid: string, raterUuid: string, cell: Cell, to: CellLabel, context: Context) => Promise<void>;
  /** Decides several cells as one step, which one undo takes back. */
  readonly decideMany: (
    runUuid: string,
    raterUuid: string,
    cells: readonly Cell[],
    to: CellLabel,
    context: Context,
  ) => Promise<void>;
  /** Takes the newest decision back; resolves with the entries of the log this made. `show` is told of a cell as soon as its label changes. */
  readonly undo: Move;
  readonly redo: Move;
  /** Writes down what raters who differ agreed on. */
  readonly settle: (
    runUuid: string,
    raterUuid: string,
    cell: Cell,
    to: Exclude<CellLabel, 'undecided'>,
  ) => Promise<void>;
  /** Decisions that are not in the library yet. */
  readonly pending: () => number;
}

type Move = (runUuid: string, raterUuid: string, show?: (cellUuid: string) => void) => Promise<readonly LogEntry[]>;

const deciders = new WeakMap<Connection, Decider>();

/** The decider of a connection: one, so that all its decisions stay in order. */
export function deciderOf(connection: Connection, queries: QueryClient): Decider {
  const known = deciders.get(connection);
  if (known !== undefined) return known;
  const made = createDecider(connection, queries);
  deciders.set(connection, made);
  return made;
}

/** Makes a decider. A lost line keeps decisions waiting; any other failure puts the cell's label back and says so. */
export function createDecider(connection: Connection, queries: QueryClient): Decider {
  let tail: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  /** A list of cells that was asked for was not waited for. */
  let isOwed = false;
  const { review } = connection.core;
  const steps = createSteps((runUuid) => queries.getQueryData(['edits', runUuid]));

  const setLabel = (runUuid: string, look: Look, entries: ReadonlyArray<{ cellUuid: string; to: CellLabel }>): void => {
    queries.setQueryData<readonly Cell[]>(keys.cells(runUuid, look), (cells) =>
      cells === undefined ? undefined : foldEntries(cells, entries),
    );
  };
  const settle = (runUuid: string, look: Look, { curation, entries }: Changed): void => {
    queries.setQueryData<ReviewOpening>(keys.opening(runUuid, look), (opening) =>
      opening === undefined ? undefined : { ...opening, curation },
    );
    queries.setQueryData<LogEntry[]>(keys.log(runUuid, look), (log) => {
      if (log === undefined) return undefined;
      const known = new Set(log.map((entry) => entry.seq));
      return [...log, ...entries.filter((entry) => !known.has(entry.seq))];
    });
  };
  /** A list of cells that was asked for before a step was in the library does not show it: it is asked for anew, once nothing waits. */
  const askAnew = (runUuid: string, look: Look): void => {
    const queryKey = keys.cells(runUuid, look);
    isOwed ||= queries.isFetching({ queryKey }) > 0;
    if (!isOwed || waiting > 0) return;
    isOwed = false;
    void queries.invalidateQueries({ queryKey });
  };
  const enqueue = async <T>(work: () => Promise<T>): Promise<T> => {
    waiting += 1;
    const mine = tail.then(() => untilOnline(connection, work));
    tail = mine.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await mine;
    } finally {
      waiting -= 1;
    }
  };
  /** A list that was asked for before labels change in sight would put them back. */
  const dropList = async (runUuid: string, look: Look): Promise<void> => {
    const queryKey = keys.cells(runUuid, look);
    isOwed ||= queries.isFetching({ queryKey }) > 0;
    await queries.cancelQueries({ queryKey });
  };
  const step = async (
    runUuid: string,
    work: (to: Where) => Promise<Changed>,
    guess?: Parameters<typeof isSame>[0],
  ): Promise<readonly LogEntry[]> => {
    const look = lookOf(runUuid);
    const changed = await enqueue(() => work(where(look)));
    // What is in sight already may have been decided anew by now.
    if (guess === undefined || !isSame(guess, changed.entries)) setLabel(runUuid, look, changed.entries);
    settle(runUuid, look, changed);
    askAnew(runUuid, look);
    return changed.entries;
  };
  /** What was decided here is taken back in sight at once; where the library knows of a newer step, its list is asked for. */
  const move =
    (kind: 'undo' | 'redo'): Move =>
    async (runUuid, raterUuid, show) => {
      const look = lookOf(runUuid);
      const guess = steps.move(runUuid, look, kind);
      if (guess !== undefined) {
        await dropList(runUuid, look);
        setLabel(runUuid, look, guess);
        const last = guess.at(-1);
        if (last !== undefined) show?.(last.cellUuid);
      }
      try {
        const entries = await step(runUuid, (to) => review[kind]({ runUuid, raterUuid, ...to }), guess);
        // The person may be elsewhere by now: they are brought back only where something else was taken back.
        if (guess !== undefined && isSame(guess, entries)) return entries;
        steps.forget(runUuid, look);
        isOwed ||= guess !== undefined;
        const last = entries.at(-1);
        if (last !== undefined) show?.(last.cellUuid);
        return entries;
      } catch (thrown) {
        steps.forget(runUuid, look);
        isOwed ||= guess !== undefined;
        throw thrown;
      } finally {
        askAnew(runUuid, look);
      }
    };
  const decideAll: Decider['decideMany'] = async (runUuid, raterUuid, cells, to, context) => {
    // The labels that were in sight when the key was pressed are the ones that change.
    const look = lookOf(runUuid);
    const forgetStep = steps.decided(runUuid, look, cells, to);
    await dropList(runUuid, look);
    setLabel(
      runUuid,
      look,
      cells.map(({ uuid }) => ({ cellUuid: uuid, to })),
    );
    const cellUuids = cells.map(({ uuid }) => uuid);
    try {
      const act = { runUuid, raterUuid, cellUuids, to, context, ...where(look) };
      settle(runUuid, look, await enqueue(() => review.decide(act)));
    } catch (thrown) {
      forgetStep();
      setLabel(
        runUuid,
        look,
        cells.map(({ uuid, label }) => ({ cellUuid: uuid, to: label })),
      );
      const error = AppError.from(thrown);
      const what = cells.length === 1 ? `cell ${String(cells[0]?.row)}` : `${String(cells.length)} cells`;
      report('error', 'Review', `The decision on ${what} was not saved: ${error.message}`);
    } finally {
      askAnew(runUuid, look);
    }
  };
  return {
    pending: () => waiting,
    undo: move('undo'),
    redo: move('redo'),
    decide: (runUuid, raterUuid, cell, to, context) => decideAll(runUuid, raterUuid, [cell], to, context),
    decideMany: decideAll,
    settle: async (runUuid, raterUuid, cell, to) => {
      steps.forget(runUuid, lookOf(runUuid));
      try {
        await step(runUuid, () => review.settle({ runUuid, raterUuid, cellUuid: cell.uuid, to }));
        await queries.invalidateQueries({ queryKey: ['agreement', runUuid] });
      } catch (thrown) {
        const { message } = AppError.from(thrown);
        report('error', 'Review', `What was agreed on cell ${String(cell.row)} was not saved: ${message}`);
      }
    },
  };
}

interface Where {
  readonly reading?: string;
}

/** Where a step is written: to the reading that is looked at, else to the curation. */
function where({ reading }: Look): Where {
  return reading === undefined ? {} : { reading };
}

/** Does the work, again after each time the line was lost while doing it. */
async function untilOnline<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (AppError.from(thrown).code !== 'rpc.disconnected') throw thrown;
      await lineBack(connection);
    }
  }
}

/** Resolves when the line is open, at once when it is. A call made while it is being opened waits inside the client. */
function lineBack(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    let leave: (() => void) | undefined;
    const check = (): void => {
      if (connection.line().state !== 'open') return;
      leave?.();
      resolve();
    };
    leave = connection.subscribe(check);
    check();
  });
}
