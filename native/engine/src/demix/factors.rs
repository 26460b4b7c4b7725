//! Courses that the background shares over the whole field: the leading temporal components of what is left when all components are out.
//! The ring alone cannot interpolate background that changes on the scale of a cell (pulsing vessels, fine neuropil); where such changes
//! follow a common course, the course tells them apart from the cell.

use rayon::prelude::*;

use super::ring::{Coarse, CoarseImage};
use crate::kernels::{Noise, axpy, dot64, mean, median, second_difference_noise};

/// Most factors.
const MOST: usize = 20;
/// Moments needed for each factor.
const MOMENTS: usize = 15;
/// Rounds of subspace iteration.
const ITERATIONS: usize = 8;
/// A factor's variance is at least so many times the largest that noise alone would give.
const ABOVE_NOISE: f64 = 1.5;
/// Pixels summed in one piece (fixed, so that the order of sums does not depend on threads).
const PIECE: usize = 512;

/// Spatial loadings of the shared courses: course `r` is `Σ_i loadings[r][i] · x_i(t)` over the coarse film `x` without components.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Factors {
    /// One unit vector over the coarse grid for each factor.
    pub loadings: Vec<Vec<f32>>,
}

impl Factors {
    /// The leading factors of a coarse pixel-major film with `t` moments; those that noise could explain are left out.
    pub fn find(film: &[f32], t: usize) -> Self {
        let pixels = film.len() / t.max(1);
        let most = MOST.min(t / MOMENTS).min(pixels / 4);
        if most == 0 {
            return Self::default();
        }
        let mut source = Noise::new(77);
        let mut courses: Vec<Vec<f32>> = (0..most + 4).map(|_| (0..t).map(|_| source.normal()).collect()).collect();
        let mut loadings = Vec::new();
        for _ in 0..ITERATIONS {
            orthonormalise(&mut courses);
            loadings = courses
                .par_iter()
                .map(|c| film.chunks_exact(t).map(|x| dot64(x, c) as f32).collect::<Vec<f32>>())
                .collect::<Vec<_>>();
            courses = loadings.par_iter().map(|l| project(film, t, l)).collect();
        }
        orthonormalise(&mut loadings);
        let noise: Vec<f32> = film.par_chunks_exact(t).map(second_difference_noise).collect();
        let edge = f64::from(median(&noise)).powi(2) * ((pixels as f64).sqrt() + (t as f64).sqrt()).powi(2);
        loadings.retain(|l| {
            let c = project(film, t, l);
            dot64(&c, &c) > ABOVE_NOISE * edge
        });
        loadings.truncate(most);
        Self { loadings }
    }

    /// Number of factors.
    pub fn len(&self) -> usize {
        self.loadings.len()
    }

    /// True without factors.
    pub fn is_empty(&self) -> bool {
        self.loadings.is_empty()
    }

    /// The factors' view of each footprint: `K × R` values `Σ_i loadings[r][i] · a_k(i)`.
    pub fn of_footprints(&self, grid: &Coarse, footprints: &[CoarseImage]) -> Vec<Vec<f32>> {
        footprints
            .par_iter()
            .map(|a| {
                let part = |l: &Vec<f32>| a.iter().map(|(y, x, v)| v * f64::from(l[y * grid.width + x])).sum::<f64>() as f32;
                self.loadings.iter().map(part).collect()
            })
            .collect()
    }

    /// Courses of the factors over a block of the coarse film (`t` moments), components taken out: `view` is [`Factors::of_footprints`],
    /// `courses` their traces over the same moments.
    pub fn courses(&self, film: &[f32], t: usize, view: &[Vec<f32>], courses: &[&[f32]]) -> Vec<Vec<f32>> {
        self.loadings
            .par_iter()
            .enumerate()
            .map(|(r, l)| {
                let mut out = project(film, t, l);
                view.iter().zip(courses).for_each(|(v, c)| axpy(&mut out, -v[r], c));
                out
            })
            .collect()
    }
}

