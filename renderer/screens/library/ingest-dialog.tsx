// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Check, CircleX, FileText, TriangleAlert } from 'lucide-react';
import { type ReactElement, useRef, useState } from 'react';
import { AppError, type FolderRef, type Ingested } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useWork } from '../../client/exports.ts';
import { report } from '../../stores/messages.ts';
import { usePerson } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { bytes, count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { FolderBrowser } from './folder-browser.tsx';
import { styles as shared } from './styles.ts';
import { wasCancelled, Working } from './working.tsx';
import { rooms } from './rooms.ts';

const c = classes({ ...shared, ...rooms });

interface CsvText {
  readonly name: string;
  readonly text: string;
}

/** Larger files go by the command line: a window sends them in one message. */
const largest = 3 * 1024 * 1024;

type FileResult = Ingested['files'][number];

/** Reads the workflow's CSV files: what they are, what they would add, and what is wrong in which line, before anything is written. */
export function IngestDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const rater = usePerson((state) => state.rater);
  const input = useRef<HTMLInputElement>(null);
  const work = useWork();
  const [files, setFiles] = useState<readonly CsvText[]>([]);
  const [root, setRoot] = useState<FolderRef | null>(null);
  const [whole, setWhole] = useState(false);
  const [choosing, setChoosing] = useState(false);
  const request = {
    files: [...files],
    allOrNothing: whole,
    who: rater?.initials ?? '',
    ...(root === null ? {} : { root: { folder: root } }),
  };
  const size = files.reduce((sum, { text }) => sum + text.length, 0);
  const preview = useQuery({
    queryKey: ['ingest-preview', files.map(({ name, text }) => [name, text.length, text.slice(0, 4000)]), root, whole],
    queryFn: ({ signal }) => core.workflow.ingest({ ...request, dryRun: true }, { signal }),
    enabled: files.length > 0 && size <= largest,
    staleTime: 0,
    retry: false,
  });
  const ingest = useMutation({
    mutationFn: () => work.run((ticket, signal) => core.workflow.ingest({ ...request, ticket }, { signal })),
    onSuccess: async (result) => {
      await queries.invalidateQueries();
      const added = Object.values(result.inserted).reduce((sum, n) => sum + n, 0);
      report('info', 'Ingest', `${plural(added, 'row')} added from ${plural(result.files.length, 'file')}.`);
      for (const file of result.files)
        if (file.bad > 0)
          report('warning', 'Ingest', `${file.name}: ${plural(file.bad, 'row was', 'rows were')} left out.`);
      onClose();
    },
  });
  const read = async (list: FileList | null): Promise<void> => {
    const chosen = await Promise.all(
      [...(list ?? [])].map(async (file) => ({ name: file.name, text: await file.text() })),
    );
    setFiles((before) => [...before.filter(({ name }) => chosen.every((file) => file.name !== name)), ...chosen]);
  };
  const adds = Object.values(preview.data?.inserted ?? {}).reduce((sum, n) => sum + n, 0);
  const bad = preview.data?.files.reduce((sum, file) => sum + file.bad, 0) ?? 0;
  const off =
    files.length === 0
      ? 'Choose CSV files first.'
      : size > largest
        ? `These are ${bytes(size)}; a window sends at most ${bytes(largest)}. “calyx ingest” takes files of any size.`
        : preview.data === undefined
          ? preview.isError
            ? 'They cannot be read as they are.'
            : 'They are being read.'
          : ingest.isPending
            ? 'They are being ingested.'
            : adds === 0
              ? 'They would add nothing.'
              : undefined;
  return (
    <Dialog
      title="Ingest CSV files"
      onClose={onClose}
      width={920}
      foot={
        <>
          <span className={c('footText')}>
            {off ??
              `This is a preview: nothing has been changed.${bad === 0 ? '' : ` ${plural(bad, 'row')} with a problem ${whole ? 'keep their file out' : 'will be left out'}.`}`}
          </span>
          <Button onPress={onClose}>Cancel</Button>
          <Button kind="primary" off={off} onPress={() => ingest.mutate()}>
            {adds === 0 ? 'Ingest' : `Add ${plural(adds, 'row')}`}
          </Button>
        </>
      }
    >
      {ingest.isPending ? <Working work={work} waiting="reading the rows" /> : null}
      {ingest.error === null || wasCancelled(ingest.error) ? null : (
        <Note kind="problem">
          {AppError.from(ingest.error).message} {AppError.from(ingest.error).hint}
        </Note>
      )}
      <div className={c('ingestBar')}>
        <input
          ref={input}
          className={c('hidden')}
          type="file"
          accept=".csv,text/csv"
          multiple
          aria-label="CSV files"
          onChange={(event) => void read(event.target.files)}
        />
        <Button onPress={() => input.current?.click()} takesFocus>
          <Icon of={FileText} />
          Choose files
        </Button>
        <Button
          pressed={choosing}
          onPress={() => setChoosing(!choosing)}
          title="Folder that session_dir of a sessions.csv is relative to"
        >
          {root === null ? 'Folder of the sessions' : `Sessions in ${root.path === '' ? root.root : root.path}`}
        </Button>
        <label className={c('check')}>
          <input type="checkbox" checked={whole} onChange={(event) => setWhole(event.target.checked)} />
          All of a file or nothing of it
        </label>
        <span className={c('grow')} />
        {files.length === 0 ? null : (
          <Button kind="bare" onPress={() => setFiles([])}>
            Begin again
          </Button>
        )}
      </div>
      {choosing ? (
        <div className={c('ingestRoot')}>
          <FolderBrowser chosen={root} onChoose={setRoot} foldersToo />
        </div>
      ) : null}
      <div className={c('ingestBody')} aria-live="polite">
        {files.length === 0 ? (
          <Empty title="No files chosen">
            <p>
              subjects, sessions, behavior_recordings, blocks, trials, events, alignments: as the DataJoint miniscope
              workflow has them. What a file is, its header tells; their order does not matter.
            </p>
          </Empty>
        ) : size > largest ? (
          <Empty title="Too large for a window">
            <p>{off}</p>
          </Empty>
        ) : preview.isPending ? (
          <Loading
            title="Reading"
            step={1}
            steps={1}
            detail="every row, without writing"
            onCancel={() => setFiles([])}
          />
        ) : preview.isError ? (
          <Failed title="They cannot be read as they are" error={preview.error} />
        ) : (
          preview.data.files.map((file) => <FilePreview key={file.name} file={file} />)
        )}
      </div>
    </Dialog>
  );
}

