// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { Check, CircleX, Library, TriangleAlert, Workflow } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { AcquireReport, AcquireScopeReport } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { useSessions } from '../../client/queries.ts';
import { presets } from '../../stores/parameters.ts';
import { useProcess } from '../../stores/process.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Select } from '../../ui/controls.tsx';
import { bytes, count, decimal, plural, unknown } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Failed, Loading, Panel } from '../../ui/panel.tsx';
import { styles } from './styles.ts';
import { IntervalPlot, OverTime } from './report-plots.tsx';
import { wholeClock } from './session-bar.tsx';

const c = classes(styles);

/** What was lost and when, in one sentence. */
export function headline({ saved, expected, missing, gaps, failure, stopped }: AcquireScopeReport): string {
  if (failure !== null || stopped !== null) return `Recording stopped by a fault. ${count(saved)} frames are saved.`;
  if (missing === null || expected === null)
    return `Recording saved with ${count(saved)} frames. How many are missing is unknown.`;
  if (missing === 0) return `Recording saved. All ${count(saved)} frames are there.`;
  const [first] = gaps;
  const where =
    first === undefined
      ? ''
      : gaps.length === 1
        ? `, at ${wholeClock(first.timeS)}`
        : `, first at ${wholeClock(first.timeS)}`;
  return `Recording saved. ${count(missing)} of ${count(expected)} frames ${missing === 1 ? 'is' : 'are'} missing${where}.`;
}

/** The scope of a recording that needs a look first: one that was ended, one with an unknown loss, then the greatest loss. */
export function worstOf(report: AcquireReport): AcquireScopeReport {
  const rank = ({ failure, stopped, missing }: AcquireScopeReport): number =>
    failure !== null || stopped !== null ? Infinity : (missing ?? Number.MAX_SAFE_INTEGER);
  return [report, ...report.others].reduce<AcquireScopeReport>(
    (worst, one) => (rank(one) > rank(worst) ? one : worst),
    report,
  );
}

