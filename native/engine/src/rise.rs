//! Non-negative deconvolution with a rise: calcium is the difference of two exponentials, `x_t = A_t x_{t−1} + b s_t`, `c_t = p_t − q_t`
//! with `A_t = diag(dⁿ, rⁿ)` over `n` frames (a second-order autoregressive model where all `n` are 1).
//!
//! The fit `min ½ ‖y − c‖²`, `s ≥ 0` is solved exactly by principal pivoting (Portugal, Júdice & Vicente 1994) on the set of frames where
//! `s` is free. For a given set the optimum and all multipliers come from one backward and one forward recursion over the two-vector state
//! (dynamic programming), so a pivot costs a few nanoseconds a frame whatever the number of spikes; gaps need no special case.

use crate::oasis::{Clock, Deconvolved, constrained, forgets};

/// A calcium transient, by its two decays per frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// What is left of calcium after one frame.
    pub decay: f64,
    /// What is left of the rise after one frame; below `decay`.
    pub rise: f64,
    /// Frames from a spike to the sample of the frame in which it happened.
    pub lead: f64,
}

/// How calcium rises in a recording.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Rise {
    /// Time constant in frames; 0 is none.
    pub frames: f64,
    /// Frames from a spike to the sample of the frame in which it happened ([`Shape::lead`]).
    pub lead: f64,
}

impl Rise {
    /// No rise: the first-order model.
    pub const NONE: Self = Self { frames: 0.0, lead: LEAD };
}

/// A spike happens in the middle of its frame, unless the recording shows another lead.
pub const LEAD: f64 = 0.5;

impl Shape {
    /// From the decay per frame and the recording's rise; one as slow as the decay is made a little faster.
    pub fn of(decay: f32, rise: Rise) -> Self {
        let decay = f64::from(decay.clamp(0.0, 0.9999));
        let left = (-1.0 / rise.frames.max(1e-3)).exp();
        Self {
            decay,
            rise: left.min(decay.powf(1.1)),
            lead: rise.lead,
        }
    }

    /// State at the sample of the frame in which a spike of size 1 happened, scaled so that the transient is 1 at its highest frame.
    pub fn jump(&self) -> [f64; 2] {
        let (mut p, mut q) = (self.decay.powf(self.lead), self.rise.powf(self.lead));
        let start = [p, q];
        let mut peak = p - q;
        loop {
            (p, q) = (p * self.decay, q * self.rise);
            if p - q <= peak {
                return start.map(|v| v / peak.max(1e-9));
            }
            peak = p - q;
        }
    }
}

/// Decays from each frame to the next and how calcium may enter.
pub struct Model {
    shape: Shape,
    jump: [f64; 2],
    /// Frames whose step is not one frame: index, decays over the step, and whether what came before is forgotten.
    gaps: Vec<(usize, [f64; 2], bool)>,
}

impl Model {
    /// `clock` as in [`crate::oasis::Clock`]. After a gap longer than a decay time (another recording too) the level starts afresh: it is
    /// fitted freely and is no activity, as at the first frame.
    pub fn new(shape: Shape, clock: Clock) -> Self {
        let gaps = clock.map_or_else(Vec::new, |clock| {
            (1..clock.len())
                .filter(|t| clock[*t] - clock[t - 1] != 1.0)
                .map(|t| {
                    let n = clock[t] - clock[t - 1];
                    let left = [shape.decay.powf(n), shape.rise.powf(n)];
                    (t, left, forgets(shape.decay, n))
                })
                .collect()
        });
        Self {
            shape,
            jump: shape.jump(),
            gaps,
        }
    }

    /// True where the level starts afresh.
    fn fresh(&self, t: usize) -> bool {
        t == 0 || self.gaps.binary_search_by_key(&t, |g| g.0).is_ok_and(|i| self.gaps[i].2)
    }
}

/// Room for the recursions and the set of free frames, which is a good start for the next, similar fit.
#[derive(Default)]
pub struct Solver {
    free: Vec<bool>,
    /// `Q b`, `b·l`, `b·Q b` of each frame.
    back: Vec<[f64; 4]>,
    s: Vec<f64>,
    c: Vec<f64>,
    /// Gains below this are rounding.
    smallest: f64,
}

