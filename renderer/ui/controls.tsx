// SPDX-License-Identifier: MIT
import { Check, CircleX, Info, Minus, Search, TriangleAlert, X } from 'lucide-react';
import { RadioGroup } from 'radix-ui';
import type { ChangeEvent, KeyboardEvent, MouseEvent, ReactElement, ReactNode, Ref } from 'react';
import type { CellLabel } from '../../main/contract/index.ts';
import { classes } from './classes.ts';
import { keyCaps } from './commands/keys.ts';
import styles from './controls.module.css';
import { Icon } from './icons.tsx';

const c = classes(styles);

interface ButtonProps {
  readonly children?: ReactNode;
  readonly onPress: () => void;
  readonly kind?: 'plain' | 'primary' | 'bare';
  readonly size?: 'small' | 'normal' | 'big';
  /** An icon alone; needs `label`. */
  readonly square?: boolean;
  readonly fill?: boolean;
  readonly label?: string;
  readonly title?: string;
  readonly pressed?: boolean;
  /** Why it cannot be pressed now; it stays reachable and says so. */
  readonly off?: string | undefined;
  /** A click leaves the focus where it is, so that single keys go on working on what was selected. */
  readonly keepFocus?: boolean;
  readonly takesFocus?: boolean;
  readonly keys?: string | undefined;
  /** Whether what hangs under it is open. */
  readonly expanded?: boolean;
}

const kinds = { plain: '', primary: 'pri', bare: 'bare' } as const;
const sizes = { small: 'small', normal: '', big: 'big' } as const;

/** A button. What it cannot do now it says in its title and to a screen reader. */
export function Button(props: ButtonProps): ReactElement {
  const { children, onPress, kind = 'plain', size = 'normal', square = false, fill = false, off, keys } = props;
  const title = off ?? props.title;
  const press = ({ detail }: MouseEvent): void => {
    // What a page is for is done once: the second half of a double click asks for nothing more.
    if (off === undefined && !(kind === 'primary' && detail > 1)) onPress();
  };
  const keep = (event: MouseEvent): void => {
    if (props.keepFocus === true) event.preventDefault();
  };
  return (
    <button
      type="button"
      className={c('btn', kinds[kind], sizes[size], square && 'square', fill && 'fill')}
      onClick={press}
      onMouseDown={keep}
      aria-disabled={off !== undefined}
      {...(props.label === undefined ? {} : { 'aria-label': props.label })}
      {...(title === undefined ? {} : { title })}
      {...(keys === undefined ? {} : { 'aria-keyshortcuts': keys.replace('Mod', 'Control') })}
      {...(props.pressed === undefined ? {} : { 'aria-pressed': props.pressed })}
      {...(props.expanded === undefined ? {} : { 'aria-expanded': props.expanded })}
      {...(props.takesFocus === true ? { 'data-autofocus': true } : {})}
    >
      {children}
      {keys === undefined ? null : (
        <span className={c('caps')} aria-hidden="true">
          <Keys chord={keys} />
        </span>
      )}
    </button>
  );
}

/** A chord as key caps. */
export function Keys({ chord }: { readonly chord: string }): ReactElement {
  return (
    <>
      {keyCaps(chord).map((cap) => (
        <kbd key={cap}>{cap}</kbd>
      ))}
    </>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: ReadonlyArray<{ readonly value: T; readonly label: string; readonly title?: string }>;
  readonly onChange: (value: T) => void;
}

/** A choice of a few, all visible; arrows move inside it. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>): ReactElement {
  return (
    <RadioGroup.Root
      className={c('seg')}
      aria-label={label}
      orientation="horizontal"
      value={value}
      onValueChange={(next) => onChange(next as T)}
    >
      {options.map((option) => (
        <RadioGroup.Item
          key={option.value}
          value={option.value}
          onMouseDown={(event) => event.preventDefault()}
          {...(option.title === undefined ? {} : { title: option.title })}
        >
          {option.label}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly number?: boolean;
  readonly changed?: boolean;
  readonly wrong?: boolean;
  readonly id?: string;
  readonly describedBy?: string;
  readonly onEnter?: () => void;
  readonly onLeave?: () => void;
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly takesFocus?: boolean;
  readonly maxLength?: number;
  /** What is typed is not shown, and not offered again. */
  readonly secret?: boolean;
}

