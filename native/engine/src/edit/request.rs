//! What an edit is asked for: kinds, points and outlines of the stored frame.

use serde::{Deserialize, Serialize};

use super::field::Field;
use crate::failure::Failure;

/// A point of the stored frame, px; the centre of the top-left pixel is (0, 0).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Point {
    /// Down.
    pub y: f32,
    /// Right.
    pub x: f32,
}

/// What is to be done; cells are named by their rows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Edit {
    /// Several cells become one.
    Merge {
        /// At least two.
        rows: Vec<usize>,
    },
    /// A cell becomes two, by the courses of its pixels or along a line through both points.
    Split {
        /// The cell.
        row: usize,
        /// Where to cut; by the activity when absent.
        line: Option<[Point; 2]>,
    },
    /// A cell keeps only what lies inside a polygon.
    Trim {
        /// The cell.
        row: usize,
        /// At least three corners.
        polygon: Vec<Point>,
    },
    /// A new cell inside a polygon.
    Draw {
        /// At least three corners.
        polygon: Vec<Point>,
    },
    /// A new cell at a point.
    Seed {
        /// Where.
        at: Point,
    },
    /// Cells are no longer shown. Their neighbours stay bit for bit, or are solved again with the light that becomes free.
    Delete {
        /// The cells.
        rows: Vec<usize>,
        /// Give their light to their neighbours.
        #[serde(default)]
        free_light: bool,
    },
    /// Deleted cells are shown again, as they were.
    Restore {
        /// The cells.
        rows: Vec<usize>,
    },
}

/// Does the edit read pixels? Merging, deleting and restoring work without.
pub fn needs_pixels(edit: &Edit) -> bool {
    !matches!(edit, Edit::Merge { .. } | Edit::Delete { .. } | Edit::Restore { .. })
}

/// Refused for want of the film.
pub fn no_pixels() -> Failure {
    Failure::new(
        "review.edit_no_pixels",
        "This edit needs the registered film, which is no longer in the cache.",
        "Process the recording again with the same parameters: what is kept of the run is used, and the film is kept again.",
    )
}

/// A refused edit.
pub fn invalid(message: impl Into<String>, hint: &str) -> Failure {
    Failure::new("review.edit_invalid", message, hint)
}

/// Refuses points that are not numbers.
fn finite(points: &[Point]) -> Result<(), Failure> {
    if points.iter().all(|p| p.y.is_finite() && p.x.is_finite()) {
        return Ok(());
    }
    Err(invalid("A point of the drawing is not a number.", "Draw it again."))
}

/// On which side of a line grid pixels lie.
///
/// # Errors
/// `review.edit_invalid`.
pub fn side_of<'a>(field: &'a Field, line: &[Point; 2]) -> Result<impl Fn(usize, usize) -> bool + 'a, Failure> {
    finite(line)?;
    let [a, b] = *line;
    if a == b {
        return Err(invalid("A line needs two different points.", "Draw it through the cell."));
    }
    let grid = &field.base.grid;
    Ok(move |y: usize, x: usize| (b.y - a.y) * (grid.raw_x(x as f32) - a.x) - (b.x - a.x) * (grid.raw_y(y as f32) - a.y) >= 0.0)
}

/// Whether the centre of a grid pixel lies inside a polygon (even-odd rule).
///
/// # Errors
/// `review.edit_invalid`.
pub fn inside_of<'a>(field: &'a Field, polygon: &[Point]) -> Result<impl Fn(usize, usize) -> bool + 'a, Failure> {
    finite(polygon)?;
    if polygon.len() < 3 {
        return Err(invalid("An outline needs at least three corners.", "Draw it around the cell."));
    }
    let grid = &field.base.grid;
    let polygon = polygon.to_vec();
    Ok(move |y: usize, x: usize| {
        let (y, x) = (grid.raw_y(y as f32), grid.raw_x(x as f32));
        let mut inside = false;
        for (i, a) in polygon.iter().enumerate() {
            let b = polygon[(i + 1) % polygon.len()];
            if (a.y > y) != (b.y > y) && x < a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x) {
                inside = !inside;
            }
        }
        inside
    })
}
