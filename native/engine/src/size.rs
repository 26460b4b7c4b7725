//! The size of the neurons, told from the film: blobs that light up in single frames, found over positions and scales (a Laplacian pyramid), the
//! typical scale of the brightest of them.

use rayon::prelude::*;

use crate::kernels::{dot, gaussian_taps, median};
use crate::simd::dispatch;

/// Scales in one octave.
const PER_OCTAVE: usize = 4;
/// Finest scale, px of the octave.
const FIRST: f32 = 1.15;
/// Largest shift between frames that is looked for, px.
const MAX_SHIFT: isize = 12;
/// A blob must stand out of its level by so many robust standard deviations.
const STRENGTH: f32 = 6.0;
/// Curvature across a blob over that along it: elongated things (vessels) lie below.
const ROUND: f32 = 0.45;
/// Half-maximum diameter of a soma over the scale of its strongest response: between a Gaussian (2.36) and a disc (2.83).
const DIAMETER_OVER_SCALE: f32 = 2.55;

/// So many of the strongest places set the measure of brightness …
const STRONGEST: usize = 16;
/// … and places with at least this share of it count.
const BRIGHT: f32 = 0.4;
/// Pixels looked at in all: of large frames only some are taken.
const PIXELS: usize = 12_000_000;
/// So many frames are enough for the picture that the others are aligned to.
const REFERENCE_FRAMES: usize = 48;

/// A grey image.
#[derive(Clone)]
struct Image {
    height: usize,
    width: usize,
    values: Vec<f32>,
}

/// Something round that lit up.
#[derive(Clone, Copy, Debug)]
struct Blob {
    y: f32,
    x: f32,
    scale: f32,
    strength: f32,
}

/// Diameter (twice the half-maximum radius) of a typical soma in raw px from a sample of `height × width` frames spread over the film, in any
/// order; `None` when nothing of a neuron's shape stands out. The frames need not be registered.
pub fn estimate(frames: &[&[u8]], height: usize, width: usize) -> Option<f32> {
    if frames.len() < 8 || height.min(width) < 24 || frames.iter().any(|frame| frame.len() != height * width) {
        return None;
    }
    let stride = (frames.len() * height * width).div_ceil(PIXELS).min(frames.len() / 24).max(1);
    let some: Vec<&[u8]> = frames.iter().step_by(stride).copied().collect();
    let changes = changes(&some, height, width);
    let octaves = (0..6).take_while(|o| height.min(width) >> o >= 20).count();
    let per_frame: Vec<Vec<Vec<Image>>> = changes.par_iter().map(|image| pyramid(image, octaves)).collect();
    let floors: Vec<Vec<f32>> = (0..octaves)
        .map(|o| {
            (0..PER_OCTAVE + 2)
                .map(|i| {
                    let some: Vec<f32> = per_frame
                        .iter()
                        .flat_map(|p| p[o][i].values.iter().step_by(7).map(|v| v.abs()))
                        .collect();
                    STRENGTH * median(&some) / 0.674_49
                })
                .collect()
        })
        .collect();
    let mut blobs: Vec<Blob> = per_frame.par_iter().flat_map_iter(|levels| blobs(levels, &floors)).collect();
    blobs.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    let places = places(&blobs);
    if places.len() < 3 {
        return None;
    }
    // Cells are brighter than the neuropil's waves; of the rest only those comparable with the brightest count.
    // The measure is the very strongest, not a share of all places: lossy video has hundreds of faint small ones.
    let strengths: Vec<f32> = places.iter().take(STRONGEST).map(|p| p.strength).collect();
    let bright = BRIGHT * median(&strengths);
    let scales: Vec<f32> = places.iter().filter(|p| p.strength >= bright).map(|p| p.scale).collect();
    Some(DIAMETER_OVER_SCALE * median(&scales))
}

