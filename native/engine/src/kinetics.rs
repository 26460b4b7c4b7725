//! How fast calcium rises, estimated over the recording.
//!
//! A first-order model fits any rise, as a row of small spikes; what tells a rise apart is that it needs fewer of them. So each candidate is judged by
//! generalised cross-validation, `‖y − c‖² / (1 − spikes / samples)²` (Golub, Heath & Wahba 1979; the free spikes are the degrees of freedom of a
//! non-negative fit), which assumes nothing about when cells fire (bursts do not look like slow kinetics, as they do in an autocovariance)
//! and nothing about the noise, which movement makes larger than it is from frame to frame.

use rayon::prelude::*;

use crate::kernels::median;
use crate::rise::{LEAD, Model, Rise, Shape, Solver};

/// Rises that are tried, frames: none, then about 1.35 times as long each.
const CANDIDATES: [f64; 13] = [0.0, 0.35, 0.5, 0.7, 0.95, 1.3, 1.75, 2.35, 3.2, 4.3, 5.8, 7.8, 10.5];
/// Clearest traces that are asked.
pub const TRACES: usize = 24;
/// Samples of each, around its highest.
const SAMPLES: usize = 3000;
/// Shorter rises (frames) cannot be told from none.
pub const SHORTEST: f64 = 0.5;
/// The rise is shorter than this share of the decay.
const LARGEST_SHARE: f64 = 0.6;

/// Decays that are tried along, in parts of the trace's own.
const DECAYS: [f64; 5] = [0.87, 1.0, 1.15, 1.32, 1.5];
/// Usual time constant of the rise, seconds: GCaMP6f and the jGCaMP7s reach their peak in 0.1 … 0.2 s after a spike.
const USUAL_S: f64 = 0.07;
/// Peak over noise at which an estimate counts as much as what is usual.
const TRUST: f64 = 20.0;
/// Other leads that are tried, frames. A camera whose exposure lasts the whole frame sees of a spike anywhere in it, on average, little in that frame
/// and most of the rise in the next; short leads stand for that.
const LEADS: [f64; 2] = [0.2, 0.1];
/// A short lead with a slow rise and a long lead with a fast one look nearly alike in a trace. Where the usual lead asks for a rise below this share
/// of the usual time constant, the other explanation is the likelier one.
const DOUBTED: f64 = 0.6;
/// Part of the usual time constant that is believed where the traces are of two minds: most do without a rise, yet more than a quarter ask for one
/// (cells that lie one above the other: what each has of the other's light asks for small spikes). Where there is no rise hardly any does.
const LEAST_OF_USUAL: f64 = 0.5;
/// Standard errors by which another lead may fit worse and still be believed.
const UNDECIDED: f64 = 2.0;
/// Stands for no rise at all where ratios are asked for, frames.
const SMALLEST: f64 = 0.1;

/// One trace to ask: baseline and drift off, with its decay per frame.
pub struct Trace<'a> {
    /// The samples.
    pub y: &'a [f32],
    /// Decay per frame.
    pub decay: f32,
    /// Highest value over the noise.
    pub height: f32,
}

/// Time constant of the rise in frames: what suits the clearest traces (their median), drawn to the usual one the more, the noisier they are;
/// 0 where nearly all do without a rise, or where there are no traces. Gaps are few enough not to matter here.
pub fn rise(traces: &[Trace], fps: f64) -> Rise {
    let mut order: Vec<usize> = (0..traces.len())
        .filter(|k| traces[*k].height.is_finite() && !traces[*k].y.is_empty())
        .collect();
    order.sort_by(|a, b| traces[*b].height.total_cmp(&traces[*a].height).then(a.cmp(b)));
    order.truncate(TRACES);
    let of = |lead: f64, asked: &[usize]| -> Vec<(f64, f64)> { asked.par_iter().map(|k| best(&traces[*k], lead)).collect() };
    let usual = of(LEAD, &order);
    let middle_of = |found: &[(f64, f64)]| f64::from(median(&found.iter().map(|f| f.1 as f32).collect::<Vec<_>>()));
    if usual.is_empty() {
        return Rise::NONE;
    }
    let expected = USUAL_S * fps;
    let (mut lead, mut middle) = (LEAD, middle_of(&usual));
    if middle < DOUBTED * expected {
        for other in LEADS {
            let found = of(other, &order);
            let (slower, worse) = (middle_of(&found), worse(&found, &usual));
            let is_likelier = slower >= SHORTEST && (slower / expected).ln().abs() < (middle.max(SMALLEST) / expected).ln().abs();
            if worse < UNDECIDED && is_likelier {
                (lead, middle) = (other, slower);
            }
        }
    }
    if middle < SHORTEST {
        let mut asked: Vec<f64> = usual.iter().map(|found| found.1).collect();
        asked.sort_by(f64::total_cmp);
        let [.., shortest] = LEADS;
        let least = LEAST_OF_USUAL * expected;
        if least < SHORTEST || asked[3 * asked.len() / 4] < SHORTEST {
            return Rise::NONE;
        }
        (lead, middle) = (shortest, least);
    }
    let heights: Vec<f32> = order.iter().map(|k| traces[*k].height).collect();
    let height = f64::from(median(&heights)).max(0.0);
    let trust = height / (height + TRUST);
    Rise {
        frames: (trust * middle.ln() + (1.0 - trust) * (USUAL_S * fps).ln()).exp(),
        lead,
    }
}

/// By how many standard errors over the traces fits are worse (larger risks) than others.
fn worse(found: &[(f64, f64)], others: &[(f64, f64)]) -> f64 {
    let n = found.len() as f64;
    let more: Vec<f64> = found.iter().zip(others).map(|(f, o)| f.0 - o.0).collect();
    let mean = more.iter().sum::<f64>() / n;
    let spread = (more.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n).sqrt();
    mean / spread.max(1e-9)
}

