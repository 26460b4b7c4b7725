//! The tile cache: the registered film on the working grid, 8 bit, one file (or memory for small films), read again and again by later stages.
//!
//! Every pixel has its own offset (`mean0`) and all share one step, so that the 256 codes are spent on what changes and not on the standing
//! background: a step of a third of the noise costs nothing measurable (reference, analysis 3.4).
//!
//! Layout: chunks of [`CHUNK`] frames one after the other (the last may be shorter); in a chunk tiles of [`SIDE`] × `SIDE` pixels, row by row;
//! in a tile its pixels, row by row; at each pixel its codes of the chunk's frames, in order. So the whole grid over a stretch of time is one
//! sequential read, and a window over all frames reads little besides itself. The file holds nothing but codes: one byte a pixel and frame.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use crate::disk::{read_exact_at, write_all_at};
use crate::simd::dispatch;
use crate::types::StageError;

/// Frames of a chunk.
pub const CHUNK: usize = 128;
/// Rows and columns of a tile; those at the far edges may be smaller.
pub const SIDE: usize = 64;
/// The code of a pixel that equals its `mean0`.
const CENTRE: f32 = 128.0;

/// A rectangle of the working grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Window {
    /// Pixels.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }
}

/// Registered film on the working grid. A stored byte `q` at pixel `p` means `mean0[p] + step · (q − 128)` grey levels.
///
/// Frames are appended in order with [`TileCache::push`] and can be read back at once, also those not yet on disk.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct TileCache {
    height: usize,
    width: usize,
    mean0: Vec<f32>,
    step: f32,
    frames: usize,
    saturated: u64,
    /// Where whole chunks lie.
    #[serde(skip)]
    store: Store,
    /// Frames that are in the store; those in `tail` follow.
    written: usize,
    /// Frames of the chunk being filled, one after the other as they were pushed.
    #[serde(skip)]
    tail: Vec<u8>,
}

/// Chunks, in memory or in a file (with its name for messages).
enum Store {
    Memory(Vec<u8>),
    File(File, String),
}

impl Default for Store {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Store {
    fn write(&mut self, bytes: &[u8], offset: usize) -> Result<(), StageError> {
        match self {
            Self::Memory(all) => {
                all.truncate(offset);
                all.extend_from_slice(bytes);
                Ok(())
            }
            Self::File(file, name) => write_all_at(file, bytes, offset as u64).map_err(|source| failed("writing", name, source)),
        }
    }

    /// Calls `each` with `length` bytes from `offset` on; `buffer` is used where they must be copied.
    fn with(&self, offset: usize, length: usize, buffer: &mut Vec<u8>, each: impl FnOnce(&[u8])) -> Result<(), StageError> {
        match self {
            Self::Memory(all) => each(&all[offset..offset + length]),
            Self::File(file, name) => {
                if buffer.len() < length {
                    buffer.resize(length, 0);
                }
                let bytes = &mut buffer[..length];
                read_exact_at(file, bytes, offset as u64).map_err(|source| failed("reading", name, source))?;
                each(bytes);
            }
        }
        Ok(())
    }
}

fn failed(doing: &str, name: &str, source: std::io::Error) -> StageError {
    StageError::Io {
        context: format!("{doing} the tile cache {name}"),
        source,
    }
}

impl TileCache {
    /// An empty cache that lives in memory, for frames of `height × width` with the offsets `mean0` (`height · width` grey levels) and a
    /// quantisation `step > 0` in grey levels.
    ///
    /// # Errors
    /// [`StageError::Input`] `engine.cache-shape` when `mean0` has another length or the step is not a positive number.
    pub fn in_memory(height: usize, width: usize, mean0: Vec<f32>, step: f32) -> Result<Self, StageError> {
        if mean0.len() != height * width || mean0.is_empty() || !step.is_finite() || step <= 0.0 {
            return Err(StageError::Input {
                code: "engine.cache-shape",
                message: format!(
                    "a cache of {height}×{width} needs as many offsets and a positive step, not {} and {step}",
                    mean0.len()
                ),
            });
        }
        Ok(Self {
            height,
            width,
            mean0,
            step,
            frames: 0,
            saturated: 0,
            store: Store::default(),
            written: 0,
            tail: Vec::new(),
        })
    }