function FilePreview({ file }: { readonly file: FileResult }): ReactElement {
  const tone = file.rolledBack ? 'rec' : file.bad > 0 ? 'warn' : 'ok';
  return (
    <section className={c('ingestFile')} aria-label={file.name}>
      <h4>
        <span className={c('state', tone)}>
          <Icon of={file.rolledBack ? CircleX : file.bad > 0 ? TriangleAlert : Check} />
        </span>
        {file.name}
        <span className={c('dim')}>
          {file.kind.replaceAll('_', ' ')}: {plural(file.rows, 'row')}, {count(file.added)} new, {count(file.present)}{' '}
          there already
          {file.bad === 0 ? '' : `, ${count(file.bad)} with a problem`}
          {file.rolledBack ? '; nothing of this file is kept' : ''}
        </span>
      </h4>
      {file.warnings.map((text) => (
        <Note key={text} kind="warning">
          {text}
        </Note>
      ))}
      {file.problems.length === 0 ? null : (
        <table className={c('counts')}>
          <thead>
            <tr>
              <th scope="col" className={c('num')}>
                Line
              </th>
              <th scope="col">Column</th>
              <th scope="col">Problem</th>
            </tr>
          </thead>
          <tbody>
            {file.problems.slice(0, 100).map((problem) => (
              <tr key={`${problem.line} ${problem.column ?? ''} ${problem.message}`}>
                <td className={c('num')}>{count(problem.line)}</td>
                <td>{problem.column === null ? 'row' : `${String(problem.column)} ${problem.name ?? ''}`}</td>
                <td>{problem.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {file.problems.length > 100 ? (
        <p className={c('padText')}>{count(file.problems.length - 100)} further problems are like these.</p>
      ) : null}
    </section>
  );
}
