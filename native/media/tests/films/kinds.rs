//! Every codec and container: each frame is itself, streamed and alone, with the luma it was stored with.

use std::ops::ControlFlow;
use std::sync::Arc;

use calyx_media::{FrameStatus, MediaError, Recording};

use crate::{FFV1_1, FFV1_12, FFV1_1000, Folder, H264, HEIGHT, MJPEG, OPTIONS, RAW, WIDTH, number_of, numbers, picture};

/// Streams parts and reads single frames of a recording of three films; every number must be right.
fn every_frame_is_itself(name: &str, arguments: &[&str], extension: &str) {
    let folder = Folder::new(name);
    let counts = [70u64, 45, 31];
    let mut first = 0;
    let mut paths = Vec::new();
    for (index, &count) in counts.iter().enumerate() {
        paths.push(folder.film(&format!("{index}.{extension}"), first, count, arguments));
        first += count;
    }
    let recording = Arc::new(Recording::open(&paths).expect("the films open"));
    assert_eq!((recording.frames(), recording.width(), recording.height()), (146, WIDTH, HEIGHT));
    for range in [0..146, 31..118, 145..146] {
        let expected: Vec<_> = range.clone().map(|frame| (frame, frame)).collect();
        assert_eq!(numbers(&recording, range), expected);
    }
    let mut reader = recording.reader();
    let mut frame = vec![0; WIDTH * HEIGHT];
    // Far apart, over all films: 41 has no factor in common with 146. Few, since each may start a decoder.
    for step in 0..9u64 {
        let wanted = step * 41 % 146;
        assert_eq!(reader.read(wanted, &mut frame).expect("the frame reads"), FrameStatus::Ok);
        assert_eq!(number_of(&frame), wanted, "{name}: frame {wanted}");
    }
    for wanted in 50..90 {
        reader.read(wanted, &mut frame).expect("the frame reads");
        assert_eq!(number_of(&frame), wanted);
    }
    assert!(matches!(
        reader.read(146, &mut frame),
        Err(MediaError::OutOfRange { frame: 146, frames: 146 })
    ));
}

#[test]
fn ffv1_with_a_key_frame_every_12() {
    every_frame_is_itself("ffv1-12", FFV1_12, "avi");
}

#[test]
fn ffv1_of_key_frames_only() {
    every_frame_is_itself("ffv1-1", FFV1_1, "avi");
}

#[test]
fn ffv1_with_one_key_frame_in_1000() {
    every_frame_is_itself("ffv1-1000", FFV1_1000, "avi");
}

#[test]
fn uncompressed_grey() {
    every_frame_is_itself("raw", RAW, "avi");
}

#[test]
fn mjpeg() {
    every_frame_is_itself("mjpeg", MJPEG, "avi");
}

#[test]
fn h264_in_mp4_with_b_frames() {
    every_frame_is_itself("h264", H264, "mp4");
}

#[test]
fn ffv1_in_matroska() {
    every_frame_is_itself("mkv", FFV1_12, "mkv");
}

#[test]
fn h264_in_matroska() {
    every_frame_is_itself("mkv-h264", H264, "mkv");
}

#[test]
fn mpeg4_in_avi() {
    every_frame_is_itself("mpeg4", &["-c:v", "mpeg4", "-q:v", "2", "-g", "12", "-vtag", "XVID"], "avi");
}

#[test]
fn huffyuv() {
    every_frame_is_itself("huffyuv", &["-c:v", "ffvhuff", "-pix_fmt", "gray"], "avi");
}

#[test]
fn lossless_films_keep_every_pixel() {
    let folder = Folder::new("pixels");
    for (name, arguments) in [("a.avi", FFV1_12), ("b.avi", FFV1_1), ("c.avi", RAW)] {
        let path = folder.film(name, 0, 20, arguments);
        let recording = Recording::open(&[path]).expect("the film opens");
        recording
            .stream(0..20, &OPTIONS, &mut |frame, _, pixels| {
                assert_eq!(pixels, picture(frame), "{name}, frame {frame}");
                ControlFlow::Continue(())
            })
            .expect("the film streams");
    }
}

#[test]
fn luma_is_not_stretched() {
    let folder = Folder::new("luma");
    // Limited-range 4:2:0 stores 230 and 20 as 214 and 33; what is stored must come back, not its scaling to full range (230, 20).
    let path = folder.film("a.avi", 0, 5, &["-c:v", "ffv1", "-pix_fmt", "yuv420p"]);
    let recording = Recording::open(&[path]).expect("the film opens");
    let mut seen = Vec::new();
    recording
        .stream(0..1, &OPTIONS, &mut |_, _, pixels| {
            seen = pixels.to_vec();
            ControlFlow::Continue(())
        })
        .expect("the film streams");
    assert_eq!((seen[0], seen[30 * WIDTH]), (214, 33));
}

#[test]
fn luma_of_every_layout_is_taken_as_it_is_stored() {
    let folder = Folder::new("layouts");
    // Full range: 230 and 20 as they are. Limited: 214 and 33. RGB of equal parts: its value.
    for (layout, codec, expected) in [
        ("gray", "ffv1", (230, 20)),
        ("yuv420p", "ffv1", (214, 33)),
        ("yuv444p", "ffv1", (214, 33)),
        ("yuvj420p", "mjpeg", (230, 20)),
        ("bgra", "ffv1", (230, 20)),
        ("bgr24", "rawvideo", (230, 20)),
    ] {
        let path = folder.film(&format!("{layout}.avi"), 0, 3, &["-c:v", codec, "-q:v", "2", "-pix_fmt", layout]);
        let recording = Arc::new(Recording::open(&[path]).expect("the film opens"));
        let mut pixels = vec![0; WIDTH * HEIGHT];
        recording.reader().read(2, &mut pixels).expect("it reads");
        let slack = i32::from(codec == "mjpeg");
        for (found, expected) in [(pixels[0], expected.0), (pixels[30 * WIDTH], expected.1)] {
            assert!((i32::from(found) - expected).abs() <= slack, "{layout}: {found}, not {expected}");
        }
    }
}
