// SPDX-License-Identifier: MIT
import { type ReactElement, useState } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { chosenOf, named, useLiveView } from '../../stores/acquire.ts';
import { report } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

/** Frames of which a page is the mean. */
const framesOfPage = 10;

/** What is wrong with the ends and the step of a stack, in words; undefined when nothing is. */
export function stackProblem(
  from: number,
  to: number,
  step: number,
  lens: { min: number; max: number },
): string | undefined {
  if (![from, to, step].every(Number.isFinite)) return 'Numbers are needed: from, to and step.';
  if (step <= 0) return 'The step must be more than 0.';
  if (Math.min(from, to) < lens.min || Math.max(from, to) > lens.max)
    return `The lens goes from ${String(lens.min)} to ${String(lens.max)}.`;
  return undefined;
}

/** A stack of pictures through the depth that the lens reaches. */
export function StackRow({ status }: { readonly status: AcquireStatus }): ReactElement | null {
  const core = useCore();
  const chosen = useLiveView((state) => state.chosen);
  const scope = chosenOf(status, chosen);
  const lens = scope?.controls.find(({ name, kind }) => name === 'ewl' && kind === 'range');
  const [from, setFrom] = useState('-60');
  const [to, setTo] = useState('60');
  const [step, setStep] = useState('10');
  const [taking, setTaking] = useState<AbortController | null>(null);
  if (scope === undefined || lens === undefined) return null;
  const of = named(status, scope.name);
  const { stack, mode } = status;
  const problem = stackProblem(Number(from), Number(to), Number(step), lens);
  const take = async (): Promise<void> => {
    const stop = new AbortController();
    setTaking(stop);
    const asked = async (): Promise<void> => {
      const wish = { from: Number(from), to: Number(to), step: Number(step), frames: framesOfPage };
      const { file, planes } = await core.acquire.stack({ ...wish, ...of }, { signal: stop.signal });
      const text = `${file}: ${plural(planes, 'plane')}, each the mean of ${String(framesOfPage)} frames.`;
      report('info', 'Stack', text);
    };
    await atRig('Stack', asked());
    setTaking(null);
  };
  return (
    <div className={c('row')}>
      <span className={c('lab')}>Stack</span>
      <span className={c('buttons')}>
        {(
          [
            ['Lens from', from, setFrom],
            ['Lens to', to, setTo],
            ['Step of the lens', step, setStep],
          ] as const
        ).map(([label, value, change]) => (
          <span key={label} className={c('numberField')}>
            <Field label={label} value={value} number wrong={problem !== undefined} onChange={change} />
          </span>
        ))}
        {stack === undefined ? (
          <Button
            off={mode === 'preview' ? problem : 'Only in the preview.'}
            title="A TIFF in imageCaptures of the data folder, a page for each lens setting"
            onPress={() => void take()}
          >
            Take
          </Button>
        ) : (
          <Button off={taking === null ? 'Another window takes it.' : undefined} onPress={() => taking?.abort()}>
            Stop, {stack.plane} of {stack.planes}
          </Button>
        )}
      </span>
    </div>
  );
}
