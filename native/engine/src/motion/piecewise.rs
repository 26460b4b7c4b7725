//! Piecewise registration: what is left of the motion after the rigid shift, as a field that is bilinear between the nodes of a lattice.
//!
//! The band-passed frame, taken back by the field found so far, is correlated with the template weighted by frequency, once for each node under
//! the node's own hat window, over the displacements around. The correlation is a log likelihood, so a quadratic through it gives a node's step and
//! how well it is known; all nodes are solved together, tied to each other, so that well-seen blocks lead and blind ones follow: first by how
//! little tissue stretches and bends, then by how this tissue was seen to move in the sample.
//! The windows are those of the bilinear field, so the steps end where the field itself is most likely. The template is the average of the
//! sample under its own fields, made anew in rounds: what deformation blurred becomes sharp.

use std::ops::Range;

use calyx_fft::{Complex32, RealFft2, good_size};
use rayon::prelude::*;

use super::contrast::{Contrast, ContrastScratch};
use super::filter::{BandPass, BandPassScratch};
use super::joint::{Joint, information_of};
use super::lattice::{Lattice, Line, Warper};
use super::peak::{quadratic, quadratic_peak};
use super::template::{FEWEST_FOR_NOISE, matched};
use super::windows::{WindowScratch, Windows};

/// Fewest and most nodes along an axis, and the neuron diameters between two.
const NODES: [usize; 2] = [4, 6];
const PITCH_DIAMETERS: f32 = 2.5;
/// The template's taper rises on so many σ: narrow, for the border is where fields are largest.
const TAPER_SIGMA: f32 = 2.0;
/// Displacements beside the rigid one that the first search reaches, σ.
const FAR_SIGMA: f32 = 1.5;
/// Rounds of template and fields.
const ROUNDS: usize = 3;
/// Steps of one frame after the coarse search, and when they may end (grid px) …
const STEPS: usize = 4;
const SMALL_STEP: f32 = 0.01;
/// … but a frame that bends so much that its last step still moved a node by this much goes on, up to so many.
const LONG_STEP: f32 = 0.05;
const MOST_STEPS: usize = 8;
/// Displacements on each side that a step looks at.
const NEAR: usize = 2;
/// A step is at most this far on each axis, grid px.
const LONGEST_STEP: f64 = 1.0;

