//! No input makes the engine panic: it gives a sound result, perhaps without cells, or a sentence.

mod whole;

use calyx_engine::failure::Failure;
use calyx_engine::job::Job;
use calyx_engine::params::{Parameters, description};
use calyx_engine::types::StageError;
use calyx_scene::{Config, Scene};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use whole::{Film, Outcome, engine};

/// Numbers without order, always the same.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    fn noise(&mut self) -> f32 {
        (0..4).map(|_| self.next() - 0.5).sum::<f32>() * 1.7
    }
}

fn film(size: [usize; 2], frames: usize, pixel: impl Fn(usize, usize, &mut Dice) -> f32) -> Film {
    let mut dice = Dice(7);
    let frames = (0..frames)
        .map(|t| {
            (0..size[0] * size[1])
                .map(|p| pixel(t, p, &mut dice).round().clamp(0.0, 255.0) as u8)
                .collect()
        })
        .collect();
    Film::new(size, frames, 20.0)
}

fn noisy(size: [usize; 2], frames: usize) -> Film {
    film(size, frames, |_, p, dice| 60.0 + (p % 17) as f32 + 2.0 * dice.noise())
}

fn tissue(frames: usize) -> Film {
    let config = Config {
        seed: 77,
        height: 64,
        width: 80,
        frames,
        cells: 5,
        ..Config::preset("tiny").unwrap()
    };
    let pixels = Scene::new(&config).unwrap().frames(0..frames);
    Film::new([64, 80], pixels.chunks_exact(64 * 80).map(<[u8]>::to_vec).collect(), 20.0)
}

fn with(change: impl FnOnce(&mut Parameters)) -> Parameters {
    let mut parameters = Parameters {
        diameter_px: Some(7.0),
        ..Parameters::defaults().unwrap()
    };
    change(&mut parameters);
    parameters
}

/// A sound result or a sentence with a code of the contract; returns the suggested cells.
fn sound(name: &str, end: Result<Outcome, StageError>) -> Result<usize, String> {
    match end {
        Ok(out) => {
            let t = out.film.frames();
            let c = &out.components;
            for rows in [&c.raw, &c.denoised, &c.deconvolved, &c.dff] {
                assert_eq!(rows.len(), c.footprints.len(), "{name}");
                assert!(
                    rows.iter()
                        .all(|row| row.len() == t && row.all().unwrap().iter().all(|v| v.is_finite())),
                    "{name}: traces are numbers"
                );
            }
            assert!(
                c.footprints.iter().flat_map(|f| &f.values).all(|v| v.is_finite() && *v >= 0.0),
                "{name}"
            );
            assert!(out.film.motion.iter().flatten().all(|v| v.is_finite()), "{name}: motion is numbers");
            assert!(
                [&out.film.mean, &out.film.std, &out.film.max]
                    .iter()
                    .all(|i| i.iter().all(|v| v.is_finite())),
                "{name}"
            );
            assert!(
                c.events
                    .iter()
                    .flatten()
                    .all(|e| (e.end as usize) < t && e.onset <= e.peak && e.peak <= e.end),
                "{name}"
            );
            Ok(out.metrics.iter().filter(|m| m.accepted).count())
        }
        Err(error) => {
            let failure = Failure::from(error);
            assert!(
                failure.exit_code() != 70 && failure.message.len() > 20 && !failure.hint.is_empty(),
                "{name}: {failure:?}"
            );
            Err(failure.code)
        }
    }
}

fn ends(name: &str, film: &Film, parameters: &Parameters) -> Result<usize, String> {
    let end = sound(name, film.part().and_then(|part| engine(vec![part], parameters, 2)));
    println!("{name}: {end:?}");
    end
}

#[test]
fn films_that_show_nothing_have_no_cells_or_say_so() {
    let size = [48, 64];
    let given = with(|_| ());
    let unknown = Parameters::defaults().unwrap();
    let films = [
        ("black", film(size, 120, |_, _, _| 0.0)),
        ("saturated", film(size, 120, |_, _, _| 255.0)),
        ("constant", film(size, 120, |_, _, _| 90.0)),
        ("a still picture", film(size, 120, |_, p, _| 40.0 + (p * 31 % 97) as f32)),
        ("noise", noisy(size, 200)),
        (
            "half black, half white",
            film(size, 120, |_, p, _| if p % 64 < 32 { 0.0 } else { 255.0 }),
        ),
        ("black, then white", film(size, 120, |t, _, _| if t < 60 { 0.0 } else { 255.0 })),
        (
            "flicker",
            film(size, 120, |t, p, dice| ((t % 2) * 100 + p % 13) as f32 + dice.noise()),
        ),
        (
            "one pixel blinks",
            film(size, 120, |t, p, _| if p == 1000 && t % 10 == 0 { 255.0 } else { 20.0 }),
        ),
    ];
    for (name, film) in &films {
        for (how, parameters) in [("size given", &given), ("size unknown", &unknown)] {
            match ends(&format!("{name}, {how}"), film, parameters) {
                Ok(cells) => assert_eq!(cells, 0, "{name}"),
                Err(code) => assert!(["engine.no_signal", "media.unreadable"].contains(&code.as_str()), "{name}: {code}"),
            }
        }
    }
}

