//! Local contrast: a cell that flares up looks as bright as in the template before both are correlated.
//!
//! Under a window that cuts through a flaring cell, the correlation with the template slopes in proportion to the flare although nothing has moved;
//! two windows that share the cell then seem to part from each other. At equal contrast the slope is that of the template itself, which is known.

use super::filter::box_blur;

/// The local energy is a mean over about so many σ around a pixel.
const RADIUS_SIGMA: f32 = 2.0;
/// Where there is little to see contrast stays low: this share of the template's mean energy is added to both.
const FLOOR_SHARE: f32 = 0.25;

/// Brings pictures of one size to the local contrast of a template.
pub struct Contrast {
    size: [usize; 2],
    radius: usize,
    /// The template's local energy with the floor.
    wanted: Vec<f32>,
    floor: f32,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct ContrastScratch {
    energy: Vec<f32>,
    turn: Vec<f32>,
    sums: Vec<f32>,
}

impl Contrast {
    /// For band-passed pictures of `size = [height, width]` in which a neuron has the standard deviation `sigma`; the template is even.
    pub fn new(size: [usize; 2], sigma: f32) -> Self {
        Self {
            size,
            radius: ((RADIUS_SIGMA * sigma).round() as usize).max(1),
            wanted: vec![1.0; size[0] * size[1]],
            floor: 1.0,
        }
    }

    /// Takes a band-passed template.
    pub fn set_template(&mut self, template: &[f32]) {
        let mut scratch = ContrastScratch::default();
        self.energy(template, &mut scratch);
        let sum: f32 = scratch.energy.iter().sum();
        self.floor = FLOOR_SHARE * sum / template.len() as f32 + f32::MIN_POSITIVE;
        self.wanted = scratch.energy.iter().map(|e| e.max(0.0) + self.floor).collect();
    }

    /// Gives `picture` the template's local contrast.
    pub fn level(&self, picture: &mut [f32], scratch: &mut ContrastScratch) {
        self.energy(picture, scratch);
        for ((v, e), wanted) in picture.iter_mut().zip(&scratch.energy).zip(&self.wanted) {
            *v *= (wanted / (e.max(0.0) + self.floor)).sqrt();
        }
    }

    /// Mean square around each pixel.
    fn energy(&self, picture: &[f32], ContrastScratch { energy, turn, sums }: &mut ContrastScratch) {
        let [height, width] = self.size;
        energy.clear();
        energy.extend(picture.iter().map(|v| v * v));
        turn.resize(picture.len(), 0.0);
        sums.resize(height.max(width), 0.0);
        for _ in 0..2 {
            box_blur(energy, turn, sums, height, width, self.radius);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [usize; 2] = [30, 44];

    /// Two spots of brightness `a` and `b`.
    fn spots(a: f32, b: f32) -> Vec<f32> {
        let spot = |p: usize, y: f32, x: f32| (-(((p / 44) as f32 - y).powi(2) + ((p % 44) as f32 - x).powi(2)) / 5.0).exp();
        (0..30 * 44).map(|p| a * spot(p, 14.0, 10.0) + b * spot(p, 15.0, 33.0)).collect()
    }

    #[test]
    fn a_spot_that_flares_up_looks_as_in_the_template_and_its_neighbour_stays() {
        let mut contrast = Contrast::new(SIZE, 1.6);
        let template = spots(10.0, 8.0);
        contrast.set_template(&template);
        for (a, b) in [(10.0, 8.0), (60.0, 8.0), (10.0, 50.0), (50.0, 40.0)] {
            let mut picture = spots(a, b);
            contrast.level(&mut picture, &mut ContrastScratch::default());
            let worst = picture.iter().zip(&template).map(|(v, t)| (v - t).abs()).fold(0.0, f32::max);
            assert!(worst < 0.5, "{a} {b}: {worst}");
        }
    }

    #[test]
    fn noise_where_the_template_is_empty_is_not_raised() {
        let mut contrast = Contrast::new(SIZE, 1.6);
        contrast.set_template(&spots(10.0, 8.0));
        let mut noise: Vec<f32> = (0..30 * 44).map(|p| ((p * 37) % 11) as f32 * 0.1 - 0.5).collect();
        let before = noise.clone();
        contrast.level(&mut noise, &mut ContrastScratch::default());
        assert!(noise.iter().zip(&before).take(44).all(|(v, b)| v.abs() <= b.abs() * 1.01));
    }
}
