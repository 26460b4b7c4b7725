//! The cells of a run as they stand after some edits, with what an edit needs of them. Traces stay on disk until they are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calyx_npy::{Csr, read, read_rows};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::apply::State;
use super::background::Background;
use super::statistics::{CellRecord, Geometry, valid_mean};
use super::write::EditFile;
use crate::deconvolve::breaks;
use crate::demix::clock_of;
use crate::demix::ring::Coarse;
use crate::events;
use crate::failure::Failure;
use crate::kernels::second_difference_noise;
use crate::rise::Rise;
use crate::types::{Event, Footprint, Grid};

/// `null` in JSON is not-a-number.
///
/// # Errors
/// The value is neither a number nor null.
pub fn null_is_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    Ok(Option::<f32>::deserialize(from)?.unwrap_or(f32::NAN))
}

/// What all edits of a run share; nothing in it ever changes.
pub struct Base {
    /// The run folder.
    pub folder: PathBuf,
    /// `run.json`'s uuid.
    pub run_uuid: String,
    /// The working grid.
    pub grid: Grid,
    /// Grey levels between two codes.
    pub step: f32,
    /// Diameter on the working grid.
    pub diameter: f32,
    /// Frames a second.
    pub fps: f64,
    /// The calcium's rise; none in runs of older engines.
    pub rise: Rise,
    /// Events add at least so many times the noise to the calcium.
    pub event_sigma: f32,
    /// Seconds, one a frame.
    pub times: Vec<f64>,
    /// `T` words of flag bits.
    pub flags: Vec<u32>,
    /// Frames since the first, where frames were lost.
    pub clock: Option<Vec<f64>>,
    /// Mean grey level of each grid pixel.
    pub levels: Vec<f32>,
    /// Grey level of code 128 at each grid pixel.
    pub offsets: Vec<f32>,
    /// White noise of each grid pixel.
    pub noise: Vec<f32>,
    /// The background.
    pub background: Background,
    cells: BTreeMap<usize, Cell>,
}

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Live, dark or gone.
    pub state: State,
    /// Footprint on the working grid, maximum 1, in its bounding box.
    pub footprint: Footprint,
    /// Decay, scale, seed.
    pub record: CellRecord,
    /// The run or edit folder its arrays lie in, and the row there.
    source: (PathBuf, usize),
}

impl Cell {
    fn rows(&self, file: &str) -> Result<Vec<f32>, Failure> {
        Ok(read_rows(&self.source.0.join(file), &[self.source.1])?.swap_remove(0))
    }

    /// The run or edit folder its arrays lie in, and the row there.
    pub fn source(&self) -> &(PathBuf, usize) {
        &self.source
    }

    /// What its filter finds in the film, `T`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn projection(&self) -> Result<Vec<f32>, Failure> {
        self.rows("statistics/projections.npy")
    }

    /// Its calcium in the solution of the neighbourhood, `T`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn solved(&self) -> Result<Vec<f32>, Failure> {
        self.rows("statistics/solved.npy")
    }
}

/// The cells by row.
pub struct Field {
    /// What never changes.
    pub base: Arc<Base>,
    /// By row of the run; cells made by edits follow those of the run.
    pub cells: BTreeMap<usize, Cell>,
}

fn middle_of_the_frame() -> f64 {
    crate::rise::LEAD
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    run_uuid: String,
    fps: f64,
    /// Absent in runs of older engines, which had no rise.
    #[serde(default)]
    rise_s: f64,
    /// Absent in runs of older engines, which took spikes to happen in the middle of their frames.
    #[serde(default = "middle_of_the_frame")]
    lead_frames: f64,
    #[serde(default)]
    parameters: RunParameters,
    files: Vec<File>,
}

/// Of a run's parameters, what edits need; runs of older engines list no events.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RunParameters {
    event_sigma: f32,
}

impl Default for RunParameters {
    fn default() -> Self {
        Self { event_sigma: 2.0 }
    }
}

#[derive(Deserialize)]
struct File {
    path: String,
}

#[derive(Deserialize)]
struct Records {
    cells: Vec<CellRecord>,
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::from_io(&format!("reading {}", path.display()), &error))?;
    serde_json::from_str(&text).map_err(|error| unreadable(path, &error.to_string()))
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::new(
        "disk.io",
        format!("{} is not as expected: {why}", path.display()),
        "Process the recording again.",
    )
}

/// A `Csr` of footprints on the grid as bounding boxes.
fn footprints(path: &Path, grid: &Grid) -> Result<Vec<Footprint>, Failure> {
    let matrix = Csr::read(path)?;
    if matrix.columns != grid.height * grid.width {
        return Err(unreadable(path, "its columns are not the pixels of the working grid"));
    }
    Ok((0..matrix.rows)
        .map(|k| boxed(&matrix.row(k).collect::<Vec<_>>(), grid.width))
        .collect())
}

/// Entries (pixel, value) as a footprint in its bounding box; none give one empty pixel.
pub fn boxed(entries: &[(usize, f32)], width: usize) -> Footprint {
    let rows = entries.iter().map(|(p, _)| p / width);
    let columns = entries.iter().map(|(p, _)| p % width);
    let (top, bottom) = (rows.clone().min().unwrap_or(0), rows.max().unwrap_or(0));
    let (left, right) = (columns.clone().min().unwrap_or(0), columns.max().unwrap_or(0));
    let mut out = Footprint {
        top,
        left,
        height: bottom - top + 1,
        width: right - left + 1,
        values: vec![0.0; (bottom - top + 1) * (right - left + 1)],
    };
    for (p, v) in entries {
        out.values[(p / width - top) * out.width + p % width - left] = *v;
    }
    out
}