impl Solver {
    /// Fits `y − shift`; the results are [`Solver::calcium`] and [`Solver::activity`].
    pub fn fit(&mut self, y: &[f32], shift: f32, model: &Model) {
        let n = y.len();
        if self.free.len() != n {
            self.free = vec![false; n];
        }
        self.back.resize(n, [0.0; 4]);
        self.s.resize(n, 0.0);
        self.c.resize(n, 0.0);
        self.smallest = SMALLEST * y.iter().fold(0.0, |m: f64, v| m.max(f64::from(v - shift).abs()));
        let mut least = usize::MAX;
        let mut patience = PATIENCE;
        for _ in 0..MOST_PIVOTS {
            self.backward(y, shift, model);
            let (wrong, last) = self.forward(model);
            if wrong == 0 {
                return;
            }
            let all = if wrong < least {
                least = wrong;
                patience = PATIENCE;
                true
            } else {
                patience = patience.saturating_sub(1);
                patience > 0
            };
            self.exchange((!all).then_some(last));
        }
        // Never seen; what is left negative is cut.
        self.free.iter_mut().zip(&self.s).for_each(|(f, s)| *f &= *s > 0.0);
        self.backward(y, shift, model);
        self.forward(model);
        self.s.iter_mut().for_each(|s| *s = s.max(0.0));
        self.replay(model);
    }

    /// Frames of `activity` are where the next fit starts from.
    pub fn begin(&mut self, activity: &[f32]) {
        self.free.clear();
        self.free.extend(activity.iter().map(|s| *s > 0.0));
    }

    /// Frames where spikes are free: the degrees of freedom of the fit.
    pub fn free(&self) -> usize {
        self.free.iter().filter(|f| **f).count()
    }

    /// Fitted calcium without the shift.
    pub fn calcium(&self) -> &[f64] {
        &self.c
    }

    /// Fitted spikes; where the level starts afresh it is 0.
    pub fn activity(&self, model: &Model) -> Vec<f32> {
        let mut out: Vec<f32> = self.s.iter().map(|s| s.max(0.0) as f32).collect();
        if let Some(first) = out.first_mut() {
            *first = 0.0;
        }
        model.gaps.iter().filter(|g| g.2).for_each(|g| out[g.0] = 0.0);
        out
    }

    fn backward(&mut self, y: &[f32], shift: f32, model: &Model) {
        // Cost to go, ½ xᵀQx − lᵀx, Q symmetric.
        let (mut q00, mut q01, mut q11) = (0.0f64, 0.0f64, 0.0f64);
        let (mut l0, mut l1) = (0.0f64, 0.0f64);
        let mut gaps = model.gaps.iter().rev().peekable();
        for t in (0..y.len()).rev() {
            let v = f64::from(y[t] - shift);
            q00 += 1.0;
            q01 -= 1.0;
            q11 += 1.0;
            l0 += v;
            l1 -= v;
            let mut step = [model.shape.decay, model.shape.rise];
            let mut b = model.jump;
            if let Some((_, left, fresh)) = gaps.next_if(|g| g.0 == t) {
                step = *left;
                if *fresh {
                    (step, b) = ([0.0; 2], FRESH);
                }
            } else if t == 0 {
                b = FRESH;
            }
            let (g0, g1) = (q00 * b[0] + q01 * b[1], q01 * b[0] + q11 * b[1]);
            let bl = b[0] * l0 + b[1] * l1;
            let bqb = (b[0] * g0 + b[1] * g1).max(1e-12);
            self.back[t] = [g0, g1, bl, bqb];
            if self.free[t] {
                let i = 1.0 / bqb;
                q00 -= g0 * g0 * i;
                q01 -= g0 * g1 * i;
                q11 -= g1 * g1 * i;
                l0 -= g0 * bl * i;
                l1 -= g1 * bl * i;
            }
            let [d, r] = step;
            q00 *= d * d;
            q01 *= d * r;
            q11 *= r * r;
            l0 *= d;
            l1 *= r;
        }
    }

