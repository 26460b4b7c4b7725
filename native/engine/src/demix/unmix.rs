//! Neighbours that lie one above the other hold light of each other. Least squares fixes only what footprints span together: `a₁c₁ + a₂c₂` is the
//! same film as `a₁ (c₁ + αc₂) + (a₂ − αa₁) c₂`, and alternating between the two factors hardly turns one solution into the other. What tells
//! them apart is that a cell rests most of the time: when it is quiet and its neighbour fires, its trace shows the neighbour's share and nothing
//! else. The shares are found as those of the background's courses are ([`super::quiet`]); the next footprints follow the traces.

use rayon::prelude::*;

use super::quiet::Quiet;
use super::statistics::Component;
use super::traces::{Filters, Projected, Traces, partial_of};
use crate::init::cosine;
use crate::kernels::{axpy, dot64};
use crate::oasis::{Clock, deconvolve};
use crate::shelf::{Shelf, Trace};
use crate::types::{Context, Registered, StageError};

/// Footprints hold light of each other from this cosine on.
const OVERLAP: f32 = 0.25;
/// Components above this cosine are tangled, and a film is where this share of them is. (Own films: wide, blurred cells a half, dense fields of small ones an
/// eighth, others less.)
const TANGLED: f32 = 0.5;
const TANGLED_SHARE: f32 = 0.25;

/// Takes off each trace what it holds of overlapping neighbours'; `projected` becomes what the filters would have found had the traces been so.
/// Where tissue deforms nothing is done: there pieces of one cell fire apart, and each would be cleaned of what it must hold.
///
/// # Errors
/// Cancelled, or a trace cannot be read or kept.
pub fn run(
    filters: &Filters,
    projected: &mut Projected,
    components: &mut [Component],
    traces: &mut Traces,
    film: &Registered,
    clock: Clock,
    ctx: &Context,
) -> Result<(), StageError> {
    if film.motion_blocks.is_some() {
        return Ok(());
    }
    let above: Vec<Vec<usize>> = (0..components.len())
        .into_par_iter()
        .map(|k| {
            let a = &components[k].footprint;
            let near = filters.mixing[k].iter().map(|(j, _)| *j);
            near.filter(|j| *j != k && cosine(a, &components[*j].footprint) > OVERLAP).collect()
        })
        .collect();
    let mut light = Vec::with_capacity(components.len());
    for (c, square) in components.iter().zip(&filters.square) {
        let trace = c.trace.all()?;
        light.push(dot64(&trace, &trace) * f64::from(*square));
    }
    // The weaker first: of two pieces of one cell the weaker is emptied, and the other keeps all.
    let mut order: Vec<usize> = (0..components.len()).filter(|k| !above[*k].is_empty()).collect();
    order.sort_by(|a, b| light[*a].total_cmp(&light[*b]).then(a.cmp(b)));
    for k in &order {
        crate::movie::check(ctx)?;
        clean(*k, &above[*k], components, traces, &film.flags, clock, ctx.shelf)?;
    }
    agree(filters, projected, components, traces, &order)
}

/// Whether so many components lie over another that the film is worth further rounds: each streams the film twice more.
pub fn tangled(components: &[Component]) -> bool {
    let over = |k: usize| {
        let mut others = components.iter().enumerate().filter(|(j, _)| *j != k);
        others.any(|(_, c)| cosine(&components[k].footprint, &c.footprint) > TANGLED)
    };
    let found = (0..components.len()).into_par_iter().filter(|k| over(*k)).count();
    found > 0 && found as f32 >= TANGLED_SHARE * components.len() as f32
}

/// Takes off trace `k` what it holds of those in `above`, and fits its calcium anew.
fn clean(
    k: usize,
    above: &[usize],
    components: &mut [Component],
    traces: &mut Traces,
    flags: &[u32],
    clock: Clock,
    shelf: &Shelf,
) -> Result<(), StageError> {
    let courses: Vec<&Trace> = above.iter().map(|j| &components[*j].trace).collect();
    let quiet = Quiet::new(&courses, flags)?;
    let raw = traces.raw[k].all()?.into_owned();
    let shares = quiet.shares(&raw, traces.noise[k]);
    let mut row = [Trace::from(raw)];
    quiet.take_off(&courses, flags.len(), &mut row, std::slice::from_ref(&shares))?;
    let raw = row[0].all()?.into_owned();
    let fit = deconvolve(&raw, traces.gamma[k], traces.noise[k], clock, None);
    traces.baseline[k] = fit.baseline;
    traces.raw[k] = shelf.keep(raw)?;
    components[k].trace = shelf.keep(fit.calcium)?;
    Ok(())
}

