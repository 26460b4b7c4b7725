//! One match from a job to its file: load, identify, write, name.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::job::MatchJob;
use super::load::{Loaded, load};
use super::{Options, identify, report};
use crate::control::Control;
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::types::StageError;

/// Steps in order, each with its share of the time.
const STEPS: [(&str, f64); 5] = [
    ("load", 0.2),
    ("align", 0.45),
    ("compare", 0.15),
    ("group", 0.05),
    ("controls", 0.15),
];

/// Runs a job and writes its result.
///
/// # Errors
/// Whatever ended it; then no file of it is left.
pub fn run(job: &MatchJob, control: &Arc<Control>, reporter: &Reporter) -> Result<serde_json::Value, Failure> {
    let stopped = || control.failure().map_or(Ok(()), Err);
    let progress = |step: &str, fraction: f64| {
        let at = STEPS.iter().position(|(name, _)| *name == step).unwrap_or(0);
        let before: f64 = STEPS[..at].iter().map(|(_, share)| share).sum();
        reporter.step(step, fraction, before + fraction * STEPS[at].1);
    };
    let mut loaded: Vec<Loaded> = Vec::with_capacity(job.sessions.len());
    for (i, input) in job.sessions.iter().enumerate() {
        progress("load", i as f64 / job.sessions.len() as f64);
        let session = load(input, job.all_components)?;
        for remark in &session.remarks {
            reporter.warning("review.footprints", remark);
        }
        stopped()?;
        loaded.push(session);
    }
    let sessions: Vec<_> = loaded.iter().map(|l| l.session.clone()).collect();
    let options = Options {
        um_per_px: job.um_per_px,
        threshold: 0.5,
    };
    let found = identify(&sessions, &options, &|| control.stopped(), &progress).map_err(|error| match error {
        // Stages know only that they must stop; the control knows why.
        StageError::Cancelled => control.failure().unwrap_or_else(Failure::cancelled),
        other => Failure::from(other),
    })?;
    for (s, fit) in found.fits.iter().enumerate() {
        if let Some(fit) = fit
            && !fit.sure()
        {
            let message = format!(
                "Session {} could not be aligned surely: {} of {} cells meet, {:.1} would by chance. Do not trust its matches.",
                s + 1,
                fit.meeting,
                fit.overlap,
                fit.chance
            );
            reporter.warning("review.alignment_unsure", &message);
        }
    }
    let value = report::report(job, &loaded, &found);
    write(&job.output, &value, control)?;
    Ok(value)
}

/// A temporary file beside the place, renamed when it is whole.
fn write(output: &Path, value: &serde_json::Value, control: &Arc<Control>) -> Result<(), Failure> {
    let temporary = crate::output::temporary_name(output);
    let result = (|| {
        let mut file = std::fs::File::create(&temporary)?;
        writeln!(file, "{value}")?;
        file.sync_all()
    })();
    let named = result
        .map_err(|error| Failure::from_io(&output.display().to_string(), &error))
        .and_then(|()| control.claim_end())
        .and_then(|()| std::fs::rename(&temporary, output).map_err(|error| Failure::from_io(&output.display().to_string(), &error)));
    if named.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    named
}
