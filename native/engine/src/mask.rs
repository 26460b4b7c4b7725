//! Which frames may be trusted: repeated, torn, saturated, badly lit or unreadable frames, lost and missing times.
//!
//! Pixel checks compare a frame with the one before it and with what rows of this film usually look like; the light is judged against the frames
//! around it, so that a lasting change of the LED marks nothing and one dark frame only itself.

use crate::kernels::middle;
use crate::simd::dispatch;
use crate::types::flag;

/// Share of pixels at the highest grey level from which a frame counts as saturated.
const SATURATED_SHARE: f32 = 0.01;
/// A row boundary is a tear when it exceeds its usual difference by this many robust standard deviations …
const TEAR_DEVIATIONS: f32 = 12.0;
/// … which are at least this share of the film's usual difference, …
const LEAST_SPREAD: f32 = 0.05;
/// … and by this many times that usual difference.
const TEAR_RATIO: f32 = 0.5;
/// Whatever is usual, a torn boundary adds contrast of this share of the light, …
const CONTRAST_SHARE: f32 = 0.02;
/// … or steps by this share: line noise of a few grey levels leaves a frame usable.
const OFFSET_SHARE: f32 = 0.05;
/// In a film whose every frame has lines that stand out (line noise, lossy coding) a tear stands out so many times as far as its median frame.
const TEAR_OVER_MEDIAN: f32 = 3.0;
/// Rows on each side whose median excess is taken off: motion and light raise all rows, a tear one.
const TEAR_REACH: usize = 4;
/// Share of rows equal to the frame before from which a frame counts as half refreshed.
const STALE_SHARE: f32 = 0.05;
/// When more pairs than this share have equal rows, equal rows are a matter of the codec or of a film without noise.
const STATIC_SHARE: f32 = 0.1;
/// Frames on each side that a frame's light is compared with.
pub const LIGHT_REACH: usize = 10;
/// Relative departure of the light from the frames around it that is a jump: common activity of a dense field reaches a tenth.
const LIGHT_SHARE: f32 = 0.16;
/// The same for a frame that also departs so from the mean of its two neighbours: activity comes fast but goes slowly.
const FLASH_SHARE: f32 = 0.08;
/// Both must also be this many times the usual change from frame to frame.
const LIGHT_DEVIATIONS: f32 = 8.0;
/// Light below this share of the run's usual light, or above its inverse, is a fault wherever it stands.
const DARK_SHARE: f32 = 0.4;

/// What is measured on one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameCheck {
    /// Mean grey level.
    pub mean: f32,
    /// Share of pixels at 255.
    pub saturated: f32,
    /// Share of rows equal to the same rows of the frame before (rows of one grey level do not count).
    pub same_rows: f32,
    /// All pixels equal those of the frame before.
    pub repeated: bool,
    /// Largest row boundary above what is usual, in units of the limit: a tear above 1. Small ones (under a quarter) are not told apart from 0.
    pub tear: f32,
}

/// The boundary between a row and the next. The two are apart because sensors shift whole rows a little (row noise), which is no tear.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Boundary {
    /// Mean absolute difference after the mean difference (rounded) is taken off.
    contrast: f32,
    /// Mean difference.
    offset: f32,
}

/// What is usual at one boundary and how far it may go.
#[derive(Clone, Copy, Debug)]
struct UsualBoundary {
    usual: Boundary,
    limit: Boundary,
}

/// What is usual in a film, from a sample of its frames.
#[derive(Clone, Debug)]
pub struct Usual {
    /// What is usual at each boundary between rows.
    rows: Vec<UsualBoundary>,
    /// Multiple of the limits from which a boundary is a tear in this film.
    tear_scale: f32,
    /// Usual absolute change of the mean from frame to frame.
    light_change: f32,
    /// Median of the means.
    light: f32,
    /// Rows equal to the frame before are nothing special in this film (no noise, or coded with skipped blocks).
    static_rows: bool,
}

