// SPDX-License-Identifier: MIT
import { useMutation } from '@tanstack/react-query';
import { RotateCcw, X } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { AppError, type ExportFormat, type ExportTask, type FolderRef } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useExports } from '../../client/exports.ts';
import { useSessions } from '../../client/queries.ts';
import { useMarked } from '../../stores/marked.ts';
import { report } from '../../stores/messages.ts';
import { useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button, Choice, Note, Select } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { bytes, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { type TypedFacts, metadataOf } from '../../stores/nwb-facts.ts';
import { ExportFacts } from './export-facts.tsx';
import { FolderBrowser } from './folder-browser.tsx';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';
import styles from './exchange.module.css';

const c = classes({ ...shared, ...rooms, ...styles });

/** Forms in words, in the order of how much they keep. */
const formats: ReadonlyArray<{ readonly value: ExportFormat; readonly label: string }> = [
  { value: 'nwb', label: 'NWB (pynwb, DANDI)' },
  { value: 'caiman', label: 'CaImAn HDF5' },
  { value: 'mat', label: 'MATLAB 7.3' },
  { value: 'npy', label: 'NumPy arrays' },
  { value: 'csv', label: 'CSV tables' },
  { value: 'tiff', label: 'TIFF stacks' },
  { value: 'roizip', label: 'ImageJ outlines' },
  { value: 'avi', label: 'Film, every bit (AVI)' },
  { value: 'mp4', label: 'Film for looking (MP4)' },
  { value: 'svg', label: 'Figures (SVG)' },
];

const layers = [
  { value: 'registered', label: 'Registered' },
  { value: 'raw', label: 'As recorded' },
  { value: 'cells', label: 'Cells' },
  { value: 'background', label: 'Background' },
  { value: 'residual', label: 'Residual' },
] as const;
type Layer = (typeof layers)[number]['value'];

/** Writes the results of many sessions in one form into one folder, and shows how far each is. */
export function ExportDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const core = useCore();
  const sessions = useSessions().data ?? [];
  const marked = useMarked((state) => state.uuids);
  const shown = useUi((state) => state.sessionUuid);
  const tasks = useExports();
  const [folder, setFolder] = useState<FolderRef | null>(null);
  const [format, setFormat] = useState<ExportFormat>('nwb');
  const [cells, setCells] = useState<'all' | 'accepted'>('all');
  const [table, setTable] = useState<'tidy' | 'wide'>('tidy');
  const [films, setFilms] = useState<'link' | 'copy'>('link');
  const [layer, setLayer] = useState<Layer>('registered');
  const [contours, setContours] = useState(false);
  const [overwrite, setOverwrite] = useState(false);
  const [facts, setFacts] = useState<TypedFacts>({});
  const wanted = new Set(marked.length > 0 ? marked : shown === null ? [] : [shown]);
  const chosen = sessions.filter(({ uuid }) => wanted.has(uuid));
  const ready = chosen.filter(({ runs }) => runs > 0);
  const told = metadataOf(facts);
  const isFilm = format === 'avi' || format === 'mp4';
  const start = useMutation({
    mutationFn: (into: FolderRef) =>
      core.interop.startExports({
        targets: ready.map(({ uuid }) => uuid),
        folder: { folder: into },
        format,
        overwrite,
        ...(format === 'npy' ? {} : { cells }),
        ...(format === 'csv' ? { table } : {}),
        ...(format === 'nwb' ? { films, metadata: told.metadata } : {}),
        ...(isFilm ? { movie: { layer, contours } } : {}),
      }),
    onSuccess: ({ exports }) => report('info', 'Export', `${plural(exports.length, 'export')} queued.`),
  });
  const without = chosen.length - ready.length;
  const off =
    chosen.length === 0
      ? 'Choose sessions in the list first: tick their boxes.'
      : ready.length === 0
        ? 'None of the chosen sessions has a finished run: process them first.'
        : folder === null
          ? 'Open the folder they shall be written into.'
          : format === 'nwb' && told.wrong.length > 0
            ? 'What is given for nwbinspector cannot be as it is.'
            : start.isPending
              ? 'They are being queued.'
              : undefined;
  return (
    <Dialog
      title={chosen.length === 1 ? `Export “${chosen[0]?.name ?? ''}”` : 'Export'}
      onClose={onClose}
      width={920}
      foot={
        <>
          <span className={c('footText')}>
            {off ??
              `The newest finished run of ${ready.length === 1 ? 'the session' : 'each session'} is written. Exports go on when this window is closed.`}
          </span>
          <Button onPress={onClose}>Close</Button>
          <Button
            kind="primary"
            off={off}
            onPress={() => {
              if (folder !== null) start.mutate(folder);
            }}
          >
            Export {plural(ready.length, 'session')}
          </Button>
        </>
      }
    >
      {start.error === null ? null : (
        <Note kind="problem">
          {AppError.from(start.error).message} {AppError.from(start.error).hint}
        </Note>
      )}
      {without === 0 || ready.length === 0 ? null : (
        <Note kind="warning">
          {plural(without, 'chosen session has', 'chosen sessions have')} no finished run and will be left out.
        </Note>
      )}
      <div className={c('columns')}>
        <div className={c('places')}>
          <FolderBrowser chosen={folder} onChoose={setFolder} foldersToo />
        </div>
        <div className={c('form')}>
          <div className={c('fields')}>
            <span>Into</span>
            <span className={c('folder')}>{folder === null ? 'no folder open' : folder.path || folder.root}</span>
            <span>Form</span>
            <Select label="Form" value={format} options={formats} onChange={setFormat} />
            {format === 'npy' ? null : (
              <>
                <span>Cells</span>
                <Choice
                  label="Cells"
                  value={cells}
                  onChange={setCells}
                  options={[
                    { value: 'all', label: 'All, with their labels' },
                    { value: 'accepted', label: 'Accepted only' },
                  ]}
                />
              </>
            )}
            {format === 'csv' ? (
              <>
                <span>Tables</span>
                <Choice
                  label="Tables"
                  value={table}
                  onChange={setTable}
                  options={[
                    { value: 'tidy', label: 'A row per cell and frame' },
                    { value: 'wide', label: 'A row per frame' },
                  ]}
                />
              </>
            ) : null}
            {format === 'nwb' ? (
              <>
                <span>Films</span>
                <Choice
                  label="Films"
                  value={films}
                  onChange={setFilms}
                  options={[
                    { value: 'link', label: 'Named by their place' },
                    { value: 'copy', label: 'Copied beside it' },
                  ]}
                />
              </>
            ) : null}
            {isFilm ? (
              <>
                <span>Pictures</span>
                <Select label="Pictures" value={layer} options={layers} onChange={setLayer} />
                <label className={c('check full')}>
                  <input type="checkbox" checked={contours} onChange={(event) => setContours(event.target.checked)} />
                  Draw the outlines of the cells
                </label>
              </>
            ) : null}
            <label className={c('check full')}>
              <input type="checkbox" checked={overwrite} onChange={(event) => setOverwrite(event.target.checked)} />
              Replace what is there under the same name
            </label>
          </div>
          {format === 'nwb' && ready.length > 0 ? (
            <ExportFacts
              targets={ready.map(({ uuid }) => uuid)}
              animals={new Set(ready.map(({ subject }) => subject)).size}
              typed={facts}
              onTyped={setFacts}
            />
          ) : null}
          <ExportList tasks={tasks ?? []} />
        </div>
      </div>
    </Dialog>
  );
}

