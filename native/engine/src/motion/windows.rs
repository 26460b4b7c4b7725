//! Correlation of a picture with a template under the hat window of each node of a lattice, for all whole displacements around.
//!
//! The windows are those of the bilinear field, so products are summed once down each band of rows between two rows of nodes and only then
//! shared out among the nodes along the columns.

use std::ops::Range;

use super::lattice::{Lattice, Warper};
use crate::simd::dispatch;

/// Columns that are summed side by side: two vectors of AVX2, so that their additions do not wait for one another.
const LANES: usize = 16;

/// A template under the windows of a lattice.
pub struct Windows {
    size: [usize; 2],
    nodes: [usize; 2],
    /// The template, rows padded with 0 to whole `LANES`.
    template: Vec<f32>,
    stride: usize,
    /// Rows between two rows of nodes; the share that the lower node has in each row of the picture.
    bands: Vec<Range<usize>>,
    lower: Vec<f32>,
    /// Columns between two columns of nodes; the share that the right node has in each column of the picture.
    segments: Vec<Range<usize>>,
    right: Vec<f32>,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct WindowScratch {
    padded: Vec<f32>,
    sums: [Vec<f32>; 2],
    /// The result of [`Windows::correlate`].
    pub maps: Vec<f32>,
}

impl Windows {
    /// For pictures of `size = [height, width]`; the template is 0.
    pub fn new(size: [usize; 2], lattice: &Lattice, warper: &Warper) -> Self {
        let stride = size[1].next_multiple_of(LANES);
        let nodes = [lattice.rows.len(), lattice.columns.len()];
        let rows: Vec<(usize, f32)> = (0..size[0]).map(|y| warper.row_share(y)).collect();
        let start = |node: usize| rows.partition_point(|(first, _)| *first < node);
        Self {
            size,
            nodes,
            template: vec![0.0; size[0] * stride],
            stride,
            bands: (0..nodes[0] - 1).map(|node| start(node)..start(node + 1)).collect(),
            lower: rows.iter().map(|(_, share)| *share).collect(),
            segments: warper.column_segments(),
            right: warper.column_shares().into_iter().map(|(_, share)| share).collect(),
        }
    }

    /// Takes the top left of `image`, whose rows are `stride` long, as the template.
    pub fn set_template(&mut self, image: &[f32], stride: usize) {
        let width = self.size[1];
        for (to, from) in self.template.chunks_exact_mut(self.stride).zip(image.chunks(stride)) {
            to[..width].copy_from_slice(&from[..width]);
        }
    }

