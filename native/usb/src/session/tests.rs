//! A session on a board that notes what it is told.

use super::*;
use crate::board::BulkIn;
use crate::scripted::{Script, payloads_of, pixels_of};
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
fn the_board_speaks_of_a_frame_until_half_of_the_next_has_come() {
    let flow = Flow {
        ring: Ring::new(1, PIXELS),
        counts: Counts::default(),
        stop: AtomicBool::new(false),
        longest_burst: AtomicUsize::new(0),
        frame_bytes: 2 * PIXELS as u64,
    };
    let payloads = payloads_of(0, PIXELS);
    let mut assembler = Assembler::new(PIXELS);
    for payload in &payloads {
        assembler.take(payload, 0, &flow.ring, &flow.counts);
    }
    assert!(flow.is_newest(0));
    let next = payloads_of(1, PIXELS);
    assembler.take(&next[0], 0, &flow.ring, &flow.counts);
    assert!(flow.is_newest(0), "a third of the next");
    assembler.take(&next[1], 0, &flow.ring, &flow.counts);
    assert!(!flow.is_newest(0), "two thirds of it");
    assembler.take(&next[2], 0, &flow.ring, &flow.counts);
    assert!(!flow.is_newest(0), "a later one ended, though no slot was free for it");
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
