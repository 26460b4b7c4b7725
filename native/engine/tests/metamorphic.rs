//! Changes of a film whose effect on the result is known, whatever the truth is: the engine must follow them.

mod whole;

use std::sync::LazyLock;

use calyx_engine::params::Parameters;
use calyx_engine::shelf::Trace;
use calyx_engine::types::flag;
use calyx_scene::session::{self, Codec, Layout};
use calyx_scene::{Config, Scene};
use whole::{Agreement, Film, Outcome, agreement, engine, engine_on_files, registered};

const HEIGHT: usize = 96;
const WIDTH: usize = 144;
const FRAMES: usize = 600;

fn scene() -> Scene {
    Scene::new(&Config {
        seed: 9201,
        height: HEIGHT,
        width: WIDTH,
        frames: FRAMES,
        cells: 14,
        motion: 2.0,
        vessels: 1,
        ..Config::preset("tiny").unwrap()
    })
    .unwrap()
}

/// The film as it is, higher than wide nowhere.
static PLAIN: LazyLock<Film> = LazyLock::new(|| {
    let frames = scene().frames(0..FRAMES);
    Film::new(
        [HEIGHT, WIDTH],
        frames.chunks_exact(HEIGHT * WIDTH).map(<[u8]>::to_vec).collect(),
        20.0,
    )
});

/// What the engine makes of it.
static RESULT: LazyLock<Outcome> = LazyLock::new(|| run(&PLAIN));

fn defaults() -> Parameters {
    Parameters::defaults().unwrap()
}

fn run(film: &Film) -> Outcome {
    engine(vec![film.part().unwrap()], &defaults(), 2).unwrap()
}

fn same(t: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..t).map(|t| (t, t))
}

/// Holds a result on the same grid against the plain one.
fn against_plain(name: &str, other: &Outcome) -> Agreement {
    let found = agreement(&RESULT.own_cells(), &other.own_cells(), same(FRAMES));
    println!("{name}: {:.3} of cosine {:.4?}, r {:.4?}", found.f1, found.cosine, found.r);
    found
}

#[test]
fn the_plain_film_has_its_cells() {
    let n = RESULT.own_cells().len();
    assert!((12..=20).contains(&n), "{n}");
    assert_eq!(RESULT.film.light, None);
}

#[test]
fn a_transposed_and_a_mirrored_film_give_transposed_and_mirrored_cells() {
    let plain = &RESULT.film.grid;
    let transposed = PLAIN.map([WIDTH, HEIGHT], |_, f| {
        (0..HEIGHT * WIDTH).map(|p| f[(p % HEIGHT) * WIDTH + p / HEIGHT]).collect()
    });
    let mirrored = PLAIN.map([HEIGHT, WIDTH], |_, f| f.iter().rev().copied().collect());
    let (gh, gw) = (plain.height, plain.width);
    type Place = fn(usize, usize, [usize; 2]) -> usize;
    let places: [(&str, Film, Place); 2] = [
        ("transposed", transposed, |y, x, [_, gw]| x * gw + y),
        ("mirrored", mirrored, |y, x, [gh, gw]| (gh - 1 - y) * gw + gw - 1 - x),
    ];
    for (name, film, place) in places {
        let out = run(&film);
        assert_eq!(out.film.grid.bin, plain.bin);
        let cells = out.cells(gh * gw, |y, x| Some(place(y, x, [gh, gw])));
        let found = agreement(&RESULT.own_cells(), &cells, same(FRAMES));
        println!("{name}: {:.3}, cosine {:.4?}, r {:.4?}", found.f1, found.cosine, found.r);
        assert!(found.f1 >= 1.0 && found.cosine[0] >= 0.99, "{name}: {found:?}");
        assert!(found.r[0] >= 0.98, "{name}: {found:?}");
    }
}

#[test]
fn a_darker_film_has_the_same_cells() {
    let dark = PLAIN.map([HEIGHT, WIDTH], |_, f| {
        f.iter().map(|v| (f32::from(*v) * 0.7).round() as u8).collect()
    });
    let found = against_plain("× 0.7", &run(&dark));
    assert!(found.f1 >= 0.98 && found.cosine[1] >= 0.99, "{found:?}");
}

#[test]
fn bleaching_and_an_led_that_is_turned_leave_cells_and_traces_as_they_are() {
    // A third of the light bleaches away, and the LED is turned up at frame 380.
    let light = |t: usize| (0.67 + 0.33 * (-(t as f32) / 250.0).exp()) * if t < 380 { 1.0 } else { 1.3 };
    let film = PLAIN.map([HEIGHT, WIDTH], |t, f| {
        f.iter().map(|v| (f32::from(*v) * light(t)).round().min(255.0) as u8).collect()
    });
    let out = run(&film);
    assert_eq!(out.film.light.as_ref().unwrap().steps, [380]);
    let masked = out.film.flags.iter().filter(|f| **f & flag::MASKED != 0).count();
    assert_eq!(masked, 0, "neither is a fault");
    let found = against_plain("bleached and turned", &out);
    assert!(found.f1 >= 1.0 && found.cosine[1] >= 0.99, "{found:?}");
    assert!(found.r[0] >= 0.95 && found.r[1] >= 0.99, "{found:?}");
    // As high at the end as at the beginning: what a cell does after the step has the unit of what it did before.
    let (a, b) = (RESULT.own_cells(), out.own_cells());
    let share = |range: std::ops::Range<usize>| {
        let sum = |cells: &[whole::Cell], k: usize| range.clone().map(|t| f64::from(cells[k].trace[t])).sum::<f64>();
        let (mut before, mut after) = (0.0, 0.0);
        for (i, j) in &found.pairs {
            before += sum(&a, *i);
            after += sum(&b, *j);
        }
        after / before
    };
    let (early, late) = (share(0..300), share(400..FRAMES));
    assert!((late / early - 1.0).abs() < 0.08, "{early} {late}");
}