const stateWords: Readonly<Record<ExportTask['state'], string>> = {
  waiting: 'waiting',
  running: 'being written',
  done: 'written',
  failed: 'not written',
  cancelled: 'cancelled',
  interrupted: 'interrupted',
};

/** The exports of this core: progress, cancel, and what each has said. */
function ExportList({ tasks }: { readonly tasks: readonly ExportTask[] }): ReactElement | null {
  const core = useCore();
  const cancel = useMutation({
    mutationFn: (uuids: string[]) => core.interop.cancelExports({ uuids }),
    onError: (error) => report('error', 'Export', AppError.from(error).message),
  });
  const repeat = useMutation({
    mutationFn: (uuids: string[]) => core.interop.repeatExports({ uuids }),
    onError: (error) => report('error', 'Export', AppError.from(error).message),
  });
  const forget = useMutation({ mutationFn: () => core.interop.forgetExports({}) });
  if (tasks.length === 0) return null;
  const live = tasks.filter(({ state }) => state === 'waiting' || state === 'running');
  const done = tasks.filter(({ state }) => state === 'done').length;
  const interrupted = tasks.filter(({ state }) => state === 'interrupted');
  return (
    <section aria-label="Exports">
      <div className={c('heading')}>
        <h3 aria-live="polite">
          {live.length === 0
            ? `${done} of ${plural(tasks.length, 'export')} written`
            : `${plural(live.length, 'export')} to go`}
        </h3>
        {live.length > 1 ? (
          <Button size="small" onPress={() => cancel.mutate(live.map(({ uuid }) => uuid))}>
            Cancel all
          </Button>
        ) : null}
        {interrupted.length > 1 ? (
          <Button size="small" onPress={() => repeat.mutate(interrupted.map(({ uuid }) => uuid))}>
            Interrupted ones again
          </Button>
        ) : null}
        {live.length < tasks.length ? (
          <Button size="small" kind="bare" onPress={() => forget.mutate()}>
            Clear ended
          </Button>
        ) : null}
      </div>
      <ul className={c('tasks')}>
        {tasks.map((task) => (
          <li key={task.uuid} aria-label={`${task.name}, ${task.format}`}>
            <span className={c('taskName')} title={task.name}>
              {task.name}
            </span>
            {task.state === 'running' ? (
              <Bar label={`Export of ${task.name}`} value={task.fraction} width={128} />
            ) : (
              <span className={c('taskState', task.state === 'done' && 'ok', task.state === 'failed' && 'rec')}>
                {stateWords[task.state]}
              </span>
            )}
            {task.state === 'waiting' || task.state === 'running' ? (
              <Button
                kind="bare"
                size="small"
                square
                label={`Cancel the export of ${task.name}`}
                onPress={() => cancel.mutate([task.uuid])}
              >
                <Icon of={X} size={12} />
              </Button>
            ) : task.state === 'done' ? (
              <span />
            ) : (
              <Button
                kind="bare"
                size="small"
                square
                label={`Export ${task.name} again`}
                onPress={() => repeat.mutate([task.uuid])}
              >
                <Icon of={RotateCcw} size={12} />
              </Button>
            )}
            <Said task={task} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Said({ task }: { readonly task: ExportTask }): ReactElement {
  if (task.error !== null)
    return (
      <span className={c('said bad')}>
        {task.error.message} {task.error.hint}
      </span>
    );
  if (task.state === 'interrupted')
    return (
      <span className={c('said')}>
        {task.format}: the workstation ended before it was written; nothing half-written stays.
      </span>
    );
  if (task.state === 'running') return <span className={c('said')}>{`${task.format}: ${task.step}`}</span>;
  if (task.written === null) return <span className={c('said')}>{task.format}</span>;
  const wrote = `${task.written}, ${bytes(task.bytes)}`;
  if (task.findings.length === 0) return <span className={c('said')}>{wrote}</span>;
  return (
    <details className={c('said')}>
      <summary>
        {wrote}, {plural(task.findings.length, 'remark')}
      </summary>
      <ul>
        {task.findings.map((finding) => (
          <li key={`${finding.check} ${finding.message}`}>
            {finding.message} {finding.remedy}
          </li>
        ))}
      </ul>
    </details>
  );
}
