// SPDX-License-Identifier: MIT

/** What lists are ordered by. */
export type OrderValue = string | number | null | undefined;

const known = (value: OrderValue): value is string | number =>
  value !== null && value !== undefined && !(typeof value === 'number' && Number.isNaN(value));

/** One for all: making it costs more than a thousand comparisons. */
const collator = new Intl.Collator('en', { numeric: true });

/** Names as people sort them: without case, 10 after 9. */
export function byName(a: string, b: string): number {
  return collator.compare(a, b);
}

/** Orders by a value, numbers as numbers; what is not known comes last in both directions. Equal ones keep their order. */
export function byValue<T>(value: (item: T) => OrderValue, descending = false): (a: T, b: T) => number {
  return (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (!known(x) || !known(y)) return Number(known(y)) - Number(known(x));
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : byName(String(x), String(y));
    return descending ? -order : order;
  };
}

/** Rows 0 … `count` − 1 ordered by a value of each. */
export function rowsBy(count: number, value: (row: number) => OrderValue, descending = false): number[] {
  return Array.from({ length: count }, (_, row) => row).sort(byValue(value, descending));
}
