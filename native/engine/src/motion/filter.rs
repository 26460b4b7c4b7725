//! Band-pass of a binned frame before its spectrum is taken: the spatial background is subtracted and the borders are tapered.
//!
//! Vignetting times a static taper is a fixed pattern that pulls shifts towards zero; subtracting a blur of the frame first removes it
//! (reference, analysis 3.5). The fine end of the band is cut by the weights of the spectrum, not here.

use crate::simd::dispatch;

/// Width of the blur over σ of a neuron. What varies more slowly is half vignette and half tissue seen through a fixed window, and follows the
/// motion only in part: on films of wide, blurred cells of an independent simulator (other seeds than the measured one) a width of 5 followed
/// .73 … .81 of the motion, one of 3 .79 … .86.
const BLUR_WIDTH_SIGMA: f32 = 3.0;
/// The same for fields of displacements: a narrower one turns a cell that flares up into movement.
const FIELD_BLUR_WIDTH_SIGMA: f32 = 5.0;
/// Share of the shorter side on which the taper rises.
const TAPER_SHARE: f32 = 0.12;

/// The filter of one grid: sizes, blur radius and taper.
pub struct BandPass {
    height: usize,
    width: usize,
    radius: usize,
    rows: Vec<f32>,
    columns: Vec<f32>,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct BandPassScratch {
    blurred: Vec<f32>,
    turn: Vec<f32>,
    sums: Vec<f32>,
}

impl BandPass {
    /// The filter for `height × width` frames in which a neuron has the standard deviation `sigma` (grid px).
    pub fn new(height: usize, width: usize, sigma: f32) -> Self {
        Self::blurred(height, width, sigma, BLUR_WIDTH_SIGMA)
    }

    /// The filter for fields of displacements, whose windows are small beside a vignette.
    pub fn for_fields(height: usize, width: usize, sigma: f32) -> Self {
        Self::blurred(height, width, sigma, FIELD_BLUR_WIDTH_SIGMA)
    }

    fn blurred(height: usize, width: usize, sigma: f32, blur: f32) -> Self {
        let radius = ((blur * sigma / 2.0).round() as usize).max(2);
        let rise = ((height.min(width) as f32 * TAPER_SHARE).round() as usize).max(4);
        Self {
            height,
            width,
            radius,
            rows: taper(height, rise),
            columns: taper(width, rise),
        }
    }

    /// The same filter with a taper that rises on `rise` samples.
    pub fn tapered_on(&self, rise: usize) -> Self {
        Self {
            rows: taper(self.height, rise),
            columns: taper(self.width, rise),
            ..*self
        }
    }

    /// The same filter without the taper: its borders are as good as the mirrored blur makes them.
    pub fn untapered(&self) -> Self {
        Self {
            rows: vec![1.0; self.height],
            columns: vec![1.0; self.width],
            ..*self
        }
    }

    /// The taper alone: writes `frame` (band-passed, untapered) into the top left of `out`, like [`BandPass::apply`].
    pub fn taper(&self, frame: &[f32], out: &mut [f32], stride: usize) {
        out.fill(0.0);
        for (y, weight) in self.rows.iter().enumerate() {
            let line = &frame[y * self.width..(y + 1) * self.width];
            for ((o, f), c) in out[y * stride..].iter_mut().zip(line).zip(&self.columns) {
                *o = f * weight * c;
            }
        }
    }

