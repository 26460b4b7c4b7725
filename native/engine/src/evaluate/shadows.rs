//! Shadows: where tissue deforms, registration leaves a few tenths of a px, more towards the border. A bright cell that is displaced by `e` shows
//! as a pair of lobes of about `1.67 e / diameter` of its light beside it, and one that the frame shows only at times leaves pieces
//! of itself at the border. Both come out as further components, dimmer than the cell and close to it.

use crate::demix::merge::distance;
use crate::demix::statistics::centroid;
use crate::evaluate::place::shows;
use crate::init::inner;
use crate::kernels::pearson;
use crate::types::{CellMetrics, Components, Grid, MotionBlocks, Registered, StageError, flag};

/// A lobe has its centre half a diameter from the cell's; no further than this, diameters …
const LOBE_REACH: f32 = 0.7;
/// … and its light is at most what a displacement of this many raw px makes of the cell's.
const LOBE_PX: f32 = 1.55;
/// Light of a lobe over that of the cell, for a displacement of a diameter: `2.36 / √2`.
const LOBE_SLOPE: f32 = 1.67;
/// A place that the frame shows in less of the film than this is at the border.
const SHOWN: f32 = 0.95;
/// Pieces at the border lie this close to their cell, diameters, …
const PIECE_REACH: f32 = 1.25;
/// … have at most this share of its light …
const PIECE_LIGHT: f32 = 0.75;
/// … and their traces follow it at least so.
const PIECE_FOLLOWS: f32 = 0.2;
/// Frames, spread evenly, that tell how often the film shows a place.
const FRAMES: usize = 1000;

/// What tells shadows, for films of tissue that deforms.
pub struct Shadows {
    /// Light of each component at its brightest.
    light: Vec<f32>,
    /// Share of the film that shows its centre.
    shown: Vec<f32>,
}

impl Shadows {
    /// `None` where rigid displacements were enough.
    ///
    /// # Errors
    /// A trace cannot be read.
    pub fn new(film: &Registered, components: &Components) -> Result<Option<Self>, StageError> {
        let Some(blocks) = &film.motion_blocks else {
            return Ok(None);
        };
        let mut light = Vec::with_capacity(components.footprints.len());
        for (a, c) in components.footprints.iter().zip(&components.denoised) {
            light.push(inner(a, a).sqrt() * c.all()?.iter().copied().fold(0.0, f32::max));
        }
        let shown = components.footprints.iter().map(|a| {
            let (y, x) = centroid(a);
            shown(blocks, &film.flags, &film.grid, [film.grid.raw_y(y), film.grid.raw_x(x)])
        });
        let shown = shown.collect();
        Ok(Some(Self { light, shown }))
    }

    /// The brighter component that `k` is a shadow of, and why; only `metrics` that are accepted cast one. `diameter` in grid px, `diameter_px` raw.
    ///
    /// # Errors
    /// A trace cannot be read.
    pub fn of(
        &self,
        k: usize,
        components: &Components,
        metrics: &[CellMetrics],
        [diameter, diameter_px]: [f32; 2],
    ) -> Result<Option<String>, StageError> {
        let a = &components.footprints[k];
        let lobe = LOBE_SLOPE * LOBE_PX / diameter_px.max(1.0);
        for j in (0..metrics.len()).filter(|j| metrics[*j].accepted && self.light[*j] > self.light[k]) {
            let apart = distance(a, &components.footprints[j]) / diameter;
            let share = self.light[k] / self.light[j];
            if apart < LOBE_REACH && share < lobe {
                return Ok(Some(format!(
                    "a shadow of number {j}: it has {share:.2} of its light, below {lobe:.2}, {apart:.2} diameters beside it, and the tissue deforms"
                )));
            }
            if self.shown[k] < SHOWN && apart < PIECE_REACH && share < PIECE_LIGHT {
                let together = pearson(&components.denoised[k].all()?, &components.denoised[j].all()?);
                if together > PIECE_FOLLOWS {
                    return Ok(Some(format!(
                        "a piece of number {j} at the border: the frame shows its place in {:.0} % of the film, below {:.0} %, and it follows that \
                         by {together:.2}, above {PIECE_FOLLOWS}, {apart:.2} diameters beside it, with {share:.2} of its light",
                        100.0 * self.shown[k],
                        100.0 * SHOWN
                    )));
                }
            }
        }
        Ok(None)
    }
}

