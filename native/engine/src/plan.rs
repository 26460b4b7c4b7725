//! What a job would do and what it would need, told before it runs: the one place with these formulas.

use serde::Serialize;

use crate::checkpoint::films::{Known, KnownFilms};
use crate::failure::Failure;
use crate::job::Job;
use crate::need::need;
use crate::pipeline::{known_films, known_keys};
use crate::progress::STAGES;
use crate::read::crop::Crop;
use crate::read::sample::grid_for;
use crate::shelf::SHARE;
use crate::types::{RecordingInput, StageError};

/// Diameter that is counted with while nobody knows it, raw px: one whose grid is not binned.
const UNKNOWN_DIAMETER: f32 = 6.0;

/// What a job would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Frames that would be used.
    pub frames: u64,
    /// Height of the frames.
    pub height: usize,
    /// Width of the frames.
    pub width: usize,
    /// The neurons' diameter, raw px: as given, else as an earlier run measured it; `None` while nobody knows.
    pub diameter_px: Option<f32>,
    /// Raw pixels per pixel of the working grid; `None` while the diameter is not known.
    pub bin: Option<usize>,
    /// Bytes of memory; a run that needs more than its budget is refused. Without a known binning, for the finest.
    pub memory_bytes: u64,
    /// Bytes on the disk beside the result: the registered film and kept results. Without a known binning, for the finest.
    pub scratch_bytes: u64,
    /// The stages in order.
    pub stages: Vec<PlannedStage>,
}

/// What would become of one stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStage {
    /// Its name.
    pub stage: &'static str,
    /// Its result is kept and would be read.
    pub cached: bool,
}

/// Plans a job; decodes nothing.
///
/// # Errors
/// Films that cannot be opened, or that do not fit together.
pub fn plan(job: &Job) -> Result<Plan, Failure> {
    let inputs: Vec<_> = job.inputs.iter().map(|input| input.recording.clone()).collect();
    let looks: Vec<_> = inputs.iter().map(KnownFilms::look).collect();
    let known = known_films(job, &looks);
    let (mut frames, mut size) = (0, None);
    for (input, known) in inputs.iter().zip(&known) {
        let (own, count) = measure(input, known.as_ref())?;
        frames += count;
        let first = *size.get_or_insert(own);
        if own != first {
            return Err(Failure::from(StageError::Input {
                code: "engine.size-mismatch",
                message: format!(
                    "recordings of one field must have frames of one size, these have {}×{} and {}×{} px",
                    first[1], first[0], own[1], own[0]
                ),
            }));
        }
    }
    let size = size.unwrap_or_default();
    let used = Crop::of(&job.parameters, size)?.size();
    let measured = known.iter().flatten().find_map(|known| known.measured_diameter_px);
    let diameter = job.parameters.diameter_px.or(measured);
    let bin = match (job.parameters.bin, diameter) {
        (None, None) => None,
        (bin, diameter) => Some(grid_for(used, diameter.unwrap_or(1.0), bin).bin),
    };
    let (memory_bytes, scratch_bytes) = needs(job, frames, used, diameter);
    Ok(Plan {
        frames,
        height: size[0],
        width: size[1],
        diameter_px: diameter,
        bin,
        memory_bytes,
        scratch_bytes,
        stages: stages(job, &inputs, &known),
    })
}

/// Height and width of a recording's frames, and how many would be used.
fn measure(input: &RecordingInput, known: Option<&Known>) -> Result<([usize; 2], u64), Failure> {
    if let Some(known) = known {
        return Ok((known.size, known.pixels.frames));
    }
    let recording = calyx_media::Recording::open(&input.films).map_err(|error| Failure::from(StageError::from(error)))?;
    let end = input
        .last_frame
        .map_or(u64::MAX, |last| last.saturating_add(1))
        .min(recording.frames());
    Ok(([recording.height(), recording.width()], end.saturating_sub(input.first_frame)))
}

/// Bytes of memory and of the disk.
fn needs(job: &Job, frames: u64, size: [usize; 2], diameter: Option<f32>) -> (u64, u64) {
    let params = &job.parameters;
    let finest = if diameter.is_none() { params.bin.or(Some(1)) } else { params.bin };
    let diameter = diameter.unwrap_or(UNKNOWN_DIAMETER);
    let grid = grid_for(size, diameter, finest);
    let need = need(frames as usize, &grid, diameter, params, job.memory_bytes, job.threads);
    let registered = frames * (grid.height * grid.width) as u64;
    // Where results are kept, the film is among them, and the traces.
    let disk = if job.cache.is_some() {
        let filed = need.traces_bytes.saturating_sub(job.memory_bytes / SHARE);
        registered + need.traces_bytes + filed
    } else {
        need.scratch_bytes
    };
    (need.memory_bytes, disk)
}

/// Which stages would be read instead of run. One whose follower is kept is not needed.
fn stages(job: &Job, inputs: &[RecordingInput], known: &[Option<Known>]) -> Vec<PlannedStage> {
    let keys = known_keys(job, inputs, known);
    let kept = |stage: &str| match (&keys, &job.cache) {
        (Some(keys), Some(cache)) => crate::checkpoint::is_kept(cache, keys.get(stage)),
        _ => false,
    };
    STAGES
        .iter()
        .map(|(stage, _)| PlannedStage {
            stage,
            cached: match *stage {
                "read" | "motion" => kept("motion"),
                "init" => kept("init") || kept("demix"),
                other => kept(other),
            },
        })
        .collect()
}
