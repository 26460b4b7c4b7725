//! Frames that do not decode, callers that are slow or go away, films that cannot be used.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use calyx_media::{Film, FrameStatus, MediaError, Recording, StreamOptions};

use crate::packets::packets_of;
use crate::{FFV1_1, FFV1_12, Folder, HEIGHT, OPTIONS, RAW, WIDTH, number_of};

#[test]
fn a_frame_that_does_not_decode_keeps_its_place() {
    let folder = Folder::new("broken");
    let path = folder.film("0.avi", 0, 40, FFV1_1);
    let mut bytes = std::fs::read(&path).expect("read");
    let mut at = bytes.windows(4).position(|part| part == b"movi").expect("a movi list") + 4;
    for _ in 0..17 {
        at += 8 + (u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("4 bytes")) as usize).next_multiple_of(2);
    }
    let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("4 bytes")) as usize;
    for byte in &mut bytes[at + 8 + 4..at + 8 + size] {
        *byte ^= 0x5A;
    }
    std::fs::write(&path, bytes).expect("write");
    let recording = Recording::open(&[path]).expect("it opens");
    let mut seen = Vec::new();
    let end = recording
        .stream(0..40, &OPTIONS, &mut |frame, status, pixels| {
            seen.push((frame, status, number_of(pixels)));
            ControlFlow::Continue(())
        })
        .expect("it streams");
    assert_eq!((end.delivered, end.unreadable), (40, 1));
    for (frame, status, number) in seen {
        let expected = if frame == 17 {
            (FrameStatus::Unreadable, 16)
        } else {
            (FrameStatus::Ok, frame)
        };
        assert_eq!((status, number), expected, "frame {frame}");
    }
}

/// Makes packet `number` undecodable; in FFV1 the first byte decides whether it is a key frame and stays.
fn spoil(path: &Path, number: usize) {
    let mut bytes = std::fs::read(path).expect("read");
    let (offset, length) = packets_of(&bytes)[number];
    bytes[offset + 3..offset + length].fill(0xFF);
    std::fs::write(path, bytes).expect("write");
}

/// Version 3 with checksums, so that a spoilt frame is noticed.
const FFV1_12_CHECKED: &[&str] = &["-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-g", "12"];

#[test]
fn after_a_spoilt_frame_all_up_to_the_next_key_frame_are_unreadable_and_the_rest_keeps_its_numbers() {
    let folder = Folder::new("spoilt");
    let path = folder.film("0.avi", 0, 60, FFV1_12_CHECKED);
    spoil(&path, 28);
    let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
    let expected = |frame: u64| {
        if (28..36).contains(&frame) {
            (FrameStatus::Unreadable, 27)
        } else {
            (FrameStatus::Ok, frame)
        }
    };
    for decoders in [1, 2] {
        let options = StreamOptions { decoders, ..OPTIONS };
        let mut next = 0;
        let end = recording
            .stream(0..60, &options, &mut |frame, status, pixels| {
                assert_eq!((frame, status, number_of(pixels)), (next, expected(next).0, expected(next).1));
                next += 1;
                ControlFlow::Continue(())
            })
            .expect("it streams");
        assert_eq!((end.delivered, end.unreadable), (60, 8));
    }
    let mut reader = recording.reader();
    let mut pixels = vec![0; WIDTH * HEIGHT];
    for frame in [50, 31, 36, 28, 27, 35, 40] {
        let status = reader.read(frame, &mut pixels).expect("it reads");
        assert_eq!((status, number_of(&pixels)), expected(frame), "frame {frame}");
    }
}

#[test]
fn a_spoilt_first_frame_does_not_hide_the_others() {
    let folder = Folder::new("spoilt-first");
    let path = folder.film("0.avi", 0, 20, FFV1_1);
    spoil(&path, 0);
    let recording = Recording::open(&[path]).expect("it opens");
    let mut seen = Vec::new();
    recording
        .stream(0..20, &OPTIONS, &mut |frame, status, pixels| {
            seen.push((frame, status == FrameStatus::Ok, pixels[0] != 0 && number_of(pixels) == frame));
            ControlFlow::Continue(())
        })
        .expect("it streams");
    assert_eq!(seen[0], (0, false, false));
    assert!(seen[1..].iter().all(|&(_, readable, right)| readable && right));
}

