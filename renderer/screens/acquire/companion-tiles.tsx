// SPDX-License-Identifier: MIT
import { Maximize2 } from 'lucide-react';
import { type ReactElement, useEffect, useRef } from 'react';
import type { AcquireCamera, AcquireScope, AcquireStatus } from '../../../main/contract/index.ts';
import { followCamera } from '../../client/camera-feed.ts';
import { useConnection } from '../../client/context.ts';
import type { LiveFeed, LivePacket } from '../../client/live.ts';
import { lutBytes } from '../../gl/lut.ts';
import { scopesOf, useLiveView } from '../../stores/acquire.ts';
import { penOf } from '../../ui/canvas.ts';
import { classes } from '../../ui/classes.ts';
import { count, decimal } from '../../ui/format.ts';
import { Button } from '../../ui/controls.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { ControlStrip } from './control-strip.tsx';
import { autoLevels } from './live-look.ts';
import { styles } from './styles.ts';

const c = classes(styles);

/** A tile for each behaviour camera and each scope beside the one that is looked at. */
export function CompanionTiles({
  status,
  chosen,
  feedOf,
}: {
  readonly status: AcquireStatus;
  readonly chosen: string;
  readonly feedOf: (scope: string) => LiveFeed;
}): ReactElement {
  const { cameras } = status.companions;
  const scopes = scopesOf(status).filter(({ name }) => name !== chosen);
  return (
    <div className={c('tiles')}>
      {cameras.map((camera) => (
        <CameraTile key={camera.name} camera={camera} />
      ))}
      {scopes.map((scope) => (
        <ScopeTile key={scope.name} scope={scope} feed={feedOf(scope.name)} lightOff={status.lightOff} />
      ))}
    </div>
  );
}

/** The facts of a camera in one line; what is unknown is a dash. */
export function cameraFacts({ size, fps, saved }: AcquireCamera): string {
  const parts = [
    size === null ? 'no picture' : `${String(size.width)} × ${String(size.height)}`,
    `${decimal(fps, 1)} fps`,
    saved === null ? '' : `${count(saved)} saved`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** The facts of a scope in one line; what is unknown is a dash. */
export function scopeFacts({ width, height, fps, dropped, saved }: AcquireScope): string {
  const parts = [
    `${String(width)} × ${String(height)}`,
    `${decimal(fps, 2)} fps`,
    `dropped ${count(dropped)}`,
    saved === null ? '' : `${count(saved)} saved`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function CameraTile({ camera }: { readonly camera: AcquireCamera }): ReactElement {
  const connection = useConnection();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const leaving = new AbortController();
    const show = (picture: ImageBitmap): void => {
      const element = canvas.current;
      if (element === null) return;
      if (element.width !== picture.width || element.height !== picture.height) {
        element.width = picture.width;
        element.height = picture.height;
      }
      penOf(element)?.drawImage(picture, 0, 0);
    };
    void followCamera(connection, camera.name, show, leaving.signal);
    return () => leaving.abort();
  }, [connection, camera.name]);
  return (
    <Panel title={camera.name} meta={cameraFacts(camera)} well>
      <div className={c('tile')}>
        <canvas ref={canvas} role="img" aria-label={`Live picture of ${camera.name}`} />
        <Dead trouble={camera.trouble} />
      </div>
    </Panel>
  );
}

function ScopeTile({
  scope,
  feed,
  lightOff,
}: {
  readonly scope: AcquireScope;
  readonly feed: LiveFeed;
  readonly lightOff: boolean;
}): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(
    () =>
      feed.listen((packet) => {
        if (canvas.current !== null && !useLiveView.getState().frozen) drawFrame(canvas.current, packet);
      }),
    [feed],
  );
  return (
    <Panel
      title={scope.name}
      meta={scopeFacts(scope)}
      well
      end={
        <Button
          kind="bare"
          size="small"
          square
          label={`Look at ${scope.name}`}
          title={`Look at ${scope.name}: its picture large, its traces, head and quality`}
          onPress={() => useLiveView.setState({ chosen: scope.name })}
        >
          <Icon of={Maximize2} />
        </Button>
      }
    >
      <div className={c('tileScope')}>
        <div className={c('tile')}>
          <canvas ref={canvas} role="img" aria-label={`Live picture of ${scope.name}`} />
          <Dead trouble={scope.trouble} />
        </div>
        <ControlStrip controls={scope.controls} lightOff={lightOff} scope={scope.name} small />
      </div>
    </Panel>
  );
}

function Dead({ trouble }: { readonly trouble: AcquireCamera['trouble'] }): ReactElement | null {
  return trouble === null ? null : (
    <div className={c('dead')} role="alert">
      <b>{trouble.text}</b>
      <span>{trouble.next}</span>
    </div>
  );
}

/** Without WebGL: a window may hold only a few of its contexts, and a tile is small. */
function drawFrame(canvas: HTMLCanvasElement, { header, bytes }: LivePacket): void {
  const { width, height, histogram } = header;
  const { lut, look, levels } = useLiveView.getState();
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = penOf(canvas);
  if (context === null) return;
  const { low, high } = levels ?? autoLevels(histogram);
  const colours = lutBytes(lut);
  const shown = new Uint8ClampedArray(4 * 256);
  for (let level = 0; level < 256; level += 1) {
    const at = Math.round(255 * Math.max(0, Math.min(1, (level - low) / Math.max(1, high - low))));
    const isSaturated = look === 'saturation' && level === 255;
    shown.set(isSaturated ? [255, 60, 50, 255] : colours.subarray(4 * at, 4 * at + 4), 4 * level);
  }
  const table = new Uint32Array(shown.buffer);
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let n = 0; n < pixels.length; n += 1) pixels[n] = table[bytes[n] ?? 0] ?? 0;
  context.putImageData(image, 0, 0);
}
