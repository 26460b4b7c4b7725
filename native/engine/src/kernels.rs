//! Small numeric kernels shared by the later stages: sums with a fixed order (the same bits on any number of threads), separable spatial
//! filters over pixel-major movies, order statistics, a seeded noise source, connected regions, a little linear algebra.

use crate::simd::dispatch;

/// Lanes of the fixed-order sums: enough for two AVX2 accumulators.
const LANES: usize = 16;

dispatch! {
    /// Dot product of two equally long slices, in a fixed order of 16 lanes.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 = dot_body
}

#[inline(always)]
fn dot_body(a: &[f32], b: &[f32]) -> f32 {
    let mut acc = [0.0f32; LANES];
    let (mut ca, mut cb) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (x, y) in (&mut ca).zip(&mut cb) {
        for ((s, x), y) in acc.iter_mut().zip(x).zip(y) {
            *s += x * y;
        }
    }
    let tail: f32 = ca.remainder().iter().zip(cb.remainder()).map(|(x, y)| x * y).sum();
    acc.iter().sum::<f32>() + tail
}

/// Dot product of long slices: single precision inside pieces of 256, double between them.
pub fn dot64(a: &[f32], b: &[f32]) -> f64 {
    a.chunks(256).zip(b.chunks(256)).map(|(x, y)| f64::from(dot(x, y))).sum()
}

/// Sum of a long slice, pieces of 256 in single precision, double between them.
pub fn sum64(a: &[f32]) -> f64 {
    a.chunks(256).map(|x| f64::from(x.iter().sum::<f32>())).sum()
}

dispatch! {
    /// `y += alpha · x`.
    pub fn axpy(y: &mut [f32], alpha: f32, x: &[f32]) = axpy_body
}

#[inline(always)]
fn axpy_body(y: &mut [f32], alpha: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

/// Mean of a slice, 0 for an empty one.
pub fn mean(a: &[f32]) -> f32 {
    if a.is_empty() { 0.0 } else { (sum64(a) / a.len() as f64) as f32 }
}

/// Pearson's correlation; 0 where one side is constant.
pub fn pearson(a: &[f32], b: &[f32]) -> f32 {
    let (ma, mb) = (mean(a), mean(b));
    let (mut xy, mut xx, mut yy) = (0.0f64, 0.0f64, 0.0f64);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (f64::from(x - ma), f64::from(y - mb));
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    let scale = (xx * yy).sqrt();
    if scale > 0.0 { (xy / scale) as f32 } else { 0.0 }
}

/// The `q`-quantile (0 … 1) of the finite values by nearest rank; not-a-number where there are none.
pub fn quantile(values: &[f32], q: f32) -> f32 {
    let mut v: Vec<f32> = values.iter().copied().filter(|x| x.is_finite()).collect();
    if v.is_empty() {
        return f32::NAN;
    }
    let n = (((v.len() - 1) as f32) * q.clamp(0.0, 1.0)).round() as usize;
    *v.select_nth_unstable_by(n, f32::total_cmp).1
}

/// The median of the finite values; not-a-number where there are none.
pub fn median(values: &[f32]) -> f32 {
    quantile(values, 0.5)
}

/// Numbers with a total order, not-a-numbers included.
pub trait Ordered: Copy + Default {
    /// The order of `f32::total_cmp`.
    fn order(&self, other: &Self) -> std::cmp::Ordering;
}

impl Ordered for f32 {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.total_cmp(other)
    }
}

impl Ordered for f64 {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.total_cmp(other)
    }
}

/// The middle value, of two the upper; 0 without any.
pub fn middle<T: Ordered>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<T> = values.into_iter().collect();
    if values.is_empty() {
        return T::default();
    }
    let at = values.len() / 2;
    *values.select_nth_unstable_by(at, T::order).1
}

/// White-noise standard deviation of a trace from its second differences (their variance is 6 σ²), robust: the scaled median of the absolute
/// second differences and their root mean square, whichever is smaller, so that fast transients do not count as noise.
pub fn second_difference_noise(y: &[f32]) -> f32 {
    if y.len() < 3 {
        return 0.0;
    }
    let d: Vec<f32> = y.windows(3).map(|w| (w[2] - 2.0 * w[1] + w[0]).abs()).collect();
    let rms = (d.iter().map(|x| f64::from(x * x)).sum::<f64>() / d.len() as f64 / 6.0).sqrt() as f32;
    let mad = median(&d) / 0.674_49 / 6.0f32.sqrt();
    if mad > 0.0 { rms.min(mad) } else { rms }
}

