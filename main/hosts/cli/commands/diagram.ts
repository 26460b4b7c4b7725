// SPDX-License-Identifier: MIT
import type { Diagram } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { text, words, type Answer, type Command, type Invocation } from '../command.ts';
import { writeWhole } from '../whole-file.ts';

/** `diagram`: the schema as a picture. */
export const diagramCommand: Command = {
  name: 'diagram',
  summary: 'Draw the tables with their tiers, edges and row counts',
  usage: 'diagram [--svg] [--out file] [flags]',
  flags: () => [
    { name: 'svg', help: 'Print an SVG picture instead of a list.' },
    { name: 'out', value: 'file', help: 'Write the SVG there.' },
    { name: 'all', help: 'Tables for the program’s own use too.' },
  ],
  run,
};

async function run({ positionals, flags, connect, absolute, json }: Invocation): Promise<Answer> {
  words(diagramCommand, positionals, [] as const);
  const { client } = await connect();
  const diagram = await client.library.diagram({ internal: flags['all'] === true });
  const out = text(flags, 'out');
  const isSvg = flags['svg'] === true;
  if (out !== undefined) await writeWhole(absolute(out), svgOf(diagram));
  const list = diagram.nodes.map(({ table, tier, rows }) => `${tier.padEnd(9)} ${table}  ${rows}\n`).join('');
  return {
    exitCode: exitCodes.ok,
    json: {
      ...diagram,
      ...(out === undefined ? {} : { file: absolute(out) }),
      ...(json && isSvg ? { svg: svgOf(diagram) } : {}),
    },
    text: out !== undefined ? `Written to ${absolute(out)}\n` : isSvg ? svgOf(diagram) : list,
  };
}

/** Fill and line of each tier, in the colours DataJoint's diagrams have taught people. */
const colours: Readonly<Record<string, readonly [string, string]>> = {
  lookup: ['#ececec', '#7a7a7a'],
  manual: ['#e3f4e1', '#2f8a2f'],
  imported: ['#e1e9f8', '#2f55a4'],
  computed: ['#f8e1e1', '#a42f2f'],
  part: ['#ffffff', '#9a9a9a'],
  internal: ['#f6f3ea', '#8a7a4a'],
};

const escaped = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The diagram as a picture that stands alone. */
function svgOf({ width, height, nodes, edges }: Diagram): string {
  const lines = edges.map(({ kind, points, child, parent }) => {
    const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
    const dash = kind === 'secondary' ? ' stroke-dasharray="4 3"' : '';
    const title = `<title>${escaped(`${child} belongs to ${parent} (${kind})`)}</title>`;
    return `<path d="${path}" fill="none" stroke="#555" stroke-width="${kind === 'key' ? 1.6 : 1}"${dash}>${title}</path>`;
  });
  const boxes = nodes.map(({ table, name, tier, rows, x, y, width: w, height: h }) => {
    const [fill, stroke] = colours[tier] ?? ['#fff', '#555'];
    const middle = (x + w / 2).toFixed(1);
    return [
      `<g><title>${escaped(`${table}: ${tier}, ${rows} rows`)}</title>`,
      `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(1)}" height="${h}" rx="4" fill="${fill}" stroke="${stroke}"/>`,
      `<text x="${middle}" y="${(y + 15).toFixed(1)}" font-weight="600">${escaped(name)}</text>`,
      `<text x="${middle}" y="${(y + 29).toFixed(1)}" fill="#555">${rows} rows</text></g>`,
    ].join('');
  });
  const style = 'font-family="sans-serif" font-size="12" text-anchor="middle"';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" ${style}>\n<rect width="100%" height="100%" fill="#fff"/>\n${[...lines, ...boxes].join('\n')}\n</svg>\n`;
}
