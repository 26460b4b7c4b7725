//! Films being recorded: frames go into a ring and a thread of its own encodes, writes and syncs them. Whoever brings frames never waits for the disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::avi_writer::{AviWriter, Codec};
use crate::error::MediaError;
use crate::ffv1_encoder::{Encoded, Ffv1Encoder};

/// Frames that may wait: more than four seconds at 30 a second.
pub const RING: usize = 128;
/// A crash costs at most what came after the last sync.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How a film is to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct RecordOptions {
    /// Width and height, px.
    pub size: [u32; 2],
    /// Frames per second for the container; times are kept elsewhere.
    pub fps: f64,
    /// Compressed without loss, or raw grey.
    pub ffv1: bool,
    /// Frames of each file `0.avi`, `1.avi` …; a file of 2 GB is full before.
    pub frames_per_file: u32,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its name in the folder.
    pub name: String,
    /// Frames in it.
    pub frames: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// Counts that can be looked at while it runs.
#[derive(Debug, Default)]
pub struct RecordStats {
    /// Frames taken into the ring.
    pub taken: AtomicU64,
    /// Frames in a file.
    pub written: AtomicU64,
    /// Frames in a file and known to be on the disk.
    pub synced: AtomicU64,
    /// Bytes of the files.
    pub bytes: AtomicU64,
    /// Largest number of frames that waited.
    pub high_water: AtomicU64,
}

impl RecordStats {
    /// Frames that wait in the ring or the encoder.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.taken
            .load(Ordering::Acquire)
            .saturating_sub(self.written.load(Ordering::Acquire))
    }
}

/// Why a frame was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The ring is full: the disk or the encoder does not keep up.
    Full,
    /// Writing has failed; [`FilmRecorder::finish`] says why.
    Failed,
}

/// A film that is being recorded.
pub struct FilmRecorder {
    frames: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<Result<Vec<WrittenFile>, MediaError>>>,
    stats: Arc<RecordStats>,
    failure: Arc<Mutex<Option<String>>>,
}

impl FilmRecorder {
    /// Makes `0.avi` in the folder and waits for frames.
    ///
    /// # Errors
    /// [`MediaError`]: no ffmpeg, a file that exists already, the disk.
    pub fn start(folder: &Path, options: RecordOptions) -> Result<Self, MediaError> {
        let (frames, receiver) = sync_channel(RING);
        let stats = Arc::new(RecordStats::default());
        let failure = Arc::new(Mutex::new(None));
        let mut work = Work::start(folder.to_owned(), options, Arc::clone(&stats))?;
        let noted = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name("calyx-recorder".to_owned())
            .spawn(move || {
                let ran = work.run(&receiver);
                if let Err(error) = &ran {
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                }
                // Whatever happened, what is there is closed as well as it can be.
                let closed = work.close();
                ran.and(closed).map(|()| work.files)
            })
            .map_err(|source| io_error(folder, source))?;
        Ok(Self {
            frames: Some(frames),
            thread: Some(thread),
            stats,
            failure,
        })
    }

    /// Counts so far.
    #[must_use]
    pub fn stats(&self) -> &Arc<RecordStats> {
        &self.stats
    }

    /// Why writing failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a frame (`width × height` bytes, row by row) without waiting.
    ///
    /// # Errors
    /// [`NotTaken`]; the frame is lost then.
    pub fn push(&self, frame: Vec<u8>) -> Result<(), NotTaken> {
        let frames = self.frames.as_ref().ok_or(NotTaken::Failed)?;
        self.stats.taken.fetch_add(1, Ordering::AcqRel);
        match frames.try_send(frame) {
            Ok(()) => {
                self.stats.high_water.fetch_max(self.stats.waiting(), Ordering::AcqRel);
                Ok(())
            }
            Err(refused) => {
                self.stats.taken.fetch_sub(1, Ordering::AcqRel);
                Err(match refused {
                    TrySendError::Full(_) => NotTaken::Full,
                    TrySendError::Disconnected(_) => NotTaken::Failed,
                })
            }
        }
    }

    /// Writes what waits, closes the files and gives them in order.
    ///
    /// # Errors
    /// What failed; files that were written before are readable.
    pub fn finish(mut self) -> Result<Vec<WrittenFile>, MediaError> {
        self.frames = None;
        let Some(thread) = self.thread.take() else { return Ok(Vec::new()) };
        thread.join().unwrap_or_else(|_| {
            Err(MediaError::Unreadable {
                path: "the film".to_owned(),
                reason: "the thread that writes it ended".to_owned(),
            })
        })
    }
}

