//! Traces: each component is one sparse filter, its footprint minus the ring weights that end on it, `F = A − Dᵀ Wᵀ Uᵀ A`; the mixing
//! `M = Fᵀ A` that is left is undone by damped coordinate descent with deconvolution in the loop (reference, analysis 3.4).

use rayon::prelude::*;

use super::factors::Factors;
use super::quiet::Quiet;
use super::ring::{CoarseImage, RingWeights};
use super::statistics::{Component, Survey};
use crate::kernels::{axpy, dot, mean, median, quantile, second_difference_noise};
use crate::motion::lattice::outside;
use crate::movie::{BLOCK, Groups, check, for_blocks};
use crate::oasis::{Clock, decay_of_falls, deconvolve};
use crate::shelf::Trace;
use crate::types::{Context, Registered, StageError, flag};

/// A component's divisor is at least this share of its footprint's square: what looks like background has a small own product and would
/// blow up.
pub const DAMPING: f32 = 0.7;

/// What the filters find in the film.
#[derive(Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Projected {
    /// `V = Fᵀ Ỹ`, `K × T`, without what [`super::quiet`] takes off; masked frames are bridged.
    pub rows: Vec<Trace>,
    /// The courses the background shares, `R × T`, components taken out; masked frames are bridged.
    pub courses: Vec<Trace>,
}

/// The filters of all components and what they leave mixed.
pub struct Filters {
    /// The ring part, to be taken off, on coarse windows.
    pub ring: Vec<CoarseImage>,
    /// For each component its partners (itself first) with `M_kj`.
    pub mixing: Vec<Vec<(usize, f32)>>,
    /// `‖a_k‖²`.
    pub square: Vec<f32>,
    /// `K × R`: how much of each factor's course a component's filter takes off.
    shares: Vec<Vec<f32>>,
    /// The factors' view of the footprints.
    view: Vec<Vec<f32>>,
    factors: Factors,
}

impl Filters {
    /// From footprints and ring weights.
    pub fn new(components: &[Component], coarse: &[CoarseImage], weights: &RingWeights) -> Self {
        let grid = &weights.ring.coarse;
        let margin = weights.ring.extent;
        let ring: Vec<CoarseImage> = coarse
            .par_iter()
            .map(|a| {
                let (top, left) = (a.top.saturating_sub(margin), a.left.saturating_sub(margin));
                let (bottom, right) = (
                    (a.top + a.height + margin).min(grid.height),
                    (a.left + a.width + margin).min(grid.width),
                );
                let mut out = CoarseImage::zeros(top, left, bottom - top, right - left);
                for (y, x, v) in a.iter().filter(|(_, _, v)| *v != 0.0) {
                    // `a` holds block means; the transposed up-sampler sums over the block.
                    let total = v * grid.members(y, x) as f64;
                    for (j, i, w) in weights.of(y, x) {
                        out.values[(j - top) * out.width + i - left] += total * f64::from(w);
                    }
                }
                out
            })
            .collect();
        let square: Vec<f32> = components.iter().map(|c| dot(&c.footprint.values, &c.footprint.values)).collect();
        let mixing = (0..components.len())
            .into_par_iter()
            .map(|k| {
                let product = |j: usize| {
                    let direct = crate::init::inner(&components[k].footprint, &components[j].footprint);
                    let ring: f64 = coarse[j]
                        .iter()
                        .filter(|(_, _, v)| *v != 0.0)
                        .map(|(y, x, v)| v * ring[k].at(y, x))
                        .sum();
                    direct - ring as f32
                };
                let mut row = vec![(k, product(k))];
                row.extend(
                    (0..components.len())
                        .filter(|j| *j != k)
                        .map(|j| (j, product(j)))
                        .filter(|(_, m)| m.abs() > 1e-6),
                );
                row
            })
            .collect();
        let shares = coarse
            .par_iter()
            .map(|a| {
                let mut out = vec![0.0f32; weights.factors.len()];
                for (y, x, v) in a.iter().filter(|(_, _, v)| *v != 0.0) {
                    axpy(&mut out, (v * grid.members(y, x) as f64) as f32, weights.shares(y, x));
                }
                out
            })
            .collect();
        Self {
            ring,
            mixing,
            square,
            shares,
            view: weights.factors.of_footprints(grid, coarse),
            factors: weights.factors.clone(),
        }
    }

    /// What a component's part of `V` is divided by.
    pub(super) fn divisor(&self, k: usize) -> f32 {
        self.mixing[k][0].1.max(DAMPING * self.square[k]).max(1e-6)
    }

