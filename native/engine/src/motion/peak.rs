//! From a cross spectrum to a sub-pixel shift: the largest value on whole pixels, a quadratic through its 5×5 neighbours, then Newton steps on
//! the band-limited correlation itself (reference, analysis 3.5: a three-point parabola is three times worse).

use calyx_fft::Complex32;

use crate::simd::dispatch;

/// Newton steps after the quadratic; the second rarely moves more than 0.01 px.
const NEWTON_STEPS: usize = 2;

/// Displacement of a frame's content against the template, grid px, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Rows, down is positive.
    pub dy: f32,
    /// Columns, to the right is positive.
    pub dx: f32,
    /// Height of the peak over the height it would have if all frequencies agreed, −1 … 1.
    pub quality: f32,
    /// The highest whole pixel lies on the border of the search.
    pub at_bound: bool,
}

/// The frequencies of a spectrum that carry weight, for exact values of the correlation between the pixels.
///
/// `spectrum[kx · height + ky]` as `calyx_fft::RealFft2` lays it out; the band is `kx < columns` and `|ky| < rows`.
#[derive(Clone, Debug)]
pub struct Band {
    height: usize,
    width: usize,
    rows: usize,
    columns: usize,
}

/// Correlation, gradient and Hessian at one displacement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local {
    /// The correlation.
    pub value: f64,
    /// Its derivative along y and x.
    pub gradient: [f64; 2],
    /// `[yy, xx, xy]`.
    pub hessian: [f64; 3],
}

/// Working memory of one thread: the cross spectrum in the band, real and imaginary parts apart, and the turns of each row.
#[derive(Default)]
pub struct BandScratch {
    re: Vec<f32>,
    im: Vec<f32>,
    turn_re: Vec<f32>,
    turn_im: Vec<f32>,
    frequency: Vec<f32>,
    magnitude: f64,
}

impl Band {
    /// All frequencies of a `height × width` transform.
    pub fn whole(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            rows: height / 2 + 1,
            columns: width / 2 + 1,
        }
    }

    /// The smallest band that holds every frequency whose `weight` times squared frequency is at least `share` of the largest.
    pub fn of_weights(height: usize, width: usize, weight: &[f32], share: f32) -> Self {
        let whole = Self::whole(height, width);
        let information = |kx: usize, ky: usize| {
            let (fy, fx) = (whole.row_frequency(ky), whole.column_frequency(kx));
            weight[kx * height + ky] * (fy * fy + fx * fx)
        };
        let bins = (0..whole.columns).flat_map(|kx| (0..height).map(move |ky| (kx, ky)));
        let limit = share * bins.clone().map(|(kx, ky)| information(kx, ky)).fold(0.0, f32::max);
        let mut band = Self {
            rows: 2.min(whole.rows),
            columns: 2.min(whole.columns),
            ..whole
        };
        for (kx, ky) in bins.filter(|(kx, ky)| information(*kx, *ky) > limit) {
            band.columns = band.columns.max(kx + 1);
            band.rows = band.rows.max(ky.min(height - ky) + 1);
        }
        band
    }

    /// Rows of the band: `|ky|` is below.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the band: `kx` is below.
    pub fn columns(&self) -> usize {
        self.columns
    }

    fn row_frequency(&self, ky: usize) -> f32 {
        let signed = if 2 * ky > self.height {
            ky as f32 - self.height as f32
        } else {
            ky as f32
        };
        std::f32::consts::TAU * signed / self.height as f32
    }

    fn column_frequency(&self, kx: usize) -> f32 {
        std::f32::consts::TAU * kx as f32 / self.width as f32
    }

    /// Rows of the transform in the order the scratch keeps them: 0 … rows−1, then −(rows−1) … −1 (without a row twice).
    fn row_indices(&self) -> impl Iterator<Item = usize> + use<> {
        let upper = (self.height + 1 - self.rows).max(self.rows);
        (0..self.rows.min(self.height)).chain(upper..self.height)
    }

    /// Takes the cross spectrum into the scratch, before the inverse transform destroys it.
    pub fn load(&self, cross: &[Complex32], scratch: &mut BandScratch) {
        scratch.frequency.clear();
        scratch.frequency.extend(self.row_indices().map(|ky| self.row_frequency(ky)));
        scratch.turn_re.resize(scratch.frequency.len(), 0.0);
        scratch.turn_im.resize(scratch.frequency.len(), 0.0);
        scratch.re.clear();
        scratch.im.clear();
        scratch.magnitude = 0.0;
        for kx in 0..self.columns {
            let column = &cross[kx * self.height..(kx + 1) * self.height];
            let mut sum = 0.0f32;
            for ky in self.row_indices() {
                scratch.re.push(column[ky].re);
                scratch.im.push(column[ky].im);
                sum += column[ky].norm_sqr().sqrt();
            }
            scratch.magnitude += f64::from(sum) * self.multiplicity(kx);
        }
    }

    /// Sum of the magnitudes in the band: the correlation's largest possible value.
    pub fn magnitude(&self, scratch: &BandScratch) -> f64 {
        scratch.magnitude
    }

    /// The correlation around the displacement `(dy, dx)`, unscaled like the inverse transform.
    pub fn local(&self, dy: f64, dx: f64, scratch: &mut BandScratch) -> Local {
        let BandScratch {
            re,
            im,
            turn_re,
            turn_im,
            frequency,
            ..
        } = scratch;
        for ((f, c), s) in frequency.iter().zip(turn_re.iter_mut()).zip(turn_im.iter_mut()) {
            let (sin, cos) = (f64::from(*f) * dy).sin_cos();
            (*c, *s) = (cos as f32, sin as f32);
        }
        let rows = frequency.len();
        let mut sum = Local::default();
        for kx in 0..self.columns {
            let column = kx * rows..(kx + 1) * rows;
            let mut parts = [0.0f32; 6];
            turn_column(&re[column.clone()], &im[column], turn_re, turn_im, frequency, &mut parts);
            let fx = f64::from(self.column_frequency(kx));
            let (sin, cos) = (fx * dx).sin_cos();
            let m = self.multiplicity(kx);
            // The column's sum of ky^n·R·e^{i ky dy} for n = 0, 1, 2, turned by the column's own phase.
            let turn = |n: usize| {
                let (a, b) = (f64::from(parts[2 * n]), f64::from(parts[2 * n + 1]));
                (m * (a * cos - b * sin), m * (a * sin + b * cos))
            };
            let ((r0, i0), (r1, i1), (r2, _)) = (turn(0), turn(1), turn(2));
            sum.value += r0;
            sum.gradient[0] -= i1;
            sum.gradient[1] -= i0 * fx;
            sum.hessian[0] -= r2;
            sum.hessian[1] -= r0 * fx * fx;
            sum.hessian[2] -= r1 * fx;
        }
        sum
    }

    /// A column of a real image's half spectrum stands for two, but for the first and (even widths) the last.
    fn multiplicity(&self, kx: usize) -> f64 {
        if kx == 0 || 2 * kx == self.width { 1.0 } else { 2.0 }
    }
}

