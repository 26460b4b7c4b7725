//! Frames by number, in any order.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::MediaError;
use crate::film::Film;
use crate::recording::{FrameStatus, Recording};
use crate::sequence::Sequence;
use crate::waiting::WaitingDecoder;

/// Bytes of decoded frames a reader keeps, so that stepping back and to and fro is quick: 180 frames of 608 × 608 px.
const KEPT_BYTES: usize = 64 << 20;
/// Starting a decoder costs about as much as decoding so many frames.
const START_FRAMES: usize = 12;

struct Running {
    film: usize,
    sequence: Sequence,
}

struct Kept {
    frame: u64,
    status: FrameStatus,
    bytes: Vec<u8>,
}

/// The frames decoded last.
struct KeptFrames {
    frames: VecDeque<Kept>,
    capacity: usize,
}

impl KeptFrames {
    fn get(&self, frame: u64) -> Option<&Kept> {
        self.frames.iter().find(|kept| kept.frame == frame)
    }

    fn put(&mut self, frame: u64, status: FrameStatus, bytes: &[u8]) {
        // Read twice where the first way to it gave nothing: what was found out last holds.
        self.frames.retain(|kept| kept.frame != frame);
        if self.frames.len() >= self.capacity {
            self.frames.pop_front();
        }
        self.frames.push_back(Kept {
            frame,
            status,
            bytes: bytes.to_vec(),
        });
    }
}

/// Reads frames by number, in any order. Keeps a decoder running, so that playing forward costs one frame at a time and a jump no more than one group of
/// frames, and the frames decoded last, so that stepping back costs none.
pub struct FrameReader {
    recording: Arc<Recording>,
    waiting: WaitingDecoder,
    /// Reads what `waiting` gives nothing of.
    running: Option<Running>,
    kept: KeptFrames,
}

impl FrameReader {
    pub(crate) fn new(recording: &Arc<Recording>) -> Self {
        Self {
            kept: KeptFrames {
                capacity: (KEPT_BYTES / recording.frame_bytes().max(1)).max(2),
                frames: VecDeque::new(),
            },
            recording: Arc::clone(recording),
            waiting: WaitingDecoder::default(),
            running: None,
        }
    }

    /// The recording it reads.
    #[must_use]
    pub fn recording(&self) -> &Arc<Recording> {
        &self.recording
    }

    /// Fills `out` (`height × width` bytes) with frame `frame`. Of an unreadable frame the pixels are those of the last readable one before it that this
    /// decoding passed, zeros if there was none.
    ///
    /// # Errors
    /// The number is outside the recording, `out` has another length, or the system or ffmpeg failed.
    pub fn read(&mut self, frame: u64, out: &mut [u8]) -> Result<FrameStatus, MediaError> {
        let recording = Arc::clone(&self.recording);
        if frame >= recording.frames() {
            return Err(MediaError::OutOfRange {
                frame,
                frames: recording.frames(),
            });
        }
        if out.len() != recording.frame_bytes() {
            return Err(MediaError::BadBuffer {
                bytes: out.len(),
                frame_bytes: recording.frame_bytes(),
            });
        }
        let (film_index, local) = recording.locate(frame);
        let film = &recording.films[film_index];
        if film.is_raw() {
            return Ok(read_raw(film, local, out));
        }
        if let Some(kept) = self.kept.get(frame) {
            out.copy_from_slice(&kept.bytes);
            return Ok(kept.status);
        }
        let kept = &mut self.kept;
        let mut keep = |film: usize, local: usize, bytes: &[u8]| kept.put(recording.starts[film] + local as u64, FrameStatus::Ok, bytes);
        if self.waiting.read(&recording.films, (film_index, local), out, &mut keep)? {
            self.running = None;
            return Ok(FrameStatus::Ok);
        }
        let reached = self.running.take().filter(|running| {
            running.film == film_index
                && running
                    .sequence
                    .position()
                    .is_some_and(|next| next <= local && local - next <= local - film.key_at(local) + START_FRAMES)
        });
        self.running = Some(match reached {
            Some(running) => running,
            None => Running {
                film: film_index,
                sequence: Sequence::new(
                    film,
                    std::iter::once(film.key_at(local)..usize::try_from(film.frames()).unwrap_or(usize::MAX)).collect(),
                )?,
            },
        });
        self.run_to(frame, out)
    }

    /// Ends the decoders of a film that nobody looks at for now; the next frame starts one again.
    pub fn rest(&mut self) {
        self.waiting.rest();
        self.running = None;
    }

    /// Decodes on until `frame` is there, keeping what is passed.
    fn run_to(&mut self, frame: u64, out: &mut [u8]) -> Result<FrameStatus, MediaError> {
        out.fill(0);
        while let Some(running) = self.running.as_mut() {
            let start = self.recording.starts[running.film];
            let next = running.sequence.position().map(|local| start + local as u64);
            // An unreadable frame shows the one before it.
            if let Some(before) = next.and_then(|next| next.checked_sub(1)).and_then(|before| self.kept.get(before)) {
                out.copy_from_slice(&before.bytes);
            }
            let Some((local, status)) = running.sequence.next(out)? else {
                self.running = None;
                break;
            };
            let number = start + local as u64;
            self.kept.put(number, status, out);
            if number == frame {
                return Ok(status);
            }
        }
        Ok(FrameStatus::Unreadable)
    }
}

/// A frame that was cut short shows the last whole one before it.
fn read_raw(film: &Film, local: usize, out: &mut [u8]) -> FrameStatus {
    if film.copy_raw(local as u64, out) {
        return FrameStatus::Ok;
    }
    out.fill(0);
    let _ = (0..local).rev().any(|before| film.copy_raw(before as u64, out));
    FrameStatus::Unreadable
}
