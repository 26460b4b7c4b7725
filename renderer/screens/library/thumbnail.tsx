// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef } from 'react';
import { useThumbnail } from '../../client/library.ts';
import { penOf } from '../../ui/canvas.ts';
import { classes } from '../../ui/classes.ts';
import { useStayed } from '../../ui/use-stayed.ts';
import { styles } from './styles.ts';

const c = classes(styles);

interface ThumbnailProps {
  readonly sessionUuid: string;
  readonly name: string;
  /** There is a result or a film to make it from. */
  readonly wanted: boolean;
}

/** What the camera saw, small; a dark square where neither result nor film is there, and in a row that only passes by. */
export function Thumbnail({ sessionUuid, name, wanted }: ThumbnailProps): ReactElement {
  const stayed = useStayed(sessionUuid);
  if (stayed && wanted) return <Picture key={sessionUuid} sessionUuid={sessionUuid} name={name} />;
  return <span className={c('thumb')} title={wanted ? undefined : nothing} />;
}

const nothing = 'Neither a result nor a film to make a picture of';

function Picture({ sessionUuid, name }: Omit<ThumbnailProps, 'wanted'>): ReactElement {
  const { data } = useThumbnail(sessionUuid);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = penOf(canvas.current);
    if (context === null || data === undefined || data === null) return;
    context.canvas.width = data.width;
    context.canvas.height = data.height;
    const picture = context.createImageData(data.width, data.height);
    const grey = atob(data.grey);
    for (let i = 0; i < grey.length; i += 1) {
      const level = grey.charCodeAt(i);
      const at = i * 4;
      picture.data[at] = level;
      picture.data[at + 1] = level;
      picture.data[at + 2] = level;
      picture.data[at + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }, [data]);
  return data === undefined || data === null ? (
    <span className={c('thumb')} />
  ) : (
    <canvas ref={canvas} className={c('thumb')} role="img" aria-label={`Picture of ${name}`} />
  );
}
