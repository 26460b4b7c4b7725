//! The template of a run: an average of a sample of frames, aligned to itself, and the weight each frequency deserves.
//!
//! After the first alignment the noise of each frequency is known: what is left of the sample's spectra around the template, pixel noise and
//! changing cells alike. The correlation with each frequency divided by its noise is the most likely displacement under Gaussian noise; on the
//! simulated films it has half to three quarters of the error of softened phase correlation, and follows the whole motion where the latter lags.

use calyx_fft::{Complex32, RealFft2};
use rayon::prelude::*;

use super::peak::{Band, BandScratch, Shift, find};
use crate::kernels::middle;

/// Rounds of alignment; the first with softened phase correlation, the others with the noise weights.
const ROUNDS: usize = 3;
/// Fewer frames do not tell the noise of a frequency.
pub const FEWEST_FOR_NOISE: usize = 12;
/// Softening of the phase correlation over the mean magnitude (reference, analysis 3.5).
const SOFTENING: f32 = 0.3;
/// A frame whose quality is below this share of the sample's median is not like the others.
const ODD_QUALITY: f32 = 0.45;
/// Frequencies that carry less than this share of the best one's information are left out between the pixels.
const BAND_SHARE: f32 = 1e-3;

/// What a frame's spectrum is multiplied with to get the cross spectrum.
pub struct Kernel {
    /// Conjugate of the template's spectrum, times the noise weight where that is known.
    factor: Vec<Complex32>,
    /// For softened phase correlation: the weight of each frequency after the division by its magnitude.
    soft: Option<Vec<f32>>,
    band: Band,
}

/// Working memory of one thread.
pub struct KernelScratch {
    cross: Vec<Complex32>,
    correlation: Vec<f32>,
    fft: calyx_fft::Scratch,
    band: BandScratch,
}

impl KernelScratch {
    /// For transforms of `fft`'s size.
    pub fn new(fft: &RealFft2) -> Self {
        Self {
            cross: vec![Complex32::default(); fft.spectrum_len()],
            correlation: vec![0.0; fft.height() * fft.width()],
            fft: fft.scratch(),
            band: BandScratch::default(),
        }
    }
}

impl Kernel {
    /// Displacement of the frame with this `spectrum` against the template; whole displacements up to `reach = [y, x]`, grid px.
    pub fn shift(&self, fft: &RealFft2, spectrum: &[Complex32], reach: [usize; 2], scratch: &mut KernelScratch) -> Shift {
        for ((out, f), k) in scratch.cross.iter_mut().zip(spectrum).zip(&self.factor) {
            *out = f * k;
        }
        if let Some(weight) = &self.soft {
            let sum: f64 = scratch.cross.iter().map(|c| f64::from(c.norm_sqr().sqrt())).sum();
            let soft = SOFTENING * (sum / scratch.cross.len() as f64) as f32 + f32::MIN_POSITIVE;
            for (c, w) in scratch.cross.iter_mut().zip(weight) {
                *c *= w / (c.norm_sqr().sqrt() + soft);
            }
        }
        self.band.load(&scratch.cross, &mut scratch.band);
        fft.inverse(&mut scratch.cross, &mut scratch.correlation, &mut scratch.fft);
        find(&scratch.correlation, &self.band, reach, &mut scratch.band)
    }

    fn soft(template: &[Complex32], fft: &RealFft2, sigma: f32) -> Self {
        let weight = gaussian_weight(fft, sigma);
        let band = Band::of_weights(fft.height(), fft.width(), &weight, BAND_SHARE);
        Self {
            factor: template.iter().map(Complex32::conj).collect(),
            soft: Some(weight),
            band,
        }
    }

