//! One edit: from the cells as they stand to the cells it makes, changes and takes away.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::field::{Cell, Field};
use super::patch::{Light, Patch};
use super::pixels::Pixels;
use super::request::{Edit, Point, inside_of, invalid, no_pixels, side_of};
use super::shapes;
use super::solve::{Fresh, Solved, solve};
use crate::demix::statistics::centroid;
use crate::evaluate::metrics::{activity_runs, halves, skewness};
use crate::failure::Failure;
use crate::init::{Search, cosine, explain_at};
use crate::kernels::{axpy, dot64, mean, pearson};
use crate::outline::roundness;
use crate::types::{CellMetrics, Context, Footprint};

/// A new cell that covers a dark one at least so (cosine) replaces it.
const SAME: f32 = 0.5;

/// Whether a cell is shown and explains light.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Shown.
    Live,
    /// Deleted: not shown, but its light is still kept out of its neighbours.
    Dark,
    /// Merged, split or replaced: neither.
    Gone,
}

/// A cell an edit made or changed.
pub struct Touched {
    /// Footprint and traces, grid units.
    pub cell: Solved,
    /// Figures; those that need the film are not-a-number without it.
    pub metrics: CellMetrics,
    /// It did not exist before.
    pub made: bool,
    /// Live, or dark where a deleted neighbour was solved along.
    pub state: State,
    /// Seed figures of a cell that the engine had found.
    pub seed: [f32; 2],
}

/// What an edit comes to.
#[derive(Default)]
pub struct Outcome {
    /// Cells with new arrays, by row.
    pub touched: Vec<Touched>,
    /// Cells whose state alone changes.
    pub states: Vec<(usize, State)>,
}

/// Computes an edit; nothing is written. Cells it makes take the rows from `next_row` on. `pixels` is the registered film, where it is at hand.
///
/// # Errors
/// `review.unknown_cell`, `review.edit_invalid`, `review.edit_no_pixels`, cancelled, `disk.io`.
pub fn apply(field: &Field, edit: &Edit, next_row: usize, pixels: Option<&dyn Pixels>, ctx: &Context<'_>) -> Result<Outcome, Failure> {
    let film = || pixels.ok_or_else(no_pixels);
    let gone = |rows: &[usize]| rows.iter().map(|row| (*row, State::Gone)).collect::<Vec<_>>();
    match edit {
        Edit::Merge { rows } => {
            let fresh = merge(field, rows, next_row)?;
            made(field, vec![fresh], rows, gone(rows), pixels, ctx)
        }
        Edit::Split { row, line } => {
            let a = &field.live(*row)?.footprint;
            let patch = Patch::read(&field.base, window(a), film()?, ctx)?;
            let width = field.base.grid.width;
            let halves = match line {
                Some(line) => {
                    let side = side_of(field, line)?;
                    [true, false].map(|s| shapes::cut(a, width, |y, x| side(y, x) == s))
                }
                None => match shapes::two(&patch.light(field, window(a), &[*row])?, a, &field.base) {
                    Some([one, two]) => [Some(one), Some(two)],
                    None => [None, None],
                },
            };
            let [Some(one), Some(two)] = halves else {
                return Err(invalid(
                    "This cell cannot be split there: one part would be empty.",
                    "Draw another line.",
                ));
            };
            let fresh = [one, two]
                .into_iter()
                .enumerate()
                .map(|(i, footprint)| project(&patch, next_row + i, footprint))
                .collect();
            made(field, fresh, &[*row], gone(&[*row]), pixels, ctx)
        }
        Edit::Trim { row, polygon } => {
            let a = &field.live(*row)?.footprint;
            let inside = inside_of(field, polygon)?;
            let footprint = shapes::cut(a, field.base.grid.width, inside).ok_or_else(|| {
                invalid(
                    "Nothing of the cell would be left.",
                    "Draw the outline so that it holds part of the cell.",
                )
            })?;
            let patch = Patch::read(&field.base, window(&footprint), film()?, ctx)?;
            made(field, vec![project(&patch, *row, footprint)], &[*row], Vec::new(), pixels, ctx)
        }
        Edit::Draw { polygon } => {
            let footprint = draw(field, polygon, film()?, ctx)?;
            new_cell(field, footprint, next_row, film()?, ctx)
        }
        Edit::Seed { at } => {
            let footprint = seed(field, *at, film()?, ctx)?;
            new_cell(field, footprint, next_row, film()?, ctx)
        }
        Edit::Delete { rows, free_light } => delete(field, rows, *free_light, pixels, ctx),
        Edit::Restore { rows } => {
            if rows.is_empty() || rows.iter().any(|row| field.cells.get(row).is_none_or(|c| c.state != State::Dark)) {
                return Err(invalid(
                    "Only deleted cells can be restored.",
                    "Take a merge or a split back with Undo.",
                ));
            }
            Ok(Outcome {
                touched: Vec::new(),
                states: rows.iter().map(|row| (*row, State::Live)).collect(),
            })
        }
    }
}

