//! Neighbours in the common frame and what tells same cells from different ones: the distance of the centres and the correlation of the
//! footprints, both only over what both sessions see.

use std::collections::HashMap;

use super::footprint::{Buckets, Footprint, Session, centroid};
use super::geometry::{Placement, Point, distance2};

/// A pair is judged when at least this share of both footprints lies on both frames.
const SEEN: f64 = 0.1;

/// A cell brought into the common frame.
#[derive(Clone, Debug)]
pub struct Placed {
    /// (y, x, value) in whole px of the common frame, which has no border.
    pub pixels: Vec<(i32, i32, f32)>,
    /// Weighted centre.
    pub centre: Point,
}

/// A session's cells in the common frame.
pub struct Laid<'a> {
    pub session: &'a Session,
    pub placement: &'a Placement,
    pub cells: Vec<Placed>,
    centres: Vec<Point>,
}

/// Two cells that may be one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbours {
    /// Index of the cell in the first session's list.
    pub i: usize,
    /// Index in the second's.
    pub j: usize,
    /// Distance of the centres, px.
    pub distance: f64,
    /// Cosine of the footprints.
    pub correlation: f64,
}

impl<'a> Laid<'a> {
    /// Resamples all footprints (bilinear).
    pub fn new(session: &'a Session, placement: &'a Placement) -> Self {
        let cells: Vec<Placed> = session.cells.iter().map(|cell| place(cell, placement)).collect();
        let centres = cells.iter().map(|cell| cell.centre).collect();
        Self {
            session,
            placement,
            cells,
            centres,
        }
    }

    /// Is a point of the common frame on this session's frame?
    fn sees(&self, p: Point) -> bool {
        self.session.holds(self.placement.apply(p))
    }
}

fn place(cell: &Footprint, placement: &Placement) -> Placed {
    let [top, bottom, left, right] = cell.bounds();
    let values: HashMap<(i32, i32), f32> = cell.pixels.iter().map(|(y, x, v)| ((*y, *x), *v)).collect();
    let corners = [[top, left], [top, right], [bottom, left], [bottom, right]].map(|[y, x]| placement.back([f64::from(y), f64::from(x)]));
    let range = |axis: usize| {
        let low = corners.iter().map(|c| c[axis]).fold(f64::INFINITY, f64::min);
        let high = corners.iter().map(|c| c[axis]).fold(f64::NEG_INFINITY, f64::max);
        (low.floor() as i32 - 1)..=(high.ceil() as i32 + 1)
    };
    let value = |y: i32, x: i32| f64::from(values.get(&(y, x)).copied().unwrap_or(0.0));
    let mut pixels = Vec::new();
    for y in range(0) {
        for x in range(1) {
            let q = placement.apply([f64::from(y), f64::from(x)]);
            let (v, u) = (q[0] - q[0].floor(), q[1] - q[1].floor());
            let (i, j) = (q[0].floor() as i32, q[1].floor() as i32);
            let sample =
                (1.0 - v) * ((1.0 - u) * value(i, j) + u * value(i, j + 1)) + v * ((1.0 - u) * value(i + 1, j) + u * value(i + 1, j + 1));
            if sample > 0.0 {
                pixels.push((y, x, sample as f32));
            }
        }
    }
    let centre = centroid(pixels.iter().copied()).unwrap_or_else(|| placement.back(cell.centroid()));
    Placed { pixels, centre }
}

/// All pairs of `a` and `b` whose centres are at most `reach` px apart when `a` is displaced by `offset` whole px, in rising order of (i, j).
/// `radius` is a typical cell's.
pub fn neighbours(a: &Laid<'_>, b: &Laid<'_>, offset: [i32; 2], reach: f64, radius: f64) -> Vec<Neighbours> {
    // Centres of cells cut by a border move when only the common part is looked at.
    let wide = reach + 2.0 * radius;
    let buckets = Buckets::new(&b.centres, wide);
    let mut out = Vec::new();
    for (i, cell) in a.cells.iter().enumerate() {
        let centre = [cell.centre[0] + f64::from(offset[0]), cell.centre[1] + f64::from(offset[1])];
        for (j, _) in buckets.near(centre, wide) {
            if let Some((distance, correlation)) = compare(a, b, cell, &b.cells[j], offset)
                && distance <= reach
            {
                out.push(Neighbours {
                    i,
                    j,
                    distance,
                    correlation,
                });
            }
        }
    }
    out
}

/// Pairs of different cells of one session, as [`neighbours`] gives them for two: what "different" looks like.
pub fn different(a: &Laid<'_>, reach: f64, radius: f64) -> Vec<Neighbours> {
    let mut pairs = neighbours(a, a, [0, 0], reach, radius);
    pairs.retain(|pair| pair.i < pair.j);
    pairs
}

/// Distance and cosine over what both sessions see; `None` where that is too little.
fn compare(a: &Laid<'_>, b: &Laid<'_>, p: &Placed, q: &Placed, offset: [i32; 2]) -> Option<(f64, f64)> {
    let seen = |y: i32, x: i32| b.sees([f64::from(y), f64::from(x)]) && a.sees([f64::from(y - offset[0]), f64::from(x - offset[1])]);
    let cut = |cell: &Placed, offset: [i32; 2]| -> (Vec<(i32, i32, f32)>, f64) {
        let energy = |pixels: &[(i32, i32, f32)]| pixels.iter().map(|(_, _, v)| f64::from(*v).powi(2)).sum::<f64>();
        let all = energy(&cell.pixels);
        let kept: Vec<_> = cell
            .pixels
            .iter()
            .map(|(y, x, v)| (y + offset[0], x + offset[1], *v))
            .filter(|(y, x, _)| seen(*y, *x))
            .collect();
        let share = if all > 0.0 { energy(&kept) / all } else { 0.0 };
        (kept, share)
    };
    let ((p, share_p), (q, share_q)) = (cut(p, offset), cut(q, [0, 0]));
    if share_p < SEEN || share_q < SEEN {
        return None;
    }
    let distance = distance2(centroid(p.iter().copied())?, centroid(q.iter().copied())?).sqrt();
    Some((distance, cosine(&p, &q)))
}

/// Cosine of two lists of pixels, both sorted by (y, x).
fn cosine(p: &[(i32, i32, f32)], q: &[(i32, i32, f32)]) -> f64 {
    let (mut i, mut j, mut dot) = (0, 0, 0.0);
    while i < p.len() && j < q.len() {
        match (p[i].0, p[i].1).cmp(&(q[j].0, q[j].1)) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                dot += f64::from(p[i].2) * f64::from(q[j].2);
                i += 1;
                j += 1;
            }
        }
    }
    let norm = |pixels: &[(i32, i32, f32)]| pixels.iter().map(|(_, _, v)| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let norms = norm(p) * norm(q);
    if norms > 0.0 { dot / norms } else { 0.0 }
}

/// Cells of `a`, displaced by `offset`, whose centre lies on `b`'s frame.
pub fn facing(a: &Laid<'_>, b: &Laid<'_>, offset: [i32; 2]) -> usize {
    a.centres
        .iter()
        .filter(|c| b.sees([c[0] + f64::from(offset[0]), c[1] + f64::from(offset[1])]))
        .count()
}