impl Usual {
    /// From pairs of frames (each frame with the one after it), `width` px wide.
    pub fn of_pairs(pairs: &[[&[u8]; 2]], width: usize) -> Self {
        let profiles: Vec<Vec<Boundary>> = pairs
            .iter()
            .map(|[first, _]| {
                let mut profile = Vec::new();
                row_boundaries(first, width, &mut profile);
                profile
            })
            .collect();
        let usual = |y: usize, pick: fn(&Boundary) -> f32| {
            let level = middle(profiles.iter().map(|p| pick(&p[y])));
            [level, 1.4826 * middle(profiles.iter().map(|p| (pick(&p[y]) - level).abs()))]
        };
        let boundaries = profiles.first().map_or(0, Vec::len);
        let measured: Vec<[[f32; 2]; 2]> = (0..boundaries)
            .map(|y| [usual(y, |b| b.contrast), usual(y, |b| b.offset)])
            .collect();
        let contrast = middle(measured.iter().map(|m| m[0][0]));
        let means: Vec<[f32; 2]> = pairs.iter().map(|[a, b]| [mean(a), mean(b)]).collect();
        let light = middle(means.iter().map(|m| m[0]));
        let limit = |spread: f32, share: f32| {
            let usual = (TEAR_DEVIATIONS * spread.max(LEAST_SPREAD * contrast).max(0.02)).max(TEAR_RATIO * contrast);
            usual.max(share * light)
        };
        let rows = measured
            .iter()
            .map(|[c, o]| UsualBoundary {
                usual: Boundary {
                    contrast: c[0],
                    offset: o[0],
                },
                limit: Boundary {
                    contrast: limit(c[1], CONTRAST_SHARE),
                    offset: limit(o[1], OFFSET_SHARE),
                },
            })
            .collect();
        let usual = Self {
            rows,
            tear_scale: 1.0,
            light_change: 0.0,
            light: 0.0,
            static_rows: false,
        };
        let tears = middle(profiles.iter().map(|p| usual.tear(p)));
        let differing = pairs.iter().filter(|[a, b]| a != b);
        let static_pairs = differing.clone().filter(|[a, b]| same_rows(b, a, width) > 0.0).count();
        Self {
            tear_scale: (TEAR_OVER_MEDIAN * tears).max(1.0),
            light_change: middle(means.iter().map(|[a, b]| (b - a).abs())),
            light,
            static_rows: static_pairs as f32 > STATIC_SHARE * differing.count() as f32,
            ..usual
        }
    }

    /// Measures `frame` (`width` px wide); `before` is the frame before it in the same film.
    pub fn check(&self, frame: &[u8], before: Option<&[u8]>, width: usize, scratch: &mut Vec<Boundary>) -> FrameCheck {
        row_boundaries(frame, width, scratch);
        let repeated = before.is_some_and(|b| b == frame);
        FrameCheck {
            mean: mean(frame),
            saturated: saturated(frame) as f32 / frame.len().max(1) as f32,
            same_rows: before.map_or(0.0, |b| same_rows(frame, b, width)),
            repeated,
            tear: self.tear(scratch),
        }
    }

    /// The largest excess of a row boundary over what is usual there and over its neighbours now, in units of the limit.
    fn tear(&self, profile: &[Boundary]) -> f32 {
        let worst = |excess: &dyn Fn(usize) -> f32, limit: &dyn Fn(usize) -> f32| {
            let mut worst = 0.0f32;
            for y in 0..profile.len() {
                // Cheap first: only a boundary that stands out is held against its neighbours.
                if excess(y) > 0.25 * limit(y) {
                    let around = y.saturating_sub(TEAR_REACH)..(y + TEAR_REACH + 1).min(profile.len());
                    worst = worst.max((excess(y) - middle(around.map(excess))) / limit(y));
                }
            }
            worst
        };
        let contrast = worst(&|y| profile[y].contrast - self.rows[y].usual.contrast, &|y| {
            self.rows[y].limit.contrast
        });
        let offset = worst(&|y| (profile[y].offset - self.rows[y].usual.offset).abs(), &|y| {
            self.rows[y].limit.offset
        });
        contrast.max(offset) / self.tear_scale
    }

    /// Flags of a frame from its own check; the light is judged apart, by [`Usual::light_jump`].
    pub fn flags(&self, check: &FrameCheck) -> u32 {
        let mut flags = 0;
        if check.repeated {
            flags |= flag::REPEATED;
        }
        let stale = check.same_rows >= STALE_SHARE && !self.static_rows;
        if !check.repeated && (check.tear > 1.0 || stale) {
            flags |= flag::TORN;
        }
        if check.saturated > SATURATED_SHARE {
            flags |= flag::SATURATED;
        }
        flags
    }

