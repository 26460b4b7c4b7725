//! Moves frames back: separable cubic interpolation by one displacement for the whole frame.
//!
//! `registered(p) = frame(p + d)`, `d` the displacement of the content. What lies outside the frame is held at the border by the kernels here;
//! [`inside`] says which pixels are true, [`fill_outside`] gives the others a fair value.

use std::ops::Range;

use crate::simd::dispatch;

/// Interpolation along one axis: source `p + offset − 1 … p + offset + 2` with four weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taps {
    offset: isize,
    weights: [f32; 4],
}

impl Taps {
    /// Cubic convolution (Keys, a = −½) at `p + d`. Traces read with the true footprints correlate better with the truth than after linear
    /// interpolation: median .9935 against .9924 on the simulated film `tiny`, .878 against .875 on `lowsnr`, .987 against .985 on `large`.
    pub fn cubic(d: f32) -> Self {
        let floor = d.floor();
        let f = d - floor;
        let weights = [
            f * (-0.5 + f * (1.0 - 0.5 * f)),
            1.0 + f * f * (-2.5 + 1.5 * f),
            f * (0.5 + f * (2.0 - 1.5 * f)),
            f * f * (-0.5 + 0.5 * f),
        ];
        Self {
            offset: floor as isize,
            weights,
        }
    }
}

/// Pixels of a line of `n` whose source `p + d` lies inside the line.
pub fn inside(n: usize, d: f32) -> Range<usize> {
    let first = (-d).ceil().max(0.0) as usize;
    let end = n as isize - d.ceil().max(0.0) as isize;
    let first = first.min(n);
    first..(end.max(0) as usize).clamp(first, n)
}

/// One row of the registered frame into `out` (`width` values); `line` is working memory of `width + 3` values.
#[inline(always)]
pub fn warp_row<T: Copy + Into<f32>>(
    source: &[T],
    [height, width]: [usize; 2],
    y: usize,
    taps: [&Taps; 2],
    line: &mut [f32],
    out: &mut [f32],
) {
    let [down, across] = taps;
    let row = |j: isize| {
        let y = (y as isize + down.offset + j).clamp(0, height as isize - 1) as usize;
        &source[y * width..(y + 1) * width]
    };
    let (r0, r1, r2, r3) = (row(-1), row(0), row(1), row(2));
    let [w0, w1, w2, w3] = down.weights;
    let out = &mut out[..width];
    for x in 0..width {
        let (a, b, c, d): (f32, f32, f32, f32) = (r0[x].into(), r1[x].into(), r2[x].into(), r3[x].into());
        out[x] = (w0 * a + w1 * b) + (w2 * c + w3 * d);
    }
    // `line[k]` is column `k + offset − 1`, held at the borders, so that the loop over the taps has none.
    let first = across.offset - 1;
    let lead = (-first).clamp(0, width as isize + 3) as usize;
    let start = first.clamp(0, width as isize) as usize;
    let copied = (width - start).min(width + 3 - lead);
    line[..lead].fill(out[0]);
    line[lead..lead + copied].copy_from_slice(&out[start..start + copied]);
    line[lead + copied..width + 3].fill(out[width - 1]);
    let [w0, w1, w2, w3] = across.weights;
    let line = &line[..width + 3];
    for x in 0..width {
        out[x] = (w0 * line[x] + w1 * line[x + 1]) + (w2 * line[x + 2] + w3 * line[x + 3]);
    }
}

dispatch! {
    /// The whole registered frame; `displacement = [dy, dx]` of the content. `line` is grown as needed.
    pub fn warp(source: &[f32], size: [usize; 2], displacement: [f32; 2], line: &mut Vec<f32>, out: &mut [f32]) = warp_body
}

#[inline(always)]
fn warp_body(source: &[f32], size: [usize; 2], displacement: [f32; 2], line: &mut Vec<f32>, out: &mut [f32]) {
    let (down, across) = (Taps::cubic(displacement[0]), Taps::cubic(displacement[1]));
    line.resize(size[1] + 3, 0.0);
    for (y, row) in out.chunks_exact_mut(size[1]).enumerate() {
        warp_row(source, size, y, [&down, &across], line, row);
    }
}

