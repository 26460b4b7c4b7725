// SPDX-License-Identifier: MIT
import { type KeyboardEvent, type ReactElement, type ReactNode, useEffect, useRef, useState } from 'react';
import { classes } from './classes.ts';
import { Button } from './controls.tsx';
import styles from './popup.module.css';

const c = classes(styles);

interface PopupProps {
  /** What the button shows. */
  readonly button: ReactNode;
  readonly label: string;
  readonly kind?: 'plain' | 'bare';
  readonly size?: 'small' | 'normal';
  readonly square?: boolean;
  readonly align?: 'left' | 'right';
  readonly width?: number;
  /** Drawn while it is open. */
  readonly children: (close: () => void) => ReactNode;
}

/** Something small that hangs under a button: Esc, a click elsewhere or leaving it by keyboard closes it. */
export function Popup(props: PopupProps): ReactElement {
  const { button, label, kind = 'plain', size = 'normal', square = false, align = 'left', width, children } = props;
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    root.current?.querySelector<HTMLElement>('[data-popup] :is(button, input, select, textarea)')?.focus();
    const outside = (event: MouseEvent): void => {
      if (event.target instanceof Node && root.current?.contains(event.target) !== true) setOpen(false);
    };
    window.addEventListener('mousedown', outside);
    return () => window.removeEventListener('mousedown', outside);
  }, [open]);
  const close = (): void => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>('button')?.focus();
  };
  const keyed = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- only listens to Esc and to the focus leaving what is inside
    <div
      className={c('root')}
      ref={root}
      onKeyDown={keyed}
      onBlur={(event) => {
        if (event.relatedTarget !== null && !event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <Button kind={kind} size={size} square={square} label={label} expanded={open} onPress={() => setOpen(!open)}>
        {button}
      </Button>
      {open ? (
        <div
          data-popup
          className={c('popup', align === 'right' && 'right')}
          {...(width === undefined ? {} : { style: { width } })}
        >
          {children(close)}
        </div>
      ) : null}
    </div>
  );
}

interface MenuItem {
  readonly label: string;
  readonly onPress: () => void;
  readonly off?: string | undefined;
  readonly danger?: boolean;
}

/** A list of acts in a popup. */
export function MenuList({
  items,
  close,
}: {
  readonly items: readonly MenuItem[];
  readonly close: () => void;
}): ReactElement {
  return (
    <ul className={c('menu')}>
      {items.map(({ label, onPress, off, danger = false }) => (
        <li key={label}>
          <button
            type="button"
            className={c(danger && 'danger')}
            aria-disabled={off !== undefined}
            {...(off === undefined ? {} : { title: off })}
            onClick={() => {
              if (off !== undefined) return;
              close();
              onPress();
            }}
          >
            {label}
          </button>
        </li>
      ))}
    </ul>
  );
}
