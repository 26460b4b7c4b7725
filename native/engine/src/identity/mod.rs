//! Cross-session identity: which footprints of several sessions are one cell.
//!
//! Alignment ([`align`]) → neighbours and their features ([`pairs`]) → P(same) ([`mixture`]) → one-to-one groups and scores ([`groups`]) →
//! how many matches chance would make (displaced controls, here). Sessions are put in an order of their own first, by their content, so that
//! the result does not depend on the order in which they were given. `docs/engine.md` has the formulas and the papers.

pub mod align;
mod coarse;
pub mod footprint;
pub mod geometry;
pub mod groups;
pub mod job;
mod load;
pub mod mixture;
mod pairs;
pub mod report;
pub mod run;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::*;

use crate::types::StageError;
use align::{Alignment, Fit};
use footprint::Session;
use geometry::Placement;
use groups::{Links, Node};
use mixture::{Features, Mixture};
use pairs::{Laid, Neighbours};

/// Neighbours are looked at up to this distance, µm.
pub const REACH_UM: f64 = 12.0;
/// Displaced controls of each pair of sessions.
const DIRECTIONS: usize = 8;

/// What the caller chooses.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Width of a pixel, µm; the same in all sessions.
    pub um_per_px: f64,
    /// Pairs from this P(same) on are called the same in counts; grouping uses ½ by its nature.
    pub threshold: f64,
}

/// What chance would do, measured by laying sessions on each other wrongly on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Controls {
    /// Displaced layings made, over all pairs of sessions.
    pub layings: usize,
    /// Share of cells that found a "same" cell there.
    pub chance: f64,
    /// Matches that are expected to be wrong: cells without a partner meeting others without one.
    pub false_matches: f64,
    /// Pairs of footprints in one group.
    pub matches: usize,
}

/// The answer, in the order of the sessions as given.
#[derive(Clone, Debug)]
pub struct Identities {
    /// Session → where the common frame's points lie in it.
    pub placements: Vec<Placement>,
    /// How each session meets the one it was aligned to; none for one of them.
    pub fits: Vec<Option<Fit>>,
    /// Every cell as its footprints (session, index in the session's list), rising.
    pub groups: Vec<Vec<Node>>,
    /// Register score of each member.
    pub scores: Vec<Vec<f64>>,
    /// P(same) of neighbours.
    pub links: Links,
    /// The fitted model.
    pub model: Mixture,
    /// Neighbours that overlap, and those among them whose P(same) is neither near 0 nor near 1 (0.05 … 0.95).
    pub judged: usize,
    /// See there.
    pub uncertain: usize,
    /// Chance.
    pub controls: Controls,
    /// Typical half-maximum radius, px.
    pub radius: f64,
}

/// Finds the cells of two or more sessions.
///
/// # Errors
/// [`StageError::Cancelled`].
pub fn identify(
    sessions: &[Session],
    options: &Options,
    cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(&str, f64) + Sync),
) -> Result<Identities, StageError> {
    let order = own_order(sessions);
    let ordered: Vec<Session> = order.iter().map(|s| sessions[*s].clone()).collect();
    let found = in_order(&ordered, options, cancelled, progress)?;
    // Back to the caller's order: `order[k]` is where the k-th of ours stands there.
    let mut links = Links::default();
    let renamed = |(s, i): Node| (order[s], i);
    for (s, session) in ordered.iter().enumerate() {
        for i in 0..session.cells.len() {
            for (other, p) in found.links.of((s, i)) {
                links.add(renamed((s, i)), renamed(other), p);
            }
        }
    }
    let mut cells: Vec<(Vec<Node>, Vec<f64>)> = found
        .groups
        .iter()
        .zip(&found.scores)
        .map(|(group, scores)| {
            let mut members: Vec<(Node, f64)> = group.iter().map(|node| renamed(*node)).zip(scores.iter().copied()).collect();
            members.sort_by_key(|(node, _)| *node);
            members.into_iter().unzip()
        })
        .collect();
    cells.sort_by(|a, b| a.0.cmp(&b.0));
    let (groups, scores) = cells.into_iter().unzip();
    let at = |s: usize| order.iter().position(|o| *o == s).unwrap_or(0);
    Ok(Identities {
        placements: (0..sessions.len()).map(|s| found.placements[at(s)].clone()).collect(),
        fits: (0..sessions.len()).map(|s| found.fits[at(s)]).collect(),
        groups,
        scores,
        links,
        ..found
    })
}

/// An order of the sessions that follows from what is in them: most cells first, then by a digest of the footprints.
fn own_order(sessions: &[Session]) -> Vec<usize> {
    let digest = |session: &Session| {
        let mut hasher = DefaultHasher::new();
        (session.height, session.width).hash(&mut hasher);
        for cell in &session.cells {
            for (y, x, v) in &cell.pixels {
                (y, x, v.to_bits()).hash(&mut hasher);
            }
        }
        hasher.finish()
    };
    let keys: Vec<_> = sessions.iter().map(|s| (usize::MAX - s.cells.len(), digest(s))).collect();
    let mut order: Vec<usize> = (0..sessions.len()).collect();
    order.sort_by_key(|s| keys[*s]);
    order
}

