//! The seed search on films of any length. What a search holds at a time is bounded by a fixed number of moments, never by the memory budget:
//! up to [`MOST`] moments all are held; of longer films the statistics are streamed over all moments, and each tile is searched on the moments
//! that matter there: the strongest of each small block of pixels in turn, so that a cell that fires twice in ten hours brings its moments too,
//! and stretches spread evenly over the film.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::cache::Window;
use crate::demix::statistics::Residual;
use crate::kernels::{BandPass, dot, sum64};
use crate::movie::check;
use crate::seeds::{FLOOR, Tile, cut_tiles, pixel_noise, statistics, tiles};
use crate::types::{Context, StageError};

/// Moments a search holds at most (7 minutes at 7 Hz).
pub const MOST: usize = 3072;
/// Moments the noise of a longer film is measured on.
const NOISE_MOMENTS: usize = 768;
/// Moments handled at a time while a longer film is streamed.
const STREAMED: usize = 512;
/// Rows and columns of a tile while a longer film is streamed.
const STREAM_SIDE: usize = 96;
/// Rows and columns of the blocks that bring moments: about a cell.
const BLOCK: usize = 8;
/// Moments a block keeps.
const KEPT: usize = 256;
/// Share of the memory budget that tiles searched side by side may take.
const TILES_SHARE: f64 = 0.5;

/// What a search needs beside the images where the film is longer than [`MOST`] moments.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Busy {
    /// Noise of each grid pixel of the band-passed film.
    noise: Vec<f32>,
    /// Blocks of pixels with their strongest moments.
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
struct Block {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
    /// (largest value over the noise, moment), strongest first.
    moments: Vec<(f32, u32)>,
}

impl Block {
    fn add(&mut self, score: f32, moment: u32) {
        if score >= FLOOR {
            self.moments.push((score, moment));
            if self.moments.len() >= 4 * KEPT {
                self.settle();
            }
        }
    }

    fn settle(&mut self) {
        self.moments.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.moments.truncate(KEPT);
    }
}

impl Busy {
    /// Noise of the pixels of a window; `width` is the grid's.
    pub fn noise(&self, window: Window, width: usize) -> Vec<f32> {
        (window.top..window.top + window.height)
            .flat_map(|y| self.noise[y * width + window.left..][..window.width].iter().copied())
            .collect()
    }

    /// The moments a window is searched on, ascending: `calm` ones and, up to [`MOST`] in all, the strongest of its blocks, one of each in turn.
    pub fn choose(&self, window: Window, calm: &[u32]) -> Vec<u32> {
        let near: Vec<&Block> = self
            .blocks
            .iter()
            .filter(|b| {
                b.top < window.top + window.height
                    && b.top + b.height > window.top
                    && b.left < window.left + window.width
                    && b.left + b.width > window.left
            })
            .collect();
        let mut chosen: std::collections::BTreeSet<u32> = calm.iter().copied().collect();
        for rank in 0..KEPT {
            for block in &near {
                if chosen.len() >= MOST {
                    return chosen.into_iter().collect();
                }
                if let Some((_, moment)) = block.moments.get(rank) {
                    chosen.insert(*moment);
                }
            }
        }
        chosen.into_iter().collect()
    }
}

/// Local correlation and peak-to-noise ratio of the whole grid.
pub struct Images {
    /// Local correlation.
    pub correlation: Vec<f32>,
    /// Peak-to-noise ratio.
    pub pnr: Vec<f32>,
    /// What the search on a long film needs besides.
    pub busy: Option<Busy>,
}

