//! The ring background: a pixel's background is a fixed linear combination of what lies one ring radius away (reference, analysis 1.c and
//! 3.4). Its weights come from covariances of the coarse film at the ring's lags, gathered once; taking components out of them needs no data.

use rayon::prelude::*;

use super::factors::Factors;
use crate::kernels::{axpy, cholesky_solve, dot};
use crate::types::Footprint;

/// Ridge towards the uniform ring, as a share of the ring pixels' mean variance.
const RIDGE: f64 = 1e-3;

/// The coarse grid of the background: blocks of `factor × factor` grid pixels; blocks at the far edges may be smaller.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Coarse {
    /// Grid pixels per coarse pixel on each axis.
    pub factor: usize,
    /// Coarse rows.
    pub height: usize,
    /// Coarse columns.
    pub width: usize,
    fine_height: usize,
    fine_width: usize,
}

impl Coarse {
    /// The coarse grid over `fine_height × fine_width` pixels.
    pub fn new(factor: usize, fine_height: usize, fine_width: usize) -> Self {
        let factor = factor.max(1);
        Self {
            factor,
            height: fine_height.div_ceil(factor),
            width: fine_width.div_ceil(factor),
            fine_height,
            fine_width,
        }
    }

    /// Coarse pixels.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Grid pixels in coarse pixel (`y`, `x`).
    pub fn members(&self, y: usize, x: usize) -> usize {
        let rows = self.factor.min(self.fine_height - y * self.factor);
        rows * self.factor.min(self.fine_width - x * self.factor)
    }

    /// Block means of a pixel-major film with `t` moments.
    pub fn down(&self, film: &[f32], t: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.pixels() * t];
        out.par_chunks_mut((t * self.width).max(1)).enumerate().for_each(|(cy, row)| {
            for (cx, out) in row.chunks_exact_mut(t).enumerate() {
                self.add_mean(cy, cx, film, t, out);
            }
        });
        out
    }

    /// Mean of the block of coarse pixel (`y`, `x`) of a pixel-major film with `t` moments.
    pub fn mean_of(&self, y: usize, x: usize, film: &[f32], t: usize) -> Vec<f32> {
        let mut out = vec![0.0; t];
        self.add_mean(y, x, film, t, &mut out);
        out
    }

    fn add_mean(&self, cy: usize, cx: usize, film: &[f32], t: usize, out: &mut [f32]) {
        let share = 1.0 / self.members(cy, cx) as f32;
        for y in cy * self.factor..((cy + 1) * self.factor).min(self.fine_height) {
            for x in cx * self.factor..((cx + 1) * self.factor).min(self.fine_width) {
                axpy(out, share, &film[(y * self.fine_width + x) * t..][..t]);
            }
        }
    }

    /// Block means of a footprint, on its coarse window.
    pub fn footprint(&self, a: &Footprint) -> CoarseImage {
        let (top, left) = (a.top / self.factor, a.left / self.factor);
        let (bottom, right) = ((a.top + a.height - 1) / self.factor + 1, (a.left + a.width - 1) / self.factor + 1);
        let mut out = CoarseImage::zeros(top, left, bottom - top, right - left);
        for (i, v) in a.values.iter().enumerate() {
            let (y, x) = ((a.top + i / a.width) / self.factor, (a.left + i % a.width) / self.factor);
            out.values[(y - top) * out.width + x - left] += f64::from(*v) / self.members(y, x) as f64;
        }
        out
    }
}

