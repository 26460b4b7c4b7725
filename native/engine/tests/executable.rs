//! The executable as the program and a cluster see it: a job folder in, lines out, an exit code, a run folder or nothing.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// A cancelled run ends within a second on an idle machine (`control.rs` ends it by force after 0.6 s); a busy one gets more, and a run that does not
/// listen would still take longer.
const PROMPT: Duration = Duration::from_secs(5);

use calyx_scene::session::{self, Codec, Layout};
use calyx_scene::{Config, Scene};
use serde_json::{Value, json};

const ENGINE: &str = env!("CARGO_BIN_EXE_calyx-engine");

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("calyx-executable-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Everything in the folder of runs.
    fn runs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join("runs")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/sample-session/Miniscope/0.avi")
}

/// True when films can be decoded; says so otherwise.
fn ffmpeg() -> bool {
    let program = std::env::var_os("FFMPEG_BIN").unwrap_or_else(|| "ffmpeg".into());
    let found = Command::new(program).arg("-version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)");
    }
    found
}

/// Films of a scene long enough to be met in the middle of a stage.
struct LongFilms {
    _folder: Folder,
    films: Vec<PathBuf>,
}

/// The long films, made once for the tests that run side by side; they go with the last of them.
fn long_films() -> Arc<LongFilms> {
    static FILMS: Mutex<Weak<LongFilms>> = Mutex::new(Weak::new());
    let mut shared = FILMS.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let made = Arc::new(make_long_films());
        *shared = Arc::downgrade(&made);
        made
    })
}

fn make_long_films() -> LongFilms {
    let folder = Folder::new("films");
    let config = Config {
        height: 200,
        width: 240,
        frames: 2400,
        cells: 60,
        ..Config::preset("small").unwrap()
    };
    let layout = Layout {
        codec: Codec::Grey,
        ..Layout::default()
    };
    let films = session::write(&Scene::new(&config).unwrap(), &folder.0, &layout).unwrap();
    LongFilms { _folder: folder, films }
}

fn job(films: &[PathBuf]) -> Value {
    json!({
        "formatVersion": 1, "runUuid": "test", "output": "runs/run",
        "inputs": [{ "recordingUuid": "a", "films": films, "fps": 20.0 }],
        "parameters": { "diameterPx": 6.7 }, "budget": { "threads": 2, "memoryBytes": 2_147_483_648_u64 },
    })
}

/// Writes a job and gives the command that runs it.
fn engine(folder: &Folder, job: &Value) -> Command {
    std::fs::write(folder.0.join("job.json"), job.to_string()).unwrap();
    let mut command = Command::new(ENGINE);
    command
        .arg("run")
        .arg(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// How a run ended: exit code and all lines.
struct End {
    code: Option<i32>,
    lines: Vec<Value>,
}

impl End {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        Self {
            code: output.status.code(),
            lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    fn last(&self) -> &Value {
        self.lines.last().unwrap()
    }

    /// The failure with this code and exit code, and nothing left of the run.
    fn failed(&self, folder: &Folder, code: &str, exit: i32) {
        assert_eq!(
            (self.last()["code"].as_str(), self.code),
            (Some(code), Some(exit)),
            "{}",
            self.last()
        );
        assert!(!self.last()["message"].as_str().unwrap().is_empty());
        assert_eq!(folder.runs(), Vec::<String>::new());
    }
}

fn manifest(folder: &Folder) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.0.join("runs/run/run.json")).unwrap()).unwrap()
}

/// (path, digest) of every file of a finished run.
fn digests(folder: &Folder) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let files = manifest(folder)["files"].as_array().unwrap().clone();
    files.iter().map(|file| (text(&file["path"]), text(&file["sha256"]))).collect()
}