#[test]
fn short_small_and_narrow_films_end_with_a_result_or_a_sentence() {
    let given = with(|_| ());
    for frames in [1, 2, 3, 10, 20, 40] {
        let _ = ends(&format!("{frames} frames"), &tissue(frames), &given);
    }
    assert_eq!(ends("3 × 3 pixels", &noisy([3, 3], 50), &given), Err("engine.no_signal".to_owned()));
    for size in [[16, 16], [16, 300], [300, 16], [17, 33]] {
        for diameter in [3.0, 8.0, 120.0] {
            let parameters = with(|p| p.diameter_px = Some(diameter));
            let _ = ends(&format!("{size:?} px, cells of {diameter}"), &noisy(size, 60), &parameters);
        }
    }
}

#[test]
fn movement_beyond_any_search_is_marked_and_no_reason_to_stop() {
    let mut film = tissue(200);
    for (t, frame) in film.frames.iter_mut().enumerate() {
        frame.rotate_right((t * 7919) % (64 * 80));
    }
    for shift in [0.0, 20.0, 200.0] {
        let parameters = with(|p| p.max_shift_px = shift);
        ends(&format!("rolled at random, search {shift}"), &film, &parameters).unwrap();
    }
}

#[test]
fn times_that_are_no_times_are_no_reason_to_stop() {
    type Time = fn(usize) -> f64;
    let times: [(&str, Time); 8] = [
        ("none", |_| f64::NAN),
        ("endless", |_| f64::INFINITY),
        ("endless backwards", |t| if t % 2 == 0 { f64::NEG_INFINITY } else { 1.0 }),
        ("all alike", |_| 3.0),
        ("backwards", |t| -(t as f64) * 0.05),
        ("some missing", |t| if t % 3 == 0 { f64::NAN } else { t as f64 * 0.05 }),
        ("huge", |t| t as f64 * 1e300),
        ("a gap of years", |t| t as f64 * 0.05 + if t > 100 { 1e9 } else { 0.0 }),
    ];
    for (name, time) in times {
        let mut film = tissue(200);
        film.time = (0..200).map(time).collect();
        let end = ends(&format!("times: {name}"), &film, &with(|_| ()));
        assert!(end.is_ok() || name == "huge", "{end:?}");
    }
    let mut film = tissue(60);
    film.time = vec![f64::NAN; 60];
    for fps in [f64::NAN, f64::INFINITY, 0.0, -5.0, 1e-300, 1e300] {
        film.fps = fps;
        let _ = ends(&format!("rate {fps}"), &film, &with(|_| ()));
    }
}

#[test]
fn parameters_at_the_ends_of_their_ranges_give_a_result_or_a_sentence() {
    let film = tissue(200);
    type Change = fn(&mut Parameters);
    let changes: [(&str, Change); 16] = [
        ("the smallest cells", |p| p.diameter_px = Some(3.0)),
        ("cells as large as the frame", |p| p.diameter_px = Some(32.0)),
        ("a coarse grid", |p| p.bin = Some(16)),
        ("a fine grid", |p| p.bin = Some(1)),
        ("the widest ring", |p| p.ring_radius_factor = 6.0),
        ("the narrowest ring", |p| p.ring_radius_factor = 1.0),
        ("every pixel a seed", |p| (p.min_correlation, p.min_pnr) = (Some(0.0), Some(1.0))),
        ("no pixel a seed", |p| (p.min_correlation, p.min_pnr) = (Some(1.0), Some(100.0))),
        ("everything merged", |p| p.merge_correlation = 0.3),
        ("fields always", |p| p.piecewise_from_px = 0.0),
        ("ten rounds", |p| p.rounds = 10),
        ("the fastest indicator", |p| (p.decay_s, p.rise_s) = (Some(0.02), Some(0.0))),
        ("the slowest indicator", |p| (p.decay_s, p.rise_s) = (Some(10.0), Some(2.0))),
        ("a rise slower than the decay", |p| (p.decay_s, p.rise_s) = (Some(0.05), Some(2.0))),
        ("events of any size", |p| p.event_sigma = 0.5),
        ("rows set back, light as it is", |p| {
            (p.remove_row_noise, p.normalise_light) = (true, false)
        }),
    ];
    for (name, change) in changes {
        let _ = ends(name, &film, &with(change));
    }
    let end = ends("cells larger than half the frame", &film, &with(|p| p.diameter_px = Some(100.0)));
    assert_eq!(end, Err("engine.bad_job".to_owned()));
}

