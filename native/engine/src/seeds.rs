//! Stage `seeds`: where neurons may be. Peak-to-noise ratio and local correlation of the band-passed slow film (reference, analysis 1.b
//! and 8.1 S2), with thresholds taken from the same statistics of pure noise.

use std::sync::Arc;

use crate::cache::Window;
use crate::demix::ring::RingWeights;
use crate::demix::statistics::{Residual, Survey};
use crate::kernels::{BandPass, Noise, dot, mean, median, middle, quantile};
use crate::moments::{Busy, Images, MOST, images};
use crate::movie::SlowMovie;
use crate::params::Parameters;
use crate::preview::{Preview, Shrink};
use crate::types::{Context, Grid, Registered, StageError};

/// Values below so many noise standard deviations do not count in the local correlation.
pub const FLOOR: f32 = 2.0;
/// Rows and columns of a tile of the search: at least, at most.
const TILE: [usize; 2] = [32, 128];
/// Values of a tile's film; it is held twice (film and band-passed film).
const TILE_FLOATS: usize = 16 << 20;
/// Moments the noise-only film has at most.
const NULL_MOMENTS: usize = 2000;
/// A seed's peak-to-noise ratio must exceed the largest of pure noise by this factor: real films are not as well behaved as noise.
const PNR_MARGIN: f32 = 1.0;
/// What wanders slowly at a pixel counts as noise up to so many times what is usual, relative to the noise from moment to moment.
const WIDER: f32 = 1.5;

/// A place where a neuron may be.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Seed {
    /// Row on the working grid.
    pub y: usize,
    /// Column on the working grid.
    pub x: usize,
    /// Local correlation there.
    pub correlation: f32,
    /// Peak-to-noise ratio there.
    pub pnr: f32,
}

/// What the stage `seeds` found.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Seeds {
    /// Local correlation, working grid.
    pub correlation: Vec<f32>,
    /// Peak-to-noise ratio, working grid.
    pub pnr: Vec<f32>,
    /// Threshold of the correlation that was used.
    pub min_correlation: f32,
    /// Threshold of the peak-to-noise ratio that was used.
    pub min_pnr: f32,
    /// Local maxima above both thresholds, best first.
    pub seeds: Vec<Seed>,
    /// What the search on a long film needs besides.
    pub busy: Option<Busy>,
    /// The slow film the search ran on. A checkpoint leaves it out: it is read again from the cache when it is needed.
    #[serde(skip)]
    pub movie: Arc<SlowMovie>,
    /// Sums over the film that all later stages use.
    pub survey: Arc<Survey>,
    /// Ring background of the film with no component known yet: what the search looks through.
    pub weights: RingWeights,
    /// Standard deviation of a typical cell, grid px.
    pub sigma: f32,
}

impl Seeds {
    /// The maps the seeds stand on, for those who wait for the later stages.
    pub fn preview(&self, film: &Registered) -> Preview {
        Preview {
            frames: film.frames() as u64,
            size: [film.grid.height, film.grid.width],
            pictures: vec![
                ("correlation", self.correlation.clone(), Shrink::Mean),
                ("pnr", self.pnr.clone(), Shrink::Max),
            ],
        }
    }
}

/// Statistics of a band-passed window: noise, peak-to-noise ratio and local correlation of each pixel.
pub struct Statistics {
    /// White noise per moment, from second differences.
    pub noise: Vec<f32>,
    /// Largest value over the noise.
    pub pnr: Vec<f32>,
    /// Mean correlation with the eight neighbours, values below the floor set to zero.
    pub correlation: Vec<f32>,
}

