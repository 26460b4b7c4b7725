//! The frames of a film one after the other, whatever its decoder leaves out.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::ffmpeg::Decoder;
use crate::film::Film;
use crate::{FrameStatus, MediaError};

/// Decoders that end without a single frame, in a row, before the rest is given up.
const FRUITLESS: u32 = 3;

/// Frames of parts of a compressed film in order: every frame of every part comes exactly once, those that do not decode as unreadable.
pub(crate) struct Sequence {
    film: Arc<Film>,
    /// What is still to come; each part began at a key frame.
    parts: VecDeque<Range<usize>>,
    decoder: Option<Decoder>,
    /// Number of the decoded frame that waits in `held`.
    ahead: Option<usize>,
    held: Vec<u8>,
    /// Frames before this one depend on a frame that is missing.
    worthless_before: usize,
    fruitless: u32,
    /// The decoder has given a frame.
    fruitful: bool,
    /// The decoder runs from the film's beginning, since seeking failed.
    from_start: bool,
}

impl Sequence {
    /// Frames of these parts, each beginning at a key frame, in ascending order.
    pub(crate) fn new(film: &Arc<Film>, parts: Vec<Range<usize>>) -> Result<Self, MediaError> {
        Ok(Self {
            decoder: Some(film.decoder(parts.clone(), false)?),
            held: vec![0; film.frame_bytes()],
            film: Arc::clone(film),
            parts: parts.into(),
            ahead: None,
            worthless_before: 0,
            fruitless: 0,
            fruitful: false,
            from_start: false,
        })
    }

    /// The frame that comes next.
    pub(crate) fn position(&self) -> Option<usize> {
        self.parts.front().map(|part| part.start)
    }

    /// The next frame: its number and status; `out` keeps what it held if the frame is unreadable. None at the end.
    pub(crate) fn next(&mut self, out: &mut [u8]) -> Result<Option<(usize, FrameStatus)>, MediaError> {
        let Some(wanted) = self.position() else { return Ok(None) };
        let status = loop {
            match self.ahead {
                Some(frame) if frame == wanted && wanted >= self.worthless_before => {
                    out.copy_from_slice(&self.held);
                    break FrameStatus::Ok;
                }
                Some(frame) if frame == wanted => break FrameStatus::Unreadable,
                Some(frame) if frame > wanted => break self.missing(wanted),
                // Nothing decoded yet, or a frame on the way to the wanted one.
                _ => {
                    if !self.pull(wanted)? && !self.resume(wanted)? {
                        break self.missing(wanted);
                    }
                }
            }
        };
        self.advance();
        Ok(Some((wanted, status)))
    }

    /// Decodes one frame into `held`; false when there is no decoder or it has ended.
    fn pull(&mut self, wanted: usize) -> Result<bool, MediaError> {
        loop {
            let Some(decoder) = self.decoder.as_mut() else { return Ok(false) };
            let frame = decoder.next(&mut self.held).map_err(|source| MediaError::Io {
                path: self.film.path().display().to_string(),
                source,
            })?;
            let Some(frame) = frame else {
                self.decoder = None;
                return Ok(false);
            };
            let landed_late = !self.fruitful && frame > wanted && !self.film.chains() && !self.from_start;
            self.fruitful = true;
            if landed_late {
                // A container whose index leads behind the frame it was asked for.
                self.from_start = true;
                self.decoder = Some(self.film.decoder(Vec::new(), true)?);
                continue;
            }
            self.ahead = Some(frame);
            return Ok(true);
        }
    }

    /// Starts again at the next key frame after a decoder ended too early; false where that is of no use.
    fn resume(&mut self, wanted: usize) -> Result<bool, MediaError> {
        self.ahead = None;
        self.fruitless = if self.fruitful { 0 } else { self.fruitless + 1 };
        let Some(key) = self
            .film
            .key_after(wanted)
            .filter(|_| self.film.chains() && self.fruitless < FRUITLESS)
        else {
            return Ok(false);
        };
        let rest: Vec<Range<usize>> = self
            .parts
            .iter()
            .filter(|part| part.end > key)
            .map(|part| part.start.max(key)..part.end)
            .collect();
        if rest.is_empty() {
            return Ok(false);
        }
        self.fruitful = false;
        self.decoder = Some(self.film.decoder(rest, false)?);
        Ok(true)
    }

    fn missing(&mut self, wanted: usize) -> FrameStatus {
        if self.film.carries_state() {
            self.worthless_before = self.film.key_after(wanted).unwrap_or(usize::MAX);
        }
        FrameStatus::Unreadable
    }

    fn advance(&mut self) {
        if let Some(part) = self.parts.front_mut() {
            part.start += 1;
            if part.start >= part.end {
                self.parts.pop_front();
            }
        }
    }
}
