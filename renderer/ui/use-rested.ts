// SPDX-License-Identifier: MIT
import { useEffect, useState } from 'react';

/** A person going from cell to cell waits for nothing that takes work: it is asked for once a cell has been looked at for so long, ms. */
const restMs = 150;

/** Is it still the same after a while? Undefined until then. */
export function useRested<T>(value: T): T | undefined {
  const [rested, setRested] = useState<T | undefined>(undefined);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [value]);
  return rested === value ? value : undefined;
}
