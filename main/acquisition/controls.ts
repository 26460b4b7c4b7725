// SPDX-License-Identifier: MIT
import type { AcquireControl } from '../contract/index.ts';
import type { Control, Resolved, ScopeType } from '../devices/index.ts';

const labels: Readonly<Record<string, string>> = {
  led0: 'LED',
  led1: 'LED 2',
  gain: 'Gain',
  ewl: 'Focus',
  frameRate: 'Frame rate',
};

/** The name of a control as a person reads it. */
export const controlLabel = (name: string): string => labels[name] ?? name;

/** True for the controls that give light. */
export const isLight = (name: string): boolean => name.startsWith('led');

function unitOf(name: string, control: Control): string {
  if (name === 'frameRate') return 'fps';
  return isLight(name) && control.kind === 'range' && control.max === 100 ? '%' : '';
}

/** What a report says of the settings. */
export function shownSettings(
  type: ScopeType,
  values: ReadonlyMap<string, Resolved>,
): { readonly label: string; readonly shown: string }[] {
  return shownControls(type, values).map(({ label, shown, unit }) => ({
    label,
    shown: unit === '%' ? `${String(shown)} ${unit}` : String(shown),
  }));
}

/** The controls of a scope with their values, in the order in which they are used at the rig. */
export function shownControls(type: ScopeType, values: ReadonlyMap<string, Resolved>): AcquireControl[] {
  const order = ['led0', 'led1', 'gain', 'ewl', 'frameRate'];
  const rank = (name: string): number => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  return Object.entries(type.controls)
    .flatMap(([name, control]) => {
      const value = values.get(name);
      if (value === undefined) return [];
      const isRange = control.kind === 'range';
      return {
        name,
        label: controlLabel(name),
        unit: unitOf(name, control),
        kind: control.kind,
        min: isRange ? control.min : 0,
        max: isRange ? control.max : 0,
        step: isRange ? control.step : 0,
        options: isRange ? [] : control.options.map(({ label }) => label),
        shown: value.shown,
        number: value.number,
      };
    })
    .sort((a, b) => rank(a.name) - rank(b.name));
}
