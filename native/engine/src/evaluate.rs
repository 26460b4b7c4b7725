//! Stage `evaluate`: what speaks for and against each component, and the engine's suggestion with its reasons (reference, analysis 8.1 S6).

use rayon::prelude::*;

use crate::demix::Demixed;
use crate::demix::merge::{CLOSEST, distance};
use crate::demix::statistics::centroid;
use crate::init::cosine;
use crate::kernels::{mean, pearson};
use crate::movie::check;
use crate::params::Parameters;
use crate::types::{CellMetrics, Components, Context, Footprint, Registered, StageError};

/// Footprints of the two halves of the film must agree at least so (cosine).
const MIN_SPLIT_HALF: f32 = 0.5;
/// Smallest and largest area in areas of a typical cell.
const AREA: [f32; 2] = [0.2, 4.0];
/// Outlines of cells are at least so round (on a vessel or cut by the edge too).
const MIN_ROUNDNESS: f32 = 0.55;
/// Traces of cells have a longer tail upwards.
const MIN_SKEWNESS: f32 = 0.4;
/// Below this share of its own light left by the background's filter a component is background.
const MIN_CONTRAST: f32 = 0.25;
/// Two components with at least this footprint cosine and this trace correlation are the same cell.
const DUPLICATE: [f32; 2] = [0.5, 0.8];

/// Computes the metrics of all components and suggests which to accept.
///
/// # Errors
/// Cancelled.
pub fn run(
    film: &Registered,
    components: &Components,
    demixed: &Demixed,
    params: &Parameters,
    ctx: &Context,
) -> Result<Vec<CellMetrics>, StageError> {
    let mut out = (0..components.footprints.len())
        .into_par_iter()
        .map(|k| {
            check(ctx)?;
            Ok(measure(film, components, demixed, k))
        })
        .collect::<Result<Vec<_>, StageError>>()?;
    let diameter = film.diameter_px;
    for k in 0..out.len() {
        let mut reasons = verdict(&out[k], demixed.evidence.contrast[k], params, diameter);
        if let Some(j) = duplicate_of(k, components, &out, diameter / film.grid.bin as f32) {
            reasons.push(format!("the same cell as number {j}, which is clearer"));
        }
        out[k].accepted = reasons.is_empty();
        out[k].reasons = reasons;
    }
    (ctx.progress)(1.0, film.cache.frames() as u64);
    Ok(out)
}

