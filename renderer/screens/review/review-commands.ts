// SPDX-License-Identifier: MIT
import type { QueryClient } from '@tanstack/react-query';
import type { Cell, CellLabel } from '../../../main/contract/index.ts';
import type { Decider } from '../../client/decisions.ts';
import { dropEdit, type Neighbours, renewAfterStep } from '../../client/edits.ts';
import type { Connection } from '../../client/types.ts';
import { neighbour, nextUndecided } from '../../stores/cell-list.ts';
import { hidden, useBlind } from '../../stores/blind.ts';
import { nextOf } from '../../stores/consensus.ts';
import { mapImages, moveCursor, playAround, useReview } from '../../stores/review.ts';
import { showOverlay, usePerson } from '../../stores/ui.ts';
import { waitForRater } from '../../stores/waiting-decision.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { editCommands, editing } from './edit-commands.ts';
import type { ReviewScope } from './review-scope.ts';

type Read = () => ReviewScope;

const scope = 'screen:review';

function selectedCell(read: Read): Cell | undefined {
  const { selected } = useReview.getState();
  return read().cells.find((cell) => cell.uuid === selected);
}

/** The next cell without a label, or while raters settle, the next one they differ on. */
function nextToJudge({ list, toSettle }: ReviewScope, step: 1 | -1): Cell | undefined {
  const { selected } = useReview.getState();
  return toSettle === null ? nextUndecided(list, selected, step) : nextOf(list, toSettle, selected, step);
}

function select(cell: Cell | undefined): void {
  if (cell !== undefined) useReview.setState({ selected: cell.uuid });
}

/** What of the machine's opinion was in sight. */
function seen(cell: Cell): { readonly scoresShown: boolean; readonly suggestionShown: boolean } {
  const shown = !hidden(useBlind.getState().blind, cell);
  return { scoresShown: shown, suggestionShown: shown };
}

/** Decides on the selected cell and goes on to the next undecided one. Asks who decides when nobody has said so yet. */
function decide(read: Read, decider: Decider, to: CellLabel): void {
  const cell = selectedCell(read);
  if (cell === undefined) return;
  const { rater } = usePerson.getState();
  if (rater === null) {
    waitForRater(() => decide(read, decider, to));
    showOverlay('rater');
    return;
  }
  const { opening, list, toSettle } = read();
  if (toSettle !== null) {
    if (to !== 'undecided') void decider.settle(opening.run.uuid, rater.uuid, cell, to);
    select(nextOf(list, toSettle, cell.uuid, 1));
    return;
  }
  const { image, layer, zoomed, frame, filter, outlines } = useReview.getState();
  const next = nextUndecided(list, cell.uuid, 1);
  const context = { image, layer, zoomed, frame, filter, outlines, ...seen(cell) };
  void decider.decide(opening.run.uuid, rater.uuid, cell, to, context);
  if (to !== 'undecided') select(next);
}

/** Decides many cells as one step, as a person's limits say. */
export function decideMany(decider: Decider, runUuid: string, cells: readonly Cell[], to: CellLabel): void {
  const { rater } = usePerson.getState();
  if (rater === null) {
    waitForRater(() => decideMany(decider, runUuid, cells, to));
    showOverlay('rater');
    return;
  }
  if (cells.length > 0) void decider.decideMany(runUuid, rater.uuid, cells, to, { by: 'limits' });
}

function possible(read: Read): true | string {
  const { opening } = read();
  if (opening.readOnly !== null) return opening.readOnly;
  return selectedCell(read) === undefined ? 'Select a cell first.' : true;
}

function decisionCommands(read: Read, decider: Decider, queries: QueryClient): readonly Command[] {
  const one = (id: string, label: string, key: string, to: CellLabel): Command => ({
    id: `review.${id}`,
    label,
    group: 'Decide',
    scope,
    keys: [key],
    undo: 'review.undo',
    detail: () => {
      const cell = selectedCell(read);
      return cell === undefined ? undefined : `cell ${String(cell.row)}`;
    },
    enabled: () =>
      to === 'undecided' && read().toSettle !== null
        ? 'Accept or reject: this is what the raters agree on.'
        : possible(read),
    run: () => decide(read, decider, to),
  });
  const back = (id: 'undo' | 'redo', label: string, key: string): Command => ({
    id: `review.${id}`,
    label,
    group: 'Decide',
    scope,
    keys: [key],
    undo: id === 'undo' ? 'review.redo' : 'review.undo',
    enabled: () => {
      const { opening } = read();
      if (opening.readOnly !== null) return opening.readOnly;
      const can = id === 'undo' ? opening.curation?.canUndo : opening.curation?.canRedo;
      return can === true || decider.pending() > 0
        ? true
        : `There is nothing to ${id === 'undo' ? 'take back' : 'repeat'}.`;
    },
    run: async () => {
      const { rater } = usePerson.getState();
      const { opening } = read();
      const raterUuid = rater?.uuid ?? opening.raters[0]?.uuid;
      if (raterUuid === undefined) {
        showOverlay('rater');
        return;
      }
      const entries = await decider[id](opening.run.uuid, raterUuid, (selected) => useReview.setState({ selected }));
      // No entry: the step was an edit.
      if (entries.length === 0) await renewAfterStep(queries, opening.run.uuid);
    },
  });
  return [
    one('accept', 'Accept', 'A', 'accepted'),
    one('reject', 'Reject', 'R', 'rejected'),
    one('leave', 'Leave undecided', 'U', 'undecided'),
    back('undo', 'Undo decision or edit', 'Mod+Z'),
    back('redo', 'Redo decision or edit', 'Mod+Shift+Z'),
  ];
}

