// SPDX-License-Identifier: MIT
import type { UseQueryResult } from '@tanstack/react-query';
import { FolderInput, Play, Plus, X } from 'lucide-react';
import type { ReactElement } from 'react';
import { AppError, type SessionRow } from '../../../main/contract/index.ts';
import type { Plan } from '../../client/queries.ts';
import { addSet, removeSet, toggleRecording, useProcess } from '../../stores/process.ts';
import { goTo, showOverlay, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Note } from '../../ui/controls.tsx';
import { about, bytes, count, decimal, duration, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { Thumbnail } from '../library/thumbnail.tsx';
import type { Candidate } from './candidates.ts';
import { styles } from './styles.ts';

const c = classes(styles);

interface RecordingsProps {
  readonly sessions: UseQueryResult<SessionRow[]>;
  readonly candidates: readonly Candidate[];
  readonly chosen: readonly Candidate[];
  /** Runs that would be queued. */
  readonly runs: number;
  readonly plan: UseQueryResult<Plan> | undefined;
  /** Of all runs; undefined until every plan is there. */
  readonly cost: Pick<Plan, 'frames' | 'seconds' | 'memoryBytes' | 'scratchBytes'> | undefined;
  /** Why a run cannot start now. */
  readonly off: string | undefined;
  /** Number of changed settings. */
  readonly changed: number;
  readonly error: unknown;
  readonly onRun: () => void;
}

/** Which recordings go in, in which order, what it will cost, and Run. */
export function RecordingsPanel(props: RecordingsProps): ReactElement {
  const { sessions, candidates, chosen } = props;
  const importFolder = (): void => {
    goTo('library');
    showOverlay('import');
  };
  return (
    <Panel
      title="Recordings"
      meta={candidates.length === 0 ? 'none' : `${count(chosen.length)} of ${count(candidates.length)} chosen`}
      end={
        <Button kind="bare" size="small" square label="Import a folder" title="Import a folder" onPress={importFolder}>
          <Icon of={FolderInput} />
        </Button>
      }
    >
      {sessions.isPending ? (
        <Loading title="Opening the library" step={1} steps={1} detail="reading the recordings" />
      ) : sessions.isError ? (
        <Failed
          title="The recordings could not be read"
          error={sessions.error}
          onRetry={() => void sessions.refetch()}
        />
      ) : candidates.length === 0 ? (
        <Empty
          title="No recordings yet"
          actions={
            <Button kind="primary" onPress={() => goTo('library')}>
              Go to Library
            </Button>
          }
        >
          <p>Open the sample session or import a folder in Library; its recordings then appear here.</p>
        </Empty>
      ) : (
        <>
          <ul className={c('list')} aria-label="Recordings">
            {candidates.map((candidate) => (
              <RecordingItem
                key={candidate.recording.uuid}
                candidate={candidate}
                position={chosen.findIndex((other) => other.recording.uuid === candidate.recording.uuid)}
                several={chosen.length > 1}
              />
            ))}
          </ul>
          <RunBox {...props} />
        </>
      )}
    </Panel>
  );
}

interface ItemProps {
  readonly candidate: Candidate;
  readonly position: number;
  readonly several: boolean;
}

function RecordingItem({ candidate, position, several }: ItemProps): ReactElement {
  const { session, recording } = candidate;
  const id = `recording-${recording.uuid}`;
  return (
    <li className={c('item')} data-chosen={position >= 0}>
      <input
        type="checkbox"
        id={id}
        checked={position >= 0}
        onChange={() => {
          toggleRecording(recording.uuid);
          useUi.setState({ sessionUuid: session.uuid });
        }}
      />
      <Thumbnail sessionUuid={session.uuid} name={session.name} wanted={session.runs > 0 || session.filesPresent} />
      <label htmlFor={id}>
        <b title={session.name}>
          {session.name}
          {session.recordings.length > 1 ? `, ${recording.device}` : ''}
        </b>
        <small>
          {/* What has no room is left out whole. */}
          <span>{count(recording.frames)} frames</span>
          <span> · {duration(recording.durationS)}</span>
          <span>
            {' '}
            · {recording.width} × {recording.height} px
          </span>
        </small>
      </label>
      {several && position >= 0 ? <span className={c('order')}>{position + 1}.</span> : null}
    </li>
  );
}

function RunBox({ chosen, runs, plan, cost: whole, off, changed, error, onRun }: RecordingsProps): ReactElement {
  const { joined, sets } = useProcess();
  const steps = plan?.data?.steps.filter((step) => step.state === 'will-run').length;
  const cost = off === undefined ? whole : undefined;
  return (
    <div className={c('runBox')}>
      {chosen.length > 1 ? (
        <Choice
          label="What several recordings become"
          value={joined ? 'joined' : 'each'}
          options={[
            { value: 'each', label: 'A run each' },
            { value: 'joined', label: 'Joined', title: 'One run over recordings of one field, in this order' },
          ]}
          onChange={(value) => useProcess.setState({ joined: value === 'joined' })}
        />
      ) : null}
      {chosen.length > 1 && joined ? (
        <p className={c('dim')}>{plural(chosen.length, 'recording')} of one field, joined in this order.</p>
      ) : null}
      {off === undefined ? null : <p className={c('dim')}>{off}</p>}
      {cost === undefined ? null : (
        <p className={c('dim')}>
          {steps === 0 ? 'Every step is cached' : `${plural(steps ?? 0, 'step')} will run`} on{' '}
          {plural(cost.frames, 'frame')}
          {runs > 1 ? ` in ${plural(runs, 'run')}` : ''}
          {cost.seconds === null
            ? '; how long is not known on this machine yet'
            : `: ${about(cost.seconds * (sets.length + 1))}`}
          , {bytes(cost.memoryBytes)} of memory at most
          {cost.scratchBytes === null ? '' : `, ${bytes(cost.scratchBytes)} on the disk`}
          {plan?.data?.bin == null ? '' : `, binned ${String(plan.data.bin)} × ${String(plan.data.bin)}`}.
        </p>
      )}
      {changed === 0 ? null : <p className={c('hi')}>{plural(changed, 'setting')} changed against the defaults</p>}
      <Sets changed={changed} />
      {plan?.data?.warnings.map((warning) => (
        <Note key={warning} kind="warning">
          {warning}
        </Note>
      ))}
      {plan?.isError === true && off === undefined ? (
        <Note kind="problem">{AppError.from(plan.error).message}</Note>
      ) : null}
      {error === null ? null : <Note kind="problem">{AppError.from(error).message}</Note>}
      <Button kind="primary" onPress={onRun} off={off} keys="Mod+Enter">
        <Icon of={Play} />
        {runs > 1 ? `Run ${plural(runs, 'run')}` : 'Run'}
      </Button>
      <span className={c('dim')}>
        {chosen.length === 1 && chosen[0] !== undefined
          ? `${decimal(chosen[0].recording.fps, 2)} fps, ${chosen[0].recording.codec}. Results are new versions; nothing is overwritten.`
          : 'Results are new versions; nothing is overwritten.'}
      </span>
    </div>
  );
}

/** Settings that are run beside those of the form, to be compared. */
function Sets({ changed }: { readonly changed: number }): ReactElement {
  const sets = useProcess((state) => state.sets);
  const named = sets.length === 0 && changed === 0 ? 'the defaults' : `set ${String.fromCodePoint(65 + sets.length)}`;
  return (
    <div className={c('sets')}>
      {sets.map((set) => (
        <span key={set.name} className={c('setName')}>
          {set.name}
          <Button kind="bare" size="small" square label={`Take out ${set.name}`} onPress={() => removeSet(set.name)}>
            <Icon of={X} size={12} />
          </Button>
        </span>
      ))}
      <Button
        kind="bare"
        size="small"
        title="Keep these settings as one set, change the form, and run both to compare them"
        onPress={() => addSet(named)}
      >
        <Icon of={Plus} size={12} />
        {sets.length === 0 ? 'Compare settings' : 'Add a set'}
      </Button>
      {sets.length === 0 ? null : <span className={c('dim')}>and the form</span>}
    </div>
  );
}
