// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import type { Typed } from './parameters.ts';

interface ProcessView {
  /** Chosen recordings in the order they were chosen: the order of the run's input. */
  readonly chosen: readonly string[];
  readonly typed: Typed;
  readonly advanced: boolean;
}

/** What is being prepared in Process. */
export const useProcess = create<ProcessView>(() => ({ chosen: [], typed: {}, advanced: false }));

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
