//! What a match says about itself: one JSON object (`docs/formats.md`).

use serde_json::{Value, json};

use super::footprint::Session;
use super::geometry::Placement;
use super::groups::Node;
use super::job::MatchJob;
use super::load::Loaded;
use super::mixture::Gaussian;
use super::{Identities, REACH_UM};

/// Version of the object's form.
const FORMAT_VERSION: u64 = 1;

/// The object. Sessions are counted from 1, footprints by their row.
pub fn report(job: &MatchJob, loaded: &[Loaded], found: &Identities) -> Value {
    let sessions: Vec<&Session> = loaded.iter().map(|l| &l.session).collect();
    let name = |node: &Node| json!([node.0 + 1, sessions[node.0].cells[node.1].row]);
    let groups: Vec<Value> = found.groups.iter().map(|group| group.iter().map(name).collect()).collect();
    let scores: Vec<Vec<f64>> = found
        .scores
        .iter()
        .map(|list| list.iter().map(|s| rounded(*s, 4)).collect())
        .collect();
    let pairs: Vec<Value> = found
        .groups
        .iter()
        .flat_map(|group| {
            group
                .iter()
                .enumerate()
                .flat_map(move |(k, a)| group[k + 1..].iter().map(move |b| (*a, *b)))
        })
        .map(|(a, b)| json!([name(&a), name(&b), rounded(found.links.get(a, b), 4)]))
        .collect();
    let footprints: usize = found.groups.iter().map(Vec::len).sum();
    let cells = found.groups.len();
    let matched = found.groups.iter().filter(|group| group.len() > 1).count();
    let all: Vec<f64> = found.scores.concat();
    json!({
        "formatVersion": FORMAT_VERSION,
        "umPerPx": job.um_per_px,
        "sessions": loaded.iter().enumerate().map(|(s, l)| session(job, s, l, &sessions, found)).collect::<Vec<_>>(),
        "groups": groups,
        "scores": scores,
        "pairs": pairs,
        "cells": cells,
        "cellsInSeveralSessions": matched,
        "meanShareOfSessions": ratio(footprints as f64, (cells * loaded.len()) as f64),
        "meanScore": ratio(all.iter().sum(), all.len() as f64),
        "model": {
            "reachUm": REACH_UM,
            "typicalRadiusPx": rounded(found.radius, 3),
            "shareSame": rounded(found.model.share, 4),
            "same": gaussian(&found.model.same),
            "different": gaussian(&found.model.different),
            "neighbours": found.judged,
            "uncertainShare": ratio(found.uncertain as f64, found.judged as f64),
        },
        "controls": {
            "layings": found.controls.layings,
            "chancePerCell": rounded(found.controls.chance, 4),
            "matches": found.controls.matches,
            "expectedFalseMatches": rounded(found.controls.false_matches, 2),
            "falseMatchRate": ratio(found.controls.false_matches, found.controls.matches as f64),
        },
    })
}

fn session(job: &MatchJob, s: usize, loaded: &Loaded, sessions: &[&Session], found: &Identities) -> Value {
    let against = relative(&found.placements[s], &found.placements[0]);
    let shift = against.shift_about(sessions[0].centre());
    json!({
        "session": s + 1,
        "path": job.sessions[s].path,
        "height": loaded.session.height,
        "width": loaded.session.width,
        "rows": loaded.rows,
        "cells": loaded.session.cells.len(),
        "rejected": loaded.rejected,
        "empty": loaded.empty,
        // Against the first session; about the middle of its frame.
        "shiftPx": shift.map(|v| rounded(v, 3)),
        "shiftUm": shift.map(|v| rounded(v * job.um_per_px, 3)),
        "rotationDegrees": rounded(against.angle.to_degrees(), 4),
        "largestBlockShiftPx": rounded(found.placements[s].field.largest(), 3),
        "alignment": found.fits[s].map(|fit| json!({
            "meeting": fit.meeting, "overlap": fit.overlap, "chance": rounded(fit.chance, 2), "sure": fit.sure(),
        })),
    })
}

/// From the first session into another; the fields of small shifts are left out.
fn relative(to: &Placement, first: &Placement) -> super::geometry::Rigid {
    to.rigid.after(&first.rigid.inverse())
}

fn gaussian(g: &Gaussian) -> Value {
    json!({ "mean": g.mean.map(|v| rounded(v, 4)), "covariance": g.covariance.map(|v| rounded(v, 4)) })
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    let value = (value * scale).round() / scale;
    // No minus in front of nothing.
    if value == 0.0 { 0.0 } else { value }
}

/// Null where there is nothing to divide by.
fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| rounded(a / b, 4))
}
