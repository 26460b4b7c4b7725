//! Rotation and shift of two sessions without a first guess: for each angle the maps of both fields are correlated at all shifts at once
//! (FFT). A map is the cells' centres as points, blurred and band-passed; where both sessions have a mean image, its dark lines (vessels)
//! make a second map, and both correlations are added.

use calyx_fft::{Complex32, RealFft2, good_size};

use super::footprint::Session;
use super::geometry::{Point, Rigid};

/// Shifts and rotations up to this are looked for first, the whole circle when nothing is found.
pub const USUAL_ANGLE: f64 = 30.0 * std::f64::consts::PI / 180.0;
/// Peaks kept of each angle, and of all.
const PEAKS_PER_ANGLE: usize = 3;
const PEAKS: usize = 12;
/// The field may have moved by this share of its shorter side.
const LARGEST_SHIFT: f64 = 0.5;
/// Maps are not finer than this many points on a side: enough for cells of 2 px on 1000 × 1000.
const LARGEST_MAP: f64 = 512.0;

/// A transform from `a` to `b` with the height of the correlation there.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub rigid: Rigid,
    pub height: f64,
}

struct Grid {
    fft: RealFft2,
    /// px of the frame on a grid point.
    step: f64,
    /// Power of the band-pass at each bin of the spectrum.
    band: Vec<f32>,
}

/// The best transforms from `a` to `b` with |angle| ≤ `largest_angle`, highest first. `radius` is a typical cell's, px.
pub fn candidates(a: &Session, b: &Session, radius: f64, largest_angle: f64, cancelled: &dyn Fn() -> bool) -> Vec<Candidate> {
    let side = |s: &Session| (s.height as f64).hypot(s.width as f64);
    let shift = LARGEST_SHIFT * [a.height, a.width, b.height, b.width].into_iter().min().unwrap_or(1) as f64;
    let span = side(a).max(side(b));
    let step = (radius / 1.5).max((span + shift) / LARGEST_MAP).max(1.0);
    let n = good_size(((span + shift) / step).ceil() as usize + 8);
    let grid = Grid::new(n, step, radius / step);
    let mut scratch = grid.fft.scratch();
    let still = |session: &Session, angle: f64, scratch: &mut calyx_fft::Scratch| {
        let mut maps = vec![points(session, angle, &grid)];
        if a.image.is_some() && b.image.is_some() {
            maps.extend(vessels(session, angle, &grid, radius));
        }
        maps.into_iter().map(|map| grid.spectrum(map, scratch)).collect::<Vec<_>>()
    };
    let target = still(b, 0.0, &mut scratch);
    // One step turns the edge of the field by half a cell.
    let turn = (radius / span).clamp(0.002, 0.05);
    let half = (largest_angle / turn).floor() as i64;
    let mut found: Vec<Candidate> = Vec::new();
    for k in -half..=half {
        if cancelled() {
            return Vec::new();
        }
        let angle = k as f64 * turn;
        let moved = still(a, angle, &mut scratch);
        let mut sum = vec![Complex32::new(0.0, 0.0); grid.fft.spectrum_len()];
        for (from, to) in moved.iter().zip(&target) {
            for ((out, p), q) in sum.iter_mut().zip(from).zip(to) {
                *out += q * p.conj();
            }
        }
        let mut surface = vec![0.0; n * n];
        grid.fft.inverse(&mut sum, &mut surface, &mut scratch);
        for (dy, dx, height) in peaks(&surface, n, (shift / step).floor() as i64) {
            let (ca, cb) = (a.centre(), b.centre());
            let shift = [dy * step + cb[0] - ca[0], dx * step + cb[1] - ca[1]];
            found.push(Candidate {
                rigid: Rigid::about(ca, angle, shift),
                height: f64::from(height),
            });
        }
    }
    found.sort_by(|p, q| q.height.total_cmp(&p.height));
    found.truncate(PEAKS);
    found
}

impl Grid {
    fn new(n: usize, step: f64, radius: f64) -> Self {
        let fft = RealFft2::new(n, n);
        let mut band = Vec::with_capacity(fft.spectrum_len());
        for kx in 0..=n / 2 {
            for ky in 0..n {
                let wrap = |k: usize| if k > n / 2 { k as f64 - n as f64 } else { k as f64 };
                let w2 = (wrap(kx).powi(2) + wrap(ky).powi(2)) * (2.0 * std::f64::consts::PI / n as f64).powi(2);
                let blur = |sigma: f64| (-0.5 * w2 * sigma * sigma).exp();
                band.push((blur(0.6 * radius) - blur(4.0 * radius)) as f32);
            }
        }
        Self { fft, step, band }
    }

