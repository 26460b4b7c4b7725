//! A board in use: started, stopped, its controls read with each frame.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::assembler::{Assembler, Counts};
use crate::board::{Board, Request, get_control, set_control};
use crate::error::UsbError;
use crate::hurry::hurry;
use crate::ring::{Frame, Ring, SLOTS};
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
    /// Frames that ended so far, whole or not announced; tells whether a frame is still the newest.
    newest: AtomicU64,
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
            ring: Ring::new(SLOTS, pixels),
            counts: Counts::default(),
            stop: AtomicBool::new(false),
            longest_burst: AtomicUsize::new(0),
            newest: AtomicU64::new(0),
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
            on_frame: &|| {
                flow.newest.fetch_add(1, Ordering::AcqRel);
                reader.unpark();
            },
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
    let mut handled = 0;
    while !flow.stop.load(Ordering::Acquire) {
        let Some(mut frame) = flow.ring.pop_ended() else {
            std::thread::park_timeout(LOOK);
            continue;
        };
        handled += 1;
        read_with(shared.board.as_ref(), &locked(&shared.watched).clone(), &mut frame, || {
            flow.newest.load(Ordering::Acquire) == handled
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
mod tests {
    use super::*;
    use crate::board::BulkIn;
    use crate::scripted::{Script, pixels_of};
    use std::sync::mpsc::{Receiver, channel};

    const SIZE: (u32, u32) = (152, 160);
    const PIXELS: usize = 152 * 160;

    /// A board with one frame size that notes what it is told, and answers CONTRAST with the number of times it was asked.
    struct Noting {
        frames: u64,
        told: Mutex<Vec<(u8, u16, Vec<u8>)>>,
        asked: AtomicU64,
        agrees: bool,
        plugged: AtomicBool,
    }

    impl Noting {
        fn new(frames: u64) -> Arc<Self> {
            Arc::new(Self {
                frames,
                told: Mutex::default(),
                asked: AtomicU64::new(0),
                agrees: true,
                plugged: AtomicBool::new(true),
            })
        }
    }

    impl Board for Noting {
        fn control_in(&self, request: Request, length: u16) -> Result<Vec<u8>, UsbError> {
            if !self.plugged.load(Ordering::Acquire) {
                return Err(UsbError::Gone);
            }
            match (request.index, request.value >> 8) {
                (1, 1) => Ok(negotiation(if self.agrees { 3 } else { 1 })[..length.into()].to_vec()),
                (0x0200, 3) => Ok((self.asked.fetch_add(1, Ordering::AcqRel) as u16).to_le_bytes().to_vec()),
                (0x0200, 4) => Ok(vec![1]),
                _ => Err(UsbError::Refused),
            }
        }

        fn control_out(&self, request: Request, data: &[u8]) -> Result<(), UsbError> {
            locked(&self.told).push((request.request, request.value, data.to_vec()));
            Ok(())
        }

        fn frame_index(&self, width: u32, height: u32) -> Option<u8> {
            ((width, height) == SIZE).then_some(3)
        }

        fn open_video(&self) -> Result<Box<dyn BulkIn>, UsbError> {
            Ok(Box::new(Script::frames(self.frames, PIXELS).endpoint()))
        }
    }

    fn session(board: &Arc<Noting>) -> (Session, Receiver<Event>) {
        let (sender, events) = channel();
        let board: Arc<dyn Board> = board.clone();
        let session = Session::new(
            board,
            MonotonicNs::from_reading(5_000_000_000),
            Arc::new(move |event| {
                let _ = sender.send(event);
            }),
        );
        (session, events)
    }

    #[test]
    fn frames_come_with_the_control_that_was_read_after_each_and_the_plug_that_is_pulled_is_told_once() {
        let board = Noting::new(5);
        let (session, events) = session(&board);
        session.watch(&[3, 4]);
        session.start(SIZE.0, SIZE.1).unwrap();
        let mut seen = 0;
        let mut gone = 0;
        while seen < 5 || gone < 1 {
            match events.recv_timeout(Duration::from_secs(5)).expect("an event") {
                Event::Frame => {
                    let (number, is_right, controls, times) = session
                        .with_frame(|f| {
                            let right = f.pixels == pixels_of(f.number, PIXELS);
                            (f.number, right, f.controls.clone(), (f.first_ns, f.last_ns))
                        })
                        .unwrap();
                    assert!(is_right && number == seen);
                    assert!(times.0 >= 5_000_000_000 && times.1 >= times.0, "the process' own clock: {times:?}");
                    assert_eq!(controls.iter().map(|&(selector, _)| selector).collect::<Vec<_>>(), [3, 4]);
                    assert_eq!(controls[1].1, None, "an answer of one byte is none");
                    seen += 1;
                }
                Event::Gone(why) => {
                    assert_eq!(why, "The Miniscope DAQ board was unplugged.");
                    gone += 1;
                }
            }
        }
        session.stop();
        assert_eq!(gone, 1);
        assert_eq!((session.stats().frames, session.stats().waiting), (5, 0));
        let told: Vec<_> = locked(&board.told)
            .iter()
            .map(|(request, value, data)| (*request, *value, data[3]))
            .collect();
        assert_eq!(
            told,
            [(1, 0x0100, 3), (1, 0x0200, 3)],
            "PROBE, then COMMIT, of the frame size's index"
        );
    }

    #[test]
    fn a_frame_size_the_board_lacks_or_does_not_agree_to_is_refused() {
        let board = Noting::new(1);
        let (refused, _events) = session(&board);
        assert_eq!(refused.start(608, 608), Err(UsbError::BadSize { width: 608, height: 608 }));
        let stubborn = Arc::new(Noting {
            agrees: false,
            ..Arc::into_inner(Noting::new(1)).unwrap()
        });
        let (refused, _events) = session(&stubborn);
        assert_eq!(refused.start(SIZE.0, SIZE.1), Err(UsbError::NoAnswer));
        assert_eq!(locked(&stubborn.told).len(), 1, "COMMIT is not sent");
    }

    #[test]
    fn a_control_of_a_board_that_is_gone_tells_it_and_one_it_refuses_does_not() {
        let board = Noting::new(1);
        let (session, events) = session(&board);
        assert_eq!(session.get_control(9), Err(UsbError::Refused));
        assert!(events.try_recv().is_err());
        board.plugged.store(false, Ordering::Release);
        assert_eq!(session.get_control(3), Err(UsbError::Gone));
        assert_eq!(session.get_control(3), Err(UsbError::Gone));
        assert!(matches!(events.try_recv(), Ok(Event::Gone(_))));
        assert!(events.try_recv().is_err(), "once");
    }

    #[test]
    fn a_control_that_was_read_when_the_next_frame_had_ended_already_is_left_out() {
        let board = Noting::new(0);
        let read = |newest: &dyn Fn() -> bool| {
            let mut frame = Frame::default();
            read_with(board.as_ref(), &[3], &mut frame, newest);
            frame.controls[0].1
        };
        assert_eq!(read(&|| true), Some(0));
        assert_eq!(read(&|| false), None);
        assert_eq!(board.asked.load(Ordering::Acquire), 1, "not even asked");
        // The next frame ends while the board answers.
        assert_eq!(read(&|| board.asked.load(Ordering::Acquire) == 1), None);
        assert_eq!(read(&|| true), Some(2));
    }

    #[test]
    fn it_can_be_started_again_after_a_stop() {
        let board = Noting::new(2);
        let (session, events) = session(&board);
        for _ in 0..2 {
            session.start(SIZE.0, SIZE.1).unwrap();
            assert_eq!(session.stats().overrun, 0);
            while events.recv_timeout(Duration::from_secs(5)).expect("a frame") != Event::Frame {}
            session.stop();
        }
        assert_eq!(locked(&board.told).len(), 4);
    }
}