fn window(a: &Footprint) -> [usize; 4] {
    [a.top, a.left, a.height, a.width]
}

fn project(patch: &Patch<'_>, row: usize, footprint: Footprint) -> Fresh {
    Fresh {
        row,
        projection: patch.project(&footprint),
        footprint,
        from_film: true,
    }
}

fn merge(field: &Field, rows: &[usize], next_row: usize) -> Result<Fresh, Failure> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < 2 || sorted.len() != rows.len() {
        return Err(invalid(
            "Merging needs at least two different cells.",
            "Choose the cells that are one.",
        ));
    }
    let cells: Vec<&Cell> = sorted.iter().map(|row| field.live(*row)).collect::<Result<_, _>>()?;
    let traces: Vec<Vec<f32>> = cells.iter().map(|c| c.solved()).collect::<Result<_, _>>()?;
    let footprints: Vec<&Footprint> = cells.iter().map(|c| &c.footprint).collect();
    let (footprint, weights) =
        shapes::merged(&footprints, &traces, field.base.grid.width).ok_or_else(|| invalid("These cells have no activity to merge.", ""))?;
    // Filters are linear in the footprint, so what the merged one finds follows from what its parts found.
    let mut projection = vec![0.0f32; field.base.flags.len()];
    for (cell, weight) in cells.iter().zip(&weights) {
        axpy(&mut projection, *weight, &cell.projection()?);
    }
    Ok(Fresh {
        row: next_row,
        footprint,
        projection,
        from_film: false,
    })
}

fn draw(field: &Field, polygon: &[Point], pixels: &dyn Pixels, ctx: &Context<'_>) -> Result<Footprint, Failure> {
    let inside = inside_of(field, polygon)?;
    let grid = &field.base.grid;
    let entries: Vec<(usize, f32)> = (0..grid.height * grid.width)
        .filter(|p| inside(p / grid.width, p % grid.width))
        .map(|p| (p, 1.0))
        .collect();
    if entries.len() < 3 {
        return Err(invalid("The outline is too small to hold a cell.", "Draw it around the cell."));
    }
    let mask = super::field::boxed(&entries, grid.width);
    let patch = Patch::read(&field.base, window(&mask), pixels, ctx)?;
    let light = patch.light(field, window(&mask), &[])?;
    shapes::one(&light, &mask.values, &field.base, true).ok_or_else(|| invalid("Nothing inside the outline changes together.", ""))
}

fn seed(field: &Field, at: Point, pixels: &dyn Pixels, ctx: &Context<'_>) -> Result<Footprint, Failure> {
    let (grid, base) = (&field.base.grid, &field.base);
    let on_grid = |v: f32, first: f32| ((v - first) / grid.bin as f32).round();
    let (y, x) = (on_grid(at.y, grid.raw_y(0.0)), on_grid(at.x, grid.raw_x(0.0)));
    if !(y >= 0.0 && x >= 0.0 && y < grid.height as f32 && x < grid.width as f32) {
        return Err(invalid("The point lies outside the field.", "Choose a point inside the picture."));
    }
    let (y, x) = (y as usize, x as usize);
    let search = Search {
        sigma: base.diameter / 2.36,
        min_correlation: 0.0,
        min_pnr: 0.0,
    };
    // What explaining looks at, and the filter's reach around it.
    let reach = (3.5 * search.diameter()).ceil() as usize;
    let (top, left) = (y.saturating_sub(reach), x.saturating_sub(reach));
    let view = [
        top,
        left,
        (y + reach + 1).min(grid.height) - top,
        (x + reach + 1).min(grid.width) - left,
    ];
    let patch = Patch::read(base, view, pixels, ctx)?;
    let light = patch.light(field, view, &[])?;
    let size = [view[2], view[3], light.moments];
    let (first, _) = explain_at(light.values.clone(), size, &patch.groups.joined, [y - top, x - left], &search)
        .ok_or_else(|| invalid("No cell fires there.", "Choose a point where the correlation image is bright."))?;
    let mut start = vec![0.0f32; view[2] * view[3]];
    super::statistics::add(&mut start, &first, view[3], 1.0);
    shapes::one(&light, &start, base, false).ok_or_else(|| invalid("No cell fires there.", "Choose another point."))
}