    /// `V = Fᵀ Ỹ` for all frames in one pass; masked frames are interpolated.
    ///
    /// # Errors
    /// Cancelled, or the cache cannot be read.
    pub fn project(&self, film: &Registered, survey: &Survey, components: &[Component], ctx: &Context) -> Result<Projected, StageError> {
        let frames = film.cache.frames();
        let groups = Groups::every_frame(frames);
        let grid = &survey.ring.coarse;
        let blank = |n: usize| (0..n).map(|_| ctx.shelf.blank(frames)).collect::<Result<Vec<_>, StageError>>();
        let mut out = blank(components.len())?;
        let mut courses = blank(self.factors.len())?;
        let hidden = hidden(film, components);
        let means: Vec<f32> = components
            .par_iter()
            .map(|c| Ok(mean(&c.trace.all()?)))
            .collect::<Result<_, StageError>>()?;
        for_blocks(film, &groups, &survey.mean, ctx, |block| {
            let small = grid.down(&block.values, block.count);
            let parts: Vec<_> = components
                .iter()
                .map(|c| c.trace.part(block.first..block.first + block.count))
                .collect::<Result<_, StageError>>()?;
            let now: Vec<&[f32]> = parts.iter().map(AsRef::as_ref).collect();
            let shared = self.factors.courses(&small, block.count, &self.view, &now);
            courses
                .iter_mut()
                .zip(&shared)
                .try_for_each(|(all, part)| all.set(block.first, part))?;
            out.par_iter_mut().enumerate().try_for_each(|(k, trace)| {
                let mut row = [0.0f32; BLOCK];
                let row = &mut row[..block.count];
                let a = &components[k].footprint;
                for (i, v) in a.values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
                    axpy(row, *v, block.pixel((a.top + i / a.width) * film.grid.width + a.left + i % a.width));
                }
                for (y, x, v) in self.ring[k].iter().filter(|(_, _, v)| *v != 0.0) {
                    axpy(row, -(v as f32), &small[(y * grid.width + x) * block.count..][..block.count]);
                }
                self.shares[k].iter().zip(&shared).for_each(|(z, c)| axpy(row, -z, c));
                for pixel in &hidden[k] {
                    for (t, out) in row.iter_mut().enumerate().filter(|(t, _)| pixel.is_hidden(film, block.first + t)) {
                        *out += pixel.value * pixel.light.iter().map(|(j, a)| a * (now[*j][t] - means[*j])).sum::<f32>();
                    }
                }
                trace.set(block.first, row)
            })
        })?;
        if film.flags.iter().any(|f| f & flag::MASKED != 0) {
            out.par_iter_mut().chain(courses.par_iter_mut()).try_for_each(|trace| {
                let mut row = trace.all()?.into_owned();
                interpolate(&mut row, &film.flags);
                trace.set(0, &row)
            })?;
        }
        Ok(Projected { rows: out, courses })
    }
}

/// A pixel of a footprint that some frames do not show.
struct Hidden {
    y: usize,
    x: usize,
    /// The footprint's value.
    value: f32,
    /// All components there, with their values.
    light: Vec<(usize, f32)>,
}

impl Hidden {
    fn is_hidden(&self, film: &Registered, frame: usize) -> bool {
        let [top, bottom, left, right] = film.unseen[frame].map(usize::from);
        let grid = &film.grid;
        if self.y >= top && self.x >= left && self.y + bottom < grid.height && self.x + right < grid.width {
            return false;
        }
        let Some(blocks) = &film.motion_blocks else { return true };
        let d = blocks
            .lattice
            .at(&blocks.fields[frame], grid.raw_y(self.y as f32), grid.raw_x(self.x as f32));
        let d = d.map(|d| d / grid.bin as f32);
        outside([self.y, self.x], d, [grid.height, grid.width]) >= 1.0
    }
}

