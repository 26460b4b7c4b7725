//! The frames of a run in one order: recordings one after the other, their ranges, times and the flags that times give.

use std::ops::Range;

use super::source::Source;
use crate::mask::{time_flags, usual_rate};
use crate::types::{StageError, flag};

/// One recording and the part of it that is used.
pub struct Part {
    /// Its frames.
    pub source: Box<dyn Source>,
    /// Those that are used.
    pub range: Range<u64>,
    /// Seconds for each frame of `range`; NaN where unknown.
    pub time_s: Vec<f64>,
    /// Frames per second where the times do not tell.
    pub fps: f64,
}

impl Part {
    /// The part `first ..= last` of a recording; `time_s` counts from the film's first frame and may be shorter than the film.
    ///
    /// # Errors
    /// [`StageError::Input`] `engine.no-frames` when nothing is left.
    pub fn new(source: Box<dyn Source>, first: u64, last: Option<u64>, time_s: &[f64], fps: f64) -> Result<Self, StageError> {
        let end = last.map_or(u64::MAX, |last| last.saturating_add(1)).min(source.frames());
        if first >= end {
            return Err(StageError::Input {
                code: "engine.no-frames",
                message: format!(
                    "no frame is left: the film has {}, frames {first} to {end} (not included) were asked for",
                    source.frames()
                ),
            });
        }
        // A time that is no number, or endless, is unknown.
        let time = |i: u64| time_s.get(i as usize).copied().filter(|t| t.is_finite()).unwrap_or(f64::NAN);
        let time_s = (first..end).map(time).collect();
        Ok(Self {
            source,
            range: first..end,
            time_s,
            fps,
        })
    }

    /// Frames that are used.
    pub fn frames(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }
}

/// What the times of all parts say.
pub struct Clock {
    /// Seconds since the start of each frame's own recording.
    pub time_s: Vec<f64>,
    /// The usual rate.
    pub fps: f64,
    /// [`flag::TIME_MISSING`] and [`flag::AFTER_GAP`]; every part but the first begins after a gap.
    pub flags: Vec<u32>,
}

/// Frames a second that a camera can make; what time stamps say beyond is a mistake in them.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=100_000.0;

/// Joins the times of the parts.
///
/// # Errors
/// [`StageError::Input`] `engine.rate-unknown` when neither the times nor the parts tell a rate.
pub fn clock(parts: &[Part]) -> Result<Clock, StageError> {
    let given = parts.iter().map(|p| p.fps).find(|fps| fps.is_finite() && *fps > 0.0);
    let fps = usual_rate(parts.iter().map(|p| p.time_s.as_slice()))
        .or(given)
        .ok_or_else(|| StageError::Input {
            code: "engine.rate-unknown",
            message: "the frame rate is unknown: there are no time stamps and no rate was given".into(),
        })?;
    if !RATES.contains(&fps) {
        return Err(StageError::Input {
            code: "engine.rate-unknown",
            message: format!("a rate of {fps:e} frames a second is none of a camera: look at the time stamps, or give the rate"),
        });
    }
    let mut flags = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let first = flags.len();
        flags.extend(time_flags(&part.time_s, fps));
        if i > 0 {
            flags[first] |= flag::AFTER_GAP;
        }
    }
    Ok(Clock {
        time_s: parts.iter().flat_map(|p| p.time_s.iter().copied()).collect(),
        fps,
        flags,
    })
}

/// Height and width of all parts.
///
/// # Errors
/// [`StageError::Input`]: `engine.no-frames` without parts, `engine.size-mismatch` when they differ, `engine.frame-too-small` under 16 px.
pub fn common_size(parts: &[Part]) -> Result<[usize; 2], StageError> {
    let Some(first) = parts.first() else {
        return Err(StageError::Input {
            code: "engine.no-frames",
            message: "the run has no recording".into(),
        });
    };
    let size = first.source.size();
    if let Some(other) = parts.iter().map(|p| p.source.size()).find(|s| *s != size) {
        return Err(StageError::Input {
            code: "engine.size-mismatch",
            message: format!(
                "recordings of one field must have frames of one size, these have {}×{} and {}×{} px",
                size[1], size[0], other[1], other[0]
            ),
        });
    }
    if size[0].min(size[1]) < 16 {
        return Err(StageError::Input {
            code: "engine.frame-too-small",
            message: format!("frames of {}×{} px are too small, 16 px are needed on each side", size[1], size[0]),
        });
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::source::Held;

    fn part(frames: usize, first: u64, last: Option<u64>, time_s: &[f64]) -> Result<Part, StageError> {
        Part::new(Box::new(Held::new([16, 20], vec![0; 320 * frames])), first, last, time_s, 30.0)
    }

    #[test]
    fn times_shorter_than_the_film_leave_the_rest_unknown() {
        let part = part(6, 1, None, &[0.0, 0.1, 0.2, 0.3]).unwrap();
        assert_eq!((part.frames(), &part.time_s[..3]), (5, &[0.1, 0.2, 0.3][..]));
        let clock = clock(&[part]).unwrap();
        assert!((clock.fps - 10.0).abs() < 1e-9 && clock.time_s[3..].iter().all(|t| t.is_nan()));
        assert_eq!(clock.flags, [0, 0, 0, flag::TIME_MISSING, flag::TIME_MISSING]);
    }

    #[test]
    fn a_further_recording_begins_after_a_gap_and_the_given_rate_stands_in() {
        let clock = clock(&[part(2, 0, None, &[]).unwrap(), part(3, 0, Some(1), &[]).unwrap()]).unwrap();
        assert_eq!(
            clock.flags,
            [
                flag::TIME_MISSING,
                flag::TIME_MISSING,
                flag::TIME_MISSING | flag::AFTER_GAP,
                flag::TIME_MISSING
            ]
        );
        assert!((clock.fps - 30.0).abs() < 1e-9);
    }

    #[test]
    fn an_empty_range_and_unequal_sizes_are_refused() {
        assert!(part(5, 5, None, &[]).is_err());
        assert!(part(5, 3, Some(2), &[]).is_err());
        assert!(part(5, 0, Some(99), &[]).is_ok());
        let other = Part::new(Box::new(Held::new([20, 16], vec![0; 320])), 0, None, &[], 30.0).unwrap();
        assert!(common_size(&[part(5, 0, None, &[]).unwrap(), other]).is_err());
        assert!(common_size(&[]).is_err());
    }
}
