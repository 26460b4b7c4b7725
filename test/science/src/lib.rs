//! How good the engine is on films whose truth is known. The engine runs as people run it: the executable, a job folder, a run folder.
//!
//! `cargo test --release -p calyx-science -- --nocapture` (in `native/`) prints a line for each film.

pub mod bench;
pub mod real;
pub mod recipes;
pub mod zarr;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use calyx_scene::score::{Estimate, Known, Score, score};
use calyx_scene::session::{self, Layout};
use calyx_scene::{Config, Scene};
use serde_json::{Value, json};

/// A folder that goes away with its value.
pub struct Temporary(pub PathBuf);

impl Temporary {
    /// A new empty folder.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("calyx-science-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The engine's executable, built if need be.
///
/// # Panics
/// When it does not build.
pub fn engine() -> &'static Path {
    static ENGINE: OnceLock<PathBuf> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let native = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../native");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--locked",
                "--quiet",
                "-p",
                "calyx-engine",
            ])
            .current_dir(&native)
            .status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "the engine does not build"
        );
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| native.join("target"), PathBuf::from);
        target
            .join("release")
            .join(format!("calyx-engine{}", std::env::consts::EXE_SUFFIX))
    })
}

/// True when films can be decoded here.
#[must_use]
pub fn ffmpeg() -> bool {
    let program = std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into());
    Command::new(program)
        .arg("-version")
        .stdout(Stdio::null())
        .status()
        .is_ok()
}

/// Data that are not ours to ship: `$CALYX_SHARED`, or `shared` beside the repository.
#[must_use]
pub fn shared_data() -> PathBuf {
    let shared = std::env::var_os("CALYX_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    shared.join("data")
}

/// The folder of a known-truth film made elsewhere, where it is at hand.
#[must_use]
pub fn shared(film: &str) -> Option<PathBuf> {
    let folder = shared_data().join("sim").join(film);
    folder.join("truth/truth.json").is_file().then_some(folder)
}

/// The repository's sample session.
#[must_use]
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/sample-session")
}

/// Makes a session of a scene.
///
/// # Panics
/// When the scene or the folder cannot be made.
pub fn make(config: &Config, folder: &Path) {
    let scene = Scene::new(config).expect("a sound recipe");
    session::write(
        &scene,
        folder,
        &Layout {
            frames_per_file: 1000,
            ..Layout::default()
        },
    )
    .expect("a session folder");
}

/// The films of a session folder's miniscope, in order.
fn films(session: &Path) -> Vec<PathBuf> {
    (0..)
        .map(|n| session.join(format!("Miniscope/{n}.avi")))
        .take_while(|film| film.is_file())
        .collect()
}

/// Milliseconds of `timeStamps.csv` as seconds.
fn times(session: &Path) -> Vec<f64> {
    let text =
        std::fs::read_to_string(session.join("Miniscope/timeStamps.csv")).unwrap_or_default();
    let second = |line: &str| {
        line.split(',')
            .nth(1)
            .and_then(|ms| ms.trim().parse::<f64>().ok())
            .map(|ms| ms / 1000.0)
    };
    text.lines()
        .skip(1)
        .map(|line| second(line).unwrap_or(f64::NAN))
        .collect()
}

/// Runs the engine on a session folder; returns the run folder.
///
/// # Panics
/// When the engine does not end well; the message holds its lines.
#[must_use]
pub fn process(session: &Path, work: &Path, parameters: &Value) -> PathBuf {
    process_films(&films(session), &times(session), 20.0, work, parameters)
}

/// Runs the engine on films; without `time` (seconds, one a frame) the rate counts. Returns the run folder.
///
/// # Panics
/// As [`process`].
#[must_use]
pub fn process_films(
    films: &[PathBuf],
    time: &[f64],
    fps: f64,
    work: &Path,
    parameters: &Value,
) -> PathBuf {
    try_films(films, time, fps, work, parameters)
        .unwrap_or_else(|(code, said)| panic!("the engine ended with {code:?}:\n{said}"))
}

/// As [`process_films`].
///
/// # Errors
/// The engine's exit code and what it said, when it did not end well.
///
/// # Panics
/// When the job cannot be written or the engine does not start.
pub fn try_films(
    films: &[PathBuf],
    time: &[f64],
    fps: f64,
    work: &Path,
    parameters: &Value,
) -> Result<PathBuf, (Option<i32>, String)> {
    let output = work.join("run");
    calyx_npy::write(&work.join("time-0.npy"), &[time.len()], time)
        .expect("the job folder can be written");
    let job = json!({
        "formatVersion": 1, "runUuid": "science", "output": output,
        "inputs": [{ "recordingUuid": "science", "films": films, "time": "time-0.npy", "fps": fps }],
        "parameters": parameters, "budget": { "threads": 2, "memoryBytes": 2_147_483_648_u64 },
    });
    std::fs::write(work.join("job.json"), job.to_string()).expect("the job folder can be written");
    let ended = Command::new(engine())
        .arg("run")
        .arg(work)
        .stdin(Stdio::null())
        .output()
        .expect("the engine starts");
    if ended.status.success() {
        return Ok(output);
    }
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    Err((ended.status.code(), said))
}

