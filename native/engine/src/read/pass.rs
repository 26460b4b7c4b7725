//! The one pass over the film: each block of frames is checked, binned, registered, warped and stored, and adds to the statistics.
//!
//! Two blocks are in memory: the light of a frame is judged with those after it, so a block is settled when the next has been measured.
//! Work inside a block is spread over the threads; decisions and sums go in frame order, so the threads do not show in the result.

use std::ops::ControlFlow;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::crop::Crop;
use super::input::Part;
use super::pixels::{bin, correct};
use super::rows::RowWork;
use super::sample::Learnt;
use super::statistics::{Moved, RawStatistics};
use crate::cache::TileCache;
use crate::mask::{Boundary, FrameCheck};
use crate::motion::lattice::{Line, Warper};
use crate::motion::piecewise::{Field, FieldWorkspace, Piecewise};
use crate::motion::warp::{beyond, fill_outside, inside, warp};
use crate::motion::{Shift, Workspace};
use crate::preview::{Preview, Shrink};
use crate::types::{Context, StageError, flag};

/// Frames of a block: it bounds the memory and how long a cancel waits; the last bits of the statistics hang on it.
pub const BLOCK: usize = 64;

/// What the pass has gathered.
pub struct Pass<'a> {
    learnt: &'a Learnt,
    crop: Crop,
    ctx: &'a Context<'a>,
    total: usize,
    progress_from: f32,
    /// The cache, filled in frame order.
    pub cache: TileCache,
    /// Raw-grid statistics of the frames that are not masked.
    pub statistics: RawStatistics,
    /// Flags so far, those of the times included.
    pub flags: Vec<u32>,
    /// Displacements so far, raw px.
    pub motion: Vec<[f32; 2]>,
    /// Fields so far, raw px at the nodes of the lattice, where they are used.
    pub fields: Vec<Field>,
    /// Qualities so far.
    pub quality: Vec<f32>,
    /// Border in grid px (top, bottom, left, right).
    pub border: [usize; 4],
    /// Grid pixels of each frame (the same order) that it does not show.
    pub unseen: Vec<[u16; 4]>,
    /// SHA-256 of the decoded pixels of each recording taken, hexadecimal.
    pub digests: Vec<String>,
}

/// Frames on their way through the pass.
#[derive(Default)]
struct Block {
    /// Number of its first frame in the part.
    first: usize,
    readable: Vec<bool>,
    raw: Vec<u8>,
    binned: Vec<f32>,
    measured: Vec<Measured>,
}

/// What is measured on a frame by itself.
struct Measured {
    check: FrameCheck,
    shift: Shift,
    /// Grid px; none where fields are not used or the shift is not to be believed.
    field: Option<Field>,
}

impl<'a> Pass<'a> {
    /// An empty pass over `total` frames; `time_flags` are the flags the times gave. Progress runs from `progress_from` to 1.
    pub fn new(learnt: &'a Learnt, crop: Crop, cache: TileCache, time_flags: Vec<u32>, progress_from: f32, ctx: &'a Context<'a>) -> Self {
        let size = [learnt.grid.frame_height, learnt.grid.frame_width];
        Self {
            learnt,
            crop,
            ctx,
            total: time_flags.len(),
            progress_from,
            cache,
            statistics: RawStatistics::new(
                size,
                &learnt.raw_mean,
                learnt.raw_lattice().map(|lattice| Warper::new(size, &lattice)),
            ),
            flags: time_flags,
            motion: Vec::new(),
            fields: Vec::new(),
            quality: Vec::new(),
            border: [0; 4],
            unseen: Vec::new(),
            digests: Vec::new(),
        }
    }

