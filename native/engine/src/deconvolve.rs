//! Stage `deconvolve`: final denoised traces, activity and ΔF/F of all components (reference, analysis 8.1 S5).

use rayon::prelude::*;

use crate::demix::{Demixed, clock};
use crate::events;
use crate::kernels::{gaussian_taps, quantile, second_difference_noise};
use crate::kinetics;
use crate::movie::check;
use crate::oasis::{self, Clock, Deconvolved, deconvolve};
use crate::params::Parameters;
use crate::rise::{self, LEAD, Model, Rise, Shape};
use crate::shelf::{Shelf, Trace};
use crate::types::{Components, Context, Footprint, Registered, StageError};

/// What F0 of the ΔF/F is, in words, for `run.json`.
pub const F0: &str = "dff = (raw - slow drift) / F0 (the constant baseline is off raw already), both as means over the pixels at or above half the footprint's maximum; F0 = mean grey \
                      level of the registered film there, minus the component's own mean, at least 1 grey level";

/// Standard deviation of the smoothing that takes slow drifts (bleaching, blood volume) off a trace, seconds.
const DRIFT_S: f64 = 6.0;
/// Windows of the first guess of the drift, seconds: longer than a bout of activity.
const WINDOW_S: f64 = 15.0;
/// Rounds of deconvolution and drift.
const ROUNDS: usize = 3;

/// What zscore of an export is, in words, for `run.json`.
pub const ZSCORE: &str = "zscore = (raw - slow drift) / noise: the resting level is 0, one unit the standard deviation of the raw trace's white noise (`noise` in metrics.json); dff * F0 / noise";

/// What the activity's frames and unit are, in words, for `run.json`.
pub const ACTIVITY: &str = "deconvolved: a spike stands at the frame in which it happened (where calcium starts to rise) and has the height of the transient it makes; 0 at the first frame of a \
                            recording and after gaps longer than a decay time, whose level says nothing about that moment";

/// Deconvolves the raw traces and lists events.
///
/// `denoised` and `deconvolved` are without baseline and drift. `raw` keeps its slow drift; the constant baseline (`baseline`, which says how far the
/// resting level lay below the film's mean) is taken off it, so that raw and denoised rest at the same level.
///
/// All traces are fitted without a rise first; where the recording shows one, once more with it.
///
/// # Errors
/// Cancelled.
pub fn run(film: &Registered, demixed: &Demixed, params: &Parameters, ctx: &Context) -> Result<Components, StageError> {
    let clock = clock(film);
    let clock = clock.as_deref();
    let traces = &demixed.traces;
    let gamma: Vec<f32> = match params.decay_s {
        Some(s) => vec![(-1.0 / (f64::from(s) * film.fps)).exp() as f32; traces.gamma.len()],
        None => traces.gamma.clone(),
    };
    let mut done: Vec<Fitted> = (0..demixed.components.len())
        .into_par_iter()
        .map(|k| {
            check(ctx)?;
            Fitted::keep(one(&traces.raw[k].all()?, gamma[k], film.fps, clock), ctx.shelf)
        })
        .collect::<Result<_, StageError>>()?;
    let rise = match params.rise_s {
        Some(s) if f64::from(s) * film.fps >= kinetics::SHORTEST => Rise {
            frames: f64::from(s) * film.fps,
            lead: LEAD,
        },
        Some(_) => Rise::NONE,
        None => rise_of(&done, &traces.raw, &gamma, film.fps)?,
    };
    let levels = demixed.survey.levels(film);
    let mut out = Components {
        footprints: demixed.components.iter().map(|c| c.footprint.clone()).collect(),
        raw: Vec::with_capacity(done.len()),
        denoised: Vec::with_capacity(done.len()),
        deconvolved: Vec::with_capacity(done.len()),
        dff: Vec::with_capacity(done.len()),
        events: Vec::with_capacity(done.len()),
        to_dff: Vec::with_capacity(done.len()),
        gamma,
        rise,
        baseline: Vec::with_capacity(done.len()),
        noise: Vec::with_capacity(done.len()),
    };
    let apart = (events::APART_S * film.fps).round() as usize;
    let finished: Vec<Finished> = done
        .par_iter_mut()
        .enumerate()
        .map(|(k, fitted)| {
            check(ctx)?;
            let raw = traces.raw[k].all()?;
            let mut trace = fitted.take()?;
            if rise.frames > 0.0 {
                rising(&mut trace, &raw, out.gamma[k], rise, clock);
            }
            let (d, drift, noise) = trace;
            let (share, f0) = resting(&out.footprints[k], &levels, film.grid.width, crate::kernels::mean(&d.calcium));
            let breaks = breaks(f64::from(out.gamma[k]), clock);
            let mut dff = without(&raw, &drift, d.baseline);
            dff.iter_mut().for_each(|v| *v = *v * share / f0);
            Ok(Finished {
                events: events::find(&d.calcium, &d.activity, params.event_sigma * noise, apart, &breaks),
                raw: ctx.shelf.keep(raw.iter().map(|v| v - d.baseline).collect())?,
                dff: ctx.shelf.keep(dff)?,
                denoised: ctx.shelf.keep(d.calcium)?,
                deconvolved: ctx.shelf.keep(d.activity)?,
                to_dff: share / f0,
                baseline: d.baseline,
                noise,
            })
        })
        .collect::<Result<_, StageError>>()?;
    for cell in finished {
        out.raw.push(cell.raw);
        out.denoised.push(cell.denoised);
        out.deconvolved.push(cell.deconvolved);
        out.dff.push(cell.dff);
        out.events.push(cell.events);
        out.to_dff.push(cell.to_dff);
        out.baseline.push(cell.baseline);
        out.noise.push(cell.noise);
    }
    (ctx.progress)(1.0, film.cache.frames() as u64);
    Ok(out)
}

