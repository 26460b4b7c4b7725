//! What a run leaves: the finished analysis turned into the files of a run folder (architecture.md 5).

use std::borrow::Cow;

use calyx_npy::{Csr, Dtype};
use serde::Serialize;
use serde_json::{Value, json};

use crate::checkpoint::key::StageKeys;
use crate::edit::Statistics;
use crate::failure::Failure;
use crate::manifest::plain;
use crate::output::{PYRAMID_FACTOR, RunFolder, pyramid, pyramid_levels};
use crate::types::{CellMetrics, Components, Event, Footprint, Grid, MotionBlocks, Registered, StageError};

/// Footprint values below this share of the maximum are not kept.
const SMALLEST_VALUE: f32 = 1e-3;

/// What was chosen from the data where the job left it open.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// Neuron diameter that was used, raw px.
    pub diameter_px: f32,
    /// It was estimated from the film.
    pub diameter_estimated: bool,
    /// Raw pixels per working-grid pixel.
    pub bin: usize,
    /// Seed threshold on the local correlation.
    pub min_correlation: f32,
    /// Seed threshold on the peak-to-noise ratio.
    pub min_pnr: f32,
    /// Seeds above both thresholds.
    pub seeds: usize,
}

/// Everything a finished run knows.
pub struct Analysis {
    /// The registered film and what was gathered with it.
    pub registered: Registered,
    /// Local correlation on the working grid.
    pub correlation: Vec<f32>,
    /// Peak-to-noise ratio on the working grid.
    pub pnr: Vec<f32>,
    /// Chosen values.
    pub chosen: Chosen,
    /// All components, rejected ones too.
    pub components: Components,
    /// What F0 of the ΔF/F is, in words.
    pub f0: &'static str,
    /// One for each component.
    pub metrics: Vec<CellMetrics>,
    /// The keys under which the stages' results are kept, or would be.
    pub stage_keys: StageKeys,
    /// What rendering and edits need of the model besides; `background/` and `statistics/` are left out without it.
    pub statistics: Option<Statistics>,
    /// Most bytes of traces that lay in the scratch folder.
    pub traces_bytes: u64,
}

/// A footprint on the raw frame grid.
pub(crate) struct RawFootprint {
    /// (row-major pixel, value), pixels rising; the largest value is 1.
    pub(crate) pixels: Vec<(usize, f32)>,
    /// What the traces must be multiplied by so that footprint × trace stays the same light.
    pub(crate) scale: f32,
    /// Centroid (y, x), weighted by the values; not-a-number for an empty footprint.
    pub(crate) centroid: [f32; 2],
    /// Top, left, height, width.
    pub(crate) window: [usize; 4],
}

/// Bilinear weights of raw coordinate `at` on a grid of `n` pixels binned by `bin`: two grid pixels and the weight of the second. Grid pixel
/// `i` has its centre at `first + bin·i + (bin − 1)/2`; beyond the outermost centres the picture goes on as it is there.
fn between(at: usize, first: usize, bin: usize, n: usize) -> (usize, usize, f32) {
    let g = ((at as f32 - first as f32 - (bin as f32 - 1.0) / 2.0) / bin as f32).clamp(0.0, (n - 1) as f32);
    let first = g.floor() as usize;
    (first, (first + 1).min(n - 1), g - first as f32)
}

/// An image of the working grid on the raw frame grid, bilinear between grid centres; 0 outside a crop.
pub fn enlarge(image: &[f32], grid: &Grid) -> Vec<f32> {
    let mut out = vec![0.0; grid.frame_height * grid.frame_width];
    let [rows, columns] = grid.covers();
    for y in rows[0]..rows[1] {
        let (y0, y1, fy) = between(y, grid.top, grid.bin, grid.height);
        for x in columns[0]..columns[1] {
            let (x0, x1, fx) = between(x, grid.left, grid.bin, grid.width);
            let row = |gy: usize| image[gy * grid.width + x0] * (1.0 - fx) + image[gy * grid.width + x1] * fx;
            out[y * grid.frame_width + x] = row(y0) * (1.0 - fy) + row(y1) * fy;
        }
    }
    out
}

