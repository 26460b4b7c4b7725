//! Damaged films must be refused with a sentence or read as far as they go; they never end the program. Seeded; `CALYX_FUZZ_SECONDS` runs longer.

use std::time::{Duration, Instant};

use crate::avi;
use crate::{Film, MediaError};

/// An AVI of raw grey frames.
fn grey(frames: u32, width: u32, height: u32) -> Vec<u8> {
    let chunk = |name: &[u8; 4], content: &[u8]| -> Vec<u8> {
        let mut out = name.to_vec();
        out.extend(u32::try_from(content.len()).expect("small").to_le_bytes());
        out.extend(content);
        out.resize(out.len() + content.len() % 2, 0);
        out
    };
    let words = |values: &[u32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let size = width * height;
    let main = words(&[16_667, 0, 0, 0x10, frames, 0, 1, size, width, height, 0, 0, 0, 0]);
    let stream = [
        b"vidsGREY".to_vec(),
        words(&[0, 0, 0, 1, 60, 0, frames, size, u32::MAX, size, 0, (height << 16) | width]),
    ]
    .concat();
    let format = [
        words(&[40, width, height]),
        [1u16, 8].iter().flat_map(|value| value.to_le_bytes()).collect(),
        b"GREY".to_vec(),
        words(&[size, 0, 0, 0, 0]),
    ]
    .concat();
    let strl = [b"strl".to_vec(), chunk(b"strh", &stream), chunk(b"strf", &format)].concat();
    let hdrl = [b"hdrl".to_vec(), chunk(b"avih", &main), chunk(b"LIST", &strl)].concat();
    let mut movi = b"movi".to_vec();
    let mut index = Vec::new();
    for frame in 0..frames {
        let at = u32::try_from(movi.len()).expect("small");
        index.extend(b"00dc");
        index.extend(words(&[0x10, at, size]));
        movi.extend(chunk(b"00dc", &vec![u8::try_from(frame % 256).expect("a byte"); size as usize]));
    }
    let body = [
        b"AVI ".to_vec(),
        chunk(b"LIST", &hdrl),
        chunk(b"LIST", &movi),
        chunk(b"idx1", &index),
    ]
    .concat();
    chunk(b"RIFF", &body)
}

/// Xorshift: the same seed, the same damage.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(n.max(1)).expect("64 bits")).expect("below n")
    }
}

const EDGES: [u32; 12] = [
    0,
    1,
    2,
    3,
    0xff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff0,
    0xffff_fffe,
    u32::MAX,
];

fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(6) {
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => {
                let value = EDGES[dice.below(EDGES.len())].to_le_bytes();
                let end = (at + 4).min(bytes.len());
                bytes[at..end].copy_from_slice(&value[..end - at]);
            }
            2 => bytes.truncate(at.max(1)),
            3 => {
                let end = (at + 1 + dice.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let end = (at + 1 + dice.below(40)).min(bytes.len());
                bytes.drain(at..end);
                if bytes.is_empty() {
                    bytes.push(0);
                }
            }
        }
    }
}

fn until() -> Instant {
    let seconds = std::env::var("CALYX_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2.0);
    Instant::now() + Duration::from_secs_f64(seconds)
}

#[test]
fn damaged_films_never_end_the_walk_through_an_avi() {
    let whole = [grey(3, 8, 4), grey(1, 4, 2), grey(40, 16, 16)];
    assert_eq!(avi::parse(&whole[0]).expect("it is whole").packets.len(), 3);
    let until = until();
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut inputs = 0u64;
    while Instant::now() < until {
        let mut bytes = whole[dice.below(whole.len())].clone();
        damage(&mut bytes, &mut dice);
        if let Ok(found) = avi::parse(&bytes) {
            for packet in &found.packets {
                assert!(
                    packet.offset + packet.length <= bytes.len(),
                    "input {inputs}: a frame beyond the end of the file"
                );
            }
        }
        inputs += 1;
    }
    assert!(inputs > 50);
}

#[test]
fn a_header_with_an_absurd_frame_size_is_refused_before_room_is_made() {
    let place = std::env::temp_dir().join(format!("calyx-mutations-{}.avi", std::process::id()));
    // Width and height stand in the format of the stream and in the main header; compressed, so that the packets do not contradict.
    for compression in [*b"FFV1", *b"XVID", *b"GREY"] {
        let mut bytes = grey(2, 8, 4);
        while let Some(at) = bytes.windows(4).position(|tag| tag == b"GREY" && compression != *b"GREY") {
            bytes[at..at + 4].copy_from_slice(&compression);
        }
        let format = bytes.windows(4).position(|tag| tag == b"strf").expect("a format") + 8;
        bytes[format + 4..format + 8].copy_from_slice(&0x7fff_fff0u32.to_le_bytes());
        bytes[format + 8..format + 12].copy_from_slice(&0x0fff_fff0u32.to_le_bytes());
        std::fs::write(&place, &bytes).expect("written");
        let error = Film::open(&place).err().expect("no film has such frames");
        let MediaError::Unreadable { reason, .. } = &error else {
            panic!("{error}")
        };
        assert!(reason.contains("2147483632 × 268435440"), "{reason}");
    }
    std::fs::remove_file(&place).expect("removed");
}