/// A window of the coarse grid; zero outside.
#[derive(Clone, Debug)]
pub struct CoarseImage {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height × width` values.
    pub values: Vec<f64>,
}

impl CoarseImage {
    /// An empty window.
    pub fn zeros(top: usize, left: usize, height: usize, width: usize) -> Self {
        Self {
            top,
            left,
            height,
            width,
            values: vec![0.0; height * width],
        }
    }

    /// Value at a coarse pixel of the grid, 0 outside the window.
    pub fn at(&self, y: usize, x: usize) -> f64 {
        if y < self.top || x < self.left || y >= self.top + self.height || x >= self.left + self.width {
            return 0.0;
        }
        self.values[(y - self.top) * self.width + x - self.left]
    }

    /// (row, column, value) of every pixel of the window.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        self.values
            .iter()
            .enumerate()
            .map(|(i, v)| (self.top + i / self.width, self.left + i % self.width, *v))
    }
}

/// Which coarse pixels make the ring, and the lags between any two of them (and the centre).
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Ring {
    /// The coarse grid.
    pub coarse: Coarse,
    /// Farthest row or column of a ring pixel from the centre, coarse px.
    pub extent: usize,
    /// Ring pixels relative to the centre.
    pub offsets: Vec<(isize, isize)>,
    lags: Vec<(isize, isize)>,
    /// Index of a canonical lag at `dy · span + dx + span / 2`.
    table: Vec<usize>,
    span: usize,
}

impl Ring {
    /// Two circles one coarse pixel wide: one of this radius (in coarse pixels), whole, and one 1.75 times as wide, every other pixel.
    pub fn new(coarse: Coarse, radius: usize) -> Self {
        let r = radius.max(1) as isize;
        let disk = |q: isize, y: isize, x: isize| y * y + x * x <= q * q;
        let all = |n: isize| (-n..=n).flat_map(move |y| (-n..=n).map(move |x| (y, x)));
        // The far circle, every other pixel of it, tells a slope from a bump.
        let far = (1.75 * r as f32).round().max(r as f32 + 1.0) as isize;
        let circle = move |q: isize| all(q + 1).filter(move |(y, x)| disk(q + 1, *y, *x) && !disk(q, *y, *x));
        let offsets: Vec<_> = circle(r).chain(circle(far).filter(|(y, x)| (y + x) % 2 == 0)).collect();
        let extent = offsets.iter().map(|(y, x)| y.abs().max(x.abs())).max().unwrap_or(r);
        let span = (4 * extent + 1) as usize;
        let mut table = vec![usize::MAX; (2 * extent + 1) as usize * span];
        let mut lags = Vec::new();
        let slot = |(y, x): (isize, isize)| y as usize * span + (x + span as isize / 2) as usize;
        let centre = [(0, 0)];
        for a in offsets.iter().chain(&centre) {
            for b in offsets.iter().chain(&centre) {
                let lag = canonical((b.0 - a.0, b.1 - a.1)).0;
                if table[slot(lag)] == usize::MAX {
                    table[slot(lag)] = lags.len();
                    lags.push(lag);
                }
            }
        }
        Self {
            coarse,
            extent: extent as usize,
            offsets,
            lags,
            table,
            span,
        }
    }

    /// Number of lags.
    pub fn lags(&self) -> usize {
        self.lags.len()
    }

    fn lag(&self, lag: (isize, isize)) -> usize {
        self.table[lag.0 as usize * self.span + (lag.1 + self.span as isize / 2) as usize]
    }

    /// Coarse pixel (`y`, `x`) moved by an offset, if it lies in the field.
    pub fn moved(&self, y: usize, x: usize, offset: (isize, isize)) -> Option<(usize, usize)> {
        let (v, u) = (y as isize + offset.0, x as isize + offset.1);
        ((0..self.coarse.height as isize).contains(&v) && (0..self.coarse.width as isize).contains(&u)).then_some((v as usize, u as usize))
    }
}

/// A lag with `dy > 0`, or `dy = 0` and `dx ≥ 0`, and whether its sign was turned.
fn canonical(lag: (isize, isize)) -> ((isize, isize), bool) {
    if lag.0 > 0 || (lag.0 == 0 && lag.1 >= 0) {
        (lag, false)
    } else {
        ((-lag.0, -lag.1), true)
    }
}

/// `Σ_t y_i(t) · y_{i + lag}(t)` of the coarse film, double precision.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct LagCovariance {
    lags: usize,
    values: Vec<f64>,
}

impl LagCovariance {
    /// Empty sums for this ring.
    pub fn new(ring: &Ring) -> Self {
        Self {
            lags: ring.lags.len(),
            values: vec![0.0; ring.lags.len() * ring.coarse.pixels()],
        }
    }

    /// Adds a block of the coarse film (pixel-major, `t` moments, mean taken off).
    pub fn add(&mut self, ring: &Ring, film: &[f32], t: usize) {
        let width = ring.coarse.width;
        self.values.par_chunks_mut(self.lags).enumerate().for_each(|(i, out)| {
            let here = &film[i * t..][..t];
            for (sum, lag) in out.iter_mut().zip(&ring.lags) {
                if let Some((y, x)) = ring.moved(i / width, i % width, *lag) {
                    *sum += f64::from(dot(here, &film[(y * width + x) * t..][..t]));
                }
            }
        });
    }

    /// The same sums for the film minus components: `L − A_d Q − (A_d Q)ᵀ` with `Q = P_d − ½ G A_d`, where `P_d` and `G` were summed over the
    /// same moments as `L` (anything else makes them indefinite).
    pub fn without(&self, ring: &Ring, footprints: &[CoarseImage], q: &[CoarseImage]) -> Self {
        let width = ring.coarse.width;
        let mut touching: Vec<Vec<(usize, f64)>> = vec![Vec::new(); ring.coarse.pixels()];
        for (k, a) in footprints.iter().enumerate() {
            for (y, x, v) in a.iter().filter(|(_, _, v)| *v != 0.0) {
                touching[y * width + x].push((k, v));
            }
        }
        let mut out = self.clone();
        out.values.par_chunks_mut(self.lags).enumerate().for_each(|(i, values)| {
            let (y, x) = (i / width, i % width);
            for (value, lag) in values.iter_mut().zip(&ring.lags) {
                let Some((v, u)) = ring.moved(y, x, *lag) else { continue };
                for (k, a) in &touching[i] {
                    *value -= a * q[*k].at(v, u);
                }
                for (k, a) in &touching[v * width + u] {
                    *value -= a * q[*k].at(y, x);
                }
            }
        });
        out
    }

    fn between(&self, ring: &Ring, a: (usize, usize), b: (usize, usize)) -> f64 {
        let (lag, turned) = canonical((b.0 as isize - a.0 as isize, b.1 as isize - a.1 as isize));
        let from = if turned { b } else { a };
        self.values[(from.0 * ring.coarse.width + from.1) * self.lags + ring.lag(lag)]
    }
}

/// Ring weights of every coarse pixel.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct RingWeights {
    /// The ring's shape.
    pub ring: Ring,
    /// `coarse pixels × ring pixels`; 0 where a ring pixel lies outside the field.
    pub weights: Vec<f32>,
    /// The shared courses, if any.
    pub factors: Factors,
    /// `coarse pixels × R`: each pixel's share in the factors' courses.
    pub shares: Vec<f32>,
}

impl RingWeights {
    /// Least squares with a weak pull towards the uniform ring. `sums` are the factors' sums with the coarse film without components (`coarse
    /// pixels × R`) and with each other; both empty without factors.
    pub fn fit(ring: &Ring, covariance: &LagCovariance, factors: Factors, sums: (&[f64], &[f64])) -> Self {
        let (n, r) = (ring.offsets.len(), factors.len());
        let solved: Vec<(Vec<f32>, Vec<f32>)> = (0..ring.coarse.pixels())
            .into_par_iter()
            .map(|i| solve_pixel(ring, covariance, i, r, sums))
            .collect();
        let (mut weights, mut shares) = (Vec::with_capacity(n * solved.len()), Vec::with_capacity(r * solved.len()));
        for (w, z) in solved {
            weights.extend(w);
            shares.extend(z);
        }
        Self {
            ring: ring.clone(),
            weights,
            factors,
            shares,
        }
    }

