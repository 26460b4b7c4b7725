//! A long film whose light and content change while the tissue creeps away: what is found at its end must be as true as at its beginning.

use calyx_scene::{Config, Scene};
use calyx_science::{Temporary, ffmpeg, make, process};
use serde_json::json;

/// Frames at each end that are compared.
const END: usize = 300;
/// Border that the follower below does not look at, px.
const MARGIN: usize = 20;

fn creeping() -> Config {
    Config {
        seed: 306,
        height: 128,
        width: 144,
        frames: 3000,
        motion: 6.0,
        motion_tau: 30.0,
        jumps: 2,
        jump: 5.0,
        bleaching: 0.5,
        bleaching_tau: 60.0,
        slow: 3.0,
        ..Config::preset("small").expect("a preset")
    }
}

fn motion(path: &std::path::Path) -> Vec<[f64; 2]> {
    let array = calyx_npy::read_converted(path).expect("a table of displacements");
    array.data.chunks_exact(2).map(|d| [d[0], d[1]]).collect()
}

/// By how much the error of the last frames differs from that of the first, px.
fn drift(found: &[[f64; 2]], truth: &[[f64; 2]]) -> f64 {
    let error = |range: std::ops::Range<usize>, axis: usize| {
        let n = range.len() as f64;
        range.map(|t| found[t][axis] - truth[t][axis]).sum::<f64>() / n
    };
    let last = truth.len() - END..truth.len();
    let by = |axis| error(last.clone(), axis) - error(0..END, axis);
    by(0).hypot(by(1))
}

/// What the test is against: each frame is brought to a template that then takes a fifth of it.
fn follow(frames: &[u8], [height, width]: [usize; 2]) -> Vec<[f64; 2]> {
    let inner: Vec<usize> = (MARGIN..height - MARGIN)
        .flat_map(|y| (MARGIN..width - MARGIN).map(move |x| y * width + x))
        .collect();
    let mut template: Vec<f64> = frames[..height * width]
        .iter()
        .map(|v| f64::from(*v))
        .collect();
    let mut at = [0.0f64; 2];
    frames
        .chunks_exact(height * width)
        .map(|frame| {
            let mut moved = template.clone();
            for _ in 0..4 {
                let mut sums = [0.0f64; 5];
                for p in &inner {
                    moved[*p] = sample(
                        frame,
                        [height, width],
                        (p / width) as f64 + at[0],
                        (p % width) as f64 + at[1],
                    );
                    let (gy, gx) = (
                        template[p + width] - template[p - width],
                        template[p + 1] - template[p - 1],
                    );
                    let rest = template[*p] - moved[*p];
                    let terms = [gy * gy, gx * gx, gy * gx, gy * rest, gx * rest];
                    sums.iter_mut().zip(terms).for_each(|(s, v)| *s += v);
                }
                let [yy, xx, xy, ry, rx] = sums;
                let whole = yy * xx - xy * xy;
                at[0] += (2.0 * (xx * ry - xy * rx) / whole).clamp(-1.0, 1.0);
                at[1] += (2.0 * (yy * rx - xy * ry) / whole).clamp(-1.0, 1.0);
            }
            inner
                .iter()
                .for_each(|p| template[*p] = 0.8 * template[*p] + 0.2 * moved[*p]);
            at
        })
        .collect()
}

/// Bilinear, held at the border.
fn sample(frame: &[u8], [height, width]: [usize; 2], y: f64, x: f64) -> f64 {
    let (y, x) = (
        y.clamp(0.0, height as f64 - 1.001),
        x.clamp(0.0, width as f64 - 1.001),
    );
    let (p, v, u) = (y as usize * width + x as usize, y.fract(), x.fract());
    let value = |p: usize| f64::from(frame[p]);
    (1.0 - v) * ((1.0 - u) * value(p) + u * value(p + 1))
        + v * ((1.0 - u) * value(p + width) + u * value(p + width + 1))
}

#[test]
fn the_end_of_a_creeping_film_is_placed_like_its_beginning() {
    if !ffmpeg() {
        println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)");
        return;
    }
    let config = creeping();
    let (session, work) = (
        Temporary::new("creeping-session"),
        Temporary::new("creeping"),
    );
    make(&config, &session.0);
    let run = process(&session.0, &work.0, &json!({}));
    let truth = motion(&session.0.join("truth/motion.npy"));
    let found = motion(&run.join("motion.npy"));
    assert_eq!(found.len(), truth.len());

    let scene = Scene::new(&config).expect("a sound recipe");
    let frames = scene.frames(0..config.frames);
    let followed = follow(&frames, [config.height, config.width]);
    let (engine, follower) = (drift(&found, &truth), drift(&followed, &truth));
    println!(
        "creeping: the end lies {engine:.3} px from the beginning, {follower:.3} px under a template that follows"
    );
    assert!(follower > 0.25, "this film is too easy: {follower}");
    assert!(engine < 0.1, "the template has drifted by {engine} px");
}
