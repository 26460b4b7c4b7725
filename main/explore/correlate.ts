// SPDX-License-Identifier: MIT

/**
 * Pearson correlation of each pair of rows over the columns in which every row has a number. A constant row correlates with nothing (0), and with itself 1.
 *
 * @param values - n × columns, row-major
 * @returns n × n, row-major, symmetric
 */
export function correlations(values: Float32Array, n: number, columns: number): Float32Array {
  const used: number[] = [];
  for (let t = 0; t < columns; t += 1) {
    let whole = true;
    for (let k = 0; k < n && whole; k += 1) whole = Number.isFinite(values[k * columns + t] ?? Number.NaN);
    if (whole) used.push(t);
  }
  const length = used.length;
  // Unit vectors: the correlation is their product.
  const unit = new Float32Array(n * length);
  for (let k = 0; k < n; k += 1) {
    let sum = 0;
    for (const t of used) sum += values[k * columns + t] ?? 0;
    const mean = sum / Math.max(1, length);
    let squares = 0;
    for (const t of used) squares += ((values[k * columns + t] ?? 0) - mean) ** 2;
    const norm = Math.sqrt(squares);
    if (norm <= 1e-9 * Math.max(1, Math.abs(mean))) continue;
    for (let i = 0; i < length; i += 1)
      unit[k * length + i] = ((values[k * columns + (used[i] ?? 0)] ?? 0) - mean) / norm;
  }
  const result = new Float32Array(n * n);
  for (let a = 0; a < n; a += 1) {
    result[a * n + a] = 1;
    const from = a * length;
    for (let b = 0; b < a; b += 1) {
      const other = b * length;
      let sum = 0;
      for (let i = 0; i < length; i += 1) sum += (unit[from + i] ?? 0) * (unit[other + i] ?? 0);
      const r = Math.max(-1, Math.min(1, sum));
      result[a * n + b] = r;
      result[b * n + a] = r;
    }
  }
  return result;
}

interface Branch {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
}

/** Which of `active` is nearest to `from`, and how near; the lowest number wins a tie, `prefer` wins over all of equal distance. */
function nearest(
  from: number,
  active: readonly number[],
  distances: Float64Array,
  n: number,
  prefer: number,
): { readonly node: number; readonly distance: number } {
  let [node, distance] = [prefer, prefer < 0 ? Infinity : (distances[from * n + prefer] ?? Infinity)];
  for (const other of active) {
    const d = distances[from * n + other] ?? Infinity;
    if (other !== from && d < distance) [node, distance] = [other, d];
  }
  return { node, distance };
}

/**
 * Order of cells in which those that fire together lie together: clustering by mean distance 1 − r (nearest-neighbour chains, Murtagh 1983), leaves from left to right, the
 * tighter of two branches first.
 *
 * @param r - n × n correlations
 */
export function clusterOrder(r: Float32Array, n: number): readonly number[] {
  if (n <= 2) return Array.from({ length: n }, (_, k) => k);
  const distances = Float64Array.from(r, (value) => 1 - value);
  const sizes = Array.from({ length: n }, () => 1);
  // A slot of the matrix holds the newest cluster that was merged into it.
  const held: number[] = Array.from({ length: n }, (_, k) => k);
  const branches: Branch[] = [];
  let active = Array.from({ length: n }, (_, k) => k);
  let chain: number[] = [];
  while (active.length > 1) {
    if (chain.length === 0) chain = [active[0] ?? 0];
    const top = chain.at(-1) ?? 0;
    const { node, distance } = nearest(top, active, distances, n, chain.at(-2) ?? -1);
    if (node !== chain.at(-2)) {
      chain.push(node);
      continue;
    }
    chain = chain.slice(0, -2);
    const [keep, drop] = top < node ? [top, node] : [node, top];
    branches.push({ left: held[keep] ?? keep, right: held[drop] ?? drop, distance });
    const [a, b] = [sizes[keep] ?? 1, sizes[drop] ?? 1];
    active = active.filter((other) => other !== drop);
    for (const other of active) {
      if (other === keep) continue;
      const mean = (a * (distances[keep * n + other] ?? 0) + b * (distances[drop * n + other] ?? 0)) / (a + b);
      distances[keep * n + other] = mean;
      distances[other * n + keep] = mean;
    }
    sizes[keep] = a + b;
    held[keep] = n + branches.length - 1;
  }
  const height = (node: number): number => (node < n ? 0 : (branches[node - n]?.distance ?? 0));
  const order: number[] = [];
  const waiting = [n + branches.length - 1];
  while (waiting.length > 0) {
    const node = waiting.pop() ?? 0;
    const branch = branches[node - n];
    if (node < n || branch === undefined) {
      order.push(node);
      continue;
    }
    const [first, second] =
      height(branch.left) <= height(branch.right) ? [branch.left, branch.right] : [branch.right, branch.left];
    waiting.push(second, first);
  }
  return order;
}

/**
 * The first principal component of standardised activity: the leading eigenvector of the correlation matrix, by power iteration from a fixed start.
 *
 * @returns loadings of unit length whose sum is not negative, and the share of the variance they explain
 */
export function firstComponent(
  r: Float32Array,
  n: number,
): { readonly loadings: Float64Array; readonly share: number } {
  let vector = Float64Array.from({ length: n }, (_, k) => 1 + (k % 7) / 100);
  let value = 0;
  for (let round = 0; round < 500; round += 1) {
    const next = new Float64Array(n);
    for (let a = 0; a < n; a += 1) {
      let sum = 0;
      // Plus the identity: all eigenvalues are then positive, and the largest wins.
      for (let b = 0; b < n; b += 1) sum += (r[a * n + b] ?? 0) * (vector[b] ?? 0);
      next[a] = sum + (vector[a] ?? 0);
    }
    const norm = Math.sqrt(next.reduce((total, each) => total + each * each, 0));
    if (norm === 0) break;
    let moved = 0;
    for (let a = 0; a < n; a += 1) {
      next[a] = (next[a] ?? 0) / norm;
      moved = Math.max(moved, Math.abs((next[a] ?? 0) - (vector[a] ?? 0)));
    }
    vector = next;
    value = norm - 1;
    if (moved < 1e-7) break;
  }
  const sum = vector.reduce((total, each) => total + each, 0);
  return { loadings: sum < 0 ? vector.map((each) => -each) : vector, share: n === 0 ? 0 : value / n };
}

/** Positions sorted by a value, the largest first; equal ones in their order, unknown ones last. */
export function orderBy(values: ArrayLike<number | null>, descending = true): readonly number[] {
  const key = (k: number): number => {
    const value = values[k];
    if (value === null || value === undefined || !Number.isFinite(value)) return Infinity;
    return descending ? -value : value;
  };
  return Array.from({ length: values.length }, (_, k) => k).sort((a, b) => key(a) - key(b) || a - b);
}
