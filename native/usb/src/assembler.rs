//! Payloads become frames. Only a frame of exactly the agreed size is one; others are counted and left out, never filled up.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ring::{Frame, ODD_BYTES, Ring};
use crate::uvc::header;

/// What came and what made no frame. One thread counts, anybody reads.
#[derive(Debug, Default)]
pub struct Counts {
    /// Payloads that came.
    pub payloads: AtomicU64,
    /// Frames handed to the ring.
    pub frames: AtomicU64,
    /// Frames whose bytes were too few: a payload is missing.
    pub short: AtomicU64,
    /// Frames whose bytes were too many.
    pub oversize: AtomicU64,
    /// Frames that ended without saying so: the next one began.
    pub unended: AtomicU64,
    /// Frames the board itself called broken.
    pub faulty: AtomicU64,
    /// Payloads without a sound header.
    pub bad_headers: AtomicU64,
    /// Whole frames for which no slot was free: the reader is too slow.
    pub overrun: AtomicU64,
    /// Transfers that failed while the board stayed.
    pub transfer_errors: AtomicU64,
    /// Frames that ended, whole or not.
    pub ended: AtomicU64,
    /// Bytes of the frame that is coming now.
    pub filled: AtomicU64,
}

impl Counts {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Puts the payloads of the bulk endpoint together to frames.
#[derive(Debug)]
pub struct Assembler {
    /// Bytes of a frame: two for each pixel.
    bytes: usize,
    frame: Option<Box<Frame>>,
    /// Bytes of this frame so far, also those that did not fit.
    filled: usize,
    /// Something of this frame came already, be it empty.
    begun: bool,
    fid: Option<bool>,
    faulty: bool,
    first_ns: u64,
}

impl Assembler {
    /// For frames of so many pixels.
    #[must_use]
    pub fn new(pixels: usize) -> Self {
        Self {
            bytes: 2 * pixels,
            frame: None,
            filled: 0,
            begun: false,
            fid: None,
            faulty: false,
            first_ns: 0,
        }
    }

    /// Takes one payload that came at a time; true when a frame went into the ring with it.
    pub fn take(&mut self, payload: &[u8], at_ns: u64, ring: &Ring, counts: &Counts) -> bool {
        Counts::add(&counts.payloads);
        let Some(header) = header(payload) else {
            Counts::add(&counts.bad_headers);
            return false;
        };
        if self.fid.is_some_and(|fid| fid != header.fid) {
            if self.begun {
                Counts::add(&counts.unended);
            }
            self.begin_anew();
        }
        self.fid = Some(header.fid);
        let data = &payload[header.length..];
        if !self.begun {
            self.begun = !data.is_empty() || header.eof;
            self.first_ns = at_ns;
        }
        self.faulty |= header.error;
        self.put(data, ring);
        counts.filled.store(self.filled as u64, Ordering::Release);
        header.eof && self.end(at_ns, ring, counts)
    }

    /// A transfer failed: what of the current frame was in it is lost.
    pub fn lost_payload(&mut self, counts: &Counts) {
        Counts::add(&counts.transfer_errors);
        self.faulty |= self.begun;
    }

    /// Every second byte from the first of the frame on is a pixel.
    fn put(&mut self, data: &[u8], ring: &Ring) {
        let from = self.filled;
        self.filled = self.filled.saturating_add(data.len());
        if data.is_empty() || self.filled > self.bytes {
            return;
        }
        if self.frame.is_none() && from == 0 {
            self.frame = ring.take_free();
        }
        let Some(frame) = &mut self.frame else { return };
        let even = &data[(from % 2).min(data.len())..];
        let pixels = &mut frame.pixels[from.div_ceil(2)..];
        let pairs = even.chunks_exact(2);
        let last = pairs.remainder();
        for (pixel, pair) in pixels.iter_mut().zip(pairs) {
            *pixel = pair[0];
        }
        if let [last] = last {
            pixels[even.len() / 2] = *last;
        }
        if from < 2 * ODD_BYTES {
            for at in from..self.filled.min(2 * ODD_BYTES) {
                if at % 2 == 1 {
                    frame.odd[at / 2] = data[at - from];
                }
            }
        }
    }

    fn end(&mut self, at_ns: u64, ring: &Ring, counts: &Counts) -> bool {
        let wrong = if self.faulty {
            Some(&counts.faulty)
        } else if self.filled < self.bytes {
            Some(&counts.short)
        } else if self.filled > self.bytes {
            Some(&counts.oversize)
        } else if self.frame.is_none() {
            Some(&counts.overrun)
        } else {
            None
        };
        let number = counts.ended.fetch_add(1, Ordering::AcqRel);
        counts.filled.store(0, Ordering::Release);
        if let Some(counter) = wrong {
            Counts::add(counter);
            self.begin_anew();
            return false;
        }
        if let Some(mut frame) = self.frame.take() {
            frame.first_ns = self.first_ns;
            frame.last_ns = at_ns;
            frame.number = number;
            frame.controls.clear();
            Counts::add(&counts.frames);
            ring.push_ended(frame);
        }
        self.begin_anew();
        true
    }

