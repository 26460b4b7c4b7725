//! A board in use: started, stopped, its controls read with each frame.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::assembler::{Assembler, Counts};
use crate::board::{Board, Request, get_control, set_control};
use crate::error::UsbError;
use crate::hurry::hurry;
use crate::ring::{Frame, Ring};
use crate::stream::{self, Stream};
use crate::uvc::{COMMIT, GET_CUR, NEGOTIATION_BYTES, PROBE, QUEUE_DEPTH, SET_CUR, negotiation};

/// The thread that reads controls wakes at least this often to see whether it should end.
const LOOK: Duration = Duration::from_millis(50);

/// Something happened; called on threads of the session, so it must not wait.
pub type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;

/// What can happen to a board in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame waits for its reader.
    Frame,
    /// No frame comes any more: it was unplugged, or its stream broke down.
    Gone(String),
}

/// What was counted since the stream began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Payloads that came.
    pub payloads: u64,
    /// Whole frames.
    pub frames: u64,
    /// Frames with too few bytes.
    pub short: u64,
    /// Frames with too many.
    pub oversize: u64,
    /// Frames that ended without saying so.
    pub unended: u64,
    /// Frames the board called broken, or of which a transfer failed.
    pub faulty: u64,
    /// Payloads without a sound header.
    pub bad_headers: u64,
    /// Whole frames for which the ring had no room.
    pub overrun: u64,
    /// Transfers that failed.
    pub transfer_errors: u64,
    /// Frames that wait for the reader now.
    pub waiting: u64,
    /// Most that ever waited.
    pub high_water: u64,
    /// Most transfers that had ended before the thread came to look.
    pub longest_burst: u64,
}

/// Time as the process tells it elsewhere (nanoseconds of a monotonic clock), carried on from one reading.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicNs {
    at: Instant,
    ns: u64,
}

impl MonotonicNs {
    /// The other clock says `ns` now.
    #[must_use]
    pub fn from_reading(ns: u64) -> Self {
        Self { at: Instant::now(), ns }
    }

