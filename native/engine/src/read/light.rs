//! The light of a run: it bleaches, and somebody turns the LED. Frames are brought to one light before anything is learnt from them, so that the
//! resting picture stands still and a cell's signal has one unit from the first frame to the last (reference, analysis 8.1 S0).
//!
//! The course of the light comes from the sample: means of frames spread over the run; a recording has one robust polynomial of their logarithm and
//! a level between two steps. It cannot follow activity, which is short and only upward. Steps are lasting jumps between two frames of the sample; the frames between
//! those two are read to find the very frame.

use std::ops::ControlFlow;

use super::crop::Crop;
use super::input::Part;
use crate::kernels::middle;
use crate::types::{Context, StageError};

/// A lasting jump by this share of the light is a step; smaller ones hide in common activity.
const STEP: f32 = 0.03;
/// A step happens at once: between two neighbours of the sample, and between two frames of the film, by this share of what lasts.
const SUDDEN: f32 = 0.6;
/// … and by this many times what the light usually changes between neighbours of the sample.
const OVER_USUAL: f32 = 5.0;
/// Seconds on each side over which a jump must last: a burst of common activity does not.
const LASTING_S: f64 = 5.0;
/// Most steps that are looked for.
const MOST_STEPS: usize = 16;
/// Frames are brought to one light when it changes by this share over the run.
const LEAST_CHANGE: f32 = 0.03;
/// From this share on the sensor's black level shows.
const BLACK_CHANGE: f32 = 0.1;

/// A frame of the sample.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Its number in the run.
    pub frame: usize,
    /// Its mean grey level.
    pub mean: f32,
}

/// Powers of time in the course of a recording's light.
const DEGREES: usize = 3;

/// The light between two steps: the logarithm of the mean grey level.
#[derive(Clone, Debug)]
struct Stretch {
    /// Frame behind its last one.
    end: usize,
    middle: f64,
    half: f64,
    level: f64,
    terms: [f64; DEGREES],
}

impl Stretch {
    fn level(&self, frame: usize) -> f32 {
        let u = ((frame as f64 - self.middle) / self.half).clamp(-1.1, 1.1);
        (self.level + u * (self.terms[0] + u * (self.terms[1] + u * self.terms[2]))).exp() as f32
    }
}

/// The light over a run whose light changes.
#[derive(Clone, Debug)]
pub struct Light {
    stretches: Vec<Stretch>,
    /// Mean grey level that all frames are brought to.
    reference: f32,
    /// Grey level in the dark.
    black: f32,
    steps: Vec<usize>,
}

impl Light {
    /// Learns the light from points in rising order of frames; `starts` are the first frames of the recordings (the first is 0), `steps` the frames
    /// with which another light begins, rising. `None` where it hardly changes. The black level is 0 until [`Light::see_black`].
    pub fn learn(points: &[Point], starts: &[usize], steps: &[usize], fps: f64) -> Option<Self> {
        let logs: Vec<(usize, f64)> = points
            .iter()
            .filter(|p| p.mean > 0.0)
            .map(|p| (p.frame, f64::from(p.mean).ln()))
            .collect();
        if logs.is_empty() {
            return None;
        }
        let overall = middle(logs.iter().map(|l| l.1));
        let mut stretches = Vec::new();
        let mut rest = logs.as_slice();
        for (i, start) in starts.iter().enumerate() {
            let stop = starts.get(i + 1).copied().unwrap_or(usize::MAX);
            let (own, after) = rest.split_at(rest.partition_point(|l| l.0 < stop));
            rest = after;
            let mut ends: Vec<usize> = steps.iter().copied().filter(|step| step > start && *step < stop).collect();
            ends.push(stop);
            stretches.extend(fit(own, &ends, overall, fps));
        }
        let mut light = Self {
            stretches,
            reference: 0.0,
            black: 0.0,
            steps: steps.to_vec(),
        };
        let levels: Vec<f32> = logs.iter().map(|l| light.level(l.0)).collect();
        let (low, high) = levels.iter().fold((f32::MAX, 0.0f32), |(l, h), v| (l.min(*v), h.max(*v)));
        light.reference = middle(levels.iter().map(|v| f64::from(*v))) as f32;
        (high > (1.0 + LEAST_CHANGE) * low).then_some(light)
    }

    /// Mean grey level that the course gives a frame.
    pub fn level(&self, frame: usize) -> f32 {
        let i = self.stretches.partition_point(|s| s.end <= frame);
        self.stretches[i.min(self.stretches.len() - 1)].level(frame)
    }

