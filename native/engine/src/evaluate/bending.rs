//! Where tissue deforms, the fields are poor within two or three diameters of the frame's border: what the tissue shows there is misplaced by how far it is displaced just
//! then, and comes out as a component whose course is a function of the displacement.

use crate::demix::statistics::centroid;
use crate::evaluate::place::displacement;
use crate::types::{CellMetrics, Footprint, Registered, flag};

/// Nearer to the border than so many diameters a trace is held against the displacement of its place.
const NEAR: f32 = 2.5;
/// Share of a trace's variance that a quadratic in the displacement may explain beyond what it explains of the same trace moved in time, …
const MOST_EXPLAINED: f64 = 0.22;
/// … if this much more of the trace than of the film lies in frames in which the place is nearer to the border than so many diameters. (Own films that bend: of 8 false
/// components so near the border in seven films with cells 7 pass both, of 103 true cells one; of 22 things accepted there in seven films without cells 8.)
const MORE: f64 = 0.05;
const POOR: f32 = 0.6;
/// Times that the trace is moved on, evenly over the film.
const MOVED: usize = 20;
/// Nearer to the border than so many diameters nothing is believed where the middle of the field shows no cell at all, …
const RIM: f32 = 3.0;
/// … if that is at least this share of the field.
const MIDDLE: f32 = 0.4;

/// Why a component (`edge_px` from the border) with this trace is no cell, as far as it follows the tissue's displacement at its place.
pub fn follows(film: &Registered, footprint: &Footprint, trace: &[f32], edge_px: f32) -> Option<String> {
    if film.motion_blocks.is_none() || edge_px > NEAR * film.diameter_px {
        return None;
    }
    let (y, x) = centroid(footprint);
    let place = [film.grid.raw_y(y), film.grid.raw_x(x)];
    let valid = (0..trace.len()).filter(|t| film.flags[*t] & flag::MASKED == 0);
    let (course, moved): (Vec<f64>, Vec<[f32; 2]>) = valid.map(|t| (f64::from(trace[t]), displacement(film, t, place))).unzip();
    let axes = axes(&moved);
    let later = (1..=MOVED).map(|n| explains(&axes, &course, n * course.len() / (MOVED + 1)));
    let (explained, chance) = (explains(&axes, &course, 0), later.sum::<f64>() / MOVED as f64);
    let near = |[dy, dx]: &[f32; 2]| film.grid.edge_distance(place[0] + dy, place[1] + dx) < POOR * film.diameter_px;
    let [mut light, mut frames] = [0.0f64; 2];
    for (v, _) in course.iter().zip(&moved).filter(|(_, d)| near(d)) {
        light += v;
        frames += 1.0;
    }
    let more = light / course.iter().sum::<f64>() - frames / course.len() as f64;
    (explained - chance > MOST_EXPLAINED && more > MORE).then(|| {
        format!(
            "its trace follows the tissue's displacement towards the border of a film that deforms ({:.0} % of its variance, {:.0} % by chance, at most {:.0} % beyond)",
            100.0 * explained,
            100.0 * chance,
            100.0 * MOST_EXPLAINED
        )
    })
}

/// Orthonormal courses without mean that span the quadratics in the displacement.
fn axes(moved: &[[f32; 2]]) -> Vec<Vec<f64>> {
    let terms: [fn(f64, f64) -> f64; 5] = [|y, _| y, |_, x| x, |y, _| y * y, |y, x| y * x, |_, x| x * x];
    let mut out: Vec<Vec<f64>> = Vec::new();
    for term in terms {
        let mut course: Vec<f64> = moved.iter().map(|[y, x]| term(f64::from(*y), f64::from(*x))).collect();
        let mean = course.iter().sum::<f64>() / course.len().max(1) as f64;
        course.iter_mut().for_each(|v| *v -= mean);
        let before = dot(&course, &course);
        for axis in &out {
            let along = dot(axis, &course);
            course.iter_mut().zip(axis).for_each(|(v, a)| *v -= along * a);
        }
        let left = dot(&course, &course);
        if left > 1e-9 * before && left > 0.0 {
            let scale = 1.0 / left.sqrt();
            course.iter_mut().for_each(|v| *v *= scale);
            out.push(course);
        }
    }
    out
}

