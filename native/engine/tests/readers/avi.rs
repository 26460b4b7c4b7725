//! AVI files that nobody wrote on purpose: frames or a sentence, never a panic, never a wait without end.

use std::ops::ControlFlow;
use std::path::PathBuf;

use calyx_media::{Recording, StreamOptions};
use proptest::collection::vec;
use proptest::prelude::*;

use super::runner;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn folder(name: &str) -> Folder {
    let folder = std::env::temp_dir().join(format!("calyx-avi-any-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    Folder(folder)
}

fn chunk(id: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = [id.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat();
    if data.len() % 2 == 1 {
        out.push(0);
    }
    out
}

fn list(id: &[u8; 4], kind: &[u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    chunk(id, &[kind.as_slice(), &parts.concat()].concat())
}

/// An uncompressed grey film of 16 × 12 px and five frames, which needs no ffmpeg.
fn film() -> Vec<u8> {
    let words = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let (width, height, frames) = (16u32, 12u32, 5u32);
    let head = words(&[50_000, 0, 0, 0x10, frames, 0, 1, 0, width, height, 0, 0, 0, 0]);
    let stream = [b"vidsY800".to_vec(), words(&[0, 0, 0, 1, 20, 0, frames, 0, u32::MAX, 0, 0, 0])].concat();
    let format = [
        words(&[40, width, height, 1 | 8 << 16]),
        b"Y800".to_vec(),
        words(&[width * height, 0, 0, 0, 0]),
    ]
    .concat();
    let lists = list(b"LIST", b"strl", &[chunk(b"strh", &stream), chunk(b"strf", &format)]);
    let header = list(b"LIST", b"hdrl", &[chunk(b"avih", &head), lists]);
    let frame = |t: u32| chunk(b"00db", &(0..width * height).map(|p| (p + 7 * t) as u8).collect::<Vec<u8>>());
    let movie = list(b"LIST", b"movi", &(0..frames).map(frame).collect::<Vec<_>>());
    let size = width * height;
    let entry = |t: u32| [b"00db".to_vec(), words(&[0x10, 4 + t * (8 + size), size])].concat();
    let index = chunk(b"idx1", &(0..frames).flat_map(entry).collect::<Vec<u8>>());
    list(b"RIFF", b"AVI ", &[header, movie, index])
}

/// Frames that come out, or what was said.
fn read(path: &PathBuf) -> Result<u64, String> {
    let recording = Recording::open(std::slice::from_ref(path)).map_err(|error| error.to_string())?;
    let size = recording.height() * recording.width();
    let mut seen = 0;
    let end = recording.frames().min(50);
    let options = StreamOptions {
        decoders: 1,
        buffer_bytes: 1 << 20,
    };
    recording
        .stream(0..end, &options, &mut |_, _, pixels| {
            assert_eq!(pixels.len(), size);
            seen += 1;
            ControlFlow::Continue(())
        })
        .map_err(|error| error.to_string())?;
    Ok(seen)
}

#[test]
fn the_film_that_is_damaged_below_can_be_read() {
    let folder = folder("whole");
    let path = folder.0.join("0.avi");
    std::fs::write(&path, film()).unwrap();
    assert_eq!(read(&path), Ok(5));
}

#[test]
fn a_film_with_changed_bytes_and_a_cut_is_read_or_refused() {
    let folder = folder("damaged");
    let path = folder.0.join("0.avi");
    let whole = film();
    // Most changes hit the headers and the index, where they matter.
    let place = prop_oneof![3 => (0usize..260).boxed(), 1 => any::<usize>().boxed()];
    let value = prop_oneof![Just(0u8), Just(0xff), Just(0x7f), any::<u8>()];
    let damage = (vec((place, value), 0..8), any::<usize>());
    runner(60)
        .run(&damage, |(changes, cut)| {
            let mut bytes = whole.clone();
            for (at, value) in changes {
                let n = bytes.len();
                bytes[at % n] = value;
            }
            if cut % 3 == 0 {
                bytes.truncate(cut / 3 % (bytes.len() + 1));
            }
            // What is taken for a compressed film is ffmpeg's to judge, which the other tests do; a process for each case would take minutes.
            if bytes.len() > 100 && bytes.windows(4).filter(|w| w == b"Y800").count() < 2 {
                return Ok(());
            }
            std::fs::write(&path, &bytes).unwrap();
            match read(&path) {
                Ok(_) => (),
                Err(said) => assert!(said.len() > 10, "{said}"),
            }
            Ok(())
        })
        .unwrap();
}
