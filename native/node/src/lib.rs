//! Node-API binding of the native crates: films by frame, films being recorded, boards on USB, the simulated scope's picture, edits of cells. No science lives
//! here.
//!
//! Work runs on threads of its own (never on libuv's four); each call returns a promise. A rejected promise's message is JSON
//! `{"code","message","hint"}` with a code of the contract.
// The macros of the binding make public items without documentation.
#![allow(missing_docs)]

pub mod edit;
pub mod film;
mod shift;
pub mod usb;
pub mod view;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use calyx_media::{Film, FrameStatus, MediaError, Recording};
use napi::bindgen_prelude::{Env, Float32Array, Object, Uint8Array};
use napi_derive::napi;

/// A remark about a film.
#[napi(object)]
pub struct FilmFinding {
    pub code: String,
    pub message: String,
}

/// What a film is.
#[napi(object)]
pub struct FilmInfo {
    pub frames: i64,
    pub width: u32,
    pub height: u32,
    pub container_fps: Option<f64>,
    pub codec: String,
    pub findings: Vec<FilmFinding>,
}

/// An opened recording.
#[napi(object)]
pub struct RecordingInfo {
    /// Names it in the other calls.
    pub handle: u32,
    pub frames: i64,
    pub width: u32,
    pub height: u32,
    /// A frame anywhere costs no more than the frames from its key frame on.
    pub jumps: bool,
}

/// One frame, 8-bit grey, row-major.
#[napi(object)]
pub struct Frame {
    pub bytes: Uint8Array,
    /// It could not be decoded; the bytes are those of the frame before.
    pub unreadable: bool,
}

type Reply = Box<dyn FnOnce(Result<Frame, MediaError>) + Send>;

/// One read: the frame, the displacement of its content (dy, dx) that is taken back, and who gets it.
struct Request {
    frame: u64,
    motion: (f32, f32),
    /// Stands above `motion`.
    field: Option<shift::Field>,
    reply: Reply,
}

/// The field of one frame: where its nodes lie (px) and 2 × rows × columns displacements (all dy, then all dx), row-major.
#[napi(object)]
pub struct MotionField {
    pub rows: Float32Array,
    pub columns: Float32Array,
    pub values: Float32Array,
}

/// An open recording: who reads it, and what it is.
struct Reader {
    requests: Sender<Request>,
    recording: Arc<Recording>,
}

/// Readers by handle, and the next handle.
struct Readers {
    next: u32,
    open: HashMap<u32, Reader>,
}

/// A film that nobody asks for so long keeps no decoder.
const IDLE: Duration = Duration::from_secs(30);

/// Each open reader has a thread that ends when its sender is dropped.
static READERS: LazyLock<Mutex<Readers>> = LazyLock::new(|| {
    Mutex::new(Readers {
        next: 1,
        open: HashMap::new(),
    })
});

/// An error with a code of the contract.
trait Coded: std::fmt::Display {
    fn code(&self) -> &'static str;
    fn hint(&self) -> Option<&'static str>;
}

impl Coded for MediaError {
    fn code(&self) -> &'static str {
        MediaError::code(self)
    }

    fn hint(&self) -> Option<&'static str> {
        MediaError::hint(self)
    }
}

fn to_js(error: &impl Coded) -> napi::Error {
    let data = serde_json::json!({ "code": error.code(), "message": error.to_string(), "hint": error.hint() });
    napi::Error::from_reason(data.to_string())
}

fn closed() -> MediaError {
    MediaError::Unreadable {
        path: "the recording".to_owned(),
        reason: "it was closed".to_owned(),
    }
}

/// Runs `work` on a thread of its own and settles a promise with what it gives.
fn promise<'env, T, E, F>(env: &'env Env, name: &str, work: F) -> napi::Result<Object<'env>>
where
    T: napi::bindgen_prelude::ToNapiValue + Send + 'static,
    E: Coded,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let (deferred, object) = env.create_deferred::<T, _>()?;
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || match work() {
            Ok(value) => deferred.resolve(move |_| Ok(value)),
            Err(error) => deferred.reject(to_js(&error)),
        })
        .map_err(|error| napi::Error::from_reason(error.to_string()))?;
    Ok(object)
}

fn probe(path: &Path) -> Result<FilmInfo, MediaError> {
    let film = Film::open(path)?;
    Ok(FilmInfo {
        frames: i64::try_from(film.frames()).unwrap_or(i64::MAX),
        width: u32::try_from(film.width()).unwrap_or(u32::MAX),
        height: u32::try_from(film.height()).unwrap_or(u32::MAX),
        container_fps: film.container_fps(),
        codec: film.codec().to_owned(),
        findings: film
            .findings()
            .iter()
            .map(|finding| FilmFinding {
                code: finding.code.to_owned(),
                message: finding.message.clone(),
            })
            .collect(),
    })
}

