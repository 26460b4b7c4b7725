//! The registered film as the later stages read it: groups of frames averaged, the mean taken off, pixel after pixel (all moments of a pixel
//! lie side by side), streamed in blocks from the 8-bit cache or window by window at a low rate for the seed search.

use std::ops::Range;

use rayon::prelude::*;

use crate::cache::Window;
use crate::simd::dispatch;
use crate::types::{Context, Registered, StageError, flag};

/// Groups handled at a time: bounds the memory of a streaming pass (`pixels × 128` floats).
pub const BLOCK: usize = 128;
/// Frames read from the cache at a time.
const READ: usize = 512;
/// Groups in one unbroken stretch where some stand for a whole film.
const STRETCH: usize = 64;

/// Which frames are averaged into which group. Masked frames belong to none.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
pub struct Groups {
    /// Frame numbers of each group, ascending; `members[starts[g]..starts[g + 1]]`.
    members: Vec<u32>,
    starts: Vec<usize>,
    /// True where the group follows the one before it without a gap that matters for time differences.
    pub joined: Vec<bool>,
}

impl Groups {
    /// Every frame a group of its own, masked ones too: what traces are computed on.
    pub fn every_frame(frames: usize) -> Self {
        Self {
            members: (0..frames as u32).collect(),
            starts: (0..=frames).collect(),
            joined: (0..frames).map(|g| g > 0).collect(),
        }
    }

    /// Groups of `size` consecutive valid frames; what is left at the end belongs to none.
    pub fn valid(flags: &[u32], size: usize) -> Self {
        let size = size.max(1);
        let mut members: Vec<u32> = (0..flags.len() as u32).filter(|t| flags[*t as usize] & flag::MASKED == 0).collect();
        let total = members.len() / size;
        members.truncate(total * size);
        Self {
            members,
            starts: (0..=total).map(|g| g * size).collect(),
            joined: (0..total).map(|g| g > 0).collect(),
        }
    }

    /// Some of the groups, by ascending number.
    pub fn select(&self, numbers: &[u32]) -> Self {
        let mut out = Self {
            members: Vec::new(),
            starts: vec![0],
            joined: Vec::with_capacity(numbers.len()),
        };
        for (i, g) in numbers.iter().enumerate() {
            out.members.extend_from_slice(self.frames(*g as usize));
            out.starts.push(out.members.len());
            out.joined.push(i > 0 && numbers[i - 1] + 1 == *g && self.joined[*g as usize]);
        }
        out
    }

    /// Numbers of at most `limit` groups: all, or unbroken stretches spread evenly over the film.
    pub fn evenly(&self, limit: usize) -> Vec<u32> {
        let total = self.len();
        let stretches = total.div_ceil(STRETCH).max(1);
        let wanted = (limit / STRETCH).max(1);
        (0..total as u32)
            .filter(|g| {
                let s = *g as usize / STRETCH;
                // A stretch is kept when it is the first of its share.
                total <= limit || (s + 1) * wanted / stretches != s * wanted / stretches
            })
            .collect()
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.joined.len()
    }

    /// True where no frame is usable.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty()
    }

    /// Frames of a group.
    pub fn frames(&self, group: usize) -> &[u32] {
        &self.members[self.starts[group]..self.starts[group + 1]]
    }

    /// From the first frame of any group to the last; `None` without groups.
    pub fn range(&self) -> Option<Range<usize>> {
        let (first, last) = (self.members.first()?, self.members.last()?);
        Some(*first as usize..*last as usize + 1)
    }

    /// A trace of all frames averaged in the same way.
    pub fn average(&self, trace: &[f32]) -> Vec<f32> {
        self.average_from(0, trace)
    }

    /// The same of a trace that begins with frame `start`.
    pub fn average_from(&self, start: usize, trace: &[f32]) -> Vec<f32> {
        (0..self.len())
            .map(|g| {
                let f = self.frames(g);
                f.iter().map(|t| trace[*t as usize - start]).sum::<f32>() / f.len() as f32
            })
            .collect()
    }

    /// A trace of groups at the frames of each group, zero at all other frames.
    pub fn hold(&self, values: &[f32], frames: usize) -> Vec<f32> {
        let mut out = vec![0.0; frames];
        for (g, v) in values.iter().enumerate() {
            self.frames(g).iter().for_each(|t| out[*t as usize] = *v);
        }
        out
    }

    /// A trace of groups spread over all frames: linear between the groups' centres, constant beyond the ends.
    pub fn spread(&self, values: &[f32], frames: usize) -> Vec<f32> {
        let centre = |g: usize| {
            let f = self.frames(g);
            f.iter().map(|t| f64::from(*t)).sum::<f64>() / f.len() as f64
        };
        let mut out = Vec::with_capacity(frames);
        if self.is_empty() {
            return vec![0.0; frames];
        }
        let mut g = 0;
        for t in 0..frames {
            while g + 1 < self.len() && centre(g + 1) <= t as f64 {
                g += 1;
            }
            let here = centre(g);
            out.push(if t as f64 <= here || g + 1 == self.len() {
                values[g]
            } else {
                let part = ((t as f64 - here) / (centre(g + 1) - here)) as f32;
                values[g] + part * (values[g + 1] - values[g])
            });
        }
        out
    }
}

