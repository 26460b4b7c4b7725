//! What a run leaves besides its result so that any frame can be rendered and cells be edited: `background/` and `statistics/`.

use calyx_npy::{Csr, Dtype};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::background::Background;
use crate::demix::Demixed;
use crate::failure::Failure;
use crate::kernels::axpy;
use crate::manifest::plain;
use crate::output::RunFolder;
use crate::shelf::Trace;
use crate::types::{Components, Footprint, Grid, Registered, StageError};

/// Version of `statistics/cells.json` and `background/geometry.json`.
pub const FORMAT_VERSION: u32 = 1;

/// The parts of the model that the result itself does not hold.
pub struct Statistics {
    /// Its courses stand beside it.
    background: Background,
    /// Shared courses, `R × T`.
    courses: Vec<Trace>,
    /// Mean grey level of each grid pixel over the frames that count.
    levels: Vec<f32>,
    /// White noise of each grid pixel, grey levels.
    noise: Vec<f32>,
    /// What each cell's filter finds in the film, `K × T`.
    projections: Vec<Trace>,
    /// Calcium as the last solution of all cells had it, `K × T`.
    solved: Vec<Trace>,
    seeds: Vec<[f32; 2]>,
}

/// `background/geometry.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Geometry {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Raw pixels per grid pixel.
    pub bin: usize,
    /// Rows of the working grid.
    pub height: usize,
    /// Columns of the working grid.
    pub width: usize,
    /// Rows of the stored frame.
    pub frame_height: usize,
    /// Columns of the stored frame.
    pub frame_width: usize,
    /// First raw row of the grid; 0 but for a crop.
    #[serde(default)]
    pub top: usize,
    /// First raw column of the grid.
    #[serde(default)]
    pub left: usize,
    /// Grid pixels per coarse pixel.
    pub factor: usize,
    /// Rows of the coarse grid.
    pub coarse_height: usize,
    /// Columns of the coarse grid.
    pub coarse_width: usize,
    /// Shared courses, `R`.
    pub courses: usize,
    /// Grey levels between two codes of the tile cache.
    pub step: f32,
    /// Neuron diameter that was used, raw px.
    pub diameter_px: f32,
}

impl Geometry {
    /// The working grid.
    pub fn grid(&self) -> Grid {
        Grid {
            bin: self.bin,
            height: self.height,
            width: self.width,
            frame_height: self.frame_height,
            frame_width: self.frame_width,
            top: self.top,
            left: self.left,
        }
    }
}

/// One cell of `statistics/cells.json`, in grid units.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellRecord {
    /// Decay a frame.
    pub gamma: f32,
    /// What the traces on disk were multiplied by against those of the grid.
    pub scale: f32,
    /// Peak to noise at the seed, not-a-number for cells made by hand.
    #[serde(deserialize_with = "crate::edit::field::null_is_nan")]
    pub seed_pnr: f32,
    /// Correlation at the seed.
    #[serde(deserialize_with = "crate::edit::field::null_is_nan")]
    pub seed_correlation: f32,
}

impl Statistics {
    /// Taken from what the stage `demix` leaves; `film` is the one it worked on.
    ///
    /// # Errors
    /// A trace cannot be read.
    pub fn new(demixed: Demixed, film: &Registered) -> Result<Self, StageError> {
        let levels = demixed.survey.levels(film);
        let mut constant = levels.clone();
        for c in &demixed.components {
            let mean = valid_mean(&c.trace.all()?, &film.flags);
            add(&mut constant, &c.footprint, film.grid.width, -mean);
        }
        Ok(Self {
            background: Background::new(&demixed.weights, Vec::new(), constant),
            courses: demixed.projected.courses,
            noise: demixed.survey.noise.clone(),
            levels,
            projections: demixed.projected.rows,
            seeds: demixed.components.iter().map(|c| [c.seed_pnr, c.seed_correlation]).collect(),
            solved: demixed.components.into_iter().map(|c| c.trace).collect(),
        })
    }

