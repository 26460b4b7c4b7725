//! Moves frames back: separable cubic interpolation by one displacement for the whole frame.
//!
//! `registered(p) = frame(p + d)`, `d` the displacement of the content. What lies outside the frame is held at the border by the kernels here;
//! [`inside`] says which pixels are true, [`fill_outside`] gives the others the light of the background beside them.

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

/// Steps along the border, and into the frame, between the pixels that are asked for the background's deviation there.
const ASK_EVERY: usize = 3;
/// Pixels asked to each side along the border.
const ASK_ALONG: isize = 2;
/// Pixels asked into the frame.
const ASK_DEEP: usize = 3;

/// How far outside the frame the source of a pixel beyond `rows × columns` lies, px, where the whole frame moved as one.
pub fn beyond<'a>(rows: &'a Range<usize>, columns: &'a Range<usize>) -> impl Fn(usize, usize) -> f32 + 'a {
    let lines = |i: usize, r: &Range<usize>| (r.start.saturating_sub(i)).max((i + 1).saturating_sub(r.end));
    // The first line outside lies less than a pixel away.
    move |y, x| lines(y, rows).max(lines(x, columns)) as f32 - 0.5
}

/// Gives pixels whose source lies outside the frame the deviation from `mean` that the background has around the nearest pixel inside: the median
/// over a patch larger than a cell. A change of the light goes on there, a cell on the border does not (its light drawn out into a streak would be
/// found as cells of its own), but where the source lies less than a pixel away. `rows × columns` are inside for sure; `outside(y, x)` tells how
/// far outside (px; at most 0: inside) the source of any other pixel lies. Nothing happens when nothing lies inside for sure.
pub fn fill_outside(
    frame: &mut [f32],
    mean: &[f32],
    width: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    outside: impl Fn(usize, usize) -> f32,
) {
    if rows.is_empty() || columns.is_empty() {
        return;
    }
    let height = frame.len() / width;
    if rows == (0..height) && columns == (0..width) {
        return;
    }
    let clamp = |i: isize, r: &Range<usize>| i.clamp(r.start as isize, r.end as isize - 1) as usize;
    let mut asked = Vec::with_capacity(ASK_DEEP * (2 * ASK_ALONG as usize + 1));
    let mut near: Vec<(usize, usize)> = Vec::new();
    let mut around = |frame: &[f32], y: usize, x: usize, along_rows: bool| {
        asked.clear();
        for deep in 0..ASK_DEEP {
            for along in -ASK_ALONG..=ASK_ALONG {
                let (deep, along) = ((deep * ASK_EVERY) as isize, along * ASK_EVERY as isize);
                let (v, u) = if along_rows {
                    let inward = if x == columns.start { deep } else { -deep };
                    (y as isize + along, x as isize + inward)
                } else {
                    let inward = if y == rows.start { deep } else { -deep };
                    (y as isize + inward, x as isize + along)
                };
                let q = clamp(v, &rows) * width + clamp(u, &columns);
                asked.push(frame[q] - mean[q]);
            }
        }
        let middle = asked.len() / 2;
        *asked.select_nth_unstable_by(middle, f32::total_cmp).1
    };
    // Along the sides one value a row, above and below one a column.
    let mut fill = |y: usize, x: usize, d: f32, frame: &mut [f32]| {
        let p = y * width + x;
        let far = outside(y, x);
        if far >= 1.0 {
            frame[p] = mean[p] + d;
        } else if far > 0.0 {
            near.push((y, x));
        }
    };
    for y in rows.clone() {
        for (out, from) in [(0..columns.start, columns.start), (columns.end..width, columns.end - 1)] {
            if !out.is_empty() {
                let d = around(frame, y, from, true);
                out.for_each(|x| fill(y, x, d, frame));
            }
        }
    }
    for (out, from) in [(0..rows.start, rows.start), (rows.end..height, rows.end - 1)] {
        if out.is_empty() {
            continue;
        }
        let above: Vec<f32> = (0..width)
            .map(|x| around(frame, from, clamp(x as isize, &columns), false))
            .collect();
        for y in out {
            above.iter().enumerate().for_each(|(x, d)| fill(y, x, *d, frame));
        }
    }
    // Less than a pixel outside: the deviation of the nearest pixel inside, on the way to the middle.
    for (y, x) in near {
        let (mut v, mut u) = (y, x);
        while !(rows.contains(&v) && columns.contains(&u)) && outside(v, u) > 0.0 {
            let step = |i: usize, r: &Range<usize>| i.saturating_add_signed((clamp(i as isize, r) as isize - i as isize).signum());
            (v, u) = (step(v, &rows), step(u, &columns));
        }
        let from = v * width + u;
        frame[y * width + x] = mean[y * width + x] + (frame[from] - mean[from]);
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
    fn the_outside_takes_the_light_of_the_background_beside_it_but_no_cell() {
        let (height, width) = (40, 50);
        let mean: Vec<f32> = (0..height * width).map(|p| (p % 37) as f32).collect();
        // The light of the background rises from left to right; a cell lies on the border of what is shown.
        let level = |p: usize| 3.0 + (p % width) as f32 / width as f32;
        let mut frame: Vec<f32> = (0..height * width).map(|p| mean[p] + level(p)).collect();
        for (y, x) in (4..7).flat_map(|y| (20..24).map(move |x| (y, x))) {
            frame[y * width + x] += 40.0;
        }
        let (rows, columns) = (4..height, 3..width - 2);
        let shown = |p: usize| rows.contains(&(p / width)) && columns.contains(&(p % width));
        let before = frame.clone();
        (0..height * width).filter(|p| !shown(*p)).for_each(|p| frame[p] = -99.0);
        fill_outside(&mut frame, &mean, width, rows.clone(), columns.clone(), beyond(&rows, &columns));
        for p in 0..height * width {
            if shown(p) {
                assert_eq!(frame[p], before[p]);
                continue;
            }
            let (y, x) = (p / width, p % width);
            let d = frame[p] - mean[p];
            let (v, u) = (y.clamp(rows.start, rows.end - 1), x.clamp(columns.start, columns.end - 1));
            if y.abs_diff(v).max(x.abs_diff(u)) == 1 {
                let from = v * width + u;
                assert!((d - (before[from] - mean[from])).abs() < 1e-4, "({y}, {x}): {d}");
            } else {
                assert!((d - level(p)).abs() < 0.25, "({y}, {x}): {d}");
            }
        }
        let before = frame.clone();
        fill_outside(&mut frame, &mean, width, 0..0, 0..height, |_, _| 9.0);
        assert_eq!(frame, before);
        // A frame of hardly any pixels.
        let mut least = vec![9.0, -99.0, -99.0, -99.0];
        fill_outside(&mut least, &[2.0, 3.0, 4.0, 5.0], 2, 0..1, 0..1, beyond(&(0..1), &(0..1)));
        // What lies inside beyond the sure rectangle is kept.
        fill_outside(&mut least, &[0.0; 4], 2, 0..1, 0..1, |_, _| -0.1);
        assert_eq!(least, [9.0, 10.0, 11.0, 12.0]);
    }

    #[test]
    fn the_inside_of_a_line_is_where_the_source_lies_in_it() {
        for d in [-12.0f32, -2.5, -1.0, -0.1, 0.0, 0.4, 3.0, 3.2, 40.0] {
            let wanted: Vec<usize> = (0..9).filter(|p| (0.0..=8.0).contains(&(*p as f32 + d))).collect();
            assert_eq!(inside(9, d).collect::<Vec<_>>(), wanted, "{d}");
        }
    }
}
