//! Row noise: sensors shift whole rows up and down a little, anew in each frame. Removed on the working grid where it is asked for.

/// Rows on each side with which a row's departure is compared: shading of the picture is broader than that, and the median of so many adds little noise
/// of its own.
const REACH: usize = 12;

/// Takes the row noise off frames of one size.
pub struct RowNoise {
    /// Mean of the frames, not registered: what a row usually looks like.
    reference: Vec<f32>,
    width: usize,
}

/// Buffers of [`RowNoise::remove`].
#[derive(Default)]
pub struct RowWork {
    line: Vec<f32>,
    rows: Vec<f32>,
}

impl RowNoise {
    /// Learns what rows of `width` pixels usually look like.
    pub fn learn(frames: &[Vec<f32>], width: usize) -> Self {
        let mut sum = vec![0.0f64; frames.first().map_or(0, Vec::len)];
        for frame in frames {
            sum.iter_mut().zip(frame).for_each(|(s, v)| *s += f64::from(*v));
        }
        let n = frames.len().max(1) as f64;
        Self {
            reference: sum.into_iter().map(|s| (s / n) as f32).collect(),
            width,
        }
    }

    /// Takes from each row what it departs from its usual look more than the rows around it. The median over a row sees neither cells nor
    /// small movements.
    pub fn remove(&self, frame: &mut [f32], work: &mut RowWork) {
        work.rows.clear();
        for (line, usual) in frame.chunks_exact(self.width).zip(self.reference.chunks_exact(self.width)) {
            work.line.clear();
            work.line.extend(line.iter().zip(usual).map(|(v, u)| v - u));
            work.rows.push(middle(&mut work.line));
        }
        let rows = &work.rows;
        for (y, line) in frame.chunks_exact_mut(self.width).enumerate() {
            let around = y.saturating_sub(REACH)..(y + REACH + 1).min(rows.len());
            work.line.clear();
            work.line.extend_from_slice(&rows[around]);
            let offset = rows[y] - middle(&mut work.line);
            line.iter_mut().for_each(|v| *v -= offset);
        }
    }
}

/// The middle value; between the two middle ones of an even count, so that whole grey levels do not favour one side.
fn middle(values: &mut [f32]) -> f32 {
    let n = values.len();
    if n == 0 {
        return 0.0;
    }
    let (below, at, _) = values.select_nth_unstable_by(n / 2, f32::total_cmp);
    let upper = *at;
    if n % 2 == 1 {
        return upper;
    }
    0.5 * (upper + below.iter().copied().fold(f32::NEG_INFINITY, f32::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_shifted_come_back_and_cells_stay() {
        let (height, width) = (40, 70);
        let clean = |t: usize| -> Vec<f32> {
            let cell = |y: f32, x: f32| (-((y - 17.0).powi(2) + (x - 30.0).powi(2)) / 18.0).exp() * (t % 5) as f32 * 8.0;
            (0..height * width)
                .map(|p| {
                    let (y, x) = ((p / width) as f32, (p % width) as f32);
                    60.0 + 0.4 * y + 8.0 * (x * 0.2).sin() + cell(y, x)
                })
                .collect()
        };
        let shift = |t: usize, y: usize| (((y * 7919 + t * 104_729) * 2_654_435_761 % 1000) as f32 / 1000.0 - 0.5) * 6.0;
        let noisy = |t: usize| -> Vec<f32> { clean(t).iter().enumerate().map(|(p, v)| v + shift(t, p / width)).collect() };
        let frames: Vec<Vec<f32>> = (0..60).map(noisy).collect();
        let rows = RowNoise::learn(&frames, width);
        let mut work = RowWork::default();
        let rms = |a: &[f32], b: &[f32]| (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>() / a.len() as f32).sqrt();
        for t in 60..80 {
            let (mut frame, before) = (noisy(t), noisy(t));
            rows.remove(&mut frame, &mut work);
            let (left, was) = (rms(&frame, &clean(t)), rms(&before, &clean(t)));
            assert!(left < 0.35 * was, "{t}: {left} of {was}");
        }
    }
}
