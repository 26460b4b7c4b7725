//! What is known about a scene, in the format that scorers read: `truth.json`, `footprints.npz`, `traces.npy`, `spikes.npy`, `motion.npy`.

use std::path::Path;

use calyx_npy::{Csr, NpyError};
use serde::{Deserialize, Serialize};

use crate::scene::{Scene, Source};

/// A cell can be found from this peak signal-to-noise ratio on …
const MIN_SNR: f64 = 5.0;
/// … with at least so many events …
const MIN_EVENTS: usize = 2;
/// … and at least this share of its light (squared) inside the field.
const MIN_INSIDE: f64 = 0.5;
/// A cell lies on a vessel from this share of the vessels' depth on.
const VESSEL: f64 = 0.15;
/// Sources with less than this inside the field are not listed.
const VISIBLE: f64 = 0.02;

/// `truth.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Truth {
    /// Name of the scene.
    pub name: String,
    /// Session number, from 1.
    #[serde(default)]
    pub session: u32,
    /// Seed.
    pub seed: u64,
    /// Frames.
    pub frames: usize,
    /// Frame height.
    pub height: usize,
    /// Frame width.
    pub width: usize,
    /// Frames per second.
    pub fps: f64,
    /// Micrometres a pixel.
    pub um_per_px: f64,
    /// What made it.
    pub generator: String,
    /// Median over detectable cells of the radius of the disc with as many pixels as reach half the footprint's maximum.
    pub half_max_radius: Option<f64>,
    /// Number of detectable cells.
    pub detectable: usize,
    /// Rise time of calcium, seconds.
    #[serde(default)]
    pub tau_rise: Option<f64>,
    /// Decay time of calcium, seconds.
    #[serde(default)]
    pub tau_decay: Option<f64>,
    /// One for each row of the arrays.
    pub cells: Vec<TruthCell>,
}

/// One source of the truth.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TruthCell {
    /// Row in the arrays.
    pub index: usize,
    /// `cell` or `ghost`.
    pub kind: String,
    /// Identity over sessions; −1 for ghosts.
    pub id: i64,
    /// A method can be asked to find it.
    pub detectable: bool,
    /// Centre (y, x) of the body at rest, px of the frame.
    pub centroid: [f64; 2],
    /// Radius of the body before blur, px.
    pub radius: f64,
    /// Best matched-filter signal-to-noise ratio in one frame.
    pub peak_snr: Option<f64>,
    /// Share of the footprint's energy inside the field.
    pub inside: f64,
    /// Bouts at least half a second apart.
    pub events: usize,
    /// Frames with spikes.
    pub spike_frames: Vec<usize>,
    /// Radius of the disc with as many pixels as reach half the maximum, px.
    pub half_max_radius: f64,
    /// `edge`, `vessel` or `interior`.
    #[serde(default)]
    pub stratum: String,
    /// Optical depth of the vessels over the footprint.
    #[serde(default)]
    pub vessel_depth: f64,
}

/// A listed source with its footprint on the frame.
struct Seen<'a> {
    source: &'a Source,
    /// (frame pixel, grey levels per unit of calcium).
    footprint: Vec<(usize, f32)>,
    cell: TruthCell,
}

