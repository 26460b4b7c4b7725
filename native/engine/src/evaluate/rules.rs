//! What speaks against a component. Each rule is a sentence with the number and its limit; a metric that is not a number speaks against nothing.

use crate::demix::merge::{CLOSEST, distance};
use crate::init::cosine;
use crate::kernels::pearson;
use crate::params::Parameters;
use crate::types::{CellMetrics, Components, StageError};

/// Smallest and largest area in areas of a typical cell.
const AREA: [f32; 2] = [0.2, 4.0];
/// Traces of cells have a longer tail upwards.
const MIN_SKEWNESS: f32 = 0.4;
/// Below this share of its own light left by the background's filter a component is background.
const MIN_CONTRAST: f32 = 0.25;
/// Closer to the edge than so many diameters, light of what lies outside the field makes slivers: there a cell is rounder than `AT_EDGE`.
const NEAR_EDGE: f32 = 0.95;
/// Least roundness there. (Own films: cells above 0.73, slivers 0.58 to 0.69.)
const AT_EDGE: f32 = 0.7;
/// A component is certain from this SNR …
const CERTAIN_SNR: f32 = 18.0;
/// … and this agreement of its halves on, with an area in this range, in areas of a typical cell. Cells on vessels have ragged outlines; those
/// that are strong, always the same and no larger than a cell are none the less cells. (Own films: of such ragged ones four in five are.)
/// Smaller ones are the light of what lies outside the field. (Own films: of 13 ragged or oblong ones below, none was a cell.)
const CERTAIN_HALVES: f32 = 0.95;
const CERTAIN_AREA: [f32; 2] = [0.45, 1.45];
/// The outline and the image of a certain component may be poorer by this factor and this much.
const LENIENT: (f32, f32) = (0.2, 0.1);
/// A component without an unbroken rise of three times the noise has none the less been active when its trace stands so many times the noise
/// high and its halves agree so well: its event was under way when the film began, or rose in several steps. (Own films: no component that is
/// not a cell is like that.)
const ACTIVE_SNR: f32 = 5.0;
const ACTIVE_HALVES: f32 = 0.8;
/// So few events may all lie in one half of the film, and the other half shows little of the cell; where they are as clear as this, a smaller
/// agreement of the halves is enough. (Own films: all five below the usual limit were cells.)
const FEW_RUNS: u32 = 2;
const FEW_SNR: f32 = 12.0;
const FEW_HALVES: f32 = 0.7;
/// A trace that follows the motion so closely shows the motion.
const MAX_MOTION: f32 = 0.8;
/// Most of the activity, percent, may not lie in frames that are flagged.
const MAX_FLAGGED: f32 = 60.0;

/// Two components one above the other are two cells, not one twice, where their footprints agree by no more than this, …
const TWO_ALIKE: f32 = 0.94;
/// … their centres lie at least so many diameters apart (the rim or the core of one cell has its centre), …
const TWO_APART: f32 = 0.18;
/// … their traces agree by no more than this, and …
const TWO_TOGETHER: f32 = 0.45;
/// … the weaker one stands by itself: its SNR, the agreement of its halves and with its background-free image. (Films of minisim of seeds of
/// our own, cells blurred and deep, once untangled: of 12 such pairs that agree by more than 0.85 or lie within a quarter of a diameter 11 were two cells. Pieces of one cell
/// with traces apart are weak or all but cover it. Where it has few clear events, FEW_SNR and FEW_HALVES of this agreement: of two such both were cells.)
const TWO_ALONE: (f32, f32, f32) = (15.0, 0.8, 0.9);

