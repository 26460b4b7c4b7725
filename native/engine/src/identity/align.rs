//! All sessions into one common frame: each pair is aligned on its own, the surest pairs make a tree, then every session is refined against
//! all others, first as a whole, then by blocks.

use rayon::prelude::*;

use super::coarse::{USUAL_ANGLE, candidates};
use super::footprint::{Buckets, Session};
use super::geometry::{Field, Placement, Point, Rigid, distance2};

/// Standard deviations above chance from which an alignment counts as sure. The best of all shifts and angles of two unrelated fields of 60
/// cells reaches 4.5.
const SURE: f64 = 5.5;
/// Rounds of the fit of one pair; the gate shrinks over the first half.
const ROUNDS: usize = 24;
/// Rounds over all sessions.
const SWEEPS: usize = 8;
/// Pairs whose weight the field's prior (no shift) has at each node.
const PRIOR: f64 = 3.0;
/// The field is used when it predicts pairs left out of it better than no field by this factor (sum of squares).
const WORTH: f64 = 0.85;

/// How well two sessions fit when one is laid on the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// From the first session into the second.
    pub rigid: Rigid,
    /// Cells whose centres meet within one typical radius.
    pub meeting: usize,
    /// Cells of the first session that lie on the second's frame, or those of the second on the first's where they are fewer.
    pub overlap: usize,
    /// Meetings expected of unrelated cells in the same density.
    pub chance: f64,
}

impl Fit {
    /// Meetings above chance in its standard deviations.
    pub fn strength(&self) -> f64 {
        (self.meeting as f64 - self.chance) / (self.chance + 1.0).sqrt()
    }

    /// Can this fit not be chance?
    pub fn sure(&self) -> bool {
        self.meeting >= 4 && self.strength() >= SURE
    }
}

/// Sessions in the common frame, which is that of the root.
#[derive(Clone, Debug)]
pub struct Alignment {
    /// Common frame → session, in the order of the sessions.
    pub placements: Vec<Placement>,
    /// How each session meets the one it hangs on in the tree; none for the root.
    pub fits: Vec<Option<Fit>>,
}

/// Centres of a session's cells, and whether each may tell where the session lies.
struct Marks {
    all: Vec<Point>,
    /// Not cut by the frame's border.
    whole: Vec<bool>,
}

impl Marks {
    fn of(session: &Session) -> Self {
        let whole: Vec<bool> = session.cells.iter().map(|cell| !session.cut(cell)).collect();
        let enough = whole.iter().filter(|w| **w).count() >= 6;
        Self {
            all: session.cells.iter().map(super::footprint::Footprint::centroid).collect(),
            whole: if enough { whole } else { vec![true; session.cells.len()] },
        }
    }
}

/// Aligns all sessions. `radius` is a typical cell's, px. Sessions should come in an order that does not depend on the caller's.
pub fn align(sessions: &[Session], radius: f64, cancelled: &(dyn Fn() -> bool + Sync), progress: &(dyn Fn(f64) + Sync)) -> Alignment {
    let marks: Vec<Marks> = sessions.iter().map(Marks::of).collect();
    let pairs: Vec<(usize, usize)> = (0..sessions.len())
        .flat_map(|a| (a + 1..sessions.len()).map(move |b| (a, b)))
        .collect();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let fits: Vec<Fit> = pairs
        .par_iter()
        .map(|(a, b)| {
            let fit = align_pair(&sessions[*a], &sessions[*b], &marks[*a], &marks[*b], radius, cancelled);
            let n = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            progress(n as f64 / pairs.len() as f64);
            fit
        })
        .collect();
    let (root, parents) = tree(sessions.len(), &pairs, &fits);
    let mut placements: Vec<Placement> = vec![
        Placement {
            rigid: Rigid::IDENTITY,
            field: Field::zero(sessions[root].height, sessions[root].width),
        };
        sessions.len()
    ];
    let mut meets = vec![None; sessions.len()];
    for (child, parent, fit) in parents {
        placements[child].rigid = fit.rigid.after(&placements[parent].rigid);
        meets[child] = Some(fit);
    }
    refine(&marks, &mut placements, root, radius, &meets);
    Alignment { placements, fits: meets }
}

