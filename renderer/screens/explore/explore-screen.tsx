// SPDX-License-Identifier: MIT
import { Plus } from 'lucide-react';
import { type ReactElement, useEffect, useMemo, useState } from 'react';
import type { ExploreScope } from '../../client/explore.ts';
import { useExploreOptions } from '../../client/explore.ts';
import { useRuns, useSessions } from '../../client/queries.ts';
import { useExplore, useExploreSelection } from '../../stores/explore.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Select } from '../../ui/controls.tsx';
import { count } from '../../ui/format.ts';
import { Dock, type DockApi } from '../../ui/dock/dock.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import styles from './explore.module.css';
import { addView, arrangeExplore, explorePanels, ScopeContext } from './explore-panels.tsx';

const c = classes(styles);

const traceTitles = { dff: 'ΔF/F', denoised: 'denoised', deconvolved: 'deconvolved', raw: 'raw' } as const;

/** Many cells at once: views of one run, of two runs, of several sessions, in panels. */
export function ExploreScreen(): ReactElement {
  const runs = useRuns();
  const wanted = useUi((state) => state.runUuid);
  const finished = useMemo(() => (runs.data ?? []).filter((run) => run.state === 'succeeded'), [runs.data]);
  const run = finished.find((each) => each.uuid === wanted) ?? finished[0];
  const runUuid = run?.uuid ?? null;
  useEffect(() => {
    useExploreSelection.setState({ row: null });
  }, [runUuid]);
  useEffect(() => {
    // What the crumbs and Review speak of is what is seen here.
    if (run !== undefined && run.uuid !== wanted) useUi.setState({ runUuid: run.uuid, sessionUuid: run.sessionUuid });
  }, [run, wanted]);
  if (runs.isError) {
    return (
      <Panel title="Explore">
        <Failed title="The runs could not be read" error={runs.error} onRetry={() => void runs.refetch()} />
      </Panel>
    );
  }
  if (runs.data === undefined) {
    return (
      <Panel title="Explore">
        <Loading title="Opening Explore" step={1} steps={1} detail="reading the list of runs" />
      </Panel>
    );
  }
  if (runUuid === null) {
    return (
      <Panel title="Explore">
        <Empty title="No cells yet" actions={toProcess}>
          <p>
            Process a recording first. Its cells then appear here: their activity and correlations, what they do around
            events, how two runs differ, and which cells are the same on several days.
          </p>
        </Empty>
      </Panel>
    );
  }
  return <Explored key={runUuid} runUuid={runUuid} />;
}

const toProcess = (
  <Button kind="primary" onPress={() => goTo('process')}>
    Go to Process
  </Button>
);

function Explored({ runUuid }: { readonly runUuid: string }): ReactElement {
  const cells = useExplore((state) => state.cells);
  const trace = useExplore((state) => state.trace);
  const [dock, setDock] = useState<DockApi | null>(null);
  const options = useExploreOptions(runUuid);
  const traces = options.data?.traces ?? [];
  const shown = options.data === undefined || traces.includes(trace) ? trace : (traces[0] ?? trace);
  const scope = useMemo<ExploreScope>(() => ({ runUuid, cells, trace: shown }), [runUuid, cells, shown]);
  const empty =
    options.data?.cells.all === 0 ? (
      <Empty title="This run found no cells" actions={toProcess}>
        <p>Process the recording again with lower limits; a try-out shows at once what they find.</p>
      </Empty>
    ) : options.data?.traces.length === 0 ? (
      <Empty
        title="This run holds no traces"
        actions={<Button onPress={() => goTo('review')}>Look at its cells in Review</Button>}
      >
        <p>Its result was loaded without the activity of the cells. Choose another run, or process the recording.</p>
      </Empty>
    ) : null;
  return (
    <div className={c('screen')}>
      <Bar runUuid={runUuid} trace={shown} dock={empty === null ? dock : null} />
      {empty === null ? (
        <ScopeContext.Provider value={scope}>
          <Dock place="explore" panels={explorePanels} arrange={arrangeExplore} onReady={setDock} />
        </ScopeContext.Provider>
      ) : (
        <Panel title="Explore">{empty}</Panel>
      )}
    </div>
  );
}

interface BarProps {
  readonly runUuid: string;
  readonly trace: ExploreScope['trace'];
  /** Null where no views are shown. */
  readonly dock: DockApi | null;
}

/** What all views of a run speak of. */
function Bar({ runUuid, trace, dock }: BarProps): ReactElement {
  const runs = useRuns();
  const sessions = useSessions();
  const cells = useExplore((state) => state.cells);
  const options = useExploreOptions(runUuid);
  const finished = (runs.data ?? []).filter((run) => run.state === 'succeeded');
  const counts = options.data?.cells;
  const label = (name: string, number: number | undefined): string =>
    number === undefined ? name : `${name} ${count(number)}`;
  return (
    <div className={c('bar')}>
      <span className={c('pair runSelect')}>
        Run
        <Select
          label="Run"
          value={runUuid}
          options={finished.map((run) => ({
            value: run.uuid,
            label: `${sessions.data?.find((session) => session.uuid === run.sessionUuid)?.name ?? ''} ${runTitle(run, runs.data ?? [])}`,
          }))}
          onChange={(value) => {
            const run = finished.find((each) => each.uuid === value);
            if (run !== undefined) useUi.setState({ runUuid: run.uuid, sessionUuid: run.sessionUuid });
          }}
        />
      </span>
      <Choice
        label="Cells"
        value={cells}
        options={[
          {
            value: 'kept',
            label: label('Kept', counts?.kept),
            title: 'Accepted cells, and suggested ones nobody has decided on',
          },
          { value: 'accepted', label: label('Accepted', counts?.accepted), title: 'Cells that somebody has accepted' },
          { value: 'all', label: label('All', counts?.all), title: 'Every component that was found' },
        ]}
        onChange={(value) => useExplore.setState({ cells: value })}
      />
      <span className={c('pair')}>
        Trace
        <Select
          label="Trace"
          value={trace}
          options={(options.data?.traces ?? [trace]).map((value) => ({ value, label: traceTitles[value] }))}
          onChange={(value) => useExplore.setState({ trace: value })}
        />
      </span>
      {dock === null ? null : (
        <>
          <span className={c('grow')} />
          <Button kind="bare" size="small" title="Another view of the same run" onPress={() => addView(dock)}>
            <Icon of={Plus} />
            Add a view
          </Button>
        </>
      )}
    </div>
  );
}
