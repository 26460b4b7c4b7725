//! Seeded random numbers: the same scene from the same seed on every machine and in every later version of this file.

use rand_core::{RngCore, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Entries of the table of normal values.
const TABLE: usize = 1 << 16;

/// A stream of random numbers.
pub struct Random(Pcg64Mcg);

impl Random {
    /// The stream `stream` of a seed; different streams have nothing in common.
    pub fn new(seed: u64, stream: u64) -> Self {
        // SplitMix64 twice, so that neighbouring seeds and streams start far apart.
        let mix = |x: u64| {
            let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        };
        Self(Pcg64Mcg::seed_from_u64(mix(mix(seed) ^ mix(stream).rotate_left(17))))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in 0 … 1, 1 excluded.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform between two values.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform whole number below `n`; 0 for `n` = 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        normal_quantile((self.bits() >> 11) as f64 / (1u64 << 53) as f64 + 0.5 / (1u64 << 53) as f64)
    }

    /// Poisson with a small mean.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut n) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            n += 1;
        }
        n
    }
}

/// Where the standard normal distribution reaches the share `p` of its mass (0 < p < 1), by Wichura's rational approximations (AS 241,
/// 1988), exact to about 1e-15. No logarithm is taken in the middle, so most values do not hang on the system's library.
#[expect(clippy::excessive_precision, clippy::inconsistent_digit_grouping, reason = "the published digits")]
pub fn normal_quantile(p: f64) -> f64 {
    let poly = |c: &[f64], x: f64| c.iter().rev().fold(0.0, |sum, a| sum * x + a);
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        let a = [
            3.387_132_872_796_366_5,
            133.141_667_891_784_38,
            1971.590_950_306_551_3,
            13_731.693_765_509_46,
            45_921.953_931_549_87,
            67_265.770_927_008_7,
            33_430.575_583_588_13,
            2_509.080_928_730_122_7,
        ];
        let b = [
            1.0,
            42.313_330_701_600_91,
            687.187_007_492_057_9,
            5_394.196_021_424_751,
            21_213.794_301_586_597,
            39_307.895_800_092_71,
            28_729.085_735_721_943,
            5_226.495_278_852_545,
        ];
        return q * poly(&a, r) / poly(&b, r);
    }
    let r = (-(if q < 0.0 { p } else { 1.0 - p }).ln()).sqrt();
    let value = if r <= 5.0 {
        let r = r - 1.6;
        let c = [
            1.423_437_110_749_683_5,
            4.630_337_846_156_546,
            5.769_497_221_460_691,
            3.647_848_324_763_204_5,
            1.270_458_252_452_368_4,
            0.241_780_725_177_450_6,
            0.022_723_844_989_269_184,
            7.745_450_142_783_414e-4,
        ];
        let d = [
            1.0,
            2.053_191_626_637_758_8,
            1.676_384_830_183_803_8,
            0.689_767_334_985_1,
            0.148_103_976_427_480_08,
            0.015_198_666_563_616_457,
            5.475_938_084_995_345e-4,
            1.050_750_071_644_416_8e-9,
        ];
        poly(&c, r) / poly(&d, r)
    } else {
        let r = r - 5.0;
        let e = [
            6.657_904_643_501_103,
            5.463_784_911_164_114,
            1.784_826_539_917_291_3,
            0.296_560_571_828_504_9,
            0.026_532_189_526_576_124,
            0.001_242_660_947_388_078_4,
            2.711_555_568_743_487_6e-5,
            2.010_334_399_292_288_1e-7,
        ];
        let f = [
            1.0,
            0.599_832_206_555_888,
            0.136_929_880_922_735_8,
            0.014_875_361_290_850_615,
            7.868_691_311_456_133e-4,
            1.846_318_317_510_054_8e-5,
            1.421_511_758_316_446e-7,
            2.044_263_103_389_939_8e-15,
        ];
        poly(&e, r) / poly(&f, r)
    };
    if q < 0.0 { -value } else { value }
}

/// Normal values by table, four from each 64 random bits: what makes a noisy frame cheap.
pub struct NormalTable(Vec<f32>);

impl Default for NormalTable {
    fn default() -> Self {
        let value = |i: usize| normal_quantile((i as f64 + 0.5) / TABLE as f64);
        Self((0..TABLE).map(|i| value(i) as f32).collect())
    }
}

impl NormalTable {
    /// Fills `out` with standard normal values (cut at ± 4.2).
    pub fn fill(&self, random: &mut Random, out: &mut [f32]) {
        for four in out.chunks_mut(4) {
            let mut bits = random.bits();
            for value in four {
                *value = self.0[(bits & 0xffff) as usize];
                bits >>= 16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_814),
            (1e-9, -5.997_807_015_007_687),
            (1e-14, -7.650_628_092_935_268),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-9, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn normal_values_have_mean_0_and_deviation_1() {
        let mut random = Random::new(7, 0);
        let mut values = vec![0.0; 200_000];
        NormalTable::default().fill(&mut random, &mut values);
        let mean = values.iter().sum::<f32>() / 200_000.0;
        let variance = values.iter().map(|v| v * v).sum::<f32>() / 200_000.0;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.01, "{mean} {variance}");
        let single = (0..100_000).map(|_| random.normal().powi(2)).sum::<f64>() / 1e5;
        assert!((single - 1.0).abs() < 0.02, "{single}");
    }

    #[test]
    fn poisson_counts_have_their_mean() {
        let mut random = Random::new(7, 1);
        let sum: u32 = (0..100_000).map(|_| random.poisson(0.3)).sum();
        assert!((f64::from(sum) / 1e5 - 0.3).abs() < 0.01);
    }

    #[test]
    fn a_seed_always_gives_the_same_numbers_and_streams_differ() {
        assert_eq!(Random::new(1, 2).bits(), Random::new(1, 2).bits());
        assert_ne!(Random::new(1, 2).bits(), Random::new(2, 1).bits());
        // Written down once: committed films depend on it.
        assert_eq!(Random::new(1, 2).bits(), FIRST);
    }

    const FIRST: u64 = 16_931_037_315_303_669_275;
}
