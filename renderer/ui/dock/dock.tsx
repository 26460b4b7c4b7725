// SPDX-License-Identifier: MIT
import {
  DockviewReact,
  type DockviewApi,
  type DockviewPanelApi,
  type IDockviewHeaderActionsProps,
  type IDockviewPanelHeaderProps,
  type IDockviewPanelProps,
  type SerializedDockview,
} from 'dockview-react';
import {
  createContext,
  memo,
  type ReactElement,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { flushSync } from 'react-dom';
import 'dockview-react/dist/styles/dockview.css';
import { report } from '../../stores/messages.ts';
import { classes } from '../classes.ts';
import { listenForKeys } from '../commands/use-commands.ts';
import type { Command } from '../commands/registry.ts';
import { useCommands } from '../commands/use-commands.ts';
import { Boundary } from '../panel.tsx';
import styles from './dock.module.css';
import { forgetLayout, keepLayout, keptLayout } from './layout.ts';
import { createSlots, DockedContext, type SlotStore } from './slots.ts';
import { createTurns } from './turns.ts';

const c = classes(styles);

/** A panel that a place offers. */
export interface DockPanel {
  readonly id: string;
  readonly title: string;
  readonly render: () => ReactElement;
}

/** A layout is kept once nothing has changed in it for so long, ms. */
const layoutRestMs = 300;

/** What can be done to a place's panels. */
export type DockApi = DockviewApi;

interface DockProps {
  readonly place: string;
  /** All panels the place has now, the same list while they are the same; those of a kept layout that are not among them bring the first layout back. */
  readonly panels: readonly DockPanel[];
  /** Lays the panels out as the place was made; gives what can wait until those in front are drawn. */
  readonly arrange: (api: DockApi, width: number, height: number) => readonly (() => void)[];
  /** Told once the panels are there. */
  readonly onReady?: (api: DockApi) => void;
}

interface Shared {
  readonly slots: SlotStore;
  readonly panels: ReadonlyMap<string, DockPanel>;
}

const SharedContext = createContext<Shared | null>(null);

function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (shared === null) throw new Error('a docked panel outside a dock');
  return shared;
}

/** Whether a panel is in front in its group, and which group that is. */
function usePlace(api: DockviewPanelApi): { readonly group: string; readonly visible: boolean } {
  const read = (): string => `${String(api.isVisible)} ${api.group.id}`;
  const text = useSyncExternalStore((listener) => {
    const parts = [
      api.onDidVisibilityChange(listener),
      api.onDidGroupChange(listener),
      api.onDidLocationChange(listener),
    ];
    return () => {
      for (const part of parts) part.dispose();
    };
  }, read);
  const [visible = '', group = ''] = text.split(' ');
  return { visible: visible === 'true', group };
}

/** Panels of a place are drawn one after the other: the first picture is there sooner, and no key waits for all of them. */
const turns = createTurns((next) => setTimeout(next, 0));

function PanelBody({ api }: IDockviewPanelProps): ReactElement {
  const { slots, panels } = useShared();
  const [mine, setMine] = useState(false);
  // Drawn within its turn: left to React, those of several turns would be drawn together.
  useEffect(() => turns.take(() => flushSync(() => setMine(true))), []);
  const { group, visible } = usePlace(api);
  const shown = useSyncExternalStore(slots.subscribe, () => slots.get(group));
  const panel = panels.get(api.id);
  const docked = useMemo(
    () => ({
      setTitle: (title: string) => api.setTitle(title),
      close: () => api.close(),
      slots: visible ? shown : undefined,
    }),
    [api, shown, visible],
  );
  return (
    <DockedContext.Provider value={docked}>
      <Boundary name={panel?.title ?? api.id}>{mine ? panel?.render() : null}</Boundary>
    </DockedContext.Provider>
  );
}

function Tab({ api }: IDockviewPanelHeaderProps): ReactElement {
  const title = useSyncExternalStore(
    (listener) => {
      const part = api.onDidTitleChange(listener);
      return () => part.dispose();
    },
    () => api.title,
  );
  return <span className={c('tab')}>{title}</span>;
}

function HeaderMeta({ group }: IDockviewHeaderActionsProps): ReactElement {
  const { slots } = useShared();
  const meta = useRef<HTMLSpanElement>(null);
  const end = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (meta.current !== null && end.current !== null) slots.set(group.id, { meta: meta.current, end: end.current });
    return () => slots.set(group.id, null);
  }, [slots, group.id]);
  return (
    <div className={c('header')}>
      <span ref={meta} className={c('meta')} />
      <span ref={end} className={c('end')} />
    </div>
  );
}

const components = { panel: PanelBody };
const theme = { name: 'calyx', className: 'calyx-dock', dndTabIndicator: 'line' as const };

/** Opens a panel in a window of its own, with the page's look and keys. */
async function popOut(api: DockApi, id: string): Promise<void> {
  const panel = api.getPanel(id);
  if (panel === undefined) return;
  let stop: (() => void) | undefined;
  let page: Window | undefined;
  const opened = await api.addPopoutGroup(panel, {
    popoutUrl: './popout.html',
    onDidOpen: ({ window: begun }) => {
      page = begun;
    },
    onWillClose: () => stop?.(),
  });
  // Only now is its document the one that stays: what was written before went with the empty one it began with.
  if (opened && page !== undefined) {
    const { dataset } = page.document.documentElement;
    for (const [name, value] of Object.entries(document.documentElement.dataset)) dataset[name] = value;
    page.document.title = `${panel.title ?? 'Calyx'} – Calyx`;
    stop = listenForKeys(page);
  }
  if (!opened) report('warning', 'Panels', 'The browser did not open another window. Allow this page to open windows.');
}