/** Plays around the first strong event after the cursor, the first of all after the last. */
function nextEvent(read: Read, queries: QueryClient): void {
  const cell = selectedCell(read);
  const { run, fps, frames } = read().opening;
  if (cell === undefined) return;
  type Events = Awaited<ReturnType<Connection['core']['review']['events']>>;
  const known = queries.getQueriesData<Events>({ queryKey: ['events', run.uuid, cell.row] });
  const strongest = known.find(([, data]) => data !== undefined)?.[1]?.strongest ?? [];
  const { frame, loop } = useReview.getState();
  const after = loop === null ? frame : loop[1];
  const next = strongest.find((event) => event.frame > after) ?? strongest[0];
  if (next !== undefined) playAround(next.frame, fps, frames);
}

/** Chooses the next of the cells around the selected one, and after the last none. */
function nextNeighbour(read: Read, queries: QueryClient): void {
  const cell = selectedCell(read);
  if (cell === undefined) return;
  const near = queries.getQueryData<Neighbours>(['neighbours', read().opening.run.uuid, cell.uuid]) ?? [];
  const { partner } = useReview.getState();
  const at = near.findIndex(({ cellUuid }) => cellUuid === partner);
  useReview.setState({ partner: near[at + 1]?.cellUuid ?? null });
}

function goCommands(read: Read, queries: QueryClient, focusFilter: () => void): readonly Command[] {
  const go = (id: string, label: string, keys: readonly string[], run: () => void): Command => ({
    id: `review.${id}`,
    label,
    group: 'Go',
    scope,
    keys,
    run,
  });
  const step = (by: number) => (): void => {
    useReview.setState({ playing: false, loop: null });
    moveCursor(useReview.getState().frame + by, read().opening.frames);
  };
  const second = (sign: number) => (): void => step(sign * Math.round(read().opening.fps))();
  return [
    go('next-undecided', 'Next undecided', ['J'], () => select(nextToJudge(read(), 1))),
    go('previous-undecided', 'Previous undecided', ['K'], () => select(nextToJudge(read(), -1))),
    go('next', 'Next cell', ['ArrowDown'], () => select(neighbour(read().list, useReview.getState().selected, 1))),
    go('previous', 'Previous cell', ['ArrowUp'], () =>
      select(neighbour(read().list, useReview.getState().selected, -1)),
    ),
    go('frame-on', 'One frame on', ['ArrowRight'], step(1)),
    go('frame-back', 'One frame back', ['ArrowLeft'], step(-1)),
    go('second-on', 'One second on', ['Shift+ArrowRight'], second(1)),
    go('second-back', 'One second back', ['Shift+ArrowLeft'], second(-1)),
    go('start', 'To the start', ['Home'], () => step(-read().opening.frames)()),
    go('play', 'Play, pause', ['Space'], () => useReview.setState((state) => ({ playing: !state.playing }))),
    go('event', 'Next event of the cell', ['E'], () => nextEvent(read, queries)),
    go('neighbour', 'Next neighbour beside it', ['T'], () => nextNeighbour(read, queries)),
    go('filter', 'Filter cells', ['/'], focusFilter),
    go('clear', 'Leave the edit, clear the selection', ['Escape'], () => {
      if (editing()) {
        dropEdit();
        return;
      }
      useReview.setState({ selected: null, zoomed: false, playing: false });
    }),
  ];
}

function lookCommands(read: Read): readonly Command[] {
  const look = (id: string, label: string, key: string, run: () => void): Command => ({
    id: `review.${id}`,
    label,
    group: 'Look',
    scope,
    keys: [key],
    run,
  });
  return [
    look('background', 'Next background', 'B', () => {
      const images = mapImages(read().opening.images);
      const { image } = useReview.getState();
      const next = images[(images.indexOf(image) + 1) % images.length];
      if (next !== undefined) useReview.setState({ image: next });
    }),
    look('layer', 'Next movie layer', 'V', () => {
      const { movieLayers } = read().opening;
      const next = movieLayers[(movieLayers.indexOf(useReview.getState().layer) + 1) % movieLayers.length];
      if (next !== undefined) useReview.setState({ layer: next });
    }),
    look('blind', 'Blind: scores hidden until decided', 'H', () =>
      useBlind.setState(({ blind }) => ({ blind: !blind })),
    ),
    look('outlines', 'Outlines on, off', 'O', () => useReview.setState((state) => ({ outlines: !state.outlines }))),
    {
      id: 'review.outlines-by',
      label: 'Outlines tell labels, suggestions',
      group: 'Look',
      scope,
      run: () =>
        useReview.setState(({ outlinesBy }) => ({ outlinesBy: outlinesBy === 'label' ? 'suggestion' : 'label' })),
    },
    look('zoom', 'Zoom to cell', 'Z', () =>
      useReview.setState((state) => ({ zoomed: state.selected !== null && !state.zoomed })),
    ),
  ];
}

/** The commands of Review: decide, edit, go, look. */
export function reviewCommands(
  read: Read,
  decider: Decider,
  connection: Connection,
  queries: QueryClient,
  focusFilter: () => void,
): readonly Command[] {
  return [
    ...decisionCommands(read, decider, queries),
    ...editCommands(read, connection, queries),
    ...goCommands(read, queries, focusFilter),
    ...lookCommands(read),
  ];
}
