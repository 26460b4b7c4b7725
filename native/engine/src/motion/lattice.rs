//! A field of displacements: nodes on a lattice, bilinear between them, held beyond the outermost; and the warp that takes it back.
//!
//! `registered(p) = frame(p + d(p))`, `d` the displacement of the content that rests at `p`.

use std::ops::Range;

use crate::simd::dispatch;

/// Steps of the fixed point that finds which content a pixel of the frame shows.
const INVERSE_STEPS: usize = 4;
/// Points on each axis over which a field is averaged.
const MEAN_POINTS: usize = 24;

/// Where the nodes of a field lie.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Lattice {
    /// Rows of the nodes, px, rising.
    pub rows: Vec<f32>,
    /// Columns of the nodes, px, rising.
    pub columns: Vec<f32>,
}

/// A node and the share of the next one at a place between them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Between {
    first: usize,
    share: f32,
}

fn between(nodes: &[f32], at: f32) -> Between {
    let first = nodes.partition_point(|n| *n <= at).clamp(1, nodes.len() - 1) - 1;
    let share = ((at - nodes[first]) / (nodes[first + 1] - nodes[first])).clamp(0.0, 1.0);
    Between { first, share }
}

impl Lattice {
    /// `nodes = [rows, columns]` (each at least 2) spread over a picture of `height × width` px, the outermost on its corners.
    pub fn over([height, width]: [usize; 2], nodes: [usize; 2]) -> Self {
        let spread = |n: usize, side: usize| (0..n).map(|i| i as f32 * (side as f32 - 1.0) / (n as f32 - 1.0)).collect();
        Self {
            rows: spread(nodes[0], height),
            columns: spread(nodes[1], width),
        }
    }

    /// The same nodes in raw px, for a picture binned by `bin`.
    pub fn raw(&self, bin: usize) -> Self {
        let b = bin as f32;
        let place = |at: &f32| b * at + 0.5 * (b - 1.0);
        Self {
            rows: self.rows.iter().map(place).collect(),
            columns: self.columns.iter().map(place).collect(),
        }
    }

    /// Nodes there are.
    pub fn nodes(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The field at `(y, x)`.
    pub fn at(&self, field: &[[f32; 2]], y: f32, x: f32) -> [f32; 2] {
        let (v, u) = (between(&self.rows, y), between(&self.columns, x));
        let row = |r: usize| {
            let at = r * self.columns.len() + u.first;
            mix2(field[at], field[at + 1], u.share)
        };
        mix2(row(v.first), row(v.first + 1), v.share)
    }

    /// Mean displacement of what a frame of `height × width` px shows (the field itself belongs to the places of rest).
    pub fn mean(&self, field: &[[f32; 2]], [height, width]: [usize; 2]) -> [f32; 2] {
        let place = |i: usize, n: usize| (i as f32 + 0.5) / MEAN_POINTS as f32 * n as f32 - 0.5;
        let mut sum = [0.0f64; 2];
        for i in 0..MEAN_POINTS {
            for j in 0..MEAN_POINTS {
                let (y, x) = (place(i, height), place(j, width));
                let mut d = [0.0; 2];
                for _ in 0..INVERSE_STEPS {
                    d = self.at(field, y - d[0], x - d[1]);
                }
                sum[0] += f64::from(d[0]);
                sum[1] += f64::from(d[1]);
            }
        }
        sum.map(|s| (s / (MEAN_POINTS * MEAN_POINTS) as f64) as f32)
    }

    /// The rotation that fits the field best, radians: `R = [[cos, sin], [−sin, cos]]` on `(y, x)` around the lattice's centre.
    pub fn rotation(&self, field: &[[f32; 2]]) -> f32 {
        let middle = |n: &[f32]| n.iter().sum::<f32>() / n.len() as f32;
        let (cy, cx) = (middle(&self.rows), middle(&self.columns));
        let (mut turn, mut arm) = (0.0f64, 0.0f64);
        for (d, (y, x)) in field
            .iter()
            .zip(self.rows.iter().flat_map(|y| self.columns.iter().map(move |x| (y - cy, x - cx))))
        {
            turn += f64::from(x * d[0] - y * d[1]);
            arm += f64::from(x * x + y * y);
        }
        (turn / arm.max(1e-12)) as f32
    }
}

/// How far outside a picture of that height and width the source of pixel `[y, x]`, displaced by `d`, lies, px; at most 0 inside.
pub fn outside([y, x]: [usize; 2], d: [f32; 2], size: [usize; 2]) -> f32 {
    let beyond = |at: f32, n: usize| (-at).max(at - (n as f32 - 1.0));
    beyond(y as f32 + d[0], size[0]).max(beyond(x as f32 + d[1], size[1]))
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + share * (b - a)
}

fn mix2(a: [f32; 2], b: [f32; 2], share: f32) -> [f32; 2] {
    [mix(a[0], b[0], share), mix(a[1], b[1], share)]
}

/// Takes fields of one lattice back from pictures of one size.
#[derive(Clone, Debug)]
pub struct Warper {
    size: [usize; 2],
    columns_of_nodes: usize,
    rows: Vec<Between>,
    columns: Vec<Between>,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct Line {
    nodes: Vec<[f32; 2]>,
    dy: Vec<f32>,
    dx: Vec<f32>,
}

impl Warper {
    /// For pictures of `size = [height, width]`.
    pub fn new(size: [usize; 2], lattice: &Lattice) -> Self {
        Self {
            size,
            columns_of_nodes: lattice.columns.len(),
            rows: (0..size[0]).map(|y| between(&lattice.rows, y as f32)).collect(),
            columns: (0..size[1]).map(|x| between(&lattice.columns, x as f32)).collect(),
        }
    }

