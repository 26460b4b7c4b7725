//! Miniscope DAQ boards on USB.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::JoinHandle;

use calyx_usb::board::Board;
use calyx_usb::session::{Event, MonotonicNs, OnEvent, Session};
use calyx_usb::v4l2::open_camera;
use calyx_usb::{Kind, PortWatch, UsbError, list_boards, open_board, watch_ports};
use napi::bindgen_prelude::{BigInt, Env, Function, Object, ToNapiValue, Uint8Array};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use crate::{Coded, promise, to_js};

impl Coded for UsbError {
    fn code(&self) -> &'static str {
        UsbError::code(self)
    }

    fn hint(&self) -> Option<&'static str> {
        UsbError::hint(self)
    }
}

/// A board on a USB port.
#[napi(object)]
pub struct UsbBoard {
    pub port: String,
    /// `board`, `high-speed`, `boot-loader`.
    pub kind: String,
    pub product_id: u32,
    pub speed_mbps: Option<u32>,
    pub serial: Option<String>,
    pub product: Option<String>,
    pub driver: Option<String>,
    pub permitted: Option<bool>,
    pub users: Vec<String>,
    /// The camera node that may be used instead.
    pub camera: Option<String>,
}

/// What a look at the ports gave.
#[napi(object)]
pub struct UsbBoards {
    pub boards: Vec<UsbBoard>,
    /// Why none could be looked for.
    pub unavailable: Option<String>,
}

/// A control that was read right after a frame.
#[napi(object)]
pub struct UsbReading {
    pub selector: u32,
    pub value: Option<u32>,
}

/// One frame.
#[napi(object)]
pub struct UsbFrame {
    pub pixels: Uint8Array,
    pub odd_bytes: Uint8Array,
    pub first_ns: BigInt,
    pub last_ns: BigInt,
    pub controls: Vec<UsbReading>,
}

/// Counts since the stream began.
#[napi(object)]
pub struct UsbStats {
    pub payloads: i64,
    pub frames: i64,
    pub short: i64,
    pub oversize: i64,
    pub unended: i64,
    pub faulty: i64,
    pub bad_headers: i64,
    pub overrun: i64,
    pub transfer_errors: i64,
    pub waiting: i64,
    pub high_water: i64,
    pub longest_burst: i64,
}

type Job = Box<dyn FnOnce(&Session) + Send>;

/// An open board and the thread that talks to it in the order it was asked.
struct Open {
    session: Arc<Session>,
    jobs: Sender<Job>,
    talks: JoinHandle<()>,
}

struct Boards {
    next: u32,
    open: HashMap<u32, Open>,
}

static BOARDS: LazyLock<Mutex<Boards>> = LazyLock::new(|| {
    Mutex::new(Boards {
        next: 1,
        open: HashMap::new(),
    })
});

fn boards() -> std::sync::MutexGuard<'static, Boards> {
    BOARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The boards on this machine's USB ports. Throws for nothing: where there is no USB it says so.
#[napi]
pub fn list_usb_boards() -> UsbBoards {
    look()
}

/// As [`list_usb_boards`], on a thread of its own: looking through open files takes a while where many programs run.
#[napi(ts_return_type = "Promise<UsbBoards>")]
pub fn look_for_usb_boards(env: &Env) -> napi::Result<Object<'_>> {
    promise(env, "calyx-usb-look", || Ok::<_, UsbError>(look()))
}

static WATCHES: LazyLock<Mutex<HashMap<u32, PortWatch>>> = LazyLock::new(Mutex::default);
static NEXT_WATCH: AtomicU32 = AtomicU32::new(1);

/// Calls after each change at the USB ports, until [`unwatch_usb_ports`]; the call does not keep the process alive. Throws where the system gives no word.
#[napi]
pub fn watch_usb_ports(on_change: Function<'_, (), ()>) -> napi::Result<u32> {
    let caller = on_change
        .build_threadsafe_function::<()>()
        .weak::<true>()
        .build_callback(|_| Ok(()))?;
    let watch = watch_ports(move || {
        caller.call((), ThreadsafeFunctionCallMode::NonBlocking);
    })
    .map_err(|error| to_js(&error))?;
    let handle = NEXT_WATCH.fetch_add(1, Ordering::Relaxed);
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner).insert(handle, watch);
    Ok(handle)
}

