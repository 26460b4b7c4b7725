//! What a run needs of memory and scratch disk, by one formula: it is told before a run (`calyx-engine plan`), and a run that cannot have it is
//! refused before the long pass begins.

use std::path::Path;

use serde::Serialize;

use crate::cache::CHUNK;
use crate::demix::statistics::ring_of;
use crate::kernels::BandPass;
use crate::moments::{MOST, tile_bytes};
use crate::movie::BLOCK;
use crate::params::Parameters;
use crate::read::sample::{PAIRS, SAMPLE_PIXELS};
use crate::read::{CACHE_SHARE, HELD_SHARE, MOST_HELD, pass};
use crate::seeds::tiles;
use crate::shelf::SHARE;
use crate::types::{Grid, StageError};

/// Code, transform plans, stacks and what the allocator keeps.
const BASE: u64 = 56 << 20;
/// One cell in so many squares of its diameter is taken for granted when traces are counted.
const FIELD_PER_CELL: f64 = 15.0;
/// Series of `K × T` single-precision numbers that exist at a time, at most.
const SERIES: u64 = 9;
/// Traces a worker has in hand while it solves or deconvolves one.
const IN_HAND: u64 = 24;
/// Bytes that are known of each frame: flags, time, movement (a field of it at most), groups.
const A_FRAME: u64 = 400;
/// Decoded frames that wait, at most.
const BUFFERS: u64 = 64 << 20;

/// Bytes a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// Anonymous memory at the peak, about; films and the tile cache in a file do not count.
    pub memory_bytes: u64,
    /// Bytes of the traces of an assumed number of cells; what a share of the memory does not hold goes to the scratch folder.
    pub traces_bytes: u64,
    /// Bytes in the scratch folder: the tile cache and the traces, where they do not stay in memory.
    pub scratch_bytes: u64,
    /// Cells that were assumed.
    pub assumed_cells: u64,
}

/// What a film of `frames` frames on `grid` with cells of `diameter_px` raw px needs under a budget of `memory_bytes` and `threads`.
pub fn need(frames: usize, grid: &Grid, diameter_px: f32, params: &Parameters, memory_bytes: u64, threads: usize) -> Need {
    let (raw, pixels, t) = (
        (grid.frame_height * grid.frame_width) as u64,
        (grid.height * grid.width) as u64,
        frames as u64,
    );
    let sigma = diameter_px / 2.36 / grid.bin as f32;
    let cell = f64::from(diameter_px / grid.bin as f32).powi(2);
    let cells = ((pixels as f64 / cell / FIELD_PER_CELL) as u64).max(10);
    let whole = t * pixels;
    let held = if t * raw <= MOST_HELD.min(memory_bytes / HELD_SHARE) {
        t * raw
    } else {
        0
    };
    let in_memory = whole <= memory_bytes / CACHE_SHARE;
    // Two blocks of frames, raw and binned; codes of one; the chunk that is being filled, twice while it is turned; statistics of the raw grid.
    let block = pass::BLOCK as u64;
    let reading =
        2 * block * (raw + 4 * pixels) + block * pixels + 2 * CHUNK as u64 * pixels + 40 * raw + BUFFERS.min(memory_bytes / 16) + held;
    // The sample: raw frames, binned ones and registered ones.
    let sample = (SAMPLE_PIXELS as u64).min(t.min(2 * PAIRS as u64) * raw);
    let learning = sample + 8 * sample / (grid.bin * grid.bin) as u64 + held;
    let ring = ring_of(grid, params, sigma);
    let coarse = ring.coarse.pixels() as u64;
    // Covariances and a copy without components, weights, a block of the film, fine and coarse, statistics of all pixels.
    let sums =
        16 * ring.lags() as u64 * coarse + 4 * ring.offsets.len() as u64 * coarse + 4 * BLOCK as u64 * (pixels + coarse) + 24 * pixels;
    let filter = BandPass::new(sigma);
    let halo = (1.45 * 2.36 * sigma).ceil().max(3.0) as usize + filter.radius();
    let moments = frames.min(MOST);
    let tile = tiles(grid.height, grid.width, halo, moments)
        .iter()
        .map(|tile| tile_bytes(tile, moments))
        .max()
        .unwrap_or(0) as u64;
    let traces = SERIES * 4 * t * cells;
    let held_traces = traces.min(memory_bytes / SHARE);
    let in_hand = IN_HAND * 4 * t * threads as u64 + A_FRAME * t;
    Need {
        memory_bytes: BASE + reading.max(learning).max(sums + tile) + held_traces + in_hand + if in_memory { whole } else { 0 },
        traces_bytes: traces,
        scratch_bytes: traces - held_traces + if in_memory { 0 } else { whole },
        assumed_cells: cells,
    }
}