/// One block of groups, pixel-major: `values[p · count + i]` is pixel `p` at group `first + i`, grey levels minus the pixel's mean.
pub struct Block {
    /// Number of the block's first group.
    pub first: usize,
    /// Groups in the block.
    pub count: usize,
    /// `pixels × count` values.
    pub values: Vec<f32>,
}

impl Block {
    /// All moments of one pixel.
    pub fn pixel(&self, p: usize) -> &[f32] {
        &self.values[p * self.count..][..self.count]
    }
}

/// Rows of the grid one worker reads at a time in a pass over all of it.
const BAND: usize = 16;

/// Rows `top …` of the grid as windows of [`BAND`] rows.
fn band(film: &Registered, i: usize) -> Window {
    let top = i * BAND;
    Window {
        top,
        left: 0,
        height: BAND.min(film.grid.height - top),
        width: film.grid.width,
    }
}

/// Mean code of each pixel over the frames of `groups` (exact integer sums).
///
/// # Errors
/// Cancelled, or the cache cannot be read.
pub fn mean_codes(film: &Registered, groups: &Groups, ctx: &Context) -> Result<Vec<f32>, StageError> {
    let mut used = vec![0u8; film.cache.frames()];
    groups.members.iter().for_each(|t| used[*t as usize] = 1);
    let mut sums = vec![0u64; film.grid.height * film.grid.width];
    sums.par_chunks_mut(BAND * film.grid.width)
        .enumerate()
        .try_for_each_init(Vec::new, |codes, (i, sums)| {
            for first in (0..used.len()).step_by(READ) {
                let end = (first + READ).min(used.len());
                if !used[first..end].contains(&1) {
                    continue;
                }
                check(ctx)?;
                film.cache.read_window(band(film, i), first..end, codes)?;
                for (sum, row) in sums.iter_mut().zip(codes.chunks_exact(end - first)) {
                    *sum += u64::from(sum_codes(row, &used[first..end]));
                }
            }
            Ok::<(), StageError>(())
        })?;
    let n = groups.members.len().max(1) as f64;
    Ok(sums.into_iter().map(|s| (s as f64 / n) as f32).collect())
}

dispatch! {
    fn sum_codes(codes: &[u8], used: &[u8]) -> u32 = sum_codes_body
}

#[inline(always)]
fn sum_codes_body(codes: &[u8], used: &[u8]) -> u32 {
    codes.iter().zip(used).map(|(q, u)| u32::from(q * u)).sum()
}

/// Averages of the groups `range` over a window, each pixel minus its mean code, in grey levels: pixel `p` of the window at group
/// `range.start + i` goes to `out[p · stride + i]`. `mean` is of the whole grid.
///
/// # Errors
/// The cache cannot be read.
pub fn averages(
    film: &Registered,
    groups: &Groups,
    range: Range<usize>,
    window: Window,
    mean: &[f32],
    (out, stride): (&mut [f32], usize),
    codes: &mut Vec<u8>,
) -> Result<(), StageError> {
    let step = film.cache.step();
    let mut g = range.start;
    while g < range.end {
        // As many whole groups as fit into one read, at least one.
        let from = groups.frames(g)[0];
        let mut end = g + 1;
        while end < range.end && groups.frames(end).last().is_some_and(|t| ((t - from) as usize) < READ) {
            end += 1;
        }
        let members = &groups.members[groups.starts[g]..groups.starts[end]];
        let to = members[members.len() - 1];
        let n = (to - from) as usize + 1;
        film.cache.read_window(window, from as usize..to as usize + 1, codes)?;
        let size = members.len() / (end - g);
        // Groups of one size (all are, but where a caller made others) without a masked frame between: the usual case.
        let plain = n == members.len() && (g..end).all(|i| groups.frames(i).len() == size);
        for (p, row) in codes.chunks_exact(n).enumerate() {
            let (y, x) = (window.top + p / window.width, window.left + p % window.width);
            let mean = mean[y * film.grid.width + x];
            let out = &mut out[p * stride + g - range.start..][..end - g];
            if plain {
                average_plain(row, size, mean, step, out);
            } else {
                for (i, out) in (g..end).zip(out) {
                    let f = groups.frames(i);
                    let sum: u32 = f.iter().map(|t| u32::from(row[(t - from) as usize])).sum();
                    *out = (sum as f32 * (1.0 / f.len() as f32) - mean) * step;
                }
            }
        }
        g = end;
    }
    Ok(())
}

