//! Figures of one film with known truth, and of several pooled, for `npm run bench:science`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use calyx_scene::score::{Estimate, Known, Score, percentile, score};
use serde_json::{Value, json};

use crate::{Temporary, process};

/// Where in the field a cell lies.
pub const STRATA: [&str; 3] = ["interior", "vessel", "edge"];

/// One detectable cell of a truth and what became of it.
#[derive(Clone, Debug)]
pub struct Cell {
    /// `interior`, `vessel` or `edge`.
    pub stratum: String,
    /// Footprint cosine and trace correlation, where an accepted component matches it.
    pub found: Option<(f64, f64)>,
}

/// A film that was processed and scored.
pub struct Measured {
    /// Figures of the accepted components.
    pub accepted: Score,
    /// Figures of all components.
    pub all: Score,
    /// Every detectable cell.
    pub cells: Vec<Cell>,
    /// `run.json`.
    pub manifest: Value,
}

impl Measured {
    /// Detectable cells that some component matches, but no accepted one: what the evaluation threw away.
    #[must_use]
    pub fn lost(&self) -> usize {
        let rows = |s: &Score| s.matches.iter().map(|m| m.1).collect::<BTreeSet<_>>();
        rows(&self.all).difference(&rows(&self.accepted)).count()
    }

    /// The same as a share of the cells that some component matches.
    #[must_use]
    pub fn lost_share(&self) -> f64 {
        self.lost() as f64 / self.all.tp.max(1) as f64
    }

    /// The figures as they stand in `docs/bench/science.json`.
    #[must_use]
    pub fn figures(&self) -> Value {
        let s = &self.accepted;
        let usage = &self.manifest["usage"];
        let cpu = [&usage["engineCpuSeconds"], &usage["decoderCpuSeconds"]]
            .iter()
            .filter_map(|v| v.as_f64())
            .sum::<f64>();
        json!({
            "cells": s.truth, "f1": r4(s.f1), "precision": r4(s.precision), "recall": r4(s.recall),
            "falseAccepted": s.fp, "duplicates": s.duplicates,
            "lost": self.lost(), "lostShare": r4(Some(self.lost_share())),
            "cosine": r4(s.cosine_median), "traceR": r4(s.trace_r_median), "traceRP5": r4(s.trace_r_p5),
            "rawR": r4(s.raw_r_median), "rawRP5": r4(s.raw_r_p5),
            "spikeR": r4(s.spike_r), "spikeRLag0": r4(s.spike_r_lag0), "motionPx": r4(s.motion_rmse_px),
            "cpuSeconds": r4(Some(cpu)), "seconds": r4(self.manifest["seconds"].as_f64()),
            "peakMemoryBytes": usage["peakMemoryBytes"], "decoderPeakMemoryBytes": usage["decoderPeakMemoryBytes"],
            "pixelsSha256": self.manifest["inputs"][0]["pixelsSha256"],
            "strata": strata(&self.cells),
        })
    }
}

fn r4(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |v| json!((v * 1e4).round() / 1e4))
}

/// Cells, recall, cosine and trace correlation by place, pooled over all cells given.
#[must_use]
pub fn strata(cells: &[Cell]) -> Value {
    let mut out = BTreeMap::new();
    for place in STRATA {
        let here: Vec<&Cell> = cells.iter().filter(|c| c.stratum == place).collect();
        let found: Vec<(f64, f64)> = here.iter().filter_map(|c| c.found).collect();
        let column = |pick: fn(&(f64, f64)) -> f64| found.iter().map(pick).collect::<Vec<_>>();
        let (cosines, r) = (column(|f| f.0), column(|f| f.1));
        if here.is_empty() {
            continue;
        }
        out.insert(
            place,
            json!({
                "cells": here.len(), "recall": r4(Some(found.len() as f64 / here.len() as f64)),
                "cosine": r4(percentile(&cosines, 50.0)), "cosineP5": r4(percentile(&cosines, 5.0)),
                "traceR": r4(percentile(&r, 50.0)), "traceRP5": r4(percentile(&r, 5.0)),
            }),
        );
    }
    json!(out)
}

/// Processes a session folder with truth and scores it; with `keep` the job and the run stay in a folder of the film's name there.
///
/// # Panics
/// When the engine or a file fails.
#[must_use]
pub fn measure(name: &str, session: &Path, parameters: &Value, keep: Option<&Path>) -> Measured {
    let temporary = Temporary::new(&format!("bench-{name}"));
    let work = keep.map_or_else(|| temporary.0.clone(), |folder| folder.join(name));
    std::fs::create_dir_all(&work).expect("the folder for runs can be written");
    judge(&session.join("truth"), &process(session, &work, parameters))
}

/// Scores a run folder.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn judge(truth: &Path, run: &Path) -> Measured {
    let known = Known::read(truth).expect("the truth can be read");
    let scored =
        |estimate: &Estimate| score(&known, estimate).expect("run and truth have one size");
    let accepted = scored(&Estimate::read(run).expect("the run folder can be read"));
    let all = scored(&Estimate::read_all(run).expect("the run folder can be read"));
    let manifest =
        serde_json::from_str(&std::fs::read_to_string(run.join("run.json")).expect("run.json"))
            .expect("run.json is JSON");
    let cells = known
        .truth
        .cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| cell.detectable)
        .map(|(row, cell)| Cell {
            stratum: cell.stratum.clone(),
            found: accepted
                .matches
                .iter()
                .position(|m| m.1 == row)
                .map(|n| (accepted.matches[n].2, accepted.trace_r[n])),
        })
        .collect();
    Measured {
        accepted,
        all,
        cells,
        manifest,
    }
}

/// One line for people.
#[must_use]
pub fn line(name: &str, m: &Measured) -> String {
    let n = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    let s = &m.accepted;
    format!(
        "{name}: F1 {} ({} of {}, {} false, {} double, {} lost by the evaluation), cosine {}, trace r {} (5 % {}), spike r {} (no lag {}), motion {} px, {:.1} s cpu",
        n(s.f1),
        s.tp,
        s.truth,
        s.fp,
        s.duplicates,
        m.lost(),
        n(s.cosine_median),
        n(s.trace_r_median),
        n(s.trace_r_p5),
        n(s.spike_r),
        n(s.spike_r_lag0),
        n(s.motion_rmse_px),
        m.manifest["usage"]["engineCpuSeconds"]
            .as_f64()
            .unwrap_or(f64::NAN)
            + m.manifest["usage"]["decoderCpuSeconds"]
                .as_f64()
                .unwrap_or(0.0),
    )
}