/// The surest pairs that connect all sessions (Prim), from the session whose pairs are surest together: the root and (child, parent, fit
/// from parent to child) in an order in which parents come first.
fn tree(n: usize, pairs: &[(usize, usize)], fits: &[Fit]) -> (usize, Vec<(usize, usize, Fit)>) {
    let fit = |from: usize, to: usize| -> Fit {
        let at = pairs.iter().position(|pair| *pair == (from.min(to), from.max(to)));
        let fit = fits[at.unwrap_or(0)];
        if from < to {
            fit
        } else {
            Fit {
                rigid: fit.rigid.inverse(),
                ..fit
            }
        }
    };
    let total = |s: usize| -> f64 { (0..n).filter(|t| *t != s).map(|t| fit(s, t).strength()).sum() };
    let totals: Vec<f64> = (0..n).map(total).collect();
    let root = (0..n).rev().max_by(|a, b| totals[*a].total_cmp(&totals[*b])).unwrap_or(0);
    let (mut inside, mut edges) = (vec![root], Vec::new());
    while inside.len() < n {
        let mut best: Option<(usize, usize, Fit)> = None;
        for parent in &inside {
            for child in (0..n).filter(|child| !inside.contains(child)) {
                let candidate = fit(*parent, child);
                if best.as_ref().is_none_or(|(_, _, b)| candidate.strength() > b.strength()) {
                    best = Some((child, *parent, candidate));
                }
            }
        }
        let Some(edge) = best else { break };
        inside.push(edge.0);
        edges.push(edge);
    }
    (root, edges)
}

fn align_pair(a: &Session, b: &Session, ma: &Marks, mb: &Marks, radius: f64, cancelled: &dyn Fn() -> bool) -> Fit {
    let at_rest = judge(a, b, ma, mb, Rigid::about(a.centre(), 0.0, [0.0, 0.0]), radius);
    let mut best = at_rest;
    let try_up_to = |angle: f64, best: &mut Fit| {
        for candidate in candidates(a, b, radius, angle, cancelled) {
            let rigid = settle(ma, mb, candidate.rigid, radius);
            let fit = judge(a, b, ma, mb, rigid, radius);
            if fit.strength() > best.strength() {
                *best = fit;
            }
        }
    };
    try_up_to(USUAL_ANGLE, &mut best);
    if !best.sure() {
        try_up_to(std::f64::consts::PI, &mut best);
    }
    best
}

/// Least squares over mutual nearest neighbours, far ones weighted down (Tukey), until the pairs stay.
fn settle(ma: &Marks, mb: &Marks, start: Rigid, radius: f64) -> Rigid {
    let mut rigid = start;
    let buckets = Buckets::new(&mb.all, 3.0 * radius);
    for round in 0..ROUNDS {
        let gate = radius * (3.0 - 4.0 * round as f64 / ROUNDS as f64).max(1.0);
        let moved: Vec<Point> = ma.all.iter().map(|p| rigid.apply(*p)).collect();
        let back = Buckets::new(&moved, 3.0 * radius);
        let pairs: Vec<_> = moved
            .iter()
            .enumerate()
            .filter_map(|(i, p)| {
                let j = buckets.nearest(*p, gate)?;
                (back.nearest(mb.all[j], gate) == Some(i) && ma.whole[i] && mb.whole[j]).then_some((i, j))
            })
            .map(|(i, j)| (ma.all[i], mb.all[j], tukey(distance2(moved[i], mb.all[j]).sqrt(), 1.2 * gate)))
            .collect();
        // Two points fix a rotation, but not reliably.
        if pairs.len() < 3 {
            break;
        }
        let Some(next) = Rigid::fit(&pairs) else { break };
        let still = round > ROUNDS / 2 && (next.angle - rigid.angle).abs() < 1e-7 && distance2(next.offset, rigid.offset) < 1e-8;
        rigid = next;
        if still {
            break;
        }
    }
    rigid
}

/// Weight of a residual: 1 at 0, 0 from `limit` on.
fn tukey(residual: f64, limit: f64) -> f64 {
    let t = (residual / limit).min(1.0);
    (1.0 - t * t).powi(2)
}

/// Counts what meets under a transform, and what would by chance.
fn judge(a: &Session, b: &Session, ma: &Marks, mb: &Marks, rigid: Rigid, radius: f64) -> Fit {
    let (inverse, buckets) = (rigid.inverse(), Buckets::new(&mb.all, radius));
    let moved: Vec<Point> = ma.all.iter().map(|p| rigid.apply(*p)).collect();
    let back = Buckets::new(&moved, radius);
    let on_b = moved.iter().filter(|p| b.holds(**p)).count();
    let on_a = mb.all.iter().filter(|q| a.holds(inverse.apply(**q))).count();
    let meeting = moved
        .iter()
        .enumerate()
        .filter(|(i, p)| {
            buckets
                .nearest(**p, radius)
                .is_some_and(|j| back.nearest(mb.all[j], radius) == Some(*i))
        })
        .count();
    let density = mb.all.len() as f64 / (b.height * b.width).max(1) as f64;
    let overlap = on_a.min(on_b);
    let chance = overlap as f64 * (1.0 - (-density * std::f64::consts::PI * radius * radius).exp());
    Fit {
        rigid,
        meeting,
        overlap,
        chance,
    }
}

