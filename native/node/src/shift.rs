//! A frame moved back to where its content rests, for display.

/// The registered frame: pixel `p` takes the value at `p + (dy, dx)` of `frame` (`height × width`), bilinear, edges repeated.
pub(crate) fn take_back(frame: &[u8], height: usize, width: usize, dy: f32, dx: f32) -> Vec<u8> {
    let columns = Weights::new(width, dx);
    let rows = Weights::new(height, dy);
    let mut out = Vec::with_capacity(height * width);
    for y in 0..height {
        let (above, below, wy) = rows.at(y);
        let (upper, lower) = (
            &frame[above * width..(above + 1) * width],
            &frame[below * width..(below + 1) * width],
        );
        for x in 0..width {
            let (left, right, wx) = columns.at(x);
            let top = f32::from(upper[left]) * (1.0 - wx) + f32::from(upper[right]) * wx;
            let bottom = f32::from(lower[left]) * (1.0 - wx) + f32::from(lower[right]) * wx;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of bytes is a byte")]
            out.push((top * (1.0 - wy) + bottom * wy + 0.5) as u8);
        }
    }
    out
}

/// Displacements at the nodes of a lattice, bilinear between them and held beyond the outermost (`motion_blocks.npy`, one frame of it).
pub(crate) struct Field {
    rows: Vec<f32>,
    columns: Vec<f32>,
    /// 2 × rows × columns: all dy, then all dx.
    values: Vec<f32>,
}

impl Field {
    /// `None` when the parts do not fit together.
    pub(crate) fn new(rows: Vec<f32>, columns: Vec<f32>, values: Vec<f32>) -> Option<Self> {
        let rises = |nodes: &[f32]| !nodes.is_empty() && nodes.windows(2).all(|w| w[0] < w[1]) && nodes.iter().all(|n| n.is_finite());
        let fits = rises(&rows) && rises(&columns) && values.len() == 2 * rows.len() * columns.len();
        fits.then_some(Self { rows, columns, values })
    }

    /// The displacement at each column of row `y`, for a frame `width` px wide.
    fn row(&self, y: f32, places: &[(usize, usize, f32)], out: &mut Vec<[f32; 2]>) {
        let (above, below, share) = between(&self.rows, y);
        let n = self.columns.len();
        let node = |axis: usize, c: usize| {
            let at = |r: usize| self.values[(axis * self.rows.len() + r) * n + c];
            at(above) + share * (at(below) - at(above))
        };
        out.clear();
        out.extend(places.iter().map(|(left, right, share)| {
            [0, 1].map(|axis| {
                let (a, b) = (node(axis, *left), node(axis, *right));
                a + share * (b - a)
            })
        }));
    }
}

/// The nodes around a place and the share of the second.
fn between(nodes: &[f32], at: f32) -> (usize, usize, f32) {
    let second = nodes.partition_point(|n| *n <= at);
    if second == 0 || second == nodes.len() {
        let end = second.saturating_sub(1);
        return (end, end, 0.0);
    }
    let first = second - 1;
    (first, second, (at - nodes[first]) / (nodes[second] - nodes[first]))
}

/// The registered frame: pixel `p` takes the value at `p + d(p)` of `frame`, bilinear, edges repeated.
pub(crate) fn take_back_by(frame: &[u8], height: usize, width: usize, field: &Field) -> Vec<u8> {
    #[expect(clippy::cast_precision_loss, reason = "pixel numbers are small")]
    let places: Vec<_> = (0..width).map(|x| between(&field.columns, x as f32)).collect();
    let mut row = Vec::with_capacity(width);
    let mut out = Vec::with_capacity(height * width);
    for y in 0..height {
        #[expect(clippy::cast_precision_loss, reason = "pixel numbers are small")]
        field.row(y as f32, &places, &mut row);
        for (x, [dy, dx]) in row.iter().enumerate() {
            let (above, below, wy) = Weights::new(height, *dy).at(y);
            let (left, right, wx) = Weights::new(width, *dx).at(x);
            let line = |y: usize| f32::from(frame[y * width + left]) * (1.0 - wx) + f32::from(frame[y * width + right]) * wx;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of bytes is a byte")]
            out.push((line(above) * (1.0 - wy) + line(below) * wy + 0.5) as u8);
        }
    }
    out
}

/// The two neighbours of a moved position on one axis.
struct Weights {
    length: isize,
    whole: isize,
    part: f32,
}

impl Weights {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "displacements are a few pixels; wild ones are clamped to the edge"
    )]
    fn new(length: usize, offset: f32) -> Self {
        let offset = if offset.is_finite() { offset.clamp(-1e6, 1e6) } else { 0.0 };
        Self {
            length: length.cast_signed(),
            whole: offset.floor() as isize,
            part: offset - offset.floor(),
        }
    }

    fn at(&self, position: usize) -> (usize, usize, f32) {
        let first = position.cast_signed() + self.whole;
        let inside = |value: isize| value.clamp(0, self.length - 1).cast_unsigned();
        (inside(first), inside(first + 1), self.part)
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, take_back, take_back_by};

    const HEIGHT: usize = 5;
    const WIDTH: usize = 7;

    fn spot(y: usize, x: usize) -> Vec<u8> {
        let mut frame = vec![10; HEIGHT * WIDTH];
        frame[y * WIDTH + x] = 110;
        frame
    }

    #[test]
    fn whole_displacements_are_undone() {
        // The content moved down by 1 and left by 2: what rests at (2, 4) appears at (3, 2).
        assert_eq!(take_back(&spot(3, 2), HEIGHT, WIDTH, 1.0, -2.0), spot(2, 4));
    }

    #[test]
    fn a_field_moves_each_place_by_its_own_displacement() {
        // Nothing moves on the left; the right column of nodes moves down by 2: half way between it is 1.
        let values = vec![0.0, 2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0];
        let field = Field::new(vec![0.0, 4.0], vec![0.0, 6.0], values).unwrap();
        assert_eq!(take_back_by(&spot(3, 3), HEIGHT, WIDTH, &field), spot(2, 3));
        assert_eq!(take_back_by(&spot(2, 0), HEIGHT, WIDTH, &field), spot(2, 0));
        assert_eq!(take_back_by(&spot(3, 6), HEIGHT, WIDTH, &field), spot(1, 6));
        let same = Field::new(vec![0.5, 3.5], vec![1.0, 5.0], vec![1.0, 1.0, 1.0, 1.0, -2.0, -2.0, -2.0, -2.0]).unwrap();
        assert_eq!(
            take_back_by(&spot(3, 2), HEIGHT, WIDTH, &same),
            take_back(&spot(3, 2), HEIGHT, WIDTH, 1.0, -2.0)
        );
        assert!(Field::new(vec![0.0, 4.0], vec![0.0, 6.0], vec![0.0; 7]).is_none());
        assert!(Field::new(vec![4.0, 0.0], vec![0.0, 6.0], vec![0.0; 8]).is_none());
    }

    #[test]
    fn half_a_pixel_is_shared_by_two() {
        let moved = take_back(&spot(2, 3), HEIGHT, WIDTH, 0.0, 0.5);
        assert_eq!((moved[2 * WIDTH + 2], moved[2 * WIDTH + 3], moved[2 * WIDTH + 4]), (60, 60, 10));
    }

    #[test]
    fn edges_repeat_and_wild_values_stay_inside() {
        assert_eq!(take_back(&spot(0, 0), HEIGHT, WIDTH, -3.0, -3.0)[0], 110);
        assert_eq!(take_back(&spot(0, 0), HEIGHT, WIDTH, f32::NAN, 1e20).len(), HEIGHT * WIDTH);
    }
}
