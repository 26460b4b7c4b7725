//! A board that follows a script instead of hardware: time passes only while its reader waits or is late, so that tests of queue depth and losses give the same
//! result on any machine. [`paced`] is the same in real time, for `calyx-usb soak`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nusb::transfer::{Buffer, Completion, TransferError};

use crate::board::BulkIn;
use crate::error::UsbError;
use crate::uvc::{PAYLOAD_DATA, PAYLOAD_HEADER};

pub mod paced;

/// Time between two payloads of a V4 being read out, µs.
pub const PAYLOAD_US: u64 = 493;
/// Payloads the board keeps when no transfer is pending.
pub const FIFO: usize = 8;

/// Pixels of the scripted frame `n`: each frame differs, and so does each of its rows.
#[must_use]
pub fn pixels_of(n: u64, pixels: usize) -> Vec<u8> {
    let mut out = vec![0; pixels];
    draw(n, &mut out);
    out
}

/// [`pixels_of`] into memory that is there.
#[expect(clippy::cast_possible_truncation, reason = "a pattern of bytes")]
pub fn draw(n: u64, pixels: &mut [u8]) {
    let from = (n.wrapping_mul(151)) as u8;
    for (at, pixel) in pixels.iter_mut().enumerate() {
        *pixel = (at as u8).wrapping_mul(3).wrapping_add((at >> 8) as u8).wrapping_add(from);
    }
}

/// The payloads of the scripted frame `n` as the board sends them.
#[must_use]
pub fn payloads_of(n: u64, pixels: usize) -> Vec<Vec<u8>> {
    let bytes: Vec<u8> = pixels_of(n, pixels).into_iter().flat_map(|pixel| [pixel, 0x80]).collect();
    let parts: Vec<_> = bytes.chunks(PAYLOAD_DATA).collect();
    let last = parts.len() - 1;
    parts
        .iter()
        .enumerate()
        .map(|(at, part)| {
            let mut payload = vec![0; PAYLOAD_HEADER];
            payload[0] = 12;
            payload[1] = 0x8c | u8::from(n % 2 == 1) | u8::from(at == last) << 1;
            payload.extend_from_slice(part);
            payload
        })
        .collect()
}

/// What the board does at a payload's time.
#[derive(Clone, Debug)]
pub enum Step {
    /// It has a payload to send.
    Payload(Vec<u8>),
    /// A transfer fails.
    Error(TransferError),
}

/// How long the reader stays away before it looks for completion number n, µs.
type Late = Box<dyn Fn(u64) -> u64 + Send>;

/// What a board will do: frames one after the other, then the plug is pulled.
pub struct Script {
    pixels: usize,
    frames: u64,
    instead: BTreeMap<usize, Step>,
    late: Late,
}

impl Script {
    /// So many frames of so many pixels, with a reader that is never late.
    #[must_use]
    pub fn frames(frames: u64, pixels: usize) -> Self {
        Self {
            pixels,
            frames,
            instead: BTreeMap::new(),
            late: Box::new(|_| 0),
        }
    }

    /// At payload number `at` something else happens; beyond the last frame it is added.
    #[must_use]
    pub fn with(mut self, at: usize, step: Step) -> Self {
        self.instead.insert(at, step);
        self
    }

    /// The reader is away for so many µs before it looks for completion number n.
    #[must_use]
    pub fn late(mut self, late: impl Fn(u64) -> u64 + Send + 'static) -> Self {
        self.late = Box::new(late);
        self
    }

    /// The endpoint that follows it.
    #[must_use]
    pub fn endpoint(self) -> ScriptedEndpoint {
        let mut steps: VecDeque<Step> = (0..self.frames)
            .flat_map(|n| payloads_of(n, self.pixels))
            .map(Step::Payload)
            .collect();
        for (at, step) in self.instead {
            if at < steps.len() {
                steps[at] = step;
            } else {
                steps.push_back(step);
            }
        }
        ScriptedEndpoint {
            steps,
            late: self.late,
            queued: VecDeque::new(),
            ended: VecDeque::new(),
            fifo: VecDeque::new(),
            due_us: PAYLOAD_US,
            looks: 0,
            clock: Arc::new(AtomicU64::new(0)),
            told: Arc::new(Mutex::new(Told {
                least_pending: usize::MAX,
                lost_payloads: 0,
                stalls: 0,
                longest_stall: Duration::ZERO,
            })),
        }
    }
}