/// Share of the frames that are not masked in which the frame shows what rests at raw place `[y, x]`.
fn shown(blocks: &MotionBlocks, flags: &[u32], grid: &Grid, [y, x]: [f32; 2]) -> f32 {
    let covers = grid.covers();
    let step = flags.len().div_ceil(FRAMES).max(1);
    let (mut inside, mut all) = (0u32, 0u32);
    for (field, _) in blocks
        .fields
        .iter()
        .zip(flags)
        .step_by(step)
        .filter(|(_, f)| *f & flag::MASKED == 0)
    {
        inside += u32::from(shows(covers, blocks.lattice.at(field, y, x), [y, x]));
        all += 1;
    }
    if all > 0 { inside as f32 / all as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::lattice::Lattice;
    use crate::types::Footprint;

    const GRID: Grid = Grid {
        bin: 2,
        height: 40,
        width: 50,
        frame_height: 80,
        frame_width: 100,
        top: 0,
        left: 0,
    };

    #[test]
    fn a_place_is_shown_while_its_content_lies_inside_the_frame() {
        let lattice = Lattice::over([80, 100], [4, 4]);
        // A quarter of the frames lie 6 px up, a tenth are masked and lie far away.
        let up = |t: usize| {
            if t % 10 == 9 {
                -500.0
            } else if t.is_multiple_of(4) {
                -6.0
            } else {
                0.0
            }
        };
        let fields = (0..400).map(|t| vec![[up(t), 0.0]; 16]).collect();
        let flags: Vec<u32> = (0..400).map(|t| if t % 10 == 9 { flag::TORN } else { 0 }).collect();
        let blocks = MotionBlocks { lattice, fields };
        let at = |y: f32, x: f32| shown(&blocks, &flags, &GRID, [y, x]);
        let good = flags.iter().filter(|f| **f == 0).count();
        let low = (0..400).filter(|t| t % 10 != 9 && t % 4 == 0).count();
        assert!((at(3.0, 50.0) - (good - low) as f32 / good as f32).abs() < 1e-6);
        assert_eq!((at(6.5, 50.0), at(40.0, 99.5)), (1.0, 0.0));
    }

    /// A bright cell and one `apart` px to its right with `share` of its light, whose trace is the first's, or another.
    fn pair(apart: f32, share: f32, follows: bool) -> Components {
        let spot = |x: f32| Footprint {
            top: 0,
            left: 0,
            height: 15,
            width: 31,
            values: (0..15 * 31)
                .map(|i| (-(((i / 31) as f32 - 7.0).powi(2) + ((i % 31) as f32 - x).powi(2)) / 3.4).exp())
                .collect(),
        };
        let course = |phase: f32, by: f32| (0..90).map(|t| by * (t as f32 * 0.3 + phase).sin().max(0.0)).collect::<Vec<f32>>();
        Components {
            footprints: vec![spot(12.0), spot(12.0 + apart)],
            raw: Vec::new(),
            denoised: vec![
                course(0.0, 10.0).into(),
                course(if follows { 0.2 } else { 3.1 }, 10.0 * share).into(),
            ],
            deconvolved: Vec::new(),
            dff: Vec::new(),
            gamma: Vec::new(),
            baseline: Vec::new(),
            noise: Vec::new(),
            events: Vec::new(),
            to_dff: Vec::new(),
            rise: crate::rise::Rise::NONE,
        }
    }

    fn said(components: &Components, shown: f32) -> Option<String> {
        let shadows = Shadows {
            light: components
                .denoised
                .iter()
                .map(|c| c.all().unwrap().iter().copied().fold(0.0, f32::max))
                .collect(),
            shown: vec![1.0, shown],
        };
        let accepted = CellMetrics {
            accepted: true,
            ..CellMetrics::default()
        };
        let metrics = [accepted.clone(), accepted];
        assert!(shadows.of(0, components, &metrics, [3.0, 6.0]).unwrap().is_none());
        shadows.of(1, components, &metrics, [3.0, 6.0]).unwrap()
    }

    #[test]
    fn lobes_are_close_and_dim_whatever_their_trace() {
        for follows in [true, false] {
            assert!(
                said(&pair(1.8, 0.3, follows), 1.0)
                    .unwrap()
                    .contains("number 0: it has 0.30 of its light, below 0.43")
            );
            assert!(said(&pair(1.8, 0.6, follows), 1.0).is_none());
            assert!(said(&pair(2.4, 0.3, follows), 1.0).is_none());
        }
    }

    #[test]
    fn pieces_at_the_border_follow_their_cell() {
        assert!(said(&pair(3.3, 0.6, true), 0.8).unwrap().contains("80 % of the film, below 95 %"));
        assert!(said(&pair(3.3, 0.6, false), 0.8).is_none());
        assert!(said(&pair(3.3, 0.6, true), 0.99).is_none());
        assert!(said(&pair(3.3, 0.9, true), 0.8).is_none());
        assert!(said(&pair(4.2, 0.6, true), 0.8).is_none());
    }
}
