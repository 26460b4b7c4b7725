//! The whole engine on frames in memory: no decoder, no process, no disk.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use calyx_engine::demix::{self, Demixed};
use calyx_engine::params::Parameters;
use calyx_engine::read::input::Part;
use calyx_engine::read::source::Held;
use calyx_engine::read::{self, run_parts};
use calyx_engine::types::{CellMetrics, Components, Context, RecordingInput, Registered, StageError};
use calyx_engine::{deconvolve, evaluate, init, seeds};
use calyx_scene::assign::assign;

/// A film in memory.
#[derive(Clone)]
pub struct Film {
    pub size: [usize; 2],
    pub frames: Vec<Vec<u8>>,
    /// Seconds, one a frame.
    pub time: Vec<f64>,
    pub fps: f64,
}

impl Film {
    pub fn new(size: [usize; 2], frames: Vec<Vec<u8>>, fps: f64) -> Self {
        let time = (0..frames.len()).map(|t| t as f64 / fps).collect();
        Self { size, frames, time, fps }
    }

    /// Each frame changed.
    pub fn map(&self, size: [usize; 2], change: impl Fn(usize, &[u8]) -> Vec<u8>) -> Self {
        Self {
            size,
            frames: self.frames.iter().enumerate().map(|(t, f)| change(t, f)).collect(),
            ..self.clone()
        }
    }

    /// # Errors
    /// No frame.
    pub fn part(&self) -> Result<Part, StageError> {
        Part::new(Box::new(Held::new(self.size, self.frames.concat())), 0, None, &self.time, self.fps)
    }
}

/// What a run leaves.
pub struct Outcome {
    pub film: Registered,
    pub components: Components,
    pub metrics: Vec<CellMetrics>,
}

/// All stages on the parts of a run.
///
/// # Errors
/// Those of the stages.
pub fn engine(parts: Vec<Part>, params: &Parameters, threads: usize) -> Result<Outcome, StageError> {
    stages(|scratch, ctx| run_parts(parts, params, scratch, ctx), params, threads)
}

/// All stages on films on the disk.
///
/// # Errors
/// Those of the stages.
pub fn engine_on_files(films: Vec<PathBuf>, fps: f64, params: &Parameters) -> Result<Outcome, StageError> {
    let input = RecordingInput {
        films,
        time_s: Vec::new(),
        fps,
        first_frame: 0,
        last_frame: None,
    };
    stages(|scratch, ctx| read::run(&[input], params, scratch, ctx), params, 2)
}

