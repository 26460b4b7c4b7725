//! Both stages on films made here, whose motion and faults are known.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::source::{OnFrame, Source};
use super::*;
use crate::types::flag;

const HEIGHT: usize = 72;
const WIDTH: usize = 104;
const SIZE: [usize; 2] = [HEIGHT, WIDTH];

/// Pixel noise of frame `t`: about 1.2 grey levels, the same on every machine.
struct Noise(u32);

impl Noise {
    fn of_frame(t: usize) -> Self {
        Self((t as u32 + 1).wrapping_mul(2_654_435_761))
    }

    fn next(&mut self) -> f32 {
        let mut uniform = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (uniform() + uniform() + uniform()) * 2.4
    }
}

/// Displacement of the content in frame `t`, raw px.
fn displacement(t: usize) -> [f32; 2] {
    let t = t as f32;
    [2.4 * (t * 0.31).sin() + 0.8 * (t * 0.05).cos(), 3.6 * (t * 0.17).cos()]
}

/// Centre (y, x) and height of forty soft somata of σ 2.7 px.
static SOMATA: LazyLock<Vec<[f32; 3]>> = LazyLock::new(|| {
    (0..40u32)
        .map(|i| {
            let place = |k: u32| (i.wrapping_mul(k).wrapping_add(k >> 3) % 997) as f32 / 997.0;
            [
                place(7919) * 92.0 - 10.0,
                place(104_729) * 124.0 - 10.0,
                10.0 + 14.0 * place(31_337),
            ]
        })
        .collect()
});

/// Light at rest around `(y, x)`: the somata on an uneven glow.
fn at_rest(y: f32, x: f32) -> f32 {
    let mut light = 40.0 + 8.0 * (y * 0.05).sin() + 6.0 * (x * 0.04).cos();
    for [cy, cx, height] in SOMATA.iter() {
        let squared = (y - cy).powi(2) + (x - cx).powi(2);
        // Further out less than a thousandth of a grey level is left.
        if squared < 150.0 {
            light += height * (-squared / (2.0 * 2.7 * 2.7)).exp();
        }
    }
    light
}

/// The content moved by `d` under a vignette that stays.
fn frame(t: usize, d: [f32; 2]) -> Vec<u8> {
    let mut noise = Noise::of_frame(t);
    (0..HEIGHT * WIDTH)
        .map(|p| {
            let (y, x) = ((p / WIDTH) as f32, (p % WIDTH) as f32);
            let (v, u) = (y / HEIGHT as f32 - 0.5, x / WIDTH as f32 - 0.4);
            (at_rest(y - d[0], x - d[1]) * (1.0 - 0.7 * (v * v + u * u)) + noise.next())
                .round()
                .clamp(0.0, 255.0) as u8
        })
        .collect()
}

fn film(frames: usize) -> Vec<Vec<u8>> {
    (0..frames).map(|t| frame(t, displacement(t))).collect()
}

fn part(frames: &[Vec<u8>]) -> Part {
    let time: Vec<f64> = (0..frames.len()).map(|t| t as f64 * 0.05).collect();
    Part::new(Box::new(Held::new(SIZE, frames.concat())), 0, None, &time, 20.0).unwrap()
}