function detail(report: AcquireScopeReport): string {
  const { failure, stopped, missing, knownMissing, interruptions, unreadCounters, badOrientations, blackFrames } =
    report;
  const away = interruptions.reduce((sum, { seconds }) => sum + seconds, 0);
  const parts = [
    stopped ?? failure ?? '',
    missing === 0 && stopped === null && failure === null ? 'By the board’s own counter.' : '',
    missing !== null && missing > 0
      ? report.gaps.length > 1
        ? 'The gaps are marked in the recording; every later step knows them.'
        : 'The gap is marked in the recording; every later step knows it.'
      : '',
    interruptions.length > 0
      ? `No frame came ${interruptions.length === 1 ? 'once' : `${String(interruptions.length)} times`}, for ${decimal(away, 1)} s in all, and the board’s counter says nothing of that time.`
      : '',
    missing === null && interruptions.length === 0 ? 'The board’s counter could not be read; nothing is invented.' : '',
    missing === null && knownMissing > 0 ? `${count(knownMissing)} are missing for certain.` : '',
    blackFrames > 0
      ? `${plural(blackFrames, 'frame')} ${blackFrames === 1 ? 'is' : 'are'} black: the scope had no link.`
      : '',
    unreadCounters > 0 ? `${plural(unreadCounters, 'counter')} could not be read.` : '',
    badOrientations > 0 ? `${plural(badOrientations, 'orientation')} came disturbed.` : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** The integrity report of the last recording, and the ways on. */
export function ReportPage({ reportId }: { readonly reportId: number }): ReactElement {
  const core = useCore();
  const report = useQuery({
    queryKey: ['acquire-report', reportId],
    queryFn: ({ signal }) => core.acquire.report({}, { signal }),
  });
  if (report.isError)
    return <Failed title="The report cannot be read" error={report.error} onRetry={() => void report.refetch()} />;
  if (report.data == null) return <Loading title="Report" step={1} steps={1} detail="reading what was saved" />;
  return <Report report={report.data} onQueued={() => void report.refetch()} />;
}

interface ReportProps {
  readonly report: AcquireReport;
  readonly onQueued: () => void;
}

function Report({ report, onQueued }: ReportProps): ReactElement {
  const scopes = [report, ...report.others];
  const worst = worstOf(report);
  const [device, setDevice] = useState(worst.device);
  const shown = scopes.find((one) => one.device === device) ?? worst;
  const { durationS, saved, expected } = shown;
  const isEnded = worst.failure !== null || worst.stopped !== null;
  const tone = isEnded ? 'bad' : worst.missing === 0 ? 'good' : 'warn';
  const camera = report.cameras.find((one) => one.failure !== null || one.stopped !== null);
  return (
    <div className={c('report')}>
      <div className={c('reportMain')}>
        <header className={c('verdict')}>
          <span className={c(tone)}>
            <Icon of={isEnded ? CircleX : worst.missing === 0 ? Check : TriangleAlert} size={20} />
          </span>
          <div>
            <h1>
              {scopes.length === 1 ? '' : `${worst.device}: `}
              {headline(worst)}
            </h1>
            <p>{detail(worst)}</p>
            {camera === undefined ? null : (
              <p className={c('warn')}>
                {camera.device}: {camera.failure ?? camera.stopped} {count(camera.saved)} pictures are saved.
              </p>
            )}
          </div>
          {scopes.length === 1 ? null : (
            <Choice
              label="Scope that is shown"
              value={shown.device}
              options={scopes.map((one) => ({ value: one.device, label: one.device }))}
              onChange={setDevice}
            />
          )}
        </header>
        <dl className={c('figures')}>
          <Figure name="Length" value={wholeClock(durationS)} />
          <Figure name="Saved" value={count(saved)} unit={expected === null ? 'frames' : `of ${count(expected)}`} />
          <Figure name="Longest interval" value={decimal(shown.longestIntervalMs, 0)} unit="ms" />
          <Figure name="Jitter, p99" value={decimal(shown.jitterMs, 1)} unit="ms" />
          <Figure name="Fullest buffer" value={String(shown.bufferHighWater)} unit="of 128 frames" />
        </dl>
        <div className={c('plots')}>
          <Panel title="Over time" meta="bright = measured, amber = lost">
            <OverTime report={shown} />
          </Panel>
          <Panel title="Time between frames" meta={`frames in each ${String(shown.intervals.binMs)} ms`}>
            <IntervalPlot report={shown} />
          </Panel>
        </div>
        <div className={c('tables')}>
          <Files report={report} />
          <Marks report={shown} marks={report.marks} />
        </div>
      </div>
      <Next report={report} onQueued={onQueued} />
    </div>
  );
}

function Figure({
  name,
  value,
  unit = '',
}: {
  readonly name: string;
  readonly value: string;
  readonly unit?: string;
}): ReactElement {
  return (
    <div className={c('tele')}>
      <dt>{name}</dt>
      <dd>
        {value}
        <small>{value === unknown ? '' : unit}</small>
      </dd>
    </div>
  );
}

function Files({ report }: { readonly report: AcquireReport }): ReactElement {
  const films = [report, ...report.others, ...report.cameras].flatMap(({ device, files }) =>
    files.map((file) => ({ ...file, name: `${device}/${file.name}` })),
  );
  const total = films.reduce((sum, file) => sum + file.bytes, 0);
  return (
    <Panel title="Files" meta={`${plural(films.length, 'film')}, ${bytes(total)}; integrity.json beside them`} scroll>
      <table className={c('table')}>
        <thead>
          <tr>
            <th>File</th>
            <th className={c('num')}>Frames</th>
            <th className={c('num')}>Size</th>
            <th>SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {films.map((file) => (
            <tr key={file.name}>
              <td>{file.name}</td>
              <td className={c('num')}>{count(file.frames)}</td>
              <td className={c('num')}>{bytes(file.bytes)}</td>
              <td>
                <code title={file.sha256}>{file.sha256.slice(0, 12)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

/** The recordings of a session that some devices made; a device's folder has no spaces. */
export function chosenRecordings(
  recordings: readonly { readonly uuid: string; readonly device: string }[],
  devices: readonly string[],
): readonly string[] {
  const folder = (device: string): string => device.replaceAll(' ', '_');
  const wanted = new Set(devices.map(folder));
  return recordings.filter(({ device }) => wanted.has(folder(device))).map(({ uuid }) => uuid);
}

const kinds = { note: 'Note', setting: 'Setting', warning: 'Warning', lost: 'Frames' } as const;

function Marks({
  report,
  marks,
}: {
  readonly report: AcquireScopeReport;
  readonly marks: AcquireReport['marks'];
}): ReactElement {
  const lost = report.gaps.map(({ timeS, frames, where }) => ({
    timeS,
    kind: 'lost' as const,
    text: `${String(frames)} ${where === 'disk' ? 'not saved: the disk did not keep up' : 'lost on the way from the scope'}`,
  }));
  const silent = report.interruptions.map(({ timeS, seconds }) => ({
    timeS,
    kind: 'lost' as const,
    text: `no frame for ${decimal(seconds, 1)} s; how many the scope made meanwhile is unknown`,
  }));
  const own = report.marks === marks ? [] : report.marks;
  const rows = [...marks, ...own, ...lost, ...silent].sort((a, b) => a.timeS - b.timeS);
  return (
    <Panel title="Notes and changes" meta={String(rows.length)} scroll>
      {rows.length === 0 ? (
        <p className={c('none')}>Nothing was noted or changed.</p>
      ) : (
        <table className={c('table')}>
          <thead>
            <tr>
              <th>At</th>
              <th>Kind</th>
              <th>What</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ timeS, kind, text }, n) => (
              // oxlint-disable-next-line react/no-array-index-key -- the list never changes
              <tr key={n}>
                <td>{wholeClock(timeS)}</td>
                <td className={c(kind === 'warning' || kind === 'lost' ? 'warn' : '')}>{kinds[kind]}</td>
                <td className={c('wrap')}>{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function Next({ report, onQueued }: ReportProps): ReactElement {
  const core = useCore();
  const { sessionUuid, importProblem } = report;
  const scopes = [report, ...report.others].map(({ device }) => device);
  const [left, setLeft] = useState<readonly string[]>([]);
  const wanted = scopes.filter((device) => !left.includes(device));
  const sessions = useSessions();
  const notThere = sessionUuid === null ? (importProblem ?? 'It is not in the library.') : undefined;
  const off = notThere ?? (wanted.length === 0 ? 'No scope is chosen.' : undefined);
  const prepare = (): void => {
    const session = sessions.data?.find(({ uuid }) => uuid === sessionUuid);
    const chosen = chosenRecordings(session?.recordings ?? [], wanted);
    // What Process begins with when the list is not here yet is the session's first recording.
    if (chosen.length > 0) useProcess.setState({ chosen, joined: false });
    goTo('process', { sessionUuid, runUuid: null, followedRunUuid: null });
  };
  return (
    <aside className={c('next')} aria-label="Next">
      <Panel title="Next">
        <div className={c('nextActs')}>
          {scopes.length === 1 ? null : (
            <fieldset className={c('scopes')}>
              <legend className={c('lab')}>Scopes to process, a run each</legend>
              {scopes.map((device) => (
                <label key={device}>
                  <input
                    type="checkbox"
                    checked={!left.includes(device)}
                    onChange={({ target: { checked } }) =>
                      setLeft((before) => (checked ? before.filter((one) => one !== device) : [...before, device]))
                    }
                  />
                  {device}
                </label>
              ))}
            </fieldset>
          )}
          <Button kind="primary" size="big" off={off} onPress={prepare}>
            <Icon of={Workflow} />
            Process this recording
          </Button>
          <QueueRow report={report} wanted={wanted} off={off} onQueued={onQueued} />
          <Button size="big" off={notThere} onPress={() => goTo('library', { sessionUuid })}>
            <Icon of={Library} />
            Show in Library
          </Button>
          <Button size="big" onPress={() => void atRig('Record again', core.acquire.again({}))}>
            <span className={c('ring')} />
            Record again with this set-up
          </Button>
          <p className={c('quiet')}>The light is off while the report is open; it comes on again with the picture.</p>
          {importProblem === null ? null : <p className={c('warn')}>Not in the library: {importProblem}</p>}
        </div>
        <dl className={c('facts')}>
          <dt>Folder</dt>
          <dd>{report.folder}</dd>
          {report.settings.map(({ label, shown }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{shown}</dd>
            </div>
          ))}
          <dt>Counter</dt>
          <dd>{report.expected === null ? 'unknown' : `hardware, ${count(report.expected)}`}</dd>
          <dt>Mean level</dt>
          <dd>{decimal(report.meanGrey, 1)}</dd>
          <dt>Saturated</dt>
          <dd>{report.saturatedShare === null ? unknown : `${decimal(100 * report.saturatedShare, 3)} %`}</dd>
          <dt>Broken payloads</dt>
          <dd>{count(report.corrupt.short + report.corrupt.unended + report.corrupt.badHeaders)}</dd>
        </dl>
      </Panel>
    </aside>
  );
}

/** Processing with a preset, without a look at its parameters. */
function QueueRow({
  report,
  wanted,
  off,
  onQueued,
}: ReportProps & { readonly wanted: readonly string[]; readonly off: string | undefined }): ReactElement {
  const core = useCore();
  const [preset, setPreset] = useState('balanced');
  const [isQueueing, setQueueing] = useState(false);
  const { queued } = report;
  const devices = wanted.filter((device) => queued?.devices.includes(device) !== true);
  if (queued !== null && devices.length === 0) {
    const label = presets.find(({ name }) => name === queued.preset)?.label ?? queued.preset;
    const [runUuid = null] = queued.runUuids;
    const which = report.others.length === 0 ? '' : ` of ${queued.devices.join(', ')}`;
    return (
      <>
        <p className={c('quiet')}>
          Processing{which} is queued with the preset {label}. It waits while a scope records on this computer.
        </p>
        <Button
          size="big"
          onPress={() => goTo('process', { sessionUuid: report.sessionUuid, runUuid: null, followedRunUuid: runUuid })}
        >
          Follow it in Process
        </Button>
      </>
    );
  }
  const queue = async (): Promise<void> => {
    setQueueing(true);
    if (await atRig('Queue processing', core.acquire.process({ preset, devices }))) onQueued();
    setQueueing(false);
  };
  return (
    <span className={c('buttons')}>
      {queued === null ? null : <span className={c('quiet')}>{queued.devices.join(', ')} queued already.</span>}
      <Button off={off ?? (isQueueing ? 'It is being queued.' : undefined)} onPress={() => void queue()}>
        Queue processing
      </Button>
      <Select
        label="Preset"
        value={preset}
        options={presets.map(({ name, label }) => ({ value: name, label }))}
        onChange={setPreset}
      />
    </span>
  );
}
