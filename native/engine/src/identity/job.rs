//! The job of a match: `job.json` in a folder, as for runs (`docs/formats.md`).

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::Failure;
use crate::job::{self, JOB_FILE};

/// One session to match.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionInput {
    /// A run folder, an export folder, a folder with known truth, or a file of footprints (`.npz`, `.npy`, `.mat`).
    pub path: PathBuf,
    /// Rows and columns of a frame, where the caller knows them.
    pub frame: Option<(usize, usize)>,
}

/// A checked job.
#[derive(Clone, Debug)]
pub struct MatchJob {
    /// The file to be written; does not exist yet.
    pub output: PathBuf,
    /// At least two.
    pub sessions: Vec<SessionInput>,
    /// Width of a pixel, µm.
    pub um_per_px: f64,
    /// Rejected components take part too.
    pub all_components: bool,
    /// Worker threads.
    pub threads: usize,
    /// Bytes that may be held.
    pub memory_bytes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JobFile {
    #[serde(rename = "formatVersion")]
    _format_version: u64,
    output: PathBuf,
    sessions: Vec<SessionFile>,
    um_per_px: f64,
    #[serde(default)]
    all_components: bool,
    budget: BudgetFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionFile {
    path: PathBuf,
    #[serde(default)]
    height: Option<usize>,
    #[serde(default)]
    width: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BudgetFile {
    #[serde(default)]
    threads: Option<usize>,
    memory_bytes: u64,
}

/// A pixel of a miniscope is about 1 µm; this is far from every lens.
const UM_PER_PX: std::ops::RangeInclusive<f64> = 0.05..=50.0;
/// Frames are not larger than this on a side.
pub const LARGEST_SIDE: usize = 16_384;

impl MatchJob {
    /// Reads and checks the job in `folder`. Relative paths are seen from there.
    ///
    /// # Errors
    /// `engine.bad_job` with the name of the field that is wrong.
    pub fn load(folder: &Path) -> Result<Self, Failure> {
        Self::parse(folder, &job::text_in(folder)?)
    }

    /// As [`MatchJob::load`], from the text.
    ///
    /// # Errors
    /// As there.
    pub fn parse(folder: &Path, text: &str) -> Result<Self, Failure> {
        let file: JobFile = job::form(text)?;
        let bad = |field: &str, why: &str| Failure::bad_job(format!("{JOB_FILE}: {field} {why}"));
        if file.sessions.len() < 2 {
            return Err(bad("sessions", "must name at least two"));
        }
        if !UM_PER_PX.contains(&file.um_per_px) {
            return Err(bad("umPerPx", "must lie between 0.05 and 50"));
        }
        if file.budget.threads == Some(0) {
            return Err(bad("budget.threads", "must be at least 1"));
        }
        let output = folder.join(&file.output);
        if output.file_name().is_none() {
            return Err(bad("output", "must be the path of a file"));
        }
        if output.exists() {
            return Err(bad("output", &format!("exists already: {}", output.display())));
        }
        let sessions = file
            .sessions
            .into_iter()
            .enumerate()
            .map(|(i, session)| {
                let frame = match (session.height, session.width) {
                    (Some(h), Some(w)) if (1..=LARGEST_SIDE).contains(&h) && (1..=LARGEST_SIDE).contains(&w) => Some((h, w)),
                    (None, None) => None,
                    _ => {
                        return Err(bad(
                            &format!("sessions[{i}]"),
                            "must have height and width from 1 to 16384, or neither",
                        ));
                    }
                };
                Ok(SessionInput {
                    path: folder.join(session.path),
                    frame,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            output,
            sessions,
            um_per_px: file.um_per_px,
            all_components: file.all_components,
            threads: file
                .budget
                .threads
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
                .min(256),
            memory_bytes: file.budget.memory_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn example() -> Value {
        json!({
            "formatVersion": 1, "output": "matches.json", "umPerPx": 2.0,
            "sessions": [{ "path": "a.npz", "height": 4, "width": 5 }, { "path": "b.mat" }],
            "budget": { "threads": 2, "memoryBytes": 2147483648u64 }
        })
    }

    #[test]
    fn a_complete_job_is_read_and_a_wrong_field_is_named() {
        let folder = Path::new("nowhere");
        let job = MatchJob::parse(folder, &example().to_string()).unwrap();
        assert_eq!(job.sessions[0].frame, Some((4, 5)));
        assert_eq!(job.sessions[1].path, folder.join("b.mat"));
        for (pointer, value, named) in [
            ("/formatVersion", json!(2), "formatVersion is 2"),
            ("/sessions", json!([]), "sessions must name"),
            ("/sessions/0/height", json!(0), "sessions[0]"),
            ("/sessions/0/width", json!(null), "sessions[0]"),
            ("/sessions/1/path", json!(7), "sessions[1].path"),
            ("/umPerPx", json!(0), "umPerPx"),
            ("/umPerPx", json!("two"), "umPerPx"),
            ("/budget/threads", json!(0), "budget.threads"),
            ("/output", json!(".."), "output"),
        ] {
            let mut job = example();
            *job.pointer_mut(pointer).unwrap() = value;
            let failure = MatchJob::parse(folder, &job.to_string()).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.exit_code()), ("engine.bad_job", 2));
            assert!(failure.message.contains(named), "{pointer}: {}", failure.message);
        }
    }
}