/// The least risk of one trace over rises and decays, and the rise in frames where it lies. The decay is looked for along with it, lest an error of the one be made up for by the other.
fn best(trace: &Trace, lead: f64) -> (f64, f64) {
    let slowest = -1.0 / f64::from(trace.decay.clamp(0.01, 0.9999)).ln();
    let tried = DECAYS.map(|f| {
        let decay = f * slowest;
        let places: Vec<f64> = CANDIDATES.into_iter().filter(|r| *r == 0.0 || *r < LARGEST_SHARE * decay).collect();
        let values = risks(trace, (-1.0 / decay).exp(), lead, &places);
        (values.iter().copied().fold(f64::INFINITY, f64::min), lowest(&places, &values))
    });
    tried.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, 0.0))
}

/// The part of a trace that is asked: around its highest value.
pub fn clearest(y: &[f32]) -> &[f32] {
    let top = (0..y.len()).max_by(|a, b| y[*a].total_cmp(&y[*b])).unwrap_or(0);
    let first = top.saturating_sub(SAMPLES / 2).min(y.len().saturating_sub(SAMPLES));
    &y[first..(first + SAMPLES).min(y.len())]
}

/// Logarithm of the risk of one trace for each candidate.
fn risks(trace: &Trace, decay: f64, lead: f64, candidates: &[f64]) -> Vec<f64> {
    let y = clearest(trace.y);
    let mut solver = Solver::default();
    let risk = |r: &f64| {
        let shape = Shape {
            decay,
            rise: (-1.0 / r.max(1e-3)).exp(),
            lead,
        };
        solver.fit(y, 0.0, &Model::new(shape, None));
        let misfit: f64 = y.iter().zip(solver.calcium()).map(|(y, c)| (f64::from(*y) - c).powi(2)).sum();
        misfit.max(1e-30).ln() - 2.0 * (1.0 - solver.free() as f64 / y.len() as f64).max(1e-3).ln()
    };
    candidates.iter().map(risk).collect()
}

/// The lowest point of `values` over `places`: the vertex of a parabola through the lowest and its neighbours, on the places' own scale.
fn lowest(places: &[f64], values: &[f64]) -> f64 {
    let n = (0..values.len()).min_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0);
    if n == 0 || n + 1 == values.len() {
        return places[n];
    }
    let (left, right) = (values[n - 1] - values[n], values[n + 1] - values[n]);
    let part = if left + right > 0.0 {
        0.5 * (left - right) / (left + right)
    } else {
        0.0
    };
    let other = places[if part < 0.0 { n - 1 } else { n + 1 }];
    places[n] + part.abs() * (other - places[n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Noise;

    /// From traces of cells that fire in bursts, calcium by `shape`.
    fn found(shape: Shape, noise: f32, fps: f64) -> Rise {
        among(shape, noise, fps, 0.0)
    }

    /// The same with light of others in each trace, which comes at once and goes fast, up to `foreign` a time.
    fn among(shape: Shape, noise: f32, fps: f64, foreign: f32) -> Rise {
        let mut source = Noise::new(17);
        let rows: Vec<Vec<f32>> = (0..12)
            .map(|_| {
                let (mut p, mut q, mut active) = (0.0f64, 0.0f64, false);
                let b = shape.jump();
                let mut other = 0.0f32;
                let row = (0..1200).map(|_| {
                    active = if active { source.uniform() > 0.07 } else { source.uniform() < 0.01 };
                    let s = if source.uniform() < if active { 0.3 } else { 0.001 } {
                        1.0
                    } else {
                        0.0
                    };
                    (p, q) = (p * shape.decay + b[0] * s, q * shape.rise + b[1] * s);
                    let calcium = (p - q) as f32 + noise * source.normal();
                    if foreign > 0.0 {
                        other *= 0.6;
                        other += if source.uniform() < 0.1 { foreign * source.uniform() } else { 0.0 };
                    }
                    calcium + other
                });
                row.collect()
            })
            .collect();
        let traces: Vec<Trace> = rows
            .iter()
            .map(|y| Trace {
                y,
                decay: shape.decay as f32,
                height: 3.0 / noise,
            })
            .collect();
        rise(&traces, fps)
    }

    #[test]
    fn a_short_lead_with_a_usual_rise_is_preferred_to_half_a_frame_with_a_rise_too_fast() {
        let found = |lead: f64, frames: f64| found(Shape::of(0.92, Rise { frames, lead }), 0.06, 20.0).lead;
        assert!(found(0.1, 1.0) < LEAD);
        assert_eq!(found(LEAD, 1.2), LEAD);
    }

    #[test]
    fn the_rise_is_found_in_bursts_and_noise_and_none_where_there_is_none() {
        for (frames, fps) in [(1.2, 20.0), (2.0, 30.0), (3.0, 20.0)] {
            let r = found(Shape::of(0.92, Rise { frames, lead: LEAD }), 0.06, fps).frames;
            assert!((r / frames).ln().abs() < 0.35, "{r} for {frames}");
        }
        assert_eq!(
            found(
                Shape {
                    decay: 0.92,
                    rise: 1e-9,
                    lead: LEAD
                },
                0.12,
                20.0
            ),
            Rise::NONE
        );
        assert_eq!(rise(&[], 20.0), Rise::NONE);
    }

    #[test]
    fn a_usual_rise_is_believed_where_light_of_others_hides_it() {
        let slow = Shape::of(0.92, Rise { frames: 1.0, lead: 0.1 });
        let found = among(slow, 0.06, 20.0, 0.3);
        assert!(found.lead < LEAD && (0.7..1.4).contains(&found.frames), "{found:?}");
    }
}