/// Aligned frames minus their median.
fn changes(frames: &[&[u8]], height: usize, width: usize) -> Vec<Image> {
    let images: Vec<Image> = frames
        .par_iter()
        .map(|f| Image {
            height,
            width,
            values: f.iter().map(|v| f32::from(*v)).collect(),
        })
        .collect();
    let fine: Vec<Image> = images.par_iter().map(|i| difference(&blur(i, 1.5), &blur(i, 5.0))).collect();
    let quartered: Vec<Quarters> = fine.par_iter().map(Quarters::of).collect();
    let step = fine.len().div_ceil(REFERENCE_FRAMES);
    let mut reference = fine[0].clone();
    let mut shifts: Vec<Option<(isize, isize)>> = vec![None; fine.len()];
    for _ in 0..2 {
        let aim = Quarters::of(&reference);
        shifts = quartered
            .par_iter()
            .zip(&shifts)
            .map(|(f, near)| Some(shift(&aim, f, *near)))
            .collect();
        let (some, theirs): (Vec<&Image>, Vec<_>) = fine
            .iter()
            .zip(&shifts)
            .step_by(step)
            .map(|(f, s)| (f, s.unwrap_or_default()))
            .unzip();
        reference = middle(&some, &theirs);
    }
    let shifts = shifts.into_iter().map(Option::unwrap_or_default);
    let aligned: Vec<Image> = images.iter().zip(shifts).map(|(i, s)| moved(i, s)).collect();
    let some: Vec<&Image> = aligned.iter().step_by(step).collect();
    let still = middle(&some, &vec![(0, 0); some.len()]);
    aligned.par_iter().map(|i| difference(i, &still)).collect()
}

fn difference(a: &Image, b: &Image) -> Image {
    Image {
        values: a.values.iter().zip(&b.values).map(|(a, b)| a - b).collect(),
        ..*a
    }
}

/// Median of each pixel over the images, each moved back by its shift.
fn middle(images: &[&Image], shifts: &[(isize, isize)]) -> Image {
    let (height, width) = (images[0].height, images[0].width);
    let values = (0..height * width)
        .into_par_iter()
        .map(|p| {
            let here: Vec<f32> = images
                .iter()
                .zip(shifts)
                .map(|(i, s)| at(i, (p / width) as isize + s.0, (p % width) as isize + s.1))
                .collect();
            median(&here)
        })
        .collect();
    Image { height, width, values }
}

/// The image moved back by its shift, borders held.
fn moved(image: &Image, (dy, dx): (isize, isize)) -> Image {
    let (height, width) = (image.height, image.width);
    let mut values = Vec::with_capacity(image.values.len());
    for y in 0..height as isize {
        let row = &image.values[(y + dy).clamp(0, height as isize - 1) as usize * width..][..width];
        let start = dx.clamp(0, width as isize - 1) as usize;
        let end = (width as isize + dx).clamp(1, width as isize) as usize;
        let lead = (-dx).clamp(0, width as isize - 1) as usize;
        values.extend(std::iter::repeat_n(row[0], lead));
        values.extend_from_slice(&row[start..end]);
        values.resize((y as usize + 1) * width, row[width - 1]);
    }
    Image { values, ..*image }
}

fn at(image: &Image, y: isize, x: isize) -> f32 {
    let (y, x) = (
        y.clamp(0, image.height as isize - 1) as usize,
        x.clamp(0, image.width as isize - 1) as usize,
    );
    image.values[y * image.width + x]
}

/// An image's pixels of even and odd rows and columns apart, so that every second pixel at any shift is one run of memory.
struct Quarters {
    height: usize,
    width: usize,
    /// `quarters[2 · (y mod 2) + x mod 2]`, rows of `width / 2` (rounded up) values.
    quarters: [Vec<f32>; 4],
}

impl Quarters {
    fn of(image: &Image) -> Self {
        let row_length = image.width.div_ceil(2);
        let mut quarters: [Vec<f32>; 4] = std::array::from_fn(|_| Vec::with_capacity(image.values.len() / 4 + row_length));
        for (y, row) in image.values.chunks_exact(image.width).enumerate() {
            for odd in 0..2 {
                let quarter = &mut quarters[2 * (y % 2) + odd];
                quarter.extend(row.iter().skip(odd).step_by(2));
                quarter.resize((y / 2 + 1) * row_length, 0.0);
            }
        }
        Self {
            height: image.height,
            width: image.width,
            quarters,
        }
    }