/** The commands of a dock: each panel to the front, the one in front elsewhere, all as it was. */
export function dockCommands(
  place: string,
  api: DockApi,
  panels: readonly DockPanel[],
  reset: () => void,
): readonly Command[] {
  const scope = `screen:${place}` as const;
  const one = (
    id: string,
    label: string,
    run: () => void | Promise<void>,
    detail?: () => string | undefined,
  ): Command => ({
    id: `${place}.${id}`,
    label,
    group: 'Panels',
    scope,
    run,
    ...(detail === undefined ? {} : { detail }),
  });
  const front = (): string | undefined => api.activePanel?.title;
  return [
    ...panels.map(({ id, title }) => one(`panel-${id}`, `Show ${title}`, () => showPanel(api, id, title))),
    one(
      'pop-out',
      'Open the panel in its own window',
      () => {
        const id = api.activePanel?.id;
        return id === undefined ? undefined : popOut(api, id);
      },
      front,
    ),
    one(
      'maximise',
      'Panel as large as the place, and back',
      () => {
        const panel = api.activePanel;
        if (api.hasMaximizedGroup()) api.exitMaximizedGroup();
        else panel?.api.maximize();
      },
      front,
    ),
    one('close-panel', 'Close the panel', () => api.activePanel?.api.close(), front),
    one('reset-layout', 'Panels as they were made', reset),
  ];
}

/** Brings a panel to the front, or back where it had been closed. */
export function showPanel(api: DockApi, id: string, title: string): void {
  const there = api.getPanel(id);
  if (there === undefined) api.addPanel({ id, component: 'panel', title });
  else there.api.setActive();
}

/** Panels side by side and behind each other: dragged by their tabs, popped out, maximised; the layout is kept for the place. */
export const Dock = memo(function Dock({ place, panels, arrange, onReady }: DockProps): ReactElement {
  const [api, setApi] = useState<DockApi | null>(null);
  const host = useRef<HTMLDivElement>(null);
  const [slots] = useState(createSlots);
  const shared = useMemo(() => ({ slots, panels: new Map(panels.map((panel) => [panel.id, panel])) }), [slots, panels]);
  const newest = useRef({ panels, arrange });
  const rest = useRef<readonly (() => void)[]>([]);
  const [whole, setWhole] = useState(false);
  // Its panels come in a turn after that in which it is made: together they would hold up the window.
  const beginning = useRef<() => void>(undefined);
  useEffect(() => () => beginning.current?.(), []);
  useEffect(() => {
    newest.current = { panels, arrange };
  }, [panels, arrange]);
  const commands = useMemo<readonly Command[]>(() => {
    if (api === null) return [];
    const reset = (): void => {
      forgetLayout(localStorage, place);
      api.clear();
      for (const step of newest.current.arrange(api, api.width, api.height)) step();
    };
    return dockCommands(place, api, panels, reset);
  }, [api, place, panels]);
  useCommands(commands);
  useEffect(() => {
    if (api === null) return undefined;
    let leave: readonly (() => void)[] = [];
    // After those in front, which have taken their turns by then.
    const timer = setTimeout(() => {
      leave = [...rest.current, () => setWhole(true)].map((step) => turns.take(step));
    }, 0);
    return () => {
      clearTimeout(timer);
      for (const step of leave) step();
    };
  }, [api]);
  useEffect(() => {
    // Half a layout is never kept: its other panels would stay away.
    if (api === null || !whole) return undefined;
    // Titles are part of it, and change with every cell: it is written when things have come to rest, and before the page goes.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const write = (): void => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      keepLayout(localStorage, place, api.toJSON());
    };
    const part = api.onDidLayoutChange(() => {
      clearTimeout(timer);
      timer = setTimeout(write, layoutRestMs);
    });
    addEventListener('pagehide', write);
    return () => {
      part.dispose();
      removeEventListener('pagehide', write);
      write();
    };
  }, [api, place, whole]);
  const begin = (opened: DockApi): void => {
    const known = new Set(newest.current.panels.map(({ id }) => id));
    const kept = keptLayout(localStorage, place, known);
    const { clientWidth = 1200, clientHeight = 800 } = host.current ?? {};
    try {
      if (kept === undefined) rest.current = newest.current.arrange(opened, clientWidth, clientHeight);
      else {
        // Its form was looked at; a wrong one throws.
        opened.fromJSON(kept as SerializedDockview);
        // Nothing is on its way: what a person changes from now on is kept, however soon they go elsewhere.
        setWhole(true);
      }
    } catch {
      opened.clear();
      rest.current = newest.current.arrange(opened, clientWidth, clientHeight);
    }
    setApi(opened);
    onReady?.(opened);
  };
  return (
    <SharedContext.Provider value={shared}>
      <div ref={host} className={c('host')}>
        <DockviewReact
          theme={theme}
          components={components}
          defaultTabComponent={Tab}
          rightHeaderActionsComponent={HeaderMeta}
          disableFloatingGroups
          getTabContextMenuItems={({ panel, api: from }) => [
            { label: 'Open in its own window', action: () => void popOut(from, panel.id) },
            { label: 'As large as the place', action: () => panel.api.maximize() },
            'separator',
            'close',
          ]}
          onReady={({ api: ready }) => {
            beginning.current = turns.take(() => begin(ready));
          }}
        />
      </div>
    </SharedContext.Provider>
  );
});
