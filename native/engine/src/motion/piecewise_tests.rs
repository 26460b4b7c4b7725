use super::*;

/// Spots under a slow deformation: the content that rests at `p` appears at `p + d(p)`.
fn frame([height, width]: [usize; 2], field: impl Fn(f32, f32) -> [f32; 2], seed: u32, noise: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut out = vec![30.0; height * width];
    for i in 0..160u32 {
        let r = |k: u32| (i.wrapping_mul(k).wrapping_add(k >> 3) % 997) as f32 / 997.0;
        let (y, x) = (r(7919) * (height as f32 + 20.0) - 10.0, r(104_729) * (width as f32 + 20.0) - 10.0);
        // Brightness of its own in every frame, as cells have.
        let a = (5.0 + 6.0 * r(31_337)) * (1.0 + random());
        let [dy, dx] = field(y, x);
        for (p, v) in out.iter_mut().enumerate() {
            let square = ((p / width) as f32 - y - dy).powi(2) + ((p % width) as f32 - x - dx).powi(2);
            if square < 40.0 {
                *v += a * (-square / (2.0 * 1.6 * 1.6)).exp();
            }
        }
    }
    out.iter_mut().for_each(|v| *v += noise * random());
    out
}

const SIZE: [usize; 2] = [84, 108];

/// A bending of up to some 2 px that changes with time, beside a rigid displacement.
fn bend(t: f32, y: f32, x: f32) -> [f32; 2] {
    let (v, u) = (2.0 * y / 83.0 - 1.0, 2.0 * x / 107.0 - 1.0);
    let (a, b, c) = ((1.1 * t).sin(), (0.7 * t).cos(), (1.9 * t + 1.0).sin());
    [1.3 * a * u + 0.9 * b * v * u, 1.2 * c * v + 0.8 * a * (u * u - 0.33)]
}

#[test]
fn a_bending_field_is_recovered_on_a_frame_that_is_not_square() {
    let films: Vec<Vec<f32>> = (0..48)
        .map(|t| {
            frame(
                SIZE,
                |y, x| {
                    let d = bend(t as f32, y, x);
                    [d[0] + 0.5, d[1] - 0.3]
                },
                t,
                2.0,
            )
        })
        .collect();
    let views: Vec<&[f32]> = films.iter().map(Vec::as_slice).collect();
    let rigid = vec![[0.5, -0.3]; 48];
    let sampled = train(&views, &rigid, SIZE, (1.6, 1), &|_| true, &|| false).unwrap();
    let lattice = &sampled.piecewise.lattice;
    assert!(lattice.rows.len() >= 4 && lattice.columns.len() <= 6);
    let mut work = FieldWorkspace::default();
    // The place of rest is only known up to the median over time of each node.
    let truth: Vec<Field> = (0..48)
        .map(|t| {
            lattice
                .rows
                .iter()
                .flat_map(|y| lattice.columns.iter().map(move |x| bend(t as f32, *y, *x)))
                .collect()
        })
        .collect();
    let found: Vec<Field> = films.iter().map(|f| sampled.piecewise.field(f, [0.5, -0.3], &mut work)).collect();
    let (mut squares, mut before) = (0.0, 0.0);
    for node in 0..lattice.nodes() {
        for axis in 0..2 {
            let e: Vec<f32> = (0..48).map(|t| found[t][node][axis] - truth[t][node][axis]).collect();
            let mean = e.iter().sum::<f32>() / 48.0;
            squares += e.iter().map(|e| (e - mean).powi(2)).sum::<f32>();
            before += truth.iter().map(|f| f[node][axis].powi(2)).sum::<f32>();
        }
    }
    let n = (48 * lattice.nodes()) as f32;
    let (rms, before) = ((squares / n).sqrt(), (before / n).sqrt());
    assert!(before > 0.8 && rms < 0.2, "{rms} of {before}");
    assert!(sampled.crispness[2] > 1.05 * sampled.crispness[1], "{:?}", sampled.crispness);
}

