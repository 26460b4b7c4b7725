//! The folder of an edit: laid out like a run folder, with a row for each cell that was made or changed, and `edit.json`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::apply::{Outcome, State};
use super::field::Base;
use super::request::Edit;
use super::statistics::{CellRecord, write_cells};
use crate::failure::Failure;
use crate::kernels::second_difference_noise;
use crate::manifest::plain;
use crate::output::RunFolder;
use crate::result::{event_units, pyramid_description, to_raw, write_event_table, write_footprints, write_traces};
use crate::shelf::Trace;

/// Version of `edit.json`.
pub const FORMAT_VERSION: u32 = 1;

/// The part of `edit.json` that later edits read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EditFile {
    /// The run it belongs to.
    pub run_uuid: String,
    /// Cells it touched.
    pub cells: Vec<Entry>,
}

/// A cell an edit touched.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its row in the run.
    pub row: usize,
    /// What it is after the edit.
    pub state: State,
    /// Its row in this folder's arrays; absent when only the state changed.
    pub index: Option<usize>,
    /// It did not exist before.
    #[serde(default)]
    pub made: bool,
}

/// Writes an edit's folder under a temporary name and renames it to `target`; returns `edit.json`.
///
/// # Errors
/// `disk.full`, `disk.io`, `engine.bad_job` when the target exists.
pub fn write(base: &Base, edit: &Edit, outcome: &Outcome, target: &Path) -> Result<(PathBuf, Value), Failure> {
    let mut folder = RunFolder::create(target)?;
    let raw: Vec<_> = outcome.touched.iter().map(|t| to_raw(&t.cell.footprint, &base.grid)).collect();
    write_footprints(&mut folder, &raw, &base.grid)?;
    let frames = base.flags.len();
    let cells = || outcome.touched.iter().map(|t| &t.cell);
    for (name, traces, scaled) in [
        ("raw", cells().map(|c| c.raw.as_slice()).collect::<Vec<_>>(), true),
        ("denoised", cells().map(|c| c.denoised.as_slice()).collect(), true),
        ("deconvolved", cells().map(|c| c.deconvolved.as_slice()).collect(), true),
        ("dff", cells().map(|c| c.dff.as_slice()).collect(), false),
    ] {
        let scale = |k: usize| if scaled { raw[k].scale } else { 1.0 };
        write_traces(&mut folder, name, frames, traces.len(), |k| Ok(Cow::Borrowed(traces[k])), scale)?;
    }
    let events: Vec<_> = cells().map(|c| base.events(&c.raw, &c.denoised, &c.deconvolved, c.gamma)).collect();
    let units: Vec<_> = cells()
        .zip(&raw)
        .map(|(c, raw)| event_units(second_difference_noise(&c.raw), second_difference_noise(&c.dff), raw.scale))
        .collect();
    write_event_table(&mut folder, &events, &units, &base.times)?;
    let footprints: Vec<_> = cells().map(|c| c.footprint.clone()).collect();
    let projections: Vec<Trace> = cells().map(|c| c.projection.clone().into()).collect();
    let solved: Vec<Trace> = cells().map(|c| c.solved.clone().into()).collect();
    let records: Vec<CellRecord> = outcome
        .touched
        .iter()
        .zip(&raw)
        .map(|(t, raw)| CellRecord {
            gamma: t.cell.gamma,
            scale: raw.scale,
            seed_pnr: t.seed[0],
            seed_correlation: t.seed[1],
        })
        .collect();
    write_cells(&mut folder, &base.grid, frames, &footprints, [&projections, &solved], &records)?;
    let mut entries: Vec<Value> = Vec::new();
    for (index, (touched, raw)) in outcome.touched.iter().zip(&raw).enumerate() {
        let cell = &touched.cell;
        let [top, left, height, width] = raw.window;
        // A dark neighbour stays dark.
        let state = outcome.states.iter().find(|(row, _)| *row == cell.row).map(|s| s.1);
        let mut entry = json!({
            "row": cell.row,
            "state": state.unwrap_or(touched.state),
            "index": index,
            "made": touched.made,
            "centroid": { "y": plain(&raw.centroid[0]), "x": plain(&raw.centroid[1]) },
            "box": { "top": top, "left": left, "height": height, "width": width },
            "gamma": plain(&cell.gamma),
            "baseline": plain(&(cell.baseline * raw.scale)),
            "noise": plain(&(cell.noise * raw.scale)),
        });
        if let (Value::Object(entry), Value::Object(more)) = (&mut entry, plain(&touched.metrics)) {
            entry.extend(more);
        }
        entries.push(entry);
    }
    for (row, state) in &outcome.states {
        if outcome.touched.iter().all(|t| t.cell.row != *row) {
            entries.push(json!({ "row": row, "state": state, "index": null, "made": false }));
        }
    }
    let value = json!({
        "formatVersion": FORMAT_VERSION,
        "runUuid": base.run_uuid,
        "edit": plain(edit),
        "frames": frames,
        "pyramid": pyramid_description(frames),
        "cells": entries,
        "files": folder.files(),
    });
    folder.json("edit.json", &value)?;
    Ok((folder.publish(|| Ok(()))?, value))
}
