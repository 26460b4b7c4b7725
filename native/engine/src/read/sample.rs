//! A sample of frames spread over the whole run, and what is learnt from it before the pass: stuck pixels, usual rows and light, neuron size, grid,
//! template, and the offsets and step of the tile cache.

use std::ops::{ControlFlow, Range};

use rayon::prelude::*;

use super::crop::Crop;
use super::input::Part;
use super::light::{self, Light, Point};
use super::pixels::{StuckPixels, bin, correct};
use super::rows::{RowNoise, RowWork};
use crate::kernels::middle;
use crate::mask::Usual;
use crate::motion::lattice::{Lattice, Line, Warper};
use crate::motion::piecewise::{self, FieldWorkspace, Piecewise};
use crate::motion::report::{Crispness, DEPARTING_SHARE, PiecewiseChoice, SHARPER_SHARE, SampleReport, Spread};
use crate::motion::warp::{beyond, fill_outside, inside, warp};
use crate::motion::{Registrar, Shift};
use crate::params::Parameters;
use crate::types::{Context, Grid, StageError, flag};

/// Most pairs of neighbouring frames that are taken.
pub const PAIRS: usize = 100;
/// Most pixels of the sample. With their binned copies and spectra they cost up to ten bytes each. The sample, and so the result, does not hang
/// on the memory a run is given.
pub const SAMPLE_PIXELS: usize = 40_000_000;
/// Fewest pairs, however large the frames are.
const FEWEST_PAIRS: usize = 20;
/// σ of a neuron on the working grid is at least this. Small cells measured at 6.1 px are as well found on blocks of 2 × 2 as on single
/// pixels (simulated films of several seeds: motion .09 against .10 px, traces .991 against .985), at a quarter of the cost.
const LEAST_GRID_SIGMA: f32 = 1.25;
/// Codes of the cache for one standard deviation of the noise: finer steps gain nothing measurable.
const CODES_PER_NOISE: f32 = 3.5;
/// The codes reach this many times as far as the sample did; a film has brighter moments than its sample.
const RANGE_MARGIN: f32 = 2.0;

/// Below so many σ of a neuron on a side there are no blocks to register.
const LEAST_SIDE_SIGMA: f32 = 16.0;

/// So many frames that are not neighbours tell the size of the neurons.
const ENOUGH_FOR_SIZE: usize = 60;

/// Two neighbouring frames.
pub struct Pair {
    /// Number of the first in the run.
    pub place: usize,
    /// Their pixels, cropped.
    pub frames: [Vec<u8>; 2],
}

/// What the pass needs to know.
pub struct Learnt {
    /// Stuck pixels of the sensor.
    pub stuck: StuckPixels,
    /// Usual rows and light.
    pub usual: Usual,
    /// Diameter of a neuron, raw px.
    pub diameter_px: f32,
    /// The working grid; its frame is the crop.
    pub grid: Grid,
    /// Brings frames to one light, where it changes.
    pub light: Option<Light>,
    /// Sets shifted rows back, where that is asked for.
    pub rows: Option<RowNoise>,
    /// Trained on the sample.
    pub registrar: Registrar,
    /// Fields beside the rigid displacement, where the sample asks for them.
    pub piecewise: Option<Piecewise>,
    /// Takes fields back on the grid, where they are used.
    pub grid_warper: Option<Warper>,
    /// What the sample tells about the motion.
    pub report: SampleReport,
    /// Mean of the raw sample: about the mean of the film.
    pub raw_mean: Vec<f32>,
    /// Mean of the registered sample on the grid: the cache's offsets.
    pub grid_mean: Vec<f32>,
    /// The cache's step, grey levels.
    pub step: f32,
}

impl Learnt {
    /// Where the nodes of the fields lie, raw px, where they are used.
    pub fn raw_lattice(&self) -> Option<Lattice> {
        self.piecewise.as_ref().map(|p| p.lattice.raw(self.grid.bin))
    }
}

/// Numbers of the first frames of the sample's pairs in a run of `frames`, at most `most`, spread evenly.
pub fn places(frames: usize, most: usize) -> Vec<usize> {
    if frames < 2 {
        return (0..frames).collect();
    }
    let count = most.clamp(1, frames / 2);
    (0..count).map(|i| ((2 * i + 1) * frames / (2 * count)).min(frames - 2)).collect()
}