#[test]
fn blank_frames_at_the_end_change_no_cell() {
    let mut film = PLAIN.clone();
    film.frames.extend((0..40).map(|_| vec![2; HEIGHT * WIDTH]));
    film.time = (0..FRAMES + 40).map(|t| t as f64 / 20.0).collect();
    let out = run(&film);
    assert!(out.film.flags[FRAMES..].iter().all(|f| f & flag::MASKED != 0));
    assert!(out.film.flags[..FRAMES].iter().all(|f| f & flag::MASKED == 0));
    let found = against_plain("blank frames", &out);
    assert!(found.f1 >= 1.0 && found.cosine[0] >= 0.98 && found.r[0] >= 0.97, "{found:?}");
}

#[test]
fn a_frame_moved_by_whole_pixels_has_moved_by_so_many() {
    // A window into a larger picture, so that what comes in along the edges is tissue.
    const MARGIN: usize = 8;
    const SIZE: [usize; 2] = [176, 208];
    let (height, width) = (SIZE[0] + 2 * MARGIN, SIZE[1] + 2 * MARGIN);
    let large = Scene::new(&Config {
        height,
        width,
        frames: 300,
        cells: 50,
        vignette: 0.0,
        read_noise: 0.15,
        shot_noise: 0.0005,
        row_noise: 0.0,
        ..scene().config
    })
    .unwrap();
    let pixels = large.frames(0..300);
    let roll = [[0, 0], [3, -4], [-5, 2], [1, 6]];
    let moved = |t: usize| if t % 20 == 10 { roll[t / 20 % 4] } else { [0i32, 0] };
    let window = |t: usize, [dy, dx]: [i32; 2]| -> Vec<u8> {
        let (top, left) = ((MARGIN as i32 - dy) as usize, (MARGIN as i32 - dx) as usize);
        let frame = &pixels[t * height * width..(t + 1) * height * width];
        frame
            .chunks_exact(width)
            .skip(top)
            .take(SIZE[0])
            .flat_map(|row| row[left..left + SIZE[1]].to_vec())
            .collect()
    };
    let film = |moving: bool| {
        let frames = (0..300).map(|t| window(t, if moving { moved(t) } else { [0, 0] })).collect();
        Film::new(SIZE, frames, 20.0)
    };
    let [still, rolled] = [false, true].map(|moving| registered(&film(moving)).motion);
    let mut errors = Vec::new();
    for t in (0..300).filter(|t| moved(*t) != [0, 0]) {
        for axis in 0..2 {
            errors.push((rolled[t][axis] - still[t][axis] - moved(t)[axis] as f32).abs());
        }
    }
    errors.sort_by(f32::total_cmp);
    println!("moved by whole pixels: {errors:?}");
    assert!(errors.len() == 22 && errors[11] <= 0.02 && errors[21] < 0.06, "{errors:?}");
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let film = PLAIN.part().unwrap();
    let one = engine(vec![film], &defaults(), 1).unwrap();
    for threads in [2, 4] {
        let other = engine(vec![PLAIN.part().unwrap()], &defaults(), threads).unwrap();
        same_bits(&format!("{threads} threads"), &one, &other);
    }
}

fn same_bits(name: &str, one: &Outcome, other: &Outcome) {
    assert_eq!(one.film.digests, other.film.digests, "{name}");
    assert_eq!(one.film.motion, other.film.motion, "{name}");
    assert!(one.film.mean == other.film.mean && one.film.std == other.film.std, "{name}");
    assert_eq!(one.components.footprints, other.components.footprints, "{name}");
    let bits = |rows: &[Trace]| -> Vec<u32> {
        rows.iter()
            .flat_map(|row| row.all().unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>())
            .collect()
    };
    for (a, b) in [
        (&one.components.raw, &other.components.raw),
        (&one.components.denoised, &other.components.denoised),
        (&one.components.deconvolved, &other.components.deconvolved),
        (&one.components.dff, &other.components.dff),
    ] {
        assert!(bits(a) == bits(b), "{name}");
    }
    assert_eq!(one.components.events, other.components.events, "{name}");
}

