//! The part of each frame that is processed. Everything that leaves these stages is in coordinates of the whole frame again.

use crate::params::Parameters;
use crate::types::StageError;

/// Smallest side of a frame that can be processed, px.
const LEAST_SIDE: usize = 16;

/// A rectangle of the stored frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Height and width of the stored frame.
    pub frame: [usize; 2],
}

impl Crop {
    /// The rectangle that the parameters ask for in a frame of `frame` (height, width); without them all of it.
    ///
    /// # Errors
    /// [`StageError::Input`]: `engine.crop` when it leaves the frame, `engine.frame-too-small` under 16 px a side.
    pub fn of(params: &Parameters, frame: [usize; 2]) -> Result<Self, StageError> {
        let side = |first: u64, length: Option<u64>, whole: usize| {
            let first = usize::try_from(first).unwrap_or(usize::MAX);
            let length = length.map_or_else(|| whole.saturating_sub(first), |n| usize::try_from(n).unwrap_or(usize::MAX));
            (
                first,
                length,
                first.checked_add(length).is_some_and(|end| end <= whole) && length > 0,
            )
        };
        let (top, height, rows_fit) = side(params.crop_top, params.crop_height, frame[0]);
        let (left, width, columns_fit) = side(params.crop_left, params.crop_width, frame[1]);
        if !rows_fit || !columns_fit {
            return Err(StageError::Input {
                code: "engine.crop",
                message: format!(
                    "the rectangle to process (rows from {top}, {height} of them, columns from {left}, {width} of them) does not lie in frames of \
                     {}×{} px",
                    frame[1], frame[0]
                ),
            });
        }
        if height.min(width) < LEAST_SIDE {
            return Err(StageError::Input {
                code: "engine.frame-too-small",
                message: format!("frames of {width}×{height} px are too small, {LEAST_SIDE} px are needed on each side"),
            });
        }
        Ok(Self {
            top,
            left,
            height,
            width,
            frame,
        })
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// It is the whole frame.
    pub fn is_whole(&self) -> bool {
        self.size() == self.frame
    }

    /// Appends its part of a stored frame to `out`, row by row.
    pub fn append(&self, frame: &[u8], out: &mut Vec<u8>) {
        if self.is_whole() {
            out.extend_from_slice(frame);
            return;
        }
        for line in frame.chunks_exact(self.frame[1]).skip(self.top).take(self.height) {
            out.extend_from_slice(&line[self.left..self.left + self.width]);
        }
    }

    /// An image of the rectangle in the whole frame, 0 around it.
    pub fn embed(&self, image: Vec<f32>) -> Vec<f32> {
        if self.is_whole() {
            return image;
        }
        let mut out = vec![0.0; self.frame[0] * self.frame[1]];
        for (y, line) in image.chunks_exact(self.width).enumerate() {
            let at = (self.top + y) * self.frame[1] + self.left;
            out[at..at + self.width].copy_from_slice(line);
        }
        out
    }

    /// Index in the whole frame of pixel `p` of the rectangle.
    pub fn index(&self, p: u32) -> u32 {
        let (y, x) = (p as usize / self.width, p as usize % self.width);
        ((self.top + y) * self.frame[1] + self.left + x) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(top: u64, left: u64, height: Option<u64>, width: Option<u64>) -> Result<Crop, StageError> {
        let params = Parameters {
            crop_top: top,
            crop_left: left,
            crop_height: height,
            crop_width: width,
            ..Parameters::defaults().unwrap()
        };
        Crop::of(&params, [40, 60])
    }

    #[test]
    fn a_part_comes_back_to_its_place() {
        let crop = of(3, 7, Some(20), None).unwrap();
        assert_eq!((crop.size(), crop.is_whole()), ([20, 53], false));
        let frame: Vec<u8> = (0..40 * 60).map(|p| (p % 251) as u8).collect();
        let mut part = Vec::new();
        crop.append(&frame, &mut part);
        let back = crop.embed(part.iter().map(|v| f32::from(*v)).collect());
        for (p, v) in back.iter().enumerate() {
            let inside = (3..23).contains(&(p / 60)) && p % 60 >= 7;
            assert_eq!(*v, if inside { f32::from(frame[p]) } else { 0.0 }, "{p}");
        }
        assert_eq!(frame[crop.index(54) as usize], part[54]);
        assert!(of(0, 0, None, None).unwrap().is_whole());
    }

    #[test]
    fn what_leaves_the_frame_or_is_too_small_is_refused() {
        let code = |end: Result<Crop, StageError>| match end {
            Err(StageError::Input { code, .. }) => code,
            _ => "",
        };
        assert_eq!(code(of(25, 0, Some(16), None)), "engine.crop");
        assert_eq!(code(of(0, 60, None, None)), "engine.crop");
        assert_eq!(code(of(u64::MAX, 0, Some(u64::MAX), None)), "engine.crop");
        assert_eq!(code(of(0, 0, Some(15), None)), "engine.frame-too-small");
    }
}
