//! A board that somebody serves over a socket by the protocol usbredir 0.7, as the simulated one is: the same capture runs on it without a USB port, and QEMU makes a
//! real USB device of the same socket (`npm run test:usb`).

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nusb::transfer::{Buffer, Completion, TransferError};

use crate::board::{Board, BulkIn, Request};
use crate::error::UsbError;
use crate::scripted::{failed, filled};
use crate::uvc::{CONTROL_TIMEOUT, VIDEO_ENDPOINT, VIDEO_INTERFACE, frame_index};

/// Numbers of the messages that are used here.
mod kind {
    pub const HELLO: u32 = 0;
    pub const CONNECT: u32 = 1;
    pub const DISCONNECT: u32 = 2;
    pub const SET_ALT: u32 = 9;
    pub const ALT_STATUS: u32 = 11;
    pub const CANCEL: u32 = 21;
    pub const CONTROL: u32 = 100;
    pub const BULK: u32 = 101;
}

/// Both sides must offer: version with connect (1), packet sizes with endpoints (4), 64-bit ids (5), 32-bit lengths of bulk packets (6).
const CAPABILITIES: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6;
const HELLO_BYTES: usize = 68;
const CONTROL_BYTES: usize = 10;
const BULK_BYTES: usize = 10;
const MOST_BYTES: usize = 1 << 20;

/// An answer to a request: its status and bytes.
type Answer = (u8, Vec<u8>);

#[derive(Default)]
struct State {
    next: u64,
    plugged: bool,
    gone: bool,
    asked: HashMap<u64, Sender<Answer>>,
    /// Transfers that are pending, oldest first.
    queued: VecDeque<(u64, Buffer)>,
    ended: VecDeque<Completion>,
}

struct Line {
    writer: Mutex<UnixStream>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, kind: u32, id: u64, parts: &[&[u8]]) -> Result<(), UsbError> {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let mut message = Vec::with_capacity(16 + length);
        message.extend(kind.to_le_bytes());
        message.extend(u32::try_from(length).unwrap_or_default().to_le_bytes());
        message.extend(id.to_le_bytes());
        for part in parts {
            message.extend_from_slice(part);
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(&message).map_err(|_| UsbError::Gone)
    }

    /// Asks and waits for the answer.
    fn ask(&self, kind: u32, parts: &[&[u8]]) -> Result<Vec<u8>, UsbError> {
        let (sender, answer) = channel();
        let id = {
            let mut state = self.state();
            if state.gone {
                return Err(UsbError::Gone);
            }
            state.next += 1;
            let id = state.next;
            state.asked.insert(id, sender);
            id
        };
        self.send(kind, id, parts)?;
        let answered = answer.recv_timeout(CONTROL_TIMEOUT);
        let mut state = self.state();
        state.asked.remove(&id);
        match answered {
            Ok((0, bytes)) => Ok(bytes),
            Ok((4, _)) => Err(UsbError::Refused),
            Err(_) if state.gone => Err(UsbError::Gone),
            _ => Err(UsbError::NoAnswer),
        }
    }

    fn lost(&self) {
        let mut state = self.state();
        state.gone = true;
        state.asked.clear();
        while let Some((_, buffer)) = state.queued.pop_front() {
            state.ended.push_back(failed(buffer, TransferError::Disconnected));
        }
        drop(state);
        self.changed.notify_all();
    }

    fn take(&self, kind: u32, id: u64, body: &[u8]) {
        let mut state = self.state();
        match kind {
            kind::CONNECT => state.plugged = true,
            kind::ALT_STATUS => answer(&mut state, id, body.first(), &[]),
            kind::CONTROL if body.len() >= CONTROL_BYTES => answer(&mut state, id, body.get(3), &body[CONTROL_BYTES..]),
            kind::BULK if body.len() >= BULK_BYTES => {
                // Transfers end in the order they were queued; a cancelled one is not waited for any more.
                if state.queued.front().is_some_and(|(queued, _)| *queued == id)
                    && let Some((_, buffer)) = state.queued.pop_front()
                {
                    let completion = match body[1] {
                        0 => filled(buffer, &body[BULK_BYTES..]),
                        1 => failed(buffer, TransferError::Cancelled),
                        4 => failed(buffer, TransferError::Stall),
                        _ => failed(buffer, TransferError::Fault),
                    };
                    state.ended.push_back(completion);
                }
            }
            _ => {}
        }
        drop(state);
        self.changed.notify_all();
    }
}