    /// `count` of every second pixel of row `y` from column `x` on.
    fn run(&self, y: usize, x: usize, count: usize) -> &[f32] {
        let start = y / 2 * self.width.div_ceil(2) + x / 2;
        &self.quarters[2 * (y % 2) + x % 2][start..start + count]
    }
}

/// How far the content of `image` lies from that of `reference`, whole px: every fourth pixel at every third shift, then all neighbours; only
/// the neighbours of `near` where that is known.
fn shift(reference: &Quarters, image: &Quarters, near: Option<(isize, isize)>) -> (isize, isize) {
    let margin = MAX_SHIFT.min(reference.height.min(reference.width) as isize / 6);
    let inner = margin as usize;
    let count = (reference.width - 2 * inner).div_ceil(2);
    let product = |dy: isize, dx: isize| {
        let rows = (inner..reference.height - inner).step_by(2);
        rows.map(|y| {
            let (moved_y, moved_x) = ((y as isize + dy) as usize, (margin + dx) as usize);
            f64::from(dot(reference.run(y, inner, count), image.run(moved_y, moved_x, count)))
        })
        .sum::<f64>()
    };
    let best = |candidates: Vec<(isize, isize)>| {
        candidates
            .into_iter()
            .map(|(dy, dx)| (product(dy, dx), dy, dx))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map_or((0, 0), |(_, dy, dx)| (dy, dx))
    };
    let around = |centre: (isize, isize), reach: isize, step: usize| {
        (-reach..=reach)
            .step_by(step)
            .flat_map(move |y| (-reach..=reach).step_by(step).map(move |x| (centre.0 + y, centre.1 + x)))
            .filter(|(y, x)| y.abs() <= margin && x.abs() <= margin)
            .collect::<Vec<_>>()
    };
    let coarse = near.unwrap_or_else(|| best(around((0, 0), margin - margin % 3, 3)));
    best(around(coarse, 2, 1))
}

/// Gaussian blur with replicated borders.
fn blur(image: &Image, sigma: f32) -> Image {
    let taps = gaussian_taps(sigma);
    let mut values = vec![0.0f32; image.values.len()];
    convolve(&image.values, [image.height, image.width], &taps, &mut values);
    Image { values, ..*image }
}

dispatch! {
    /// Convolution with `taps` (odd in number) along rows, then along columns, added to `out`; borders replicated.
    fn convolve(image: &[f32], size: [usize; 2], taps: &[f32], out: &mut [f32]) = convolve_body
}

#[inline(always)]
fn convolve_body(image: &[f32], [height, width]: [usize; 2], taps: &[f32], out: &mut [f32]) {
    let reach = taps.len() / 2;
    let mut rows = vec![0.0f32; image.len()];
    let mut line = Vec::with_capacity(width + 2 * reach);
    for (row, out) in image.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        line.clear();
        line.extend(std::iter::repeat_n(row[0], reach));
        line.extend_from_slice(row);
        line.extend(std::iter::repeat_n(row[width - 1], reach));
        for (i, k) in taps.iter().enumerate() {
            out.iter_mut().zip(&line[i..]).for_each(|(o, v)| *o += k * v);
        }
    }
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        for (i, k) in taps.iter().enumerate() {
            let from = (y + i).saturating_sub(reach).min(height - 1);
            out.iter_mut().zip(&rows[from * width..][..width]).for_each(|(o, v)| *o += k * v);
        }
    }
}

/// Scale-normalised responses: for each octave `PER_OCTAVE + 2` levels, positive at bright blobs.
fn pyramid(image: &Image, octaves: usize) -> Vec<Vec<Image>> {
    let ratio = 2f32.powf(1.0 / PER_OCTAVE as f32);
    let mut base = blur(image, FIRST);
    let mut out = Vec::with_capacity(octaves);
    for _ in 0..octaves {
        let mut levels = Vec::with_capacity(PER_OCTAVE + 2);
        let mut last = base.clone();
        let mut double = None;
        for i in 0..PER_OCTAVE + 2 {
            let sigma = FIRST * ratio.powi(i as i32);
            let next = blur(&last, sigma * (ratio * ratio - 1.0).sqrt());
            let mut level = difference(&last, &next);
            level.values.iter_mut().for_each(|v| *v /= ratio - 1.0);
            levels.push(level);
            if i + 1 == PER_OCTAVE {
                double = Some(next.clone());
            }
            last = next;
        }
        out.push(levels);
        base = halved(&double.unwrap_or(last));
    }
    out
}