    /// Takes one recording, from its first used frame to its last. Frames that a film fails to give count as unreadable.
    ///
    /// # Errors
    /// As `Source::stream`, [`StageError::Cancelled`], [`StageError::Io`] of the cache.
    pub fn take(&mut self, part: &Part) -> Result<(), StageError> {
        let mut run = PartRun {
            start: self.motion.len(),
            stored: Vec::new(),
            light: Vec::with_capacity(part.frames()),
            last_frame: Vec::new(),
            last_shift: None,
            last_field: None,
            pending: None,
        };
        let mut block = Block::default();
        let mut failure = None;
        let mut digest = Sha256::new();
        part.source.stream(part.range.clone(), &mut |_, readable, pixels| {
            // The whole frame names the input, whatever is cropped.
            digest.update(pixels);
            match self.accept(&mut run, &mut block, readable, pixels) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        self.digests.push(crate::output::hex(&digest.finalize()));
        if let Some(error) = failure {
            return Err(error);
        }
        while block.first + block.readable.len() < part.frames() {
            let blank = match run.stored.len() {
                0 => vec![0; self.crop.frame[0] * self.crop.frame[1]],
                _ => run.stored.clone(),
            };
            self.accept(&mut run, &mut block, false, &blank)?;
        }
        if !block.readable.is_empty() {
            self.measured(&mut run, std::mem::take(&mut block))?;
        }
        match run.pending.take() {
            Some(last) => self.settle(&mut run, &last),
            None => Ok(()),
        }
    }

    fn accept(&mut self, run: &mut PartRun, block: &mut Block, readable: bool, pixels: &[u8]) -> Result<(), StageError> {
        if (self.ctx.cancelled)() {
            return Err(StageError::Cancelled);
        }
        let at = block.raw.len();
        self.crop.append(pixels, &mut block.raw);
        run.stored.clear();
        run.stored.extend_from_slice(pixels);
        self.learnt.stuck.repair(&mut block.raw[at..]);
        block.readable.push(readable);
        if block.readable.len() < BLOCK {
            return Ok(());
        }
        let next = Block {
            first: block.first + BLOCK,
            ..Block::default()
        };
        self.measured(run, std::mem::replace(block, next))
    }

    /// Measures a full block and settles the one before it.
    fn measured(&mut self, run: &mut PartRun, mut block: Block) -> Result<(), StageError> {
        self.measure(run, &mut block);
        if let Some(before) = run.pending.take() {
            self.settle(run, &before)?;
        }
        run.pending = Some(block);
        Ok(())
    }

    /// Checks, bins and registers the frames of a block side by side.
    fn measure(&self, run: &mut PartRun, block: &mut Block) {
        let Learnt {
            grid,
            usual,
            registrar,
            piecewise,
            light,
            rows: row_noise,
            ..
        } = self.learnt;
        let length = grid.frame_height * grid.frame_width;
        let small = grid.height * grid.width;
        let place = run.start + block.first;
        let Block {
            readable,
            raw,
            binned,
            measured,
            ..
        } = block;
        binned.resize(readable.len() * small, 0.0);
        let frame = |i: usize| &raw[i * length..(i + 1) * length];
        let last = &run.last_frame;
        binned
            .par_chunks_exact_mut(small)
            .enumerate()
            .map_init(
                || (registrar.workspace(), Vec::new(), FieldWorkspace::default(), RowWork::default()),
                |(work, rows, field, row_work): &mut (Workspace, Vec<Boundary>, FieldWorkspace, RowWork), (i, out)| {
                    let before = if i > 0 {
                        Some(frame(i - 1))
                    } else {
                        (!last.is_empty()).then_some(last.as_slice())
                    };
                    let check = usual.check(frame(i), before, grid.frame_width, rows);
                    bin(frame(i), grid, out);
                    if let Some(light) = light {
                        correct(out, light.correction(place + i));
                    }
                    if let Some(row_noise) = row_noise {
                        row_noise.remove(out, row_work);
                    }
                    let shift = registrar.shift(out, work);
                    let field = piecewise
                        .as_ref()
                        .filter(|_| shift.quality >= registrar.least_quality())
                        .map(|piecewise| piecewise.field(out, [shift.dy, shift.dx], field));
                    Measured { check, shift, field }
                },
            )
            .collect_into_vec(measured);
        run.light.extend(measured.iter().map(|m| m.check.mean));
        run.last_frame.clear();
        run.last_frame.extend_from_slice(&raw[raw.len() - length..]);
    }

    /// Decides on flags and displacements in frame order, then warps and stores the block.
    fn settle(&mut self, run: &mut PartRun, block: &Block) -> Result<(), StageError> {
        let first = self.motion.len();
        for (i, measured) in block.measured.iter().enumerate() {
            self.decide(run, block.first + i, block.readable[i], measured);
        }
        self.store(block, first)?;
        let done = self.motion.len();
        let share = done as f32 / self.total.max(1) as f32;
        (self.ctx.progress)(self.progress_from + (1.0 - self.progress_from) * share, done as u64);
        (self.ctx.preview)(&|| self.preview());
        Ok(())
    }

    /// Mean, standard deviation and maximum of the registered frames so far.
    fn preview(&self) -> Preview {
        let images = self.statistics.finish();
        Preview {
            frames: self.motion.len() as u64,
            size: [self.learnt.grid.frame_height, self.learnt.grid.frame_width],
            pictures: vec![
                ("mean", images.mean, Shrink::Mean),
                ("std", images.std, Shrink::Mean),
                ("max", images.max, Shrink::Max),
            ],
        }
    }

    fn decide(&mut self, run: &mut PartRun, frame: usize, readable: bool, measured: &Measured) {
        let Learnt {
            usual,
            registrar,
            grid,
            piecewise,
            ..
        } = self.learnt;
        let Measured { check, shift, field } = measured;
        let mut flags = if readable { usual.flags(check) } else { flag::UNREADABLE };
        if readable && usual.light_jump(&run.light, frame) {
            flags |= flag::BRIGHTNESS;
        }
        let b = grid.bin as f32;
        let quality = shift.quality.clamp(0.0, 1.0);
        let (displacement, field) = match run.last_shift {
            // The same pixels lie where they lay.
            Some(last) if flags & (flag::REPEATED | flag::UNREADABLE) != 0 => (last, run.last_field.take()),
            last if quality < registrar.least_quality() => {
                flags |= flag::MOTION_UNSURE;
                (last.unwrap_or([0.0, 0.0]), run.last_field.take())
            }
            _ => {
                flags |= if shift.at_bound { flag::MOTION_BOUND } else { 0 };
                let rigid = [shift.dy * b, shift.dx * b];
                let mean =
                    |(piecewise, field): (&Piecewise, &Field)| piecewise.lattice.mean(field, [grid.height, grid.width]).map(|d| d * b);
                (piecewise.as_ref().zip(field.as_ref()).map_or(rigid, mean), field.clone())
            }
        };
        run.last_shift = Some(displacement);
        if let Some(piecewise) = piecewise {
            let field = field.unwrap_or_else(|| vec![displacement.map(|d| d / b); piecewise.lattice.nodes()]);
            self.fields.push(field.iter().map(|d| d.map(|v| v * b)).collect());
            run.last_field = Some(field);
        }
        self.flags[self.motion.len()] |= flags;
        self.motion.push(displacement);
        self.quality.push(quality);
        let [rows, columns] = match (&self.learnt.grid_warper, &run.last_field) {
            (Some(warper), Some(field)) => warper.inside(field),
            _ => [inside(grid.height, displacement[0] / b), inside(grid.width, displacement[1] / b)],
        };
        let out = [rows.start, grid.height - rows.end, columns.start, grid.width - columns.end];
        // The first line outside is as good as seen (`fill_outside`).
        self.unseen.push(out.map(|n| n.saturating_sub(1).min(u16::MAX.into()) as u16));
        if flags & (flag::MASKED | flag::MOTION_UNSURE | flag::MOTION_BOUND) == 0 {
            self.border
                .iter_mut()
                .zip(out)
                .for_each(|(border, out)| *border = (*border).max(out));
        }
    }

    /// Warps the block's frames from `first` on into the cache, and adds the good ones to the statistics.
    fn store(&mut self, block: &Block, first: usize) -> Result<(), StageError> {
        let grid = &self.learnt.grid;
        let (size, b) = ([grid.height, grid.width], grid.bin as f32);
        let small = size[0] * size[1];
        let mean = &self.learnt.grid_mean;
        let (motion, flags, cache) = (&self.motion[first..], &self.flags[first..], &self.cache);
        let field_of = |i: usize| self.fields.get(first + i);
        let warper = self.learnt.grid_warper.as_ref();
        let mut codes = vec![0u8; block.readable.len() * small];
        let clipped: Vec<u64> = codes
            .par_chunks_exact_mut(small)
            .zip(block.binned.par_chunks_exact(small))
            .zip(motion)
            .enumerate()
            .map_init(
                || (Vec::new(), Line::default(), vec![0.0; small]),
                |(line, nodes, registered), (i, ((codes, frame), d))| {
                    let d = [d[0] / b, d[1] / b];
                    if let Some((warper, field)) = warper.zip(field_of(i)) {
                        let field: Field = field.iter().map(|d| d.map(|v| v / b)).collect();
                        warper.warp(frame, &field, nodes, registered);
                        let [rows, columns] = warper.inside(&field);
                        fill_outside(registered, mean, size[1], rows, columns, |y, x| warper.outside(&field, y, x));
                    } else {
                        warp(frame, size, d, line, registered);
                        let (rows, columns) = (inside(size[0], d[0]), inside(size[1], d[1]));
                        fill_outside(registered, mean, size[1], rows.clone(), columns.clone(), beyond(&rows, &columns));
                    }
                    cache.quantise(registered, codes)
                },
            )
            .collect::<Result<_, _>>()?;
        let length = grid.frame_height * grid.frame_width;
        let light = |i: usize| self.learnt.light.as_ref().map_or([1.0, 0.0], |light| light.correction(first + i));
        let good: Vec<Moved<'_>> = block
            .raw
            .chunks_exact(length)
            .zip(motion)
            .zip(flags)
            .enumerate()
            .filter(|(_, (_, flags))| *flags & flag::MASKED == 0)
            .map(|(i, ((pixels, displacement), _))| Moved {
                pixels,
                displacement: *displacement,
                field: field_of(i).map(Vec::as_slice),
                light: light(i),
            })
            .collect();
        self.statistics.add_block(&good);
        let masked: Vec<bool> = flags.iter().map(|f| f & flag::MASKED != 0).collect();
        for ((codes, clipped), masked) in codes.chunks_exact(small).zip(clipped).zip(masked) {
            // A faulty frame may leave the codes' range without being a loss.
            self.cache.push_codes(codes, if masked { 0 } else { clipped })?;
        }
        Ok(())
    }
}

/// State of the pass inside one recording.
struct PartRun {
    /// Number in the run of its first frame.
    start: usize,
    /// Last frame handed over, as it is stored; empty before the first.
    stored: Vec<u8>,
    /// Mean grey level of every frame measured so far.
    light: Vec<f32>,
    /// Pixels of the last frame measured; empty before the first.
    last_frame: Vec<u8>,
    /// Displacement of the last frame settled.
    last_shift: Option<[f32; 2]>,
    /// Its field, grid px, where fields are used.
    last_field: Option<Field>,
    /// Measured, not settled.
    pending: Option<Block>,
}
