// SPDX-License-Identifier: MIT
import type { Cell, CellLabel } from '../../main/contract/index.ts';
import { type Look, lookKey } from '../stores/look.ts';

/** A label that a cell gets. */
interface Labelled {
  readonly cellUuid: string;
  readonly to: CellLabel;
}

/** One decision of this window. */
interface Step {
  readonly changes: ReadonlyArray<Labelled & { readonly from: CellLabel }>;
  /** The edits there were then: undo takes a newer one back first. */
  readonly edits: unknown;
}

/** The decisions of this window since it was opened, by what they were made on: what undo and redo will most likely do. */
export interface OwnSteps {
  /** Notes a decision; the returned function takes it out again, when it was refused. */
  readonly decided: (runUuid: string, look: Look, cells: readonly Cell[], to: CellLabel) => () => void;
  /** The labels that the newest step leaves behind when it is taken back or repeated; undefined where this window cannot know. */
  readonly move: (runUuid: string, look: Look, kind: 'undo' | 'redo') => readonly Labelled[] | undefined;
  readonly forget: (runUuid: string, look: Look) => void;
}

/** @param editsOf the edits of a run as they are known now, the same object while they are the same */
export function createSteps(editsOf: (runUuid: string) => unknown): OwnSteps {
  const stacks = new Map<string, { done: Step[]; undone: Step[] }>();
  const keyOf = (runUuid: string, look: Look): string => [runUuid, ...lookKey(look)].join(' ');
  const stackOf = (runUuid: string, look: Look) => {
    const key = keyOf(runUuid, look);
    const known = stacks.get(key) ?? { done: [], undone: [] };
    stacks.set(key, known);
    return known;
  };
  const forget: OwnSteps['forget'] = (runUuid, look) => void stacks.delete(keyOf(runUuid, look));
  return {
    forget,
    decided(runUuid, look, cells, to) {
      const changes = cells
        .filter(({ label }) => label !== to)
        .map(({ uuid, label }) => ({ cellUuid: uuid, from: label, to }));
      // A label that is there already is no step.
      if (changes.length === 0) return () => undefined;
      const stack = stackOf(runUuid, look);
      const made: Step = { changes, edits: editsOf(runUuid) };
      stack.done.push(made);
      stack.undone = [];
      return () => {
        stack.done = stack.done.filter((step) => step !== made);
      };
    },
    move(runUuid, look, kind) {
      const stack = stackOf(runUuid, look);
      const [from, onto] = kind === 'undo' ? [stack.done, stack.undone] : [stack.undone, stack.done];
      const step = from.pop();
      if (step === undefined) return undefined;
      if (step.edits !== editsOf(runUuid)) {
        forget(runUuid, look);
        return undefined;
      }
      onto.push(step);
      return step.changes.map(({ cellUuid, from: was, to }) => ({ cellUuid, to: kind === 'undo' ? was : to }));
    },
  };
}

/** Do both give the same labels to the same cells? */
export function isSame(left: readonly Labelled[], right: readonly Labelled[]): boolean {
  const wanted = new Map(left.map(({ cellUuid, to }) => [cellUuid, to]));
  return left.length === right.length && right.every(({ cellUuid, to }) => wanted.get(cellUuid) === to);
}