    /// `noise` is the expected squared magnitude of what is not the template; `frames` were averaged into it.
    fn weighted(template: &[Complex32], noise: &[f32], frames: usize, fft: &RealFft2) -> Self {
        let floor = 1e-3 * noise.iter().map(|n| f64::from(*n)).sum::<f64>() as f32 / noise.len() as f32 + f32::MIN_POSITIVE;
        let (mut factor, mut information) = (Vec::with_capacity(noise.len()), Vec::with_capacity(noise.len()));
        for (t, n) in template.iter().zip(noise) {
            // The template's own noise is taken off its power: frequencies that hold nothing else get no weight.
            let left = n / frames as f32;
            let power = (t.norm_sqr() - left).max(0.0);
            let weight = power / (power + left + f32::MIN_POSITIVE) / (n + floor);
            factor.push(t.conj() * weight);
            information.push(power * weight);
        }
        Self {
            factor,
            soft: None,
            band: Band::of_weights(fft.height(), fft.width(), &information, BAND_SHARE),
        }
    }
}

/// A trained template.
pub struct Trained {
    /// For all frames.
    pub kernel: Kernel,
    /// Displacements of the sample against it.
    pub shifts: Vec<Shift>,
    /// Frames below this quality are not to be believed.
    pub least_quality: f32,
}

/// Aligns `spectra` (a sample spread over the run) to their own average. The template lies at the median displacement, so that no frame need be
/// moved further than necessary. `sigma` of a neuron and `reach` in grid px. `None` when `stop` said so.
pub fn train(
    fft: &RealFft2,
    spectra: &[Vec<Complex32>],
    sigma: f32,
    reach: [usize; 2],
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Trained> {
    let still = vec![
        Shift {
            dy: 0.0,
            dx: 0.0,
            quality: 1.0,
            at_bound: false
        };
        spectra.len()
    ];
    let mut template = average(fft, &align(fft, spectra, &still));
    let mut kernel = Kernel::soft(&template, fft, sigma);
    for round in 0..ROUNDS {
        // The first average may lie at one end of the motion: twice the reach until it is centred.
        let far = if round == 0 { reach.map(|r| 2 * r) } else { reach };
        let mut shifts = all_shifts(fft, &kernel, spectra, far, stop)?;
        let least = least_quality(&shifts);
        let centre = [middle(shifts.iter().map(|s| s.dy)), middle(shifts.iter().map(|s| s.dx))];
        for shift in &mut shifts {
            shift.dy -= centre[0];
            shift.dx -= centre[1];
            // Not averaged below.
            if shift.quality < least {
                shift.quality = 0.0;
            }
        }
        let aligned = align(fft, spectra, &shifts);
        template = average(fft, &aligned);
        kernel = if aligned.len() >= FEWEST_FOR_NOISE {
            Kernel::weighted(&template, &noise(fft, &aligned, &template), aligned.len(), fft)
        } else {
            Kernel::soft(&template, fft, sigma)
        };
    }
    let shifts = all_shifts(fft, &kernel, spectra, reach, stop)?;
    let least_quality = least_quality(&shifts);
    Some(Trained {
        kernel,
        shifts,
        least_quality,
    })
}

/// What spectra of frames that are already aligned are correlated with: their average times the weight of each frequency. The correlation
/// with it is a log likelihood ratio, so its curvature is information (1 / px²).
pub fn matched(fft: &RealFft2, spectra: &[Vec<Complex32>]) -> Vec<Complex32> {
    let still = Shift {
        dy: 0.0,
        dx: 0.0,
        quality: 1.0,
        at_bound: false,
    };
    let aligned = align(fft, spectra, &vec![still; spectra.len()]);
    let template = average(fft, &aligned);
    let noise = noise(fft, &aligned, &template);
    let mut factor = Kernel::weighted(&template, &noise, aligned.len(), fft).factor;
    factor.iter_mut().for_each(|f| *f = f.conj());
    factor
}

fn all_shifts(
    fft: &RealFft2,
    kernel: &Kernel,
    spectra: &[Vec<Complex32>],
    reach: [usize; 2],
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<Shift>> {
    spectra
        .par_iter()
        .map_init(
            || KernelScratch::new(fft),
            |scratch, spectrum| (!stop()).then(|| kernel.shift(fft, spectrum, reach, scratch)),
        )
        .collect()
}

fn least_quality(shifts: &[Shift]) -> f32 {
    (ODD_QUALITY * middle(shifts.iter().map(|s| s.quality))).max(0.1)
}

/// `e^{i·k·d}` for the `bins` first frequencies of a transform of `n` points; the upper half stands for negative ones.
fn turns(n: usize, bins: usize, d: f32) -> Vec<Complex32> {
    (0..bins)
        .map(|k| {
            let signed = if 2 * k > n { k as f64 - n as f64 } else { k as f64 };
            let (sin, cos) = (std::f64::consts::TAU * signed / n as f64 * f64::from(d)).sin_cos();
            Complex32::new(cos as f32, sin as f32)
        })
        .collect()
}

/// The spectra that are used, each with the turns of its rows and columns that move it back.
struct Aligned<'a> {
    spectrum: &'a [Complex32],
    rows: Vec<Complex32>,
    columns: Vec<Complex32>,
}

fn align<'a>(fft: &RealFft2, spectra: &'a [Vec<Complex32>], shifts: &[Shift]) -> Vec<Aligned<'a>> {
    let used = spectra.iter().zip(shifts).filter(|(_, shift)| shift.quality > 0.0);
    used.map(|(spectrum, shift)| Aligned {
        spectrum,
        rows: turns(fft.height(), fft.height(), shift.dy),
        columns: turns(fft.width(), fft.width() / 2 + 1, shift.dx),
    })
    .collect()
}

