//! Raw pixels before anything is measured: stuck pixels of the sensor are replaced, blocks are averaged to the working grid.

use std::collections::HashMap;

use super::bands::Band;
use crate::kernels::middle;
use crate::simd::dispatch;
use crate::types::Grid;

/// A stuck pixel differs from its neighbours by this many robust standard deviations of such differences …
const STUCK_DEVIATIONS: f32 = 10.0;
/// … and by this many grey levels: optics cannot draw a point that sharp.
const STUCK_LEVELS: f32 = 6.0;
/// It lies beyond its neighbours by this many times their own range.
const STUCK_CONTRAST: f32 = 1.5;
/// Good pixels that replace one are looked for up to so many pixels away.
const REACH: usize = 4;

/// Pixels of the sensor that show a standing value of their own, with the neighbours that replace them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StuckPixels {
    /// Index of each, row-major, and its good neighbours.
    pixels: Vec<(u32, Vec<u32>)>,
}

impl StuckPixels {
    /// Finds them in the `mean` of a sample of unregistered frames (`height × width`): where content moves and is blurred by the optics, a
    /// single pixel can only stand out if the sensor makes it.
    pub fn find(mean: &[f32], height: usize, width: usize) -> Self {
        let residual: Vec<f32> = (0..mean.len())
            .map(|p| mean[p] - middle(around(p, 1, height, width).map(|n| mean[n])))
            .collect();
        let spread = 1.4826 * middle(residual.iter().map(|r| r.abs()));
        let limit = (STUCK_DEVIATIONS * spread).max(STUCK_LEVELS);
        let far = |p: usize| residual[p].abs() > limit;
        let alike = |p: usize, n: usize| far(n) && (residual[n] > 0.0) == (residual[p] > 0.0);
        let mut stuck: Vec<bool> = (0..mean.len())
            .map(|p| {
                let differs = |around: Vec<usize>| stands_out(mean[p], around.into_iter().map(|n| mean[n]));
                let in_line = |along| {
                    let goes_on = places(&[[-1, 0], [1, 0]], along, p, height, width).any(|n| alike(p, n));
                    goes_on && differs(places(&BESIDE, along, p, height, width).collect())
                };
                far(p) && (differs(around(p, 1, height, width).collect()) || in_line(true) || in_line(false))
            })
            .collect();
        let mut beside: HashMap<usize, Vec<usize>> = HashMap::new();
        for (p, sides) in Band::find(mean, [height, width], limit)
            .iter()
            .flat_map(|b| b.pixels([height, width]))
        {
            stuck[p] = true;
            beside.entry(p).or_default().extend(sides);
        }
        let good = |p: usize| {
            let sides = beside.get(&p).into_iter().flatten().copied();
            // Where lines cross, both sides are dead too: then the nearest good pixels.
            let nearest = (1..=REACH).map(|r| around(p, r, height, width).collect::<Vec<usize>>());
            std::iter::once(sides.collect()).chain(nearest).find_map(|named| {
                let good: Vec<u32> = named.iter().filter(|n| !stuck[**n]).map(|n| *n as u32).collect();
                (!good.is_empty()).then_some((p as u32, good))
            })
        };
        let pixels = (0..mean.len()).filter(|p| stuck[*p]).filter_map(good).collect();
        Self { pixels }
    }

    /// Replaces them in a frame by the mean of their good neighbours.
    pub fn repair(&self, frame: &mut [u8]) {
        for (pixel, good) in &self.pixels {
            let sum: u32 = good.iter().map(|n| u32::from(frame[*n as usize])).sum();
            let count = good.len() as u32;
            frame[*pixel as usize] = ((sum + count / 2) / count) as u8;
        }
    }

    /// Their indices, row-major.
    pub fn indices(&self) -> Vec<u32> {
        self.pixels.iter().map(|(pixel, _)| *pixel).collect()
    }
}

/// Does `value` lie beyond its neighbours by more than they differ among themselves? The top of a bright cell does not. The highest and the
/// lowest neighbour do not count: they may be stuck too.
fn stands_out(value: f32, around: impl Iterator<Item = f32>) -> bool {
    let mut around: Vec<f32> = around.collect();
    around.sort_unstable_by(f32::total_cmp);
    let inner = if around.len() > 3 {
        &around[1..around.len() - 1]
    } else {
        &around[..]
    };
    let [Some(low), Some(high)] = [inner.first(), inner.last()] else {
        return false;
    };
    (value - high).max(low - value) > STUCK_CONTRAST * (high - low)
}