/// What [`run`] gives of one cell.
struct Finished {
    raw: Trace,
    denoised: Trace,
    deconvolved: Trace,
    dff: Trace,
    events: Vec<crate::types::Event>,
    to_dff: f32,
    baseline: f32,
    noise: f32,
}

/// A fit without a rise, put aside until the recording's rise is known.
struct Fitted {
    calcium: Trace,
    activity: Trace,
    drift: Trace,
    baseline: f32,
    shift: f32,
    noise: f32,
    /// Largest calcium over the noise.
    height: f32,
}

impl Fitted {
    fn keep((d, drift, noise): (Deconvolved, Vec<f32>, f32), shelf: &Shelf) -> Result<Self, StageError> {
        Ok(Self {
            height: d.calcium.iter().copied().fold(0.0f32, f32::max) / noise.max(1e-9),
            calcium: shelf.keep(d.calcium)?,
            activity: shelf.keep(d.activity)?,
            drift: shelf.keep(drift)?,
            baseline: d.baseline,
            shift: d.shift,
            noise,
        })
    }

    /// The fit as it was; what is kept of it goes.
    fn take(&mut self) -> Result<(Deconvolved, Vec<f32>, f32), StageError> {
        let take = |trace: &mut Trace| -> Result<Vec<f32>, StageError> { std::mem::take(trace).into_values() };
        let d = Deconvolved {
            calcium: take(&mut self.calcium)?,
            activity: take(&mut self.activity)?,
            baseline: self.baseline,
            shift: self.shift,
        };
        Ok((d, take(&mut self.drift)?, self.noise))
    }
}

/// A trace whose recording's rise is known (0: none), as [`run`] fits it: result, drift, noise.
pub(crate) fn fitted(raw: &[f32], gamma: f32, rise: Rise, fps: f64, clock: Clock) -> (Deconvolved, Vec<f32>, f32) {
    let mut trace = one(raw, gamma, fps, clock);
    if rise.frames > 0.0 {
        rising(&mut trace, raw, gamma, rise, clock);
    }
    trace
}