/// Ends a watch.
#[napi]
pub fn unwatch_usb_ports(handle: u32) {
    let watch = WATCHES.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle);
    drop(watch);
}

fn look() -> UsbBoards {
    match list_boards() {
        Err(error) => UsbBoards {
            boards: Vec::new(),
            unavailable: Some(error.to_string()),
        },
        Ok(found) => UsbBoards {
            boards: found
                .into_iter()
                .map(|board| UsbBoard {
                    port: board.port,
                    kind: match board.kind {
                        Kind::Board => "board",
                        Kind::HighSpeed => "high-speed",
                        Kind::BootLoader => "boot-loader",
                    }
                    .to_owned(),
                    product_id: u32::from(board.product_id),
                    speed_mbps: board.speed_mbps,
                    serial: board.serial,
                    product: board.product,
                    driver: board.driver,
                    permitted: board.permitted,
                    users: board.users,
                    camera: board.camera,
                })
                .collect(),
            unavailable: None,
        },
    }
}

fn open(address: &str) -> Result<Arc<dyn Board>, UsbError> {
    #[cfg(unix)]
    if let Some(path) = address.strip_prefix("redir:") {
        return Ok(Arc::new(calyx_usb::redir::open_served(path)?));
    }
    if let Some(path) = address.strip_prefix("v4l2:") {
        return Ok(Arc::new(open_camera(path)?));
    }
    Ok(Arc::new(open_board(address)?))
}

fn talk(session: &Session, jobs: &Receiver<Job>) {
    for job in jobs {
        job(session);
    }
}

/// Opens the board on a port (`2-1`), the one that is served at a socket (`redir:` and its path), or the system's camera of one (`v4l2:` and its node). `now_ns` is the process' monotonic clock at this moment.
/// `on_event` gets null when frames wait to be taken, and a sentence when the board is gone.
#[napi(ts_return_type = "Promise<number>")]
pub fn open_usb_board<'env>(
    env: &'env Env,
    address: String,
    now_ns: BigInt,
    on_event: Function<'env, Option<String>, ()>,
) -> napi::Result<Object<'env>> {
    let clock = MonotonicNs::from_reading(now_ns.get_u64().1);
    let told = Arc::new(AtomicBool::new(false));
    let is_told = Arc::clone(&told);
    let caller = on_event
        .build_threadsafe_function::<Option<String>>()
        .weak::<true>()
        .build_callback(move |context| {
            // Frames that come from here on are told anew: the reader takes all that wait.
            if context.value.is_none() {
                is_told.store(false, Ordering::Release);
            }
            Ok(context.value)
        })?;
    let on_event: OnEvent = Arc::new(move |event| {
        let value = match event {
            Event::Frame if told.swap(true, Ordering::AcqRel) => return,
            Event::Frame => None,
            Event::Gone(why) => Some(why),
        };
        caller.call(value, ThreadsafeFunctionCallMode::NonBlocking);
    });
    promise(env, "calyx-usb-open", move || {
        let session = Arc::new(Session::new(open(&address)?, clock, on_event));
        let (jobs, asked) = channel();
        let theirs = Arc::clone(&session);
        let talks = std::thread::Builder::new()
            .name("calyx-usb-talk".to_owned())
            .spawn(move || talk(&theirs, &asked))
            .map_err(|error| UsbError::System { reason: error.to_string() })?;
        let mut boards = boards();
        let handle = boards.next;
        boards.next = handle.wrapping_add(1).max(1);
        boards.open.insert(handle, Open { session, jobs, talks });
        Ok::<_, UsbError>(handle)
    })
}

/// Does something with a board on its own thread, after what was asked before; a board that was closed is gone.
fn ask<'env, T, F>(env: &'env Env, handle: u32, work: F) -> napi::Result<Object<'env>>
where
    T: ToNapiValue + Send + 'static,
    F: FnOnce(&Session) -> Result<T, UsbError> + Send + 'static,
{
    let (deferred, object) = env.create_deferred::<T, _>()?;
    let jobs = boards().open.get(&handle).map(|open| open.jobs.clone());
    let settle = move |done: Result<T, UsbError>| match done {
        Ok(value) => deferred.resolve(move |_| Ok(value)),
        Err(error) => deferred.reject(to_js(&error)),
    };
    match jobs {
        None => settle(Err(UsbError::Gone)),
        Some(jobs) => {
            // The receiver lives for as long as the board is open.
            let _ = jobs.send(Box::new(move |session| settle(work(session))));
        }
    }
    Ok(object)
}

