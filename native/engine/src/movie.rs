//! The registered film as the later stages read it: groups of frames averaged, the mean taken off, pixel after pixel (all moments of a pixel
//! lie side by side), streamed in blocks from the 8-bit cache or held whole at a low rate for the seed search.

use rayon::prelude::*;

use crate::types::{Context, Registered, StageError, flag};

/// Groups handled at a time: bounds the memory of a streaming pass (`pixels × 128` floats).
pub const BLOCK: usize = 128;
/// Frames read from the cache at a time.
const READ: usize = 64;
/// Groups in one unbroken stretch where a film is too long to be held whole.
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

    /// Groups of `size` consecutive valid frames; at most `limit` groups, in stretches spread evenly over the film where there would be more.
    pub fn valid(flags: &[u32], size: usize, limit: usize) -> Self {
        let good: Vec<u32> = (0..flags.len() as u32).filter(|t| flags[*t as usize] & flag::MASKED == 0).collect();
        let size = size.max(1);
        let total = good.len() / size;
        let stretches = total.div_ceil(STRETCH).max(1);
        let wanted = (limit / STRETCH).max(1);
        let mut groups = Self {
            members: Vec::new(),
            starts: vec![0],
            joined: Vec::new(),
        };
        let mut last = None;
        for s in 0..stretches {
            // Keep `wanted` of `stretches`, evenly: a stretch is kept when it is the first of its share.
            if total > limit && (s + 1) * wanted / stretches == s * wanted / stretches {
                continue;
            }
            for g in s * STRETCH..((s + 1) * STRETCH).min(total) {
                groups.members.extend_from_slice(&good[g * size..(g + 1) * size]);
                groups.starts.push(groups.members.len());
                groups.joined.push(last.is_some_and(|l| l + 1 == g));
                last = Some(g);
            }
        }
        groups
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

    /// A trace of all frames averaged in the same way.
    pub fn average(&self, trace: &[f32]) -> Vec<f32> {
        (0..self.len())
            .map(|g| {
                let f = self.frames(g);
                f.iter().map(|t| trace[*t as usize]).sum::<f32>() / f.len() as f32
            })
            .collect()
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

/// Mean code of each pixel over the frames of `groups` (exact integer sums).
///
/// # Errors
/// Cancelled, or the cache cannot be read.
pub fn mean_codes(film: &Registered, groups: &Groups, ctx: &Context) -> Result<Vec<f32>, StageError> {
    let pixels = film.grid.height * film.grid.width;
    let mut sums = vec![0u64; pixels];
    let mut used = vec![false; film.cache.frames()];
    groups.members.iter().for_each(|t| used[*t as usize] = true);
    let mut codes = Vec::new();
    for first in (0..used.len()).step_by(READ) {
        let count = READ.min(used.len() - first);
        if !used[first..first + count].contains(&true) {
            continue;
        }
        check(ctx)?;
        film.cache.read_block(first, count, &mut codes)?;
        sums.par_chunks_mut(4096).enumerate().for_each(|(c, sums)| {
            for i in (0..count).filter(|i| used[first + i]) {
                let row = &codes[i * pixels + c * 4096..];
                sums.iter_mut().zip(row).for_each(|(s, q)| *s += u64::from(*q));
            }
        });
    }
    let n = groups.members.len().max(1) as f64;
    Ok(sums.into_iter().map(|s| (s as f64 / n) as f32).collect())
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
    let pixels = mean.len();
    let step = film.cache.step();
    let mut codes = Vec::new();
    let mut block = Block {
        first: 0,
        count: 0,
        values: Vec::new(),
    };
    for first in (0..groups.len()).step_by(BLOCK) {
        let count = BLOCK.min(groups.len() - first);
        block.first = first;
        block.count = count;
        block.values.clear();
        block.values.resize(pixels * count, 0.0);
        let mut g = first;
        while g < first + count {
            check(ctx)?;
            // As many whole groups as fit into one read, at least one.
            let from = groups.frames(g)[0] as usize;
            let mut end = g + 1;
            while end < first + count && groups.frames(end).last().is_some_and(|t| *t as usize - from < READ) {
                end += 1;
            }
            let to = groups.frames(end - 1).last().map_or(from, |t| *t as usize);
            film.cache.read_block(from, to - from + 1, &mut codes)?;
            let codes = &codes;
            block.values.par_chunks_mut(64 * count).enumerate().for_each(|(c, values)| {
                for i in g..end {
                    for t in groups.frames(i) {
                        let row = &codes[(*t as usize - from) * pixels + c * 64..];
                        for (pixel, q) in values.chunks_exact_mut(count).zip(row) {
                            pixel[i - first] += f32::from(*q);
                        }
                    }
                }
            });
            g = end;
        }
        let inverse: Vec<f32> = (first..first + count).map(|g| 1.0 / groups.frames(g).len() as f32).collect();
        block.values.par_chunks_mut(count).zip(mean).for_each(|(pixel, mean)| {
            pixel.iter_mut().zip(&inverse).for_each(|(v, n)| *v = (*v * n - mean) * step);
        });
        each(&block)?;
    }
    Ok(())
}

/// The film at a low rate, held whole: 16 bit a value, pixel-major, mean taken off. What the seed search works on.
#[derive(Default)]
pub struct SlowMovie {
    /// Which frames each moment averages.
    pub groups: Groups,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    scale: f32,
    values: Vec<i16>,
}

impl SlowMovie {
    /// The slow film of a run with the context's memory budget: what the stage `seeds` searches, and later searches on the residual use.
    ///
    /// # Errors
    /// As [`SlowMovie::read`].
    pub fn of(film: &Registered, ctx: &Context) -> Result<Self, StageError> {
        Self::read(film, ctx.memory_bytes / 3, ctx)
    }

    /// Reads the film at about 7 Hz (5 … 10), or more slowly spread stretches of it where `limit_bytes` would be exceeded.
    ///
    /// # Errors
    /// Cancelled, or the cache cannot be read.
    pub fn read(film: &Registered, limit_bytes: u64, ctx: &Context) -> Result<Self, StageError> {
        let pixels = film.grid.height * film.grid.width;
        let size = ((film.fps / 7.0).round() as usize).clamp(1, 64);
        let limit = ((limit_bytes / 2) as usize / pixels.max(1)).max(4 * STRETCH);
        let groups = Groups::valid(&film.flags, size, limit);
        let mean = mean_codes(film, &groups, ctx)?;
        let t = groups.len();
        let scale = film.cache.step() / 64.0;
        let mut values = vec![0i16; pixels * t];
        for_blocks(film, &groups, &mean, ctx, |block| {
            values.par_chunks_mut(t.max(1)).enumerate().for_each(|(p, row)| {
                for (out, v) in row[block.first..].iter_mut().zip(block.pixel(p)) {
                    *out = (v / scale).round() as i16;
                }
            });
            (ctx.progress)(
                0.5 * (block.first + block.count) as f32 / t as f32,
                (block.first + block.count) as u64,
            );
            Ok(())
        })?;
        Ok(Self {
            groups,
            height: film.grid.height,
            width: film.grid.width,
            scale,
            values,
        })
    }

    /// Moments.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True where no moment exists.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// A window of the film as floats, pixel-major (`height × width × T`).
    pub fn window(&self, top: usize, left: usize, height: usize, width: usize) -> Vec<f32> {
        let t = self.len();
        let mut out = Vec::with_capacity(height * width * t);
        for y in top..top + height {
            for x in left..left + width {
                out.extend(
                    self.values[(y * self.width + x) * t..][..t]
                        .iter()
                        .map(|v| f32::from(*v) * self.scale),
                );
            }
        }
        out
    }

    /// Replaces the values of one pixel (residuals); `values` has `T` entries in grey levels.
    pub fn replace(&mut self, moment: usize, frame: &[f32]) {
        let t = self.len();
        let scale = self.scale;
        for (p, v) in frame.iter().enumerate() {
            self.values[p * t + moment] = (v / scale).round().clamp(-32768.0, 32767.0) as i16;
        }
    }
}

/// # Errors
/// [`StageError::Cancelled`] when the run must stop.
pub fn check(ctx: &Context) -> Result<(), StageError> {
    if (ctx.cancelled)() { Err(StageError::Cancelled) } else { Ok(()) }
}
