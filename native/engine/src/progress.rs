//! JSON lines on stdout: how far the run is, stage by stage, and how it ended.

use std::io::Write;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::preview::Preview;

/// The stages in order, each with the share of a run's time it usually takes; `read` and `motion` are one pass.
pub const STAGES: [(&str, f64); 7] = [
    ("read", 0.20),
    ("motion", 0.15),
    ("seeds", 0.10),
    ("init", 0.15),
    ("demix", 0.30),
    ("deconvolve", 0.05),
    ("evaluate", 0.05),
];

/// Two progress lines are at least this far apart, whatever the stages say.
const BETWEEN_LINES: Duration = Duration::from_millis(100);
/// Pictures are made at least this far apart: making them stops the pass for some milliseconds.
const BETWEEN_PREVIEWS: Duration = Duration::from_secs(2);
/// No estimate of the remaining time before this share of the run is done.
const ETA_FROM: f64 = 0.05;

/// Time since some fixed moment; injected so that tests need no waiting.
pub type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

/// How long one stage took.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageTiming {
    /// The stage.
    pub stage: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Frames of the film over those seconds; `None` for a stage that was not run.
    pub frames_per_second: Option<f64>,
    /// The stage was not run: its result was kept by an earlier run and has been read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
}

struct State {
    out: Box<dyn Write + Send>,
    started: Duration,
    /// First and last index in [`STAGES`] of what runs now.
    running: Option<(usize, usize)>,
    stage_started: Duration,
    last_line: Option<Duration>,
    last_preview: Option<Duration>,
    /// Share of the run that was not run but read.
    skipped: f64,
    timings: Vec<StageTiming>,
    warnings: Vec<(String, String)>,
}

