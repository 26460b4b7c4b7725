// SPDX-License-Identifier: MIT
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Connection, CoreClient, LineState } from './types.ts';

/** The connection of this window. */
export const ConnectionContext = createContext<Connection | null>(null);

/** The connection; throws outside the app. */
export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (connection === null) throw new Error('no connection above this component');
  return connection;
}

/** The core's procedures. */
export function useCore(): CoreClient {
  return useConnection().core;
}

/** Where the line to the core stands. */
export function useLine(): LineState {
  const connection = useConnection();
  return useSyncExternalStore(connection.subscribe, connection.line);
}
