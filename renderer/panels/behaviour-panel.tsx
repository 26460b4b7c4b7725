// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef, useState } from 'react';
import type { BesideCamera } from '../../main/contract/index.ts';
import { useConnection } from '../client/context.ts';
import { Film, type FilmFrame, type FilmState } from '../client/film.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { useCameraFrames, useCameras } from '../client/recorded.ts';
import { useReview } from '../stores/review.ts';
import { penOf } from '../ui/canvas.ts';
import { classes } from '../ui/classes.ts';
import { Note, Select } from '../ui/controls.tsx';
import { useInFront } from '../ui/dock/slots.ts';
import { count, percent } from '../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import styles from './recorded.module.css';

const c = classes(styles);

/** The film of a behaviour camera at the one cursor: the frame that lies nearest in time by the camera's own time stamps. */
export function BehaviourPanel({ opening }: { readonly opening: ReviewOpening }): ReactElement {
  const runUuid = opening.run.uuid;
  const looked = useInFront();
  const cameras = useCameras(runUuid, looked);
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const camera =
    cameras.data?.find(({ name }) => name === chosen) ??
    cameras.data?.find(({ problem }) => problem === null) ??
    cameras.data?.[0];
  return (
    <Panel
      title="Behaviour"
      scope="behaviour"
      well
      meta={camera === undefined || camera.seen >= 0.995 ? undefined : `saw ${percent(camera.seen)} of the run`}
      end={
        (cameras.data ?? []).length < 2 ? undefined : (
          <Select
            label="Camera"
            value={camera?.name ?? ''}
            options={(cameras.data ?? []).map(({ name }) => ({ value: name, label: name }))}
            onChange={setChosen}
          />
        )
      }
    >
      {cameras.isError ? (
        <Failed title="The cameras cannot be read" error={cameras.error} onRetry={() => void cameras.refetch()} />
      ) : cameras.data === undefined ? (
        <Loading title="Looking for cameras" step={1} steps={1} detail="films of behaviour cameras" />
      ) : camera === undefined ? (
        <Empty title="No behaviour camera">
          <p>No film of a camera was recorded with this session.</p>
        </Empty>
      ) : camera.problem === null ? (
        <Picture key={camera.name} camera={camera} opening={opening} looked={looked} />
      ) : (
        <Empty title={`${camera.name} cannot be shown`}>
          <p>{camera.problem}</p>
        </Empty>
      )}
    </Panel>
  );
}

interface PictureProps {
  readonly camera: BesideCamera;
  readonly opening: ReviewOpening;
  /** Nobody decodes what nobody sees. */
  readonly looked: boolean;
}

function Picture({ camera, opening, looked }: PictureProps): ReactElement {
  const connection = useConnection();
  const runUuid = opening.run.uuid;
  const map = useCameraFrames(runUuid, camera.name);
  const frame = useReview((state) => state.frame);
  const canvas = useRef<HTMLCanvasElement>(null);
  const film = useRef<Film | null>(null);
  const [state, setState] = useState<FilmState>({ kind: 'opening', step: 1 });
  const [shown, setShown] = useState<number | null>(null);
  const wanted = map.data?.[frame] ?? -1;
  const first = useRef(0);
  useEffect(() => {
    first.current = Math.max(0, wanted);
  }, [wanted]);
  const ready = map.data !== undefined && looked;
  useEffect(() => {
    if (!ready) return undefined;
    const opened = new Film(
      connection,
      runUuid,
      'raw',
      (received) => {
        if (canvas.current !== null) paintGrey(canvas.current, received);
        setShown(received.frame);
      },
      setState,
      camera.name,
    );
    film.current = opened;
    opened.show('raw', first.current);
    return () => {
      film.current = null;
      opened.dispose();
    };
  }, [connection, runUuid, camera.name, ready]);
  useEffect(() => {
    if (wanted >= 0) film.current?.show('raw', wanted);
  }, [wanted]);
  const seen = wanted >= 0;
  return (
    <div className={c('camera')}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={
          seen
            ? `${camera.name}, frame ${String(shown ?? wanted)} of ${String(camera.frames)}`
            : `${camera.name} saw nothing at this moment`
        }
        data-frame={shown ?? ''}
        className={c(!seen && 'unseen')}
      />
      <span className={c('caption')}>
        {camera.name}
        {seen ? `, frame ${count(wanted)} of ${count(camera.frames)}` : ''}
      </span>
      {map.isError ? (
        <div className={c('cover')}>
          <Failed title="Its times cannot be read" error={map.error} onRetry={() => void map.refetch()} />
        </div>
      ) : state.kind === 'failed' ? (
        <div className={c('cover')}>
          <Failed title="The film cannot be shown" error={state.error} onRetry={() => film.current?.retry()} />
        </div>
      ) : map.data !== undefined && !seen ? (
        <Note kind="info">The camera has no frame at this moment.</Note>
      ) : shown === null ? (
        <div className={c('cover')}>
          <Loading title="Opening the film" step={1} steps={1} detail={camera.name} />
        </div>
      ) : null}
    </div>
  );
}

/** Draws grey levels. A camera's film needs no contrast of its own, so no context of the graphics card is spent on it. */
function paintGrey(canvas: HTMLCanvasElement, { bytes, height, width }: FilmFrame): void {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = penOf(canvas);
  if (context === null) return;
  const pixels = context.createImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < words.length; i += 1) words[i] = 0xff000000 | ((bytes[i] ?? 0) * 0x010101);
  context.putImageData(pixels, 0, 0);
}