/// Writes the lines; shared by all threads.
pub struct Reporter {
    state: Mutex<State>,
    clock: Clock,
    memory: Box<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl Reporter {
    /// A reporter that writes to `out`; `memory` gives the bytes held now, where that is known.
    pub fn new(out: Box<dyn Write + Send>, clock: Clock, memory: Box<dyn Fn() -> Option<u64> + Send + Sync>) -> Self {
        let started = clock();
        Self {
            state: Mutex::new(State {
                out,
                started,
                running: None,
                stage_started: started,
                last_line: None,
                last_preview: None,
                skipped: 0.0,
                timings: Vec::new(),
                warnings: Vec::new(),
            }),
            clock,
            memory,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the lock leaves nothing worse than a missing line.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Runs a stage (or two that share one pass) and reports its start and its end with the time it took; `frames` tells from the result how
    /// many frames of the film that was.
    ///
    /// # Errors
    /// Those of the stage; then there is no line about its end.
    pub fn stage<T, E>(
        &self,
        names: (&'static str, &'static str),
        frames: impl Fn(&T) -> usize,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let index = |name: &str| STAGES.iter().position(|(stage, _)| *stage == name).unwrap_or(0);
        let (first, last) = (index(names.0), index(names.1));
        {
            let mut state = self.state();
            state.running = Some((first, last));
            state.stage_started = (self.clock)();
            state.last_line = None;
            // The first pictures of a stage show at once what it sees.
            state.last_preview = None;
            for (stage, _) in &STAGES[first..=last] {
                line(&mut state, &json!({ "type": "stage", "stage": stage, "state": "started" }));
            }
        }
        let result = work()?;
        let mut state = self.state();
        let seconds = ((self.clock)() - state.stage_started).as_secs_f64();
        let rate = (seconds > 0.0).then(|| frames(&result) as f64 / seconds);
        for (stage, _) in &STAGES[first..=last] {
            line(
                &mut state,
                &json!({ "type": "stage", "stage": stage, "state": "done", "seconds": seconds }),
            );
            state.timings.push(StageTiming {
                stage: (*stage).to_owned(),
                seconds,
                frames_per_second: rate,
                cached: false,
            });
        }
        state.running = None;
        Ok(result)
    }

    /// Looks for a kept result of a stage (or of two that share one pass), and reports the stage as done when there is one.
    pub fn kept<T>(&self, names: (&'static str, &'static str), load: impl FnOnce() -> Option<T>) -> Option<T> {
        let started = (self.clock)();
        let found = load()?;
        let seconds = ((self.clock)() - started).as_secs_f64();
        let mut state = self.state();
        let index = |name: &str| STAGES.iter().position(|(stage, _)| *stage == name).unwrap_or(0);
        for (stage, weight) in &STAGES[index(names.0)..=index(names.1)] {
            // No seconds: they would be taken for what the stage costs.
            line(
                &mut state,
                &json!({ "type": "stage", "stage": stage, "state": "done", "seconds": null, "cached": true }),
            );
            state.skipped += weight;
            state.timings.push(StageTiming {
                stage: (*stage).to_owned(),
                seconds,
                frames_per_second: None,
                cached: true,
            });
        }
        Some(found)
    }

    /// The running stage is done to `fraction` (0 … 1) and has handled `frames` frames.
    pub fn progress(&self, fraction: f32, frames: u64) {
        let now = (self.clock)();
        let mut state = self.state();
        let Some((first, last)) = state.running else { return };
        if state.last_line.is_some_and(|then| now.saturating_sub(then) < BETWEEN_LINES) {
            return;
        }
        state.last_line = Some(now);
        let fraction = f64::from(fraction).clamp(0.0, 1.0);
        let share = |range: std::ops::Range<usize>| STAGES[range].iter().map(|(_, weight)| weight).sum::<f64>();
        let overall = (share(0..first) + fraction * share(first..last + 1)).min(1.0);
        let elapsed = now.saturating_sub(state.started).as_secs_f64();
        let in_stage = now.saturating_sub(state.stage_started).as_secs_f64();
        let run = overall - state.skipped;
        let eta = (run >= ETA_FROM).then(|| elapsed * (1.0 - overall) / run);
        let rate = (in_stage > 0.0 && frames > 0).then(|| frames as f64 / in_stage);
        line(
            &mut state,
            &json!({
                "type": "progress", "stage": STAGES[first].0, "fraction": round(fraction), "overall": round(overall),
                "framesPerSecond": rate.map(round), "etaSeconds": eta.map(round), "memoryBytes": (self.memory)(),
            }),
        );
    }

    /// Shows what the running stage has so far, when the last pictures of the stage are old enough. `make` is called without the lock held.
    pub fn preview(&self, make: &dyn Fn() -> Preview) {
        let now = (self.clock)();
        let stage = {
            let mut state = self.state();
            let Some((_, last)) = state.running else { return };
            if state.last_preview.is_some_and(|then| now.saturating_sub(then) < BETWEEN_PREVIEWS) {
                return;
            }
            state.last_preview = Some(now);
            STAGES[last].0
        };
        let value = make().json(stage);
        line(&mut self.state(), &value);
    }

    /// Progress of a job that is no run (a match has steps of its own): `fraction` of the step and of the whole, 0 … 1.
    pub fn step(&self, name: &str, fraction: f64, overall: f64) {
        let now = (self.clock)();
        let mut state = self.state();
        if fraction > 0.0 && state.last_line.is_some_and(|then| now.saturating_sub(then) < BETWEEN_LINES) {
            return;
        }
        state.last_line = Some(now);
        let value = json!({ "type": "progress", "step": name, "fraction": round(fraction), "overall": round(overall) });
        line(&mut state, &value);
    }

    /// The last line of such a job that worked.
    pub fn written(&self, output: &std::path::Path) {
        line(&mut self.state(), &json!({ "type": "done", "output": output }));
    }

    /// Something the user should know that does not end the run.
    pub fn warning(&self, code: &str, message: &str) {
        let mut state = self.state();
        state.warnings.push((code.to_owned(), message.to_owned()));
        line(&mut state, &json!({ "type": "warning", "code": code, "message": message }));
    }

    /// What was warned of so far, as (code, message).
    pub fn warnings(&self) -> Vec<(String, String)> {
        self.state().warnings.clone()
    }

    /// How long the finished stages took.
    pub fn timings(&self) -> Vec<StageTiming> {
        self.state().timings.clone()
    }

    /// Seconds since the run began.
    pub fn seconds(&self) -> f64 {
        ((self.clock)() - self.state().started).as_secs_f64()
    }

    /// The last line of a run that worked; `incomplete`: part of the input could not be read.
    pub fn done(&self, output: &std::path::Path, components: usize, accepted: usize, incomplete: bool) {
        line(
            &mut self.state(),
            &json!({ "type": "done", "output": output, "components": components, "accepted": accepted, "incomplete": incomplete }),
        );
    }

    /// The last line of one that did not.
    pub fn error(&self, failure: &Failure) {
        let mut value = serde_json::to_value(failure).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.insert("type".to_owned(), "error".into());
        }
        line(&mut self.state(), &value);
    }
}

/// Three decimals are enough for people and keep the lines short.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A reader that went away must not end the run: the result is a folder, not these lines.
fn line(state: &mut State, value: &Value) {
    let _ = writeln!(state.out, "{value}").and_then(|()| state.out.flush());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn all(&self) -> Vec<Value> {
            let bytes = self.0.lock().unwrap().clone();
            String::from_utf8(bytes)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        }
    }

    fn reporter() -> (Reporter, Lines, Arc<AtomicU64>) {
        let (lines, ms) = (Lines::default(), Arc::new(AtomicU64::new(0)));
        let now = Arc::clone(&ms);
        let clock: Clock = Box::new(move || Duration::from_millis(now.load(Ordering::Relaxed)));
        let reporter = Reporter::new(Box::new(lines.clone()), clock, Box::new(|| Some(1000)));
        (reporter, lines, ms)
    }

    #[test]
    fn lines_come_ten_times_a_second_however_often_a_stage_reports() {
        let (reporter, lines, ms) = reporter();
        reporter
            .stage(
                ("seeds", "seeds"),
                |_: &()| 1000,
                || {
                    for t in 1..=1000u64 {
                        ms.store(t, Ordering::Relaxed);
                        reporter.progress(t as f32 / 1000.0, t);
                    }
                    Ok::<_, ()>(())
                },
            )
            .unwrap();
        let progress = lines.all().iter().filter(|line| line["type"] == "progress").count();
        assert!((9..=11).contains(&progress), "{progress}");
    }

    #[test]
    fn the_remaining_time_is_told_once_it_can_be_known() {
        let (reporter, lines, ms) = reporter();
        reporter
            .stage(
                ("read", "motion"),
                |_: &()| 0,
                || {
                    for (at, fraction) in [(200, 0.1), (1000, 0.5)] {
                        ms.store(at, Ordering::Relaxed);
                        reporter.progress(fraction, 100);
                    }
                    Ok::<_, ()>(())
                },
            )
            .unwrap();
        let lines: Vec<_> = lines.all().into_iter().filter(|line| line["type"] == "progress").collect();
        assert!(lines[0]["etaSeconds"].is_null());
        // 0.175 of the run took a second.
        assert_eq!(
            (lines[1]["overall"].as_f64(), lines[1]["etaSeconds"].as_f64()),
            (Some(0.175), Some(4.714))
        );
        assert_eq!(
            (lines[1]["framesPerSecond"].as_f64(), lines[1]["memoryBytes"].as_u64()),
            (Some(100.0), Some(1000))
        );
    }

    #[test]
    fn pictures_come_at_once_and_then_every_two_seconds() {
        let (reporter, lines, ms) = reporter();
        let made = AtomicU64::new(0);
        let make = || {
            made.fetch_add(1, Ordering::Relaxed);
            Preview {
                frames: ms.load(Ordering::Relaxed),
                size: [1, 2],
                pictures: vec![("mean", vec![0.0, 1.0], crate::preview::Shrink::Mean)],
            }
        };
        // Outside a stage nobody waits for pictures.
        reporter.preview(&make);
        for names in [("read", "motion"), ("seeds", "seeds")] {
            reporter
                .stage(
                    names,
                    |_: &()| 0,
                    || {
                        for t in (0..=5000u64).step_by(100) {
                            ms.fetch_add(u64::from(t > 0) * 100, Ordering::Relaxed);
                            reporter.preview(&make);
                        }
                        Ok::<_, ()>(())
                    },
                )
                .unwrap();
        }
        let previews: Vec<_> = lines.all().into_iter().filter(|line| line["type"] == "preview").collect();
        let said: Vec<_> = previews
            .iter()
            .map(|l| (l["stage"].as_str().unwrap(), l["frames"].as_u64().unwrap()))
            .collect();
        let wanted = [
            ("motion", 0),
            ("motion", 2000),
            ("motion", 4000),
            ("seeds", 5000),
            ("seeds", 7000),
            ("seeds", 9000),
        ];
        assert_eq!(said, wanted);
        assert_eq!(made.load(Ordering::Relaxed), 6);
    }

    #[test]
    fn stages_say_when_they_start_and_how_long_they_took() {
        let (reporter, lines, ms) = reporter();
        reporter
            .stage(
                ("read", "motion"),
                |n: &usize| *n,
                || {
                    ms.store(500, Ordering::Relaxed);
                    Ok::<_, ()>(100)
                },
            )
            .unwrap();
        let said: Vec<_> = lines.all().iter().map(|l| (l["stage"].clone(), l["state"].clone())).collect();
        let wanted = [("read", "started"), ("motion", "started"), ("read", "done"), ("motion", "done")];
        assert_eq!(said, wanted.map(|(a, b)| (Value::from(a), Value::from(b))));
        assert_eq!(reporter.timings()[1].frames_per_second, Some(200.0));
    }

    #[test]
    fn a_kept_stage_is_reported_as_done_and_does_not_make_the_rest_look_fast() {
        let (reporter, lines, ms) = reporter();
        assert_eq!(reporter.kept(("read", "motion"), || None::<u8>), None);
        assert!(lines.all().is_empty());
        let found = reporter.kept(("read", "motion"), || {
            ms.store(40, Ordering::Relaxed);
            Some(7)
        });
        assert_eq!(found, Some(7));
        let said: Vec<_> = lines.all().iter().map(|l| (l["stage"].clone(), l["cached"].clone())).collect();
        assert_eq!(said, ["read", "motion"].map(|stage| (stage.into(), true.into())));
        assert!(lines.all().iter().all(|line| line["seconds"].is_null()));
        assert_eq!((reporter.timings()[0].seconds, reporter.timings()[1].cached), (0.04, true));
        reporter
            .stage(
                ("seeds", "seeds"),
                |_: &()| 0,
                || {
                    ms.store(1040, Ordering::Relaxed);
                    reporter.progress(1.0, 0);
                    Ok::<_, ()>(())
                },
            )
            .unwrap();
        let lines = lines.all();
        let progress = lines.iter().find(|line| line["type"] == "progress").unwrap();
        // A tenth of the run took 1.04 s; 0.55 are left.
        assert_eq!(
            (progress["overall"].as_f64(), progress["etaSeconds"].as_f64()),
            (Some(0.45), Some(5.72))
        );
    }

    #[test]
    fn an_error_is_one_line_with_everything_a_screen_needs() {
        let (reporter, lines, _) = reporter();
        reporter.error(&Failure::cancelled());
        let line = &lines.all()[0];
        assert_eq!(
            (line["type"].as_str(), line["code"].as_str(), line["retryable"].as_bool()),
            (Some("error"), Some("engine.cancelled"), Some(true))
        );
    }

    #[test]
    fn the_shares_of_the_stages_make_a_whole() {
        assert!((STAGES.iter().map(|(_, weight)| weight).sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
