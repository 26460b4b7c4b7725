//! Films being recorded are read back by the same crate and by ffmpeg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;

use calyx_media::{AviWriter, Codec, Film, FilmRecorder, FrameStatus, MediaError, RecordOptions, Recording};

const SIZE: [u32; 2] = [64, 50];

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("calyx-recording-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A frame in which every pixel and every frame differ.
fn frame(t: usize) -> Vec<u8> {
    (0..SIZE[0] as usize * SIZE[1] as usize)
        .map(|p| ((p * 7 + t * 31 + p * p / 97) % 256) as u8)
        .collect()
}

fn ffmpeg() -> bool {
    let there = Command::new(std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into()))
        .arg("-version")
        .output()
        .is_ok();
    if !there {
        println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)");
    }
    there
}

fn record(folder: &Path, ffv1: bool, frames: usize, frames_per_file: u32) -> Vec<calyx_media::WrittenFile> {
    let options = RecordOptions {
        size: SIZE,
        fps: 20.0,
        ffv1,
        frames_per_file,
    };
    let recorder = FilmRecorder::start(folder, options).unwrap();
    for t in 0..frames {
        while recorder.push(frame(t)).is_err() {
            std::thread::yield_now();
        }
    }
    let stats = std::sync::Arc::clone(recorder.stats());
    let files = recorder.finish().unwrap();
    assert_eq!(stats.written.load(Ordering::Acquire), frames as u64);
    assert_eq!(stats.synced.load(Ordering::Acquire), frames as u64);
    files
}

fn assert_frames(paths: &[PathBuf], count: usize) {
    let recording = Recording::open(paths).unwrap();
    assert_eq!(recording.frames(), count as u64);
    let mut reader = std::sync::Arc::new(recording).reader();
    let mut bytes = vec![0; frame(0).len()];
    for t in 0..count {
        assert_eq!(reader.read(t as u64, &mut bytes).unwrap(), FrameStatus::Ok);
        assert_eq!(bytes, frame(t), "frame {t}");
    }
}

#[test]
fn raw_frames_come_back_from_files_of_the_asked_length() {
    let folder = Folder::new("grey");
    let files = record(&folder.0, false, 25, 10);
    let counts: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.frames)).collect();
    assert_eq!(counts, [("0.avi", 10), ("1.avi", 10), ("2.avi", 5)]);
    let paths: Vec<_> = files.iter().map(|file| folder.0.join(&file.name)).collect();
    assert_frames(&paths, 25);
    for (path, file) in paths.iter().zip(&files) {
        let film = Film::open(path).unwrap();
        assert_eq!(film.findings(), [], "{}", path.display());
        assert_eq!(film.container_fps(), Some(20.0));
        assert_eq!(fs::metadata(path).unwrap().len(), file.bytes);
    }
}

#[test]
fn ffv1_frames_come_back_bit_for_bit_each_a_key_frame() {
    if !ffmpeg() {
        return;
    }
    let folder = Folder::new("ffv1");
    let files = record(&folder.0, true, 23, 8);
    assert_eq!(files.iter().map(|file| file.frames).collect::<Vec<_>>(), [8, 8, 7]);
    let paths: Vec<_> = files.iter().map(|file| folder.0.join(&file.name)).collect();
    assert_frames(&paths, 23);
    assert!(Film::open(&paths[2]).unwrap().findings().is_empty());
}