/// A footprint of the working grid on the raw frame.
pub(crate) fn to_raw(footprint: &Footprint, grid: &Grid) -> RawFootprint {
    let value = |gy: usize, gx: usize| {
        let inside =
            gy >= footprint.top && gx >= footprint.left && gy < footprint.top + footprint.height && gx < footprint.left + footprint.width;
        if inside {
            footprint.values[(gy - footprint.top) * footprint.width + gx - footprint.left]
        } else {
            0.0
        }
    };
    // One grid pixel more than the window on each side: that far interpolation reaches; the outermost ones also reach the frame's remainder.
    let reach = |first: usize, count: usize, n: usize, [start, stop]: [usize; 2]| {
        let end = if first + count >= n {
            stop
        } else {
            (start + (first + count + 1) * grid.bin).min(stop)
        };
        (start + first.saturating_sub(1) * grid.bin)..end
    };
    let covers = grid.covers();
    let rows = reach(footprint.top, footprint.height, grid.height, covers[0]);
    let columns = reach(footprint.left, footprint.width, grid.width, covers[1]);
    let mut pixels = Vec::new();
    for y in rows {
        let (y0, y1, fy) = between(y, grid.top, grid.bin, grid.height);
        for x in columns.clone() {
            let (x0, x1, fx) = between(x, grid.left, grid.bin, grid.width);
            let row = |gy: usize| value(gy, x0) * (1.0 - fx) + value(gy, x1) * fx;
            let v = row(y0) * (1.0 - fy) + row(y1) * fy;
            if v > 0.0 {
                pixels.push((y * grid.frame_width + x, v));
            }
        }
    }
    finish(pixels, grid.frame_width)
}

/// Maximum 1, nothing below the smallest value, centroid and window.
fn finish(mut pixels: Vec<(usize, f32)>, width: usize) -> RawFootprint {
    let scale = pixels.iter().fold(0.0f32, |m, (_, v)| m.max(*v));
    pixels.retain(|(_, v)| *v >= SMALLEST_VALUE * scale);
    let (mut sum, mut sy, mut sx) = (0.0f64, 0.0f64, 0.0f64);
    let (mut top, mut left, mut bottom, mut right) = (usize::MAX, usize::MAX, 0, 0);
    for (p, v) in &mut pixels {
        *v /= scale;
        let (y, x, weight) = (*p / width, *p % width, f64::from(*v));
        sum += weight;
        sy += weight * y as f64;
        sx += weight * x as f64;
        (top, left, bottom, right) = (top.min(y), left.min(x), bottom.max(y), right.max(x));
    }
    let window = if pixels.is_empty() {
        [0; 4]
    } else {
        [top, left, bottom - top + 1, right - left + 1]
    };
    RawFootprint {
        pixels,
        scale: if scale > 0.0 { scale } else { 1.0 },
        centroid: [(sy / sum) as f32, (sx / sum) as f32],
        window,
    }
}

/// Writes footprints, traces with their pyramids, time, flags, motion, images and `metrics.json`; returns the count of accepted components.
///
/// # Errors
/// `disk.full`, `disk.io`; `engine.internal` when the stages' results do not fit together.
pub fn write(folder: &mut RunFolder, analysis: &Analysis) -> Result<usize, Failure> {
    let Analysis {
        registered: film,
        components,
        metrics,
        ..
    } = analysis;
    check(analysis)?;
    let raw: Vec<RawFootprint> = components.footprints.iter().map(|f| to_raw(f, &film.grid)).collect();
    write_footprints(folder, &raw, &film.grid)?;
    let scales: Vec<f32> = raw.iter().map(|f| f.scale).collect();
    for (name, traces, scaled) in [
        ("raw", &components.raw, true),
        ("denoised", &components.denoised, true),
        ("deconvolved", &components.deconvolved, true),
        ("dff", &components.dff, false),
    ] {
        let scale = |k: usize| if scaled { scales[k] } else { 1.0 };
        write_traces(folder, name, film.flags.len(), traces.len(), |k| traces[k].all(), scale)?;
    }
    let t = film.flags.len();
    folder.array("time.npy", &[t], &film.time_s)?;
    folder.array("frame_flags.npy", &[t], &film.flags)?;
    folder.array("samples.npy", &[t, 2], samples(film).as_flattened())?;
    folder.array("motion.npy", &[t, 2], film.motion.as_flattened())?;
    folder.array("motion_quality.npy", &[t], &film.motion_quality)?;
    if let Some(light) = &film.light {
        folder.array("light.npy", &[t], &light.factor)?;
    }
    if let Some(blocks) = &film.motion_blocks {
        write_blocks(folder, blocks)?;
    }
    folder.json("motion_report.json", &plain(&film.motion_report))?;
    let shape = [film.grid.frame_height, film.grid.frame_width];
    for (name, image) in [("mean", &film.mean), ("std", &film.std), ("max", &film.max)] {
        folder.array(&format!("images/{name}.npy"), &shape, image)?;
    }
    for (name, image) in [("correlation", &analysis.correlation), ("pnr", &analysis.pnr)] {
        folder.array(&format!("images/{name}.npy"), &shape, &enlarge(image, &film.grid))?;
    }
    if let Some(statistics) = &analysis.statistics {
        statistics.write(folder, film, components, &scales)?;
    }
    write_events(folder, analysis, &scales)?;
    folder.json("metrics.json", &metrics_file(&raw, components, metrics, &film.time_s, film.fps))?;
    Ok(metrics.iter().filter(|m| m.accepted).count())
}

