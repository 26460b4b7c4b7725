//! How probable it is that two neighbours are one cell. As CellReg does (Sheintuch et al. 2017) the neighbours of all session pairs are taken
//! as a mixture of "same" and "different", and the model is fitted to the data at hand. Here both features are modelled together, as
//! two-dimensional Gaussians of transformed values, because distance and correlation are not independent; and the "different" component also
//! learns from neighbours within one session, which are different for sure.

/// What is known of a pair: distance of the centres in units of a typical radius, cosine of the footprints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    /// Typical radii.
    pub distance: f64,
    /// 0 … 1.
    pub correlation: f64,
}

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 200;
/// Correlations are clipped to this far from 0 and 1.
const CLIP: f64 = 0.01;
/// Distances below this many radii are all the same.
const SOFT: f64 = 0.12;

/// A two-dimensional Gaussian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    /// Mean of (log distance, logit correlation).
    pub mean: [f64; 2],
    /// Covariance: `[var₀, cov, var₁]`.
    pub covariance: [f64; 3],
}

impl Gaussian {
    fn log_density(&self, x: [f64; 2]) -> f64 {
        let [a, b, c] = self.covariance;
        let det = a * c - b * b;
        let (u, v) = (x[0] - self.mean[0], x[1] - self.mean[1]);
        -0.5 * ((c * u * u - 2.0 * b * u * v + a * v * v) / det + det.ln()) - (2.0 * std::f64::consts::PI).ln()
    }
}

/// What is believed before the data: a mean and spreads, worth `weight` observations.
struct Prior {
    mean: [f64; 2],
    spread: [f64; 2],
    weight: f64,
}

/// Same cells lie about a third of a radius apart and look alike.
const SAME: Prior = Prior {
    mean: [-1.1, 2.0],
    spread: [0.6, 0.9],
    weight: 6.0,
};
/// Different cells lie a diameter apart and hardly overlap.
const DIFFERENT: Prior = Prior {
    mean: [0.6, -2.0],
    spread: [0.35, 1.0],
    weight: 6.0,
};
/// "Same" never means less alike than this (logit of the correlation) or further apart (log of radii): without same cells in the data it
/// would settle on the nearest different ones.
const LEAST_ALIKE: f64 = 0.4;
const FURTHEST: f64 = 0.0;

/// The fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Neighbours that are one cell.
    pub same: Gaussian,
    /// Neighbours that are not.
    pub different: Gaussian,
    /// Share of overlapping neighbours that are the same cell.
    pub share: f64,
}

fn transformed(f: Features) -> [f64; 2] {
    let c = f.correlation.clamp(CLIP, 1.0 - CLIP);
    [(f.distance.powi(2) + SOFT * SOFT).ln() / 2.0, (c / (1.0 - c)).ln()]
}

impl Mixture {
    /// Fits the model to neighbours of different sessions (`across`) and of the same session (`within`). Only pairs that overlap are looked at.
    pub fn fit(across: &[Features], within: &[Features]) -> Self {
        let overlapping =
            |list: &[Features]| -> Vec<[f64; 2]> { list.iter().filter(|f| f.correlation > 0.0).map(|f| transformed(*f)).collect() };
        let (across, within) = (overlapping(across), overlapping(within));
        let start = |prior: &Prior| Gaussian {
            mean: prior.mean,
            covariance: [prior.spread[0].powi(2), 0.0, prior.spread[1].powi(2)],
        };
        let mut model = Self {
            same: start(&SAME),
            different: start(&DIFFERENT),
            share: 0.5,
        };
        for _ in 0..ROUNDS {
            let weights: Vec<f64> = across.iter().map(|x| model.posterior(*x)).collect();
            let same = estimate(across.iter().copied().zip(weights.iter().copied()), &SAME);
            let others = across.iter().copied().zip(weights.iter().map(|w| 1.0 - w));
            let different = estimate(others.chain(within.iter().map(|x| (*x, 1.0))), &DIFFERENT);
            let sum: f64 = weights.iter().sum();
            let next = Self {
                same: Gaussian {
                    mean: [same.mean[0].min(FURTHEST), same.mean[1].max(LEAST_ALIKE)],
                    ..same
                },
                different,
                share: (sum + 1.0) / (across.len() as f64 + 2.0),
            };
            let still = (next.share - model.share).abs() < 1e-9
                && (next.same.mean[1] - model.same.mean[1]).abs() < 1e-9
                && (next.different.mean[1] - model.different.mean[1]).abs() < 1e-9;
            model = next;
            if still {
                break;
            }
        }
        model
    }

    /// P(same) of a pair, 0 where the footprints do not overlap.
    pub fn probability(&self, f: Features) -> f64 {
        if f.correlation <= 0.0 || !f.distance.is_finite() {
            return 0.0;
        }
        self.posterior(transformed(f))
    }

