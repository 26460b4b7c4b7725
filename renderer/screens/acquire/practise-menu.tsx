// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { classes } from '../../ui/classes.ts';
import { Select } from '../../ui/controls.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** What can be made to go wrong, in the words of a rig. */
export const practices = [
  ['lost-payload', 'A payload is lost'],
  ['missing-eof', 'A frame has no end'],
  ['lost-frames', 'Three frames are lost'],
  ['counter-jump', 'The counter jumps'],
  ['link-reset', 'The link forgets its settings'],
  ['freeze', 'The video link freezes'],
  ['unplug', 'The board is unplugged'],
  ['replug-elsewhere', 'Unplugged, back on another port'],
  ['bad-orientation', 'Orientations are disturbed'],
  ['stall', 'USB stalls for 400 ms'],
  ['no-answer', 'Controls do not answer'],
  ['slow-disk', 'The disk is slow'],
  ['low-disk', 'The disk is nearly full'],
  ['full-disk', 'The disk is full'],
  ['trigger-high', 'The trigger input rises'],
  ['trigger-low', 'The trigger input falls'],
] as const;

/** Lets something go wrong on the simulated scope, so that its sentence and its cure are known before an animal is on the rig. */
export function PractiseMenu({ status }: { readonly status: AcquireStatus }): ReactElement | null {
  const core = useCore();
  if (status.device?.simulated !== true) return null;
  const others = status.companions.scopes.map(({ name }) => name);
  return (
    <span className={c('practise')}>
      <Select
        label="Practise a fault"
        value=""
        options={[
          { value: '', label: 'Practise a fault …' },
          ...practices.map(([value, label]) => ({ value: value as string, label: label as string })),
          ...others.flatMap((name) => [
            { value: `freeze\n${name}`, label: `${name}: the video link freezes` },
            { value: `unplug\n${name}`, label: `${name}: unplugged` },
          ]),
        ]}
        onChange={(value) => {
          const [act = '', scope] = value.split('\n');
          if (act !== '')
            void atRig('Practise', core.acquire.practise({ act, ...(scope === undefined ? {} : { scope }) }));
        }}
      />
    </span>
  );
}
