//! Real recordings, which lie outside the project.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calyx_media::{Film, FrameStatus, Recording, StreamOptions};

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
