//! The later stages in a row on a small planted scene that is not square.

use crate::demix::tests::{parameters, registered, with_context};
use crate::kernels::{Noise, pearson};
use crate::params::Parameters;
use crate::shelf::Shelf;
use crate::types::{CellMetrics, Components, Context, Registered, StageError, flag};
use crate::{deconvolve, demix, evaluate, init, seeds};

const H: usize = 44;
const W: usize = 60;
const T: usize = 900;
const SIGMA: f32 = 1.7;
/// Planted somata (y, x).
const CELLS: [(f32, f32); 5] = [(10.0, 12.0), (10.5, 44.3), (30.0, 20.0), (33.2, 25.0), (22.0, 52.0)];

/// Cells with known calcium over a background that breathes, and noise.
pub fn scene(cells: &[(f32, f32)]) -> (Registered, Vec<Vec<f32>>) {
    scene_of(cells, T, 20.0, 0.015)
}

/// The same over `frames` frames at `fps`; cells fire with `rate` a frame, the last one only at a third and at two thirds of a film longer than `T`.
fn scene_of(cells: &[(f32, f32)], frames: usize, fps: f64, rate: f32) -> (Registered, Vec<Vec<f32>>) {
    let mut noise = Noise::new(42);
    let rare = |k: usize| frames > T && k + 1 == cells.len();
    let calcium: Vec<Vec<f32>> = (0..cells.len())
        .map(|k| {
            let mut c = 0.0;
            (0..frames)
                .map(|t| {
                    c = 0.9 * c
                        + if rare(k) {
                            if t == frames / 3 || t == 2 * frames / 3 { 24.0 } else { 0.0 }
                        } else if noise.uniform() < rate {
                            12.0 + 8.0 * noise.uniform()
                        } else {
                            0.0
                        };
                    c
                })
                .collect()
        })
        .collect();
    let mut wave = [0.0f32; 2];
    let mut values = Vec::with_capacity(frames * H * W);
    for t in 0..frames {
        wave.iter_mut().for_each(|w| *w = 0.97 * *w + noise.normal());
        for p in 0..H * W {
            let (y, x) = ((p / W) as f32, (p % W) as f32);
            let light: f32 = cells
                .iter()
                .zip(&calcium)
                .map(|(c, a)| a[t] * (-0.5 * ((y - c.0).powi(2) + (x - c.1).powi(2)) / (SIGMA * SIGMA)).exp())
                .sum();
            let background = wave[0] * (1.0 + (0.05 * y).sin()) + wave[1] * (0.08 * x).cos();
            values.push(80.0 + background + light + 1.5 * noise.normal());
        }
    }
    let mut film = registered(&values, H, W, fps, 0.5);
    film.diameter_px = 2.36 * SIGMA;
    (film, calcium)
}

fn all(film: &Registered, params: &Parameters, ctx: &Context) -> Result<(Components, Vec<CellMetrics>), StageError> {
    let seeds = seeds::run(film, params, film.diameter_px, ctx)?;
    let initial = init::run(film, &seeds, params, film.diameter_px, ctx)?;
    let demixed = demix::run(film, initial, params, film.diameter_px, ctx)?;
    let components = deconvolve::run(film, &demixed, params, ctx)?;
    let metrics = evaluate::run(film, &components, &demixed, params, None, ctx)?;
    Ok((components, metrics))
}

/// Best accepted component for each planted cell: its number and the trace's correlation.
fn matched(components: &Components, metrics: &[CellMetrics], calcium: &[Vec<f32>]) -> Vec<Option<(usize, f32)>> {
    CELLS
        .iter()
        .zip(calcium)
        .map(|(c, truth)| {
            (0..metrics.len())
                .filter(|k| metrics[*k].accepted)
                .filter(|k| {
                    let (y, x) = demix::statistics::centroid(&components.footprints[*k]);
                    ((y - c.0).powi(2) + (x - c.1).powi(2)).sqrt() < 1.0
                })
                .map(|k| (k, pearson(&components.denoised[k].all().unwrap(), truth)))
                .max_by(|a, b| a.1.total_cmp(&b.1))
        })
        .collect()
}

