//! Pictures on the canvas: blur, smooth noise, cell bodies, vessels. Everything is row-major; the canvas is the frame with a margin of
//! tissue on each side that motion can bring into view.

use crate::random::Random;

/// Smooth fields are kept on a grid this many times coarser than the canvas; their structure is at least 15 px wide.
pub const COARSE: usize = 4;

/// An image with its size.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height × width` values.
    pub pixels: Vec<f32>,
}

impl Image {
    /// The same value everywhere.
    pub fn filled(height: usize, width: usize, value: f32) -> Self {
        Self {
            height,
            width,
            pixels: vec![value; height * width],
        }
    }
}

/// Taps of a Gaussian, 4 σ to each side, sum 1.
fn gaussian(sigma: f64) -> Vec<f32> {
    let reach = (4.0 * sigma).ceil() as i64;
    let taps: Vec<f64> = (-reach..=reach).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|v| (v / sum) as f32).collect()
}

/// Gaussian blur; beyond the border the picture is mirrored.
pub fn blur(image: &Image, sigma: f64) -> Image {
    if sigma <= 0.0 {
        return image.clone();
    }
    let taps = gaussian(sigma);
    let (h, w) = (image.height, image.width);
    let mut rows = Image::filled(h, w, 0.0);
    for (row, out) in image.pixels.chunks_exact(w).zip(rows.pixels.chunks_exact_mut(w)) {
        filter_line(row, &taps, out);
    }
    let mut out = Image::filled(h, w, 0.0);
    let (mut column, mut done) = (vec![0.0; h], vec![0.0; h]);
    for x in 0..w {
        for (value, row) in column.iter_mut().zip(rows.pixels.chunks_exact(w)) {
            *value = row[x];
        }
        filter_line(&column, &taps, &mut done);
        for (value, row) in done.iter().zip(out.pixels.chunks_exact_mut(w)) {
            row[x] = *value;
        }
    }
    out
}

fn filter_line(line: &[f32], taps: &[f32], out: &mut [f32]) {
    let (n, reach) = (line.len() as i64, (taps.len() / 2) as i64);
    for (i, value) in out.iter_mut().enumerate() {
        let first = i as i64 - reach;
        *value = taps
            .iter()
            .enumerate()
            .map(|(k, tap)| tap * line[mirrored(first + k as i64, n)])
            .sum();
    }
}

/// Index mirrored at both ends (… 1 0 | 0 1 …).
fn mirrored(i: i64, n: i64) -> usize {
    let i = i.rem_euclid(2 * n);
    (if i < n { i } else { 2 * n - 1 - i }) as usize
}

