//! What is summed over the film: lag covariances and noise once; for each component the products of its trace with the film around it.
//! All sums run over the same groups of frames (mixing subsets makes the ring's systems indefinite).

use std::ops::Range;

use rayon::prelude::*;

use super::factors::{FactorSums, Factors};
use super::ring::{Coarse, CoarseImage, LagCovariance, Ring, RingWeights};
use crate::cache::Window;
use crate::init::Candidate;
use crate::kernels::{axpy, dot, mean};
use crate::movie::{Groups, SlowMovie, check, for_blocks, mean_codes};
use crate::params::Parameters;
use crate::shelf::{Shelf, Trace};
use crate::types::{Context, Footprint, Grid, Registered, StageError};

/// Most groups the statistics are summed over; longer films are averaged over consecutive frames to stay below. Averaging short films, too, costs
/// faint cells some of their footprint.
const MOST_GROUPS: usize = 6000;

/// Groups in one stretch of the two halves; two make a block of the streaming pass.
const HALF: usize = crate::movie::BLOCK / 2;

/// Sums that do not depend on any component.
#[derive(Default, serde::Deserialize, serde::Serialize)]
pub struct Survey {
    /// The groups of frames all statistics are summed over.
    pub groups: Groups,
    /// Mean code of each pixel over those groups.
    pub mean: Vec<f32>,
    /// White noise of each grid pixel in one group, grey levels.
    pub noise: Vec<f32>,
    /// The ring.
    pub ring: Ring,
    /// Covariances of the coarse film at the ring's lags.
    pub covariance: LagCovariance,
}

/// The ring for cells of standard deviation `sigma` (grid px).
pub fn ring_of(grid: &Grid, params: &Parameters, sigma: f32) -> Ring {
    let factor = ((sigma / 0.75).round() as usize).clamp(1, 4);
    let coarse = Coarse::new(factor, grid.height, grid.width);
    // The ring must fit into the field.
    let radius = (params.ring_radius_factor * 2.36 * sigma / factor as f32).round() as usize;
    Ring::new(coarse, radius.clamp(2, (grid.height.min(grid.width) / factor / 3).max(2)))
}

impl Survey {
    /// One pass over the film.
    ///
    /// # Errors
    /// Cancelled, or the cache cannot be read.
    pub fn gather(film: &Registered, params: &Parameters, sigma: f32, ctx: &Context) -> Result<Self, StageError> {
        let (height, width) = (film.grid.height, film.grid.width);
        let ring = ring_of(&film.grid, params, sigma);
        let size = film.cache.frames().div_ceil(MOST_GROUPS);
        let groups = Groups::valid(&film.flags, size);
        let mean = mean_codes(film, &groups, ctx)?;
        let mut covariance = LagCovariance::new(&ring);
        let mut noise = vec![(0.0f64, 0u32); height * width];
        for_blocks(film, &groups, &mean, ctx, |block| {
            covariance.add(&ring, &ring.coarse.down(&block.values, block.count), block.count);
            noise.par_iter_mut().enumerate().for_each(|(p, (sum, n))| {
                for w in block.pixel(p).windows(3) {
                    let d = w[2] - 2.0 * w[1] + w[0];
                    *sum += f64::from(d * d);
                    *n += 1;
                }
            });
            (ctx.progress)(
                0.5 + 0.3 * (block.first + block.count) as f32 / groups.len() as f32,
                (block.first + block.count) as u64,
            );
            Ok(())
        })?;
        let noise = noise
            .into_iter()
            .map(|(s, n)| (s / f64::from(n.max(1)) / 6.0).sqrt() as f32)
            .collect();
        Ok(Self {
            groups,
            mean,
            noise,
            ring,
            covariance,
        })
    }
}

impl Survey {
    /// Mean grey level of each grid pixel over the groups.
    pub fn levels(&self, film: &Registered) -> Vec<f32> {
        let (offsets, step) = (film.cache.mean0(), film.cache.step());
        self.mean.iter().zip(offsets).map(|(q, o)| o + step * (q - 128.0)).collect()
    }
}

/// The slow film minus components minus ring background, window by window, read from the cache when it is asked for.
pub struct Residual<'a> {
    film: &'a Registered,
    movie: &'a SlowMovie,
    weights: &'a RingWeights,
    components: &'a [Component],
    /// Mean of each component's trace over all moments.
    means: Vec<f32>,
    /// Courses of the factors at all moments.
    shared: Vec<Vec<f32>>,
}

