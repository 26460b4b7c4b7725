//! Footprints from the statistics: non-negative least squares at each pixel, once with a threshold of two noise standard deviations to find
//! the support, once without on that support (reference, analysis 3.4: the threshold alone shrinks, none at all takes in vessels).

use rayon::prelude::*;

use super::ring::{CoarseImage, RingWeights};
use super::statistics::{Component, Products, Survey};
use crate::kernels::region;

/// Sweeps of coordinate descent at a pixel.
const SWEEPS: usize = 60;

/// `P_B = C̃ (Y − B)ᵀ` on each component's window: the products with the film minus those with the ring background.
pub fn background_free(products: &Products, coarse: &[CoarseImage], weights: &RingWeights, components: &[Component]) -> Vec<Vec<f64>> {
    let grid = &weights.ring.coarse;
    let rest = products.minus_components(coarse, 1.0);
    (0..components.len())
        .into_par_iter()
        .map(|k| {
            let a = &components[k].footprint;
            let (top, left) = (a.top / grid.factor, a.left / grid.factor);
            let (h, w) = (
                (a.top + a.height - 1) / grid.factor + 1 - top,
                (a.left + a.width - 1) / grid.factor + 1 - left,
            );
            let background: Vec<f64> = (0..h * w)
                .map(|i| {
                    let (y, x) = (top + i / w, left + i % w);
                    let ring: f64 = weights.of(y, x).map(|(v, u, w)| f64::from(w) * rest[k].at(v, u)).sum();
                    ring + weights
                        .shares(y, x)
                        .iter()
                        .zip(&products.factors.components[k])
                        .map(|(z, c)| f64::from(*z) * c)
                        .sum::<f64>()
                })
                .collect();
            (0..a.values.len())
                .map(|i| {
                    let (y, x) = ((a.top + i / a.width) / grid.factor, (a.left + i % a.width) / grid.factor);
                    products.fine[k][i] - background[(y - top) * w + x - left]
                })
                .collect()
        })
        .collect()
}

/// New footprints (not normalised) for all components, from `pb` ([`background_free`]). Components may end up empty.
pub fn update(survey: &Survey, products: &Products, pb: &[Vec<f64>], components: &[Component], width: usize, reach: f32) -> Vec<Vec<f32>> {
    let masks: Vec<Vec<bool>> = components
        .iter()
        .map(|c| {
            let a = &c.footprint;
            let (cy, cx) = super::statistics::centroid(a);
            (0..a.values.len())
                .map(|i| ((a.top + i / a.width) as f32 - cy).powi(2) + ((a.left + i % a.width) as f32 - cx).powi(2) <= reach * reach)
                .collect()
        })
        .collect();
    let start: Vec<Vec<f32>> = components.iter().map(|c| c.footprint.values.clone()).collect();
    let chosen = descend(survey, products, pb, components, &masks, &start, width, 2.0);
    let supports: Vec<Vec<bool>> = components
        .iter()
        .zip(&chosen)
        .map(|(c, a)| support(a, c.footprint.height, c.footprint.width))
        .collect();
    descend(survey, products, pb, components, &supports, &chosen, width, 0.0)
}

/// Non-negative coordinate descent at each pixel over the components whose mask covers it.
#[allow(clippy::too_many_arguments)]
pub fn descend(
    survey: &Survey,
    products: &Products,
    pb: &[Vec<f64>],
    components: &[Component],
    masks: &[Vec<bool>],
    start: &[Vec<f32>],
    width: usize,
    threshold: f64,
) -> Vec<Vec<f32>> {
    // (pixel, component, index in its window), grouped by pixel.
    let mut places: Vec<(usize, usize, usize)> = Vec::new();
    for (k, c) in components.iter().enumerate() {
        let a = &c.footprint;
        places.extend(
            (0..a.values.len())
                .filter(|i| masks[k][*i])
                .map(|i| ((a.top + i / a.width) * width + a.left + i % a.width, k, i)),
        );
    }
    places.sort_unstable();
    let solved: Vec<Vec<(usize, usize, f32)>> = places
        .chunk_by(|a, b| a.0 == b.0)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|here| {
            let n = here.len();
            let gram = |a: usize, b: usize| products.gram[a].iter().find(|(j, _)| *j == b).map_or(0.0, |(_, g)| *g);
            let g: Vec<f64> = (0..n * n).map(|i| gram(here[i / n].1, here[i % n].1)).collect();
            let mut a: Vec<f64> = here.iter().map(|(_, k, i)| f64::from(start[*k][*i])).collect();
            for _ in 0..SWEEPS {
                let mut moved = 0.0f64;
                for u in 0..n {
                    let (p, k, i) = here[u];
                    let own = g[u * n + u];
                    if own <= 0.0 {
                        a[u] = 0.0;
                        continue;
                    }
                    let others: f64 = (0..n).map(|v| g[u * n + v] * a[v]).sum::<f64>() - own * a[u];
                    let shrink = threshold * f64::from(survey.noise[p]) * own.sqrt();
                    let new = ((pb[k][i] - others - shrink) / own).max(0.0);
                    moved = moved.max((new - a[u]).abs());
                    a[u] = new;
                }
                if moved < 1e-6 {
                    break;
                }
            }
            here.iter().zip(a).map(|((_, k, i), v)| (*k, *i, v as f32)).collect()
        })
        .collect();
    let mut out: Vec<Vec<f32>> = components.iter().map(|c| vec![0.0; c.footprint.values.len()]).collect();
    for (k, i, v) in solved.into_iter().flatten() {
        out[k][i] = v;
    }
    out
}

/// The region around the maximum, small holes filled.
pub fn support(a: &[f32], height: usize, width: usize) -> Vec<bool> {
    let peak = (0..a.len()).max_by(|i, j| a[*i].total_cmp(&a[*j])).unwrap_or(0);
    let floor = 0.02 * a.get(peak).copied().unwrap_or(0.0);
    let inside: Vec<bool> = a.iter().map(|v| *v > floor && *v > 0.0).collect();
    let mut mask = region(&inside, height, width, peak);
    let filled: Vec<usize> = (0..mask.len())
        .filter(|p| {
            let (y, x) = (p / width, p % width);
            let near = [
                y > 0 && mask[p - width],
                y + 1 < height && mask[p + width],
                x > 0 && mask[p - 1],
                x + 1 < width && mask[p + 1],
            ];
            !mask[*p] && near.iter().filter(|v| **v).count() >= 3
        })
        .collect();
    filled.into_iter().for_each(|p| mask[p] = true);
    mask
}
