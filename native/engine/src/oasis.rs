//! Deconvolution of a calcium trace: OASIS for a first-order autoregressive model, constrained by the noise, with a free baseline
//! (Friedrich, Zhou & Paninski 2017; reference, analysis 1.c).
//!
//! The problem `min Σ s` subject to `‖y − b − c‖² = σ² T`, `s_t = c_t − γ c_{t−1} ≥ 0` has one multiplier: at its optimum `b = mean(y − c)`
//! and `c` is the plain non-negative fit to `y − μ` for one number `μ ≥ b` (the L1 penalty only shifts the data). So the search is for `μ`.

use std::borrow::Cow;

/// A deconvolved trace.
#[derive(Clone, Debug, Default)]
pub struct Deconvolved {
    /// Denoised calcium without the baseline.
    pub calcium: Vec<f32>,
    /// Jumps per frame, ≥ 0; the first frame's own level is not counted as a jump.
    pub activity: Vec<f32>,
    /// Baseline.
    pub baseline: f32,
    /// The shift that met the noise constraint; a good start for the next call.
    pub shift: f32,
}

#[derive(Clone, Copy)]
struct Pool {
    value: f64,
    weight: f64,
    start: usize,
    length: usize,
}

/// When each sample was taken, in frames since the first; `None` without gaps. Over a gap of n frames calcium decays by `γⁿ`.
pub type Clock<'a> = Option<&'a [f64]>;

/// The non-negative least-squares fit `c` to `y − shift` with `c_t ≥ γ c_{t−1}` (`γⁿ` over a gap).
pub fn fit(y: &[f32], shift: f32, gamma: f32, clock: Clock) -> Vec<f32> {
    let mut out = vec![0.0; y.len()];
    let mut pools = Vec::new();
    pool(y, shift, gamma, clock, &mut pools);
    expand(&pools, gamma, clock, &mut out);
    out
}

/// `γ` to the number of frames from sample `from` to sample `to`.
fn decay(gamma: f64, from: usize, to: usize, clock: Clock) -> f64 {
    match clock {
        None => gamma.powi((to - from) as i32),
        Some(c) => gamma.powf(c[to] - c[from]),
    }
}

/// True when a step of `n` frames loses more than a decay time: the level after it starts afresh and is no activity.
pub fn forgets(decay: f64, n: f64) -> bool {
    n > 1.0 && decay.powf(n) < (-1.0f64).exp()
}

fn pool(y: &[f32], shift: f32, gamma: f32, clock: Clock, pools: &mut Vec<Pool>) {
    pools.clear();
    let gamma = f64::from(gamma);
    for (t, v) in y.iter().enumerate() {
        pools.push(Pool {
            value: f64::from(v - shift),
            weight: 1.0,
            start: t,
            length: 1,
        });
        while pools.len() > 1 {
            let (a, b) = (pools[pools.len() - 2], pools[pools.len() - 1]);
            let g = decay(gamma, a.start, b.start, clock);
            // A pool below zero lies at zero; the next one may start above it only from a positive value.
            let level = (a.value / a.weight).max(0.0) * g;
            if level <= b.value / b.weight {
                break;
            }
            pools.pop();
            let last = pools.len() - 1;
            pools[last] = Pool {
                value: a.value + g * b.value,
                weight: a.weight + g * g * b.weight,
                start: a.start,
                length: a.length + b.length,
            };
        }
    }
}

fn expand(pools: &[Pool], gamma: f32, clock: Clock, out: &mut [f32]) {
    for p in pools {
        let mut level = (p.value / p.weight).max(0.0);
        for (i, out) in out[p.start..p.start + p.length].iter_mut().enumerate() {
            if i > 0 {
                level *= decay(f64::from(gamma), p.start + i - 1, p.start + i, clock);
            }
            *out = level as f32;
        }
    }
}

/// A trace without values that are not finite: each takes the last finite one before it (the first after it at the start, else 0).
fn finite(y: &[f32]) -> Cow<'_, [f32]> {
    if y.iter().all(|v| v.is_finite()) {
        return Cow::Borrowed(y);
    }
    let mut last = y.iter().copied().find(|v| v.is_finite()).unwrap_or(0.0);
    let held = y.iter().map(|v| {
        last = if v.is_finite() { *v } else { last };
        last
    });
    Cow::Owned(held.collect())
}