/// Looks into one film.
#[napi(ts_return_type = "Promise<FilmInfo>")]
pub fn probe_film(env: &Env, path: String) -> napi::Result<Object<'_>> {
    promise(env, "calyx-probe", move || probe(Path::new(&path)))
}

fn serve(recording: &Arc<Recording>, requests: &Receiver<Request>) {
    let (height, width) = (recording.height(), recording.width());
    let mut reader = recording.reader();
    loop {
        let Request {
            frame,
            motion,
            field,
            reply,
        } = match requests.recv_timeout(IDLE) {
            Ok(request) => request,
            Err(RecvTimeoutError::Timeout) => {
                reader.rest();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut bytes = vec![0; height * width];
        let read = reader.read(frame, &mut bytes).map(|status| {
            let bytes = if let Some(field) = &field {
                shift::take_back_by(&bytes, height, width, field)
            } else if motion == (0.0, 0.0) {
                bytes
            } else {
                shift::take_back(&bytes, height, width, motion.0, motion.1)
            };
            Frame {
                bytes: Uint8Array::new(bytes),
                unreadable: status == FrameStatus::Unreadable,
            }
        });
        reply(read);
    }
}

fn open(paths: &[PathBuf]) -> Result<RecordingInfo, MediaError> {
    let recording = Arc::new(Recording::open(paths)?);
    let (sender, requests) = channel();
    let mut readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = readers.next;
    readers.next = handle.wrapping_add(1).max(1);
    readers.open.insert(
        handle,
        Reader {
            requests: sender,
            recording: Arc::clone(&recording),
        },
    );
    let info = RecordingInfo {
        handle,
        frames: i64::try_from(recording.frames()).unwrap_or(i64::MAX),
        width: u32::try_from(recording.width()).unwrap_or(u32::MAX),
        height: u32::try_from(recording.height()).unwrap_or(u32::MAX),
        jumps: recording.jumps(),
    };
    std::thread::Builder::new()
        .name(format!("calyx-frames-{handle}"))
        .spawn(move || serve(&recording, &requests))
        .map_err(|source| MediaError::Io {
            path: "a thread for the recording".to_owned(),
            source,
        })?;
    Ok(info)
}

/// Opens the films of one recording, in order.
#[napi(ts_return_type = "Promise<RecordingInfo>")]
pub fn open_recording(env: &Env, paths: Vec<String>) -> napi::Result<Object<'_>> {
    let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    promise(env, "calyx-open", move || open(&paths))
}

/// Reads a frame (0-based over all films) and takes the motion (dy, dx: displacement of the content, px) back, or the field where it is given.
#[napi(ts_return_type = "Promise<Frame>")]
pub fn read_frame(env: &Env, handle: u32, frame: i64, dy: f64, dx: f64, field: Option<MotionField>) -> napi::Result<Object<'_>> {
    let field = field.and_then(|f| shift::Field::new(f.rows.to_vec(), f.columns.to_vec(), f.values.to_vec()));
    let (deferred, object) = env.create_deferred::<Frame, _>()?;
    let readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let sender = readers.open.get(&handle).map(|reader| reader.requests.clone());
    drop(readers);
    let reply: Reply = Box::new(move |read| match read {
        Ok(frame) => deferred.resolve(move |_| Ok(frame)),
        Err(error) => deferred.reject(to_js(&error)),
    });
    #[expect(clippy::cast_possible_truncation, reason = "displacements are a few pixels")]
    let motion = (dy as f32, dx as f32);
    let request = Request {
        frame: u64::try_from(frame).unwrap_or(u64::MAX),
        motion,
        field,
        reply,
    };
    match sender {
        Some(sender) => {
            if let Err(unsent) = sender.send(request) {
                (unsent.0.reply)(Err(closed()));
            }
        }
        None => (request.reply)(Err(closed())),
    }
    Ok(object)
}

/// Frames that must be decoded in vain to reach this one; 0 for a recording that is not open.
#[napi]
pub fn frame_lead(handle: u32, frame: i64) -> i64 {
    let readers = READERS.lock().unwrap_or_else(PoisonError::into_inner);
    let lead = u64::try_from(frame).ok().zip(readers.open.get(&handle));
    i64::try_from(lead.map_or(0, |(frame, reader)| reader.recording.lead(frame))).unwrap_or(0)
}

/// Closes a recording; its decoders end.
#[napi]
pub fn close_recording(handle: u32) {
    READERS.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&handle);
}