/// Noise of each pixel of a pixel-major film with `t` moments: from the second differences of moments that follow one another, or from how far
/// the lower half of the values spreads, whichever is larger. The second takes in what wanders slowly (background left over, compressed
/// video, whose second differences are next to nothing); transients of a cell that rests most of the time hardly touch it. Those of a busy cell do:
/// so what wanders counts up to [`WIDER`] times what is usual among the pixels.
pub fn pixel_noise(film: &[f32], t: usize, joined: &[bool]) -> Vec<f32> {
    let both: Vec<[f32; 2]> = film
        .chunks_exact(t.max(1))
        .map(|y| {
            let (mut sum, mut n) = (0.0f64, 0u32);
            for i in 2..t {
                if joined[i] && joined[i - 1] {
                    let d = y[i] - 2.0 * y[i - 1] + y[i - 2];
                    sum += f64::from(d * d);
                    n += 1;
                }
            }
            let fast = (sum / f64::from(n.max(1)) / 6.0).sqrt() as f32;
            [fast, median(y) - quantile(y, 0.159)]
        })
        .collect();
    let usual = middle(both.iter().filter(|[fast, _]| *fast > 0.0).map(|[fast, spread]| spread / fast)).max(1.0);
    both.into_iter()
        .map(|[fast, spread]| {
            let most = if fast > 0.0 { WIDER * usual * fast } else { spread };
            fast.max(spread.min(most))
        })
        .collect()
}

/// Peak-to-noise ratio and local correlation of a pixel-major band-passed window whose noise is known.
pub fn statistics(film: &[f32], height: usize, width: usize, t: usize, noise: Vec<f32>) -> Statistics {
    let mut pnr = vec![0.0; height * width];
    // Two rows of normalised traces are enough at a time.
    let (mut here, mut below) = (vec![0.0f32; width * t], vec![0.0f32; width * t]);
    let mut fill = |y: usize, out: &mut [f32]| {
        for x in 0..width {
            let p = y * width + x;
            pnr[p] = normalise(&film[p * t..][..t], noise[p], &mut out[x * t..][..t]);
        }
    };
    let mut sum = vec![0.0f32; height * width];
    let mut count = vec![0.0f32; height * width];
    if height > 0 {
        fill(0, &mut below);
    }
    for y in 0..height {
        std::mem::swap(&mut here, &mut below);
        if y + 1 < height {
            fill(y + 1, &mut below);
        }
        for x in 0..width {
            for (dy, dx) in [(0, 1), (1, -1), (1, 0), (1, 1)] {
                let (v, u) = (y + dy, x as isize + dx);
                if v >= height || u < 0 || u >= width as isize {
                    continue;
                }
                let other = if dy == 0 { &here } else { &below };
                let r = dot(&here[x * t..][..t], &other[u as usize * t..][..t]);
                for i in [y * width + x, v * width + u as usize] {
                    sum[i] += r;
                    count[i] += 1.0;
                }
            }
        }
    }
    let correlation = sum.iter().zip(&count).map(|(s, n)| if *n > 0.0 { s / n } else { 0.0 }).collect();
    Statistics { noise, pnr, correlation }
}

/// A trace without what lies below the floor, mean taken off, of length 1 (zero where nothing is left); returns its peak over the noise.
fn normalise(row: &[f32], noise: f32, out: &mut [f32]) -> f32 {
    if noise <= 0.0 {
        out.fill(0.0);
        return 0.0;
    }
    let floor = FLOOR * noise;
    out.iter_mut().zip(row).for_each(|(o, v)| *o = if *v < floor { 0.0 } else { *v });
    let m = mean(out);
    out.iter_mut().for_each(|v| *v -= m);
    let norm = dot(out, out).sqrt();
    if norm > 0.0 {
        out.iter_mut().for_each(|v| *v /= norm);
    }
    row.iter().copied().fold(0.0f32, f32::max) / noise
}

/// Thresholds (correlation, peak-to-noise ratio) that pure white noise of `t` moments hardly ever passes after the same filter: the largest
/// PNR of a noise film with a margin, and the 98 % point of its local correlation.
pub fn null_thresholds(filter: &BandPass, t: usize) -> (f32, f32) {
    let side = 36;
    let halo = filter.radius();
    let n = side + 2 * halo;
    let moments = t.clamp(16, NULL_MOMENTS);
    let mut source = Noise::new(20_17);
    let film: Vec<f32> = (0..n * n * moments).map(|_| source.normal()).collect();
    let film = filter.apply(&film, n, n, moments);
    let noise = pixel_noise(&film, moments, &vec![true; moments]);
    let s = statistics(&film, n, n, moments, noise);
    let inner: Vec<usize> = (0..side * side).map(|i| (halo + i / side) * n + halo + i % side).collect();
    let pick = |v: &[f32]| inner.iter().map(|p| v[*p]).collect::<Vec<_>>();
    let pnr = pick(&s.pnr).into_iter().fold(0.0, f32::max);
    // The largest of n normal values grows with the root of log n.
    let growth = |n: usize| (2.0 * ((side * side * n.max(moments)) as f32).ln()).sqrt();
    let pnr = pnr * growth(t) / growth(moments);
    (quantile(&pick(&s.correlation), 0.98), PNR_MARGIN * pnr)
}

