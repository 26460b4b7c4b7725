//! Identity on made-up fields: known transforms, known cells.

use super::footprint::{Footprint, Session};
use super::geometry::{Point, Rigid, distance2};
use super::*;

/// Numbers in [0, 1) that are the same on every machine.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Centres at least `apart` px from each other on a field larger than the frame.
fn scatter(random: &mut Random, n: usize, height: f64, width: f64, apart: f64) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for _ in 0..100 * n {
        let p = [random.uniform() * (height + 40.0) - 20.0, random.uniform() * (width + 40.0) - 20.0];
        if points.len() < n && points.iter().all(|q| distance2(p, *q) >= apart * apart) {
            points.push(p);
        }
    }
    points
}

/// Soft discs at the centres, moved, of those whose centre lies on the frame. The second list tells which centre each cell is.
fn render(centres: &[(usize, Point)], height: usize, width: usize) -> (Session, Vec<usize>) {
    let (mut cells, mut ids) = (Vec::new(), Vec::new());
    let inside = |c: &Point| c[0] >= 0.0 && c[1] >= 0.0 && c[0] < height as f64 && c[1] < width as f64;
    for (id, c) in centres.iter().filter(|(_, c)| inside(c)) {
        // Each cell has a size and a stretch of its own.
        let (ry, rx) = (2.6 + 0.1 * (id % 5) as f64, 2.6 + 0.15 * (id % 7) as f64);
        let mut pixels = Vec::new();
        for y in (c[0] - 12.0).floor() as i32..=(c[0] + 12.0).ceil() as i32 {
            for x in (c[1] - 12.0).floor() as i32..=(c[1] + 12.0).ceil() as i32 {
                let r2 = ((f64::from(y) - c[0]) / ry).powi(2) + ((f64::from(x) - c[1]) / rx).powi(2);
                let v = (-0.5 * r2).exp();
                if v > 0.02 && y >= 0 && x >= 0 && y < height as i32 && x < width as i32 {
                    pixels.push((y, x, v as f32));
                }
            }
        }
        if let Some(cell) = Footprint::new(cells.len(), pixels) {
            cells.push(cell);
            ids.push(*id);
        }
    }
    (
        Session {
            height,
            width,
            cells,
            image: None,
        },
        ids,
    )
}

/// A field seen on several days: each day has its transform against the first and a share of the cells.
fn days(seed: u64, n: usize, size: (usize, usize), transforms: &[Rigid], present: f64) -> (Vec<Session>, Vec<Vec<usize>>) {
    let mut random = Random(seed);
    let centres = scatter(&mut random, n, size.0 as f64, size.1 as f64, 6.5);
    transforms
        .iter()
        .map(|t| {
            let seen: Vec<(usize, Point)> = centres
                .iter()
                .enumerate()
                .filter(|_| random.uniform() < present)
                .map(|(id, c)| (id, t.apply(*c)))
                .collect();
            render(&seen, size.0, size.1)
        })
        .unzip()
}

const OPTIONS: Options = Options {
    um_per_px: 2.0,
    threshold: 0.5,
};

fn identified(sessions: &[Session]) -> Identities {
    identify(sessions, &OPTIONS, &|| false, &|_, _| ()).unwrap()
}

/// (precision, recall) over pairs.
fn pairs_right(found: &Identities, ids: &[Vec<usize>]) -> (f64, f64) {
    let (mut said, mut right) = (0usize, 0usize);
    for group in &found.groups {
        for (k, (s, i)) in group.iter().enumerate() {
            for (t, j) in &group[k + 1..] {
                said += 1;
                right += usize::from(ids[*s][*i] == ids[*t][*j]);
            }
        }
    }
    let mut there = 0usize;
    for (s, a) in ids.iter().enumerate() {
        for b in &ids[s + 1..] {
            there += a.iter().filter(|id| b.contains(id)).count();
        }
    }
    (right as f64 / said.max(1) as f64, right as f64 / there.max(1) as f64)
}

fn about(size: (usize, usize), degrees: f64, shift: Point) -> Rigid {
    let centre = [(size.0 as f64 - 1.0) / 2.0, (size.1 as f64 - 1.0) / 2.0];
    Rigid::about(centre, degrees.to_radians(), shift)
}

