//! A window of the film with the ring around it: what a new footprint is estimated from, and what its filter finds.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::apply::State;
use super::field::{Base, Field};
use super::pixels::Pixels;
use crate::demix::traces::interpolate;
use crate::failure::Failure;
use crate::kernels::{axpy, mean};
use crate::movie::Groups;
use crate::types::{Context, Footprint};

/// Moments a second at which footprints are estimated …
const RATE: f64 = 7.0;
/// … and how many there are at most.
const MOST: usize = 4000;

/// Codes of a window and of the coarse pixels its background hangs on.
pub struct Patch<'a> {
    base: &'a Base,
    /// Rows and columns that are held.
    rows: Range<usize>,
    columns: Range<usize>,
    codes: Vec<u8>,
    /// Moments at which footprints are estimated.
    pub groups: Groups,
}

/// The film on a window at the patch's moments, background and some cells taken out, each pixel centred.
pub struct Light {
    /// First row and column, height, width.
    pub window: [usize; 4],
    /// Moments.
    pub moments: usize,
    /// `height · width × moments`, pixel-major.
    pub values: Vec<f32>,
}

impl Light {
    /// All moments of pixel `i` of the window.
    pub fn pixel(&self, i: usize) -> &[f32] {
        &self.values[i * self.moments..][..self.moments]
    }
}

impl<'a> Patch<'a> {
    /// Reads what footprints within `window` (top, left, height, width) need.
    ///
    /// # Errors
    /// Cancelled, or the film cannot be read.
    pub fn read(base: &'a Base, window: [usize; 4], pixels: &dyn Pixels, ctx: &Context<'_>) -> Result<Self, Failure> {
        if pixels.frames() != base.flags.len() {
            return Err(Failure::new(
                "review.edit_no_pixels",
                "The stored film does not belong to this run.",
                "Process the recording again with the same parameters.",
            ));
        }
        let (coarse, f) = (&base.background.coarse, base.background.coarse.factor);
        let [cy, cx] = coarse_range(window, f);
        let (mut rows, mut columns) = (cy.clone(), cx.clone());
        for y in cy {
            for x in cx.clone() {
                for (j, _) in base.background.weights.row(y * coarse.width + x) {
                    let (v, u) = (j / coarse.width, j % coarse.width);
                    rows = rows.start.min(v)..rows.end.max(v + 1);
                    columns = columns.start.min(u)..columns.end.max(u + 1);
                }
            }
        }
        let rows = rows.start * f..(rows.end * f).min(base.grid.height);
        let columns = columns.start * f..(columns.end * f).min(base.grid.width);
        let codes = pixels.window([rows.start, columns.start, rows.len(), columns.len()], ctx)?;
        let valid = base.flags.iter().filter(|f| **f & crate::types::flag::MASKED == 0).count();
        let size = ((base.fps / RATE).round() as usize).max(valid.div_ceil(MOST)).max(1);
        Ok(Self {
            base,
            rows,
            columns,
            codes,
            groups: Groups::valid(&base.flags, size),
        })
    }

    /// Codes of grid pixel (`y`, `x`).
    fn codes(&self, y: usize, x: usize) -> &[u8] {
        let t = self.base.flags.len();
        &self.codes[((y - self.rows.start) * self.columns.len() + x - self.columns.start) * t..][..t]
    }

    /// Adds `weight · (grey level − mean)` of a grid pixel, all frames.
    fn add_frames(&self, y: usize, x: usize, weight: f32, out: &mut [f32]) {
        let p = y * self.base.grid.width + x;
        let low = weight * (self.base.offsets[p] - self.base.levels[p] - 128.0 * self.base.step);
        let scale = weight * self.base.step;
        out.iter_mut()
            .zip(self.codes(y, x))
            .for_each(|(o, q)| *o += low + scale * f32::from(*q));
    }

    /// The same at the patch's moments.
    fn add_moments(&self, y: usize, x: usize, weight: f32, out: &mut [f32]) {
        let p = y * self.base.grid.width + x;
        let (codes, low) = (self.codes(y, x), self.base.offsets[p] - self.base.levels[p]);
        for (g, o) in out.iter_mut().enumerate() {
            let frames = self.groups.frames(g);
            let sum: u32 = frames.iter().map(|t| u32::from(codes[*t as usize])).sum();
            *o += weight * (low + self.base.step * (sum as f32 / frames.len() as f32 - 128.0));
        }
    }

