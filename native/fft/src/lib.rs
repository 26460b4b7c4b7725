//! FFT planners of the engine, in a crate of their own so that an edit of the engine does not compile them again.
//!
//! Everything here is `f32` and concrete: generic code would be compiled into each crate that calls it.

use std::sync::Arc;

use realfft::RealFftPlanner;
use rustfft::{Fft, FftPlanner};

pub use realfft::{ComplexToReal, RealToComplex};
/// A complex number of two `f32`.
pub type Complex32 = rustfft::num_complex::Complex<f32>;

/// The plan of a forward real FFT of `n` points to `n / 2 + 1` bins, unscaled.
pub fn real_forward(n: usize) -> Arc<dyn RealToComplex<f32>> {
    RealFftPlanner::<f32>::new().plan_fft_forward(n)
}

/// The plan of the inverse of [`real_forward`], unscaled: forward then inverse multiplies by `n`.
pub fn real_inverse(n: usize) -> Arc<dyn ComplexToReal<f32>> {
    RealFftPlanner::<f32>::new().plan_fft_inverse(n)
}

/// The smallest even number `2ᵃ·3ᵇ·5ᶜ ≥ n` (at least 2): a length at which the FFT is fast (608 takes twice as long as 640).
pub fn good_size(n: usize) -> usize {
    let mut size = n.max(2).next_multiple_of(2);
    loop {
        let mut rest = size;
        for factor in [2, 3, 5] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
            }
        }
        if rest == 1 {
            return size;
        }
        size += 2;
    }
}

/// Plans of the real FFT of a `height × width` image.
///
/// The spectrum is kept transposed: `spectrum[kx · height + ky]` with `kx` in `0 ..= width / 2` and `ky` in `0 .. height` (negative
/// frequencies in the upper half). Nothing is scaled: forward then inverse multiplies by `height · width`.
pub struct RealFft2 {
    height: usize,
    width: usize,
    row_forward: Arc<dyn RealToComplex<f32>>,
    row_inverse: Arc<dyn ComplexToReal<f32>>,
    column_forward: Arc<dyn Fft<f32>>,
    column_inverse: Arc<dyn Fft<f32>>,
}

/// Working memory of one thread for one [`RealFft2`].
pub struct Scratch {
    rows: Vec<Complex32>,
    row: Vec<Complex32>,
    column: Vec<Complex32>,
}

impl RealFft2 {
    /// Plans for `height × width`; `width` is even (see [`good_size`]).
    pub fn new(height: usize, width: usize) -> Self {
        let (mut real, mut complex) = (RealFftPlanner::<f32>::new(), FftPlanner::<f32>::new());
        Self {
            height,
            width,
            row_forward: real.plan_fft_forward(width),
            row_inverse: real.plan_fft_inverse(width),
            column_forward: complex.plan_fft_forward(height),
            column_inverse: complex.plan_fft_inverse(height),
        }
    }

    /// Rows of the image.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of the image.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Length of a spectrum, `(width / 2 + 1) · height`.
    pub fn spectrum_len(&self) -> usize {
        self.bins() * self.height
    }

    /// Working memory for one thread.
    pub fn scratch(&self) -> Scratch {
        let zero = Complex32::new(0.0, 0.0);
        let row = self.row_forward.get_scratch_len().max(self.row_inverse.get_scratch_len());
        let column = self
            .column_forward
            .get_inplace_scratch_len()
            .max(self.column_inverse.get_inplace_scratch_len());
        Scratch {
            rows: vec![zero; self.spectrum_len()],
            row: vec![zero; row],
            column: vec![zero; column],
        }
    }

    /// Spectrum of `image` (`height × width`, row-major, destroyed) in `spectrum` ([`RealFft2::spectrum_len`] values).
    ///
    /// # Panics
    /// When a slice has another length: a fault of the caller.
    pub fn forward(&self, image: &mut [f32], spectrum: &mut [Complex32], scratch: &mut Scratch) {
        let bins = self.bins();
        assert!(
            image.len() == self.height * self.width && spectrum.len() == bins * self.height,
            "sizes of the 2-D FFT"
        );
        for (line, out) in image.chunks_exact_mut(self.width).zip(scratch.rows.chunks_exact_mut(bins)) {
            self.row_forward
                .process_with_scratch(line, out, &mut scratch.row)
                .expect("lengths were checked");
        }
        transpose(&scratch.rows, self.height, bins, spectrum);
        self.column_forward.process_with_scratch(spectrum, &mut scratch.column);
    }