/// Runs `work` for `0 … count`, as many at a time as fit beside each other with `bytes` each; results in order. Fewer at a time change nothing
/// in the results.
///
/// # Errors
/// The first error of `work`.
pub fn side_by_side<T: Send>(
    count: usize,
    bytes: usize,
    ctx: &Context,
    work: impl Fn(usize) -> Result<T, StageError> + Sync,
) -> Result<Vec<T>, StageError> {
    let fit = (ctx.memory_bytes as f64 * TILES_SHARE / bytes.max(1) as f64) as usize;
    let lanes = fit.min(count).min(ctx.threads.max(1)).max(1);
    let next = AtomicUsize::new(0);
    let done: Vec<Vec<(usize, T)>> = (0..lanes)
        .into_par_iter()
        .with_max_len(1)
        .map(|_| {
            let mut mine = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= count {
                    return Ok(mine);
                }
                check(ctx)?;
                mine.push((i, work(i)?));
            }
        })
        .collect::<Result<_, StageError>>()?;
    let mut all: Vec<(usize, T)> = done.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(i, _)| *i);
    Ok(all.into_iter().map(|(_, v)| v).collect())
}

/// Bytes a worker holds for a tile with `t` moments: film and band-passed film, and a third for what is smaller.
pub fn tile_bytes(tile: &Tile, t: usize) -> usize {
    3 * 4 * tile.window.pixels() * t
}

/// Local correlation and peak-to-noise ratio of the whole grid, tile by tile.
///
/// # Errors
/// Cancelled, or the cache cannot be read.
pub fn images(film: &Residual, filter: &BandPass, ctx: &Context) -> Result<Images, StageError> {
    let movie = film.movie();
    let (height, width, t) = (movie.height, movie.width, movie.len());
    let mut out = Images {
        correlation: vec![0.0; height * width],
        pnr: vec![0.0; height * width],
        busy: None,
    };
    let halo = filter.radius() + 1;
    let (tiles, most) = if t <= MOST {
        (tiles(height, width, halo, t), t)
    } else {
        (cut_tiles(height, width, halo, STREAM_SIDE), NOISE_MOMENTS)
    };
    let bytes = tiles.iter().map(|tile| tile_bytes(tile, most)).max().unwrap_or(0);
    let all: Vec<u32> = (0..t as u32).collect();
    let done = side_by_side(tiles.len(), bytes, ctx, |i| {
        if t > MOST {
            return stream(film, filter, &tiles[i], ctx);
        }
        let window = tiles[i].window;
        let band = filter.apply(&film.window(window, &all)?, window.height, window.width, t);
        let noise = pixel_noise(&band, t, &movie.groups.joined);
        let s = statistics(&band, window.height, window.width, t, noise);
        Ok(Streamed {
            correlation: s.correlation,
            pnr: s.pnr,
            ..Streamed::default()
        })
    })?;
    let mut busy = Busy::default();
    if t > MOST {
        busy.noise = vec![0.0; height * width];
    }
    for (tile, s) in tiles.iter().zip(done) {
        for y in tile.core.top..tile.core.top + tile.core.height {
            for x in tile.core.left..tile.core.left + tile.core.width {
                let q = (y - tile.window.top) * tile.window.width + x - tile.window.left;
                out.correlation[y * width + x] = s.correlation[q];
                out.pnr[y * width + x] = s.pnr[q];
                if t > MOST {
                    busy.noise[y * width + x] = s.noise[q];
                }
            }
        }
        busy.blocks.extend(s.blocks);
    }
    out.busy = (t > MOST).then_some(busy);
    Ok(out)
}

/// What one tile gives.
#[derive(Default)]
struct Streamed {
    correlation: Vec<f32>,
    pnr: Vec<f32>,
    noise: Vec<f32>,
    blocks: Vec<Block>,
}

/// Neighbours of a pixel that a pair of pixels is counted with once.
const PAIRS: [(usize, isize); 4] = [(0, 1), (1, -1), (1, 0), (1, 1)];

