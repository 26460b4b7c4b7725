// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef } from 'react';
import { usePicture } from '../client/pictures.ts';
import { percentileLevels } from '../gl/levels.ts';
import { lutBytes, paint } from '../gl/lut.ts';
import type { ImageName } from '../stores/review.ts';
import { penOf } from '../ui/canvas.ts';
import { classes } from '../ui/classes.ts';
import styles from './still-picture.module.css';

const c = classes(styles);

interface StillProps {
  readonly runUuid: string;
  readonly image: ImageName;
  readonly caption: string;
}

/** A small picture of a run, without outlines. */
export function StillPicture({ runUuid, image, caption }: StillProps): ReactElement {
  const picture = usePicture(runUuid, image);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = penOf(canvas.current);
    if (context === null || picture.data === undefined) return;
    const { width, height, values } = picture.data;
    context.canvas.width = width;
    context.canvas.height = height;
    const pixels = context.createImageData(width, height);
    paint(values, percentileLevels(values), lutBytes('grey'), pixels.data);
    context.putImageData(pixels, 0, 0);
  }, [picture.data]);
  return (
    <div className={c('well')}>
      <canvas ref={canvas} role="img" aria-label={`Picture of the run: ${caption}`} />
      <span className={c('caption')}>{picture.isError ? `${caption}: not available` : caption}</span>
    </div>
  );
}