#[test]
fn known_transforms_come_back_on_frames_that_are_not_square() {
    let size = (110, 170);
    let wanted = [
        (0.0, [0.0, 0.0]),
        (4.0, [-18.0, 20.0]),
        (-3.3, [7.25, -11.5]),
        (25.0, [3.0, 4.0]),
        (170.0, [-6.0, 2.5]),
    ];
    let transforms = wanted.map(|(degrees, shift)| about(size, degrees, shift));
    let (sessions, ids) = days(21, 90, size, &transforms, 0.85);
    let found = identified(&sessions);
    let first = found.placements[0].rigid.inverse();
    let centre = sessions[0].centre();
    for (s, (degrees, shift)) in wanted.iter().enumerate() {
        let against = found.placements[s].rigid.after(&first);
        let got = against.shift_about(centre);
        assert!(
            (against.angle.to_degrees() - degrees).abs() < 0.1,
            "{s}: {}",
            against.angle.to_degrees()
        );
        assert!(distance2(got, *shift).sqrt() < 0.1, "{s}: {got:?}");
        assert!(found.fits[s].is_none_or(|fit| fit.sure()));
    }
    let (precision, recall) = pairs_right(&found, &ids);
    assert!(precision >= 0.99 && recall >= 0.97, "{precision} {recall}");
}

/// Three days of fields of other seeds, each with a rotation to 4° and a shift to 20 px, a quarter of the cells absent: F1 over all pairs of all seeds.
#[test]
fn days_turned_by_four_degrees_and_shifted_by_twenty_pixels_are_matched() {
    let size = (128, 150);
    let (mut right, mut said, mut there) = (0.0, 0.0, 0.0);
    for seed in 40..46 {
        let mut random = Random(seed);
        let mut day = || {
            let angle = 8.0 * random.uniform() - 4.0;
            about(size, angle, [40.0 * random.uniform() - 20.0, 40.0 * random.uniform() - 20.0])
        };
        let transforms = [Rigid::IDENTITY, day(), day()];
        let (sessions, ids) = days(seed, 60, size, &transforms, 0.78);
        let found = identified(&sessions);
        let pairs: f64 = found.groups.iter().map(|g| (g.len() * (g.len() - 1) / 2) as f64).sum();
        let (precision, recall) = pairs_right(&found, &ids);
        right += precision * pairs;
        said += pairs;
        there += precision * pairs / recall;
    }
    let f1 = 2.0 * right / (said + there);
    assert!(f1 >= 0.98, "{f1}");
}

#[test]
fn the_order_of_the_sessions_changes_nothing() {
    let size = (100, 140);
    let transforms = [(0.0, [0.0, 0.0]), (2.0, [5.0, -7.0]), (-1.5, [-4.0, 9.0])].map(|(d, s)| about(size, d, s));
    let (sessions, _) = days(4, 70, size, &transforms, 0.8);
    let straight = identified(&sessions);
    let permutation = [2, 0, 1];
    let turned = identified(&permutation.map(|s| sessions[s].clone()));
    let mut back: Vec<Vec<Node>> = turned
        .groups
        .iter()
        .map(|group| {
            let mut group: Vec<Node> = group.iter().map(|(s, i)| (permutation[*s], *i)).collect();
            group.sort_unstable();
            group
        })
        .collect();
    back.sort();
    assert_eq!(back, straight.groups);
    assert_eq!(turned.placements[0], straight.placements[2]);
    assert_eq!(turned.controls, straight.controls);
}

#[test]
fn a_bent_field_is_followed_by_blocks() {
    let size = (150, 210);
    let mut random = Random(9);
    let centres = scatter(&mut random, 150, 150.0, 210.0, 6.5);
    let plain: Vec<_> = centres.iter().copied().enumerate().collect();
    let bend = |p: Point| [p[0] + 2.5 * (p[1] / 70.0).sin() + 3.0, p[1] + 2.0 * (p[0] / 60.0).cos() - 4.0];
    let bent: Vec<_> = plain.iter().map(|(id, p)| (*id, bend(*p))).collect();
    let ((a, ids_a), (b, ids_b)) = (render(&plain, size.0, size.1), render(&bent, size.0, size.1));
    let found = identified(&[a, b]);
    let largest = found.placements.iter().map(|p| p.field.largest()).fold(0.0, f64::max);
    assert!(largest > 1.0, "{largest}");
    // A point of the first session, through the common frame, into the second.
    let mut errors: Vec<f64> = Vec::new();
    for p in centres
        .iter()
        .filter(|p| p[0] > 15.0 && p[0] < 135.0 && p[1] > 15.0 && p[1] < 195.0)
    {
        let there = found.placements[1].apply(found.placements[0].back(*p));
        errors.push(distance2(there, bend(*p)).sqrt());
    }
    errors.sort_by(f64::total_cmp);
    assert!(errors[errors.len() / 2] < 0.6, "{}", errors[errors.len() / 2]);
    let (precision, recall) = pairs_right(&found, &[ids_a, ids_b]);
    assert!(precision >= 0.99 && recall >= 0.97, "{precision} {recall}");
}

#[test]
fn a_field_that_does_not_bend_gets_no_blocks() {
    let size = (110, 150);
    let transforms = [(0.0, [0.0, 0.0]), (1.0, [2.0, -3.0])].map(|(d, s)| about(size, d, s));
    let (sessions, _) = days(33, 80, size, &transforms, 0.9);
    let found = identified(&sessions);
    assert!(found.placements.iter().all(|p| p.field.largest() < 0.05));
}

