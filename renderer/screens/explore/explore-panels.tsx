// SPDX-License-Identifier: MIT
import { createContext, type ReactElement, useContext } from 'react';
import type { ExploreScope } from '../../client/explore.ts';
import { report } from '../../stores/messages.ts';
import { type Side, sides, useExplore, type ViewName, viewTitles } from '../../stores/explore.ts';
import { type DockApi, type DockPanel, showPanel } from '../../ui/dock/dock.tsx';
import { AroundView } from './around-view.tsx';
import { OrientationView, PlaceView } from './direction-views.tsx';
import { ActivityView, CorrelationView, RatesView, type ViewProps } from './population-views.tsx';
import { QualityView } from './quality-view.tsx';
import { RunsView } from './runs-view.tsx';
import { SessionsView } from './sessions-view.tsx';

/** The run, cells and traces that all panels speak of. */
export const ScopeContext = createContext<ExploreScope | null>(null);

const views: Readonly<Record<ViewName, (props: ViewProps) => ReactElement>> = {
  activity: ActivityView,
  correlation: CorrelationView,
  rates: RatesView,
  around: AroundView,
  quality: QualityView,
  orientation: OrientationView,
  place: PlaceView,
  runs: RunsView,
  sessions: SessionsView,
};

function ExploreView({ side }: { readonly side: Side }): ReactElement | null {
  const scope = useContext(ScopeContext);
  const View = views[useExplore((state) => state[side])];
  return scope === null ? null : <View side={side} scope={scope} />;
}

const titles: Readonly<Record<Side, string>> = {
  left: 'the first view',
  right: 'the second view',
  third: 'the third view',
  fourth: 'the fourth view',
};

/** The panels of Explore, by the order of the palette; each shows what is chosen in its header. */
export const explorePanels: readonly DockPanel[] = sides.map((side) => ({
  id: side,
  title: titles[side],
  render: () => <ExploreView side={side} />,
}));

/** Below this two plots have no room beside each other, px. */
const narrow = 900;

/** Explore as it was made: two views beside each other. */
export function arrangeExplore(api: DockApi, width: number): readonly (() => void)[] {
  const shown = useExplore.getState();
  const add = (id: Side, position: Parameters<DockApi['addPanel']>[0]['position']): void => {
    api.addPanel({
      id,
      component: 'panel',
      title: viewTitles[shown[id]],
      ...(position === undefined ? {} : { position }),
    });
  };
  add('left', undefined);
  add('right', { referencePanel: 'left', direction: width < narrow ? 'below' : 'right' });
  api.getPanel('left')?.api.setActive();
  return [];
}

/** Opens one more panel: below the first, then below the second. */
export function addView(api: DockApi): void {
  const next = sides.find((side) => api.getPanel(side) === undefined);
  if (next === undefined) {
    report('info', 'Add a view', 'Four views are open. Choose another one in the header of a panel.');
    return;
  }
  const beside = next === 'third' ? 'left' : next === 'fourth' ? 'right' : api.panels[0]?.id;
  if (beside === undefined || api.getPanel(beside) === undefined) {
    showPanel(api, next, titles[next]);
    return;
  }
  const direction = next === 'third' || next === 'fourth' ? 'below' : 'right';
  api.addPanel({ id: next, component: 'panel', title: titles[next], position: { referencePanel: beside, direction } });
}
