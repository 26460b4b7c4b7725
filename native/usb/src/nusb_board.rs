//! A board on a USB port, through the system's raw access to USB devices (Linux: usbfs).

use std::time::Duration;

use nusb::transfer::{Buffer, Bulk, Completion, ControlIn, ControlOut, ControlType, In, Recipient, TransferError};
use nusb::{Endpoint, ErrorKind, Interface, MaybeFuture};

use crate::board::{Board, BulkIn, Request};
use crate::error::UsbError;
use crate::hurry::hurry;
use crate::listing::{Kind, list_boards, port_of};
use crate::uvc::{CONTROL_INTERFACE, CONTROL_TIMEOUT, VENDOR, VIDEO_ENDPOINT, VIDEO_INTERFACE, frame_index};

/// A board that this process has claimed. When it is dropped the system's own driver gets it back.
#[derive(Debug)]
pub struct NusbBoard {
    // Dropped in this order: the system's driver takes both interfaces when the first is free.
    video: Interface,
    control: Interface,
    port: String,
}

/// Opens the board on a USB port and takes it from the system's camera driver.
///
/// # Errors
/// `NotFound`, `Unusable` on a USB 2 connection or without firmware, `NoPermission`, `InUse`, `Gone`, `NoBus`.
pub fn open_board(port: &str) -> Result<NusbBoard, UsbError> {
    let not_found = || UsbError::NotFound { port: port.to_owned() };
    let info = list_boards()?.into_iter().find(|board| board.port == port).ok_or_else(not_found)?;
    match info.kind {
        Kind::Board => {}
        Kind::HighSpeed => {
            return Err(UsbError::Unusable {
                message: "The board is connected at USB 2 speed; no picture comes at that speed.".to_owned(),
            });
        }
        Kind::BootLoader => {
            return Err(UsbError::Unusable {
                message: "The board runs its boot loader: it has no firmware, or its PMODE jumper is set.".to_owned(),
            });
        }
    }
    // Taking it from the driver would cut off whoever looks through it.
    if !info.users.is_empty() {
        return Err(UsbError::InUse { port: port.to_owned() });
    }
    // The library's own thread, which takes ended transfers from the kernel, is started by the first one that opens a board and inherits its priority.
    let opening = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                hurry();
                claim(port)
            })
            .join()
    });
    opening.unwrap_or_else(|_| {
        Err(UsbError::System {
            reason: "opening it failed".to_owned(),
        })
    })
}

fn claim(port: &str) -> Result<NusbBoard, UsbError> {
    let not_found = || UsbError::NotFound { port: port.to_owned() };
    let mut devices = nusb::list_devices()
        .wait()
        .map_err(|error| UsbError::NoBus { reason: error.to_string() })?;
    let device = devices
        .find(|device| device.vendor_id() == VENDOR && port_of(device) == port)
        .ok_or_else(not_found)?
        .open()
        .wait()
        .map_err(|error| told(port, &error))?;
    let claim = |interface| {
        device
            .detach_and_claim_interface(interface)
            .wait()
            .map_err(|error| told(port, &error))
    };
    let control = claim(CONTROL_INTERFACE)?;
    let video = claim(VIDEO_INTERFACE)?;
    Ok(NusbBoard {
        video,
        control,
        port: port.to_owned(),
    })
}

fn told(port: &str, error: &nusb::Error) -> UsbError {
    let port = || port.to_owned();
    match error.kind() {
        ErrorKind::Disconnected => UsbError::NotFound { port: port() },
        ErrorKind::Busy => UsbError::InUse { port: port() },
        ErrorKind::PermissionDenied => UsbError::NoPermission { port: port() },
        _ => UsbError::System { reason: error.to_string() },
    }
}

fn of_transfer(error: TransferError) -> UsbError {
    match error {
        TransferError::Stall => UsbError::Refused,
        TransferError::Disconnected => UsbError::Gone,
        TransferError::Cancelled => UsbError::NoAnswer,
        other => UsbError::System { reason: other.to_string() },
    }
}

impl Board for NusbBoard {
    fn control_in(&self, request: Request, length: u16) -> Result<Vec<u8>, UsbError> {
        let transfer = ControlIn {
            control_type: ControlType::Class,
            recipient: Recipient::Interface,
            request: request.request,
            value: request.value,
            index: request.index,
            length,
        };
        self.control.control_in(transfer, CONTROL_TIMEOUT).wait().map_err(of_transfer)
    }

    fn control_out(&self, request: Request, data: &[u8]) -> Result<(), UsbError> {
        let transfer = ControlOut {
            control_type: ControlType::Class,
            recipient: Recipient::Interface,
            request: request.request,
            value: request.value,
            index: request.index,
            data,
        };
        self.control.control_out(transfer, CONTROL_TIMEOUT).wait().map_err(of_transfer)
    }

    fn frame_index(&self, width: u32, height: u32) -> Option<u8> {
        self.video
            .descriptors()
            .find_map(|interface| frame_index(interface.descriptors().as_bytes(), width, height))
    }

    fn open_video(&self) -> Result<Box<dyn BulkIn>, UsbError> {
        // A stream that a process left running when it died ends here.
        self.video.set_alt_setting(0).wait().map_err(|error| told(&self.port, &error))?;
        let endpoint = self
            .video
            .endpoint::<Bulk, In>(VIDEO_ENDPOINT)
            .map_err(|error| told(&self.port, &error))?;
        Ok(Box::new(NusbEndpoint(endpoint)))
    }
}

/// The video endpoint of a board on USB.
struct NusbEndpoint(Endpoint<Bulk, In>);

impl BulkIn for NusbEndpoint {
    fn allocate(&self, bytes: usize) -> Buffer {
        // Memory the kernel fills in place.
        self.0.allocate(bytes)
    }

    fn submit(&mut self, buffer: Buffer) {
        self.0.submit(buffer);
    }

    fn wait(&mut self, timeout: Duration) -> Option<Completion> {
        self.0.wait_next_complete(timeout)
    }

    fn pending(&self) -> usize {
        self.0.pending()
    }

    fn cancel_all(&mut self) {
        self.0.cancel_all();
    }

    fn clear_halt(&mut self) -> Result<(), UsbError> {
        self.0.clear_halt().wait().map_err(|error| match error.kind() {
            ErrorKind::Disconnected => UsbError::Gone,
            _ => UsbError::NoAnswer,
        })
    }
}
