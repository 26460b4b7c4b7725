// SPDX-License-Identifier: MIT
import { type ReactElement, useCallback, useEffect, useMemo, useState } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useConnection, useCore } from '../../client/context.ts';
import { type LiveFeed, liveFeedOf } from '../../client/live.ts';
import { chosenOf, named, roisOf, scopesOf, useAcquire, useLiveView, useRigLayout } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { Choice } from '../../ui/controls.tsx';
import { Loading } from '../../ui/panel.tsx';
import { acquireCommands } from './acquire-commands.ts';
import { styles } from './styles.ts';
import { CompanionTiles } from './companion-tiles.tsx';
import { ControlStrip } from './control-strip.tsx';
import { DisplayPanel } from './display-panel.tsx';
import { HeadPanel } from './head-panel.tsx';
import { Divider, footHeight } from './layout.tsx';
import { LivePicture } from './live-picture.tsx';
import { NoScope } from './no-scope.tsx';
import { NoteDialog } from './note-dialog.tsx';
import { PlanPanel } from './plan-panel.tsx';
import { PreflightDrawer } from './preflight-drawer.tsx';
import { QualityPanel } from './quality-panel.tsx';
import { ReportPage } from './report-page.tsx';
import { RigMessages } from './rig-messages.tsx';
import { SessionBar } from './session-bar.tsx';
import { TracesPanel } from './traces-panel.tsx';

const c = classes(styles);

/** The rig: connect, focus, light, record, stop, and what was recorded. */
export function AcquireScreen(): ReactElement {
  const core = useCore();
  const commands = useMemo(() => acquireCommands(core), [core]);
  useCommands(commands);
  const status = useAcquire((state) => state.status);
  const noteOpen = useAcquire((state) => state.noteOpen);
  return (
    <div className={c('screen')}>
      {status === null ? (
        <Loading title="Acquire" step={1} steps={1} detail="asking what the rig does" />
      ) : status.mode === 'report' && status.reportId !== null ? (
        <ReportPage reportId={status.reportId} />
      ) : status.device === null || status.mode === 'connecting' ? (
        <>
          <SessionBar status={status} />
          <NoScope status={status} />
        </>
      ) : (
        <Rig status={status} />
      )}
      {noteOpen && status?.mode === 'recording' ? <NoteDialog /> : null}
    </div>
  );
}

function Rig({ status }: { readonly status: AcquireStatus }): ReactElement {
  const connection = useConnection();
  const preflightOpen = useAcquire((state) => state.preflightOpen);
  const wanted = useLiveView((state) => state.chosen);
  const { left, foot } = useRigLayout();
  const { scopeName } = status;
  const feedOf = useCallback(
    (scope: string) => liveFeedOf(connection, scope === scopeName ? undefined : scope),
    [connection, scopeName],
  );
  const scope = chosenOf(status, wanted);
  if (scope === undefined) return <Loading title="Acquire" step={1} steps={1} detail="asking what the rig does" />;
  const { name } = scope;
  const feed = feedOf(name);
  const { cameras, scopes } = status.companions;
  const hasCompanions = cameras.length + scopes.length > 0;
  const isOneOfMany = scopes.length > 0;
  const titleOf = (what: string): string => (isOneOfMany ? `${what} of ${name}` : what);
  const isRecording = status.mode === 'recording' || status.mode === 'finishing';
  return (
    <>
      {scopesOf(status).map((each) => (
        <FollowScope key={each.name} status={status} scope={each.name} feed={feedOf(each.name)} />
      ))}
      <SessionBar status={status} />
      {status.recording === null || status.recording.confirmed ? null : (
        <p className={c('doubt')} role="alert">
          Not confirmed: {status.recording.doubt}
        </p>
      )}
      <div
        className={c('rig')}
        style={{
          gridTemplate: `minmax(0, 1fr) ${footHeight(foot)} / minmax(0, ${String(left)}fr) minmax(0, ${String(100 - left)}fr)`,
        }}
      >
        <LivePicture status={status} scope={scope} feed={feed}>
          <ControlStrip
            key={name}
            controls={scope.controls}
            lightOff={status.lightOff}
            scope={isOneOfMany ? name : undefined}
          />
        </LivePicture>
        <div className={c('right')}>
          {hasCompanions ? (
            <div className={c('two', 'withTiles')}>
              <CompanionTiles status={status} chosen={name} feedOf={feedOf} />
              <FormOrDisplay status={status} feed={feed} />
            </div>
          ) : (
            <div className={c('two')}>
              <PlanPanel status={status} />
              <DisplayPanel feed={feed} />
            </div>
          )}
          <div className={c('two', 'low')}>
            <HeadPanel
              key={name}
              feed={feed}
              title={titleOf('Head')}
              hasSensor={scope.orientation}
              commutator={status.companions.commutator}
            />
            <QualityPanel scope={scope} title={titleOf('Quality')} />
          </div>
          {preflightOpen && !isRecording ? <PreflightDrawer plan={status.plan} /> : null}
        </div>
        <div className={c('foot')}>
          <TracesPanel feed={feed} scope={name} isOneOfMany={isOneOfMany} />
          <RigMessages status={status} />
        </div>
        <Divider of="left" />
        <Divider of="foot" />
      </div>
    </>
  );
}

/** Keeps the picture of a scope coming and its regions followed, whether it is looked at or a tile. */
function FollowScope({
  status,
  scope,
  feed,
}: {
  readonly status: AcquireStatus;
  readonly scope: string;
  readonly feed: LiveFeed;
}): null {
  const core = useCore();
  const rois = useLiveView(roisOf(scope));
  const { scope: name } = named(status, scope);
  useEffect(() => feed.open(), [feed]);
  useEffect(() => {
    const of = name === undefined ? {} : { scope: name };
    void atRig('ROI traces', core.acquire.rois({ rois: [...rois], ...of }));
  }, [core, rois, name]);
  return null;
}

/** Beside tiles there is room for one of the two. */
function FormOrDisplay({ status, feed }: { readonly status: AcquireStatus; readonly feed: LiveFeed }): ReactElement {
  const [shown, setShown] = useState<'form' | 'display'>('form');
  return (
    <div className={c('formOrDisplay')}>
      <div className={c('which')}>
        <Choice
          label="Shown beside the cameras"
          value={shown}
          options={[
            { value: 'form', label: status.mode === 'recording' ? 'Notes' : 'This recording' },
            { value: 'display', label: 'Display' },
          ]}
          onChange={setShown}
        />
      </div>
      {shown === 'form' ? <PlanPanel status={status} /> : <DisplayPanel feed={feed} />}
    </div>
  );
}