impl Drop for FilmRecorder {
    fn drop(&mut self) {
        self.frames = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn io_error(path: &Path, source: std::io::Error) -> MediaError {
    MediaError::Io {
        path: path.display().to_string(),
        source,
    }
}

struct Work {
    folder: PathBuf,
    options: RecordOptions,
    stats: Arc<RecordStats>,
    encoder: Option<Ffv1Encoder>,
    codec: Option<Codec>,
    open: Option<AviWriter>,
    files: Vec<WrittenFile>,
    synced_at: Instant,
}

impl Work {
    fn start(folder: PathBuf, options: RecordOptions, stats: Arc<RecordStats>) -> Result<Self, MediaError> {
        let encoder = if options.ffv1 {
            Some(Ffv1Encoder::start(&folder.join("0.avi"), options.size)?)
        } else {
            None
        };
        let mut work = Self {
            folder,
            options,
            stats,
            encoder,
            codec: (!options.ffv1).then_some(Codec::Grey),
            open: None,
            files: Vec::new(),
            synced_at: Instant::now(),
        };
        // A folder that cannot be written is told before the first frame. The format of an FFV1 stream is known with its first packet only.
        if let Some(codec) = work.codec.clone() {
            work.next_file(&codec)?;
        }
        Ok(work)
    }

    fn run(&mut self, frames: &Receiver<Vec<u8>>) -> Result<(), MediaError> {
        loop {
            match frames.recv_timeout(SYNC_EVERY) {
                Ok(frame) => self.take(&frame)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.drain()?;
            if self.synced_at.elapsed() >= SYNC_EVERY {
                self.sync()?;
            }
        }
        if let Some(mut encoder) = self.encoder.take() {
            encoder.close();
            while let Some(encoded) = encoder.rest() {
                self.encoded(encoded)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: &[u8]) -> Result<(), MediaError> {
        match &mut self.encoder {
            Some(encoder) => encoder.push(frame),
            None => self.packet(frame),
        }
    }

    /// Writes what the encoder has ready.
    fn drain(&mut self) -> Result<(), MediaError> {
        while let Some(encoded) = self.encoder.as_mut().and_then(Ffv1Encoder::ready) {
            self.encoded(encoded)?;
        }
        Ok(())
    }

    fn encoded(&mut self, encoded: Encoded) -> Result<(), MediaError> {
        match encoded {
            Encoded::Format(format) => {
                self.codec = Some(Codec::Ffv1 { format });
                Ok(())
            }
            Encoded::Packet(packet) => self.packet(&packet),
        }
    }

    fn packet(&mut self, packet: &[u8]) -> Result<(), MediaError> {
        let full = self
            .open
            .as_ref()
            .is_some_and(|file| file.frames() >= self.options.frames_per_file.max(1) as usize || file.is_full_for(packet.len()));
        if full {
            self.close_file()?;
        }
        if self.open.is_none() {
            let codec = self.codec.clone().unwrap_or(Codec::Grey);
            self.next_file(&codec)?;
        }
        let path = self.path();
        if let Some(file) = &mut self.open {
            file.append(packet).map_err(|source| io_error(&path, source))?;
            self.stats.written.fetch_add(1, Ordering::AcqRel);
            self.stats.bytes.fetch_add(packet.len() as u64 + 8, Ordering::AcqRel);
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("{}.avi", self.files.len())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(self.name())
    }

    fn next_file(&mut self, codec: &Codec) -> Result<(), MediaError> {
        let path = self.path();
        let file = AviWriter::create(&path, self.options.size, self.options.fps, codec).map_err(|source| io_error(&path, source))?;
        self.open = Some(file);
        Ok(())
    }

    fn close_file(&mut self) -> Result<(), MediaError> {
        let path = self.path();
        let Some(file) = self.open.take() else { return Ok(()) };
        let written = WrittenFile {
            name: self.name(),
            frames: file.frames() as u64,
            bytes: 0,
        };
        let finished = file.finish();
        let bytes = std::fs::metadata(&path).map_or(0, |data| data.len());
        self.files.push(WrittenFile { bytes, ..written });
        finished.map_err(|source| io_error(&path, source))?;
        self.stats
            .synced
            .store(self.stats.written.load(Ordering::Acquire), Ordering::Release);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), MediaError> {
        self.synced_at = Instant::now();
        let path = self.path();
        let Some(file) = &mut self.open else { return Ok(()) };
        file.sync().map_err(|source| io_error(&path, source))?;
        self.stats
            .synced
            .store(self.stats.written.load(Ordering::Acquire), Ordering::Release);
        Ok(())
    }

    fn close(&mut self) -> Result<(), MediaError> {
        self.encoder = None;
        self.close_file()
    }
}