fn parameters() -> Parameters {
    Parameters {
        decay_s: None,
        rise_s: None,
        event_sigma: 2.0,
        diameter_px: Some(6.4),
        diameter_um: None,
        um_per_px: None,
        frame_rate: None,
        first_frame: 0,
        last_frame: None,
        crop_top: 0,
        crop_left: 0,
        crop_height: None,
        crop_width: None,
        normalise_light: true,
        remove_row_noise: false,
        bin: None,
        max_shift_px: 12.0,
        piecewise_from_px: 0.3,
        min_correlation: None,
        min_pnr: None,
        given_seeds: None,
        ring_radius_factor: 1.5,
        rounds: 2,
        merge_correlation: 0.8,
        min_snr: 3.0,
        min_r_value: 0.5,
        min_split_half: 0.5,
        min_roundness: 0.55,
        min_probability: 0.0,
    }
}

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("calyx-read-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn registered(parts: Vec<Part>, threads: usize, memory_bytes: u64, name: &str) -> Result<Registered, StageError> {
    let ctx = Context {
        shelf: crate::shelf::Shelf::in_memory(),
        threads,
        memory_bytes,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    let folder = scratch(name);
    let out = run_parts(parts, &parameters(), &folder, &ctx);
    std::fs::remove_dir_all(&folder).unwrap();
    out
}

fn context<'a>(cancelled: &'a crate::types::CancelFn<'a>) -> Context<'a> {
    Context {
        shelf: crate::shelf::Shelf::in_memory(),
        threads: 1,
        memory_bytes: 1 << 30,
        cancelled,
        progress: &|_, _| {},
        preview: &|_| {},
    }
}

fn codes(registered: &Registered) -> Vec<u8> {
    let mut out = Vec::new();
    registered.cache.read_block(0, registered.cache.frames(), &mut out).unwrap();
    out
}

/// Root mean square of found minus true displacement over `frames`, after the constant on each axis is taken off.
fn error(found: &[[f32; 2]], truth: impl Fn(usize) -> [f32; 2], frames: impl Iterator<Item = usize> + Clone) -> f32 {
    let n = frames.clone().count() as f32;
    let sum: f32 = (0..2)
        .map(|axis| {
            let e = |t: usize| found[t][axis] - truth(t)[axis];
            let mean = frames.clone().map(e).sum::<f32>() / n;
            frames.clone().map(|t| (e(t) - mean).powi(2)).sum::<f32>()
        })
        .sum();
    (sum / (2.0 * n)).sqrt()
}

#[test]
fn motion_is_found_and_the_cache_stands_still() {
    let frames = film(300);
    let out = registered(vec![part(&frames)], 2, 1 << 30, "motion").unwrap();
    assert_eq!((out.grid.bin, out.grid.height, out.grid.width), (2, 36, 52));
    assert!(out.flags.iter().all(|f| *f == 0) && (out.fps - 20.0).abs() < 1e-6);
    let rmse = error(&out.motion, displacement, 0..300);
    assert!(rmse < 0.1, "{rmse}");
    // Where the content would stand still, only noise may be left: of a binned pixel, 0.6.
    let (small, bytes) = (36 * 52, codes(&out));
    let mut worst = 0.0f32;
    for p in (6..30).flat_map(|y| (6..46).map(move |x| y * 52 + x)) {
        let values: Vec<f32> = (0..300).map(|t| out.cache.value(p, bytes[t * small + p])).collect();
        let mean = values.iter().sum::<f32>() / 300.0;
        worst = worst.max((values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 300.0).sqrt());
    }
    assert!(worst < 1.3, "{worst}");
    assert_eq!(out.cache.saturated(), 0);
}

#[test]
fn the_images_show_the_field_at_rest_and_the_border_what_motion_took() {
    let frames = film(200);
    let out = registered(vec![part(&frames)], 2, 1 << 30, "images").unwrap();
    let mean = |axis: usize| {
        out.motion
            .iter()
            .zip(0..)
            .map(|(m, t)| displacement(t)[axis] - m[axis])
            .sum::<f32>()
            / 200.0
    };
    let offset = [mean(0), mean(1)];
    // The registered field is the field at rest, moved by the constant that registration leaves open.
    let mut error = 0.0f32;
    for (y, x) in (10..62).flat_map(|y| (10..94).map(move |x| (y, x))) {
        let (v, u) = (y as f32 / HEIGHT as f32 - 0.5, x as f32 / WIDTH as f32 - 0.4);
        let rest = at_rest(y as f32 - offset[0], x as f32 - offset[1]) * (1.0 - 0.7 * (v * v + u * u));
        error = error.max((out.mean[y * WIDTH + x] - rest).abs());
    }
    assert!(error < 1.5, "{error}");
    assert!(out.std.iter().all(|s| s.is_finite()) && out.max.iter().zip(&out.mean).all(|(max, mean)| max >= mean));
    let largest = |axis: usize, sign: f32| out.motion.iter().map(|m| sign * m[axis] / 2.0).fold(0.0, f32::max).ceil() as usize;
    assert_eq!(out.border, [largest(0, -1.0), largest(0, 1.0), largest(1, -1.0), largest(1, 1.0)]);
    assert!(out.border.iter().all(|b| *b > 0));
}

#[test]
fn the_same_bits_on_one_and_two_threads_held_or_streamed_in_memory_or_on_disk() {
    let frames = film(150);
    let wanted = registered(vec![part(&frames)], 1, 1 << 30, "bits-a").unwrap();
    let film_bytes = (150 * HEIGHT * WIDTH) as u64;
    for (threads, memory, name) in [(2, 1 << 30, "bits-b"), (2, 2 * film_bytes, "bits-c"), (1, film_bytes, "bits-d")] {
        let got = registered(vec![part(&frames)], threads, memory, name).unwrap();
        assert_eq!(got.motion, wanted.motion, "{name}");
        assert_eq!(got.motion_quality, wanted.motion_quality);
        assert_eq!(
            (got.mean, got.std, got.max),
            (wanted.mean.clone(), wanted.std.clone(), wanted.max.clone())
        );
        assert_eq!(
            (got.flags, got.border, &got.digests),
            (wanted.flags.clone(), wanted.border, &wanted.digests)
        );
    }
}

#[test]
fn faulty_frames_are_kept_in_the_film_and_out_of_the_statistics() {
    let mut frames = film(260);
    let clean = registered(vec![part(&frames)], 2, 1 << 30, "clean").unwrap();
    frames[40] = frames[39].clone();
    frames[80].iter_mut().for_each(|v| *v = v.saturating_add(60));
    frames[120][HEIGHT / 2 * WIDTH..].rotate_right(30);
    frames[160].fill(2);
    let out = registered(vec![part(&frames)], 2, 1 << 30, "faulty").unwrap();
    let flagged: Vec<(usize, u32)> = out.flags.iter().copied().enumerate().filter(|(_, f)| *f != 0).collect();
    assert_eq!(flagged.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [40, 80, 120, 160]);
    assert_eq!(flagged[0].1, flag::REPEATED);
    assert_eq!(flagged[1].1, flag::BRIGHTNESS);
    assert_eq!(flagged[2].1 & flag::MASKED, flag::TORN);
    assert_eq!(flagged[3].1, flag::BRIGHTNESS | flag::MOTION_UNSURE);
    assert_eq!((out.cache.frames(), out.motion.len(), out.time_s.len()), (260, 260, 260));
    assert_eq!((out.motion[40], out.motion[160]), (out.motion[39], out.motion[159]), "carried over");
    assert!(error(&out.motion, displacement, (0..260).filter(|t| ![40, 120, 160].contains(t))) < 0.1);
    let worst = out.max.iter().zip(&clean.max).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 4.0, "the bright frame is not in the maximum: {worst}");
}

