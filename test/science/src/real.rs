//! Real films without a known truth: what can be said of them all the same.

use std::path::{Path, PathBuf};

use calyx_scene::assign::assign;
use calyx_scene::score::percentile;
use serde_json::{Value, json};

use crate::{Temporary, process_films, shared_data, zarr};

/// A real film's folder or file, where it is at hand.
#[must_use]
pub fn real(path: &str) -> Option<PathBuf> {
    let place = shared_data().join("real").join(path);
    place.exists().then_some(place)
}

/// What came of the film taken through a GRIN lens.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    /// Accepted components in the dark corners.
    pub outside: usize,
    /// Accepted components inside the disc.
    pub inside: usize,
    /// Components in all.
    pub components: usize,
    /// Radius of the disc over half the smaller side of the frame.
    pub radius: f64,
}

/// Runs the engine on the film through a GRIN lens (`v4-grin-h264`); `None` where it is not there.
///
/// The disc is found in the mean image: the circle around the middle of the lit pixels (above halfway between the darkest and the median
/// pixel) with the lit pixels' area.
///
/// # Panics
/// When the engine fails.
#[must_use]
pub fn lens(keep: Option<&Path>) -> Option<Lens> {
    let film = real("v4-grin-h264/0.mp4")?;
    let (_temporary, run) = run("grin", &[film], 30.0, &json!({}), keep);
    let mean = calyx_npy::read::<f32>(&run.join("images/mean.npy")).expect("the mean image");
    let (h, w) = (mean.shape[0], mean.shape[1]);
    let values: Vec<f64> = mean.data.iter().map(|v| f64::from(*v)).collect();
    let limit = f64::midpoint(
        percentile(&values, 0.5).unwrap_or(0.0),
        percentile(&values, 50.0).unwrap_or(0.0),
    );
    let lit: Vec<(f64, f64)> = (0..h * w)
        .filter(|p| values[*p] > limit)
        .map(|p| ((p / w) as f64, (p % w) as f64))
        .collect();
    let n = lit.len().max(1) as f64;
    let (cy, cx) = (
        lit.iter().map(|p| p.0).sum::<f64>() / n,
        lit.iter().map(|p| p.1).sum::<f64>() / n,
    );
    // The disc may reach over the frame's sides: its radius is where the share of lit pixels falls below a half.
    let mut rings = vec![(0usize, 0usize); h + w];
    for (p, value) in values.iter().enumerate() {
        let r = ((p / w) as f64 - cy).hypot((p % w) as f64 - cx) as usize;
        rings[r].0 += 1;
        rings[r].1 += usize::from(*value > limit);
    }
    let radius = rings
        .iter()
        .position(|(all, lit)| *all > 0 && 2 * lit < *all)
        .unwrap_or(h + w) as f64;
    let (mut inside, mut outside) = (0, 0);
    let cells = metrics(&run);
    for cell in cells.iter().filter(|cell| cell["accepted"] == true) {
        let at = |axis: &str| cell["centroid"][axis].as_f64().unwrap_or(f64::NAN);
        if (at("y") - cy).hypot(at("x") - cx) <= radius {
            inside += 1;
        } else {
            outside += 1;
        }
    }
    Some(Lens {
        outside,
        inside,
        components: cells.len(),
        radius: radius / (h.min(w) as f64 / 2.0),
    })
}

/// How far the result agrees with MiniAn's on its demonstration film.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// MiniAn's units.
    pub units: usize,
    /// Units that an accepted component matches (footprint cosine at least 0.5, one to one).
    pub matched: usize,
    /// Units that any component matches.
    pub matched_by_all: usize,
    /// Accepted components.
    pub accepted: usize,
    /// Components in all.
    pub components: usize,
    /// Median footprint cosine over the matches.
    pub cosine: f64,
    /// Median correlation of the denoised traces over the matches.
    pub trace_r: f64,
}

