// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import type { StageName } from '../../main/contract/index.ts';
import type { Typed } from './parameters.ts';

/** Settings that are kept for one entry of the queue: each is run on each chosen recording. */
export interface NamedSet {
  readonly name: string;
  readonly typed: Typed;
}

interface ProcessView {
  /** Chosen recordings in the order they were chosen: the order of the run's input. */
  readonly chosen: readonly string[];
  /** Several chosen recordings are one run's input, joined; else each is a run of its own. */
  readonly joined: boolean;
  readonly typed: Typed;
  /** Name of the library's preset that was chosen last. */
  readonly preset: string | null;
  /** Sets beside the form: with any, a run is made of each and of the form. */
  readonly sets: readonly NamedSet[];
  readonly advanced: boolean;
  /** Only settings of this step are shown; all of them when null. */
  readonly stage: StageName | null;
}

/** What is being prepared in Process. */
export const useProcess = create<ProcessView>(() => ({
  chosen: [],
  joined: false,
  typed: {},
  preset: null,
  sets: [],
  advanced: false,
  stage: null,
}));

/** Adds a recording to the chosen ones, or takes it out. */
export function toggleRecording(uuid: string): void {
  useProcess.setState(({ chosen }) => ({
    chosen: chosen.includes(uuid) ? chosen.filter((other) => other !== uuid) : [...chosen, uuid],
  }));
}

/** Keeps what was typed for a parameter; undefined takes the default again. */
export function typeParameter(name: string, text: string | undefined): void {
  useProcess.setState(({ typed }) => {
    const { [name]: _before, ...rest } = typed;
    return { typed: text === undefined ? rest : { ...rest, [name]: text } };
  });
}

/** Keeps the form as a further set of the entry; one with the same settings stays one. */
export function addSet(name: string): void {
  useProcess.setState(({ sets, typed }) =>
    sets.some((set) => JSON.stringify(set.typed) === JSON.stringify(typed)) ? {} : { sets: [...sets, { name, typed }] },
  );
}

export function removeSet(name: string): void {
  useProcess.setState(({ sets }) => ({ sets: sets.filter((set) => set.name !== name) }));
}

/** A run's place in the queue moved by one; the whole order, first to last. */
export function movedOrder(order: readonly string[], uuid: string, step: 1 | -1): readonly string[] {
  const at = order.indexOf(uuid);
  const to = at + step;
  if (at < 0 || to < 0 || to >= order.length) return order;
  const next = order.filter((other) => other !== uuid);
  return [...next.slice(0, to), uuid, ...next.slice(to)];
}