/** A line of text, or a number typed as text so that a half-typed one is not thrown away. */
export function Field(props: FieldProps): ReactElement {
  const { label, value, onChange, number = false, changed = false, wrong = false } = props;
  const keyed = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') props.onEnter?.();
    if (event.key === 'Escape') props.onLeave?.();
  };
  return (
    <input
      className={c('field', number && 'num', changed && 'mod', wrong && 'bad')}
      type={props.secret === true ? 'password' : 'text'}
      inputMode={number ? 'decimal' : 'text'}
      spellCheck={false}
      autoComplete={props.secret === true ? 'new-password' : 'off'}
      value={value}
      onChange={(event: ChangeEvent<HTMLInputElement>) => onChange(event.target.value)}
      onKeyDown={keyed}
      aria-label={label}
      aria-invalid={wrong}
      {...(props.takesFocus === true ? { 'data-autofocus': true } : {})}
      {...(props.id === undefined ? {} : { id: props.id })}
      {...(props.describedBy === undefined ? {} : { 'aria-describedby': props.describedBy })}
      {...(props.placeholder === undefined ? {} : { placeholder: props.placeholder })}
      {...(props.maxLength === undefined ? {} : { maxLength: props.maxLength })}
      {...(props.inputRef === undefined ? {} : { ref: props.inputRef })}
    />
  );
}

/** A field that narrows a list, with the key that leads to it. */
export function SearchField(props: FieldProps & { readonly keys?: string }): ReactElement {
  return (
    <span className={c('search')}>
      <Icon of={Search} />
      <Field {...props} />
      {props.keys === undefined || props.value !== '' ? null : <kbd aria-hidden="true">{props.keys}</kbd>}
    </span>
  );
}

interface SelectProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: ReadonlyArray<{ readonly value: T; readonly label: string }>;
  readonly onChange: (value: T) => void;
}

/** A choice of many, folded up. */
export function Select<T extends string>({ label, value, options, onChange }: SelectProps<T>): ReactElement {
  return (
    <select
      className={c('select')}
      aria-label={label}
      value={value}
      onChange={(event) => {
        onChange(event.target.value as T);
        event.target.blur();
      }}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

interface FoldingProps<T extends string> extends ChoiceProps<T> {
  /** It needs so much room that it is folded up earlier. */
  readonly many?: boolean;
}

/** A choice of a few, all visible where the head of the panel has room, else folded up. */
export function FoldingChoice<T extends string>({ many = false, ...props }: FoldingProps<T>): ReactElement {
  return (
    <span className={c('folding', many && 'foldingMany')}>
      <Choice {...props} />
      <Select {...props} />
    </span>
  );
}

/** How far something is, 0 to 1. */
export function Bar({ label, value, width }: BarProps): ReactElement {
  const whole = Math.round(Math.max(0, Math.min(1, value)) * 100);
  return (
    <span
      className={c('bar')}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={whole}
      {...(width === undefined ? {} : { style: { width } })}
    >
      <i style={{ width: `${String(whole)}%` }} />
    </span>
  );
}

interface BarProps {
  readonly label: string;
  readonly value: number;
  readonly width?: number;
}

const marks = { accepted: Check, rejected: X, undecided: Minus } as const;

/** A cell's label: glyph, word and colour say the same. */
export function LabelMark({ label, text }: { readonly label: CellLabel; readonly text?: string }): ReactElement {
  return (
    <span className={c('label', label)}>
      <Icon of={marks[label]} size={12} />
      {text ?? label}
    </span>
  );
}

interface NoteProps {
  readonly kind: 'info' | 'warning' | 'problem';
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

const noteIcons = { info: Info, warning: TriangleAlert, problem: CircleX } as const;
const noteKinds = { info: 'quietIcon', warning: 'noteWarn', problem: 'noteBad' } as const;

/** One line that wants to be read: what was noticed and, at its end, the way on. */
export function Note({ kind, children, action }: NoteProps): ReactElement {
  return (
    <div className={c('note', noteKinds[kind], action !== undefined && 'acting')}>
      <Icon of={noteIcons[kind]} />
      <span className={c('noteText')}>{children}</span>
      {action}
    </div>
  );
}