dispatch! {
    /// Sums over a column of `R·e`, `f·R·e` and `f²·R·e` (real, imaginary parts), `e` the turn of each row and `f` its frequency.
    fn turn_column(re: &[f32], im: &[f32], turn_re: &[f32], turn_im: &[f32], frequency: &[f32], parts: &mut [f32; 6]) = turn_column_body
}

#[inline(always)]
fn turn_column_body(re: &[f32], im: &[f32], turn_re: &[f32], turn_im: &[f32], frequency: &[f32], parts: &mut [f32; 6]) {
    const LANES: usize = 8;
    let mut sums = [[0.0f32; LANES]; 6];
    let n = re.len();
    let mut add = |lane: usize, a: f32, b: f32, c: f32, s: f32, f: f32| {
        let (x, y) = (a * c - b * s, a * s + b * c);
        sums[0][lane] += x;
        sums[1][lane] += y;
        sums[2][lane] += f * x;
        sums[3][lane] += f * y;
        sums[4][lane] += f * f * x;
        sums[5][lane] += f * f * y;
    };
    let whole = n / LANES * LANES;
    let (re, im, turn_re, turn_im, frequency) = (&re[..n], &im[..n], &turn_re[..n], &turn_im[..n], &frequency[..n]);
    for i in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            add(
                lane,
                re[i + lane],
                im[i + lane],
                turn_re[i + lane],
                turn_im[i + lane],
                frequency[i + lane],
            );
        }
    }
    for i in whole..n {
        add(i - whole, re[i], im[i], turn_re[i], turn_im[i], frequency[i]);
    }
    for (part, lanes) in parts.iter_mut().zip(&sums) {
        *part = lanes.iter().sum();
    }
}