    /// Spikes and calcium; for a frame that is not free but would gain by a spike, that spike stands in `s`. Counts the frames whose place in
    /// the set is wrong and names the last of them.
    fn forward(&mut self, model: &Model) -> (usize, usize) {
        let (mut p, mut q) = (0.0f64, 0.0f64);
        let mut gaps = model.gaps.iter().peekable();
        let (mut wrong, mut last) = (0, 0);
        for t in 0..self.s.len() {
            let mut step = [model.shape.decay, model.shape.rise];
            let mut b = model.jump;
            if let Some((_, left, fresh)) = gaps.next_if(|g| g.0 == t) {
                step = *left;
                if *fresh {
                    (step, b) = ([0.0; 2], FRESH);
                }
            } else if t == 0 {
                b = FRESH;
            }
            p *= step[0];
            q *= step[1];
            let [g0, g1, bl, bqb] = self.back[t];
            let gain = (bl - g0 * p - g1 * q) / bqb;
            self.s[t] = gain;
            if self.free[t] {
                p += b[0] * gain;
                q += b[1] * gain;
                if gain < 0.0 {
                    (wrong, last) = (wrong + 1, t);
                }
            } else if gain > self.smallest {
                (wrong, last) = (wrong + 1, t);
            } else {
                self.s[t] = 0.0;
            }
            self.c[t] = p - q;
        }
        (wrong, last)
    }

    /// Moves the frames that are wrong (all, or only `one`) to the other set.
    fn exchange(&mut self, one: Option<usize>) {
        let frames = one.map_or(0..self.s.len(), |t| t..t + 1);
        for t in frames {
            self.free[t] = if self.free[t] { self.s[t] >= 0.0 } else { self.s[t] > 0.0 };
        }
    }

    /// Calcium of the spikes as they stand.
    fn replay(&mut self, model: &Model) {
        let (mut p, mut q) = (0.0, 0.0);
        for t in 0..self.s.len() {
            let mut step = [model.shape.decay, model.shape.rise];
            if let Ok(i) = model.gaps.binary_search_by_key(&t, |g| g.0) {
                step = if model.gaps[i].2 { [0.0; 2] } else { model.gaps[i].1 };
            }
            let b = if model.fresh(t) { FRESH } else { model.jump };
            let s = if self.free[t] { self.s[t] } else { 0.0 };
            (p, q) = (p * step[0] + b[0] * s, q * step[1] + b[1] * s);
            self.c[t] = p - q;
        }
    }
}

/// Deconvolution of `y` with a rise, constrained by the noise, baseline free: as [`crate::oasis::deconvolve`], whose result on the same trace
/// (`first`) is where the search starts. Activity is in the unit of `y`: the height of the transient that a spike makes, at the frame in
/// which the spike happened (where calcium starts to rise).
pub fn deconvolve(y: &[f32], model: &Model, noise: f32, first: &Deconvolved) -> Deconvolved {
    let mut solver = Solver::default();
    solver.begin(&first.activity);
    let mut done = constrained(y, noise, Some(first.shift), first.shift, &mut |y, shift, c| {
        solver.fit(y, shift, model);
        c.iter_mut().zip(solver.calcium()).for_each(|(c, v)| *c = v.max(0.0) as f32);
    });
    done.activity = if y.is_empty() { Vec::new() } else { solver.activity(model) };
    done
}