    /// Like [`TileCache::in_memory`], but the frames go to a new file at `path` (an old one is emptied).
    ///
    /// # Errors
    /// As `in_memory`, and [`StageError::Io`] when the file cannot be made.
    pub fn on_disk(path: &Path, height: usize, width: usize, mean0: Vec<f32>, step: f32) -> Result<Self, StageError> {
        let mut cache = Self::in_memory(height, width, mean0, step)?;
        let name = path.display().to_string();
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(|source| failed("creating", &name, source))?;
        cache.store = Store::File(file, name);
        Ok(cache)
    }

    /// Frames stored so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Bytes of the codes that are stored.
    pub fn bytes(&self) -> u64 {
        (self.written * self.mean0.len()) as u64
    }

    /// Rows of a frame.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of a frame.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The whole grid as a window.
    pub fn all(&self) -> Window {
        Window {
            top: 0,
            left: 0,
            height: self.height,
            width: self.width,
        }
    }

    /// Grey levels between two neighbouring codes.
    pub fn step(&self) -> f32 {
        self.step
    }

    /// Grey level of code 128 at each pixel, row-major.
    pub fn mean0(&self) -> &[f32] {
        &self.mean0
    }

    /// Values pushed so far that lay outside the 256 codes and were clipped.
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// Grey level of code `q` at pixel `p`.
    pub fn value(&self, p: usize, q: u8) -> f32 {
        self.mean0[p] + self.step * (f32::from(q) - CENTRE)
    }

    /// Appends one registered frame (`height · width` grey levels); values between two codes go to the nearer one.
    ///
    /// # Errors
    /// [`StageError::Input`] for a frame of another size, [`StageError::Io`] when the disk fails.
    pub fn push(&mut self, frame: &[f32]) -> Result<(), StageError> {
        let mut codes = vec![0; self.mean0.len()];
        let clipped = self.quantise(frame, &mut codes)?;
        self.push_codes(&codes, clipped)
    }

    /// Turns a registered frame into codes without storing it, so that workers can do it side by side; returns how many values were clipped.
    ///
    /// # Errors
    /// [`StageError::Input`] for a frame of another size.
    pub fn quantise(&self, frame: &[f32], codes: &mut [u8]) -> Result<u64, StageError> {
        self.check(frame.len())?;
        self.check(codes.len())?;
        Ok(quantise(frame, &self.mean0, self.step, codes))
    }

