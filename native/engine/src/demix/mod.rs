//! Stage `demix`: components, ring background and traces in turn, on sufficient statistics (reference, analysis 3.4). No background film is
//! ever made; each round streams the film twice.

pub mod factors;
pub mod footprints;
pub mod merge;
pub mod quiet;
pub mod ring;
pub mod statistics;
#[cfg(test)]
pub mod tests;
pub mod traces;
pub mod unmix;

use std::sync::Arc;

use self::factors::Factors;
use self::ring::{CoarseImage, RingWeights};
use self::statistics::{Component, Products, Residual, Survey, coarse_residual, rewindow};
use self::traces::{Filters, Projected, Traces, solve};
use crate::init::{Initial, Search, greedy};
use crate::movie::SlowMovie;
use crate::params::Parameters;
use crate::types::{Context, Registered, StageError, flag};

/// Sweeps of coordinate descent in a round.
const SWEEPS: usize = 3;

/// Components are merged and dropped after so many rounds only. Later on they are no longer pieces of one another: what still comes close are
/// neighbours, and what is ragged is a cell at an edge (in dense fields a tenth of the cells was lost in later rounds).
const MERGING: usize = 2;

/// Further rounds for films whose cells lie one above the other ([`unmix::tangled`]): what `unmix` told apart in the traces takes some rounds to reach the footprints.
const UNTANGLING: usize = 4;

/// What the stage `demix` leaves behind.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Demixed {
    /// Components: footprints (maximum 1), denoised traces, seed values.
    pub components: Vec<Component>,
    /// Raw traces with decay, noise and baseline.
    pub traces: Traces,
    /// What the last filters found, for edits after the run.
    pub projected: Projected,
    /// Ring background.
    pub weights: RingWeights,
    /// Sums over the film; those of the seeds.
    #[serde(skip)]
    pub survey: Arc<Survey>,
    /// What the evaluation needs.
    pub evidence: Evidence,
}

/// Background-free images of the components, for the evaluation.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Evidence {
    /// Per component, on its footprint's window: the film regressed on its trace, ring background and other components taken off.
    pub images: Vec<Vec<f32>>,
    /// The same from the even and from the odd stretches of the film.
    pub halves: [Vec<Vec<f32>>; 2],
    /// `M_kk / ‖a_k‖²`: small for what looks like background.
    pub contrast: Vec<f32>,
}

/// Frames since the first for each frame, where frames were lost; `None` without gaps. A new recording counts as a long gap.
pub fn clock(film: &Registered) -> Option<Vec<f64>> {
    clock_of(&film.flags, &film.time_s, film.fps)
}

/// [`clock`] of flags and times.
pub fn clock_of(flags: &[u32], time_s: &[f64], fps: f64) -> Option<Vec<f64>> {
    if flags.iter().all(|f| f & flag::AFTER_GAP == 0) {
        return None;
    }
    let mut now = 0.0;
    let mut out = Vec::with_capacity(flags.len());
    for (t, f) in flags.iter().enumerate() {
        if t > 0 {
            let gap = (time_s[t] - time_s[t - 1]) * fps;
            let lost = f & flag::AFTER_GAP != 0;
            now += match () {
                () if !lost => 1.0,
                () if gap.is_finite() && gap >= 0.0 => gap.round().max(1.0),
                () => 1e4,
            };
        }
        out.push(now);
    }
    Some(out)
}

/// Demixes the film.
///
/// # Errors
/// Cancelled, or the cache cannot be read.
pub fn run(film: &Registered, initial: Initial, params: &Parameters, _diameter_px: f32, ctx: &Context) -> Result<Demixed, StageError> {
    let Initial {
        candidates,
        movie,
        survey,
        search,
    } = initial;
    let frames = film.cache.frames();
    let reach = search.reach().ceil() as usize;
    let clock = clock(film);
    let make = |c: &crate::init::Candidate| Component::new(c, &movie.groups, reach, film, ctx.shelf);
    let mut components: Vec<Component> = candidates.iter().map(make).collect::<Result<_, _>>()?;
    let given = params.rounds.max(1) as usize;
    let mut total = given;
    let mut last = None;
    let mut round = 0;
    while round < total {
        let part = |f: f32| (ctx.progress)((round as f32 + f) / total as f32, frames as u64);
        // Shared courses are looked for once all cells that stand out are known, lest one of them be taken for background.
        let factors = if round == 0 {
            Factors::default()
        } else {
            shared_factors(film, &movie, &survey, &components, ctx)?
        };
        let (weights, updated) = footprint_round(film, &survey, components, &factors, &search, ctx)?;
        components = updated;
        part(0.4);
        let (traces, projected) = trace_round(film, &survey, &weights, &mut components, clock.as_deref(), round > 0, ctx)?;
        part(0.8);
        if round + 1 == given && film.motion_blocks.is_none() && unmix::tangled(&components) {
            total += UNTANGLING;
        }
        if round + 1 == total {
            last = Some((weights, traces, projected));
            break;
        }
        if round < MERGING {
            merge::run(&mut components, params.merge_correlation, &search, ctx.shelf)?;
        }
        if round == 0 {
            let found = second_search(film, &movie, &weights, &components, &search, ctx)?;
            found.iter().try_for_each(|c| make(c).map(|c| components.push(c)))?;
        }
        round += 1;
    }
    let Some((weights, traces, projected)) = last else {
        return Err(StageError::Cancelled);
    };
    let evidence = evidence(film, &survey, &weights, &components, ctx)?;
    Ok(Demixed {
        components,
        traces,
        projected,
        weights,
        survey,
        evidence,
    })
}

