// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleX, Copy } from 'lucide-react';
import { type ReactElement, useMemo, useState } from 'react';
import { AppError, type RigRemark } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { report } from '../../stores/messages.ts';
import { changedPaths, exampleRigs, jsonOf, rigText, useRigEditor } from '../../stores/rig-editor.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { Button, Choice, Field, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { RigForm } from './rig-form.tsx';
import { RigJson } from './rig-json.tsx';
import { useRigInApp } from './rig-use.ts';
import styles from './settings.module.css';

const c = classes(styles);

type Shown = 'both' | 'form' | 'json';

/** Rigs of this user, by name. */
export function useRigs() {
  const core = useCore();
  return useQuery({ queryKey: ['rigs'], queryFn: ({ signal }) => core.settings.rigs({}, { signal }) });
}

/** Takes a rig under the pen; what was typed in another one stays only if it was saved. */
export function useOpenRig(): (id: string) => Promise<void> {
  const core = useCore();
  return async (id) => {
    const { text } = await core.settings.rig({ id });
    useRigEditor.setState({ id, text, saved: text, isNew: false });
  };
}

/** One rig as form and as text; new ones begin with an example that works. */
export function RigsPage(): ReactElement {
  const rigs = useRigs();
  const { id } = useRigEditor();
  if (rigs.isPending) return <Loading title="Opening" step={1} steps={1} detail="reading the rigs" />;
  if (rigs.isError)
    return <Failed title="The rigs could not be read" error={rigs.error} onRetry={() => void rigs.refetch()} />;
  if (id === null) return <Begin names={rigs.data.rigs.map((rig) => rig.id)} />;
  return <Editor key={id} id={id} scopeTypes={rigs.data.scopeTypes} names={rigs.data.rigs.map((rig) => rig.id)} />;
}

function freeName(wanted: string, names: readonly string[]): string {
  const taken = new Set(names.map((name) => name.toLowerCase()));
  if (!taken.has(wanted.toLowerCase())) return wanted;
  let n = 2;
  while (taken.has(`${wanted} ${String(n)}`.toLowerCase())) n += 1;
  return `${wanted} ${String(n)}`;
}

function Begin({ names }: { readonly names: readonly string[] }): ReactElement {
  return (
    <Empty
      title={names.length === 0 ? 'No rigs yet' : 'No rig chosen'}
      actions={exampleRigs.map((example) => (
        <Button
          key={example.name}
          title={example.text}
          onPress={() =>
            useRigEditor.setState({
              id: freeName(example.name, names),
              text: rigText(example.json),
              saved: '',
              isNew: true,
            })
          }
        >
          New: {example.name}
        </Button>
      ))}
    >
      <p>
        A rig says which scopes and cameras there are, how they start, and how folders are named. It is one file, in the
        form that the Miniscope DAQ software reads.
      </p>
      <p>Begin with one that works as it is{names.length === 0 ? '.' : ', or choose one at the left.'}</p>
    </Empty>
  );
}

interface EditorProps {
  readonly id: string;
  readonly names: readonly string[];
  readonly scopeTypes: Parameters<typeof RigForm>[0]['scopeTypes'];
}

