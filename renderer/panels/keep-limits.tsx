// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError } from '../../main/contract/index.ts';
import { useCore } from '../client/context.ts';
import { report } from '../stores/messages.ts';
import { parameterSpecs } from '../stores/parameters.ts';
import { asParameters, limitedMetrics, type Limits, takeLimits } from '../stores/suggestions.ts';
import { showOverlay, usePerson } from '../stores/ui.ts';
import { waitForRater } from '../stores/waiting-decision.ts';
import { classes } from '../ui/classes.ts';
import { Button, Field, Note } from '../ui/controls.tsx';
import { dateTime, decimal } from '../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

interface KeepProps {
  readonly runUuid: string;
  readonly limits: Limits;
  /** Why nothing can be kept in the library, if so. */
  readonly readOnly: string | null;
}

const same = (a: Limits, b: Limits): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);

/** What a run used, as far as it is a parameter of today: those of other programs and earlier engines are left out. */
function knownOf<T>(used: Readonly<Record<string, T>>): Record<string, T> {
  const names = new Set(parameterSpecs.filter(({ part }) => part === 'parameters').map(({ name }) => name));
  return Object.fromEntries(Object.entries(used).filter(([name]) => names.has(name)));
}

/** Limits in words: `SNR of trace at least 3.0`. */
function inWords(limits: Limits): string {
  return limitedMetrics
    .filter(({ key }) => limits[key] !== undefined)
    .map(
      ({ key, title, places, least }) => `${title} ${least ? 'at least' : 'at most'} ${decimal(limits[key], places)}`,
    )
    .join(', ');
}

/** Limits live in this browser until they are kept: with the run for everybody, or as a preset for runs to come. */
export function KeepLimits({ runUuid, limits, readOnly }: KeepProps): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const kept = useQuery({
    queryKey: ['limits', runUuid],
    queryFn: ({ signal }) => core.review.limits({ runUuid }, { signal }),
  });
  const keep = useMutation({
    mutationFn: (raterUuid: string) => core.review.keepLimits({ runUuid, raterUuid, limits }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['limits', runUuid] }),
  });
  const preset = useMutation({
    mutationFn: async () => {
      const { parameters: used } = await core.processing.run({ runUuid });
      return await core.processing.addParameterSet({
        method: 'calyx',
        description: name.trim(),
        parameters: { ...knownOf(used), ...asParameters(limits).parameters },
      });
    },
    onSuccess: ({ set, added }) => {
      void queries.invalidateQueries({ queryKey: ['parameter-sets'] });
      setName('');
      const known = set.description === '' ? `set ${String(set.idx)}` : set.description;
      report(
        added ? 'info' : 'warning',
        'Review',
        added ? `The preset ${known} is kept in the library.` : `These settings are kept already, as “${known}”.`,
      );
    },
  });
  const { parameters, without } = asParameters(limits);
  const any = Object.keys(limits).length > 0;
  const inLibrary = kept.data ?? null;
  const keepNow = (): void => {
    const { rater } = usePerson.getState();
    if (rater === null) {
      waitForRater(keepNow);
      showOverlay('rater');
    } else keep.mutate(rater.uuid);
  };
  const error = keep.error ?? preset.error ?? kept.error;
  return (
    <div className={c('section')}>
      <h3>Kept with the run</h3>
      <p>
        {inLibrary === null
          ? 'No limits are kept in the library. These are in this browser only.'
          : `${inWords(inLibrary.limits)}; by ${inLibrary.by}, ${dateTime(inLibrary.at)}.`}
      </p>
      <div className={c('editRow')}>
        <Button
          size="small"
          off={
            readOnly ?? (same(limits, inLibrary?.limits ?? {}) ? 'These limits are what the library keeps.' : undefined)
          }
          onPress={keepNow}
        >
          {any || inLibrary === null ? 'Keep with the run' : 'Take them back'}
        </Button>
        {inLibrary === null || same(limits, inLibrary.limits) ? null : (
          <Button size="small" onPress={() => takeLimits(runUuid, inLibrary.limits)}>
            Use those of the library
          </Button>
        )}
      </div>
      <h3>As a preset for runs to come</h3>
      <div className={c('editRow')}>
        <Field label="Name of the preset" placeholder="Name" value={name} onChange={setName} maxLength={80} />
        <Button
          size="small"
          off={
            readOnly ??
            (Object.keys(parameters).length === 0
              ? 'None of these limits is a parameter of the engine.'
              : name.trim() === ''
                ? 'Give it a name.'
                : undefined)
          }
          onPress={() => preset.mutate()}
        >
          Keep as preset
        </Button>
      </div>
      {without.length === 0 ? null : (
        <p className={c('dim')}>Not part of a preset, the engine has no limit for it: {without.join(', ')}.</p>
      )}
      {error === null ? null : <Note kind="problem">{AppError.from(error).message}</Note>}
    </div>
  );
}
