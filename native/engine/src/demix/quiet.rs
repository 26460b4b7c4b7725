//! What of the background is left in a trace, told by the moments at which the cell is quiet. The ring and the shares of the shared courses are
//! those of coarse pixels; where the light that reaches the camera changes over less than that (on a vessel's rim, at the frame's edge), a part
//! of a shared course stays in the trace. A trace alone cannot tell it from activity, but activity only ever raises a trace and rests most of
//! the time: a robust regression to which moments above the fit count little sees the background alone.

use rayon::prelude::*;

use crate::kernels::{axpy, cholesky_solve, dot, mean, quantile};
use crate::movie::Groups;
use crate::shelf::Trace;
use crate::types::StageError;

/// Most moments a trace is regressed at; longer films are averaged over consecutive frames.
const MOST: usize = 2000;
/// Moments needed for each coefficient.
const MOMENTS: usize = 5;
/// At first what lies below this quantile counts as quiet.
const QUIET: f32 = 0.6;
/// Rounds of reweighting.
const ROUNDS: usize = 5;
/// Moments this many noise standard deviations above the fit count `exp(−½)`.
const ABOVE: f32 = 1.0;
/// Ridge, as a share of the moments.
const RIDGE: f64 = 1e-6;
/// Frames that are corrected at a time.
const BLOCK: usize = 4096;

/// The courses a trace may still hold, at the moments it is regressed at.
pub struct Quiet {
    groups: Groups,
    /// Frames of a group.
    size: usize,
    /// Mean 0, standard deviation 1; none of a course that stands still.
    columns: Vec<Option<Vec<f32>>>,
    /// Mean and standard deviation that were taken off.
    scales: Vec<(f32, f32)>,
}

impl Quiet {
    /// Of courses over all frames, at frames that are not masked.
    ///
    /// # Errors
    /// A course cannot be read.
    pub fn new(courses: &[&Trace], flags: &[u32]) -> Result<Self, StageError> {
        let size = flags.len().div_ceil(MOST).max(1);
        let groups = Groups::valid(flags, size);
        let made = courses
            .par_iter()
            .map(|c| {
                let mut v = c.average(&groups)?;
                let m = mean(&v);
                v.iter_mut().for_each(|v| *v -= m);
                let s = (dot(&v, &v) / v.len().max(1) as f32).sqrt();
                let varies = s.is_finite() && s > 1e-9;
                v.iter_mut().for_each(|v| *v /= s);
                Ok((varies.then_some(v), (m, s)))
            })
            .collect::<Result<Vec<_>, StageError>>()?;
        let (columns, scales) = made.into_iter().unzip();
        Ok(Self {
            groups,
            size,
            columns,
            scales,
        })
    }

    /// For each course how much of it the trace holds (all zero where that cannot be told). `noise` is that of one frame.
    pub fn shares(&self, trace: &[f32], noise: f32) -> Vec<f32> {
        let columns: Vec<&[f32]> = self.columns.iter().flatten().map(Vec::as_slice).collect();
        let y = self.groups.average(trace);
        let noise = noise / (self.size as f32).sqrt();
        let mut found = regress(&y, &columns, noise).into_iter();
        self.columns
            .iter()
            .zip(&self.scales)
            .map(|(c, (_, s))| if c.is_some() { found.next().map_or(0.0, |v| v / s) } else { 0.0 })
            .collect()
    }

    /// Takes each row's `shares · courses` (without their means) off it.
    ///
    /// # Errors
    /// A row or a course cannot be read or written.
    pub fn take_off(&self, courses: &[&Trace], frames: usize, rows: &mut [Trace], shares: &[Vec<f32>]) -> Result<(), StageError> {
        for first in (0..frames).step_by(BLOCK) {
            let range = first..(first + BLOCK).min(frames);
            let parts: Vec<Vec<f32>> = courses
                .iter()
                .zip(&self.scales)
                .map(|(c, (m, _))| Ok(c.part(range.clone())?.iter().map(|v| v - m).collect()))
                .collect::<Result<_, StageError>>()?;
            rows.par_iter_mut().zip(shares).try_for_each(|(row, shares)| {
                if shares.iter().all(|v| *v == 0.0) {
                    return Ok(());
                }
                let mut now = row.part(range.clone())?.into_owned();
                parts.iter().zip(shares).for_each(|(c, v)| axpy(&mut now, -v, c));
                row.set(first, &now)
            })?;
        }
        Ok(())
    }
}