fn answer(state: &mut State, id: u64, status: Option<&u8>, bytes: &[u8]) {
    if let Some(asked) = state.asked.remove(&id) {
        let _ = asked.send((status.copied().unwrap_or(3), bytes.to_vec()));
    }
}

/// A board at the other end of a socket. The connection ends when it is dropped.
pub struct RedirBoard {
    line: Arc<Line>,
    descriptors: Vec<u8>,
}

/// Opens the board that is served at a socket's path.
///
/// # Errors
/// `NotFound` when nobody serves one there or none is plugged in, `NoAnswer` for another protocol.
pub fn open_served(path: &str) -> Result<RedirBoard, UsbError> {
    let not_found = |_| UsbError::NotFound { port: path.to_owned() };
    let mut reader = UnixStream::connect(path).map_err(not_found)?;
    let line = Arc::new(Line {
        writer: Mutex::new(reader.try_clone().map_err(not_found)?),
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    reader.set_read_timeout(Some(4 * CONTROL_TIMEOUT)).map_err(not_found)?;
    hello(&line, &mut reader)?;
    reader.set_read_timeout(None).map_err(not_found)?;
    let theirs = Arc::clone(&line);
    std::thread::Builder::new()
        .name("calyx-usb-redir".to_owned())
        .spawn(move || {
            while let Some((kind, id, body)) = message(&mut reader, true) {
                if kind == kind::DISCONNECT {
                    break;
                }
                theirs.take(kind, id, &body);
            }
            theirs.lost();
        })
        .map_err(|error| UsbError::System { reason: error.to_string() })?;
    let mut board = RedirBoard {
        line,
        descriptors: Vec::new(),
    };
    board.wait_for_plug(path)?;
    board.descriptors = board.configuration()?;
    Ok(board)
}

/// The two hellos: their ids are short, and so are all others when a side does not offer long ones.
fn hello(line: &Line, reader: &mut UnixStream) -> Result<(), UsbError> {
    let mut ours = Vec::with_capacity(12 + HELLO_BYTES);
    ours.extend(kind::HELLO.to_le_bytes());
    ours.extend(68_u32.to_le_bytes());
    ours.extend(0_u32.to_le_bytes());
    let mut version = [0_u8; HELLO_BYTES - 4];
    version[..5].copy_from_slice(b"calyx");
    ours.extend(version);
    ours.extend(CAPABILITIES.to_le_bytes());
    let mut writer = line.writer.lock().unwrap_or_else(PoisonError::into_inner);
    writer.write_all(&ours).map_err(|_| UsbError::Gone)?;
    drop(writer);
    match message(reader, false) {
        Some((kind::HELLO, _, body)) if body.len() >= HELLO_BYTES => {
            let theirs = u32::from_le_bytes([body[64], body[65], body[66], body[67]]);
            if theirs & CAPABILITIES == CAPABILITIES {
                Ok(())
            } else {
                Err(UsbError::NoAnswer)
            }
        }
        _ => Err(UsbError::NoAnswer),
    }
}

/// The next message; none when the line is cut or carries something else.
fn message(reader: &mut UnixStream, has_long_ids: bool) -> Option<(u32, u64, Vec<u8>)> {
    let mut head = [0_u8; 16];
    let head = &mut head[..if has_long_ids { 16 } else { 12 }];
    reader.read_exact(head).ok()?;
    let word = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let id = u64::from(word(8)?) | u64::from(word(12).unwrap_or(0)) << 32;
    let length = word(4)? as usize;
    if length > MOST_BYTES {
        return None;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((word(0)?, id, body))
}

fn control_packet(endpoint: u8, request: u8, request_type: u8, value: u16, index: u16, length: u16) -> [u8; CONTROL_BYTES] {
    let [v0, v1] = value.to_le_bytes();
    let [i0, i1] = index.to_le_bytes();
    let [l0, l1] = length.to_le_bytes();
    [endpoint, request, request_type, 0, v0, v1, i0, i1, l0, l1]
}

impl RedirBoard {
    fn wait_for_plug(&self, path: &str) -> Result<(), UsbError> {
        let waited = self
            .line
            .changed
            .wait_timeout_while(self.line.state(), CONTROL_TIMEOUT, |state| !state.plugged && !state.gone);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.plugged {
            Ok(())
        } else {
            Err(UsbError::NotFound { port: path.to_owned() })
        }
    }

    fn configuration(&self) -> Result<Vec<u8>, UsbError> {
        const GET_DESCRIPTOR: u8 = 0x06;
        const CONFIGURATION: u16 = 0x0200;
        self.line.ask(
            kind::CONTROL,
            &[&control_packet(0x80, GET_DESCRIPTOR, 0x80, CONFIGURATION, 0, 4096)],
        )
    }
}

impl Drop for RedirBoard {
    fn drop(&mut self) {
        let writer = self.line.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writer.shutdown(std::net::Shutdown::Both);
    }
}

impl Board for RedirBoard {
    fn control_in(&self, request: Request, length: u16) -> Result<Vec<u8>, UsbError> {
        let packet = control_packet(0x80, request.request, 0xa1, request.value, request.index, length);
        self.line.ask(kind::CONTROL, &[&packet])
    }

    fn control_out(&self, request: Request, data: &[u8]) -> Result<(), UsbError> {
        let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
        let packet = control_packet(0, request.request, 0x21, request.value, request.index, length);
        self.line.ask(kind::CONTROL, &[&packet, data]).map(|_| ())
    }

    fn frame_index(&self, width: u32, height: u32) -> Option<u8> {
        frame_index(&self.descriptors, width, height)
    }

    fn open_video(&self) -> Result<Box<dyn BulkIn>, UsbError> {
        self.line.ask(kind::SET_ALT, &[&[VIDEO_INTERFACE, 0]])?;
        self.line.state().ended.clear();
        Ok(Box::new(RedirEndpoint(Arc::clone(&self.line))))
    }
}

struct RedirEndpoint(Arc<Line>);

impl BulkIn for RedirEndpoint {
    fn allocate(&self, bytes: usize) -> Buffer {
        Buffer::new(bytes)
    }

    fn submit(&mut self, buffer: Buffer) {
        let length = u32::try_from(buffer.requested_len()).unwrap_or_default().to_le_bytes();
        let mut state = self.0.state();
        state.next += 1;
        let id = state.next;
        if state.gone {
            state.ended.push_back(failed(buffer, TransferError::Disconnected));
            return;
        }
        state.queued.push_back((id, buffer));
        drop(state);
        let [l0, l1, h0, h1] = length;
        let packet = [VIDEO_ENDPOINT, 0, l0, l1, 0, 0, 0, 0, h0, h1];
        // A line that is cut is told by its reader.
        let _ = self.0.send(kind::BULK, id, &[&packet]);
    }

    fn wait(&mut self, timeout: Duration) -> Option<Completion> {
        let mut state = self.0.state();
        if state.ended.is_empty() && !timeout.is_zero() {
            let waited = self.0.changed.wait_timeout_while(state, timeout, |state| state.ended.is_empty());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.ended.pop_front()
    }

    fn pending(&self) -> usize {
        let state = self.0.state();
        state.queued.len() + state.ended.len()
    }

    fn cancel_all(&mut self) {
        let mut state = self.0.state();
        let queued = std::mem::take(&mut state.queued);
        let mut ids = Vec::new();
        for (id, buffer) in queued {
            ids.push(id);
            state.ended.push_back(failed(buffer, TransferError::Cancelled));
        }
        drop(state);
        for id in ids {
            let _ = self.0.send(kind::CANCEL, id, &[]);
        }
    }

    fn clear_halt(&mut self) -> Result<(), UsbError> {
        const CLEAR_FEATURE: u8 = 0x01;
        let packet = control_packet(0, CLEAR_FEATURE, 0x02, 0, u16::from(VIDEO_ENDPOINT), 0);
        self.0.ask(kind::CONTROL, &[&packet]).map(|_| ())
    }
}
