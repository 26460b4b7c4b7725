// SPDX-License-Identifier: MIT
import {
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { classes } from '../../ui/classes.ts';
import { styles } from './styles.ts';
import { Hold } from './hold.ts';

const c = classes(styles);

interface HoldProps {
  readonly children: ReactNode;
  /** How long it must be held, ms. */
  readonly holdMs: number;
  readonly onHeld: () => void;
  /** Why it cannot be pressed now. */
  readonly off?: string | undefined;
  readonly red?: boolean;
  readonly hint: string;
  /** A key that works from anywhere in the screen. */
  readonly holdKey?: { readonly key: string; readonly shift: boolean };
}

function typing(target: EventTarget | null): boolean {
  return (
    document.querySelector('dialog[open]') !== null ||
    (target instanceof HTMLElement && target.matches('input:not([type="range"]), textarea, select'))
  );
}

/** A button that acts once it has been held long enough: by pointer, by Space or Enter, or by its key. */
export function HoldButton({ children, holdMs, onHeld, off, red = false, hint, holdKey }: HoldProps): ReactElement {
  const button = useRef<HTMLButtonElement>(null);
  const [hold] = useState(
    () => new Hold((share) => button.current?.style.setProperty('--p', `${String(share * 100)}%`)),
  );
  const newest = useRef<() => void>(() => undefined);
  const begin = (): void => {
    if (off === undefined) hold.begin(holdMs, onHeld);
  };
  const end = (): void => hold.end();
  // As soon as it is seen that it can be held, its key can be: the window's own listener does not wait for effects.
  useLayoutEffect(() => {
    newest.current = begin;
  });
  const hintId = useId();
  const key = holdKey?.key;
  const shift = holdKey?.shift ?? false;
  useEffect(() => {
    const down = (event: globalThis.KeyboardEvent): void => {
      if (event.repeat || typing(event.target) || event.key.toLowerCase() !== key || event.shiftKey !== shift) return;
      if (!event.ctrlKey && !event.metaKey && !event.altKey) newest.current();
    };
    const up = (event: globalThis.KeyboardEvent): void => {
      if (event.key.toLowerCase() === key || event.key === 'Shift') hold.end();
    };
    const leave = (): void => hold.end();
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', up);
    window.addEventListener('blur', leave);
    return () => {
      leave();
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', up);
      window.removeEventListener('blur', leave);
    };
  }, [hold, key, shift]);
  const pressed = (event: KeyboardEvent): void => {
    if (!event.repeat && (event.key === ' ' || event.key === 'Enter')) {
      event.preventDefault();
      begin();
    }
  };
  return (
    <button
      ref={button}
      type="button"
      className={c('hold', red && 'holdRed')}
      aria-disabled={off !== undefined}
      aria-describedby={hintId}
      title={off ?? hint}
      onPointerDown={(event) => {
        if (event.button === 0) begin();
      }}
      onPointerUp={end}
      onPointerLeave={end}
      onPointerCancel={end}
      onKeyDown={pressed}
      onKeyUp={end}
    >
      {children}
      <span id={hintId} hidden>
        {hint}
      </span>
    </button>
  );
}