/// Reads the sample. A pair never spans two recordings; unreadable frames are left out with their pair.
///
/// # Errors
/// As `Source::stream`; [`StageError::Cancelled`]; [`StageError::Input`] `engine.unreadable` when no pair could be read.
pub fn take(parts: &[Part], crop: &Crop, ctx: &Context<'_>) -> Result<Vec<Pair>, StageError> {
    let [height, width] = crop.size();
    let starts = starts(parts);
    let total: usize = parts.iter().map(Part::frames).sum();
    let most = (SAMPLE_PIXELS / 2 / (height * width).max(1)).clamp(FEWEST_PAIRS, PAIRS);
    let wanted: Vec<(usize, u64)> = places(total, most)
        .into_iter()
        .map(|place| {
            let (mut part, mut frame) = (0, place);
            while frame >= parts[part].frames() && part + 1 < parts.len() {
                frame -= parts[part].frames();
                part += 1;
            }
            (
                part,
                parts[part].range.start + frame.min(parts[part].frames().saturating_sub(2)) as u64,
            )
        })
        .collect();
    let alone: u64 = wanted.iter().map(|(part, first)| parts[*part].source.jump_cost(*first)).sum();
    let pairs: Vec<Option<Pair>> = if alone < total as u64 {
        wanted
            .par_iter()
            .map(|(part, first)| take_pair(&parts[*part], *first, starts[*part], crop, ctx))
            .collect::<Result<_, _>>()?
    } else {
        take_in_passing(parts, &wanted, crop, ctx)?
    };
    let pairs: Vec<Pair> = pairs.into_iter().flatten().collect();
    if pairs.is_empty() {
        return Err(StageError::Input {
            code: "engine.unreadable",
            message: "none of the frames looked at could be decoded".into(),
        });
    }
    Ok(pairs)
}

/// Numbers in the run of the parts' first frames.
pub fn starts(parts: &[Part]) -> Vec<usize> {
    let frames = parts.iter().map(Part::frames);
    frames
        .scan(0, |next, frames| {
            let first = *next;
            *next += frames;
            Some(first)
        })
        .collect()
}

