// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef } from 'react';
import type { RunPicture } from '../../../main/contract/index.ts';
import { useRunPictures } from '../../client/run-pictures.ts';
import { lutBytes, paint } from '../../gl/lut.ts';
import { penOf } from '../../ui/canvas.ts';
import { classes } from '../../ui/classes.ts';
import { count } from '../../ui/format.ts';
import styles from './run-pictures.module.css';

const c = classes(styles);

const titles: Readonly<Record<string, string>> = {
  mean: 'Mean',
  std: 'Standard deviation',
  max: 'Maximum',
  correlation: 'Local correlation',
  pnr: 'Peak to noise',
};

/** What a run that goes on has gathered: a film that is out of focus or of the wrong animal shows long before its cells. */
export function RunPictures({ runUuid }: { readonly runUuid: string }): ReactElement | null {
  const pictures = useRunPictures(runUuid);
  const frames = pictures[0]?.frames;
  if (frames === undefined) return null;
  return (
    <section className={c('pictures')} aria-label="Pictures so far">
      <h3>Registered so far: {count(frames)} frames</h3>
      <ul>
        {pictures.map((picture) => (
          <li key={picture.name}>
            <SmallPicture picture={picture} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function SmallPicture({ picture }: { readonly picture: RunPicture }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = penOf(canvas.current);
    if (context === null) return;
    const { width, height } = picture;
    const codes = Float32Array.from(atob(picture.pixels), (character) => character.codePointAt(0) ?? 0);
    if (codes.length !== width * height) return;
    context.canvas.width = width;
    context.canvas.height = height;
    const pixels = context.createImageData(width, height);
    paint(codes, { low: 0, high: 255 }, lutBytes('grey'), pixels.data);
    context.putImageData(pixels, 0, 0);
  }, [picture]);
  const title = titles[picture.name] ?? picture.name;
  return (
    <figure>
      <canvas ref={canvas} role="img" aria-label={`${title} of ${count(picture.frames)} frames`} />
      <figcaption>{title}</figcaption>
    </figure>
  );
}