/// Values of the coarse film the shared courses are looked for in.
const COURSE_FLOATS: usize = 24 << 20;

/// Courses that the background shares, from the whole slow film or, where that is long, from stretches spread evenly over it.
fn shared_factors(
    film: &Registered,
    movie: &SlowMovie,
    survey: &Survey,
    components: &[Component],
    ctx: &Context,
) -> Result<Factors, StageError> {
    let grid = &survey.ring.coarse;
    let numbers = movie.groups.evenly((COURSE_FLOATS / grid.pixels()).max(512));
    let coarse = coarse_residual(film, movie, grid, components, &numbers, ctx)?;
    Ok(Factors::find(&coarse, numbers.len()))
}

fn coarse_footprints(survey: &Survey, components: &[Component]) -> Vec<CoarseImage> {
    components.iter().map(|c| survey.ring.coarse.footprint(&c.footprint)).collect()
}

/// Ring weights from the present components, then new footprints; components that vanish are dropped.
fn footprint_round(
    film: &Registered,
    survey: &Survey,
    mut components: Vec<Component>,
    factors: &Factors,
    search: &Search,
    ctx: &Context,
) -> Result<(RingWeights, Vec<Component>), StageError> {
    let products = Products::gather(film, survey, &components, factors, ctx)?;
    let coarse = coarse_footprints(survey, &components);
    let covariance = survey
        .covariance
        .without(&survey.ring, &coarse, &products.minus_components(&coarse, 0.5));
    let sums = products.factors.without(survey.ring.coarse.width, &coarse);
    let weights = RingWeights::fit(&survey.ring, &covariance, factors.clone(), (&sums, &products.factors.own));
    let pb = footprints::background_free(&products, &coarse, &weights, &components);
    let new = footprints::update(survey, &products, &pb, &components, film.grid.width, search.reach());
    for (c, a) in components.iter_mut().zip(new) {
        let peak = a.iter().copied().fold(0.0f32, f32::max);
        if peak > 0.0 {
            c.trace = ctx.shelf.keep(c.trace.all()?.iter().map(|v| v * peak).collect())?;
            c.footprint.values = a.into_iter().map(|v| v / peak).collect();
            c.footprint = rewindow(&c.footprint, search.reach().ceil() as usize, film.grid.height, film.grid.width);
        } else {
            c.footprint.values.iter_mut().for_each(|v| *v = 0.0);
        }
    }
    components.retain(|c| c.footprint.values.iter().filter(|v| **v > 0.0).count() >= 3);
    Ok((weights, components))
}

/// Traces from the present footprints; neighbours are unmixed (`unmixing`) once pieces of one cell have been merged.
fn trace_round(
    film: &Registered,
    survey: &Survey,
    weights: &RingWeights,
    components: &mut [Component],
    clock: Option<&[f64]>,
    unmixing: bool,
    ctx: &Context,
) -> Result<(Traces, Projected), StageError> {
    let coarse = coarse_footprints(survey, components);
    let filters = Filters::new(components, &coarse, weights);
    let mut projected = filters.project(film, survey, components, ctx)?;
    let mut traces = solve(&filters, &mut projected, components, film, clock, SWEEPS, ctx)?;
    if unmixing {
        unmix::run(&filters, &mut projected, components, &mut traces, film, clock, ctx)?;
    }
    Ok((traces, projected))
}

/// The seed search once more, on the slow film minus background and components.
fn second_search(
    film: &Registered,
    movie: &SlowMovie,
    weights: &RingWeights,
    components: &[Component],
    search: &Search,
    ctx: &Context,
) -> Result<Vec<crate::init::Candidate>, StageError> {
    let residual = Residual::new(film, movie, weights, components, ctx)?;
    greedy(&residual, None, search, ctx)
}

fn evidence(
    film: &Registered,
    survey: &Survey,
    weights: &RingWeights,
    components: &[Component],
    ctx: &Context,
) -> Result<Evidence, StageError> {
    let coarse = coarse_footprints(survey, components);
    let filters = Filters::new(components, &coarse, weights);
    let contrast = filters
        .mixing
        .iter()
        .zip(&filters.square)
        .map(|(m, s)| m[0].1 / s.max(1e-9))
        .collect();
    let image = |products: &Products| {
        let pb = footprints::background_free(products, &coarse, weights, components);
        (0..components.len())
            .map(|k| alone(k, &pb[k], products, components))
            .collect::<Vec<_>>()
    };
    let [even, odd] = Products::gather_halves(film, survey, components, &weights.factors, ctx)?;
    let halves = [image(&even), image(&odd)];
    let images = image(&even.plus(&odd));
    Ok(Evidence { images, halves, contrast })
}

/// The film regressed on component `k` alone, the others taken off, on its window.
fn alone(k: usize, pb: &[f64], products: &Products, components: &[Component]) -> Vec<f32> {
    let a = &components[k].footprint;
    let mut image = pb.to_vec();
    for (j, g) in products.gram[k].iter().filter(|(j, _)| *j != k) {
        let b = &components[*j].footprint;
        for (i, v) in b.values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
            let (y, x) = (b.top + i / b.width, b.left + i % b.width);
            if (a.top..a.top + a.height).contains(&y) && (a.left..a.left + a.width).contains(&x) {
                image[(y - a.top) * a.width + x - a.left] -= g * f64::from(*v);
            }
        }
    }
    let own = products.gram[k][0].1.max(1e-12);
    image.into_iter().map(|v| (v / own) as f32).collect()
}