fn halved(image: &Image) -> Image {
    let (height, width) = (image.height / 2, image.width / 2);
    let values = (0..height * width)
        .map(|p| image.values[2 * (p / width) * image.width + 2 * (p % width)])
        .collect();
    Image { height, width, values }
}

/// Maxima over position and scale that stand out and are round.
fn blobs(octaves: &[Vec<Image>], floors: &[Vec<f32>]) -> Vec<Blob> {
    let ratio = 2f32.powf(1.0 / PER_OCTAVE as f32);
    let mut out = Vec::new();
    for (o, levels) in octaves.iter().enumerate() {
        let (h, w) = (levels[0].height as isize, levels[0].width as isize);
        for i in 1..=PER_OCTAVE {
            let here = &levels[i];
            for y in 2..h - 2 {
                for x in 2..w - 2 {
                    let v = here.values[(y * w + x) as usize];
                    if v <= floors[o][i] || !is_peak(levels, i, y, x, v) || !is_round(here, y, x) {
                        continue;
                    }
                    let (a, b) = (at(&levels[i - 1], y, x), at(&levels[i + 1], y, x));
                    let bend = a - 2.0 * v + b;
                    let part = if bend < 0.0 { (0.5 * (a - b) / bend).clamp(-0.5, 0.5) } else { 0.0 };
                    // A level lies between two blurs: half a step above the first.
                    let scale = FIRST * ratio.powf(i as f32 + 0.5 + part) * (1 << o) as f32;
                    let unit = (1 << o) as f32;
                    out.push(Blob {
                        y: y as f32 * unit,
                        x: x as f32 * unit,
                        scale,
                        strength: v,
                    });
                }
            }
        }
    }
    out
}

fn is_peak(levels: &[Image], i: usize, y: isize, x: isize, v: f32) -> bool {
    levels[i - 1..=i + 1]
        .iter()
        .enumerate()
        .all(|(n, level)| (-1..=1).all(|dy| (-1..=1).all(|dx| (n == 1 && dy == 0 && dx == 0) || at(level, y + dy, x + dx) < v)))
}

fn is_round(level: &Image, y: isize, x: isize) -> bool {
    let v = |dy: isize, dx: isize| at(level, y + dy, x + dx);
    let (yy, xx) = (v(-1, 0) - 2.0 * v(0, 0) + v(1, 0), v(0, -1) - 2.0 * v(0, 0) + v(0, 1));
    let xy = 0.25 * (v(1, 1) - v(1, -1) - v(-1, 1) + v(-1, -1));
    let (half, spread) = (0.5 * (yy + xx), (0.25 * (yy - xx) * (yy - xx) + xy * xy).sqrt());
    // Both curvatures negative, the weaker not far below the stronger.
    half + spread < 0.0 && (half + spread) / (half - spread) >= ROUND
}

