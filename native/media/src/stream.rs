//! Frames in order, decoded ahead by several processes.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::MediaError;
use crate::film::Film;
use crate::recording::{FrameStatus, OnFrame, Recording, StreamEnd, StreamOptions};
use crate::sequence::Sequence;

/// Frames that travel together between a decoder and the caller, at most.
const BLOCK_FRAMES: usize = 16;
/// A new process for a part of a film that ffmpeg seeks in is worth its start only for so many frames.
const SEEK_FRAMES: usize = 250;

/// Frames of one part of one film.
#[derive(Clone, Debug)]
struct Segment {
    film: usize,
    /// Where decoding begins (a key frame).
    key: usize,
    /// Frames delivered, film-local.
    frames: Range<usize>,
}

/// Some frames of a segment in order; bytes of unreadable ones mean nothing.
struct Block {
    bytes: Vec<u8>,
    status: Vec<FrameStatus>,
}

/// What a decoding thread sends.
type Message = Result<Block, MediaError>;

/// Streams a range that lies within the recording. Segment n is decoded by worker n mod `decoders`; each worker has one bounded queue, and the caller's
/// thread takes from the queues in turn, so that memory stays bounded and order is kept.
pub(crate) fn run(
    recording: &Recording,
    range: Range<u64>,
    options: &StreamOptions,
    on_frame: &mut OnFrame,
) -> Result<StreamEnd, MediaError> {
    let workers = options.decoders.max(1);
    let size = recording.frame_bytes().max(1);
    let share = (options.buffer_bytes / workers / size).max(1);
    let block = (share / 4).clamp(1, BLOCK_FRAMES);
    // Of a decoder's share, one block is being filled and one is with the caller.
    let waiting = (share / block).saturating_sub(2).max(1);
    let segments = cut(recording, range, (waiting + 1) * block);
    let held = Held::default();
    let gate = Gate::default();
    let workers = workers.min(segments.len()).max(1);
    std::thread::scope(|scope| {
        let (held, gate) = (&held, &gate);
        let mut queues = Vec::with_capacity(workers);
        for worker in 0..workers {
            let (sender, receiver) = sync_channel::<Message>(waiting);
            queues.push(receiver);
            let own: Vec<&Segment> = segments.iter().skip(worker).step_by(workers).collect();
            scope.spawn(move || {
                let work = Worker {
                    recording,
                    block,
                    sender,
                    held,
                    gate,
                };
                if let Err(Some(error)) = work.run(&own) {
                    let _ = work.sender.send(Err(error));
                }
            });
        }
        // The queues are dropped before the scope waits for its threads: whoever still decodes finds nobody listening and ends.
        deliver(recording, &segments, queues, (held, gate), on_frame)
    })
}

fn deliver(
    recording: &Recording,
    segments: &[Segment],
    queues: Vec<Receiver<Message>>,
    (held, gate): (&Held, &Gate),
    on_frame: &mut OnFrame,
) -> Result<StreamEnd, MediaError> {
    let size = recording.frame_bytes().max(1);
    let mut end = StreamEnd {
        delivered: 0,
        unreadable: 0,
        stopped: false,
        peak_bytes: 0,
    };
    let mut last = vec![0u8; size];
    for (index, segment) in segments.iter().enumerate() {
        let mut frame = recording.starts[segment.film] + segment.frames.start as u64;
        let segment_end = recording.starts[segment.film] + segment.frames.end as u64;
        while frame < segment_end {
            let Ok(message) = queues[index % queues.len()].recv() else {
                return Err(MediaError::Io {
                    path: recording.films[segment.film].path().display().to_string(),
                    source: std::io::Error::other("its decoding thread ended early"),
                });
            };
            let block = message?;
            for (bytes, &status) in block.bytes.chunks_exact(size).zip(&block.status) {
                match status {
                    FrameStatus::Ok => last.copy_from_slice(bytes),
                    FrameStatus::Unreadable => end.unreadable += 1,
                }
                end.delivered += 1;
                let busy = gate.close();
                let flow = on_frame(frame, status, &last);
                drop(busy);
                if flow.is_break() {
                    end.stopped = true;
                    return Ok(end);
                }
                frame += 1;
            }
            held.release(block.bytes.len());
            end.peak_bytes = held.peak();
        }
    }
    Ok(end)
}