#[test]
fn rigid_films_depart_from_rigid_motion_by_no_more_than_the_error() {
    let films: Vec<Vec<f32>> = (0..40)
        .map(|t| frame(SIZE, |_, _| [(t as f32).sin(), (1.7 * t as f32).cos()], t, 6.0))
        .collect();
    let views: Vec<&[f32]> = films.iter().map(Vec::as_slice).collect();
    let rigid: Vec<[f32; 2]> = (0..40).map(|t| [(t as f32).sin(), (1.7 * t as f32).cos()]).collect();
    let sampled = train(&views, &rigid, SIZE, (1.6, 1), &|_| false, &|| false).unwrap();
    let beyond = sampled
        .fields
        .iter()
        .filter(|f| departure(f).powi(2) - sampled.error.powi(2) > 0.09)
        .count();
    assert!(beyond <= 2, "{beyond} of 40, error {}", sampled.error);
    assert!(train(&views, &rigid, SIZE, (1.6, 1), &|_| true, &|| true).is_none());
    assert!(train(&views[..5], &rigid[..5], SIZE, (1.6, 1), &|_| true, &|| false).is_none());
}

#[test]
fn a_cell_that_flares_up_bends_nothing() {
    let still: Vec<Vec<f32>> = (0..40)
        .map(|t| frame(SIZE, |_, _| [(t as f32).sin(), (1.7 * t as f32).cos()], t, 2.0))
        .collect();
    let rigid: Vec<[f32; 2]> = (0..40).map(|t| [(t as f32).sin(), (1.7 * t as f32).cos()]).collect();
    let views: Vec<&[f32]> = still.iter().map(Vec::as_slice).collect();
    let sampled = train(&views, &rigid, SIZE, (1.6, 1), &|_| false, &|| false).unwrap();
    let mut work = FieldWorkspace::default();
    let mut flaring = |by: f32| {
        let mut picture = still[7].clone();
        // A spot that is there in every frame, at a place that windows cut.
        let [dy, dx] = rigid[7];
        let (y, x) = brightest(&sampled.piecewise.mean);
        for (p, v) in picture.iter_mut().enumerate() {
            let square = ((p / SIZE[1]) as f32 - y - dy).powi(2) + ((p % SIZE[1]) as f32 - x - dx).powi(2);
            *v += by * (-square / (2.0 * 1.6 * 1.6)).exp();
        }
        sampled.piecewise.field(&picture, rigid[7], &mut work)
    };
    let (calm, flare) = (flaring(0.0), flaring(80.0));
    let worst = calm
        .iter()
        .zip(&flare)
        .map(|(a, b)| (a[0] - b[0]).abs().max((a[1] - b[1]).abs()))
        .fold(0.0, f32::max);
    assert!(worst < 0.25, "{worst}");
}

/// Where a picture is brightest, a dozen px from its border.
fn brightest(picture: &[f32]) -> (f32, f32) {
    let inner = (0..SIZE[0] * SIZE[1])
        .filter(|p| (12..SIZE[0] - 12).contains(&(p / SIZE[1])) && (12..SIZE[1] - 12).contains(&(p % SIZE[1])))
        .max_by(|a, b| picture[*a].total_cmp(&picture[*b]))
        .unwrap();
    ((inner / SIZE[1]) as f32, (inner % SIZE[1]) as f32)
}

#[test]
fn frames_that_bend_further_than_four_steps_reach_are_followed_to_the_end() {
    // Over four px at the border: several times what a step may be.
    let far = |t: f32, y: f32, x: f32| bend(t, y, x).map(|d| 2.2 * d);
    let films: Vec<Vec<f32>> = (0..48).map(|t| frame(SIZE, |y, x| far(t as f32, y, x), t, 2.0)).collect();
    let views: Vec<&[f32]> = films.iter().map(Vec::as_slice).collect();
    let sampled = train(&views, &[[0.0; 2]; 48], SIZE, (1.6, 1), &|_| true, &|| false).unwrap();
    let piecewise = &sampled.piecewise;
    let mut work = FieldWorkspace::default();
    let mut left: Vec<f32> = films
        .iter()
        .map(|film| {
            let mut filtered = vec![0.0; film.len()];
            piecewise.filter.apply(film, &mut filtered, SIZE[1], &mut work.filter);
            let field = piecewise.field(film, [0.0; 2], &mut work);
            piecewise.take_back(&filtered, &field, &mut work);
            piecewise.windows.correlate(&work.moved, NEAR, &mut work.windows);
            piecewise.near_step(&work.windows.maps, &mut field.clone()).0
        })
        .collect();
    left.sort_unstable_by(f32::total_cmp);
    println!("a further step moves a node by {left:.3?}");
    assert!(left[40] < 2.0 * LONG_STEP, "{left:?}");
}