/// Deconvolves `y` whose noise standard deviation is `noise`. `start` is the shift of an earlier call on nearly the same trace. Values that are
/// not finite are bridged.
pub fn deconvolve(y: &[f32], gamma: f32, noise: f32, clock: Clock, start: Option<f32>) -> Deconvolved {
    let gamma = gamma.clamp(0.0, 0.9999);
    let mut pools = Vec::new();
    let quiet = crate::kernels::quantile(y, 0.25);
    let mut done = constrained(y, noise, start, quiet, &mut |y, shift, c| {
        pool(y, shift, gamma, clock, &mut pools);
        expand(&pools, gamma, clock, c);
    });
    done.activity = activity(&done.calcium, gamma, clock);
    done
}

/// Fits calcium (the last) to a trace minus a shift.
pub type Fit<'a> = dyn FnMut(&[f32], f32, &mut [f32]) + 'a;

/// Searches the shift with which `fit(y, shift, calcium)` leaves exactly the noise once the mean of what is left is taken for the baseline.
/// Where not even the closest fit reaches the noise, the shift is `otherwise`. The activity is left to the caller.
pub fn constrained(y: &[f32], noise: f32, start: Option<f32>, otherwise: f32, fit: &mut Fit) -> Deconvolved {
    if y.is_empty() {
        return Deconvolved::default();
    }
    let (y, noise) = (finite(y), if noise.is_finite() { noise } else { 0.0 });
    let y = y.as_ref();
    let target = f64::from(noise).powi(2) * y.len() as f64;
    let mut c = vec![0.0f32; y.len()];
    let mut misfit = |shift: f32, c: &mut Vec<f32>| {
        fit(y, shift, c);
        let (mut s, mut q) = (0.0f64, 0.0f64);
        for (y, c) in y.iter().zip(c.iter()) {
            let r = f64::from(y - c);
            s += r;
            q += r * r;
        }
        let b = s / y.len() as f64;
        (q - s * b - target, b as f32)
    };
    let finish = |calcium: Vec<f32>, baseline: f32, shift: f32| Deconvolved {
        calcium,
        activity: Vec::new(),
        baseline,
        shift,
    };
    // Below this the shift would turn the baseline's own wandering into activity.
    let bottom = crate::kernels::quantile(y, 0.1);
    let scale = noise.max(1e-6);
    let mut low = start.unwrap_or(otherwise).max(bottom);
    let mut low_value = misfit(low, &mut c);
    let mut width = if start.is_some() { 0.25 * scale } else { scale };
    // Down until the fit is closer than the noise allows.
    while low_value.0 > 0.0 && low > bottom {
        low = (low - width).max(bottom);
        width *= 2.0;
        low_value = misfit(low, &mut c);
    }
    if low_value.0 > 0.0 {
        // Not even the closest fit reaches the noise (the baseline wanders).
        let value = misfit(otherwise, &mut c);
        return finish(c, value.1, otherwise);
    }
    let mut high = low + 0.3 * scale;
    let mut high_value = misfit(high, &mut c);
    let top = y.iter().copied().fold(f32::MIN, f32::max);
    let mut width = 0.6 * scale;
    while high_value.0 < 0.0 && high < top {
        (low, low_value) = (high, high_value);
        high += width;
        width *= 2.0;
        high_value = misfit(high, &mut c);
    }
    for _ in 0..12 {
        if high_value.0 < 0.0 || (high - low) < 1e-3 * scale || high_value.0 - low_value.0 < 1e-9 {
            break;
        }
        // Regula falsi kept away from the ends so that it never stalls.
        let part = (-low_value.0 / (high_value.0 - low_value.0)).clamp(0.1, 0.9) as f32;
        let mid = low + part * (high - low);
        let value = misfit(mid, &mut c);
        if value.0.abs() < 2e-3 * target {
            return finish(c, value.1, mid);
        }
        if value.0 < 0.0 {
            (low, low_value) = (mid, value);
        } else {
            (high, high_value) = (mid, value);
        }
    }
    let value = misfit(low, &mut c);
    finish(c, value.1, low)
}

