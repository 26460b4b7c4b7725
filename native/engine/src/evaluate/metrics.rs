//! What is measured of each component.

use crate::demix::Demixed;
use crate::demix::statistics::centroid;
use crate::init::cosine;
use crate::kernels::{dot64, mean, pearson};
use crate::outline::roundness;
use crate::types::{CellMetrics, Components, Registered, StageError, flag};

/// Frames that say less than others: masked ones, and those whose shift is doubtful. Saturated ones are not among them: where a field is overexposed in part they are
/// all or most of a film, and where cells clip they are those in which the cells fire.
const DOUBTFUL: u32 = flag::MASKED | flag::MOTION_UNSURE | flag::MOTION_BOUND;

/// What all components are compared with.
pub struct Field {
    /// Frames that are not masked.
    valid: Vec<usize>,
    /// Courses of the motion over those: dy, dx, distance from the mean place.
    motion: [Vec<f32>; 3],
    /// Minutes those last.
    minutes: f64,
}

impl Field {
    /// From the registered film.
    pub fn new(film: &Registered) -> Self {
        let valid: Vec<usize> = (0..film.frames()).filter(|t| film.flags[*t] & flag::MASKED == 0).collect();
        let axis = |d: usize| valid.iter().map(|t| film.motion[*t][d]).collect::<Vec<f32>>();
        let (dy, dx) = (axis(0), axis(1));
        let (my, mx) = (mean(&dy), mean(&dx));
        let far = dy.iter().zip(&dx).map(|(y, x)| (y - my).hypot(x - mx)).collect();
        Self {
            minutes: valid.len() as f64 / film.fps.max(1e-9) / 60.0,
            motion: [dy, dx, far],
            valid,
        }
    }

    /// Largest absolute correlation of a trace with the motion, 0 where nothing moves.
    fn motion_correlation(&self, trace: &[f32]) -> f32 {
        let here: Vec<f32> = self.valid.iter().map(|t| trace[*t]).collect();
        let r = |course: &Vec<f32>| {
            let varies = course.iter().any(|v| *v != course[0]);
            if varies { pearson(&here, course).abs() } else { 0.0 }
        };
        self.motion.iter().map(r).fold(0.0, largest)
    }
}

