// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type ProcessingSettings } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { keys } from '../../client/queries.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Note } from '../../ui/controls.tsx';
import { bytes, plural } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/panel.tsx';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);
const gb = 1024 ** 3;

interface Limit {
  readonly key: keyof ProcessingSettings;
  readonly label: string;
  readonly unit: string;
  readonly factor: number;
  readonly help: string;
  readonly judge: (
    value: number,
    machine: { readonly threads: number; readonly memoryBytes: number },
  ) => string | undefined;
}

const limits: readonly Limit[] = [
  {
    key: 'threads',
    label: 'Threads',
    unit: '',
    factor: 1,
    help: 'Cores a run works on; the result is the same with any number',
    judge: (value, machine) =>
      !Number.isInteger(value) || value < 1
        ? 'A whole number from 1 on.'
        : value > machine.threads
          ? `This machine has ${plural(machine.threads, 'core')}.`
          : undefined,
  },
  {
    key: 'memoryBytes',
    label: 'Memory',
    unit: 'GB',
    factor: gb,
    help: 'Most that a run may take; one that needs more says so before it begins',
    judge: (value, machine) =>
      value * gb < 64 * 1024 ** 2
        ? 'At least 0.1 GB.'
        : value * gb > machine.memoryBytes
          ? `This machine has ${bytes(machine.memoryBytes)}.`
          : undefined,
  },
  {
    key: 'cacheBytes',
    label: 'Cache',
    unit: 'GB',
    factor: gb,
    help: 'Kept results of stages, so that a changed setting does not begin from the film; 0 keeps none',
    judge: (value) => (value < 0 ? 'Not below 0.' : undefined),
  },
];

/** Limits of runs on this machine. */
export function ProcessingPage(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [typed, setTyped] = useState<Readonly<Partial<Record<keyof ProcessingSettings, string>>>>({});
  const answer = useQuery({
    queryKey: ['processing settings'],
    queryFn: ({ signal }) => core.settings.processing({}, { signal }),
  });
  const save = useMutation({
    mutationFn: (change: Partial<ProcessingSettings>) => core.settings.setProcessing(change),
    onSuccess: async () => {
      setTyped({});
      await queries.invalidateQueries({ queryKey: ['processing settings'] });
      await queries.invalidateQueries({ queryKey: keys.info });
    },
  });
  if (answer.isPending) return <Loading title="Opening" step={1} steps={1} detail="reading the limits" />;
  if (answer.isError)
    return <Failed title="The limits could not be read" error={answer.error} onRetry={() => void answer.refetch()} />;
  const { machine, suggested } = answer.data;
  const shown = (limit: Limit, value: number): string => String(Math.round((value / limit.factor) * 100) / 100);
  const rows = limits.map((limit) => {
    const set = answer.data[limit.key];
    const text = typed[limit.key] ?? shown(limit, set ?? suggested[limit.key]);
    const value = Number(text.replace(',', '.'));
    const problem = text.trim() === '' || !Number.isFinite(value) ? 'Must be a number.' : limit.judge(value, machine);
    return { limit, set, text, value, problem, changed: typed[limit.key] !== undefined };
  });
  const changed = rows.filter((row) => row.changed);
  const off =
    changed.length === 0 ? 'Nothing was changed.' : changed.find(({ problem }) => problem !== undefined)?.problem;
  return (
    <div className={c('page')}>
      <Part title="Limits of a run">
        <p>
          This machine has {plural(machine.threads, 'core')} and {bytes(machine.memoryBytes)} of memory. A run under way
          keeps what it began with.
        </p>
        {rows.map(({ limit, set, text, problem, changed: isChanged }) => (
          <Row
            key={limit.key}
            label={limit.label}
            changed={isChanged}
            problem={problem}
            help={
              <>
                {limit.help}.{' '}
                {set === null ? 'As suggested' : `Suggested: ${shown(limit, suggested[limit.key])} ${limit.unit}`}
              </>
            }
          >
            <span className={c('numberField')}>
              <Field
                label={limit.label}
                number
                value={text}
                onChange={(value) => setTyped({ ...typed, [limit.key]: value })}
                changed={isChanged}
                wrong={problem !== undefined}
              />
            </span>
            <span className={c('dim')}>{limit.unit}</span>
            {set === null ? null : (
              <Button size="small" kind="bare" onPress={() => save.mutate({ [limit.key]: null })}>
                As suggested
              </Button>
            )}
          </Row>
        ))}
        <div className={c('acts')}>
          <Button
            kind="primary"
            off={off}
            onPress={() =>
              save.mutate(
                Object.fromEntries(changed.map(({ limit, value }) => [limit.key, Math.round(value * limit.factor)])),
              )
            }
          >
            Save {changed.length === 0 ? 'limits' : plural(changed.length, 'change')}
          </Button>
          {changed.length === 0 ? null : (
            <Button onPress={() => setTyped({})}>Discard {plural(changed.length, 'change')}</Button>
          )}
        </div>
        {save.error === null ? null : <Note kind="problem">{AppError.from(save.error).message}</Note>}
      </Part>
      <Part title="While a scope records">
        <p>Runs that wait stay waiting until the recording is over.</p>
      </Part>
    </div>
  );
}
