//! Stage `init`: first footprints and traces. Greedy: the best seed is explained, taken out of the film, the statistics around it are
//! computed anew, and so on (reference, analysis 1.b); each tile of the field on its own.

use std::sync::Arc;

use crate::cache::Window;
use crate::demix::statistics::{Residual, Survey};
use crate::kernels::{BandPass, axpy, cholesky_solve, dot, dot64, mean, median, pearson, region};
use crate::moments::{Busy, MOST, images, side_by_side, tile_bytes};
use crate::movie::{SlowMovie, check};
use crate::params::Parameters;
use crate::seeds::{Seeds, Tile, on_grid, pixel_noise, statistics, tiles};
use crate::types::{Context, Footprint, Registered, StageError};

/// Pixels that belong to the seed's cell correlate at least so with the seed.
const CELL_CORRELATION: f32 = 0.7;
/// Pixels that correlate less are background.
const BACKGROUND_CORRELATION: f32 = 0.35;
/// First footprints end where they fall under this share of their maximum.
const FOOTPRINT_FLOOR: f32 = 0.12;

/// A first guess of a component.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Candidate {
    /// Footprint on the working grid, maximum 1.
    pub footprint: Footprint,
    /// The slow film's moments it was found on, ascending.
    pub moments: Vec<u32>,
    /// Trace at those moments, grey levels.
    pub trace: Vec<f32>,
    /// Peak-to-noise ratio of the seed when it was chosen.
    pub pnr: f32,
    /// Local correlation of the seed when it was chosen.
    pub correlation: f32,
}

/// What the stage `init` leaves behind.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Initial {
    /// The first guesses.
    pub candidates: Vec<Candidate>,
    /// The slow film, for the second search on the residual; that of the seeds.
    #[serde(skip)]
    pub movie: Arc<SlowMovie>,
    /// Sums over the film that all later stages use; those of the seeds.
    #[serde(skip)]
    pub survey: Arc<Survey>,
    /// How the search ran.
    pub search: Search,
}

/// How the greedy search runs.
#[derive(Clone, Copy, Debug, serde::Deserialize, serde::Serialize)]
pub struct Search {
    /// Cell's standard deviation, grid px.
    pub sigma: f32,
    /// Least local correlation of a seed.
    pub min_correlation: f32,
    /// Least peak-to-noise ratio of a seed.
    pub min_pnr: f32,
}

impl Search {
    /// Diameter at half maximum, grid px.
    pub fn diameter(&self) -> f32 {
        2.36 * self.sigma
    }
    /// Largest distance of a footprint's pixel from its centre, grid px.
    pub fn reach(&self) -> f32 {
        (1.45 * self.diameter()).max(3.0)
    }
}

/// Finds first footprints and traces.
///
/// # Errors
/// Cancelled.
pub fn run(film: &Registered, seeds: &Seeds, params: &Parameters, _diameter_px: f32, ctx: &Context) -> Result<Initial, StageError> {
    let search = Search {
        sigma: seeds.sigma,
        min_correlation: seeds.min_correlation,
        min_pnr: seeds.min_pnr,
    };
    let residual = Residual::new(film, &seeds.movie, &seeds.weights, &[], ctx)?;
    let given = on_grid(&params.seeds_given().unwrap_or_default(), &film.grid);
    let candidates = greedy_from(&residual, seeds.busy.as_ref(), &search, &given, ctx)?;
    (ctx.progress)(1.0, film.cache.frames() as u64);
    Ok(Initial {
        candidates,
        movie: Arc::clone(&seeds.movie),
        survey: Arc::clone(&seeds.survey),
        search,
    })
}

/// The greedy search over a slow film, tile by tile; a candidate belongs to the tile whose core holds its peak. `busy` is what
/// [`images`] found on this film; without it a long film is streamed once more.
///
/// # Errors
/// Cancelled, or the cache cannot be read.
pub fn greedy(film: &Residual, busy: Option<&Busy>, search: &Search, ctx: &Context) -> Result<Vec<Candidate>, StageError> {
    greedy_from(film, busy, search, &[], ctx)
}

