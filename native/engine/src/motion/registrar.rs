//! Registration of binned frames: band-pass, spectrum, correlation with the template, sub-pixel peak.

use calyx_fft::{Complex32, RealFft2, good_size};
use rayon::prelude::*;

use super::filter::{BandPass, BandPassScratch};
use super::peak::Shift;
use super::template::{Kernel, KernelScratch, Trained, train};

/// Finds the displacement of frames of one grid against the template it was trained on.
pub struct Registrar {
    height: usize,
    width: usize,
    reach: [usize; 2],
    band_pass: BandPass,
    fft: RealFft2,
    kernel: Kernel,
    least_quality: f32,
    /// No movement is looked for: every frame stays where it is.
    is_off: bool,
}

/// What is said of a frame when registration is off: at rest, of unknown quality.
const STILL: Shift = Shift {
    dy: 0.0,
    dx: 0.0,
    quality: f32::NAN,
    at_bound: false,
};

/// Working memory of one thread.
pub struct Workspace {
    image: Vec<f32>,
    spectrum: Vec<Complex32>,
    filter: BandPassScratch,
    fft: calyx_fft::Scratch,
    kernel: KernelScratch,
}

impl Workspace {
    fn new(fft: &RealFft2) -> Self {
        Self {
            image: vec![0.0; fft.height() * fft.width()],
            spectrum: vec![Complex32::default(); fft.spectrum_len()],
            filter: BandPassScratch::default(),
            fft: fft.scratch(),
            kernel: KernelScratch::new(fft),
        }
    }
}

