//! The neighbourhood of an edit solved again: the same filters, coordinate descent and deconvolution as in a run, on a few cells.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::apply::State;
use super::field::Field;
use crate::deconvolve::{fitted, resting};
use crate::demix::quiet::Quiet;
use crate::demix::ring::CoarseImage;
use crate::demix::traces::{DAMPING, decay_near, interpolate};
use crate::failure::Failure;
use crate::kernels::{axpy, dot, mean, median, quantile, second_difference_noise};
use crate::movie::check;
use crate::oasis::deconvolve;
use crate::shelf::Trace;
use crate::types::{Context, Footprint};

/// Cells that take over at least this share of each other's light are neighbours.
const COUPLED: f32 = 0.02;
/// Rounds in which only new cells move, without deconvolution: their traces begin at nothing.
const OPENING: usize = 8;
/// Rounds over the whole neighbourhood.
const SWEEPS: usize = 4;

/// A cell whose footprint is new.
pub struct Fresh {
    /// Its row.
    pub row: usize,
    /// Maximum 1.
    pub footprint: Footprint,
    /// What its filter finds, `T`.
    pub projection: Vec<f32>,
    /// The projection comes from the film as it is: the cell's share in the shared courses is not taken off yet.
    pub from_film: bool,
}

/// A cell after the solution, in grid units.
pub struct Solved {
    /// Its row.
    pub row: usize,
    /// Footprint.
    pub footprint: Footprint,
    /// What its filter finds.
    pub projection: Vec<f32>,
    /// Calcium of the solution.
    pub solved: Vec<f32>,
    /// Raw trace, constant baseline taken off.
    pub raw: Vec<f32>,
    /// Denoised trace.
    pub denoised: Vec<f32>,
    /// Activity.
    pub deconvolved: Vec<f32>,
    /// ΔF/F.
    pub dff: Vec<f32>,
    /// Decay a frame.
    pub gamma: f32,
    /// Baseline that was taken off.
    pub baseline: f32,
    /// Noise of the raw trace.
    pub noise: f32,
}

/// A cell of the neighbourhood while it is solved.
struct Local {
    row: usize,
    fresh: bool,
    from_film: bool,
    footprint: Footprint,
    coarse: CoarseImage,
    ring: Vec<(usize, f64)>,
    own: f32,
    divisor: f32,
    projection: Vec<f32>,
    trace: Vec<f32>,
    raw: Vec<f32>,
    gamma: Option<f32>,
    noise: f32,
    shift: Option<f32>,
}

/// `M_kj = a_kᵀ a_j − ring_kᵀ D a_j`.
fn mixing(k: &Footprint, ring: &[(usize, f64)], j: &Footprint, coarse: &CoarseImage, width: usize) -> f32 {
    let direct = crate::init::inner(k, j);
    let (first, last) = (coarse.top * width, (coarse.top + coarse.height) * width);
    let from = ring.partition_point(|(i, _)| *i < first);
    let around: f64 = ring[from..]
        .iter()
        .take_while(|(i, _)| *i < last)
        .map(|(i, w)| w * coarse.at(i / width, i % width))
        .sum();
    direct - around as f32
}

impl Local {
    fn new(field: &Field, row: usize, footprint: Footprint, fresh: bool) -> Self {
        let background = &field.base.background;
        let (ring, _) = background.filter(&footprint);
        let coarse = background.coarse.footprint(&footprint);
        let own = mixing(&footprint, &ring, &footprint, &coarse, background.coarse.width);
        let square = dot(&footprint.values, &footprint.values);
        Self {
            row,
            fresh,
            from_film: false,
            coarse,
            ring,
            own,
            divisor: own.max(DAMPING * square).max(1e-6),
            projection: Vec::new(),
            trace: Vec::new(),
            raw: Vec::new(),
            gamma: None,
            noise: 0.0,
            shift: None,
            footprint,
        }
    }