#[test]
fn a_long_film_gives_the_same_bits_whatever_the_memory_and_the_threads_and_keeps_the_cell_that_fires_twice() {
    // Longer than the moments a search holds.
    let (film, calcium) = scene_of(&CELLS, crate::moments::MOST + 700, 7.0, 0.02);
    let folder = std::env::temp_dir().join(format!("calyx-back-{}", std::process::id()));
    let result = |threads: usize, memory_bytes: u64| {
        let own = folder.join(threads.to_string());
        std::fs::create_dir_all(&own).unwrap();
        // Everything in the file, everything in memory, some in each.
        let shelf = Shelf::new(&own, memory_bytes.saturating_sub(32 << 20) / 1024);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let ctx = Context {
            shelf: &shelf,
            threads,
            memory_bytes,
            cancelled: &|| false,
            progress: &|_, _| {},
            preview: &|_| {},
        };
        let done = pool.install(|| all(&film, &parameters(), &ctx)).unwrap();
        (done.0, done.1, shelf.file_bytes())
    };
    let (components, metrics, filed) = result(1, 32 << 20);
    // A dozen series at most: what is being demixed, what deconvolution puts aside and its results; besides, the shared courses.
    let rows = filed as usize / (4 * film.frames());
    assert!((4 * metrics.len()..=12 * metrics.len() + 40).contains(&rows), "{rows} rows");
    for (threads, memory) in [(2, 8 << 30), (4, 256 << 20)] {
        let (other, _, filed) = result(threads, memory);
        assert_eq!(filed == 0, memory > 1 << 30);
        assert_eq!(components.footprints, other.footprints, "{threads} threads");
        assert_eq!(components.raw, other.raw, "{threads} threads");
        assert_eq!(components.deconvolved, other.deconvolved, "{threads} threads");
    }
    for (i, (c, truth)) in CELLS.iter().zip(&calcium).enumerate() {
        let best = components
            .footprints
            .iter()
            .zip(&components.denoised)
            .filter(|(a, _)| {
                let (y, x) = demix::statistics::centroid(a);
                ((y - c.0).powi(2) + (x - c.1).powi(2)).sqrt() < 1.0
            })
            .map(|(_, trace)| pearson(&trace.all().unwrap(), truth))
            .fold(f32::NAN, f32::max);
        assert!(best > 0.9, "cell {i}: {best}");
    }
    assert!(metrics.len() <= CELLS.len() + 2, "{} components", metrics.len());
    drop(components);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn planted_cells_are_found_where_they_are_and_nothing_else_is_suggested() {
    let (film, calcium) = scene(&CELLS);
    let (components, metrics) = with_context(|ctx| all(&film, &parameters(), ctx)).unwrap();
    for (i, m) in matched(&components, &metrics, &calcium).into_iter().enumerate() {
        let (_, r) = m.unwrap_or_else(|| panic!("cell {i} was not found"));
        assert!(r > 0.95, "cell {i}: {r}");
    }
    assert_eq!(metrics.iter().filter(|m| m.accepted).count(), CELLS.len());
    for (a, m) in components.footprints.iter().zip(&metrics) {
        assert_eq!(a.values.iter().copied().fold(0.0f32, f32::max), 1.0);
        assert_eq!(m.accepted, m.reasons.is_empty());
    }
    assert!(
        components
            .raw
            .iter()
            .chain(&components.denoised)
            .chain(&components.dff)
            .all(|t| t.len() == T && t.all().unwrap().iter().all(|v| v.is_finite()))
    );
}

#[test]
fn seeds_lie_on_the_planted_cells() {
    let (film, _) = scene(&CELLS);
    let seeds = with_context(|ctx| seeds::run(&film, &parameters(), film.diameter_px, ctx)).unwrap();
    assert_eq!((seeds.correlation.len(), seeds.pnr.len()), (H * W, H * W));
    for c in CELLS {
        assert!(
            seeds
                .seeds
                .iter()
                .any(|s| (s.y as f32 - c.0).abs() <= 1.0 && (s.x as f32 - c.1).abs() <= 1.0),
            "{c:?}"
        );
    }
}

#[test]
fn cells_that_a_person_marked_are_taken_where_the_search_finds_none() {
    let (film, calcium) = scene(&CELLS);
    let blind = Parameters {
        min_correlation: Some(0.999),
        min_pnr: Some(100.0),
        ..parameters()
    };
    let (_, metrics) = with_context(|ctx| all(&film, &blind, ctx)).unwrap();
    assert_eq!(metrics.len(), 0);
    // As a hand marks them: a pixel beside; and one outside of the film.
    let marks: Vec<String> = CELLS.iter().map(|(y, x)| format!("{},{}", y + 1.0, x - 1.0)).collect();
    let marked = Parameters {
        given_seeds: Some(format!("{};-5,3;{},2", marks.join(";"), H + 3)),
        ..blind
    };
    let (components, metrics) = with_context(|ctx| all(&film, &marked, ctx)).unwrap();
    assert_eq!(metrics.len(), CELLS.len());
    for (i, m) in matched(&components, &metrics, &calcium).into_iter().enumerate() {
        let (_, r) = m.unwrap_or_else(|| panic!("cell {i} was not found"));
        assert!(r > 0.95, "cell {i}: {r}");
    }
}

#[test]
fn raw_and_denoised_rest_at_the_same_level() {
    let (film, calcium) = scene(&CELLS);
    let (components, metrics) = with_context(|ctx| all(&film, &parameters(), ctx)).unwrap();
    for (k, _) in matched(&components, &metrics, &calcium).into_iter().flatten() {
        let (raw, denoised) = (components.raw[k].all().unwrap(), components.denoised[k].all().unwrap());
        let mut apart: Vec<f32> = raw.iter().zip(denoised.iter()).map(|(y, c)| y - c).collect();
        apart.sort_by(f32::total_cmp);
        let median = apart[apart.len() / 2];
        assert!(
            median.abs() < components.noise[k],
            "cell {k}: {median} apart, noise {}",
            components.noise[k]
        );
    }
}

#[test]
fn a_field_without_cells_gives_none() {
    let (film, _) = scene(&[]);
    let (_, metrics) = with_context(|ctx| all(&film, &parameters(), ctx)).unwrap();
    assert_eq!(metrics.iter().filter(|m| m.accepted).count(), 0);
}

#[test]
fn one_and_two_threads_give_the_same_bits() {
    let (film, _) = scene(&CELLS);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| with_context(|ctx| all(&film, &parameters(), ctx))).unwrap()
    };
    let (one, two) = (run(1), run(2));
    assert_eq!(one.0.footprints, two.0.footprints);
    assert_eq!(one.0.denoised, two.0.denoised);
    assert_eq!(one.0.dff, two.0.dff);
}

