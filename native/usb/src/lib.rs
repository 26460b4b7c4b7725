//! The Miniscope DAQ board over USB: which boards are there, their frames without a lost one, their controls meanwhile.
//!
//! The board sends a frame as some fifty bulk transfers of at most 16 KiB, one each 493 µs, and keeps eight of them when nobody fetches them: 3.9 ms. So
//! [`stream`] keeps many transfers queued on a thread of its own, puts frames together and hands them to a [`ring`] that its reader empties when it can. Nothing
//! here waits for a reader.
//!
//! There is no `unsafe` here but in `v4l2::device`, which asks the system's camera driver: the ring is made of lock-free queues of boxed frames.
#![deny(unsafe_code)]

pub mod assembler;
pub mod board;
pub mod error;
pub mod hurry;
pub mod listing;
pub mod nusb_board;
#[cfg(unix)]
pub mod redir;
pub mod ring;
pub mod scripted;
pub mod session;
pub mod stream;
pub mod uvc;
pub mod v4l2;
pub mod watch;

pub use error::UsbError;
pub use listing::{BoardInfo, Kind, list_boards};
pub use nusb_board::open_board;
pub use session::Session;
pub use watch::{PortWatch, watch_ports};