/// [`greedy`] where a person named pixels of the grid at which there are cells: these are explained first, however faint they are.
fn greedy_from(
    film: &Residual,
    busy: Option<&Busy>,
    search: &Search,
    given: &[[usize; 2]],
    ctx: &Context,
) -> Result<Vec<Candidate>, StageError> {
    let filter = BandPass::new(search.sigma);
    let halo = search.reach().ceil() as usize + filter.radius();
    let movie = film.movie();
    let own = if busy.is_none() && movie.len() > MOST {
        images(film, &filter, ctx)?.busy
    } else {
        None
    };
    let busy = busy.or(own.as_ref());
    let calm = movie.groups.evenly(if busy.is_some() { MOST / 2 } else { usize::MAX });
    let tiles = tiles(movie.height, movie.width, halo, movie.len());
    let bytes = tiles.iter().map(|tile| tile_bytes(tile, movie.len().min(MOST))).max().unwrap_or(0);
    let found = side_by_side(tiles.len(), bytes, ctx, |i| {
        let window = tiles[i].window;
        match busy {
            None => search_tile(film, &filter, search, (&tiles[i], given), (calm.clone(), None), ctx),
            Some(busy) => {
                let known = (busy.choose(window, &calm), Some(busy.noise(window, movie.width)));
                search_tile(film, &filter, search, (&tiles[i], given), known, ctx)
            }
        }
    })?;
    let mut all: Vec<Candidate> = found.into_iter().flatten().collect();
    all.sort_by(|a, b| (b.pnr * b.correlation).total_cmp(&(a.pnr * a.correlation)));
    Ok(without_duplicates(all))
}

/// Candidates whose footprint and trace both repeat a better one's are left out (cells on the border of two tiles).
fn without_duplicates(all: Vec<Candidate>) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for c in all {
        let twice = kept.iter().any(|k| cosine(&k.footprint, &c.footprint) > 0.5 && alike(k, &c) > 0.8);
        if !twice {
            kept.push(c);
        }
    }
    kept
}

/// Correlation of two candidates' traces over the moments both have.
fn alike(a: &Candidate, b: &Candidate) -> f32 {
    if a.moments == b.moments {
        return pearson(&a.trace, &b.trace);
    }
    let (x, y): (Vec<f32>, Vec<f32>) = a
        .moments
        .iter()
        .zip(&a.trace)
        .filter_map(|(m, v)| b.moments.binary_search(m).ok().map(|i| (*v, b.trace[i])))
        .unzip();
    pearson(&x, &y)
}

/// Cosine of two footprints on the same grid.
pub fn cosine(a: &Footprint, b: &Footprint) -> f32 {
    let n = (dot(&a.values, &a.values) * dot(&b.values, &b.values)).sqrt();
    if n > 0.0 { inner(a, b) / n } else { 0.0 }
}

/// Inner product of two footprints on the same grid.
pub fn inner(a: &Footprint, b: &Footprint) -> f32 {
    let (t, l) = (a.top.max(b.top), a.left.max(b.left));
    let (e, r) = ((a.top + a.height).min(b.top + b.height), (a.left + a.width).min(b.left + b.width));
    if t >= e || l >= r {
        return 0.0;
    }
    let mut s = 0.0;
    for y in t..e {
        let u = &a.values[(y - a.top) * a.width + l - a.left..][..r - l];
        let v = &b.values[(y - b.top) * b.width + l - b.left..][..r - l];
        s += dot(u, v);
    }
    s
}

/// A window of the film being taken apart.
struct Work {
    height: usize,
    width: usize,
    t: usize,
    raw: Vec<f32>,
    band: Vec<f32>,
    noise: Vec<f32>,
    pnr: Vec<f32>,
    correlation: Vec<f32>,
    blocked: Vec<bool>,
}

