// SPDX-License-Identifier: MIT
import { Maximize, Minus, Plus } from 'lucide-react';
import { type KeyboardEvent, type PointerEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import type { Diagram } from '../../../main/contract/index.ts';
import { useDiagram } from '../../client/library.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, SearchField } from '../../ui/controls.tsx';
import { count, percent, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';

const c = classes({ ...shared, ...rooms });

/** What is seen: the drawing's point at the middle, and its magnification. */
interface Look {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

const [smallest, greatest] = [0.05, 3];
const within = (zoom: number): number => Math.max(smallest, Math.min(greatest, zoom));

/** The schema as a drawing: tables, and what each stands on. Drag to move, wheel to zoom, click for the rows. */
export function DiagramRoom(): ReactElement {
  const diagram = useDiagram();
  const [query, setQuery] = useState('');
  return (
    <div className={c('room one')}>
      <Panel
        title="Diagram"
        meta={
          diagram.data === undefined
            ? undefined
            : `${plural(diagram.data.nodes.length, 'table')}, parents above their children`
        }
        end={
          <span className={c('headFind')}>
            <SearchField
              label="Find a table in the diagram"
              placeholder="Find a table"
              value={query}
              onChange={setQuery}
            />
          </span>
        }
      >
        {diagram.isPending ? (
          <Loading title="Drawing the schema" step={1} steps={1} detail="placing tables and edges" />
        ) : diagram.isError ? (
          <Failed title="The schema could not be drawn" error={diagram.error} onRetry={() => void diagram.refetch()} />
        ) : diagram.data.nodes.length === 0 ? (
          <Empty title="No tables" />
        ) : (
          <Drawing diagram={diagram.data} query={query} />
        )}
      </Panel>
    </div>
  );
}

const tiers = ['lookup', 'manual', 'imported', 'computed', 'part'] as const;
const tierWords = {
  lookup: 'chosen from',
  manual: 'typed in',
  imported: 'read from files',
  computed: 'by the program',
  part: 'part of its master',
} as const;

/** Readable at once, at the table that most others stand on. */
function beginning({ nodes, width, height }: Diagram): Look {
  const centre = nodes.find(({ table }) => table === 'session') ?? nodes[0];
  if (centre === undefined) return { x: width / 2, y: height / 2, zoom: 0.4 };
  return { x: centre.x + centre.width / 2, y: centre.y + centre.height / 2, zoom: 0.8 };
}

function Drawing({ diagram, query }: { readonly diagram: Diagram; readonly query: string }): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const [look, setLook] = useState<Look>(() => beginning(diagram));
  const dragged = useRef<{ readonly x: number; readonly y: number; moved: boolean } | null>(null);
  const wanted = query.trim().toLowerCase();
  const found = (name: string): boolean => wanted !== '' && name.toLowerCase().includes(wanted);
  const fit = (): void => {
    const { clientWidth, clientHeight } = box.current ?? { clientWidth: 800, clientHeight: 600 };
    const zoom = within(Math.min(clientWidth / (diagram.width + 48), clientHeight / (diagram.height + 48)));
    setLook({ x: diagram.width / 2, y: diagram.height / 2, zoom });
  };
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const rect = element.getBoundingClientRect();
      const [dx, dy] = [event.clientX - rect.left - rect.width / 2, event.clientY - rect.top - rect.height / 2];
      setLook((before) => {
        const zoom = within(before.zoom * Math.exp(-event.deltaY * 0.0015));
        // What lies under the pointer stays under it.
        return { zoom, x: before.x + dx / before.zoom - dx / zoom, y: before.y + dy / before.zoom - dy / zoom };
      });
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, []);
  const first = wanted === '' ? undefined : diagram.nodes.find(({ name, table }) => found(name) || found(table));
  const [sought, setSought] = useState(wanted);
  if (wanted !== sought) {
    setSought(wanted);
    if (first !== undefined)
      setLook(({ zoom }) => ({
        zoom: Math.max(zoom, 0.8),
        x: first.x + first.width / 2,
        y: first.y + first.height / 2,
      }));
  }
  const grab = (event: PointerEvent): void => {
    dragged.current = { x: event.clientX, y: event.clientY, moved: false };
  };
  const drag = (event: PointerEvent): void => {
    const from = dragged.current;
    if (from === null || event.buttons === 0) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (!from.moved && Math.hypot(dx, dy) < 4) return;
    dragged.current = { x: event.clientX, y: event.clientY, moved: true };
    setLook((before) => ({ ...before, x: before.x - dx / before.zoom, y: before.y - dy / before.zoom }));
  };
  const zoomBy = (factor: number): void => setLook((before) => ({ ...before, zoom: within(before.zoom * factor) }));
  const keyed = (event: KeyboardEvent): void => {
    const step = 80 / look.zoom;
    const moves: Readonly<Record<string, () => void>> = {
      '+': () => zoomBy(1.25),
      '-': () => zoomBy(0.8),
      '0': fit,
      ArrowLeft: () => setLook({ ...look, x: look.x - step }),
      ArrowRight: () => setLook({ ...look, x: look.x + step }),
      ArrowUp: () => setLook({ ...look, y: look.y - step }),
      ArrowDown: () => setLook({ ...look, y: look.y + step }),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };
  const open = (table: string): void => {
    if (dragged.current?.moved !== true)
      goTo('library', { librarySection: 'tables', table: { name: table, where: {} } });
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- a drawing that is moved; every table in it is a button
    <div className={c('drawing')} ref={box} onPointerDown={grab} onPointerMove={drag} onKeyDown={keyed}>
      <svg width="100%" height="100%" role="group" aria-label="Diagram of the tables">
        <g
          style={{
            transform: `translate(50%, 50%) scale(${String(look.zoom)}) translate(${String(-look.x)}px, ${String(-look.y)}px)`,
          }}
        >
          {diagram.edges.map((edge) => (
            <polyline
              key={`${edge.child} ${edge.parent} ${edge.points.map(({ x, y }) => `${String(x)},${String(y)}`).join(' ')}`}
              className={c('edge', edge.kind === 'secondary' && 'dashed')}
              points={edge.points.map(({ x, y }) => `${String(x)},${String(y)}`).join(' ')}
            />
          ))}
          {diagram.nodes.map((node) => (
            <g
              key={node.table}
              role="button"
              tabIndex={0}
              className={c(
                'node',
                isTier(node.tier) && node.tier,
                node.rows === 0 && 'unfilled',
                (found(node.name) || found(node.table)) && 'found',
              )}
              onClick={() => open(node.table)}
              onFocus={(event) => {
                if (event.currentTarget.matches(':focus-visible'))
                  setLook(({ zoom }) => ({ zoom, x: node.x + node.width / 2, y: node.y + node.height / 2 }));
              }}
              onKeyDown={(event) => {
                if (event.key === 'Enter' || event.key === ' ') {
                  event.preventDefault();
                  goTo('library', { librarySection: 'tables', table: { name: node.table, where: {} } });
                }
              }}
            >
              <rect x={node.x} y={node.y} width={node.width} height={node.height} rx={2} />
              <rect className={c('tierMark')} x={node.x} y={node.y} width={4} height={node.height} />
              <text x={node.x + 12} y={node.y + 15}>
                {node.name}
              </text>
              <text className={c('small')} x={node.x + 12} y={node.y + 29}>
                {plural(node.rows, 'row')}
              </text>
            </g>
          ))}
        </g>
      </svg>
      <div className={c('drawFoot')}>
        {tiers.map((tier) => (
          <span key={tier} className={c('tierKey', tier)}>
            <i />
            {tier}: {tierWords[tier]}
          </span>
        ))}
        <span>dashed: not part of the key</span>
        <span className={c('grow')} />
        <span>{percent(look.zoom)}</span>
        <Button size="small" square label="Smaller" onPress={() => zoomBy(0.8)}>
          <Icon of={Minus} />
        </Button>
        <Button size="small" square label="Larger" onPress={() => zoomBy(1.25)}>
          <Icon of={Plus} />
        </Button>
        <Button size="small" onPress={fit} title={`All ${count(diagram.nodes.length)} tables`}>
          <Icon of={Maximize} />
          All
        </Button>
      </div>
    </div>
  );
}

function isTier(tier: string): tier is (typeof tiers)[number] {
  return (tiers as readonly string[]).includes(tier);
}
