//! Films of every kind, each frame carrying its number in its pixels.

mod avi;
mod decoding;
mod kinds;
#[path = "../packets/mod.rs"]
mod packets;
mod real;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use calyx_media::{FrameStatus, Recording, StreamOptions};

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