/// Statistics of a tile over all moments of a long film: the same as [`statistics`] but summed block by block.
fn stream(film: &Residual, filter: &BandPass, tile: &Tile, ctx: &Context) -> Result<Streamed, StageError> {
    let movie = film.movie();
    let (win, total) = (tile.window, movie.len());
    let (h, w) = (win.height, win.width);
    let calm = movie.groups.evenly(NOISE_MOMENTS);
    let band = filter.apply(&film.window(win, &calm)?, h, w, calm.len());
    let noise = pixel_noise(&band, calm.len(), &movie.groups.select(&calm).joined);
    drop(band);
    let mut peak = vec![0.0f32; h * w];
    // Sum, sum of squares, and products with the four neighbours of `PAIRS`.
    let mut sums = vec![[0.0f64; 6]; h * w];
    let mut blocks = blocks_of(tile.core);
    let mut scores = Vec::new();
    for first in (0..total).step_by(STREAMED) {
        check(ctx)?;
        let numbers: Vec<u32> = (first as u32..(first + STREAMED).min(total) as u32).collect();
        let t = numbers.len();
        let mut z = filter.apply(&film.window(win, &numbers)?, h, w, t);
        for p in 0..h * w {
            let row = &mut z[p * t..][..t];
            let scale = if noise[p] > 0.0 { 1.0 / noise[p] } else { 0.0 };
            for v in row.iter_mut() {
                let u = *v * scale;
                peak[p] = peak[p].max(u);
                *v = if u < FLOOR { 0.0 } else { u };
            }
            sums[p][0] += sum64(row);
            sums[p][1] += f64::from(dot(row, row));
        }
        for p in 0..h * w {
            for (i, (dy, dx)) in PAIRS.into_iter().enumerate() {
                if let Some(q) = neighbour(p, (dy, dx), h, w) {
                    sums[p][2 + i] += f64::from(dot(&z[p * t..][..t], &z[q * t..][..t]));
                }
            }
        }
        for block in &mut blocks {
            scores.clear();
            scores.resize(t, 0.0f32);
            for y in block.top..block.top + block.height {
                for x in block.left..block.left + block.width {
                    let p = (y - win.top) * w + x - win.left;
                    scores.iter_mut().zip(&z[p * t..][..t]).for_each(|(s, v)| *s = s.max(*v));
                }
            }
            for (score, moment) in scores.iter().zip(&numbers) {
                block.add(*score, *moment);
            }
        }
    }
    blocks.iter_mut().for_each(Block::settle);
    let n = total as f64;
    let (mut sum, mut count) = (vec![0.0f32; h * w], vec![0.0f32; h * w]);
    let spread = |p: usize| (sums[p][1] - sums[p][0] * sums[p][0] / n).max(0.0).sqrt();
    for p in 0..h * w {
        for (i, pair) in PAIRS.into_iter().enumerate() {
            let Some(q) = neighbour(p, pair, h, w) else { continue };
            let scale = spread(p) * spread(q);
            let r = if scale > 0.0 {
                (sums[p][2 + i] - sums[p][0] * sums[q][0] / n) / scale
            } else {
                0.0
            };
            for k in [p, q] {
                sum[k] += r as f32;
                count[k] += 1.0;
            }
        }
    }
    Ok(Streamed {
        correlation: sum.iter().zip(&count).map(|(s, n)| if *n > 0.0 { s / n } else { 0.0 }).collect(),
        pnr: peak,
        noise,
        blocks,
    })
}

/// The pixel at an offset of `PAIRS`, if it lies in the window.
fn neighbour(p: usize, (dy, dx): (usize, isize), height: usize, width: usize) -> Option<usize> {
    let (y, x) = (p / width + dy, (p % width) as isize + dx);
    (y < height && x >= 0 && x < width as isize).then(|| y * width + x as usize)
}

