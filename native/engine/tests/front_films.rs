//! Stages `read` and `motion` on films with known truth that are too large for the repository; skipped where their folder is missing.

use std::path::{Path, PathBuf};

use calyx_engine::params::Parameters;
use calyx_engine::read::run;
use calyx_engine::types::{Context, RecordingInput, Registered, flag};

/// What lies at `place` in the shared data, or a printed reason and `None`.
fn shared(place: &str) -> Option<PathBuf> {
    let shared =
        std::env::var_os("CALYX_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let there = shared.join("data").join(place);
    if !there.exists() {
        println!("skipped: {place} needs the folder of shared films (CALYX_SHARED)");
        return None;
    }
    let program = std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into());
    if std::process::Command::new(program).arg("-version").output().is_err() {
        println!("skipped: {place} needs ffmpeg (FFMPEG_BIN or on the PATH)");
        return None;
    }
    Some(there)
}

/// Frames of a real film that carry one of `bits`.
fn flagged(film: PathBuf, bits: u32) -> Vec<usize> {
    let input = RecordingInput {
        films: vec![film],
        time_s: Vec::new(),
        fps: 20.0,
        first_frame: 0,
        last_frame: None,
    };
    let params = Parameters {
        diameter_px: Some(10.0),
        ..Parameters::defaults().unwrap()
    };
    let ctx = Context {
        shelf: calyx_engine::shelf::Shelf::in_memory(),
        threads: 2,
        memory_bytes: 1 << 30,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    let out = run(&[input], &params, &std::env::temp_dir(), &ctx).unwrap();
    (0..out.flags.len()).filter(|t| out.flags[*t] & bits != 0).collect()
}

#[test]
fn the_frames_that_a_wireless_scope_lost_packets_of_are_found_and_no_others() {
    let Some(film) = shared("real/mio-wireless/wireless_corrupted.avi") else {
        return;
    };
    // As the list beside the film names them: rows in 7, 21, 23, 24, 32, 34, blocks in 33 and 35.
    assert_eq!(flagged(film, flag::MASKED | flag::SATURATED), [7, 21, 23, 24, 32, 33, 34, 35]);
}

fn registered(folder: &Path, diameter_px: f32) -> Registered {
    let miniscope = folder.join("Miniscope");
    let films = (0..)
        .map(|i| miniscope.join(format!("{i}.avi")))
        .take_while(|film| film.is_file())
        .collect();
    let stamps = std::fs::read_to_string(miniscope.join("timeStamps.csv")).unwrap();
    let seconds = |line: &str| line.split(',').nth(1).unwrap().trim().parse::<f64>().unwrap() / 1000.0;
    let time_s = stamps.lines().skip(1).map(seconds).collect();
    let input = RecordingInput {
        films,
        time_s,
        fps: 20.0,
        first_frame: 0,
        last_frame: None,
    };
    let params = Parameters {
        diameter_px: Some(diameter_px),
        ..Parameters::defaults().unwrap()
    };
    let ctx = Context {
        shelf: calyx_engine::shelf::Shelf::in_memory(),
        threads: 2,
        memory_bytes: 1 << 30,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    run(&[input], &params, &std::env::temp_dir(), &ctx).unwrap()
}

/// Root mean square of found minus true displacement, the mean of each axis taken off.
fn error(found: &[[f32; 2]], folder: &Path) -> f32 {
    let truth = calyx_npy::read::<f32>(&folder.join("truth/motion.npy")).unwrap();
    assert_eq!(truth.shape, [found.len(), 2]);
    let n = found.len() as f32;
    let squares: f32 = (0..2)
        .map(|axis| {
            let errors: Vec<f32> = found
                .iter()
                .zip(truth.data.chunks_exact(2))
                .map(|(f, t)| f[axis] - t[axis])
                .collect();
            let mean = errors.iter().sum::<f32>() / n;
            errors.iter().map(|e| (e - mean).powi(2)).sum::<f32>()
        })
        .sum();
    (squares / (2.0 * n)).sqrt()
}

#[test]
fn the_motion_of_an_ordinary_film_is_found_to_a_twentieth_of_a_pixel_and_no_frame_is_flagged() {
    for (name, diameter, limit) in [("tiny", 6.4, 0.06), ("small", 6.9, 0.03)] {
        let Some(folder) = shared(&format!("sim/{name}")) else { return };
        let out = registered(&folder, diameter);
        let rmse = error(&out.motion, &folder);
        println!("{name}: motion RMSE {rmse:.4} px");
        assert!(rmse < limit, "{name}: {rmse}");
        assert!(out.flags.iter().all(|flags| *flags == 0), "{name}");
        assert_eq!((out.cache.saturated(), out.repaired.len()), (0, 0), "{name}");
    }
}

#[test]
fn lost_frames_stuck_pixels_and_flicker_do_not_disturb_the_motion() {
    let Some(folder) = shared("sim/faults") else { return };
    let out = registered(&folder, 6.6);
    let rmse = error(&out.motion, &folder);
    println!("faults: motion RMSE {rmse:.4} px");
    assert!(rmse < 0.05, "{rmse}");
    // 30 dead and 20 hot pixels; the film is flagged at its nine gaps and nowhere else.
    assert_eq!(out.repaired.len(), 50);
    let gaps = out.flags.iter().filter(|flags| **flags == flag::AFTER_GAP).count();
    assert_eq!((gaps, out.flags.iter().filter(|flags| **flags != 0).count()), (9, 9));
}
