// SPDX-License-Identifier: MIT
import { type ReactElement, useRef, useState } from 'react';
import type { AcquireControl } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { classes } from '../../ui/classes.ts';
import { Choice, Select } from '../../ui/controls.tsx';
import { decimal } from '../../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

interface StripProps {
  readonly controls: readonly AcquireControl[];
  readonly lightOff: boolean;
  /** Its name; left out where there is no other. */
  readonly scope?: string | undefined;
  /** Of a tile, where there is little room. */
  readonly small?: boolean;
}

/** Light, gain, focus and rate under the picture: their values are always readable. */
export function ControlStrip({ controls, lightOff, scope, small = false }: StripProps): ReactElement {
  return (
    <div
      className={c('ctl', small && 'ctlTile')}
      {...(scope === undefined ? {} : { role: 'group', 'aria-label': `Controls of ${scope}` })}
    >
      {controls.map((control) => (
        <div key={control.name} className={c('ctlPart', control.kind === 'range' && 'ctlRange')}>
          {control.kind === 'range' ? (
            <Slider control={control} scope={scope} isOff={lightOff && control.name.startsWith('led')} />
          ) : (
            <Options control={control} scope={scope} />
          )}
        </div>
      ))}
    </div>
  );
}

interface ControlProps {
  readonly control: AcquireControl;
  readonly scope: string | undefined;
}

function useSet({ control, scope }: ControlProps): (value: number | string) => void {
  const core = useCore();
  const of = scope === undefined ? {} : { scope };
  return (value) => void atRig(control.label, core.acquire.set({ control: control.name, value, ...of }));
}

/** A value of a control with its sign where it can be negative. */
export function shownValue({ min }: Pick<AcquireControl, 'min'>, value: number): string {
  const text = decimal(value, Number.isInteger(value) ? 0 : 1);
  return min < 0 && value > 0 ? `+${text}` : text;
}

function Slider({ control, scope, isOff }: ControlProps & { readonly isOff: boolean }): ReactElement {
  const set = useSet({ control, scope });
  const [dragged, setDragged] = useState<number | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const value = dragged ?? control.number;
  // What is dragged is shown until the scope has said the same.
  if (dragged === control.number) setDragged(null);
  const share = (100 * (value - control.min)) / (control.max - control.min);
  return (
    <>
      <span className={c('lab')}>{control.label}</span>
      <output>
        {shownValue(control, value)}
        <small>{isOff ? `${control.unit} · off` : control.unit}</small>
      </output>
      <input
        ref={input}
        className={c('slider')}
        type="range"
        aria-label={control.label}
        aria-valuetext={`${shownValue(control, value)} ${control.unit}`}
        min={control.min}
        max={control.max}
        step={control.step}
        value={value}
        style={{ backgroundSize: `${String(share)}% 2px, 100% 2px` }}
        onChange={(event) => {
          const next = Number(event.target.value);
          setDragged(next);
          set(next);
        }}
        onBlur={() => setDragged(null)}
      />
    </>
  );
}

function Options({ control, scope }: ControlProps): ReactElement {
  const set = useSet({ control, scope });
  const shown = String(control.shown);
  // A tile has no room for a choice that is all visible.
  if (control.name === 'frameRate' || scope !== undefined) {
    return (
      <label className={c('rate')}>
        <span className={c('lab')}>{control.label}</span>
        <Select
          label={control.label}
          value={shown}
          options={control.options.map((option) => ({ value: option, label: option.replace(/FPS$/i, ' fps') }))}
          onChange={set}
        />
      </label>
    );
  }
  return (
    <>
      <span className={c('lab')}>{control.label}</span>
      <span className={c('segRig')}>
        <Choice
          label={control.label}
          value={shown}
          options={control.options.map((option) => ({ value: option, label: option === 'Medium' ? 'Mid' : option }))}
          onChange={set}
        />
      </span>
    </>
  );
}