/// What the field's floor asks of every film.
pub struct Floor {
    /// Detection, harmonic mean of precision and recall.
    pub f1: f64,
    /// Median correlation of denoised traces with the truth.
    pub trace_r: f64,
    /// 5th percentile of it.
    pub trace_r_p5: f64,
    /// Root mean square error of the motion, px.
    pub motion_px: f64,
    /// Median correlation of binned activity with the true spikes, without any lag.
    pub spike_r: f64,
    /// Events within two frames of true bouts, harmonic mean of precision and recall.
    pub event_f1: f64,
}

/// The floor for ordinary films.
pub const FLOOR: Floor = Floor {
    f1: 0.90,
    trace_r: 0.95,
    trace_r_p5: 0.0,
    motion_px: 0.15,
    spike_r: 0.88,
    event_f1: 0.75,
};

/// Processes a session folder with truth, prints one line and gives the figures.
///
/// # Panics
/// When the engine or a file fails.
#[must_use]
pub fn measure(name: &str, session: &Path, parameters: &Value) -> Score {
    let work = Temporary::new(name);
    // Built before the clock starts.
    engine();
    let began = Instant::now();
    let run = process(session, &work.0, parameters);
    let seconds = began.elapsed().as_secs_f64();
    let known = Known::read(&session.join("truth")).expect("the truth can be read");
    let estimate = Estimate::read(&run).expect("the run folder can be read");
    let figures = score(&known, &estimate).expect("run and truth have one size");
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(run.join("run.json")).expect("run.json"))
            .expect("run.json is JSON");
    println!("{}", line(name, &figures, seconds, &manifest));
    figures
}

/// Measures a session folder with truth and holds the figures against a floor.
///
/// # Panics
/// When a figure misses the floor.
pub fn judge(name: &str, session: &Path, parameters: &Value, floor: &Floor) {
    let figures = measure(name, session, parameters);
    assert!(
        figures.f1.is_some_and(|f1| f1 >= floor.f1),
        "{name}: F1 {:?}",
        figures.f1
    );
    assert!(
        figures.trace_r_median.is_some_and(|r| r >= floor.trace_r),
        "{name}: trace r {:?}",
        figures.trace_r_median
    );
    assert!(
        figures.trace_r_p5.is_some_and(|r| r >= floor.trace_r_p5),
        "{name}: trace r (5 %) {:?}",
        figures.trace_r_p5
    );
    assert!(
        figures.motion_rmse_px.is_some_and(|e| e <= floor.motion_px),
        "{name}: motion {:?}",
        figures.motion_rmse_px
    );
    assert!(
        figures.spike_r_lag0.is_some_and(|r| r >= floor.spike_r),
        "{name}: spike r without lag {:?}",
        figures.spike_r_lag0
    );
    let best = figures.spike_r.unwrap_or(f64::NAN);
    assert!(
        best - figures.spike_r_lag0.unwrap_or(f64::NAN) <= 0.03,
        "{name}: activity lies {:?} frames off",
        figures.spike_lag_frames
    );
    assert!(
        figures.event_f1.is_some_and(|f1| f1 >= floor.event_f1),
        "{name}: events {:?} of precision, {:?} of recall",
        figures.event_precision,
        figures.event_recall
    );
}

fn line(name: &str, s: &Score, seconds: f64, manifest: &Value) -> String {
    let n = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    format!(
        "film {name}: F1 {} ({} of {} cells, {} false), footprint {}, trace r {} (5 % {}), spike r {} (no lag {}), events {} / {}, motion {} px, diameter {:.1} px, {seconds:.1} s",
        n(s.f1),
        s.tp,
        s.truth,
        s.fp,
        n(s.cosine_median),
        n(s.trace_r_median),
        n(s.trace_r_p5),
        n(s.spike_r),
        n(s.spike_r_lag0),
        n(s.event_precision),
        n(s.event_recall),
        n(s.motion_rmse_px),
        manifest["chosen"]["diameterPx"]
            .as_f64()
            .unwrap_or(f64::NAN),
    )
}