/// Fits a trace that was fitted without a rise once more with it.
fn rising((d, drift, noise): &mut (Deconvolved, Vec<f32>, f32), raw: &[f32], gamma: f32, rise: Rise, clock: Clock) {
    let model = Model::new(Shape::of(gamma, rise), clock);
    let risen = rise::deconvolve(&without(raw, drift, 0.0), &model, *noise, d);
    if !lost(d, &risen) {
        *d = risen;
    }
}

/// Whether the fit with a rise came to nothing (its active set did not settle) where the one without found activity: a clear cell would be silent.
fn lost(first: &Deconvolved, risen: &Deconvolved) -> bool {
    let silent = |d: &Deconvolved| !d.calcium.iter().any(|v| *v > 0.0);
    silent(risen) && !silent(first)
}

/// `raw − drift − baseline`.
fn without(raw: &[f32], drift: &[f32], baseline: f32) -> Vec<f32> {
    raw.iter().zip(drift).map(|(y, d)| y - d - baseline).collect()
}

/// The recording's rise, from traces fitted without one.
fn rise_of(done: &[Fitted], raw: &[Trace], gamma: &[f32], fps: f64) -> Result<Rise, StageError> {
    let height = |k: usize| done[k].height;
    let mut order: Vec<usize> = (0..done.len()).collect();
    order.sort_by(|a, b| height(*b).total_cmp(&height(*a)).then(a.cmp(b)));
    order.truncate(kinetics::TRACES);
    // Only what is asked about of each is held.
    let level: Vec<Vec<f32>> = order
        .iter()
        .map(|k| Ok(kinetics::clearest(&without(&raw[*k].all()?, &done[*k].drift.all()?, done[*k].baseline)).to_vec()))
        .collect::<Result<_, StageError>>()?;
    let traces: Vec<kinetics::Trace> = order
        .iter()
        .zip(&level)
        .map(|(k, y)| kinetics::Trace {
            y,
            decay: gamma[*k],
            height: height(*k),
        })
        .collect();
    Ok(kinetics::rise(&traces, fps))
}

/// Frames where the level starts afresh after a gap.
pub(crate) fn breaks(decay: f64, clock: Clock) -> Vec<usize> {
    clock.map_or_else(Vec::new, |c| {
        (1..c.len()).filter(|t| oasis::forgets(decay, c[*t] - c[t - 1])).collect()
    })
}

/// Deconvolution of one trace with a slowly moving baseline; returns also the drift around the constant baseline, and the noise.
fn one(raw: &[f32], gamma: f32, fps: f64, clock: Clock) -> (Deconvolved, Vec<f32>, f32) {
    let noise = second_difference_noise(raw);
    let mut drift = smooth(&low_level(raw, (WINDOW_S * fps) as usize), DRIFT_S * fps);
    let mut result = Deconvolved::default();
    for round in 0..ROUNDS {
        let y: Vec<f32> = raw.iter().zip(&drift).map(|(y, d)| y - d).collect();
        result = deconvolve(&y, gamma, noise, clock, (round > 0).then_some(result.shift));
        if round + 1 < ROUNDS {
            let rest: Vec<f32> = raw.iter().zip(&result.calcium).map(|(y, c)| y - c - result.baseline).collect();
            drift = smooth(&rest, DRIFT_S * fps);
        }
    }
    (result, drift, noise)
}

/// The lower quintile of each window of `n` samples, held over the window; flat for traces shorter than two windows.
fn low_level(y: &[f32], n: usize) -> Vec<f32> {
    let windows = (y.len() / n.max(1)).max(1);
    let length = y.len().div_ceil(windows).max(1);
    y.chunks(length)
        .flat_map(|c| std::iter::repeat_n(quantile(c, 0.2), c.len()))
        .collect()
}