/// `T × (recording, frame)`: which recording of the run, in order, a sample comes from, and its frame's number there.
fn samples(film: &Registered) -> Vec<[u32; 2]> {
    let spans = film.spans.iter().zip(0u32..);
    spans
        .flat_map(|(span, recording)| (0..span.frames).map(move |frame| [recording, (span.first_frame + frame) as u32]))
        .collect()
}

/// The stages' results must agree before anything is written.
fn check(analysis: &Analysis) -> Result<(), Failure> {
    let (c, film) = (&analysis.components, &analysis.registered);
    let (k, t) = (c.footprints.len(), film.flags.len());
    let traces = [&c.raw, &c.denoised, &c.deconvolved, &c.dff];
    let frame = film.grid.frame_height * film.grid.frame_width;
    let grid = film.grid.height * film.grid.width;
    let agrees = traces.iter().all(|rows| rows.len() == k && rows.iter().all(|row| row.len() == t))
        && analysis.metrics.len() == k
        && [c.gamma.len(), c.baseline.len(), c.noise.len(), c.events.len(), c.to_dff.len()] == [k; 5]
        && film.spans.iter().map(|span| span.frames).sum::<u64>() == t as u64
        && [film.motion.len(), film.motion_quality.len(), film.time_s.len()] == [t; 3]
        && [film.mean.len(), film.std.len(), film.max.len()] == [frame; 3]
        && [analysis.correlation.len(), analysis.pnr.len()] == [grid; 2];
    if agrees {
        return Ok(());
    }
    Err(Failure::new(
        "engine.internal",
        format!("the stages' results do not fit together ({k} components, {t} frames)"),
        "",
    ))
}

/// `motion_blocks.npy`: T × 2 × rows × columns.
fn write_blocks(folder: &mut RunFolder, blocks: &MotionBlocks) -> Result<(), Failure> {
    let mut values = Vec::with_capacity(blocks.fields.len() * 2 * blocks.lattice.nodes());
    for field in &blocks.fields {
        for axis in 0..2 {
            values.extend(field.iter().map(|d| d[axis]));
        }
    }
    let shape = [blocks.fields.len(), 2, blocks.lattice.rows.len(), blocks.lattice.columns.len()];
    folder.array("motion_blocks.npy", &shape, &values)
}

/// Writes `footprints.npz`.
pub(crate) fn write_footprints(folder: &mut RunFolder, raw: &[RawFootprint], grid: &Grid) -> Result<(), Failure> {
    let mut matrix = Csr::new(grid.frame_height * grid.frame_width);
    for footprint in raw {
        matrix.push_row(footprint.pixels.iter().copied());
    }
    let shape = [matrix.rows, matrix.columns];
    folder.bytes("footprints.npz", &matrix.to_bytes()?, Some((Dtype::F32, &shape)))
}

/// Events of the components of a run.
fn write_events(folder: &mut RunFolder, analysis: &Analysis, scales: &[f32]) -> Result<(), Failure> {
    let components = &analysis.components;
    let units: Vec<[f32; 3]> = (0..scales.len())
        .map(|k| [scales[k], 1.0 / components.noise[k].max(f32::MIN_POSITIVE), components.to_dff[k]])
        .collect();
    write_event_table(folder, &components.events, &units, &analysis.registered.time_s)
}

/// What turns an amplitude of a trace into grey levels, noises and ΔF/F, where only the traces are known: both traces show the same noise. `scale`: grey levels of the trace's unit.
pub(crate) fn event_units(raw_noise: f32, dff_noise: f32, scale: f32) -> [f32; 3] {
    let per = 1.0 / raw_noise.max(f32::MIN_POSITIVE);
    [scale, per, dff_noise * per]
}

