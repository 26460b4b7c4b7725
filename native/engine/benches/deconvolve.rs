//! Nanoseconds a sample of the deconvolution, without and with a rise: `cargo bench -p calyx-engine --bench deconvolve`. Cells fire in bursts, a
//! trace is an hour of ten frames a second.

use std::time::Instant;

use calyx_engine::kernels::Noise;
use calyx_engine::oasis;
use calyx_engine::rise::{self, Model, Shape};

const TRACES: usize = 8;
const SAMPLES: usize = 36_000;
const NOISE: f32 = 0.3;

fn made(shape: Shape, seed: u64) -> Vec<f32> {
    let mut source = Noise::new(seed);
    let (mut p, mut q, mut active) = (0.0f64, 0.0f64, false);
    let b = shape.jump();
    (0..SAMPLES)
        .map(|_| {
            active = if active { source.uniform() > 0.07 } else { source.uniform() < 0.01 };
            let s = if source.uniform() < if active { 0.3 } else { 0.001 } {
                1.0
            } else {
                0.0
            };
            (p, q) = (p * shape.decay + b[0] * s, q * shape.rise + b[1] * s);
            (p - q) as f32 + NOISE * source.normal()
        })
        .collect()
}

fn main() {
    let shape = Shape::of(
        0.92,
        calyx_engine::rise::Rise {
            frames: 1.3,
            lead: calyx_engine::rise::LEAD,
        },
    );
    let traces: Vec<Vec<f32>> = (0..TRACES as u64).map(|seed| made(shape, seed + 1)).collect();
    let each = |start: Instant| start.elapsed().as_nanos() as f64 / (TRACES * SAMPLES) as f64;
    let start = Instant::now();
    let first: Vec<_> = traces.iter().map(|y| oasis::deconvolve(y, 0.92, NOISE, None, None)).collect();
    println!("without a rise: {:.0} ns a sample", each(start));
    let model = Model::new(shape, None);
    let start = Instant::now();
    let spikes: f32 = traces
        .iter()
        .zip(&first)
        .map(|(y, d)| rise::deconvolve(y, &model, NOISE, d).activity.iter().sum::<f32>())
        .sum();
    println!("with a rise, in addition: {:.0} ns a sample ({spikes:.0} spikes)", each(start));
}