/// The stages `read` and `motion` alone.
pub fn registered(film: &Film) -> Registered {
    let ctx = Context {
        shelf: calyx_engine::shelf::Shelf::in_memory(),
        threads: 2,
        memory_bytes: 1 << 30,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    run_parts(
        vec![film.part().unwrap()],
        &Parameters::defaults().unwrap(),
        &std::env::temp_dir(),
        &ctx,
    )
    .unwrap()
}

fn stages(
    register: impl FnOnce(&Path, &Context<'_>) -> Result<Registered, StageError> + Send,
    params: &Parameters,
    threads: usize,
) -> Result<Outcome, StageError> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("calyx-whole-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = Scratch(std::env::temp_dir().join(name));
    std::fs::create_dir_all(&folder.0).unwrap();
    let ctx = Context {
        shelf: calyx_engine::shelf::Shelf::in_memory(),
        threads,
        memory_bytes: 1 << 30,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let film = register(&folder.0, &ctx)?;
        let found = seeds::run(&film, params, film.diameter_px, &ctx)?;
        let initial = init::run(&film, &found, params, film.diameter_px, &ctx)?;
        let demixed: Demixed = demix::run(&film, initial, params, film.diameter_px, &ctx)?;
        let components = deconvolve::run(&film, &demixed, params, &ctx)?;
        let metrics = evaluate::run(&film, &components, &demixed, params, None, &ctx)?;
        Ok(Outcome { film, components, metrics })
    })
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One suggested cell.
pub struct Cell {
    /// Grid image, row-major, of norm 1.
    pub image: Vec<f32>,
    pub trace: Vec<f32>,
    /// Frames in which each event begins and ends, and its amplitude over the noise.
    pub events: Vec<(usize, usize, f32)>,
    /// (y, x), raw px of the frame.
    pub centre: [f32; 2],
}

impl Outcome {
    /// The suggested cells; `place` maps grid (row, column) to a pixel of an image of `pixels`, or to none.
    pub fn cells(&self, pixels: usize, place: impl Fn(usize, usize) -> Option<usize>) -> Vec<Cell> {
        let accepted = (0..self.metrics.len()).filter(|k| self.metrics[*k].accepted);
        accepted
            .map(|k| {
                let a = &self.components.footprints[k];
                let mut image = vec![0.0f32; pixels];
                let (mut sum, mut y0, mut x0) = (0.0f32, 0.0f32, 0.0f32);
                for (i, v) in a.values.iter().enumerate() {
                    let (y, x) = (a.top + i / a.width, a.left + i % a.width);
                    if let Some(p) = place(y, x) {
                        image[p] = *v;
                    }
                    sum += v;
                    y0 += v * y as f32;
                    x0 += v * x as f32;
                }
                let norm = image.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-9);
                image.iter_mut().for_each(|v| *v /= norm);
                Cell {
                    image,
                    trace: self.components.denoised[k].all().unwrap().into_owned(),
                    events: self.components.events[k]
                        .iter()
                        .map(|e| (e.onset as usize, e.end as usize, e.amplitude / self.components.noise[k]))
                        .collect(),
                    centre: [self.film.grid.raw_y(y0 / sum), self.film.grid.raw_x(x0 / sum)],
                }
            })
            .collect()
    }

    /// The suggested cells on the grid as it is.
    pub fn own_cells(&self) -> Vec<Cell> {
        let width = self.film.grid.width;
        self.cells(self.film.grid.height * width, |y, x| Some(y * width + x))
    }
}

/// How two results agree.
#[derive(Debug)]
pub struct Agreement {
    /// Twice the pairs (cosine at least 0.5) over all cells.
    pub f1: f64,
    /// Smallest and median cosine of paired footprints.
    pub cosine: [f64; 2],
    /// Smallest and median correlation of paired traces.
    pub r: [f64; 2],
    /// Rows of `a` and `b` that are the same cell.
    pub pairs: Vec<(usize, usize)>,
}

/// Pairs the cells of two results; `frames` (of each trace) are compared.
pub fn agreement(a: &[Cell], b: &[Cell], frames: impl Iterator<Item = (usize, usize)> + Clone) -> Agreement {
    let cosine = |i: usize, j: usize| f64::from(a[i].image.iter().zip(&b[j].image).map(|(x, y)| x * y).sum::<f32>());
    let pairs = assign(a.len(), b.len(), |i, j| {
        let c = cosine(i, j);
        if c >= 0.5 { c } else { 0.0 }
    });
    let spread = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        [
            values.first().copied().unwrap_or(0.0),
            values.get(values.len() / 2).copied().unwrap_or(0.0),
        ]
    };
    let r = |i: usize, j: usize| {
        let x: Vec<f64> = frames.clone().map(|(t, _)| f64::from(a[i].trace[t])).collect();
        let y: Vec<f64> = frames.clone().map(|(_, t)| f64::from(b[j].trace[t])).collect();
        pearson(&x, &y)
    };
    Agreement {
        f1: 2.0 * pairs.len() as f64 / (a.len() + b.len()).max(1) as f64,
        cosine: spread(pairs.iter().map(|(i, j)| cosine(*i, *j)).collect()),
        r: spread(pairs.iter().map(|(i, j)| r(*i, *j)).collect()),
        pairs,
    }
}

pub fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(a, b)| f(a - mx, b - my)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt().max(1e-12)
}