    /// Appends the codes of one frame (row-major) as [`TileCache::quantise`] made them.
    ///
    /// # Errors
    /// As [`TileCache::push`].
    pub fn push_codes(&mut self, codes: &[u8], clipped: u64) -> Result<(), StageError> {
        self.check(codes.len())?;
        if !self.written.is_multiple_of(CHUNK) {
            // The chunk was written before it was full: take it back.
            let first = self.written / CHUNK * CHUNK;
            let mut tail = Vec::new();
            self.read_block(first, self.written - first, &mut tail)?;
            (self.tail, self.written) = (tail, first);
        }
        self.tail.extend_from_slice(codes);
        self.frames += 1;
        self.saturated += clipped;
        if self.frames - self.written == CHUNK {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what is still held back to the store.
    ///
    /// # Errors
    /// [`StageError::Io`] when the disk fails.
    pub fn flush(&mut self) -> Result<(), StageError> {
        let count = self.frames - self.written;
        if count == 0 {
            return Ok(());
        }
        let chunk = self.chunk_of_tail(count);
        self.store.write(&chunk, self.written * self.mean0.len())?;
        self.written = self.frames;
        self.tail.clear();
        Ok(())
    }

    /// The frames held back, in the layout of a chunk.
    fn chunk_of_tail(&self, count: usize) -> Vec<u8> {
        let mut chunk = vec![0u8; self.tail.len()];
        // Bands of tiles follow one another in the chunk.
        chunk.par_chunks_mut(SIDE * self.width * count).enumerate().for_each(|(band, out)| {
            let top = band * SIDE;
            let rows = SIDE.min(self.height - top);
            let mut out = out;
            for left in (0..self.width).step_by(SIDE) {
                let columns = SIDE.min(self.width - left);
                for y in top..top + rows {
                    let (line, rest) = out.split_at_mut(columns * count);
                    for i in 0..count {
                        let codes = &self.tail[(i * self.height + y) * self.width + left..][..columns];
                        for (x, q) in codes.iter().enumerate() {
                            line[x * count + i] = *q;
                        }
                    }
                    out = rest;
                }
            }
        });
        chunk
    }

    /// Replaces `out` by the codes of frames `first … first + count − 1`, frame after frame (`count × height × width` bytes). Whole frames are
    /// not what the layout is made for: stages read windows.
    ///
    /// # Errors
    /// [`StageError::Input`] when there are not so many frames, [`StageError::Io`] when the disk fails.
    pub fn read_block(&self, first: usize, count: usize, out: &mut Vec<u8>) -> Result<(), StageError> {
        let (size, all) = (self.mean0.len(), self.all());
        self.range(first, count)?;
        out.clear();
        out.resize(count * size, 0);
        let mut codes = Vec::new();
        for from in (first..first + count).step_by(CHUNK) {
            let some = CHUNK.min(first + count - from);
            self.read_window(all, from..from + some, &mut codes)?;
            let out = &mut out[(from - first) * size..];
            for (p, row) in codes.chunks_exact(some).enumerate() {
                for (i, q) in row.iter().enumerate() {
                    out[i * size + p] = *q;
                }
            }
        }
        Ok(())
    }

    /// Replaces `out` by the codes of a window over a range of frames, pixel after pixel: `out[p · frames.len() + i]` is pixel `p` of the window
    /// (row-major) in frame `frames.start + i`.
    ///
    /// # Errors
    /// [`StageError::Input`] when there are not so many frames or the window leaves the grid, [`StageError::Io`] when the disk fails.
    pub fn read_window(&self, window: Window, frames: Range<usize>, out: &mut Vec<u8>) -> Result<(), StageError> {
        let count = frames.len();
        self.range(frames.start, count)?;
        if window.top + window.height > self.height || window.left + window.width > self.width {
            return Err(StageError::Input {
                code: "engine.cache-range",
                message: format!("{window:?} leaves the grid of {}×{}", self.height, self.width),
            });
        }
        out.clear();
        out.resize(window.pixels() * count, 0);
        let mut buffer = Vec::new();
        let mut first = frames.start;
        while first < frames.end.min(self.written) {
            let chunk = first / CHUNK * CHUNK;
            // Frames of the chunk, and those of them that are wanted.
            let length = CHUNK.min(self.written - chunk);
            let wanted = first - chunk..(frames.end - chunk).min(length);
            let at = first - frames.start;
            self.copy_chunk(window, chunk, length, wanted.clone(), (count, at), out, &mut buffer)?;
            first += wanted.len();
        }
        for t in first.max(self.written)..frames.end {
            let frame = &self.tail[(t - self.written) * self.mean0.len()..];
            for p in 0..window.pixels() {
                let (y, x) = (window.top + p / window.width, window.left + p % window.width);
                out[p * count + t - frames.start] = frame[y * self.width + x];
            }
        }
        Ok(())
    }

    /// Copies frames `wanted` (counted from the chunk's first) of a window out of one chunk of `length` frames. A pixel's row in `out` is
    /// `stride` long and the frames go to `at` and on.
    #[allow(clippy::too_many_arguments)]
    fn copy_chunk(
        &self,
        window: Window,
        chunk: usize,
        length: usize,
        wanted: Range<usize>,
        (stride, at): (usize, usize),
        out: &mut [u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), StageError> {
        let (bottom, right) = (window.top + window.height, window.left + window.width);
        for tile_top in (window.top / SIDE * SIDE..bottom).step_by(SIDE) {
            let rows = SIDE.min(self.height - tile_top);
            let (y0, y1) = (window.top.max(tile_top), bottom.min(tile_top + rows));
            for tile_left in (window.left / SIDE * SIDE..right).step_by(SIDE) {
                let columns = SIDE.min(self.width - tile_left);
                let (x0, x1) = (window.left.max(tile_left), right.min(tile_left + columns));
                let tile = tile_top * self.width + rows * tile_left;
                let pixel = |y: usize, x: usize| chunk * self.mean0.len() + (tile + (y - tile_top) * columns + x - tile_left) * length;
                // Most of a tile's width is read with what lies between; a narrow strip row by row.
                let runs = if 2 * (x1 - x0) >= columns { 1 } else { y1 - y0 };
                let tall = (y1 - y0) / runs;
                for run in 0..runs {
                    let from = y0 + run * tall;
                    let start = pixel(from, x0);
                    let end = pixel(from + tall - 1, x1 - 1) + length;
                    self.store.with(start, end - start, buffer, |bytes| {
                        for y in from..from + tall {
                            for x in x0..x1 {
                                let codes = &bytes[pixel(y, x) - start..][..length][wanted.clone()];
                                let p = (y - window.top) * window.width + x - window.left;
                                out[p * stride + at..][..codes.len()].copy_from_slice(codes);
                            }
                        }
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Name of the file the frames lie in; `None` while they are in memory.
    pub fn in_file(&self) -> Option<&str> {
        match &self.store {
            Store::Memory(_) => None,
            Store::File(_, name) => Some(name),
        }
    }

    /// Brings all frames into the file at `path` and on the disk; a cache that lies in another place stays there, a copy is made. What serde
    /// keeps of a cache besides is everything but its frames.
    ///
    /// # Errors
    /// [`StageError::Io`] when the disk fails.
    pub fn save(&mut self, path: &Path) -> Result<(), StageError> {
        self.flush()?;
        let own = path.display().to_string();
        let synced = || File::options().write(true).open(path)?.sync_all();
        match &self.store {
            Store::File(file, name) if *name == own => file.sync_all(),
            Store::File(_, name) => std::fs::copy(name, path).and_then(|_| synced()),
            Store::Memory(all) => std::fs::write(path, all).and_then(|()| synced()),
        }
        .map_err(|source| failed("writing", &own, source))
    }

    /// Gives a cache that serde brought back its frames: those of the file at `path`, which stays open, or a copy of them in memory.
    ///
    /// # Errors
    /// [`StageError::Io`] when the file cannot be read or does not hold so many frames.
    pub fn open(&mut self, path: &Path, in_memory: bool) -> Result<(), StageError> {
        let name = path.display().to_string();
        let bytes = (self.frames * self.mean0.len()) as u64;
        let open = || -> std::io::Result<Store> {
            let file = File::options().read(true).open(path)?;
            if file.metadata()?.len() != bytes {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if in_memory {
                return Ok(Store::Memory(std::fs::read(path)?));
            }
            Ok(Store::File(file, name.clone()))
        };
        self.store = open().map_err(|source| failed("opening", &name, source))?;
        self.tail = Vec::new();
        self.written = self.frames;
        Ok(())
    }

    /// The finished cache that another process left at `path`: `frames` frames of `height × width`.
    ///
    /// # Errors
    /// As [`TileCache::in_memory`] and [`TileCache::open`].
    pub fn of_file(path: &Path, [height, width]: [usize; 2], mean0: Vec<f32>, step: f32, frames: usize) -> Result<Self, StageError> {
        let mut cache = Self::in_memory(height, width, mean0, step)?;
        cache.frames = frames;
        cache.open(path, false)?;
        Ok(cache)
    }

    fn range(&self, first: usize, count: usize) -> Result<(), StageError> {
        if first.checked_add(count).is_some_and(|end| end <= self.frames) {
            return Ok(());
        }
        Err(StageError::Input {
            code: "engine.cache-range",
            message: format!("frames {first} + {count} were asked for, the cache holds {}", self.frames),
        })
    }

    fn check(&self, length: usize) -> Result<(), StageError> {
        if length == self.mean0.len() {
            return Ok(());
        }
        Err(StageError::Input {
            code: "engine.cache-shape",
            message: format!("a frame of {length} pixels was given to a cache of {}×{}", self.height, self.width),
        })
    }
}

dispatch! {
    fn quantise(frame: &[f32], mean0: &[f32], step: f32, codes: &mut [u8]) -> u64 = quantise_body
}

/// Nearest codes of `frame`; returns the number of values clipped. Not-a-number becomes the offset itself.
#[inline(always)]
fn quantise_body(frame: &[f32], mean0: &[f32], step: f32, codes: &mut [u8]) -> u64 {
    let inverse = 1.0 / step;
    let mut clipped = 0u32;
    for ((code, value), offset) in codes.iter_mut().zip(frame).zip(mean0) {
        // Half a code is added so that truncation rounds to the nearest; the comparisons keep the loop free of branches.
        let q = (value - offset) * inverse + (CENTRE + 0.5);
        let q = if q.is_nan() { CENTRE + 0.5 } else { q };
        clipped += u32::from(q < 0.0) + u32::from(q >= 256.0);
        *code = q.clamp(0.0, 255.0) as u8;
    }
    u64::from(clipped)
}

#[cfg(test)]
mod tests;
