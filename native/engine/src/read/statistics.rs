//! Mean, standard deviation and maximum of the registered film on the raw grid, gathered block by block.
//!
//! Each band of rows is one worker's, and adds its frames in order: the same bits on any number of threads. Inside a block the sums are `f32` of
//! deviations from a reference frame, across blocks `f64`: 36,000 frames of squared grey levels would not fit `f32`.

use rayon::prelude::*;

use crate::motion::lattice::{Line, Warper};
use crate::motion::warp::{Taps, inside, warp_row};
use crate::simd::dispatch;

/// Rows of a band.
const BAND: usize = 16;

/// One frame of a block: its raw pixels and the displacement of its content, raw px.
#[derive(Clone, Copy)]
pub struct Moved<'a> {
    /// `height × width` grey levels.
    pub pixels: &'a [u8],
    /// `(dy, dx)`.
    pub displacement: [f32; 2],
    /// Displacements at the nodes of the field, where there is one; they stand above `displacement`.
    pub field: Option<&'a [[f32; 2]]>,
    /// Factor and summand that bring its grey levels to the common light.
    pub light: [f32; 2],
}

/// The sums of one band of rows.
struct Band {
    first_row: usize,
    reference: Vec<f32>,
    sum: Vec<f64>,
    squares: Vec<f64>,
    max: Vec<f32>,
    count: Vec<u32>,
}

/// Accumulators over the registered frames given so far.
pub struct RawStatistics {
    size: [usize; 2],
    bands: Vec<Band>,
    /// Takes the fields back, where there are any.
    warper: Option<Warper>,
}

/// Images over all frames, row-major on the raw grid, grey levels.
pub struct RawImages {
    /// Mean.
    pub mean: Vec<f32>,
    /// Standard deviation.
    pub std: Vec<f32>,
    /// Maximum.
    pub max: Vec<f32>,
}

impl RawStatistics {
    /// Empty accumulators; `reference` (about the mean, `height × width`) also stands in where no frame ever shows a pixel.
    /// `warper` is needed when frames come with fields.
    pub fn new(size: [usize; 2], reference: &[f32], warper: Option<Warper>) -> Self {
        let bands = reference
            .chunks(BAND * size[1])
            .enumerate()
            .map(|(i, part)| Band {
                first_row: i * BAND,
                reference: part.to_vec(),
                sum: vec![0.0; part.len()],
                squares: vec![0.0; part.len()],
                max: vec![f32::NEG_INFINITY; part.len()],
                count: vec![0; part.len()],
            })
            .collect();
        Self { size, bands, warper }
    }

