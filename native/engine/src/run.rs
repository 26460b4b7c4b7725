//! One run from a job to a run folder: load, analyse, write, name. The analysis comes in as a function so that tests can end it in every way.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::control::Control;
use crate::failure::Failure;
use crate::job::Job;
use crate::manifest::manifest;
use crate::output::RunFolder;
use crate::preview::Preview;
use crate::progress::Reporter;
use crate::result::{self, Analysis};
use crate::shelf::{SHARE, Shelf};
use crate::types::{Context, Registered, StageError, flag};

/// A run folder that is complete and has its name.
#[derive(Debug)]
pub struct Finished {
    /// The run folder.
    pub output: PathBuf,
    /// All components.
    pub components: usize,
    /// Those the engine suggests.
    pub accepted: usize,
    /// Part of the input could not be read.
    pub incomplete: bool,
}

/// Runs `analyse` on a job and writes its result.
///
/// # Errors
/// Whatever ended the run; then no file of it is left.
pub fn run(
    job: &Job,
    control: &Arc<Control>,
    reporter: &Reporter,
    analyse: impl FnOnce(&Job, &Path, &Context<'_>, &Reporter) -> Result<Analysis, StageError>,
) -> Result<Finished, Failure> {
    let mut folder = RunFolder::create(&job.output)?;
    let cancelled = || control.stopped();
    let progress = |fraction: f32, frames: u64| reporter.progress(fraction, frames);
    let preview = |make: &dyn Fn() -> Preview| reporter.preview(make);
    let shelf = Shelf::new(&folder.scratch(), job.memory_bytes / SHARE);
    let context = Context {
        shelf: &shelf,
        threads: job.threads,
        memory_bytes: job.memory_bytes,
        cancelled: &cancelled,
        progress: &progress,
        preview: &preview,
    };
    let analysis = analyse(job, &folder.scratch(), &context, reporter).map_err(|error| match error {
        // Stages know only that they must stop; the control knows why.
        StageError::Cancelled => control.failure().unwrap_or_else(Failure::cancelled),
        other => Failure::from(other),
    })?;
    let incomplete = warn(job, &analysis, reporter);
    let accepted = result::write(&mut folder, &analysis)?;
    let value = manifest(job, &analysis, folder.files(), reporter, incomplete);
    folder.json("run.json", &value)?;
    let components = analysis.components.footprints.len();
    let output = folder.publish(|| control.claim_end())?;
    Ok(Finished {
        output,
        components,
        accepted,
        incomplete,
    })
}

/// Rotation that is warned of: at 300 px from the centre, a third of a degree moves content by 1.7 px.
const ROTATION_DEG: f32 = 0.3;

/// A pixel of the mean image from this grey level on is clipped nearly all the time …
const CLIPPED: f32 = 254.0;
/// … and so much of the field that is so is warned of.
const CLIPPED_SHARE: f32 = 0.02;

/// Says what the user should know about input and result; true when part of the input is missing.
fn warn(job: &Job, analysis: &Analysis, reporter: &Reporter) -> bool {
    let film = &analysis.registered;
    let unreadable = count(film, flag::UNREADABLE);
    if unreadable > 0 {
        reporter.warning(
            "media.unreadable",
            &format!("{unreadable} frames could not be decoded; they are marked and left out of all statistics."),
        );
    }
    let expected = expected_frames(job);
    let missing = expected.is_some_and(|n| n > film.flags.len() as u64);
    if let (Some(n), true) = (expected, missing) {
        let message = format!("The films end after {} frames; {n} were expected.", film.flags.len());
        reporter.warning("media.truncated", &message);
    }
    let unsure = count(film, flag::MOTION_UNSURE | flag::MOTION_BOUND);
    if unsure * 20 > film.flags.len() {
        let message = format!(
            "Movement could not be measured well in {unsure} of {} frames; look at the registered film before you trust the cells.",
            film.flags.len()
        );
        reporter.warning("engine.motion_unsure", &message);
    }
    let rotation = film.motion_report.rotation;
    if rotation.typical_deg > ROTATION_DEG {
        let message = format!(
            "The picture turns by {:.1}° in a typical frame and {:.1}° at most; rotation is not corrected.",
            rotation.typical_deg, rotation.largest_deg
        );
        reporter.warning("engine.rotation", &message);
    }
    let clipped = film.mean.iter().filter(|v| **v >= CLIPPED).count() as f32 / film.mean.len().max(1) as f32;
    if clipped > CLIPPED_SHARE {
        let message = format!(
            "{:.0} % of the field are at the highest grey level all the time: nothing can be seen there. Record with less light or gain.",
            100.0 * clipped
        );
        reporter.warning("engine.overexposed", &message);
    }
    if analysis.components.footprints.is_empty() {
        reporter.warning(
            "engine.no_signal",
            "No cell was found. Check the neuron diameter and that the recording shows activity.",
        );
    } else if analysis.metrics.iter().all(|m| !m.accepted) {
        let message = format!(
            "No cells: of {} components none is suggested. Their reasons stand in Review; the preset `sensitive` asks for less.",
            analysis.metrics.len()
        );
        reporter.warning("engine.no_signal", &message);
    }
    unreadable > 0 || missing
}

fn count(film: &Registered, bits: u32) -> usize {
    film.flags.iter().filter(|flags| **flags & bits != 0).count()
}

/// Frames the job should have given, by the lengths it names; `None` where it names none.
fn expected_frames(job: &Job) -> Option<u64> {
    job.inputs
        .iter()
        .map(|input| {
            let all: u64 = input.film_frames.iter().sum();
            let end = input.recording.last_frame.map_or(all, |last| all.min(last + 1));
            (!input.film_frames.is_empty()).then_some(end.saturating_sub(input.recording.first_frame))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::cache::TileCache;
    use crate::checkpoint::key::StageKeys;
    use crate::motion::report::MotionReport;
    use crate::params::Parameters;
    use crate::result::Chosen;
    use crate::types::{CellMetrics, Components, Footprint, Grid, RecordingInput, Span};

    const T: usize = 100;

    /// Two cells on a 2-binned grid of 6 × 9 in a frame of 13 × 18.
    fn analysis() -> Analysis {
        let mut flags = vec![0; T];
        flags[7] = flag::UNREADABLE;
        let footprint = |left| Footprint {
            top: 1,
            left,
            height: 2,
            width: 2,
            values: vec![1.0, 0.5, 0.5, 0.25],
        };
        let event = crate::types::Event {
            onset: 4,
            peak: 6,
            end: 8,
            amplitude: 2.0,
        };
        let traces = |scale: f32| {
            [0, 1]
                .map(|_| (0..T).map(|t| scale * (t % 9) as f32).collect::<Vec<f32>>().into())
                .into()
        };
        let metric = |accepted: bool| CellMetrics {
            snr: f32::NAN,
            accepted,
            ..CellMetrics::default()
        };
        Analysis {
            registered: Registered {
                cache: TileCache::in_memory(6, 9, vec![0.0; 54], 0.5).unwrap(),
                grid: Grid {
                    bin: 2,
                    height: 6,
                    width: 9,
                    frame_height: 13,
                    frame_width: 18,
                    top: 0,
                    left: 0,
                },
                flags,
                motion: vec![[0.5, -1.0]; T],
                motion_blocks: None,
                motion_report: MotionReport::default(),
                motion_quality: vec![0.9; T],
                time_s: (0..T).map(|t| t as f64 / 20.0).collect(),
                fps: 20.0,
                diameter_px: 6.0,
                digests: vec!["00".to_owned()],
                spans: vec![Span {
                    first_frame: 0,
                    frames: T as u64,
                }],
                light: None,
                repaired: vec![],
                mean: vec![1.0; 13 * 18],
                std: vec![1.0; 13 * 18],
                max: vec![1.0; 13 * 18],
                border: [0; 4],
                unseen: Vec::new(),
            },
            correlation: vec![0.5; 54],
            pnr: vec![2.0; 54],
            chosen: Chosen {
                diameter_px: 6.0,
                diameter_estimated: true,
                bin: 2,
                min_correlation: 0.5,
                min_pnr: 5.0,
                seeds: 2,
            },
            components: Components {
                footprints: vec![footprint(1), footprint(5)],
                raw: traces(2.0),
                denoised: traces(1.0),
                deconvolved: traces(0.1),
                dff: traces(0.01),
                events: vec![vec![event], Vec::new()],
                to_dff: vec![0.01; 2],
                rise: crate::rise::Rise { frames: 1.5, lead: 0.5 },
                gamma: vec![0.9; 2],
                baseline: vec![1.0; 2],
                noise: vec![0.5; 2],
            },
            f0: "the trace's 20th percentile",
            metrics: vec![metric(true), metric(false)],
            stage_keys: StageKeys::default(),
            statistics: None,
            traces_bytes: 0,
        }
    }

    struct Setup {
        folder: PathBuf,
        job: Job,
        control: Arc<Control>,
        reporter: Reporter,
    }

    impl Setup {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("calyx-run-{}-{name}", std::process::id()));
            let input = crate::job::JobInput {
                recording_uuid: "a".to_owned(),
                film_frames: vec![T as u64],
                recording: RecordingInput {
                    films: vec![PathBuf::from("/films/0.avi")],
                    time_s: vec![],
                    fps: 20.0,
                    first_frame: 0,
                    last_frame: None,
                },
            };
            let job = Job {
                run_uuid: "r".to_owned(),
                output: folder.join("run"),
                inputs: vec![input],
                parameters: Parameters::defaults().unwrap(),
                model: None,
                threads: 1,
                memory_bytes: 1 << 30,
                cache: None,
            };
            let reporter = Reporter::new(Box::new(std::io::sink()), Box::new(|| Duration::ZERO), Box::new(|| None));
            Self {
                folder,
                job,
                control: Control::new(1 << 30),
                reporter,
            }
        }

        fn run(&self, analyse: impl FnOnce(&Path, &Context<'_>) -> Result<Analysis, StageError>) -> Result<Finished, Failure> {
            run(&self.job, &self.control, &self.reporter, |_, scratch, context, _| {
                analyse(scratch, context)
            })
        }

        fn leftovers(&self) -> usize {
            std::fs::read_dir(&self.folder).map_or(0, Iterator::count)
        }
    }

    impl Drop for Setup {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_finished_run_lists_every_file_with_its_shape() {
        let setup = Setup::new("finished");
        let finished = setup.run(|_, _| Ok(analysis())).unwrap();
        assert_eq!((finished.components, finished.accepted, finished.incomplete), (2, 1, true));
        let text = std::fs::read_to_string(finished.output.join("run.json")).unwrap();
        let run: Value = serde_json::from_str(&text).unwrap();
        let files = run["files"].as_array().unwrap();
        for file in files {
            let path = finished.output.join(file["path"].as_str().unwrap());
            assert!(path.is_file(), "{file}");
            if path.extension().unwrap() == "npy" {
                let header = calyx_npy::read_header(&path).unwrap();
                assert_eq!(file["shape"], serde_json::json!(header.shape));
                assert_eq!(file["dtype"], header.dtype.name());
            }
        }
        let names: Vec<_> = files.iter().map(|f| f["path"].as_str().unwrap()).collect();
        for name in [
            "footprints.npz",
            "traces/raw.npy",
            "traces/dff.pyramid.npy",
            "images/pnr.npy",
            "metrics.json",
            "motion.npy",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        assert_eq!(run["warnings"][0]["code"], "media.unreadable");
        assert_eq!(run["inputs"][0]["films"][0], "0.avi");
        assert_eq!(run["chosen"]["diameterEstimated"], true);
    }

    #[test]
    fn metrics_say_where_each_cell_lies_on_the_frame() {
        let setup = Setup::new("metrics");
        let finished = setup.run(|_, _| Ok(analysis())).unwrap();
        let text = std::fs::read_to_string(finished.output.join("metrics.json")).unwrap();
        let cells: Value = serde_json::from_str(&text).unwrap();
        let (first, second) = (&cells["cells"][0], &cells["cells"][1]);
        assert_eq!(
            (first["row"].as_u64(), first["accepted"].as_bool(), second["accepted"].as_bool()),
            (Some(0), Some(true), Some(false))
        );
        let apart = second["centroid"]["x"].as_f64().unwrap() - first["centroid"]["x"].as_f64().unwrap();
        assert!((apart - 8.0).abs() < 1e-4);
        assert_eq!(second["box"]["left"].as_u64().unwrap() - first["box"]["left"].as_u64().unwrap(), 8);
        assert!(first["snr"].is_null());
    }

    #[test]
    fn a_stage_that_fails_leaves_nothing() {
        let setup = Setup::new("fails");
        let failure = setup
            .run(|scratch, _| {
                std::fs::write(scratch.join("tiles"), b"x").unwrap();
                Err(StageError::Io {
                    context: "writing tiles".to_owned(),
                    source: std::io::ErrorKind::StorageFull.into(),
                })
            })
            .unwrap_err();
        assert_eq!((failure.code.as_str(), setup.leftovers()), ("disk.full", 0));
    }

    #[test]
    fn a_run_that_is_cancelled_says_why_it_stopped() {
        let setup = Setup::new("cancelled");
        let failure = setup
            .run(|_, context| {
                setup.control.holds(2 << 30);
                assert!((context.cancelled)());
                Err(StageError::Cancelled)
            })
            .unwrap_err();
        assert_eq!((failure.code.as_str(), setup.leftovers()), ("engine.out_of_memory", 0));
        let late = Setup::new("late");
        let failure = late
            .run(|_, _| {
                late.control.cancel();
                Ok(analysis())
            })
            .unwrap_err();
        assert_eq!((failure.code.as_str(), late.leftovers()), ("engine.cancelled", 0));
    }

    #[test]
    fn results_that_do_not_fit_together_are_a_bug_and_not_a_result() {
        let setup = Setup::new("misfit");
        let failure = setup
            .run(|_, _| {
                let mut wrong = analysis();
                wrong.components.dff.pop();
                Ok(wrong)
            })
            .unwrap_err();
        assert_eq!((failure.exit_code(), setup.leftovers()), (70, 0));
    }

    #[test]
    fn a_field_that_is_clipped_all_the_time_is_warned_of() {
        let said = |clipped: usize| {
            let setup = Setup::new(&format!("clipped-{clipped}"));
            let mut overexposed = analysis();
            overexposed.registered.mean[..clipped].fill(255.0);
            setup.run(|_, _| Ok(overexposed)).unwrap();
            let warnings = setup.reporter.warnings();
            warnings.into_iter().find(|(code, _)| code == "engine.overexposed").map(|w| w.1)
        };
        // Of 13 × 18 pixels.
        assert!(said(47).unwrap().starts_with("20 % of the field"));
        assert_eq!(said(4), None);
    }

    #[test]
    fn a_film_that_ends_early_makes_the_result_incomplete() {
        let mut setup = Setup::new("early");
        setup.job.inputs[0].film_frames = vec![150];
        setup.run(|_, _| Ok(analysis())).unwrap();
        assert!(setup.reporter.warnings().iter().any(|(code, _)| code == "media.truncated"));
        setup.job.inputs[0].recording.last_frame = Some(99);
        assert_eq!(expected_frames(&setup.job), Some(100));
    }
}