/// Where the pixels beside a dead line lie, along it and across. Those two away tell a dead line from a fine vessel, which is soft.
const BESIDE: [[isize; 2]; 8] = [[-1, -1], [0, -1], [1, -1], [-1, 1], [0, 1], [1, 1], [0, -2], [0, 2]];

/// The pixels at `offsets` from `p` along a column (or a row) and across it, as far as the picture holds them.
fn places(offsets: &[[isize; 2]], column: bool, p: usize, height: usize, width: usize) -> impl Iterator<Item = usize> {
    offsets.iter().filter_map(move |[along, across]| {
        let [dy, dx] = if column { [*along, *across] } else { [*across, *along] };
        let (y, x) = ((p / width).checked_add_signed(dy)?, (p % width).checked_add_signed(dx)?);
        (y < height && x < width).then_some(y * width + x)
    })
}

/// The pixels around `p`, up to `reach` rows and columns away: at most eight for a reach of 1.
fn around(p: usize, reach: usize, height: usize, width: usize) -> impl Iterator<Item = usize> {
    let (y, x) = (p / width, p % width);
    let near = move |at: usize, end: usize| at.saturating_sub(reach)..(at + reach + 1).min(end);
    near(y, height)
        .flat_map(move |j| near(x, width).map(move |i| j * width + i))
        .filter(move |n| *n != p)
}

dispatch! {
    /// Block means of a raw frame on the grid (`grid.height × grid.width`), grey levels; rows and columns that fill no block are left out.
    pub fn bin(frame: &[u8], grid: &Grid, out: &mut [f32]) = bin_body
}

#[inline(always)]
fn bin_body(frame: &[u8], grid: &Grid, out: &mut [f32]) {
    let (b, width) = (grid.bin, grid.frame_width);
    let scale = 1.0 / (b * b) as f32;
    let used = grid.width * b;
    for (row, line) in out.chunks_exact_mut(grid.width).zip(frame.chunks_exact(b * width)) {
        match b {
            1 => row.iter_mut().zip(line).for_each(|(o, v)| *o = f32::from(*v)),
            2 => {
                let (upper, lower) = (&line[..used], &line[width..width + used]);
                for ((o, u), l) in row.iter_mut().zip(upper.chunks_exact(2)).zip(lower.chunks_exact(2)) {
                    let sum = u16::from(u[0]) + u16::from(u[1]) + u16::from(l[0]) + u16::from(l[1]);
                    *o = f32::from(sum) * scale;
                }
            }
            _ => {
                for (x, o) in row.iter_mut().enumerate() {
                    let block = line.chunks_exact(width).flat_map(|l| &l[x * b..(x + 1) * b]);
                    *o = block.map(|v| u32::from(*v)).sum::<u32>() as f32 * scale;
                }
            }
        }
    }
}