    /// The slot of a frame that failed is kept for the next.
    fn begin_anew(&mut self) {
        self.filled = 0;
        self.begun = false;
        self.faulty = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{payloads_of, pixels_of};
    use proptest::prelude::*;

    const WIDTH: usize = 152;
    const HEIGHT: usize = 160;
    const PIXELS: usize = WIDTH * HEIGHT;

    fn count(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    struct Bench {
        assembler: Assembler,
        ring: Ring,
        counts: Counts,
        at: u64,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                assembler: Assembler::new(PIXELS),
                ring: Ring::new(4, PIXELS),
                counts: Counts::default(),
                at: 0,
            }
        }

        /// Gives payloads 493 µs apart and returns the numbers and pixels of the frames that came out.
        fn give(&mut self, payloads: &[Vec<u8>]) -> Vec<(u64, Vec<u8>)> {
            let mut out = Vec::new();
            for payload in payloads {
                self.at += 493_000;
                if self.assembler.take(payload, self.at, &self.ring, &self.counts) {
                    let frame = self.ring.pop_ended().expect("a frame that was announced");
                    out.push((frame.number, frame.pixels.clone()));
                    self.ring.give_back(frame);
                }
            }
            out
        }
    }

    #[test]
    fn the_even_bytes_of_a_frame_are_its_pixels_and_its_times_those_of_its_first_and_last_payload() {
        let mut bench = Bench::new();
        let payloads = payloads_of(0, PIXELS);
        assert_eq!(payloads.len(), 3);
        for (n, payload) in payloads.iter().enumerate() {
            let came = bench.assembler.take(payload, 100 + n as u64, &bench.ring, &bench.counts);
            assert_eq!(came, n == 2);
        }
        let frame = bench.ring.pop_ended().unwrap();
        assert_eq!(frame.pixels, pixels_of(0, PIXELS));
        assert_eq!(frame.odd, [0x80; ODD_BYTES]);
        assert_eq!((frame.first_ns, frame.last_ns), (100, 102));
    }

    #[test]
    fn a_lost_payload_costs_its_frame_and_no_other() {
        let mut bench = Bench::new();
        let mut broken = payloads_of(1, PIXELS);
        broken.remove(1);
        let all = [payloads_of(0, PIXELS), broken, payloads_of(2, PIXELS)].concat();
        let frames = bench.give(&all);
        assert_eq!(frames, [(0, pixels_of(0, PIXELS)), (2, pixels_of(2, PIXELS))]);
        assert_eq!(count(&bench.counts.short), 1);
    }

