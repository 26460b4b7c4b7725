//! The stages in order. Each is a plain function; this file only hands the results on and says which stage runs.

use std::path::Path;

use crate::job::Job;
use crate::progress::Reporter;
use crate::result::{Analysis, Chosen};
use crate::types::{Context, Registered, StageError};
use crate::{deconvolve, demix, evaluate, init, read, seeds};

/// Films to cells: `read` and `motion` in one pass, then `seeds`, `init`, `demix`, `deconvolve`, `evaluate`. Files that are needed only
/// meanwhile go to `scratch`.
///
/// # Errors
/// The first stage's that fails; [`StageError::Cancelled`] soon after cancellation.
pub fn analyse(job: &Job, scratch: &Path, context: &Context<'_>, reporter: &Reporter) -> Result<Analysis, StageError> {
    let params = &job.parameters;
    let inputs: Vec<_> = job.inputs.iter().map(|input| input.recording.clone()).collect();
    let film: Registered = reporter.stage(("read", "motion"), Registered::frames, || {
        read::run(&inputs, params, scratch, context)
    })?;
    let (diameter, frames) = (film.diameter_px, film.frames());
    let seeds = reporter.stage(("seeds", "seeds"), |_| frames, || seeds::run(&film, params, diameter, context))?;
    let (correlation, pnr) = (seeds.correlation.clone(), seeds.pnr.clone());
    let chosen = Chosen {
        diameter_px: diameter,
        diameter_estimated: params.diameter_px.is_none(),
        bin: film.grid.bin,
        min_correlation: seeds.min_correlation,
        min_pnr: seeds.min_pnr,
        seeds: seeds.seeds.len(),
    };
    let initial = reporter.stage(("init", "init"), |_| frames, || init::run(&film, &seeds, params, diameter, context))?;
    let demixed = reporter.stage(
        ("demix", "demix"),
        |_| frames,
        || demix::run(&film, initial, params, diameter, context),
    )?;
    let components = reporter.stage(
        ("deconvolve", "deconvolve"),
        |_| frames,
        || deconvolve::run(&film, &demixed, params, context),
    )?;
    let metrics = reporter.stage(
        ("evaluate", "evaluate"),
        |_| frames,
        || evaluate::run(&film, &components, &demixed, params, context),
    )?;
    Ok(Analysis {
        registered: film,
        correlation,
        pnr,
        chosen,
        components,
        f0: deconvolve::F0,
        metrics,
    })
}
