//! The scorer on results whose figures are known beforehand, and against the other implementation where Python and the known-truth films are
//! at hand (`CALYX_SHARED`, `CALYX_PYTHON`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use calyx_npy::Csr;
use calyx_scene::bouts::{Bouts, bouts};
use calyx_scene::random::Random;
use calyx_scene::score::{Estimate, Known, Score, score};
use calyx_scene::{Config, Scene, truth};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("calyx-score-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn make_truth(folder: &Path) {
    let config = Config {
        height: 90,
        width: 120,
        frames: 300,
        ghosts: 3,
        ..Config::preset("sample").unwrap()
    };
    truth::write(&Scene::new(&config).unwrap(), folder).unwrap();
}

/// The truth itself as a result.
fn perfect(folder: &Path) -> Estimate {
    let footprints = Csr::read(&folder.join("footprints.npz")).unwrap();
    let rows = |name: &str| {
        let array = calyx_npy::read_converted(&folder.join(name)).unwrap();
        array.data.chunks(array.shape[1]).map(<[f64]>::to_vec).collect::<Vec<_>>()
    };
    Estimate {
        footprints: (0..footprints.rows)
            .map(|k| footprints.row(k).map(|(p, v)| (p, f64::from(v))).collect())
            .collect(),
        pixels: footprints.columns,
        traces: Some(rows("traces.npy")),
        raw: Some(rows("traces.npy")),
        spikes: Some(rows("spikes.npy")),
        events: Some(rows("spikes.npy").iter().map(|s| bouts(s, 20.0).clear).collect()),
        motion: Some(rows("motion.npy")),
    }
}

fn example() -> (&'static Known, Estimate) {
    static KNOWN: OnceLock<(Known, Estimate)> = OnceLock::new();
    let (known, estimate) = KNOWN.get_or_init(|| {
        let folder = Folder::new("example");
        make_truth(&folder.0);
        (Known::read(&folder.0).unwrap(), perfect(&folder.0))
    });
    (known, estimate.clone())
}

fn near(value: Option<f64>, wanted: f64) {
    assert!((value.unwrap() - wanted).abs() < 1e-6, "{value:?} instead of {wanted}");
}

#[test]
fn the_truth_itself_is_perfect_whatever_its_scale() {
    let (known, mut estimate) = example();
    for value in estimate.footprints.iter_mut().flatten() {
        value.1 *= 3.7;
    }
    for (t, value) in estimate.traces.iter_mut().flatten().flat_map(|row| row.iter_mut().enumerate()) {
        *value = *value * 2.0 + 5.0 - 0.01 * t as f64;
    }
    for d in estimate.motion.iter_mut().flatten() {
        d[0] += 1.25;
    }
    let s = score(known, &estimate).unwrap();
    near(s.f1, 1.0);
    near(s.cosine_median, 1.0);
    near(s.trace_r_p5, 1.0);
    near(s.spike_r, 1.0);
    assert_eq!((s.spike_lag_frames, s.fp, s.duplicates, s.offset_px), (Some(0), 0, 0, [0, 0]));
    assert!(s.motion_rmse_px.unwrap() < 1e-6 && s.ignored > 0);
}

#[test]
fn an_offset_is_found_and_removed() {
    let (known, mut estimate) = example();
    let width = known.truth.width;
    for footprint in &mut estimate.footprints {
        let inside = |p: usize| p / width + 3 < known.truth.height && p % width >= 2;
        footprint.retain(|(p, _)| inside(*p));
        footprint.iter_mut().for_each(|(p, _)| *p += 3 * width - 2);
    }
    let s = score(known, &estimate).unwrap();
    assert_eq!((s.offset_px, s.recall), ([-3, 2], Some(1.0)));
}

#[test]
fn a_cell_found_twice_is_a_duplicate() {
    let (known, estimate) = example();
    let twice = known.truth.cells.iter().position(|c| c.detectable).unwrap();
    let mut keep: Vec<usize> = (0..estimate.footprints.len()).collect();
    keep.push(twice);
    let s = score(known, &estimate.only(&keep)).unwrap();
    assert_eq!((s.duplicates, s.fp, s.recall), (1, 1, Some(1.0)));
    assert!(s.precision.unwrap() < 1.0);
}