/// One entry for each place, from its (at most five) strongest blobs: median scale, strength of the strongest.
fn places(blobs: &[Blob]) -> Vec<Blob> {
    let mut out: Vec<(Blob, Vec<f32>)> = Vec::new();
    for b in blobs {
        let near = |p: &(Blob, Vec<f32>)| ((p.0.y - b.y).powi(2) + (p.0.x - b.x).powi(2)).sqrt() < 1.5 * p.0.scale.max(b.scale);
        match out.iter_mut().find(|p| near(p)) {
            Some(place) if place.1.len() < 5 => place.1.push(b.scale),
            Some(_) => {}
            None => out.push((*b, vec![b.scale])),
        }
    }
    out.into_iter()
        .map(|(b, scales)| Blob {
            scale: median(&scales),
            ..b
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Noise;

    /// Frames with cells of this half-maximum radius that light up now and then, over a slanted background that shifts by a pixel.
    fn film(radius: f32, seed: u64) -> (Vec<Vec<u8>>, usize, usize) {
        let (h, w) = (90, 120);
        let mut noise = Noise::new(seed);
        let cells: Vec<(f32, f32)> = (0..12)
            .map(|_| (12.0 + 66.0 * noise.uniform(), 12.0 + 96.0 * noise.uniform()))
            .collect();
        let frames = (0..60)
            .map(|t| {
                let lit: Vec<f32> = cells.iter().map(|_| if noise.uniform() < 0.15 { 20.0 } else { 0.0 }).collect();
                let move_y = (t % 3) as f32 - 1.0;
                (0..h * w)
                    .map(|p| {
                        let (y, x) = ((p / w) as f32 - move_y, (p % w) as f32);
                        let light: f32 = cells
                            .iter()
                            .zip(&lit)
                            .map(|(c, a)| a * (-std::f32::consts::LN_2 * ((y - c.0).powi(2) + (x - c.1).powi(2)) / (radius * radius)).exp())
                            .sum();
                        (60.0 + 0.2 * x + 8.0 * (0.3 * x).sin() * (0.25 * y).cos() + light + 1.5 * noise.normal()) as u8
                    })
                    .collect()
            })
            .collect();
        (frames, h, w)
    }

    fn views(frames: &[Vec<u8>]) -> Vec<&[u8]> {
        frames.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn a_shift_is_that_of_the_best_whole_pixels_with_and_without_a_guess() {
        let (h, w) = (61, 84);
        let mut noise = Noise::new(4);
        let values: Vec<f32> = (0..h * w).map(|_| noise.normal()).collect();
        let image = blur(
            &Image {
                height: h,
                width: w,
                values,
            },
            2.0,
        );
        for s in [(0, 0), (3, -7), (-6, 5)] {
            // The content of `other` lies `s` further than that of `image`.
            let other = moved(&image, (-s.0, -s.1));
            let (a, b) = (Quarters::of(&image), Quarters::of(&other));
            assert_eq!(shift(&a, &b, None), s);
            assert_eq!(shift(&a, &b, Some((s.0 + 1, s.1 - 2))), s);
            let back = moved(&other, s);
            assert!((0..h * w).all(|p| {
                let inside = (8..h - 8).contains(&(p / w)) && (8..w - 8).contains(&(p % w));
                !inside || back.values[p] == image.values[p]
            }));
        }
    }

    #[test]
    fn a_blur_is_the_sum_over_its_taps_with_replicated_borders() {
        let (h, w) = (9, 13);
        let image = Image {
            height: h,
            width: w,
            values: (0..h * w).map(|i| ((i * 37 + i / w * 11) % 53) as f32).collect(),
        };
        let taps = gaussian_taps(1.5);
        let reach = (taps.len() / 2) as isize;
        let got = blur(&image, 1.5);
        for p in 0..h * w {
            let (y, x) = ((p / w) as isize, (p % w) as isize);
            let mut wanted = 0.0;
            for (j, a) in taps.iter().enumerate() {
                for (i, b) in taps.iter().enumerate() {
                    wanted += a * b * at(&image, y + j as isize - reach, x + i as isize - reach);
                }
            }
            assert!((got.values[p] - wanted).abs() < 1e-3, "{p}: {} {wanted}", got.values[p]);
        }
    }

    #[test]
    fn the_diameter_of_blinking_cells_is_found() {
        for (radius, seed) in [(2.5, 1), (3.5, 2), (5.5, 3)] {
            let (frames, h, w) = film(radius, seed);
            let found = estimate(&views(&frames), h, w).unwrap();
            assert!((found / (2.0 * radius) - 1.0).abs() < 0.25, "radius {radius}: {found}");
        }
    }

    #[test]
    fn a_film_of_noise_has_no_size() {
        let mut noise = Noise::new(9);
        let frames: Vec<Vec<u8>> = (0..40)
            .map(|_| (0..60 * 80).map(|_| (80.0 + 2.0 * noise.normal()) as u8).collect())
            .collect();
        assert_eq!(estimate(&views(&frames), 60, 80), None);
        assert_eq!(estimate(&views(&frames)[..3], 60, 80), None);
    }
}
