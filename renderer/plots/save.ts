// SPDX-License-Identifier: MIT
import { CanvasPen, pictureCanvas } from './canvas-pen.ts';
import { csvText, type Fact, type Table } from './csv.ts';
import { type Figure, paper } from './pen.ts';
import { SvgPen } from './svg-pen.ts';

/** A figure as it is written into files. */
export interface Saved {
  /** Without an ending: `around-reward-m12`. */
  readonly fileName: string;
  readonly title: string;
  readonly figure: Figure;
  /** CSS px. */
  readonly width: number;
  readonly height: number;
  /** Its numbers. */
  readonly table: () => Table;
}

/** Files for print are drawn at so many pixels to a CSS pixel. */
const pngScale = 3;

function download(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has begun to read it once the click has returned.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const description = (facts: readonly Fact[]): string => facts.map(([name, value]) => `${name}: ${value}`).join('; ');

/** Saves a figure as SVG; where it comes from stands in its `<desc>`. */
export function saveSvg({ fileName, title, figure, width, height }: Saved, facts: readonly Fact[]): void {
  const pen = new SvgPen(width, height, paper.font, (pixels) => pictureCanvas(pixels).toDataURL('image/png'));
  pen.rect(0, 0, width, height, paper.ground);
  figure(pen, paper);
  download(`${fileName}.svg`, new Blob([pen.finish(title, description(facts))], { type: 'image/svg+xml' }));
}

/** Saves a figure as PNG, with a line below that says where it comes from. */
export async function savePng({ fileName, figure, width, height }: Saved, facts: readonly Fact[]): Promise<void> {
  const foot = 18;
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * pngScale);
  canvas.height = Math.round((height + foot) * pngScale);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('The browser cannot draw pictures.');
  const picture = document.createElement('canvas');
  picture.width = canvas.width;
  picture.height = Math.round(height * pngScale);
  const inner = picture.getContext('2d');
  if (inner === null) throw new Error('The browser cannot draw pictures.');
  const pen = new CanvasPen(inner, width, height, pngScale, paper.font);
  pen.rect(0, 0, width, height, paper.ground);
  figure(pen, paper);
  const whole = new CanvasPen(context, width, height + foot, pngScale, paper.font);
  whole.rect(0, 0, width, height + foot, paper.ground);
  context.drawImage(picture, 0, 0, width, height);
  const shown = facts.filter(([name]) => ['run', 'curation', 'program'].includes(name));
  whole.text(description(shown), 8, height + foot / 2, { colour: paper.dim, size: 8 });
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png');
  });
  if (blob === null) throw new Error('The picture is too large for this browser.');
  download(`${fileName}.png`, blob);
}

/** Saves the numbers of a figure. */
export function saveCsv({ fileName, table }: Saved, facts: readonly Fact[]): void {
  download(`${fileName}.csv`, new Blob([csvText(table(), facts)], { type: 'text/csv' }));
}
