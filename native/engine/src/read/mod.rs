//! Stages `read` and `motion`: one streaming pass from raw frames to the registered film.
//!
//! A sample spread over the run tells what is usual (rows, light, stuck pixels), the size of the neurons and the template; then every frame is
//! decoded once, checked, binned, registered, warped into the tile cache and added to the statistics of the raw grid (reference, analysis 8.1).
//! Memory is bounded by the block size and the sample, not by the film.

use std::ops::ControlFlow;
use std::path::Path;

use crate::cache::TileCache;
use crate::motion::lattice::Lattice;
use crate::motion::report::MotionReport;
use crate::need::{self, need};
use crate::params::Parameters;
use crate::types::{Context, Grid, Light, MotionBlocks, RecordingInput, Registered, Span, StageError};

pub mod bands;
pub mod crop;
pub mod input;
pub mod light;
pub mod pass;
pub mod pixels;
pub mod rows;
pub mod sample;
pub mod source;
pub mod statistics;

use crop::Crop;
use input::{Part, clock, common_size};
use pass::Pass;
use source::{Films, Held};

/// The tile cache of a film that does not fit the memory, in the scratch folder.
pub const TILES: &str = "registered.tiles";

/// Share of the memory budget up to which the film is held decoded instead of being decoded again for the sample.
pub const HELD_SHARE: u64 = 4;
/// Bytes of decoded film that are held at most, whatever the budget: decoding the sample twice costs little on longer films.
pub const MOST_HELD: u64 = 128 << 20;
/// Share of the budget up to which the tile cache stays in memory.
pub const CACHE_SHARE: u64 = 8;

/// Bytes of decoded frames that may wait for the pass.
const BUFFER_BYTES: u64 = 64 << 20;