    /// Reads the black level off two mean pictures under different light (`bright` under `levels[1]`): what does not change with the light is
    /// black. Nothing is read where the light differs little.
    pub fn see_black(&mut self, dim: &[f32], bright: &[f32], levels: [f32; 2]) {
        if levels[1] < (1.0 + BLACK_CHANGE) * levels[0] || dim.len() < 2 {
            return;
        }
        let n = dim.len() as f64;
        let mean = |image: &[f32]| image.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let (d, b) = (mean(dim), mean(bright));
        let (mut cross, mut square) = (0.0f64, 0.0f64);
        for (v, w) in dim.iter().zip(bright) {
            let w = f64::from(*w) - b;
            cross += (f64::from(*v) - d) * w;
            square += w * w;
        }
        let slope = cross / square.max(1e-9);
        if slope.is_finite() && slope > 0.0 && slope < 1.0 - 0.3 * f64::from(BLACK_CHANGE) {
            self.black = ((d - slope * b) / (1.0 - slope)).clamp(0.0, 0.5 * f64::from(levels[0])) as f32;
        }
    }

    /// Factor and summand that bring the grey levels of a frame to the common light.
    pub fn correction(&self, frame: usize) -> [f32; 2] {
        let factor = (self.reference - self.black) / (self.level(frame) - self.black).max(0.1 * self.reference);
        [factor, self.black * (1.0 - factor)]
    }

    /// Frames with which another light begins.
    pub fn steps(&self) -> &[usize] {
        &self.steps
    }

    /// Grey level in the dark.
    pub fn black(&self) -> f32 {
        self.black
    }
}

/// Fits one recording: a robust polynomial that its stretches share, and a level of each. Its degree is low where the recording is short, which says
/// nothing of a trend.
fn fit(points: &[(usize, f64)], ends: &[usize], otherwise: f64, fps: f64) -> Vec<Stretch> {
    let flat = |end: &usize| Stretch {
        end: *end,
        middle: 0.0,
        half: 1.0,
        level: otherwise,
        terms: [0.0; DEGREES],
    };
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return ends.iter().map(flat).collect();
    };
    let half = ((last.0 - first.0) as f64 / 2.0).max(1.0);
    let centre = first.0 as f64 + half;
    let seconds = (last.0 - first.0) as f64 / fps;
    let degree = match points.len() {
        40.. if seconds >= 120.0 => 3,
        12.. if seconds >= 20.0 => 2,
        6.. if seconds >= 10.0 => 1,
        _ => 0,
    };
    let stretch_of = |frame: usize| ends.partition_point(|end| *end <= frame);
    // One column for each stretch that was seen, then the powers.
    let mut columns = vec![usize::MAX; ends.len()];
    let mut seen = 0;
    for (frame, _) in points {
        let column = &mut columns[stretch_of(*frame)];
        if *column == usize::MAX {
            *column = seen;
            seen += 1;
        }
    }
    let row = |frame: usize| {
        let u = (frame as f64 - centre) / half;
        let mut row = vec![0.0; seen + degree];
        row[columns[stretch_of(frame)]] = 1.0;
        row[seen..].iter_mut().zip(1..).for_each(|(v, power)| *v = u.powi(power));
        row
    };
    let rows: Vec<Vec<f64>> = points.iter().map(|p| row(p.0)).collect();
    let mut weights = vec![1.0; points.len()];
    let mut solution = vec![0.0; seen + degree];
    // Tukey's biweight: what lies far above the course is activity.
    for _ in 0..12 {
        let Some(next) = least_squares(&rows, points, &weights) else {
            break;
        };
        solution = next;
        let rest = |(row, p): (&Vec<f64>, &(usize, f64))| p.1 - row.iter().zip(&solution).map(|(a, b)| a * b).sum::<f64>();
        let rest: Vec<f64> = rows.iter().zip(points).map(rest).collect();
        let spread = (1.4826 * middle(rest.iter().map(|r| r.abs()))).max(1e-4);
        for (w, r) in weights.iter_mut().zip(&rest) {
            let z = r / (4.685 * spread);
            // A little weight keeps a stretch whose few points lie off.
            *w = if z.abs() < 1.0 { (1.0 - z * z).powi(2) } else { 0.0 }.max(1e-3);
        }
    }
    let mut terms = [0.0; DEGREES];
    terms[..degree].copy_from_slice(&solution[seen..]);
    let mut level = otherwise;
    ends.iter()
        .zip(&columns)
        .map(|(end, column)| {
            // A stretch that the sample did not see goes on as the one before.
            level = solution.get(*column).copied().unwrap_or(level);
            Stretch {
                end: *end,
                middle: centre,
                half,
                level,
                terms,
            }
        })
        .collect()
}

