//! `run.json`: what lies in a run folder and how it came about.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::job::Job;
use crate::machine;
use crate::output::FileEntry;
use crate::progress::Reporter;
use crate::result::{Analysis, pyramid_description};
use crate::types::{Registered, flag};

/// Version of the run folder's form.
pub const FORMAT_VERSION: u32 = 1;

/// Version of the engine, part of every run's provenance.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The manifest of a finished analysis whose `files` are written. `pixels` are the SHA-256 digests of the decoded frames of each recording.
pub fn manifest(job: &Job, analysis: &Analysis, files: &[FileEntry], reporter: &Reporter, incomplete: bool) -> Value {
    let film = &analysis.registered;
    let accepted = analysis.metrics.iter().filter(|m| m.accepted).count();
    let warnings: Vec<Value> = reporter
        .warnings()
        .into_iter()
        .map(|(code, message)| json!({ "code": code, "message": message }))
        .collect();
    json!({
        "formatVersion": FORMAT_VERSION,
        "runUuid": job.run_uuid,
        "engineVersion": ENGINE_VERSION,
        "finishedAt": utc(SystemTime::now()),
        "components": analysis.components.footprints.len(),
        "accepted": accepted,
        "incomplete": incomplete,
        "frames": film.flags.len(),
        "height": film.grid.frame_height,
        "width": film.grid.frame_width,
        "fps": film.fps,
        "grid": { "bin": film.grid.bin, "height": film.grid.height, "width": film.grid.width, "top": film.grid.top, "left": film.grid.left },
        "light": light(film),
        "inputs": inputs(job, analysis),
        "parameters": plain(&job.parameters),
        "evaluationModel": job.model,
        "chosen": plain(&analysis.chosen),
        "budget": { "threads": job.threads, "memoryBytes": job.memory_bytes },
        "stages": reporter.timings(),
        "stageKeys": analysis.stage_keys,
        "seconds": reporter.seconds(),
        "usage": machine::usage(),
        "scratch": scratch(film, analysis.traces_bytes),
        "machine": machine::machine(),
        "warnings": warnings,
        "repairedPixels": film.repaired,
        "cache": { "step": plain(&film.cache.step()), "saturatedValues": film.cache.saturated() },
        "f0": analysis.f0,
        "zscore": crate::deconvolve::ZSCORE,
        "activity": crate::deconvolve::ACTIVITY,
        "riseS": plain(&((analysis.components.rise.frames / film.fps) as f32)),
        "leadFrames": plain(&(analysis.components.rise.lead as f32)),
        "traces": "K × T float32, grey levels at the pixel where the footprint is 1 (dff: a ratio)",
        "motion": "T × 2 float32, (dy, dx) px: displacement of the content; the correction applied is its negative",
        "motionBlocks": film.motion_blocks.as_ref().map(|blocks| json!({ "rows": plain(&blocks.lattice.rows), "columns": plain(&blocks.lattice.columns) })),
        "pyramid": pyramid_description(film.flags.len()),
        "flagBits": flag_bits(),
        "maskedFlags": flag::MASKED,
        "files": files,
    })
}

/// What the light did; null where it hardly changed or was left as it is.
fn light(film: &Registered) -> Value {
    film.light.as_ref().map_or(Value::Null, |light| {
        let factors = || light.factor.iter().copied();
        json!({
            "black": plain(&light.black), "steps": light.steps, "smallestFactor": plain(&factors().fold(f32::INFINITY, f32::min)),
            "largestFactor": plain(&factors().fold(0.0, f32::max)),
            "rule": "grey level v of sample t became black + light[t] · (v − black), light in light.npy; traces and images are in these units",
        })
    })
}

/// The scratch disk at its peak: the tile cache and the traces, where they were in files.
fn scratch(film: &Registered, traces: u64) -> Value {
    let pixel_frames = film.frames() * film.grid.height * film.grid.width;
    let tiles = if film.cache.in_file().is_some() { film.cache.bytes() } else { 0 };
    let bytes = tiles + traces;
    json!({ "peakBytes": bytes, "tilesBytes": tiles, "tracesBytes": traces, "bytesPerPixelFrame": bytes as f64 / pixel_frames.max(1) as f64 })
}

/// A value as JSON with single-precision numbers as short as they are meant: 6.6 and not 6.599999904632568.
pub fn plain(value: &impl serde::Serialize) -> Value {
    let text = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn inputs(job: &Job, analysis: &Analysis) -> Vec<Value> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    job.inputs
        .iter()
        .enumerate()
        .map(|(i, input)| {
            json!({
                "recordingUuid": input.recording_uuid,
                "films": input.recording.films.iter().map(name).collect::<Vec<_>>(),
                "filmFrames": input.film_frames,
                "firstFrame": input.recording.first_frame,
                "lastFrame": input.recording.last_frame,
                "fps": input.recording.fps,
                "frames": analysis.registered.spans.get(i).map(|span| span.frames),
                "firstSample": analysis.registered.spans[..i.min(analysis.registered.spans.len())].iter().map(|span| span.frames).sum::<u64>(),
                // Of the frames that were used, in order, row by row, one byte a pixel.
                "pixelsSha256": analysis.registered.digests.get(i),
            })
        })
        .collect()
}

/// The bits of `frame_flags.npy` by name.
fn flag_bits() -> Value {
    json!({
        "repeated": flag::REPEATED, "torn": flag::TORN, "saturated": flag::SATURATED, "brightness": flag::BRIGHTNESS,
        "motionUnsure": flag::MOTION_UNSURE, "motionBound": flag::MOTION_BOUND, "timeMissing": flag::TIME_MISSING,
        "afterGap": flag::AFTER_GAP, "unreadable": flag::UNREADABLE,
    })
}

/// UTC with milliseconds, ISO 8601.
fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = ((since.as_secs() / 86_400) as i64, since.as_secs() % 86_400);
    // Days since 1 March of the year 0 in eras of 400 years, so that the leap day comes last in a year.
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_are_meant() {
        assert_eq!(plain(&6.6f32).to_string(), "6.6");
        assert_eq!(plain(&f32::NAN), Value::Null);
    }

    #[test]
    fn times_are_utc_with_milliseconds() {
        let at = |ms| utc(UNIX_EPOCH + Duration::from_millis(ms));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_633_644_208_635), "2021-10-07T22:03:28.635Z");
        assert_eq!(at(4_107_542_399_999), "2100-02-28T23:59:59.999Z");
        assert_eq!(at(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }
}