#[test]
fn a_film_in_one_or_in_six_files_gives_the_same_bits() {
    let folder = std::env::temp_dir().join(format!("calyx-cut-{}", std::process::id()));
    let written = |files: usize| {
        let layout = Layout {
            codec: Codec::Grey,
            frames_per_file: FRAMES.div_ceil(files),
            ..Layout::default()
        };
        session::write(&scene(), &folder.join(files.to_string()), &layout).unwrap()
    };
    let (one, six) = (written(1), written(6));
    assert_eq!((one.len(), six.len()), (1, 6));
    let [one, six] = [one, six].map(|films| engine_on_files(films, 20.0, &defaults()).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    same_bits("six files", &one, &six);
}

#[test]
fn frames_that_were_lost_move_no_event_and_no_event_spans_a_gap() {
    // One gap of 25 frames and 40 single ones; the time stamps tell.
    let kept: Vec<usize> = (0..FRAMES).filter(|t| !(300..325).contains(t) && t % 15 != 7).collect();
    let mut film = PLAIN.clone();
    film.frames = kept.iter().map(|t| PLAIN.frames[*t].clone()).collect();
    film.time = kept.iter().map(|t| PLAIN.time[*t]).collect();
    let out = run(&film);
    let gap = kept.iter().position(|t| *t == 325).unwrap();
    assert_ne!(out.film.flags[gap] & flag::AFTER_GAP, 0);
    let (a, b) = (RESULT.own_cells(), out.own_cells());
    let found = agreement(&a, &b, kept.iter().copied().zip(0..));
    println!("lost frames: {:.3}, cosine {:.4?}, r {:.4?}", found.f1, found.cosine, found.r);
    assert!(found.f1 >= 1.0 && found.cosine[0] >= 0.97 && found.r[1] >= 0.98, "{found:?}");
    // Events that stand out clearly (small ones come and go with the noise) begin in the same frame or its neighbour; where one result sees one burst and
    // the other two, the second begins inside the burst.
    let (mut all, mut met, mut inside) = (0, 0, 0);
    for (i, j) in &found.pairs {
        let seconds = |cell: &whole::Cell, time: &[f64]| -> Vec<(f64, f64, f32)> {
            cell.events.iter().map(|e| (time[e.0], time[e.1], e.2)).collect()
        };
        let (before, after) = (seconds(&a[*i], &PLAIN.time), seconds(&b[*j], &film.time));
        // What began in the gap or just before it has lost its beginning.
        let beside = |s: f64| (14.5..16.75).contains(&s);
        for (own, others) in [(&before, &after), (&after, &before)] {
            for (s, _, _) in own.iter().filter(|e| e.2 >= 5.0 && !beside(e.0)) {
                all += 1;
                let near = others.iter().any(|o| (o.0 - s).abs() <= 0.0501);
                met += usize::from(near);
                inside += usize::from(near || others.iter().any(|o| (o.0 - 0.0501..=o.1 + 0.5).contains(s)));
            }
        }
    }
    println!("lost frames: of {all} onsets {met} within a frame, {inside} with bursts");
    assert!(
        met as f64 >= 0.85 * all as f64 && inside as f64 >= 0.93 * all as f64,
        "{met} and {inside} of {all}"
    );
    for events in &out.components.events {
        assert!(
            events.iter().all(|e| (e.onset as usize) >= gap || (e.end as usize) < gap),
            "an event spans the gap"
        );
    }
}

#[test]
fn a_crop_gives_the_cells_of_its_part_where_they_lie_in_the_frame() {
    let params = Parameters {
        crop_top: 4,
        crop_left: 8,
        crop_height: Some(90),
        crop_width: Some(114),
        diameter_px: Some(RESULT.film.diameter_px),
        ..defaults()
    };
    let out = engine(vec![PLAIN.part().unwrap()], &params, 2).unwrap();
    let inside = |c: &[f32; 2]| (10.0..88.0).contains(&c[0]) && (14.0..116.0).contains(&c[1]);
    let (a, b) = (RESULT.own_cells(), out.own_cells());
    let offset = |axis: usize| {
        let n = FRAMES as f32;
        out.film
            .motion
            .iter()
            .zip(&RESULT.film.motion)
            .map(|(a, b)| a[axis] - b[axis])
            .sum::<f32>()
            / n
    };
    // Registration leaves one constant open.
    let (dy, dx) = (offset(0), offset(1));
    let near = |c: &[f32; 2], others: &[whole::Cell], sign: f32| {
        others
            .iter()
            .any(|o| (o.centre[0] - c[0] + sign * dy).hypot(o.centre[1] - c[1] + sign * dx) < 1.0)
    };
    let wanted: Vec<_> = a.iter().map(|c| c.centre).filter(inside).collect();
    let missed = wanted.iter().filter(|c| !near(c, &b, 1.0)).count();
    let extra = b.iter().filter(|c| inside(&c.centre) && !near(&c.centre, &a, -1.0)).count();
    assert!(
        wanted.len() >= 5 && missed + extra <= 1,
        "{missed} of {} missed, {extra} more",
        wanted.len()
    );
    assert!(
        b.iter()
            .all(|c| (3.0..95.0).contains(&c.centre[0]) && (7.0..123.0).contains(&c.centre[1]))
    );
}