/// Gaussian smoothing with `sigma` samples (two passes over block means keep it linear in the length), mean taken off.
fn smooth(y: &[f32], sigma: f64) -> Vec<f32> {
    let block = ((sigma / 4.0) as usize).max(1);
    let coarse: Vec<f32> = y.chunks(block).map(|c| c.iter().sum::<f32>() / c.len() as f32).collect();
    let taps = gaussian_taps((sigma / block as f64) as f32);
    let r = (taps.len() / 2) as isize;
    let n = coarse.len() as isize;
    let soft: Vec<f32> = (0..n)
        .map(|i| {
            let (mut s, mut w) = (0.0, 0.0);
            for (t, k) in taps.iter().enumerate() {
                let j = i + t as isize - r;
                if (0..n).contains(&j) {
                    s += k * coarse[j as usize];
                    w += k;
                }
            }
            s / w
        })
        .collect();
    let at = |t: usize| {
        let x = (t as f32 + 0.5) / block as f32 - 0.5;
        let i = (x.floor().max(0.0) as usize).min(soft.len() - 1);
        let j = (i + 1).min(soft.len() - 1);
        let f = (x - i as f32).clamp(0.0, 1.0);
        soft[i] + f * (soft[j] - soft[i])
    };
    let mut out: Vec<f32> = (0..y.len()).map(at).collect();
    let m = crate::kernels::mean(&out);
    out.iter_mut().for_each(|v| *v -= m);
    out
}

/// Mean of the footprint over its half-maximum region, and F0 there.
pub(crate) fn resting(a: &Footprint, levels: &[f32], width: usize, own_mean: f32) -> (f32, f32) {
    let (mut share, mut level, mut n) = (0.0f32, 0.0f32, 0.0f32);
    for (i, v) in a.values.iter().enumerate().filter(|(_, v)| **v >= 0.5) {
        share += v;
        level += levels[(a.top + i / a.width) * width + a.left + i % a.width];
        n += 1.0;
    }
    if n == 0.0 {
        return (1.0, 1.0);
    }
    (share / n, (level / n - own_mean * share / n).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Noise;

    #[test]
    fn a_drifting_baseline_is_not_taken_for_activity() {
        let mut noise = Noise::new(5);
        let (n, fps) = (2400, 20.0);
        let mut c = 0.0f32;
        let mut truth = Vec::new();
        let raw: Vec<f32> = (0..n)
            .map(|t| {
                c = 0.92 * c + if t % 173 == 40 { 8.0 } else { 0.0 };
                truth.push(c);
                c + 6.0 * (-(t as f32) / 900.0).exp() + 0.5 * noise.normal()
            })
            .collect();
        let (d, drift, _) = one(&raw, 0.92, fps, None);
        assert!(crate::kernels::pearson(&d.calcium, &truth) > 0.97);
        assert!(
            drift[100] - drift[2000] > 3.0,
            "the drift goes down by about {}",
            drift[100] - drift[2000]
        );
    }

    #[test]
    fn a_fit_with_a_rise_that_comes_to_nothing_is_not_taken() {
        let fit = |calcium: &[f32]| Deconvolved {
            calcium: calcium.to_vec(),
            ..Deconvolved::default()
        };
        let (active, silent) = (fit(&[0.0, 2.0, 1.0]), fit(&[0.0; 3]));
        assert!(lost(&active, &silent));
        assert!(!lost(&active, &active) && !lost(&silent, &silent) && !lost(&silent, &active));
    }

    #[test]
    fn f0_is_the_level_around_a_cell_without_the_cell() {
        let a = Footprint {
            top: 1,
            left: 2,
            height: 1,
            width: 3,
            values: vec![0.2, 1.0, 0.6],
        };
        let levels: Vec<f32> = (0..4 * 6).map(|p| p as f32).collect();
        let (share, f0) = resting(&a, &levels, 6, 5.0);
        assert!((share - 0.8).abs() < 1e-6);
        assert!((f0 - (9.5 - 4.0)).abs() < 1e-5);
    }
}