impl<'a> Residual<'a> {
    /// Prepares what all windows share; without shared courses no pass over the film is needed.
    ///
    /// # Errors
    /// Cancelled, or the cache cannot be read.
    pub fn new(
        film: &'a Registered,
        movie: &'a SlowMovie,
        weights: &'a RingWeights,
        components: &'a [Component],
        ctx: &Context,
    ) -> Result<Self, StageError> {
        let means = components
            .par_iter()
            .map(|c| Ok(mean(&c.trace.average(&movie.groups)?)))
            .collect::<Result<_, StageError>>()?;
        let mut shared = vec![Vec::with_capacity(movie.len()); weights.factors.len()];
        if !shared.is_empty() {
            let grid = &weights.ring.coarse;
            let footprints: Vec<CoarseImage> = components.iter().map(|c| grid.footprint(&c.footprint)).collect();
            let view = weights.factors.of_footprints(grid, &footprints);
            for_blocks(film, &movie.groups, movie.mean(), ctx, |block| {
                let numbers: Vec<u32> = (block.first as u32..(block.first + block.count) as u32).collect();
                let moments = movie.groups.select(&numbers);
                let traces: Vec<Vec<f32>> = components
                    .par_iter()
                    .map(|c| c.trace.average(&moments))
                    .collect::<Result<_, StageError>>()?;
                let now: Vec<&[f32]> = traces.iter().map(Vec::as_slice).collect();
                let small = grid.down(&block.values, block.count);
                let courses = weights.factors.courses(&small, block.count, &view, &now);
                shared.iter_mut().zip(courses).for_each(|(all, part)| all.extend(part));
                Ok(())
            })?;
        }
        Ok(Self {
            film,
            movie,
            weights,
            components,
            means,
            shared,
        })
    }

    /// The film this is the residual of.
    pub fn movie(&self) -> &SlowMovie {
        self.movie
    }

