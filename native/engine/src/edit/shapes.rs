//! New footprints: how each kind of edit finds them.

use super::field::{Base, boxed};
use super::patch::Light;
use crate::demix::footprints::support;
use crate::kernels::{axpy, dot, dot64, median, pearson};
use crate::types::Footprint;

/// Rounds of the two-component factorisation, and of the single one.
const ROUNDS: usize = 40;
/// Rounds of 2-means.
const MEANS: usize = 12;

/// The best single component for several: coefficients of the footprints, none negative, and the peak of their sum.
pub fn merged(footprints: &[&Footprint], traces: &[Vec<f32>], width: usize) -> Option<(Footprint, Vec<f32>)> {
    let n = footprints.len();
    let inner: Vec<f64> = (0..n * n)
        .map(|i| f64::from(crate::init::inner(footprints[i / n], footprints[i % n])))
        .collect();
    let gram: Vec<f64> = (0..n * n).map(|i| dot64(&traces[i / n], &traces[i % n])).collect();
    // The trace is Σ β_j c_j and the image Σ α_j a_j; each is the least-squares answer to the other.
    let strongest = (0..n).max_by(|i, j| (inner[i * n + i] * gram[i * n + i]).total_cmp(&(inner[j * n + j] * gram[j * n + j])))?;
    let mut beta: Vec<f64> = (0..n).map(|j| f64::from(u8::from(j == strongest))).collect();
    let mut alpha = beta.clone();
    let norm = |m: &[f64], v: &[f64]| (0..n * n).map(|i| v[i / n] * m[i] * v[i % n]).sum::<f64>().max(1e-12);
    let times = |m: &[f64], v: &[f64]| -> Vec<f64> { (0..n).map(|i| (0..n).map(|j| m[i * n + j] * v[j]).sum::<f64>()).collect() };
    for _ in 0..20 {
        let cc = norm(&gram, &beta);
        alpha = times(&gram, &beta).into_iter().map(|v| (v / cc).max(0.0)).collect();
        let aa = norm(&inner, &alpha);
        beta = times(&inner, &alpha).into_iter().map(|v| v / aa).collect();
    }
    let mut sum = std::collections::BTreeMap::<usize, f32>::new();
    for (a, alpha) in footprints.iter().zip(&alpha) {
        for (i, v) in a.values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
            *sum.entry((a.top + i / a.width) * width + a.left + i % a.width).or_default() += *alpha as f32 * v;
        }
    }
    let peak = sum.values().copied().fold(0.0f32, f32::max);
    if peak <= 0.0 {
        return None;
    }
    let entries: Vec<(usize, f32)> = sum.into_iter().filter(|(_, v)| *v > 0.0).map(|(p, v)| (p, v / peak)).collect();
    Some((boxed(&entries, width), alpha.into_iter().map(|a| a as f32 / peak).collect()))
}

/// The part of a footprint where `inside` (grid row and column) holds, maximum 1; none when less than three pixels are left.
pub fn cut(a: &Footprint, width: usize, inside: impl Fn(usize, usize) -> bool) -> Option<Footprint> {
    let entries: Vec<(usize, f32)> = a
        .values
        .iter()
        .enumerate()
        .map(|(i, v)| (a.top + i / a.width, a.left + i % a.width, *v))
        .filter(|(y, x, v)| *v > 0.0 && inside(*y, *x))
        .map(|(y, x, v)| (y * width + x, v))
        .collect();
    scaled(entries, width)
}

fn scaled(mut entries: Vec<(usize, f32)>, width: usize) -> Option<Footprint> {
    let peak = entries.iter().map(|(_, v)| *v).fold(0.0f32, f32::max);
    if entries.len() < 3 || peak <= 0.0 {
        return None;
    }
    entries.iter_mut().for_each(|(_, v)| *v /= peak);
    Some(boxed(&entries, width))
}

/// An image on the light's window as a footprint, what hangs on its peak only.
fn footprint(image: &[f32], light: &Light, base: &Base, whole: bool) -> Option<Footprint> {
    let [top, left, height, width] = light.window;
    let mask = if whole {
        image.iter().map(|v| *v > 0.0).collect()
    } else {
        support(image, height, width)
    };
    let entries = image
        .iter()
        .enumerate()
        .filter(|(i, v)| mask[*i] && **v > 0.0)
        .map(|(i, v)| ((top + i / width) * base.grid.width + left + i % width, *v))
        .collect();
    scaled(entries, base.grid.width)
}