/// A tile of the grid with its halo.
pub struct Tile {
    /// The tile with what lies around it.
    pub window: Window,
    /// The tile.
    pub core: Window,
}

/// Tiles with `halo` pixels around, row by row, as large as `t` moments allow (at most [`MOST`] are held): the film alone decides.
pub fn tiles(height: usize, width: usize, halo: usize, t: usize) -> Vec<Tile> {
    let window = ((TILE_FLOATS / t.clamp(1, MOST)) as f64).sqrt() as usize;
    let side = window.saturating_sub(2 * halo).clamp(TILE[0], TILE[1]);
    cut_tiles(height, width, halo, side)
}

/// Tiles of at most `side × side` pixels with `halo` pixels around.
pub fn cut_tiles(height: usize, width: usize, halo: usize, side: usize) -> Vec<Tile> {
    let cut = |n: usize| {
        let parts = n.div_ceil(side).max(1);
        (0..parts).map(move |i| (i * n / parts, (i + 1) * n / parts)).collect::<Vec<_>>()
    };
    let mut out = Vec::new();
    for (y0, y1) in cut(height) {
        for (x0, x1) in cut(width) {
            let (top, left) = (y0.saturating_sub(halo), x0.saturating_sub(halo));
            let (bottom, right) = ((y1 + halo).min(height), (x1 + halo).min(width));
            out.push(Tile {
                window: Window {
                    top,
                    left,
                    height: bottom - top,
                    width: right - left,
                },
                core: Window {
                    top: y0,
                    left: x0,
                    height: y1 - y0,
                    width: x1 - x0,
                },
            });
        }
    }
    out
}

/// Finds the places where neurons may be.
///
/// # Errors
/// [`StageError::Input`] `engine.too-few-frames` for a film with fewer than 16 usable moments; cancelled; the cache cannot be read.
pub fn run(film: &Registered, params: &Parameters, diameter_px: f32, ctx: &Context) -> Result<Seeds, StageError> {
    let (height, width) = (film.grid.height, film.grid.width);
    let sigma = diameter_px / 2.36 / film.grid.bin as f32;
    let movie = SlowMovie::of(film, ctx)?;
    let t = movie.len();
    if t < 16 {
        return Err(StageError::Input {
            code: "engine.too-few-frames",
            message: format!(
                "only {t} usable moments are left of {} frames; at least 16 are needed",
                film.cache.frames()
            ),
        });
    }
    let filter = BandPass::new(sigma);
    let (null_correlation, null_pnr) = null_thresholds(&filter, t);
    let (min_correlation, min_pnr) = (
        params.min_correlation.unwrap_or(0.5 * (1.0 + null_correlation)),
        params.min_pnr.unwrap_or(null_pnr),
    );
    let survey = Survey::gather(film, params, sigma, ctx)?;
    let weights = RingWeights::ring_only(&survey.ring, &survey.covariance);
    let Images { correlation, pnr, busy } = images(&Residual::new(film, &movie, &weights, &[], ctx)?, &filter, ctx)?;
    let mut seeds = maxima(&correlation, &pnr, height, width, min_correlation, min_pnr, 0.6 * 2.36 * sigma);
    seeds.sort_by(|a, b| (b.correlation * b.pnr).total_cmp(&(a.correlation * a.pnr)));
    (ctx.progress)(1.0, film.cache.frames() as u64);
    Ok(Seeds {
        correlation,
        pnr,
        min_correlation,
        min_pnr,
        seeds,
        busy,
        movie: Arc::new(movie),
        survey: Arc::new(survey),
        weights,
        sigma,
    })
}