/// `events.npz`: a column an array, a row an event, cell after cell. `units` turn a cell's amplitudes into grey levels, noises and ΔF/F.
pub(crate) fn write_event_table(folder: &mut RunFolder, events: &[Vec<Event>], units: &[[f32; 3]], time: &[f64]) -> Result<(), Failure> {
    let all: Vec<(usize, Event)> = events
        .iter()
        .enumerate()
        .flat_map(|(k, list)| list.iter().map(move |e| (k, *e)))
        .collect();
    let whole = |of: fn(&Event) -> u32| all.iter().map(|(_, e)| of(e) as i32).collect::<Vec<i32>>();
    let seconds = |of: fn(&Event) -> u32| all.iter().map(|(_, e)| time[of(e) as usize]).collect::<Vec<f64>>();
    let height = |unit: usize| all.iter().map(|(k, e)| e.amplitude * units[*k][unit]).collect::<Vec<f32>>();
    let mut archive = calyx_npy::Archive::new();
    archive.add("cell", &all.iter().map(|(k, _)| *k as i32).collect::<Vec<i32>>())?;
    archive.add("onset", &whole(|e| e.onset))?;
    archive.add("peak", &whole(|e| e.peak))?;
    archive.add("end", &whole(|e| e.end))?;
    archive.add("onset_time", &seconds(|e| e.onset))?;
    archive.add("peak_time", &seconds(|e| e.peak))?;
    archive.add("end_time", &seconds(|e| e.end))?;
    archive.add("amplitude", &height(0))?;
    archive.add("amplitude_sigma", &height(1))?;
    archive.add("amplitude_dff", &height(2))?;
    folder.bytes("events.npz", &archive.to_bytes()?, None)
}

/// Seconds that were recorded: frames whose time is known count as long as the next one takes, at most two frames; the others one frame.
fn recorded_seconds(time: &[f64], fps: f64) -> f64 {
    let frame = 1.0 / fps;
    (0..time.len())
        .map(|t| match time.get(t + 1).map(|next| next - time[t]) {
            Some(step) if step > 0.0 && step <= 2.0 * frame => step,
            _ => frame,
        })
        .sum()
}

/// Writes `traces/<name>.npy` and its pyramid: `count` traces of `t` frames, each times its scale.
pub(crate) fn write_traces<'a>(
    folder: &mut RunFolder,
    name: &str,
    t: usize,
    count: usize,
    trace: impl Fn(usize) -> Result<Cow<'a, [f32]>, StageError>,
    scale: impl Fn(usize) -> f32,
) -> Result<(), Failure> {
    let scaled = |k: usize| -> Result<Cow<'a, [f32]>, StageError> {
        let (factor, trace) = (scale(k), trace(k)?);
        Ok(if factor == 1.0 {
            trace
        } else {
            Cow::Owned(trace.iter().map(|v| v * factor).collect())
        })
    };
    folder.rows(&format!("traces/{name}.npy"), t, (0..count).map(scaled))?;
    let buckets: usize = pyramid_levels(t).iter().sum();
    folder.rows(
        &format!("traces/{name}.pyramid.npy"),
        2 * buckets,
        (0..count).map(|k| Ok(Cow::Owned(pyramid(&scaled(k)?)))),
    )
}

/// `metrics.json`: where each cell lies, what deconvolution found, the metrics and the engine's suggestion.
fn metrics_file(raw: &[RawFootprint], components: &Components, metrics: &[CellMetrics], time: &[f64], fps: f64) -> Value {
    let seconds = recorded_seconds(time, fps).max(1e-9);
    let mut cells = Vec::with_capacity(raw.len());
    for (row, (footprint, metric)) in raw.iter().zip(metrics).enumerate() {
        let [top, left, height, width] = footprint.window;
        let mut cell = json!({
            "row": row,
            "centroid": { "y": plain(&footprint.centroid[0]), "x": plain(&footprint.centroid[1]) },
            "box": { "top": top, "left": left, "height": height, "width": width },
            "gamma": plain(&components.gamma[row]),
            "decayS": plain(&((-1.0 / (f64::from(components.gamma[row]).ln() * fps)) as f32)),
            "riseS": plain(&((components.rise.frames / fps) as f32)),
            "dffNoise": plain(&(components.noise[row] * components.to_dff[row])),
            "eventCount": components.events[row].len(),
            "eventRate": plain(&((components.events[row].len() as f64 / seconds) as f32)),
            "baseline": plain(&(components.baseline[row] * footprint.scale)),
            "noise": plain(&(components.noise[row] * footprint.scale)),
        });
        if let (Value::Object(cell), Value::Object(more)) = (&mut cell, plain(metric)) {
            cell.extend(more);
        }
        cells.push(cell);
    }
    json!({ "formatVersion": 1, "cells": cells })
}