/// White noise blurred to `sigma` px, mean near 0, standard deviation 1, on the coarse grid of a canvas.
pub fn smooth_noise(random: &mut Random, height: usize, width: usize, sigma: f64) -> Image {
    let (h, w) = (height.div_ceil(COARSE) + 1, width.div_ceil(COARSE) + 1);
    let mut noise = Image::filled(h, w, 0.0);
    for v in &mut noise.pixels {
        *v = random.normal() as f32;
    }
    let mut field = blur(&noise, sigma / COARSE as f64);
    let n = field.pixels.len() as f32;
    let mean = field.pixels.iter().sum::<f32>() / n;
    let sd = (field.pixels.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
    for v in &mut field.pixels {
        *v /= sd.max(1e-9);
    }
    field
}

/// Adds a coarse field to a canvas, bilinear: coarse pixel (i, j) lies at canvas (4 i, 4 j).
pub fn add_coarse(coarse: &Image, width: usize, canvas: &mut [f32]) {
    let mut line = vec![0.0; coarse.width];
    for (y, row) in canvas.chunks_exact_mut(width).enumerate() {
        let (i, f) = (y / COARSE, (y % COARSE) as f32 / COARSE as f32);
        let above = &coarse.pixels[i * coarse.width..(i + 1) * coarse.width];
        let below = &coarse.pixels[(i + 1) * coarse.width..(i + 2) * coarse.width];
        for ((v, a), b) in line.iter_mut().zip(above).zip(below) {
            *v = a + f * (b - a);
        }
        for (x, four) in row.chunks_mut(COARSE).enumerate() {
            let (a, step) = (line[x], (line[x + 1] - line[x]) / COARSE as f32);
            for (k, v) in four.iter_mut().enumerate() {
                *v += a + step * k as f32;
            }
        }
    }
}

/// Shape of a cell body.
#[derive(Clone, Debug)]
pub struct Body {
    /// Centre (y, x) on the canvas, px.
    pub centre: [f64; 2],
    /// Radius before blur, px.
    pub radius: f64,
    /// Standard deviation of the blur by depth and optics, px.
    pub blur: f64,
    /// Direction of the longer axis.
    angle: f64,
    /// How much longer that axis is.
    eccentricity: f64,
    /// Unevenness of the outline: cosine and sine of the angle times 2, 3, 4.
    harmonics: [[f64; 3]; 2],
}

impl Body {
    /// A body with a random outline.
    pub fn new(random: &mut Random, centre: [f64; 2], radius: f64, blur: f64) -> Self {
        let angle = random.between(0.0, std::f64::consts::PI);
        let eccentricity = random.between(0.0, 0.18);
        let mut harmonics = [[0.0; 3]; 2];
        for h in harmonics.as_flattened_mut() {
            *h = 0.06 * random.normal();
        }
        Self {
            centre,
            radius,
            blur,
            angle,
            eccentricity,
            harmonics,
        }
    }

    /// Light at an offset from the centre, before blur: a disc with a soft, uneven edge and a slightly dimmer nucleus.
    fn light(&self, dy: f64, dx: f64) -> f64 {
        let (theta, rho) = (dy.atan2(dx) - self.angle, dy.hypot(dx));
        let mut outline = 1.0 + self.eccentricity * (2.0 * theta).cos();
        for k in 0..3 {
            let phase = (k + 2) as f64 * theta;
            outline += self.harmonics[0][k] * phase.cos() + self.harmonics[1][k] * phase.sin();
        }
        let edge = 1.0 / (1.0 + ((rho - self.radius * outline) / (0.18 * self.radius)).exp());
        edge * (1.0 - 0.15 * (-(rho / (0.5 * self.radius)).powi(2)).exp())
    }

    /// The body as the sensor sees it: (canvas pixel, value) with pixels rising, largest value 1, nothing below 2 % of it.
    pub fn render(&self, height: usize, width: usize) -> Vec<(usize, f32)> {
        let reach = (1.6 * self.radius + 4.0 * self.blur).ceil() as i64 + 1;
        let (cy, cx) = (self.centre[0].round() as i64, self.centre[1].round() as i64);
        let side = (2 * reach + 1) as usize;
        let mut patch = Image::filled(side, side, 0.0);
        // Nine points a pixel, so that the edge of a small cell does not jump with its sub-pixel place.
        const POINTS: [f64; 3] = [-1.0 / 3.0, 0.0, 1.0 / 3.0];
        for (i, v) in patch.pixels.iter_mut().enumerate() {
            let dy = (cy - reach + (i / side) as i64) as f64 - self.centre[0];
            let dx = (cx - reach + (i % side) as i64) as f64 - self.centre[1];
            let sum: f64 = POINTS.iter().flat_map(|a| POINTS.map(|b| self.light(dy + a, dx + b))).sum();
            *v = (sum / 9.0) as f32;
        }
        let patch = blur(&patch, self.blur);
        let peak = patch.pixels.iter().copied().fold(0.0, f32::max);
        let on_canvas = |i: usize| {
            let (y, x) = (cy - reach + (i / side) as i64, cx - reach + (i % side) as i64);
            let inside = y >= 0 && x >= 0 && y < height as i64 && x < width as i64;
            inside.then(|| y as usize * width + x as usize)
        };
        let values = patch.pixels.iter().enumerate();
        values
            .filter(|(_, v)| **v >= 0.02 * peak)
            .filter_map(|(i, v)| Some((on_canvas(i)?, v / peak)))
            .collect()
    }
}

/// Optical depth of `count` branching vessels of `width_px`, largest value about 1.
pub fn vessels(random: &mut Random, height: usize, width: usize, count: usize, width_px: f64) -> Image {
    let mut depth = Image::filled(height, width, 0.0);
    let (h, w) = ((height - 1) as f64, (width - 1) as f64);
    let steps = (1.5 * h.max(w)) as usize;
    let mut branches = Vec::new();
    for _ in 0..count {
        use std::f64::consts::{FRAC_PI_2, PI};
        let (side, u) = (random.below(4), random.between(0.15, 0.85));
        let (start, angle) = match side {
            0 => ([0.0, u * w], FRAC_PI_2),
            1 => ([u * h, 0.0], 0.0),
            2 => ([h, u * w], -FRAC_PI_2),
            _ => ([u * h, w], PI),
        };
        branches.push((start, angle + 0.3 * random.normal(), width_px, steps, 2));
    }
    while let Some((mut at, mut angle, wide, steps, forks)) = branches.pop() {
        for step in 0..steps {
            stamp(&mut depth, at, wide / 2.0, (wide / width_px).min(1.0));
            angle += 0.06 * random.normal();
            at = [at[0] + angle.sin(), at[1] + angle.cos()];
            if forks > 0 && random.unit() < 0.008 {
                let turn = random.between(0.5, 0.9) * if random.unit() < 0.5 { -1.0 } else { 1.0 };
                branches.push((at, angle + turn, 0.65 * wide, steps - step, forks - 1));
            }
        }
    }
    blur(&depth, 1.0)
}

/// The larger of what is there and a Gaussian spot.
fn stamp(image: &mut Image, at: [f64; 2], sigma: f64, height: f64) {
    let reach = 6.0 * sigma + 2.0;
    let range = |centre: f64, n: usize| {
        let from = (centre - reach).max(0.0) as usize;
        from..((centre + reach).max(0.0) as usize).min(n)
    };
    for y in range(at[0], image.height) {
        for x in range(at[1], image.width) {
            let d2 = (y as f64 - at[0]).powi(2) + (x as f64 - at[1]).powi(2);
            let v = &mut image.pixels[y * image.width + x];
            *v = v.max((height * (-d2 / (2.0 * sigma * sigma)).exp()) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_the_light_and_spreads_it() {
        let mut image = Image::filled(21, 33, 0.0);
        image.pixels[10 * 33 + 4] = 1.0;
        let out = blur(&image, 2.0);
        assert!((out.pixels.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        let second: f32 = out
            .pixels
            .iter()
            .enumerate()
            .map(|(i, v)| v * ((i / 33) as f32 - 10.0).powi(2))
            .sum();
        assert!((second - 4.0).abs() < 0.1, "{second}");
    }

    #[test]
    fn a_coarse_field_is_linear_between_its_points() {
        let coarse = Image {
            height: 4,
            width: 5,
            pixels: (0..20).map(|i| (i / 5) as f32 * 4.0 + (i % 5) as f32 * 8.0).collect(),
        };
        let mut canvas = vec![1.0; 10 * 15];
        add_coarse(&coarse, 15, &mut canvas);
        for (p, v) in canvas.iter().enumerate() {
            assert!((v - (1.0 + (p / 15) as f32 + 2.0 * (p % 15) as f32)).abs() < 1e-5);
        }
    }

    #[test]
    fn a_body_lies_where_it_was_put() {
        let mut random = Random::new(3, 0);
        let mut body = Body::new(&mut random, [20.3, 31.8], 3.2, 1.1);
        body.harmonics = [[0.0; 3]; 2];
        let pixels = body.render(60, 70);
        let sum: f32 = pixels.iter().map(|(_, v)| v).sum();
        let y: f32 = pixels.iter().map(|(p, v)| v * (p / 70) as f32).sum::<f32>() / sum;
        let x: f32 = pixels.iter().map(|(p, v)| v * (p % 70) as f32).sum::<f32>() / sum;
        assert!((y - 20.3).abs() < 0.05 && (x - 31.8).abs() < 0.05, "{y} {x}");
        assert!(pixels.windows(2).all(|w| w[0].0 < w[1].0));
        assert_eq!(pixels.iter().map(|(_, v)| *v).fold(0.0, f32::max), 1.0);
        body.centre = [-30.0, 5.0];
        assert!(body.render(60, 70).is_empty());
    }

    #[test]
    fn vessels_cross_the_canvas() {
        let depth = vessels(&mut Random::new(5, 0), 90, 120, 2, 5.0);
        let peak = depth.pixels.iter().copied().fold(0.0, f32::max);
        let share = depth.pixels.iter().filter(|v| **v > 0.5).count() as f32 / depth.pixels.len() as f32;
        assert!(peak > 0.8 && share > 0.01 && share < 0.5, "{peak} {share}");
    }
}
