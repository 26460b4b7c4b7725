//! The cells that hold after some edits as flat arrays, for exports.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calyx_npy::{Csr, Dtype, read_rows};
use serde::Deserialize;

use super::apply::State;
use super::field::Field;
use super::perform::base;
use crate::failure::Failure;
use crate::kernels::second_difference_noise;
use crate::output::{FileEntry, RunFolder};
use crate::result::{event_units, write_event_table};
use crate::types::Event;

/// Which cells, and where to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Collection {
    /// The run folder.
    pub run_folder: PathBuf,
    /// Folders of the edits that hold now, oldest first.
    pub layers: Vec<PathBuf>,
    /// The folder to be made.
    pub output: PathBuf,
}

/// Writes `footprints.npz`, `traces/*.npy`, `events.npz`, `zscore.npy` and `rows.npy` (each cell's row in the run) of the live cells, ascending by row.
///
/// Events follow the rule of the run (`events.rs`); a cell's noise is measured on its raw trace, so that cells an edit made have theirs too.
///
/// # Errors
/// `disk.full`, `disk.io`, `review.edit_unsupported`.
pub fn collect(request: &Collection) -> Result<Vec<FileEntry>, Failure> {
    let base = base(&request.run_folder)?;
    let field = Field::new(Arc::clone(&base), &request.layers)?;
    let live: Vec<(i32, &(PathBuf, usize))> = field
        .cells
        .iter()
        .filter(|(_, c)| c.state == State::Live)
        .map(|(row, c)| (i32::try_from(*row).unwrap_or(i32::MAX), c.source()))
        .collect();
    let mut folder = RunFolder::create(&request.output)?;
    let mut matrices = BTreeMap::<&Path, Csr>::new();
    let pixels = base.grid.frame_height * base.grid.frame_width;
    let mut matrix = Csr::new(pixels);
    for (_, (place, index)) in &live {
        if !matrices.contains_key(place.as_path()) {
            matrices.insert(place, Csr::read(&place.join("footprints.npz"))?);
        }
        matrix.push_row(matrices[place.as_path()].row(*index));
    }
    let shape = [matrix.rows, matrix.columns];
    folder.bytes("footprints.npz", &matrix.to_bytes()?, Some((Dtype::F32, &shape)))?;
    let mut traces = BTreeMap::new();
    for name in ["raw", "denoised", "deconvolved", "dff"] {
        let file = format!("traces/{name}.npy");
        let rows: Vec<Vec<f32>> = live
            .iter()
            .map(|(_, (place, index))| Ok(read_rows(&place.join(&file), &[*index])?.swap_remove(0)))
            .collect::<Result<_, Failure>>()?;
        folder.rows(&file, base.flags.len(), rows.iter().map(|r| Ok(Cow::Borrowed(r.as_slice()))))?;
        traces.insert(name, rows);
    }
    let noise = |name: &str| -> Vec<f32> { traces[name].iter().map(|row| second_difference_noise(row)).collect() };
    let (raw_noise, dff_noise) = (noise("raw"), noise("dff"));
    let gammas = field.cells.values().filter(|c| c.state == State::Live).map(|c| c.record.gamma);
    let found: Vec<Vec<Event>> = gammas
        .enumerate()
        .map(|(k, gamma)| base.events(&traces["raw"][k], &traces["denoised"][k], &traces["deconvolved"][k], gamma))
        .collect();
    let units: Vec<[f32; 3]> = raw_noise
        .iter()
        .zip(&dff_noise)
        .map(|(raw, dff)| event_units(*raw, *dff, 1.0))
        .collect();
    write_event_table(&mut folder, &found, &units, &base.times)?;
    let zscore = traces["dff"].iter().zip(&dff_noise).map(|(row, noise)| {
        let unit = if *noise > 0.0 { 1.0 / noise } else { 0.0 };
        Ok(Cow::Owned(row.iter().map(|v| v * unit).collect::<Vec<f32>>()))
    });
    folder.rows("zscore.npy", base.flags.len(), zscore)?;
    let rows: Vec<i32> = live.iter().map(|(row, _)| *row).collect();
    folder.array("rows.npy", &[rows.len()], &rows)?;
    let files = folder.files().to_vec();
    folder.publish(|| Ok(()))?;
    Ok(files)
}