#[test]
fn a_masked_frame_leaves_no_trace() {
    let (film, _) = scene(&CELLS);
    let (mut spoilt, _) = scene(&CELLS);
    let pixels = H * W;
    // The same film with one torn frame, white all over.
    let mut cache = crate::cache::TileCache::in_memory(H, W, film.cache.mean0().to_vec(), film.cache.step()).unwrap();
    let mut codes = Vec::new();
    film.cache.read_block(0, T, &mut codes).unwrap();
    codes[300 * pixels..301 * pixels].fill(255);
    codes.chunks(pixels).for_each(|f| cache.push_codes(f, 0).unwrap());
    spoilt.cache = cache;
    spoilt.flags[300] = flag::TORN;
    let (components, metrics) = with_context(|ctx| all(&spoilt, &parameters(), ctx)).unwrap();
    assert_eq!(metrics.iter().filter(|m| m.accepted).count(), CELLS.len());
    for raw in &components.raw {
        let raw = raw.all().unwrap();
        assert!(
            (raw[300] - 0.5 * (raw[299] + raw[301])).abs() < 1e-3,
            "the masked frame is a straight line"
        );
    }
}

#[test]
fn cancellation_ends_every_stage() {
    let (film, _) = scene(&CELLS);
    let cancelled = std::sync::atomic::AtomicUsize::new(0);
    for after in [0, 20, 60, 120] {
        cancelled.store(0, std::sync::atomic::Ordering::Relaxed);
        let ctx = Context {
            shelf: Shelf::in_memory(),
            threads: 1,
            memory_bytes: 1 << 30,
            cancelled: &|| cancelled.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= after,
            progress: &|_, _| {},
            preview: &|_| {},
        };
        assert!(
            matches!(all(&film, &parameters(), &ctx), Err(StageError::Cancelled)),
            "after {after}"
        );
    }
}

#[test]
fn too_few_frames_are_refused_with_a_sentence() {
    let film = registered(&vec![10.0; 20 * H * W], H, W, 20.0, 0.5);
    let error = with_context(|ctx| seeds::run(&film, &parameters(), 4.0, ctx)).err().unwrap();
    assert!(matches!(
        error,
        StageError::Input {
            code: "engine.too-few-frames",
            ..
        }
    ));
}