/// Agrees on a frame size and lets frames come.
#[napi(ts_return_type = "Promise<null>")]
pub fn start_usb_board(env: &Env, handle: u32, width: u32, height: u32) -> napi::Result<Object<'_>> {
    ask(env, handle, move |session| {
        session.start(width, height).map(|()| napi::bindgen_prelude::Null)
    })
}

/// Ends the stream.
#[napi(ts_return_type = "Promise<null>")]
pub fn stop_usb_board(env: &Env, handle: u32) -> napi::Result<Object<'_>> {
    ask(env, handle, |session| {
        session.stop();
        Ok(napi::bindgen_prelude::Null)
    })
}

fn narrow<T: TryFrom<u32>>(value: u32) -> Result<T, UsbError> {
    T::try_from(value).map_err(|_| UsbError::System {
        reason: format!("{value} is out of its range"),
    })
}

/// Writes a control of the processing unit, 16 bits.
#[napi(ts_return_type = "Promise<null>")]
pub fn set_usb_control(env: &Env, handle: u32, selector: u32, value: u32) -> napi::Result<Object<'_>> {
    ask(env, handle, move |session| {
        session.set_control(narrow(selector)?, narrow(value)?)?;
        Ok(napi::bindgen_prelude::Null)
    })
}

/// Reads a control of the processing unit, 16 bits.
#[napi(ts_return_type = "Promise<number>")]
pub fn get_usb_control(env: &Env, handle: u32, selector: u32) -> napi::Result<Object<'_>> {
    ask(env, handle, move |session| session.get_control(narrow(selector)?).map(u32::from))
}

fn session_of(handle: u32) -> Option<Arc<Session>> {
    boards().open.get(&handle).map(|open| Arc::clone(&open.session))
}

/// These controls are read with each frame from now on.
#[napi]
pub fn watch_usb_controls(handle: u32, selectors: Vec<u32>) {
    let selectors: Vec<u8> = selectors.into_iter().filter_map(|selector| u8::try_from(selector).ok()).collect();
    if let Some(session) = session_of(handle) {
        session.watch(&selectors);
    }
}

/// The oldest frame that waits; null when none does.
#[napi]
pub fn take_usb_frame(handle: u32) -> Option<UsbFrame> {
    session_of(handle)?.with_frame(|frame| UsbFrame {
        // Copied: its slot is filled again, and a reader keeps a frame for as long as it wants.
        pixels: Uint8Array::new(frame.pixels.clone()),
        odd_bytes: Uint8Array::new(frame.odd.to_vec()),
        first_ns: BigInt::from(frame.first_ns),
        last_ns: BigInt::from(frame.last_ns),
        controls: frame
            .controls
            .iter()
            .map(|&(selector, value)| UsbReading {
                selector: u32::from(selector),
                value: value.map(u32::from),
            })
            .collect(),
    })
}

/// Counts since the stream began; null for a board that was closed.
#[napi]
pub fn usb_stats(handle: u32) -> Option<UsbStats> {
    let stats = session_of(handle)?.stats();
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Some(UsbStats {
        payloads: number(stats.payloads),
        frames: number(stats.frames),
        short: number(stats.short),
        oversize: number(stats.oversize),
        unended: number(stats.unended),
        faulty: number(stats.faulty),
        bad_headers: number(stats.bad_headers),
        overrun: number(stats.overrun),
        transfer_errors: number(stats.transfer_errors),
        waiting: number(stats.waiting),
        high_water: number(stats.high_water),
        longest_burst: number(stats.longest_burst),
    })
}

/// Ends the stream and gives the board back to the system; resolves when that is done.
#[napi(ts_return_type = "Promise<null>")]
pub fn close_usb_board(env: &Env, handle: u32) -> napi::Result<Object<'_>> {
    let open = boards().open.remove(&handle);
    promise(env, "calyx-usb-close", move || {
        if let Some(Open { session, jobs, talks }) = open {
            drop(jobs);
            let _ = talks.join();
            session.stop();
            drop(session);
        }
        Ok::<_, UsbError>(napi::bindgen_prelude::Null)
    })
}