/// Refuses a run that cannot have what it needs.
///
/// # Errors
/// [`StageError::Memory`]; [`StageError::Io`] with a full disk where `scratch` has too little room.
pub fn check(need: &Need, memory_bytes: u64, scratch: &Path) -> Result<(), StageError> {
    if need.memory_bytes > memory_bytes {
        return Err(StageError::Memory {
            stage: "read",
            needed: need.memory_bytes,
            limit: memory_bytes,
        });
    }
    match free_bytes(scratch) {
        Some(free) if free < need.scratch_bytes => Err(StageError::Io {
            context: format!(
                "the registered film and its traces need {:.2} GB in {}, where {:.2} GB are free",
                need.scratch_bytes as f64 / 1e9,
                scratch.display(),
                free as f64 / 1e9
            ),
            source: std::io::ErrorKind::StorageFull.into(),
        }),
        _ => Ok(()),
    }
}

/// Bytes that can be written where a folder lies, where the system tells.
#[cfg(unix)]
#[allow(clippy::useless_conversion, reason = "narrower on some systems")]
fn free_bytes(folder: &Path) -> Option<u64> {
    let known = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(u64::from(known.blocks_available()).saturating_mul(u64::from(known.fragment_size())))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        Grid {
            bin: 2,
            height: 300,
            width: 300,
            frame_height: 600,
            frame_width: 600,
            top: 0,
            left: 0,
        }
    }

    #[test]
    fn a_longer_film_needs_disk_and_not_memory() {
        let params = Parameters::defaults().unwrap();
        let of = |frames| need(frames, &grid(), 14.0, &params, 1 << 30, 2);
        let (short, long) = (of(36_000), of(360_000));
        // What is known of each frame, and the traces in hand.
        let rows = (A_FRAME + 2 * 4 * IN_HAND) * 324_000;
        assert!(long.memory_bytes <= short.memory_bytes + rows + (128 << 20) && long.memory_bytes < 1 << 30);
        assert_eq!(long.traces_bytes, 10 * short.traces_bytes);
        assert_eq!(long.scratch_bytes, 360_000 * 90_000 + long.traces_bytes - (128 << 20));
        // More than the promise of 1.2 bytes a pixel and frame is never taken.
        assert!(long.scratch_bytes as f64 <= 1.2 * 360_000.0 * 90_000.0);
        // A film that fits stays in memory and is counted there.
        let small = of(1000);
        assert_eq!(small.scratch_bytes, 0);
    }

    #[test]
    fn what_cannot_be_had_is_refused_with_the_amounts() {
        let need = Need {
            memory_bytes: 3 << 30,
            traces_bytes: 0,
            scratch_bytes: u64::MAX,
            assumed_cells: 1,
        };
        let folder = std::env::temp_dir();
        assert!(matches!(check(&need, 2 << 30, &folder), Err(StageError::Memory { .. })));
        if cfg!(unix) {
            let failure = crate::failure::Failure::from(check(&need, 4 << 30, &folder).unwrap_err());
            assert_eq!((failure.code.as_str(), failure.exit_code()), ("disk.full", 5));
        }
        let modest = Need { scratch_bytes: 1, ..need };
        assert!(check(&modest, 4 << 30, &folder).is_ok());
    }
}
