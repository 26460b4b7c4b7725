//! The tile cache: the registered film on the working grid, 8 bit, one file (or memory for small films), read again and again by later stages.
//!
//! Every pixel has its own offset (`mean0`) and all share one step, so that the 256 codes are spent on what changes and not on the standing
//! background: a step of a third of the noise costs nothing measurable (reference, analysis 3.4).

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use crate::simd::dispatch;
use crate::types::StageError;

/// Bytes gathered before they are written to the file.
const WRITE_BYTES: usize = 4 << 20;
/// The code of a pixel that equals its `mean0`.
const CENTRE: f32 = 128.0;

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
    /// The file and its name for messages; without one everything stays in `tail`.
    #[serde(skip)]
    file: Option<(File, String)>,
    /// Frames that are in the file; those in `tail` follow.
    written: usize,
    #[serde(skip)]
    tail: Vec<u8>,
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
            file: None,
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
            .map_err(|source| StageError::Io {
                context: format!("creating the tile cache {name}"),
                source,
            })?;
        cache.file = Some((file, name));
        Ok(cache)
    }

    /// Frames stored so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Rows of a frame.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of a frame.
    pub fn width(&self) -> usize {
        self.width
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

    /// Appends the codes of one frame as [`TileCache::quantise`] made them.
    ///
    /// # Errors
    /// As [`TileCache::push`].
    pub fn push_codes(&mut self, codes: &[u8], clipped: u64) -> Result<(), StageError> {
        self.check(codes.len())?;
        self.tail.extend_from_slice(codes);
        self.frames += 1;
        self.saturated += clipped;
        if self.file.is_some() && self.tail.len() >= WRITE_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what is still held back to the file; a cache in memory has nothing to do.
    ///
    /// # Errors
    /// [`StageError::Io`] when the disk fails.
    pub fn flush(&mut self) -> Result<(), StageError> {
        let Some((file, name)) = &self.file else { return Ok(()) };
        let offset = (self.written * self.mean0.len()) as u64;
        write_all_at(file, &self.tail, offset).map_err(|source| StageError::Io {
            context: format!("writing the tile cache {name}"),
            source,
        })?;
        self.written = self.frames;
        self.tail.clear();
        Ok(())
    }

    /// Replaces `out` by the codes of frames `first … first + count − 1`, frame after frame (`count × height × width` bytes).
    ///
    /// # Errors
    /// [`StageError::Input`] when there are not so many frames, [`StageError::Io`] when the disk fails.
    pub fn read_block(&self, first: usize, count: usize, out: &mut Vec<u8>) -> Result<(), StageError> {
        let size = self.mean0.len();
        let end = first
            .checked_add(count)
            .filter(|end| *end <= self.frames)
            .ok_or_else(|| StageError::Input {
                code: "engine.cache-range",
                message: format!("frames {first} + {count} were asked for, the cache holds {}", self.frames),
            })?;
        let on_disk = end.min(self.written).saturating_sub(first);
        out.clear();
        if let (Some((file, name)), true) = (&self.file, on_disk > 0) {
            out.resize(on_disk * size, 0);
            read_exact_at(file, out, (first * size) as u64).map_err(|source| StageError::Io {
                context: format!("reading the tile cache {name}"),
                source,
            })?;
        }
        let from = (first + on_disk - self.written.min(first + on_disk)) * size;
        out.extend_from_slice(&self.tail[from..from + (count - on_disk) * size]);
        Ok(())
    }

    /// Name of the file the frames lie in; `None` while they are in memory.
    pub fn in_file(&self) -> Option<&str> {
        self.file.as_ref().map(|(_, name)| name.as_str())
    }

    /// Brings all frames into the file at `path` and on the disk; a cache that lies in another place stays there, a copy is made. What serde
    /// keeps of a cache besides is everything but its frames.
    ///
    /// # Errors
    /// [`StageError::Io`] when the disk fails.
    pub fn save(&mut self, path: &Path) -> Result<(), StageError> {
        let failed = |source| StageError::Io {
            context: format!("writing the tile cache {}", path.display()),
            source,
        };
        self.flush()?;
        match &self.file {
            Some((file, name)) if *name == path.display().to_string() => file.sync_all().map_err(failed),
            Some((_, name)) => std::fs::copy(name, path)
                .and_then(|_| File::options().write(true).open(path)?.sync_all())
                .map_err(failed),
            None => File::create(path)
                .and_then(|mut file| file.write_all(&self.tail).and_then(|()| file.sync_all()))
                .map_err(failed),
        }
    }

    /// Gives a cache that serde brought back its frames: those of the file at `path`, which stays open, or a copy of them in memory.
    ///
    /// # Errors
    /// [`StageError::Io`] when the file cannot be read or does not hold so many frames.
    pub fn open(&mut self, path: &Path, in_memory: bool) -> Result<(), StageError> {
        let name = path.display().to_string();
        let bytes = (self.frames * self.mean0.len()) as u64;
        let open = || -> std::io::Result<(File, Vec<u8>)> {
            let mut file = File::options().read(true).open(path)?;
            if file.metadata()?.len() != bytes {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let mut tail = Vec::new();
            if in_memory {
                file.read_to_end(&mut tail)?;
            }
            Ok((file, tail))
        };
        let (file, tail) = open().map_err(|source| StageError::Io {
            context: format!("opening the tile cache {name}"),
            source,
        })?;
        self.tail = tail;
        (self.file, self.written) = if in_memory { (None, 0) } else { (Some((file, name)), self.frames) };
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

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if n == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[n..];
        offset += n as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[n..];
        offset += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame in which every pixel and every frame differ, with values between the codes.
    fn frame(t: usize, mean0: &[f32], step: f32) -> Vec<f32> {
        mean0
            .iter()
            .enumerate()
            .map(|(p, m)| m + step * (((p * 7 + t * 13) % 240) as f32 - 120.0 + 0.3))
            .collect()
    }

    fn offsets(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|p| 40.0 + p as f32 * 0.37).collect()
    }

    fn temporary(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("calyx-cache-{}-{name}", std::process::id()))
    }

    #[test]
    fn a_value_comes_back_within_half_a_step() {
        let (h, w, step) = (5, 9, 0.7);
        let mut cache = TileCache::in_memory(h, w, offsets(h, w), step).unwrap();
        for t in 0..20 {
            cache.push(&frame(t, &offsets(h, w), step)).unwrap();
        }
        let mut block = Vec::new();
        cache.read_block(3, 10, &mut block).unwrap();
        assert_eq!(block.len(), 10 * h * w);
        for t in 0..10 {
            for (p, wanted) in frame(t + 3, cache.mean0(), step).into_iter().enumerate() {
                assert!((cache.value(p, block[t * h * w + p]) - wanted).abs() <= 0.5 * step + 1e-4);
            }
        }
        assert_eq!((cache.frames(), cache.height(), cache.width(), cache.saturated()), (20, h, w, 0));
    }

    #[test]
    fn values_beyond_the_codes_are_clipped_and_counted() {
        let mut cache = TileCache::in_memory(1, 5, vec![100.0; 5], 0.5).unwrap();
        cache.push(&[100.0, 36.0, 35.5, 163.5, 164.0]).unwrap();
        let mut block = Vec::new();
        cache.read_block(0, 1, &mut block).unwrap();
        assert_eq!(block, [128, 0, 0, 255, 255]);
        assert_eq!(cache.saturated(), 2);
        cache.push(&[f32::NAN; 5]).unwrap();
        cache.read_block(1, 1, &mut block).unwrap();
        assert_eq!(block, [128; 5]);
    }

    #[test]
    fn the_file_holds_the_same_bytes_as_the_memory_whatever_was_flushed() {
        let (h, w, step) = (3, 7, 1.0);
        let path = temporary("same");
        let mut disk = TileCache::on_disk(&path, h, w, offsets(h, w), step).unwrap();
        let mut memory = TileCache::in_memory(h, w, offsets(h, w), step).unwrap();
        for t in 0..30 {
            disk.push(&frame(t, &offsets(h, w), step)).unwrap();
            memory.push(&frame(t, &offsets(h, w), step)).unwrap();
            if t == 10 || t == 17 {
                disk.flush().unwrap();
            }
        }
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for (first, count) in [(0, 30), (0, 18), (5, 20), (17, 2), (18, 12), (29, 1), (30, 0)] {
            disk.read_block(first, count, &mut a).unwrap();
            memory.read_block(first, count, &mut b).unwrap();
            assert_eq!(a, b, "{first} {count}");
        }
        disk.flush().unwrap();
        disk.read_block(0, 30, &mut a).unwrap();
        memory.read_block(0, 30, &mut b).unwrap();
        assert_eq!(a, b);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 30 * 21);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_saved_cache_comes_back_from_its_file_with_the_same_codes() {
        let (h, w, step) = (3, 7, 0.3);
        let (kept, copy) = (temporary("kept"), temporary("copy"));
        let mut disk = TileCache::on_disk(&kept, h, w, offsets(h, w), step).unwrap();
        let mut memory = TileCache::in_memory(h, w, offsets(h, w), step).unwrap();
        for t in 0..9 {
            disk.push(&frame(t, &offsets(h, w), step)).unwrap();
            memory.push(&frame(t, &offsets(h, w), step)).unwrap();
        }
        let mut wanted = Vec::new();
        memory.read_block(0, 9, &mut wanted).unwrap();
        for (cache, path) in [(&mut disk, &kept), (&mut memory, &copy)] {
            cache.save(path).unwrap();
            let bytes = postcard::to_stdvec(&*cache).unwrap();
            for in_memory in [true, false] {
                let mut back: TileCache = postcard::from_bytes(&bytes).unwrap();
                back.open(path, in_memory).unwrap();
                let mut codes = Vec::new();
                back.read_block(0, 9, &mut codes).unwrap();
                assert_eq!(
                    (back.frames(), back.step(), back.mean0(), &codes),
                    (9, step, &offsets(h, w)[..], &wanted)
                );
            }
        }
        disk.save(&copy).unwrap();
        assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&kept).unwrap());
        std::fs::write(&copy, b"cut").unwrap();
        assert!(disk.open(&copy, false).is_err());
        for path in [kept, copy] {
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn wrong_sizes_and_ranges_are_refused() {
        assert!(TileCache::in_memory(2, 2, vec![0.0; 3], 1.0).is_err());
        assert!(TileCache::in_memory(2, 2, vec![0.0; 4], 0.0).is_err());
        let mut cache = TileCache::in_memory(2, 2, vec![0.0; 4], 1.0).unwrap();
        assert!(cache.push(&[0.0; 5]).is_err());
        cache.push(&[0.0; 4]).unwrap();
        assert!(cache.read_block(1, 1, &mut Vec::new()).is_err());
        assert!(cache.read_block(usize::MAX, 2, &mut Vec::new()).is_err());
    }
}