/// A level that starts afresh decays; it has no rise.
const FRESH: [f64; 2] = [1.0, 0.0];
/// Gains below this share of the trace's reach are rounding.
const SMALLEST: f64 = 1e-7;
/// Pivots of the whole set without progress before single ones are tried.
const PATIENCE: usize = 4;
/// Pivots after which the fit is taken as it is.
const MOST_PIVOTS: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Noise, pearson};
    use crate::oasis;

    const SHAPE: Shape = Shape {
        decay: 0.9,
        rise: 0.4,
        lead: LEAD,
    };

    fn gap(n: usize, at: usize, lost: f64) -> Vec<f64> {
        (0..n).map(|t| t as f64 + if t >= at { lost } else { 0.0 }).collect()
    }

    /// Spikes, the calcium they make and a noisy trace of it on a level of 3.
    fn trace(n: usize, noise: f32, seed: u64, clock: Clock) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut source = Noise::new(seed);
        let s: Vec<f32> = (0..n)
            .map(|t| {
                if t > 0 && source.uniform() < 0.05 {
                    1.0 + source.uniform()
                } else {
                    0.0
                }
            })
            .collect();
        let c = kernel(&s, SHAPE, clock);
        let y = c.iter().map(|c| c + 3.0 + noise * source.normal()).collect();
        (s, c, y)
    }

    /// Calcium by the sum over all spikes, `K(t − u + ½)`.
    fn kernel(s: &[f32], shape: Shape, clock: Clock) -> Vec<f32> {
        let b = shape.jump();
        let time = |t: usize| clock.map_or(t as f64, |c| c[t]);
        (0..s.len())
            .map(|t| {
                let each = (0..=t).filter(|u| s[*u] != 0.0).map(|u| {
                    let n = time(t) - time(u);
                    f64::from(s[u]) * (b[0] * shape.decay.powf(n) - b[1] * shape.rise.powf(n))
                });
                each.sum::<f64>() as f32
            })
            .collect()
    }

    /// The same fit by coordinate descent over all spikes: slow and obvious.
    fn slow_fit(y: &[f32], shift: f32, shape: Shape, clock: Clock) -> Vec<f32> {
        let n = y.len();
        let columns: Vec<Vec<f32>> = (0..n)
            .map(|u| {
                let mut s = vec![0.0; n];
                s[u] = 1.0;
                if u == 0 {
                    (0..n)
                        .map(|t| shape.decay.powf(clock.map_or(t as f64, |c| c[t] - c[0])) as f32)
                        .collect()
                } else {
                    kernel(&s, shape, clock)
                }
            })
            .collect();
        let mut s = vec![0.0f64; n];
        let mut c = vec![0.0f64; n];
        for _ in 0..5_000 {
            for (column, s) in columns.iter().zip(&mut s) {
                let up: f64 = (0..n).map(|t| f64::from(column[t]) * (f64::from(y[t] - shift) - c[t])).sum();
                let down: f64 = column.iter().map(|v| f64::from(*v).powi(2)).sum();
                let new = (*s + up / down).max(0.0);
                let d = new - *s;
                if d != 0.0 {
                    *s = new;
                    c.iter_mut().zip(column).for_each(|(c, v)| *c += d * f64::from(*v));
                }
            }
        }
        c.into_iter().map(|v| v as f32).collect()
    }

    fn fit(y: &[f32], shift: f32, shape: Shape, clock: Clock) -> (Vec<f32>, Vec<f32>) {
        let model = Model::new(shape, clock);
        let mut solver = Solver::default();
        solver.fit(y, shift, &model);
        (solver.calcium().iter().map(|v| *v as f32).collect(), solver.activity(&model))
    }

    #[test]
    fn the_fit_is_the_exact_non_negative_least_squares_fit() {
        let clock = gap(24, 10, 3.0);
        for seed in 1..4 {
            let (_, _, y) = trace(24, 0.6, seed, None);
            for (shift, clock) in [(2.0, None), (3.0, None), (3.6, None), (3.0, Some(clock.as_slice()))] {
                let (c, s) = fit(&y, shift, SHAPE, clock);
                assert!(s.iter().all(|v| *v >= 0.0));
                for (a, b) in c.iter().zip(slow_fit(&y, shift, SHAPE, clock)) {
                    assert!((a - b).abs() < 2e-3, "seed {seed}, shift {shift}: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn without_noise_the_spikes_come_back_at_their_frames() {
        let clock = gap(400, 200, 4.0);
        for clock in [None, Some(clock.as_slice())] {
            let (s, _, _) = trace(400, 0.0, 9, None);
            let y = kernel(&s, SHAPE, clock);
            let (_, found) = fit(&y, 0.0, SHAPE, clock);
            for (t, (a, b)) in s.iter().zip(&found).enumerate() {
                assert!((a - b).abs() < 1e-3, "frame {t}: {a} and {b}");
            }
        }
    }

    #[test]
    fn the_misfit_is_the_noise_whatever_the_unit() {
        for seed in 1..5 {
            let (_, truth, y) = trace(3000, 0.3, seed, None);
            let model = Model::new(SHAPE, None);
            let run = |y: &[f32], noise: f32| deconvolve(y, &model, noise, &oasis::deconvolve(y, 0.9, noise, None, None));
            let d = run(&y, 0.3);
            let misfit: f32 = y.iter().zip(&d.calcium).map(|(y, c)| (y - c - d.baseline).powi(2)).sum::<f32>() / 3000.0;
            assert!((misfit.sqrt() / 0.3 - 1.0).abs() < 0.01, "{}", misfit.sqrt());
            let r = pearson(&d.calcium, &truth);
            assert!(
                (d.baseline - 3.0).abs() < 0.2 && r > 0.97,
                "seed {seed}: baseline {}, r {r}",
                d.baseline
            );
            assert!(d.calcium.iter().chain(&d.activity).all(|v| *v >= 0.0));
            let big: Vec<f32> = y.iter().map(|v| 64.0 * v).collect();
            for (a, b) in d.calcium.iter().zip(run(&big, 19.2).calcium) {
                assert!((64.0 * a - b).abs() < 2e-2);
            }
        }
    }

    #[test]
    fn no_activity_stands_where_another_recording_begins() {
        let clock = gap(200, 100, 1e4);
        let mut y = vec![0.0f32; 200];
        for (t, y) in y.iter_mut().enumerate().skip(60) {
            let (height, first) = if t < 100 { (5.0, 60) } else { (8.0, 100) };
            *y = height * 0.9f32.powi(t as i32 - first);
        }
        let (c, s) = fit(&y, 0.0, SHAPE, Some(&clock));
        assert!((c[100] - 8.0).abs() < 1e-3, "the level after the border is fitted freely");
        assert!(s[99..103].iter().all(|v| *v < 1e-3), "{:?}", &s[98..104]);
        let first = oasis::deconvolve(&y, 0.9, 0.01, Some(&clock), None);
        assert_eq!(first.activity[100], 0.0);
    }

    #[test]
    fn odd_traces_end_in_silence_and_not_in_a_panic() {
        let model = Model::new(SHAPE, None);
        for y in [
            vec![],
            vec![4.0],
            vec![4.0; 90],
            vec![f32::NAN; 90],
            vec![0.0, f32::INFINITY, 1.0, f32::NAN],
        ] {
            let first = oasis::deconvolve(&y, 0.9, 0.5, None, None);
            let d = deconvolve(&y, &model, 0.5, &first);
            assert_eq!((d.calcium.len(), d.activity.len()), (y.len(), y.len()));
            assert!(d.calcium.iter().chain(&d.activity).all(|v| v.is_finite() && *v >= 0.0));
            assert!(y.len() == 4 || d.activity.iter().all(|s| *s == 0.0));
        }
    }

    #[test]
    fn events_keep_their_seconds_when_one_frame_in_twelve_is_lost() {
        let n = 3000;
        let mut source = Noise::new(23);
        let s: Vec<f32> = (0..n).map(|t| if t % 60 == 20 { 4.0 } else { 0.0 }).collect();
        let c = kernel(&s, SHAPE, None);
        let y: Vec<f32> = c.iter().map(|c| c + 0.3 * source.normal()).collect();
        let kept: Vec<usize> = (0..n).filter(|t| *t == 0 || source.uniform() > 1.0 / 12.0).collect();
        assert!((150..350).contains(&(n - kept.len())));
        let clock: Vec<f64> = kept.iter().map(|t| *t as f64).collect();
        let few: Vec<f32> = kept.iter().map(|t| y[*t]).collect();
        let onsets = |y: &[f32], clock: Clock| -> Vec<f64> {
            let model = Model::new(SHAPE, clock);
            let d = deconvolve(y, &model, 0.3, &oasis::deconvolve(y, 0.9, 0.3, clock, None));
            let events = crate::events::find(&d.calcium, &d.activity, 0.6, 10, &[]);
            events
                .iter()
                .map(|e| clock.map_or(f64::from(e.onset), |c| c[e.onset as usize]))
                .collect()
        };
        let (all, some) = (onsets(&y, None), onsets(&few, Some(&clock)));
        assert_eq!((all.len(), some.len()), (50, 50));
        // Where the very frames of the onset are lost the nearest that is left stands for them.
        let sample = |at: f64| clock.partition_point(|c| *c < at);
        assert!(all.iter().zip(&some).all(|(a, b)| sample(*a).abs_diff(sample(*b)) <= 1));
        assert!(all.iter().zip(&some).filter(|(a, b)| (*a - *b).abs() > 1.0).count() <= 1);
    }
}