/// Jumps of a calcium trace: `max(0, c_t − γ_t c_{t−1})`. 0 at the first frame and where more than a decay time was lost (the first frame of
/// another recording too): what the level there says happened in the gap.
pub fn activity(c: &[f32], gamma: f32, clock: Clock) -> Vec<f32> {
    let mut s = vec![0.0; c.len()];
    for t in 1..c.len() {
        let g = decay(f64::from(gamma), t - 1, t, clock) as f32;
        let jump = c[t] - g * c[t - 1];
        let unseen = clock.is_some_and(|c| forgets(f64::from(gamma), c[t] - c[t - 1]));
        // Rounding inside a pool is no activity.
        s[t] = if jump > 1e-4 * c[t].abs() && !unseen { jump } else { 0.0 };
    }
    s
}

/// Decay per frame, measured where the trace is high and falls: the 30 % point of `y(t + k) / y(t)` over `k` frames (spikes inside the interval
/// raise the ratio, noise spreads it; on simulated cells with 0.1 … 3 spikes a second this point is unbiased within 1 %, while the
/// autocovariance mistakes bursts for slow decay). Not-a-number without enough such moments.
pub fn decay_of_falls(y: &[f32], noise: f32, fps: f64) -> f32 {
    let k = ((0.2 * fps).round() as usize).max(1);
    // The lowest tenth, lifted by what noise takes off it: activity hardly touches it.
    let base = crate::kernels::quantile(y, 0.25).min(crate::kernels::quantile(y, 0.1) + 1.28 * noise);
    let threshold = (6.0 * noise).max(0.35 * (crate::kernels::quantile(y, 0.995) - base));
    let ratios: Vec<f32> = y
        .iter()
        .zip(y.iter().skip(k))
        .map(|(a, b)| (a - base, b - base))
        .filter(|(a, b)| *a > threshold && b < a)
        .map(|(a, b)| b / a)
        .collect();
    let ratio = if ratios.len() < 2 * k + 4 {
        f32::NAN
    } else {
        crate::kernels::quantile(&ratios, 0.3)
    };
    if ratio > 0.0 { ratio.powf(1.0 / k as f32) } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Noise, pearson};

    fn trace(n: usize, gamma: f32, noise: f32, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let mut source = Noise::new(seed);
        let mut c = 0.0f32;
        let truth: Vec<f32> = (0..n)
            .map(|_| {
                c = gamma * c + if source.uniform() < 0.03 { 1.0 + source.uniform() } else { 0.0 };
                c
            })
            .collect();
        let y = truth.iter().map(|c| c + 3.0 + noise * source.normal()).collect();
        (truth, y)
    }

    /// The same fit by projected gradient on `c = K s`, `s ≥ 0`: slow and obvious.
    fn slow_fit(y: &[f32], shift: f32, gamma: f64, clock: Clock) -> Vec<f64> {
        let n = y.len();
        let time = |t: usize| clock.map_or(t as f64, |c| c[t]);
        let kernel = |t: usize, u: usize| if u <= t { gamma.powf(time(t) - time(u)) } else { 0.0 };
        let mut s = vec![0.0f64; n];
        let mut c = vec![0.0f64; n];
        for _ in 0..20_000 {
            for (u, s) in s.iter_mut().enumerate() {
                // Exact minimisation over one jump.
                let (mut up, mut down) = (0.0, 0.0);
                for t in u..n {
                    let k = kernel(t, u);
                    up += k * (f64::from(y[t] - shift) - c[t]);
                    down += k * k;
                }
                let new = (*s + up / down).max(0.0);
                let d = new - *s;
                if d != 0.0 {
                    *s = new;
                    (u..n).for_each(|t| c[t] += d * kernel(t, u));
                }
            }
        }
        c
    }

    #[test]
    fn the_fit_is_the_exact_non_negative_least_squares_fit() {
        let (_, y) = trace(24, 0.8, 0.6, 3);
        for shift in [2.0, 3.0, 3.8] {
            for (f, s) in fit(&y, shift, 0.8, None).iter().zip(slow_fit(&y, shift, 0.8, None)) {
                assert!((f64::from(*f) - s).abs() < 1e-3, "shift {shift}: {f} and {s}");
            }
        }
        let clock: Vec<f64> = (0..24).map(|t| t as f64 + if t >= 10 { 6.0 } else { 0.0 }).collect();
        for (f, s) in fit(&y, 3.0, 0.8, Some(&clock)).iter().zip(slow_fit(&y, 3.0, 0.8, Some(&clock))) {
            assert!((f64::from(*f) - s).abs() < 1e-3, "over a gap: {f} and {s}");
        }
    }

    #[test]
    fn the_misfit_is_the_noise_and_the_baseline_is_found() {
        let (truth, y) = trace(3000, 0.9, 0.3, 7);
        let d = deconvolve(&y, 0.9, 0.3, None, None);
        let misfit: f32 = y.iter().zip(&d.calcium).map(|(y, c)| (y - c - d.baseline).powi(2)).sum::<f32>() / 3000.0;
        assert!((misfit.sqrt() / 0.3 - 1.0).abs() < 0.01, "{}", misfit.sqrt());
        assert!((d.baseline - 3.0).abs() < 0.1, "{}", d.baseline);
        assert!(pearson(&d.calcium, &truth) > 0.97);
        assert!(d.calcium.iter().chain(&d.activity).all(|v| *v >= 0.0));
        for (t, s) in d.activity.iter().enumerate().skip(1) {
            assert!((d.calcium[t] - 0.9 * d.calcium[t - 1] - s).abs() < 1e-3);
        }
    }

    #[test]
    fn grey_levels_or_millivolts_make_no_difference() {
        let (_, y) = trace(800, 0.9, 0.3, 11);
        let big: Vec<f32> = y.iter().map(|v| 64.0 * v).collect();
        let (a, b) = (deconvolve(&y, 0.9, 0.3, None, None), deconvolve(&big, 0.9, 19.2, None, None));
        for (a, b) in a.calcium.iter().zip(&b.calcium) {
            assert!((64.0 * a - b).abs() < 1e-2);
        }
    }

    #[test]
    fn a_gap_decays_by_as_many_frames_as_were_lost() {
        let clock: Vec<f64> = (0..20).map(|t| t as f64 + if t >= 10 { 30.0 } else { 0.0 }).collect();
        let y: Vec<f32> = (0..20)
            .map(|t| if t < 5 { 0.0 } else { 10.0 * 0.9f32.powf((clock[t] - 5.0) as f32) })
            .collect();
        let d = deconvolve(&y, 0.9, 0.01, Some(&clock), None);
        assert!(d.activity[10] < 0.05, "the fall over the gap is no surprise");
        assert!(d.activity.iter().enumerate().filter(|(t, _)| *t != 5).all(|(_, s)| *s < 0.05));
        let blind = deconvolve(&y, 0.9, 0.01, None, None);
        assert!((blind.calcium[10] - y[10]).abs() > 0.5, "without the clock the fit cannot follow");
    }

    #[test]
    fn the_decay_is_read_off_the_falls() {
        for (gamma, seed) in [(0.9f32, 1), (0.95, 2)] {
            let (_, y) = trace(4000, gamma, 0.03, seed);
            let found = decay_of_falls(&y, 0.03, 20.0);
            assert!((found - gamma).abs() < 0.02, "{found} for {gamma}");
        }
        let mut noise = Noise::new(1);
        let flat: Vec<f32> = (0..500).map(|_| noise.normal()).collect();
        assert!(decay_of_falls(&flat, 1.0, 20.0).is_nan());
    }

    #[test]
    fn an_empty_or_constant_trace_is_silent() {
        assert!(deconvolve(&[], 0.9, 1.0, None, None).calcium.is_empty());
        let d = deconvolve(&[5.0; 100], 0.9, 0.5, None, None);
        assert!(d.activity.iter().all(|s| *s == 0.0));
        assert!(d.calcium.iter().all(|c| c.is_finite()));
    }
}
