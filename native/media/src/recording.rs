//! The films of one recording as one row of frames: streaming in order, and any frame by its number.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use crate::ffmpeg::Decoder;
use crate::film::{Access, Film};
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
    /// Bytes of decoded frames that may wait.
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
}

/// The films of one recording, in order. All have one size.
pub struct Recording {
    films: Vec<Arc<Film>>,
    /// First frame of each film, and the total at the end.
    starts: Vec<u64>,
}

/// Frames of one part of one film.
#[derive(Clone, Debug)]
struct Segment {
    film: usize,
    /// Where decoding begins (a key frame).
    key: usize,
    /// Frames delivered, film-local.
    frames: Range<usize>,
}

/// Some frames of a segment in order.
struct Block {
    bytes: Vec<u8>,
    status: Vec<FrameStatus>,
}

/// What a decoding thread sends.
type Message = Result<Block, MediaError>;

/// Something that one thread takes.
type Slot<T> = Mutex<Option<T>>;

/// Told of each frame in order: its number, whether its pixels are its own, its `height × width` bytes. `Break` ends the stream.
pub type OnFrame<'a> = dyn FnMut(u64, FrameStatus, &[u8]) -> ControlFlow<()> + 'a;

/// Frames that travel together between a decoder and the caller.
const BLOCK_FRAMES: usize = 16;

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

    fn frame_bytes(&self) -> usize {
        self.width() * self.height()
    }

    /// Film and film-local frame of a frame.
    fn locate(&self, frame: u64) -> (usize, usize) {
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

    /// Delivers the frames of `range` in order: number, status, `height × width` bytes. Compressed films are decoded by up to `decoders` processes on
    /// segments that begin at real key frames.
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
        let decoders = options.decoders.max(1);
        let wait_blocks = (options.buffer_bytes / (decoders + 1) / (BLOCK_FRAMES * self.frame_bytes().max(1))).max(2);
        let segments = self.segments(range, wait_blocks * BLOCK_FRAMES);
        let mut end = StreamEnd {
            delivered: 0,
            unreadable: 0,
            stopped: false,
        };
        let mut last = vec![0u8; self.frame_bytes()];
        let (senders, receivers): (Vec<_>, Vec<_>) = segments.iter().map(|_| sync_channel::<Message>(wait_blocks)).unzip();
        let senders: Vec<Slot<SyncSender<Message>>> = senders.into_iter().map(|sender| Mutex::new(Some(sender))).collect();
        let receivers: Vec<Slot<Receiver<Message>>> = receivers.into_iter().map(|receiver| Mutex::new(Some(receiver))).collect();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..decoders.min(segments.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(segment) = segments.get(index) else { return };
                        let Some(sender) = senders[index].lock().ok().and_then(|mut slot| slot.take()) else {
                            return;
                        };
                        if let Err(error) = self.decode_segment(segment, &sender) {
                            let _ = sender.send(Err(error));
                        }
                    }
                });
            }
            let result = self.deliver(&segments, &receivers, &mut last, &mut end, on_frame);
            // Waiting decoders see their receivers gone and end.
            next.store(segments.len(), Ordering::Relaxed);
            for slot in &receivers {
                drop(slot.lock().ok().and_then(|mut receiver| receiver.take()));
            }
            result
        })?;
        Ok(end)
    }

    fn deliver(
        &self,
        segments: &[Segment],
        receivers: &[Slot<Receiver<Message>>],
        last: &mut [u8],
        end: &mut StreamEnd,
        on_frame: &mut OnFrame,
    ) -> Result<(), MediaError> {
        let size = self.frame_bytes();
        for (segment, slot) in segments.iter().zip(receivers) {
            let Some(receiver) = slot.lock().ok().and_then(|mut receiver| receiver.take()) else {
                continue;
            };
            let mut frame = self.starts[segment.film] + segment.frames.start as u64;
            for message in receiver {
                let block = message?;
                for (bytes, &status) in block.bytes.chunks_exact(size).zip(&block.status) {
                    match status {
                        FrameStatus::Ok => last.copy_from_slice(bytes),
                        FrameStatus::Unreadable => end.unreadable += 1,
                    }
                    end.delivered += 1;
                    if on_frame(frame, status, last).is_break() {
                        end.stopped = true;
                        return Ok(());
                    }
                    frame += 1;
                }
            }
        }
        Ok(())
    }

    /// Cuts a range into parts of about `target` frames that begin at key frames.
    fn segments(&self, range: Range<u64>, target: usize) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut frame = range.start;
        while frame < range.end {
            let (film_index, local) = self.locate(frame);
            let film = &self.films[film_index];
            let film_end = usize::try_from(range.end.min(self.starts[film_index + 1]) - self.starts[film_index]).unwrap_or(usize::MAX);
            let key = film.key_at(local);
            let end = match &film.access {
                Access::Timed { .. } => film_end,
                Access::Raw { .. } => film_end.min(local + target),
                Access::Packets { keys, .. } => {
                    let first_far = keys.partition_point(|&start| start <= local.saturating_add(target));
                    let last_near = keys[..first_far].last().copied().filter(|&start| start > local);
                    let next = last_near.or_else(|| keys.get(first_far).copied());
                    next.map_or(film_end, |start| start.min(film_end))
                }
            };
            segments.push(Segment {
                film: film_index,
                key,
                frames: local..end,
            });
            frame = self.starts[film_index] + end as u64;
        }
        segments
    }

    /// Decodes one segment and sends its frames; returns early when nobody listens any more.
    fn decode_segment(&self, segment: &Segment, sender: &SyncSender<Message>) -> Result<(), MediaError> {
        let film = &self.films[segment.film];
        if let Access::Raw { .. } = &film.access {
            return self.send_raw(film, segment, sender);
        }
        let sent = self.send_decoded(film, segment.key, segment.frames.clone(), segment.frames.end, sender)?;
        let Some(sent) = sent else { return Ok(()) };
        // Fewer frames than there should be: something in the segment does not decode.
        self.send_missing(segment.frames.start + sent..segment.frames.end, sender);
        Ok(())
    }

    fn send_raw(&self, film: &Film, segment: &Segment, sender: &SyncSender<Message>) -> Result<(), MediaError> {
        let size = self.frame_bytes();
        for first in segment.frames.clone().step_by(BLOCK_FRAMES) {
            let count = BLOCK_FRAMES.min(segment.frames.end - first);
            let mut block = Block {
                bytes: vec![0; count * size],
                status: Vec::with_capacity(count),
            };
            for (offset, out) in block.bytes.chunks_exact_mut(size).enumerate() {
                let whole = film.copy_raw((first + offset) as u64, out);
                block.status.push(if whole { FrameStatus::Ok } else { FrameStatus::Unreadable });
            }
            if sender.send(Ok(block)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Decodes from `key`, delivers `frames`, and returns how many were delivered; `None` when the caller is gone. A group of pictures that gives fewer frames
    /// than it has packets is found by decoding groups one by one, so that later frames keep their numbers.
    fn send_decoded(
        &self,
        film: &Film,
        key: usize,
        frames: Range<usize>,
        packets_end: usize,
        sender: &SyncSender<Message>,
    ) -> Result<Option<usize>, MediaError> {
        let size = self.frame_bytes();
        let io = |source| MediaError::Io {
            path: film.path().display().to_string(),
            source,
        };
        let mut decoder = film.decoder(key, packets_end)?;
        let skip = if matches!(film.access, Access::Packets { .. }) {
            frames.start - key
        } else {
            0
        };
        let mut scratch = vec![0; size];
        for _ in 0..skip {
            if !decoder.next(&mut scratch).map_err(io)? {
                return Ok(Some(0));
            }
        }
        let by_groups = self.splittable(film, key, packets_end);
        let mut held: Vec<Block> = Vec::new();
        let mut done = 0;
        while done < frames.len() {
            let count = BLOCK_FRAMES.min(frames.len() - done);
            let mut bytes = vec![0; count * size];
            let mut got = 0;
            while got < count && decoder.next(&mut bytes[got * size..(got + 1) * size]).map_err(io)? {
                got += 1;
            }
            bytes.truncate(got * size);
            done += got;
            held.push(Block {
                bytes,
                status: vec![FrameStatus::Ok; got],
            });
            if got < count {
                break;
            }
            if !by_groups {
                for block in held.drain(..) {
                    if sender.send(Ok(block)).is_err() {
                        return Ok(None);
                    }
                }
            }
        }
        if done < frames.len() && by_groups {
            drop(decoder);
            return self.send_groups(film, key, frames, packets_end, sender);
        }
        for block in held {
            if sender.send(Ok(block)).is_err() {
                return Ok(None);
            }
        }
        if done == 0 && key == 0 && frames.start == 0 {
            let said = decoder.complaint();
            let reason = said.lines().next().unwrap_or("no frame could be decoded").to_owned();
            return Err(MediaError::Unreadable {
                path: film.path().display().to_string(),
                reason,
            });
        }
        Ok(Some(done))
    }

    /// A segment of several groups of pictures is held until it is known to be whole.
    fn splittable(&self, film: &Film, key: usize, end: usize) -> bool {
        matches!(&film.access, Access::Packets { keys, .. } if keys.iter().any(|&other| other > key && other < end))
    }

    fn send_groups(
        &self,
        film: &Film,
        key: usize,
        frames: Range<usize>,
        end: usize,
        sender: &SyncSender<Message>,
    ) -> Result<Option<usize>, MediaError> {
        let Access::Packets { keys, .. } = &film.access else {
            return Ok(Some(0));
        };
        let mut bounds: Vec<usize> = keys.iter().copied().filter(|&start| start >= key && start < end).collect();
        bounds.push(end);
        for group in bounds.windows(2) {
            let wanted = group[0].max(frames.start)..group[1].min(frames.end);
            if wanted.is_empty() {
                continue;
            }
            let Ok(Some(sent)) = self.send_decoded(film, group[0], wanted.clone(), group[1], sender) else {
                self.send_missing(wanted, sender);
                continue;
            };
            self.send_missing(wanted.start + sent..wanted.end, sender);
        }
        Ok(Some(frames.len()))
    }

    fn send_missing(&self, frames: Range<usize>, sender: &SyncSender<Message>) {
        for _ in frames {
            let block = Block {
                bytes: vec![0; self.frame_bytes()],
                status: vec![FrameStatus::Unreadable],
            };
            if sender.send(Ok(block)).is_err() {
                return;
            }
        }
    }

    /// A reader of single frames.
    #[must_use]
    pub fn reader(self: &Arc<Self>) -> FrameReader {
        FrameReader {
            recording: Arc::clone(self),
            running: None,
            recent: VecDeque::new(),
        }
    }
}

/// Frames kept by a reader, so that stepping back is quick.
const RECENT_FRAMES: usize = 96;
/// A frame this far ahead is reached by decoding on; farther ones by a new decoder at a key frame.
const RUN_ON: usize = 60;

struct Running {
    film: usize,
    /// The film-local frame the decoder delivers next.
    next: usize,
    decoder: Decoder,
}

/// Reads frames by number, in any order. Keeps a decoder running, so that playing forward costs one frame at a time.
pub struct FrameReader {
    recording: Arc<Recording>,
    running: Option<Running>,
    recent: VecDeque<(u64, FrameStatus, Vec<u8>)>,
}

impl FrameReader {
    /// Fills `out` (`height × width` bytes) with frame `frame`.
    ///
    /// # Errors
    /// The number is outside the recording, or the system or ffmpeg failed.
    pub fn read(&mut self, frame: u64, out: &mut [u8]) -> Result<FrameStatus, MediaError> {
        let recording = Arc::clone(&self.recording);
        if frame >= recording.frames() {
            return Err(MediaError::OutOfRange {
                frame,
                frames: recording.frames(),
            });
        }
        let (film_index, local) = recording.locate(frame);
        let film = &recording.films[film_index];
        if let Access::Raw { .. } = film.access {
            let whole = film.copy_raw(local as u64, out);
            return Ok(if whole { FrameStatus::Ok } else { FrameStatus::Unreadable });
        }
        if let Some((_, status, bytes)) = self.recent.iter().find(|(number, _, _)| *number == frame) {
            out.copy_from_slice(bytes);
            return Ok(*status);
        }
        let reachable = self
            .running
            .as_ref()
            .is_some_and(|running| running.film == film_index && running.next <= local && local - running.next <= RUN_ON);
        if !reachable {
            let key = film.key_at(local);
            let end = usize::try_from(film.frames()).unwrap_or(usize::MAX);
            self.running = Some(Running {
                film: film_index,
                next: key,
                decoder: film.decoder(key, end)?,
            });
        }
        self.run_to(&recording, film_index, local, out)
    }

    fn run_to(&mut self, recording: &Recording, film_index: usize, local: usize, out: &mut [u8]) -> Result<FrameStatus, MediaError> {
        let start = recording.starts[film_index];
        let path = recording.films[film_index].path().display().to_string();
        let Some(running) = self.running.as_mut() else {
            return Ok(FrameStatus::Unreadable);
        };
        loop {
            let mut bytes = vec![0; recording.frame_bytes()];
            let whole = running.decoder.next(&mut bytes).map_err(|source| MediaError::Io {
                path: path.clone(),
                source,
            })?;
            let number = start + running.next as u64;
            running.next += 1;
            let status = if whole { FrameStatus::Ok } else { FrameStatus::Unreadable };
            if !whole && let Some((_, _, before)) = self.recent.back() {
                bytes.copy_from_slice(before);
            }
            if running.next > local {
                out.copy_from_slice(&bytes);
            }
            self.recent.push_back((number, status, bytes));
            if self.recent.len() > RECENT_FRAMES {
                self.recent.pop_front();
            }
            if running.next > local {
                return Ok(status);
            }
        }
    }
}
