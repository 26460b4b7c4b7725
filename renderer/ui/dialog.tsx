// SPDX-License-Identifier: MIT
import { X } from 'lucide-react';
import { type MouseEvent, type ReactElement, type ReactNode, useEffect, useRef } from 'react';
import { classes } from './classes.ts';
import { Button } from './controls.tsx';
import styles from './dialog.module.css';
import { Icon } from './icons.tsx';

const c = classes(styles);

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly width: number;
  readonly height?: number;
  /** Near the top, for things one types into. */
  readonly top?: boolean;
  /** Without its own header (the palette's field is its header). */
  readonly plain?: boolean;
  readonly foot?: ReactNode;
  readonly children: ReactNode;
}

/**
 * Something that floats and holds the focus: the platform's own modal dialog, so that Esc, focus and the inert page behind it
 * need no script and no inline style element.
 */
export function Dialog(props: DialogProps): ReactElement {
  const { title, onClose, width, height, top = false, plain = false, foot, children } = props;
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const before = document.activeElement;
    if (!element.open) element.showModal();
    element.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => {
      element.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const outside = (event: MouseEvent): void => {
    if (event.target === ref.current) onClose();
  };
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions -- Esc does the same, from the platform
    <dialog
      ref={ref}
      className={c('dialog', top && 'top')}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={outside}
      style={{ width, ...(height === undefined ? {} : { height }) }}
    >
      {plain ? null : (
        <div className={c('head')}>
          <h2>{title}</h2>
          <Button kind="bare" size="small" square label="Close" onPress={onClose}>
            <Icon of={X} />
          </Button>
        </div>
      )}
      <div className={c('body')}>{children}</div>
      {foot === undefined ? null : <div className={c('foot')}>{foot}</div>}
    </dialog>
  );
}