/// Gives pixels outside `rows × columns` the deviation from `mean` of the nearest pixel inside: a static background stays what it is there, and
/// a change of the light or of a cell on the border goes on. Nothing happens when nothing lies inside.
pub fn fill_outside(frame: &mut [f32], mean: &[f32], width: usize, rows: Range<usize>, columns: Range<usize>) {
    if rows.is_empty() || columns.is_empty() {
        return;
    }
    for y in 0..frame.len() / width {
        let from = y.clamp(rows.start, rows.end - 1);
        let outer = if y == from { columns.end } else { columns.start };
        for x in (0..columns.start).chain(outer..width) {
            let source = from * width + x.clamp(columns.start, columns.end - 1);
            frame[y * width + x] = mean[y * width + x] + (frame[source] - mean[source]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interpolation by its definition, one pixel at a time.
    fn slow(source: &[f32], [height, width]: [usize; 2], [dy, dx]: [f32; 2]) -> Vec<f32> {
        let kernel = |t: f32| {
            let t = t.abs();
            if t < 1.0 {
                1.5 * t * t * t - 2.5 * t * t + 1.0
            } else if t < 2.0 {
                -0.5 * t * t * t + 2.5 * t * t - 4.0 * t + 2.0
            } else {
                0.0
            }
        };
        let held = |i: isize, n: usize| i.clamp(0, n as isize - 1) as usize;
        (0..height * width)
            .map(|p| {
                let (sy, sx) = ((p / width) as f32 + dy, (p % width) as f32 + dx);
                let mut sum = 0.0;
                for j in sy.floor() as isize - 1..=sy.floor() as isize + 2 {
                    for i in sx.floor() as isize - 1..=sx.floor() as isize + 2 {
                        sum += kernel(sy - j as f32) * kernel(sx - i as f32) * source[held(j, height) * width + held(i, width)];
                    }
                }
                sum
            })
            .collect()
    }

    fn picture(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|i| ((i * 37 + i / width * 11) % 53) as f32).collect()
    }

    #[test]
    fn every_displacement_gives_the_interpolation_of_the_definition() {
        let size = [9, 14];
        let source = picture(9, 14);
        for d in [[0.0, 0.0], [1.0, -2.0], [0.25, 0.75], [-3.4, 5.9], [20.3, -40.2], [-0.5, 13.5]] {
            let (mut line, mut out) = (Vec::new(), vec![0.0; 126]);
            warp(&source, size, d, &mut line, &mut out);
            for (got, wanted) in out.iter().zip(slow(&source, size, d)) {
                assert!((got - wanted).abs() < 1e-3, "{d:?}: {got} {wanted}");
            }
        }
    }

    #[test]
    fn content_that_moved_down_and_left_is_brought_back() {
        let (height, width) = (8, 11);
        let mut frame = vec![0.0; 88];
        frame[5 * width + 2] = 7.0;
        let (mut line, mut out) = (Vec::new(), vec![0.0; 88]);
        // Displacement of the content: 3 down, 4 to the left; at rest it lies at (2, 6).
        warp(&frame, [height, width], [3.0, -4.0], &mut line, &mut out);
        assert_eq!(out.iter().position(|v| *v == 7.0), Some(2 * width + 6));
        assert_eq!((inside(height, 3.0), inside(width, -4.0)), (0..5, 4..11));
    }

    #[test]
    fn bytes_and_floats_are_interpolated_alike() {
        let (height, width) = (7, 10);
        let bytes: Vec<u8> = picture(height, width).iter().map(|v| *v as u8).collect();
        let (down, across) = (Taps::cubic(0.3), Taps::cubic(-1.6));
        let (mut line, mut row) = (vec![0.0; width + 3], vec![0.0; width]);
        let wanted = slow(&picture(height, width), [height, width], [0.3, -1.6]);
        for y in 0..height {
            warp_row(&bytes, [height, width], y, [&down, &across], &mut line, &mut row);
            assert!(row.iter().zip(&wanted[y * width..]).all(|(a, b)| (a - b).abs() < 1e-3));
        }
    }

    #[test]
    fn the_outside_takes_the_deviation_of_its_nearest_pixel() {
        let (height, width) = (4, 5);
        let mean: Vec<f32> = (0..20).map(|p| 10.0 * p as f32).collect();
        let mut frame: Vec<f32> = mean.iter().map(|m| m + 3.0).collect();
        frame[0..5].fill(-99.0);
        (0..4).for_each(|y| frame[y * width] = -99.0);
        frame[width + 1] += 2.0;
        fill_outside(&mut frame, &mean, width, 1..4, 1..5);
        assert_eq!(
            (frame[0] - mean[0], frame[1] - mean[1], frame[5] - mean[5], frame[4] - mean[4]),
            (5.0, 5.0, 5.0, 3.0)
        );
        let before = frame.clone();
        fill_outside(&mut frame, &mean, width, 0..0, 0..height);
        assert_eq!(frame, before);
    }

    #[test]
    fn the_inside_of_a_line_is_where_the_source_lies_in_it() {
        for d in [-12.0f32, -2.5, -1.0, -0.1, 0.0, 0.4, 3.0, 3.2, 40.0] {
            let wanted: Vec<usize> = (0..9).filter(|p| (0.0..=8.0).contains(&(*p as f32 + d))).collect();
            assert_eq!(inside(9, d).collect::<Vec<_>>(), wanted, "{d}");
        }
    }
}