    /// A window at some moments (ascending numbers), pixel-major (`height × width × T`), grey levels.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub fn window(&self, window: Window, numbers: &[u32]) -> Result<Vec<f32>, StageError> {
        let (grid, extent, t) = (&self.weights.ring.coarse, self.weights.ring.extent, numbers.len());
        let moments = self.movie.groups.select(numbers);
        // The coarse window in which all rings end, and the pixels under it.
        let reach = |start: usize, length: usize, coarse: usize, fine: usize| {
            let first = (start / grid.factor).saturating_sub(extent);
            let end = ((start + length - 1) / grid.factor + 1 + extent).min(coarse);
            (first..end, first * grid.factor..(end * grid.factor).min(fine))
        };
        let (rows, _) = reach(window.top, window.height, grid.height, self.movie.height);
        let (columns, fine) = reach(window.left, window.width, grid.width, self.movie.width);
        let near = self.near(rows.start * grid.factor, rows.end * grid.factor, &fine, &moments)?;
        let mut out = vec![0.0f32; window.pixels() * t];
        let mut coarse = Vec::with_capacity(rows.len() * columns.len() * t);
        let mut strip = Vec::new();
        for cy in rows.clone() {
            let top = cy * grid.factor;
            let place = Window {
                top,
                left: fine.start,
                height: grid.factor.min(self.movie.height - top),
                width: fine.len(),
            };
            self.movie.window(self.film, place, &moments, &mut strip)?;
            take_out(&near, place, &mut strip);
            let block = Coarse::new(grid.factor, place.height, place.width);
            for cx in 0..columns.len() {
                coarse.extend(block.mean_of(0, cx, &strip, t));
            }
            for y in top.max(window.top)..(top + place.height).min(window.top + window.height) {
                let from = ((y - top) * place.width + window.left - place.left) * t;
                let to = (y - window.top) * window.width * t;
                out[to..to + window.width * t].copy_from_slice(&strip[from..from + window.width * t]);
            }
        }
        let shared: Vec<Vec<f32>> = self
            .shared
            .iter()
            .map(|s| numbers.iter().map(|m| s[*m as usize]).collect())
            .collect();
        let mut background = vec![0.0f32; t];
        for cy in window.top / grid.factor..=(window.top + window.height - 1) / grid.factor {
            for cx in window.left / grid.factor..=(window.left + window.width - 1) / grid.factor {
                background.iter_mut().for_each(|b| *b = 0.0);
                for (v, u, w) in self.weights.of(cy, cx) {
                    axpy(
                        &mut background,
                        w,
                        &coarse[((v - rows.start) * columns.len() + u - columns.start) * t..][..t],
                    );
                }
                self.weights
                    .shares(cy, cx)
                    .iter()
                    .zip(&shared)
                    .for_each(|(z, c)| axpy(&mut background, *z, c));
                for y in (cy * grid.factor).max(window.top)..((cy + 1) * grid.factor).min(window.top + window.height) {
                    for x in (cx * grid.factor).max(window.left)..((cx + 1) * grid.factor).min(window.left + window.width) {
                        let p = (y - window.top) * window.width + x - window.left;
                        axpy(&mut out[p * t..][..t], -1.0, &background);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Components that reach into a part of the grid, with their traces at the moments, mean taken off.
    fn near(&self, top: usize, bottom: usize, columns: &Range<usize>, moments: &Groups) -> Result<Vec<(&Footprint, Vec<f32>)>, StageError> {
        self.components
            .iter()
            .zip(&self.means)
            .filter(|(c, _)| {
                let a = &c.footprint;
                a.top < bottom && a.top + a.height > top && a.left < columns.end && a.left + a.width > columns.start
            })
            .map(|(c, m)| {
                let mut trace = c.trace.average(moments)?;
                trace.iter_mut().for_each(|v| *v -= m);
                Ok((&c.footprint, trace))
            })
            .collect()
    }
}

/// Takes components out of a window of the film.
fn take_out(components: &[(&Footprint, Vec<f32>)], window: Window, film: &mut [f32]) {
    for (a, c) in components {
        let t = c.len();
        for y in a.top.max(window.top)..(a.top + a.height).min(window.top + window.height) {
            for x in a.left.max(window.left)..(a.left + a.width).min(window.left + window.width) {
                let v = a.values[(y - a.top) * a.width + x - a.left];
                if v > 0.0 {
                    axpy(&mut film[((y - window.top) * window.width + x - window.left) * t..][..t], -v, c);
                }
            }
        }
    }
}

/// The slow film on the coarse grid minus components (pixel-major), at some moments (ascending numbers), each pixel's mean over them taken off.
///
/// # Errors
/// Cancelled, or the cache cannot be read.
pub fn coarse_residual(
    film: &Registered,
    movie: &SlowMovie,
    grid: &Coarse,
    components: &[Component],
    numbers: &[u32],
    ctx: &Context,
) -> Result<Vec<f32>, StageError> {
    let (moments, t) = (movie.groups.select(numbers), numbers.len());
    let mut coarse = vec![0.0f32; grid.pixels() * t];
    coarse
        .par_chunks_mut((grid.width * t).max(1))
        .enumerate()
        .try_for_each_init(Vec::new, |strip, (cy, row)| {
            check(ctx)?;
            let top = cy * grid.factor;
            let place = Window {
                top,
                left: 0,
                height: grid.factor.min(movie.height - top),
                width: movie.width,
            };
            movie.window(film, place, &moments, strip)?;
            let block = Coarse::new(grid.factor, place.height, place.width);
            for (cx, out) in row.chunks_exact_mut(t).enumerate() {
                out.copy_from_slice(&block.mean_of(0, cx, strip, t));
            }
            Ok::<(), StageError>(())
        })?;
    for c in components {
        let trace = c.trace.average(&moments)?;
        for (y, x, v) in grid.footprint(&c.footprint).iter().filter(|(_, _, v)| *v != 0.0) {
            axpy(&mut coarse[(y * grid.width + x) * t..][..t], -v as f32, &trace);
        }
    }
    super::factors::centre(&mut coarse, t);
    Ok(coarse)
}

/// One component while it is being worked on: a square window around its centre, footprint inside it, trace of all frames.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Component {
    /// Footprint; its window reaches as far as the footprint may grow. Maximum 1.
    pub footprint: Footprint,
    /// Denoised trace without baseline, all frames.
    pub trace: Trace,
    /// Peak-to-noise ratio of its seed.
    pub seed_pnr: f32,
    /// Local correlation of its seed.
    pub seed_correlation: f32,
}

impl Component {
    /// From a first guess: its window cut to `reach` pixels around the peak, its trace spread over all frames (where it is known at some moments
    /// only, zero elsewhere).
    ///
    /// # Errors
    /// The trace cannot be kept.
    pub fn new(candidate: &Candidate, groups: &Groups, reach: usize, film: &Registered, shelf: &Shelf) -> Result<Self, StageError> {
        let (moments, frames) = (groups.select(&candidate.moments), film.cache.frames());
        let trace = if moments.len() == groups.len() {
            moments.spread(&candidate.trace, frames)
        } else {
            moments.hold(&candidate.trace, frames)
        };
        Ok(Self {
            footprint: rewindow(&candidate.footprint, reach, film.grid.height, film.grid.width),
            trace: shelf.keep(trace)?,
            seed_pnr: candidate.pnr,
            seed_correlation: candidate.correlation,
        })
    }
}

/// The footprint in a square window of `reach` pixels around its weighted centre, cut at the field's edge.
pub fn rewindow(a: &Footprint, reach: usize, height: usize, width: usize) -> Footprint {
    let (cy, cx) = centroid(a);
    let (cy, cx) = ((cy.round() as usize).min(height - 1), (cx.round() as usize).min(width - 1));
    let (top, left) = (cy.saturating_sub(reach), cx.saturating_sub(reach));
    let (h, w) = ((cy + reach + 1).min(height) - top, (cx + reach + 1).min(width) - left);
    let mut values = vec![0.0; h * w];
    for (i, v) in a.values.iter().enumerate() {
        let (y, x) = (a.top + i / a.width, a.left + i % a.width);
        if (top..top + h).contains(&y) && (left..left + w).contains(&x) {
            values[(y - top) * w + x - left] = *v;
        }
    }
    Footprint {
        top,
        left,
        height: h,
        width: w,
        values,
    }
}

/// Weighted centre (row, column) of a footprint on the grid.
pub fn centroid(a: &Footprint) -> (f32, f32) {
    let (mut sy, mut sx, mut s) = (0.0f64, 0.0f64, 0.0f64);
    for (i, v) in a.values.iter().enumerate() {
        let v = f64::from(*v);
        sy += v * (i / a.width) as f64;
        sx += v * (i % a.width) as f64;
        s += v;
    }
    if s > 0.0 {
        ((a.top as f64 + sy / s) as f32, (a.left as f64 + sx / s) as f32)
    } else {
        ((a.top + a.height / 2) as f32, (a.left + a.width / 2) as f32)
    }
}

/// `P = C̃ Ỹᵀ` near each component, fine and coarse, and `G = C̃ C̃ᵀ` between components that can meet.
pub struct Products {
    /// `C̃` of each component at the groups (mean taken off).
    pub courses: Vec<Vec<f32>>,
    /// On each footprint's window.
    pub fine: Vec<Vec<f64>>,
    /// On the coarse window that reaches two ring radii beyond the footprint's.
    pub coarse: Vec<CoarseImage>,
    /// For each component its partners (itself first) with their product.
    pub gram: Vec<Vec<(usize, f64)>>,
    /// The factors' sums over the same moments.
    pub factors: FactorSums,
}

impl Products {
    /// One pass over the film with the components' present traces.
    ///
    /// # Errors
    /// Cancelled, or the cache cannot be read.
    pub fn gather(
        film: &Registered,
        survey: &Survey,
        components: &[Component],
        factors: &Factors,
        ctx: &Context,
    ) -> Result<Self, StageError> {
        let [even, odd] = Self::gather_halves(film, survey, components, factors, ctx)?;
        Ok(even.plus(&odd))
    }

    /// The sums over both halves.
    pub fn plus(mut self, other: &Self) -> Self {
        self.fine
            .iter_mut()
            .zip(&other.fine)
            .for_each(|(a, b)| a.iter_mut().zip(b).for_each(|(a, b)| *a += b));
        self.coarse
            .iter_mut()
            .zip(&other.coarse)
            .for_each(|(a, b)| a.values.iter_mut().zip(&b.values).for_each(|(a, b)| *a += b));
        self.gram
            .iter_mut()
            .zip(&other.gram)
            .for_each(|(a, b)| a.iter_mut().zip(b).for_each(|(a, b)| a.1 += b.1));
        self.factors.plus(&other.factors);
        self
    }

    /// One pass, summed separately over the even and the odd stretches of 64 groups.
    ///
    /// # Errors
    /// Cancelled, or the cache cannot be read.
    pub fn gather_halves(
        film: &Registered,
        survey: &Survey,
        components: &[Component],
        factors: &Factors,
        ctx: &Context,
    ) -> Result<[Self; 2], StageError> {
        let coarse_grid = &survey.ring.coarse;
        let courses: Vec<Vec<f32>> = components
            .par_iter()
            .map(|c| {
                let mut v = c.trace.average(&survey.groups)?;
                let m = mean(&v);
                v.iter_mut().for_each(|v| *v -= m);
                Ok(v)
            })
            .collect::<Result<_, StageError>>()?;
        let margin = 2 * survey.ring.extent + 1;
        let mut sums: Vec<[(Vec<f64>, CoarseImage); 2]> = components
            .iter()
            .map(|c| {
                let empty = (
                    vec![0.0; c.footprint.values.len()],
                    widened(&coarse_grid.footprint(&c.footprint), margin, coarse_grid),
                );
                [empty.clone(), empty]
            })
            .collect();
        let width = film.grid.width;
        let footprints: Vec<CoarseImage> = components.iter().map(|c| coarse_grid.footprint(&c.footprint)).collect();
        let view = factors.of_footprints(coarse_grid, &footprints);
        let mut factor_sums = [0, 1].map(|_| FactorSums::new(coarse_grid.pixels(), components.len(), factors.len()));
        for_blocks(film, &survey.groups, &survey.mean, ctx, |block| {
            let small = coarse_grid.down(&block.values, block.count);
            let now: Vec<&[f32]> = courses.iter().map(|c| &c[block.first..block.first + block.count]).collect();
            let shared = factors.courses(&small, block.count, &view, &now);
            for (h, sums) in factor_sums.iter_mut().enumerate() {
                let part = (h * HALF).min(block.count)..((h + 1) * HALF).min(block.count);
                sums.add(&small, block.count, part, &now, &shared);
            }
            sums.par_iter_mut().enumerate().for_each(|(k, halves)| {
                let course = &courses[k][block.first..block.first + block.count];
                let a = &components[k].footprint;
                for (h, (fine, coarse)) in halves.iter_mut().enumerate() {
                    let part = (h * HALF).min(block.count)..((h + 1) * HALF).min(block.count);
                    let course = &course[part.clone()];
                    for (i, s) in fine.iter_mut().enumerate() {
                        let p = (a.top + i / a.width) * width + a.left + i % a.width;
                        *s += f64::from(dot(course, &block.pixel(p)[part.clone()]));
                    }
                    let (top, left, w) = (coarse.top, coarse.left, coarse.width);
                    for (i, s) in coarse.values.iter_mut().enumerate() {
                        let q = (top + i / w) * coarse_grid.width + left + i % w;
                        *s += f64::from(dot(course, &small[q * block.count..][part.clone()]));
                    }
                }
            });
            Ok(())
        })?;
        let near: Vec<Vec<usize>> = (0..components.len())
            .map(|k| {
                let others = (0..components.len()).filter(|j| *j != k && meet(&sums[k][0].1, &sums[*j][0].1));
                std::iter::once(k).chain(others).collect()
            })
            .collect();
        let grams: Vec<[Vec<(usize, f64)>; 2]> = near
            .par_iter()
            .enumerate()
            .map(|(k, near)| [0, 1].map(|h| near.iter().map(|j| (*j, half_product(&courses[k], &courses[*j], h))).collect()))
            .collect();
        let mut out = factor_sums.map(|factors| Self {
            courses: courses.clone(),
            fine: Vec::new(),
            coarse: Vec::new(),
            gram: Vec::new(),
            factors,
        });
        for (sums, grams) in sums.into_iter().zip(grams) {
            for ((out, (fine, coarse)), gram) in out.iter_mut().zip(sums).zip(grams) {
                out.fine.push(fine);
                out.coarse.push(coarse);
                out.gram.push(gram);
            }
        }
        Ok(out)
    }

    /// `P_d − share · G A_d` on the coarse windows: with share ½ the `Q` of the ring's covariances, with 1 the products with the film minus
    /// all components.
    pub fn minus_components(&self, footprints: &[CoarseImage], share: f64) -> Vec<CoarseImage> {
        (0..self.coarse.len())
            .into_par_iter()
            .map(|k| {
                let mut out = self.coarse[k].clone();
                for (j, g) in &self.gram[k] {
                    for (y, x, v) in footprints[*j].iter() {
                        if y >= out.top && x >= out.left && y < out.top + out.height && x < out.left + out.width {
                            out.values[(y - out.top) * out.width + x - out.left] -= share * g * v;
                        }
                    }
                }
                out
            })
            .collect()
    }
}

/// Product of two courses over the even (0) or odd (1) stretches.
fn half_product(a: &[f32], b: &[f32], half: usize) -> f64 {
    a.chunks(HALF)
        .zip(b.chunks(HALF))
        .skip(half)
        .step_by(2)
        .map(|(a, b)| f64::from(dot(a, b)))
        .sum()
}

/// An empty coarse window `margin` pixels wider on each side, cut at the field's edge.
fn widened(a: &CoarseImage, margin: usize, grid: &Coarse) -> CoarseImage {
    let (top, left) = (a.top.saturating_sub(margin), a.left.saturating_sub(margin));
    let (bottom, right) = (
        (a.top + a.height + margin).min(grid.height),
        (a.left + a.width + margin).min(grid.width),
    );
    CoarseImage::zeros(top, left, bottom - top, right - left)
}

fn meet(a: &CoarseImage, b: &CoarseImage) -> bool {
    a.top < b.top + b.height && b.top < a.top + a.height && a.left < b.left + b.width && b.left < a.left + a.width
}
