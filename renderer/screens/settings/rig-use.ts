// SPDX-License-Identifier: MIT
import { useMutation } from '@tanstack/react-query';
import { useCore } from '../../client/context.ts';
import { useAcquire } from '../../stores/acquire.ts';
import { report } from '../../stores/messages.ts';
import { devicesOf, jsonOf, textOf, valueAt } from '../../stores/rig-editor.ts';
import { goTo } from '../../stores/ui.ts';

/** A rig under the pen. */
interface RigAsTyped {
  readonly id: string;
  readonly text: string;
  /** Its file has the same. */
  readonly saved: boolean;
}

/** Takes a rig over into Acquire; of one that is not saved, or while a scope is connected, only its names, length, compression and controls. */
export function useRigInApp() {
  const core = useCore();
  return useMutation({
    mutationFn: async ({ id, text, saved }: RigAsTyped): Promise<readonly string[]> => {
      // A rig as it is saved is driven whole: all its scopes, its cameras, its commutator, its programs.
      if (saved && useAcquire.getState().status?.mode === 'idle') {
        await core.acquire.plan({ change: { rig: id } });
        return [];
      }
      const json = jsonOf(text);
      const [scope] = devicesOf(json, 'miniscopes');
      const name = (key: string): string => {
        const value = valueAt(json, [key]);
        return typeof value === 'string' ? value : '';
      };
      const seconds = Number(valueAt(json, ['recordLengthInSeconds']) ?? valueAt(json, ['recordLengthinSeconds']) ?? 0);
      await core.acquire.plan({
        change: {
          researcher: name('researcherName'),
          experiment: name('experimentName'),
          animal: name('animalName'),
          lengthS: seconds > 0 ? seconds : null,
          compression: textOf(scope?.value['compression']).toUpperCase() === 'GREY' ? 'GREY' : 'FFV1',
        },
      });
      const controls = useAcquire.getState().status?.controls ?? [];
      const refused: string[] = [];
      for (const control of controls) {
        const value = scope?.value[control.name];
        if (typeof value !== 'string' && typeof value !== 'number') continue;
        await core.acquire.set({ control: control.name, value }).catch(() => refused.push(control.label));
      }
      return refused;
    },
    onSuccess: (refused) => {
      if (refused.length > 0) report('warning', 'Rigs', `The scope did not take: ${refused.join(', ')}.`);
      goTo('acquire');
    },
    onError: (error) => report('error', 'Rigs', error.message),
  });
}