    /// Writes both folders.
    ///
    /// # Errors
    /// `disk.full`, `disk.io`.
    pub fn write(&self, folder: &mut RunFolder, film: &Registered, components: &Components, scales: &[f32]) -> Result<(), Failure> {
        let (grid, frames) = (&film.grid, film.flags.len());
        let size = [grid.height, grid.width];
        let b = &self.background;
        folder.json(
            "background/geometry.json",
            &plain(&Geometry {
                format_version: FORMAT_VERSION,
                bin: grid.bin,
                height: grid.height,
                width: grid.width,
                frame_height: grid.frame_height,
                frame_width: grid.frame_width,
                top: grid.top,
                left: grid.left,
                factor: b.coarse.factor,
                coarse_height: b.coarse.height,
                coarse_width: b.coarse.width,
                courses: self.courses.len(),
                step: film.cache.step(),
                diameter_px: film.diameter_px,
            }),
        )?;
        let coarse = b.coarse.pixels();
        folder.bytes(
            "background/weights.npz",
            &b.weights.to_bytes()?,
            Some((Dtype::F32, &[coarse, coarse])),
        )?;
        folder.array("background/shares.npy", &[coarse, self.courses.len()], &b.shares)?;
        folder.rows("background/courses.npy", frames, self.courses.iter().map(Trace::all))?;
        folder.array("background/constant.npy", &size, &b.constant)?;
        folder.array("background/offsets.npy", &size, film.cache.mean0())?;
        folder.array("statistics/level.npy", &size, &self.levels)?;
        folder.array("statistics/noise.npy", &size, &self.noise)?;
        write_cells(
            folder,
            grid,
            frames,
            &components.footprints,
            [&self.projections, &self.solved],
            &(0..scales.len())
                .map(|k| CellRecord {
                    gamma: components.gamma[k],
                    scale: scales[k],
                    seed_pnr: self.seeds[k][0],
                    seed_correlation: self.seeds[k][1],
                })
                .collect::<Vec<_>>(),
        )
    }
}

/// Writes the part of `statistics/` that has a row a cell: footprints on the working grid, projections and solved traces, `cells.json`.
///
/// # Errors
/// `disk.full`, `disk.io`.
pub fn write_cells(
    folder: &mut RunFolder,
    grid: &Grid,
    frames: usize,
    footprints: &[Footprint],
    [projections, solved]: [&[Trace]; 2],
    records: &[CellRecord],
) -> Result<(), Failure> {
    let mut matrix = Csr::new(grid.height * grid.width);
    for a in footprints {
        let at = |i: usize| (a.top + i / a.width) * grid.width + a.left + i % a.width;
        matrix.push_row(a.values.iter().enumerate().filter(|(_, v)| **v > 0.0).map(|(i, v)| (at(i), *v)));
    }
    let shape = [matrix.rows, matrix.columns];
    folder.bytes("statistics/footprints.npz", &matrix.to_bytes()?, Some((Dtype::F32, &shape)))?;
    folder.rows("statistics/projections.npy", frames, projections.iter().map(Trace::all))?;
    folder.rows("statistics/solved.npy", frames, solved.iter().map(Trace::all))?;
    folder.json(
        "statistics/cells.json",
        &json!({ "formatVersion": FORMAT_VERSION, "cells": plain(&records) }),
    )
}

/// Mean of a trace over the frames that are not masked; 0 where there are none.
pub fn valid_mean(trace: &[f32], flags: &[u32]) -> f32 {
    let (mut sum, mut n) = (0.0f64, 0u32);
    for (v, _) in trace.iter().zip(flags).filter(|(_, f)| **f & crate::types::flag::MASKED == 0) {
        sum += f64::from(*v);
        n += 1;
    }
    (sum / f64::from(n.max(1))) as f32
}

/// `image += weight · footprint` on a grid `width` wide.
pub fn add(image: &mut [f32], a: &Footprint, width: usize, weight: f32) {
    for (y, row) in a.values.chunks_exact(a.width.max(1)).enumerate() {
        axpy(&mut image[(a.top + y) * width + a.left..][..a.width], weight, row);
    }
}
