// SPDX-License-Identifier: MIT
import { Maximize } from 'lucide-react';
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from 'react';
import type { AcquireScope, AcquireStatus } from '../../../main/contract/index.ts';
import type { LiveFeed, LivePacket } from '../../client/live.ts';
import { lutBytes } from '../../gl/lut.ts';
import type { PictureStage } from '../../gl/stage.ts';
import { type Size, toScreen, type View } from '../../gl/viewport.ts';
import { useStage } from '../../panels/use-stage.ts';
import { changeRois, type LookName, roisOf, useLiveView, withRoi } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice } from '../../ui/controls.tsx';
import { decimal } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Failed, Panel } from '../../ui/panel.tsx';
import { styles } from './styles.ts';
import { LiveLook } from './live-look.ts';

const c = classes(styles);

interface PictureProps {
  readonly status: AcquireStatus;
  /** The scope that is looked at. */
  readonly scope: AcquireScope;
  readonly feed: LiveFeed;
  readonly children: ReactNode;
}

/** The picture of the scope as it is now, and below it what belongs to it. */
export function LivePicture({ status, scope, feed, children }: PictureProps): ReactElement {
  const { device, mode } = status;
  const { name, width, height, fps, trouble: dead } = scope;
  const look = useLiveView((state) => state.look);
  const addsRoi = useLiveView((state) => state.addsRoi);
  const [where, setWhere] = useState<{ readonly view: View; readonly panel: Size } | null>(null);
  const { host, stage, trouble } = useStage({
    onDrawn: (view, panel) =>
      setWhere((before) =>
        before !== null &&
        same(before.view, view) &&
        before.panel.width === panel.width &&
        before.panel.height === panel.height
          ? before
          : { view, panel },
      ),
    onPick: (point) => {
      if (!useLiveView.getState().addsRoi) return;
      changeRois(name, (rois) => withRoi(rois, point, { width, height }));
      useLiveView.setState({ addsRoi: false });
    },
  });
  useDrawing(stage, feed);
  useEffect(() => {
    const fit = (): void => stage?.fit();
    window.addEventListener('calyx-live-fit', fit);
    return () => window.removeEventListener('calyx-live-fit', fit);
  }, [stage]);
  return (
    <section className={c('left')} aria-label="Miniscope">
      <Panel
        title={status.companions.scopes.length > 0 ? name : (device?.name ?? 'Miniscope')}
        meta={`${String(width)} × ${String(height)} · ${decimal(fps, 2)} fps`}
        well
        end={
          <>
            <span className={c('hintWord')}>display only</span>
            <Choice<LookName>
              label="Display only, never the recorded film"
              value={look}
              options={[
                { value: 'grey', label: 'Grey' },
                {
                  value: 'saturation',
                  label: 'Saturation',
                  title: 'Red: at the highest grey level. Blue: at the lowest. (S)',
                },
                { value: 'change', label: 'ΔF/F', title: 'Change since the last seconds, −10 % to +30 % (D)' },
              ]}
              onChange={(next) => useLiveView.setState({ look: next })}
            />
            <Button kind="bare" size="small" square label="Fit" title="Fit (F)" onPress={() => stage?.fit()}>
              <Icon of={Maximize} />
            </Button>
          </>
        }
      >
        <div className={c('live', mode !== 'recording' && 'liveIdle', addsRoi && 'liveAdds')}>
          <div ref={host} className={c('liveCanvas')} role="img" aria-label="Live picture of the scope" />
          <Captions mode={mode} />
          {where === null ? null : <RoiBoxes scope={name} view={where.view} panel={where.panel} />}
          {trouble?.kind === 'fault' ? <Failed title="No picture can be drawn" error={trouble.error} /> : null}
          {dead === null ? null : (
            <div className={c('dead')} role="alert">
              <b>{dead.text}</b>
              <span>{dead.next}</span>
            </div>
          )}
        </div>
      </Panel>
      {children}
    </section>
  );
}

function same(a: View, b: View): boolean {
  return a.zoom === b.zoom && a.center.x === b.center.x && a.center.y === b.center.y;
}

/** Draws each frame that comes the way it is wanted now. */
function useDrawing(stage: PictureStage | null, feed: LiveFeed): void {
  const drawing = useRef<LiveLook | null>(null);
  useEffect(() => {
    if (stage === null) return undefined;
    const made = new LiveLook(stage);
    drawing.current = made;
    const draw = (packet: LivePacket): void => made.take(packet, useLiveView.getState());
    const stop = feed.listen(draw);
    let lut = '';
    const dress = (state: ReturnType<typeof useLiveView.getState>): void => {
      if (state.lut !== lut) stage.picture.setLut(lutBytes(state.lut));
      lut = state.lut;
      made.show(state);
    };
    dress(useLiveView.getState());
    const leave = useLiveView.subscribe(dress);
    return () => {
      stop();
      leave();
      drawing.current = null;
    };
  }, [stage, feed]);
}

function Captions({ mode }: { readonly mode: AcquireStatus['mode'] }): ReactElement {
  const { look, lut, frozen, maximum, reference, addsRoi } = useLiveView();
  const words = [
    mode === 'recording' ? '' : mode === 'finishing' ? 'Finishing' : 'Not recording',
    frozen ? 'frozen' : '',
    maximum ? 'maximum' : '',
    look === 'grey' && reference !== null ? `${reference.name} in green` : '',
    lut === 'grey' || (look === 'grey' && reference !== null) ? '' : lut,
  ].filter((word) => word !== '');
  return (
    <>
      {words.length === 0 ? null : <span className={c('cap')}>{words.join(' · ')}</span>}
      {addsRoi ? <span className={c('cap', 'capLow')}>Click a cell to follow it</span> : null}
    </>
  );
}

function RoiBoxes({
  scope,
  view,
  panel,
}: {
  readonly scope: string;
  readonly view: View;
  readonly panel: Size;
}): ReactElement {
  const rois = useLiveView(roisOf(scope));
  return (
    <svg className={c('boxes')} width={panel.width} height={panel.height} aria-hidden="true">
      {rois.map((roi, n) => {
        const from = toScreen(view, panel, { x: roi.x - 0.5, y: roi.y - 0.5 });
        const width = roi.width * view.zoom;
        const height = roi.height * view.zoom;
        return (
          <g key={`${String(roi.x)} ${String(roi.y)}`}>
            <rect className={c('boxCase')} x={from.x} y={from.y} width={width} height={height} />
            <rect x={from.x} y={from.y} width={width} height={height} style={{ stroke: `var(--c${String(n + 1)})` }} />
            <text x={from.x + width + 3} y={from.y + 9}>
              {n + 1}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
