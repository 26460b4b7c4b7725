//! The frames between the thread that takes them from the board and their reader: a fixed number of slots that go round through lock-free queues, so that neither
//! side ever waits for the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;

/// Slots of a stream's ring: four seconds at 30 frames a second.
pub const SLOTS: usize = 128;
/// A ring of very large frames has fewer.
const MOST_BYTES: usize = 256 << 20;
const FEWEST_SLOTS: usize = 16;
/// Bytes between the pixels of a frame's beginning that are kept: Open Ephys' firmware tells its time and counter there.
pub const ODD_BYTES: usize = 20;

/// One frame, and what is known of it.
#[derive(Debug, Default)]
pub struct Frame {
    /// The luma as the sensor gave it, row by row.
    pub pixels: Vec<u8>,
    /// The odd bytes of its first 40.
    pub odd: [u8; ODD_BYTES],
    /// Monotonic time at which its first payload came, ns.
    pub first_ns: u64,
    /// Monotonic time at which its last payload came, ns.
    pub last_ns: u64,
    /// Frames that ended before it in this stream.
    pub number: u64,
    /// Controls that were read right after it, by selector; none for one that could not be read, or was read too late.
    pub controls: Vec<(u8, Option<u16>)>,
}

/// Slots and the queues they go through: free → ended (a frame came) → ready (its controls are read) → free.
#[derive(Debug)]
pub struct Ring {
    free: ArrayQueue<Box<Frame>>,
    ended: ArrayQueue<Box<Frame>>,
    ready: ArrayQueue<Box<Frame>>,
    high_water: AtomicUsize,
}

impl Ring {
    /// A ring of so many slots for frames of so many pixels. All their memory is taken and touched here: the writer's thread must never wait for memory, which the
    /// system gives out under a lock that any other thread may hold.
    ///
    /// # Panics
    /// With no slots.
    #[must_use]
    pub fn new(slots: usize, pixels: usize) -> Self {
        let free = ArrayQueue::new(slots);
        for _ in 0..slots {
            let frame = Frame {
                // Not 0: memory that is to be 0 would be touched later.
                pixels: vec![0xff; pixels],
                controls: Vec::with_capacity(8),
                ..Frame::default()
            };
            let _ = free.push(Box::new(frame));
        }
        Self {
            free,
            ended: ArrayQueue::new(slots),
            ready: ArrayQueue::new(slots),
            high_water: AtomicUsize::new(0),
        }
    }

    /// A ring for frames of so many pixels, of [`SLOTS`] unless they are very large.
    #[must_use]
    pub fn for_frames(pixels: usize) -> Self {
        Self::new(slots_for(pixels), pixels)
    }

    /// A slot to fill; none while the reader holds or has left waiting all of them.
    pub fn take_free(&self) -> Option<Box<Frame>> {
        self.free.pop()
    }

    /// A frame has come. There is room always: there are no more slots than places.
    pub fn push_ended(&self, frame: Box<Frame>) {
        let _ = self.ended.push(frame);
        self.high_water.fetch_max(self.waiting(), Ordering::Relaxed);
    }

    /// The oldest frame whose controls are still to be read.
    pub fn pop_ended(&self) -> Option<Box<Frame>> {
        self.ended.pop()
    }

    /// Its controls are read.
    pub fn push_ready(&self, frame: Box<Frame>) {
        let _ = self.ready.push(frame);
    }

    /// The oldest frame for the reader.
    pub fn pop_ready(&self) -> Option<Box<Frame>> {
        self.ready.pop()
    }

    /// The reader is done with it.
    pub fn give_back(&self, frame: Box<Frame>) {
        let _ = self.free.push(frame);
    }

    /// Frames that wait for the reader.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.ended.len() + self.ready.len()
    }

    /// Most that ever waited.
    #[must_use]
    pub fn high_water(&self) -> usize {
        self.high_water.load(Ordering::Relaxed)
    }
}

fn slots_for(pixels: usize) -> usize {
    (MOST_BYTES / pixels.max(1)).clamp(FEWEST_SLOTS, SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_go_round_and_no_more_than_agreed_are_made() {
        let ring = Ring::new(2, 4);
        let first = ring.take_free().unwrap();
        ring.push_ended(first);
        let second = ring.take_free().unwrap();
        ring.push_ended(second);
        assert!(ring.take_free().is_none(), "the reader has left both waiting");
        assert_eq!((ring.waiting(), ring.high_water()), (2, 2));
        let frame = ring.pop_ended().unwrap();
        ring.push_ready(frame);
        assert_eq!(ring.waiting(), 2);
        let frame = ring.pop_ready().unwrap();
        assert!(ring.take_free().is_none(), "the reader holds one");
        ring.give_back(frame);
        assert!(ring.take_free().is_some());
    }

    #[test]
    fn frames_come_out_in_the_order_they_went_in_and_a_reader_that_keeps_up_leaves_none_waiting() {
        let ring = Ring::new(SLOTS, 16);
        for n in 0..1000 {
            let mut frame = ring.take_free().unwrap();
            frame.number = n;
            ring.push_ended(frame);
            ring.push_ready(ring.pop_ended().unwrap());
            let frame = ring.pop_ready().unwrap();
            assert_eq!(frame.number, n);
            ring.give_back(frame);
        }
        assert_eq!(ring.high_water(), 1);
    }

    #[test]
    fn a_ring_of_very_large_frames_has_fewer_slots() {
        assert_eq!(slots_for(608 * 608), 128);
        assert_eq!(slots_for(2592 * 1944), 53);
        assert_eq!(slots_for(usize::MAX), FEWEST_SLOTS);
    }
}
