// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import { type BuiltQuery, emptyQuery } from './query-builder.ts';

interface Console {
  readonly mode: 'views' | 'sql';
  readonly sql: string;
  readonly built: BuiltQuery;
  /** Statements that were answered, newest first. */
  readonly history: readonly string[];
}

/** The question under way. Kept for the browser. */
export const useConsole = create<Console>()(
  persist((): Console => ({ mode: 'views', sql: '', built: emptyQuery, history: [] }), {
    name: 'calyx.query',
    storage: createJSONStorage(() => localStorage),
  }),
);