/// `Σ_i l_i x_i(t)`.
fn project(film: &[f32], t: usize, loading: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0f64; t];
    for (films, loads) in film.chunks(PIECE * t).zip(loading.chunks(PIECE)) {
        let mut part = vec![0.0f32; t];
        films.chunks_exact(t).zip(loads).for_each(|(x, l)| axpy(&mut part, *l, x));
        out.iter_mut().zip(part).for_each(|(o, p)| *o += f64::from(p));
    }
    out.into_iter().map(|v| v as f32).collect()
}

/// Gram and Schmidt, twice; what vanishes stays zero. Courses keep their order (the strongest come first after some iterations).
fn orthonormalise(vectors: &mut [Vec<f32>]) {
    for i in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(i);
        let v = &mut rest[0];
        for _ in 0..2 {
            for u in done.iter() {
                let p = dot64(u, v) as f32;
                axpy(v, -p, u);
            }
        }
        let n = dot64(v, v).sqrt() as f32;
        v.iter_mut().for_each(|x| *x = if n > 1e-12 { *x / n } else { 0.0 });
    }
}

/// Sums of the factors' courses with the coarse film, the components' courses and each other.
#[derive(Clone, Debug, Default)]
pub struct FactorSums {
    /// `coarse pixels × R`: with the coarse film (components not taken out).
    pub film: Vec<f64>,
    /// `K × R`.
    pub components: Vec<Vec<f64>>,
    /// `R × R`.
    pub own: Vec<f64>,
}

impl FactorSums {
    /// Empty sums.
    pub fn new(pixels: usize, components: usize, factors: usize) -> Self {
        Self {
            film: vec![0.0; pixels * factors],
            components: vec![vec![0.0; factors]; components],
            own: vec![0.0; factors * factors],
        }
    }

    /// Adds a stretch of a block: `range` of its `t` moments.
    pub fn add(&mut self, film: &[f32], t: usize, range: std::ops::Range<usize>, courses: &[&[f32]], factors: &[Vec<f32>]) {
        let r = factors.len();
        if r == 0 {
            return;
        }
        self.film.par_chunks_mut(r).enumerate().for_each(|(i, out)| {
            let x = &film[i * t..][range.clone()];
            out.iter_mut()
                .zip(factors)
                .for_each(|(o, f)| *o += f64::from(crate::kernels::dot(x, &f[range.clone()])));
        });
        self.components.par_iter_mut().zip(courses).for_each(|(out, c)| {
            let c = &c[range.clone()];
            out.iter_mut()
                .zip(factors)
                .for_each(|(o, f)| *o += f64::from(crate::kernels::dot(c, &f[range.clone()])));
        });
        for (i, o) in self.own.iter_mut().enumerate() {
            *o += f64::from(crate::kernels::dot(&factors[i / r][range.clone()], &factors[i % r][range.clone()]));
        }
    }

    /// Adds other sums.
    pub fn plus(&mut self, other: &Self) {
        self.film.iter_mut().zip(&other.film).for_each(|(a, b)| *a += b);
        self.own.iter_mut().zip(&other.own).for_each(|(a, b)| *a += b);
        self.components
            .iter_mut()
            .zip(&other.components)
            .for_each(|(a, b)| a.iter_mut().zip(b).for_each(|(a, b)| *a += b));
    }

    /// Sums with the coarse film minus the components.
    pub fn without(&self, width: usize, footprints: &[CoarseImage]) -> Vec<f64> {
        let r = (self.own.len() as f64).sqrt() as usize;
        let mut out = self.film.clone();
        if r == 0 {
            return out;
        }
        for (a, c) in footprints.iter().zip(&self.components) {
            for (y, x, v) in a.iter().filter(|(_, _, v)| *v != 0.0) {
                out[(y * width + x) * r..][..r].iter_mut().zip(c).for_each(|(o, c)| *o -= v * c);
            }
        }
        out
    }
}

/// Each row minus its mean.
pub fn centre(film: &mut [f32], t: usize) {
    film.par_chunks_exact_mut(t.max(1)).for_each(|x| {
        let m = mean(x);
        x.iter_mut().for_each(|v| *v -= m);
    });
}