/// Of each component the pixels that some frames do not show. The film holds background there; what the components are believed to shine is
/// added where traces are read (expectation and maximisation for missing data), so that a cell at the border does not dim when it moves out.
fn hidden(film: &Registered, components: &[Component]) -> Vec<Vec<Hidden>> {
    let most = film
        .unseen
        .iter()
        .fold([0usize; 4], |m, u| std::array::from_fn(|i| m[i].max(u[i].into())));
    let (height, width) = (film.grid.height, film.grid.width);
    let is_near = |y: usize, x: usize| y < most[0] || y + most[1] >= height || x < most[2] || x + most[3] >= width;
    components
        .par_iter()
        .map(|c| {
            let pixels = c.footprint.values.iter().enumerate().filter(|(_, v)| **v > 0.0);
            pixels
                .map(|(i, v)| {
                    (
                        c.footprint.top + i / c.footprint.width,
                        c.footprint.left + i % c.footprint.width,
                        *v,
                    )
                })
                .filter(|(y, x, _)| is_near(*y, *x))
                .map(|(y, x, value)| Hidden {
                    y,
                    x,
                    value,
                    light: components
                        .iter()
                        .enumerate()
                        .map(|(j, o)| (j, o.footprint.at(y, x)))
                        .filter(|(_, a)| *a > 0.0)
                        .collect(),
                })
                .collect()
        })
        .collect()
}

/// Replaces the values of masked frames by a straight line between their neighbours.
pub fn interpolate(row: &mut [f32], flags: &[u32]) {
    let good = |t: usize| flags[t] & flag::MASKED == 0;
    let mut before = None;
    let mut t = 0;
    while t < row.len() {
        if good(t) {
            before = Some(t);
            t += 1;
            continue;
        }
        let after = (t..row.len()).find(|u| good(*u));
        let end = after.unwrap_or(row.len());
        for u in t..end {
            row[u] = match (before, after) {
                (Some(b), Some(a)) => row[b] + (row[a] - row[b]) * (u - b) as f32 / (a - b) as f32,
                (Some(b), None) => row[b],
                (None, Some(a)) => row[a],
                (None, None) => 0.0,
            };
        }
        t = end;
    }
}

/// Traces as they stand after a solve.
#[derive(Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Traces {
    /// Background-free and demixed, with baseline.
    pub raw: Vec<Trace>,
    /// Decay per frame.
    pub gamma: Vec<f32>,
    /// Noise of the raw trace.
    pub noise: Vec<f32>,
    /// Baseline of the raw trace.
    pub baseline: Vec<f32>,
    /// The deconvolution's shift (a start for the next).
    shift: Vec<Option<f32>>,
}

/// Groups of components that do not mix, in a fixed order: those of one group can be solved side by side.
fn colours(mixing: &[Vec<(usize, f32)>]) -> Vec<Vec<usize>> {
    let n = mixing.len();
    let mut near = vec![Vec::new(); n];
    for (k, row) in mixing.iter().enumerate() {
        for (j, _) in row.iter().filter(|(j, _)| *j != k) {
            near[k].push(*j);
            near[*j].push(k);
        }
    }
    let mut colour = vec![usize::MAX; n];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for k in 0..n {
        let free = (0..=groups.len()).find(|c| near[k].iter().all(|j| colour[*j] != *c)).unwrap_or(0);
        if free == groups.len() {
            groups.push(Vec::new());
        }
        colour[k] = free;
        groups[free].push(k);
    }
    groups
}

/// Solves `M c = V` by coordinate descent, each component deconvolved in its turn; the components' traces are replaced. What the raw traces
/// hold of the shared courses is taken off `V`.
///
/// # Errors
/// Cancelled.
pub fn solve(
    filters: &Filters,
    projected: &mut Projected,
    components: &mut [Component],
    film: &Registered,
    clock: Clock,
    sweeps: usize,
    ctx: &Context,
) -> Result<Traces, StageError> {
    let n = components.len();
    let mut out = Traces {
        raw: (0..n).map(|_| Vec::new().into()).collect(),
        gamma: vec![0.0; n],
        noise: vec![0.0; n],
        baseline: vec![0.0; n],
        shift: vec![None; n],
    };
    let groups = colours(&filters.mixing);
    for sweep in 0..sweeps {
        for group in &groups {
            check(ctx)?;
            // The first sweep takes the traces of the round before as they are, so that the decay can be measured on all.
            let done: Vec<_> = group
                .par_iter()
                .map(|k| {
                    check(ctx)?;
                    let mut y = partial(filters, &projected.rows, components, *k)?;
                    interpolate(&mut y, &film.flags);
                    let noise = second_difference_noise(&y);
                    let solved = match sweep {
                        0 => None,
                        _ => {
                            let d = deconvolve(&y, out.gamma[*k], noise, clock, out.shift[*k]);
                            Some((ctx.shelf.keep(d.calcium)?, d.baseline, d.shift))
                        }
                    };
                    Ok((ctx.shelf.keep(y)?, noise, solved))
                })
                .collect::<Result<_, StageError>>()?;
            for (k, (raw, noise, solved)) in group.iter().zip(done) {
                (out.raw[*k], out.noise[*k]) = (raw, noise);
                if let Some((calcium, baseline, shift)) = solved {
                    components[*k].trace = calcium;
                    (out.baseline[*k], out.shift[*k]) = (baseline, Some(shift));
                }
            }
        }
        if sweep == 0 {
            without_courses(filters, projected, &mut out, film)?;
            out.gamma = decays(&out.raw, &out.noise, film.fps)?;
        }
    }
    Ok(out)
}