#[test]
fn a_stuck_pixel_does_not_hold_the_motion_back() {
    let mut frames = film(120);
    let stuck: Vec<usize> = (0..30).map(|i| (i * 2411 + 700) % (HEIGHT * WIDTH)).collect();
    frames.iter_mut().for_each(|f| stuck.iter().for_each(|p| f[*p] = 250));
    let out = registered(vec![part(&frames)], 2, 1 << 30, "stuck").unwrap();
    let mut wanted: Vec<u32> = stuck.iter().map(|p| *p as u32).collect();
    wanted.sort_unstable();
    assert_eq!(out.repaired, wanted);
    assert!(error(&out.motion, displacement, 0..120) < 0.1);
}

#[test]
fn recordings_of_one_field_share_one_template() {
    let (first, second) = (film(130), (130..240).map(|t| frame(t, displacement(t))).collect::<Vec<_>>());
    let out = registered(vec![part(&first), part(&second)], 2, 1 << 30, "two").unwrap();
    assert!(error(&out.motion, displacement, 0..240) < 0.1);
    assert_eq!((out.flags[129], out.flags[130], out.flags[131]), (0, flag::AFTER_GAP, 0));
    assert_eq!((out.time_s[130], out.digests.len()), (0.0, 2));
}

/// A film that ends early and has unreadable frames.
struct Damaged {
    frames: Vec<Vec<u8>>,
    said: u64,
    bad: usize,
}

