//! Dead (or hot) lines of the sensor two or three pixels wide. Beside a single pixel they cannot be told from the picture, since most of its neighbours are dead
//! too; what tells them is that they run straight along the sensor and end within one pixel on both sides, which no optics can draw.

/// How wide such lines are, px; those of one px are found pixel by pixel.
const WIDTHS: [usize; 2] = [2, 3];
/// Beside the step into the line the picture changes by less than this share of it. (A hard edge blurred by one px, standard deviation, changes by 0.63 of it.)
const SOFT: f32 = 0.25;
/// They are at least so long, px, or as long as the frame, …
const LENGTH: usize = 16;
/// … and go on over places as long as this that do not show them: where lines cross, or the picture is as dark.
const HOLE: usize = 6;

/// A line of the sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// It runs down a column, else along a row.
    upright: bool,
    /// First column (row) of it and how many.
    first: usize,
    wide: usize,
    /// First row (column) and the one after the last.
    from: usize,
    end: usize,
}

impl Band {
    /// All lines that stand out of the `mean` (`height × width`) by more than `limit` grey levels.
    pub fn find(mean: &[f32], [height, width]: [usize; 2], limit: f32) -> Vec<Self> {
        let mut out = Vec::new();
        for upright in [true, false] {
            let (long, across) = if upright { (height, width) } else { (width, height) };
            let at = |y: usize, x: usize| if upright { mean[y * width + x] } else { mean[x * width + y] };
            for wide in WIDTHS.into_iter().filter(|wide| wide + 2 <= across) {
                for first in 0..=across - wide {
                    let shows = |y: usize| stands_out(&|x| at(y, x), first, wide, across, limit);
                    out.extend(runs(long, &shows).into_iter().map(|[from, end]| Self {
                        upright,
                        first,
                        wide,
                        from,
                        end,
                    }));
                }
            }
        }
        out
    }

    /// Each of its pixels, with the pixels on both sides that replace it; the nearer side is named as many times as it counts more.
    pub fn pixels(&self, [height, width]: [usize; 2]) -> Vec<(usize, Vec<usize>)> {
        let (long, across) = if self.upright { (height, width) } else { (width, height) };
        let index = |y: usize, x: usize| if self.upright { y * width + x } else { x * width + y };
        let (from, end) = (self.from, self.end);
        let each = (from..end).flat_map(|y| (0..self.wide).map(move |i| (y, i)));
        each.map(|(y, i)| {
            let rows = y.saturating_sub(1)..(y + 2).min(long);
            let beside = |x: Option<usize>, times: usize| x.into_iter().flat_map(move |x| std::iter::repeat_n(x, times));
            let after = Some(self.first + self.wide).filter(|x| *x < across);
            let sides: Vec<usize> = beside(self.first.checked_sub(1), self.wide - i)
                .chain(beside(after, i + 1))
                .collect();
            let good = rows.flat_map(|y| sides.iter().map(move |x| index(y, *x))).collect();
            (index(y, self.first + i), good)
        })
        .collect()
    }
}

/// Does a line of `wide` pixels from `first` on stand out across it, with a hard edge on each side that the frame shows?
fn stands_out(at: &dyn Fn(usize) -> f32, first: usize, wide: usize, across: usize, limit: f32) -> bool {
    let end = first + wide;
    let before = first.checked_sub(1).map(|x| (first, x, x.checked_sub(1)));
    let after = (end < across).then(|| (end - 1, end, Some(end + 1).filter(|x| *x < across)));
    let sides = || before.into_iter().chain(after);
    let sign = match sides().next() {
        Some((edge, beside, _)) => (at(beside) - at(edge)).signum(),
        None => return false,
    };
    let beyond = |beside: usize| (first..end).all(|x| sign * (at(beside) - at(x)) > limit);
    let hard = |(edge, beside, next): (usize, usize, Option<usize>)| {
        next.is_none_or(|next| (at(next) - at(beside)).abs() < SOFT * (at(beside) - at(edge)).abs())
    };
    sides().any(|side| side.2.is_some()) && sides().all(|side| beyond(side.1) && hard(side))
}

/// Stretches of `0..long` that show it, long enough, over holes that are short enough.
fn runs(long: usize, shows: &dyn Fn(usize) -> bool) -> Vec<[usize; 2]> {
    let mut out: Vec<[usize; 2]> = Vec::new();
    for y in (0..long).filter(|y| shows(*y)) {
        match out.last_mut() {
            Some([_, end]) if y - *end <= HOLE => *end = y + 1,
            // One that would be seen from the frame's edge on if nothing hid it.
            _ => out.push([if y <= HOLE { 0 } else { y }, y + 1]),
        }
    }
    for run in &mut out {
        if long - run[1] <= HOLE {
            run[1] = long;
        }
    }
    out.retain(|[from, end]| end - from >= LENGTH.min(long));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [usize; 2] = [40, 52];

    fn picture(value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        (0..SIZE[0] * SIZE[1]).map(|p| value(p / SIZE[1], p % SIZE[1])).collect()
    }

    fn tissue(y: usize, x: usize) -> f32 {
        60.0 + y as f32 * 0.7 - x as f32 * 0.4 + ((y * 31 + x * 7919) % 13) as f32 * 0.1
    }

    #[test]
    fn lines_of_two_and_three_pixels_are_found_whole_where_they_cross_and_at_the_edge() {
        let dead = |y: usize, x: usize| (20..22).contains(&x) || (11..14).contains(&y) || x >= 50;
        let mean = picture(|y, x| if dead(y, x) { 3.0 } else { tissue(y, x) });
        let found = Band::find(&mean, SIZE, 6.0);
        let mut named = vec![false; mean.len()];
        found.iter().flat_map(|b| b.pixels(SIZE)).for_each(|(p, _)| named[p] = true);
        let wanted: Vec<bool> = (0..mean.len()).map(|p| dead(p / SIZE[1], p % SIZE[1])).collect();
        assert_eq!(named, wanted);
        assert_eq!(found.len(), 3);
        // Hot ones alike.
        let hot = picture(|y, x| if x == 30 || x == 31 { 240.0 } else { tissue(y, x) });
        let found = Band::find(&hot, SIZE, 6.0);
        assert!(found.len() == 1 && (found[0].first, found[0].wide, found[0].from, found[0].end) == (30, 2, 0, 40));
    }

    #[test]
    fn the_nearer_side_counts_more() {
        let band = Band {
            upright: true,
            first: 9,
            wide: 3,
            from: 5,
            end: 30,
        };
        let pixels = band.pixels(SIZE);
        let ramp = picture(|_, x| 10.0 * x as f32);
        for (p, good) in pixels {
            let mean = good.iter().map(|g| ramp[*g]).sum::<f32>() / good.len() as f32;
            assert!((mean - ramp[p]).abs() < 1e-3, "{p}: {mean}");
        }
    }

    #[test]
    fn vessels_edges_of_the_field_and_short_marks_are_no_lines() {
        // What a dark line of three px looks like through optics that blur by one px.
        let soft = |x: usize| 40.0 * (-0.5 * (x as f32 - 21.0).powi(2) / 3.1).exp();
        let step = |x: usize| if x > 40 { 30.0 } else { 0.0 };
        let mark = |y: usize, x: usize| (5..12).contains(&y) && (30..33).contains(&x);
        let mean = picture(|y, x| if mark(y, x) { 3.0 } else { tissue(y, x) - soft(x) - step(x) });
        assert_eq!(Band::find(&mean, SIZE, 6.0), []);
    }
}
