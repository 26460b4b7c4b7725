//! The scripted board in real time: a thread that brings a payload each so many microseconds, however busy the computer is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nusb::transfer::{Buffer, Completion, TransferError};

use super::{FIFO, Told, failed, filled};
use crate::board::BulkIn;
use crate::error::UsbError;
use crate::hurry::hurry;
use crate::uvc::{PAYLOAD_DATA, PAYLOAD_HEADER};

/// A thread that runs before all others and yet is this late was not run because the computer (a virtual one) stood still.
const STALL: Duration = Duration::from_millis(3);

#[derive(Default)]
struct Queues {
    queued: VecDeque<Buffer>,
    ended: VecDeque<Completion>,
    fifo: VecDeque<Vec<u8>>,
    cancelled: bool,
}

struct Shared {
    queues: Mutex<Queues>,
    came: Condvar,
    end: AtomicBool,
    told: Mutex<Told>,
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An endpoint that a board fills in real time.
pub struct PacedEndpoint {
    shared: Arc<Shared>,
    board: Option<JoinHandle<()>>,
}

/// What a paced board does.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Pixels of a frame.
    pub pixels: usize,
    /// Payloads it sends before it is gone.
    pub payloads: u64,
    /// Time from one to the next.
    pub every: Duration,
}

impl PacedEndpoint {
    /// A board that begins to send at once.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(pace: Pace) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queues: Mutex::default(),
            came: Condvar::new(),
            end: AtomicBool::new(false),
            told: Mutex::new(Told {
                least_pending: usize::MAX,
                lost_payloads: 0,
                stalls: 0,
                longest_stall: Duration::ZERO,
            }),
        });
        let theirs = Arc::clone(&shared);
        let board = std::thread::Builder::new().name("paced-board".to_owned()).spawn(move || {
            // Hardware does not wait for the computer's other work.
            hurry();
            send(&theirs, pace);
        })?;
        Ok(Self {
            shared,
            board: Some(board),
        })
    }

    /// What the board's side saw so far.
    #[must_use]
    pub fn told(&self) -> Told {
        self.shared.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn send(shared: &Shared, pace: Pace) {
    let per_frame = (2 * pace.pixels).div_ceil(PAYLOAD_DATA) as u64;
    let began = Instant::now();
    // The first payloads wait until their reader has queued its transfers, as a board's do for COMMIT.
    while shared.queues().queued.is_empty() && !shared.end.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut due = began.elapsed();
    let mut bytes = Vec::with_capacity(PAYLOAD_HEADER + PAYLOAD_DATA);
    for number in 0..pace.payloads {
        due += pace.every;
        if let Some(ahead) = due.checked_sub(began.elapsed()) {
            std::thread::sleep(ahead);
        }
        if shared.end.load(Ordering::Acquire) {
            return;
        }
        let late = began.elapsed().saturating_sub(due);
        if late > STALL {
            due += late;
            let mut told = shared.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.stalls += 1;
            told.longest_stall = told.longest_stall.max(late);
        }
        payload(number, per_frame, pace.pixels, &mut bytes);
        let mut queues = shared.queues();
        let mut told = shared.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.least_pending = told.least_pending.min(queues.queued.len());
        if queues.fifo.is_empty()
            && let Some(buffer) = queues.queued.pop_front()
        {
            queues.ended.push_back(filled(buffer, &bytes));
        } else if queues.fifo.len() == FIFO {
            told.lost_payloads += 1;
        } else {
            queues.fifo.push_back(bytes.clone());
        }
        drop(queues);
        shared.came.notify_one();
    }
    // The plug is pulled: whatever is or will be queued fails.
    let mut queues = shared.queues();
    queues.cancelled = true;
    while let Some(buffer) = queues.queued.pop_front() {
        queues.ended.push_back(failed(buffer, TransferError::Disconnected));
    }
    drop(queues);
    shared.came.notify_one();
}

#[expect(clippy::cast_possible_truncation, reason = "a pattern of bytes, as in `draw`")]
fn payload(number: u64, per_frame: u64, pixels: usize, bytes: &mut Vec<u8>) {
    let (frame, part) = (number / per_frame, (number % per_frame) as usize);
    let from = part * PAYLOAD_DATA / 2;
    let to = (from + PAYLOAD_DATA / 2).min(pixels);
    bytes.clear();
    let is_last = part as u64 == per_frame - 1;
    bytes.extend([12, 0x8c | (frame as u8 & 1) | u8::from(is_last) << 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let shift = frame.wrapping_mul(151) as u8;
    for at in from..to {
        let pixel = (at as u8).wrapping_mul(3).wrapping_add((at >> 8) as u8).wrapping_add(shift);
        bytes.extend([pixel, 0x80]);
    }
}

fn serve(queues: &mut Queues) {
    while !queues.fifo.is_empty()
        && let Some(buffer) = queues.queued.pop_front()
    {
        if let Some(payload) = queues.fifo.pop_front() {
            queues.ended.push_back(filled(buffer, &payload));
        }
    }
}

impl BulkIn for PacedEndpoint {
    fn allocate(&self, bytes: usize) -> Buffer {
        Buffer::new(bytes)
    }

    fn submit(&mut self, buffer: Buffer) {
        let mut queues = self.shared.queues();
        if queues.cancelled {
            queues.ended.push_back(failed(buffer, TransferError::Disconnected));
        } else {
            queues.queued.push_back(buffer);
            serve(&mut queues);
        }
    }

    fn wait(&mut self, timeout: Duration) -> Option<Completion> {
        let mut queues = self.shared.queues();
        if queues.ended.is_empty() && !timeout.is_zero() {
            let waited = self
                .shared
                .came
                .wait_timeout_while(queues, timeout, |queues| queues.ended.is_empty());
            queues = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queues.ended.pop_front()
    }

    fn pending(&self) -> usize {
        let queues = self.shared.queues();
        queues.queued.len() + queues.ended.len()
    }

    fn cancel_all(&mut self) {
        let mut queues = self.shared.queues();
        queues.cancelled = true;
        while let Some(buffer) = queues.queued.pop_back() {
            queues.ended.push_back(failed(buffer, TransferError::Cancelled));
        }
    }

    fn clear_halt(&mut self) -> Result<(), UsbError> {
        Ok(())
    }
}

impl Drop for PacedEndpoint {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Release);
        if let Some(board) = self.board.take() {
            let _ = board.join();
        }
    }
}
