//! Everything a scene is made from, and the presets. Lengths are pixels, times seconds, light grey levels.

use serde::Serialize;

/// The recipe of a scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Name of the session.
    pub name: String,
    /// Everything random follows from this.
    pub seed: u64,
    /// Frame height.
    pub height: usize,
    /// Frame width.
    pub width: usize,
    /// Number of frames.
    pub frames: usize,
    /// Frames per second.
    pub fps: f64,
    /// Micrometres a pixel, for the record only.
    pub um_per_px: f64,
    /// Cells inside the field; more lie in the tissue around it.
    pub cells: usize,
    /// Radius of a cell body before blur.
    pub radius: f64,
    /// Relative spread of the radii.
    pub radius_spread: f64,
    /// Blur of a cell at least, standard deviation.
    pub blur: f64,
    /// Smallest distance of two centres over the radius.
    pub min_distance: f64,
    /// Cells far out of focus.
    pub ghosts: usize,
    /// Rate at which a quiet cell becomes active, Hz.
    pub on_rate: f64,
    /// Rate at which an active cell becomes quiet, Hz.
    pub off_rate: f64,
    /// Spikes a second while active.
    pub active_rate: f64,
    /// Spikes a second while quiet.
    pub quiet_rate: f64,
    /// Share of the time in which a cell follows its neighbourhood's common activity.
    pub shared: f64,
    /// Neighbourhoods with common activity.
    pub clusters: usize,
    /// Rise time of calcium.
    pub tau_rise: f64,
    /// Decay time of calcium.
    pub tau_decay: f64,
    /// Spread of both between cells (standard deviation of the logarithm).
    pub tau_spread: f64,
    /// Grey levels that one spike adds at the brightest pixel of a cell.
    pub amplitude: f64,
    /// Spread of that between cells (standard deviation of the logarithm).
    pub amplitude_spread: f64,
    /// Light of a resting cell, in spikes.
    pub resting: f64,
    /// Even part of the tissue's glow.
    pub base: f64,
    /// Uneven part of it.
    pub glow: f64,
    /// Components of the neuropil.
    pub neuropil: usize,
    /// Light of the neuropil (standard deviation).
    pub neuropil_amplitude: f64,
    /// Width of its structure.
    pub neuropil_sigma: f64,
    /// Time constant of its courses.
    pub neuropil_tau: f64,
    /// How strongly it follows the mean activity.
    pub neuropil_coupling: f64,
    /// Slow change of the glow (blood volume).
    pub slow: f64,
    /// Vessels.
    pub vessels: usize,
    /// Their optical depth.
    pub vessel_depth: f64,
    /// Their width.
    pub vessel_width: f64,
    /// Their pulsation, relative.
    pub vessel_pulse: f64,
    /// Share of the light that bleaching takes in the end.
    pub bleaching: f64,
    /// Time constant of bleaching.
    pub bleaching_tau: f64,
    /// Loss of light in the corner.
    pub vignette: f64,
    /// Centre of the vignette (y, x) from the middle, half frames.
    pub vignette_offset: [f64; 2],
    /// Stray light.
    pub leak: f64,
    /// Read noise.
    pub read_noise: f64,
    /// Variance of the shot noise per grey level.
    pub shot_noise: f64,
    /// Noise that a row has in common.
    pub row_noise: f64,
    /// Reach of the wandering motion.
    pub motion: f64,
    /// Time constant of it.
    pub motion_tau: f64,
    /// Sudden jumps in the whole film.
    pub jumps: usize,
    /// Their size.
    pub jump: f64,
}

/// Names of the presets.
pub const PRESETS: [&str; 4] = ["sample", "tiny", "small", "scope"];