/// Takes off raw traces, and off what they were solved from, what they hold of the shared courses and of the motion in quiet moments.
fn without_courses(filters: &Filters, projected: &mut Projected, out: &mut Traces, film: &Registered) -> Result<(), StageError> {
    if projected.courses.is_empty() {
        return Ok(());
    }
    let motion = [0, 1].map(|d| Trace::from(film.motion.iter().map(|m| m[d]).collect::<Vec<f32>>()));
    let courses: Vec<&Trace> = projected.courses.iter().chain(&motion).collect();
    let (quiet, frames) = (Quiet::new(&courses, &film.flags)?, film.flags.len());
    let mut shares = out
        .raw
        .par_iter()
        .zip(&out.noise)
        .map(|(y, s)| Ok(quiet.shares(&y.all()?, *s)))
        .collect::<Result<Vec<_>, StageError>>()?;
    quiet.take_off(&courses, frames, &mut out.raw, &shares)?;
    for (k, shares) in shares.iter_mut().enumerate() {
        shares.iter_mut().for_each(|v| *v *= filters.divisor(k));
    }
    quiet.take_off(&courses, frames, &mut projected.rows, &shares)
}

/// A component's trace with all others taken out.
fn partial(filters: &Filters, projected: &[Trace], components: &[Component], k: usize) -> Result<Vec<f32>, StageError> {
    partial_of(filters, projected[k].all()?.into_owned(), components, k)
}

/// The same from `row`, its part of `V`.
pub(super) fn partial_of(filters: &Filters, row: Vec<f32>, components: &[Component], k: usize) -> Result<Vec<f32>, StageError> {
    let (mixing, divisor) = (&filters.mixing[k], filters.divisor(k));
    let mut y = row;
    for (j, m) in mixing {
        axpy(&mut y, -m, &components[*j].trace.all()?);
    }
    let own = components[k].trace.all()?;
    y.iter_mut().zip(own.iter()).for_each(|(y, c)| *y = *y / divisor + c);
    Ok(y)
}

/// Decay per frame of each trace: its own where it can be measured, drawn to the recording's median the more, the noisier the trace is.
///
/// # Errors
/// A trace cannot be read.
pub fn decays(raw: &[Trace], noise: &[f32], fps: f64) -> Result<Vec<f32>, StageError> {
    let own: Vec<(f32, f32)> = raw
        .par_iter()
        .zip(noise)
        .map(|(y, s)| Ok(own_decay(&y.all()?, *s, fps)))
        .collect::<Result<_, StageError>>()?;
    let sure: Vec<f32> = own.iter().filter(|(g, _)| g.is_finite()).map(|(g, _)| *g).collect();
    let fallback = (-1.0 / (0.5 * fps)).exp() as f32;
    let centre = if sure.is_empty() { fallback } else { median(&sure) };
    Ok(own.into_iter().map(|(g, height)| drawn(g, height, centre, fps)).collect())
}

/// Decay of one more trace of a recording whose median is `centre`, as [`decays`] gives it.
pub fn decay_near(raw: &[f32], noise: f32, fps: f64, centre: f32) -> f32 {
    let (own, height) = own_decay(raw, noise, fps);
    drawn(own, height, centre, fps)
}

/// The decay measured on a trace alone (not-a-number where it cannot be), and the trace's height over its noise.
fn own_decay(y: &[f32], noise: f32, fps: f64) -> (f32, f32) {
    let height = (quantile(y, 0.995) - quantile(y, 0.25)) / noise.max(1e-9);
    (decay_of_falls(y, noise, fps), height)
}

/// A trace's own decay (not-a-number where it could not be measured) drawn to `centre`, the less the higher it stands above its noise.
fn drawn(own: f32, height: f32, centre: f32, fps: f64) -> f32 {
    let (least, most) = ((-1.0 / (0.1 * fps)).exp() as f32, (-1.0 / (3.0 * fps)).exp() as f32);
    let trust = height / (height + 20.0);
    let g = if own.is_finite() { centre + trust * (own - centre) } else { centre };
    g.clamp(least, most)
}
