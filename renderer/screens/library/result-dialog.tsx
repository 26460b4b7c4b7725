// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type FolderRef } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useTicket, useWork } from '../../client/exports.ts';
import { keys, useSession } from '../../client/queries.ts';
import { report } from '../../stores/messages.ts';
import { goTo, usePerson, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Field, Note, Select } from '../../ui/controls.tsx';
import { count, decimal, plural } from '../../ui/format.ts';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { FolderBrowser } from './folder-browser.tsx';
import { ImportShell } from './import-shell.tsx';
import { styles as shared } from './styles.ts';
import styles from './exchange.module.css';

const c = classes({ ...shared, ...styles });

/** Adds another program's result, or a person's outlines, to a session as a run that can be reviewed and compared. */
export function ResultDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const sessionUuid = useUi((state) => state.sessionUuid);
  const shown = useSession(sessionUuid).data;
  const session = shown?.session;
  const scopes = session?.recordings ?? [];
  const [given, setGiven] = useState<string | null>(null);
  const recording = given ?? scopes[0]?.uuid ?? '';
  const [chosen, setChosen] = useState<FolderRef | null>(null);
  const [fps, setFps] = useState('');
  const me = usePerson((state) => state.rater?.initials ?? '');
  const [drawnBy, setDrawnBy] = useState(me);
  const rate = Number(fps);
  const rateGiven = fps.trim() !== '' && Number.isFinite(rate) && rate > 0;
  const choice = { ...(recording === '' ? {} : { recordingUuid: recording }), ...(rateGiven ? { fps: rate } : {}) };
  const known = useQuery({
    queryKey: ['recognised', chosen],
    queryFn: ({ signal }) =>
      chosen === null
        ? Promise.resolve({ kind: null })
        : core.results.recognise({ source: { folder: chosen } }, { signal }),
    enabled: chosen !== null,
    staleTime: 0,
    retry: false,
  });
  const isResult = known.data !== undefined && known.data.kind !== null;
  const [look, setLook] = useState<string | null>(null);
  const looked = useTicket(look);
  const preview = useQuery({
    queryKey: ['result-preview', chosen, recording, rateGiven ? rate : null],
    queryFn: ({ signal }) => {
      if (chosen === null) return Promise.reject(new AppError('usage.invalid', 'Nothing is chosen.'));
      const ticket = crypto.randomUUID();
      setLook(ticket);
      return core.results.preview({ source: { folder: chosen }, ...choice, ticket }, { signal });
    },
    enabled: chosen !== null && isResult,
    staleTime: 0,
    retry: false,
  });
  const areOutlines = known.data?.kind?.program === 'outlines';
  const rater = drawnBy.trim();
  // The newest result of the same session, another person's outlines among them.
  const other = shown?.runs.find(({ state }) => state === 'succeeded');
  const agreement = useQuery({
    queryKey: ['outlines and run', chosen, other?.uuid],
    queryFn: ({ signal }) =>
      chosen === null || other === undefined
        ? Promise.resolve(null)
        : core.results.outlineAgreement({ first: { folder: chosen }, second: { runUuid: other.uuid } }, { signal }),
    enabled: areOutlines && chosen !== null && other !== undefined && recording !== '',
    staleTime: 0,
    retry: false,
  });
  const work = useWork();
  const add = useMutation({
    mutationFn: (folder: FolderRef) =>
      work.run((ticket, signal) =>
        core.results.import(
          { source: { folder }, ...choice, ...(areOutlines && rater !== '' ? { rater } : {}), ticket },
          { signal },
        ),
      ),
    onSuccess: async ({ run, program }) => {
      for (const queryKey of [keys.sessions, keys.session(run.sessionUuid), keys.runs])
        await queries.invalidateQueries({ queryKey });
      report('info', 'Import', `The result of ${program} is a run now: it can be reviewed and compared.`);
      goTo('library', { sessionUuid: run.sessionUuid });
    },
  });
  const off =
    chosen === null
      ? 'Choose a file, or open the folder of a result.'
      : !isResult
        ? 'What is open is no result that can be read.'
        : preview.data === undefined
          ? preview.isError
            ? 'It cannot be imported as it is.'
            : 'It is being read.'
          : undefined;
  return (
    <ImportShell
      title="Import a result of another program"
      onClose={onClose}
      chosen={chosen}
      off={off}
      ready="The file is read, not changed. It becomes a run of its own."
      importing={add}
      work={work}
      waiting="reading the result"
    >
      <div className={c('columns')}>
        <div className={c('places')}>
          <FolderBrowser chosen={chosen} onChoose={setChosen} foldersToo files="results" />
        </div>
        <div className={c('form')} aria-live="polite">
          <div className={c('fields')}>
            <span>Belongs to</span>
            <Select
              label="Belongs to"
              value={recording}
              onChange={setGiven}
              options={[
                ...scopes.map(({ uuid, device }) => ({ value: uuid, label: `${session?.name ?? ''}, ${device}` })),
                { value: '', label: 'A session of its own' },
              ]}
            />
            <label htmlFor="result-fps">Frames per second</label>
            <Field
              id="result-fps"
              label="Frames per second"
              number
              value={fps}
              onChange={setFps}
              wrong={fps.trim() !== '' && !rateGiven}
              placeholder="as the file or the recording says"
            />
            {areOutlines ? (
              <>
                <label htmlFor="result-rater">Drawn by</label>
                <Field
                  id="result-rater"
                  label="Drawn by"
                  value={drawnBy}
                  onChange={setDrawnBy}
                  maxLength={8}
                  placeholder="initials; every outline is then accepted by them"
                />
              </>
            ) : null}
          </div>
          {chosen === null || (known.data !== undefined && !isResult) ? (
            <Empty title={chosen === null ? 'Nothing chosen' : 'No result here yet'}>
              <p>
                CaImAn (.hdf5), MiniAn (its folder of zarr), suite2p (its folder), MIN1PIPE, CNMF-E and CellReg (.mat),
                NWB (.nwb), Inscopix cell sets (.isxd), outlines of ImageJ (.zip, .roi): choose the file, or open the
                folder.
              </p>
            </Empty>
          ) : known.isError ? (
            <Failed title="This cannot be read" error={known.error} />
          ) : known.isPending || preview.isPending ? (
            <Loading
              title="Reading the result"
              step={1}
              steps={1}
              share={looked?.fraction}
              detail={`${looked?.step ?? 'opening it'}; whole, so that what is wrong is told now`}
              onCancel={() => setChosen(null)}
            />
          ) : preview.isError ? (
            <Failed
              title="This cannot be imported"
              error={preview.error}
              onRetry={() => void preview.refetch()}
              retryLabel="Look again"
            />
          ) : (
            <div className={c('answer')}>
              <dl className={c('facts2')}>
                <dt>Recognised as</dt>
                <dd>
                  {known.data.kind?.title} {preview.data.version}
                </dd>
                <dt>Cells</dt>
                <dd>{count(preview.data.cells)}</dd>
                <dt>Picture</dt>
                <dd>
                  {preview.data.width} × {preview.data.height} px
                </dd>
                <dt>Frames</dt>
                <dd>
                  {plural(preview.data.frames, 'frame')}
                  {preview.data.fps === null ? '' : `, ${decimal(preview.data.fps, 2)} fps`}
                </dd>
                {agreement.data === undefined || agreement.data === null ? null : (
                  <>
                    <dt>Beside {other?.name ?? 'the newest run'}</dt>
                    <dd>
                      {count(agreement.data.pairs.length)} in both, {count(agreement.data.onlyFirst.length)} only drawn,{' '}
                      {count(agreement.data.onlySecond.length)} only in the run
                      {agreement.data.f1 === null ? '' : `, F1 ${decimal(agreement.data.f1, 2)}`}
                    </dd>
                  </>
                )}
              </dl>
              {preview.data.findings.map((text) => (
                <Note key={text} kind="warning">
                  {text}
                </Note>
              ))}
            </div>
          )}
        </div>
      </div>
    </ImportShell>
  );
}
