// SPDX-License-Identifier: MIT
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { followRig } from './client/acquire.ts';
import { followChanges } from './client/changes.ts';
import { ConnectionContext } from './client/context.ts';
import { createQueryClient } from './client/queries.ts';
import type { Connection } from './client/types.ts';
import { Shell } from './screens/shell/shell.tsx';
import { usePerson } from './stores/ui.ts';
import { registry } from './ui/commands/use-commands.ts';
import { fetchAhead } from './ui/later.tsx';
import { Boundary } from './ui/panel.tsx';
import { TextScale } from './ui/text-scale.ts';

interface AppProps {
  readonly connection: Connection;
  readonly queries: QueryClient;
}

function App({ connection, queries }: AppProps): ReactElement {
  const fontScale = usePerson((state) => state.fontScale);
  return (
    <StrictMode>
      <ConnectionContext.Provider value={connection}>
        <QueryClientProvider client={queries}>
          <TextScale value={fontScale}>
            <Boundary name="Calyx">
              <Shell />
            </Boundary>
          </TextScale>
        </QueryClientProvider>
      </ConnectionContext.Provider>
    </StrictMode>
  );
}

/** Draws the window into an element and keeps its answers fresh until the page is left. */
export function startApp(element: HTMLElement, connection: Connection): void {
  const dress = ({ theme, fontScale, motion, keys }: ReturnType<typeof usePerson.getState>): void => {
    const { dataset, style } = document.documentElement;
    dataset['theme'] = theme;
    dataset['motion'] = motion;
    style.setProperty('--scale', String(fontScale));
    registry.bind(keys);
  };
  // Before anything is drawn anew: plots read their colours from the page.
  dress(usePerson.getState());
  usePerson.subscribe(dress);
  const queries = createQueryClient();
  const leaving = new AbortController();
  window.addEventListener('pagehide', () => leaving.abort(), { once: true });
  void followChanges(connection, queries, leaving.signal);
  void followRig(connection, leaving.signal);
  createRoot(element).render(<App connection={connection} queries={queries} />);
  fetchAhead();
}
