//! What registration did and how far it can be trusted: the content of `motion_report.json`.

use serde::{Deserialize, Serialize};

use super::lattice::Lattice;
use crate::types::flag;

/// Share of the sample's frames that must depart from rigid motion before fields are used.
pub const DEPARTING_SHARE: f32 = 0.05;

/// The average picture must become sharper by this share: where rigid displacements were right it does not, whatever the fields say (border and
/// vignette can mislead them), and where tissue departs by a third of a pixel it gains more. (48 own films: rigid ones gain at most 0.4 %, a field that turns by 1 to 2° from 0.9 %.)
pub const SHARPER_SHARE: f32 = 0.007;

/// Middle, upper and largest of a distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Spread {
    /// Median.
    pub median: f32,
    /// 95th percentile.
    pub p95: f32,
    /// Largest.
    pub largest: f32,
}

impl Spread {
    /// Of finite values; zeros without any.
    pub fn of(values: impl Iterator<Item = f32>) -> Self {
        let mut values: Vec<f32> = values.filter(|v| v.is_finite()).collect();
        values.sort_unstable_by(f32::total_cmp);
        let at = |share: f64| {
            values
                .get(((values.len().max(1) - 1) as f64 * share).round() as usize)
                .copied()
                .unwrap_or(0.0)
        };
        Self {
            median: at(0.5),
            p95: at(0.95),
            largest: at(1.0),
        }
    }
}

/// Sharpness of the average picture of the sample: mean norm of its gradient, grey levels / grid px.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Crispness {
    /// Frames as they were recorded.
    pub recorded: f32,
    /// Under the rigid displacements.
    pub rigid: f32,
    /// Under the fields; null where none were estimated.
    pub piecewise: Option<f32>,
}

/// Whether fields were used and why.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PiecewiseChoice {
    /// Fields were used.
    pub used: bool,
    /// Why, as a sentence.
    pub reason: String,
    /// Departure from rigid motion above which a frame counts, px (`piecewiseFromPx`).
    pub threshold_px: f32,
    /// Share of the sample's frames that depart further, their estimate's own error taken off.
    pub departing_share: f32,
    /// Departure from rigid motion in the sample's frames: root of the mean square over the blocks, px.
    pub departure_px: Spread,
    /// Standard error of a block's displacement, px.
    pub error_px: f32,
}

/// Rotation of the content around the frame's centre. It is reported, not corrected (fields take part of it along).
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// Median of the absolute angle.
    pub typical_deg: f32,
    /// Largest absolute angle.
    pub largest_deg: f32,
    /// Frames it was measured on.
    pub frames: usize,
}

/// What the sample said, before the pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleReport {
    /// Sharpness.
    pub crispness: Crispness,
    /// Fields or not.
    pub piecewise: PiecewiseChoice,
    /// Angles of the sample's frames, radians.
    pub angles: Vec<f32>,
    /// Where the blocks' centres lie, raw px; None where fields were not looked at.
    pub lattice: Option<Lattice>,
    /// Root of the mean square of what each block moves beside the rigid displacement, px.
    pub flow_px: Vec<f32>,
}

/// Flow beside the rigid displacement.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResidualFlow {
    /// Rows of the blocks' centres, raw px.
    pub rows: Vec<f32>,
    /// Columns of the blocks' centres, raw px.
    pub columns: Vec<f32>,
    /// Root of the mean square, px, rows × columns row-major.
    pub rms_px: Vec<f32>,
}

/// `motion_report.json`. Lengths are raw px of the stored frame.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MotionReport {
    /// Version of this form.
    pub format_version: u32,
    /// Frames that statistics are over: those that are not masked.
    pub frames: usize,
    /// Length of the displacement.
    pub shift_px: Spread,
    /// Length of its change from frame to frame.
    pub step_px: Spread,
    /// Correlation with the template, as `motion_quality.npy`: 5th percentile and median.
    pub quality: Quality,
    /// Share of frames without a reliable displacement.
    pub unsure_share: f32,
    /// Share of frames whose displacement lies at the bound of the search.
    pub bound_share: f32,
    /// Sharpness before and after.
    pub crispness: Crispness,
    /// Fields or not, and why.
    pub piecewise: PiecewiseChoice,
    /// Rotation.
    pub rotation: Rotation,
    /// Flow of each block; null where fields were not looked at.
    pub residual_flow: Option<ResidualFlow>,
}

