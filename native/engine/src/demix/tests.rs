//! The algebra against slow, obvious computations on tiny dense films.

use crate::params::Parameters;

/// Parameters as a run without any choice of the user has them.
pub fn parameters() -> Parameters {
    Parameters {
        decay_s: None,
        rise_s: None,
        event_sigma: 2.0,
        diameter_px: None,
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
        max_shift_px: 15.0,
        piecewise_from_px: 0.3,
        min_correlation: None,
        min_pnr: None,
        given_seeds: None,
        ring_radius_factor: 1.5,
        rounds: 3,
        merge_correlation: 0.8,
        min_snr: 3.0,
        min_r_value: 0.7,
        min_split_half: 0.5,
        min_roundness: 0.55,
        min_probability: 0.0,
    }
}

use super::factors::Factors;
use super::footprints::background_free;
use super::ring::{Coarse, LagCovariance, Ring, RingWeights};
use super::statistics::{Component, Products, Survey};
use super::traces::{Filters, interpolate};
use crate::cache::TileCache;
use crate::kernels::Noise;
use crate::motion::report::MotionReport;
use crate::movie::{Groups, mean_codes};
use crate::types::{Context, Footprint, Grid, Registered, Span, flag};

const H: usize = 15;
const W: usize = 19;
const T: usize = 150;

/// A registered film on a grid without binning from its values (`t × h × w`).
pub fn registered(values: &[f32], height: usize, width: usize, fps: f64, step: f32) -> Registered {
    let pixels = height * width;
    let frames = values.len() / pixels;
    let mean: Vec<f32> = (0..pixels)
        .map(|p| values.iter().skip(p).step_by(pixels).sum::<f32>() / frames as f32)
        .collect();
    let mut cache = TileCache::in_memory(height, width, mean.clone(), step).unwrap();
    values.chunks(pixels).for_each(|f| cache.push(f).unwrap());
    Registered {
        cache,
        grid: Grid {
            bin: 1,
            height,
            width,
            frame_height: height,
            frame_width: width,
            top: 0,
            left: 0,
        },
        flags: vec![0; frames],
        motion: vec![[0.0; 2]; frames],
        motion_blocks: None,
        motion_report: MotionReport::default(),
        motion_quality: vec![1.0; frames],
        time_s: (0..frames).map(|t| t as f64 / fps).collect(),
        fps,
        diameter_px: 4.0,
        digests: Vec::new(),
        spans: vec![Span {
            first_frame: 0,
            frames: frames as u64,
        }],
        light: None,
        repaired: Vec::new(),
        std: vec![0.0; pixels],
        max: mean.clone(),
        mean,
        border: [0; 4],
        unseen: Vec::new(),
    }
}

/// Runs `f` with a context that never cancels.
pub fn with_context<R>(f: impl FnOnce(&Context) -> R) -> R {
    f(&Context {
        shelf: crate::shelf::Shelf::in_memory(),
        threads: 1,
        memory_bytes: 1 << 30,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    })
}

struct Dense {
    film: Registered,
    survey: Survey,
    components: Vec<Component>,
    factors: Factors,
    /// `T × pixels`, mean taken off, as the cache holds it.
    y: Vec<Vec<f64>>,
}

