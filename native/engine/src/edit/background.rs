//! The background of a finished run, and the frames rendered from it: `Y = A·C + B + residual` on the working grid with
//! `B = b0 + U (W D (Y − b0 − A·C) + shares · courses)`.

use calyx_npy::Csr;

use crate::demix::ring::{Coarse, RingWeights};
use crate::kernels::axpy;
use crate::types::Footprint;

/// Ring weights, shared courses and constant.
#[derive(Clone, Debug)]
pub struct Background {
    /// The coarse grid.
    pub coarse: Coarse,
    /// `coarse pixels × coarse pixels`.
    pub weights: Csr,
    /// `coarse pixels × R`.
    pub shares: Vec<f32>,
    /// `R × T`.
    pub courses: Vec<Vec<f32>>,
    /// Per grid pixel: the mean of the film without the cells, grey levels.
    pub constant: Vec<f32>,
}

/// The parts of one frame on the working grid, grey levels.
pub struct Parts {
    /// `A·C`.
    pub cells: Vec<f32>,
    /// The ring background with its constant.
    pub background: Vec<f32>,
    /// What neither explains.
    pub residual: Vec<f32>,
}

impl Background {
    /// From the stage `demix`.
    pub fn new(weights: &RingWeights, courses: Vec<Vec<f32>>, constant: Vec<f32>) -> Self {
        let coarse = weights.ring.coarse.clone();
        let mut matrix = Csr::new(coarse.pixels());
        for i in 0..coarse.pixels() {
            let mut row: Vec<(usize, f32)> = weights
                .of(i / coarse.width, i % coarse.width)
                .filter(|(_, _, w)| *w != 0.0)
                .map(|(y, x, w)| (y * coarse.width + x, w))
                .collect();
            row.sort_unstable_by_key(|(p, _)| *p);
            matrix.push_row(row);
        }
        Self {
            coarse,
            weights: matrix,
            shares: weights.shares.clone(),
            courses,
            constant,
        }
    }

    /// A coarse pixel's shares in the courses.
    pub fn shares(&self, i: usize) -> &[f32] {
        let r = self.courses.len();
        &self.shares[i * r..][..r]
    }

    /// The parts of frame `t`, whose pixels are `frame`, with the footprints and their values (calcium) in that frame.
    pub fn render(&self, frame: &[f32], t: usize, cells: &[(&Footprint, f32)], width: usize) -> Parts {
        let mut bright = vec![0.0f32; frame.len()];
        for (a, c) in cells {
            super::statistics::add(&mut bright, a, width, *c);
        }
        let rest: Vec<f32> = frame.iter().zip(&bright).zip(&self.constant).map(|((y, a), b)| y - a - b).collect();
        let small = self.coarse.down(&rest, 1);
        let ring: Vec<f32> = (0..self.coarse.pixels())
            .map(|i| {
                let near: f32 = self.weights.row(i).map(|(j, w)| w * small[j]).sum();
                near + self.shares(i).iter().zip(&self.courses).map(|(z, c)| z * c[t]).sum::<f32>()
            })
            .collect();
        let at = |p: usize| ring[(p / width) / self.coarse.factor * self.coarse.width + (p % width) / self.coarse.factor];
        let background: Vec<f32> = self.constant.iter().enumerate().map(|(p, b)| b + at(p)).collect();
        let residual = rest
            .iter()
            .zip(&background)
            .zip(&self.constant)
            .map(|((r, b), constant)| r - (b - constant))
            .collect();
        Parts {
            cells: bright,
            background,
            residual,
        }
    }

    /// What a footprint's filter takes off: (coarse pixel, weight) ascending, and how much of each course.
    pub fn filter(&self, a: &Footprint) -> (Vec<(usize, f64)>, Vec<f32>) {
        let image = self.coarse.footprint(a);
        let mut ring = std::collections::BTreeMap::<usize, f64>::new();
        let mut shares = vec![0.0f32; self.courses.len()];
        for (y, x, v) in image.iter().filter(|(_, _, v)| *v != 0.0) {
            // `image` holds block means; the transposed up-sampler sums over the block.
            let total = v * self.coarse.members(y, x) as f64;
            let i = y * self.coarse.width + x;
            for (j, w) in self.weights.row(i) {
                *ring.entry(j).or_default() += total * f64::from(w);
            }
            axpy(&mut shares, total as f32, self.shares(i));
        }
        (ring.into_iter().collect(), shares)
    }
}
