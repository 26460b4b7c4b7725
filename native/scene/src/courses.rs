//! What changes with time: spikes, calcium, neuropil, slow light, motion. All courses are made in the order of their streams, so that one
//! more cell does not change the motion.

use crate::config::Config;
use crate::random::Random;

/// A stationary Ornstein-Uhlenbeck course of variance 1 and time constant `tau` seconds.
pub fn wandering(random: &mut Random, frames: usize, fps: f64, tau: f64) -> Vec<f64> {
    let keep = (-1.0 / (tau * fps)).exp();
    let push = (1.0 - keep * keep).sqrt();
    let mut x = random.normal();
    (0..frames)
        .map(|_| {
            let now = x;
            x = keep * x + push * random.normal();
            now
        })
        .collect()
}

/// Gaussian smoothing over time, `sigma` in frames; mirrored at the ends.
pub fn smooth(course: &[f64], sigma: f64) -> Vec<f64> {
    let reach = (4.0 * sigma).ceil() as i64;
    let taps: Vec<f64> = (-reach..=reach).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = taps.iter().sum();
    let n = course.len() as i64;
    let mirrored = |i: i64| {
        let i = i.rem_euclid(2 * n);
        (if i < n { i } else { 2 * n - 1 - i }) as usize
    };
    (0..n)
        .map(|i| {
            taps.iter()
                .enumerate()
                .map(|(k, tap)| tap * course[mirrored(i - reach + k as i64)])
                .sum::<f64>()
                / sum
        })
        .collect()
}

/// When something is active: two states with the given rates.
fn bouts(random: &mut Random, config: &Config) -> Vec<bool> {
    let dt = 1.0 / config.fps;
    let mut on = random.unit() < config.on_rate / (config.on_rate + config.off_rate);
    (0..config.frames)
        .map(|_| {
            let u = random.unit();
            on = if on { u >= config.off_rate * dt } else { u < config.on_rate * dt };
            on
        })
        .collect()
}

/// Spikes of each cell in each frame, at most 6; `near` is the neighbourhood each cell belongs to.
pub fn spikes(random: &mut Random, config: &Config, near: &[usize]) -> Vec<Vec<u8>> {
    let common: Vec<Vec<bool>> = (0..config.clusters).map(|_| bouts(random, config)).collect();
    near.iter()
        .map(|cluster| {
            let own = bouts(random, config);
            let mut follows = false;
            let course = own.iter().enumerate().map(|(t, own)| {
                if t % 20 == 0 {
                    follows = random.unit() < config.shared;
                }
                let active = if follows { common[*cluster][t] } else { *own };
                let rate = if active { config.active_rate } else { config.quiet_rate };
                random.poisson(rate / config.fps).min(6) as u8
            });
            course.collect()
        })
        .collect()
}

/// Calcium of a cell with these spikes: a difference of exponentials that peaks at 1 after one spike and starts in the spike's frame.
pub fn calcium(random: &mut Random, config: &Config, spikes: &[u8]) -> Vec<f32> {
    let decay = config.tau_decay * (config.tau_spread * random.normal()).exp();
    let rise = (config.tau_rise * (config.tau_spread * random.normal()).exp()).min(0.8 * decay);
    let at = |n: usize| {
        let t = (n as f64 + 0.5) / config.fps;
        (-t / decay).exp() - (-t / rise).exp()
    };
    let kernel: Vec<f64> = (0..=(8.0 * config.tau_decay * config.fps) as usize).map(at).collect();
    let peak = kernel.iter().copied().fold(0.0, f64::max);
    let mut course = vec![0.0f64; spikes.len()];
    for (t, n) in spikes.iter().enumerate().filter(|(_, n)| **n > 0) {
        for (value, k) in course[t..].iter_mut().zip(&kernel) {
            *value += f64::from(*n) * k / peak;
        }
    }
    course.into_iter().map(|v| v as f32).collect()
}