fn blocks_of(core: Window) -> Vec<Block> {
    let mut out = Vec::new();
    for top in (core.top..core.top + core.height).step_by(BLOCK) {
        for left in (core.left..core.left + core.width).step_by(BLOCK) {
            out.push(Block {
                top,
                left,
                height: BLOCK.min(core.top + core.height - top),
                width: BLOCK.min(core.left + core.width - left),
                moments: Vec::new(),
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demix::ring::RingWeights;
    use crate::demix::statistics::Survey;
    use crate::demix::tests::{parameters, registered, with_context};
    use crate::kernels::Noise;
    use crate::movie::SlowMovie;

    const H: usize = 22;
    const W: usize = 30;

    /// Noise, and a cell at (10, 8) that lights up twice in the whole film, at moments 300 and 3000.
    fn film(t: usize) -> crate::types::Registered {
        let mut noise = Noise::new(8);
        let mut values = Vec::with_capacity(t * H * W);
        for i in 0..t {
            let age = [300, 3000].iter().filter(|s| i >= **s).map(|s| i - s).min().unwrap_or(1000);
            let light = 20.0 * 0.8f32.powi(age.min(1000) as i32);
            for p in 0..H * W {
                let (y, x) = ((p / W) as f32 - 10.0, (p % W) as f32 - 8.0);
                values.push(50.0 + light * (-0.5 * (y * y + x * x) / 2.25).exp() + noise.normal());
            }
        }
        registered(&values, H, W, 7.0, 0.2)
    }

    #[test]
    fn a_film_that_is_streamed_gives_the_statistics_of_one_that_is_held() {
        let film = film(MOST + 500);
        with_context(|ctx| {
            let movie = SlowMovie::of(&film, ctx).unwrap();
            let survey = Survey::gather(&film, &parameters(), 1.5, ctx).unwrap();
            let weights = RingWeights::ring_only(&survey.ring, &survey.covariance);
            let residual = Residual::new(&film, &movie, &weights, &[], ctx).unwrap();
            let filter = BandPass::new(1.5);
            let streamed = images(&residual, &filter, ctx).unwrap();
            let busy = streamed.busy.unwrap();
            let all: Vec<u32> = (0..movie.len() as u32).collect();
            let window = Window {
                top: 0,
                left: 0,
                height: H,
                width: W,
            };
            let band = filter.apply(&residual.window(window, &all).unwrap(), H, W, all.len());
            let held = statistics(&band, H, W, all.len(), busy.noise.clone());
            for p in 0..H * W {
                assert!((streamed.pnr[p] - held.pnr[p]).abs() < 1e-3 * held.pnr[p], "pnr {p}");
                assert!((streamed.correlation[p] - held.correlation[p]).abs() < 1e-3, "correlation {p}");
            }
            // Both events of the rare cell are among the moments of its place.
            let calm = movie.groups.evenly(64);
            let chosen = busy.choose(window, &calm);
            assert!(chosen.len() <= MOST && chosen.is_sorted());
            for event in [300u32, 3000] {
                assert!((event..event + 5).all(|m| chosen.binary_search(&m).is_ok()), "event {event}");
            }
        });
    }

    #[test]
    fn every_block_brings_its_best_moments_before_any_brings_more() {
        let block = |left: usize, first: u32, score: f32| Block {
            top: 0,
            left,
            height: 8,
            width: 8,
            moments: (0..KEPT as u32).map(|i| (score - i as f32 * 1e-3, first + i)).collect(),
        };
        let busy = Busy {
            noise: vec![],
            blocks: (0..30).map(|b| block(8 * b, 1000 * b as u32, 100.0 - 3.0 * b as f32)).collect(),
        };
        let window = |width| Window {
            top: 0,
            left: 0,
            height: 8,
            width,
        };
        let chosen = busy.choose(window(240), &[7, 500_000]);
        assert_eq!(chosen.len(), MOST);
        for b in 0..30 {
            let own = chosen.iter().filter(|m| (1000 * b..1000 * b + 256).contains(*m)).count();
            assert!((102..=103).contains(&own), "{b}: {own}");
        }
        // Far blocks bring nothing.
        assert_eq!(busy.choose(window(16), &[]).len(), 2 * KEPT);
    }

    #[test]
    fn results_come_in_order_whatever_fits_beside_each_other() {
        let run = |bytes: usize| with_context(|ctx| side_by_side(50, bytes, ctx, |i| Ok(i * i))).unwrap();
        assert_eq!(run(1), run(usize::MAX));
        assert_eq!(run(1)[7], 49);
    }
}