    fn posterior(&self, x: [f64; 2]) -> f64 {
        // The tails of two Gaussians cross again far out; beyond both means nothing changes any more.
        let (near, far) = (self.same.mean[0], self.different.mean[0]);
        let (alike, unlike) = (self.same.mean[1], self.different.mean[1]);
        let x = [
            x[0].clamp(near.min(far), near.max(far)),
            x[1].clamp(unlike.min(alike), unlike.max(alike)),
        ];
        let log_odds = self.same.log_density(x) - self.different.log_density(x) + (self.share / (1.0 - self.share)).ln();
        1.0 / (1.0 + (-log_odds).exp())
    }
}

/// Mean and covariance of weighted points with a prior worth a few of them.
fn estimate(points: impl Iterator<Item = ([f64; 2], f64)> + Clone, prior: &Prior) -> Gaussian {
    let mut weight = prior.weight;
    let mut sum = [prior.weight * prior.mean[0], prior.weight * prior.mean[1]];
    for (x, w) in points.clone() {
        weight += w;
        sum = [sum[0] + w * x[0], sum[1] + w * x[1]];
    }
    let mean = [sum[0] / weight, sum[1] / weight];
    let mut covariance = [prior.weight * prior.spread[0].powi(2), 0.0, prior.weight * prior.spread[1].powi(2)];
    for (x, w) in points {
        let (u, v) = (x[0] - mean[0], x[1] - mean[1]);
        covariance = [covariance[0] + w * u * u, covariance[1] + w * u * v, covariance[2] + w * v * v];
    }
    Gaussian {
        mean,
        covariance: covariance.map(|c| c / weight),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [0, 1) that are the same on every machine.
    struct Random(u64);

    impl Random {
        fn uniform(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (2.0 * std::f64::consts::PI * self.uniform()).cos()
        }
    }

    /// Same cells: near and alike; different ones: up to three radii away, the less alike the further. Returns the label with the features.
    fn draw(random: &mut Random, n: usize, share: f64) -> Vec<(bool, Features)> {
        let logistic = |v: f64| 1.0 / (1.0 + (-v).exp());
        (0..n)
            .map(|_| {
                let same = random.uniform() < share;
                let features = if same {
                    Features {
                        distance: (0.35 * random.normal()).hypot(0.35 * random.normal()),
                        correlation: logistic(1.9 + 0.8 * random.normal()),
                    }
                } else {
                    let distance = 1.0 + 2.0 * random.uniform().sqrt();
                    Features {
                        distance,
                        correlation: logistic(1.2 - 1.3 * distance + 0.7 * random.normal()),
                    }
                };
                (same, features)
            })
            .collect()
    }

    #[test]
    fn the_error_rate_it_expects_is_the_one_it_makes() {
        let mut random = Random(7);
        let pairs = draw(&mut random, 4000, 0.4);
        let within: Vec<Features> = draw(&mut random, 1500, 0.0).into_iter().map(|(_, f)| f).collect();
        let across: Vec<Features> = pairs.iter().map(|(_, f)| *f).collect();
        let model = Mixture::fit(&across, &within);
        assert!((model.share - 0.4).abs() < 0.02, "{}", model.share);
        let (mut expected, mut made) = (0.0, 0.0);
        for (same, f) in &pairs {
            let p = model.probability(*f);
            expected += p.min(1.0 - p);
            made += f64::from(u8::from((p >= 0.5) != *same));
        }
        let n = pairs.len() as f64;
        assert!(made / n < 0.03, "{}", made / n);
        assert!((expected - made).abs() / n < 0.01, "expected {} made {}", expected / n, made / n);
    }

    #[test]
    fn few_pairs_and_none_are_enough_for_a_sensible_answer() {
        let model = Mixture::fit(&[], &[]);
        let p = |distance, correlation| model.probability(Features { distance, correlation });
        assert!(p(0.2, 0.95) > 0.95 && p(2.0, 0.1) < 0.05);
        assert_eq!(p(1.0, 0.0), 0.0);
        assert_eq!(p(f64::NAN, 0.5), 0.0);
    }

    #[test]
    fn beyond_both_means_the_answer_stays() {
        let mut random = Random(3);
        let across: Vec<Features> = draw(&mut random, 500, 0.5).into_iter().map(|(_, f)| f).collect();
        let model = Mixture::fit(&across, &[]);
        assert!(
            model.probability(Features {
                distance: 0.0,
                correlation: 1.0
            }) > 0.99
        );
        assert!(
            model.probability(Features {
                distance: 3.9,
                correlation: 0.01
            }) < 0.01
        );
    }

    #[test]
    fn without_same_cells_nothing_near_is_taken_for_the_same() {
        let mut random = Random(11);
        let across: Vec<Features> = draw(&mut random, 800, 0.0).into_iter().map(|(_, f)| f).collect();
        let model = Mixture::fit(&across, &across);
        let taken = across.iter().filter(|f| model.probability(**f) >= 0.5).count();
        assert!(taken * 50 < across.len(), "{taken}");
    }
}