/// Coefficients of the columns (mean 0, standard deviation 1) in `y`, fitted together with a constant where `y` is quiet.
fn regress(y: &[f32], columns: &[&[f32]], noise: f32) -> Vec<f32> {
    let (t, n) = (y.len(), columns.len() + 1);
    let zero = vec![0.0; columns.len()];
    if columns.is_empty() || t < MOMENTS * n || !(noise > 0.0 && noise.is_finite()) {
        return zero;
    }
    let low = quantile(y, QUIET);
    let mut weights: Vec<f32> = y.iter().map(|v| if *v < low { 1.0 } else { 0.0 }).collect();
    let ones = vec![1.0f32; t];
    let all: Vec<&[f32]> = std::iter::once(ones.as_slice()).chain(columns.iter().copied()).collect();
    let mut x = vec![0.0f64; n];
    for _ in 0..ROUNDS {
        let mut g = vec![0.0f64; n * n];
        let mut weighted = vec![0.0f32; t];
        for i in 0..n {
            weighted.iter_mut().zip(all[i]).zip(&weights).for_each(|((o, v), w)| *o = v * w);
            x[i] = f64::from(dot(&weighted, y));
            for j in 0..=i {
                g[i * n + j] = f64::from(dot(&weighted, all[j]));
            }
            g[i * n + i] += RIDGE * t as f64;
        }
        if !cholesky_solve(&mut g, &mut x) || x.iter().any(|v| !v.is_finite()) {
            return zero;
        }
        let mut rest = y.to_vec();
        all.iter().zip(&x).for_each(|(c, v)| axpy(&mut rest, -*v as f32, c));
        weights.iter_mut().zip(&rest).for_each(|(w, r)| {
            let above = r.max(0.0) / (ABOVE * noise);
            *w = (-0.5 * above * above).exp();
        });
    }
    x[1..].iter().map(|v| *v as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Noise, pearson};

    const T: usize = 1500;

    /// A slow course, and a trace that rises with a sparse calcium course which follows it.
    fn scene(seed: u64) -> (Vec<Vec<f32>>, Vec<f32>) {
        let mut noise = Noise::new(seed);
        let mut courses = vec![vec![0.0f32; T]; 3];
        for c in &mut courses {
            let mut now = 0.0;
            for v in c.iter_mut() {
                now = 0.96 * now + 0.28 * noise.normal();
                *v = now;
            }
        }
        let mut calcium = vec![0.0f32; T];
        let mut now = 0.0;
        for (t, c) in calcium.iter_mut().enumerate() {
            // Spikes come when the first course is high.
            now = 0.92 * now + if noise.normal() + courses[0][t] > 2.6 { 6.0 } else { 0.0 };
            *c = now;
        }
        (courses, calcium)
    }

    fn mixed(calcium: &[f32], courses: &[Vec<f32>], shares: &[f32], noise: &mut Noise) -> Vec<f32> {
        let mut y: Vec<f32> = calcium.iter().map(|c| c + 40.0 + noise.normal()).collect();
        courses.iter().zip(shares).for_each(|(c, v)| axpy(&mut y, *v, c));
        y
    }

    #[test]
    fn what_a_quiet_trace_holds_of_the_background_is_found_and_activity_stays() {
        for seed in [3, 4, 5] {
            let (courses, calcium) = scene(seed);
            let mut noise = Noise::new(seed + 100);
            for shares in [[-5.0, 2.0, 0.0], [4.0, 0.0, -3.0], [0.0, 0.0, 0.0]] {
                let y = mixed(&calcium, &courses, &shares, &mut noise);
                let traces: Vec<Trace> = courses.iter().map(|c| c.clone().into()).collect();
                let traces: Vec<&Trace> = traces.iter().collect();
                let quiet = Quiet::new(&traces, &[0; T]).unwrap();
                let found = quiet.shares(&y, 1.0);
                let mut rows = vec![Trace::from(y.clone())];
                quiet.take_off(&traces, T, &mut rows, std::slice::from_ref(&found)).unwrap();
                let (before, after) = (pearson(&y, &calcium), pearson(&rows[0].all().unwrap(), &calcium));
                for (f, s) in found.iter().zip(shares) {
                    assert!((f - s).abs() < 0.45, "{seed} {found:?} of {shares:?}");
                }
                assert!(after > 0.96 && after > before - 0.005, "{seed} {shares:?}: {before} {after}");
            }
        }
    }

    /// The same, slow and obvious: every sum in double precision, the system solved by elimination.
    fn plainly(y: &[f32], columns: &[Vec<f32>], noise: f64) -> Vec<f64> {
        let n = columns.len() + 1;
        let at = |i: usize, t: usize| if i == 0 { 1.0 } else { f64::from(columns[i - 1][t]) };
        let mut sorted = y.to_vec();
        sorted.sort_by(f32::total_cmp);
        let low = sorted[((y.len() - 1) as f32 * 0.6).round() as usize];
        let mut w: Vec<f64> = y.iter().map(|v| f64::from(u8::from(*v < low))).collect();
        let mut x = vec![0.0; n];
        for _ in 0..5 {
            let mut m = vec![vec![0.0; n + 1]; n];
            for (i, row) in m.iter_mut().enumerate() {
                for (j, sum) in row[..n].iter_mut().enumerate() {
                    *sum = (0..y.len()).map(|t| w[t] * at(i, t) * at(j, t)).sum();
                }
                row[i] += 1e-6 * y.len() as f64;
                row[n] = (0..y.len()).map(|t| w[t] * at(i, t) * f64::from(y[t])).sum();
            }
            for i in 0..n {
                let pivot = m[i].clone();
                for (_, row) in m.iter_mut().enumerate().filter(|(j, _)| *j != i) {
                    let f = row[i] / pivot[i];
                    row.iter_mut().zip(&pivot).for_each(|(r, p)| *r -= f * p);
                }
            }
            for i in 0..n {
                x[i] = m[i][n] / m[i][i];
            }
            for t in 0..y.len() {
                let rest = (f64::from(y[t]) - (0..n).map(|i| x[i] * at(i, t)).sum::<f64>()).max(0.0) / noise;
                w[t] = (-0.5 * rest * rest).exp();
            }
        }
        x[1..].to_vec()
    }

    #[test]
    fn the_fast_sums_give_what_the_slow_ones_give() {
        let (courses, calcium) = scene(8);
        let y = mixed(&calcium, &courses, &[3.0, -2.0, 1.0], &mut Noise::new(9));
        let columns: Vec<&[f32]> = courses.iter().map(Vec::as_slice).collect();
        let fast = regress(&y, &columns, 1.0);
        for (a, b) in fast.iter().zip(plainly(&y, &courses, 1.0)) {
            assert!((f64::from(*a) - b).abs() < 1e-3, "{fast:?} {b}");
        }
    }

    #[test]
    fn courses_that_stand_still_short_films_and_silence_change_nothing() {
        let (courses, calcium) = scene(6);
        let y = mixed(&calcium, &courses, &[2.0, 0.0, 0.0], &mut Noise::new(1));
        let still = [Trace::from(vec![4.0f32; T]), courses[0].clone().into()];
        let quiet = Quiet::new(&still.each_ref(), &[0; T]).unwrap();
        let found = quiet.shares(&y, 1.0);
        assert!(found[0] == 0.0 && (found[1] - 2.0).abs() < 0.45, "{found:?}");
        assert_eq!(quiet.shares(&y, 0.0), [0.0, 0.0]);
        let short: Vec<Trace> = courses.iter().map(|c| c[..12].to_vec().into()).collect();
        let short: Vec<&Trace> = short.iter().collect();
        assert_eq!(Quiet::new(&short, &[0; 12]).unwrap().shares(&y[..12], 1.0), [0.0; 3]);
    }
}
