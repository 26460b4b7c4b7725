//! Frames a second of the stages `read` and `motion`: `cargo bench -p calyx-engine --bench front -- [FILM …] [--diameter PX] [--threads N]`.
//! Without a film it makes one of 608×608 px in memory, so that only the engine's own work is timed.

use std::path::PathBuf;
use std::time::Instant;

use calyx_engine::params::Parameters;
use calyx_engine::read::input::Part;
use calyx_engine::read::source::Held;
use calyx_engine::read::{run, run_parts};
use calyx_engine::types::{Context, RecordingInput, Registered, StageError};

const SIDE: usize = 608;
const FRAMES: usize = 300;

/// Soft spots that wander, with noise: nothing but the cost matters here.
fn made() -> Vec<u8> {
    let mut state = 1u32;
    let mut pixels = Vec::with_capacity(FRAMES * SIDE * SIDE);
    for t in 0..FRAMES {
        let (dy, dx) = ((t as f32 * 0.3).sin() * 3.0, (t as f32 * 0.17).cos() * 4.0);
        let rows: Vec<f32> = (0..SIDE).map(|y| ((y as f32 - dy) * 0.35).sin()).collect();
        let columns: Vec<f32> = (0..SIDE).map(|x| ((x as f32 - dx) * 0.31).cos()).collect();
        for row in &rows {
            for column in &columns {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                pixels.push((90.0 + 25.0 * row * column + (state >> 27) as f32 * 0.3) as u8);
            }
        }
    }
    pixels
}

fn measure(films: Vec<PathBuf>, params: &Parameters, ctx: &Context<'_>) -> Result<(Registered, f64), StageError> {
    if films.is_empty() {
        let part = Part::new(Box::new(Held::new([SIDE, SIDE], made())), 0, None, &[], 20.0)?;
        let start = Instant::now();
        let out = run_parts(vec![part], params, &std::env::temp_dir(), ctx)?;
        return Ok((out, start.elapsed().as_secs_f64()));
    }
    let input = RecordingInput {
        films,
        time_s: Vec::new(),
        fps: 20.0,
        first_frame: 0,
        last_frame: None,
    };
    let start = Instant::now();
    let out = run(&[input], params, &std::env::temp_dir(), ctx)?;
    Ok((out, start.elapsed().as_secs_f64()))
}

fn main() -> Result<(), StageError> {
    let (mut films, mut diameter, mut threads) = (Vec::new(), 7.0, 2);
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|n| n.parse::<f32>().ok());
        match argument.as_str() {
            "--diameter" => diameter = number().unwrap_or(diameter),
            "--threads" => threads = number().map_or(threads, |n| n as usize),
            film => films.push(PathBuf::from(film)),
        }
    }
    let params = Parameters {
        diameter_px: Some(diameter),
        ..Parameters::defaults().unwrap()
    };
    let ctx = Context {
        shelf: calyx_engine::shelf::Shelf::in_memory(),
        threads,
        memory_bytes: 2 << 30,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    let (out, seconds) = measure(films, &params, &ctx)?;
    let (frames, grid) = (out.frames(), out.grid);
    println!(
        "{frames} frames of {}×{} on {}×{}, {threads} threads: {:.0} frames/s ({seconds:.2} s)",
        grid.frame_width,
        grid.frame_height,
        grid.width,
        grid.height,
        frames as f64 / seconds
    );
    Ok(())
}