/// Cuts a range into parts of about `target` frames that begin at key frames.
fn cut(recording: &Recording, range: Range<u64>, target: usize) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut frame = range.start;
    while frame < range.end {
        let (film_index, local) = recording.locate(frame);
        let film = &recording.films[film_index];
        let start = recording.starts[film_index];
        let film_end = usize::try_from(range.end.min(recording.starts[film_index + 1]) - start).unwrap_or(usize::MAX);
        let end = part_end(film, local, target).unwrap_or(film_end).min(film_end);
        segments.push(Segment {
            film: film_index,
            key: film.key_at(local),
            frames: local..end,
        });
        frame = start + end as u64;
    }
    segments
}

/// Where a part that begins at `local` ends: at the last key frame within `target` frames, else at the next one; none: at the film's end.
fn part_end(film: &Film, local: usize, target: usize) -> Option<usize> {
    if film.is_raw() {
        return Some(local + target);
    }
    let target = if film.chains() { target } else { target.max(SEEK_FRAMES) };
    let within = film.key_at(local + target);
    if within > local { Some(within) } else { film.key_after(local) }
}

/// Bytes of decoded frames that exist, and the most there were.
#[derive(Default)]
struct Held {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Held {
    fn take(&self, bytes: usize) {
        let now = self.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    fn release(&self, bytes: usize) {
        self.now.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

/// Keeps the decoders still while the caller works on a frame. The caller uses as many threads as there are decoders, so that together they keep
/// so many cores busy and not twice as many; a decoder that is not read from stops by itself.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
}

/// The gate is closed while this lives.
struct Closed<'a>(&'a Gate);

impl Gate {
    fn close(&self) -> Closed<'_> {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        Closed(self)
    }

    fn pass(&self) {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let _open = self.opened.wait_while(closed, |closed| *closed);
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        *self.0.closed.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.opened.notify_all();
    }
}

struct Worker<'a> {
    recording: &'a Recording,
    block: usize,
    sender: SyncSender<Message>,
    held: &'a Held,
    gate: &'a Gate,
}

/// An error to pass on, or none when the caller has gone.
type Ended = Option<MediaError>;

impl Worker<'_> {
    fn run(&self, segments: &[&Segment]) -> Result<(), Ended> {
        for group in segments.chunk_by(|a, b| a.film == b.film) {
            let film = &self.recording.films[group[0].film];
            if film.is_raw() {
                group.iter().try_for_each(|segment| self.raw(film, segment))?;
            } else if film.chains() {
                let parts = group.iter().map(|segment| segment.key..segment.frames.end).collect();
                let mut sequence = Sequence::new(film, parts).map_err(Some)?;
                group.iter().try_for_each(|segment| self.decoded(&mut sequence, segment))?;
            } else {
                for segment in group {
                    let mut sequence = Sequence::new(film, std::iter::once(segment.key..segment.frames.end).collect()).map_err(Some)?;
                    self.decoded(&mut sequence, segment)?;
                }
            }
        }
        Ok(())
    }

    fn raw(&self, film: &Arc<Film>, segment: &Segment) -> Result<(), Ended> {
        let mut next = segment.frames.start;
        while next < segment.frames.end {
            let count = self.block.min(segment.frames.end - next);
            let mut block = self.empty(count);
            for (offset, out) in block.bytes.chunks_exact_mut(self.recording.frame_bytes()).enumerate() {
                let whole = film.copy_raw((next + offset) as u64, out);
                block.status.push(if whole { FrameStatus::Ok } else { FrameStatus::Unreadable });
            }
            self.send(block)?;
            next += count;
        }
        Ok(())
    }

    fn decoded(&self, sequence: &mut Sequence, segment: &Segment) -> Result<(), Ended> {
        let mut scratch = vec![0; self.recording.frame_bytes()];
        for _ in segment.key..segment.frames.start {
            sequence.next(&mut scratch).map_err(Some)?;
        }
        let mut next = segment.frames.start;
        while next < segment.frames.end {
            let count = self.block.min(segment.frames.end - next);
            let mut block = self.empty(count);
            for out in block.bytes.chunks_exact_mut(self.recording.frame_bytes()) {
                self.gate.pass();
                let frame = sequence.next(out).map_err(Some)?;
                block.status.push(frame.map_or(FrameStatus::Unreadable, |frame| frame.1));
            }
            self.send(block)?;
            next += count;
        }
        Ok(())
    }

    fn empty(&self, count: usize) -> Block {
        self.held.take(count * self.recording.frame_bytes());
        Block {
            bytes: vec![0; count * self.recording.frame_bytes()],
            status: Vec::with_capacity(count),
        }
    }

    fn send(&self, block: Block) -> Result<(), Ended> {
        self.sender.send(Ok(block)).map_err(|_| None)
    }
}
