//! The films of one recording as one row of frames: streaming in order, and any frame by its number.

use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::Arc;

use crate::film::Film;
use crate::reader::FrameReader;
use crate::{Finding, MediaError};

/// Whether a frame's pixels are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameStatus {
    /// Decoded.
    Ok,
    /// It could not be decoded; the pixels are those of the frame before (zeros for the first).
    Unreadable,
}

/// How [`Recording::stream`] may spend.
#[derive(Clone, Copy, Debug)]
pub struct StreamOptions {
    /// Decoder processes at a time, at least 1.
    pub decoders: usize,
    /// Bytes of decoded frames that may exist at a time; two frames a decoder and one are the least.
    pub buffer_bytes: usize,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    /// Frames delivered.
    pub delivered: u64,
    /// Of these, frames that could not be decoded.
    pub unreadable: u64,
    /// The caller broke off.
    pub stopped: bool,
    /// The most bytes of decoded frames there were at a time.
    pub peak_bytes: usize,
}

/// The films of one recording, in order. All have one size.
pub struct Recording {
    pub(crate) films: Vec<Arc<Film>>,
    /// First frame of each film, and the total at the end.
    pub(crate) starts: Vec<u64>,
}

/// Told of each frame in order: its number, whether its pixels are its own, its `height × width` bytes. `Break` ends the stream.
pub type OnFrame<'a> = dyn FnMut(u64, FrameStatus, &[u8]) -> ControlFlow<()> + 'a;

impl Recording {
    /// Opens the films in the order given.
    ///
    /// # Errors
    /// Those of [`Film::open`]; films of different size; no film.
    pub fn open(paths: &[PathBuf]) -> Result<Self, MediaError> {
        let mut films: Vec<Arc<Film>> = Vec::with_capacity(paths.len());
        let mut starts = vec![0];
        for path in paths {
            let film = Film::open(path)?;
            if let Some(first) = films
                .first()
                .filter(|first| (first.width(), first.height()) != (film.width(), film.height()))
            {
                return Err(MediaError::SizeMismatch {
                    path: path.display().to_string(),
                    width: film.width(),
                    height: film.height(),
                    first_path: first.path().display().to_string(),
                    first_width: first.width(),
                    first_height: first.height(),
                });
            }
            starts.push(starts.last().copied().unwrap_or(0) + film.frames());
            films.push(Arc::new(film));
        }
        if films.is_empty() {
            return Err(MediaError::Empty {
                path: "the list of films".to_owned(),
            });
        }
        Ok(Self { films, starts })
    }

    /// The films.
    pub fn films(&self) -> impl Iterator<Item = &Film> {
        self.films.iter().map(AsRef::as_ref)
    }

    /// Frames of all films.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Width, px.
    #[must_use]
    pub fn width(&self) -> usize {
        self.films.first().map_or(0, |film| film.width())
    }

    /// Height, px.
    #[must_use]
    pub fn height(&self) -> usize {
        self.films.first().map_or(0, |film| film.height())
    }

    /// Findings of all films.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.films.iter().flat_map(|film| film.findings())
    }

    pub(crate) fn frame_bytes(&self) -> usize {
        self.width() * self.height()
    }

    /// Film and film-local frame of a frame.
    pub(crate) fn locate(&self, frame: u64) -> (usize, usize) {
        let film = self.starts.partition_point(|&start| start <= frame).saturating_sub(1);
        (film, usize::try_from(frame - self.starts[film]).unwrap_or(usize::MAX))
    }

    /// Frames that must be decoded in vain to reach `frame`: how far its key frame lies before it. What one frame costs at random.
    #[must_use]
    pub fn lead(&self, frame: u64) -> u64 {
        if frame >= self.frames() {
            return 0;
        }
        let (film, local) = self.locate(frame);
        (local - self.films[film].key_at(local)) as u64
    }

    /// Whether a frame anywhere costs no more than its [`Self::lead`]: the frames are bytes in the file, or one decoder is handed those that are needed. In
    /// other films each jump starts a decoder.
    #[must_use]
    pub fn jumps(&self) -> bool {
        self.films.iter().all(|film| film.is_raw() || film.chains())
    }

    /// Delivers the frames of `range` in order: number, status, `height × width` bytes. Compressed films are decoded by up to `decoders` processes on
    /// segments that begin at real key frames; `buffer_bytes` bounds what waits, whatever the caller's speed.
    ///
    /// # Errors
    /// The range is outside the recording, ffmpeg is missing, or the system failed. Frames that cannot be decoded are no error: see [`FrameStatus`].
    pub fn stream(&self, range: Range<u64>, options: &StreamOptions, on_frame: &mut OnFrame) -> Result<StreamEnd, MediaError> {
        if range.end > self.frames() {
            return Err(MediaError::OutOfRange {
                frame: range.end - 1,
                frames: self.frames(),
            });
        }
        crate::stream::run(self, range, options, on_frame)
    }

    /// A reader of single frames.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> FrameReader {
        FrameReader::new(self)
    }
}