#[test]
fn thousands_of_components_are_carried_through() {
    // Noise of the size of cells, and thresholds that let every bump of it be a seed.
    let size = [144, 144];
    let mut dice = Dice(5);
    let frames = (0..60)
        .map(|_| {
            let bumps: Vec<f32> = (0..72 * 72).map(|_| dice.noise()).collect();
            (0..size[0] * size[1])
                .map(|p| (80.0 + 12.0 * bumps[p / size[1] / 2 * 72 + p % size[1] / 2] + dice.noise()).clamp(0.0, 255.0) as u8)
                .collect()
        })
        .collect();
    let film = Film::new(size, frames, 20.0);
    let parameters = with(|p| {
        p.diameter_px = Some(3.0);
        p.bin = Some(1);
        p.max_shift_px = 0.0;
        p.rounds = 1;
        (p.min_correlation, p.min_pnr) = (Some(0.0), Some(1.0));
    });
    let began = std::time::Instant::now();
    let out = engine(vec![film.part().unwrap()], &parameters, 2);
    let components = out.as_ref().map_or(0, |out| out.components.footprints.len());
    println!("{components} components in {:?}", began.elapsed());
    sound("thousands", out).unwrap();
    assert!(components > 1000, "{components}");
}

/// Always the same cases.
fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Any value of JSON, numbers of all sizes among them.
fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3.0f64..300.0).prop_map(Value::from),
        (0u8..20).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        Just(json!([1])),
        Just(json!({ "a": 1 })),
    ]
}

#[test]
fn any_parameters_are_refused_by_name_or_lie_in_their_ranges() {
    let described = description().unwrap().parameters;
    let names: Vec<String> = described.iter().map(|p| p.name.clone()).chain(["else".to_owned()]).collect();
    let values = proptest::collection::vec((proptest::sample::select(names), any_json()), 0..4);
    let count = std::cell::Cell::new(0);
    runner(3000)
        .run(&values, |values| {
            let given: serde_json::Map<String, Value> = values.into_iter().collect();
            match Parameters::from_json(&Value::Object(given.clone())) {
                Err(why) => prop_assert!(
                    why.contains("parameters.") && given.keys().any(|name| why.contains(name.as_str())),
                    "{why}"
                ),
                Ok(parameters) => {
                    count.set(count.get() + 1);
                    let back = serde_json::to_value(&parameters).unwrap();
                    for p in &described {
                        let inside = match back[&p.name].as_f64() {
                            Some(v) => v >= p.minimum.unwrap_or(f64::MIN) - 1e-3 && v <= p.maximum.unwrap_or(f64::MAX) * (1.0 + 1e-6),
                            None => back[&p.name].is_null() && p.nullable || back[&p.name].is_boolean(),
                        };
                        prop_assert!(inside, "{}: {}", p.name, back[&p.name]);
                    }
                    prop_assert_eq!(Parameters::from_json(&back), Ok(parameters));
                }
            }
            Ok(())
        })
        .unwrap();
    let taken = count.get();
    assert!((200..2900).contains(&taken), "{taken} of 3000 were taken");
}

#[test]
fn any_job_is_refused_with_a_sentence_or_is_sound() {
    let folder = std::env::temp_dir().join(format!("calyx-any-job-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("0.avi"), b"film").unwrap();
    calyx_npy::write(&folder.join("time.npy"), &[3], &[0.0, 0.05, f64::INFINITY]).unwrap();
    let places = [
        "/formatVersion",
        "/runUuid",
        "/output",
        "/inputs",
        "/inputs/0",
        "/inputs/0/films",
        "/inputs/0/filmFrames",
        "/inputs/0/time",
        "/inputs/0/fps",
        "/inputs/0/firstFrame",
        "/inputs/0/lastFrame",
        "/parameters",
        "/evaluationModel",
        "/cache",
        "/budget",
        "/budget/threads",
        "/budget/memoryBytes",
    ];
    let changes = proptest::collection::vec((proptest::sample::select(places.to_vec()), any_json()), 0..3);
    runner(1500)
        .run(&changes, |changes| {
            let mut job = json!({
                "formatVersion": 1, "runUuid": "r", "output": "runs/r",
                "inputs": [{ "films": ["0.avi"], "filmFrames": [3], "time": "time.npy", "fps": 20.0, "firstFrame": 0, "lastFrame": null }],
                "parameters": {}, "evaluationModel": null, "cache": "cache", "budget": { "threads": 2, "memoryBytes": 2_147_483_648_u64 },
            });
            for (place, value) in changes {
                if let Some(at) = job.pointer_mut(place) {
                    *at = value;
                }
            }
            std::fs::write(folder.join("job.json"), job.to_string()).unwrap();
            match Job::load(&folder) {
                Ok(job) => {
                    prop_assert!(job.threads >= 1 && job.memory_bytes >= 64 << 20 && !job.inputs.is_empty());
                }
                Err(failure) => prop_assert!([2, 3].contains(&failure.exit_code()) && failure.message.len() > 10, "{failure:?}"),
            }
            Ok(())
        })
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