/// Share of the variance of a course, begun `shift` values later and going round, that the axes explain.
fn explains(axes: &[Vec<f64>], course: &[f64], shift: usize) -> f64 {
    let mean = course.iter().sum::<f64>() / course.len().max(1) as f64;
    let power: f64 = course.iter().map(|v| (v - mean).powi(2)).sum();
    let (late, early) = course.split_at(shift.min(course.len()));
    let along = |axis: &Vec<f64>| {
        let (a, b) = axis.split_at(early.len());
        (dot(a, early) + dot(b, late)).powi(2)
    };
    if power > 0.0 {
        axes.iter().map(along).sum::<f64>() / power
    } else {
        0.0
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Takes back what is accepted along the border of a film that deforms when nothing is accepted in its middle.
pub fn border_alone(film: &Registered, metrics: &mut [CellMetrics]) {
    let rim = RIM * film.diameter_px;
    let [height, width] = film.grid.covers().map(|[first, end]| (end - first) as f32);
    let middle = (1.0 - 2.0 * rim / height).max(0.0) * (1.0 - 2.0 * rim / width).max(0.0);
    if film.motion_blocks.is_none() || middle < MIDDLE || metrics.iter().any(|m| m.accepted && m.edge_distance_px >= rim) {
        return;
    }
    for m in metrics.iter_mut().filter(|m| m.accepted) {
        m.accepted = false;
        m.reasons.push(format!(
            "it lies {:.0} px from the border (nearer than {rim:.0}) of a film that deforms, in whose middle there is no cell",
            m.edge_distance_px
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demix::tests::registered;
    use crate::motion::lattice::Lattice;
    use crate::types::MotionBlocks;

    const FRAMES: usize = 240;

    /// A film of 60 × 70 px in which the upper rows lie up and down while the lower ones rest.
    fn film() -> Registered {
        let mut film = registered(&vec![1.0; FRAMES * 60 * 70], 60, 70, 20.0, 1.0);
        let lattice = Lattice::over([60, 70], [4, 4]);
        let field = |t: usize| {
            let up = 3.0 * (t as f32 * 0.31).sin() + 2.0 * (t as f32 * 0.047).cos();
            (0..16).map(|n| if n < 8 { [up, 0.3 * up] } else { [0.0; 2] }).collect()
        };
        film.motion_blocks = Some(MotionBlocks {
            lattice,
            fields: (0..FRAMES).map(field).collect(),
        });
        film
    }

    fn spot(top: usize) -> Footprint {
        Footprint {
            top,
            left: 30,
            height: 5,
            width: 5,
            values: vec![1.0; 25],
        }
    }

    /// High where the tissue at the spot lies far up.
    fn pushed(film: &Registered) -> Vec<f32> {
        (0..FRAMES).map(|t| (displacement(film, t, [3.0, 32.0])[0] - 5.0).powi(2)).collect()
    }

    #[test]
    fn what_follows_the_displacement_at_the_border_is_no_cell() {
        let film = film();
        let said = |trace: &[f32], top: usize, edge: f32| follows(&film, &spot(top), trace, edge);
        let why = said(&pushed(&film), 1, 3.0).unwrap();
        assert!(
            why.contains("(100 % of its variance") && why.contains("at most 22 % beyond"),
            "{why}"
        );
        // One that is high where the tissue lies far down, towards the middle.
        let inwards: Vec<f32> = (0..FRAMES)
            .map(|t| (displacement(&film, t, [3.0, 32.0])[0] + 5.0).powi(2))
            .collect();
        assert!(said(&inwards, 1, 3.0).is_none());
        // In the middle it may; where the tissue rests nothing can follow it; a cell fires as it likes.
        assert!(said(&pushed(&film), 1, 11.0).is_none());
        assert!(said(&pushed(&film), 52, 3.0).is_none());
        let fires: Vec<f32> = (0..FRAMES).map(|t| (-((t * t % 61) as f32) / 8.0).exp()).collect();
        assert!(said(&fires, 1, 3.0).is_none() && said(&[0.0; FRAMES], 1, 3.0).is_none());
        // Where rigid displacements are enough the fields are not poor; masked frames say nothing.
        let rigid = Registered {
            motion_blocks: None,
            ..self::film()
        };
        assert!(follows(&rigid, &spot(1), &pushed(&film), 3.0).is_none());
        let mut masked = self::film();
        masked.flags.fill(flag::TORN);
        assert!(follows(&masked, &spot(1), &pushed(&film), 3.0).is_none());
    }

    #[test]
    fn a_brief_film_explains_much_by_chance() {
        let film = film();
        let mut brief = self::film();
        brief.flags[24..].fill(flag::TORN);
        let step: Vec<f32> = (0..FRAMES).map(|t| if t < 12 { 0.0 } else { 1.0 }).collect();
        let explained = explains(
            &axes(&(0..24).map(|t| displacement(&film, t, [3.0, 32.0])).collect::<Vec<_>>()),
            &[[0.0; 12], [1.0; 12]].concat(),
            0,
        );
        assert!(explained > MOST_EXPLAINED, "{explained}");
        assert!(follows(&brief, &spot(1), &step, 3.0).is_none());
    }

    #[test]
    fn the_border_is_not_believed_alone() {
        let cell = |edge: f32, accepted: bool| CellMetrics {
            accepted,
            edge_distance_px: edge,
            ..CellMetrics::default()
        };
        let left = |film: &Registered, cells: &[(f32, bool)]| {
            let mut metrics: Vec<CellMetrics> = cells.iter().map(|(edge, accepted)| cell(*edge, *accepted)).collect();
            border_alone(film, &mut metrics);
            assert!(
                metrics
                    .iter()
                    .zip(cells)
                    .all(|(m, (_, was))| m.accepted == *was || m.reasons.len() == 1)
            );
            metrics.iter().filter(|m| m.accepted).count()
        };
        let mut film = film();
        film.diameter_px = 3.0;
        assert_eq!(left(&film, &[(4.0, true), (8.9, true), (20.0, false)]), 0);
        assert_eq!(left(&film, &[(4.0, true), (9.0, true)]), 2);
        // A field that is all border, and one that does not deform.
        film.diameter_px = 5.0;
        assert_eq!(left(&film, &[(4.0, true)]), 1);
        let rigid = Registered {
            motion_blocks: None,
            diameter_px: 3.0,
            ..film
        };
        assert_eq!(left(&rigid, &[(4.0, true)]), 1);
    }
}