#[test]
fn shuffled_footprints_and_traces_score_nothing() {
    let (known, mut estimate) = example();
    let mut random = Random::new(5, 0);
    let pixels = estimate.pixels;
    for (p, _) in estimate.footprints.iter_mut().flatten() {
        *p = random.below(pixels);
    }
    for footprint in &mut estimate.footprints {
        footprint.sort_unstable_by_key(|(p, _)| *p);
        footprint.dedup_by_key(|(p, _)| *p);
    }
    assert!(score(known, &estimate).unwrap().f1.unwrap() < 0.1);
    let (_, mut estimate) = example();
    for row in estimate.traces.iter_mut().flatten().chain(estimate.spikes.iter_mut().flatten()) {
        row.rotate_left(117);
    }
    let s = score(known, &estimate).unwrap();
    assert!(s.trace_r_median.unwrap().abs() < 0.3 && s.spike_r.unwrap() < 0.5);
}

#[test]
fn nothing_found_is_no_recall_and_no_error() {
    let (known, estimate) = example();
    let s = score(known, &estimate.only(&[])).unwrap();
    assert_eq!((s.recall, s.f1, s.precision, s.trace_r_median), (Some(0.0), Some(0.0), None, None));
}

#[test]
fn sizes_that_differ_are_told() {
    let (known, mut estimate) = example();
    estimate.traces.iter_mut().flatten().for_each(|row| row.truncate(10));
    assert!(score(known, &estimate).unwrap_err().contains("300 frames"));
    estimate.pixels = 7;
    assert!(score(known, &estimate).unwrap_err().contains("pixels"));
}

/// A result with something wrong of every kind, as flat files.
fn spoil(truth: &Path, result: &Path) {
    let mut random = Random::new(9, 0);
    let estimate = perfect(truth);
    let known = Known::read(truth).unwrap();
    let (n, width) = (estimate.footprints.len(), known.truth.width);
    // Some missing, some twice, one somewhere else, all a pixel off and uneven.
    let keep: Vec<usize> = (0..n).filter(|k| k % 7 != 3).chain([0, 1]).collect();
    let mut part = estimate.only(&keep);
    for footprint in &mut part.footprints {
        footprint.retain(|(p, _)| p % width + 1 < width);
        for (p, v) in footprint.iter_mut() {
            *p += 1;
            *v = f64::max(0.0, *v * (1.0 + 0.4 * random.normal()));
        }
    }
    let mut matrix = Csr::new(part.pixels);
    for footprint in &part.footprints {
        matrix.push_row(footprint.iter().map(|(p, v)| (*p, *v as f32)));
    }
    matrix.push_row((0..30).map(|p| (p, 1.0)));
    matrix.write(&result.join("footprints.npz")).unwrap();
    let frames = known.truth.frames;
    let mut save = |name: &str, rows: Option<Vec<Vec<f64>>>, noise: f64, lag: usize| {
        let mut rows = rows.unwrap();
        rows.push(vec![0.0; frames]);
        for row in &mut rows {
            row.rotate_right(lag);
        }
        let data: Vec<f32> = rows.iter().flatten().map(|v| (v + noise * random.normal()) as f32).collect();
        calyx_npy::write(&result.join(name), &[rows.len(), frames], &data).unwrap();
    };
    save("traces.npy", part.traces, 0.3, 0);
    save("traces_raw.npy", part.raw, 0.8, 0);
    save("spikes.npy", part.spikes, 0.1, 2);
    let motion: Vec<f32> = estimate
        .motion
        .iter()
        .flatten()
        .flatten()
        .map(|v| (v + 0.1 * random.normal()) as f32)
        .collect();
    calyx_npy::write(&result.join("motion.npy"), &[frames, 2], &motion).unwrap();
}

fn shared() -> Option<PathBuf> {
    let folder =
        std::env::var_os("CALYX_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    folder.join("data/sim/score.py").is_file().then_some(folder)
}

#[test]
fn the_other_implementation_gives_the_same_figures() {
    let python = std::env::var("CALYX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let usable = Command::new(&python)
        .args(["-c", "import numpy, scipy"])
        .output()
        .is_ok_and(|o| o.status.success());
    let (Some(shared), true) = (shared(), usable) else {
        println!("skipped: needs the folder of known-truth films (CALYX_SHARED) and a python3 with numpy and scipy (CALYX_PYTHON)");
        return;
    };
    let made = Folder::new("made");
    make_truth(&made.0);
    let sim = shared.join("data/sim");
    let films = ["tiny", "small", "dense", "motion", "lowsnr", "ca1v4", "large", "faults"];
    let theirs = films
        .into_iter()
        .map(|name| (name, sim.join(name).join("truth")))
        .filter(|(_, truth)| truth.is_dir());
    for (name, truth) in theirs.chain([("made", made.0.clone())]) {
        let result = Folder::new(&format!("result-{name}"));
        spoil(&truth, &result.0);
        let ours: Score = score(&Known::read(&truth).unwrap(), &Estimate::read(&result.0).unwrap()).unwrap();
        let file = result.0.join("theirs.json");
        let run = Command::new(&python)
            .arg(sim.join("score.py"))
            .args([&truth, &result.0])
            .arg("--json")
            .arg(&file)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let theirs: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        compare(name, &serde_json::to_value(&ours).unwrap(), &theirs);
    }
}

/// Every figure that the other one gives must be there and the same.
fn compare(at: &str, ours: &serde_json::Value, theirs: &serde_json::Value) {
    match theirs {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with("raw_r") || at.len() < 8) {
                compare(&format!("{at}.{name}"), &ours[name], value);
            }
        }
        serde_json::Value::Array(values) => {
            for (i, value) in values.iter().enumerate() {
                compare(&format!("{at}.{i}"), &ours[i], value);
            }
        }
        serde_json::Value::Number(n) => {
            let (a, b) = (ours.as_f64().unwrap_or(f64::NAN), n.as_f64().unwrap());
            assert!((a - b).abs() < 1e-6, "{at}: {a} instead of {b}");
        }
        other => assert_eq!(ours, other, "{at}"),
    }
}

