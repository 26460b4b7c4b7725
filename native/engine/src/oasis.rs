//! Deconvolution of a calcium trace: OASIS for a first-order autoregressive model, constrained by the noise, with a free baseline
//! (Friedrich, Zhou & Paninski 2017; reference, analysis 1.c).
//!
//! The problem `min Σ s` subject to `‖y − b − c‖² = σ² T`, `s_t = c_t − γ c_{t−1} ≥ 0` has one multiplier: at its optimum `b = mean(y − c)`
//! and `c` is the plain non-negative fit to `y − μ` for one number `μ ≥ b` (the L1 penalty only shifts the data). So the search is for `μ`.

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

/// Deconvolves `y` whose noise standard deviation is `noise`. `start` is the shift of an earlier call on nearly the same trace.
pub fn deconvolve(y: &[f32], gamma: f32, noise: f32, clock: Clock, start: Option<f32>) -> Deconvolved {
    if y.is_empty() {
        return Deconvolved::default();
    }
    let gamma = gamma.clamp(0.0, 0.9999);
    let target = f64::from(noise).powi(2) * y.len() as f64;
    let mut pools = Vec::new();
    let mut c = vec![0.0f32; y.len()];
    let mut misfit = |shift: f32, c: &mut Vec<f32>| {
        pool(y, shift, gamma, clock, &mut pools);
        expand(&pools, gamma, clock, c);
        let (mut s, mut q) = (0.0f64, 0.0f64);
        for (y, c) in y.iter().zip(c.iter()) {
            let r = f64::from(y - c);
            s += r;
            q += r * r;
        }
        let b = s / y.len() as f64;
        (q - s * b - target, b as f32)
    };
    let quiet = crate::kernels::quantile(y, 0.25);
    // Below this the shift would turn the baseline's own wandering into activity.
    let bottom = crate::kernels::quantile(y, 0.1);
    let scale = noise.max(1e-6);
    let mut low = start.unwrap_or(quiet).max(bottom);
    let mut low_value = misfit(low, &mut c);
    let mut width = if start.is_some() { 0.25 * scale } else { scale };
    // Down until the fit is closer than the noise allows.
    while low_value.0 > 0.0 && low > bottom {
        low = (low - width).max(bottom);
        width *= 2.0;
        low_value = misfit(low, &mut c);
    }
    if low_value.0 > 0.0 {
        // Not even the closest fit reaches the noise (the baseline wanders): no penalty then, on the level of what is quiet.
        let value = misfit(quiet, &mut c);
        return finish(c, value.1, quiet, gamma, clock);
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
            return finish(c, value.1, mid, gamma, clock);
        }
        if value.0 < 0.0 {
            (low, low_value) = (mid, value);
        } else {
            (high, high_value) = (mid, value);
        }
    }
    let value = misfit(low, &mut c);
    finish(c, value.1, low, gamma, clock)
}

fn finish(c: Vec<f32>, baseline: f32, shift: f32, gamma: f32, clock: Clock) -> Deconvolved {
    let activity = activity(&c, gamma, clock);
    Deconvolved {
        calcium: c,
        activity,
        baseline,
        shift,
    }
}

/// Jumps of a calcium trace: `max(0, c_t − γ_t c_{t−1})`, 0 at the first frame.
pub fn activity(c: &[f32], gamma: f32, clock: Clock) -> Vec<f32> {
    let mut s = vec![0.0; c.len()];
    for t in 1..c.len() {
        let g = decay(f64::from(gamma), t - 1, t, clock) as f32;
        let jump = c[t] - g * c[t - 1];
        // Rounding inside a pool is no activity.
        s[t] = if jump > 1e-4 * c[t].abs() { jump } else { 0.0 };
    }
    s
}

/// Decay per frame, measured where the trace is high and falls: the 30 % point of `y(t + k) / y(t)` over `k` frames (spikes inside the interval
/// raise the ratio, noise spreads it; on simulated cells with 0.1 … 3 spikes a second this point is unbiased within 1 %, while the
/// autocovariance mistakes bursts for slow decay). Not-a-number without enough such moments.
pub fn decay_of_falls(y: &[f32], noise: f32, fps: f64) -> f32 {
    let k = ((0.2 * fps).round() as usize).max(1);
    let base = crate::kernels::quantile(y, 0.25);
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