    /// `(row, column, share)` of the grid pixels of a coarse pixel.
    fn members(&self, i: usize) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        let (coarse, grid) = (&self.base.background.coarse, &self.base.grid);
        let (f, cy, cx) = (coarse.factor, i / coarse.width, i % coarse.width);
        let share = 1.0 / coarse.members(cy, cx) as f32;
        (cy * f..((cy + 1) * f).min(grid.height)).flat_map(move |y| (cx * f..((cx + 1) * f).min(grid.width)).map(move |x| (y, x, share)))
    }

    /// `V = Fᵀ Ỹ` of a footprint whose window the patch was read for.
    pub fn project(&self, a: &Footprint) -> Vec<f32> {
        let frames = self.base.flags.len();
        let (ring, shares) = self.base.background.filter(a);
        let mut parts: Vec<(usize, usize, f32)> = a
            .values
            .iter()
            .enumerate()
            .filter(|(_, v)| **v > 0.0)
            .map(|(i, v)| (a.top + i / a.width, a.left + i % a.width, *v))
            .collect();
        for (i, w) in ring {
            parts.extend(self.members(i).map(|(y, x, share)| (y, x, -(w as f32) * share)));
        }
        // A fixed number of pixels to a piece, so that the order of the sums does not hang on the threads.
        let pieces: Vec<Vec<f32>> = parts
            .par_chunks(512)
            .map(|part| {
                let mut out = vec![0.0f32; frames];
                part.iter().for_each(|(y, x, w)| self.add_frames(*y, *x, *w, &mut out));
                out
            })
            .collect();
        let mut out = vec![0.0f32; frames];
        pieces.iter().for_each(|piece| axpy(&mut out, 1.0, piece));
        shares
            .iter()
            .zip(&self.base.background.courses)
            .for_each(|(z, course)| axpy(&mut out, -z, course));
        interpolate(&mut out, &self.base.flags);
        out
    }

    /// The film on `window` without background and without the light of all cells but `kept` (and dark ones, which count as absent).
    ///
    /// # Errors
    /// A trace cannot be read.
    pub fn light(&self, field: &Field, window: [usize; 4], kept: &[usize]) -> Result<Light, Failure> {
        let [top, left, height, width] = window;
        let (background, m) = (&self.base.background, self.groups.len());
        let (coarse, f) = (&background.coarse, background.coarse.factor);
        let [cy, cx] = coarse_range(window, f);
        let here: Vec<usize> = cy.clone().flat_map(|y| cx.clone().map(move |x| y * coarse.width + x)).collect();
        let mut needed: Vec<usize> = here.iter().flat_map(|i| background.weights.row(*i).map(|(j, _)| j)).collect();
        needed.sort_unstable();
        needed.dedup();
        let slot: BTreeMap<usize, usize> = needed.iter().enumerate().map(|(n, i)| (*i, n)).collect();
        let mut small: Vec<Vec<f32>> = needed
            .par_iter()
            .map(|i| {
                let mut out = vec![0.0f32; m];
                self.members(*i).for_each(|(y, x, share)| self.add_moments(y, x, share, &mut out));
                out
            })
            .collect();
        let mut fine: Vec<Vec<f32>> = (0..height * width)
            .into_par_iter()
            .map(|i| {
                let mut out = vec![0.0f32; m];
                self.add_moments(top + i / width, left + i % width, 1.0, &mut out);
                out
            })
            .collect();
        for (row, cell) in field.cells.iter().filter(|(_, c)| c.state != State::Gone) {
            let a = &cell.footprint;
            let image = coarse.footprint(a);
            let seen: Vec<(usize, f64)> = image
                .iter()
                .filter(|(_, _, v)| *v != 0.0)
                .filter_map(|(y, x, v)| slot.get(&(y * coarse.width + x)).map(|n| (*n, v)))
                .collect();
            let out = cell.state == State::Live && !kept.contains(row);
            let covers = out && meets(a, window);
            if seen.is_empty() && !covers {
                continue;
            }
            let mut course = self.groups.average(&cell.solved()?);
            let low = mean(&course);
            course.iter_mut().for_each(|v| *v -= low);
            seen.iter().for_each(|(n, v)| axpy(&mut small[*n], -*v as f32, &course));
            for (i, v) in a.values.iter().enumerate().filter(|(_, v)| covers && **v > 0.0) {
                let (y, x) = (a.top + i / a.width, a.left + i % a.width);
                if (top..top + height).contains(&y) && (left..left + width).contains(&x) {
                    axpy(&mut fine[(y - top) * width + x - left], -v, &course);
                }
            }
        }
        let courses: Vec<Vec<f32>> = background.courses.iter().map(|c| self.groups.average(c)).collect();
        let ring: Vec<Vec<f32>> = here
            .par_iter()
            .map(|i| {
                let mut out = vec![0.0f32; m];
                for (j, w) in background.weights.row(*i) {
                    axpy(&mut out, w, &small[slot[&j]]);
                }
                background.shares(*i).iter().zip(&courses).for_each(|(z, c)| axpy(&mut out, *z, c));
                out
            })
            .collect();
        fine.par_iter_mut().enumerate().for_each(|(i, out)| {
            let (y, x) = ((top + i / width) / f, (left + i % width) / f);
            axpy(out, -1.0, &ring[(y - cy.start) * cx.len() + x - cx.start]);
            let low = mean(out);
            out.iter_mut().for_each(|v| *v -= low);
        });
        Ok(Light {
            window,
            moments: m,
            values: fine.concat(),
        })
    }
}

/// Does a footprint's window meet another window?
pub fn meets(a: &Footprint, [top, left, height, width]: [usize; 4]) -> bool {
    a.top < top + height && top < a.top + a.height && a.left < left + width && left < a.left + a.width
}

/// Coarse rows and columns under a window.
fn coarse_range([top, left, height, width]: [usize; 4], f: usize) -> [Range<usize>; 2] {
    [top / f..(top + height - 1) / f + 1, left / f..(left + width - 1) / f + 1]
}
