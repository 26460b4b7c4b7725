//! Where frames come from: films on disk, or frames in memory (films small enough to be held, and tests).

use std::ops::{ControlFlow, Range};
use std::path::PathBuf;

use calyx_media::{FrameStatus, Recording, StreamOptions};

use crate::types::StageError;

/// Called for each frame with its number, whether it could be decoded (else its pixels are those of the frame before) and its pixels.
pub type OnFrame<'a> = dyn FnMut(u64, bool, &[u8]) -> ControlFlow<()> + 'a;

/// One recording as 8-bit grey frames of one size.
pub trait Source: Send + Sync {
    /// Frames there are.
    fn frames(&self) -> u64;

    /// Height and width, px.
    fn size(&self) -> [usize; 2];

    /// What reaching `frame` at random costs, as a number of decoded frames.
    fn jump_cost(&self, frame: u64) -> u64 {
        let _ = frame;
        0
    }

    /// Hands over the frames of `range` in order until `on_frame` breaks off. May end before the range does when a film is cut short.
    ///
    /// # Errors
    /// Whatever keeps the films from being read at all.
    fn stream(&self, range: Range<u64>, on_frame: &mut OnFrame<'_>) -> Result<(), StageError>;
}

/// Starting a decoder somewhere in a film costs about as much as decoding so many frames.
const DECODER_START: u64 = 25;

/// The films of a recording.
pub struct Films {
    recording: Recording,
    options: StreamOptions,
}

impl Films {
    /// Opens films that follow one another; decoding takes up to `decoders` processes, and `buffer_bytes` of frames may wait.
    ///
    /// # Errors
    /// A film that is missing, broken, empty or of another size; no ffmpeg for one that needs it.
    pub fn open(paths: &[PathBuf], decoders: usize, buffer_bytes: usize) -> Result<Self, StageError> {
        Ok(Self {
            recording: Recording::open(paths)?,
            options: StreamOptions { decoders, buffer_bytes },
        })
    }
}

impl Source for Films {
    fn frames(&self) -> u64 {
        self.recording.frames()
    }

    fn size(&self) -> [usize; 2] {
        [self.recording.height(), self.recording.width()]
    }

    fn jump_cost(&self, frame: u64) -> u64 {
        self.recording.lead(frame) + DECODER_START
    }

    fn stream(&self, range: Range<u64>, on_frame: &mut OnFrame<'_>) -> Result<(), StageError> {
        self.recording.stream(range, &self.options, &mut |frame, status, pixels| {
            on_frame(frame, status == FrameStatus::Ok, pixels)
        })?;
        Ok(())
    }
}

/// Frames in memory.
pub struct Held {
    size: [usize; 2],
    pixels: Vec<u8>,
    readable: Vec<bool>,
}

impl Held {
    /// Frames one after the other in `pixels`, all readable.
    pub fn new(size: [usize; 2], pixels: Vec<u8>) -> Self {
        let frames = pixels.len() / (size[0] * size[1]).max(1);
        Self {
            size,
            pixels,
            readable: vec![true; frames],
        }
    }

    /// Reads the `range` of a source into memory; the first frame becomes frame 0. `tick` is called for each frame and may break off.
    ///
    /// # Errors
    /// As [`Source::stream`].
    pub fn read(source: &dyn Source, range: Range<u64>, tick: &mut dyn FnMut() -> ControlFlow<()>) -> Result<Self, StageError> {
        let size = source.size();
        let count = (range.end - range.start) as usize;
        let mut held = Self {
            size,
            pixels: Vec::with_capacity(count * size[0] * size[1]),
            readable: Vec::with_capacity(count),
        };
        source.stream(range, &mut |_, readable, pixels| {
            held.pixels.extend_from_slice(pixels);
            held.readable.push(readable);
            tick()
        })?;
        Ok(held)
    }
}

impl Source for Held {
    fn frames(&self) -> u64 {
        self.readable.len() as u64
    }

    fn size(&self) -> [usize; 2] {
        self.size
    }

    fn stream(&self, range: Range<u64>, on_frame: &mut OnFrame<'_>) -> Result<(), StageError> {
        let length = self.size[0] * self.size[1];
        for frame in range.start..range.end.min(self.frames()) {
            let i = frame as usize;
            if on_frame(frame, self.readable[i], &self.pixels[i * length..(i + 1) * length]).is_break() {
                break;
            }
        }
        Ok(())
    }
}
