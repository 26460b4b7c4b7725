//! An edit from its request to its folder: what the binding calls.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use super::apply::apply;
use super::field::{Base, Field};
use super::pixels::Pixels;
use super::request::{Edit, needs_pixels};
use super::write::write;
use crate::cache::TileCache;
use crate::failure::Failure;
use crate::types::Context;

/// One edit of a run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The run folder.
    pub run_folder: PathBuf,
    /// The registered film, where it is kept.
    pub film: Option<PathBuf>,
    /// Folders of the edits that hold now, oldest first.
    pub layers: Vec<PathBuf>,
    /// Row of the first cell that is made.
    pub next_row: usize,
    /// What is to be done.
    pub edit: Edit,
    /// The folder to be made.
    pub output: PathBuf,
}

/// The run edited last: a person works on one run for a while.
static LAST: Mutex<Option<Arc<Base>>> = Mutex::new(None);

/// What all edits of a run share, kept for the run that was asked for last.
pub(super) fn base(folder: &Path) -> Result<Arc<Base>, Failure> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(base) = last.as_ref().filter(|base| base.folder == folder) {
        return Ok(Arc::clone(base));
    }
    let base = Arc::new(Base::open(folder)?);
    *last = Some(Arc::clone(&base));
    Ok(base)
}

/// Computes the edit and writes its folder; returns `edit.json`.
///
/// # Errors
/// Those of [`apply`] and [`write`]; then nothing is left.
pub fn perform(request: &Request, ctx: &Context<'_>) -> Result<Value, Failure> {
    let base = base(&request.run_folder)?;
    let film = match &request.film {
        Some(path) if path.is_file() => Some(open_film(&base, path)?),
        _ => None,
    };
    let pixels = film.as_ref().map(|film| film as &dyn Pixels);
    if needs_pixels(&request.edit) && pixels.is_none() {
        return Err(super::request::no_pixels());
    }
    let field = Field::new(Arc::clone(&base), &request.layers)?;
    let outcome = apply(&field, &request.edit, request.next_row, pixels, ctx)?;
    Ok(write(&base, &request.edit, &outcome, &request.output)?.1)
}

fn open_film(base: &Base, path: &Path) -> Result<TileCache, Failure> {
    let (grid, frames) = (&base.grid, base.flags.len());
    Ok(TileCache::of_file(
        path,
        [grid.height, grid.width],
        base.offsets.clone(),
        base.step,
        frames,
    )?)
}
