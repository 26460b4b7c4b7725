// SPDX-License-Identifier: MIT
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, useState } from 'react';
import { classes } from '../../ui/classes.ts';
import { Field } from '../../ui/controls.tsx';
import { decimal } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/panel.tsx';
import styles from './explore.module.css';

const c = classes(styles);

interface AnsweredProps<T> {
  readonly query: UseQueryResult<T>;
  readonly title: string;
  readonly detail: string;
  readonly children: (data: T) => ReactNode;
}

/** Loading, error or what was asked for. */
export function Answered<T>({ query, title, detail, children }: AnsweredProps<T>): ReactElement {
  if (query.isError) {
    return <Failed title={`${title} cannot be shown`} error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (query.data === undefined) return <Loading title={title} step={1} steps={1} detail={detail} />;
  return <>{children(query.data)}</>;
}

interface ColourBarProps {
  readonly colours: 'viridis' | 'magma' | 'difference';
  readonly low: number;
  readonly high: number;
  readonly unit: string;
}

/** The range of a matrix beside its colours. */
export function ColourBar({ colours, low, high, unit }: ColourBarProps): ReactElement {
  return (
    <span className={c('colourBar')}>
      {decimal(low, 1)}
      <i className={c(colours)} />
      {decimal(high, 1)} {unit}
    </span>
  );
}

interface NumberProps {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly onChange: (value: number) => void;
}

/** A number that is taken over when it is one: half-typed ones wait. */
export function NumberField({ label, value, least, most, onChange }: NumberProps): ReactElement {
  const [typed, setText] = useState(String(value));
  // What was typed stands while it means the value (`0.50`) or means none yet; a value from elsewhere replaces it.
  const [before, setBefore] = useState(value);
  if (before !== value) {
    setBefore(value);
    if (Number(typed.replace(',', '.')) !== value) setText(String(value));
  }
  const text = typed;
  const number = Number(text.replace(',', '.'));
  const wrong = text.trim() === '' || !Number.isFinite(number) || number < least || number > most;
  return (
    <span className={c('number')}>
      <Field
        label={label}
        number
        value={text}
        wrong={wrong}
        onChange={(typed) => {
          setText(typed);
          const typedNumber = Number(typed.replace(',', '.'));
          if (typed.trim() !== '' && typedNumber >= least && typedNumber <= most) onChange(typedNumber);
        }}
      />
    </span>
  );
}

/** A list of facts, name and value. */
export function Facts({ list }: { readonly list: ReadonlyArray<readonly [string, ReactNode]> }): ReactElement {
  return (
    <dl>
      {list.map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