/// Lower end and middle of the quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Quality {
    /// 5th percentile.
    pub p5: f32,
    /// Median.
    pub median: f32,
}

impl MotionReport {
    /// From what the sample said and what the pass found; `angles` of all frames (radians) where fields were used.
    pub fn new(sample: SampleReport, motion: &[[f32; 2]], quality: &[f32], flags: &[u32], angles: Option<&[f32]>) -> Self {
        let good = |t: &usize| flags[*t] & flag::MASKED == 0;
        let frames: Vec<usize> = (0..motion.len()).filter(good).collect();
        let share = |bit: u32| frames.iter().filter(|t| flags[**t] & bit != 0).count() as f32 / frames.len().max(1) as f32;
        let mut qualities: Vec<f32> = frames.iter().map(|t| quality[*t]).filter(|q| q.is_finite()).collect();
        qualities.sort_unstable_by(f32::total_cmp);
        let at = |share: f64| {
            let place = ((qualities.len().max(1) - 1) as f64 * share).round() as usize;
            qualities.get(place).copied().unwrap_or(0.0)
        };
        let angles: Vec<f32> = match angles {
            Some(all) => frames.iter().map(|t| all[*t]).collect(),
            None => sample.angles,
        };
        let turn = Spread::of(angles.iter().map(|a| a.abs().to_degrees()));
        Self {
            format_version: 1,
            frames: frames.len(),
            shift_px: Spread::of(frames.iter().map(|t| motion[*t][0].hypot(motion[*t][1]))),
            step_px: Spread::of(
                frames
                    .windows(2)
                    .filter(|w| w[1] == w[0] + 1)
                    .map(|w| (motion[w[1]][0] - motion[w[0]][0]).hypot(motion[w[1]][1] - motion[w[0]][1])),
            ),
            quality: Quality {
                p5: at(0.05),
                median: at(0.5),
            },
            unsure_share: share(flag::MOTION_UNSURE),
            bound_share: share(flag::MOTION_BOUND),
            crispness: sample.crispness,
            piecewise: sample.piecewise,
            rotation: Rotation {
                typical_deg: turn.median,
                largest_deg: turn.largest,
                frames: angles.len(),
            },
            residual_flow: sample.lattice.map(|lattice| ResidualFlow {
                rows: lattice.rows,
                columns: lattice.columns,
                rms_px: sample.flow_px,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_frames_do_not_count_and_gaps_are_no_steps() {
        let motion = [[0.0, 0.0], [3.0, 4.0], [90.0, 0.0], [0.0, 1.0], [0.0, 2.0]];
        let flags = [0, flag::MOTION_UNSURE, flag::TORN, 0, flag::MOTION_BOUND];
        let quality = [0.5, 0.1, 0.9, 0.6, f32::NAN];
        let sample = SampleReport {
            angles: vec![-0.01, 0.02],
            ..SampleReport::default()
        };
        let report = MotionReport::new(sample, &motion, &quality, &flags, None);
        assert_eq!((report.frames, report.shift_px.largest, report.step_px.largest), (4, 5.0, 5.0));
        assert_eq!((report.unsure_share, report.bound_share, report.quality.median), (0.25, 0.25, 0.5));
        assert!((report.rotation.largest_deg - 1.1459).abs() < 1e-3 && report.rotation.frames == 2);
        let all = [0.0, 0.0, 3.0, 0.0, 0.1];
        let report = MotionReport::new(SampleReport::default(), &motion, &quality, &flags, Some(&all));
        assert!(
            (report.rotation.largest_deg - 5.7296).abs() < 1e-3,
            "a masked frame does not turn the field"
        );
    }

    #[test]
    fn nothing_at_all_is_reported_as_zeros() {
        let report = MotionReport::new(SampleReport::default(), &[], &[], &[], None);
        assert_eq!((report.frames, report.unsure_share, report.shift_px), (0, 0.0, Spread::default()));
    }
}