    /// Correlation of `picture` (borders held) with the template for displacements up to `reach` on each side, into `scratch.maps`:
    /// nodes × (2 reach + 1)².
    pub fn correlate(&self, picture: &[f32], reach: usize, scratch: &mut WindowScratch) {
        correlate(self, picture, reach, scratch);
    }
}

dispatch! {
    fn correlate(windows: &Windows, picture: &[f32], reach: usize, scratch: &mut WindowScratch) = correlate_body
}

#[inline(always)]
fn correlate_body(windows: &Windows, picture: &[f32], reach: usize, scratch: &mut WindowScratch) {
    let [height, width] = windows.size;
    let wide = windows.stride + 2 * reach;
    let WindowScratch { padded, sums, maps } = scratch;
    padded.clear();
    for y in 0..height + 2 * reach {
        let row = &picture[y.saturating_sub(reach).min(height - 1) * width..][..width];
        padded.resize(y * wide + reach, row[0]);
        padded.extend_from_slice(row);
        padded.resize((y + 1) * wide, row[width - 1]);
    }
    let side = 2 * reach + 1;
    let columns = windows.nodes[1];
    maps.clear();
    maps.resize(windows.nodes[0] * columns * side * side, 0.0);
    let [whole, part] = sums;
    whole.resize(windows.stride, 0.0);
    part.resize(windows.stride, 0.0);
    for (band, rows) in windows.bands.iter().enumerate() {
        for dy in 0..side {
            for dx in 0..side {
                sum_rows(windows, padded, [dy, dx, wide], rows.clone(), whole, part);
                let place = |row: usize, column: usize| ((row * columns + column) * side + dy) * side + dx;
                for (s, segment) in windows.segments.iter().enumerate() {
                    let right = &windows.right[segment.clone()];
                    let [all, to_right] = share_out(&whole[segment.clone()], right);
                    let [low, low_right] = share_out(&part[segment.clone()], right);
                    maps[place(band, s)] += (all - to_right) - (low - low_right);
                    maps[place(band, s + 1)] += to_right - low_right;
                    maps[place(band + 1, s)] += low - low_right;
                    maps[place(band + 1, s + 1)] += low_right;
                }
            }
        }
    }
}

/// Sums of template times displaced picture down the `rows`, for each column: `whole`, and `part` with each row's share of the lower node.
#[inline(always)]
fn sum_rows(windows: &Windows, padded: &[f32], [dy, dx, wide]: [usize; 3], rows: Range<usize>, whole: &mut [f32], part: &mut [f32]) {
    for (i, (whole, part)) in whole.chunks_exact_mut(LANES).zip(part.chunks_exact_mut(LANES)).enumerate() {
        let (mut all, mut low) = ([0.0f32; LANES], [0.0f32; LANES]);
        for y in rows.clone() {
            let template = &windows.template[y * windows.stride + i * LANES..][..LANES];
            let source = &padded[(y + dy) * wide + dx + i * LANES..][..LANES];
            let share = windows.lower[y];
            for lane in 0..LANES {
                let product = template[lane] * source[lane];
                all[lane] += product;
                low[lane] += share * product;
            }
        }
        whole.copy_from_slice(&all);
        part.copy_from_slice(&low);
    }
}

/// Sum of the values, and of the values times their share.
#[inline(always)]
fn share_out(values: &[f32], shares: &[f32]) -> [f32; 2] {
    const LANES: usize = 8;
    let (mut all, mut part) = ([0.0f32; LANES], [0.0f32; LANES]);
    let (mut v, mut s) = (values.chunks_exact(LANES), shares.chunks_exact(LANES));
    for (v, s) in (&mut v).zip(&mut s) {
        for lane in 0..LANES {
            all[lane] += v[lane];
            part[lane] += v[lane] * s[lane];
        }
    }
    for (lane, (v, s)) in v.remainder().iter().zip(s.remainder()).enumerate() {
        all[lane] += v;
        part[lane] += v * s;
    }
    [all.iter().sum(), part.iter().sum()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_are_the_windowed_correlations_of_the_definition() {
        let size = [20, 27];
        let lattice = Lattice::over(size, [4, 5]);
        let mut windows = Windows::new(size, &lattice, &Warper::new(size, &lattice));
        let weight: Vec<f32> = (0..540).map(|p| ((p * 29) % 31) as f32 - 15.0).collect();
        windows.set_template(&weight, 27);
        let picture: Vec<f32> = (0..540).map(|p| ((p * 37 + p / 27 * 11) % 53) as f32).collect();
        let hat = |nodes: &[f32], k: usize, at: f32| (1.0 - (at - nodes[k]).abs() / (nodes[1] - nodes[0])).max(0.0);
        let mut scratch = WindowScratch::default();
        // A larger reach first: what it leaves behind must not show.
        for reach in [4isize, 2] {
            windows.correlate(&picture, reach as usize, &mut scratch);
            let side = (2 * reach + 1) as usize;
            assert_eq!(scratch.maps.len(), 20 * side * side);
            for (node, map) in scratch.maps.chunks_exact(side * side).enumerate() {
                for (i, got) in map.iter().enumerate() {
                    let (dy, dx) = ((i / side) as isize - reach, (i % side) as isize - reach);
                    let mut wanted = 0.0;
                    for p in 0..540isize {
                        let (y, x) = (p / 27, p % 27);
                        let (sy, sx) = ((y + dy).clamp(0, 19), (x + dx).clamp(0, 26));
                        let window = hat(&lattice.rows, node / 5, y as f32) * hat(&lattice.columns, node % 5, x as f32);
                        wanted += window * weight[p as usize] * picture[(sy * 27 + sx) as usize];
                    }
                    assert!((got - wanted).abs() < 1.0, "{node} {dy} {dx}: {got} {wanted}");
                }
            }
        }
    }
}
