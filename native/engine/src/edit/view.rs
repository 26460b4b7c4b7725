//! A run's model beside its film, frame by frame, for looking at: cells, background, residual as bytes of the stored frame.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calyx_npy::read_header;

use super::apply::State;
use super::field::{Base, Field};
use crate::failure::Failure;
use crate::types::Footprint;

/// A byte of the cells' picture is half a grey level: a film of bytes has cells of at most some tens of them.
pub const CELLS_STEP: f32 = 0.5;
/// A byte of the residual is a quarter of a grey level, and 128 is none.
pub const RESIDUAL_STEP: f32 = 0.25;

/// One array of `K × T` values, read value by value.
struct Traces {
    file: File,
    start: u64,
    frames: u64,
}

impl Traces {
    fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: &std::io::Error| Failure::from_io(&format!("reading {}", path.display()), error);
        let count = read_header(path)?.count()? as u64;
        let frames = read_header(path)?.shape.last().copied().unwrap_or(0) as u64;
        let file = File::open(path).map_err(|error| failed(&error))?;
        let length = file.metadata().map_err(|error| failed(&error))?.len();
        let start = length.checked_sub(4 * count).ok_or_else(|| {
            Failure::new(
                "disk.io",
                format!("{} is shorter than its header says.", path.display()),
                "Process the recording again.",
            )
        })?;
        Ok(Self { file, start, frames })
    }

    fn at(&mut self, row: usize, t: usize) -> std::io::Result<f32> {
        let mut bytes = [0; 4];
        self.file
            .seek(SeekFrom::Start(self.start + 4 * (row as u64 * self.frames + t as u64)))?;
        self.file.read_exact(&mut bytes)?;
        Ok(f32::from_le_bytes(bytes))
    }
}

/// The model of a run after some edits.
pub struct View {
    field: Field,
    traces: BTreeMap<PathBuf, Traces>,
}

impl View {
    /// Opens a run folder and the folders of the edits that hold, oldest first.
    ///
    /// # Errors
    /// `review.edit_unsupported` for a run without `background/`, `disk.io`.
    pub fn open(folder: &Path, layers: &[PathBuf]) -> Result<Self, Failure> {
        let field = Field::new(Arc::new(Base::open(folder)?), layers)?;
        let mut traces = BTreeMap::new();
        for cell in field.cells.values() {
            let source = &cell.source().0;
            if !traces.contains_key(source) {
                traces.insert(source.clone(), Traces::open(&source.join("statistics/solved.npy"))?);
            }
        }
        Ok(Self { field, traces })
    }

    /// Frame `t` taken apart. `frame` holds the registered bytes of the stored frame; three pictures of its size come back one after the other: cells
    /// ([`CELLS_STEP`]), background (grey levels), residual ([`RESIDUAL_STEP`] about 128). Pixels that were cropped away are the film's own background.
    ///
    /// # Errors
    /// `disk.io`, `engine.internal` for a frame of another size.
    pub fn render(&mut self, frame: &[u8], t: usize) -> Result<Vec<u8>, Failure> {
        let base = &self.field.base;
        let grid = &base.grid;
        let size = grid.frame_height * grid.frame_width;
        if frame.len() != size || t >= base.flags.len() {
            return Err(Failure::new("engine.internal", "The frame is not one of this run.", ""));
        }
        let mut values: Vec<(&Footprint, f32, State)> = Vec::new();
        for cell in self.field.cells.values().filter(|cell| cell.state != State::Gone) {
            let (source, row) = cell.source();
            let Some(traces) = self.traces.get_mut(source) else { continue };
            let value = traces
                .at(*row, t)
                .map_err(|error| Failure::from_io("reading the cells' activity", &error))?;
            values.push((&cell.footprint, value, cell.state));
        }
        let explained: Vec<(&Footprint, f32)> = values.iter().map(|(a, c, _)| (*a, *c)).collect();
        let binned = self.field.base.binned(frame);
        let parts = base.background.render(&binned, t, &explained, grid.width);
        // Deleted cells explain light, but are not shown.
        let mut cells = vec![0.0f32; binned.len()];
        for (a, c, _) in values.iter().filter(|(_, _, state)| *state == State::Live) {
            super::statistics::add(&mut cells, a, grid.width, *c);
        }
        let mut out = vec![0u8; 3 * size];
        let (bright, rest) = out.split_at_mut(size);
        let (ground, residual) = rest.split_at_mut(size);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
        let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        for y in 0..grid.frame_height {
            for x in 0..grid.frame_width {
                let p = y * grid.frame_width + x;
                let inside = (y >= grid.top && x >= grid.left)
                    .then(|| ((y - grid.top) / grid.bin, (x - grid.left) / grid.bin))
                    .filter(|(v, u)| *v < grid.height && *u < grid.width);
                if let Some((v, u)) = inside {
                    let q = v * grid.width + u;
                    bright[p] = byte(cells[q] / CELLS_STEP);
                    ground[p] = byte(parts.background[q]);
                    residual[p] = byte(128.0 + parts.residual[q] / RESIDUAL_STEP);
                } else {
                    ground[p] = frame[p];
                    residual[p] = 128;
                }
            }
        }
        Ok(out)
    }
}

impl Base {
    /// A stored frame on the working grid: means of its blocks.
    fn binned(&self, frame: &[u8]) -> Vec<f32> {
        let grid = &self.grid;
        let mut out = Vec::with_capacity(grid.height * grid.width);
        for v in 0..grid.height {
            for u in 0..grid.width {
                let (top, left) = (grid.top + v * grid.bin, grid.left + u * grid.bin);
                let (mut sum, mut count) = (0.0f32, 0.0f32);
                for y in top..(top + grid.bin).min(grid.frame_height) {
                    for x in left..(left + grid.bin).min(grid.frame_width) {
                        sum += f32::from(frame[y * grid.frame_width + x]);
                        count += 1.0;
                    }
                }
                out.push(if count > 0.0 { sum / count } else { 0.0 });
            }
        }
        out
    }
}