function Editor({ id, names, scopeTypes }: EditorProps): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const { text, saved, isNew } = useRigEditor();
  const [shown, setShown] = useState<Shown>('both');
  const [removing, setRemoving] = useState(false);
  const [name, setName] = useState(id);
  const check = useQuery({
    queryKey: ['rig check', text],
    queryFn: ({ signal }) => core.settings.checkRig({ text }, { signal }),
    placeholderData: (before) => before,
  });
  const remarks: readonly RigRemark[] = check.data ?? [];
  const problems = remarks.filter(({ severity }) => severity === 'problem');
  const changes = isNew ? 0 : changedPaths(jsonOf(saved), jsonOf(text)).length;
  const unsaved = isNew || text !== saved;
  const save = useMutation({
    mutationFn: async () => {
      await core.settings.saveRig({ id: name.trim(), text, replace: !isNew });
      if (!isNew && name.trim() !== id) await core.settings.removeRig({ id });
    },
    onSuccess: async () => {
      useRigEditor.setState({ id: name.trim(), saved: text, isNew: false });
      await queries.invalidateQueries({ queryKey: ['rigs'] });
      report('info', 'Rigs', `${name.trim()} is saved. It takes hold at the next preview.`);
    },
  });
  const remove = useMutation({
    mutationFn: () => core.settings.removeRig({ id }),
    onSuccess: async () => {
      useRigEditor.setState({ id: null, text: '', saved: '', isNew: false });
      await queries.invalidateQueries({ queryKey: ['rigs'] });
    },
  });
  const use = useRigInApp();
  const off =
    problems.length > 0
      ? `${plural(problems.length, 'problem')}: mend ${problems.length === 1 ? 'it' : 'them'} first.`
      : name.trim() === ''
        ? 'Give the rig a name.'
        : !unsaved && name.trim() === id
          ? 'Nothing was changed.'
          : save.isPending
            ? 'It is being saved.'
            : undefined;
  const { mutate } = save;
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'rig.save',
        label: 'Save rig',
        group: 'Rigs',
        scope: 'screen:settings',
        keys: ['Mod+S'],
        inText: true,
        enabled: () => off ?? true,
        run: () => mutate(),
      },
    ],
    [off, mutate],
  );
  useCommands(commands);
  const failed = save.error ?? remove.error;
  return (
    <div className={c('editor')}>
      <div className={c('split', shown === 'both' && 'both')}>
        {shown === 'json' ? null : (
          <div className={c('pane')}>
            <div className={c('page')}>
              <div className={c('rigHead')}>
                <Field
                  label="Name of the rig"
                  value={name}
                  onChange={setName}
                  changed={!isNew && name !== id}
                  maxLength={80}
                />
                <Choice
                  label="Shown"
                  value={shown}
                  onChange={setShown}
                  options={[
                    { value: 'both', label: 'Form and JSON' },
                    { value: 'form', label: 'Form' },
                    { value: 'json', label: 'JSON' },
                  ]}
                />
                <Button
                  kind="bare"
                  size="small"
                  onPress={() => useRigEditor.setState({ id: freeName(`${id} copy`, names), saved: '', isNew: true })}
                >
                  <Icon of={Copy} />
                  Duplicate
                </Button>
                <Button
                  kind="bare"
                  size="small"
                  onPress={() => setRemoving(true)}
                  off={isNew ? 'It is not saved yet.' : undefined}
                >
                  Delete
                </Button>
              </div>
              <RigForm text={text} saved={isNew ? text : saved} remarks={remarks} scopeTypes={scopeTypes} />
            </div>
          </div>
        )}
        {shown === 'form' ? null : (
          <div className={c('pane json')}>
            <RigJson text={text} remarks={remarks} onBack={shown === 'json' ? () => setShown('both') : undefined} />
          </div>
        )}
      </div>
      <div className={c('editFoot')}>
        {problems.length === 0 ? null : (
          <span className={c('state rec')}>
            <Icon of={CircleX} />
            {plural(problems.length, 'problem')}
          </span>
        )}
        <span className={c('dim')}>
          {isNew ? 'Not saved yet' : changes > 0 ? plural(changes, 'unsaved change') : unsaved ? 'Unsaved' : 'Saved'}
        </span>
        {failed === null ? null : <span className={c('rec')}>{AppError.from(failed).message}</span>}
        <span className={c('grow')} />
        <Button
          onPress={() => use.mutate({ id, text, saved: !unsaved })}
          off={problems.length > 0 ? 'It has a problem.' : use.isPending ? 'It is being taken over.' : undefined}
          title={
            unsaved
              ? 'Names, length, compression and, where a scope is connected, its controls; save it to drive all its devices'
              : 'All its devices; where a scope is connected, its names, length, compression and controls'
          }
        >
          Use in Acquire
        </Button>
        {unsaved && !isNew ? (
          <Button onPress={() => useRigEditor.setState({ text: saved })}>Discard {plural(changes, 'change')}</Button>
        ) : null}
        {isNew ? (
          <Button onPress={() => useRigEditor.setState({ id: null, text: '', saved: '', isNew: false })}>
            Discard
          </Button>
        ) : null}
        <Button kind="primary" off={off} onPress={() => mutate()} keys="Mod+S">
          Save rig
        </Button>
      </div>
      {removing ? (
        <Dialog
          title={`Delete rig “${id}”`}
          width={400}
          onClose={() => setRemoving(false)}
          foot={
            <>
              <Button onPress={() => setRemoving(false)}>Keep it</Button>
              <Button onPress={() => remove.mutate()}>Delete 1 rig</Button>
            </>
          }
        >
          <Note kind="warning">Its file is removed for good. Recordings made with it stay.</Note>
        </Dialog>
      ) : null}
    </div>
  );
}