impl Registrar {
    /// Trains on `sample` (frames of `height × width`, spread over the run, none of them masked), for neurons of `sigma` grid px and
    /// displacements up to `max_shift` grid px; 0 switches registration off. Returns the registrar and the sample's displacements; `None` when `stop` said so.
    pub fn train(
        sample: &[Vec<f32>],
        [height, width]: [usize; 2],
        sigma: f32,
        max_shift: f32,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Option<(Self, Vec<Shift>)> {
        let fft = RealFft2::new(good_size(height), good_size(width));
        let band_pass = BandPass::new(height, width, sigma);
        let spectra: Vec<Vec<Complex32>> = sample
            .par_iter()
            .map_init(
                || Workspace::new(&fft),
                |work, frame| {
                    spectrum(&band_pass, &fft, frame, work);
                    work.spectrum.clone()
                },
            )
            .collect();
        // The search never reaches half the frame: beyond, the circular correlation would take one side for the other.
        let reach = [height, width].map(|n| (max_shift.max(1.0).floor() as usize).clamp(1, (n / 3).max(1)));
        let Trained {
            kernel,
            shifts,
            least_quality,
        } = train(&fft, &spectra, sigma, reach, stop)?;
        let is_off = max_shift <= 0.0;
        let shifts = if is_off { vec![STILL; shifts.len()] } else { shifts };
        Some((
            Self {
                height,
                width,
                reach,
                band_pass,
                fft,
                kernel,
                least_quality,
                is_off,
            },
            shifts,
        ))
    }

    /// Working memory for one thread.
    pub fn workspace(&self) -> Workspace {
        Workspace::new(&self.fft)
    }

    /// Displacement of the content of `frame` (`height × width`) against the template, grid px.
    pub fn shift(&self, frame: &[f32], work: &mut Workspace) -> Shift {
        debug_assert_eq!(frame.len(), self.height * self.width);
        if self.is_off {
            return STILL;
        }
        spectrum(&self.band_pass, &self.fft, frame, work);
        self.kernel.shift(&self.fft, &work.spectrum, self.reach, &mut work.kernel)
    }

    /// Frames below this quality are not to be believed: noise and foreign pictures stay under a quarter, good frames of the same run within a
    /// fifth of each other.
    pub fn least_quality(&self) -> f32 {
        self.least_quality
    }
}

fn spectrum(band_pass: &BandPass, fft: &RealFft2, frame: &[f32], work: &mut Workspace) {
    band_pass.apply(frame, &mut work.image, fft.width(), &mut work.filter);
    fft.forward(&mut work.image, &mut work.spectrum, &mut work.fft);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of soft spots under a vignette that does not move, displaced by `(dy, dx)`, with a little noise of its own.
    fn film_frame(height: usize, width: usize, dy: f32, dx: f32, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let spots: Vec<[f32; 3]> = (0..40u32)
            .map(|i| {
                let r = |k: u32| (i.wrapping_mul(k).wrapping_add(k >> 3) % 997) as f32 / 997.0;
                [
                    r(7919) * (height as f32 + 20.0) - 10.0,
                    r(104_729) * (width as f32 + 20.0) - 10.0,
                    4.0 + 6.0 * r(31_337),
                ]
            })
            .collect();
        (0..height * width)
            .map(|i| {
                let (y, x) = ((i / width) as f32, (i % width) as f32);
                let light: f32 = spots
                    .iter()
                    .map(|[cy, cx, a]| a * (-((y - cy - dy).powi(2) + (x - cx - dx).powi(2)) / (2.0 * 1.5 * 1.5)).exp())
                    .sum();
                let (v, u) = (y / height as f32 - 0.5, x / width as f32 - 0.4);
                (30.0 + light) * (1.0 - 0.8 * (v * v + u * u)) + 1.0 * noise()
            })
            .collect()
    }

    fn path(n: usize) -> Vec<[f32; 2]> {
        (0..n)
            .map(|t| [2.2 * (t as f32 * 0.7).sin(), 3.1 * (t as f32 * 0.43).cos()])
            .collect()
    }

    #[test]
    fn a_largest_movement_of_zero_switches_registration_off() {
        let (height, width) = (52, 76);
        let film: Vec<_> = path(40)
            .iter()
            .enumerate()
            .map(|(t, d)| film_frame(height, width, d[0], d[1], t as u32))
            .collect();
        let (registrar, shifts) = Registrar::train(&film, [height, width], 1.5, 0.0, &|| false).unwrap();
        let mut work = registrar.workspace();
        for shift in film.iter().map(|f| registrar.shift(f, &mut work)).chain(shifts) {
            assert_eq!((shift.dy, shift.dx, shift.at_bound), (0.0, 0.0, false));
        }
    }

    #[test]
    fn known_sub_pixel_motion_is_recovered_on_a_frame_that_is_not_square() {
        let (height, width) = (52, 76);
        let truth = path(40);
        let film: Vec<_> = truth
            .iter()
            .enumerate()
            .map(|(t, d)| film_frame(height, width, d[0], d[1], t as u32))
            .collect();
        let (registrar, shifts) = Registrar::train(&film, [height, width], 1.5, 8.0, &|| false).unwrap();
        let mut work = registrar.workspace();
        let found: Vec<Shift> = film.iter().map(|f| registrar.shift(f, &mut work)).collect();
        assert_eq!(found, shifts, "the sample's displacements are those of the finished template");
        for axis in 0..2 {
            let error: Vec<f32> = found.iter().zip(&truth).map(|(s, d)| [s.dy, s.dx][axis] - d[axis]).collect();
            let mean = error.iter().sum::<f32>() / error.len() as f32;
            let rmse = (error.iter().map(|e| (e - mean).powi(2)).sum::<f32>() / error.len() as f32).sqrt();
            assert!(rmse < 0.05, "axis {axis}: {rmse}");
        }
    }

    #[test]
    fn a_foreign_picture_is_below_the_quality_limit_and_a_jump_is_not() {
        let (height, width) = (52, 76);
        let film: Vec<_> = path(40)
            .iter()
            .enumerate()
            .map(|(t, d)| film_frame(height, width, d[0], d[1], t as u32))
            .collect();
        let (registrar, _) = Registrar::train(&film, [height, width], 1.5, 8.0, &|| false).unwrap();
        let mut work = registrar.workspace();
        let jump = registrar.shift(&film_frame(height, width, -6.0, 6.5, 99), &mut work);
        assert!(jump.quality > registrar.least_quality() && !jump.at_bound, "{jump:?}");
        let mirrored: Vec<f32> = (0..height * width)
            .map(|i| film[3][i / width * width + width - 1 - i % width])
            .collect();
        let foreign = registrar.shift(&mirrored, &mut work);
        assert!(
            foreign.quality < registrar.least_quality(),
            "{foreign:?} {}",
            registrar.least_quality()
        );
    }

    #[test]
    fn one_frame_alone_and_a_request_to_stop() {
        let film = vec![film_frame(30, 44, 0.0, 0.0, 1)];
        let (registrar, shifts) = Registrar::train(&film, [30, 44], 1.5, 6.0, &|| false).unwrap();
        assert!(shifts[0].dy.abs() < 0.01 && shifts[0].dx.abs() < 0.01);
        let moved = registrar.shift(&film_frame(30, 44, 1.0, -2.0, 2), &mut registrar.workspace());
        assert!((moved.dy - 1.0).abs() < 0.3 && (moved.dx + 2.0).abs() < 0.3, "{moved:?}");
        assert!(Registrar::train(&film, [30, 44], 1.5, 6.0, &|| true).is_none());
    }
}