/// Places in raw px as pixels of the working grid; those outside of it are left out.
pub fn on_grid(places: &[[f32; 2]], grid: &Grid) -> Vec<[usize; 2]> {
    let pixel = |raw: f32, first: usize, count: usize| {
        let bin = grid.bin as f32;
        let at = ((raw - first as f32 - 0.5 * (bin - 1.0)) / bin).round();
        (at >= 0.0 && at < count as f32).then_some(at as usize)
    };
    places
        .iter()
        .filter_map(|[y, x]| Some([pixel(*y, grid.top, grid.height)?, pixel(*x, grid.left, grid.width)?]))
        .collect()
}

/// Local maxima of correlation × PNR within `distance` px, above both thresholds.
fn maxima(correlation: &[f32], pnr: &[f32], height: usize, width: usize, min_correlation: f32, min_pnr: f32, distance: f32) -> Vec<Seed> {
    let value = |p: usize| {
        if correlation[p] >= min_correlation && pnr[p] >= min_pnr {
            correlation[p] * pnr[p]
        } else {
            0.0
        }
    };
    let r = distance.ceil() as usize;
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let v = value(y * width + x);
            if v <= 0.0 {
                continue;
            }
            let (t, b, l, e) = (
                y.saturating_sub(r),
                (y + r).min(height - 1),
                x.saturating_sub(r),
                (x + r).min(width - 1),
            );
            let best = (t..=b).flat_map(|j| (l..=e).map(move |i| (j, i))).all(|(j, i)| {
                let far = (j.abs_diff(y).pow(2) + i.abs_diff(x).pow(2)) as f32 > distance * distance;
                let u = value(j * width + i);
                far || u < v || (u == v && (j, i) >= (y, x))
            });
            if best {
                let p = y * width + x;
                out.push(Seed {
                    y,
                    x,
                    correlation: correlation[p],
                    pnr: pnr[p],
                });
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` pixels of white noise (standard deviation 1) to which `add(pixel, moment)` comes.
    fn pixels(count: usize, t: usize, add: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let mut noise = Noise::new(41);
        (0..count * t).map(|i| noise.normal() + add(i / t, i % t)).collect()
    }

    #[test]
    fn a_busy_cell_is_no_noise_but_what_wanders_everywhere_is() {
        const T: usize = 1200;
        let joined = vec![true; T];
        let wander = |i: usize| 3.0 * (i as f32 * 0.05).sin();
        // One that is up half of the time among pixels that rest: its own spread is 4.
        let busy = |i: usize| if (i / 15).is_multiple_of(2) { 8.0 } else { 0.0 };
        let noise = pixel_noise(&pixels(40, T, |p, i| if p == 7 { busy(i) } else { 0.0 }), T, &joined);
        assert!(
            noise.iter().enumerate().all(|(p, n)| p == 7 || (0.85..1.15).contains(n)),
            "{noise:?}"
        );
        assert!((1.2..2.8).contains(&noise[7]), "{}", noise[7]);
        // What all do is the film's noise: the lower half of a wave of 3 and of the noise spreads over 2.8.
        let noise = pixel_noise(&pixels(40, T, |_, i| wander(i)), T, &joined);
        assert!(noise.iter().all(|n| (2.4..3.2).contains(n)), "{noise:?}");
        // A pixel without any noise from moment to moment (compressed video) has what it wanders by.
        let still: Vec<f32> = (0..T).map(|i| if i < T / 2 { 0.0 } else { 5.0 }).collect();
        assert!(pixel_noise(&still, T, &vec![false; T])[0] > 2.0);
    }

    #[test]
    fn given_places_are_pixels_of_the_working_grid_and_those_beside_it_are_left_out() {
        let grid = Grid {
            bin: 2,
            height: 10,
            width: 20,
            frame_height: 40,
            frame_width: 60,
            top: 4,
            left: 6,
        };
        // Grid pixel (3, 5) has its centre at 4 + 2·3 + 0.5, 6 + 2·5 + 0.5.
        let places = [[10.5, 16.5], [4.0, 6.0], [24.0, 16.0], [3.0, 16.0], [10.0, 47.0]];
        assert_eq!(on_grid(&places, &grid), [[3, 5], [0, 0]]);
    }
}