/// Writes the truth of a scene into `folder` (made if need be).
///
/// # Errors
/// [`NpyError`] when a file cannot be written.
pub fn write(scene: &Scene, folder: &Path) -> Result<Truth, NpyError> {
    let io = |source| NpyError::Io {
        context: folder.display().to_string(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    let (truth, seen) = truth(scene);
    let frames = scene.config.frames;
    let mut matrix = Csr::new(scene.config.height * scene.config.width);
    for one in &seen {
        matrix.push_row(one.footprint.iter().copied());
    }
    matrix.write(&folder.join("footprints.npz"))?;
    let traces: Vec<f32> = seen.iter().flat_map(|one| one.source.calcium.iter().copied()).collect();
    calyx_npy::write(&folder.join("traces.npy"), &[seen.len(), frames], &traces)?;
    let spikes: Vec<u8> = seen.iter().flat_map(|one| one.source.spikes.iter().copied()).collect();
    calyx_npy::write(&folder.join("spikes.npy"), &[seen.len(), frames], &spikes)?;
    let motion: Vec<f32> = scene.motion.as_flattened().iter().map(|v| *v as f32).collect();
    calyx_npy::write(&folder.join("motion.npy"), &[frames, 2], &motion)?;
    let text = serde_json::to_string(&truth).map_err(|error| NpyError::Format(error.to_string()))?;
    std::fs::write(folder.join("truth.json"), text + "\n").map_err(io)?;
    Ok(truth)
}

fn truth(scene: &Scene) -> (Truth, Vec<Seen<'_>>) {
    let config = &scene.config;
    let noise = noise(scene);
    let (mut cells, mut ghosts) = (Vec::new(), Vec::new());
    for (k, source) in scene.sources.iter().enumerate() {
        if let Some(seen) = look(scene, source, k, &noise) {
            if source.ghost { &mut ghosts } else { &mut cells }.push(seen);
        }
    }
    cells.append(&mut ghosts);
    let mut radii: Vec<f64> = cells.iter().filter(|s| s.cell.detectable).map(|s| s.cell.half_max_radius).collect();
    radii.sort_by(f64::total_cmp);
    let n = radii.len();
    let typical = (n > 0).then(|| 0.5 * (radii[(n - 1) / 2] + radii[n / 2]));
    for (index, seen) in cells.iter_mut().enumerate() {
        seen.cell.index = index;
        let [y, x] = seen.cell.centroid;
        let edge = y.min(x).min((config.height - 1) as f64 - y).min((config.width - 1) as f64 - x);
        let stratum = if edge < 3.0 * typical.unwrap_or(3.0) {
            "edge"
        } else if config.vessels > 0 && seen.cell.vessel_depth >= VESSEL * config.vessel_depth {
            "vessel"
        } else {
            "interior"
        };
        stratum.clone_into(&mut seen.cell.stratum);
    }
    let truth = Truth {
        name: config.name.clone(),
        session: 1,
        seed: config.seed,
        frames: config.frames,
        height: config.height,
        width: config.width,
        fps: config.fps,
        um_per_px: config.um_per_px,
        generator: format!("calyx-scene {}", env!("CARGO_PKG_VERSION")),
        half_max_radius: typical.map(|r| round(r, 3)),
        detectable: n,
        tau_rise: Some(config.tau_rise),
        tau_decay: Some(config.tau_decay),
        cells: cells.iter().map(|seen| seen.cell.clone()).collect(),
    };
    (truth, cells)
}

/// Noise of each pixel of the frame at rest (standard deviation, rounding included).
fn noise(scene: &Scene) -> Vec<f64> {
    let config = &scene.config;
    frame_pixels(scene)
        .map(|(p, on_canvas)| {
            let light = scene.glow.pixels[on_canvas] * scene.transmission.pixels[on_canvas] * scene.gain[p];
            let shot = config.shot_noise * (f64::from(light) + config.leak);
            (config.read_noise.powi(2) + config.row_noise.powi(2) + shot + 1.0 / 12.0).sqrt()
        })
        .collect()
}

/// Each pixel of the frame with its place on the canvas.
fn frame_pixels(scene: &Scene) -> impl Iterator<Item = (usize, usize)> + '_ {
    let (w, canvas, origin) = (scene.config.width, scene.canvas[1], scene.origin());
    (0..scene.config.height * w).map(move |p| (p, (p / w + origin) * canvas + p % w + origin))
}

/// A source as the camera sees it at rest; `None` when next to nothing of it lies in the field.
fn look<'a>(scene: &Scene, source: &'a Source, id: usize, noise: &[f64]) -> Option<Seen<'a>> {
    let config = &scene.config;
    let (origin, canvas) = (scene.origin(), scene.canvas[1]);
    let on_frame = |p: usize| {
        let (y, x) = ((p / canvas).checked_sub(origin)?, (p % canvas).checked_sub(origin)?);
        (y < config.height && x < config.width).then_some(y * config.width + x)
    };
    let (mut footprint, mut energy, mut inner) = (Vec::new(), 0.0, 0.0);
    let (mut mass, mut over, mut matched) = (0.0, 0.0, 0.0);
    for (p, v) in &source.light {
        let square = f64::from(v * v);
        energy += square;
        let Some(q) = on_frame(*p) else { continue };
        inner += square;
        let value = v * scene.transmission.pixels[*p] * scene.gain[q];
        mass += f64::from(value);
        over += f64::from(value * scene.depth.pixels[*p]) * config.vessel_depth;
        matched += (f64::from(value) / noise[q]).powi(2);
        footprint.push((q, value));
    }
    let inside = inner / f64::max(energy, 1e-12);
    if inside <= VISIBLE {
        return None;
    }
    let peak = source.calcium.iter().copied().fold(0.0, f32::max);
    let snr = matched.sqrt() * f64::from(peak);
    let events = events(&source.spikes, config.fps);
    let highest = footprint.iter().map(|(_, v)| *v).fold(0.0, f32::max);
    let half = footprint.iter().filter(|(_, v)| *v >= highest / 2.0).count();
    let cell = TruthCell {
        index: 0,
        kind: if source.ghost { "ghost" } else { "cell" }.to_owned(),
        id: if source.ghost { -1 } else { id as i64 },
        detectable: !source.ghost && snr >= MIN_SNR && events >= MIN_EVENTS && inside >= MIN_INSIDE,
        centroid: source.body.centre.map(|c| round(c - origin as f64, 3)),
        radius: round(source.body.radius, 3),
        peak_snr: Some(round(snr, 2)),
        inside: round(inside, 3),
        events,
        spike_frames: (0..config.frames).filter(|t| source.spikes[*t] > 0).collect(),
        half_max_radius: round((half as f64 / std::f64::consts::PI).sqrt(), 2),
        stratum: String::new(),
        vessel_depth: round(over / f64::max(mass, 1e-12), 3),
    };
    Some(Seen { source, footprint, cell })
}

