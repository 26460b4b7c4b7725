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
    use super::take_back;

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