/// A seeded source of noise (xorshift*): small, reproducible on every machine.
pub struct Noise(u64);

impl Noise {
    /// A source with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Uniform in 0 … 1.
    pub fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f32 {
        let u = self.uniform().max(1e-7);
        (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * self.uniform()).cos()
    }
}

/// Moments that are band-passed at a time.
const FILTERED: usize = 128;

/// A centred one-dimensional Gaussian kernel with unit sum, cut at 3 σ.
pub fn gaussian_taps(sigma: f32) -> Vec<f32> {
    let r = (3.0 * sigma).ceil().max(1.0) as i32;
    let mut k: Vec<f32> = (-r..=r).map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp()).collect();
    let sum: f32 = k.iter().sum();
    k.iter_mut().for_each(|x| *x /= sum);
    k
}

/// Convolves each row or column of a pixel-major movie (`height × width` pixels of `t` values each) with centred odd `taps`; the border is
/// replicated.
fn convolve(movie: &[f32], height: usize, width: usize, t: usize, taps: &[f32], vertical: bool) -> Vec<f32> {
    let r = (taps.len() / 2) as isize;
    let mut out = vec![0.0; movie.len()];
    for y in 0..height {
        for x in 0..width {
            let row = &mut out[(y * width + x) * t..][..t];
            for (i, k) in taps.iter().enumerate() {
                let o = i as isize - r;
                let p = if vertical {
                    (y as isize + o).clamp(0, height as isize - 1) as usize * width + x
                } else {
                    y * width + (x as isize + o).clamp(0, width as isize - 1) as usize
                };
                axpy(row, *k, &movie[p * t..][..t]);
            }
        }
    }
    out
}

/// The centre-surround filter of the seed search: Gaussian of the cell's σ minus a wider Gaussian; its response to anything flat is zero.
#[derive(Clone, Debug)]
pub struct BandPass {
    centre: Vec<f32>,
    surround: Vec<f32>,
}

impl BandPass {
    /// For cells of standard deviation `sigma` (grid px).
    pub fn new(sigma: f32) -> Self {
        Self {
            centre: gaussian_taps((0.9 * sigma).max(0.6)),
            surround: gaussian_taps((1.9 * sigma).max(1.3)),
        }
    }

    /// How far (px) a value reaches.
    pub fn radius(&self) -> usize {
        self.surround.len() / 2
    }

    /// Filters a pixel-major movie of `height × width` pixels with `t` values each. Moments are taken some at a time, so that little is held
    /// beside the result and it stays near the processor.
    pub fn apply(&self, movie: &[f32], height: usize, width: usize, t: usize) -> Vec<f32> {
        if t <= FILTERED {
            return self.apply_some(movie, height, width, t);
        }
        let mut out = vec![0.0; movie.len()];
        let mut some = Vec::new();
        for first in (0..t).step_by(FILTERED) {
            let n = FILTERED.min(t - first);
            some.clear();
            movie.chunks_exact(t).for_each(|row| some.extend_from_slice(&row[first..first + n]));
            let done = self.apply_some(&some, height, width, n);
            out.chunks_exact_mut(t)
                .zip(done.chunks_exact(n))
                .for_each(|(row, done)| row[first..first + n].copy_from_slice(done));
        }
        out
    }

    fn apply_some(&self, movie: &[f32], height: usize, width: usize, t: usize) -> Vec<f32> {
        let twice = |taps: &[f32]| convolve(&convolve(movie, height, width, t, taps, false), height, width, t, taps, true);
        let mut out = twice(&self.centre);
        axpy(&mut out, -1.0, &twice(&self.surround));
        out
    }
}