/// Displacement of the content in each frame, (dy, dx) px: smooth wandering and sudden jumps that relax; median 0.
pub fn motion(random: &mut Random, config: &Config) -> Vec<[f64; 2]> {
    let (t, fps) = (config.frames, config.fps);
    if config.motion + config.jump <= 0.0 {
        return vec![[0.0; 2]; t];
    }
    let mut axes = [0, 1].map(|_| {
        let course = wandering(random, t, fps, config.motion_tau);
        let scaled: Vec<f64> = course.iter().map(|v| v * config.motion / 2.6).collect();
        smooth(&scaled, (0.05 * fps).max(0.8))
    });
    for _ in 0..config.jumps {
        let from = t / 20 + random.below(t - 2 * (t / 20));
        let angle = random.between(0.0, std::f64::consts::TAU);
        for (axis, size) in axes.iter_mut().zip([angle.sin(), angle.cos()]) {
            for (n, v) in axis[from..].iter_mut().enumerate() {
                *v += config.jump * size * (-(n as f64) / (0.4 * fps)).exp();
            }
        }
    }
    let limit = config.motion + config.jump;
    for axis in &mut axes {
        for v in axis.iter_mut() {
            *v = limit * (*v / limit).tanh();
        }
        let mut sorted = axis.clone();
        sorted.sort_by(f64::total_cmp);
        let median = 0.5 * (sorted[(t - 1) / 2] + sorted[t / 2]);
        for v in axis.iter_mut() {
            *v = (*v - median).clamp(-limit, limit);
        }
    }
    axes[0].iter().zip(&axes[1]).map(|(y, x)| [*y, *x]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::preset("tiny").unwrap()
    }

    #[test]
    fn one_spike_peaks_at_one_and_starts_in_its_frame() {
        let mut spikes = vec![0; 100];
        spikes[10] = 1;
        let course = calcium(&mut Random::new(1, 0), &config(), &spikes);
        assert_eq!(course[9], 0.0);
        assert!(course[10] > 0.1);
        assert!((course.iter().copied().fold(0.0, f32::max) - 1.0).abs() < 1e-6);
        assert!(course[40] < 0.2 && course[40] > 0.0);
    }

    #[test]
    fn activity_comes_in_bouts() {
        let config = Config {
            frames: 20_000,
            ..config()
        };
        let all = spikes(&mut Random::new(1, 0), &config, &[0, 1, 2]);
        let rate = all.iter().flatten().map(|n| f64::from(*n)).sum::<f64>() / (3.0 * 20_000.0 / config.fps);
        let share = config.on_rate / (config.on_rate + config.off_rate);
        let wanted = share * config.active_rate + (1.0 - share) * config.quiet_rate;
        assert!((rate / wanted - 1.0).abs() < 0.2, "{rate} {wanted}");
    }

    #[test]
    fn motion_stays_in_its_reach_and_around_zero() {
        let config = Config {
            jumps: 5,
            jump: 6.0,
            frames: 3000,
            ..config()
        };
        let path = motion(&mut Random::new(2, 0), &config);
        for axis in 0..2 {
            let mut values: Vec<f64> = path.iter().map(|d| d[axis]).collect();
            values.sort_by(f64::total_cmp);
            assert!(values[1499].abs() < 0.01 && values[0] >= -8.0 && values[2999] <= 8.0);
            assert!(values[2999] - values[0] > 2.0);
        }
        assert_eq!(
            motion(
                &mut Random::new(2, 0),
                &Config {
                    motion: 0.0,
                    jump: 0.0,
                    ..config
                }
            )[7],
            [0.0; 2]
        );
    }

    #[test]
    fn wandering_has_variance_one() {
        let course = wandering(&mut Random::new(3, 0), 50_000, 20.0, 0.5);
        let variance = course.iter().map(|v| v * v).sum::<f64>() / 50_000.0;
        assert!((variance - 1.0).abs() < 0.1, "{variance}");
    }
}