dispatch! {
    fn average_plain(row: &[u8], size: usize, mean: f32, step: f32, out: &mut [f32]) = average_plain_body
}

#[inline(always)]
fn average_plain_body(row: &[u8], size: usize, mean: f32, step: f32, out: &mut [f32]) {
    let share = 1.0 / size as f32;
    let value = |sum: u32| (sum as f32 * share - mean) * step;
    match size {
        1 => out.iter_mut().zip(row).for_each(|(o, q)| *o = value(u32::from(*q))),
        2 => out
            .iter_mut()
            .zip(row.chunks_exact(2))
            .for_each(|(o, q)| *o = value(u32::from(q[0]) + u32::from(q[1]))),
        3 => out
            .iter_mut()
            .zip(row.chunks_exact(3))
            .for_each(|(o, q)| *o = value(u32::from(q[0]) + u32::from(q[1]) + u32::from(q[2]))),
        4 => out
            .iter_mut()
            .zip(row.chunks_exact(4))
            .for_each(|(o, q)| *o = value(u32::from(q[0]) + u32::from(q[1]) + u32::from(q[2]) + u32::from(q[3]))),
        _ => out
            .iter_mut()
            .zip(row.chunks_exact(size))
            .for_each(|(o, q)| *o = value(q.iter().map(|q| u32::from(*q)).sum())),
    }
}

/// Streams the film in blocks of at most 128 groups, each pixel minus its mean code `mean` (see [`mean_codes`]), in grey levels.
///
/// # Errors
/// Cancelled, the cache cannot be read, or what `each` returns.
pub fn for_blocks(
    film: &Registered,
    groups: &Groups,
    mean: &[f32],
    ctx: &Context,
    mut each: impl FnMut(&Block) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let mut block = Block {
        first: 0,
        count: 0,
        values: Vec::new(),
    };
    for first in (0..groups.len()).step_by(BLOCK) {
        let count = BLOCK.min(groups.len() - first);
        (block.first, block.count) = (first, count);
        block.values.resize(mean.len() * count, 0.0);
        block
            .values
            .par_chunks_mut(BAND * film.grid.width * count)
            .enumerate()
            .try_for_each_init(Vec::new, |codes, (i, values)| {
                check(ctx)?;
                averages(film, groups, first..first + count, band(film, i), mean, (values, count), codes)
            })?;
        each(&block)?;
    }
    Ok(())
}

/// The film at a low rate: what the seed search works on. Nothing of it is held but the mean; windows are read from the cache.
#[derive(Default)]
pub struct SlowMovie {
    /// Which frames each moment averages.
    pub groups: Groups,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    mean: Vec<f32>,
}

impl SlowMovie {
    /// The film at about 7 Hz (5 … 10).
    ///
    /// # Errors
    /// Cancelled, or the cache cannot be read.
    pub fn of(film: &Registered, ctx: &Context) -> Result<Self, StageError> {
        let size = ((film.fps / 7.0).round() as usize).clamp(1, 64);
        let groups = Groups::valid(&film.flags, size);
        let mean = mean_codes(film, &groups, ctx)?;
        Ok(Self {
            groups,
            height: film.grid.height,
            width: film.grid.width,
            mean,
        })
    }

    /// Mean code of each pixel over all moments.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Moments.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True where no moment exists.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// A window at some of the moments ([`Groups::select`] of [`SlowMovie::groups`]), pixel-major (`height × width × T`), grey levels minus the
    /// pixel's mean over all moments; into `out`.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub fn window(&self, film: &Registered, window: Window, moments: &Groups, out: &mut Vec<f32>) -> Result<(), StageError> {
        let t = moments.len();
        out.resize(window.pixels() * t, 0.0);
        averages(film, moments, 0..t, window, &self.mean, (out, t), &mut Vec::new())
    }
}

/// # Errors
/// [`StageError::Cancelled`] when the run must stop.
pub fn check(ctx: &Context) -> Result<(), StageError> {
    if (ctx.cancelled)() { Err(StageError::Cancelled) } else { Ok(()) }
}
