//! The steps of all nodes of a field, solved together: what each node sees, and how little tissue stretches and bends.

use super::lattice::Lattice;
use crate::kernels::cholesky_solve;

/// Neighbouring nodes are expected to differ by this much, raw px …
const STRETCH_PX: f32 = 1.0;
/// … and a node from the middle between its neighbours by this much.
const BEND_PX: f32 = 0.4;

/// The ties between the nodes of one lattice.
pub struct Joint {
    /// Nodes with their factors, and the information that a combined displacement of 0 is worth, 1 / grid px².
    ties: Vec<(Vec<(usize, f64)>, f64)>,
    /// The ties as a matrix over all unknowns (two for each node), without the nodes' own information.
    tied: Vec<f64>,
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
        Self { ties, tied, stretch }
    }

    /// Solves `(H + L) step = pull − L field` for all nodes together, `H` their `information`, `L` the ties between neighbours. No step
    /// where nothing is known.
    pub fn step(&self, information: &[[f64; 3]], pull: &[[f64; 2]], field: &[[f32; 2]]) -> Vec<[f64; 2]> {
        let mut matrix = self.system(information);
        let mut right: Vec<f64> = pull.iter().flatten().copied().collect();
        for (nodes, worth) in &self.ties {
            for axis in 0..2 {
                let tension = worth
                    * nodes
                        .iter()
                        .map(|(node, factor)| factor * f64::from(field[*node][axis]))
                        .sum::<f64>();
                nodes.iter().for_each(|(node, factor)| right[2 * node + axis] -= factor * tension);
            }
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
}