/// Finds the displacement: `correlation` is the inverse transform (`height × width`, displacement 0 at index 0, circular) of the cross
/// spectrum that was [`Band::load`]ed into `scratch`; whole displacements up to `reach = [y, x]` are searched.
pub fn find(correlation: &[f32], band: &Band, reach: [usize; 2], scratch: &mut BandScratch) -> Shift {
    let (height, width) = (band.height, band.width);
    let reach = [
        reach[0].min(height.saturating_sub(1) / 2),
        reach[1].min(width.saturating_sub(1) / 2),
    ];
    let at = |dy: isize, dx: isize| {
        let (y, x) = (dy.rem_euclid(height as isize) as usize, dx.rem_euclid(width as isize) as usize);
        correlation[y * width + x]
    };
    let (ry, rx) = (reach[0] as isize, reach[1] as isize);
    let (mut peak, mut best) = ((0, 0), f32::NEG_INFINITY);
    for dy in -ry..=ry {
        for dx in -rx..=rx {
            let value = at(dy, dx);
            if value > best {
                (peak, best) = ((dy, dx), value);
            }
        }
    }
    let at_bound = (peak.0.abs() == ry && ry > 0) || (peak.1.abs() == rx && rx > 0);
    let [oy, ox] = if at_bound {
        [0.0, 0.0]
    } else {
        quadratic_peak(|j, i| f64::from(at(peak.0 + j, peak.1 + i)))
    };
    let (mut dy, mut dx) = (peak.0 as f64 + oy, peak.1 as f64 + ox);
    if !at_bound {
        for _ in 0..NEWTON_STEPS {
            let Some([sy, sx]) = newton_step(&band.local(dy, dx, scratch)) else {
                break;
            };
            (dy, dx) = (dy + sy, dx + sx);
        }
    }
    let value = band.local(dy, dx, scratch).value;
    let magnitude = band.magnitude(scratch);
    let quality = if magnitude > 0.0 { (value / magnitude) as f32 } else { 0.0 };
    Shift {
        dy: dy as f32,
        dx: dx as f32,
        quality,
        at_bound,
    }
}

