//! A board tried out without the rest of Calyx: `calyx-usb list`, `calyx-usb probe` (a V4 is set up and streamed; what came is counted), `calyx-usb soak` (no board:
//! the loop that takes payloads against one each 493 µs on a busy computer). Prints JSON lines; exit code 1 when something was lost.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use calyx_usb::assembler::{Assembler, Counts};
use calyx_usb::hurry::{Priority, hurry};
use calyx_usb::listing::{Kind, list_boards};
use calyx_usb::ring::{Ring, SLOTS};
use calyx_usb::scripted::paced::{Pace, PacedEndpoint};
use calyx_usb::scripted::{PAYLOAD_US, draw};
use calyx_usb::session::{Event, MonotonicNs, Session};
use calyx_usb::stream::{self, Stream};
use calyx_usb::{UsbError, open_board};
use serde_json::{Value, json};

const USAGE: &str = "calyx-usb list
calyx-usb probe [--port 2-1] [--frames 300] [--pattern]   a V4 on the port, else on the first board; --pattern: it shows the test pattern
calyx-usb soak [--payloads 20000] [--busy 2] [--ordinary]  no board needed; --ordinary: without the priority it asks for";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| args.iter().position(|arg| arg == name);
    let number = |name: &str, otherwise: u64| {
        let given = flag(name).and_then(|at| args.get(at + 1));
        given.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let outcome = match args.first().map(String::as_str) {
        Some("list") => list(),
        Some("probe") => {
            let port = flag("--port").and_then(|at| args.get(at + 1)).cloned();
            probe(port, number("--frames", 300), flag("--pattern").is_some())
        }
        Some("soak") => soak(number("--payloads", 20_000), number("--busy", 2), flag("--ordinary").is_some()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            say(&json!({ "error": error.to_string(), "code": error.code(), "hint": error.hint() }));
            ExitCode::from(4)
        }
    }
}

fn say(line: &Value) {
    println!("{line}");
}

fn list() -> Result<bool, UsbError> {
    for board in list_boards()? {
        say(&json!({
            "port": board.port,
            "kind": format!("{:?}", board.kind),
            "speedMbps": board.speed_mbps,
            "serial": board.serial,
            "product": board.product,
            "driver": board.driver,
            "permitted": board.permitted,
            "users": board.users,
        }));
    }
    Ok(true)
}

const CONTRAST: u8 = 0x03;
const GAMMA: u8 = 0x09;
const SHARPNESS: u8 = 0x08;
const SIZE: (u32, u32) = (608, 608);
const PIXELS: usize = 608 * 608;
/// The link of a V4 in its mode, then its chips made known (addresses of Miniscope-DAQ's device table).
const LINK: [&[u8]; 2] = [&[0xc0, 0x1f, 0x10], &[0xb0, 0x05, 0x20]];
const CHIPS: [&[u8]; 2] = [&[0xc0, 0x08, 0x20, 0xee, 0xa0, 0x50], &[0xc0, 0x10, 0x20, 0xee, 0x58, 0x50]];
/// LED at a tenth, and off: the register counts down from 255.
const LED_ON: [&[u8]; 2] = [&[0x20, 0x01, 0xe5], &[0x58, 0x00, 0x72, 0xe5]];
const LED_OFF: [&[u8]; 2] = [&[0x20, 0x01, 0xff], &[0x58, 0x00, 0x72, 0xff]];
/// A board ends two at most before it has executed a command; an emulated controller keeps some more on their way.
const FRAMES_UNTIL_EXECUTED: usize = 5;
/// Transfers queued in a soak: half of what is queued in use.
const SOAK_DEPTH: usize = 32;
const OVERDUE: Duration = Duration::from_secs(10);

