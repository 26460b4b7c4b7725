//! The loop that takes payloads from a board: many transfers queued, each queued again as soon as its bytes are copied out.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nusb::transfer::{Completion, TransferError};

use crate::assembler::{Assembler, Counts};
use crate::board::BulkIn;
use crate::error::UsbError;
use crate::ring::Ring;
use crate::uvc::TRANSFER_BYTES;

/// Without a payload the loop looks this often whether it should end.
const LOOK: Duration = Duration::from_millis(50);
/// So many transfers that fail one after the other say that the link is broken.
const HOPELESS: u32 = 64;
/// Cancelled transfers come back at once; a controller that keeps them longer has lost them.
const DRAIN: Duration = Duration::from_secs(1);

/// What a stream needs beside its endpoint.
pub struct Stream<'a> {
    /// Where frames go.
    pub ring: &'a Ring,
    /// What came.
    pub counts: &'a Counts,
    /// Set by whoever wants the stream to end.
    pub stop: &'a AtomicBool,
    /// Monotonic time, ns.
    pub now: &'a (dyn Fn() -> u64 + Sync),
    /// Called after each frame that went into the ring.
    pub on_frame: &'a (dyn Fn() + Sync),
    /// The most transfers that were found to have ended when this thread came to look: what it was late by.
    pub longest_burst: &'a AtomicUsize,
}

/// Queues transfers before the board is told to send.
pub fn fill(endpoint: &mut dyn BulkIn, depth: usize) {
    while endpoint.pending() < depth {
        let buffer = endpoint.allocate(TRANSFER_BYTES);
        endpoint.submit(buffer);
    }
}

/// Takes payloads until it is told to stop; then no transfer is pending any more.
///
/// # Errors
/// `Gone` when the board was unplugged, `System` when its stream broke down.
pub fn run(endpoint: &mut dyn BulkIn, mut assembler: Assembler, stream: &Stream) -> Result<(), UsbError> {
    let mut failed = 0;
    let mut burst = 0;
    let mut outcome = Ok(());
    while !stream.stop.load(Ordering::Acquire) && endpoint.pending() > 0 {
        let ready = endpoint.wait(Duration::ZERO);
        burst = if ready.is_some() { burst + 1 } else { 0 };
        stream.longest_burst.fetch_max(burst, Ordering::Relaxed);
        let Some(Completion {
            buffer,
            actual_len,
            status,
        }) = ready.or_else(|| endpoint.wait(LOOK))
        else {
            continue;
        };
        let at = (stream.now)();
        match status {
            Ok(()) => {
                failed = 0;
                let payload = &buffer[..actual_len.min(buffer.len())];
                let came = assembler.take(payload, at, stream.ring, stream.counts);
                endpoint.submit(buffer);
                if came {
                    (stream.on_frame)();
                }
            }
            Err(TransferError::Disconnected) => {
                outcome = Err(UsbError::Gone);
                break;
            }
            Err(TransferError::Stall) => {
                outcome = Err(UsbError::System {
                    reason: "it stopped its stream".to_owned(),
                });
                break;
            }
            Err(error) => {
                assembler.lost_payload(stream.counts);
                failed += 1;
                if failed >= HOPELESS {
                    outcome = Err(UsbError::System {
                        reason: format!("its transfers fail: {error}"),
                    });
                    break;
                }
                endpoint.submit(buffer);
            }
        }
    }
    drain(endpoint);
    outcome
}

