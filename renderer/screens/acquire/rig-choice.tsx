// SPDX-License-Identifier: MIT
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { FolderOpen } from 'lucide-react';
import { type ReactElement, useRef } from 'react';
import type { AcquireDevice, AcquireRig, AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { report } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note, Select } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface ChoiceProps {
  readonly status: AcquireStatus;
  readonly boards: readonly AcquireDevice[];
  /** The board of each scope by its name, as it was chosen here. */
  readonly chosen: Readonly<Record<string, string>>;
  readonly onChoose: (scope: string, board: string) => void;
}

/** The name of a configuration's file as a rig may be called. */
export function rigName(file: string): string {
  const name = file
    .replace(/\.json$/i, '')
    .replaceAll(/[\\/:*?"<>|.]/g, ' ')
    .trim()
    .slice(0, 80);
  return name === '' ? 'rig' : name;
}

/** Which rig is driven: one scope, a rig of this user, or a configuration of the Miniscope DAQ software from a file. */
export function RigChoice({ status, boards, chosen, onChoose }: ChoiceProps): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const rigs = useQuery({ queryKey: ['rigs'], queryFn: ({ signal }) => core.settings.rigs({}, { signal }) });
  const file = useRef<HTMLInputElement>(null);
  const choose = async (rig: string | null): Promise<void> => {
    await atRig('Rig', core.acquire.plan({ change: { rig } }));
  };
  const open = async (given: File): Promise<void> => {
    const id = rigName(given.name);
    const kept = await atRig(
      'Rig',
      given.text().then(async (text) => await core.settings.saveRig({ id, text, replace: false })),
    );
    if (!kept) return;
    report('info', 'Rig', `${given.name} is kept as the rig “${id}”, with everything in it.`);
    await queries.invalidateQueries({ queryKey: ['rigs'] });
    await choose(id);
  };
  const known = rigs.data?.rigs ?? [];
  const { rig } = status;
  const names = new Set([...known.map(({ id }) => id), ...(rig === null ? [] : [rig.id])]);
  return (
    <section className={c('rigChoice')} aria-label="Rig">
      <div className={c('buttons')}>
        <span className={c('lab')}>Rig</span>
        <Select
          label="Rig"
          value={rig?.id ?? ''}
          options={[{ value: '', label: 'One scope, no rig' }, ...[...names].map((id) => ({ value: id, label: id }))]}
          onChange={(id) => void choose(id === '' ? null : id)}
        />
        <Button onPress={() => file.current?.click()}>
          <Icon of={FolderOpen} />
          Open a configuration
        </Button>
        <input
          ref={file}
          type="file"
          accept=".json,application/json"
          hidden
          aria-label="Miniscope DAQ configuration"
          onChange={({ target }) => {
            const [given] = target.files ?? [];
            if (given !== undefined) void open(given);
            target.value = '';
          }}
        />
      </div>
      {rig === null ? (
        <p className={c('quiet')}>
          A rig adds scopes, behaviour cameras, a commutator and programs. Configurations of the Miniscope DAQ software
          open as they are.
        </p>
      ) : (
        <RigFacts rig={rig} />
      )}
      {rig === null || rig.simulated || rig.scopes.length < 2 || boards.length === 0
        ? null
        : rig.scopes.map(({ name }, n) => (
            <div key={name} className={c('buttons')}>
              <span className={c('lab')}>{name}</span>
              <Select
                label={`Board of ${name}`}
                value={chosen[name] ?? boards[n]?.id ?? ''}
                options={[
                  ...boards.map(({ id, name: board }) => ({ value: id, label: board })),
                  ...(boards[n] === undefined ? [{ value: '', label: 'none connected' }] : []),
                ]}
                onChange={(board) => onChoose(name, board)}
              />
            </div>
          ))}
    </section>
  );
}

/** What a rig has, in words. */
export function rigWords({ scopes, cameras, commutator, programs }: AcquireRig): string {
  const parts = [
    `${plural(scopes.length, 'scope')}: ${scopes.map(({ name }) => name).join(', ')}`,
    cameras.length === 0 ? 'no camera' : `${plural(cameras.length, 'camera')}: ${cameras.join(', ')}`,
    commutator === null ? 'no commutator' : `commutator at ${commutator}`,
    ...programs.map(({ when, file }) => `at the ${when === 'start' ? 'start' : 'end'} ${file}`),
  ];
  return `${parts.join(' · ')}.`;
}

function RigFacts({ rig }: { readonly rig: AcquireRig }): ReactElement {
  const refused = rig.programs.filter(({ allowed }) => !allowed);
  return (
    <>
      {rig.problem === null ? <p className={c('quiet')}>{rigWords(rig)}</p> : null}
      {rig.problem === null ? null : <Note kind="problem">It cannot be driven: {rig.problem}</Note>}
      {refused.length === 0 ? null : (
        <Note kind="warning">
          {refused.map(({ file }) => file).join(', ')} may not be started: put the absolute path into CALYX_PROGRAMS, or
          switch it off in the rig.
        </Note>
      )}
    </>
  );
}