/// A new cell; dark ones that it covers are gone with it.
fn new_cell(field: &Field, footprint: Footprint, row: usize, pixels: &dyn Pixels, ctx: &Context<'_>) -> Result<Outcome, Failure> {
    let covered: Vec<usize> = field
        .cells
        .iter()
        .filter(|(_, c)| c.state == State::Dark && cosine(&c.footprint, &footprint) >= SAME)
        .map(|(row, _)| *row)
        .collect();
    let patch = Patch::read(&field.base, window(&footprint), pixels, ctx)?;
    let fresh = project(&patch, row, footprint);
    let states = covered.iter().map(|row| (*row, State::Gone)).collect();
    made(field, vec![fresh], &covered, states, Some(pixels), ctx)
}

fn delete(field: &Field, rows: &[usize], free_light: bool, pixels: Option<&dyn Pixels>, ctx: &Context<'_>) -> Result<Outcome, Failure> {
    if rows.is_empty() {
        return Err(invalid("No cell was chosen.", "Choose the cells to delete."));
    }
    for row in rows {
        field.live(*row)?;
    }
    if !free_light {
        return Ok(Outcome {
            touched: Vec::new(),
            states: rows.iter().map(|row| (*row, State::Dark)).collect(),
        });
    }
    // Those whose light overlaps a deleted cell's are solved as if they were new.
    let near: Vec<usize> = field
        .cells
        .iter()
        .filter(|(row, c)| c.state != State::Gone && !rows.contains(row))
        .filter(|(_, c)| {
            rows.iter()
                .any(|row| crate::init::inner(&c.footprint, &field.cells[row].footprint) > 0.0)
        })
        .map(|(row, _)| *row)
        .collect();
    let fresh = near
        .iter()
        .map(|row| {
            let cell = &field.cells[row];
            Ok(Fresh {
                row: *row,
                footprint: cell.footprint.clone(),
                projection: cell.projection()?,
                from_film: false,
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let replaced: Vec<usize> = rows.iter().chain(&near).copied().collect();
    made(
        field,
        fresh,
        &replaced,
        rows.iter().map(|row| (*row, State::Gone)).collect(),
        pixels,
        ctx,
    )
}

/// Solves the neighbourhood and measures the cells in it.
fn made(
    field: &Field,
    fresh: Vec<Fresh>,
    replaced: &[usize],
    states: Vec<(usize, State)>,
    pixels: Option<&dyn Pixels>,
    ctx: &Context<'_>,
) -> Result<Outcome, Failure> {
    let new: Vec<usize> = fresh.iter().map(|f| f.row).filter(|row| !field.cells.contains_key(row)).collect();
    let changed: Vec<usize> = fresh.iter().map(|f| f.row).collect();
    let mut solved = if fresh.is_empty() {
        Vec::new()
    } else {
        solve(field, fresh, replaced, false, ctx)?
    };
    solved.sort_by_key(|s| s.row);
    let gone: Vec<usize> = states.iter().map(|(row, _)| *row).collect();
    let images: Vec<Option<[f32; 2]>> = solved
        .iter()
        .map(|s| match pixels {
            Some(pixels) if changed.contains(&s.row) => evidence(field, s, &solved, replaced, pixels, ctx).map(Some),
            _ => Ok(None),
        })
        .collect::<Result<_, _>>()?;
    let metrics: Vec<CellMetrics> = (0..solved.len())
        .into_par_iter()
        .map(|i| measure(field, &solved, i, &gone, images[i]))
        .collect();
    Ok(Outcome {
        touched: solved
            .into_iter()
            .zip(metrics)
            .map(|(cell, metrics)| Touched {
                made: new.contains(&cell.row),
                state: field.cells.get(&cell.row).map_or(State::Live, |c| c.state),
                seed: field
                    .cells
                    .get(&cell.row)
                    .map_or([f32::NAN; 2], |c| [c.record.seed_pnr, c.record.seed_correlation]),
                cell,
                metrics,
            })
            .collect(),
        states,
    })
}

/// Agreement of a footprint with its background-free image, and of its images from even and odd stretches.
fn evidence(
    field: &Field,
    s: &Solved,
    all: &[Solved],
    replaced: &[usize],
    pixels: &dyn Pixels,
    ctx: &Context<'_>,
) -> Result<[f32; 2], Failure> {
    let view = window(&s.footprint);
    let patch = Patch::read(&field.base, view, pixels, ctx)?;
    let mut kept = replaced.to_vec();
    kept.extend(all.iter().map(|o| o.row));
    let mut light = patch.light(field, view, &kept)?;
    let course = |trace: &[f32]| {
        let mut c = patch.groups.average(trace);
        let m = mean(&c);
        c.iter_mut().for_each(|v| *v -= m);
        c
    };
    for other in all.iter().filter(|o| o.row != s.row && super::patch::meets(&o.footprint, view)) {
        let (a, c) = (&other.footprint, course(&other.solved));
        for (i, v) in a.values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
            let (y, x) = (a.top + i / a.width, a.left + i % a.width);
            if (view[0]..view[0] + view[2]).contains(&y) && (view[1]..view[1] + view[3]).contains(&x) {
                let at = (y - view[0]) * view[3] + x - view[1];
                axpy(&mut light.values[at * light.moments..][..light.moments], -v, &c);
            }
        }
    }
    let own = course(&s.solved);
    let image = |light: &Light, keep: &dyn Fn(usize) -> bool| -> Vec<f32> {
        let part: Vec<f32> = own.iter().enumerate().map(|(g, v)| if keep(g) { *v } else { 0.0 }).collect();
        (0..view[2] * view[3]).map(|i| dot64(&part, light.pixel(i)) as f32).collect()
    };
    let stretch = crate::movie::BLOCK / 2;
    let [even, odd] = [0, 1].map(|h| image(&light, &|g| g / stretch % 2 == h));
    Ok([pearson(&s.footprint.values, &image(&light, &|_| true)), halves(&even, &odd)])
}

fn measure(field: &Field, solved: &[Solved], i: usize, gone: &[usize], evidence: Option<[f32; 2]>) -> CellMetrics {
    let (s, grid) = (&solved[i], &field.base.grid);
    let bin = grid.bin as f32;
    let count = s.footprint.values.iter().filter(|v| **v >= 0.5).count() as f32;
    let (cy, cx) = centroid(&s.footprint);
    let (y, x) = (grid.raw_y(cy), grid.raw_x(cx));
    let near = |row: usize, a: &Footprint| (row, cosine(&s.footprint, a));
    let overlap = field
        .cells
        .iter()
        .filter(|(row, c)| c.state == State::Live && !gone.contains(row) && solved.iter().all(|o| o.row != **row))
        .map(|(row, c)| near(*row, &c.footprint))
        .chain(solved.iter().filter(|o| o.row != s.row).map(|o| near(o.row, &o.footprint)))
        .filter(|(_, c)| *c > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let noise = s.noise.max(1e-9);
    let [r_value, split_half] = evidence.unwrap_or([f32::NAN; 2]);
    let cell = field.cells.get(&s.row);
    CellMetrics {
        seed_pnr: cell.map_or(f32::NAN, |c| c.record.seed_pnr),
        seed_correlation: cell.map_or(f32::NAN, |c| c.record.seed_correlation),
        snr: s.denoised.iter().copied().fold(0.0f32, f32::max) / noise,
        r_value,
        area_px: count * bin * bin,
        diameter_px: 2.0 * (count * bin * bin / std::f32::consts::PI).sqrt(),
        roundness: roundness(&s.footprint),
        edge_distance_px: grid.edge_distance(y, x),
        events: field.base.events(&s.raw, &s.denoised, &s.deconvolved, s.gamma).len() as u32,
        activity_runs: activity_runs(&s.deconvolved, 3.0 * noise),
        skewness: skewness(&s.raw),
        split_half,
        overlap: overlap.map_or(0.0, |o| o.1),
        overlap_with: overlap.map(|o| o.0 as u32),
        // What compares the cell with the whole film is not known here.
        relative_area: f32::NAN,
        event_rate_per_minute: f32::NAN,
        contrast: f32::NAN,
        cross_talk: f32::NAN,
        cross_talk_with: None,
        motion_correlation: f32::NAN,
        flagged_percent: f32::NAN,
        duplicate_of: None,
        probability: f32::NAN,
        accepted: true,
        reasons: Vec::new(),
    }
}
