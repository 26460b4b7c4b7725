// SPDX-License-Identifier: MIT
import { useEffect, useState } from 'react';

/** A person going from cell to cell waits for nothing that takes work: it is asked for once a cell has been looked at for so long, ms. */
const restMs = 150;

/** The last value that stayed the same for so long, ms; `first` until one has. */
export function useLastRested<T, F>(value: T, ms: number, first: F): T | F {
  const [rested, setRested] = useState<T | F>(first);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}

/** Is it still the same after a while? Undefined until then. */
export function useRested<T>(value: T): T | undefined {
  return useLastRested(value, restMs, undefined) === value ? value : undefined;
}
