//! Merging components that are one cell, and dropping what cannot be one.

use super::statistics::{Component, centroid, rewindow};
use crate::init::{Search, cosine, inner};
use crate::kernels::{axpy, dot64, pearson};
use crate::outline::roundness;
use crate::shelf::Shelf;
use crate::types::{Footprint, StageError};

/// Footprints overlap from this cosine on.
const OVERLAP: f32 = 0.3;
/// Largest area at half maximum, in areas of a typical cell.
const LARGEST: f32 = 4.5;

/// Two somata lie at least so many diameters apart; closer ones are one cell that moves (seen in films with motion that is not rigid).
pub const CLOSEST: f32 = 0.45;
/// … when their traces have at least so much in common. Overlapping neighbours that have nothing in common are two cells, however close.
const COMMON: f32 = 0.2;
/// Roundness of the contour at half maximum below which a footprint is a piece of background, not a cell (dropped between rounds, so that it
/// takes no light from its neighbours; cells on vessels and at edges stay above 0.45).
const RAGGED: f32 = 0.4;

/// Merges overlapping components whose traces agree, and drops those without a trace, far too large, or ragged.
///
/// # Errors
/// A trace cannot be read or kept.
pub fn run(components: &mut Vec<Component>, correlation: f32, search: &Search, shelf: &Shelf) -> Result<(), StageError> {
    let typical = std::f32::consts::FRAC_PI_4 * search.diameter().powi(2);
    let (all, mut energy) = (std::mem::take(components), Vec::new());
    for c in all {
        let area = c.footprint.values.iter().filter(|v| **v >= 0.5).count() as f32;
        let trace = c.trace.all()?;
        if area <= (LARGEST * typical).max(9.0) && trace.iter().any(|v| *v > 0.0) && roundness(&c.footprint) >= RAGGED {
            energy.push(dot64(&trace, &trace) * f64::from(inner(&c.footprint, &c.footprint)));
            drop(trace);
            components.push(c);
        }
    }
    let mut order: Vec<usize> = (0..components.len()).collect();
    order.sort_by(|a, b| energy[*b].total_cmp(&energy[*a]).then(a.cmp(b)));
    let mut gone = vec![false; components.len()];
    for (n, k) in order.iter().enumerate() {
        if gone[*k] {
            continue;
        }
        for j in &order[n + 1..] {
            if gone[*j] {
                continue;
            }
            let c = cosine(&components[*k].footprint, &components[*j].footprint);
            if c < OVERLAP {
                continue;
            }
            let r = pearson(&components[*k].trace.all()?, &components[*j].trace.all()?);
            let apart = distance(&components[*k].footprint, &components[*j].footprint) / search.diameter();
            if r > correlation || (c > 0.6 && r > 0.5) || c > 0.9 || (apart < CLOSEST && r > COMMON) {
                let merged = one(&components[*k], &components[*j], shelf)?;
                components[*k] = merged;
                gone[*j] = true;
            }
        }
    }
    let mut keep = gone.iter().map(|g| !g);
    components.retain(|_| keep.next().unwrap_or(true));
    Ok(())
}

/// Distance of two footprints' centres, grid px.
pub fn distance(a: &Footprint, b: &Footprint) -> f32 {
    let ((ay, ax), (by, bx)) = (centroid(a), centroid(b));
    ((ay - by).powi(2) + (ax - bx).powi(2)).sqrt()
}

/// The best single component for two: a few power iterations on `a₁c₁ + a₂c₂`.
fn one(first: &Component, second: &Component, shelf: &Shelf) -> Result<Component, StageError> {
    let (a, b) = (&first.footprint, &second.footprint);
    let (top, left) = (a.top.min(b.top), a.left.min(b.left));
    let (bottom, right) = ((a.top + a.height).max(b.top + b.height), (a.left + a.width).max(b.left + b.width));
    let (h, w) = (bottom - top, right - left);
    let place = |f: &Footprint| {
        let mut v = vec![0.0f32; h * w];
        for (i, x) in f.values.iter().enumerate() {
            v[(f.top - top + i / f.width) * w + f.left - left + i % f.width] = *x;
        }
        v
    };
    let images = [place(a), place(b)];
    let courses = [first.trace.all()?, second.trace.all()?];
    let mut trace = courses[0].to_vec();
    let mut image = images[0].clone();
    for _ in 0..10 {
        let tt = dot64(&trace, &trace).max(1e-12);
        image.iter_mut().for_each(|v| *v = 0.0);
        for (i, c) in images.iter().zip(&courses) {
            axpy(&mut image, (dot64(c, &trace) / tt) as f32, i);
        }
        let peak = image.iter().copied().fold(0.0f32, f32::max).max(1e-12);
        image.iter_mut().for_each(|v| *v /= peak);
        let aa = dot64(&image, &image).max(1e-12);
        trace.iter_mut().for_each(|v| *v = 0.0);
        for (i, c) in images.iter().zip(&courses) {
            axpy(&mut trace, (dot64(i, &image) / aa) as f32, c);
        }
    }
    let reach = (a.height.max(a.width) - 1) / 2;
    let footprint = rewindow(
        &Footprint {
            top,
            left,
            height: h,
            width: w,
            values: image,
        },
        reach,
        bottom.max(a.top + a.height),
        right,
    );
    Ok(Component {
        footprint,
        trace: shelf.keep(trace)?,
        seed_pnr: first.seed_pnr,
        seed_correlation: first.seed_correlation,
    })
}
