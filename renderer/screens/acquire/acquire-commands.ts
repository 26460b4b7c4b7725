// SPDX-License-Identifier: MIT
import type { AcquireScope } from '../../../main/contract/index.ts';
import type { CoreClient } from '../../client/types.ts';
import { chosenOf, liveLuts, named, nextOf, useAcquire, useLiveView, useRigLayout } from '../../stores/acquire.ts';
import type { Command } from '../../ui/commands/registry.ts';

const scope = 'screen:acquire';

function whenOpen(): true | string {
  return useAcquire.getState().status?.device == null ? 'No scope is connected.' : true;
}

function whenRecording(): true | string {
  return useAcquire.getState().status?.mode === 'recording' ? true : 'Nothing is being recorded: a note would be lost.';
}

/** The scope that keys are meant for, and how a command names it. */
function lookedAt(): { readonly scope: AcquireScope | undefined; readonly of: { readonly scope?: string } } {
  const { status } = useAcquire.getState();
  const scope = status === null ? undefined : chosenOf(status, useLiveView.getState().chosen);
  return { scope, of: status === null || scope === undefined ? {} : named(status, scope.name) };
}

/** Moves a control by some of its steps, inside its range. */
async function nudge(core: CoreClient, names: readonly string[], steps: number): Promise<void> {
  const { scope, of } = lookedAt();
  const control = scope?.controls.find(({ name, kind }) => names.includes(name) && kind === 'range');
  if (control === undefined) return;
  const value = Math.max(control.min, Math.min(control.max, control.number + steps * control.step));
  if (value !== control.number) await core.acquire.set({ control: control.name, value, ...of });
}

/** The keys of the rig. */
export function acquireCommands(core: CoreClient): readonly Command[] {
  const view = (id: string, label: string, key: string, run: () => void): Command => ({
    id: `acquire.${id}`,
    label,
    group: 'Picture',
    scope,
    keys: [key],
    enabled: whenOpen,
    run,
  });
  const step = (id: string, label: string, key: string, names: readonly string[], by: number): Command => ({
    id: `acquire.${id}`,
    label,
    group: 'Scope',
    scope,
    keys: [key],
    enabled: whenOpen,
    run: () => nudge(core, names, by),
  });
  return [
    // The buttons hear these two themselves, since they must be held.
    {
      id: 'acquire.start',
      label: 'Record (hold 0.4 s)',
      group: 'Recording',
      scope,
      keys: ['R'],
      keysOnly: true,
      run: () => undefined,
    },
    {
      id: 'acquire.stop',
      label: 'Stop (hold 0.8 s)',
      group: 'Recording',
      scope,
      keys: ['Shift+R'],
      keysOnly: true,
      run: () => undefined,
    },
    {
      id: 'acquire.note',
      label: 'Write a note',
      group: 'Recording',
      scope,
      keys: ['N'],
      enabled: whenRecording,
      run: () => useAcquire.setState({ noteOpen: true }),
    },
    ...Array.from({ length: 9 }, (_, n): Command => ({
      id: `acquire.marker-${String(n + 1)}`,
      label: `Marker ${String(n + 1)}`,
      group: 'Recording',
      scope,
      keys: [String(n + 1)],
      enabled: whenRecording,
      detail: () => useAcquire.getState().status?.plan.markers[n],
      run: async () => {
        await core.acquire.note({ text: useAcquire.getState().status?.plan.markers[n] ?? `marker ${String(n + 1)}` });
      },
    })),
    {
      id: 'acquire.screenshot',
      label: 'Save a screenshot',
      group: 'Picture',
      scope,
      keys: ['Space'],
      enabled: whenOpen,
      run: async () => {
        await core.acquire.screenshot(lookedAt().of);
      },
    },
    view('lut', 'Next colours', 'L', () => useLiveView.setState(({ lut }) => ({ lut: nextOf(liveLuts, lut) }))),
    view('saturation', 'Show what is saturated', 'S', () =>
      useLiveView.setState(({ look }) => ({ look: look === 'saturation' ? 'grey' : 'saturation' })),
    ),
    view('change', 'Show ΔF/F', 'D', () =>
      useLiveView.setState(({ look }) => ({ look: look === 'change' ? 'grey' : 'change' })),
    ),
    view('fit', 'Fit the picture', 'F', () => window.dispatchEvent(new Event('calyx-live-fit'))),
    view('freeze', 'Freeze the picture', 'Z', () => useLiveView.setState(({ frozen }) => ({ frozen: !frozen }))),
    view('maximum', 'Maximum of what was seen', 'M', () =>
      useLiveView.setState(({ maximum }) => ({ maximum: !maximum })),
    ),
    view('roi', 'Add a region to follow', 'O', () => useLiveView.setState(({ addsRoi }) => ({ addsRoi: !addsRoi }))),
    {
      id: 'acquire.layout',
      label: 'Lock or unlock the layout',
      group: 'Picture',
      scope,
      keys: ['G'],
      enabled: whenOpen,
      detail: () => (useRigLayout.getState().locked ? 'locked' : 'borders can be moved'),
      run: () => {
        useRigLayout.setState(({ locked }) => ({ locked: !locked }));
      },
    },
    step('led-less', 'LED down', '[', ['led0'], -1),
    step('led-more', 'LED up', ']', ['led0'], 1),
    step('focus-less', 'Focus down', ',', ['ewl'], -1),
    step('focus-more', 'Focus up', '.', ['ewl'], 1),
  ];
}
