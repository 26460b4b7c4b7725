//! The steps of all nodes of a field, solved together: what each node sees, and what ties it to the others: at first how little tissue
//! stretches and bends, then how this tissue was seen to move.

use rayon::prelude::*;

use super::lattice::Lattice;
use crate::kernels::{cholesky, cholesky_solve};

/// Neighbouring nodes are expected to differ by this much, raw px …
const STRETCH_PX: f32 = 1.0;
/// … and a node from the middle between its neighbours by this much.
const BEND_PX: f32 = 0.4;

/// What is expected before anything was seen counts as much as so many frames of the sample.
const EXPECTED_FRAMES: f64 = 12.0;
/// Rounds in which what is usual and the sample's fields are found from each other.
const LEARN_ROUNDS: usize = 4;
/// All nodes together move freely: standard deviation, grid px.
const FREE_PX: f64 = 1e3;

/// The ties between the nodes of one lattice.
pub struct Joint {
    /// The ties as a matrix over all unknowns (two for each node), without the nodes' own information, 1 / grid px².
    tied: Vec<f64>,
    /// How the nodes are expected to depart from their mean before anything was seen: covariance, grid px².
    expected: Vec<f64>,
    /// The information of a tie between neighbours.
    pub stretch: f64,
}

impl Joint {
    /// For a lattice on a grid whose pixels have `bin` raw px.
    pub fn new(lattice: &Lattice, bin: usize) -> Self {
        let worth = |px: f32| f64::from(bin as f32 / px).powi(2);
        let stretch = worth(STRETCH_PX);
        let ties = ties(lattice, stretch, worth(BEND_PX));
        let n = 2 * lattice.nodes();
        let mut tied = vec![0.0; n * n];
        for (nodes, worth) in &ties {
            for (a, fa) in nodes {
                for (b, fb) in nodes {
                    for axis in 0..2 {
                        tied[(2 * a + axis) * n + 2 * b + axis] += worth * fa * fb;
                    }
                }
            }
        }
        let mut free = tied.clone();
        for_alike(lattice.nodes(), |i| free[i] += 1e-6);
        let mut expected = inverse(&free).unwrap_or_else(|| vec![0.0; n * n]);
        depart(&mut expected);
        Self { tied, expected, stretch }
    }

    /// Solves `(H + L) step = pull − L field` for all nodes together, `H` their `information`, `L` the ties between neighbours. No step
    /// where nothing is known.
    pub fn step(&self, information: &[[f64; 3]], pull: &[[f64; 2]], field: &[[f32; 2]]) -> Vec<[f64; 2]> {
        let mut matrix = self.system(information);
        let mut right: Vec<f64> = pull.iter().flatten().copied().collect();
        let n = right.len();
        for (r, row) in right.iter_mut().zip(self.tied.chunks_exact(n)) {
            *r -= row.iter().zip(field.as_flattened()).map(|(l, d)| l * f64::from(*d)).sum::<f64>();
        }
        if !cholesky_solve(&mut matrix, &mut right) {
            return vec![[0.0; 2]; field.len()];
        }
        right.chunks_exact(2).map(|s| [s[0], s[1]]).collect()
    }

    /// The matrix of [`Self::step`].
    fn system(&self, information: &[[f64; 3]]) -> Vec<f64> {
        let n = 2 * information.len();
        let mut matrix = self.tied.clone();
        for (node, [yy, xx, xy]) in information.iter().enumerate() {
            let (y, x) = (2 * node, 2 * node + 1);
            matrix[y * n + y] += yy + 1e-3; // So that it can be solved where nothing is known.
            matrix[x * n + x] += xx + 1e-3;
            matrix[y * n + x] += xy;
            matrix[x * n + y] += xy;
        }
        matrix
    }

    /// Learns from the sample how this tissue moves: the ties become the inverse of the covariance of its fields, whose own uncertainty is
    /// counted (expectation and maximisation). What moves together in well-seen frames leads what cannot be seen in others.
    pub fn learn(&mut self, fields: &[Vec<[f32; 2]>], information: &[Vec<[f64; 3]>]) {
        let n = self.expected.len().isqrt();
        // Where the likelihood and the ties that led to a field balance: what the frame alone says is `system · field`.
        let said: Vec<Vec<f64>> = fields
            .par_iter()
            .zip(information)
            .map(|(field, h)| multiply(&self.system(h), &centred(field)))
            .collect();
        for _ in 0..LEARN_ROUNDS {
            let moments: Vec<Option<(Vec<f64>, Vec<f64>)>> = said
                .par_iter()
                .zip(information)
                .map(|(b, h)| {
                    let left = inverse(&self.system(h))?;
                    let field = multiply(&left, b);
                    Some((field, left))
                })
                .collect();
            let mut covariance: Vec<f64> = self.expected.iter().map(|c| EXPECTED_FRAMES * c).collect();
            let mut count = EXPECTED_FRAMES;
            for (field, left) in moments.into_iter().flatten() {
                for (i, row) in covariance.chunks_exact_mut(n).enumerate() {
                    for ((c, v), d) in row.iter_mut().zip(&left[i * n..]).zip(&field) {
                        *c += v + field[i] * d;
                    }
                }
                count += 1.0;
            }
            covariance.iter_mut().for_each(|c| *c /= count);
            depart(&mut covariance);
            for_alike(n / 2, |i| covariance[i] += FREE_PX * FREE_PX);
            let Some(tied) = inverse(&covariance) else { return };
            self.tied = tied;
        }
    }

