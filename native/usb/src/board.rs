//! What the rest needs of a board: control transfers, and its video endpoint. There are two: one on USB ([`crate::nusb_board`]) and a scripted one
//! ([`crate::scripted`]), so that everything above is tested without hardware.

use std::time::Duration;

use nusb::transfer::{Buffer, Completion};

use crate::error::UsbError;
use crate::uvc::{CONTROL_INTERFACE, GET_CUR, PROCESSING_UNIT, SET_CUR, VIDEO_INTERFACE};

/// A class request to an interface of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// `bRequest`.
    pub request: u8,
    /// `wValue`: the selector in its upper byte.
    pub value: u16,
    /// `wIndex`: the unit in its upper byte, the interface in its lower.
    pub index: u16,
}

impl Request {
    /// Reads or writes a control of the processing unit.
    #[must_use]
    pub fn processing(request: u8, selector: u8) -> Self {
        Self {
            request,
            value: u16::from(selector) << 8,
            index: u16::from(PROCESSING_UNIT) << 8 | u16::from(CONTROL_INTERFACE),
        }
    }

    /// Reads or writes PROBE or COMMIT.
    #[must_use]
    pub fn streaming(request: u8, selector: u8) -> Self {
        Self {
            request,
            value: u16::from(selector) << 8,
            index: u16::from(VIDEO_INTERFACE),
        }
    }
}

/// A board that was opened.
pub trait Board: Send + Sync {
    /// Reads so many bytes at most. Waits for the answer.
    ///
    /// # Errors
    /// `Refused`, `NoAnswer`, `Gone`.
    fn control_in(&self, request: Request, length: u16) -> Result<Vec<u8>, UsbError>;

    /// Writes bytes. Waits for the answer.
    ///
    /// # Errors
    /// `Refused`, `NoAnswer`, `Gone`.
    fn control_out(&self, request: Request, data: &[u8]) -> Result<(), UsbError>;

    /// The index of a frame size, by the board's own descriptors.
    fn frame_index(&self, width: u32, height: u32) -> Option<u8>;

    /// Its video endpoint, with whatever it still sent stopped.
    ///
    /// # Errors
    /// `InUse` while it is open already, `Gone`.
    fn open_video(&self) -> Result<Box<dyn BulkIn>, UsbError>;
}

/// A bulk endpoint that sends. Transfers complete in the order they were queued.
pub trait BulkIn: Send {
    /// Memory for a transfer.
    fn allocate(&self, bytes: usize) -> Buffer;
    /// Queues a transfer.
    fn submit(&mut self, buffer: Buffer);
    /// The next transfer that ended; none when none does within the time.
    fn wait(&mut self, timeout: Duration) -> Option<Completion>;
    /// Transfers that are queued, or ended and not fetched yet.
    fn pending(&self) -> usize;
    /// Ends all transfers; they are still to be fetched.
    fn cancel_all(&mut self);
    /// Tells the board to stop sending (`CLEAR_FEATURE(ENDPOINT_HALT)`), with no transfer pending.
    ///
    /// # Errors
    /// `NoAnswer`, `Gone`.
    fn clear_halt(&mut self) -> Result<(), UsbError>;
}

/// Writes a control of the processing unit, 16 bits.
///
/// # Errors
/// As [`Board::control_out`].
pub fn set_control(board: &dyn Board, selector: u8, value: u16) -> Result<(), UsbError> {
    board.control_out(Request::processing(SET_CUR, selector), &value.to_le_bytes())
}

/// Reads a control of the processing unit, 16 bits.
///
/// # Errors
/// As [`Board::control_in`]; `NoAnswer` for an answer of another length.
pub fn get_control(board: &dyn Board, selector: u8) -> Result<u16, UsbError> {
    match board.control_in(Request::processing(GET_CUR, selector), 2)?[..] {
        [low, high] => Ok(u16::from_le_bytes([low, high])),
        _ => Err(UsbError::NoAnswer),
    }
}