#[test]
fn a_film_of_which_nothing_decodes_is_refused() {
    let folder = Folder::new("all-spoilt");
    let path = folder.film("0.avi", 0, 3, FFV1_1);
    for number in 0..3 {
        spoil(&path, number);
    }
    let error = Film::open(&path).err().expect("no frame");
    assert_eq!(error.code(), "media.unreadable");
}

#[test]
fn a_slow_caller_does_not_make_frames_pile_up() {
    let folder = Folder::new("slow");
    let paths = [folder.film("0.avi", 0, 400, RAW), folder.film("1.avi", 400, 200, FFV1_12)];
    let recording = Recording::open(&paths).expect("it opens");
    let options = StreamOptions {
        decoders: 2,
        buffer_bytes: 40 * WIDTH * HEIGHT,
    };
    let mut next = 0;
    let end = recording
        .stream(0..600, &options, &mut |frame, _, pixels| {
            // Give the decoders every chance to run ahead.
            std::thread::yield_now();
            assert_eq!((frame, number_of(pixels)), (next, next));
            next += 1;
            ControlFlow::Continue(())
        })
        .expect("it streams");
    assert_eq!(end.delivered, 600);
    assert!(end.peak_bytes <= options.buffer_bytes, "{} bytes", end.peak_bytes);
    assert!(end.peak_bytes > WIDTH * HEIGHT, "{} bytes", end.peak_bytes);
}

#[test]
fn breaking_off_leaves_no_decoder_behind() {
    let folder = Folder::new("stop");
    let paths = [folder.film("0.avi", 0, 300, FFV1_12), folder.film("1.avi", 300, 300, FFV1_12)];
    let recording = Recording::open(&paths).expect("it opens");
    let end = recording
        .stream(0..600, &OPTIONS, &mut |frame, _, _| {
            if frame == 5 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .expect("it streams");
    assert_eq!((end.delivered, end.stopped), (6, true));
}

#[test]
fn bad_films_are_named() {
    let folder = Folder::new("bad");
    let empty = folder.0.join("empty.avi");
    std::fs::write(&empty, b"").expect("write");
    assert!(matches!(Film::open(&empty), Err(MediaError::Empty { .. })));
    let text = folder.0.join("text.avi");
    std::fs::write(&text, b"this is not a film at all, it is a letter").expect("write");
    let error = Film::open(&text).err().expect("no film");
    assert_eq!(error.code(), "media.unreadable");
    assert!(error.to_string().contains("text.avi"), "{error}");
    let error = Film::open(&folder.0.join("absent.avi")).err().expect("no file");
    assert_eq!(error.code(), "media.io");
    let headers_only = folder.film("0.avi", 0, 3, RAW);
    let bytes = std::fs::read(&headers_only).expect("read");
    let movi = bytes.windows(4).position(|part| part == b"movi").expect("a movi list");
    std::fs::write(&headers_only, &bytes[..movi + 4]).expect("write");
    assert!(matches!(Film::open(&headers_only), Err(MediaError::Empty { .. })));
}

#[test]
fn films_of_different_size_are_refused_with_both_names() {
    let folder = Folder::new("sizes");
    let first = folder.film("0.avi", 0, 3, RAW);
    let second = folder.film(
        "1.avi",
        0,
        3,
        &["-vf", "scale=40:30", "-c:v", "rawvideo", "-pix_fmt", "gray", "-vtag", "GREY"],
    );
    let error = Recording::open(&[first, second]).err().expect("refused");
    let sentence = error.to_string();
    for part in ["0.avi", "1.avi", "40 × 30", "52 × 34"] {
        assert!(sentence.contains(part), "{sentence}");
    }
}
