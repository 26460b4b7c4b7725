// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef } from 'react';
import type { Footprints, Profiles } from '../../client/explore.ts';
import { lutBytes, paint } from '../../gl/lut.ts';
import { usePerson } from '../../stores/ui.ts';
import { penOf } from '../../ui/canvas.ts';
import { classes } from '../../ui/classes.ts';
import styles from './explore.module.css';

const c = classes(styles);

/** Size of the little pictures, CSS px. */
const thumb = 36;
const lineWidth = 84;

interface MemberProps {
  /** Undefined: the cell was not found in this session. */
  readonly row: number | undefined;
  /** Role of the session's colour. */
  readonly token: string;
  readonly footprints: Footprints | undefined;
  readonly profiles: Profiles | undefined;
  /** Largest value of the mean events of this cell in all sessions. */
  readonly most: number;
  /** Side of the square that is shown, px of the frame. */
  readonly reach: number;
}

/** A cell as one session sees it: its footprint, and its mean event on the scale of the cell. */
export function MatchMember({ row, token, footprints, profiles, most, reach }: MemberProps): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = usePerson((state) => state.theme);
  useEffect(() => {
    const element = canvas.current;
    const context = penOf(element);
    if (element === null || context === null || row === undefined) return;
    const ratio = window.devicePixelRatio;
    element.width = (thumb + 4 + lineWidth) * ratio;
    element.height = thumb * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = '#0a0a0a';
    context.fillRect(0, 0, thumb, thumb);
    if (footprints !== undefined) drawFootprint(context, footprints, row, reach);
    if (profiles !== undefined)
      drawEvent(context, profiles, row, most, getComputedStyle(element).getPropertyValue(token).trim());
  }, [row, token, footprints, profiles, most, reach, theme]);
  if (row === undefined) {
    return (
      <span className={c('notSeen')}>
        <i>–</i> not seen
      </span>
    );
  }
  return (
    <span className={c('member')}>
      <canvas
        ref={canvas}
        style={{ width: thumb + 4 + lineWidth, height: thumb }}
        role="img"
        aria-label={`Cell ${String(row)}: footprint and mean event`}
      />
    </span>
  );
}

function drawFootprint(
  context: CanvasRenderingContext2D,
  { cells, bytes }: Footprints,
  row: number,
  reach: number,
): void {
  const window = cells[row];
  if (window === undefined || window.width === 0 || window.height === 0) return;
  const values = bytes.subarray(window.offset, window.offset + window.width * window.height);
  const pixels = new ImageData(window.width, window.height);
  paint(values, { low: 0, high: 255 }, lutBytes('grey'), pixels.data);
  const small = document.createElement('canvas');
  small.width = window.width;
  small.height = window.height;
  penOf(small)?.putImageData(pixels, 0, 0);
  const scale = thumb / reach;
  context.save();
  context.beginPath();
  context.rect(0, 0, thumb, thumb);
  context.clip();
  context.imageSmoothingEnabled = false;
  const [width, height] = [window.width * scale, window.height * scale];
  context.drawImage(small, (thumb - width) / 2, (thumb - height) / 2, width, height);
  context.restore();
}

function drawEvent(
  context: CanvasRenderingContext2D,
  { rows, timesS, values }: Profiles,
  row: number,
  most: number,
  colour: string,
): void {
  const k = rows.indexOf(row);
  if (k < 0 || most <= 0) return;
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  let down = false;
  for (let i = 0; i < timesS.length; i += 1) {
    const value = values[k * timesS.length + i] ?? Number.NaN;
    if (!Number.isFinite(value)) {
      down = false;
      continue;
    }
    const x = thumb + 4 + (i / Math.max(1, timesS.length - 1)) * lineWidth;
    const y = thumb - 3 - (Math.max(-0.1, value) / most) * (thumb - 8);
    if (down) context.lineTo(x, y);
    else context.moveTo(x, y);
    down = true;
  }
  context.stroke();
}