/// The 4-connected region of `inside` that contains `start`, as a mask; empty (all false) where `start` is outside.
pub fn region(inside: &[bool], height: usize, width: usize, start: usize) -> Vec<bool> {
    let mut mask = vec![false; inside.len()];
    if !inside.get(start).copied().unwrap_or(false) {
        return mask;
    }
    let mut stack = vec![start];
    mask[start] = true;
    while let Some(p) = stack.pop() {
        let (y, x) = (p / width, p % width);
        let near = [
            (y > 0).then(|| p - width),
            (y + 1 < height).then(|| p + width),
            (x > 0).then(|| p - 1),
            (x + 1 < width).then(|| p + 1),
        ];
        for q in near.into_iter().flatten() {
            if inside[q] && !mask[q] {
                mask[q] = true;
                stack.push(q);
            }
        }
    }
    mask
}

/// Solves `G x = r` for symmetric positive definite `G` (`n × n`, row-major, its lower triangle is overwritten) in place of `r`; false where
/// `G` is not positive definite.
pub fn cholesky_solve(g: &mut [f64], r: &mut [f64]) -> bool {
    let n = r.len();
    if !cholesky(g, n) {
        return false;
    }
    for i in 0..n {
        let s: f64 = (0..i).map(|k| g[i * n + k] * r[k]).sum();
        r[i] = (r[i] - s) / g[i * n + i];
    }
    for i in (0..n).rev() {
        let s: f64 = (i + 1..n).map(|k| g[k * n + i] * r[k]).sum();
        r[i] = (r[i] - s) / g[i * n + i];
    }
    true
}

/// The lower Cholesky factor of symmetric positive definite `G` (`n × n`, row-major) over its lower triangle; false where it is not.
pub fn cholesky(g: &mut [f64], n: usize) -> bool {
    for j in 0..n {
        for i in j..n {
            let mut s = g[i * n + j];
            for k in 0..j {
                s -= g[i * n + k] * g[j * n + k];
            }
            if i == j {
                if s <= 0.0 || !s.is_finite() {
                    return false;
                }
                g[j * n + j] = s.sqrt();
            } else {
                g[i * n + j] = s / g[j * n + j];
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_order_sums_agree_with_plain_ones() {
        let a: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.11).cos()).collect();
        let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-3);
        assert!((dot64(&a, &b) - plain).abs() < 1e-3);
        assert!((f64::from(pearson(&a, &a)) - 1.0).abs() < 1e-6);
        assert_eq!(pearson(&a, &vec![2.0; 1000]), 0.0);
    }

    #[test]
    fn white_noise_is_measured_beside_transients() {
        let mut noise = Noise::new(3);
        let y: Vec<f32> = (0..4000)
            .map(|t| 0.5 * noise.normal() + if t % 200 < 30 { 20.0 * 0.9f32.powi(t % 200) } else { 0.0 })
            .collect();
        assert!((second_difference_noise(&y) - 0.5).abs() < 0.04, "{}", second_difference_noise(&y));
    }

    #[test]
    fn the_band_pass_forgets_what_is_flat_and_keeps_a_cell_where_it_was() {
        let (h, w) = (23, 31);
        let filter = BandPass::new(1.5);
        let flat = filter.apply(&vec![7.0; h * w], h, w, 1);
        assert!(flat.iter().all(|v| v.abs() < 1e-4));
        let mut spot = vec![0.0; h * w];
        spot[9 * w + 20] = 1.0;
        let out = filter.apply(&spot, h, w, 1);
        let best = (0..h * w).max_by(|a, b| out[*a].total_cmp(&out[*b])).unwrap();
        assert_eq!(best, 9 * w + 20);
    }

    #[test]
    fn a_region_ends_at_its_border() {
        let inside = [true, true, false, true, false, true, false, true];
        assert_eq!(region(&inside, 2, 4, 0), [true, true, false, false, false, true, false, false]);
        assert!(region(&inside, 2, 4, 2).iter().all(|v| !v));
    }

    #[test]
    fn linear_systems_are_solved_or_refused() {
        let mut g = vec![4.0, 1.0, 1.0, 3.0];
        let mut r = vec![1.0, 2.0];
        assert!(cholesky_solve(&mut g, &mut r));
        assert!((r[0] - 1.0 / 11.0).abs() < 1e-12 && (r[1] - 7.0 / 11.0).abs() < 1e-12);
        assert!(!cholesky_solve(&mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0]));
    }
}
