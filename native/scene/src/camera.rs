//! What the settings of a scope do to its picture: the LED's light, the sensor's gain, the lens. For the simulated scope, so that one can practise.

use crate::random::{NormalTable, Random};

/// Grey level of a sensor in the dark.
const BLACK: f32 = 3.0;
/// Noise beyond these settings is that of the scene: the sensor's read noise before its gain.
const LEAST_NOISE: f32 = 0.3;

/// A scope's settings as the picture shows them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Excitation times exposure, 1 for the scene as it is; 0 is dark.
    pub light: f32,
    /// Gain of the sensor, 1 for its lowest.
    pub gain: f32,
    /// Standard deviation of the blur of a lens out of focus, px.
    pub blur: f32,
}

/// What of a scene the camera needs.
pub(crate) struct View<'a> {
    /// Height and width.
    pub size: [usize; 2],
    /// Vignette, a factor for each pixel.
    pub gain: &'a [f32],
    /// Read noise, variance of the shot noise a grey level, noise a row has in common.
    pub noise: [f32; 3],
    /// Normal numbers.
    pub table: &'a NormalTable,
}

impl Camera {
    /// Turns light (`height × width` at the front of `light`) into grey levels. `spare` is overwritten.
    pub(crate) fn look(&self, light: &mut [f32], spare: &mut [f32], view: &View<'_>, mut random: Random, out: &mut [u8]) {
        let [height, width] = view.size;
        if self.blur > 0.2 {
            blur(&mut light[..height * width], spare, width, self.blur);
        }
        let [read, shot, row_noise] = view.noise;
        let mut noise = vec![0.0; width];
        let rows = light.chunks_exact(width).zip(view.gain.chunks_exact(width));
        for ((light, vignette), out) in rows.zip(out.chunks_exact_mut(width)) {
            let row = row_noise * random.normal() as f32;
            view.table.fill(&mut random, &mut noise);
            for (((o, v), g), n) in out.iter_mut().zip(light).zip(vignette).zip(&noise) {
                let v = v.max(0.0) * g * self.light;
                let sd = (read * read + shot * v).sqrt().max(LEAST_NOISE);
                *o = (BLACK + self.gain * (v + row + n * sd) + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Three box blurs on each axis, near a Gaussian of standard deviation `sigma`; beyond the edge the picture goes on as it is there.
fn blur(image: &mut [f32], spare: &mut [f32], width: usize, sigma: f32) {
    // The variance of a box of 2r + 1 pixels is r(r + 1)/3; three of them add up.
    let radius = ((-1.0 + (1.0 + 4.0 * sigma * sigma).sqrt()) / 2.0).round().max(1.0) as usize;
    let height = image.len() / width;
    for _ in 0..3 {
        for row in image.chunks_exact_mut(width) {
            let line = &mut spare[..width];
            line.copy_from_slice(row);
            boxed(line, row, radius);
        }
        // Columns side by side: a running sum of rows keeps to the order of memory.
        let sums = &mut vec![0.0f32; width];
        let copy = &mut spare[..width * height];
        copy.copy_from_slice(image);
        let row = |y: isize| y.clamp(0, height as isize - 1) as usize * width;
        for dy in -(radius as isize)..=radius as isize {
            sums.iter_mut().zip(&copy[row(dy)..][..width]).for_each(|(s, v)| *s += v);
        }
        let share = 1.0 / (2 * radius + 1) as f32;
        for (y, out) in image.chunks_exact_mut(width).enumerate() {
            out.iter_mut().zip(sums.iter()).for_each(|(o, s)| *o = s * share);
            let (leaves, comes) = (row(y as isize - radius as isize), row(y as isize + radius as isize + 1));
            for (x, s) in sums.iter_mut().enumerate() {
                *s += copy[comes + x] - copy[leaves + x];
            }
        }
    }
}

/// One box blur of a line.
fn boxed(line: &[f32], out: &mut [f32], radius: usize) {
    let n = line.len() as isize;
    let at = |x: isize| line[x.clamp(0, n - 1) as usize];
    let r = radius as isize;
    let mut sum: f32 = (-r..=r).map(at).sum();
    let share = 1.0 / (2 * radius + 1) as f32;
    for (x, o) in out.iter_mut().enumerate() {
        *o = sum * share;
        sum += at(x as isize + r + 1) - at(x as isize - r);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::scene::{OwnedRenderer, Scene};

    fn looked(camera: Camera) -> Vec<u8> {
        let config = Config {
            height: 60,
            width: 84,
            frames: 30,
            ..Config::preset("tiny").unwrap()
        };
        let mut renderer = OwnedRenderer::new(Scene::new(&config).unwrap());
        let mut out = vec![0; renderer.pixels()];
        renderer.frame(12, &camera, &mut out);
        // The same frame again: nothing is left over from the one before.
        let mut again = vec![0; renderer.pixels()];
        renderer.frame(5, &camera, &mut again);
        renderer.frame(12, &camera, &mut again);
        assert_eq!(out, again);
        out
    }

    fn mean(picture: &[u8]) -> f64 {
        picture.iter().map(|v| f64::from(*v)).sum::<f64>() / picture.len() as f64
    }

    /// How much means of 4 × 4 pixels differ from those left and right of them: detail without most of the noise.
    fn detail(picture: &[u8]) -> f64 {
        let width = 84;
        let block = |y: usize, x: usize| -> f64 {
            (0..16)
                .map(|i| f64::from(picture[(4 * y + i / 4) * width + 4 * x + i % 4]))
                .sum::<f64>()
                / 16.0
        };
        (0..15)
            .flat_map(|y| (1..20).map(move |x| (y, x)))
            .map(|(y, x)| (block(y, x - 1) - 2.0 * block(y, x) + block(y, x + 1)).powi(2))
            .sum()
    }

    const USUAL: Camera = Camera {
        light: 1.0,
        gain: 1.0,
        blur: 0.0,
    };

    #[test]
    fn it_is_dark_without_light_and_twice_as_bright_with_twice_the_gain() {
        let dark = looked(Camera { light: 0.0, ..USUAL });
        assert!((mean(&dark) - f64::from(BLACK)).abs() < 0.5 && dark.iter().all(|v| *v < 12));
        let usual = mean(&looked(USUAL)) - f64::from(BLACK);
        let twice = mean(&looked(Camera { gain: 2.0, ..USUAL })) - f64::from(BLACK);
        assert!((twice / usual - 2.0).abs() < 0.05, "{usual} {twice}");
    }

    #[test]
    fn too_much_light_saturates() {
        assert!(mean(&looked(Camera { light: 20.0, ..USUAL })) > 250.0);
    }

    #[test]
    fn out_of_focus_it_loses_detail_but_no_light() {
        let (sharp, soft) = (looked(USUAL), looked(Camera { blur: 6.0, ..USUAL }));
        assert!(detail(&soft) < 0.6 * detail(&sharp), "{} {}", detail(&soft), detail(&sharp));
        assert!((mean(&soft) / mean(&sharp) - 1.0).abs() < 0.03);
    }

    #[test]
    fn a_blurred_point_is_round_and_keeps_its_light() {
        let (width, height, sigma) = (61, 45, 3.0f32);
        let mut image = vec![0.0; width * height];
        image[22 * width + 30] = 1000.0;
        blur(&mut image, &mut vec![0.0; width * height], width, sigma);
        let sum: f32 = image.iter().sum();
        let moment = |axis: usize| -> f32 {
            let from = [22.0, 30.0][axis];
            let at = |p: usize| if axis == 0 { p / width } else { p % width };
            image
                .iter()
                .enumerate()
                .map(|(p, v)| v * (at(p) as f32 - from).powi(2))
                .sum::<f32>()
                / sum
        };
        assert!((sum - 1000.0).abs() < 0.5);
        assert!((moment(0) - moment(1)).abs() < 0.01);
        assert!((moment(0).sqrt() / sigma - 1.0).abs() < 0.2, "{}", moment(0).sqrt());
    }
}
