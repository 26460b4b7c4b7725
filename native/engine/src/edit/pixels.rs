//! Where an edit reads the registered film from: windows of it, all frames of a pixel side by side.

use crate::cache::TileCache;
use crate::movie::check;
use crate::types::{Context, StageError};

/// Frames read at a time.
const READ: usize = 256;

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
        if top + height > self.height() || left + width > self.width() {
            return Err(StageError::Input {
                code: "engine.cache-range",
                message: format!(
                    "the window {height}×{width} at {top}, {left} lies outside the cache of {}×{}",
                    self.height(),
                    self.width()
                ),
            });
        }
        let (frames, size) = (Self::frames(self), self.height() * self.width());
        let mut out = vec![0u8; height * width * frames];
        let mut codes = Vec::new();
        for first in (0..frames).step_by(READ) {
            check(ctx)?;
            let count = READ.min(frames - first);
            self.read_block(first, count, &mut codes)?;
            for (i, pixel) in out.chunks_exact_mut(frames).enumerate() {
                let p = (top + i / width) * self.width() + left + i % width;
                for (t, q) in pixel[first..first + count].iter_mut().enumerate() {
                    *q = codes[t * size + p];
                }
            }
        }
        Ok(out)
    }
}