    /// The node above row `y` and the share of the one below it.
    pub fn row_share(&self, y: usize) -> (usize, f32) {
        (self.rows[y].first, self.rows[y].share)
    }

    /// For each column of the picture the node on its left and the share of the one on its right.
    pub fn column_shares(&self) -> Vec<(usize, f32)> {
        self.columns.iter().map(|b| (b.first, b.share)).collect()
    }

    /// Columns of the picture between each two neighbouring columns of nodes.
    pub fn column_segments(&self) -> Vec<Range<usize>> {
        let start = |node: usize| self.columns.partition_point(|b| b.first < node);
        (0..self.columns_of_nodes - 1).map(|node| start(node)..start(node + 1)).collect()
    }

    /// The field on row `y` at the nodes' columns.
    fn nodes_of_row(&self, field: &[[f32; 2]], y: usize, nodes: &mut Vec<[f32; 2]>) {
        let (n, Between { first, share }) = (self.columns_of_nodes, self.rows[y]);
        let (above, below) = (&field[first * n..(first + 1) * n], &field[(first + 1) * n..(first + 2) * n]);
        nodes.clear();
        nodes.extend(above.iter().zip(below).map(|(a, b)| mix2(*a, *b, share)));
    }

    fn displacements_of_row(&self, field: &[[f32; 2]], y: usize, line: &mut Line) {
        self.nodes_of_row(field, y, &mut line.nodes);
        line.dy.clear();
        line.dx.clear();
        for Between { first, share } in &self.columns {
            line.dy.push(mix(line.nodes[*first][0], line.nodes[first + 1][0], *share));
            line.dx.push(mix(line.nodes[*first][1], line.nodes[first + 1][1], *share));
        }
    }