    /// Does the mean of frame `t` jump against the frames around it, of which `means` holds up to [`LIGHT_REACH`] on each side?
    pub fn light_jump(&self, means: &[f32], t: usize) -> bool {
        let mean = means[t];
        if self.light_fails(mean) {
            return true;
        }
        let level = middle(
            means[t.saturating_sub(LIGHT_REACH)..(t + LIGHT_REACH + 1).min(means.len())]
                .iter()
                .copied(),
        );
        let beside = 0.5 * (means[t.saturating_sub(1)] + means[(t + 1).min(means.len() - 1)]);
        let least = LIGHT_DEVIATIONS * self.light_change;
        let (departs, flashes) = ((mean - level).abs(), (mean - beside).abs().min((mean - level).abs()));
        departs > (LIGHT_SHARE * level).max(least) || flashes > (FLASH_SHARE * level).max(least)
    }

    /// Is a frame with this mean far too dark or bright for the run?
    pub fn light_fails(&self, mean: f32) -> bool {
        mean < DARK_SHARE * self.light || mean * DARK_SHARE > self.light
    }
}

/// Flags of the times of one recording: missing ones, and gaps. A late stamp whose successor is on time again is no gap: nothing was lost.
/// `fps` is the usual rate.
pub fn time_flags(time_s: &[f64], fps: f64) -> Vec<u32> {
    let usual = 1.0 / fps;
    let gap = |i: usize| {
        let step = if i > 0 { time_s[i] - time_s[i - 1] } else { f64::NAN };
        if step.is_nan() || step <= 1.5 * usual {
            return false;
        }
        let after = time_s.get(i + 1).copied().unwrap_or(f64::NAN);
        after.is_nan() || after - time_s[i - 1] > 2.5 * usual
    };
    (0..time_s.len())
        .map(|i| {
            if time_s[i].is_nan() {
                flag::TIME_MISSING
            } else if gap(i) {
                flag::AFTER_GAP
            } else {
                0
            }
        })
        .collect()
}

/// Frames per second from the differences of known neighbouring times: the mean of those within a fifth of their median, since stamps of whole
/// milliseconds make the median itself coarse (33 ms is not 30 Hz). `None` without any.
pub fn usual_rate<'a>(recordings: impl Iterator<Item = &'a [f64]>) -> Option<f64> {
    let mut steps: Vec<f64> = recordings
        .flat_map(|t| t.windows(2).map(|w| w[1] - w[0]).filter(|d| *d > 0.0))
        .collect();
    steps.sort_unstable_by(f64::total_cmp);
    let middle = *steps.get(steps.len() / 2)?;
    let near: Vec<f64> = steps.into_iter().filter(|d| (d - middle).abs() <= 0.2 * middle).collect();
    Some(near.len() as f64 / near.iter().sum::<f64>())
}

fn mean(frame: &[u8]) -> f32 {
    sum(frame) as f32 / frame.len().max(1) as f32
}

fn same_rows(frame: &[u8], before: &[u8], width: usize) -> f32 {
    let rows = frame.chunks_exact(width).zip(before.chunks_exact(width));
    let same = rows.filter(|(a, b)| a == b && a.iter().any(|v| *v != a[0])).count();
    same as f32 / (frame.len() / width).max(1) as f32
}

dispatch! {
    fn sum(frame: &[u8]) -> u64 = sum_body
}

#[inline(always)]
fn sum_body(frame: &[u8]) -> u64 {
    frame
        .chunks(4096)
        .map(|c| u64::from(c.iter().map(|v| u32::from(*v)).sum::<u32>()))
        .sum()
}

dispatch! {
    fn saturated(frame: &[u8]) -> u32 = saturated_body
}

#[inline(always)]
fn saturated_body(frame: &[u8]) -> u32 {
    frame.iter().map(|v| u32::from(*v == u8::MAX)).sum()
}

dispatch! {
    /// The boundary between each row and the next.
    fn row_boundaries(frame: &[u8], width: usize, out: &mut Vec<Boundary>) = row_boundaries_body
}