/// Onsets of spiking at least half a second after the onset before.
fn events(spikes: &[u8], fps: f64) -> usize {
    let onsets = (0..spikes.len()).filter(|t| spikes[*t] > 0 && (*t == 0 || spikes[t - 1] == 0));
    let (mut count, mut last) = (0, f64::NEG_INFINITY);
    for t in onsets {
        count += usize::from(t as f64 - last > 0.5 * fps);
        last = t as f64;
    }
    count
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn events_are_bouts_and_not_spikes() {
        let mut spikes = vec![0; 100];
        for t in [0, 1, 2, 5, 30, 41] {
            spikes[t] = 1;
        }
        // 0 and 30 and 41 start bouts at 20 Hz; 5 comes too early.
        assert_eq!(events(&spikes, 20.0), 3);
    }

    #[test]
    fn a_cell_on_the_film_lies_where_the_truth_says() {
        let config = Config {
            vessels: 0,
            height: 60,
            width: 90,
            frames: 200,
            cells: 3,
            read_noise: 0.0,
            shot_noise: 0.0,
            row_noise: 0.0,
            neuropil: 0,
            slow: 0.0,
            motion: 0.0,
            ..Config::preset("tiny").unwrap()
        };
        let scene = Scene::new(&config).unwrap();
        let (truth, seen) = truth(&scene);
        let best = seen.iter().max_by(|a, b| a.cell.inside.total_cmp(&b.cell.inside)).unwrap();
        let bright = (0..200)
            .max_by(|a, b| best.source.calcium[*a].total_cmp(&best.source.calcium[*b]))
            .unwrap();
        let dark = (0..200)
            .min_by(|a, b| best.source.calcium[*a].total_cmp(&best.source.calcium[*b]))
            .unwrap();
        let film = scene.frames(0..200);
        let frame = |t: usize| &film[t * 5400..(t + 1) * 5400];
        let gained = best.source.calcium[bright] - best.source.calcium[dark];
        for (p, v) in best.footprint.iter().filter(|(_, v)| *v > 2.0) {
            let others: f32 = seen
                .iter()
                .filter(|s| s.cell.index != best.cell.index)
                .flat_map(|s| {
                    s.footprint
                        .iter()
                        .filter(|(q, _)| q == p)
                        .map(|(_, u)| u * (s.source.calcium[bright] - s.source.calcium[dark]))
                })
                .sum();
            let difference = f32::from(frame(bright)[*p]) - f32::from(frame(dark)[*p]);
            assert!(
                (difference - others - v * gained).abs() < 1.6,
                "{difference} {others} {}",
                v * gained
            );
        }
        assert_eq!(truth.cells.len(), seen.len());
    }

    #[test]
    fn what_lies_at_p_at_rest_appears_at_p_plus_motion() {
        let config = Config {
            height: 70,
            width: 100,
            read_noise: 0.0,
            shot_noise: 0.0,
            row_noise: 0.0,
            vignette: 0.0,
            cells: 8,
            frames: 50,
            ..Config::preset("tiny").unwrap()
        };
        let mut scene = Scene::new(&config).unwrap();
        scene.motion = vec![[0.0, 0.0]; 50];
        let mut rest = vec![0; 7000];
        scene.renderer().frame(0, &mut rest);
        scene.motion[0] = [2.0, -1.0];
        let mut moved = vec![0; 7000];
        scene.renderer().frame(0, &mut moved);
        for (y, x) in [(20, 30), (45, 80), (10, 50)] {
            let (a, b) = (rest[y * 100 + x], moved[(y + 2) * 100 + x - 1]);
            assert!(a.abs_diff(b) <= 1, "{a} {b}");
        }
        assert_ne!(rest, moved);
    }

    #[test]
    fn any_order_of_frames_gives_the_same_film_and_seeds_differ() {
        let config = Config {
            height: 50,
            width: 70,
            frames: 30,
            ..Config::preset("sample").unwrap()
        };
        let scene = Scene::new(&config).unwrap();
        let film = scene.frames(0..30);
        let mut renderer = scene.renderer();
        let mut frame = vec![0; 3500];
        for t in [29, 3, 17] {
            renderer.frame(t, &mut frame);
            assert_eq!(frame, film[t * 3500..(t + 1) * 3500]);
        }
        let other = Scene::new(&Config { seed: 43, ..config }).unwrap();
        assert_ne!(other.frames(0..30), film);
    }

    #[test]
    fn truth_reads_back_and_fits_its_arrays() {
        let folder = std::env::temp_dir().join(format!("calyx-truth-{}", std::process::id()));
        let config = Config {
            height: 60,
            width: 80,
            frames: 100,
            ghosts: 4,
            ..Config::preset("sample").unwrap()
        };
        let truth = write(&Scene::new(&config).unwrap(), &folder).unwrap();
        let text = std::fs::read_to_string(folder.join("truth.json")).unwrap();
        let back: Truth = serde_json::from_str(&text).unwrap();
        let footprints = Csr::read(&folder.join("footprints.npz")).unwrap();
        assert_eq!(
            (back.cells.len(), footprints.rows, footprints.columns),
            (truth.cells.len(), truth.cells.len(), 4800)
        );
        assert_eq!(
            calyx_npy::read_header(&folder.join("spikes.npy")).unwrap().shape,
            [truth.cells.len(), 100]
        );
        let last_cell = back.cells.iter().rposition(|c| c.kind == "cell").unwrap();
        assert!(back.cells.iter().skip(last_cell + 1).all(|c| c.kind == "ghost"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