    #[test]
    fn a_frame_without_its_end_is_told_by_the_next() {
        let mut bench = Bench::new();
        let mut broken = payloads_of(0, PIXELS);
        broken.pop();
        let frames = bench.give(&[broken, payloads_of(1, PIXELS)].concat());
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].1, pixels_of(1, PIXELS));
        assert_eq!(count(&bench.counts.unended), 1);
    }

    #[test]
    fn a_frame_id_that_never_changes_still_ends_frames_by_their_flag_and_two_run_together_are_too_long() {
        let mut bench = Bench::new();
        let stuck = |n: u64| {
            let mut payloads = payloads_of(n, PIXELS);
            for payload in &mut payloads {
                payload[1] &= !1;
            }
            payloads
        };
        let mut unended = stuck(1);
        unended.pop();
        let all = [stuck(0), unended, stuck(2), stuck(3)].concat();
        let frames = bench.give(&all);
        assert_eq!(
            frames.iter().map(|(_, pixels)| pixels.clone()).collect::<Vec<_>>(),
            [pixels_of(0, PIXELS), pixels_of(3, PIXELS)]
        );
        assert_eq!(count(&bench.counts.oversize), 1);
    }

    #[test]
    fn a_frame_the_board_calls_broken_and_a_payload_without_a_header_are_counted() {
        let mut bench = Bench::new();
        let mut faulty = payloads_of(0, PIXELS);
        faulty[1][1] |= 0x40;
        let all = [vec![vec![], vec![200, 0x8c, 1]], faulty, payloads_of(1, PIXELS)].concat();
        assert_eq!(bench.give(&all).len(), 1);
        assert_eq!((count(&bench.counts.faulty), count(&bench.counts.bad_headers)), (1, 2));
    }

    #[test]
    fn a_reader_that_does_not_come_costs_whole_frames_that_are_counted() {
        let mut bench = Bench::new();
        for n in 0..6 {
            for payload in payloads_of(n, PIXELS) {
                bench.assembler.take(&payload, 0, &bench.ring, &bench.counts);
            }
        }
        assert_eq!((count(&bench.counts.frames), count(&bench.counts.overrun)), (4, 2));
        let frame = bench.ring.pop_ended().unwrap();
        bench.ring.give_back(frame);
        for payload in payloads_of(6, PIXELS) {
            bench.assembler.take(&payload, 0, &bench.ring, &bench.counts);
        }
        let numbers: Vec<_> = std::iter::from_fn(|| bench.ring.pop_ended()).map(|frame| frame.number).collect();
        assert_eq!(numbers, [1, 2, 3, 6], "numbers tell which are missing");
    }

    #[test]
    fn metadata_between_the_first_pixels_is_kept() {
        let mut bench = Bench::new();
        let mut payloads = payloads_of(0, PIXELS);
        for n in 0..ODD_BYTES {
            payloads[0][12 + 2 * n + 1] = u8::try_from(n).unwrap();
        }
        for payload in &payloads {
            bench.assembler.take(payload, 0, &bench.ring, &bench.counts);
        }
        let frame = bench.ring.pop_ended().unwrap();
        assert_eq!(frame.odd.to_vec(), (0..20).collect::<Vec<u8>>());
    }

    /// A slow and obvious reassembly to compare with: whole frames only, bytes collected, every second one taken.
    fn reference(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let (mut out, mut bytes, mut last): (Vec<Vec<u8>>, Vec<u8>, Option<u8>) = (vec![], vec![], None);
        let mut faulty = false;
        for payload in payloads {
            if payload.len() < 2 || payload[0] < 2 || usize::from(payload[0]) > payload.len() {
                continue;
            }
            if last.is_some_and(|fid| fid != payload[1] & 1) {
                bytes.clear();
                faulty = false;
            }
            last = Some(payload[1] & 1);
            faulty |= payload[1] & 0x40 != 0;
            bytes.extend(&payload[usize::from(payload[0])..]);
            if payload[1] & 2 != 0 {
                if bytes.len() == 2 * PIXELS && !faulty {
                    out.push(bytes.iter().step_by(2).copied().collect());
                }
                bytes.clear();
                faulty = false;
            }
        }
        out
    }

    /// What may happen to a payload on its way.
    #[derive(Clone, Debug)]
    enum Harm {
        None,
        Lost,
        Cut(usize),
        Longer(usize),
        Flags(u8),
        Header(u8),
        Garbage(Vec<u8>),
        Twice,
    }

    fn harm() -> impl Strategy<Value = Harm> {
        prop_oneof![
            12 => Just(Harm::None),
            1 => Just(Harm::Lost),
            1 => (0_usize..17_000).prop_map(Harm::Cut),
            1 => (0_usize..40_000).prop_map(Harm::Longer),
            1 => any::<u8>().prop_map(Harm::Flags),
            1 => any::<u8>().prop_map(Harm::Header),
            1 => proptest::collection::vec(any::<u8>(), 0..64).prop_map(Harm::Garbage),
            1 => Just(Harm::Twice),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_only_whole_frames_go_out_and_each_end_is_counted_once(harms in proptest::collection::vec(harm(), 3 * 8)) {
            let mut given = Vec::new();
            let sound = (0..8).flat_map(|n| payloads_of(n, PIXELS));
            for (mut payload, harm) in sound.zip(harms) {
                match harm {
                    Harm::None => {}
                    Harm::Lost => continue,
                    Harm::Cut(length) => payload.truncate(length),
                    Harm::Longer(length) => payload.resize(payload.len() + length, 7),
                    Harm::Flags(flags) => payload[1] = flags,
                    Harm::Header(length) => payload[0] = length,
                    Harm::Garbage(bytes) => payload = bytes,
                    Harm::Twice => given.push(payload.clone()),
                }
                given.push(payload);
            }
            let mut bench = Bench::new();
            let frames = bench.give(&given);
            let pixels: Vec<_> = frames.into_iter().map(|(_, pixels)| pixels).collect();
            prop_assert_eq!(pixels, reference(&given));
            let counts = &bench.counts;
            let ends = given.iter().filter(|p| header(p).is_some_and(|h| h.eof)).count() as u64;
            let told = count(&counts.frames) + count(&counts.short) + count(&counts.oversize) + count(&counts.faulty);
            prop_assert_eq!(told, ends);
            prop_assert_eq!(count(&counts.payloads), given.len() as u64);
        }
    }
}
