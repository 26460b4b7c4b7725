//! What the frames show of a component's place. At the border motion carries a place in and out of the frame; where only a last row of it is
//! left, whatever lies there is taken for the component, many times enlarged.

use crate::demix::statistics::centroid;
use crate::types::{Footprint, MotionBlocks, Registered, flag};

/// No more than this share of a component's activity (squares of its trace) may lie in frames that do not show its centre. (Own films: of 2300
/// cells none was above 0.72 when this was set, and of 32 things accepted in twelve bending films without cells 13 were above 0.75; of the 420
/// cells of 13 films of moving tissue registered more exactly since, up to three at the border fell.)
const MOST_UNSEEN: f64 = 0.75;

/// Why a component with this trace (`T` values) is no cell, as far as its place tells.
pub fn against(film: &Registered, footprint: &Footprint, trace: &[f32]) -> Option<String> {
    let (y, x) = centroid(footprint);
    let place = [film.grid.raw_y(y), film.grid.raw_x(x)];
    let covers = film.grid.covers();
    let [mut seen, mut unseen, mut frames, mut hidden] = [0.0f64; 4];
    for (t, v) in trace.iter().enumerate().filter(|(t, _)| film.flags[*t] & flag::MASKED == 0) {
        let power = f64::from(v.max(0.0)).powi(2);
        frames += 1.0;
        if shows(covers, displacement(film, t, place), place) {
            seen += power;
        } else {
            unseen += power;
            hidden += 1.0;
        }
    }
    let share = unseen / (seen + unseen);
    (share > MOST_UNSEEN).then(|| {
        format!(
            "its activity lies in frames that do not show its place ({:.0} % of it, above {:.0} %, in {:.0} % of the film)",
            100.0 * share,
            100.0 * MOST_UNSEEN,
            100.0 * hidden / frames
        )
    })
}

/// How far what rests at raw place `[y, x]` is displaced in frame `t`, raw px.
pub fn displacement(film: &Registered, t: usize, [y, x]: [f32; 2]) -> [f32; 2] {
    match &film.motion_blocks {
        Some(MotionBlocks { lattice, fields }) => lattice.at(&fields[t], y, x),
        None => film.motion[t],
    }
}

/// Whether what rests at raw place `[y, x]` and is displaced by `[dy, dx]` lies inside what is covered (first and end of rows and columns).
pub fn shows([rows, columns]: [[usize; 2]; 2], [dy, dx]: [f32; 2], [y, x]: [f32; 2]) -> bool {
    let inside = |[first, end]: [usize; 2], at: f32| (first as f32..=end as f32 - 1.0).contains(&at);
    inside(rows, y + dy) && inside(columns, x + dx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demix::tests::registered;
    use crate::motion::lattice::Lattice;

    /// A film of 20 × 30 px and 100 frames; in every fifth the tissue lies 3 px higher.
    fn film() -> Registered {
        let mut film = registered(&vec![1.0; 100 * 600], 20, 30, 20.0, 1.0);
        (0..100).step_by(5).for_each(|t| film.motion[t] = [-3.0, 0.0]);
        film
    }

    fn spot(top: usize) -> Footprint {
        Footprint {
            top,
            left: 10,
            height: 5,
            width: 5,
            values: vec![1.0; 25],
        }
    }

    /// A trace that is high where the tissue lies higher, and `also` elsewhere.
    fn trace(also: f32) -> Vec<f32> {
        (0..100).map(|t| if t % 5 == 0 { 10.0 } else { also }).collect()
    }

    #[test]
    fn activity_that_no_frame_shows_is_none() {
        let film = film();
        let said = |top: usize, also: f32| against(&film, &spot(top), &trace(also));
        assert!(said(0, 1.0).unwrap().contains("(96 % of it, above 75 %, in 20 % of the film)"));
        // It is active in other frames as well; or all frames show it; or it is silent.
        assert!(said(0, 4.0).is_none());
        assert!(said(1, 1.0).is_none());
        assert!(against(&film, &spot(0), &[0.0; 100]).is_none());
    }

    #[test]
    fn masked_frames_do_not_count_and_fields_tell_where_there_are_some() {
        let mut film = film();
        (0..100).step_by(5).for_each(|t| film.flags[t] = flag::TORN);
        assert!(against(&film, &spot(0), &trace(1.0)).is_none());
        film.flags.fill(0);
        let lattice = Lattice::over([20, 30], [4, 4]);
        film.motion_blocks = Some(MotionBlocks {
            lattice,
            fields: vec![vec![[0.0; 2]; 16]; 100],
        });
        assert!(against(&film, &spot(0), &trace(1.0)).is_none());
    }
}