/// Searches one tile on `moments`; the noise is measured on them unless it is known.
fn search_tile(
    film: &Residual,
    filter: &BandPass,
    search: &Search,
    (tile, given): (&Tile, &[[usize; 2]]),
    (moments, noise): (Vec<u32>, Option<Vec<f32>>),
    ctx: &Context,
) -> Result<Vec<Candidate>, StageError> {
    check(ctx)?;
    let (Window { top, left, height, width }, t) = (tile.window, moments.len());
    let raw = film.window(tile.window, &moments)?;
    let band = filter.apply(&raw, height, width, t);
    let noise = noise.unwrap_or_else(|| pixel_noise(&band, t, &film.movie().groups.joined));
    let s = statistics(&band, height, width, t, noise);
    let mut work = Work {
        height,
        width,
        t,
        raw,
        band,
        noise: s.noise,
        pnr: s.pnr,
        correlation: s.correlation,
        blocked: vec![false; height * width],
    };
    let mut out = Vec::new();
    let inside = |at: &&[usize; 2]| (top..top + height).contains(&at[0]) && (left..left + width).contains(&at[1]);
    let mut wanted = given.iter().filter(inside).map(|at| [at[0] - top, at[1] - left]);
    let mut next = |work: &Work| wanted.by_ref().find_map(|at| work.near(at, search)).or_else(|| work.best(search));
    while let Some(seed) = next(&work) {
        check(ctx)?;
        work.blocked[seed] = true;
        let Some((footprint, trace)) = work.explain(seed, search) else {
            continue;
        };
        let (pnr, correlation) = (work.pnr[seed], work.correlation[seed]);
        work.remove(&footprint, &trace, filter, search);
        let (y, x) = (seed / width + top, seed % width + left);
        let core = tile.core;
        if (core.top..core.top + core.height).contains(&y) && (core.left..core.left + core.width).contains(&x) {
            let footprint = Footprint {
                top: footprint.top + top,
                left: footprint.left + left,
                ..footprint
            };
            out.push(Candidate {
                footprint,
                moments: moments.clone(),
                trace,
                pnr,
                correlation,
            });
        }
    }
    Ok(out)
}

/// The cell at or next to pixel `at` of a pixel-major film of a window without background (`height · width × t`): where it fires together
/// best within a third of a diameter, explained as the search does it. `joined` as in [`crate::movie::Groups`].
pub fn explain_at(
    raw: Vec<f32>,
    [height, width, t]: [usize; 3],
    joined: &[bool],
    at: [usize; 2],
    search: &Search,
) -> Option<(Footprint, Vec<f32>)> {
    let band = BandPass::new(search.sigma).apply(&raw, height, width, t);
    let noise = pixel_noise(&band, t, joined);
    let s = statistics(&band, height, width, t, noise);
    let work = Work {
        height,
        width,
        t,
        raw,
        band,
        noise: s.noise,
        pnr: s.pnr,
        correlation: s.correlation,
        blocked: vec![false; height * width],
    };
    work.explain(work.near(at, search)?, search)
}

impl Work {
    /// The free pixel with the largest correlation × PNR above both thresholds.
    fn best(&self, search: &Search) -> Option<usize> {
        (0..self.blocked.len())
            .filter(|p| !self.blocked[*p] && self.correlation[*p] >= search.min_correlation && self.pnr[*p] >= search.min_pnr)
            .max_by(|a, b| (self.correlation[*a] * self.pnr[*a]).total_cmp(&(self.correlation[*b] * self.pnr[*b])))
    }

    /// The free pixel at or next to `at` that fires together best with its neighbours, within a third of a diameter.
    fn near(&self, at: [usize; 2], search: &Search) -> Option<usize> {
        let reach = (search.diameter() / 3.0).ceil();
        (0..self.blocked.len())
            .filter(|p| !self.blocked[*p])
            .filter(|p| ((p / self.width) as f32 - at[0] as f32).hypot((p % self.width) as f32 - at[1] as f32) <= reach)
            .max_by(|a, b| (self.correlation[*a] * self.pnr[*a]).total_cmp(&(self.correlation[*b] * self.pnr[*b])))
    }