impl Source for Damaged {
    fn frames(&self) -> u64 {
        self.said
    }

    fn size(&self) -> [usize; 2] {
        SIZE
    }

    fn stream(&self, range: Range<u64>, on_frame: &mut OnFrame<'_>) -> Result<(), StageError> {
        for t in range.start as usize..(range.end as usize).min(self.frames.len()) {
            let shown = if t == self.bad { t - 1 } else { t };
            if on_frame(t as u64, t != self.bad, &self.frames[shown]).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A film whose frames are far from their key frames.
struct Sparse(Held);

impl Source for Sparse {
    fn frames(&self) -> u64 {
        self.0.frames()
    }

    fn size(&self) -> [usize; 2] {
        SIZE
    }

    fn jump_cost(&self, frame: u64) -> u64 {
        frame + 25
    }

    fn stream(&self, range: Range<u64>, on_frame: &mut OnFrame<'_>) -> Result<(), StageError> {
        self.0.stream(range, on_frame)
    }
}

#[test]
fn a_sample_taken_in_passing_is_the_one_taken_by_jumps() {
    let frames = film(301);
    let parts = |sparse: bool| -> Vec<Part> {
        [&frames[..200], &frames[200..]]
            .into_iter()
            .map(|frames| {
                let part = part(frames);
                let held = Held::new(SIZE, frames.concat());
                if sparse {
                    Part {
                        source: Box::new(Sparse(held)),
                        ..part
                    }
                } else {
                    part
                }
            })
            .collect()
    };
    let taken = |parts: &[Part]| -> Vec<[Vec<u8>; 2]> {
        let crop = Crop::of(&parameters(), SIZE).unwrap();
        sample::take(parts, &crop, &context(&|| false))
            .unwrap()
            .into_iter()
            .map(|pair| pair.frames)
            .collect()
    };
    let wanted: Vec<[Vec<u8>; 2]> = sample::places(301, 100)
        .into_iter()
        .filter(|t| *t != 199)
        .map(|t| [frames[t].clone(), frames[t + 1].clone()])
        .collect();
    let (jumps, passing) = (taken(&parts(false)), taken(&parts(true)));
    assert_eq!(jumps.len(), 100);
    assert!(jumps == passing);
    assert!(wanted.iter().filter(|pair| jumps.contains(pair)).count() >= 98);
}

#[test]
fn unreadable_and_missing_frames_are_counted_and_flagged() {
    let damaged = Damaged {
        frames: film(100),
        said: 108,
        bad: 50,
    };
    let part = Part::new(
        Box::new(damaged),
        0,
        None,
        &(0..108).map(|t| f64::from(t) * 0.05).collect::<Vec<_>>(),
        20.0,
    )
    .unwrap();
    for (memory, name) in [(1 << 30, "damaged-held"), (1 << 16, "damaged-streamed")] {
        let again = Damaged {
            frames: film(100),
            said: 108,
            bad: 50,
        };
        let part = Part {
            source: Box::new(again),
            range: part.range.clone(),
            time_s: part.time_s.clone(),
            fps: 20.0,
        };
        let out = registered(vec![part], 2, memory, name).unwrap();
        let bad: Vec<usize> = (0..108).filter(|t| out.flags[*t] != 0).collect();
        assert_eq!(bad, std::iter::once(50).chain(100..108).collect::<Vec<_>>());
        assert!(
            bad.iter()
                .all(|t| out.flags[*t] == flag::UNREADABLE && out.motion[*t] == out.motion[*t - 1])
        );
    }
}

#[test]
fn a_cancel_is_heeded_within_a_block_wherever_it_comes() {
    let frames = film(200);
    let asked = AtomicUsize::new(0);
    let never = || {
        asked.fetch_add(1, Ordering::Relaxed);
        false
    };
    let folder = scratch("cancel");
    run_parts(vec![part(&frames)], &parameters(), &folder, &context(&never)).unwrap();
    let total = asked.load(Ordering::Relaxed);
    assert!(total >= 2 * 200, "asked for each frame: {total}");
    for when in [1, total / 3, total / 2, total - 5] {
        let count = AtomicUsize::new(0);
        let stop = || count.fetch_add(1, Ordering::Relaxed) >= when;
        let end = run_parts(vec![part(&frames)], &parameters(), &folder, &context(&stop));
        assert!(matches!(end, Err(StageError::Cancelled)), "at {when} of {total}");
        assert!(count.load(Ordering::Relaxed) <= when + 3, "it went on asking");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn progress_rises_to_one_and_counts_the_frames() {
    let seen = std::sync::Mutex::new(Vec::new());
    let progress = |fraction: f32, frames: u64| seen.lock().unwrap().push((fraction, frames));
    let ctx = Context {
        shelf: crate::shelf::Shelf::in_memory(),
        threads: 2,
        memory_bytes: 1 << 30,
        cancelled: &|| false,
        progress: &progress,
        preview: &|_| {},
    };
    let folder = scratch("progress");
    run_parts(vec![part(&film(200))], &parameters(), &folder, &ctx).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(seen.windows(2).all(|w| w[0].0 <= w[1].0) && seen.len() >= 5);
    assert_eq!(*seen.last().unwrap(), (1.0, 200));
}

#[test]
fn previews_show_the_registered_film_while_the_pass_runs() {
    let seen = std::sync::Mutex::new(Vec::new());
    let preview = |make: &dyn Fn() -> crate::preview::Preview| seen.lock().unwrap().push(make());
    let ctx = Context {
        preview: &preview,
        ..context(&|| false)
    };
    let folder = scratch("preview");
    let out = run_parts(vec![part(&film(200))], &parameters(), &folder, &ctx).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let seen = seen.into_inner().unwrap();
    let frames: Vec<u64> = seen.iter().map(|p| p.frames).collect();
    assert_eq!(frames, [64, 128, 192, 200]);
    assert!(seen.iter().all(|p| p.size == SIZE));
    let last = seen.last().unwrap();
    let names: Vec<_> = last.pictures.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, ["mean", "std", "max"]);
    // The last one is the result; the first is not.
    for ((_, values, _), image) in last.pictures.iter().zip([&out.mean, &out.std, &out.max]) {
        assert_eq!(values, image);
    }
    assert_ne!(seen[0].pictures[0].1, out.mean);
}

#[test]
fn films_of_one_or_two_frames_pass() {
    for n in [1, 2, 5] {
        let out = registered(vec![part(&film(n))], 2, 1 << 30, "short").unwrap();
        assert_eq!((out.motion.len(), out.cache.frames()), (n, n));
        assert!(out.mean.iter().all(|m| m.is_finite()));
    }
}

#[test]
fn a_diameter_that_does_not_fit_and_films_of_two_sizes_are_refused() {
    let ctx = Context {
        shelf: crate::shelf::Shelf::in_memory(),
        threads: 1,
        memory_bytes: 1 << 30,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    let folder = scratch("refused");
    let wrong = Parameters {
        diameter_px: Some(60.0),
        ..parameters()
    };
    let code = |end: Result<Registered, StageError>| match end {
        Err(StageError::Input { code, .. }) => code,
        _ => "",
    };
    assert_eq!(code(run_parts(vec![part(&film(4))], &wrong, &folder, &ctx)), "engine.diameter");
    let other = Part::new(Box::new(Held::new([WIDTH, HEIGHT], vec![0; HEIGHT * WIDTH])), 0, None, &[], 20.0).unwrap();
    assert_eq!(
        code(run_parts(vec![part(&film(4)), other], &parameters(), &folder, &ctx)),
        "engine.size-mismatch"
    );
    let dark = Part::new(Box::new(Held::new(SIZE, vec![0; 20 * HEIGHT * WIDTH])), 0, None, &[], 20.0).unwrap();
    assert!(
        run_parts(vec![dark], &parameters(), &folder, &ctx).is_ok(),
        "a black film has no motion, and no error"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Light of frame `t`: bleaching by a quarter, and an LED that is turned up at frame 400.
fn led(t: usize) -> f32 {
    (1.0 - 0.25 * (t as f32 / 600.0)) * if t < 400 { 1.0 } else { 1.35 }
}

#[test]
fn bleaching_and_an_led_step_leave_the_registered_film_as_it_is_under_steady_light() {
    const BLACK: f32 = 4.0;
    let frames: Vec<Vec<u8>> = (0..600).map(|t| frame(t, displacement(t))).collect();
    let changing: Vec<Vec<u8>> = frames
        .iter()
        .enumerate()
        .map(|(t, f)| {
            let look = |v: &u8| (BLACK + (f32::from(*v) - BLACK) * led(t)).round().clamp(0.0, 255.0) as u8;
            f.iter().map(look).collect()
        })
        .collect();
    let steady = registered(vec![part(&frames)], 2, 1 << 30, "steady").unwrap();
    assert_eq!(steady.light, None);
    let out = registered(vec![part(&changing)], 2, 1 << 30, "led").unwrap();
    let light = out.light.as_ref().unwrap();
    assert_eq!(light.steps, [400]);
    assert!((light.black - BLACK).abs() < 3.0, "{}", light.black);
    for t in [0, 150, 399, 400, 599] {
        let (wanted, got) = (led(300) / led(t), light.factor[t] / light.factor[300]);
        assert!((got / wanted - 1.0).abs() < 0.02, "{t}: {got} {wanted}");
    }
    assert!(out.flags.iter().all(|f| *f == 0), "nothing of it is a fault");
    assert!(error(&out.motion, displacement, 0..600) < 0.1);
    // What is left of the light at each pixel, against its noise.
    let (small, bytes) = (36 * 52, codes(&out));
    let mean = |p: usize, part: Range<usize>| {
        let n = part.len() as f32;
        part.map(|t| out.cache.value(p, bytes[t * small + p])).sum::<f32>() / n
    };
    let mut worst = 0.0f32;
    for p in (6..30).flat_map(|y| (6..46).map(move |x| y * 52 + x)) {
        worst = worst
            .max((mean(p, 300..400) - mean(p, 400..500)).abs())
            .max((mean(p, 0..100) - mean(p, 500..600)).abs());
    }
    assert!(worst < 1.2, "of steps of 20 grey levels: {worst}");
    assert!(out.std.iter().zip(&steady.std).filter(|(a, b)| **a > 1.6 * **b + 0.5).count() < 40);
    // Left as it is where that is asked for.
    let params = Parameters {
        normalise_light: false,
        ..parameters()
    };
    let folder = scratch("led-off");
    assert_eq!(
        run_parts(vec![part(&changing)], &params, &folder, &context(&|| false))
            .unwrap()
            .light,
        None
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_crop_keeps_the_coordinates_of_the_frame() {
    let frames = film(200);
    let folder = scratch("crop");
    let params = Parameters {
        crop_top: 9,
        crop_left: 21,
        crop_height: Some(60),
        crop_width: Some(80),
        ..parameters()
    };
    let mut stuck = frames.clone();
    stuck.iter_mut().for_each(|f| f[30 * WIDTH + 50] = 250);
    let out = run_parts(vec![part(&stuck)], &params, &folder, &context(&|| false)).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let whole = registered(vec![part(&stuck)], 2, 1 << 30, "crop-whole").unwrap();
    let grid = out.grid;
    assert_eq!((grid.bin, grid.height, grid.width, grid.top, grid.left), (2, 30, 40, 9, 21));
    assert_eq!(
        (grid.frame_height, grid.frame_width, out.mean.len()),
        (HEIGHT, WIDTH, HEIGHT * WIDTH)
    );
    assert_eq!(out.repaired, [30 * WIDTH as u32 + 50]);
    assert_eq!(out.digests, whole.digests, "the same input");
    let rmse = error(&out.motion, displacement, 0..200);
    assert!(rmse < 0.2, "{rmse}");
    let constant = |axis: usize| {
        let d: f32 = out.motion.iter().zip(&whole.motion).map(|(a, b)| a[axis] - b[axis]).sum();
        (d / 200.0).abs()
    };
    assert!(constant(0) < 0.3 && constant(1) < 0.3, "{} {}", constant(0), constant(1));
    for (p, v) in out.mean.iter().enumerate() {
        let (y, x) = (p / WIDTH, p % WIDTH);
        if !(9..69).contains(&y) || !(21..101).contains(&x) {
            assert_eq!(*v, 0.0, "outside at {y} {x}");
        } else if (14..64).contains(&y) && (26..96).contains(&x) {
            assert!((v - whole.mean[p]).abs() < 3.0, "at {y} {x}: {v} {}", whole.mean[p]);
        }
    }
    let beyond = Parameters {
        crop_top: 60,
        crop_height: Some(20),
        ..parameters()
    };
    let folder = scratch("crop-beyond");
    let end = run_parts(vec![part(&frames)], &beyond, &folder, &context(&|| false));
    assert!(matches!(end, Err(StageError::Input { code: "engine.crop", .. })));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn row_noise_is_removed_where_that_is_asked_for() {
    let shift = |t: usize, y: usize| (((t * 7919 + y * 104_729).wrapping_mul(2_654_435_761) >> 8) % 1000) as f32 / 1000.0 * 8.0 - 4.0;
    let frames: Vec<Vec<u8>> = film(200)
        .into_iter()
        .enumerate()
        .map(|(t, f)| {
            let moved = |(p, v): (usize, &u8)| (f32::from(*v) + shift(t, p / WIDTH)).round().clamp(0.0, 255.0) as u8;
            f.iter().enumerate().map(moved).collect()
        })
        .collect();
    let spread = |remove: bool| {
        let folder = scratch("row-noise");
        let params = Parameters {
            remove_row_noise: remove,
            ..parameters()
        };
        let out = run_parts(vec![part(&frames)], &params, &folder, &context(&|| false)).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let (small, bytes) = (36 * 52, codes(&out));
        let at = |p: usize| {
            let values: Vec<f32> = (0..200).map(|t| out.cache.value(p, bytes[t * small + p])).collect();
            let mean = values.iter().sum::<f32>() / 200.0;
            (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 200.0).sqrt()
        };
        assert!(error(&out.motion, displacement, 0..200) < 0.15);
        (8..28).flat_map(|y| (8..44).map(move |x| y * 52 + x)).map(at).sum::<f32>() / 720.0
    };
    let (with, without) = (spread(false), spread(true));
    assert!(without < 0.7 * with, "{without} of {with}");
}