    /// One row of the registered picture into `out` (`width` values), by cubic convolution (Keys, a = −½), borders held.
    #[inline(always)]
    pub fn row<T: Copy + Into<f32>>(&self, source: &[T], field: &[[f32; 2]], y: usize, line: &mut Line, out: &mut [f32]) {
        let [height, width] = self.size;
        self.displacements_of_row(field, y, line);
        for (x, value) in out[..width].iter_mut().enumerate() {
            let (py, px) = (y as f32 + line.dy[x], x as f32 + line.dx[x]);
            let (fy, fx) = (py.floor(), px.floor());
            let (wy, wx) = (keys(py - fy), keys(px - fx));
            let (top, left) = (fy as isize - 1, fx as isize - 1);
            let mut sum = 0.0;
            if top >= 0 && left >= 0 && top <= height as isize - 4 && left <= width as isize - 4 {
                let at = top as usize * width + left as usize;
                for (j, w) in wy.iter().enumerate() {
                    let four = &source[at + j * width..at + j * width + 4];
                    sum += w * ((wx[0] * four[0].into() + wx[1] * four[1].into()) + (wx[2] * four[2].into() + wx[3] * four[3].into()));
                }
            } else {
                for (j, w) in wy.iter().enumerate() {
                    let row = top.saturating_add(j as isize).clamp(0, height as isize - 1) as usize * width;
                    let tap = |i: isize| -> f32 { source[row + left.saturating_add(i).clamp(0, width as isize - 1) as usize].into() };
                    sum += w * ((wx[0] * tap(0) + wx[1] * tap(1)) + (wx[2] * tap(2) + wx[3] * tap(3)));
                }
            }
            *value = sum;
        }
    }

    /// How far outside the picture the source of pixel `(y, x)` lies, px; at most 0 inside.
    pub fn outside(&self, field: &[[f32; 2]], y: usize, x: usize) -> f32 {
        let n = self.columns_of_nodes;
        let (v, u) = (self.rows[y], self.columns[x]);
        let row = |r: usize| mix2(field[r * n + u.first], field[r * n + u.first + 1], u.share);
        let d = mix2(row(v.first), row(v.first + 1), v.share);
        outside([y, x], d, self.size)
    }

    /// The whole registered picture.
    pub fn warp(&self, source: &[f32], field: &[[f32; 2]], line: &mut Line, out: &mut [f32]) {
        warp(self, source, field, line, out);
    }

    /// Rows and columns, as one rectangle around the middle, whose every source lies inside the picture.
    pub fn inside(&self, field: &[[f32; 2]]) -> [Range<usize>; 2] {
        let [height, width] = self.size;
        let mut nodes = Vec::new();
        let rows = around_middle(height, |y| {
            self.nodes_of_row(field, y, &mut nodes);
            nodes.iter().all(|d| (0.0..=height as f32 - 1.0).contains(&(y as f32 + d[0])))
        });
        let columns = around_middle(width, |x| {
            let Between { first, share } = self.columns[x];
            field.chunks_exact(self.columns_of_nodes).all(|row| {
                let d = mix(row[first][1], row[first + 1][1], share);
                (0.0..=width as f32 - 1.0).contains(&(x as f32 + d))
            })
        });
        [rows, columns]
    }
}

dispatch! {
    fn warp(warper: &Warper, source: &[f32], field: &[[f32; 2]], line: &mut Line, out: &mut [f32]) = warp_body
}

#[inline(always)]
fn warp_body(warper: &Warper, source: &[f32], field: &[[f32; 2]], line: &mut Line, out: &mut [f32]) {
    for (y, row) in out.chunks_exact_mut(warper.size[1]).enumerate() {
        warper.row(source, field, y, line, row);
    }
}

/// Weights of the four samples around a place `f` behind the second.
#[inline(always)]
fn keys(f: f32) -> [f32; 4] {
    [
        f * (-0.5 + f * (1.0 - 0.5 * f)),
        1.0 + f * f * (-2.5 + 1.5 * f),
        f * (0.5 + f * (2.0 - 1.5 * f)),
        f * f * (-0.5 + 0.5 * f),
    ]
}

/// The run of places around the middle of `n` for which `holds`; empty when it does not hold there.
fn around_middle(n: usize, mut holds: impl FnMut(usize) -> bool) -> Range<usize> {
    let middle = n / 2;
    if n == 0 || !holds(middle) {
        return middle..middle;
    }
    let first = (0..middle).rev().find(|i| !holds(*i)).map_or(0, |i| i + 1);
    let end = (middle..n).find(|i| !holds(*i)).unwrap_or(n);
    first..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::warp::{inside, warp as warp_rigid};

    fn picture(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|i| ((i * 37 + i / width * 11) % 53) as f32).collect()
    }

    fn bent(lattice: &Lattice) -> Vec<[f32; 2]> {
        (0..lattice.nodes())
            .map(|i| [(i as f32 * 1.7).sin() * 2.0 + 0.5, (i as f32 * 0.9).cos() * 3.0])
            .collect()
    }