/// Brings grey levels to another light: each times the factor plus the summand.
pub fn correct(frame: &mut [f32], [factor, summand]: [f32; 2]) {
    frame.iter_mut().for_each(|v| *v = *v * factor + summand);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(height: usize, width: usize) -> Vec<u8> {
        (0..height * width).map(|i| ((i * 131 + i / width * 17) % 251) as u8).collect()
    }

    #[test]
    fn a_grid_pixel_is_the_mean_of_its_block_and_the_rest_is_trimmed() {
        let (height, width) = (23, 34);
        for b in 1..=5 {
            let grid = Grid {
                bin: b,
                height: height / b,
                width: width / b,
                frame_height: height,
                frame_width: width,
                top: 0,
                left: 0,
            };
            let raw = frame(height, width);
            let mut got = vec![0.0; grid.height * grid.width];
            bin(&raw, &grid, &mut got);
            for y in 0..grid.height {
                for x in 0..grid.width {
                    let mut sum = 0.0;
                    (0..b * b).for_each(|k| sum += f64::from(raw[(y * b + k / b) * width + x * b + k % b]));
                    assert!(
                        (f64::from(got[y * grid.width + x]) - sum / (b * b) as f64).abs() < 1e-4,
                        "b {b} at {y} {x}"
                    );
                }
            }
        }
    }

    #[test]
    fn stuck_pixels_are_found_and_take_the_mean_of_their_neighbours() {
        let (height, width) = (20, 31);
        let smooth = |p: usize| 40.0 + (p / width) as f32 * 0.7 + (p % width) as f32 * 0.2 + ((p * 7919) % 13) as f32 * 0.1;
        let mut mean: Vec<f32> = (0..height * width).map(smooth).collect();
        // One in the middle, one in the corner, two side by side.
        for (p, value) in [(5 * width + 7, 255.0), (0, 0.0), (10 * width + 10, 200.0), (10 * width + 11, 3.0)] {
            mean[p] = value;
        }
        let stuck = StuckPixels::find(&mean, height, width);
        assert_eq!(stuck.indices(), [0, 5 * 31 + 7, 10 * 31 + 10, 10 * 31 + 11]);
        let mut frame: Vec<u8> = mean.iter().map(|m| m.round() as u8).collect();
        stuck.repair(&mut frame);
        for p in stuck.indices() {
            assert!(
                (f32::from(frame[p as usize]) - smooth(p as usize)).abs() < 2.0,
                "{p}: {}",
                frame[p as usize]
            );
        }
    }

    #[test]
    fn dead_lines_of_the_sensor_are_found_and_fine_vessels_are_not() {
        let (height, width) = (24, 30);
        let smooth = |p: usize| 60.0 + (p / width) as f32 * 0.7 + (p % width) as f32 * 0.2 + ((p * 7919) % 13) as f32 * 0.1;
        let dead = |p: usize| p % width == 11 || p % width == width - 1 || (p / width == 16 && p % width < 8);
        let vessels = |p: usize| {
            let soft = |d: f32| 28.0 * (-0.5 * d * d / 1.44).exp();
            soft((p % width) as f32 - 21.0) + soft((p / width) as f32 - 5.0)
        };
        let mean: Vec<f32> = (0..height * width)
            .map(|p| if dead(p) { 3.0 } else { smooth(p) - vessels(p) })
            .collect();
        let stuck = StuckPixels::find(&mean, height, width);
        let wanted: Vec<u32> = (0..height * width).filter(|p| dead(*p)).map(|p| p as u32).collect();
        // Where a vessel leaves the frame, too few neighbours are left to tell.
        let inside = |p: &u32| (1..height - 1).contains(&(*p as usize / width)) && !(*p as usize).is_multiple_of(width);
        let found: Vec<u32> = stuck.indices().into_iter().filter(|p| dead(*p as usize) || inside(p)).collect();
        assert_eq!(found, wanted);
        let mut frame: Vec<u8> = mean.iter().map(|m| m.round() as u8).collect();
        stuck.repair(&mut frame);
        for p in (0..height * width).filter(|p| dead(*p)) {
            assert!((f32::from(frame[p]) - smooth(p) + vessels(p)).abs() < 6.0, "{p}: {}", frame[p]);
        }
    }

    #[test]
    fn lines_of_several_pixels_are_repaired_from_both_sides_where_they_cross_too() {
        let (height, width) = (40, 50);
        let smooth = |p: usize| 60.0 + (p / width) as f32 * 0.7 + (p % width) as f32 * 1.1 + ((p * 7919) % 13) as f32 * 0.1;
        let dead = |p: usize| (20..23).contains(&(p % width)) || (11..14).contains(&(p / width)) || p % width >= 48 || p == 30 * width + 30;
        let mean: Vec<f32> = (0..height * width).map(|p| if dead(p) { 3.0 } else { smooth(p) }).collect();
        let stuck = StuckPixels::find(&mean, height, width);
        let wanted: Vec<u32> = (0..height * width).filter(|p| dead(*p)).map(|p| p as u32).collect();
        assert_eq!(stuck.indices(), wanted);
        let mut frame: Vec<u8> = mean.iter().map(|m| m.round() as u8).collect();
        stuck.repair(&mut frame);
        for p in wanted.iter().map(|p| *p as usize) {
            assert!((f32::from(frame[p]) - smooth(p)).abs() < 3.5, "{p}: {} for {}", frame[p], smooth(p));
        }
    }

    #[test]
    fn a_soft_bright_cell_is_no_stuck_pixel() {
        let (height, width) = (24, 24);
        let mean: Vec<f32> = (0..height * width)
            .map(|p| 30.0 + 60.0 * (-(((p / width) as f32 - 11.0).powi(2) + ((p % width) as f32 - 12.0).powi(2)) / 4.0).exp())
            .collect();
        assert_eq!(StuckPixels::find(&mean, height, width), StuckPixels::default());
    }
}