/// Takes the pairs on one way through the whole run: films whose key frames are far apart are quicker so.
fn take_in_passing(parts: &[Part], wanted: &[(usize, u64)], crop: &Crop, ctx: &Context<'_>) -> Result<Vec<Option<Pair>>, StageError> {
    let starts = starts(parts);
    let mut pairs = Vec::with_capacity(wanted.len());
    for (i, part) in parts.iter().enumerate() {
        let firsts: Vec<u64> = wanted.iter().filter(|(part, _)| *part == i).map(|(_, first)| *first).collect();
        let Some(end) = firsts.last().map(|last| (last + 2).min(part.range.end)) else {
            continue;
        };
        let mut frames: Vec<Vec<Vec<u8>>> = vec![Vec::with_capacity(2); firsts.len()];
        let mut cancelled = false;
        part.source.stream(part.range.start..end, &mut |frame, readable, pixels| {
            if readable {
                // The pairs that this frame is the first or the second of.
                let at = firsts.partition_point(|first| first + 1 < frame)..firsts.partition_point(|first| *first <= frame);
                frames[at].iter_mut().for_each(|pair| pair.push(cropped(crop, pixels)));
            }
            cancelled = (ctx.cancelled)();
            if cancelled {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if cancelled {
            return Err(StageError::Cancelled);
        }
        pairs.extend(
            firsts
                .iter()
                .zip(frames)
                .map(|(first, frames)| pair_of(frames, part, *first, starts[i])),
        );
    }
    Ok(pairs)
}

fn cropped(crop: &Crop, pixels: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(crop.height * crop.width);
    crop.append(pixels, &mut out);
    out
}

fn take_pair(part: &Part, first: u64, start: usize, crop: &Crop, ctx: &Context<'_>) -> Result<Option<Pair>, StageError> {
    if (ctx.cancelled)() {
        return Err(StageError::Cancelled);
    }
    let mut frames = Vec::with_capacity(2);
    part.source
        .stream(first..(first + 2).min(part.range.end), &mut |_, readable, pixels| {
            if readable {
                frames.push(cropped(crop, pixels));
            }
            ControlFlow::Continue(())
        })?;
    Ok(pair_of(frames, part, first, start))
}

fn pair_of(mut frames: Vec<Vec<u8>>, part: &Part, first: u64, start: usize) -> Option<Pair> {
    let place = start + (first - part.range.start) as usize;
    // A recording of one frame is its own neighbour.
    if frames.len() == 1 && part.frames() == 1 {
        frames.push(frames[0].clone());
    }
    <[Vec<u8>; 2]>::try_from(frames).ok().map(|frames| Pair { place, frames })
}

/// Learns from the sample, repairing its stuck pixels on the way.
///
/// # Errors
/// [`StageError::Cancelled`]; [`StageError::Input`] `engine.diameter-unknown` when the size was not given and does not show, `engine.diameter`
/// when it is no size, `engine.unreadable` when every frame of the sample is faulty.
pub fn learn(
    mut pairs: Vec<Pair>,
    parts: &[Part],
    crop: &Crop,
    fps: f64,
    params: &Parameters,
    ctx: &Context<'_>,
) -> Result<Learnt, StageError> {
    let [height, width] = crop.size();
    let before_repair = mean_of(pairs.iter().flat_map(|p| &p.frames), height * width);
    let stuck = StuckPixels::find(&before_repair, height, width);
    pairs.iter_mut().flat_map(|p| &mut p.frames).for_each(|frame| stuck.repair(frame));
    let views: Vec<[&[u8]; 2]> = pairs.iter().map(|p| [p.frames[0].as_slice(), p.frames[1].as_slice()]).collect();
    let usual = Usual::of_pairs(&views, width);
    drop(views);
    pairs.retain(|pair| is_good(&usual, pair, width));
    if pairs.is_empty() {
        return Err(StageError::Input {
            code: "engine.unreadable",
            message: "every frame looked at is torn or badly lit: there is nothing to register against".into(),
        });
    }
    let diameter_px = diameter(&pairs, [height, width], params)?;
    let grid = grid_for([height, width], diameter_px, params.bin);
    let light = if params.normalise_light {
        look_at_light(&pairs, parts, crop, fps, ctx)?
    } else {
        None
    };
    let raw_mean = lit_mean(&pairs, light.as_ref(), height * width);
    let mut binned: Vec<Vec<f32>> = pairs
        .par_iter()
        .flat_map_iter(|pair| pair.frames.iter().zip(pair.place..))
        .map(|(frame, place)| {
            let mut out = vec![0.0; grid.height * grid.width];
            bin(frame, &grid, &mut out);
            if let Some(light) = &light {
                correct(&mut out, light.correction(place));
            }
            out
        })
        .collect();
    drop(pairs);
    let rows = params.remove_row_noise.then(|| RowNoise::learn(&binned, grid.width));
    if let Some(rows) = &rows {
        binned
            .par_iter_mut()
            .for_each_init(RowWork::default, |work, frame| rows.remove(frame, work));
    }
    let (b, sigma) = (grid.bin as f32, diameter_px / 2.36);
    let (registrar, shifts) = Registrar::train(
        &binned,
        [grid.height, grid.width],
        sigma / b,
        params.max_shift_px / b,
        ctx.cancelled,
    )
    .ok_or(StageError::Cancelled)?;
    let (fields, report) = look_for_fields(&binned, &shifts, &registrar, &grid, sigma, params, ctx)?;
    let grid_warper = fields.as_ref().map(|p| Warper::new([grid.height, grid.width], &p.lattice));
    let piecewise = fields.zip(grid_warper.as_ref());
    let (grid_mean, step) = offsets_and_step(binned, &shifts, &registrar, &grid, piecewise.as_ref().map(|(p, w)| (p, *w)));
    let piecewise = piecewise.map(|(p, _)| p);
    Ok(Learnt {
        stuck,
        usual,
        diameter_px,
        grid,
        light,
        rows,
        registrar,
        piecewise,
        grid_warper,
        report,
        raw_mean,
        grid_mean,
        step,
    })
}

/// The course of the light over the run, where it changes.
fn look_at_light(pairs: &[Pair], parts: &[Part], crop: &Crop, fps: f64, ctx: &Context<'_>) -> Result<Option<Light>, StageError> {
    let mean = |frame: &[u8]| frame.iter().map(|v| u64::from(*v)).sum::<u64>() as f32 / frame.len().max(1) as f32;
    let points: Vec<Point> = pairs
        .iter()
        .map(|pair| Point {
            frame: pair.place,
            mean: mean(&pair.frames[0]),
        })
        .collect();
    let starts = starts(parts);
    let steps = light::locate(parts, crop, &light::candidates(&points, &starts, fps), ctx)?;
    let Some(mut found) = Light::learn(&points, &starts, &steps, fps) else {
        return Ok(None);
    };
    // The dimmest and the brightest third of the sample, for the black level.
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by(|a, b| found.level(pairs[*a].place).total_cmp(&found.level(pairs[*b].place)).then(a.cmp(b)));
    let third = pairs.len().div_ceil(3);
    let picture = |group: &[usize]| {
        let image = mean_of(group.iter().flat_map(|i| &pairs[*i].frames), crop.height * crop.width);
        let level = group.iter().map(|i| found.level(pairs[*i].place)).sum::<f32>() / group.len() as f32;
        (image, level)
    };
    let ((dim, low), (bright, high)) = (picture(&order[..third]), picture(&order[order.len() - third..]));
    found.see_black(&dim, &bright, [low, high]);
    Ok(Some(found))
}

fn is_good(usual: &Usual, pair: &Pair, width: usize) -> bool {
    let mut scratch = Vec::new();
    pair.frames.iter().all(|frame| {
        let check = usual.check(frame, None, width, &mut scratch);
        usual.flags(&check) & flag::MASKED == 0 && !usual.light_fails(check.mean)
    })
}

fn diameter(pairs: &[Pair], [height, width]: [usize; 2], params: &Parameters) -> Result<f32, StageError> {
    if let Some(given) = params.diameter_px {
        if given.is_finite() && given >= 1.0 && given <= height.min(width) as f32 / 2.0 {
            return Ok(given);
        }
        return Err(StageError::Input {
            code: "engine.diameter",
            message: format!("a neuron's diameter of {given} px does not fit a frame of {width}×{height} px"),
        });
    }
    // Neighbours show the same cells: one frame of each pair is enough where there are many.
    let each = if pairs.len() >= ENOUGH_FOR_SIZE { 1 } else { 2 };
    let frames: Vec<&[u8]> = pairs.iter().flat_map(|p| p.frames.iter().take(each).map(Vec::as_slice)).collect();
    crate::size::estimate(&frames, height, width).ok_or_else(|| StageError::Input {
        code: "engine.diameter-unknown",
        message: "the size of the neurons does not show in the film: give their diameter in pixels".into(),
    })
}

/// The grid for neurons of `diameter_px`: `bin`, or the largest block at which σ stays at least [`LEAST_GRID_SIGMA`].
pub fn grid_for([height, width]: [usize; 2], diameter_px: f32, bin: Option<u32>) -> Grid {
    let fitting = ((diameter_px / 2.36 / LEAST_GRID_SIGMA + 1e-4).floor() as usize).max(1);
    let bin = bin.map_or(fitting, |b| b.max(1) as usize).min((height.min(width) / 16).max(1));
    Grid {
        bin,
        height: height / bin,
        width: width / bin,
        frame_height: height,
        frame_width: width,
        top: 0,
        left: 0,
    }
}

/// Mean of the registered sample (grid), and the step that gives its noise enough codes and its range enough room.
fn offsets_and_step(
    sample: Vec<Vec<f32>>,
    shifts: &[Shift],
    registrar: &Registrar,
    grid: &Grid,
    piecewise: Option<(&Piecewise, &Warper)>,
) -> (Vec<f32>, f32) {
    let size = [grid.height, grid.width];
    let still = |shift: &Shift| shift.quality < registrar.least_quality();
    let displacement = |shift: &Shift| if still(shift) { [0.0, 0.0] } else { [shift.dy, shift.dx] };
    let mut registered: Vec<(Vec<f32>, [Range<usize>; 2])> = sample
        .par_iter()
        .zip(shifts)
        .map_init(
            || (Vec::new(), Line::default(), FieldWorkspace::default()),
            |(line, nodes, work), (frame, shift)| {
                let mut out = vec![0.0; frame.len()];
                let d = displacement(shift);
                let inside = match piecewise.filter(|_| !still(shift)) {
                    Some((piecewise, warper)) => {
                        let field = piecewise.field(frame, d, work);
                        warper.warp(frame, &field, nodes, &mut out);
                        warper.inside(&field)
                    }
                    None => {
                        warp(frame, size, d, line, &mut out);
                        [inside(size[0], d[0]), inside(size[1], d[1])]
                    }
                };
                (out, inside)
            },
        )
        .collect();
    let mean = registered_mean(&registered, size);
    for (frame, [rows, columns]) in &mut registered {
        fill_outside(frame, &mean, size[1], rows.clone(), columns.clone(), beyond(rows, columns));
    }
    let registered: Vec<Vec<f32>> = registered.into_iter().map(|(frame, _)| frame).collect();
    // Neighbouring frames differ by noise alone but for a few pixels that the median does not see.
    let noise: f32 = middle(
        registered
            .chunks_exact(2)
            .map(|pair| middle(pair[0].iter().zip(&pair[1]).map(|(a, b)| (a - b).abs())) * 1.4826 / std::f32::consts::SQRT_2),
    );
    let mut reach: Vec<f32> = (0..mean.len())
        .map(|p| registered.iter().map(|f| (f[p] - mean[p]).abs()).fold(0.0, f32::max))
        .collect();
    reach.sort_unstable_by(f32::total_cmp);
    let far = reach[(reach.len() - 1) * 999 / 1000];
    (mean, (noise / CODES_PER_NOISE).max(RANGE_MARGIN * far / 127.0).max(0.01))
}

fn registered_mean(registered: &[(Vec<f32>, [Range<usize>; 2])], size: [usize; 2]) -> Vec<f32> {
    let length = size[0] * size[1];
    let (mut sum, mut count) = (vec![0.0f64; length], vec![0u32; length]);
    for (frame, [rows, columns]) in registered {
        for y in rows.clone() {
            for x in columns.clone() {
                sum[y * size[1] + x] += f64::from(frame[y * size[1] + x]);
                count[y * size[1] + x] += 1;
            }
        }
    }
    let held = |p: usize| registered.iter().map(|(f, _)| f64::from(f[p])).sum::<f64>() / registered.len() as f64;
    (0..length)
        .map(|p| if count[p] > 0 { sum[p] / f64::from(count[p]) } else { held(p) } as f32)
        .collect()
}

/// Looks on the sample whether rigid displacements leave movement behind, and trains fields when they do.
///
/// One frame of each pair is enough: its neighbour has moved alike.
fn look_for_fields(
    binned: &[Vec<f32>],
    shifts: &[Shift],
    registrar: &Registrar,
    grid: &Grid,
    sigma: f32,
    params: &Parameters,
    ctx: &Context<'_>,
) -> Result<(Option<Piecewise>, SampleReport), StageError> {
    let b = grid.bin as f32;
    let threshold_px = params.piecewise_from_px;
    let size = [grid.height, grid.width];
    let good: Vec<usize> = (0..binned.len())
        .step_by(2)
        .filter(|i| shifts[*i].quality >= registrar.least_quality() && !shifts[*i].at_bound)
        .collect();
    let frames: Vec<&[f32]> = good.iter().map(|i| binned[*i].as_slice()).collect();
    let rigid: Vec<[f32; 2]> = good.iter().map(|i| [shifts[*i].dy, shifts[*i].dx]).collect();
    let mut report = SampleReport::default();
    report.piecewise.threshold_px = threshold_px;
    // A field needs blocks that hold more than a cell.
    let blocks_fit = size.iter().all(|n| *n as f32 >= LEAST_SIDE_SIGMA * sigma / b);
    if params.max_shift_px <= 0.0 || !blocks_fit || frames.is_empty() {
        report.piecewise.reason = if params.max_shift_px <= 0.0 {
            "registration is switched off"
        } else {
            "the frame is too small to be cut into blocks"
        }
        .to_owned();
        return Ok((None, report));
    }
    let departures = |sampled: &piecewise::Sampled| -> Vec<f32> { sampled.fields.iter().map(|f| b * piecewise::departure(f)).collect() };
    let share = |sampled: &piecewise::Sampled| {
        let own = b * sampled.error;
        let beyond = |d: &f32| d * d - own * own > threshold_px * threshold_px || threshold_px <= 0.0;
        let departures = departures(sampled);
        departures.iter().filter(|d| beyond(d)).count() as f32 / departures.len() as f32
    };
    let sharper = |sampled: &piecewise::Sampled| threshold_px <= 0.0 || sampled.crispness[2] > (1.0 + SHARPER_SHARE) * sampled.crispness[1];
    let go_on = |sampled: &piecewise::Sampled| share(sampled) > DEPARTING_SHARE && sharper(sampled);
    let sampled = piecewise::train(&frames, &rigid, size, (sigma / b, grid.bin), &go_on, ctx.cancelled);
    let Some(sampled) = sampled else {
        if (ctx.cancelled)() {
            return Err(StageError::Cancelled);
        }
        report.piecewise.reason = "there are too few frames to tell".to_owned();
        return Ok((None, report));
    };
    let departing_share = share(&sampled);
    let used = go_on(&sampled);
    let nodes = sampled.piecewise.lattice.nodes();
    let flow = |node: usize| {
        let squares = sampled
            .fields
            .iter()
            .zip(&rigid)
            .map(|(f, r)| (f[node][0] - r[0]).powi(2) + (f[node][1] - r[1]).powi(2));
        b * (squares.sum::<f32>() / sampled.fields.len() as f32).sqrt()
    };
    report = SampleReport {
        crispness: Crispness {
            recorded: sampled.crispness[0],
            rigid: sampled.crispness[1],
            piecewise: Some(sampled.crispness[2]),
        },
        piecewise: PiecewiseChoice {
            used,
            reason: format!(
                "{:.0} % of the frames looked at depart from rigid movement by more than {threshold_px} px, and fields change the sharpness of \
                 the average picture by {:+.1} %; blocks are registered from {:.0} % and {:+.1} %",
                100.0 * departing_share,
                100.0 * (sampled.crispness[2] / sampled.crispness[1].max(f32::MIN_POSITIVE) - 1.0),
                100.0 * DEPARTING_SHARE,
                100.0 * SHARPER_SHARE
            ),
            threshold_px,
            departing_share,
            departure_px: Spread::of(departures(&sampled).into_iter()),
            error_px: b * sampled.error,
        },
        angles: sampled.fields.iter().map(|f| sampled.piecewise.lattice.rotation(f)).collect(),
        lattice: Some(sampled.piecewise.lattice.raw(grid.bin)),
        flow_px: (0..nodes).map(flow).collect(),
    };
    Ok((used.then_some(sampled.piecewise), report))
}

/// Mean of the sample under one light.
fn lit_mean(pairs: &[Pair], light: Option<&Light>, length: usize) -> Vec<f32> {
    let Some(light) = light else {
        return mean_of(pairs.iter().flat_map(|p| &p.frames), length);
    };
    let mut sum = vec![0.0f64; length];
    for (frame, place) in pairs.iter().flat_map(|pair| pair.frames.iter().zip(pair.place..)) {
        let [factor, summand] = light.correction(place);
        sum.iter_mut()
            .zip(frame)
            .for_each(|(s, v)| *s += f64::from(f32::from(*v) * factor + summand));
    }
    let count = (2 * pairs.len()).max(1) as f64;
    sum.into_iter().map(|s| (s / count) as f32).collect()
}

fn mean_of<'a>(frames: impl Iterator<Item = &'a Vec<u8>>, length: usize) -> Vec<f32> {
    let (mut sum, mut count) = (vec![0u32; length], 0u32);
    for frame in frames {
        sum.iter_mut().zip(frame).for_each(|(s, v)| *s += u32::from(*v));
        count += 1;
    }
    sum.into_iter().map(|s| s as f32 / count.max(1) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_over_the_run_and_leave_room_for_the_second_frame() {
        assert_eq!(places(0, 100), [0usize; 0]);
        assert_eq!(places(1, 100), [0]);
        assert_eq!(places(2, 100), [0]);
        assert_eq!(places(7, 100), [1, 3, 5]);
        let many = places(36_000, 100);
        assert_eq!((many.len(), many[0], many[99]), (100, 180, 35_820));
    }

    #[test]
    fn the_largest_block_that_leaves_a_neuron_wide_enough_is_chosen() {
        let grid = |diameter, bin| grid_for([228, 304], diameter, bin);
        assert_eq!(grid(5.8, None).bin, 1);
        assert_eq!(grid(6.0, None).bin, 2);
        assert_eq!(
            grid(12.8, None),
            Grid {
                bin: 4,
                height: 57,
                width: 76,
                frame_height: 228,
                frame_width: 304,
                top: 0,
                left: 0,
            }
        );
        assert_eq!(grid(12.8, Some(1)).bin, 1);
        assert_eq!(grid_for([40, 60], 20.0, None).bin, 2);
    }
}