/// Weighted least squares by Gaussian elimination with pivots; `None` where the points do not determine the course.
fn least_squares(rows: &[Vec<f64>], points: &[(usize, f64)], weights: &[f64]) -> Option<Vec<f64>> {
    let n = rows.first()?.len();
    let mut m = vec![vec![0.0f64; n + 1]; n];
    for ((row, (_, y)), w) in rows.iter().zip(points).zip(weights) {
        for i in 0..n {
            for j in 0..n {
                m[i][j] += w * row[i] * row[j];
            }
            m[i][n] += w * row[i] * y;
        }
    }
    for i in 0..n {
        let pivot = (i..n).max_by(|a, b| m[*a][i].abs().total_cmp(&m[*b][i].abs()))?;
        m.swap(i, pivot);
        if m[i][i].abs() < 1e-9 {
            return None;
        }
        let own = m[i].clone();
        for (_, line) in m.iter_mut().enumerate().filter(|(r, _)| *r != i) {
            let share = line[i] / own[i];
            line.iter_mut().zip(&own).for_each(|(v, p)| *v -= share * p);
        }
    }
    Some((0..n).map(|i| m[i][n] / m[i][i]).collect())
}

/// Pairs of neighbouring points between which the light steps, the larger steps first. A point of one recording never meets one of another.
pub fn candidates(points: &[Point], starts: &[usize], fps: f64) -> Vec<[usize; 2]> {
    let mut out: Vec<(f32, [usize; 2])> = Vec::new();
    let recording = |frame: usize| starts.partition_point(|s| *s <= frame);
    for own in points.chunk_by(|a, b| recording(a.frame) == recording(b.frame)) {
        let logs: Vec<f32> = own.iter().map(|p| p.mean.max(0.1).ln()).collect();
        let changes: Vec<f32> = logs.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
        let usual = middle(changes.iter().map(|c| f64::from(*c))) as f32;
        let length = own.last().map_or(0, |l| l.frame - own[0].frame);
        let spacing = (length as f64 / changes.len().max(1) as f64).max(1.0);
        let window = ((LASTING_S * fps / spacing).ceil() as usize).clamp(4, 16);
        for i in 1..logs.len() {
            let (before, after) = (&logs[i.saturating_sub(window)..i], &logs[i..(i + window).min(logs.len())]);
            if before.len().min(after.len()) < 3 {
                continue;
            }
            let of = |part: &[f32]| middle(part.iter().map(|v| f64::from(*v))) as f32;
            let (lasting, jump) = (of(after) - of(before), logs[i] - logs[i - 1]);
            if lasting.abs() > STEP && jump * lasting > 0.0 && jump.abs() > (SUDDEN * lasting.abs()).max(OVER_USUAL * usual) {
                out.push((lasting.abs(), [own[i - 1].frame, own[i].frame]));
            }
        }
    }
    out.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    out.truncate(MOST_STEPS);
    out.into_iter().map(|(_, frames)| frames).collect()
}

/// The frame with which another light begins, given the means of the frames `first..`; `None` when the light drifts there and does not step.
fn sudden(means: &[f32], first: usize) -> Option<usize> {
    let logs: Vec<f32> = means.iter().map(|m| m.max(0.1).ln()).collect();
    let total = logs.last()? - logs.first()?;
    let at = (1..logs.len()).max_by(|a, b| {
        let size = |i: &usize| (logs[*i] - logs[*i - 1]) * total.signum();
        size(a).total_cmp(&size(b)).then(b.cmp(a))
    })?;
    // An exposure may straddle the step: two frames count.
    let over = |from: usize, to: usize| (logs[to] - logs[from]) / total;
    let wide = over(at - 1, (at + 1).min(logs.len() - 1))
        .max(over(at.saturating_sub(2), at))
        .max(over(at - 1, at));
    (total.abs() > SUDDEN * STEP && wide >= SUDDEN).then_some(first + at)
}

