//! Films of every kind, each frame carrying its number in its pixels.

mod packets;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use calyx_media::{Film, FrameStatus, MediaError, Recording, StreamOptions};
use packets::packets_of;

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

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend_from_slice(&u32::try_from(body.len()).expect("small").to_le_bytes());
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

/// Header list of an AVI of `width` × `height` with this compression and 8 bits; a positive height means bottom-up.
fn header(width: u32, height: i32, compression: [u8; 4], frames: u32) -> Vec<u8> {
    let mut avih = vec![0; 56];
    avih[16..20].copy_from_slice(&frames.to_le_bytes());
    let mut strh = b"vids".to_vec();
    strh.resize(56, 0);
    strh[20..24].copy_from_slice(&1u32.to_le_bytes());
    strh[24..28].copy_from_slice(&20u32.to_le_bytes());
    let mut strf = vec![0; 40];
    strf[4..8].copy_from_slice(&width.to_le_bytes());
    strf[8..12].copy_from_slice(&height.to_le_bytes());
    strf[14..16].copy_from_slice(&8u16.to_le_bytes());
    strf[16..20].copy_from_slice(&compression);
    let strl = [b"strl".to_vec(), chunk(b"strh", &strh), chunk(b"strf", &strf)].concat();
    chunk(b"LIST", &[b"hdrl".to_vec(), chunk(b"avih", &avih), chunk(b"LIST", &strl)].concat())
}

#[test]
fn bottom_up_bitmaps_with_padded_rows() {
    let folder = Folder::new("dib");
    let (width, height) = (5usize, 3usize);
    let movi: Vec<u8> = (0u8..4)
        .flat_map(|frame| {
            let rows = (0..height)
                .rev()
                .flat_map(|y| (0..8).map(move |x| if x < width { (y * 10 + x) as u8 + frame * 50 } else { 255 }));
            chunk(b"00db", &rows.collect::<Vec<u8>>())
        })
        .collect();
    let body = [
        b"AVI ".to_vec(),
        header(5, 3, [0; 4], 4),
        chunk(b"LIST", &[b"movi".to_vec(), movi].concat()),
    ]
    .concat();
    let path = folder.0.join("dib.avi");
    std::fs::write(&path, chunk(b"RIFF", &body)).expect("write");
    let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
    assert_eq!((recording.frames(), recording.width(), recording.height()), (4, 5, 3));
    let mut pixels = vec![0; width * height];
    recording.reader().read(3, &mut pixels).expect("it reads");
    assert_eq!(pixels, [150, 151, 152, 153, 154, 160, 161, 162, 163, 164, 170, 171, 172, 173, 174]);
}

#[test]
fn films_longer_than_one_riff_list() {
    let folder = Folder::new("opendml");
    let grey = |number: u8| chunk(b"00dc", &[number; 24]);
    let part = |kind: &[u8; 4], before: Vec<u8>, numbers: std::ops::Range<u8>| {
        let index = chunk(b"ix00", &[0; 24]);
        let frames: Vec<u8> = numbers.flat_map(grey).collect();
        chunk(
            b"RIFF",
            &[kind.to_vec(), before, chunk(b"LIST", &[b"movi".to_vec(), frames, index].concat())].concat(),
        )
    };
    let bytes = [
        part(b"AVI ", header(6, -4, *b"GREY", 3), 0..3),
        part(b"AVIX", Vec::new(), 3..7),
        part(b"AVIX", Vec::new(), 7..9),
    ]
    .concat();
    let path = folder.0.join("long.avi");
    std::fs::write(&path, &bytes).expect("write");
    let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
    assert_eq!(recording.frames(), 9);
    let mut reader = recording.reader();
    let mut pixels = vec![0; 24];
    for frame in [8, 0, 3, 2, 7, 6] {
        reader.read(frame, &mut pixels).expect("it reads");
        assert_eq!(pixels, [u8::try_from(frame).expect("small"); 24]);
    }
}

#[test]
fn frames_after_damaged_bytes_are_found_again() {
    let folder = Folder::new("damage");
    let grey = |number: u8| chunk(b"00dc", &[number; 24]);
    let frames = [grey(1), grey(2), vec![0xEE; 37], grey(3), grey(4)].concat();
    let body = [
        b"AVI ".to_vec(),
        header(6, -4, *b"Y800", 5),
        chunk(b"LIST", &[b"movi".to_vec(), frames].concat()),
    ]
    .concat();
    let path = folder.0.join("damage.avi");
    std::fs::write(&path, chunk(b"RIFF", &body)).expect("write");
    let film = Film::open(&path).expect("it opens");
    assert_eq!(film.frames(), 4);
    let finding = film
        .findings()
        .iter()
        .find(|finding| finding.code == "media.damaged")
        .expect("it is said");
    assert!(finding.message.contains("37 bytes"), "{}", finding.message);
}

#[test]
fn a_frame_shorter_than_the_others_shows_the_one_before_it() {
    let folder = Folder::new("short");
    let frames = [chunk(b"00dc", &[1; 24]), chunk(b"00dc", &[2; 10]), chunk(b"00dc", &[3; 24])].concat();
    let body = [
        b"AVI ".to_vec(),
        header(6, -4, *b"GREY", 3),
        chunk(b"LIST", &[b"movi".to_vec(), frames].concat()),
    ]
    .concat();
    let path = folder.0.join("short.avi");
    std::fs::write(&path, chunk(b"RIFF", &body)).expect("write");
    let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
    let mut pixels = vec![9; 24];
    assert_eq!(recording.reader().read(1, &mut pixels).expect("it reads"), FrameStatus::Unreadable);
    assert_eq!(pixels, [1; 24]);
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

#[test]
fn single_frames_of_real_films_are_those_of_the_stream() {
    for part in [
        "v4-grin-h264/0.mp4",
        "minian-demo/minian_demo_preprocessed_1000f_ffv1.avi",
        "minian-demo/minian_4panel_500f.mp4",
    ] {
        let Some(path) = shared(part) else { return };
        let recording = Arc::new(Recording::open(&[path]).expect("it opens"));
        let options = StreamOptions {
            decoders: 2,
            buffer_bytes: 64 << 20,
        };
        let wanted = [0u64, 13, 11, 109, 60, 101, 61, 119];
        let mut streamed = std::collections::HashMap::new();
        recording
            .stream(0..120, &options, &mut |frame, status, pixels| {
                assert_eq!(status, FrameStatus::Ok, "{part}, frame {frame}");
                if wanted.contains(&frame) {
                    streamed.insert(frame, pixels.to_vec());
                }
                ControlFlow::Continue(())
            })
            .expect("it streams");
        let mut reader = recording.reader();
        let mut pixels = vec![0; recording.width() * recording.height()];
        for frame in wanted {
            reader.read(frame, &mut pixels).expect("it reads");
            assert!(pixels == streamed[&frame], "{part}: frame {frame} differs");
        }
    }
}