    fn row<'a>(&self, film: &'a [f32], p: usize) -> &'a [f32] {
        &film[p * self.t..][..self.t]
    }

    /// Footprint and trace of the cell at `seed`: the mean band-passed trace of the pixels that follow the seed, then every raw pixel
    /// regressed on it together with the background left, right, above and below.
    fn explain(&self, seed: usize, search: &Search) -> Option<(Footprint, Vec<f32>)> {
        let (sy, sx) = (seed / self.width, seed % self.width);
        let reach = search.reach();
        let r = (2.0 * search.diameter()).ceil() as usize;
        let (top, left) = (sy.saturating_sub(r), sx.saturating_sub(r));
        let (h, w) = ((sy + r + 1).min(self.height) - top, (sx + r + 1).min(self.width) - left);
        let at = |i: usize| (top + i / w) * self.width + left + i % w;
        let distance = |i: usize| (((top + i / w) as f32 - sy as f32).powi(2) + ((left + i % w) as f32 - sx as f32).powi(2)).sqrt();
        let centred = |p: usize| {
            let row = self.row(&self.band, p);
            let m = mean(row);
            (m, (dot(row, row) - self.t as f32 * m * m).max(0.0).sqrt())
        };
        let (ms, ns) = centred(seed);
        let start = (sy - top) * w + sx - left;
        let correlation: Vec<f32> = (0..h * w)
            .map(|i| {
                let p = at(i);
                let (m, n) = centred(p);
                let c = dot(self.row(&self.band, p), self.row(&self.band, seed)) - self.t as f32 * m * ms;
                if n * ns > 0.0 { c / (n * ns) } else { 0.0 }
            })
            .collect();
        let follows: Vec<bool> = (0..h * w)
            .map(|i| correlation[i] > CELL_CORRELATION && distance(i) <= 0.6 * search.diameter())
            .collect();
        let cell = region(&follows, h, w, start);
        let mut trace = vec![0.0f32; self.t];
        (0..h * w)
            .filter(|i| cell[*i])
            .for_each(|i| axpy(&mut trace, 1.0, self.row(&self.band, at(i))));
        let backgrounds = self.backgrounds(&correlation, (sy - top, sx - left), (h, w), &at, search);
        let image = self.regress(&trace, &backgrounds, h * w, &at, &|i| distance(i) <= reach)?;
        let peak = (0..h * w)
            .filter(|i| distance(*i) <= 0.6 * search.diameter())
            .map(|i| image[i])
            .fold(0.0f32, f32::max);
        if peak <= 0.0 {
            return None;
        }
        let inside: Vec<bool> = (0..h * w)
            .map(|i| image[i] > FOOTPRINT_FLOOR * peak && distance(i) <= reach)
            .collect();
        let mask = region(&inside, h, w, start);
        let size = mask.iter().filter(|m| **m).count();
        if size < 3 {
            return None;
        }
        let top_value = (0..h * w).filter(|i| mask[*i]).map(|i| image[i]).fold(0.0f32, f32::max);
        let values = (0..h * w).map(|i| if mask[i] { image[i] / top_value } else { 0.0 }).collect();
        let low = median(&trace);
        trace.iter_mut().for_each(|v| *v = (*v - low) * top_value);
        Some((
            Footprint {
                top,
                left,
                height: h,
                width: w,
                values,
            },
            trace,
        ))
    }

    /// Median raw traces of the background pixels in the four directions (those with at least three pixels).
    fn backgrounds(
        &self,
        correlation: &[f32],
        centre: (usize, usize),
        size: (usize, usize),
        at: &dyn Fn(usize) -> usize,
        search: &Search,
    ) -> Vec<Vec<f32>> {
        let (h, w) = size;
        let mut sectors: [Vec<usize>; 4] = Default::default();
        for (i, r) in correlation.iter().enumerate().take(h * w) {
            let (dy, dx) = ((i / w) as f32 - centre.0 as f32, (i % w) as f32 - centre.1 as f32);
            let d = (dy * dy + dx * dx).sqrt();
            if *r < BACKGROUND_CORRELATION && d > search.diameter() && d <= 2.0 * search.diameter() {
                let side = if dy.abs() > dx.abs() {
                    usize::from(dy > 0.0)
                } else {
                    2 + usize::from(dx > 0.0)
                };
                sectors[side].push(at(i));
            }
        }
        let mut buffer = Vec::new();
        sectors
            .iter()
            .filter(|s| s.len() >= 3)
            .map(|s| {
                (0..self.t)
                    .map(|k| {
                        buffer.clear();
                        buffer.extend(s.iter().map(|p| self.raw[p * self.t + k]));
                        let n = buffer.len() / 2;
                        *buffer.select_nth_unstable_by(n, f32::total_cmp).1
                    })
                    .collect()
            })
            .collect()
    }

    /// Coefficient of each wanted raw pixel on `trace`, regressed together with the backgrounds and a constant, clipped at zero.
    fn regress(
        &self,
        trace: &[f32],
        backgrounds: &[Vec<f32>],
        pixels: usize,
        at: &dyn Fn(usize) -> usize,
        wanted: &dyn Fn(usize) -> bool,
    ) -> Option<Vec<f32>> {
        let mut x: Vec<Vec<f32>> = vec![trace.to_vec()];
        x.extend(backgrounds.iter().cloned());
        x.iter_mut().for_each(|v| {
            let m = mean(v);
            v.iter_mut().for_each(|v| *v -= m);
        });
        let n = x.len();
        // The coefficient of the trace is a fixed linear form of the pixel: solve G u = e0 once, then dot with X u.
        let mut g: Vec<f64> = (0..n * n).map(|i| dot64(&x[i / n], &x[i % n])).collect();
        for i in 0..n {
            g[i * n + i] *= 1.0 + 1e-4;
            if g[i * n + i] <= 0.0 {
                return None;
            }
        }
        let mut u = vec![0.0f64; n];
        u[0] = 1.0;
        if !cholesky_solve(&mut g, &mut u) {
            return None;
        }
        let mut form = vec![0.0f32; self.t];
        x.iter().zip(&u).for_each(|(x, u)| axpy(&mut form, *u as f32, x));
        Some(
            (0..pixels)
                .map(|i| {
                    if wanted(i) {
                        (dot64(&form, self.row(&self.raw, at(i))) as f32).max(0.0)
                    } else {
                        0.0
                    }
                })
                .collect(),
        )
    }

    /// Takes footprint × trace out of the raw and the band-passed film and computes the statistics around anew.
    fn remove(&mut self, footprint: &Footprint, trace: &[f32], filter: &BandPass, search: &Search) {
        let t = self.t;
        let pad = filter.radius();
        let (top, left) = (footprint.top.saturating_sub(pad), footprint.left.saturating_sub(pad));
        let h = (footprint.top + footprint.height + pad).min(self.height) - top;
        let w = (footprint.left + footprint.width + pad).min(self.width) - left;
        let mut image = vec![0.0; h * w];
        for (i, v) in footprint.values.iter().enumerate() {
            let (y, x) = (footprint.top + i / footprint.width, footprint.left + i % footprint.width);
            image[(y - top) * w + x - left] = *v;
            if *v > 0.0 {
                axpy(&mut self.raw[(y * self.width + x) * t..][..t], -v, trace);
            }
            self.blocked[y * self.width + x] |= *v > 0.5;
        }
        for (i, v) in filter.apply(&image, h, w, 1).into_iter().enumerate() {
            let p = (top + i / w) * self.width + left + i % w;
            if v.abs() > 1e-4 {
                axpy(&mut self.band[p * t..][..t], -v, trace);
            }
        }
        self.refresh(top, left, h, w, search);
    }

    /// Statistics of a window anew (noise stays what it was).
    fn refresh(&mut self, top: usize, left: usize, h: usize, w: usize, _search: &Search) {
        let t = self.t;
        let mut part = Vec::with_capacity(h * w * t);
        let mut noise = Vec::with_capacity(h * w);
        for y in top..top + h {
            part.extend_from_slice(&self.band[(y * self.width + left) * t..][..w * t]);
            noise.extend_from_slice(&self.noise[y * self.width + left..][..w]);
        }
        let s = statistics(&part, h, w, t, noise);
        for (i, (c, n)) in s.correlation.iter().zip(&s.pnr).enumerate() {
            let (y, x) = (i / w, i % w);
            // The outermost row has lost neighbours that the field still has.
            let cut = (y == 0 && top > 0)
                || (x == 0 && left > 0)
                || (y + 1 == h && top + h < self.height)
                || (x + 1 == w && left + w < self.width);
            if !cut {
                let p = (top + y) * self.width + left + x;
                self.correlation[p] = *c;
                self.pnr[p] = *n;
            }
        }
    }
}
