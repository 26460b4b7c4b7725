//! Cells as this module sees them: a few bright pixels and where they lie.

use super::geometry::Point;

/// Values below this share of a footprint's maximum are left out: tails say little and cost much.
const FLOOR: f32 = 0.05;

/// One cell of one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Footprint {
    /// Index in the session's arrays.
    pub row: usize,
    /// (y, x, value), values in (0, 1], the largest is 1.
    pub pixels: Vec<(i32, i32, f32)>,
}

impl Footprint {
    /// A cell from its pixels, in any unit; `None` when nothing is positive and finite.
    pub fn new(row: usize, pixels: impl IntoIterator<Item = (i32, i32, f32)>) -> Option<Self> {
        let mut pixels: Vec<_> = pixels.into_iter().filter(|(_, _, v)| v.is_finite() && *v > 0.0).collect();
        let peak = pixels.iter().fold(0.0f32, |peak, (_, _, v)| peak.max(*v));
        pixels.retain_mut(|(_, _, v)| {
            *v /= peak;
            *v >= FLOOR
        });
        pixels.sort_unstable_by_key(|(y, x, _)| (*y, *x));
        (!pixels.is_empty()).then_some(Self { row, pixels })
    }

    /// Centroid, weighted by the values.
    pub fn centroid(&self) -> Point {
        centroid(self.pixels.iter().copied()).unwrap_or([0.0, 0.0])
    }

    /// Radius of a disc with as many pixels as reach half the maximum, px.
    pub fn radius(&self) -> f64 {
        let area = self.pixels.iter().filter(|(_, _, v)| *v >= 0.5).count();
        (area as f64 / std::f64::consts::PI).sqrt()
    }

    /// Smallest and largest y and x.
    pub fn bounds(&self) -> [i32; 4] {
        self.pixels
            .iter()
            .fold([i32::MAX, i32::MIN, i32::MAX, i32::MIN], |[a, b, c, d], (y, x, _)| {
                [a.min(*y), b.max(*y), c.min(*x), d.max(*x)]
            })
    }
}

/// Weighted mean of positions; `None` without weight.
pub fn centroid(pixels: impl Iterator<Item = (i32, i32, f32)>) -> Option<Point> {
    let (mut sum, mut y, mut x) = (0.0, 0.0, 0.0);
    for (py, px, v) in pixels {
        let v = f64::from(v);
        sum += v;
        y += v * f64::from(py);
        x += v * f64::from(px);
    }
    (sum > 0.0).then(|| [y / sum, x / sum])
}

/// The cells of one session and its frame.
#[derive(Clone, Debug)]
pub struct Session {
    /// Rows of a frame.
    pub height: usize,
    /// Columns of a frame.
    pub width: usize,
    /// Cells with at least one pixel.
    pub cells: Vec<Footprint>,
    /// Mean image `H × W`, where there is one: its vessels help the alignment.
    pub image: Option<Vec<f32>>,
}

impl Session {
    /// Middle of the frame.
    pub fn centre(&self) -> Point {
        [(self.height as f64 - 1.0) / 2.0, (self.width as f64 - 1.0) / 2.0]
    }

    /// Lies a point on the frame?
    pub fn holds(&self, p: Point) -> bool {
        p[0] >= -0.5 && p[1] >= -0.5 && p[0] < self.height as f64 - 0.5 && p[1] < self.width as f64 - 0.5
    }

    /// Does a cell touch the frame's border? Then its centroid is not where its soma is.
    pub fn cut(&self, cell: &Footprint) -> bool {
        let [top, bottom, left, right] = cell.bounds();
        top <= 0 || left <= 0 || bottom >= self.height as i32 - 1 || right >= self.width as i32 - 1
    }
}

/// Points in square buckets, so that neighbours are found without looking at all.
pub struct Buckets<'a> {
    points: &'a [Point],
    size: f64,
    map: std::collections::HashMap<(i64, i64), Vec<usize>>,
}

impl<'a> Buckets<'a> {
    /// Buckets as wide as the reach of the questions to come, px.
    pub fn new(points: &'a [Point], reach: f64) -> Self {
        let size = reach.max(1.0);
        let mut map: std::collections::HashMap<_, Vec<_>> = std::collections::HashMap::new();
        for (i, p) in points.iter().enumerate() {
            map.entry(key(*p, size)).or_default().push(i);
        }
        Self { points, size, map }
    }

    /// Indices of the points within `reach` (at most that of [`Buckets::new`]), rising, with the square of the distance.
    pub fn near(&self, p: Point, reach: f64) -> Vec<(usize, f64)> {
        let (y, x) = key(p, self.size);
        let mut found: Vec<_> = (y - 1..=y + 1)
            .flat_map(|y| (x - 1..=x + 1).map(move |x| (y, x)))
            .filter_map(|key| self.map.get(&key))
            .flatten()
            .map(|i| (*i, super::geometry::distance2(self.points[*i], p)))
            .filter(|(_, d2)| *d2 <= reach * reach)
            .collect();
        found.sort_unstable_by_key(|(i, _)| *i);
        found
    }

    /// The nearest point within `reach`.
    pub fn nearest(&self, p: Point, reach: f64) -> Option<usize> {
        let near = self.near(p, reach);
        near.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| *i)
    }
}

fn key(p: Point, size: f64) -> (i64, i64) {
    ((p[0] / size).floor() as i64, (p[1] / size).floor() as i64)
}