/// Reasons against a component on its own. `diameter_px` is that of a typical cell, raw px.
pub fn against(m: &CellMetrics, params: &Parameters, diameter_px: f32) -> Vec<String> {
    let mut out = Vec::new();
    let typical = std::f32::consts::FRAC_PI_4 * diameter_px * diameter_px;
    let whole = m.area_px >= CERTAIN_AREA[0] * typical && m.area_px <= CERTAIN_AREA[1] * typical;
    let certain = m.snr >= CERTAIN_SNR && m.split_half >= CERTAIN_HALVES && whole;
    if m.snr < params.min_snr {
        out.push(format!(
            "its highest event is {:.1} times the noise, below {:.1}",
            m.snr, params.min_snr
        ));
    }
    if m.activity_runs == 0 && !(m.snr >= ACTIVE_SNR && m.split_half >= ACTIVE_HALVES) {
        out.push("it has no event above three times the noise (0, at least 1)".to_owned());
    }
    let least = params.min_r_value - if certain { LENIENT.1 } else { 0.0 };
    if m.r_value < least {
        out.push(format!(
            "its footprint agrees with its background-free image only by {:.2}, below {least:.2}",
            m.r_value
        ));
    }
    let least = params.min_split_half * if few(m) { FEW_HALVES } else { 1.0 };
    if m.split_half < least {
        out.push(format!(
            "its footprint differs between two halves of the film ({:.2}, below {least:.2})",
            m.split_half
        ));
    }
    if m.area_px < AREA[0] * typical {
        out.push(format!(
            "it is much smaller than a cell ({:.0} px, below {:.0}; a typical cell has {typical:.0})",
            m.area_px,
            AREA[0] * typical
        ));
    }
    if m.area_px > AREA[1] * typical {
        out.push(format!(
            "it is much larger than a cell ({:.0} px, above {:.0}; a typical cell has {typical:.0})",
            m.area_px,
            AREA[1] * typical
        ));
    }
    out.extend(outline(m, params, diameter_px, certain));
    if m.skewness < MIN_SKEWNESS && !certain {
        out.push(format!(
            "its trace does not stand out upwards (skewness {:.2}, below {MIN_SKEWNESS})",
            m.skewness
        ));
    }
    if m.contrast < MIN_CONTRAST {
        out.push(format!(
            "it can hardly be told from the background around it (own light left {:.2}, below {MIN_CONTRAST})",
            m.contrast
        ));
    }
    if m.motion_correlation > MAX_MOTION {
        out.push(format!(
            "its trace follows the motion (correlation {:.2}, above {MAX_MOTION})",
            m.motion_correlation
        ));
    }
    if m.flagged_percent > MAX_FLAGGED {
        out.push(format!(
            "its activity lies in flagged frames ({:.0} %, above {MAX_FLAGGED:.0} %)",
            m.flagged_percent
        ));
    }
    out
}

/// A ragged outline, or a sliver at the edge.
fn outline(m: &CellMetrics, params: &Parameters, diameter_px: f32, certain: bool) -> Option<String> {
    let least = params.min_roundness * if certain { LENIENT.0 } else { 1.0 };
    if m.roundness < least {
        return Some(format!("its outline is ragged (roundness {:.2}, below {least:.2})", m.roundness));
    }
    // Where outlines are not asked for, they are not at the edge either.
    let at_edge = AT_EDGE.min(params.min_roundness * 1.3);
    (m.edge_distance_px < NEAR_EDGE * diameter_px && m.roundness < at_edge && !certain).then(|| {
        format!(
            "it is a sliver at the frame's edge (roundness {:.2}, below {at_edge:.2} so near the edge)",
            m.roundness
        )
    })
}