/// The larger; not-a-number loses.
fn largest(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Everything about component `k` but the verdict.
///
/// # Errors
/// A trace cannot be read.
pub fn measure(film: &Registered, field: &Field, components: &Components, demixed: &Demixed, k: usize) -> Result<CellMetrics, StageError> {
    let a = &components.footprints[k];
    let evidence = &demixed.evidence;
    let bin = film.grid.bin as f32;
    let count = a.values.iter().filter(|v| **v >= 0.5).count() as f32;
    let (cy, cx) = centroid(a);
    let edge = film.grid.edge_distance(film.grid.raw_y(cy), film.grid.raw_x(cx));
    let noise = components.noise[k].max(1e-9);
    let neighbours: Vec<(usize, f32)> = (0..components.footprints.len())
        .filter(|j| *j != k)
        .map(|j| (j, cosine(a, &components.footprints[j])))
        .filter(|(_, c)| *c > 0.0)
        .collect();
    let overlap = highest(neighbours.iter().copied());
    let (denoised, deconvolved, dff) = (
        components.denoised[k].all()?,
        components.deconvolved[k].all()?,
        components.dff[k].all()?,
    );
    let rest: Vec<f32> = components.raw[k].all()?.iter().zip(denoised.iter()).map(|(y, c)| y - c).collect();
    let leaks = neighbours
        .iter()
        .map(|(j, _)| Ok((*j, pearson(&rest, &components.denoised[*j].all()?).abs())))
        .collect::<Result<Vec<_>, StageError>>()?;
    let leak = highest(leaks.into_iter());
    let events = components.events[k].len() as u32;
    Ok(CellMetrics {
        seed_pnr: demixed.components[k].seed_pnr,
        seed_correlation: demixed.components[k].seed_correlation,
        snr: denoised.iter().copied().fold(0.0f32, f32::max) / noise,
        r_value: pearson(&a.values, &evidence.images[k]),
        area_px: count * bin * bin,
        relative_area: count * bin * bin / (std::f32::consts::FRAC_PI_4 * film.diameter_px.powi(2)),
        diameter_px: 2.0 * (count * bin * bin / std::f32::consts::PI).sqrt(),
        roundness: roundness(a),
        edge_distance_px: edge,
        events,
        activity_runs: activity_runs(&deconvolved, 3.0 * noise),
        event_rate_per_minute: (f64::from(events) / field.minutes) as f32,
        skewness: skewness(&dff),
        split_half: halves(&evidence.halves[0][k], &evidence.halves[1][k]),
        contrast: evidence.contrast[k],
        overlap: overlap.map_or(0.0, |o| o.1),
        overlap_with: overlap.map(|o| o.0 as u32),
        cross_talk: leak.map_or(0.0, |o| o.1),
        cross_talk_with: leak.map(|o| o.0 as u32),
        motion_correlation: field.motion_correlation(&dff),
        flagged_percent: flagged(&deconvolved, &film.flags),
        duplicate_of: None,
        probability: f32::NAN,
        accepted: false,
        reasons: Vec::new(),
    })
}

/// The entry with the largest value, the lower number where two are equal.
fn highest(of: impl Iterator<Item = (usize, f32)>) -> Option<(usize, f32)> {
    of.filter(|(_, v)| !v.is_nan())
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
}

/// Percent of the activity that lies in doubtful frames; 0 without activity.
fn flagged(activity: &[f32], flags: &[u32]) -> f32 {
    let (mut all, mut doubtful) = (0.0f64, 0.0f64);
    for (v, f) in activity.iter().zip(flags) {
        all += f64::from(*v);
        if f & DOUBTFUL != 0 {
            doubtful += f64::from(*v);
        }
    }
    if all > 0.0 { (100.0 * doubtful / all) as f32 } else { 0.0 }
}

/// Cosine of the two half images; not-a-number where one half holds nothing.
pub(crate) fn halves(a: &[f32], b: &[f32]) -> f32 {
    let n = (dot64(a, a) * dot64(b, b)).sqrt();
    if n > 0.0 { (dot64(a, b) / n) as f32 } else { f32::NAN }
}

/// Runs of activity whose sum exceeds `threshold`.
pub fn activity_runs(activity: &[f32], threshold: f32) -> u32 {
    activity
        .split(|v| *v <= 0.0)
        .filter(|run| run.iter().sum::<f32>() > threshold)
        .count() as u32
}

pub(crate) fn skewness(y: &[f32]) -> f32 {
    let m = mean(y);
    let (mut two, mut three) = (0.0f64, 0.0f64);
    for v in y {
        let d = f64::from(v - m);
        two += d * d;
        three += d * d * d;
    }
    let n = y.len().max(1) as f64;
    if two > 0.0 {
        ((three / n) / (two / n).powf(1.5)) as f32
    } else {
        f32::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_over_several_frames_is_one_event() {
        assert_eq!(activity_runs(&[0.0, 1.0, 2.0, 0.0, 0.5, 0.0, 4.0], 2.5), 2);
    }

    #[test]
    fn activity_in_doubtful_frames_is_counted_by_its_size() {
        let flags = [0, flag::TORN, flag::SATURATED, flag::MOTION_UNSURE, flag::AFTER_GAP];
        assert!((flagged(&[1.0, 2.0, 3.0, 1.0, 5.0], &flags) - 25.0).abs() < 1e-4);
        assert_eq!(flagged(&[0.0; 5], &flags), 0.0);
    }

    #[test]
    fn motion_shows_in_a_trace_that_follows_it_and_masked_frames_do_not_count() {
        let course: Vec<f32> = (0..200).map(|t| (t as f32 * 0.37).sin()).collect();
        let mut field = Field {
            valid: (0..150).collect(),
            motion: [course[..150].to_vec(), vec![0.0; 150], vec![0.0; 150]],
            minutes: 1.0,
        };
        let mut trace: Vec<f32> = course.iter().map(|v| 3.0 - 2.0 * v).collect();
        trace[150..].iter_mut().for_each(|v| *v = 1e6);
        assert!((field.motion_correlation(&trace) - 1.0).abs() < 1e-5);
        field.motion = [vec![2.0; 150], vec![0.0; 150], vec![0.0; 150]];
        assert_eq!(field.motion_correlation(&trace), 0.0);
    }

    #[test]
    fn the_highest_is_no_number_that_is_none() {
        assert_eq!(highest([(3, f32::NAN), (5, 0.2), (4, 0.2)].into_iter()), Some((4, 0.2)));
        assert_eq!(highest([(3, f32::NAN)].into_iter()), None);
    }
}