    fn takes(&self, other: &Footprint, coarse: &CoarseImage, width: usize) -> f32 {
        mixing(&self.footprint, &self.ring, other, coarse, width)
    }
}

/// Solves the fresh cells and their neighbours. Cells that are gone, and those in `replaced`, take no part. With `whole`, every cell of the
/// field counts as a neighbour.
///
/// # Errors
/// Cancelled, or a trace cannot be read.
pub fn solve(field: &Field, fresh: Vec<Fresh>, replaced: &[usize], whole: bool, ctx: &Context<'_>) -> Result<Vec<Solved>, Failure> {
    let base = &field.base;
    let width = base.background.coarse.width;
    let own: BTreeSet<usize> = fresh.iter().map(|f| f.row).chain(replaced.iter().copied()).collect();
    let mut locals: Vec<Local> = fresh
        .into_iter()
        .map(|f| {
            let mut local = Local::new(field, f.row, f.footprint, true);
            local.trace = vec![0.0; f.projection.len()];
            local.projection = f.projection;
            local.from_film = f.from_film;
            local
        })
        .collect();
    let others: Vec<usize> = field
        .cells
        .iter()
        .filter(|(row, c)| c.state != State::Gone && !own.contains(row))
        .map(|(row, _)| *row)
        .collect();
    let coarse: BTreeMap<usize, CoarseImage> = others
        .iter()
        .map(|row| (*row, base.background.coarse.footprint(&field.cells[row].footprint)))
        .collect();
    let fresh = locals.len();
    for row in &others {
        let a = &field.cells[row].footprint;
        let taken = |l: &Local| l.takes(a, &coarse[row], width).abs() > COUPLED * l.own.abs();
        let near = whole || locals[..fresh].iter().any(taken);
        // The other direction costs a filter, so only cells that could matter are asked.
        let candidate = near || locals[..fresh].iter().any(|l| within(l, &coarse[row], 0));
        if !candidate {
            continue;
        }
        let local = Local::new(field, *row, a.clone(), false);
        let gives = |l: &Local| local.takes(&l.footprint, &l.coarse, width).abs() > COUPLED * local.own.abs();
        if near || locals[..fresh].iter().any(gives) {
            locals.push(local);
        }
    }
    let inside: BTreeSet<usize> = locals.iter().map(|l| l.row).collect();
    for local in locals.iter_mut().filter(|l| !l.fresh) {
        let cell = &field.cells[&local.row];
        local.projection = cell.projection()?;
        local.trace = cell.solved()?;
        local.gamma = Some(cell.record.gamma);
    }
    // The light of cells that do not move is taken off once.
    let mut wanted: Vec<Vec<f32>> = locals.iter().map(|l| l.projection.clone()).collect();
    for row in others.iter().filter(|row| !inside.contains(row)) {
        let a = &field.cells[row].footprint;
        let parts: Vec<f32> = locals.iter().map(|l| l.takes(a, &coarse[row], width)).collect();
        if parts.iter().all(|m| m.abs() <= 1e-6) {
            continue;
        }
        check(ctx)?;
        let trace = field.cells[row].solved()?;
        for (v, m) in wanted.iter_mut().zip(parts).filter(|(_, m)| m.abs() > 1e-6) {
            axpy(v, -m, &trace);
        }
    }
    let n = locals.len();
    let m: Vec<f32> = (0..n * n)
        .map(|i| locals[i / n].takes(&locals[i % n].footprint, &locals[i % n].coarse, width))
        .collect();
    descend(field, &mut locals, &mut wanted, &m, fresh, ctx)?;
    Ok(locals.into_par_iter().map(|l| finish(field, l)).collect())
}

/// Does another cell's coarse window meet the reach of a cell's ring?
fn within(l: &Local, other: &CoarseImage, margin: usize) -> bool {
    let margin = margin + l.coarse.height.max(l.coarse.width);
    let apart = |a: usize, an: usize, b: usize, bn: usize| a > b + bn + margin || b > a + an + margin;
    !(apart(l.coarse.top, l.coarse.height, other.top, other.height) || apart(l.coarse.left, l.coarse.width, other.left, other.width))
}