/// A clearer component (higher SNR, then lower number) that is the same cell. Where tissue deforms (`deforms`) one cell makes pieces that fire
/// apart: there the place counts, whatever the traces say.
///
/// # Errors
/// A trace cannot be read.
pub fn duplicate_of(
    k: usize,
    components: &Components,
    metrics: &[CellMetrics],
    diameter: f32,
    deforms: bool,
) -> Result<Option<(usize, String)>, StageError> {
    let a = &components.footprints[k];
    for j in 0..metrics.len() {
        let clearer = metrics[j].snr > metrics[k].snr || (metrics[j].snr == metrics[k].snr && j < k);
        if j == k || !clearer {
            continue;
        }
        let b = &components.footprints[j];
        let alike = cosine(a, b);
        if alike < 0.5 {
            continue;
        }
        let together = pearson(&components.denoised[k].all()?, &components.denoised[j].all()?);
        let apart = distance(a, b) / diameter;
        let two = !deforms && alike <= TWO_ALIKE && apart >= TWO_APART && together <= TWO_TOGETHER && stands_alone(&metrics[k]);
        // The more the footprints agree, the less must the traces.
        let same = together >= 0.8 || (alike > 0.6 && together > 0.5) || ((apart < CLOSEST || alike > 0.8) && !two);
        if same {
            let why = format!(
                "the same cell as number {j}, which is clearer (footprints agree by {alike:.2}, traces by {together:.2}, {apart:.2} diameters apart)"
            );
            return Ok(Some((j, why)));
        }
    }
    Ok(None)
}

/// Beside a component that stands this many times as high above its noise …
const MUCH_CLEARER: f32 = 10.0;
/// … and whose footprint agrees with its own by this much (from there on neighbours are cleaned of each other, `demix/unmix.rs`), a weak one must stand by itself.
const BESIDE: f32 = 0.3;

/// A far clearer component over which `k` lies, of which it is what footprint and trace did not explain: cleaned of the other's course it fires apart, but neither its
/// halves nor its image show a cell.
pub fn remainder_of(k: usize, components: &Components, metrics: &[CellMetrics]) -> Option<String> {
    let (_, halves, image) = TWO_ALONE;
    let m = &metrics[k];
    if m.split_half >= halves && m.r_value >= image {
        return None;
    }
    let a = &components.footprints[k];
    let over = (0..metrics.len()).find(|j| metrics[*j].snr >= MUCH_CLEARER * m.snr && cosine(a, &components.footprints[*j]) >= BESIDE)?;
    Some(format!(
        "what is left of number {over} beside it, which is {:.0} times as clear (halves agree by {:.2}, below {halves}, or image by {:.2}, below {image})",
        metrics[over].snr / m.snr,
        m.split_half,
        m.r_value
    ))
}

/// Whether a component would pass for a cell without its neighbour. Of few clear events the halves need agree less, as in [`against`].
fn stands_alone(m: &CellMetrics) -> bool {
    let (snr, halves, image) = TWO_ALONE;
    let often = m.snr >= snr && m.split_half >= halves;
    (often || few(m) && m.split_half >= FEW_HALVES * halves) && m.r_value >= image
}