    /// Registers and adds the frames of one block. The result hangs on how frames are grouped into blocks, not on the threads.
    pub fn add_block(&mut self, frames: &[Moved<'_>]) {
        let (size, warper) = (self.size, self.warper.as_ref());
        self.bands.par_iter_mut().for_each(|band| add_to_band(band, size, warper, frames));
    }

    /// The images. A pixel that no frame shows has the reference's value and no deviation.
    pub fn finish(&self) -> RawImages {
        let size = self.size[0] * self.size[1];
        let mut images = RawImages {
            mean: Vec::with_capacity(size),
            std: Vec::with_capacity(size),
            max: Vec::with_capacity(size),
        };
        for band in &self.bands {
            for p in 0..band.sum.len() {
                let n = f64::from(band.count[p].max(1));
                let mean = band.sum[p] / n;
                images.mean.push(band.reference[p] + mean as f32);
                images.std.push((band.squares[p] / n - mean * mean).max(0.0).sqrt() as f32);
                images.max.push(if band.count[p] > 0 { band.max[p] } else { band.reference[p] });
            }
        }
        images
    }
}

dispatch! {
    fn add_to_band(band: &mut Band, size: [usize; 2], warper: Option<&Warper>, frames: &[Moved<'_>]) = add_to_band_body
}

#[inline(always)]
fn add_to_band_body(band: &mut Band, size: [usize; 2], warper: Option<&Warper>, frames: &[Moved<'_>]) {
    let [height, width] = size;
    let length = band.sum.len();
    let (mut line, mut row, mut nodes) = (vec![0.0; width + 3], vec![0.0; width], Line::default());
    let (mut sum, mut squares) = (vec![0.0f32; length], vec![0.0f32; length]);
    for frame in frames {
        let [dy, dx] = frame.displacement;
        let taps = [&Taps::cubic(dy), &Taps::cubic(dx)];
        let bent = warper.zip(frame.field);
        let [rows, columns] = bent.map_or_else(|| [inside(height, dy), inside(width, dx)], |(warper, field)| warper.inside(field));
        for (i, y) in (band.first_row..).take(length / width).enumerate() {
            if !rows.contains(&y) {
                continue;
            }
            match bent {
                Some((warper, field)) => warper.row(frame.pixels, field, y, &mut nodes, &mut row),
                None => warp_row(frame.pixels, size, y, taps, &mut line, &mut row),
            }
            let part = i * width + columns.start..i * width + columns.end;
            let values = &row[columns.clone()];
            let references = &band.reference[part.clone()];
            let (sum, squares) = (&mut sum[part.clone()], &mut squares[part.clone()]);
            let [factor, summand] = frame.light;
            for (((v, r), s), q) in values.iter().zip(references).zip(sum).zip(squares) {
                let d = v * factor + summand - r;
                *s += d;
                *q += d * d;
            }
            for ((v, m), n) in values.iter().zip(&mut band.max[part.clone()]).zip(&mut band.count[part]) {
                let v = v * factor + summand;
                *m = if v > *m { v } else { *m };
                *n += 1;
            }
        }
    }
    for (total, part) in band.sum.iter_mut().zip(&sum).chain(band.squares.iter_mut().zip(&squares)) {
        *total += f64::from(*part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::warp::warp;

    #[test]
    fn ten_hours_of_frames_lose_no_precision() {
        let size = [4, 16];
        let n = size[0] * size[1];
        let mut statistics = RawStatistics::new(size, &vec![60.0; n], None);
        // Exact sums of what is added.
        let (mut sum, mut squares) = (vec![0u64; n], vec![0u64; n]);
        let mut state = 1u64;
        let mut block = vec![0u8; 64 * n];
        let frames = 1_000_000 / 64 * 64;
        for _ in 0..frames / 64 {
            for (i, v) in block.iter_mut().enumerate() {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                *v = 240 + (state >> 60) as u8;
                sum[i % n] += u64::from(*v);
                squares[i % n] += u64::from(*v) * u64::from(*v);
            }
            let moved: Vec<Moved<'_>> = block
                .chunks_exact(n)
                .map(|pixels| Moved {
                    pixels,
                    displacement: [0.0, 0.0],
                    field: None,
                    light: [1.0, 0.0],
                })
                .collect();
            statistics.add_block(&moved);
        }
        let images = statistics.finish();
        for p in 0..n {
            let mean = sum[p] as f64 / frames as f64;
            let std = (squares[p] as f64 / frames as f64 - mean * mean).sqrt();
            assert!((f64::from(images.mean[p]) - mean).abs() < 1e-4 * mean, "mean at {p}");
            assert!(
                (f64::from(images.std[p]) - std).abs() < 1e-3 * std,
                "std at {p}: {} {std}",
                images.std[p]
            );
        }
    }

    #[test]
    fn the_images_are_those_of_the_registered_frames_kept_whole() {
        let size = [37, 29];
        let n = size[0] * size[1];
        let frames: Vec<Vec<u8>> = (0..30)
            .map(|t| (0..n).map(|p| ((p * 37 + t * 101 + p / 29 * t) % 239) as u8).collect())
            .collect();
        let path: Vec<[f32; 2]> = (0..30)
            .map(|t| [(t as f32 * 0.9).sin() * 3.0, (t as f32 * 0.4).cos() * 4.0 + 1.0])
            .collect();
        let reference = vec![100.0; n];
        let mut statistics = RawStatistics::new(size, &reference, None);
        for (block, shifts) in frames.chunks(8).zip(path.chunks(8)) {
            let moved: Vec<Moved<'_>> = block
                .iter()
                .zip(shifts)
                .map(|(f, d)| Moved {
                    pixels: f,
                    displacement: *d,
                    field: None,
                    light: [1.0, 0.0],
                })
                .collect();
            statistics.add_block(&moved);
        }
        let images = statistics.finish();
        let (mut values, mut line, mut out) = (vec![Vec::new(); n], Vec::new(), vec![0.0; n]);
        for (frame, d) in frames.iter().zip(&path) {
            let floats: Vec<f32> = frame.iter().map(|v| f32::from(*v)).collect();
            warp(&floats, size, *d, &mut line, &mut out);
            for p in 0..n {
                if inside(size[0], d[0]).contains(&(p / size[1])) && inside(size[1], d[1]).contains(&(p % size[1])) {
                    values[p].push(f64::from(out[p]));
                }
            }
        }
        for (p, seen) in values.iter().enumerate() {
            let count = seen.len().max(1) as f64;
            let mean = if seen.is_empty() { 100.0 } else { seen.iter().sum::<f64>() / count };
            let std = (seen.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
            let max = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!((f64::from(images.mean[p]) - mean).abs() < 1e-3, "mean at {p}");
            assert!((f64::from(images.std[p]) - std).abs() < 2e-2, "std at {p}: {} {std}", images.std[p]);
            assert!(seen.is_empty() || (f64::from(images.max[p]) - max).abs() < 1e-3, "max at {p}");
        }
    }
}
