//! Parameters of the engine. Their one home is `assets/engine-parameters.json` (stage, unit, range, default and why, help); the struct here
//! is what the stages read. `None` means "chosen from the data and reported".

use serde::{Deserialize, Serialize};

/// Every parameter of a run, by the names of `assets/engine-parameters.json`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// Twice the half-maximum radius of a typical soma, raw px; `None`: estimated from the film.
    pub diameter_px: Option<f32>,
    /// First frame of the input that is used, 0-based.
    pub first_frame: u64,
    /// Last frame that is used (inclusive); `None`: to the end.
    pub last_frame: Option<u64>,
    /// Raw pixels per working-grid pixel on each axis; `None`: the largest b with σ/b ≥ 1.3.
    pub bin: Option<u32>,
    /// Largest shift that registration looks for, raw px.
    pub max_shift_px: f32,
    /// Seeds need this local correlation; `None`: from a noise-only null.
    pub min_correlation: Option<f32>,
    /// Seeds need this peak-to-noise ratio; `None`: from a noise-only null.
    pub min_pnr: Option<f32>,
    /// Ring radius of the background over the neuron's diameter.
    pub ring_radius_factor: f32,
    /// Rounds of background, traces and footprints.
    pub rounds: u32,
    /// Overlapping components whose traces correlate at least so are merged.
    pub merge_correlation: f32,
    /// Accepted components have at least this peak trace SNR.
    pub min_snr: f32,
    /// Accepted components have at least this footprint correlation with their background-free event average.
    pub min_r_value: f32,
}
