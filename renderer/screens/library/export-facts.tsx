// SPDX-License-Identifier: MIT
import { keepPreviousData, useQueries } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { AppError, type ExportFinding } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { type FactField, factFields, metadataOf, type TypedFacts } from '../../stores/nwb-facts.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Note, Select } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { useLastRested } from '../../ui/use-rested.ts';
import styles from './exchange.module.css';

const c = classes(styles);

/** So many sessions are looked at before an export; each look reads what its run says of itself. */
const mostLooked = 20;
/** ms without a key until what was typed is looked at. */
const restMs = 500;

const words: Readonly<Record<ExportFinding['importance'], string>> = {
  CRITICAL: 'Critical',
  BEST_PRACTICE_VIOLATION: 'Violation',
  BEST_PRACTICE_SUGGESTION: 'Suggestion',
};

const sexes = [
  { value: '', label: 'not known' },
  { value: 'F', label: 'F, female' },
  { value: 'M', label: 'M, male' },
  { value: 'O', label: 'O, other' },
] as const;

interface Props {
  /** Sessions that are exported. */
  readonly targets: readonly string[];
  /** How many animals they are of. */
  readonly animals: number;
  readonly typed: TypedFacts;
  readonly onTyped: (typed: TypedFacts) => void;
}

/** What nwbinspector will say of the NWB files, and fields for what is missing; each with the place where it is kept for good. */
export function ExportFacts({ targets, animals, typed, onTyped }: Props): ReactElement {
  const core = useCore();
  const asked = useLastRested(typed, restMs, typed);
  const { metadata } = metadataOf(asked);
  const { wrong } = metadataOf(typed);
  const looks = useQueries({
    queries: targets.slice(0, mostLooked).map((target) => ({
      queryKey: ['nwb check', target, metadata],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) => core.interop.check({ target, metadata }, { signal }),
      placeholderData: keepPreviousData,
      // The tables may have been filled in since the last look.
      gcTime: 0,
      staleTime: 0,
      retry: false,
    })),
  });
  const findings = looks.flatMap(({ data }) => data?.findings ?? []);
  const groups = new Map<string, ExportFinding[]>();
  for (const finding of findings) {
    const key = `${finding.check} ${finding.message}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  const failed = looks.find(({ isError }) => isError)?.error;
  const open = [...groups.values()].toSorted((a, b) => rank(a[0]) - rank(b[0]));
  const isAsked = (fact: string): boolean => (typed[fact] ?? '') !== '' || open.some(([first]) => first?.fact === fact);
  const fields = Object.entries(factFields).filter(([fact]) => isAsked(fact));
  const others = open.filter(([first]) => first?.fact === undefined || factFields[first.fact] === undefined);
  const set = (fact: string, value: string): void => onTyped({ ...typed, [fact]: value });
  return (
    <section aria-label="What nwbinspector asks for" className={c('inspector')}>
      <div className={c('heading')}>
        <h3 aria-live="polite">
          {looks.some(({ isPending }) => isPending)
            ? 'Looking at what the files will lack'
            : open.length === 0
              ? 'nwbinspector has nothing to say'
              : `nwbinspector will say ${plural(open.length, 'thing')}`}
        </h3>
        {targets.length > mostLooked ? <span>of the first {mostLooked} sessions</span> : null}
      </div>
      {failed === undefined ? null : <Note kind="warning">{AppError.from(failed).message}</Note>}
      <ul className={c('findings')}>
        {fields.map(([fact, field]) => {
          const group = open.find(([first]) => first?.fact === fact) ?? [];
          // One answer cannot be true of several animals, except of what they share.
          const differs = animals > 1 && fact.startsWith('subject.') && fact !== 'subject.species';
          return (
            <li key={fact}>
              <Said group={group} of={targets.length} />
              {differs ? (
                <span className={c('dim')}>It differs from animal to animal.</span>
              ) : (
                <FactInput
                  fact={fact}
                  field={field}
                  value={typed[fact] ?? ''}
                  wrong={wrong.includes(fact)}
                  onChange={(value) => set(fact, value)}
                />
              )}
              <Home field={field} />
            </li>
          );
        })}
        {others.map((group) => (
          <li key={`${group[0]?.check ?? ''} ${group[0]?.message ?? ''}`}>
            <Said group={group} of={targets.length} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const rank = (finding: ExportFinding | undefined): number =>
  ['CRITICAL', 'BEST_PRACTICE_VIOLATION', 'BEST_PRACTICE_SUGGESTION'].indexOf(finding?.importance ?? '');

function Said({ group, of }: { readonly group: readonly ExportFinding[]; readonly of: number }): ReactElement {
  const [finding] = group;
  if (finding === undefined) return <span className={c('finding ok')}>Given for these exports.</span>;
  return (
    <span className={c('finding')}>
      <b className={c(finding.importance === 'CRITICAL' && 'rec')}>{words[finding.importance]}</b> {finding.message}{' '}
      {of > 1 ? `(${plural(group.length, 'session')}) ` : ''}
      <span className={c('dim')}>
        {finding.remedy.split(';')[0]?.replace(/\.$/, '')}. <code>{finding.check}</code>
      </span>
    </span>
  );
}

function FactInput({
  fact,
  field,
  value,
  wrong,
  onChange,
}: {
  readonly fact: string;
  readonly field: FactField;
  readonly value: string;
  readonly wrong: boolean;
  readonly onChange: (value: string) => void;
}): ReactElement {
  if (field.kind === 'sex')
    return (
      <Select
        label={field.label}
        value={sexes.find((sex) => sex.value === value)?.value ?? ''}
        options={sexes}
        onChange={onChange}
      />
    );
  return (
    <Field
      id={`nwb-${fact}`}
      label={field.label}
      value={value}
      wrong={wrong}
      placeholder={`${field.label}: ${field.example}`}
      onChange={onChange}
    />
  );
}

/** Leads to where a fact is kept for good. */
function Home({ field: { home } }: { readonly field: FactField }): ReactElement {
  if (home === 'lab')
    return (
      <Button size="small" kind="bare" onPress={() => goTo('settings', { settingsSection: 'lab' })}>
        Settings, Lab
      </Button>
    );
  const name = home === 'animal' ? 'subject' : 'session';
  return (
    <Button
      size="small"
      kind="bare"
      onPress={() => goTo('library', { librarySection: 'tables', table: { name, where: {} } })}
    >
      {home === 'animal' ? 'Tables, Subject' : 'Tables, Session'}
    </Button>
  );
}