fn measure(film: &Registered, components: &Components, demixed: &Demixed, k: usize) -> CellMetrics {
    let a = &components.footprints[k];
    let evidence = &demixed.evidence;
    let bin = film.grid.bin as f32;
    let count = a.values.iter().filter(|v| **v >= 0.5).count() as f32;
    let (cy, cx) = centroid(a);
    let raw = |i: f32| bin * i + (bin - 1.0) / 2.0;
    let (y, x) = (raw(cy), raw(cx));
    let edge = y
        .min(x)
        .min(film.grid.frame_height as f32 - 1.0 - y)
        .min(film.grid.frame_width as f32 - 1.0 - x);
    let noise = components.noise[k].max(1e-9);
    let overlap = (0..components.footprints.len())
        .filter(|j| *j != k)
        .map(|j| (j, cosine(a, &components.footprints[j])))
        .filter(|(_, c)| *c > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    CellMetrics {
        seed_pnr: demixed.components[k].seed_pnr,
        seed_correlation: demixed.components[k].seed_correlation,
        snr: components.denoised[k].iter().copied().fold(0.0f32, f32::max) / noise,
        r_value: pearson(&a.values, &evidence.images[k]),
        area_px: count * bin * bin,
        diameter_px: 2.0 * (count * bin * bin / std::f32::consts::PI).sqrt(),
        roundness: roundness(a),
        edge_distance_px: edge,
        events: events(&components.deconvolved[k], 3.0 * noise),
        skewness: skewness(&components.raw[k]),
        split_half: halves(&evidence.halves[0][k], &evidence.halves[1][k]),
        overlap: overlap.map_or(0.0, |o| o.1),
        overlap_with: overlap.map(|o| o.0 as u32),
        accepted: false,
        reasons: Vec::new(),
    }
}

/// Reasons against a component on its own.
fn verdict(m: &CellMetrics, contrast: f32, params: &Parameters, diameter_px: f32) -> Vec<String> {
    let mut out = Vec::new();
    if m.snr < params.min_snr {
        out.push(format!(
            "its highest event is {:.1} times the noise, below {:.1}",
            m.snr, params.min_snr
        ));
    }
    if m.events == 0 {
        out.push("it has no event above three times the noise".to_owned());
    }
    if m.r_value < params.min_r_value {
        out.push(format!(
            "its footprint agrees with its background-free image only by {:.2}, below {:.2}",
            m.r_value, params.min_r_value
        ));
    }
    if m.split_half < MIN_SPLIT_HALF {
        out.push(format!(
            "its footprint differs between two halves of the film ({:.2}, below {MIN_SPLIT_HALF})",
            m.split_half
        ));
    }
    let typical = std::f32::consts::FRAC_PI_4 * diameter_px * diameter_px;
    if m.area_px < AREA[0] * typical {
        out.push(format!(
            "it is much smaller than a cell ({:.0} px, a typical cell has {typical:.0})",
            m.area_px
        ));
    }
    if m.area_px > AREA[1] * typical {
        out.push(format!(
            "it is much larger than a cell ({:.0} px, a typical cell has {typical:.0})",
            m.area_px
        ));
    }
    if m.roundness < MIN_ROUNDNESS {
        out.push(format!(
            "its outline is ragged (roundness {:.2}, below {MIN_ROUNDNESS})",
            m.roundness
        ));
    }
    if m.skewness < MIN_SKEWNESS {
        out.push(format!(
            "its trace does not stand out upwards (skewness {:.2}, below {MIN_SKEWNESS})",
            m.skewness
        ));
    }
    if contrast < MIN_CONTRAST {
        out.push("it can hardly be told from the background around it".to_owned());
    }
    out
}

/// A clearer component (higher SNR, then lower number) that is the same cell.
fn duplicate_of(k: usize, components: &Components, metrics: &[CellMetrics], diameter: f32) -> Option<usize> {
    (0..metrics.len()).find(|j| {
        let clearer = metrics[*j].snr > metrics[k].snr || (metrics[*j].snr == metrics[k].snr && *j < k);
        *j != k
            && clearer
            && cosine(&components.footprints[k], &components.footprints[*j]) >= DUPLICATE[0]
            && (pearson(&components.denoised[k], &components.denoised[*j]) >= DUPLICATE[1]
                || distance(&components.footprints[k], &components.footprints[*j]) < CLOSEST * diameter)
    })
}

/// Cosine of the two half images; not-a-number where one half holds nothing.
pub(crate) fn halves(a: &[f32], b: &[f32]) -> f32 {
    let n = (crate::kernels::dot64(a, a) * crate::kernels::dot64(b, b)).sqrt();
    if n > 0.0 {
        (crate::kernels::dot64(a, b) / n) as f32
    } else {
        f32::NAN
    }
}

/// Runs of activity whose sum exceeds `threshold`.
pub fn events(activity: &[f32], threshold: f32) -> u32 {
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

/// 4π·area / perimeter² of the contour at half the maximum, by marching squares.
pub fn roundness(a: &Footprint) -> f32 {
    let at = |y: isize, x: isize| {
        let inside = y >= 0 && x >= 0 && y < a.height as isize && x < a.width as isize;
        if inside { a.values[y as usize * a.width + x as usize] } else { 0.0 }
    };
    let (mut area, mut perimeter) = (0.0f32, 0.0f32);
    for y in -1..a.height as isize {
        for x in -1..a.width as isize {
            let corners = [(0, 0), (0, 1), (1, 1), (1, 0)].map(|(j, i)| (j as f32, i as f32, at(y + j, x + i)));
            let mut polygon: Vec<(f32, f32, bool)> = Vec::with_capacity(8);
            for n in 0..4 {
                let (p, q) = (corners[n], corners[(n + 1) % 4]);
                if p.2 >= 0.5 {
                    polygon.push((p.0, p.1, false));
                }
                if (p.2 >= 0.5) != (q.2 >= 0.5) {
                    let f = (0.5 - p.2) / (q.2 - p.2);
                    polygon.push((p.0 + f * (q.0 - p.0), p.1 + f * (q.1 - p.1), true));
                }
            }
            for n in 0..polygon.len() {
                let (p, q) = (polygon[n], polygon[(n + 1) % polygon.len()]);
                area += 0.5 * (p.1 * q.0 - p.0 * q.1);
                if p.2 && q.2 {
                    perimeter += ((p.0 - q.0).powi(2) + (p.1 - q.1).powi(2)).sqrt();
                }
            }
        }
    }
    if perimeter > 0.0 {
        4.0 * std::f32::consts::PI * area.abs() / (perimeter * perimeter)
    } else {
        f32::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disc(stretch: f32) -> Footprint {
        let (h, w) = (25, 41);
        let values = (0..h * w)
            .map(|i| {
                let (y, x) = ((i / w) as f32 - 12.0, ((i % w) as f32 - 20.0) / stretch);
                (-(y * y + x * x) / 32.0).exp()
            })
            .collect();
        Footprint {
            top: 3,
            left: 5,
            height: h,
            width: w,
            values,
        }
    }

    #[test]
    fn a_disc_is_round_and_a_rod_is_not() {
        assert!((roundness(&disc(1.0)) - 1.0).abs() < 0.03);
        assert!(roundness(&disc(2.5)) < 0.75);
    }

    #[test]
    fn a_rise_over_several_frames_is_one_event() {
        assert_eq!(events(&[0.0, 1.0, 2.0, 0.0, 0.5, 0.0, 4.0], 2.5), 2);
    }

    #[test]
    fn every_fault_is_named() {
        let params = crate::demix::tests::parameters();
        let good = CellMetrics {
            snr: 12.0,
            events: 5,
            r_value: 0.9,
            split_half: 0.95,
            area_px: 34.0,
            roundness: 0.9,
            skewness: 2.0,
            ..CellMetrics::default()
        };
        assert!(verdict(&good, 0.9, &params, 6.6).is_empty());
        let bad = CellMetrics {
            snr: 1.0,
            events: 0,
            r_value: 0.1,
            split_half: 0.1,
            area_px: 2.0,
            roundness: 0.2,
            skewness: 0.0,
            ..CellMetrics::default()
        };
        assert_eq!(verdict(&bad, 0.1, &params, 6.6).len(), 8);
    }
}