#[test]
fn a_job_becomes_a_run_folder() {
    if !ffmpeg() {
        return;
    }
    let folder = Folder::new("done");
    let end = End::of(&mut engine(&folder, &job(&[sample()])));
    assert_eq!((end.code, end.last()["type"].as_str()), (Some(0), Some("done")), "{}", end.last());
    assert_eq!(folder.runs(), ["run"]);
    let done: Vec<_> = end
        .lines
        .iter()
        .filter(|l| l["state"] == "done")
        .map(|l| l["stage"].as_str().unwrap())
        .collect();
    assert_eq!(done, ["read", "motion", "seeds", "init", "demix", "deconvolve", "evaluate"]);
    assert!(
        end.lines
            .iter()
            .any(|l| l["type"] == "progress" && l["memoryBytes"].as_u64().is_some())
    );
    let run = manifest(&folder);
    assert_eq!(
        (run["frames"].as_u64(), run["height"].as_u64(), run["width"].as_u64()),
        (Some(600), Some(120), Some(128))
    );
    assert_eq!(run["inputs"][0]["pixelsSha256"].as_str().unwrap().len(), 64);
    assert!(run["usage"]["decoderCpuSeconds"].as_f64().unwrap() > 0.0 && run["usage"]["peakMemoryBytes"].as_u64().unwrap() > 1 << 20);
    assert!(
        run["stages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| s["framesPerSecond"].as_f64().unwrap() > 0.0)
    );
    assert!(end.last()["accepted"].as_u64().unwrap() >= 15);
}

#[test]
fn one_and_two_threads_give_the_same_bytes() {
    if !ffmpeg() {
        return;
    }
    let results = [1, 2].map(|threads| {
        let folder = Folder::new(&format!("threads-{threads}"));
        let mut job = job(&[sample()]);
        job["budget"]["threads"] = json!(threads);
        assert_eq!(End::of(&mut engine(&folder, &job)).code, Some(0));
        digests(&folder)
    });
    assert!(results[0].len() > 15);
    assert_eq!(results[0], results[1]);
}

#[test]
fn the_same_frames_in_one_or_several_films_are_the_same_input() {
    if !ffmpeg() {
        return;
    }
    let long = long_films();
    let films = &long.films;
    assert_eq!(films.len(), 3);
    let digest = |name: &str, films: &[PathBuf], first: u64, last: u64| {
        let folder = Folder::new(name);
        let mut job = job(films);
        job["inputs"][0]["firstFrame"] = json!(first);
        job["inputs"][0]["lastFrame"] = json!(last);
        assert_eq!(End::of(&mut engine(&folder, &job)).code, Some(0));
        manifest(&folder)["inputs"][0]["pixelsSha256"].clone()
    };
    let from_two = digest("two", &films[..2], 1000, 1199);
    assert_eq!(from_two, digest("one", &films[1..2], 0, 199));
    assert_ne!(from_two, digest("else", &films[1..2], 1, 200));
}

/// Starts a run and waits until the stage has begun.
fn until_stage(folder: &Folder, films: &[PathBuf], stage: &str) -> (Child, impl Iterator<Item = Value> + use<>) {
    let mut child = engine(folder, &job(films)).stdin(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines
        .map_while(Result::ok)
        .map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let begun = lines.find(|line| line["stage"] == stage && (line["state"] == "started" || line["type"] == "progress"));
    assert!(begun.is_some(), "{stage} never began");
    (child, lines)
}

#[test]
fn cancel_ends_a_run_within_a_second_in_every_stage() {
    if !ffmpeg() {
        return;
    }
    let long = long_films();
    let mut cancelled = 0;
    for stage in ["read", "seeds", "init", "demix", "deconvolve"] {
        let folder = Folder::new(&format!("cancel-{stage}"));
        let (mut child, lines) = until_stage(&folder, &long.films, stage);
        let asked = Instant::now();
        // The last stages may be over before the word arrives, and with them the pipe.
        let _ = child.stdin.as_mut().unwrap().write_all(b"cancel\n");
        let last = lines.last();
        let status = child.wait().unwrap();
        assert!(asked.elapsed() < PROMPT, "{stage}: {:?}", asked.elapsed());
        if status.code() == Some(130) {
            cancelled += 1;
            assert_eq!(last.unwrap()["code"], "engine.cancelled");
            assert_eq!(folder.runs(), Vec::<String>::new(), "{stage}");
        } else {
            assert_eq!((status.code(), folder.runs()), (Some(0), vec!["run".to_owned()]), "{stage}");
        }
    }
    assert!(cancelled >= 2, "{cancelled}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_like_cancel() {
    if !ffmpeg() {
        return;
    }
    let long = long_films();
    for signal in ["TERM", "INT"] {
        let folder = Folder::new(&format!("signal-{signal}"));
        let (mut child, lines) = until_stage(&folder, &long.films, "read");
        let asked = Instant::now();
        let sent = Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let last = lines.last().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(asked.elapsed() < PROMPT);
        assert_eq!((last["code"].as_str(), folder.runs().len()), (Some("engine.cancelled"), 0));
    }
}

#[test]
fn a_killed_run_has_no_result_and_the_next_one_cleans_up() {
    if !ffmpeg() {
        return;
    }
    let long = long_films();
    for stage in ["read", "seeds", "init", "demix"] {
        let folder = Folder::new(&format!("killed-{stage}"));
        let (mut child, _) = until_stage(&folder, &long.films, stage);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!folder.runs().contains(&"run".to_owned()), "{stage}");
        let mut again = job(&long.films);
        again["inputs"][0]["lastFrame"] = json!(299);
        assert_eq!(End::of(&mut engine(&folder, &again)).code, Some(0), "{stage}");
        assert_eq!(folder.runs(), ["run"], "{stage}");
    }
}

/// The plan of a job: which stages are kept, and the whole object.
fn planned(folder: &Folder, job: &Value) -> (Vec<String>, Value) {
    let mut job = job.clone();
    job["output"] = json!("runs/planned");
    std::fs::write(folder.0.join("job.json"), job.to_string()).unwrap();
    let output = Command::new(ENGINE).arg("plan").arg(&folder.0).output().unwrap();
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(if plan["type"] == "error" { 3 } else { 0 }), "{plan}");
    let stages = plan["stages"].as_array().cloned().unwrap_or_default();
    let cached = stages.iter().filter(|stage| stage["cached"] == true);
    (cached.map(|stage| stage["stage"].as_str().unwrap().to_owned()).collect(), plan)
}

/// Stages by how the run came by them, as its lines say: (run, read from the cache).
fn stages_of(lines: &[Value]) -> (Vec<String>, Vec<String>) {
    let done = lines.iter().filter(|line| line["type"] == "stage" && line["state"] == "done");
    let (cached, run): (Vec<_>, Vec<_>) = done.partition(|line| line["cached"] == true);
    let names = |lines: Vec<&Value>| lines.iter().map(|line| line["stage"].as_str().unwrap().to_owned()).collect();
    (names(run), names(cached))
}

/// Folders of checkpoints that are whole.
fn checkpoints(cache: &Path) -> usize {
    let entries = std::fs::read_dir(cache).into_iter().flatten();
    entries
        .filter(|entry| entry.as_ref().unwrap().path().join("checkpoint.json").is_file())
        .count()
}

#[test]
fn a_run_that_is_killed_after_a_stage_goes_on_after_it_with_the_same_bytes() {
    if !ffmpeg() {
        return;
    }
    let whole = Folder::new("whole");
    assert_eq!(End::of(&mut engine(&whole, &job(&[sample()]))).code, Some(0));
    let wanted = digests(&whole);
    let keys = manifest(&whole)["stageKeys"].clone();
    let folder = Folder::new("resume");
    let mut kept = job(&[sample()]);
    kept["cache"] = json!("cache");
    let all = ["read", "motion", "seeds", "init", "demix", "deconvolve", "evaluate"];
    for (n, stage) in ["motion", "seeds", "init", "demix", "deconvolve", "evaluate"]
        .into_iter()
        .enumerate()
    {
        let mut child = engine(&folder, &kept).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let done = |line: &Value| line["stage"] == stage && line["state"] == "done";
        assert!(lines.any(|line| done(&serde_json::from_str(&line).unwrap())), "{stage}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(checkpoints(&folder.0.join("cache")) > n, "{stage}");
        let _ = std::fs::remove_dir_all(folder.0.join("runs/run"));
        // Resumed elsewhere, so that each kill meets a run that goes on from the stage before.
        let other = Folder::new(&format!("resumed-{stage}"));
        let mut again = kept.clone();
        again["cache"] = json!(folder.0.join("copy"));
        copy(&folder.0.join("cache"), &folder.0.join("copy"));
        let end = End::of(&mut engine(&other, &again));
        assert_eq!(end.code, Some(0), "{stage}: {}", end.last());
        let (run, cached) = stages_of(&end.lines);
        assert_eq!([cached, run].concat(), all, "{stage}");
        // The machine may get further between the line and the signal, never less far.
        let (_, cached) = stages_of(&end.lines);
        assert!(cached.iter().any(|name| name == stage), "{stage}");
        assert_eq!(digests(&other), wanted, "{stage}");
        assert_eq!(manifest(&other)["stageKeys"], keys, "{stage}");
        assert!(end.lines.iter().all(|line| line["type"] != "warning"), "{stage}");
        std::fs::remove_dir_all(folder.0.join("copy")).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            std::fs::copy(&path, &place).unwrap();
        }
    }
}

/// The samples table of a finished run.
fn samples(folder: &Folder) -> Vec<(u32, u32)> {
    let array = calyx_npy::read::<u32>(&folder.0.join("runs/run/samples.npy")).unwrap();
    assert_eq!(array.shape[1], 2);
    array.data.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

#[test]
fn two_recordings_of_one_field_give_the_cells_of_one() {
    if !ffmpeg() {
        return;
    }
    let (one, two) = (Folder::new("one-recording"), Folder::new("two-recordings"));
    let times = |folder: &Folder, name: &str, frames: std::ops::Range<usize>, start: usize| {
        let values: Vec<f64> = frames.map(|t| (t as f64 - start as f64) / 20.0).collect();
        calyx_npy::write(&folder.0.join(name), &[values.len()], &values).unwrap();
    };
    times(&one, "time.npy", 0..600, 0);
    // The second begins a day later, at its own zero.
    times(&two, "time.npy", 0..600, 0);
    times(&two, "later.npy", 0..600, 280);
    let mut whole = job(&[sample()]);
    whole["inputs"][0]["time"] = json!("time.npy");
    let mut parts = whole.clone();
    parts["inputs"] = json!([whole["inputs"][0], whole["inputs"][0]]);
    parts["inputs"][0]["lastFrame"] = json!(279);
    parts["inputs"][1]["firstFrame"] = json!(280);
    parts["inputs"][1]["time"] = json!("later.npy");
    for (folder, job) in [(&one, &whole), (&two, &parts)] {
        let end = End::of(&mut engine(folder, job));
        assert_eq!(end.code, Some(0), "{}", end.last());
    }
    let table = samples(&two);
    assert_eq!(
        (table.len(), table[0], table[279], table[280], table[599]),
        (600, (0, 0), (0, 279), (1, 280), (1, 599))
    );
    assert_eq!(samples(&one)[599], (0, 599));
    let inputs = &manifest(&two)["inputs"];
    assert_eq!(
        (inputs[1]["frames"].as_u64(), inputs[1]["firstSample"].as_u64()),
        (Some(320), Some(280))
    );
    let accepted = |folder: &Folder| -> Vec<(f64, f64)> {
        let text = std::fs::read_to_string(folder.0.join("runs/run/metrics.json")).unwrap();
        let metrics: Value = serde_json::from_str(&text).unwrap();
        let cells = metrics["cells"].as_array().unwrap().iter().filter(|cell| cell["accepted"] == true);
        cells
            .map(|c| (c["centroid"]["y"].as_f64().unwrap(), c["centroid"]["x"].as_f64().unwrap()))
            .collect()
    };
    // The number of events of a cell is that of the list of events.
    let run = one.0.join("runs/run");
    let listed = calyx_npy::read_member(&run.join("events.npz"), "cell").unwrap().data;
    let metrics: Value = serde_json::from_str(&std::fs::read_to_string(run.join("metrics.json")).unwrap()).unwrap();
    for (k, cell) in metrics["cells"].as_array().unwrap().iter().enumerate() {
        let count = listed.iter().filter(|row| **row as usize == k).count() as u64;
        assert_eq!(cell["events"].as_u64(), Some(count), "cell {k}");
    }
    let (a, b) = (accepted(&one), accepted(&two));
    let near = |cell: &(f64, f64), cells: &[(f64, f64)]| cells.iter().any(|c| (c.0 - cell.0).hypot(c.1 - cell.1) < 1.5);
    let lost: Vec<_> = a
        .iter()
        .filter(|cell| !near(cell, &b))
        .chain(b.iter().filter(|cell| !near(cell, &a)))
        .collect();
    assert!(
        a.len() >= 15 && lost.len() <= 1,
        "{} and {} cells, not in both: {lost:?}",
        a.len(),
        b.len()
    );
    // One template: the film moves in both parts as it did in the whole.
    let motion = |folder: &Folder| calyx_npy::read::<f32>(&folder.0.join("runs/run/motion.npy")).unwrap().data;
    let worst = motion(&one)
        .iter()
        .zip(motion(&two))
        .map(|(a, b)| (a - b).abs())
        .fold(0.0f32, f32::max);
    assert!(worst < 0.5, "{worst}");
    let mut unequal = parts.clone();
    let long = long_films();
    unequal["inputs"][1] = json!({ "films": [long.films[0]], "fps": 20.0 });
    let (_, plan) = planned(&two, &unequal);
    assert_eq!(plan["code"], "media.size_mismatch");
}

#[test]
fn another_evaluation_never_repeats_motion_and_a_damaged_stage_runs_again() {
    if !ffmpeg() {
        return;
    }
    let folder = Folder::new("again");
    let mut kept = job(&[sample()]);
    kept["cache"] = json!("cache");
    kept["budget"]["memoryBytes"] = json!(256 << 20);
    let run = |job: &Value| {
        let _ = std::fs::remove_dir_all(folder.0.join("runs/run"));
        let end = End::of(&mut engine(&folder, job));
        assert_eq!(end.code, Some(0), "{}", end.last());
        end
    };
    kept["parameters"]["diameterPx"] = Value::Null;
    let (cached, plan) = planned(&folder, &kept);
    assert_eq!(cached, Vec::<String>::new());
    assert_eq!((plan["frames"].as_u64(), plan["width"].as_u64()), (Some(600), Some(128)));
    assert!(plan["bin"].is_null() && plan["scratchBytes"].as_u64() >= Some(600 * 120 * 128));
    run(&kept);
    let (cached, plan) = planned(&folder, &kept);
    assert_eq!(cached.len(), 7);
    assert_eq!(plan["bin"], manifest(&folder)["grid"]["bin"]);
    assert_eq!(plan["diameterPx"], manifest(&folder)["chosen"]["diameterPx"]);
    let (wanted, keys) = (digests(&folder), manifest(&folder)["stageKeys"].clone());
    assert_eq!(checkpoints(&folder.0.join("cache")), 6);
    kept["parameters"]["minSnr"] = json!(9);
    kept["budget"]["threads"] = json!(1);
    assert_eq!(
        planned(&folder, &kept).0,
        ["read", "motion", "seeds", "init", "demix", "deconvolve"]
    );
    let end = run(&kept);
    assert_eq!(stages_of(&end.lines).0, ["evaluate"]);
    kept["parameters"]["minSnr"] = json!(3);
    for (stage, file, again) in [
        ("evaluate", "state.bin", vec!["evaluate"]),
        ("motion", "registered.tiles", vec!["read", "motion"]),
        ("demix", "state.bin", vec!["demix"]),
    ] {
        let at = folder.0.join("cache").join(keys[stage].as_str().unwrap()).join(file);
        let mut bytes = std::fs::read(&at).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&at, bytes).unwrap();
        let end = run(&kept);
        assert_eq!(stages_of(&end.lines).0, again, "{stage}");
        let warning = end.lines.iter().find(|line| line["type"] == "warning").unwrap();
        assert_eq!(warning["code"], "cache.damaged");
        assert!(warning["message"].as_str().unwrap().contains(stage));
        assert_eq!(digests(&folder), wanted, "{stage}");
    }
    // The same film under another name is decoded once more and recognised then.
    let moved = folder.0.join("moved.avi");
    std::fs::copy(sample(), &moved).unwrap();
    kept["inputs"][0]["films"] = json!([moved]);
    let end = run(&kept);
    assert_eq!(stages_of(&end.lines).0, ["read", "motion"]);
    assert_eq!((digests(&folder), &manifest(&folder)["stageKeys"]), (wanted, &keys));
    assert_eq!(stages_of(&run(&kept).lines).0, Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_and_says_so() {
    if !ffmpeg() {
        return;
    }
    // Files may grow to 16 and 100 blocks of 512 bytes: the first arrays and the traces do not fit.
    for blocks in ["16", "100"] {
        let folder = Folder::new(&format!("full-{blocks}"));
        std::fs::write(folder.0.join("job.json"), job(&[sample()]).to_string()).unwrap();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "ulimit -f $1; exec \"$2\" run \"$3\"", "sh", blocks, ENGINE])
            .arg(&folder.0);
        End::of(shell.stdin(Stdio::null())).failed(&folder, "disk.full", 5);
    }
}

#[test]
fn too_little_memory_is_an_error_and_not_a_slow_machine() {
    if !ffmpeg() {
        return;
    }
    let folder = Folder::new("memory");
    let scene = Folder::new("memory-film");
    let config = Config {
        height: 700,
        width: 900,
        frames: 120,
        ..Config::preset("small").unwrap()
    };
    let layout = Layout {
        codec: Codec::Grey,
        ..Layout::default()
    };
    let films = session::write(&Scene::new(&config).unwrap(), &scene.0, &layout).unwrap();
    let mut job = job(&films);
    job["budget"]["memoryBytes"] = json!(64 << 20);
    End::of(&mut engine(&folder, &job)).failed(&folder, "engine.out_of_memory", 5);
}

#[test]
fn the_need_of_a_run_is_told_before_it_and_the_run_records_what_it_took() {
    if !ffmpeg() {
        return;
    }
    let folder = Folder::new("plan");
    let mut command = engine(&folder, &job(&[sample()]));
    let told = Command::new(ENGINE).arg("plan").arg(&folder.0).output().unwrap();
    let plan: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(plan["frames"].as_u64(), Some(600), "{plan}");
    assert_eq!(End::of(&mut command).code, Some(0));
    let run = manifest(&folder);
    let held = run["usage"]["peakAnonymousBytes"].as_u64().unwrap();
    assert!(
        !cfg!(target_os = "linux") || (held > 1 << 20 && held <= plan["memoryBytes"].as_u64().unwrap()),
        "{held} of {plan}"
    );
    assert!(run["scratch"]["bytesPerPixelFrame"].as_f64().unwrap() <= 1.2);
}

#[test]
fn without_ffmpeg_the_missing_program_is_named() {
    let folder = Folder::new("no-ffmpeg");
    let end = End::of(
        engine(&folder, &job(&[sample()]))
            .env("FFMPEG_BIN", "/nowhere/ffmpeg")
            .env("PATH", "/nowhere"),
    );
    end.failed(&folder, "media.ffmpeg_missing", 4);
    assert!(end.last()["hint"].as_str().unwrap().contains("ffmpeg"));
}

#[test]
fn films_that_cannot_be_used_are_input_errors() {
    if !ffmpeg() {
        return;
    }
    let (folder, long) = (Folder::new("bad-films"), long_films());
    let text = folder.0.join("text.avi");
    std::fs::write(&text, "these are not frames").unwrap();
    let end = End::of(&mut engine(&folder, &job(&[text])));
    end.failed(&folder, "media.unreadable", 3);
    End::of(&mut engine(&folder, &job(&[sample(), long.films[0].clone()]))).failed(&folder, "media.size_mismatch", 3);
    let mut beyond = job(&[sample()]);
    beyond["inputs"][0]["firstFrame"] = json!(5000);
    End::of(&mut engine(&folder, &beyond)).failed(&folder, "media.empty", 3);
}

#[test]
fn a_film_cut_short_gives_a_result_marked_incomplete() {
    if !ffmpeg() {
        return;
    }
    let folder = Folder::new("cut");
    let whole = std::fs::read(sample()).unwrap();
    let cut = folder.0.join("0.avi");
    std::fs::write(&cut, &whole[..whole.len() * 7 / 10]).unwrap();
    let mut job = job(&[cut]);
    job["inputs"][0]["filmFrames"] = json!([600]);
    let end = End::of(&mut engine(&folder, &job));
    assert_eq!(
        (end.code, end.last()["incomplete"].as_bool()),
        (Some(6), Some(true)),
        "{}",
        end.last()
    );
    assert!(end.lines.iter().any(|line| line["type"] == "warning"));
    let frames = manifest(&folder)["frames"].as_u64().unwrap();
    assert!((380..=600).contains(&frames), "{frames}");
}

#[test]
fn usage_is_explained() {
    let said = |arguments: &[&str]| Command::new(ENGINE).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&said(&["--version"]).stdout).starts_with("calyx-engine "));
    assert!(String::from_utf8_lossy(&said(&["--help"]).stdout).contains("job.json"));
    assert_eq!((said(&[]).status.code(), said(&["dance"]).status.code()), (Some(2), Some(2)));
    assert_eq!(said(&["run", "/nowhere/at/all"]).status.code(), Some(2));
}