impl Base {
    /// Events of a cell by the rule of the run (`events.rs`); the noise is measured on its raw trace, so that cells an edit made have theirs too. `gamma`: decay a frame.
    pub fn events(&self, raw: &[f32], denoised: &[f32], deconvolved: &[f32], gamma: f32) -> Vec<Event> {
        let apart = (events::APART_S * self.fps).round() as usize;
        let breaks = breaks(f64::from(gamma), self.clock.as_deref());
        let least = self.event_sigma * second_difference_noise(raw);
        events::find(denoised, deconvolved, least, apart, &breaks)
    }

    /// Reads a run folder.
    ///
    /// # Errors
    /// `review.edit_unsupported` for a run without the files edits need, `disk.io`.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let run: Run = json(&folder.join("run.json"))?;
        if !run.files.iter().any(|file| file.path == "background/geometry.json") {
            return Err(Failure::new(
                "review.edit_unsupported",
                "This run was made by an older version of Calyx and lacks what editing its cells needs.",
                "Process the recording again.",
            ));
        }
        let geometry: Geometry = json(&folder.join("background/geometry.json"))?;
        let grid = geometry.grid();
        let pixels = grid.height * grid.width;
        let image = |name: &str| -> Result<Vec<f32>, Failure> {
            let path = folder.join(name);
            let data = read::<f32>(&path)?.data;
            if data.len() == pixels {
                Ok(data)
            } else {
                Err(unreadable(&path, "it has not the pixels of the working grid"))
            }
        };
        let flags = read::<u32>(&folder.join("frame_flags.npy"))?.data;
        let times = read::<f64>(&folder.join("time.npy"))?.data;
        let courses = read::<f32>(&folder.join("background/courses.npy"))?.data;
        let coarse = Coarse::new(geometry.factor, grid.height, grid.width);
        let weights = Csr::read(&folder.join("background/weights.npz"))?;
        let shares = read::<f32>(&folder.join("background/shares.npy"))?.data;
        let fits = weights.rows == coarse.pixels()
            && weights.columns == coarse.pixels()
            && shares.len() == coarse.pixels() * geometry.courses
            && courses.len() == geometry.courses * flags.len()
            && times.len() == flags.len();
        if !fits || flags.is_empty() {
            return Err(unreadable(&folder.join("background"), "its arrays do not fit each other"));
        }
        let background = Background {
            coarse,
            weights,
            shares,
            courses: courses.chunks_exact(flags.len()).map(<[f32]>::to_vec).collect(),
            constant: image("background/constant.npy")?,
        };
        let mut base = Self {
            folder: folder.to_owned(),
            run_uuid: run.run_uuid,
            step: geometry.step,
            diameter: geometry.diameter_px / geometry.bin as f32,
            fps: run.fps,
            rise: Rise {
                frames: run.rise_s * run.fps,
                lead: run.lead_frames,
            },
            clock: clock_of(&flags, &times, run.fps),
            event_sigma: run.parameters.event_sigma,
            times,
            flags,
            levels: image("statistics/level.npy")?,
            offsets: image("background/offsets.npy")?,
            noise: image("statistics/noise.npy")?,
            background,
            grid,
            cells: BTreeMap::new(),
        };
        base.cells = base.cells_of(folder)?.into_iter().enumerate().collect();
        Ok(base)
    }

    /// The cells a run or edit folder holds, by its own rows.
    fn cells_of(&self, folder: &Path) -> Result<Vec<Cell>, Failure> {
        let records: Records = json(&folder.join("statistics/cells.json"))?;
        let footprints = footprints(&folder.join("statistics/footprints.npz"), &self.grid)?;
        if records.cells.len() != footprints.len() {
            return Err(unreadable(&folder.join("statistics"), "its files name different numbers of cells"));
        }
        Ok(footprints
            .into_iter()
            .zip(records.cells)
            .enumerate()
            .map(|(k, (footprint, record))| Cell {
                state: State::Live,
                footprint,
                record,
                source: (folder.to_owned(), k),
            })
            .collect())
    }
}

impl Field {
    /// The cells of a run after the edits in `layers` (their folders, oldest first; those taken back are left out).
    ///
    /// # Errors
    /// `disk.io` when a folder cannot be read or belongs to another run.
    pub fn new(base: Arc<Base>, layers: &[PathBuf]) -> Result<Self, Failure> {
        let mut cells = base.cells.clone();
        for layer in layers {
            let path = layer.join("edit.json");
            let file: EditFile = json(&path)?;
            if file.run_uuid != base.run_uuid {
                return Err(unreadable(&path, "it belongs to another run"));
            }
            let made = base.cells_of(layer)?;
            for entry in &file.cells {
                if let Some(index) = entry.index {
                    let mut cell = made
                        .get(index)
                        .cloned()
                        .ok_or_else(|| unreadable(&path, "it names an array row that is not there"))?;
                    cell.state = entry.state;
                    cells.insert(entry.row, cell);
                } else if let Some(cell) = cells.get_mut(&entry.row) {
                    cell.state = entry.state;
                }
            }
        }
        Ok(Self { base, cells })
    }

    /// A live cell.
    ///
    /// # Errors
    /// `review.unknown_cell`.
    pub fn live(&self, row: usize) -> Result<&Cell, Failure> {
        match self.cells.get(&row) {
            Some(cell) if cell.state == State::Live => Ok(cell),
            _ => Err(Failure::new(
                "review.unknown_cell",
                format!("There is no cell in row {row}; it may have been merged, split or deleted."),
                "Choose a cell that is shown.",
            )),
        }
    }

    /// Mean of a trace over the frames that count.
    pub fn mean(&self, trace: &[f32]) -> f32 {
        valid_mean(trace, &self.base.flags)
    }
}