    /// Image of `spectrum` (destroyed), multiplied by `height · width`.
    ///
    /// # Panics
    /// When a slice has another length: a fault of the caller.
    pub fn inverse(&self, spectrum: &mut [Complex32], image: &mut [f32], scratch: &mut Scratch) {
        let bins = self.bins();
        assert!(
            image.len() == self.height * self.width && spectrum.len() == bins * self.height,
            "sizes of the 2-D FFT"
        );
        self.column_inverse.process_with_scratch(spectrum, &mut scratch.column);
        transpose(spectrum, bins, self.height, &mut scratch.rows);
        for (line, out) in scratch.rows.chunks_exact_mut(bins).zip(image.chunks_exact_mut(self.width)) {
            // The real transform refuses an imaginary part, which rounding leaves, in the bins that must be real.
            line[0].im = 0.0;
            if self.width.is_multiple_of(2) {
                line[bins - 1].im = 0.0;
            }
            self.row_inverse
                .process_with_scratch(line, out, &mut scratch.row)
                .expect("lengths were checked");
        }
    }

    fn bins(&self) -> usize {
        self.width / 2 + 1
    }
}

/// `to[x · rows + y] = from[y · columns + x]`, in blocks that stay in the first-level cache.
fn transpose(from: &[Complex32], rows: usize, columns: usize, to: &mut [Complex32]) {
    const BLOCK: usize = 16;
    for y0 in (0..rows).step_by(BLOCK) {
        let y1 = (y0 + BLOCK).min(rows);
        for x0 in (0..columns).step_by(BLOCK) {
            for x in x0..(x0 + BLOCK).min(columns) {
                let column = &mut to[x * rows + y0..x * rows + y1];
                for (out, y) in column.iter_mut().zip(y0..y1) {
                    *out = from[y * columns + x];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|i| ((i * 7919 + 13) % 101) as f32 - 50.0).collect()
    }

    /// The sum of the definition, in double precision.
    fn direct(image: &[f32], height: usize, width: usize, ky: usize, kx: usize) -> (f64, f64) {
        let (mut re, mut im) = (0.0, 0.0);
        for y in 0..height {
            for x in 0..width {
                let turns = (y * ky) as f64 / height as f64 + (x * kx) as f64 / width as f64;
                let (sin, cos) = (-2.0 * std::f64::consts::PI * turns).sin_cos();
                re += f64::from(image[y * width + x]) * cos;
                im += f64::from(image[y * width + x]) * sin;
            }
        }
        (re, im)
    }

    #[test]
    fn the_spectrum_is_that_of_the_definition() {
        for (height, width) in [(6, 10), (20, 18), (9, 4)] {
            let fft = RealFft2::new(height, width);
            let mut spectrum = vec![Complex32::new(0.0, 0.0); fft.spectrum_len()];
            fft.forward(&mut image(height, width), &mut spectrum, &mut fft.scratch());
            for kx in 0..=width / 2 {
                for ky in 0..height {
                    let (re, im) = direct(&image(height, width), height, width, ky, kx);
                    let got = spectrum[kx * height + ky];
                    assert!(
                        (f64::from(got.re) - re).abs() < 0.01 && (f64::from(got.im) - im).abs() < 0.01,
                        "{ky} {kx}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_inverse_gives_the_image_back() {
        let (height, width) = (40, 54);
        let fft = RealFft2::new(height, width);
        let mut scratch = fft.scratch();
        let mut spectrum = vec![Complex32::new(0.0, 0.0); fft.spectrum_len()];
        let mut back = vec![0.0; height * width];
        fft.forward(&mut image(height, width), &mut spectrum, &mut scratch);
        fft.inverse(&mut spectrum, &mut back, &mut scratch);
        for (got, wanted) in back.iter().zip(image(height, width)) {
            assert!((got / (height * width) as f32 - wanted).abs() < 1e-3);
        }
    }

    #[test]
    fn good_sizes_are_even_and_have_small_factors() {
        let cases = [
            (0, 2),
            (7, 8),
            (17, 18),
            (128, 128),
            (304, 320),
            (600, 600),
            (608, 640),
            (61, 64),
            (150, 150),
            (151, 160),
        ];
        for (n, wanted) in cases {
            assert_eq!(good_size(n), wanted, "{n}");
        }
    }
}
