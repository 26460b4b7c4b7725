//! Frames far apart from one decoder. Alone in its program, since it puts a program that counts its starts in ffmpeg's place.
#![cfg(target_os = "linux")]

mod packets;

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use calyx_media::{FrameStatus, MediaError, Recording, StreamOptions};
use packets::packets_of;

/// Not square, so that a mixed-up axis shows.
const WIDTH: usize = 52;
const HEIGHT: usize = 34;
/// As the DAQ writes: a key frame in twelve, no checksums; the same with checksums.
const DAQ: &[&str] = &["-c:v", "ffv1", "-g", "12"];
const CHECKED: &[&str] = &["-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-g", "12"];
const ALONE: &[&str] = &["-c:v", "ffv1", "-level", "3", "-slices", "4", "-g", "1"];

/// A frame like no other, and like none of its mirror images.
fn picture(number: u64) -> Vec<u8> {
    let mut seed = number + 1;
    (0..WIDTH * HEIGHT)
        .map(|index| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let slope = index % WIDTH * 3 + index / WIDTH;
            u8::try_from((slope + (seed >> 60) as usize) & 0xFF).unwrap_or(0)
        })
        .collect()
}

fn film(folder: &Path, name: &str, numbers: std::ops::Range<u64>, arguments: &[&str]) -> PathBuf {
    use std::io::Write;
    let path = folder.join(name);
    let size = format!("{WIDTH}x{HEIGHT}");
    let mut child = Command::new("ffmpeg")
        .args([
            "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s", &size, "-r", "60", "-i", "pipe:0",
        ])
        .args(arguments)
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("these tests need ffmpeg on the PATH");
    let mut stdin = child.stdin.take().expect("piped");
    for number in numbers {
        stdin.write_all(&picture(number)).expect("ffmpeg takes frames");
    }
    drop(stdin);
    assert!(child.wait().expect("ffmpeg ends").success());
    path
}

/// All frames in order, by a decoding from end to end.
fn in_order(recording: &Recording) -> Vec<(FrameStatus, Vec<u8>)> {
    let mut frames = Vec::new();
    let options = StreamOptions {
        decoders: 1,
        buffer_bytes: 100 * WIDTH * HEIGHT,
    };
    recording
        .stream(0..recording.frames(), &options, &mut |_, status, pixels| {
            frames.push((status, pixels.to_vec()));
            ControlFlow::Continue(())
        })
        .expect("it streams");
    frames
}

/// ffmpeg that counts how often it is started.
struct Counted(PathBuf);

impl Counted {
    fn new(folder: &Path) -> Self {
        let log = folder.join("starts");
        let program = folder.join("counted-ffmpeg");
        std::fs::write(&program, format!("#!/bin/sh\necho x >> '{}'\nexec ffmpeg \"$@\"\n", log.display())).expect("write");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a program");
        // SAFETY: the only test of this program; no other thread reads the environment meanwhile.
        unsafe { std::env::set_var("FFMPEG_BIN", &program) };
        Self(log)
    }

    /// Starts since the last question.
    fn starts(&self) -> usize {
        let count = std::fs::read_to_string(&self.0).unwrap_or_default().lines().count();
        let _ = std::fs::remove_file(&self.0);
        count
    }
}

/// Children of this process that run.
fn children() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let of = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    tasks.map(|task| of(task).split_whitespace().count()).sum()
}

/// All frames but a few, each far from the one before.
fn far_apart(frames: u64) -> impl Iterator<Item = u64> {
    (0..frames).map(move |step| step * 89 % frames)
}

fn read_all(recording: &Arc<Recording>, numbers: impl Iterator<Item = u64>) {
    let truth = in_order(recording);
    let mut reader = recording.reader();
    let mut pixels = vec![0; WIDTH * HEIGHT];
    for number in numbers {
        let status = reader.read(number, &mut pixels).expect("the frame reads");
        assert!(
            (status, &pixels) == (truth[number as usize].0, &truth[number as usize].1),
            "frame {number}"
        );
    }
}

#[test]
fn frames_far_apart_are_those_of_a_decoding_in_order_and_cost_no_start() {
    let folder = std::env::temp_dir().join(format!("calyx-waiting-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let counted = Counted::new(&folder);

    for (name, codec) in [("daq", DAQ), ("checked", CHECKED), ("alone", ALONE)] {
        let paths = [(0, 50), (50, 95), (95, 126)].map(|(from, to)| film(&folder, &format!("{name}-{from}.avi"), from..to, codec));
        let recording = Arc::new(Recording::open(&paths).expect("it opens"));
        assert_eq!(in_order(&recording)[101], (FrameStatus::Ok, picture(101)));
        counted.starts();
        read_all(&recording, far_apart(126));
        // One for the decoding in order of each file, one for all that was read.
        assert_eq!(counted.starts(), 4, "{name}");
        // Forward, back, and over the ends of files.
        read_all(&recording, (0..126).chain((0..126).rev()).chain([49, 50, 48, 51, 94, 95, 96]));
        assert_eq!(children(), 0, "a reader that is gone leaves no decoder");

        let mut reader = recording.reader();
        let mut pixels = vec![0; WIDTH * HEIGHT];
        reader.read(70, &mut pixels).expect("it reads");
        assert_eq!(children(), 1);
        reader.rest();
        assert_eq!(children(), 0, "a reader at rest keeps no decoder");
        reader.read(3, &mut pixels).expect("it reads");
        assert_eq!(pixels, picture(3));
    }

    // A file of another format in the same recording.
    let mixed = [film(&folder, "a.avi", 0..30, DAQ), film(&folder, "b.avi", 30..60, CHECKED)];
    read_all(&Arc::new(Recording::open(&mixed).expect("it opens")), far_apart(60));

    // A crash cut the file in the middle of a frame, and its index is gone.
    let cut = film(&folder, "cut.avi", 0..60, CHECKED);
    let bytes = std::fs::read(&cut).expect("read");
    let (offset, length) = packets_of(&bytes)[41];
    std::fs::write(&cut, &bytes[..offset + length / 2]).expect("write");
    let recording = Arc::new(Recording::open(std::slice::from_ref(&cut)).expect("it opens"));
    assert_eq!(recording.frames(), 41);
    read_all(&recording, far_apart(41));

    // A frame that does not decode: it and those that need it are told, and the other groups come from a decoder that waits.
    let spoilt = film(&folder, "spoilt.avi", 0..120, CHECKED);
    let mut bytes = std::fs::read(&spoilt).expect("read");
    let (offset, length) = packets_of(&bytes)[28];
    bytes[offset + 3..offset + length].fill(0xFF);
    std::fs::write(&spoilt, bytes).expect("write");
    let recording = Arc::new(Recording::open(std::slice::from_ref(&spoilt)).expect("it opens"));
    let mut reader = recording.reader();
    let mut pixels = vec![0; WIDTH * HEIGHT];
    counted.starts();
    for number in far_apart(120) {
        let status = reader.read(number, &mut pixels).expect("it reads");
        if (28..36).contains(&number) {
            assert_eq!(status, FrameStatus::Unreadable, "frame {number}");
        } else {
            assert!(status == FrameStatus::Ok && pixels == picture(number), "frame {number}");
        }
    }
    assert!(counted.starts() < 20);

    // The film is taken away while it is open; and one that was never there.
    std::fs::remove_file(&cut).expect("removed");
    assert!(matches!(Recording::open(&[cut]), Err(MediaError::Io { .. })));
    drop(reader);
    assert_eq!(children(), 0);
    let _ = std::fs::remove_dir_all(&folder);
}