/// How the pyramids beside the traces are laid out, for `run.json`.
pub fn pyramid_description(frames: usize) -> Value {
    json!({
        "factor": PYRAMID_FACTOR,
        "levels": pyramid_levels(frames),
        "layout": "K × 2·sum(levels) float32: the buckets of level 1, then level 2 …, each as minimum, maximum; level n covers factor^n frames a bucket, the last bucket what is left",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(bin: usize, frame_height: usize, frame_width: usize) -> Grid {
        Grid {
            bin,
            height: frame_height / bin,
            width: frame_width / bin,
            top: 0,
            left: 0,
            frame_height,
            frame_width,
        }
    }

    /// A Gaussian of raw σ at raw (y, x), block-averaged onto the grid as the engine sees it.
    fn cell(grid: &Grid, y: f32, x: f32, sigma: f32) -> Footprint {
        let b = grid.bin;
        let light = |r: usize, c: usize| (-((r as f32 - y).powi(2) + (c as f32 - x).powi(2)) / (2.0 * sigma * sigma)).exp();
        let mut values = vec![0.0f32; grid.height * grid.width];
        for (i, v) in values.iter_mut().enumerate() {
            let (gy, gx) = (i / grid.width, i % grid.width);
            *v = (0..b * b).map(|j| light(gy * b + j / b, gx * b + j % b)).sum::<f32>() / (b * b) as f32;
        }
        let max = values.iter().copied().fold(0.0, f32::max);
        Footprint {
            top: 0,
            left: 0,
            height: grid.height,
            width: grid.width,
            values: values.iter().map(|v| v / max).collect(),
        }
    }

    #[test]
    fn a_binned_footprint_lands_where_the_cell_is() {
        for bin in [1, 2, 3] {
            let grid = grid(bin, 41, 56);
            let raw = to_raw(&cell(&grid, 17.3, 30.8, 4.0), &grid);
            assert!(
                (raw.centroid[0] - 17.3).abs() < 0.15 && (raw.centroid[1] - 30.8).abs() < 0.15,
                "{bin}: {:?}",
                raw.centroid
            );
            assert_eq!(raw.pixels.iter().map(|(_, v)| *v).fold(0.0, f32::max), 1.0);
        }
    }

    #[test]
    fn footprint_times_trace_stays_the_same_light() {
        let grid = grid(2, 40, 60);
        let raw = to_raw(&cell(&grid, 17.0, 30.0, 4.0), &grid);
        assert!(raw.scale > 0.8 && raw.scale < 1.0);
        let light: f32 = raw.pixels.iter().map(|(_, v)| v * raw.scale).sum();
        let on_the_grid: f32 = cell(&grid, 17.0, 30.0, 4.0).values.iter().sum();
        // A grid pixel stands for four raw ones.
        assert!((light / (4.0 * on_the_grid) - 1.0).abs() < 0.01, "{light} {on_the_grid}");
    }

    #[test]
    fn a_window_reaches_as_far_as_interpolation_does() {
        let grid = grid(2, 20, 31);
        let small = Footprint {
            top: 3,
            left: 14,
            height: 2,
            width: 1,
            values: vec![1.0, 0.5],
        };
        let mut image = vec![0.0; 10 * 15];
        image[3 * 15 + 14] = 1.0;
        image[4 * 15 + 14] = 0.5;
        let whole = enlarge(&image, &grid);
        let raw = to_raw(&small, &grid);
        let mut part = vec![0.0; 20 * 31];
        for (p, v) in &raw.pixels {
            part[*p] = v * raw.scale;
        }
        for (p, (a, b)) in whole.iter().zip(&part).enumerate() {
            assert!((a - b).abs() < 1e-6, "{p}: {a} {b}");
        }
        // Column 30 is the remainder that the grid leaves out.
        assert!(part[6 * 31 + 30] > 0.5);
    }

    #[test]
    fn an_empty_footprint_is_a_row_without_entries() {
        let grid = grid(1, 4, 6);
        let none = Footprint {
            top: 1,
            left: 1,
            height: 1,
            width: 1,
            values: vec![0.0],
        };
        let raw = to_raw(&none, &grid);
        assert!(raw.pixels.is_empty() && raw.scale == 1.0 && raw.centroid[0].is_nan());
    }
}