/// What the board's side of a script saw.
#[derive(Clone, Debug)]
pub struct Told {
    /// The fewest transfers that waited when a payload was due.
    pub least_pending: usize,
    /// Payloads for which neither a transfer nor a buffer of the board was free.
    pub lost_payloads: u64,
    /// In real time only: how often the computer ran not even the board's own thread for more than 3 ms. Time stands still for the board then, too.
    pub stalls: u64,
    /// The longest of them.
    pub longest_stall: Duration,
}

/// A bulk endpoint that follows a script.
pub struct ScriptedEndpoint {
    steps: VecDeque<Step>,
    late: Late,
    queued: VecDeque<Buffer>,
    ended: VecDeque<Completion>,
    fifo: VecDeque<Step>,
    due_us: u64,
    looks: u64,
    clock: Arc<AtomicU64>,
    told: Arc<Mutex<Told>>,
}

impl ScriptedEndpoint {
    /// The script's time, ns.
    #[must_use]
    pub fn clock(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.clock)
    }

    /// What its side sees.
    #[must_use]
    pub fn told(&self) -> Arc<Mutex<Told>> {
        Arc::clone(&self.told)
    }

    fn now_us(&self) -> u64 {
        self.clock.load(Ordering::Relaxed) / 1000
    }

    /// Time passes; payloads that are due meanwhile go into transfers, into the board's buffers, or are lost.
    fn pass_to(&mut self, until_us: u64) {
        while self.due_us <= until_us
            && let Some(step) = self.steps.pop_front()
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.least_pending = told.least_pending.min(self.queued.len());
            if self.fifo.len() == FIFO {
                told.lost_payloads += 1;
            } else {
                self.fifo.push_back(step);
            }
            drop(told);
            self.due_us += PAYLOAD_US;
            self.serve();
        }
        self.clock.fetch_max(until_us * 1000, Ordering::Relaxed);
    }

    /// What waits in the board's buffers goes into transfers that are pending.
    fn serve(&mut self) {
        while !self.fifo.is_empty()
            && let Some(buffer) = self.queued.pop_front()
        {
            match self.fifo.pop_front() {
                Some(Step::Payload(payload)) => self.ended.push_back(filled(buffer, &payload)),
                Some(Step::Error(error)) => self.ended.push_back(failed(buffer, error)),
                None => self.queued.push_front(buffer),
            }
        }
    }
}

/// A transfer that brought a payload.
pub(crate) fn filled(mut buffer: Buffer, payload: &[u8]) -> Completion {
    buffer.clear();
    let fits = payload.len().min(buffer.capacity());
    buffer.extend_from_slice(&payload[..fits]);
    Completion {
        actual_len: fits,
        buffer,
        status: if fits == payload.len() { Ok(()) } else { Err(TransferError::Fault) },
    }
}

/// A transfer that ended without one.
pub(crate) fn failed(mut buffer: Buffer, error: TransferError) -> Completion {
    buffer.clear();
    Completion {
        buffer,
        actual_len: 0,
        status: Err(error),
    }
}

impl BulkIn for ScriptedEndpoint {
    fn allocate(&self, bytes: usize) -> Buffer {
        Buffer::new(bytes)
    }

    fn submit(&mut self, buffer: Buffer) {
        self.queued.push_back(buffer);
        self.serve();
    }

    fn wait(&mut self, timeout: Duration) -> Option<Completion> {
        if self.ended.is_empty() && !timeout.is_zero() {
            if self.steps.is_empty() {
                return self.queued.pop_front().map(|buffer| failed(buffer, TransferError::Disconnected));
            }
            self.pass_to(self.due_us);
        }
        let completion = self.ended.pop_front()?;
        self.looks += 1;
        let away = (self.late)(self.looks);
        self.pass_to(self.now_us() + away);
        Some(completion)
    }

    fn pending(&self) -> usize {
        self.queued.len() + self.ended.len()
    }

    fn cancel_all(&mut self) {
        while let Some(buffer) = self.queued.pop_back() {
            self.ended.push_back(failed(buffer, TransferError::Cancelled));
        }
        self.steps.clear();
    }

    fn clear_halt(&mut self) -> Result<(), UsbError> {
        Ok(())
    }
}
