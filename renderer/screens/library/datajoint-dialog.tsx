// SPDX-License-Identifier: MIT
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type FolderRef } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useWork } from '../../client/exports.ts';
import { useSession } from '../../client/queries.ts';
import { report } from '../../stores/messages.ts';
import { useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Field, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { count, plural } from '../../ui/format.ts';
import { FolderBrowser } from './folder-browser.tsx';
import { styles as shared } from './styles.ts';
import { wasCancelled, Working } from './working.tsx';
import styles from './exchange.module.css';

const c = classes({ ...shared, ...styles });

type Way = 'publish' | 'import';

/** What a dry run and the real one both tell. */
interface Answer {
  readonly generation: string;
  readonly tables: ReadonlyArray<{ readonly table: string; readonly inserted: number; readonly present: number }>;
  readonly conflicts: readonly string[];
  readonly notes: readonly string[];
  readonly isDone: boolean;
}

/** Lines `Table.column = value` as the core takes them; a line that is none is given back. */
export function valuesOf(text: string): { readonly values: Record<string, string>; readonly wrong: string | null } {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const found = /^\s*([A-Za-z]+(?:\.[A-Za-z]+)*\.[a-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (found?.[1] === undefined) return { values, wrong: line.trim() };
    values[found[1]] = found[2] ?? '';
  }
  return { values, wrong: null };
}

/** Exchanges with a lab's DataJoint server: first what would happen, then, when that is well, it happens. The password lives in this form only. */
export function DatajointDialog({ way, onClose }: { readonly way: Way; readonly onClose: () => void }): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const sessionUuid = useUi((state) => state.sessionUuid);
  const session = useSession(sessionUuid).data?.session;
  const [host, setHost] = useState('');
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [prefix, setPrefix] = useState('neuro_');
  const [subject, setSubject] = useState('');
  const [axes, setAxes] = useState<'auto' | 'corrected' | 'as-upstream'>(way === 'import' ? 'auto' : 'corrected');
  const [given, setGiven] = useState('');
  const [folder, setFolder] = useState<FolderRef | null>(null);
  const [choosing, setChoosing] = useState(false);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const work = useWork();
  const { values, wrong } = valuesOf(given);
  // What was asked for has changed: the answer is about something else.
  const change =
    <T,>(set: (value: T) => void) =>
    (value: T): void => {
      set(value);
      setAnswer(null);
    };
  const asked = async (dryRun: boolean, ticket: string, signal: AbortSignal): Promise<Answer> => {
    const address = {
      url: `mysql://${encodeURIComponent(user.trim())}@${host.trim()}`,
      password,
      prefix: prefix.trim(),
    };
    if (way === 'publish') {
      const orientation = axes === 'auto' ? 'corrected' : axes;
      const request = { ...address, target: sessionUuid ?? '', orientation, values, dryRun, ticket };
      const { isPublished, ...told } = await core.datajoint.publish(request, { signal });
      return { ...told, isDone: isPublished };
    }
    const { isImported, runs, runsHere, notes, ...told } = await core.datajoint.import(
      {
        ...address,
        orientation: axes,
        dryRun,
        ticket,
        ...(subject.trim() === '' ? {} : { subject: subject.trim() }),
        ...(folder === null ? {} : { rootFolder: folder }),
      },
      { signal },
    );
    const repaired = runs.flatMap(({ name, findings }) => findings.map((finding) => `${name}: ${finding}`));
    const here = runsHere === 0 ? [] : [`${plural(runsHere, 'result is', 'results are')} here already.`];
    return { ...told, conflicts: [], notes: [...here, ...repaired, ...notes], isDone: isImported };
  };
  const ask = useMutation({
    gcTime: 0,
    mutationFn: async (dryRun: boolean): Promise<Answer> =>
      await work.run((ticket, signal) => asked(dryRun, ticket, signal)),
    onSuccess: async (told) => {
      setAnswer(told);
      if (!told.isDone) return;
      const rows = told.tables.reduce((sum, { inserted }) => sum + inserted, 0);
      report(
        'info',
        'DataJoint',
        way === 'publish' ? `${plural(rows, 'row')} published and read back.` : `${plural(rows, 'row')} imported.`,
      );
      if (way === 'import') await queries.invalidateQueries();
    },
  });
  const missing =
    way === 'publish' && session === undefined
      ? 'Choose a session in the list first.'
      : way === 'publish' && session?.runs === 0
        ? 'This session has no finished run: process it first.'
        : host.trim() === ''
          ? 'Say where the server is.'
          : user.trim() === ''
            ? 'Say who asks.'
            : !/^[A-Za-z0-9_]{1,40}$/.test(prefix.trim())
              ? 'Say what the names of the databases begin with: letters, digits and _.'
              : wrong === null
                ? ask.isPending
                  ? 'The server is being asked.'
                  : undefined
                : `“${wrong}” is not written as Table.column = value.`;
  const verb = way === 'publish' ? 'Publish' : 'Import';
  const fresh = answer?.tables.reduce((sum, { inserted }) => sum + inserted, 0) ?? 0;
  const off =
    missing ??
    (answer === null
      ? 'Look first at what would happen.'
      : answer.conflicts.length > 0
        ? 'What stands in the way must be settled first.'
        : answer.isDone
          ? 'It is done.'
          : fresh === 0
            ? 'Everything is there already.'
            : undefined);
  return (
    <Dialog
      title={
        way === 'publish'
          ? `Publish ${session === undefined ? 'a session' : `“${session.name}”`} to a DataJoint server`
          : 'Import from a DataJoint server'
      }
      onClose={onClose}
      width={720}
      foot={
        <>
          <span className={c('footText')}>
            {missing ??
              (answer === null
                ? 'The first look changes nothing. The password is used once and kept nowhere.'
                : (off ??
                  (way === 'publish' ? 'All rows go in one transaction, or none.' : 'All is added, or nothing.')))}
          </span>
          <Button onPress={onClose}>Close</Button>
          <Button off={missing} onPress={() => ask.mutate(true)}>
            Look first
          </Button>
          <Button kind="primary" off={off} onPress={() => ask.mutate(false)}>
            {verb} {fresh === 0 ? '' : plural(fresh, 'row')}
          </Button>
        </>
      }
    >
      {ask.error === null || wasCancelled(ask.error) ? null : (
        <Note kind="problem">
          {AppError.from(ask.error).message} {AppError.from(ask.error).hint}
        </Note>
      )}
      <div className={c('single')}>
        <div className={c('fields')}>
          <label htmlFor="dj-host">Server</label>
          <Field
            id="dj-host"
            label="Server"
            value={host}
            onChange={change(setHost)}
            placeholder="host or host:port"
            takesFocus
          />
          <label htmlFor="dj-user">User</label>
          <Field id="dj-user" label="User" value={user} onChange={change(setUser)} />
          <label htmlFor="dj-password">Password</label>
          <Field id="dj-password" label="Password" secret value={password} onChange={change(setPassword)} />
          <label htmlFor="dj-prefix">Databases begin with</label>
          <Field id="dj-prefix" label="Databases begin with" value={prefix} onChange={change(setPrefix)} />
          <span>Masks, shifts</span>
          <Choice
            label="Masks, shifts"
            value={axes}
            onChange={change(setAxes)}
            options={[
              ...(way === 'import' ? [{ value: 'auto' as const, label: 'Look for evidence' }] : []),
              { value: 'corrected', label: 'x columns, y rows' },
              { value: 'as-upstream', label: 'Exchanged, as element-miniscope' },
            ]}
          />
          {way === 'import' ? (
            <>
              <label htmlFor="dj-subject">Animal</label>
              <Field id="dj-subject" label="Animal" value={subject} onChange={change(setSubject)} placeholder="all" />
              <span>Files of the server</span>
              <Button size="small" pressed={choosing} onPress={() => setChoosing(!choosing)}>
                {folder === null ? 'Choose a folder, to repair rows from files' : folder.path || folder.root}
              </Button>
            </>
          ) : (
            <>
              <label htmlFor="dj-values">Values the library lacks</label>
              <textarea
                id="dj-values"
                spellCheck={false}
                value={given}
                placeholder="RecordingInfo.led_power = 0"
                onChange={(event) => change(setGiven)(event.target.value)}
              />
            </>
          )}
        </div>
        {choosing ? (
          <div className={c('relink')}>
            <FolderBrowser chosen={folder} onChoose={change(setFolder)} foldersToo />
          </div>
        ) : null}
        {ask.isPending ? <Working work={work} waiting="asking the server" /> : null}
        <div aria-live="polite">{answer === null ? null : <AnswerView answer={answer} way={way} />}</div>
      </div>
    </Dialog>
  );
}

function AnswerView({ answer, way }: { readonly answer: Answer; readonly way: Way }): ReactElement {
  return (
    <div className={c('answer')}>
      {answer.conflicts.map((text) => (
        <Note key={text} kind="problem">
          {text}
        </Note>
      ))}
      {answer.isDone ? (
        <Note kind="info">{way === 'publish' ? 'Published, and read back equal.' : 'Imported.'}</Note>
      ) : null}
      <table className={c('counts')} aria-label="Rows">
        <thead>
          <tr>
            <th scope="col">Table (element-miniscope {answer.generation})</th>
            <th scope="col" className={c('num')}>
              {answer.isDone ? 'Added' : 'Would be added'}
            </th>
            <th scope="col" className={c('num')}>
              There already
            </th>
          </tr>
        </thead>
        <tbody>
          {answer.tables.map(({ table, inserted, present }) => (
            <tr key={table}>
              <td>{table}</td>
              <td className={c('num')}>{count(inserted)}</td>
              <td className={c('num')}>{count(present)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {answer.notes.map((text) => (
        <Note key={text} kind="warning">
          {text}
        </Note>
      ))}
    </div>
  );
}