    /// Band-passed spectrum of a map, scaled to unit energy.
    fn spectrum(&self, mut map: Vec<f32>, scratch: &mut calyx_fft::Scratch) -> Vec<Complex32> {
        let mut spectrum = vec![Complex32::new(0.0, 0.0); self.fft.spectrum_len()];
        self.fft.forward(&mut map, &mut spectrum, scratch);
        let mut energy = 0.0;
        for (value, band) in spectrum.iter_mut().zip(&self.band) {
            *value *= *band;
            energy += f64::from(value.norm_sqr());
        }
        let scale = if energy > 0.0 { (1.0 / energy.sqrt()) as f32 } else { 0.0 };
        spectrum.iter_mut().for_each(|value| *value *= scale);
        spectrum
    }

    fn add(&self, map: &mut [f32], p: Point, weight: f32) {
        let n = self.fft.width();
        let place = |v: f64| v / self.step + n as f64 / 2.0;
        let (y, x) = (place(p[0]), place(p[1]));
        if y < 0.0 || x < 0.0 || y >= (n - 1) as f64 || x >= (n - 1) as f64 {
            return;
        }
        let (i, j) = (y as usize, x as usize);
        let (v, u) = ((y - i as f64) as f32, (x - j as f64) as f32);
        map[i * n + j] += weight * (1.0 - v) * (1.0 - u);
        map[i * n + j + 1] += weight * (1.0 - v) * u;
        map[(i + 1) * n + j] += weight * v * (1.0 - u);
        map[(i + 1) * n + j + 1] += weight * v * u;
    }
}

/// The cells' centres, turned about the middle of the frame.
fn points(session: &Session, angle: f64, grid: &Grid) -> Vec<f32> {
    let n = grid.fft.width();
    let mut map = vec![0.0; n * n];
    let (turn, centre) = (Rigid::about([0.0, 0.0], angle, [0.0, 0.0]), session.centre());
    for cell in &session.cells {
        let c = cell.centroid();
        grid.add(&mut map, turn.apply([c[0] - centre[0], c[1] - centre[1]]), 1.0);
    }
    map
}

/// The dark, narrow things of the mean image: its local mean less itself, relative to that mean, where positive.
fn vessels(session: &Session, angle: f64, grid: &Grid, radius: f64) -> Option<Vec<f32>> {
    let image = session.image.as_ref()?;
    let (h, w) = (session.height, session.width);
    let local = box_mean(image, h, w, (4.0 * radius).ceil() as usize);
    let n = grid.fft.width();
    let mut map = vec![0.0; n * n];
    let (turn, centre) = (Rigid::about([0.0, 0.0], angle, [0.0, 0.0]), session.centre());
    for y in 0..h {
        for x in 0..w {
            let (mean, value) = (local[y * w + x], image[y * w + x]);
            let dark = ((mean - value) / mean.abs().max(1.0)).max(0.0);
            if dark.is_finite() && dark > 0.0 {
                grid.add(&mut map, turn.apply([y as f64 - centre[0], x as f64 - centre[1]]), dark);
            }
        }
    }
    Some(map)
}

/// Mean over squares of `2·reach + 1`, cut at the border.
fn box_mean(image: &[f32], h: usize, w: usize, reach: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; (h + 1) * (w + 1)];
    for y in 0..h {
        let mut row = 0.0;
        for x in 0..w {
            row += f64::from(if image[y * w + x].is_finite() { image[y * w + x] } else { 0.0 });
            sums[(y + 1) * (w + 1) + x + 1] = sums[y * (w + 1) + x + 1] + row;
        }
    }
    let mut out = Vec::with_capacity(h * w);
    for y in 0..h {
        let (y0, y1) = (y.saturating_sub(reach), (y + reach + 1).min(h));
        for x in 0..w {
            let (x0, x1) = (x.saturating_sub(reach), (x + reach + 1).min(w));
            let sum = sums[y1 * (w + 1) + x1] - sums[y0 * (w + 1) + x1] - sums[y1 * (w + 1) + x0] + sums[y0 * (w + 1) + x0];
            out.push((sum / ((y1 - y0) * (x1 - x0)) as f64) as f32);
        }
    }
    out
}

/// The highest local maxima within `reach` of no shift: (dy, dx, height).
fn peaks(surface: &[f32], n: usize, reach: i64) -> Vec<(f64, f64, f32)> {
    let at = |y: i64, x: i64| surface[y.rem_euclid(n as i64) as usize * n + x.rem_euclid(n as i64) as usize];
    let mut found = Vec::new();
    for y in -reach..=reach {
        for x in -reach..=reach {
            let v = at(y, x);
            let highest = (-1..=1).all(|i| (-1..=1).all(|j| (i, j) == (0, 0) || at(y + i, x + j) < v));
            if highest && v > 0.0 {
                found.push((y as f64, x as f64, v));
            }
        }
    }
    found.sort_by(|a, b| b.2.total_cmp(&a.2));
    found.truncate(PEAKS_PER_ANGLE);
    found
}