/// A pair of cells that meet: the point in the session and, in the common frame, where another session has the cell.
type Meeting = (Point, Point, f64);

/// Mutual nearest neighbours of session `s` and every other one.
fn meetings(marks: &[Marks], common: &[Vec<Point>], s: usize, gate: f64) -> Vec<Meeting> {
    let mine = Buckets::new(&common[s], gate);
    let mut found = Vec::new();
    for (t, theirs) in common.iter().enumerate().filter(|(t, _)| *t != s) {
        let buckets = Buckets::new(theirs, gate);
        for (i, p) in common[s].iter().enumerate().filter(|(i, _)| marks[s].whole[*i]) {
            let Some(j) = buckets.nearest(*p, gate) else { continue };
            if mine.nearest(theirs[j], gate) == Some(i) && marks[t].whole[j] {
                let weight = tukey(distance2(*p, theirs[j]).sqrt(), 1.2 * gate);
                found.push((marks[s].all[i], theirs[j], weight));
            }
        }
    }
    found
}

/// Every session but the root against all others, in turn. Sessions whose fit may be chance stay as they are.
fn refine(marks: &[Marks], placements: &mut [Placement], root: usize, radius: f64, fits: &[Option<Fit>]) {
    let into_common = |marks: &Marks, placement: &Placement| -> Vec<Point> { marks.all.iter().map(|q| placement.back(*q)).collect() };
    let mut common: Vec<Vec<Point>> = marks.iter().zip(placements.iter()).map(|(m, p)| into_common(m, p)).collect();
    for sweep in 0..2 * SWEEPS {
        for s in (0..marks.len()).filter(|s| *s != root && fits[*s].is_some_and(|fit| fit.sure())) {
            let found = meetings(marks, &common, s, radius);
            if found.len() < 3 {
                continue;
            }
            if sweep < SWEEPS {
                let pairs: Vec<_> = found.iter().map(|(q, p, w)| (*p, *q, *w)).collect();
                if let Some(rigid) = Rigid::fit(&pairs) {
                    placements[s].rigid = rigid;
                }
            } else {
                placements[s].field = field(&found, &placements[s]);
            }
            common[s] = into_common(&marks[s], &placements[s]);
        }
    }
}

/// The field of small shifts that remains after the rigid transform: at each node the mean of the residuals around it, drawn to none; nothing
/// at all when it does not predict residuals that were left out.
fn field(found: &[Meeting], placement: &Placement) -> Field {
    let residuals: Vec<(Point, Point, f64)> = found
        .iter()
        .map(|(q, p, w)| {
            let at = placement.rigid.apply(*p);
            (*p, [q[0] - at[0], q[1] - at[1]], *w)
        })
        .collect();
    let zero = Field {
        shifts: vec![[0.0, 0.0]; placement.field.shifts.len()],
        ..placement.field.clone()
    };
    let reach = 0.5 * (zero.step[0] + zero.step[1]);
    let smooth = |p: Point, without: Option<Point>| -> Point {
        let (mut sum, mut weight) = ([0.0, 0.0], PRIOR);
        for (at, r, w) in &residuals {
            // The same cell seen in several sessions must be left out as a whole.
            if without.is_some_and(|one| distance2(one, *at) < 0.05 * reach * reach) {
                continue;
            }
            let k = w * (-0.5 * distance2(p, *at) / (reach * reach)).exp();
            sum = [sum[0] + k * r[0], sum[1] + k * r[1]];
            weight += k;
        }
        [sum[0] / weight, sum[1] / weight]
    };
    let (mut with, mut none) = (0.0, 0.0);
    for (p, r, w) in &residuals {
        with += w * distance2(smooth(*p, Some(*p)), *r);
        none += w * distance2([0.0, 0.0], *r);
    }
    if with > WORTH * none {
        return zero;
    }
    let mut out = zero;
    for i in 0..super::geometry::NODES {
        for j in 0..super::geometry::NODES {
            let at = out.node(i, j);
            out.shifts[i * super::geometry::NODES + j] = smooth(at, None);
        }
    }
    out
}