#[test]
fn events_count_within_two_frames_of_a_bout_and_only_once() {
    let (known, perfect) = example();
    let right = score(known, &perfect).unwrap();
    assert_eq!((right.event_precision, right.event_recall), (Some(1.0), Some(1.0)));
    let moved = |by: usize| {
        let mut other = perfect.clone();
        let events = other.events.as_mut().unwrap();
        events.iter_mut().flatten().for_each(|t| *t += by);
        score(known, &other).unwrap()
    };
    assert_eq!(moved(2).event_f1, Some(1.0));
    assert!(moved(3).event_f1.unwrap() < 0.1);
    let mut twice = perfect.clone();
    twice.events.as_mut().unwrap().iter_mut().for_each(|list| {
        *list = list.iter().flat_map(|t| [*t, *t + 1]).collect();
    });
    let figures = score(known, &twice).unwrap();
    assert_eq!((figures.event_precision, figures.event_recall), (Some(0.5), Some(1.0)));
    let mut half = perfect.clone();
    half.events.as_mut().unwrap().iter_mut().for_each(Vec::clear);
    let figures = score(known, &half).unwrap();
    assert_eq!((figures.event_precision, figures.event_recall), (None, Some(0.0)));
    assert_eq!(bouts(&[0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.0], 8.0).clear, [1, 7]);
}

#[test]
fn single_spikes_beside_bursts_are_neither_asked_for_nor_wrong() {
    let mut spikes = vec![0.0; 120];
    for (t, n) in [
        (4, 1.0),
        (20, 1.0),
        (26, 8.0),
        (27, 9.0),
        (29, 5.0),
        (50, 4.0),
        (56, 21.0),
        (90, 5.0),
    ] {
        spikes[t] = n;
    }
    // The typical group has 22 spikes, 4.4 are the least: the burst at 26 begins there, not with the spike at 20.
    let found = bouts(&spikes, 20.0);
    assert_eq!((found.clear, found.faint), (vec![26, 56, 90], vec![4, 20, 50]));
    assert_eq!(bouts(&[0.0; 9], 20.0), Bouts::default());

    // A result that tells the faint ones too is as right as one that does not; one beside all of them is wrong.
    let folder = Folder::new("faint");
    make_truth(&folder.0);
    let perfect = perfect(&folder.0);
    let known = Known::read(&folder.0).unwrap();
    let (component, cell, _) = score(&known, &perfect).unwrap().matches[0];
    let path = folder.0.join("spikes.npy");
    let calyx_npy::Array { shape, mut data } = calyx_npy::read_converted(&path).unwrap();
    spikes.resize(shape[1], 0.0);
    data[cell * shape[1]..][..shape[1]].copy_from_slice(&spikes);
    calyx_npy::write(&path, &shape, &data).unwrap();
    let known = Known::read(&folder.0).unwrap();
    let figures = |onsets: &[usize]| {
        let mut said = perfect.clone();
        said.events.as_mut().unwrap()[component] = onsets.to_vec();
        let s = score(&known, &said).unwrap();
        (s.event_precision.unwrap(), s.event_recall.unwrap())
    };
    assert_eq!(figures(&[26, 56, 90]), (1.0, 1.0));
    assert_eq!(figures(&[4, 26, 51, 56, 90]), (1.0, 1.0));
    assert!(figures(&[26, 40, 56, 90]).0 < 1.0 && figures(&[26, 90]).1 < 1.0);
}
