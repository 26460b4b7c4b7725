//! A board through the system's camera driver (Linux: uvcvideo), where raw access to USB is refused. The picture is the same to the byte; what is lost: the driver remembers
//! what it read of a control, so the board's frame counter and orientation cannot be read with most kernels and firmwares, the time of a frame is that of its end, and what
//! the driver leaves out is known by its own numbers only.

mod device;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nusb::transfer::{Buffer, Completion, TransferError};

use crate::board::{Board, BulkIn, Request};
use crate::error::UsbError;
use crate::uvc::{COMMIT, GET_CUR, NEGOTIATION_BYTES, PAYLOAD_HEADER, PROBE, PROCESSING_UNIT, SET_CUR};

pub use device::open_camera;

/// A frame as the driver gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CameraFrame {
    /// Its bytes, two for each pixel.
    pub bytes: Vec<u8>,
    /// The driver's number of it: it counts frames it left out.
    pub sequence: u32,
    /// The driver says that it is broken.
    pub faulty: bool,
}

/// A camera of the system, as far as a board needs it.
pub trait Camera: Send {
    /// The index of a frame size among those it offers, from 1.
    fn size_index(&mut self, width: u32, height: u32) -> Option<u8>;
    /// Chooses the size with an index.
    ///
    /// # Errors
    /// `InUse`, `Gone`, `System`.
    fn choose(&mut self, index: u8) -> Result<(), UsbError>;
    /// Lets frames come.
    ///
    /// # Errors
    /// `InUse`, `Gone`, `System`.
    fn start(&mut self) -> Result<(), UsbError>;
    /// No frame comes any more.
    ///
    /// # Errors
    /// `Gone`, `System`.
    fn stop(&mut self) -> Result<(), UsbError>;
    /// The next frame, put into memory that was used before; none when none comes within the time.
    ///
    /// # Errors
    /// `Gone`, `System`.
    fn next(&mut self, timeout: Duration, into: Vec<u8>) -> Result<Option<CameraFrame>, UsbError>;
}

/// Its controls, which can be used while another thread waits for a frame.
pub trait Controls: Send + Sync {
    /// Reads a control by the selector of the processing unit: what the board says, or what the driver remembers.
    ///
    /// # Errors
    /// `Refused`, `NoAnswer`, `Gone`.
    fn get(&self, selector: u8) -> Result<u16, UsbError>;
    /// Writes it.
    ///
    /// # Errors
    /// `Refused`, `NoAnswer`, `Gone`.
    fn set(&self, selector: u8, value: u16) -> Result<(), UsbError>;
}

/// The control that reads the frame counter.
const CONTRAST: u8 = 0x03;

/// What tells whether readings are the board's: the counter counts, what the driver remembers does not.
#[derive(Debug, Default)]
struct Trust {
    last: Option<u16>,
    is_live: bool,
}

impl Trust {
    /// Something was written: the driver remembers that as if it had been read.
    fn written(&mut self, selector: u8) {
        if selector == CONTRAST {
            self.last = None;
        }
    }

    /// Two readings that differ with nothing written in between are the board's own.
    fn read(&mut self, selector: u8, value: u16) {
        if selector == CONTRAST {
            self.is_live |= self.last.is_some_and(|last| last != value);
            self.last = Some(value);
        }
    }
}

type SharedCamera = Arc<Mutex<Box<dyn Camera>>>;

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A board behind the camera driver.
pub struct CameraBoard {
    camera: SharedCamera,
    controls: Box<dyn Controls>,
    trust: Mutex<Trust>,
    proposal: Mutex<Vec<u8>>,
    /// The endpoint is out; given back when it is dropped.
    taken: Arc<Mutex<bool>>,
}

impl CameraBoard {
    /// Takes a camera over.
    #[must_use]
    pub fn new(camera: Box<dyn Camera>, controls: Box<dyn Controls>) -> Self {
        Self {
            camera: Arc::new(Mutex::new(camera)),
            controls,
            trust: Mutex::default(),
            proposal: Mutex::default(),
            taken: Arc::default(),
        }
    }
}

fn processing(request: Request) -> Option<u8> {
    (request.index >> 8 == u16::from(PROCESSING_UNIT)).then(|| u8::try_from(request.value >> 8).unwrap_or_default())
}

impl Board for CameraBoard {
    fn control_in(&self, request: Request, length: u16) -> Result<Vec<u8>, UsbError> {
        if request.request != GET_CUR {
            return Err(UsbError::Refused);
        }
        let Some(selector) = processing(request) else {
            let mut agreed = locked(&self.proposal).clone();
            agreed.resize(usize::from(length), 0);
            return Ok(agreed);
        };
        let value = self.controls.get(selector)?;
        let mut trust = locked(&self.trust);
        trust.read(selector, value);
        // What the driver only remembers is no answer of the board.
        if trust.is_live {
            Ok(value.to_le_bytes().to_vec())
        } else {
            Err(UsbError::NoAnswer)
        }
    }