/// Makes `V` what it must be for the raw traces to follow from it and the components' traces, where one of `changed` has a part in it: edits
/// after the run start from there.
fn agree(
    filters: &Filters,
    projected: &mut Projected,
    components: &[Component],
    traces: &Traces,
    changed: &[usize],
) -> Result<(), StageError> {
    let mut is_changed = vec![false; components.len()];
    changed.iter().for_each(|k| is_changed[*k] = true);
    projected
        .rows
        .par_iter_mut()
        .enumerate()
        .filter(|(k, _)| filters.mixing[*k].iter().any(|(j, _)| is_changed[*j]))
        .try_for_each(|(k, row)| {
            // `raw = partial(V)` is linear in V, `partial(0) + V / divisor`.
            let mut wanted = traces.raw[k].all()?.into_owned();
            let none = partial_of(filters, vec![0.0; wanted.len()], components, k)?;
            axpy(&mut wanted, -1.0, &none);
            let divisor = filters.divisor(k);
            wanted.iter_mut().for_each(|v| *v *= divisor);
            row.set(0, &wanted)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demix::ring::{Coarse, LagCovariance, Ring, RingWeights};
    use crate::demix::tests::{registered, with_context};
    use crate::kernels::{Noise, pearson};
    use crate::types::Footprint;

    const T: usize = 900;
    const SIDE: usize = 21;
    const GAMMA: f32 = 0.92;

    struct Pair {
        film: Registered,
        filters: Filters,
        projected: Projected,
        components: Vec<Component>,
        traces: Traces,
    }

    fn spot(x: f32) -> Footprint {
        let square = |i: usize| ((i / SIDE) as f32 - 10.0).powi(2) + ((i % SIDE) as f32 - x).powi(2);
        let values = (0..SIDE * SIDE)
            .map(|i| (-square(i) / 16.0).exp())
            .map(|v| if v > 0.05 { v } else { 0.0 });
        Footprint {
            top: 0,
            left: 0,
            height: SIDE,
            width: SIDE,
            values: values.collect(),
        }
    }

    /// A sparse calcium course.
    fn course(noise: &mut Noise, height: f32) -> Vec<f32> {
        let mut now = 0.0;
        (0..T)
            .map(|_| {
                now = GAMMA * now + if noise.normal() > 2.0 { height } else { 0.0 };
                now
            })
            .collect()
    }

    /// Components at these columns whose traces are `courses`, with noise of standard deviation 1 and a baseline of 30.
    fn pair(columns: [f32; 2], courses: &[Vec<f32>; 2]) -> Pair {
        let mut noise = Noise::new(5);
        let ring = Ring::new(Coarse::new(1, SIDE, SIDE), 5);
        let weights = RingWeights::ring_only(&ring, &LagCovariance::new(&ring));
        let (mut components, mut traces) = (Vec::new(), Traces::default());
        for (x, c) in columns.iter().zip(courses) {
            let raw: Vec<f32> = c.iter().map(|v| v + 30.0 + noise.normal()).collect();
            let fit = deconvolve(&raw, GAMMA, 1.0, None, None);
            components.push(Component {
                footprint: spot(*x),
                trace: fit.calcium.into(),
                seed_pnr: 1.0,
                seed_correlation: 1.0,
            });
            traces.raw.push(raw.into());
            traces.gamma.push(GAMMA);
            traces.noise.push(1.0);
            traces.baseline.push(fit.baseline);
        }
        let coarse: Vec<_> = components.iter().map(|c| ring.coarse.footprint(&c.footprint)).collect();
        let filters = Filters::new(&components, &coarse, &weights);
        let projected = Projected {
            rows: vec![vec![0.0; T].into(), vec![0.0; T].into()],
            courses: Vec::new(),
        };
        Pair {
            film: registered(&vec![0.0; T * SIDE * SIDE], SIDE, SIDE, 20.0, 1.0),
            filters,
            projected,
            components,
            traces,
        }
    }

    fn unmixed(mut p: Pair) -> Pair {
        with_context(|ctx| run(&p.filters, &mut p.projected, &mut p.components, &mut p.traces, &p.film, None, ctx)).unwrap();
        p
    }

    fn mixed(own: &[f32], share: f32, other: &[f32]) -> Vec<f32> {
        own.iter().zip(other).map(|(a, b)| a + share * b).collect()
    }

    #[test]
    fn neighbours_give_back_each_others_light() {
        for (seed, shares) in [(1, [0.8, 0.5]), (2, [0.7, -0.4]), (3, [0.0, 0.9])] {
            let mut noise = Noise::new(seed);
            let own = [course(&mut noise, 30.0), course(&mut noise, 20.0)];
            let held = [mixed(&own[0], shares[0], &own[1]), mixed(&own[1], shares[1], &own[0])];
            let before = pair([8.5, 11.5], &held);
            let alike = cosine(&before.components[0].footprint, &before.components[1].footprint);
            assert!(alike > 0.6 && alike < 0.9, "{alike}");
            let after = unmixed(pair([8.5, 11.5], &held));
            for k in 0..2 {
                let (raw, trace) = (after.traces.raw[k].all().unwrap(), after.components[k].trace.all().unwrap());
                let r = [pearson(&raw, &own[k]), pearson(&trace, &own[k])];
                assert!(r[0] > 0.96 && r[1] > 0.97, "{seed} {k}: {r:?} from {}", pearson(&held[k], &own[k]));
                if shares[k].abs() > 0.2 {
                    let old = pearson(&before.components[k].trace.all().unwrap(), &own[k]);
                    assert!(old < r[1] - 0.02, "{seed} {k}: {old} before, {} after", r[1]);
                }
            }
        }
    }

    /// The same by its definition: `V_k = d_k (y_k − c_k) + Σ_j M_kj c_j`.
    #[test]
    fn what_the_filters_found_fits_the_new_traces() {
        let mut noise = Noise::new(4);
        let own = [course(&mut noise, 30.0), course(&mut noise, 20.0)];
        let held = [mixed(&own[0], 0.5, &own[1]), own[1].clone()];
        let p = unmixed(pair([8.5, 11.5], &held));
        let all = |t: &Trace| t.all().unwrap().to_vec();
        let traces: Vec<Vec<f32>> = p.components.iter().map(|c| all(&c.trace)).collect();
        for k in 0..2 {
            let (row, raw) = (all(&p.projected.rows[k]), all(&p.traces.raw[k]));
            let divisor = f64::from(p.filters.mixing[k][0].1.max(0.7 * p.filters.square[k]));
            for t in 0..T {
                let light: f64 = p.filters.mixing[k]
                    .iter()
                    .map(|(j, m)| f64::from(*m) * f64::from(traces[*j][t]))
                    .sum();
                let slow = divisor * f64::from(raw[t] - traces[k][t]) + light;
                assert!(
                    (f64::from(row[t]) - slow).abs() < 1e-4 * (1.0 + slow.abs()),
                    "{k} {t}: {} {slow}",
                    row[t]
                );
            }
        }
    }

    #[test]
    fn a_film_is_tangled_where_a_quarter_of_its_cells_lies_over_another() {
        let field = |columns: &[f32]| -> Vec<Component> {
            let one = |x: &f32| Component {
                footprint: spot(*x),
                trace: vec![0.0; 3].into(),
                seed_pnr: 1.0,
                seed_correlation: 1.0,
            };
            columns.iter().map(one).collect()
        };
        assert!(tangled(&field(&[8.0, 10.0])));
        assert!(!tangled(&field(&[4.0, 14.0])) && !tangled(&field(&[8.0])) && !tangled(&[]));
        // Two of eight, and two of nine.
        let apart = |n: usize| (0..n).map(|i| 40.0 * i as f32 - 1000.0);
        let of = |n: usize| field(&[8.0, 10.0].into_iter().chain(apart(n)).collect::<Vec<_>>());
        let far = of(6);
        assert!(far[2].footprint.values.iter().all(|v| *v == 0.0));
        assert!(tangled(&far) && !tangled(&of(7)));
    }

    #[test]
    fn of_two_pieces_of_one_cell_the_stronger_keeps_all_and_what_lies_apart_stays() {
        let one = course(&mut Noise::new(6), 30.0);
        let weak: Vec<f32> = one.iter().map(|v| 0.5 * v).collect();
        let p = unmixed(pair([9.0, 11.0], &[one.clone(), weak.clone()]));
        let peak = |k: usize| p.components[k].trace.all().unwrap().iter().copied().fold(0.0f32, f32::max);
        let whole = one.iter().copied().fold(0.0f32, f32::max);
        assert!(peak(0) > 0.9 * whole && peak(1) < 0.15 * whole, "{} {} {whole}", peak(0), peak(1));

        let before = pair([4.0, 16.0], &[one.clone(), weak.clone()]);
        let after = unmixed(pair([4.0, 16.0], &[one, weak]));
        for k in 0..2 {
            assert_eq!(before.traces.raw[k].all().unwrap(), after.traces.raw[k].all().unwrap());
            assert!(after.projected.rows[k].all().unwrap().iter().all(|v| *v == 0.0));
        }
    }
}