impl Config {
    /// A preset by name; `None` for an unknown one.
    ///
    /// `sample` is the session shipped with the program; `tiny` and `small` are like the known-truth films of the same names; `scope` is a
    /// whole field of a Miniscope V4.
    pub fn preset(name: &str) -> Option<Self> {
        let base = Self::base(name);
        Some(match name {
            "sample" => Self {
                seed: 42,
                height: 120,
                width: 128,
                frames: 600,
                cells: 26,
                radius: 3.1,
                min_distance: 2.3,
                on_rate: 0.2,
                neuropil: 8,
                neuropil_amplitude: 2.5,
                neuropil_sigma: 18.0,
                vessels: 1,
                motion: 2.0,
                jumps: 2,
                jump: 3.0,
                bleaching: 0.06,
                amplitude: 4.5,
                read_noise: 0.7,
                shot_noise: 0.007,
                base: 40.0,
                ..base
            },
            "tiny" => Self {
                seed: 11,
                height: 128,
                width: 128,
                frames: 600,
                cells: 12,
                min_distance: 3.0,
                on_rate: 0.2,
                neuropil: 6,
                neuropil_amplitude: 2.0,
                neuropil_sigma: 18.0,
                vessels: 0,
                slow: 0.6,
                amplitude: 5.0,
                motion: 2.0,
                ..base
            },
            "small" => Self {
                seed: 12,
                height: 180,
                width: 180,
                frames: 1500,
                cells: 40,
                motion: 2.5,
                read_noise: 0.8,
                shot_noise: 0.008,
                base: 44.0,
                ..base
            },
            "scope" => Self {
                seed: 18,
                height: 608,
                width: 608,
                frames: 1800,
                fps: 30.0,
                cells: 320,
                neuropil: 20,
                neuropil_sigma: 45.0,
                vessels: 3,
                vessel_width: 7.0,
                motion: 3.0,
                ghosts: 60,
                vignette: 0.5,
                ..base
            },
            _ => return None,
        })
    }

    /// An ordinary recording; presets change what makes them special.
    fn base(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seed: 1,
            height: 200,
            width: 200,
            frames: 1000,
            fps: 20.0,
            um_per_px: 2.0,
            cells: 40,
            radius: 3.2,
            radius_spread: 0.12,
            blur: 1.1,
            min_distance: 2.0,
            ghosts: 0,
            on_rate: 0.12,
            off_rate: 1.4,
            active_rate: 6.0,
            quiet_rate: 0.02,
            shared: 0.0,
            clusters: 6,
            tau_rise: 0.06,
            tau_decay: 0.55,
            tau_spread: 0.15,
            amplitude: 4.0,
            amplitude_spread: 0.35,
            resting: 1.8,
            base: 48.0,
            glow: 22.0,
            neuropil: 14,
            neuropil_amplitude: 3.0,
            neuropil_sigma: 22.0,
            neuropil_tau: 1.2,
            neuropil_coupling: 0.5,
            slow: 1.0,
            vessels: 1,
            vessel_depth: 0.45,
            vessel_width: 4.0,
            vessel_pulse: 0.10,
            bleaching: 0.0,
            bleaching_tau: 60.0,
            vignette: 0.35,
            vignette_offset: [0.06, -0.04],
            leak: 8.0,
            read_noise: 0.9,
            shot_noise: 0.012,
            row_noise: 0.15,
            motion: 1.5,
            motion_tau: 0.6,
            jumps: 0,
            jump: 0.0,
        }
    }

    /// Tissue on each side of the frame, enough for any motion and the interpolation.
    pub fn margin(&self) -> usize {
        (self.motion + self.jump).ceil() as usize + 6
    }

    /// Says what is wrong with a recipe.
    ///
    /// # Errors
    /// A sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.height < 16 || self.width < 16 || self.height > 4096 || self.width > 4096 {
            return Err("a frame must have 16 … 4096 pixels on each side".to_owned());
        }
        if self.frames == 0 || !(self.fps > 0.0 && self.fps.is_finite()) {
            return Err("a film needs at least one frame and a positive frame rate".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_exists_and_is_sound() {
        for name in PRESETS {
            let config = Config::preset(name).unwrap();
            config.check().unwrap();
            assert_eq!(config.name, name);
        }
        assert!(Config::preset("nothing").is_none());
    }

    #[test]
    fn impossible_recipes_are_refused() {
        let config = Config::preset("tiny").unwrap();
        for wrong in [
            Config {
                width: 3,
                ..config.clone()
            },
            Config {
                frames: 0,
                ..config.clone()
            },
            Config { fps: f64::NAN, ..config },
        ] {
            assert!(wrong.check().is_err());
        }
    }
}