    fn control_out(&self, request: Request, data: &[u8]) -> Result<(), UsbError> {
        if request.request != SET_CUR {
            return Err(UsbError::Refused);
        }
        if let Some(selector) = processing(request) {
            let [low, high] = data else { return Err(UsbError::Refused) };
            locked(&self.trust).written(selector);
            return self.controls.set(selector, u16::from_le_bytes([*low, *high]));
        }
        let index = data
            .get(3)
            .copied()
            .filter(|_| data.len() == NEGOTIATION_BYTES)
            .ok_or(UsbError::Refused)?;
        match u8::try_from(request.value >> 8) {
            Ok(PROBE) => {
                locked(&self.camera).choose(index)?;
                *locked(&self.proposal) = data.to_vec();
                Ok(())
            }
            Ok(COMMIT) => locked(&self.camera).start(),
            _ => Err(UsbError::Refused),
        }
    }

    fn frame_index(&self, width: u32, height: u32) -> Option<u8> {
        locked(&self.camera).size_index(width, height)
    }

    fn open_video(&self) -> Result<Box<dyn BulkIn>, UsbError> {
        let mut taken = locked(&self.taken);
        if *taken {
            return Err(UsbError::System {
                reason: "its stream is open already".to_owned(),
            });
        }
        locked(&self.camera).stop()?;
        *taken = true;
        Ok(Box::new(CameraFrames {
            camera: Arc::clone(&self.camera),
            taken: Arc::clone(&self.taken),
            queued: 0,
            cancelled: 0,
            waiting: VecDeque::new(),
            pool: Vec::new(),
            sequence: None,
            fid: false,
        }))
    }
}

/// Frames as the payloads that the rest takes: each whole frame as one, each that the driver left out as one without data.
struct CameraFrames {
    camera: SharedCamera,
    taken: Arc<Mutex<bool>>,
    queued: usize,
    cancelled: usize,
    waiting: VecDeque<Vec<u8>>,
    pool: Vec<Vec<u8>>,
    sequence: Option<u32>,
    fid: bool,
}

/// More left out than this says that the driver counts anew.
const MOST_LEFT_OUT: u32 = 10_000;

impl CameraFrames {
    fn header(&mut self, faulty: bool) -> [u8; PAYLOAD_HEADER] {
        let mut header = [0; PAYLOAD_HEADER];
        header[0] = 12;
        header[1] = 0x82 | u8::from(self.fid) | u8::from(faulty) << 6;
        self.fid = !self.fid;
        header
    }

    fn take(&mut self, frame: CameraFrame) {
        let CameraFrame { bytes, sequence, faulty } = frame;
        let left_out = self.sequence.map_or(0, |last| sequence.wrapping_sub(last).wrapping_sub(1));
        self.sequence = Some(sequence);
        for _ in 0..if left_out > MOST_LEFT_OUT { 0 } else { left_out } {
            let header = self.header(false);
            self.waiting.push_back(header.to_vec());
        }
        let header = self.header(faulty);
        let mut payload = self.pool.pop().unwrap_or_default();
        payload.clear();
        payload.extend_from_slice(&header);
        payload.extend_from_slice(&bytes);
        self.pool.push(bytes);
        self.waiting.push_back(payload);
    }
}

fn ended(payload: Vec<u8>, status: Result<(), TransferError>) -> Completion {
    Completion {
        actual_len: payload.len(),
        buffer: Buffer::from(payload),
        status,
    }
}

impl BulkIn for CameraFrames {
    fn allocate(&self, _bytes: usize) -> Buffer {
        // Frames bring their own memory.
        Buffer::new(0)
    }

    fn submit(&mut self, buffer: Buffer) {
        self.queued += 1;
        if buffer.capacity() > 0 && self.pool.len() < 4 {
            self.pool.push(buffer.into_vec());
        }
    }

    fn wait(&mut self, timeout: Duration) -> Option<Completion> {
        if self.cancelled > 0 {
            self.cancelled -= 1;
            return Some(ended(Vec::new(), Err(TransferError::Cancelled)));
        }
        if self.queued == 0 {
            return None;
        }
        if self.waiting.is_empty() {
            let into = self.pool.pop().unwrap_or_default();
            let next = locked(&self.camera).next(timeout, into);
            match next {
                Ok(Some(frame)) => self.take(frame),
                Ok(None) => return None,
                Err(error) => {
                    self.queued -= 1;
                    let status = if error == UsbError::Gone {
                        TransferError::Disconnected
                    } else {
                        TransferError::Stall
                    };
                    return Some(ended(Vec::new(), Err(status)));
                }
            }
        }
        self.queued -= 1;
        self.waiting.pop_front().map(|payload| ended(payload, Ok(())))
    }

    fn pending(&self) -> usize {
        self.queued + self.cancelled
    }

    fn cancel_all(&mut self) {
        self.cancelled += self.queued;
        self.queued = 0;
        self.waiting.clear();
    }

    fn clear_halt(&mut self) -> Result<(), UsbError> {
        locked(&self.camera).stop()
    }
}

impl Drop for CameraFrames {
    fn drop(&mut self) {
        let _ = locked(&self.camera).stop();
        *locked(&self.taken) = false;
    }
}

#[cfg(test)]
mod tests;
