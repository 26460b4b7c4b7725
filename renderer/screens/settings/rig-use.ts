// SPDX-License-Identifier: MIT
import { useMutation } from '@tanstack/react-query';
import { useCore } from '../../client/context.ts';
import { useAcquire } from '../../stores/acquire.ts';
import { report } from '../../stores/messages.ts';
import { devicesOf, jsonOf, textOf, valueAt } from '../../stores/rig-editor.ts';
import { goTo } from '../../stores/ui.ts';

/** Takes a rig's names, length, compression and, where a scope is connected, its controls over into Acquire. */
export function useRigInApp() {
  const core = useCore();
  return useMutation({
    mutationFn: async (text: string): Promise<readonly string[]> => {
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
