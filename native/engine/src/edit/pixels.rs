//! Where an edit reads the registered film from: windows of it, all frames of a pixel side by side.

use crate::cache::{TileCache, Window};
use crate::movie::check;
use crate::types::{Context, StageError};

/// Frames read at a time.
const READ: usize = 4096;

/// The registered film by windows.
pub trait Pixels: Sync {
    /// Frames there are.
    fn frames(&self) -> usize;

    /// Codes of the window `[top, left, height, width]` of the working grid, pixel-major (`height · width × T` bytes).
    ///
    /// # Errors
    /// Cancelled, the window lies outside, or the film cannot be read.
    fn window(&self, window: [usize; 4], ctx: &Context<'_>) -> Result<Vec<u8>, StageError>;
}

impl Pixels for TileCache {
    fn frames(&self) -> usize {
        Self::frames(self)
    }

    fn window(&self, [top, left, height, width]: [usize; 4], ctx: &Context<'_>) -> Result<Vec<u8>, StageError> {
        let frames = Self::frames(self);
        let place = Window { top, left, height, width };
        let mut out = vec![0u8; height * width * frames];
        let mut codes = Vec::new();
        for first in (0..frames.max(1)).step_by(READ) {
            check(ctx)?;
            let count = READ.min(frames - first);
            self.read_window(place, first..first + count, &mut codes)?;
            for (row, part) in out.chunks_exact_mut(frames.max(1)).zip(codes.chunks_exact(count.max(1))) {
                row[first..first + count].copy_from_slice(part);
            }
        }
        Ok(out)
    }
}