fn drain(endpoint: &mut dyn BulkIn) {
    endpoint.cancel_all();
    let since = Instant::now();
    while endpoint.pending() > 0 && since.elapsed() < DRAIN {
        let _ = endpoint.wait(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{FIFO, PAYLOAD_US, Script, Step, pixels_of};
    use std::sync::atomic::AtomicU64;

    const PIXELS: usize = 608 * 608;
    const PAYLOADS: usize = 46;
    /// Half of what is queued in use.
    const DEPTH: usize = 32;

    struct Outcome {
        result: Result<(), UsbError>,
        frames: Vec<(u64, bool)>,
        counts: Counts,
        script: crate::scripted::Told,
        burst: usize,
    }

    /// Runs a script to its end; each frame is taken out of the ring and compared as it comes.
    fn play(script: Script) -> Outcome {
        let ring = Ring::new(4, PIXELS);
        let (counts, stop, longest_burst) = (Counts::default(), AtomicBool::new(false), AtomicUsize::new(0));
        let frames = std::sync::Mutex::new(Vec::new());
        let mut endpoint = script.endpoint();
        let told = endpoint.told();
        let clock = endpoint.clock();
        fill(&mut endpoint, DEPTH);
        assert_eq!(endpoint.pending(), DEPTH);
        let result = run(
            &mut endpoint,
            Assembler::new(PIXELS),
            &Stream {
                ring: &ring,
                counts: &counts,
                stop: &stop,
                now: &|| clock.load(Ordering::Relaxed),
                on_frame: &|| {
                    let frame = ring.pop_ended().expect("a frame that was announced");
                    let is_right = frame.pixels == pixels_of(frame.number, PIXELS);
                    frames.lock().unwrap().push((frame.number, is_right));
                    ring.give_back(frame);
                },
                longest_burst: &longest_burst,
            },
        );
        assert_eq!(endpoint.pending(), 0, "no transfer is left behind");
        Outcome {
            result,
            frames: frames.into_inner().unwrap(),
            counts,
            script: told.lock().unwrap().clone(),
            burst: longest_burst.into_inner(),
        }
    }

    fn count(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    #[test]
    fn a_reader_that_is_up_to_ten_milliseconds_late_loses_nothing_and_leaves_eight_transfers_pending() {
        // Late now and then, as a thread on a busy computer is: 10 ms are 20 payloads.
        let late = |n: u64| match n {
            _ if n.is_multiple_of(400) => 10_000,
            _ if n.is_multiple_of(7) => 1_500,
            _ => 20,
        };
        let outcome = play(Script::frames(100, PIXELS).late(late));
        assert_eq!(outcome.result, Err(UsbError::Gone), "the script ends with the plug pulled");
        assert_eq!(outcome.frames.len(), 100);
        assert!(
            outcome
                .frames
                .iter()
                .enumerate()
                .all(|(n, &(number, is_right))| number == n as u64 && is_right)
        );
        assert_eq!(outcome.script.lost_payloads, 0);
        assert!(outcome.script.least_pending >= 8, "{}", outcome.script.least_pending);
        assert!(outcome.burst >= 10, "lateness is told: {}", outcome.burst);
        assert_eq!(count(&outcome.counts.payloads), 100 * PAYLOADS as u64);
    }

    #[test]
    fn what_the_queue_and_the_board_hold_together_is_the_limit_and_what_is_over_it_is_told() {
        let holds = (DEPTH + FIFO) as u64 * PAYLOAD_US;
        // One long absence in the middle of the first frame.
        let once = |us: u64| move |n: u64| if n == 3 { us } else { 20 };
        let within = play(Script::frames(3, PIXELS).late(once(holds - PAYLOAD_US)));
        assert_eq!((within.script.lost_payloads, within.frames.len()), (0, 3));
        assert_eq!(within.script.least_pending, 0, "the board's own buffers were needed");
        let over = play(Script::frames(3, PIXELS).late(once(holds + 2 * PAYLOAD_US)));
        assert!((1..=4).contains(&over.script.lost_payloads), "{}", over.script.lost_payloads);
        let broken = count(&over.counts.short) + count(&over.counts.unended);
        assert_eq!((over.frames.len(), broken), (2, 1), "one frame is broken, and counted");
        assert!(over.frames.iter().all(|&(number, _)| number > 0));
    }

    #[test]
    fn a_transfer_that_fails_costs_its_frame_and_the_stream_goes_on() {
        let script = Script::frames(4, PIXELS).with(PAYLOADS + 5, Step::Error(TransferError::Fault));
        let outcome = play(script);
        assert_eq!(outcome.frames.iter().map(|&(n, _)| n).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!((count(&outcome.counts.faulty), count(&outcome.counts.transfer_errors)), (1, 1));
    }

    #[test]
    fn a_board_that_stalls_or_only_fails_ends_the_stream_with_a_sentence() {
        let stalled = play(Script::frames(2, PIXELS).with(5, Step::Error(TransferError::Stall)));
        assert!(stalled.result.unwrap_err().to_string().contains("stopped its stream"));
        let mut script = Script::frames(0, PIXELS);
        for n in 0..100 {
            script = script.with(n, Step::Error(TransferError::Fault));
        }
        assert!(play(script).result.unwrap_err().to_string().contains("its transfers fail"));
    }

    #[test]
    fn a_stream_that_is_stopped_leaves_no_transfer_behind() {
        let ring = Ring::new(4, PIXELS);
        let (counts, stop, longest_burst) = (Counts::default(), AtomicBool::new(false), AtomicUsize::new(0));
        let mut endpoint = Script::frames(50, PIXELS).endpoint();
        fill(&mut endpoint, DEPTH);
        let stream = Stream {
            ring: &ring,
            counts: &counts,
            stop: &stop,
            now: &|| 0,
            on_frame: &|| stop.store(true, Ordering::Release),
            longest_burst: &longest_burst,
        };
        assert_eq!(run(&mut endpoint, Assembler::new(PIXELS), &stream), Ok(()));
        assert_eq!((endpoint.pending(), count(&counts.frames)), (0, 1));
    }
}
