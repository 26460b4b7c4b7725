//! Recipes of the project's own films. They are none of the films that Calyx is compared on; what is tuned is tuned on these, with other
//! seeds than those that are measured.

use calyx_scene::Config;

fn small(name: &str, seed: u64) -> Config {
    let config = Config::preset("small").expect("a preset");
    Config {
        name: name.to_owned(),
        seed,
        ..config
    }
}

/// An ordinary field: forty cells, one vessel.
#[must_use]
pub fn ordinary(seed: u64) -> Config {
    small("ordinary", seed)
}

/// A full field: touching cells that fire together, cells far out of focus, two vessels, strong and coupled neuropil, bleaching.
#[must_use]
pub fn crowded(seed: u64) -> Config {
    Config {
        height: 208,
        width: 224,
        frames: 1000,
        cells: 125,
        min_distance: 1.15,
        ghosts: 36,
        on_rate: 0.2,
        shared: 0.4,
        clusters: 8,
        neuropil: 22,
        neuropil_amplitude: 5.0,
        neuropil_coupling: 0.8,
        slow: 1.8,
        vessels: 2,
        vessel_depth: 0.75,
        vessel_width: 5.0,
        bleaching: 0.2,
        bleaching_tau: 30.0,
        vignette: 0.5,
        amplitude: 4.5,
        motion: 2.0,
        ..small("crowded", seed)
    }
}

/// A dim field: a spike adds little more than one grey level, less than the noise of a pixel.
#[must_use]
pub fn dim(seed: u64) -> Config {
    Config {
        height: 152,
        width: 140,
        frames: 900,
        cells: 34,
        on_rate: 0.2,
        amplitude: 1.3,
        read_noise: 1.5,
        shot_noise: 0.02,
        base: 30.0,
        glow: 14.0,
        neuropil_amplitude: 2.0,
        ..small("dim", seed)
    }
}

/// Large cells: the working grid is coarser than the frame.
#[must_use]
pub fn large_cells(seed: u64) -> Config {
    Config {
        height: 240,
        width: 288,
        frames: 700,
        um_per_px: 1.0,
        cells: 34,
        radius: 6.4,
        blur: 1.8,
        min_distance: 1.7,
        ghosts: 8,
        on_rate: 0.25,
        neuropil: 16,
        neuropil_amplitude: 4.0,
        neuropil_sigma: 44.0,
        vessel_width: 9.0,
        motion: 4.0,
        ..small("large-cells", seed)
    }
}

/// A field without cells: neuropil, pulsing vessels, motion and noise are there.
#[must_use]
pub fn without_cells(seed: u64, noisy: bool) -> Config {
    let (read_noise, shot_noise) = if noisy { (1.6, 0.02) } else { (0.7, 0.006) };
    Config {
        height: 136,
        width: 152,
        frames: 600,
        cells: 0,
        vessels: 2,
        vessel_depth: 0.7,
        vessel_pulse: 0.15,
        neuropil: 16,
        neuropil_amplitude: 4.0,
        slow: 2.0,
        motion: 3.0,
        jumps: 3,
        jump: 4.0,
        bleaching: 0.1,
        read_noise,
        shot_noise,
        ..small("without-cells", seed)
    }
}
