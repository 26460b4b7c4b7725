// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, LabFacts } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { factFields, labFactNames, metadataOf, type TypedFacts, typedOf } from '../../stores/nwb-facts.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Note } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/panel.tsx';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

/** What holds for every recording of the lab, and is written into NWB files where the tables say nothing else. */
export function LabPage(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [typed, setTyped] = useState<TypedFacts>({});
  const answer = useQuery({
    queryKey: ['lab facts'],
    queryFn: ({ signal }) => core.interop.labFacts({}, { signal }),
    staleTime: 0,
  });
  const save = useMutation({
    mutationFn: (facts: LabFacts) => core.interop.setLabFacts(facts),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['lab facts'] });
      setTyped({});
    },
  });
  if (answer.isPending) return <Loading title="Opening" step={1} steps={1} detail="reading what holds for the lab" />;
  if (answer.isError)
    return <Failed title="This could not be read" error={answer.error} onRetry={() => void answer.refetch()} />;
  const saved = typedOf(answer.data);
  const shown: TypedFacts = { ...saved, ...typed };
  const { metadata, wrong } = metadataOf(shown);
  const changed = labFactNames.filter((fact) => shown[fact] !== saved[fact]);
  const [bad] = wrong;
  const off =
    changed.length === 0
      ? 'Nothing was changed.'
      : bad === undefined
        ? undefined
        : `${factFields[bad]?.label ?? bad} cannot be “${shown[bad] ?? ''}”.`;
  return (
    <div className={c('page')}>
      <Part title="For every NWB file">
        <p>
          What the archive asks of each recording and is the same for all of them. What the tables of the library say of
          an animal or a session, and what is given with an export, comes before it. It is kept with this library.
        </p>
        {labFactNames.map((fact) => {
          const field = factFields[fact];
          if (field === undefined) return null;
          return (
            <Row
              key={fact}
              label={field.label}
              changed={changed.includes(fact)}
              problem={wrong.includes(fact) ? `It cannot be “${shown[fact] ?? ''}”.` : undefined}
              help={field.kind === 'list' ? `Several with “;”: ${field.example}` : `For example ${field.example}`}
            >
              <Field
                label={field.label}
                value={shown[fact] ?? ''}
                onChange={(value) => setTyped({ ...typed, [fact]: value })}
                changed={changed.includes(fact)}
                wrong={wrong.includes(fact)}
              />
            </Row>
          );
        })}
        <div className={c('acts')}>
          <Button kind="primary" off={off} onPress={() => save.mutate(LabFacts.parse(metadata))}>
            Save {changed.length === 0 ? 'changes' : plural(changed.length, 'change')}
          </Button>
          {changed.length === 0 ? null : <Button onPress={() => setTyped({})}>Discard</Button>}
        </div>
        {save.error === null ? null : <Note kind="problem">{AppError.from(save.error).message}</Note>}
      </Part>
    </div>
  );
}
