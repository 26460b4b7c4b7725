//! The job folder: `job.json` and the arrays it names. Everything is checked here, so that stages never meet half a job.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::evaluate::model::Model;
use crate::failure::Failure;
use crate::params::Parameters;
use crate::types::RecordingInput;

/// The file inside a job folder.
pub const JOB_FILE: &str = "job.json";
/// Version of its form that this engine reads.
pub const FORMAT_VERSION: u64 = 1;

/// One recording of a job, ready for the stages.
#[derive(Clone, Debug)]
pub struct JobInput {
    /// The library's name of the recording; may be empty.
    pub recording_uuid: String,
    /// Frames each film is expected to have; empty when the job does not say.
    pub film_frames: Vec<u64>,
    /// What the stages read.
    pub recording: RecordingInput,
}

/// A checked job.
#[derive(Clone, Debug)]
pub struct Job {
    /// The run's name; goes into `run.json`.
    pub run_uuid: String,
    /// Where the finished run folder will lie; does not exist yet.
    pub output: PathBuf,
    /// At least one recording.
    pub inputs: Vec<JobInput>,
    /// All parameters.
    pub parameters: Parameters,
    /// What the evaluation learned from a person's decisions, if the job names such a file.
    pub model: Option<Model>,
    /// Worker threads, decoders included.
    pub threads: usize,
    /// Bytes the engine may hold.
    pub memory_bytes: u64,
    /// Where results of stages are kept between runs; `None` keeps nothing.
    pub cache: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobFile {
    format_version: u64,
    run_uuid: String,
    output: PathBuf,
    inputs: Vec<InputFile>,
    parameters: serde_json::Value,
    #[serde(default)]
    evaluation_model: Option<PathBuf>,
    budget: BudgetFile,
    #[serde(default)]
    cache: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputFile {
    #[serde(default)]
    recording_uuid: String,
    films: Vec<PathBuf>,
    #[serde(default)]
    film_frames: Vec<u64>,
    #[serde(default)]
    time: Option<PathBuf>,
    fps: f64,
    #[serde(default)]
    first_frame: Option<u64>,
    #[serde(default)]
    last_frame: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BudgetFile {
    #[serde(default)]
    threads: Option<usize>,
    memory_bytes: u64,
}

impl Job {
    /// Reads and checks the job in `folder`. Relative paths are seen from there.
    ///
    /// # Errors
    /// `engine.bad_job` with the name of the field that is wrong; `session.no_films` when a film is not there.
    pub fn load(folder: &Path) -> Result<Self, Failure> {
        check(folder, form(&text_in(folder)?)?)
    }

    /// Frames that the films should have, where the job says so.
    pub fn expected_frames(&self) -> u64 {
        self.inputs.iter().flat_map(|input| &input.film_frames).sum()
    }
}

/// The text of the job in `folder`.
///
/// # Errors
/// `engine.bad_job` when it cannot be read.
pub(crate) fn text_in(folder: &Path) -> Result<String, Failure> {
    let path = folder.join(JOB_FILE);
    std::fs::read_to_string(&path).map_err(|error| Failure::bad_job(format!("{} cannot be read: {error}", path.display())))
}

/// A job's text as its form `T`.
///
/// # Errors
/// `engine.bad_job`: it is no JSON, of another version, or the named field is wrong.
pub(crate) fn form<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Failure> {
    // The version first: a newer form may fail anywhere else.
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Failure::bad_job(format!("{JOB_FILE} is not JSON: {error}")))?;
    if let Some(version) = value.get("formatVersion").and_then(serde_json::Value::as_u64)
        && version != FORMAT_VERSION
    {
        return Err(Failure::bad_job(format!(
            "{JOB_FILE}: formatVersion is {version}, this engine reads {FORMAT_VERSION}"
        )));
    }
    serde_path_to_error::deserialize(value).map_err(|error| Failure::bad_job(format!("{JOB_FILE}: {}: {}", error.path(), error.inner())))
}

fn check(folder: &Path, file: JobFile) -> Result<Job, Failure> {
    let bad = |field: &str, why: &str| Failure::bad_job(format!("{JOB_FILE}: {field} {why}"));
    debug_assert_eq!(file.format_version, FORMAT_VERSION);
    if file.inputs.is_empty() {
        return Err(bad("inputs", "must name at least one recording"));
    }
    if file.budget.threads == Some(0) {
        return Err(bad("budget.threads", "must be at least 1"));
    }
    if file.budget.memory_bytes < 64 << 20 {
        return Err(bad("budget.memoryBytes", "must be at least 67108864 (64 MiB)"));
    }
    let output = folder.join(&file.output);
    if output.file_name().is_none() {
        return Err(bad("output", "must be the path of a folder"));
    }
    if output.exists() {
        return Err(bad("output", &format!("exists already: {}", output.display())));
    }
    let parameters = Parameters::from_json(&file.parameters).map_err(|why| Failure::bad_job(format!("{JOB_FILE}: {why}")))?;
    let model = file
        .evaluation_model
        .map(|name| Model::read(&folder.join(name)))
        .transpose()
        .map_err(|why| bad("evaluationModel", &why))?;
    if parameters.min_probability > 0.0 && model.is_none() {
        return Err(bad(
            "evaluationModel",
            "must name a file where parameters.minProbability is above 0",
        ));
    }
    let inputs = file
        .inputs
        .into_iter()
        .enumerate()
        .map(|(i, input)| check_input(folder, i, input, &parameters))
        .collect::<Result<_, _>>()?;
    Ok(Job {
        run_uuid: file.run_uuid,
        output,
        inputs,
        parameters,
        model,
        threads: file
            .budget
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .min(256),
        memory_bytes: file.budget.memory_bytes,
        cache: file.cache.map(|cache| folder.join(cache)),
    })
}

fn check_input(folder: &Path, i: usize, input: InputFile, parameters: &Parameters) -> Result<JobInput, Failure> {
    let bad = |field: &str, why: &str| Failure::bad_job(format!("{JOB_FILE}: inputs[{i}].{field} {why}"));
    if input.films.is_empty() {
        return Err(bad("films", "must name at least one film"));
    }
    if !input.fps.is_finite() || input.fps <= 0.0 {
        return Err(bad("fps", "must be a positive number"));
    }
    if !input.film_frames.is_empty() && input.film_frames.len() != input.films.len() {
        return Err(bad("filmFrames", "must have one number for each film"));
    }
    // The frames that both the input and the parameters allow.
    let first_frame = input.first_frame.unwrap_or(0).max(parameters.first_frame);
    let last_frame = [input.last_frame, parameters.last_frame].into_iter().flatten().min();
    if last_frame.is_some_and(|last| last < first_frame) {
        return Err(bad("lastFrame", "lies before firstFrame"));
    }
    let films: Vec<PathBuf> = input.films.iter().map(|film| folder.join(film)).collect();
    if let Some(missing) = films.iter().find(|film| !film.is_file()) {
        return Err(Failure::new(
            "session.no_films",
            format!("The film {} is not there.", missing.display()),
            "Connect the disk it lies on, or import the session again from where it is now.",
        ));
    }
    let time_s = match (parameters.frame_rate, input.time) {
        // Evenly spaced by the rate that was asked for, as far as the job tells how long the films are.
        (Some(rate), _) => (0..input.film_frames.iter().sum()).map(|frame: u64| frame as f64 / rate).collect(),
        (None, None) => Vec::new(),
        (None, Some(name)) => {
            let array = calyx_npy::read::<f64>(&folder.join(name)).map_err(|error| bad("time", &error.to_string()))?;
            if array.shape.len() != 1 {
                return Err(bad("time", "must have one axis"));
            }
            array.data
        }
    };
    Ok(JobInput {
        recording_uuid: input.recording_uuid,
        film_frames: input.film_frames,
        recording: RecordingInput {
            films,
            time_s,
            fps: parameters.frame_rate.unwrap_or(input.fps),
            first_frame,
            last_frame,
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("calyx-job-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("0.avi"), b"film").unwrap();
            calyx_npy::write(&folder.join("time-0.npy"), &[3], &[-0.027, 0.023, f64::NAN]).unwrap();
            calyx_npy::write(&folder.join("wrong.npy"), &[1], &[1.0f32]).unwrap();
            Self(folder)
        }

        fn load(&self, job: &Value) -> Result<Job, Failure> {
            std::fs::write(self.0.join(JOB_FILE), job.to_string()).unwrap();
            Job::load(&self.0)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn example() -> Value {
        json!({
            "formatVersion": 1, "runUuid": "r", "output": "runs/r",
            "inputs": [{ "recordingUuid": "a", "films": ["0.avi"], "filmFrames": [3], "time": "time-0.npy", "fps": 20.0, "firstFrame": 0, "lastFrame": null }],
            "parameters": { "diameterPx": 8 }, "evaluationModel": null, "cache": "cache", "budget": { "threads": 2, "memoryBytes": 2147483648u64 }
        })
    }

    #[test]
    fn a_complete_job_is_read() {
        let folder = Folder::new("complete");
        let job = folder.load(&example()).unwrap();
        assert_eq!(job.output, folder.0.join("runs/r"));
        assert_eq!(job.inputs[0].recording.films, [folder.0.join("0.avi")]);
        assert_eq!(job.inputs[0].recording.time_s.len(), 3);
        assert_eq!(
            (job.parameters.diameter_px, job.threads, job.memory_bytes, job.expected_frames()),
            (Some(8.0), 2, 2 << 30, 3)
        );
    }

    #[test]
    fn a_wrong_field_is_named() {
        let folder = Folder::new("fields");
        for (pointer, value, named) in [
            ("/formatVersion", json!(2), "formatVersion is 2"),
            ("/runUuid", json!(7), "runUuid"),
            ("/inputs", json!([]), "inputs must name"),
            ("/inputs/0/fps", json!(0), "inputs[0].fps"),
            ("/inputs/0/fps", json!("fast"), "inputs[0].fps"),
            ("/inputs/0/films", json!([]), "inputs[0].films"),
            ("/inputs/0/filmFrames", json!([1, 2]), "inputs[0].filmFrames"),
            ("/inputs/0/time", json!("nowhere.npy"), "inputs[0].time"),
            ("/inputs/0/time", json!("wrong.npy"), "inputs[0].time"),
            ("/inputs/0/firstFrame", json!(-1), "inputs[0].firstFrame"),
            ("/parameters", json!({ "rounds": 0 }), "parameters.rounds"),
            ("/evaluationModel", json!("nowhere.json"), "evaluationModel"),
            ("/evaluationModel", json!("time-0.npy"), "evaluationModel"),
            ("/parameters", json!({ "minProbability": 0.5 }), "evaluationModel"),
            ("/cache", json!(7), "cache"),
            ("/budget/threads", json!(0), "budget.threads"),
            ("/budget/memoryBytes", json!(1000), "budget.memoryBytes"),
            ("/output", json!("."), "output"),
        ] {
            let mut job = example();
            *job.pointer_mut(pointer).unwrap() = value;
            let failure = folder.load(&job).unwrap_err();
            assert_eq!(failure.code, "engine.bad_job");
            assert!(failure.message.contains(named), "{pointer}: {}", failure.message);
        }
    }

    #[test]
    fn a_frame_rate_that_is_given_counts_instead_of_the_time_stamps() {
        let folder = Folder::new("rate");
        let mut job = example();
        job["parameters"]["frameRate"] = json!(4);
        let recording = folder.load(&job).unwrap().inputs.remove(0).recording;
        assert_eq!((recording.fps, recording.time_s), (4.0, vec![0.0, 0.25, 0.5]));
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        let folder = Folder::new("range");
        let mut job = example();
        job["inputs"][0]["firstFrame"] = json!(5);
        job["inputs"][0]["lastFrame"] = json!(4);
        assert!(folder.load(&job).unwrap_err().message.contains("inputs[0].lastFrame"));
    }

    #[test]
    fn a_film_that_is_gone_is_an_input_error() {
        let folder = Folder::new("gone");
        let mut job = example();
        job["inputs"][0]["films"] = json!(["1.avi"]);
        job["inputs"][0]["filmFrames"] = json!([3]);
        let failure = folder.load(&job).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.exit_code()), ("session.no_films", 3));
    }

    #[test]
    fn a_folder_without_a_job_is_refused() {
        let folder = Folder::new("empty");
        let failure = Job::load(&folder.0.join("missing")).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        std::fs::write(folder.0.join(JOB_FILE), "{").unwrap();
        assert!(Job::load(&folder.0).unwrap_err().message.contains("not JSON"));
    }
}