    /// Root of the mean square error that this information leaves to a node, both axes.
    pub fn error(&self, information: &[[f64; 3]]) -> f32 {
        let n = information.len();
        let mut sum = 0.0;
        for unknown in 0..2 * n {
            let mut unit = vec![0.0; 2 * n];
            unit[unknown] = 1.0;
            if cholesky_solve(&mut self.system(information), &mut unit) {
                sum += unit[unknown];
            }
        }
        (sum / n as f64).sqrt() as f32
    }
}

/// Calls `each` with the places of a matrix over all unknowns that join the same axis of two nodes.
fn for_alike(nodes: usize, mut each: impl FnMut(usize)) {
    for a in 0..2 * nodes {
        (a % 2..2 * nodes).step_by(2).for_each(|b| each(a * 2 * nodes + b));
    }
}

/// The field without the mean of its nodes.
fn centred(field: &[[f32; 2]]) -> Vec<f64> {
    let mean = [0, 1].map(|axis| field.iter().map(|d| f64::from(d[axis])).sum::<f64>() / field.len() as f64);
    field
        .iter()
        .flat_map(|d| [0, 1].map(|axis| f64::from(d[axis]) - mean[axis]))
        .collect()
}

/// The covariance of what departs from the mean of the nodes, from that of the fields.
fn depart(covariance: &mut [f64]) {
    let n = covariance.len().isqrt();
    for _ in 0..2 {
        for row in covariance.chunks_exact_mut(n) {
            let mean = [0, 1].map(|axis| row.iter().skip(axis).step_by(2).sum::<f64>() / (n / 2) as f64);
            row.iter_mut().enumerate().for_each(|(i, v)| *v -= mean[i % 2]);
        }
        for i in 0..n {
            (0..i).for_each(|j| covariance.swap(i * n + j, j * n + i));
        }
    }
}

fn multiply(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    let row = |row: &[f64]| row.iter().zip(vector).map(|(m, v)| m * v).sum();
    matrix.chunks_exact(vector.len()).map(row).collect()
}

/// The inverse of a symmetric positive matrix; `None` for another.
fn inverse(matrix: &[f64]) -> Option<Vec<f64>> {
    let n = matrix.len().isqrt();
    let mut lower = matrix.to_vec();
    if !cholesky(&mut lower, n) {
        return None;
    }
    // Rows of the inverse of the lower factor, then their products.
    let mut rows = vec![0.0; n * n];
    for i in 0..n {
        let (done, row) = rows.split_at_mut(i * n);
        let row = &mut row[..n];
        row[i] = 1.0;
        for k in 0..i {
            let l = lower[i * n + k];
            row[..=k].iter_mut().zip(&done[k * n..]).for_each(|(r, d)| *r -= l * d);
        }
        let scale = 1.0 / lower[i * n + i];
        row[..=i].iter_mut().for_each(|r| *r *= scale);
    }
    let mut out = vec![0.0; n * n];
    for row in rows.chunks_exact(n) {
        for i in (0..n).filter(|i| row[*i] != 0.0) {
            let v = row[i];
            out[i * n..(i + 1) * n].iter_mut().zip(row).for_each(|(o, r)| *o += v * r);
        }
    }
    Some(out)
}

/// Differences between neighbours along rows and columns, and of a node from the middle of its neighbours.
fn ties(lattice: &Lattice, stretch: f64, bend: f64) -> Vec<(Vec<(usize, f64)>, f64)> {
    let [rows, columns] = [lattice.rows.len(), lattice.columns.len()];
    let mut ties = Vec::new();
    for node in 0..rows * columns {
        for (place, count, next) in [(node / columns, rows, columns), (node % columns, columns, 1)] {
            if place + 1 < count {
                ties.push((vec![(node, -1.0), (node + next, 1.0)], stretch));
            }
            if place + 2 < count {
                ties.push((vec![(node, 0.5), (node + next, -1.0), (node + 2 * next, 0.5)], bend));
            }
        }
    }
    ties
}