    /// Without factors.
    pub fn ring_only(ring: &Ring, covariance: &LagCovariance) -> Self {
        Self::fit(ring, covariance, Factors::default(), (&[], &[]))
    }

    /// One pixel's shares in the factors.
    pub fn shares(&self, y: usize, x: usize) -> &[f32] {
        let r = self.factors.len();
        &self.shares[(y * self.ring.coarse.width + x) * r..][..r]
    }

    /// Weights of one coarse pixel with the coarse pixels they belong to.
    pub fn of(&self, y: usize, x: usize) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        let n = self.ring.offsets.len();
        let row = &self.weights[(y * self.ring.coarse.width + x) * n..][..n];
        self.ring
            .offsets
            .iter()
            .zip(row)
            .filter_map(move |(o, w)| self.ring.moved(y, x, *o).map(|(v, u)| (v, u, *w)))
    }
}

/// Ring weights and factor shares of coarse pixel `i`.
fn solve_pixel(ring: &Ring, covariance: &LagCovariance, i: usize, r: usize, sums: (&[f64], &[f64])) -> (Vec<f32>, Vec<f32>) {
    let (n, width) = (ring.offsets.len(), ring.coarse.width);
    let here = (i / width, i % width);
    let (mut weights, mut shares) = (vec![0.0f32; n], vec![0.0f32; r]);
    let inside: Vec<(usize, (usize, usize))> = ring
        .offsets
        .iter()
        .enumerate()
        .filter_map(|(o, d)| ring.moved(here.0, here.1, *d).map(|p| (o, p)))
        .collect();
    let m = inside.len();
    let all = m + r;
    let mut g = vec![0.0f64; all * all];
    for a in 0..m {
        for b in 0..=a {
            g[a * all + b] = covariance.between(ring, inside[a].1, inside[b].1);
        }
        let p = inside[a].1;
        for (f, v) in sums.0[(p.0 * width + p.1) * r..][..r].iter().enumerate() {
            g[(m + f) * all + a] = *v;
        }
    }
    for f in 0..r {
        for e in 0..=f {
            g[(m + f) * all + m + e] = sums.1[f * r + e];
        }
    }
    let mut x: Vec<f64> = inside.iter().map(|(_, p)| covariance.between(ring, here, *p)).collect();
    x.extend_from_slice(&sums.0[i * r..][..r]);
    let ridge = RIDGE * (0..m).map(|a| g[a * all + a]).sum::<f64>() / m.max(1) as f64;
    if ridge <= 0.0 {
        return (weights, shares);
    }
    for a in 0..m {
        g[a * all + a] += ridge;
        x[a] += ridge / m as f64;
    }
    for f in 0..r {
        g[(m + f) * all + m + f] *= 1.0 + 1e-6;
    }
    if cholesky_solve(&mut g, &mut x) {
        inside.iter().zip(&x).for_each(|((o, _), w)| weights[*o] = *w as f32);
        shares.iter_mut().zip(&x[m..]).for_each(|(z, v)| *z = *v as f32);
    }
    (weights, shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Noise;

    #[test]
    fn covariances_of_ten_hours_lose_no_precision() {
        const T: usize = 128;
        let ring = Ring::new(Coarse::new(1, 3, 4), 1);
        let pixels = ring.coarse.pixels();
        let mut covariance = LagCovariance::new(&ring);
        let mut noise = Noise::new(3);
        // One block of noise on a slow wave, added again and again with another height: its exact sums are known.
        let base: Vec<f32> = (0..pixels * T)
            .map(|i| 40.0 * ((i % T) as f32 / 20.0).sin() + noise.normal())
            .collect();
        let exact = |i: usize, j: usize| -> f64 { (0..T).map(|t| f64::from(base[i * T + t]) * f64::from(base[j * T + t])).sum() };
        let mut weight = 0.0f64;
        for n in 0..1_000_000 / T {
            let height = 0.5 + (n % 7) as f32 * 0.25;
            let block: Vec<f32> = base.iter().map(|v| v * height).collect();
            covariance.add(&ring, &block, T);
            weight += f64::from(height * height);
        }
        for i in 0..pixels {
            for offset in &ring.offsets {
                let here = (i / ring.coarse.width, i % ring.coarse.width);
                let Some(there) = ring.moved(here.0, here.1, *offset) else {
                    continue;
                };
                let j = there.0 * ring.coarse.width + there.1;
                let (sum, wanted) = (covariance.between(&ring, here, there), weight * exact(i, j));
                let scale = weight * (exact(i, i) * exact(j, j)).sqrt();
                assert!((sum - wanted).abs() < 1e-6 * scale, "{i} {j}: {sum} {wanted}");
            }
        }
    }
}