/// Runs the engine on the first 500 frames of MiniAn's demonstration film and compares with MiniAn's result; `None` where it is not there.
///
/// # Panics
/// When the engine fails or a file cannot be read.
#[must_use]
pub fn minian(keep: Option<&Path>) -> Option<Agreement> {
    let film = real("minian-demo/minian_demo_preprocessed_1000f_ffv1.avi")?;
    let result = real("minian-demo/minian_result_500f")?;
    let parameters = json!({ "lastFrame": 499 });
    let (_temporary, run) = run("minian", &[film], 30.0, &parameters, keep);
    let theirs = zarr::read(&result.join("A.zarr/A")).expect("MiniAn's footprints");
    let course = zarr::read(&result.join("C.zarr/C")).expect("MiniAn's traces");
    let [h, w, units] = theirs.shape[..] else {
        panic!("A has {:?}", theirs.shape)
    };
    let frames = course.shape[1];
    let matrix = calyx_npy::Csr::read(&run.join("footprints.npz")).expect("our footprints");
    let traces = calyx_npy::read::<f32>(&run.join("traces/denoised.npy")).expect("our traces");
    let ours: Vec<Vec<(usize, f64)>> = (0..matrix.rows)
        .map(|k| {
            // MiniAn took every second pixel.
            let half = |(p, v): (usize, f32)| {
                let (y, x) = (p / (2 * w), p % (2 * w));
                (y % 2 == 0 && x % 2 == 0).then(|| (y / 2 * w + x / 2, f64::from(v)))
            };
            matrix.row(k).filter_map(half).collect()
        })
        .collect();
    let unit = |j: usize, p: usize| theirs.data[p * units + j];
    let norms: Vec<f64> = (0..units)
        .map(|j| (0..h * w).map(|p| unit(j, p).powi(2)).sum::<f64>().sqrt())
        .collect();
    let cosines: Vec<Vec<f64>> = ours
        .iter()
        .map(|a| {
            let n = a.iter().map(|(_, v)| v * v).sum::<f64>().sqrt().max(1e-12);
            (0..units)
                .map(|j| {
                    a.iter().map(|(p, v)| v * unit(j, *p)).sum::<f64>() / n / norms[j].max(1e-12)
                })
                .map(|c| if c >= 0.5 { c } else { 0.0 })
                .collect()
        })
        .collect();
    let cells = metrics(&run);
    let accepted: Vec<usize> = (0..cells.len())
        .filter(|k| cells[*k]["accepted"] == true)
        .collect();
    let pairs = assign(accepted.len(), units, |i, j| cosines[accepted[i]][j]);
    let r: Vec<f64> = pairs
        .iter()
        .map(|(i, j)| {
            let row = &traces.data[accepted[*i] * frames..][..frames];
            let mine: Vec<f64> = row.iter().map(|v| f64::from(*v)).collect();
            correlation(&mine, &course.data[j * frames..][..frames])
        })
        .collect();
    let matched: Vec<f64> = pairs
        .iter()
        .map(|(i, j)| cosines[accepted[*i]][*j])
        .collect();
    Some(Agreement {
        units,
        matched: pairs.len(),
        matched_by_all: assign(cells.len(), units, |i, j| cosines[i][j]).len(),
        accepted: accepted.len(),
        components: cells.len(),
        cosine: percentile(&matched, 50.0).unwrap_or(f64::NAN),
        trace_r: percentile(&r, 50.0).unwrap_or(f64::NAN),
    })
}

/// Pearson's correlation; 0 where one is constant.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().max(1) as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    let norm = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    if norm > 0.0 {
        sum(&|x, y| x * y) / norm
    } else {
        0.0
    }
}

/// Runs the engine; the run lies in `keep` or goes with the first value.
pub(crate) fn run(
    name: &str,
    films: &[PathBuf],
    fps: f64,
    parameters: &Value,
    keep: Option<&Path>,
) -> (Temporary, PathBuf) {
    let temporary = Temporary::new(&format!("real-{name}"));
    let work = keep.map_or_else(|| temporary.0.clone(), |folder| folder.join(name));
    std::fs::create_dir_all(&work).expect("the folder for runs can be written");
    let run = process_films(films, &[], fps, &work, parameters);
    (temporary, run)
}

/// The cells of a run's `metrics.json`.
///
/// # Panics
/// When the file cannot be read.
#[must_use]
pub fn metrics(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("metrics.json")).expect("metrics.json");
    let value: Value = serde_json::from_str(&text).expect("metrics.json is JSON");
    value["cells"].as_array().cloned().unwrap_or_default()
}