/// Calls `each(row, spectrum moved back)` for column `kx` of the transform, frame after frame.
fn moved_back(aligned: &[Aligned<'_>], kx: usize, mut each: impl FnMut(usize, Complex32)) {
    for Aligned { spectrum, rows, columns } in aligned {
        let height = rows.len();
        for (ky, (value, row)) in spectrum[kx * height..(kx + 1) * height].iter().zip(rows).enumerate() {
            each(ky, value * row * columns[kx]);
        }
    }
}

fn average(fft: &RealFft2, aligned: &[Aligned<'_>]) -> Vec<Complex32> {
    let scale = 1.0 / aligned.len().max(1) as f32;
    let mut out = vec![Complex32::default(); fft.spectrum_len()];
    out.par_chunks_mut(fft.height()).enumerate().for_each(|(kx, column)| {
        moved_back(aligned, kx, |ky, value| column[ky] += value);
        column.iter_mut().for_each(|v| *v *= scale);
    });
    out
}

/// Mean squared distance of the aligned spectra from the template, smoothed over neighbouring frequencies.
fn noise(fft: &RealFft2, aligned: &[Aligned<'_>], template: &[Complex32]) -> Vec<f32> {
    let height = fft.height();
    let scale = 1.0 / aligned.len().max(1) as f32;
    let mut raw = vec![0.0f32; fft.spectrum_len()];
    raw.par_chunks_mut(height).enumerate().for_each(|(kx, column)| {
        moved_back(aligned, kx, |ky, value| {
            column[ky] += (value - template[kx * height + ky]).norm_sqr()
        });
        column.iter_mut().for_each(|v| *v *= scale);
    });
    let columns = raw.len() / height;
    let mut out = vec![0.0; raw.len()];
    for kx in 0..columns {
        for ky in 0..height {
            let down = |x: usize| {
                let c = &raw[x * height..(x + 1) * height];
                0.25 * c[(ky + height - 1) % height] + 0.5 * c[ky] + 0.25 * c[(ky + 1) % height]
            };
            out[kx * height + ky] = 0.25 * down(kx.saturating_sub(1)) + 0.5 * down(kx) + 0.25 * down((kx + 1).min(columns - 1));
        }
    }
    out
}

/// `exp(−½ |k|² σ²)`: what a neuron's own width leaves of each frequency.
fn gaussian_weight(fft: &RealFft2, sigma: f32) -> Vec<f32> {
    let (height, width) = (fft.height(), fft.width());
    let frequency = |k: usize, n: usize| std::f32::consts::TAU * k.min(n - k) as f32 / n as f32;
    (0..fft.spectrum_len())
        .map(|i| {
            let (fx, fy) = (frequency(i / height, width), frequency(i % height, height));
            (-0.5 * (fx * fx + fy * fy) * sigma * sigma).exp()
        })
        .collect()
}