#[test]
fn the_fit_of_unrelated_fields_is_not_sure() {
    let still = [Rigid::IDENTITY];
    let (a, _) = days(1, 60, (100, 140), &still, 1.0);
    let (b, _) = days(2, 60, (100, 140), &still, 1.0);
    let found = identified(&[a[0].clone(), b[0].clone()]);
    assert!(found.fits.iter().flatten().all(|fit| !fit.sure()), "{:?}", found.fits);
    // What the best of all shifts brings together looks less like chance than it is; more than in related fields it does all the same.
    assert!(
        found.controls.false_matches > 0.1 * found.controls.matches as f64,
        "{:?}",
        found.controls
    );
}

#[test]
fn related_fields_have_few_matches_by_chance() {
    let size = (120, 160);
    let transforms = [(0.0, [0.0, 0.0]), (2.0, [6.0, -3.0])].map(|(d, s)| about(size, d, s));
    let (sessions, ids) = days(8, 120, size, &transforms, 0.75);
    let found = identified(&sessions);
    let (precision, _) = pairs_right(&found, &ids);
    let expected = found.controls.false_matches / found.controls.matches as f64;
    assert_eq!(found.controls.layings, 8);
    assert!(expected < 0.05 && precision > 0.97, "{expected} {precision}");
}

#[test]
fn dark_vessels_align_sessions_with_hardly_a_cell() {
    let size = (120usize, 160usize);
    let truth = about(size, 3.0, [9.0, -6.0]);
    let back = truth.inverse();
    // A wavy vessel and a branch, in the first session's coordinates.
    let depth = |p: Point| {
        let main = p[0] - 60.0 - 20.0 * (p[1] / 25.0).sin();
        let branch = p[1] - 90.0 - 0.5 * p[0];
        0.4 * (-main * main / 12.0).exp() + 0.3 * (-branch * branch / 8.0).exp()
    };
    let image = |there: &dyn Fn(Point) -> Point| -> Vec<f32> {
        (0..size.0 * size.1)
            .map(|i| [(i / size.1) as f64, (i % size.1) as f64])
            .map(|q| (100.0 * (1.0 - depth(there(q))) - 0.1 * (q[0] - 50.0).abs()) as f32)
            .collect()
    };
    let mut random = Random(5);
    let centres = scatter(&mut random, 9, 90.0, 130.0, 12.0);
    let all: Vec<_> = centres.iter().copied().enumerate().collect();
    let moved: Vec<_> = all.iter().map(|(id, p)| (*id, truth.apply(*p))).collect();
    let (mut a, _) = render(&all, size.0, size.1);
    let (mut b, _) = render(&moved, size.0, size.1);
    a.image = Some(image(&|q| q));
    b.image = Some(image(&|q| back.apply(q)));
    let best = super::coarse::candidates(&a, &b, 3.0, super::coarse::USUAL_ANGLE, &|| false);
    let error = distance2(best[0].rigid.apply([60.0, 80.0]), truth.apply([60.0, 80.0])).sqrt();
    assert!(error < 3.0, "{error}");
}

#[test]
fn sessions_without_cells_and_tiny_frames_are_no_reason_to_fail() {
    let empty = Session {
        height: 3,
        width: 4,
        cells: Vec::new(),
        image: None,
    };
    let one = Session {
        cells: vec![Footprint::new(0, [(1, 1, 2.0)]).unwrap()],
        ..empty.clone()
    };
    let found = identified(&[empty.clone(), one.clone(), empty, one]);
    assert_eq!(found.groups.concat().len(), 2);
    assert!(found.scores.concat().iter().all(|s| (0.0..=1.0).contains(s)));
}

#[test]
fn a_request_to_stop_is_obeyed() {
    let (sessions, _) = days(1, 20, (60, 80), &[Rigid::IDENTITY, Rigid::IDENTITY], 1.0);
    let stopped = identify(&sessions, &OPTIONS, &|| true, &|_, _| ());
    assert!(matches!(stopped, Err(StageError::Cancelled)));
}

#[test]
fn one_and_four_threads_give_the_same_bits() {
    let size = (90, 120);
    let transforms = [(0.0, [0.0, 0.0]), (2.0, [5.0, -7.0]), (-1.0, [1.0, 3.0])].map(|(d, s)| about(size, d, s));
    let (sessions, _) = days(14, 60, size, &transforms, 0.8);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| identified(&sessions))
    };
    let (one, four) = (with(1), with(4));
    assert_eq!(
        (one.groups, one.scores, one.placements),
        (four.groups, four.scores, four.placements)
    );
}
