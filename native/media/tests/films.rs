//! Films of every kind, each frame carrying its number in its pixels.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use calyx_media::{Film, FrameStatus, MediaError, Recording, StreamOptions};

/// Not square, so that a mixed-up axis shows.
const WIDTH: usize = 52;
const HEIGHT: usize = 34;

/// A frame that says its number in 16 blocks (dark 40, light 200) and has a bright top-left corner pixel block.
fn picture(number: u64) -> Vec<u8> {
    let mut frame = vec![0u8; WIDTH * HEIGHT];
    for (index, pixel) in frame.iter_mut().enumerate() {
        let (y, x) = (index / WIDTH, index % WIDTH);
        *pixel = if y < 8 { 230 - u8::try_from(x).unwrap_or(0) } else { 20 };
        let bit = x / 3;
        if (12..24).contains(&y) && bit < 16 {
            *pixel = if number >> bit & 1 == 1 { 200 } else { 40 };
        }
    }
    frame
}

fn number_of(frame: &[u8]) -> u64 {
    (0..16)
        .filter(|bit| frame[18 * WIDTH + bit * 3 + 1] > 120)
        .map(|bit| 1 << bit)
        .sum()
}

fn write_film(path: &Path, first: u64, count: u64, arguments: &[&str]) {
    let mut child = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-y",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            "-s",
            &format!("{WIDTH}x{HEIGHT}"),
            "-r",
            "60",
            "-i",
            "pipe:0",
        ])
        .args(arguments)
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("these tests need ffmpeg on the PATH");
    {
        use std::io::Write;
        let mut stdin = child.stdin.take().expect("piped");
        for number in first..first + count {
            stdin.write_all(&picture(number)).expect("ffmpeg takes frames");
        }
    }
    assert!(child.wait().expect("ffmpeg ends").success());
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("calyx-media-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn film(&self, name: &str, first: u64, count: u64, arguments: &[&str]) -> PathBuf {
        let path = self.0.join(name);
        write_film(&path, first, count, arguments);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const FFV1_12: &[&str] = &["-c:v", "ffv1", "-g", "12"];
const FFV1_1: &[&str] = &[
    "-c:v",
    "ffv1",
    "-level",
    "3",
    "-coder",
    "0",
    "-context",
    "0",
    "-slices",
    "4",
    "-slicecrc",
    "1",
    "-g",
    "1",
];
const FFV1_1000: &[&str] = &["-c:v", "ffv1", "-level", "3", "-g", "1000"];
const RAW: &[&str] = &["-c:v", "rawvideo", "-pix_fmt", "gray", "-vtag", "GREY"];
const H264: &[&str] = &["-c:v", "libx264", "-crf", "12", "-g", "25", "-bf", "2", "-pix_fmt", "yuv420p"];
const MJPEG: &[&str] = &["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"];

const OPTIONS: StreamOptions = StreamOptions {
    decoders: 2,
    buffer_bytes: 200 * WIDTH * HEIGHT,
};

fn numbers(recording: &Recording, range: std::ops::Range<u64>) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    let end = recording
        .stream(range, &OPTIONS, &mut |frame, status, pixels| {
            assert_eq!(status, FrameStatus::Ok);
            seen.push((frame, number_of(pixels)));
            ControlFlow::Continue(())
        })
        .expect("the films stream");
    assert_eq!(end.delivered as usize, seen.len());
    seen
}

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
    for range in [0..146, 13..14, 69..71, 31..118, 145..146] {
        let expected: Vec<_> = range.clone().map(|frame| (frame, frame)).collect();
        assert_eq!(numbers(&recording, range), expected);
    }
    let mut reader = recording.reader();
    let mut frame = vec![0; WIDTH * HEIGHT];
    // Far apart, over all films: 41 has no factor in common with 146.
    for step in 0..30u64 {
        let wanted = step * 41 % 146;
        assert_eq!(reader.read(wanted, &mut frame).expect("the frame reads"), FrameStatus::Ok);
        assert_eq!(number_of(&frame), wanted, "{name}: frame {wanted}");
    }
    for wanted in 40..100 {
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
fn a_file_cut_in_its_last_frame_opens_up_to_the_last_whole_one() {
    let folder = Folder::new("cut");
    let path = folder.film("0.avi", 0, 40, FFV1_12);
    let whole = std::fs::read(&path).expect("read");
    let movi = whole.windows(4).position(|part| part == b"movi").expect("a movi list");
    // Offsets of the 40 packets, by walking; cut 7 bytes into the last one, and unset the sizes as a crash leaves them.
    let mut at = movi + 4;
    let mut starts = Vec::new();
    while &whole[at..at + 4] == b"00dc" {
        starts.push(at);
        let size = u32::from_le_bytes(whole[at + 4..at + 8].try_into().expect("4 bytes")) as usize;
        at += 8 + size + size % 2;
    }
    assert_eq!(starts.len(), 40);
    let mut cut = whole[..starts[39] + 8 + 7].to_vec();
    cut[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    cut[movi - 4..movi].copy_from_slice(&0u32.to_le_bytes());
    std::fs::write(&path, cut).expect("write");
    let film = Film::open(&path).expect("it opens");
    assert_eq!(film.frames(), 39);
    let finding = film
        .findings()
        .iter()
        .find(|finding| finding.code == "media.truncated")
        .expect("it is said");
    assert!(finding.message.contains("39 frames"), "{}", finding.message);
    let recording = Recording::open(&[path]).expect("it opens");
    assert_eq!(numbers(&recording, 0..39).last(), Some(&(38, 38)));
}

#[test]
fn a_header_that_lies_about_the_count_is_found_out() {
    let folder = Folder::new("lie");
    let path = folder.film("0.avi", 0, 30, RAW);
    let mut bytes = std::fs::read(&path).expect("read");
    let avih = bytes.windows(4).position(|part| part == b"avih").expect("a header");
    bytes[avih + 8 + 16..avih + 8 + 20].copy_from_slice(&200u32.to_le_bytes());
    std::fs::write(&path, bytes).expect("write");
    let film = Film::open(&path).expect("it opens");
    assert_eq!(film.frames(), 30);
    assert!(
        film.findings()
            .iter()
            .any(|finding| finding.code == "media.count_differs" && finding.message.contains("200"))
    );
}

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

fn shared(part: &str) -> Option<PathBuf> {
    let base =
        std::env::var_os("CALYX_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = base.join("data/real").join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the shared recordings ({part}) are not on this machine");
    None
}

#[test]
fn real_film_truncated_by_a_crash() {
    let Some(path) = shared("daq-sessions/old-format-truncated-ffv1/Miniscope_side/1.avi.bak") else {
        return;
    };
    let film = Film::open(&path).expect("it opens");
    assert_eq!((film.frames(), film.width(), film.height()), (88, 608, 608));
    assert!(film.findings().iter().any(|finding| finding.code == "media.truncated"));
}

#[test]
fn real_film_whose_index_lies() {
    let Some(path) = shared("inscopix-1p/movie_part1_108x122x200.avi") else {
        return;
    };
    assert_eq!(Film::open(&path).expect("it opens").frames(), 100);
}

#[test]
fn real_films_have_the_frames_they_should() {
    for (part, frames, width, height) in [
        ("v4-grin-h264/0.mp4", 1000, 548, 484),
        ("minian-demo/minian_demo_preprocessed_1000f_ffv1.avi", 1000, 752, 480),
        ("mio-wireless/wireless_corrupted.avi", 60, 200, 200),
    ] {
        let Some(path) = shared(part) else { return };
        let film = Film::open(&path).expect("it opens");
        assert_eq!((film.frames(), film.width(), film.height()), (frames, width, height), "{part}");
    }
}