/// A small film of correlated noise with two overlapping components, one masked frame, and two factors.
fn dense() -> Dense {
    let mut noise = Noise::new(4);
    let slow: Vec<f32> = (0..T).map(|t| 6.0 * (t as f32 / 9.0).sin()).collect();
    let values: Vec<f32> = (0..T)
        .flat_map(|t| (0..H * W).map(move |p| (t, p)))
        .map(|(t, p)| 50.0 + slow[t] * (1.0 + 0.05 * (p % W) as f32) + 3.0 * noise.normal())
        .collect();
    let mut film = registered(&values, H, W, 10.0, 0.25);
    film.flags[40] = flag::TORN;
    let groups = Groups::valid(&film.flags, 1);
    let ring = Ring::new(Coarse::new(2, H, W), 2);
    let mean = with_context(|c| mean_codes(&film, &groups, c)).unwrap();
    let good: Vec<usize> = (0..T).filter(|t| *t != 40).collect();
    let mut codes = Vec::new();
    film.cache.read_block(0, T, &mut codes).unwrap();
    let y: Vec<Vec<f64>> = good
        .iter()
        .map(|t| {
            (0..H * W)
                .map(|p| 0.25 * (f64::from(codes[t * H * W + p]) - f64::from(mean[p])))
                .collect()
        })
        .collect();
    let mut covariance = LagCovariance::new(&ring);
    let coarse: Vec<f32> = {
        let rows: Vec<Vec<f64>> = y.iter().map(|f| down(f)).collect();
        (0..ring.coarse.pixels())
            .flat_map(|i| rows.iter().map(move |r| r[i] as f32))
            .collect()
    };
    covariance.add(&ring, &coarse, good.len());
    let survey = Survey {
        groups,
        mean,
        noise: vec![3.0; H * W],
        ring,
        covariance,
    };
    let component = |top: usize, left: usize, seed: u64| {
        let mut noise = Noise::new(seed);
        Component {
            footprint: Footprint {
                top,
                left,
                height: 5,
                width: 6,
                values: (0..30).map(|_| noise.uniform()).collect(),
            },
            trace: (0..T).map(|_| noise.normal().max(0.0)).collect::<Vec<f32>>().into(),
            seed_pnr: 9.0,
            seed_correlation: 0.9,
        }
    };
    let components = vec![component(4, 5, 1), component(6, 8, 2)];
    let factors = Factors {
        loadings: (0..2)
            .map(|r| (0..8 * 10).map(|i| ((i * (r + 3)) as f32).sin()).collect())
            .collect(),
    };
    Dense {
        film,
        survey,
        components,
        factors,
        y,
    }
}

/// Block means of a `H × W` image over blocks of two.
fn down(image: &[f64]) -> Vec<f64> {
    let (h, w) = (H.div_ceil(2), W.div_ceil(2));
    (0..h * w)
        .map(|i| {
            let inside: Vec<f64> = (0..H * W)
                .filter(|p| p / W / 2 == i / w && p % W / 2 == i % w)
                .map(|p| image[p])
                .collect();
            inside.iter().sum::<f64>() / inside.len() as f64
        })
        .collect()
}

fn whole(a: &Footprint) -> Vec<f64> {
    let mut out = vec![0.0; H * W];
    for (i, v) in a.values.iter().enumerate() {
        out[(a.top + i / a.width) * W + a.left + i % a.width] = f64::from(*v);
    }
    out
}

impl Dense {
    /// Courses over the valid frames, mean taken off.
    fn courses(&self) -> Vec<Vec<f64>> {
        self.components
            .iter()
            .map(|c| {
                let trace = c.trace.all().unwrap();
                let v: Vec<f64> = (0..T).filter(|t| *t != 40).map(|t| f64::from(trace[t])).collect();
                let m = v.iter().sum::<f64>() / v.len() as f64;
                v.iter().map(|x| x - m).collect()
            })
            .collect()
    }

    /// `X = D(Ỹ − A C̃)`, and the factors' courses over it.
    fn rest(&self) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let c = self.courses();
        let x: Vec<Vec<f64>> = self
            .y
            .iter()
            .enumerate()
            .map(|(t, f)| {
                let mut f = f.clone();
                for (k, a) in self.components.iter().enumerate() {
                    f.iter_mut().zip(whole(&a.footprint)).for_each(|(f, a)| *f -= a * c[k][t]);
                }
                down(&f)
            })
            .collect();
        let shared = self
            .factors
            .loadings
            .iter()
            .map(|l| x.iter().map(|x| x.iter().zip(l).map(|(x, l)| x * f64::from(*l)).sum()).collect())
            .collect();
        (x, shared)
    }

    fn products(&self) -> Products {
        with_context(|c| Products::gather(&self.film, &self.survey, &self.components, &self.factors, c)).unwrap()
    }

    fn weights(&self, products: &Products) -> RingWeights {
        let coarse = super::coarse_footprints(&self.survey, &self.components);
        let covariance = self
            .survey
            .covariance
            .without(&self.survey.ring, &coarse, &products.minus_components(&coarse, 0.5));
        let sums = products.factors.without(self.survey.ring.coarse.width, &coarse);
        RingWeights::fit(&self.survey.ring, &covariance, self.factors.clone(), (&sums, &products.factors.own))
    }

    /// `B = U (W X + Z φ)` at every valid frame, computed from the film itself.
    fn background(&self, weights: &RingWeights) -> Vec<Vec<f64>> {
        let (x, shared) = self.rest();
        let w = W.div_ceil(2);
        x.iter()
            .enumerate()
            .map(|(t, x)| {
                (0..H * W)
                    .map(|p| {
                        let (i, j) = (p / W / 2, p % W / 2);
                        let ring: f64 = weights.of(i, j).map(|(v, u, g)| f64::from(g) * x[v * w + u]).sum();
                        ring + weights
                            .shares(i, j)
                            .iter()
                            .zip(&shared)
                            .map(|(z, s)| f64::from(*z) * s[t])
                            .sum::<f64>()
                    })
                    .collect()
            })
            .collect()
    }
}

