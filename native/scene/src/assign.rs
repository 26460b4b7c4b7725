//! The best one-to-one pairing of rows and columns (Kuhn 1955, in the shortest-path form).

/// Pairs (row, column) that maximise the sum of `value(row, column)` ≥ 0; pairs of value 0 are left out. Rows rise.
pub fn assign(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f64) -> Vec<(usize, usize)> {
    // The search wants no more rows than columns.
    let swapped = rows > columns;
    let (n, m) = if swapped { (columns, rows) } else { (rows, columns) };
    let at = |i: usize, j: usize| if swapped { value(j, i) } else { value(i, j) };
    // Potentials of rows and columns and, for each column, the row it belongs to; index 0 is a helper, real ones start at 1.
    let (mut u, mut v, mut owner) = (vec![0.0; n + 1], vec![0.0; m + 1], vec![0usize; m + 1]);
    for i in 1..=n {
        owner[0] = i;
        let way = augment(m, &mut u, &mut v, &mut owner, &at);
        let mut j = way.0;
        while j != 0 {
            let before = way.1[j];
            owner[j] = owner[before];
            j = before;
        }
    }
    let mut pairs: Vec<(usize, usize)> = (1..=m)
        .filter(|j| owner[*j] != 0)
        .map(|j| if swapped { (j - 1, owner[j] - 1) } else { (owner[j] - 1, j - 1) })
        .filter(|(i, j)| value(*i, *j) > 0.0)
        .collect();
    pairs.sort_unstable();
    pairs
}

/// Shortest path from the row that owns column 0 to a free column: that column, and for each column the one before it.
fn augment(m: usize, u: &mut [f64], v: &mut [f64], owner: &mut [usize], value: &impl Fn(usize, usize) -> f64) -> (usize, Vec<usize>) {
    let (mut least, mut before, mut used) = (vec![f64::INFINITY; m + 1], vec![0; m + 1], vec![false; m + 1]);
    let mut j = 0;
    while owner[j] != 0 {
        used[j] = true;
        let (row, mut step, mut next) = (owner[j], f64::INFINITY, 0);
        for k in (1..=m).filter(|k| !used[*k]) {
            let cost = -value(row - 1, k - 1) - u[row] - v[k];
            if cost < least[k] {
                (least[k], before[k]) = (cost, j);
            }
            if least[k] < step {
                (step, next) = (least[k], k);
            }
        }
        for k in 0..=m {
            if used[k] {
                u[owner[k]] += step;
                v[k] -= step;
            } else {
                least[k] -= step;
            }
        }
        j = next;
    }
    (j, before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The best sum by trying everything.
    fn best(values: &[Vec<f64>], row: usize, taken: u32) -> f64 {
        if row == values.len() {
            return 0.0;
        }
        let free = (0..values[row].len()).filter(|j| taken & (1 << j) == 0);
        let with = free.map(|j| values[row][j] + best(values, row + 1, taken | 1 << j));
        with.fold(best(values, row + 1, taken), f64::max)
    }

    #[test]
    fn the_sum_is_the_largest_there_is() {
        let mut random = Random::new(1, 0);
        for (n, m) in [(1, 1), (3, 5), (5, 3), (6, 6), (0, 4), (4, 0)] {
            for _ in 0..20 {
                let values: Vec<Vec<f64>> = (0..n)
                    .map(|_| (0..m).map(|_| f64::max(0.0, random.between(-0.5, 1.0))).collect())
                    .collect();
                let pairs = assign(n, m, |i, j| values[i][j]);
                let sum: f64 = pairs.iter().map(|(i, j)| values[*i][*j]).sum();
                assert!((sum - best(&values, 0, 0)).abs() < 1e-9);
                assert!(pairs.iter().all(|(i, j)| values[*i][*j] > 0.0));
            }
        }
    }
}