    /// What it says now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.ns
            .saturating_add(u64::try_from(self.at.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

struct Shared {
    board: Arc<dyn Board>,
    clock: MonotonicNs,
    on_event: OnEvent,
    is_gone: AtomicBool,
    /// Selectors that are read with each frame.
    watched: Mutex<Vec<u8>>,
}

impl Shared {
    /// Tells once that the board is gone.
    fn gone(&self, why: &UsbError) {
        if !self.is_gone.swap(true, Ordering::AcqRel) {
            (self.on_event)(Event::Gone(why.to_string()));
        }
    }
}

/// One stream, from start to stop.
struct Running {
    flow: Arc<Flow>,
    payloads: JoinHandle<Box<dyn crate::board::BulkIn>>,
    frames: JoinHandle<()>,
}

struct Flow {
    ring: Ring,
    counts: Counts,
    stop: AtomicBool,
    longest_burst: AtomicUsize,
    /// Bytes of a frame on the bus.
    frame_bytes: u64,
}

impl Flow {
    /// Whether the board still speaks of a frame: no later one has ended, and less than half of the next has come. The rest of that may be on its way already, which
    /// takes milliseconds; half a frame takes eleven.
    fn is_newest(&self, number: u64) -> bool {
        let filled = self.counts.filled.load(Ordering::Acquire);
        self.counts.ended.load(Ordering::Acquire) == number + 1 && filled < self.frame_bytes / 2
    }
}

/// A board that was opened. Its methods may be called from any thread; those that talk to the board wait for its answer.
pub struct Session {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
    /// The stream that runs or ran last: its counts and frames can still be read.
    flow: Mutex<Option<Arc<Flow>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Takes a board over.
    #[must_use]
    pub fn new(board: Arc<dyn Board>, clock: MonotonicNs, on_event: OnEvent) -> Self {
        Self {
            shared: Arc::new(Shared {
                board,
                clock,
                on_event,
                is_gone: AtomicBool::new(false),
                watched: Mutex::default(),
            }),
            running: Mutex::new(None),
            flow: Mutex::new(None),
        }
    }

    /// Agrees on a frame size, queues transfers and lets frames come. A stream that runs is stopped first.
    ///
    /// # Errors
    /// `BadSize`, `NoAnswer` when the board does not agree, `InUse`, `Gone`.
    pub fn start(&self, width: u32, height: u32) -> Result<(), UsbError> {
        self.stop();
        let board = &self.shared.board;
        let index = board.frame_index(width, height).ok_or(UsbError::BadSize { width, height })?;
        let mut endpoint = board.open_video()?;
        let proposal = negotiation(index);
        board.control_out(Request::streaming(SET_CUR, PROBE), &proposal)?;
        let length = u16::try_from(NEGOTIATION_BYTES).unwrap_or(u16::MAX);
        let agreed = board.control_in(Request::streaming(GET_CUR, PROBE), length)?;
        if agreed.get(3) != Some(&index) {
            return Err(UsbError::NoAnswer);
        }
        let pixels = width as usize * height as usize;
        let flow = Arc::new(Flow {
            ring: Ring::for_frames(pixels),
            counts: Counts::default(),
            stop: AtomicBool::new(false),
            longest_burst: AtomicUsize::new(0),
            frame_bytes: 2 * pixels as u64,
        });
        // Queued before the board is told to send: it keeps 3.9 ms only.
        stream::fill(endpoint.as_mut(), QUEUE_DEPTH);
        board.control_out(Request::streaming(SET_CUR, COMMIT), &proposal)?;
        let running = self.run(Arc::clone(&flow), endpoint, pixels)?;
        *locked(&self.flow) = Some(flow);
        *locked(&self.running) = Some(running);
        Ok(())
    }

    fn run(&self, flow: Arc<Flow>, mut endpoint: Box<dyn crate::board::BulkIn>, pixels: usize) -> Result<Running, UsbError> {
        let thread = |error: std::io::Error| UsbError::System { reason: error.to_string() };
        let (shared, theirs) = (Arc::clone(&self.shared), Arc::clone(&flow));
        let frames = std::thread::Builder::new()
            .name("calyx-usb-frames".to_owned())
            .spawn(move || read_controls(&shared, &theirs))
            .map_err(thread)?;
        let (shared, theirs, reader) = (Arc::clone(&self.shared), Arc::clone(&flow), frames.thread().clone());
        let payloads = std::thread::Builder::new()
            .name("calyx-usb-payloads".to_owned())
            .spawn(move || {
                hurry();
                take_payloads(endpoint.as_mut(), pixels, &shared, &theirs, &reader);
                endpoint
            })
            .map_err(thread)?;
        Ok(Running { flow, payloads, frames })
    }

    /// Ends the stream; no frame comes after it. Does nothing when none runs.
    pub fn stop(&self) {
        let Some(Running { flow, payloads, frames }) = locked(&self.running).take() else {
            return;
        };
        flow.stop.store(true, Ordering::Release);
        frames.thread().unpark();
        if let Ok(mut endpoint) = payloads.join()
            && !self.shared.is_gone.load(Ordering::Acquire)
        {
            // How Linux ends a stream of this board. One that does not answer is gone, which is told elsewhere.
            let _ = endpoint.clear_halt();
        }
        let _ = frames.join();
    }

    /// Writes a control of the processing unit, 16 bits.
    ///
    /// # Errors
    /// `Refused`, `NoAnswer`, `Gone`.
    pub fn set_control(&self, selector: u8, value: u16) -> Result<(), UsbError> {
        self.noted(set_control(self.shared.board.as_ref(), selector, value))
    }

    /// Reads a control of the processing unit, 16 bits.
    ///
    /// # Errors
    /// `Refused`, `NoAnswer`, `Gone`.
    pub fn get_control(&self, selector: u8) -> Result<u16, UsbError> {
        self.noted(get_control(self.shared.board.as_ref(), selector))
    }

    fn noted<T>(&self, result: Result<T, UsbError>) -> Result<T, UsbError> {
        if let Err(error @ UsbError::Gone) = &result {
            self.shared.gone(error);
        }
        result
    }

    /// These controls are read right after each frame from now on, while the board still speaks of it.
    pub fn watch(&self, selectors: &[u8]) {
        *locked(&self.shared.watched) = selectors.to_vec();
    }

    /// The oldest frame that waits, for as long as the closure uses it.
    pub fn with_frame<T>(&self, use_it: impl FnOnce(&Frame) -> T) -> Option<T> {
        let flow = locked(&self.flow).clone()?;
        let frame = flow.ring.pop_ready()?;
        let result = use_it(&frame);
        flow.ring.give_back(frame);
        Some(result)
    }

    /// What was counted since the stream began.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Some(flow) = locked(&self.flow).clone() else {
            return Stats::default();
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counts {
            payloads,
            frames,
            short,
            oversize,
            unended,
            faulty,
            bad_headers,
            overrun,
            transfer_errors,
            ..
        } = &flow.counts;
        Stats {
            payloads: count(payloads),
            frames: count(frames),
            short: count(short),
            oversize: count(oversize),
            unended: count(unended),
            faulty: count(faulty),
            bad_headers: count(bad_headers),
            overrun: count(overrun),
            transfer_errors: count(transfer_errors),
            waiting: flow.ring.waiting() as u64,
            high_water: flow.ring.high_water() as u64,
            longest_burst: flow.longest_burst.load(Ordering::Relaxed) as u64,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
    }
}

fn take_payloads(endpoint: &mut dyn crate::board::BulkIn, pixels: usize, shared: &Shared, flow: &Flow, reader: &Thread) {
    let outcome = stream::run(
        endpoint,
        Assembler::new(pixels),
        &Stream {
            ring: &flow.ring,
            counts: &flow.counts,
            stop: &flow.stop,
            now: &|| shared.clock.now(),
            on_frame: &|| reader.unpark(),
            longest_burst: &flow.longest_burst,
        },
    );
    if let Err(error) = outcome
        && !flow.stop.load(Ordering::Acquire)
    {
        shared.gone(&error);
    }
}

/// Reads the watched controls after each frame.
fn read_controls(shared: &Shared, flow: &Flow) {
    while !flow.stop.load(Ordering::Acquire) {
        let Some(mut frame) = flow.ring.pop_ended() else {
            std::thread::park_timeout(LOOK);
            continue;
        };
        let number = frame.number;
        read_with(shared.board.as_ref(), &locked(&shared.watched).clone(), &mut frame, || {
            flow.is_newest(number)
        });
        flow.ring.push_ready(frame);
        (shared.on_event)(Event::Frame);
    }
}

/// The board speaks of its newest frame only: what was read too late for this one is left out.
fn read_with(board: &dyn Board, selectors: &[u8], frame: &mut Frame, is_newest: impl Fn() -> bool) {
    for &selector in selectors {
        let value = if is_newest() { get_control(board, selector).ok() } else { None };
        frame.controls.push((selector, value));
    }
    if !is_newest() {
        for (_, value) in &mut frame.controls {
            *value = None;
        }
    }
}

#[cfg(test)]
mod tests;