/// One component on the pixels of the light where `start` is positive, by alternating least squares from there.
pub fn one(light: &Light, start: &[f32], base: &Base, whole: bool) -> Option<Footprint> {
    let mut image = start.to_vec();
    for _ in 0..ROUNDS {
        let mut course = vec![0.0f32; light.moments];
        let norm = dot(&image, &image).max(1e-12);
        for (i, v) in image.iter().enumerate().filter(|(_, v)| **v > 0.0) {
            axpy(&mut course, v / norm, light.pixel(i));
        }
        let course = upper(&course);
        let square = dot64(&course, &course);
        if square <= 0.0 {
            return None;
        }
        for (i, v) in image.iter_mut().enumerate().filter(|(i, _)| start[*i] > 0.0) {
            *v = (dot64(&course, light.pixel(i)) / square).max(0.0) as f32;
        }
    }
    footprint(&image, light, base, whole)
}

/// What of a course rises above its median, centred: activity only rises, which tells the components of a mixture apart.
fn upper(course: &[f32]) -> Vec<f32> {
    let low = median(course);
    let mut out: Vec<f32> = course.iter().map(|v| (v - low).max(0.0)).collect();
    let m = crate::kernels::mean(&out);
    out.iter_mut().for_each(|v| *v -= m);
    out
}

/// Two components on the support of `a`: 2-means of the pixels' courses, then non-negative factorisation of rank 2 from there.
pub fn two(light: &Light, a: &Footprint, base: &Base) -> Option<[Footprint; 2]> {
    let inside: Vec<usize> = (0..a.values.len()).filter(|i| a.values[*i] > 0.0).collect();
    let strong: Vec<usize> = inside.iter().copied().filter(|i| a.values[*i] > 0.2).collect();
    let peak = *strong.iter().max_by(|i, j| a.values[**i].total_cmp(&a.values[**j]))?;
    let farthest = |from: usize| {
        let r = |i: usize| pearson(light.pixel(from), light.pixel(i));
        strong.iter().copied().min_by(|i, j| r(*i).total_cmp(&r(*j)))
    };
    let second = farthest(peak)?;
    let first = farthest(second)?;
    if first == second {
        return None;
    }
    let mut centres = [light.pixel(first).to_vec(), light.pixel(second).to_vec()];
    let mut side = vec![0usize; a.values.len()];
    for _ in 0..MEANS {
        for i in &inside {
            side[*i] = usize::from(pearson(light.pixel(*i), &centres[1]) > pearson(light.pixel(*i), &centres[0]));
        }
        for (s, centre) in centres.iter_mut().enumerate() {
            let mut sum = vec![0.0f32; light.moments];
            inside
                .iter()
                .filter(|i| side[**i] == s)
                .for_each(|i| axpy(&mut sum, a.values[*i], light.pixel(*i)));
            if sum.iter().any(|v| *v != 0.0) {
                *centre = sum;
            }
        }
    }
    let mut images = [0, 1].map(|s| -> Vec<f32> { a.values.iter().zip(&side).map(|(v, k)| if *k == s { *v } else { 0.0 }).collect() });
    for _ in 0..ROUNDS {
        let (g, v) = (
            [
                dot64(&images[0], &images[0]),
                dot64(&images[0], &images[1]),
                dot64(&images[1], &images[1]),
            ],
            images.each_ref().map(|image| {
                let mut out = vec![0.0f32; light.moments];
                inside.iter().for_each(|i| axpy(&mut out, image[*i], light.pixel(*i)));
                out
            }),
        );
        let det = g[0] * g[2] - g[1] * g[1];
        if det <= 1e-9 * g[0] * g[2] {
            return None;
        }
        let mix = |p: f64, q: f64| -> Vec<f32> {
            v[0].iter()
                .zip(&v[1])
                .map(|(a, b)| ((p * f64::from(*a) + q * f64::from(*b)) / det) as f32)
                .collect()
        };
        let courses = [upper(&mix(g[2], -g[1])), upper(&mix(-g[1], g[0]))];
        let c = [
            dot64(&courses[0], &courses[0]),
            dot64(&courses[0], &courses[1]),
            dot64(&courses[1], &courses[1]),
        ];
        if c[0] <= 0.0 || c[2] <= 0.0 {
            return None;
        }
        for i in &inside {
            let p = courses.each_ref().map(|course| dot64(course, light.pixel(*i)));
            let mut x = images.each_ref().map(|image| f64::from(image[*i]));
            for _ in 0..4 {
                x[0] = ((p[0] - c[1] * x[1]) / c[0]).max(0.0);
                x[1] = ((p[1] - c[1] * x[0]) / c[2]).max(0.0);
            }
            (images[0][*i], images[1][*i]) = (x[0] as f32, x[1] as f32);
        }
    }
    let [one, two] = images.map(|image| footprint(&image, light, base, false));
    Some([one?, two?])
}