#[inline(always)]
fn row_boundaries_body(frame: &[u8], width: usize, out: &mut Vec<Boundary>) {
    out.clear();
    let below = frame.chunks_exact(width).skip(1);
    for (a, b) in frame.chunks_exact(width).zip(below) {
        let step: i32 = a.iter().zip(b).map(|(a, b)| i32::from(*b) - i32::from(*a)).sum();
        let offset = step as f32 / width as f32;
        let whole = offset.round() as i16;
        let rest: u32 = a
            .iter()
            .zip(b)
            .map(|(a, b)| u32::from((i16::from(*b) - i16::from(*a) - whole).unsigned_abs()))
            .sum();
        out.push(Boundary {
            contrast: rest as f32 / width as f32,
            offset,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEIGHT: usize = 60;
    const WIDTH: usize = 90;

    /// A structured picture with noise, slowly wandering sideways.
    fn frame(t: usize) -> Vec<u8> {
        let mut state = (t as u32 + 1).wrapping_mul(2_654_435_761);
        (0..HEIGHT * WIDTH)
            .map(|p| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (y, x) = ((p / WIDTH) as f32, (p % WIDTH) as f32 + (t as f32 * 0.3).sin() * 2.0);
                let light = 80.0 + 20.0 * (x * 0.21).sin() * (y * 0.17).cos() + 10.0 * (x * 0.5 + y * 0.3).sin();
                (light + (state >> 24) as f32 / 32.0) as u8
            })
            .collect()
    }

    fn usual() -> Usual {
        let frames: Vec<_> = (0..60).map(|i| [frame(10 * i), frame(10 * i + 1)]).collect();
        let pairs: Vec<[&[u8]; 2]> = frames.iter().map(|[a, b]| [a.as_slice(), b.as_slice()]).collect();
        Usual::of_pairs(&pairs, WIDTH)
    }

    fn flags(now: &[u8], before: &[u8]) -> u32 {
        let usual = usual();
        usual.flags(&usual.check(now, Some(before), WIDTH, &mut Vec::new()))
    }

    #[test]
    fn ordinary_frames_carry_no_flag() {
        let usual = usual();
        for t in 700..800 {
            let check = usual.check(&frame(t), Some(&frame(t - 1)), WIDTH, &mut Vec::new());
            assert_eq!(usual.flags(&check), 0, "{t}: {check:?}");
        }
    }

    #[test]
    fn a_frame_that_equals_the_one_before_is_repeated_and_not_torn() {
        assert_eq!(flags(&frame(5), &frame(5)), flag::REPEATED);
    }

    #[test]
    fn torn_frames_are_found() {
        let (good, before) = (frame(31), frame(30));
        // The lower half slid sideways.
        let mut slid = good.clone();
        slid[HEIGHT / 2 * WIDTH..].rotate_right(20);
        assert_eq!(flags(&slid, &before), flag::TORN);
        // The lower part is of another exposure.
        let mut split = good.clone();
        split[30 * WIDTH..].iter_mut().for_each(|v| *v -= 12);
        assert_eq!(flags(&split, &before), flag::TORN);
        // Three rows of noise from the bus.
        let mut burst = good.clone();
        burst[20 * WIDTH..23 * WIDTH]
            .iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = (i * 97 % 256) as u8);
        assert_eq!(flags(&burst, &before), flag::TORN);
        // The lower third still holds the frame before.
        let mut stale = good;
        stale[40 * WIDTH..].copy_from_slice(&before[40 * WIDTH..]);
        assert_eq!(flags(&stale, &before), flag::TORN);
    }

    #[test]
    fn row_noise_of_the_sensor_is_no_tear() {
        let noisy = |t: usize| {
            let mut f = frame(t);
            for (y, row) in f.chunks_exact_mut(WIDTH).enumerate() {
                let shift = ((y as u32 * 7919 + t as u32 * 104_729).wrapping_mul(2_654_435_761) >> 24) as u8 / 40;
                row.iter_mut().for_each(|v| *v += shift);
            }
            f
        };
        let frames: Vec<_> = (0..60).map(|i| [noisy(10 * i), noisy(10 * i + 1)]).collect();
        let pairs: Vec<[&[u8]; 2]> = frames.iter().map(|[a, b]| [a.as_slice(), b.as_slice()]).collect();
        let usual = Usual::of_pairs(&pairs, WIDTH);
        for t in 700..900 {
            let check = usual.check(&noisy(t), Some(&noisy(t - 1)), WIDTH, &mut Vec::new());
            assert_eq!(usual.flags(&check), 0, "{t}: {check:?}");
        }
    }

    #[test]
    fn a_film_full_of_bright_lines_is_not_torn_but_a_tear_in_it_is() {
        let lined = |t: usize| {
            let mut f = frame(t);
            let y = (t * 31) % HEIGHT;
            f[y * WIDTH..(y + 1) * WIDTH].iter_mut().for_each(|v| *v += 12);
            f
        };
        let frames: Vec<_> = (0..60).map(|i| [lined(10 * i), lined(10 * i + 1)]).collect();
        let pairs: Vec<[&[u8]; 2]> = frames.iter().map(|[a, b]| [a.as_slice(), b.as_slice()]).collect();
        let usual = Usual::of_pairs(&pairs, WIDTH);
        let flags = |now: &[u8]| usual.flags(&usual.check(now, None, WIDTH, &mut Vec::new()));
        assert!((700..760).all(|t| flags(&lined(t)) == 0));
        let mut torn = lined(731);
        torn[20 * WIDTH..23 * WIDTH]
            .iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = (i * 97 % 256) as u8);
        torn[30 * WIDTH..31 * WIDTH].fill(220);
        assert_eq!(flags(&torn), flag::TORN);
    }

    #[test]
    fn more_than_a_hundredth_at_the_top_is_saturated() {
        let mut bright = frame(3);
        let few = HEIGHT * WIDTH / 100;
        // One pixel a row, so that no row boundary stands out.
        let places: Vec<usize> = (0..=few).map(|i| (i % HEIGHT) * WIDTH + (i * 53) % WIDTH).collect();
        places[..few].iter().for_each(|p| bright[*p] = 255);
        assert_eq!(flags(&bright, &frame(2)) & flag::SATURATED, 0);
        bright[places[few]] = 255;
        assert_eq!(flags(&bright, &frame(2)) & flag::SATURATED, flag::SATURATED);
    }

    #[test]
    fn one_dark_frame_jumps_and_a_lasting_step_does_not() {
        let usual = usual();
        let jumps = |means: &[f32]| -> Vec<usize> { (0..means.len()).filter(|t| usual.light_jump(means, *t)).collect() };
        let mut flash = vec![80.0; 50];
        flash[20] = 100.0;
        flash[33] = 60.0;
        assert_eq!(jumps(&flash), [20, 33]);
        let step: Vec<f32> = (0..50).map(|t| if t < 25 { 80.0 } else { 100.0 }).collect();
        assert_eq!(jumps(&step), [0usize; 0]);
        // A burst of common activity: a tenth within two frames, gone within half a second.
        let burst: Vec<f32> = (0..50)
            .map(|t| {
                80.0 + if t < 20 {
                    0.0
                } else {
                    10.0 * (-(t as f32 - 21.0).abs() / 4.0).exp()
                }
            })
            .collect();
        assert_eq!(jumps(&burst), [0usize; 0]);
        // The light stays off: every frame of it, however long.
        let off: Vec<f32> = (0..50).map(|t| if t < 5 { 80.0 } else { 4.0 }).collect();
        assert_eq!(jumps(&off)[..].iter().filter(|t| **t >= 5).count(), 45);
    }

    #[test]
    fn gaps_and_missing_times_are_flagged_and_a_late_stamp_is_not() {
        let mut time: Vec<f64> = (0..20).map(|i| f64::from(i) * 0.05).collect();
        time[5] += 0.04;
        time[9] = f64::NAN;
        time[14..].iter_mut().for_each(|t| *t += 0.1);
        let wanted: Vec<u32> = (0..20)
            .map(|i| {
                if i == 9 {
                    flag::TIME_MISSING
                } else if i == 14 {
                    flag::AFTER_GAP
                } else {
                    0
                }
            })
            .collect();
        assert_eq!(time_flags(&time, 20.0), wanted);
    }

    #[test]
    fn the_rate_is_the_usual_one_over_recordings() {
        let a: Vec<f64> = (0..10).map(|i| f64::from(i) * 0.05).collect();
        let b = [0.0, 0.05, f64::NAN, 0.15, 0.4];
        assert!((usual_rate([a.as_slice(), b.as_slice()].into_iter()).unwrap() - 20.0).abs() < 1e-6);
        let whole_ms: Vec<f64> = (0..900).map(|i| (f64::from(i) * 1000.0 / 30.0).round() / 1000.0).collect();
        assert!((usual_rate([whole_ms.as_slice()].into_iter()).unwrap() - 30.0).abs() < 0.01);
        assert_eq!(usual_rate([[f64::NAN].as_slice()].into_iter()), None);
    }
}