/// Estimates fields against the template it was trained on.
pub struct Piecewise {
    size: [usize; 2],
    /// Where the nodes lie on the working grid.
    pub lattice: Lattice,
    warper: Warper,
    filter: BandPass,
    taper: BandPass,
    fft: RealFft2,
    contrast: Contrast,
    /// The template: what stands in for what a frame does not show, so that it pulls nowhere.
    mean: Vec<f32>,
    /// The weighted template under the nodes' windows.
    windows: Windows,
    /// What the template's own correlation slopes by at rest at each node, and its height summed over the nodes: windows cut the template.
    own_slope: Vec<[f64; 2]>,
    own_height: f64,
    /// The information that a frame like the template holds on each node.
    own_information: Vec<[f64; 3]>,
    /// What ties the nodes to each other.
    joint: Joint,
    /// Displacements on each side that the first search looks at, grid px.
    far: usize,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct FieldWorkspace {
    filter: BandPassScratch,
    filtered: Vec<f32>,
    moved: Vec<f32>,
    line: Line,
    windows: WindowScratch,
    contrast: ContrastScratch,
}

/// A field, displacements in grid px at the lattice's nodes, row-major.
pub type Field = Vec<[f32; 2]>;

/// What the sample said.
pub struct Sampled {
    /// For all frames.
    pub piecewise: Piecewise,
    /// Fields of the frames it was trained on.
    pub fields: Vec<Field>,
    /// Standard error that the information leaves to a node's displacement (both axes together), grid px.
    pub error: f32,
    /// Mean norm of the gradient of the average picture: as recorded, under rigid shifts, under the fields.
    pub crispness: [f32; 3],
}

/// How far the nodes lie from the frame's own mean, root of the mean square of both axes.
pub fn departure(field: &[[f32; 2]]) -> f32 {
    let n = field.len() as f32;
    let mean = [0, 1].map(|a| field.iter().map(|d| d[a]).sum::<f32>() / n);
    (field
        .iter()
        .map(|d| (d[0] - mean[0]).powi(2) + (d[1] - mean[1]).powi(2))
        .sum::<f32>()
        / n)
        .sqrt()
}

/// Trains on binned `frames` (`size` px, spread over the run, none masked) whose rigid displacements are `rigid` (grid px); a neuron has the
/// standard deviation `sigma` grid px, a grid px has `bin` raw px. After the first round `go_on` is asked, with what was found, whether the rest is
/// worth while. `None` when there are too few frames or `stop` said so.
pub fn train(
    frames: &[&[f32]],
    rigid: &[[f32; 2]],
    size: [usize; 2],
    (sigma, bin): (f32, usize),
    go_on: &dyn Fn(&Sampled) -> bool,
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Sampled> {
    if frames.len() < FEWEST_FOR_NOISE {
        return None;
    }
    let mut piecewise = Piecewise::untrained(size, sigma, bin);
    let filtered: Vec<Vec<f32>> = frames
        .par_iter()
        .map_init(BandPassScratch::default, |scratch, frame| {
            let mut out = vec![0.0; frame.len()];
            piecewise.filter.apply(frame, &mut out, size[1], scratch);
            out
        })
        .collect();
    let nodes = piecewise.lattice.nodes();
    let mut fields: Vec<Field> = rigid.iter().map(|d| vec![*d; nodes]).collect();
    let recorded = crispness(&average(&filtered), size);
    let before = piecewise.learn(&filtered, &fields);
    let mut rounds = 0;
    loop {
        let found: Option<Vec<(Field, Vec<[f64; 3]>)>> = filtered
            .par_iter()
            .zip(&fields)
            .map_init(FieldWorkspace::default, |work, (frame, field)| {
                (!stop()).then(|| piecewise.refine(frame, field.clone(), rounds == 0, work))
            })
            .collect();
        let found = found?;
        let (found, information): (Vec<Field>, Vec<Vec<[f64; 3]>>) = found.into_iter().unzip();
        fields = found;
        centre(&mut fields, rigid);
        let crispness = piecewise.learn(&filtered, &fields);
        let error = piecewise.joint.error(&mean_information(&information, nodes));
        rounds += 1;
        let sampled = Sampled {
            piecewise,
            fields,
            error,
            crispness: [recorded, before, crispness],
        };
        if rounds >= ROUNDS || !go_on(&sampled) {
            return Some(sampled);
        }
        Sampled { piecewise, fields, .. } = sampled;
        piecewise.joint.learn(&fields, &information);
    }
}

/// A place is at rest where its displacement is usual: the median over the frames of what a node has beside the rigid shift is taken off.
fn centre(fields: &mut [Field], rigid: &[[f32; 2]]) {
    let nodes = fields.first().map_or(0, Vec::len);
    for node in 0..nodes {
        for axis in 0..2 {
            let mut rest: Vec<f32> = fields.iter().zip(rigid).map(|(f, r)| f[node][axis] - r[axis]).collect();
            rest.sort_unstable_by(f32::total_cmp);
            let middle = rest[rest.len() / 2];
            fields.iter_mut().for_each(|f| f[node][axis] -= middle);
        }
    }
}

fn mean_information(all: &[Vec<[f64; 3]>], nodes: usize) -> Vec<[f64; 3]> {
    (0..nodes)
        .map(|node| [0, 1, 2].map(|k| all.iter().map(|h| h[node][k]).sum::<f64>() / all.len() as f64))
        .collect()
}

impl Piecewise {
    fn untrained(size: [usize; 2], sigma: f32, bin: usize) -> Self {
        let pitch = PITCH_DIAMETERS * 2.36 * sigma;
        let lattice = Lattice::over(size, size.map(|n| ((n as f32 / pitch) as usize + 1).clamp(NODES[0], NODES[1])));
        let filter = BandPass::for_fields(size[0], size[1], sigma);
        let warper = Warper::new(size, &lattice);
        let pixels = size[0] * size[1];
        Self {
            size,
            windows: Windows::new(size, &lattice, &warper),
            warper,
            taper: filter.tapered_on(((TAPER_SIGMA * sigma).round() as usize).max(2)),
            filter: filter.untapered(),
            fft: RealFft2::new(good_size(size[0]), good_size(size[1])),
            contrast: Contrast::new(size, sigma),
            mean: vec![0.0; pixels],
            own_slope: vec![[0.0; 2]; lattice.nodes()],
            own_height: 0.0,
            own_information: vec![[0.0; 3]; lattice.nodes()],
            joint: Joint::new(&lattice, bin),
            far: (FAR_SIGMA * sigma).ceil() as usize + NEAR,
            lattice,
        }
    }

    /// Makes the template from filtered frames under their fields; returns its crispness.
    fn learn(&mut self, filtered: &[Vec<f32>], fields: &[Field]) -> f32 {
        let width = self.size[1];
        let (padded, spectrum) = (self.fft.height() * self.fft.width(), self.fft.spectrum_len());
        let (warper, taper, fft) = (&self.warper, &self.taper, &self.fft);
        let moved: Vec<(Vec<f32>, [Range<usize>; 2])> = filtered
            .par_iter()
            .zip(fields)
            .map_init(Line::default, |line, (frame, field)| {
                let mut moved = vec![0.0; frame.len()];
                warper.warp(frame, field, line, &mut moved);
                (moved, warper.inside(field))
            })
            .collect();
        let mean = average_inside(&moved, self.size);
        self.contrast.set_template(&mean);
        let contrast = &self.contrast;
        let spectra: Vec<Vec<Complex32>> = moved
            .into_par_iter()
            .map_init(
                || (vec![0.0; padded], fft.scratch(), ContrastScratch::default()),
                |(image, scratch, levelled), (mut moved, inside)| {
                    stand_in(&mut moved, &mean, width, &inside);
                    contrast.level(&mut moved, levelled);
                    taper.taper(&moved, image, fft.width());
                    let mut out = vec![Complex32::default(); spectrum];
                    fft.forward(image, &mut out, scratch);
                    out
                },
            )
            .collect();
        let mut image = vec![0.0; padded];
        self.fft
            .inverse(&mut matched(&self.fft, &spectra), &mut image, &mut self.fft.scratch());
        self.windows.set_template(&image, self.fft.width());
        let mut work = WindowScratch::default();
        self.windows.correlate(&mean, NEAR, &mut work);
        let side = 2 * NEAR + 1;
        self.own_height = 0.0;
        let own = self.own_slope.iter_mut().zip(&mut self.own_information);
        for ((slope, information), map) in own.zip(work.maps.chunks_exact(side * side)) {
            let (gradient, hessian) = quadratic(|j, i| at(map, NEAR, j, i));
            (*slope, *information) = (gradient, information_of(hessian));
            self.own_height += at(map, NEAR, 0, 0);
        }
        let crispness = crispness(&mean, self.size);
        self.mean = mean;
        crispness
    }

    /// The field of a binned frame whose rigid displacement is `rigid`, grid px.
    pub fn field(&self, frame: &[f32], rigid: [f32; 2], work: &mut FieldWorkspace) -> Field {
        let mut filtered = std::mem::take(&mut work.filtered);
        filtered.resize(frame.len(), 0.0);
        self.filter.apply(frame, &mut filtered, self.size[1], &mut work.filter);
        let (field, _) = self.refine(&filtered, vec![rigid; self.lattice.nodes()], true, work);
        work.filtered = filtered;
        field
    }

    /// Improves a field; `search` looks far first. Returns the information on each node too.
    fn refine(&self, filtered: &[f32], mut field: Field, search: bool, work: &mut FieldWorkspace) -> (Field, Vec<[f64; 3]>) {
        work.moved.resize(filtered.len(), 0.0);
        if search {
            self.take_back(filtered, &field, work);
            self.windows.correlate(&work.moved, self.far, &mut work.windows);
            self.far_step(&work.windows.maps, &mut field);
        }
        let mut information = Vec::new();
        for done in 1..=MOST_STEPS {
            self.take_back(filtered, &field, work);
            self.windows.correlate(&work.moved, NEAR, &mut work.windows);
            let longest;
            (longest, information) = self.near_step(&work.windows.maps, &mut field);
            if longest < SMALL_STEP || (done >= STEPS && longest < LONG_STEP) {
                break;
            }
        }
        (field, information)
    }

    /// The filtered frame under a field into `work.moved`.
    fn take_back(&self, filtered: &[f32], field: &[[f32; 2]], work: &mut FieldWorkspace) {
        self.warper.warp(filtered, field, &mut work.line, &mut work.moved);
        stand_in(&mut work.moved, &self.mean, self.size[1], &self.warper.inside(field));
        self.contrast.level(&mut work.moved, &mut work.contrast);
    }

    /// The peak of each node's map, maps of neighbours added so that one block alone is not led astray, then all joined by the ties.
    fn far_step(&self, maps: &[f32], field: &mut Field) {
        let (reach, side) = (self.far, 2 * self.far + 1);
        let [rows, columns] = [self.lattice.rows.len(), self.lattice.columns.len()];
        let size = side * side;
        let mut sum = vec![0.0f32; size];
        let mut offset = Vec::with_capacity(field.len());
        for r in 0..rows {
            for c in 0..columns {
                sum.fill(0.0);
                for (j, i) in
                    (r.saturating_sub(1)..(r + 2).min(rows)).flat_map(|j| (c.saturating_sub(1)..(c + 2).min(columns)).map(move |i| (j, i)))
                {
                    let weight = (if j == r { 1.0 } else { 0.5 }) * (if i == c { 1.0 } else { 0.5 });
                    let map = &maps[(j * columns + i) * size..(j * columns + i + 1) * size];
                    sum.iter_mut().zip(map).for_each(|(s, v)| *s += weight * v);
                }
                offset.push(self.peak_of(&sum, reach));
            }
        }
        let pull: Vec<[f64; 2]> = offset
            .iter()
            .zip(&self.own_information)
            .map(|(o, [yy, xx, xy])| [yy * o[0] + xy * o[1], xy * o[0] + xx * o[1]])
            .collect();
        let step = self.joint.step(&self.own_information, &pull, field);
        for (d, s) in field.iter_mut().zip(step) {
            let bound = (reach - NEAR) as f64;
            d[0] += s[0].clamp(-bound, bound) as f32;
            d[1] += s[1].clamp(-bound, bound) as f32;
        }
    }

    /// Highest place of a map inside its border of [`NEAR`].
    fn peak_of(&self, map: &[f32], reach: usize) -> [f64; 2] {
        let inner = (reach - NEAR) as isize;
        let (mut best, mut peak) = (f64::NEG_INFINITY, (0, 0));
        for j in -inner..=inner {
            for i in -inner..=inner {
                // The tie to the rigid shift decides between peaks of equal height.
                let value = at(map, reach, j, i) - 0.125 * self.joint.stretch * (j * j + i * i) as f64;
                if value > best {
                    (best, peak) = (value, (j, i));
                }
            }
        }
        let around = |j: isize, i: isize| at(map, reach, peak.0 + j, peak.1 + i);
        let [oy, ox] = quadratic_peak(around);
        [peak.0 as f64 + oy, peak.1 as f64 + ox]
    }

    /// One joint step from maps around the field; returns its longest component and the information on each node.
    fn near_step(&self, maps: &[f32], field: &mut Field) -> (f32, Vec<[f64; 3]>) {
        let side = 2 * NEAR + 1;
        let height: f64 = maps.chunks_exact(side * side).map(|map| at(map, NEAR, 0, 0)).sum();
        let contrast = if self.own_height > 0.0 {
            (height / self.own_height).clamp(0.0, 10.0)
        } else {
            0.0
        };
        let (pull, information): (Vec<[f64; 2]>, Vec<[f64; 3]>) = maps
            .chunks_exact(side * side)
            .zip(self.own_slope.iter().zip(&self.own_information))
            .map(|(map, (own, expected))| {
                let ([gy, gx], hessian) = quadratic(|j, i| at(map, NEAR, j, i));
                // What a frame like the template holds, at least: noise that happens to be flat is no leave to run away.
                let information = at_least(information_of(hessian), expected.map(|h| contrast.min(1.0) * h));
                ([gy - contrast * own[0], gx - contrast * own[1]], information)
            })
            .unzip();
        let step = self.joint.step(&information, &pull, field);
        let mut longest = 0.0f32;
        for (d, s) in field.iter_mut().zip(step) {
            for axis in 0..2 {
                let s = s[axis].clamp(-LONGEST_STEP, LONGEST_STEP) as f32;
                longest = longest.max(s.abs());
                d[axis] += s;
            }
        }
        (longest, information)
    }
}

/// The larger information on each axis.
fn at_least(seen: [f64; 3], least: [f64; 3]) -> [f64; 3] {
    let (yy, xx) = (seen[0].max(least[0]), seen[1].max(least[1]));
    let most = 0.9 * (yy * xx).sqrt();
    [yy, xx, seen[2].clamp(-most, most)]
}

fn at(map: &[f32], reach: usize, j: isize, i: isize) -> f64 {
    let side = 2 * reach as isize + 1;
    let place = (j + reach as isize) * side + i + reach as isize;
    f64::from(map[place as usize])
}

/// Pixels outside the rectangle take the value of `mean`.
fn stand_in(picture: &mut [f32], mean: &[f32], width: usize, [rows, columns]: &[Range<usize>; 2]) {
    for (y, (row, mean)) in picture.chunks_exact_mut(width).zip(mean.chunks_exact(width)).enumerate() {
        if rows.contains(&y) {
            row[..columns.start].copy_from_slice(&mean[..columns.start]);
            row[columns.end..].copy_from_slice(&mean[columns.end..]);
        } else {
            row.copy_from_slice(mean);
        }
    }
}

/// Mean of what the pictures show, each in its rectangle; 0 where none shows anything.
fn average_inside(pictures: &[(Vec<f32>, [Range<usize>; 2])], [height, width]: [usize; 2]) -> Vec<f32> {
    let (mut sum, mut count) = (vec![0.0f32; height * width], vec![0.0f32; height * width]);
    for (picture, [rows, columns]) in pictures {
        for y in rows.clone() {
            for p in y * width + columns.start..y * width + columns.end {
                sum[p] += picture[p];
                count[p] += 1.0;
            }
        }
    }
    sum.iter().zip(&count).map(|(s, n)| s / n.max(1.0)).collect()
}

fn average(pictures: &[Vec<f32>]) -> Vec<f32> {
    let mut mean = vec![0.0f32; pictures.first().map_or(0, Vec::len)];
    for picture in pictures {
        mean.iter_mut().zip(picture).for_each(|(m, v)| *m += v / pictures.len() as f32);
    }
    mean
}

/// Mean norm of the gradient.
fn crispness(image: &[f32], [height, width]: [usize; 2]) -> f32 {
    let mut sum = 0.0f64;
    for y in 1..height - 1 {
        for x in 1..width - 1 {
            let p = y * width + x;
            let (gy, gx) = (image[p + width] - image[p - width], image[p + 1] - image[p - 1]);
            sum += f64::from(0.5 * gy.hypot(gx));
        }
    }
    (sum / ((height - 2) * (width - 2)) as f64) as f32
}

#[cfg(test)]
#[path = "piecewise_tests.rs"]
mod tests;
