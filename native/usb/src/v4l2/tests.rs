//! A board behind a camera driver that a test is.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::mpsc::channel;

use super::*;
use crate::scripted::pixels_of;
use crate::session::{Event, MonotonicNs, Session};

const SIZE: (u32, u32) = (152, 160);
const PIXELS: usize = 152 * 160;

/// What the driver does with controls: asks the board each time, or remembers.
#[derive(Default)]
struct Driver {
    remembers: bool,
    remembered: Mutex<Vec<(u8, u16)>>,
    counter: AtomicU16,
    written: Mutex<Vec<(u8, u16)>>,
    streams: AtomicBool,
    starts: AtomicU32,
}

impl Controls for Arc<Driver> {
    fn get(&self, selector: u8) -> Result<u16, UsbError> {
        let mut remembered = locked(&self.remembered);
        if self.remembers
            && let Some(&(_, value)) = remembered.iter().find(|(of, _)| *of == selector)
        {
            return Ok(value);
        }
        let value = if selector == CONTRAST {
            self.counter.fetch_add(1, Ordering::AcqRel)
        } else {
            16_384
        };
        remembered.push((selector, value));
        Ok(value)
    }

    fn set(&self, selector: u8, value: u16) -> Result<(), UsbError> {
        let mut remembered = locked(&self.remembered);
        remembered.retain(|(of, _)| *of != selector);
        remembered.push((selector, value));
        locked(&self.written).push((selector, value));
        Ok(())
    }
}

/// Frames by their numbers; the plug is pulled after the last.
struct Frames {
    driver: Arc<Driver>,
    frames: VecDeque<(u32, bool, usize)>,
}

impl Camera for Frames {
    fn size_index(&mut self, width: u32, height: u32) -> Option<u8> {
        ((width, height) == SIZE).then_some(2)
    }
    fn choose(&mut self, index: u8) -> Result<(), UsbError> {
        if index == 2 { Ok(()) } else { Err(UsbError::Refused) }
    }
    fn start(&mut self) -> Result<(), UsbError> {
        self.driver.streams.store(true, Ordering::Release);
        self.driver.starts.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
    fn stop(&mut self) -> Result<(), UsbError> {
        self.driver.streams.store(false, Ordering::Release);
        Ok(())
    }
    fn next(&mut self, _timeout: Duration, mut into: Vec<u8>) -> Result<Option<CameraFrame>, UsbError> {
        let Some((sequence, faulty, bytes)) = self.frames.pop_front() else {
            return Err(UsbError::Gone);
        };
        into.clear();
        into.extend(pixels_of(u64::from(sequence), PIXELS).into_iter().flat_map(|pixel| [pixel, 0x80]));
        into.truncate(bytes);
        Ok(Some(CameraFrame {
            bytes: into,
            sequence,
            faulty,
        }))
    }
}

/// Everything that comes until the plug is pulled and so many frames were taken: the driver's number of each, none for one that is not right to the byte.
fn play(driver: &Arc<Driver>, frames: &[(u32, bool, usize)], whole: usize) -> (Vec<Option<u32>>, Session) {
    let camera = Frames {
        driver: Arc::clone(driver),
        frames: frames.iter().copied().collect(),
    };
    let (sender, events) = channel();
    let session = Session::new(
        Arc::new(CameraBoard::new(Box::new(camera), Box::new(Arc::clone(driver)))),
        MonotonicNs::from_reading(0),
        Arc::new(move |event| {
            let _ = sender.send(event);
        }),
    );
    session.start(SIZE.0, SIZE.1).unwrap();
    let mut taken = Vec::new();
    let mut is_gone = false;
    while !is_gone || taken.len() < whole {
        match events.recv_timeout(Duration::from_secs(20)).expect("an event") {
            Event::Gone(why) => {
                assert_eq!(why, "The Miniscope DAQ board was unplugged.");
                is_gone = true;
            }
            Event::Frame => {}
        }
        while let Some(number) = session.with_frame(|frame| {
            frames
                .iter()
                .map(|&(number, ..)| number)
                .find(|&number| frame.pixels == pixels_of(u64::from(number), PIXELS))
        }) {
            taken.push(number);
        }
    }
    session.stop();
    (taken, session)
}

const WHOLE: usize = 2 * PIXELS;

#[test]
fn frames_come_as_the_driver_gives_them_and_what_it_left_out_or_broke_is_counted() {
    let driver = Arc::new(Driver::default());
    let (taken, session) = play(
        &driver,
        &[
            (7, false, WHOLE),
            (8, false, WHOLE),
            (11, false, WHOLE),
            (12, true, WHOLE),
            (13, false, WHOLE - 100),
            (14, false, WHOLE),
        ],
        4,
    );
    assert_eq!(taken, [7, 8, 11, 14].map(Some));
    let stats = session.stats();
    // Two were left out, one was cut short.
    assert_eq!((stats.frames, stats.short, stats.faulty, stats.unended), (4, 3, 1, 0));
    assert!(!driver.streams.load(Ordering::Acquire), "the camera is stopped");
}

#[test]
fn what_the_driver_only_remembers_is_no_answer_and_what_counts_is() {
    for remembers in [true, false] {
        let driver = Arc::new(Driver {
            remembers,
            ..Driver::default()
        });
        let camera = Frames {
            driver: Arc::clone(&driver),
            frames: VecDeque::new(),
        };
        let board = CameraBoard::new(Box::new(camera), Box::new(Arc::clone(&driver)));
        let read = |selector| crate::board::get_control(&board, selector);
        assert_eq!(read(CONTRAST), Err(UsbError::NoAnswer), "one reading says nothing");
        crate::board::set_control(&board, CONTRAST, 0x03c0).unwrap();
        // Another value than before, but one that was written.
        assert_eq!(read(CONTRAST), Err(UsbError::NoAnswer));
        let second = read(CONTRAST);
        assert_eq!(second.is_ok(), !remembers);
        assert_eq!(read(0x07).is_ok(), !remembers, "the orientation is believed with the counter");
        assert_eq!(*locked(&driver.written), [(CONTRAST, 0x03c0)]);
    }
}

#[test]
fn a_size_the_camera_does_not_have_a_second_stream_and_unknown_requests_are_refused() {
    let driver = Arc::new(Driver::default());
    let camera = Frames {
        driver: Arc::clone(&driver),
        frames: VecDeque::new(),
    };
    let board = CameraBoard::new(Box::new(camera), Box::new(driver));
    assert_eq!(board.frame_index(640, 480), None);
    let first = board.open_video().unwrap();
    assert!(board.open_video().is_err());
    drop(first);
    assert!(board.open_video().is_ok());
    assert_eq!(
        board.control_out(Request::streaming(SET_CUR, 9), &[0; NEGOTIATION_BYTES]),
        Err(UsbError::Refused)
    );
    assert_eq!(
        board.control_out(Request::processing(SET_CUR, CONTRAST), &[1]),
        Err(UsbError::Refused)
    );
    assert_eq!(board.control_in(Request::processing(SET_CUR, CONTRAST), 2), Err(UsbError::Refused));
}
