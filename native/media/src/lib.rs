//! Films in and out: AVI, raw frames, ffmpeg pipes. Used by the engine directly, and through the binding by the media process.
//!
//! What lives here: containers, key frames, decoding to 8-bit grey, any frame by its number, and the writer of films being recorded. What does not: time stamps, metadata and CSV
//! (`main/sessions`), and anything that looks at the pixels.
#![deny(unsafe_op_in_unsafe_fn)]

mod avi;
mod avi_writer;
mod error;
mod ffmpeg;
mod ffv1_encoder;
mod film;
mod film_recorder;
#[cfg(test)]
mod mutations;
mod reader;
mod recording;
mod sequence;
mod stream;
mod waiting;

pub use avi_writer::{AviWriter, Codec};
pub use error::MediaError;
pub use film::Film;
pub use film_recorder::{FilmRecorder, NotTaken, RING, RecordOptions, RecordStats, WrittenFile};
pub use reader::FrameReader;
pub use recording::{FrameStatus, OnFrame, Recording, StreamEnd, StreamOptions};

/// A remark about a film: what was noticed on opening it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// `domain.reason`.
    pub code: &'static str,
    /// One sentence with the numbers.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(code: &'static str, message: String) -> Self {
        Self { code, message }
    }
}