fn descend(
    field: &Field,
    locals: &mut [Local],
    wanted: &mut [Vec<f32>],
    m: &[f32],
    fresh: usize,
    ctx: &Context<'_>,
) -> Result<(), Failure> {
    let (base, n) = (&field.base, locals.len());
    let partial = |locals: &[Local], wanted: &[Vec<f32>], k: usize| {
        let mut y = wanted[k].clone();
        for (j, l) in locals.iter().enumerate() {
            axpy(&mut y, -m[k * n + j], &l.trace);
        }
        y.iter_mut()
            .zip(&locals[k].trace)
            .for_each(|(y, c)| *y = *y / locals[k].divisor + c);
        interpolate(&mut y, &base.flags);
        y
    };
    for _ in 0..OPENING {
        for k in 0..fresh {
            let y = partial(locals, wanted, k);
            let low = quantile(&y, 0.25);
            locals[k].trace = y.into_iter().map(|v| (v - low).max(0.0)).collect();
        }
    }
    if locals[..fresh].iter().any(|l| l.from_film) {
        let courses: Vec<Trace> = base.background.courses.iter().map(|c| c.clone().into()).collect();
        let courses: Vec<&Trace> = courses.iter().collect();
        let quiet = Quiet::new(&courses, &base.flags)?;
        let seen: Vec<usize> = (0..fresh).filter(|k| locals[*k].from_film).collect();
        for k in seen {
            let raw = partial(locals, wanted, k);
            let mut shares = quiet.shares(&raw, second_difference_noise(&raw));
            shares.iter_mut().for_each(|v| *v *= locals[k].divisor);
            for v in [&mut locals[k].projection, &mut wanted[k]] {
                let mut row = [Trace::from(std::mem::take(v))];
                quiet.take_off(&courses, base.flags.len(), &mut row, std::slice::from_ref(&shares))?;
                let [row] = row;
                *v = row.into_values()?;
            }
        }
    }
    let gammas: Vec<f32> = field
        .cells
        .values()
        .filter(|c| c.state == State::Live)
        .map(|c| c.record.gamma)
        .collect();
    let centre = if gammas.is_empty() {
        (-1.0 / (0.5 * base.fps)).exp() as f32
    } else {
        median(&gammas)
    };
    for _ in 0..SWEEPS {
        for k in 0..n {
            check(ctx)?;
            let raw = partial(locals, wanted, k);
            let noise = second_difference_noise(&raw);
            let gamma = *locals[k].gamma.get_or_insert_with(|| decay_near(&raw, noise, base.fps, centre));
            let d = deconvolve(&raw, gamma, noise, base.clock.as_deref(), locals[k].shift);
            (locals[k].trace, locals[k].shift) = (d.calcium, Some(d.shift));
            (locals[k].raw, locals[k].noise) = (raw, noise);
        }
    }
    Ok(())
}

/// The traces as the stage `deconvolve` leaves them.
fn finish(field: &Field, l: Local) -> Solved {
    let base = &field.base;
    let gamma = l.gamma.unwrap_or_default();
    let (d, drift, noise) = fitted(&l.raw, gamma, base.rise, base.fps, base.clock.as_deref());
    let (share, f0) = resting(&l.footprint, &base.levels, base.grid.width, mean(&d.calcium));
    let dff = l.raw.iter().zip(&drift).map(|(y, b)| (y - b - d.baseline) * share / f0).collect();
    Solved {
        row: l.row,
        footprint: l.footprint,
        projection: l.projection,
        solved: l.trace,
        raw: l.raw.iter().map(|v| v - d.baseline).collect(),
        denoised: d.calcium,
        deconvolved: d.activity,
        dff,
        gamma,
        baseline: d.baseline,
        noise,
    }
}