/// Sends I²C packets as the three controls that carry one.
fn send(session: &Session, packets: &[&[u8]]) -> Result<(), UsbError> {
    for packet in packets {
        let mut bytes = [0_u8; 6];
        let [address, rest @ ..] = packet else { continue };
        if packet.len() == 6 {
            bytes[0] = address | 1;
            bytes[1..].copy_from_slice(rest);
        } else {
            bytes[0] = *address;
            bytes[1] = u8::try_from(packet.len()).unwrap_or_default();
            bytes[2..2 + rest.len()].copy_from_slice(rest);
        }
        for (selector, at) in [(CONTRAST, 0), (GAMMA, 2), (SHARPNESS, 4)] {
            session.set_control(selector, u16::from_le_bytes([bytes[at], bytes[at + 1]]))?;
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    Ok(())
}

/// One frame as the probe sees it.
struct Seen {
    counter: Option<u16>,
    last_ns: u64,
    mean: f64,
    least: u8,
    most: u8,
    stock_odd_bytes: bool,
    /// Number of the test pattern, of 256; none when the frame shows something else.
    pattern: Option<u8>,
}

fn next_frame(session: &Session, events: &Receiver<Event>) -> Result<Seen, UsbError> {
    let since = Instant::now();
    loop {
        match events.recv_timeout(OVERDUE.saturating_sub(since.elapsed())) {
            Ok(Event::Gone(reason)) => return Err(UsbError::Unusable { message: reason }),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(UsbError::NoAnswer),
            Ok(Event::Frame) => {}
        }
        let seen = session.with_frame(|frame| {
            let sum: u64 = frame.pixels.iter().map(|&pixel| u64::from(pixel)).sum();
            Seen {
                counter: frame.controls.first().and_then(|&(_, value)| value),
                last_ns: frame.last_ns,
                #[expect(clippy::cast_precision_loss, reason = "a mean for a person")]
                mean: sum as f64 / frame.pixels.len() as f64,
                least: frame.pixels.iter().copied().min().unwrap_or_default(),
                most: frame.pixels.iter().copied().max().unwrap_or_default(),
                stock_odd_bytes: frame.odd.iter().all(|&byte| byte == 0x80),
                pattern: pattern_of(&frame.pixels),
            }
        });
        if let Some(seen) = seen {
            return Ok(seen);
        }
    }
}

/// Frame n of the test pattern begins with 151·n; 39 is the inverse of 151 among bytes.
fn pattern_of(pixels: &[u8]) -> Option<u8> {
    let number = pixels.first()?.wrapping_mul(39);
    let mut right = vec![0; pixels.len()];
    draw(u64::from(number), &mut right);
    (right == pixels).then_some(number)
}

fn probe(port: Option<String>, frames: u64, is_pattern: bool) -> Result<bool, UsbError> {
    list()?;
    let port = match port {
        Some(port) => port,
        None => {
            list_boards()?
                .into_iter()
                .find(|board| board.kind == Kind::Board)
                .ok_or_else(|| UsbError::NotFound { port: "any".to_owned() })?
                .port
        }
    };
    let (sender, events) = channel();
    let on_event = move |event| {
        let _ = sender.send(event);
    };
    let clock = MonotonicNs::from_reading(0);
    let session = Session::new(Arc::new(open_board(&port)?), clock, Arc::new(on_event));
    session.watch(&[CONTRAST]);
    session.start(SIZE.0, SIZE.1)?;
    say(&json!({ "opened": port }));
    send(&session, &LINK)?;
    let mut settle = next_frame(&session, &events)?;
    for _ in 0..30 {
        if settle.most > 0 {
            break;
        }
        settle = next_frame(&session, &events)?;
    }
    send(&session, &CHIPS)?;
    next_frame(&session, &events)?;
    next_frame(&session, &events)?;
    send(&session, &LED_ON)?;
    // Executed at the end of the frame under way; the next is as it was set.
    next_frame(&session, &events)?;
    let first = next_frame(&session, &events)?;
    say(&json!({
        "link": settle.most > 0, "meanGrey": first.mean, "least": first.least, "most": first.most,
        "stockOddBytes": first.stock_odd_bytes, "led": "10 %",
    }));
    let mut told = Told::new(first);
    for _ in 1..frames {
        told.take(next_frame(&session, &events)?);
    }
    let control_us = control_times(&session)?;
    send(&session, &LED_OFF)?;
    // Executed at a frame's end; frames that had come before do not count.
    let sent_ns = clock.now();
    for _ in 0..FRAMES_UNTIL_EXECUTED {
        while next_frame(&session, &events)?.last_ns <= sent_ns {}
    }
    session.stop();
    let is_sound = told.say(&session, control_us, is_pattern);
    Ok(is_sound)
}

/// What the frames of a probe say together.
struct Told {
    last: Seen,
    frames: u64,
    wrong: u64,
    unread: u64,
    /// What the counter says beyond the frames that came, up to its last reading.
    counted: i64,
    since_read: i64,
    pattern_gaps: u64,
    longest_ns: u64,
    first_ns: u64,
}

impl Told {
    fn new(first: Seen) -> Self {
        Self {
            frames: 1,
            wrong: u64::from(first.pattern.is_none()),
            unread: u64::from(first.counter.is_none()),
            counted: 0,
            since_read: 0,
            pattern_gaps: 0,
            longest_ns: 0,
            first_ns: first.last_ns,
            last: first,
        }
    }

    fn take(&mut self, mut seen: Seen) {
        self.frames += 1;
        self.since_read += 1;
        match (self.last.counter, seen.counter) {
            // A reading that came a frame too late is set right by the next.
            (Some(before), Some(now)) => {
                self.counted += i64::from(now.wrapping_sub(before).cast_signed()) - self.since_read;
                self.since_read = 0;
            }
            (Some(before), None) => {
                self.unread += 1;
                seen.counter = Some(before);
            }
            (None, Some(_)) => self.since_read = 0,
            (None, None) => self.unread += 1,
        }
        match (self.last.pattern, seen.pattern) {
            (Some(before), Some(now)) => self.pattern_gaps += u64::from(now.wrapping_sub(before).wrapping_sub(1)),
            (_, None) => self.wrong += 1,
            _ => {}
        }
        self.longest_ns = self.longest_ns.max(seen.last_ns - self.last.last_ns);
        self.last = seen;
    }

    fn say(&self, session: &Session, control_us: (u128, u128), is_pattern: bool) -> bool {
        let stats = session.stats();
        #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
        let fps = (self.frames - 1) as f64 * 1e9 / (self.last.last_ns - self.first_ns).max(1) as f64;
        let broken = stats.short + stats.oversize + stats.unended + stats.faulty + stats.bad_headers + stats.overrun;
        // The pattern tells exactly which frames are missing; the counter, whose reading may be late by a frame, to one or two.
        let is_whole = if is_pattern {
            self.wrong + self.pattern_gaps == 0
        } else {
            self.counted == 0
        };
        let is_sound = broken == 0 && is_whole;
        say(&json!({
            "sound": is_sound, "frames": self.frames, "fps": (fps * 100.0).round() / 100.0,
            "missingByCounter": self.counted, "counterUnread": self.unread,
            "wrongFrames": is_pattern.then_some(self.wrong), "patternGaps": is_pattern.then_some(self.pattern_gaps),
            "longestGapMs": self.longest_ns / 1_000_000,
            "payloads": stats.payloads, "short": stats.short, "oversize": stats.oversize, "unended": stats.unended,
            "faulty": stats.faulty, "badHeaders": stats.bad_headers, "overrun": stats.overrun,
            "transferErrors": stats.transfer_errors, "longestBurst": stats.longest_burst, "ringHighWater": stats.high_water,
            "controlReadUs": { "median": control_us.0, "longest": control_us.1 },
        }));
        is_sound
    }
}

/// How long reading a control takes while frames stream: median and longest of fifty, µs.
fn control_times(session: &Session) -> Result<(u128, u128), UsbError> {
    let mut times = Vec::new();
    for _ in 0..50 {
        let since = Instant::now();
        session.get_control(CONTRAST)?;
        times.push(since.elapsed().as_micros());
    }
    times.sort_unstable();
    Ok((times[times.len() / 2], times[times.len() - 1]))
}

/// The loop against a board in real time, with other threads that never rest.
fn soak(payloads: u64, busy: u64, ordinary: bool) -> Result<bool, UsbError> {
    let system = |error: std::io::Error| UsbError::System { reason: error.to_string() };
    let over = Arc::new(AtomicBool::new(false));
    let work = Arc::new(AtomicU64::new(0));
    for _ in 0..busy {
        let (over, work) = (Arc::clone(&over), Arc::clone(&work));
        std::thread::spawn(move || {
            let mut value = 1_u64;
            while !over.load(Ordering::Relaxed) {
                for _ in 0..100_000 {
                    value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                }
                work.store(value, Ordering::Relaxed);
            }
        });
    }
    let ring = Ring::new(SLOTS, PIXELS);
    let (counts, stop, longest_burst) = (Counts::default(), AtomicBool::new(false), AtomicUsize::new(0));
    let (wrong, read) = (AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    let mut endpoint = PacedEndpoint::start(Pace {
        pixels: PIXELS,
        payloads,
        every: Duration::from_micros(PAYLOAD_US),
    })
    .map_err(system)?;
    stream::fill(&mut endpoint, SOAK_DEPTH);
    let mut priority = Priority::Ordinary;
    let ended = std::thread::scope(|scope| {
        let reader = scope.spawn(|| check(&ring, &over, &wrong, &read));
        // After the reader was started, which stays an ordinary thread.
        priority = if ordinary { Priority::Ordinary } else { hurry() };
        let outcome = stream::run(
            &mut endpoint,
            Assembler::new(PIXELS),
            &Stream {
                ring: &ring,
                counts: &counts,
                stop: &stop,
                now: &|| u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
                on_frame: &|| reader.thread().unpark(),
                longest_burst: &longest_burst,
            },
        );
        over.store(true, Ordering::Release);
        outcome
    });
    let told = endpoint.told();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let frames = payloads / (2 * PIXELS as u64).div_ceil(16_368);
    let is_sound = ended == Err(UsbError::Gone)
        && told.lost_payloads == 0
        && told.least_pending >= 8
        && count(&counts.payloads) == payloads
        && count(&read) == frames
        && count(&wrong) == 0;
    say(&json!({
        "sound": is_sound, "payloads": count(&counts.payloads), "of": payloads, "lostPayloads": told.lost_payloads,
        "leastPending": told.least_pending, "machineStalls": told.stalls, "longestStallMs": told.longest_stall.as_millis(), "queued": SOAK_DEPTH, "frames": count(&read), "wrongFrames": count(&wrong),
        "overrun": count(&counts.overrun), "ringHighWater": ring.high_water(),
        "longestBurst": longest_burst.into_inner(), "busyThreads": busy, "priority": format!("{priority:?}"), "seconds": began.elapsed().as_secs(),
    }));
    Ok(is_sound)
}

/// The reader of a soak: every frame is compared with what was sent.
fn check(ring: &Ring, over: &AtomicBool, wrong: &AtomicU64, read: &AtomicU64) {
    let mut right = vec![0; PIXELS];
    loop {
        let is_last_look = over.load(Ordering::Acquire);
        while let Some(frame) = ring.pop_ended() {
            draw(frame.number, &mut right);
            wrong.fetch_add(u64::from(right != frame.pixels), Ordering::Relaxed);
            read.fetch_add(1, Ordering::Relaxed);
            ring.give_back(frame);
        }
        if is_last_look {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