    #[test]
    fn a_field_that_is_the_same_everywhere_is_the_rigid_warp() {
        let size = [13, 18];
        let lattice = Lattice::over(size, [4, 5]);
        let source = picture(13, 18);
        for d in [[0.0, 0.0], [1.0, -2.0], [-3.4, 5.9], [0.25, 0.75]] {
            let (mut wanted, mut got) = (vec![0.0; 234], vec![0.0; 234]);
            warp_rigid(&source, size, d, &mut Vec::new(), &mut wanted);
            let warper = Warper::new(size, &lattice);
            let field = vec![d; lattice.nodes()];
            warper.warp(&source, &field, &mut Line::default(), &mut got);
            assert!(got.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-3), "{d:?}");
            assert_eq!(warper.inside(&field), [inside(13, d[0]), inside(18, d[1])]);
            let mean = lattice.mean(&field, size);
            assert!((mean[0] - d[0]).abs() < 1e-5 && (mean[1] - d[1]).abs() < 1e-5);
        }
    }

    #[test]
    fn each_pixel_takes_the_bilinear_displacement_of_its_place() {
        let size = [21, 16];
        let lattice = Lattice::over(size, [4, 6]);
        let field = bent(&lattice);
        // A ramp is interpolated exactly, so the registered ramp reads off the displacement.
        let ramp: Vec<f32> = (0..336).map(|i| (i / 16) as f32 + 100.0 * (i % 16) as f32).collect();
        let mut out = vec![0.0; 336];
        let warper = Warper::new(size, &lattice);
        warper.warp(&ramp, &field, &mut Line::default(), &mut out);
        let [rows, columns] = warper.inside(&field);
        assert!(rows.len() > 8 && columns.len() > 4);
        // Two further from the border: the cubic reaches there.
        for y in rows.start + 2..rows.end - 2 {
            for x in columns.start + 2..columns.end - 2 {
                let [dy, dx] = lattice.at(&field, y as f32, x as f32);
                let wanted = y as f32 + dy + 100.0 * (x as f32 + dx);
                assert!((out[y * 16 + x] - wanted).abs() < 0.05, "{y} {x}: {} {wanted}", out[y * 16 + x]);
            }
        }
    }

    #[test]
    fn the_mean_is_over_what_the_frame_shows_and_a_rotation_is_recognised() {
        let size = [60, 90];
        let lattice = Lattice::over(size, [5, 6]);
        // Content at rest at p appears at 1.1 p: what the frame shows at q has moved by q − q / 1.1.
        let stretched: Vec<[f32; 2]> = lattice
            .rows
            .iter()
            .flat_map(|y| lattice.columns.iter().map(move |_| [0.1 * y, 0.0]))
            .collect();
        let wanted = (0..60).map(|q| q as f32 - q as f32 / 1.1).sum::<f32>() / 60.0;
        assert!((lattice.mean(&stretched, size)[0] - wanted).abs() < 0.02);
        let turned: Vec<[f32; 2]> = lattice
            .rows
            .iter()
            .flat_map(|y| {
                lattice
                    .columns
                    .iter()
                    .map(move |x| [0.02 * (x - 44.5) + 3.0, -0.02 * (y - 29.5) - 1.0])
            })
            .collect();
        assert!((lattice.rotation(&turned) - 0.02).abs() < 1e-5);
        assert_eq!(lattice.raw(4).rows[1], 4.0 * lattice.rows[1] + 1.5);
    }

    #[test]
    fn wild_displacements_leave_nothing_inside_and_do_not_fail() {
        let size = [9, 12];
        let lattice = Lattice::over(size, [4, 4]);
        let field = vec![[1e9, -1e9]; 16];
        let warper = Warper::new(size, &lattice);
        let mut out = vec![0.0; 108];
        warper.warp(&picture(9, 12), &field, &mut Line::default(), &mut out);
        assert!(out.iter().all(|v| v.is_finite()));
        assert!(warper.inside(&field).iter().all(Range::is_empty));
    }
}