#[test]
fn the_narrowest_part_of_a_frame_comes_back_bit_for_bit_too() {
    if !ffmpeg() {
        return;
    }
    for size in [[2, 2], [2, 40], [40, 2], [3, 5], [4, 4], [7, 9]] {
        let folder = Folder::new(&format!("narrow-{}-{}", size[0], size[1]));
        let picture = |t: usize| -> Vec<u8> { (0..(size[0] * size[1]) as usize).map(|at| (50 + 31 * t + 17 * at) as u8).collect() };
        let options = RecordOptions {
            size,
            fps: 20.0,
            ffv1: true,
            frames_per_file: 100,
        };
        let recorder = FilmRecorder::start(&folder.0, options).unwrap();
        for t in 0..6 {
            recorder.push(picture(t)).unwrap();
        }
        recorder.finish().unwrap();
        let recording = Recording::open(&[folder.0.join("0.avi")]).unwrap();
        let mut reader = std::sync::Arc::new(recording).reader();
        let mut bytes = vec![0; picture(0).len()];
        for t in 0..6 {
            assert_eq!(reader.read(t as u64, &mut bytes).unwrap(), FrameStatus::Ok);
            assert_eq!(bytes, picture(t), "frame {t} of {size:?}");
        }
    }
}

#[test]
fn another_program_reads_them() {
    if !ffmpeg() {
        return;
    }
    let folder = Folder::new("other");
    for (name, ffv1) in [("grey", false), ("ffv1", true)] {
        let place = folder.0.join(name);
        fs::create_dir_all(&place).unwrap();
        record(&place, ffv1, 9, 100);
        let out = Command::new(std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into()))
            .args(["-v", "error", "-i"])
            .arg(place.join("0.avi"))
            .args(["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"])
            .output()
            .unwrap();
        assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
        let wanted: Vec<u8> = (0..9).flat_map(frame).collect();
        assert_eq!(out.stdout, wanted, "{name}");
    }
}

#[test]
fn a_file_cut_anywhere_after_a_sync_holds_what_was_synced() {
    let folder = Folder::new("cut");
    let path = folder.0.join("0.avi");
    let mut writer = AviWriter::create(&path, SIZE, 20.0, &Codec::Grey).unwrap();
    for t in 0..6 {
        writer.append(&frame(t)).unwrap();
    }
    writer.sync().unwrap();
    let synced = writer.bytes();
    for t in 6..9 {
        writer.append(&frame(t)).unwrap();
    }
    let whole = fs::read(&path).unwrap();
    drop(writer);
    let cut = folder.0.join("cut.avi");
    let length = whole.len() as u64;
    for at in (synced..=length).step_by(1931).chain([synced + 1, synced + 8, length - 1]) {
        fs::write(&cut, &whole[..usize::try_from(at).unwrap()]).unwrap();
        let film = Film::open(&cut).unwrap();
        assert!(film.frames() >= 6, "cut at {at}: {} frames", film.frames());
        if ffmpeg_counts(&cut) == Some(0) {
            panic!("ffmpeg reads nothing of a file cut at {at}");
        }
    }
}

/// Frames ffmpeg gets out of a film; none where there is no ffmpeg.
fn ffmpeg_counts(path: &Path) -> Option<usize> {
    let out = Command::new(std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into()))
        .args(["-v", "quiet", "-i"])
        .arg(path)
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"])
        .output()
        .ok()?;
    Some(out.stdout.len() / frame(0).len())
}

#[test]
fn a_file_that_exists_is_never_touched() {
    let folder = Folder::new("exists");
    fs::write(folder.0.join("0.avi"), b"somebody's").unwrap();
    let options = RecordOptions {
        size: SIZE,
        fps: 20.0,
        ffv1: false,
        frames_per_file: 10,
    };
    assert!(matches!(FilmRecorder::start(&folder.0, options), Err(MediaError::Io { .. })));
    assert_eq!(fs::read(folder.0.join("0.avi")).unwrap(), b"somebody's");
}

#[test]
fn a_folder_that_goes_away_is_told_and_what_was_written_before_is_listed() {
    let folder = Folder::new("gone");
    let options = RecordOptions {
        size: SIZE,
        fps: 20.0,
        ffv1: false,
        frames_per_file: 2,
    };
    let recorder = FilmRecorder::start(&folder.0, options).unwrap();
    fs::remove_dir_all(&folder.0).unwrap();
    for t in 0..200 {
        if recorder.push(frame(t)).is_err() {
            break;
        }
    }
    assert!(matches!(recorder.finish(), Err(MediaError::Io { .. })));
}