/// Reads the frames between the points of each candidate and returns the frames with which another light begins, rising.
///
/// # Errors
/// As `Source::stream`; cancelled.
pub fn locate(parts: &[Part], crop: &Crop, candidates: &[[usize; 2]], ctx: &Context<'_>) -> Result<Vec<usize>, StageError> {
    let mut steps = Vec::new();
    for [from, to] in candidates {
        let (mut start, mut means, mut pixels) = (0, Vec::with_capacity(to - from + 1), Vec::new());
        for part in parts {
            let inside = start..start + part.frames();
            if inside.contains(from) && inside.contains(to) {
                let local = |frame: usize| part.range.start + (frame - start) as u64;
                let mut cancelled = false;
                part.source.stream(local(*from)..local(*to) + 1, &mut |_, _, frame| {
                    pixels.clear();
                    crop.append(frame, &mut pixels);
                    means.push(pixels.iter().map(|v| u64::from(*v)).sum::<u64>() as f32 / pixels.len().max(1) as f32);
                    cancelled = (ctx.cancelled)();
                    if cancelled {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })?;
                if cancelled {
                    return Err(StageError::Cancelled);
                }
                steps.extend(sudden(&means, *from));
            }
            start = inside.end;
        }
    }
    steps.sort_unstable();
    steps.dedup();
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Light that bleaches by a third, is turned up by 30 % at frame 2500, and flares with activity.
    fn light(frame: usize) -> f32 {
        let t = frame as f32;
        let step = if frame < 2500 { 1.0 } else { 1.3 };
        let flare = if frame % 700 < 40 { 6.0 } else { 0.0 };
        10.0 + 80.0 * step * (1.0 - 0.33 * (1.0 - (-t / 2000.0).exp())) + flare
    }

    fn points(light: impl Fn(usize) -> f32) -> Vec<Point> {
        let place = |i: usize| 25 + 50 * i;
        (0..100)
            .map(|i| Point {
                frame: place(i),
                mean: light(place(i)),
            })
            .collect()
    }

    #[test]
    fn bleaching_and_a_step_are_followed_and_activity_is_not() {
        let points = points(light);
        assert_eq!(candidates(&points, &[0], 20.0), [[2475, 2525]]);
        let means: Vec<f32> = (2475..=2525).map(light).collect();
        assert_eq!(sudden(&means, 2475), Some(2500));
        let mut found = Light::learn(&points, &[0], &[2500], 20.0).unwrap();
        for frame in (0..5000).filter(|f| f % 700 > 60) {
            let error = found.level(frame) / light(frame) - 1.0;
            assert!(error.abs() < 0.01, "{frame}: {error}");
        }
        // Two pictures of which a tenth of the light is black.
        let picture = |factor: f32| -> Vec<f32> { (0..600).map(|p| 10.0 + factor * (20.0 + (p % 30) as f32 * 3.0)).collect() };
        found.see_black(&picture(0.8), &picture(1.2), [60.0, 88.0]);
        assert!((found.black() - 10.0).abs() < 0.1, "{}", found.black());
        let [factor, summand] = found.correction(4000);
        let [first, add] = found.correction(300);
        // A pixel of 50 above black in the first light is the same in the last.
        let level = |frame: usize| 10.0 + 50.0 * (light(frame) - 10.0) / 80.0;
        assert!((level(4000) * factor + summand - (level(300) * first + add)).abs() < 0.6);
    }

    #[test]
    fn steady_light_common_activity_and_a_drift_have_no_steps() {
        let flare = |frame: usize| 80.0 + 8.0 * (-((frame % 500) as f32) / 30.0).exp();
        assert!(candidates(&points(flare), &[0], 20.0).is_empty());
        assert!(Light::learn(&points(|_| 80.0), &[0], &[], 20.0).is_none());
        let drift = |frame: usize| 80.0 - frame as f32 * 0.004;
        assert!(candidates(&points(drift), &[0], 20.0).is_empty());
        let ramp: Vec<f32> = (0..50).map(|i| 80.0 + i as f32).collect();
        assert_eq!(sudden(&ramp, 0), None);
        assert!(Light::learn(&[], &[0], &[], 20.0).is_none());
        assert!(Light::learn(&points(|_| 0.0), &[0], &[], 20.0).is_none());
    }

    #[test]
    fn another_recording_may_have_another_light() {
        let level = |frame: usize| if frame < 2000 { 60.0 } else { 90.0 };
        let points = points(level);
        assert!(candidates(&points, &[0, 2000], 20.0).is_empty());
        let found = Light::learn(&points, &[0, 2000], &[], 20.0).unwrap();
        assert!((found.level(1999) - 60.0).abs() < 0.01 && (found.level(2000) - 90.0).abs() < 0.01);
    }
}