/// The least-squares quadratic through 5×5 values around (0, 0): gradient `[y, x]` and Hessian `[yy, xx, xy]` there.
pub fn quadratic(value: impl Fn(isize, isize) -> f64) -> ([f64; 2], [f64; 3]) {
    // The normal equations of 1, y, x, y², x², xy on the 5×5 grid: y and x have Σ = 50, y² − 2 has Σ = 70, xy has Σ = 100.
    let (mut by, mut bx, mut byy, mut bxx, mut bxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for j in -2..=2isize {
        for i in -2..=2isize {
            let (v, y, x) = (value(j, i), j as f64, i as f64);
            by += v * y / 50.0;
            bx += v * x / 50.0;
            byy += v * (y * y - 2.0) / 70.0;
            bxx += v * (x * x - 2.0) / 70.0;
            bxy += v * x * y / 100.0;
        }
    }
    ([by, bx], [2.0 * byy, 2.0 * bxx, bxy])
}

/// Offset of the maximum of the [`quadratic`], at most one pixel on each axis; 0 where it has no maximum.
pub fn quadratic_peak(value: impl Fn(isize, isize) -> f64) -> [f64; 2] {
    let ([by, bx], [hyy, hxx, bxy]) = quadratic(value);
    let det = hyy * hxx - bxy * bxy;
    if !(hyy < 0.0 && det > 0.0) {
        return [0.0, 0.0];
    }
    [
        ((bxy * bx - hxx * by) / det).clamp(-1.0, 1.0),
        ((bxy * by - hyy * bx) / det).clamp(-1.0, 1.0),
    ]
}

/// One Newton step towards the maximum; `None` where the surface is not a hill or the step leaves the pixel.
fn newton_step(local: &Local) -> Option<[f64; 2]> {
    let [hyy, hxx, hxy] = local.hessian;
    let [gy, gx] = local.gradient;
    let det = hyy * hxx - hxy * hxy;
    if !(hyy < 0.0 && det > 0.0) {
        return None;
    }
    let step = [(hxy * gx - hxx * gy) / det, (hxy * gy - hyy * gx) / det];
    (step[0].abs() <= 1.0 && step[1].abs() <= 1.0).then_some(step)
}

#[cfg(test)]
mod tests {
    use calyx_fft::RealFft2;

    use super::*;

    /// Cross spectrum of a smooth picture moved by `(dy, dx)` against itself, and its correlation.
    fn cross(height: usize, width: usize, dy: f32, dx: f32) -> (Vec<Complex32>, Vec<f32>) {
        let fft = RealFft2::new(height, width);
        let spot = |cy: f32, cx: f32| -> Vec<f32> {
            (0..height * width)
                .map(|i| {
                    let (y, x) = ((i / width) as f32 - cy, (i % width) as f32 - cx);
                    (-(y * y + x * x) / 8.0).exp() + 0.7 * (-((y - 6.0).powi(2) + (x + 5.0).powi(2)) / 12.0).exp()
                })
                .collect()
        };
        let zero = Complex32::new(0.0, 0.0);
        let (mut f, mut t, mut scratch) = (vec![zero; fft.spectrum_len()], vec![zero; fft.spectrum_len()], fft.scratch());
        fft.forward(&mut spot(18.0 + dy, 24.0 + dx), &mut f, &mut scratch);
        fft.forward(&mut spot(18.0, 24.0), &mut t, &mut scratch);
        let product: Vec<Complex32> = f.iter().zip(&t).map(|(f, t)| f * t.conj()).collect();
        let mut image = vec![0.0; height * width];
        fft.inverse(&mut product.clone(), &mut image, &mut scratch);
        (product, image)
    }

    #[test]
    fn the_band_limited_correlation_equals_the_transform_on_whole_pixels() {
        let (height, width) = (36, 50);
        let (product, image) = cross(height, width, 0.0, 0.0);
        let band = Band::whole(height, width);
        let mut scratch = BandScratch::default();
        band.load(&product, &mut scratch);
        for (dy, dx) in [(0, 0), (3, 1), (35, 49), (10, 40)] {
            let local = band.local(dy as f64, dx as f64, &mut scratch).value as f32;
            let wanted = image[dy * width + dx];
            assert!((local - wanted).abs() < 2e-4 * image[0], "{local} {wanted}");
        }
    }

    #[test]
    fn the_derivatives_are_those_of_finite_differences() {
        let band = Band::whole(36, 50);
        let mut scratch = BandScratch::default();
        band.load(&cross(36, 50, 1.0, -2.0).0, &mut scratch);
        let (y, x, e) = (0.4, -1.3, 1e-2);
        let here = band.local(y, x, &mut scratch);
        let mut value = |a: f64, b: f64| band.local(y + a, x + b, &mut scratch).value;
        let wanted = [
            (here.gradient[0], (value(e, 0.0) - value(-e, 0.0)) / (2.0 * e)),
            (here.gradient[1], (value(0.0, e) - value(0.0, -e)) / (2.0 * e)),
            (here.hessian[0], (value(e, 0.0) - 2.0 * here.value + value(-e, 0.0)) / (e * e)),
            (here.hessian[1], (value(0.0, e) - 2.0 * here.value + value(0.0, -e)) / (e * e)),
            (
                here.hessian[2],
                (value(e, e) - value(e, -e) - value(-e, e) + value(-e, -e)) / (4.0 * e * e),
            ),
        ];
        for (got, wanted) in wanted {
            assert!((got - wanted).abs() < 0.02 * here.value.abs(), "{got} {wanted}");
        }
    }

    #[test]
    fn a_known_sub_pixel_shift_is_recovered_on_a_frame_that_is_not_square() {
        for (dy, dx) in [(0.0, 0.0), (1.3, -2.6), (-3.45, 4.2), (0.5, 0.5)] {
            let (product, image) = cross(36, 50, dy, dx);
            let band = Band::whole(36, 50);
            let mut scratch = BandScratch::default();
            band.load(&product, &mut scratch);
            let shift = find(&image, &band, [8, 8], &mut scratch);
            assert!((shift.dy - dy).abs() < 0.01 && (shift.dx - dx).abs() < 0.01, "{shift:?} {dy} {dx}");
            assert!(shift.quality > 0.99 && !shift.at_bound);
        }
    }

    #[test]
    fn a_peak_beyond_the_search_is_reported_at_its_bound() {
        let (product, image) = cross(36, 50, 6.0, 1.0);
        let band = Band::whole(36, 50);
        let mut scratch = BandScratch::default();
        band.load(&product, &mut scratch);
        let shift = find(&image, &band, [4, 4], &mut scratch);
        assert!(shift.at_bound && shift.dy == 4.0);
    }

    #[test]
    fn the_band_holds_the_frequencies_with_weight_and_no_row_twice() {
        let (height, width) = (20, 24);
        let mut weight = vec![0.0; (width / 2 + 1) * height];
        weight[5 * height + 17] = 1.0;
        let band = Band::of_weights(height, width, &weight, 1e-3);
        assert_eq!((band.rows(), band.columns()), (4, 6));
        assert_eq!(band.row_indices().collect::<Vec<_>>(), [0, 1, 2, 3, 17, 18, 19]);
        assert_eq!(Band::whole(6, 8).row_indices().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Band::whole(7, 8).row_indices().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    }
}