    /// Writes the band-passed `frame` into the top left of `out`, whose rows are `stride` long; everything else in `out` becomes 0.
    pub fn apply(&self, frame: &[f32], out: &mut [f32], stride: usize, scratch: &mut BandPassScratch) {
        let size = self.height * self.width;
        scratch.blurred.clear();
        scratch.blurred.extend_from_slice(frame);
        scratch.turn.resize(size, 0.0);
        scratch.sums.resize(self.width.max(self.height), 0.0);
        // Two box blurs: nearly a Gaussian, at a cost that does not depend on the width.
        for _ in 0..2 {
            box_blur(
                &mut scratch.blurred,
                &mut scratch.turn,
                &mut scratch.sums,
                self.height,
                self.width,
                self.radius,
            );
        }
        out.fill(0.0);
        for (y, weight) in self.rows.iter().enumerate() {
            let line = y * self.width..(y + 1) * self.width;
            let target = &mut out[y * stride..y * stride + self.width];
            for (((o, f), b), c) in target
                .iter_mut()
                .zip(&frame[line.clone()])
                .zip(&scratch.blurred[line])
                .zip(&self.columns)
            {
                *o = (f - b) * weight * c;
            }
        }
    }
}

/// Raised cosine at both ends of `n` samples, `rise` samples long (shorter where `n` is), 1 between.
fn taper(n: usize, rise: usize) -> Vec<f32> {
    let rise = rise.min(n / 2).max(1);
    (0..n)
        .map(|i| {
            let edge = i.min(n - 1 - i);
            if edge >= rise {
                1.0
            } else {
                0.5 - 0.5 * (std::f32::consts::PI * (edge as f32 + 0.5) / rise as f32).cos()
            }
        })
        .collect()
}

/// Index of sample `i` (may lie outside) of a line of `n` that is mirrored at its ends, the end sample doubled.
fn mirrored(i: isize, n: usize) -> usize {
    let period = 2 * n as isize;
    let i = i.rem_euclid(period);
    (if i < n as isize { i } else { period - 1 - i }) as usize
}

dispatch! {
    /// Mean over a square of `2·radius + 1` on each side, mirrored at the borders, in place.
    pub fn box_blur(image: &mut [f32], turn: &mut [f32], sums: &mut [f32], height: usize, width: usize, radius: usize) = box_blur_body
}

#[inline(always)]
fn box_blur_body(image: &mut [f32], turn: &mut [f32], sums: &mut [f32], height: usize, width: usize, radius: usize) {
    // Down the columns, twice, with a transpose between and after: so the running sums are whole rows that go through the vector units.
    blur_down(image, turn, &mut sums[..width], height, width, radius);
    transpose(turn, height, width, image);
    blur_down(image, turn, &mut sums[..height], width, height, radius);
    transpose(turn, width, height, image);
}

#[inline(always)]
fn blur_down(from: &[f32], to: &mut [f32], sums: &mut [f32], height: usize, width: usize, radius: usize) {
    let reach = radius as isize;
    let scale = 1.0 / (2 * radius + 1) as f32;
    let line = |y: isize| {
        let row = mirrored(y, height) * width;
        &from[row..row + width]
    };
    sums.fill(0.0);
    for y in -reach..=reach {
        for (sum, value) in sums.iter_mut().zip(line(y)) {
            *sum += value;
        }
    }
    for y in 0..height {
        for (out, sum) in to[y * width..(y + 1) * width].iter_mut().zip(sums.iter()) {
            *out = sum * scale;
        }
        let (old, new) = (line(y as isize - reach), line(y as isize + reach + 1));
        for ((sum, new), old) in sums.iter_mut().zip(new).zip(old) {
            *sum += new - old;
        }
    }
}

#[inline(always)]
fn transpose(from: &[f32], rows: usize, columns: usize, to: &mut [f32]) {
    const BLOCK: usize = 16;
    for y0 in (0..rows).step_by(BLOCK) {
        let y1 = (y0 + BLOCK).min(rows);
        for x0 in (0..columns).step_by(BLOCK) {
            for x in x0..(x0 + BLOCK).min(columns) {
                for (out, y) in to[x * rows + y0..x * rows + y1].iter_mut().zip(y0..y1) {
                    *out = from[y * columns + x];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|i| ((i * 37 + i / width * 11) % 53) as f32).collect()
    }

    /// The blur by its definition.
    fn slow_blur(image: &[f32], height: usize, width: usize, radius: isize) -> Vec<f32> {
        let mut out = vec![0.0; image.len()];
        for y in 0..height as isize {
            for x in 0..width as isize {
                let mut sum = 0.0f64;
                for j in -radius..=radius {
                    for i in -radius..=radius {
                        sum += f64::from(image[mirrored(y + j, height) * width + mirrored(x + i, width)]);
                    }
                }
                out[y as usize * width + x as usize] = (sum / ((2 * radius + 1) * (2 * radius + 1)) as f64) as f32;
            }
        }
        out
    }

    #[test]
    fn the_blur_is_the_mean_over_a_square() {
        for (height, width, radius) in [(13, 29, 3), (20, 17, 5), (6, 40, 9)] {
            let wanted = slow_blur(&picture(height, width), height, width, radius as isize);
            let mut got = picture(height, width);
            box_blur(
                &mut got,
                &mut vec![0.0; height * width],
                &mut vec![0.0; height.max(width)],
                height,
                width,
                radius,
            );
            for (a, b) in got.iter().zip(&wanted) {
                assert!((a - b).abs() < 1e-3, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_smooth_background_leaves_almost_nothing_and_the_padding_is_empty() {
        let (height, width, stride) = (60, 44, 48);
        let filter = BandPass::new(height, width, 1.4);
        let smooth: Vec<f32> = (0..height * width)
            .map(|i| 50.0 + (i / width) as f32 * 0.5 + (i % width) as f32 * 0.3)
            .collect();
        let mut spot = smooth.clone();
        spot[30 * width + 20] += 10.0;
        let (mut a, mut b) = (vec![9.0; 64 * stride], vec![9.0; 64 * stride]);
        filter.apply(&smooth, &mut a, stride, &mut BandPassScratch::default());
        filter.apply(&spot, &mut b, stride, &mut BandPassScratch::default());
        assert!(a.iter().all(|v| v.abs() < 1.0), "background left");
        assert!(b[30 * stride + 20] > 9.0, "the spot stays");
        assert!(
            b[60 * stride..].iter().all(|v| *v == 0.0) && (0..60).all(|y| b[y * stride + 44..(y + 1) * stride].iter().all(|v| *v == 0.0))
        );
    }

    #[test]
    fn the_taper_rises_at_both_ends_of_short_lines_too() {
        for n in [1, 2, 5, 30] {
            let t = taper(n, 4);
            assert!(t.len() == n && t.iter().all(|v| *v > 0.0 && *v <= 1.0));
            assert!((0..n).all(|i| (t[i] - t[n - 1 - i]).abs() < 1e-6));
        }
    }
}