/// Runs both stages: opens the films, finds each frame's displacement and leaves the registered film on the working grid.
///
/// `inputs` are the recordings of one field in order; of each the frames are used that both its own range and that of `params` hold (counted
/// from the recording's first frame). `scratch` is a folder for the tile cache of films that do not fit the memory.
///
/// # Errors
/// [`StageError`]: films that cannot be read or processed, cancellation, disk.
pub fn run(inputs: &[RecordingInput], params: &Parameters, scratch: &Path, ctx: &Context<'_>) -> Result<Registered, StageError> {
    let buffer = BUFFER_BYTES.min(ctx.memory_bytes / 16) as usize;
    let parts = inputs
        .iter()
        .map(|input| {
            let films = Films::open(&input.films, ctx.threads.max(1), buffer)?;
            let last = [input.last_frame, params.last_frame].into_iter().flatten().min();
            Part::new(
                Box::new(films),
                input.first_frame.max(params.first_frame),
                last,
                &input.time_s,
                input.fps,
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    in_pool(parts, params, scratch, true, ctx)
}

/// Runs both stages over the parts of a run, on a pool of `ctx.threads` threads of its own. `scratch` is a folder for the tile cache. Unlike
/// [`run`] it takes any budget.
///
/// # Errors
/// [`StageError`]: input that cannot be processed, cancellation, disk.
pub fn run_parts(parts: Vec<Part>, params: &Parameters, scratch: &Path, ctx: &Context<'_>) -> Result<Registered, StageError> {
    in_pool(parts, params, scratch, false, ctx)
}

fn in_pool(parts: Vec<Part>, params: &Parameters, scratch: &Path, refuse: bool, ctx: &Context<'_>) -> Result<Registered, StageError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(ctx.threads.max(1))
        .build()
        .map_err(|error| StageError::Io {
            context: "starting the worker threads".into(),
            source: std::io::Error::other(error),
        })?;
    pool.install(|| run_in_pool(parts, params, scratch, refuse, ctx))
}

fn run_in_pool(parts: Vec<Part>, params: &Parameters, scratch: &Path, refuse: bool, ctx: &Context<'_>) -> Result<Registered, StageError> {
    let size = common_size(&parts)?;
    let crop = Crop::of(params, size)?;
    let clock = clock(&parts)?;
    let frames = clock.flags.len();
    let spans = parts
        .iter()
        .map(|part| Span {
            first_frame: part.range.start,
            frames: part.frames() as u64,
        })
        .collect();
    let held = (frames * size[0] * size[1]) as u64 <= MOST_HELD.min(ctx.memory_bytes / HELD_SHARE);
    let parts = if held { hold(parts, frames, ctx)? } else { parts };
    let learnt = sample::learn(sample::take(&parts, &crop, ctx)?, &parts, &crop, clock.fps, params, ctx)?;
    let from = if held { 0.45 } else { 0.1 };
    (ctx.progress)(from, 0);
    let grid = learnt.grid;
    if refuse {
        let need = need(frames, &grid, learnt.diameter_px, params, ctx.memory_bytes, ctx.threads);
        need::check(&need, ctx.memory_bytes, scratch)?;
    }
    let cache_bytes = (frames * grid.height * grid.width) as u64;
    let (mean, step) = (learnt.grid_mean.clone(), learnt.step);
    let cache = if cache_bytes <= ctx.memory_bytes / CACHE_SHARE {
        TileCache::in_memory(grid.height, grid.width, mean, step)?
    } else {
        TileCache::on_disk(&scratch.join(TILES), grid.height, grid.width, mean, step)?
    };
    let mut pass = Pass::new(&learnt, crop, cache, clock.flags, from, ctx);
    for part in &parts {
        pass.take(part)?;
    }
    let Pass {
        mut cache,
        statistics,
        flags,
        motion,
        quality,
        border,
        unseen,
        digests,
        fields,
        ..
    } = pass;
    cache.flush()?;
    let images = statistics.finish();
    let motion_blocks = learnt.raw_lattice().map(|lattice| MotionBlocks {
        lattice: in_frame(&lattice, &crop),
        fields,
    });
    let angles: Option<Vec<f32>> = motion_blocks
        .as_ref()
        .map(|blocks| blocks.fields.iter().map(|f| blocks.lattice.rotation(f)).collect());
    let light = learnt.light.as_ref().map(|light| Light {
        factor: (0..frames).map(|t| light.correction(t)[0]).collect(),
        black: light.black(),
        steps: light.steps().iter().map(|step| *step as u32).collect(),
    });
    let mut report = learnt.report;
    report.lattice = report.lattice.map(|lattice| in_frame(&lattice, &crop));
    let motion_report = MotionReport::new(report, &motion, &quality, &flags, angles.as_deref());
    Ok(Registered {
        cache,
        grid: Grid {
            frame_height: size[0],
            frame_width: size[1],
            top: crop.top,
            left: crop.left,
            ..grid
        },
        light,
        flags,
        motion,
        motion_blocks,
        motion_report,
        motion_quality: quality,
        time_s: clock.time_s,
        fps: clock.fps,
        diameter_px: learnt.diameter_px,
        digests,
        spans,
        repaired: learnt.stuck.indices().into_iter().map(|p| crop.index(p)).collect(),
        mean: crop.embed(images.mean),
        std: crop.embed(images.std),
        max: crop.embed(images.max),
        border,
        unseen,
    })
}

/// A lattice of the crop in the whole frame.
fn in_frame(lattice: &Lattice, crop: &Crop) -> Lattice {
    Lattice {
        rows: lattice.rows.iter().map(|y| y + crop.top as f32).collect(),
        columns: lattice.columns.iter().map(|x| x + crop.left as f32).collect(),
    }
}

/// Decodes all parts into memory.
fn hold(parts: Vec<Part>, total: usize, ctx: &Context<'_>) -> Result<Vec<Part>, StageError> {
    let mut done = 0;
    parts
        .into_iter()
        .map(|part| {
            let mut cancelled = false;
            let held = Held::read(part.source.as_ref(), part.range.clone(), &mut || {
                done += 1;
                if done % pass::BLOCK == 0 {
                    (ctx.progress)(0.4 * done as f32 / total as f32, 0);
                }
                cancelled = (ctx.cancelled)();
                if cancelled {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
            if cancelled {
                return Err(StageError::Cancelled);
            }
            let frames = part.frames() as u64;
            Ok(Part {
                source: Box::new(held),
                range: 0..frames,
                time_s: part.time_s,
                fps: part.fps,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