/// The Hessian of a log likelihood as information: never negative, whatever the surface.
pub fn information_of([yy, xx, xy]: [f64; 3]) -> [f64; 3] {
    let (yy, xx) = ((-yy).max(0.0), (-xx).max(0.0));
    let most = 0.9 * (yy * xx).sqrt();
    [yy, xx, (-xy).clamp(-most, most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blind_block_follows_its_neighbours() {
        let joint = Joint::new(&Lattice::over([84, 108], [5, 6]), 1);
        let n = 30;
        let mut information = vec![[100.0, 100.0, 0.0]; n];
        let mut pull = vec![[100.0, -50.0]; n];
        let blind = n / 2;
        (information[blind], pull[blind]) = ([0.0; 3], [0.0; 2]);
        let step = joint.step(&information, &pull, &vec![[0.0; 2]; n]);
        assert!(
            (step[blind][0] - 1.0).abs() < 0.02 && (step[blind][1] + 0.5).abs() < 0.02,
            "{:?}",
            step[blind]
        );
        let nowhere = joint.step(&vec![[0.0; 3]; n], &vec![[0.0; 2]; n], &vec![[0.0; 2]; n]);
        assert!(nowhere.iter().flatten().all(|s| s.abs() < 1e-9));
    }

    #[test]
    fn blocks_that_see_more_leave_less_error() {
        let joint = Joint::new(&Lattice::over([84, 108], [4, 5]), 2);
        let error = |worth: f64| joint.error(&vec![[worth, worth, 0.0]; 20]);
        assert!(error(100.0) < 0.5 * error(10.0) && error(10.0) < error(1.0));
        // Alone, a node would be known to √(2 / information); ties can only help.
        assert!(error(100.0) < (2.0f32 / 100.0).sqrt());
    }

    #[test]
    fn the_inverse_is_the_inverse_and_only_of_positive_matrices() {
        let n = 5;
        let factor: Vec<f64> = (0..n * n).map(|i| ((i * 7 + 3) % 11) as f64 - 4.0).collect();
        let product = |a: usize, b: usize| (0..n).map(|k| factor[a * n + k] * factor[b * n + k]).sum::<f64>();
        let matrix: Vec<f64> = (0..n * n)
            .map(|i| product(i / n, i % n) + if i / n == i % n { 1.0 } else { 0.0 })
            .collect();
        let found = inverse(&matrix).unwrap();
        for a in 0..n {
            for b in 0..n {
                let value: f64 = (0..n).map(|k| matrix[a * n + k] * found[k * n + b]).sum();
                assert!((value - f64::from(u8::from(a == b))).abs() < 1e-9, "{a} {b}: {value}");
            }
        }
        assert!(inverse(&[1.0, 2.0, 2.0, 1.0]).is_none());
    }

    #[test]
    fn a_blind_block_follows_as_the_sample_has_shown() {
        let lattice = Lattice::over([84, 108], [5, 6]);
        // One way of bending, by some px: the corners move against the middle.
        let mode: Vec<[f32; 2]> = (0..30)
            .map(|i| {
                let (v, u) = ((i / 6) as f32 / 2.0 - 1.0, (i % 6) as f32 / 2.5 - 1.0);
                [v * u, u * u + v * v - 1.0]
            })
            .collect();
        let bent = |by: f32| mode.iter().map(|d| [by * d[0] + 3.0, by * d[1] - 1.0]).collect::<Vec<_>>();
        let seen = vec![[60.0, 60.0, 0.0]; 30];
        let fields: Vec<_> = (0..60).map(|t| bent(2.0 * (1.3 * t as f32).sin())).collect();
        let mut joint = Joint::new(&lattice, 1);
        let blind = |joint: &Joint| {
            let (mut information, wanted) = (seen.clone(), bent(1.5));
            let mut pull: Vec<[f64; 2]> = wanted.iter().map(|d| [60.0 * f64::from(d[0]), 60.0 * f64::from(d[1])]).collect();
            for node in [0, 1, 6] {
                (information[node], pull[node]) = ([0.0; 3], [0.0; 2]);
            }
            let step = joint.step(&information, &pull, &vec![[0.0; 2]; 30]);
            (step[0][0] - f64::from(wanted[0][0])).hypot(step[0][1] - f64::from(wanted[0][1]))
        };
        let before = blind(&joint);
        joint.learn(&fields, &vec![seen.clone(); 60]);
        let after = blind(&joint);
        assert!(before > 0.5 && after < 0.15, "{before} {after}");
        // Where all move together nothing resists, and nothing moves where nothing is seen.
        let together = joint.step(&seen, &vec![[300.0, -120.0]; 30], &vec![[0.0; 2]; 30]);
        assert!(
            together.iter().all(|s| (s[0] - 5.0).abs() < 1e-3 && (s[1] + 2.0).abs() < 1e-3),
            "{together:?}"
        );
    }
}