/// Few events, but clear ones.
fn few(m: &CellMetrics) -> bool {
    m.activity_runs <= FEW_RUNS && m.snr >= FEW_SNR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Footprint;

    fn good() -> CellMetrics {
        CellMetrics {
            snr: 12.0,
            activity_runs: 5,
            r_value: 0.9,
            split_half: 0.94,
            area_px: 34.0,
            roundness: 0.9,
            skewness: 2.0,
            contrast: 0.9,
            edge_distance_px: 40.0,
            ..CellMetrics::default()
        }
    }

    fn said(m: &CellMetrics) -> Vec<String> {
        against(m, &crate::demix::tests::parameters(), 6.6)
    }

    #[test]
    fn every_fault_is_named_once_with_its_number_and_its_limit() {
        type Fault = (fn(&mut CellMetrics), [&'static str; 2]);
        assert!(said(&good()).is_empty());
        let faults: [Fault; 12] = [
            (|m| m.snr = 1.26, ["1.3", "3.0"]),
            (|m| (m.activity_runs, m.snr) = (0, 4.9), ["0", "1"]),
            (|m| (m.activity_runs, m.split_half) = (0, 0.79), ["0", "1"]),
            (|m| m.r_value = 0.123, ["0.12", "0.70"]),
            (|m| m.split_half = 0.21, ["0.21", "0.50"]),
            (|m| m.area_px = 2.0, ["2 px", "7"]),
            (|m| m.area_px = 150.0, ["150 px", "137"]),
            (|m| m.roundness = 0.2, ["0.20", "0.55"]),
            (|m| m.skewness = 0.05, ["0.05", "0.4"]),
            (|m| m.contrast = 0.11, ["0.11", "0.25"]),
            (|m| m.motion_correlation = 0.93, ["0.93", "0.8"]),
            (|m| m.flagged_percent = 71.0, ["71", "60"]),
        ];
        for (spoil, numbers) in faults {
            let mut bad = good();
            spoil(&mut bad);
            let reasons = said(&bad);
            assert_eq!(reasons.len(), 1, "{reasons:?}");
            assert!(numbers.iter().all(|n| reasons[0].contains(n)), "{reasons:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_speaks_against_nothing() {
        let unknown = CellMetrics {
            r_value: f32::NAN,
            split_half: f32::NAN,
            roundness: f32::NAN,
            skewness: f32::NAN,
            motion_correlation: f32::NAN,
            ..good()
        };
        assert!(said(&unknown).is_empty());
    }

    #[test]
    fn an_event_that_was_under_way_or_rose_in_steps_is_activity() {
        let under_way = CellMetrics {
            activity_runs: 0,
            snr: 5.0,
            split_half: 0.8,
            ..good()
        };
        assert!(said(&under_way).is_empty());
    }

    #[test]
    fn of_few_clear_events_the_halves_need_agree_less() {
        let few = CellMetrics {
            activity_runs: 2,
            split_half: 0.36,
            ..good()
        };
        assert!(said(&few).is_empty());
        for (activity_runs, snr, split_half, limit) in [(3, 12.0, 0.36, "0.50"), (2, 11.9, 0.36, "0.50"), (2, 12.0, 0.34, "0.35")] {
            let other = CellMetrics {
                activity_runs,
                snr,
                split_half,
                ..few.clone()
            };
            let reasons = said(&other);
            assert!(reasons.len() == 1 && reasons[0].contains(limit), "{reasons:?}");
        }
    }

    #[test]
    fn slivers_count_only_at_the_edge() {
        let oblong = CellMetrics { roundness: 0.62, ..good() };
        assert!(said(&oblong).is_empty());
        let sliver = CellMetrics {
            edge_distance_px: 4.0,
            ..oblong
        };
        assert!(said(&sliver)[0].contains("sliver at the frame's edge (roundness 0.62, below 0.70"));
    }

    #[test]
    fn a_ragged_cell_that_is_strong_and_always_the_same_is_kept() {
        let ragged = CellMetrics { roundness: 0.3, ..good() };
        assert_eq!(said(&ragged).len(), 1);
        let certain = CellMetrics {
            snr: 30.0,
            split_half: 0.98,
            skewness: -0.1,
            ..ragged
        };
        assert!(said(&certain).is_empty());
        for area_px in [60.0, 14.0] {
            let other = CellMetrics {
                area_px,
                ..certain.clone()
            };
            assert_eq!(said(&other).len(), 2, "{area_px}");
        }
    }

    #[test]
    fn the_clearer_of_two_is_kept_and_neighbours_are_two() {
        let spot = |x: f32| Footprint {
            top: 0,
            left: 0,
            height: 13,
            width: 21,
            values: (0..13 * 21)
                .map(|i| {
                    let (dy, dx) = ((i / 21) as f32 - 6.0, (i % 21) as f32 - x);
                    (-(dy * dy + dx * dx) / 9.0).exp()
                })
                .collect(),
        };
        let course = |phase: f32| (0..90).map(|t| (t as f32 * 0.3 + phase).sin().max(0.0)).collect::<Vec<f32>>();
        let components = Components {
            footprints: vec![spot(8.0), spot(9.0), spot(13.5)],
            raw: Vec::new(),
            denoised: vec![course(0.0).into(), course(0.2).into(), course(2.0).into()],
            deconvolved: Vec::new(),
            dff: Vec::new(),
            gamma: Vec::new(),
            baseline: Vec::new(),
            noise: Vec::new(),
            events: Vec::new(),
            to_dff: Vec::new(),
            rise: crate::rise::Rise::NONE,
        };
        let metrics = [10.0, 20.0, 5.0].map(|snr| CellMetrics { snr, ..good() });
        let of = |k| duplicate_of(k, &components, &metrics, 5.0, false);
        let (j, why) = of(0).unwrap().unwrap();
        assert!(j == 1 && why.contains("number 1") && why.contains("agree by 0.9"), "{why}");
        assert!(of(1).unwrap().is_none() && of(2).unwrap().is_none());

        // One nearly above the other, each with a course of its own: two cells, if the weaker stands by itself and the tissue is still.
        let above = Components {
            footprints: vec![spot(8.0), spot(9.2), spot(13.5)],
            denoised: vec![course(0.0).into(), course(3.0).into(), course(2.0).into()],
            ..components
        };
        let verdict = |snr: f32, split_half: f32, r_value: f32, deforms: bool| {
            let mut metrics = metrics.clone();
            (metrics[0].snr, metrics[0].split_half, metrics[0].r_value) = (snr, split_half, r_value);
            duplicate_of(0, &above, &metrics, 5.0, deforms).unwrap().is_some()
        };
        assert!(!verdict(16.0, 0.85, 0.95, false));
        assert!(verdict(16.0, 0.85, 0.95, true));
        assert!(verdict(14.0, 0.85, 0.95, false) && verdict(16.0, 0.75, 0.95, false) && verdict(16.0, 0.85, 0.85, false));

        // One with few events, but clear ones, may differ more between the halves of the film.
        let rarely = |activity_runs: u32, snr: f32, split_half: f32, r_value: f32| {
            let mut metrics = metrics.clone();
            metrics[0] = CellMetrics {
                activity_runs,
                snr,
                split_half,
                r_value,
                ..good()
            };
            duplicate_of(0, &above, &metrics, 5.0, false).unwrap().is_some()
        };
        assert!(!rarely(2, 12.5, 0.57, 0.95));
        assert!(rarely(3, 12.5, 0.57, 0.95) && rarely(2, 11.5, 0.57, 0.95) && rarely(2, 12.5, 0.55, 0.95) && rarely(2, 12.5, 0.57, 0.85));
        let over = Components {
            footprints: vec![spot(8.0), spot(8.3), spot(13.5)],
            ..above
        };
        let clear = CellMetrics {
            snr: 16.0,
            split_half: 0.85,
            r_value: 0.95,
            ..good()
        };
        let metrics = [clear, metrics[1].clone(), metrics[2].clone()];
        assert!(duplicate_of(0, &over, &metrics, 5.0, false).unwrap().is_some());

        // A weak piece over a cell far clearer than itself stands by itself, or is what was left of it; what lies apart is asked nothing.
        let weak = CellMetrics {
            snr: 8.0,
            split_half: 0.6,
            r_value: 0.8,
            ..good()
        };
        let bright = CellMetrics { snr: 81.0, ..good() };
        let said = |piece: &CellMetrics, cell: &CellMetrics, at: usize| {
            let mut metrics = [good(), good(), good()];
            (metrics[0], metrics[at]) = (piece.clone(), cell.clone());
            remainder_of(0, &over, &metrics)
        };
        assert!(said(&weak, &bright, 1).unwrap().contains("left of number 1"));
        assert!(said(&weak, &CellMetrics { snr: 79.0, ..good() }, 1).is_none());
        let sound = CellMetrics {
            split_half: 0.85,
            r_value: 0.95,
            ..weak.clone()
        };
        assert!(said(&sound, &bright, 1).is_none());
        assert!(said(&weak, &bright, 2).is_none());
    }
}
