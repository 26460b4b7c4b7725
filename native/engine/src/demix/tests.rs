//! The algebra against slow, obvious computations on tiny dense films.

use crate::params::Parameters;

/// Parameters as a run without any choice of the user has them.
pub fn parameters() -> Parameters {
    Parameters {
        diameter_px: None,
        first_frame: 0,
        last_frame: None,
        bin: None,
        max_shift_px: 15.0,
        min_correlation: None,
        min_pnr: None,
        ring_radius_factor: 1.5,
        rounds: 2,
        merge_correlation: 0.8,
        min_snr: 3.0,
        min_r_value: 0.5,
    }
}
