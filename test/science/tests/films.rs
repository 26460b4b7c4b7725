//! The floor of accuracy on films with known truth: scenes of the project's own generator, the sample session, and films made elsewhere where
//! they are at hand. Nothing is told to the engine but what a person at the screen would leave untouched.

use calyx_scene::Config;
use calyx_science::{FLOOR, Floor, Temporary, ffmpeg, judge, make, sample, shared};
use serde_json::{Value, json};

fn defaults() -> Value {
    json!({})
}

fn scene(name: &str, config: Config) {
    if !ffmpeg() {
        println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)");
        return;
    }
    let session = Temporary::new(&format!("{name}-session"));
    make(&config, &session.0);
    judge(name, &session.0, &defaults(), &FLOOR);
}

fn film_from_elsewhere(name: &str, floor: &Floor) {
    match (ffmpeg(), shared(name)) {
        (true, Some(session)) => judge(name, &session, &defaults(), floor),
        (false, _) => println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)"),
        (_, None) => {
            println!("skipped: the folder of known-truth films is not there (CALYX_SHARED)")
        }
    }
}

#[test]
fn the_sample_session() {
    if !ffmpeg() {
        println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)");
        return;
    }
    judge("sample", &sample(), &defaults(), &FLOOR);
}

#[test]
fn a_quiet_field_wider_than_high() {
    let config = Config::preset("tiny").expect("a preset");
    scene(
        "scene-wide",
        Config {
            seed: 301,
            height: 112,
            width: 160,
            cells: 16,
            frames: 800,
            ..config
        },
    );
}

#[test]
fn an_ordinary_field_with_a_vessel_higher_than_wide() {
    let config = Config::preset("small").expect("a preset");
    scene(
        "scene-vessel",
        Config {
            seed: 302,
            height: 200,
            width: 152,
            ..config
        },
    );
}

#[test]
fn a_bleaching_field_that_jumps() {
    let config = Config::preset("small").expect("a preset");
    scene(
        "scene-jumps",
        Config {
            seed: 303,
            height: 144,
            width: 184,
            frames: 1200,
            jumps: 8,
            jump: 5.0,
            bleaching: 0.2,
            motion: 3.5,
            ..config
        },
    );
}

/// The light is so strong that more than a hundredth of the pixels clip whenever cells fire.
#[test]
fn an_overexposed_field() {
    let config = Config::preset("small").expect("a preset");
    scene(
        "scene-overexposed",
        Config {
            seed: 304,
            height: 144,
            width: 184,
            frames: 1000,
            base: 120.0,
            glow: 40.0,
            amplitude: 9.0,
            ..config
        },
    );
}

/// Cells that are active half of the time or more hardly ever rest: what their traces do is not noise. Their baseline is hard to tell, so less
/// is asked of traces and events.
#[test]
fn a_field_of_busy_cells() {
    if !ffmpeg() {
        println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)");
        return;
    }
    let config = Config {
        seed: 305,
        height: 144,
        width: 168,
        frames: 800,
        on_rate: 1.5,
        off_rate: 0.7,
        active_rate: 3.0,
        ..Config::preset("small").expect("a preset")
    };
    let session = Temporary::new("scene-busy-session");
    make(&config, &session.0);
    let floor = Floor {
        trace_r: 0.90,
        spike_r: 0.80,
        event_f1: 0.5,
        ..FLOOR
    };
    judge("scene-busy", &session.0, &defaults(), &floor);
}

#[test]
fn tiny_from_elsewhere() {
    film_from_elsewhere("tiny", &FLOOR);
}

#[test]
fn small_from_elsewhere() {
    film_from_elsewhere("small", &FLOOR);
}

/// Tissue that bends while it moves: with four steps of its fields for every frame, and with what is active only while out of sight, F1 is .944.
#[test]
fn motion_from_elsewhere() {
    let floor = Floor { f1: 0.96, ..FLOOR };
    film_from_elsewhere("motion", &floor);
}

/// Wide, blurred cells one above the other (minisim): without unmixing neighbours F1 is .907, without further rounds the 5th percentile is .68.
#[test]
fn ca1v4_from_elsewhere() {
    let floor = Floor {
        f1: 0.93,
        trace_r: 0.985,
        trace_r_p5: 0.88,
        motion_px: 0.30,
        spike_r: 0.93,
        event_f1: 0.75,
    };
    film_from_elsewhere("ca1v4", &floor);
}