fn in_order(
    sessions: &[Session],
    options: &Options,
    cancelled: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn(&str, f64) + Sync),
) -> Result<Identities, StageError> {
    let stop = || if cancelled() { Err(StageError::Cancelled) } else { Ok(()) };
    let radius = typical_radius(sessions);
    let Alignment { placements, fits } = align::align(sessions, radius, cancelled, &|f| progress("align", f));
    stop()?;
    let laid: Vec<Laid<'_>> = sessions.par_iter().zip(&placements).map(|(s, p)| Laid::new(s, p)).collect();
    let reach = REACH_UM / options.um_per_px;
    let session_pairs: Vec<(usize, usize)> = (0..sessions.len())
        .flat_map(|a| (a + 1..sessions.len()).map(move |b| (a, b)))
        .collect();
    progress("compare", 0.0);
    let across: Vec<Vec<Neighbours>> = session_pairs
        .par_iter()
        .map(|(a, b)| pairs::neighbours(&laid[*a], &laid[*b], [0, 0], reach, radius))
        .collect();
    stop()?;
    let within: Vec<Vec<Neighbours>> = laid.par_iter().map(|l| pairs::different(l, reach, radius)).collect();
    stop()?;
    let features = |n: &Neighbours| Features {
        distance: n.distance / radius,
        correlation: n.correlation,
    };
    let all = |lists: &[Vec<Neighbours>]| -> Vec<Features> { lists.iter().flatten().map(features).collect() };
    let model = Mixture::fit(&all(&across), &all(&within));
    let mut links = Links::default();
    let (mut judged, mut uncertain) = (0, 0);
    for ((a, b), list) in session_pairs.iter().zip(&across) {
        for n in list.iter().filter(|n| n.correlation > 0.0) {
            let p = model.probability(features(n));
            judged += 1;
            uncertain += usize::from((0.05..=0.95).contains(&p));
            links.add((*a, n.i), (*b, n.j), p);
        }
    }
    progress("group", 0.0);
    let sizes: Vec<usize> = sessions.iter().map(|s| s.cells.len()).collect();
    let groups = groups::group(&sizes, &links);
    let scores = groups
        .iter()
        .map(|group| {
            group
                .iter()
                .map(|node| groups::score(*node, group, sessions.len(), &links))
                .collect()
        })
        .collect();
    stop()?;
    let probability = |n: &Neighbours| model.probability(features(n));
    let controls = controls(&laid, &session_pairs, &groups, reach, radius, &probability, options, &|f| {
        progress("controls", f);
    });
    stop()?;
    Ok(Identities {
        placements,
        fits,
        groups,
        scores,
        links,
        model,
        judged,
        uncertain,
        controls,
        radius,
    })
}

/// Median half-maximum radius of all cells, px; at least 1.
fn typical_radius(sessions: &[Session]) -> f64 {
    let mut radii: Vec<f64> = sessions.iter().flat_map(|s| &s.cells).map(footprint::Footprint::radius).collect();
    radii.sort_by(f64::total_cmp);
    radii.get(radii.len() / 2).copied().unwrap_or(1.0).max(1.0)
}

/// Lays each pair of sessions on each other displaced so far that no cell can meet itself, and counts what is called the same there. Only
/// cells without a true partner can be matched falsely to others without one, so the expected number of false matches is the chance of a
/// displaced cell times the cells left over on one side times the share left over on the other.
#[allow(clippy::too_many_arguments)]
fn controls(
    laid: &[Laid<'_>],
    session_pairs: &[(usize, usize)],
    groups: &[Vec<Node>],
    reach: f64,
    radius: f64,
    probability: &(dyn Fn(&Neighbours) -> f64 + Sync),
    options: &Options,
    progress: &(dyn Fn(f64) + Sync),
) -> Controls {
    let far = 2.0 * reach + 4.0 * radius;
    let offsets: Vec<[i32; 2]> = (0..DIRECTIONS)
        .map(|k| 2.0 * std::f64::consts::PI * k as f64 / DIRECTIONS as f64)
        .map(|angle| [(far * angle.sin()).round() as i32, (far * angle.cos()).round() as i32])
        .collect();
    let counts: Vec<(usize, usize, usize)> = session_pairs
        .par_iter()
        .map(|(a, b)| {
            let matches = groups
                .iter()
                .filter(|g| g.iter().any(|(s, _)| s == a) && g.iter().any(|(s, _)| s == b))
                .count();
            let (mut taken, mut facing) = (0, 0);
            for offset in &offsets {
                taken += one_to_one(&laid[*a], &laid[*b], *offset, reach, radius, probability, options.threshold);
                facing += pairs::facing(&laid[*a], &laid[*b], *offset);
            }
            (matches, taken, facing)
        })
        .collect();
    progress(1.0);
    let mut out = Controls {
        layings: session_pairs.len() * offsets.len(),
        ..Controls::default()
    };
    let (mut taken_all, mut facing_all) = (0usize, 0usize);
    for ((a, b), (matches, taken, facing)) in session_pairs.iter().zip(counts) {
        out.matches += matches;
        taken_all += taken;
        facing_all += facing;
        let chance = taken as f64 / facing.max(1) as f64;
        let left = |s: usize| (laid[s].cells.len().saturating_sub(matches)) as f64;
        out.false_matches += chance * left(*a) * left(*b) / (laid[*b].cells.len().max(1)) as f64;
    }
    out.chance = taken_all as f64 / facing_all.max(1) as f64;
    out
}

/// Pairs above the threshold, the most probable first, each cell once: their number.
fn one_to_one(
    a: &Laid<'_>,
    b: &Laid<'_>,
    offset: [i32; 2],
    reach: f64,
    radius: f64,
    probability: &(dyn Fn(&Neighbours) -> f64 + Sync),
    threshold: f64,
) -> usize {
    let mut list: Vec<(f64, usize, usize)> = pairs::neighbours(a, b, offset, reach, radius)
        .iter()
        .map(|n| (probability(n), n.i, n.j))
        .filter(|(p, _, _)| *p >= threshold)
        .collect();
    list.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let (mut of_a, mut of_b) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    list.iter()
        .filter(|(_, i, j)| {
            let free = !of_a.contains(i) && !of_b.contains(j);
            if free {
                of_a.insert(*i);
                of_b.insert(*j);
            }
            free
        })
        .count()
}