#[test]
fn the_weights_leave_a_residual_that_no_ring_pixel_and_no_factor_explains() {
    let d = dense();
    let weights = d.weights(&d.products());
    let (x, shared) = d.rest();
    let ring = &d.survey.ring;
    let w = ring.coarse.width;
    for (i, j) in [(0, 0), (3, 4), (7, 9), (4, 0)] {
        let course = |v: usize, u: usize| -> Vec<f64> { x.iter().map(|x| x[v * w + u]).collect() };
        let members: Vec<(usize, usize, f32)> = weights.of(i, j).collect();
        assert!(members.len() >= 6);
        let residual: Vec<f64> = (0..x.len())
            .map(|t| {
                let ring: f64 = members.iter().map(|(v, u, g)| f64::from(*g) * x[t][v * w + u]).sum();
                x[t][i * w + j]
                    - ring
                    - weights
                        .shares(i, j)
                        .iter()
                        .zip(&shared)
                        .map(|(z, s)| f64::from(*z) * s[t])
                        .sum::<f64>()
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mean_power: f64 = members.iter().map(|(v, u, _)| dot(&course(*v, *u), &course(*v, *u))).sum::<f64>() / members.len() as f64;
        for (v, u, g) in &members {
            // The normal equations with the ridge towards the uniform ring.
            let c = course(*v, *u);
            let pull = 1e-3 * mean_power * (f64::from(*g) - 1.0 / members.len() as f64);
            assert!((dot(&residual, &c) - pull).abs() < 1e-4 * mean_power, "({i},{j}) ← ({v},{u})");
        }
        for s in &shared {
            let n = (dot(s, s) * dot(&residual, &residual)).sqrt();
            assert!(dot(&residual, s).abs() < 1e-4 * n.max(1.0));
        }
    }
}

#[test]
fn products_with_the_film_without_background_equal_those_of_a_background_film() {
    let d = dense();
    let products = d.products();
    let weights = d.weights(&products);
    let coarse = super::coarse_footprints(&d.survey, &d.components);
    let fast = background_free(&products, &coarse, &weights, &d.components);
    let (b, c) = (d.background(&weights), d.courses());
    for (k, component) in d.components.iter().enumerate() {
        let a = &component.footprint;
        let scale = fast[k].iter().map(|v| v.abs()).fold(0.0, f64::max);
        for (i, v) in fast[k].iter().enumerate() {
            let p = (a.top + i / a.width) * W + a.left + i % a.width;
            let slow: f64 = (0..d.y.len()).map(|t| c[k][t] * (d.y[t][p] - b[t][p])).sum();
            assert!((v - slow).abs() < 1e-4 * scale, "component {k}, pixel {i}: {v} and {slow}");
        }
    }
}

#[test]
fn filters_give_the_traces_of_the_film_without_background() {
    let d = dense();
    let weights = d.weights(&d.products());
    let coarse = super::coarse_footprints(&d.survey, &d.components);
    let filters = Filters::new(&d.components, &coarse, &weights);
    let fast = with_context(|c| filters.project(&d.film, &d.survey, &d.components, c))
        .unwrap()
        .rows;
    let fast: Vec<_> = fast.iter().map(|row| row.all().unwrap()).collect();
    let b = d.background(&weights);
    let c = d.courses();
    let valid: Vec<usize> = (0..T).filter(|t| *t != 40).collect();
    for (k, component) in d.components.iter().enumerate() {
        let a = whole(&component.footprint);
        // V − M C̃ is the footprint's product with Y − B − A C̃, up to a constant.
        let slow: Vec<f64> = (0..valid.len())
            .map(|t| {
                let free = |p: usize| {
                    let model: f64 = d.components.iter().zip(&c).map(|(o, c)| whole(&o.footprint)[p] * c[t]).sum();
                    d.y[t][p] - b[t][p] - model
                };
                a.iter().enumerate().filter(|(_, v)| **v > 0.0).map(|(p, v)| v * free(p)).sum()
            })
            .collect();
        let quick: Vec<f64> = valid
            .iter()
            .enumerate()
            .map(|(t, frame)| f64::from(fast[k][*frame]) - filters.mixing[k].iter().map(|(j, m)| f64::from(*m) * c[*j][t]).sum::<f64>())
            .collect();
        let offset = quick.iter().zip(&slow).map(|(q, s)| q - s).sum::<f64>() / slow.len() as f64;
        let scale = slow.iter().map(|v| v.abs()).fold(0.0, f64::max);
        for (q, s) in quick.iter().zip(&slow) {
            assert!((q - s - offset).abs() < 1e-4 * scale, "component {k}: {q} and {s}");
        }
        assert!(
            (fast[k][40] - 0.5 * (fast[k][39] + fast[k][41])).abs() < 1e-3,
            "the masked frame is interpolated"
        );
    }
}

#[test]
fn what_a_frame_does_not_show_is_added_as_it_is_believed_to_shine() {
    let mut d = dense();
    let weights = d.weights(&d.products());
    let coarse = super::coarse_footprints(&d.survey, &d.components);
    let filters = Filters::new(&d.components, &coarse, &weights);
    let rows = |d: &Dense| {
        let projected = with_context(|c| filters.project(&d.film, &d.survey, &d.components, c)).unwrap();
        projected.rows.iter().map(|row| row.all().unwrap().to_vec()).collect::<Vec<_>>()
    };
    let all = rows(&d);
    d.film.unseen = vec![[0; 4]; T];
    // One frame without the upper and the left part of the field, another without the lower.
    let a = &d.components[0].footprint;
    let (row, column) = (a.top + a.height / 2, a.left + a.width / 2);
    d.film.unseen[70] = [row as u16, 0, column as u16, 0];
    d.film.unseen[90] = [0, (H - row) as u16, 0, 0];
    let some = rows(&d);
    let mut added = 0;
    for (k, component) in d.components.iter().enumerate() {
        let a = whole(&component.footprint);
        for t in 0..T {
            let hidden = |p: usize| match t {
                70 => p / W < row || p % W < column,
                90 => p / W >= row,
                _ => false,
            };
            let wanted: f64 = (0..H * W)
                .filter(|p| hidden(*p))
                .map(|p| {
                    let light = d.components.iter().map(|o| {
                        let c = o.trace.all().unwrap();
                        let mean = c.iter().map(|v| f64::from(*v)).sum::<f64>() / T as f64;
                        whole(&o.footprint)[p] * (f64::from(c[t]) - mean)
                    });
                    a[p] * light.sum::<f64>()
                })
                .sum();
            let got = f64::from(some[k][t] - all[k][t]);
            assert!(
                (got - wanted).abs() < 1e-3 * (1.0 + wanted.abs()),
                "component {k}, frame {t}: {got} and {wanted}"
            );
            added += usize::from(wanted.abs() > 0.1);
        }
    }
    assert!(added >= 2, "both frames miss some of the components' light");
}

#[test]
fn masked_stretches_are_bridged_and_held_at_the_ends() {
    let mut row = vec![9.0, 1.0, 9.0, 9.0, 4.0, 9.0];
    let bad = flag::UNREADABLE;
    interpolate(&mut row, &[bad, 0, bad, bad, 0, bad]);
    assert_eq!(row, [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
}
