// SPDX-License-Identifier: MIT
import { createContext, useContext } from 'react';

/** How large the person wants text, 0.9 … 1.5: for the few places that compute sizes themselves. */
export const TextScale = createContext(1);

export function useTextScale(): number {
  return useContext(TextScale);
}
