//! The scene itself: tissue, cells and time courses from a recipe, and the camera that looks at them.
//!
//! light(p, t) = [Σ cells + glow·(1 + slow) + neuropil]·bleaching·exp(−vessels·(1 + pulse)), moved by the motion, times the vignette, plus
//! stray light; then noise of variance read² + shot·light, row noise, rounding.

use rayon::prelude::*;

use crate::camera::{Camera, View};
use crate::config::Config;
use crate::courses;
use crate::field::{Body, Image, add_coarse, smooth_noise, vessels};
use crate::random::{NormalTable, Random};

/// One source of light that changes with calcium.
pub struct Source {
    /// Shape and place; the centre is on the canvas.
    pub body: Body,
    /// Cells far out of focus are no cells anyone could find.
    pub ghost: bool,
    /// (canvas pixel, grey levels per unit of calcium), before vessels and vignette.
    pub light: Vec<(usize, f32)>,
    /// Calcium in each frame; one spike peaks at 1.
    pub calcium: Vec<f32>,
    /// Spikes in each frame.
    pub spikes: Vec<u8>,
}

/// Everything about a film but its pixels.
pub struct Scene {
    /// The recipe.
    pub config: Config,
    /// Size of the canvas: the frame and the margin on each side.
    pub canvas: [usize; 2],
    /// Cells, then ghosts.
    pub sources: Vec<Source>,
    /// Displacement of the content in each frame, (dy, dx) px.
    pub motion: Vec<[f64; 2]>,
    /// Light at rest on the canvas, resting cells included.
    pub glow: Image,
    /// Share of the light that the vessels let through at rest, canvas.
    pub transmission: Image,
    /// Optical depth of the vessels, canvas.
    pub depth: Image,
    /// Vignette, frame.
    pub gain: Vec<f32>,
    neuropil: Vec<Image>,
    neuropil_courses: Vec<Vec<f32>>,
    slow: Vec<f32>,
    bleaching: Vec<f32>,
    pulse: Vec<f32>,
    table: NormalTable,
}

/// Streams of random numbers, one for each part of the scene.
mod stream {
    pub const PLACES: u64 = 1;
    pub const TISSUE: u64 = 2;
    pub const ACTIVITY: u64 = 3;
    pub const LIGHT: u64 = 4;
    pub const MOTION: u64 = 5;
    /// The noise of frame `t` is stream `NOISE + t`.
    pub const NOISE: u64 = 1 << 32;
}

impl Scene {
    /// Makes a scene.
    ///
    /// # Errors
    /// A sentence when the recipe is impossible.
    pub fn new(config: &Config) -> Result<Self, String> {
        config.check()?;
        let margin = config.margin();
        let canvas = [config.height + 2 * margin, config.width + 2 * margin];
        let mut tissue = Random::new(config.seed, stream::TISSUE);
        let mut glow = glow(&mut tissue, config, canvas);
        let neuropil = neuropil(&mut tissue, config, canvas);
        let depth = vessels(&mut tissue, canvas[0], canvas[1], config.vessels, config.vessel_width);
        let mut sources = sources(config, canvas);
        activity(config, canvas, &mut sources);
        for source in sources.iter().filter(|source| !source.ghost) {
            for (p, v) in &source.light {
                glow.pixels[*p] += v * config.resting as f32;
            }
        }
        let mut light = Random::new(config.seed, stream::LIGHT);
        let scaled = |course: Vec<f64>, by: f64| course.into_iter().map(|v| (v * by) as f32).collect::<Vec<f32>>();
        let slow = scaled(courses::wandering(&mut light, config.frames, config.fps, 6.0), config.slow / 60.0);
        let pulse = scaled(courses::wandering(&mut light, config.frames, config.fps, 2.5), config.vessel_pulse);
        let neuropil_courses = neuropil_courses(&mut light, config, &sources);
        let times = (0..config.frames).map(|t| t as f64 / config.fps);
        Ok(Self {
            transmission: Image {
                pixels: depth.pixels.iter().map(|d| (-config.vessel_depth as f32 * d).exp()).collect(),
                ..depth
            },
            depth,
            gain: vignette(config),
            bleaching: times
                .map(|t| (1.0 - config.bleaching * (1.0 - (-t / config.bleaching_tau).exp())) as f32)
                .collect(),
            motion: courses::motion(&mut Random::new(config.seed, stream::MOTION), config),
            table: NormalTable::default(),
            canvas,
            sources,
            glow,
            neuropil,
            neuropil_courses,
            slow,
            pulse,
            config: config.clone(),
        })
    }

    /// Draws frames of this scene; keeps its buffers, so one renderer serves one thread.
    pub fn renderer(&self) -> Renderer<'_> {
        let [h, w] = self.canvas;
        Renderer {
            scene: self,
            light: vec![0.0; h * w],
            coarse: self.neuropil.first().cloned(),
            rows: vec![0.0; h * self.config.width],
            noise: vec![0.0; self.config.width],
        }
    }

    /// All frames of `range`, one after the other, drawn on all threads.
    pub fn frames(&self, range: std::ops::Range<usize>) -> Vec<u8> {
        let size = self.config.height * self.config.width;
        let mut out = vec![0; range.len() * size];
        out.par_chunks_mut(size)
            .enumerate()
            .for_each_init(|| self.renderer(), |renderer, (i, frame)| renderer.frame(range.start + i, frame));
        out
    }

    /// Row and column of the canvas at which the frame's first pixel lies.
    pub fn origin(&self) -> usize {
        self.config.margin()
    }
}

/// Light, neuropil, rows, noise.
type Buffers = (Vec<f32>, Option<Image>, Vec<f32>, Vec<f32>);

/// A scene and what drawing it needs, in one: for whoever draws one frame now and then.
pub struct OwnedRenderer {
    scene: Scene,
    /// Buffers between two frames.
    buffers: Option<Buffers>,
}

impl OwnedRenderer {
    /// Takes the scene.
    pub fn new(scene: Scene) -> Self {
        Self { scene, buffers: None }
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> usize {
        self.scene.config.height * self.scene.config.width
    }

    /// As [`Renderer::frame_through`].
    pub fn frame(&mut self, t: usize, camera: &Camera, out: &mut [u8]) {
        let mut renderer = match self.buffers.take() {
            Some((light, coarse, rows, noise)) => Renderer {
                scene: &self.scene,
                light,
                coarse,
                rows,
                noise,
            },
            None => self.scene.renderer(),
        };
        renderer.frame_through(t, camera, out);
        self.buffers = Some((renderer.light, renderer.coarse, renderer.rows, renderer.noise));
    }
}

/// Draws frames of a scene.
pub struct Renderer<'a> {
    scene: &'a Scene,
    light: Vec<f32>,
    coarse: Option<Image>,
    rows: Vec<f32>,
    noise: Vec<f32>,
}

impl Renderer<'_> {
    /// Draws frame `t` (after the last one the film begins again) into `out`, `height × width` bytes row by row. Any order of frames gives
    /// the same pixels.
    pub fn frame(&mut self, t: usize, out: &mut [u8]) {
        self.scene_light(t);
        self.seen(t, out);
    }

    /// Draws frame `t` as a scope with these settings sees it; otherwise like [`Renderer::frame`].
    pub fn frame_through(&mut self, t: usize, camera: &Camera, out: &mut [u8]) {
        self.scene_light(t);
        let config = &self.scene.config;
        let view = View {
            size: [config.height, config.width],
            gain: &self.scene.gain,
            noise: [config.read_noise as f32, config.shot_noise as f32, config.row_noise as f32],
            table: &self.scene.table,
        };
        let random = Random::new(config.seed, stream::NOISE + t as u64);
        camera.look(&mut self.light, &mut self.rows, &view, random, out);
    }

    /// Light that reaches the camera in frame `t`, `height × width` at the front of `light`.
    fn scene_light(&mut self, t: usize) {
        let film = t % self.scene.config.frames;
        self.tissue(film);
        self.through_the_vessels(film);
        self.moved(self.scene.motion[film]);
    }

    /// Light of the tissue on the canvas.
    fn tissue(&mut self, t: usize) {
        let scene = self.scene;
        let slow = 1.0 + scene.slow[t];
        for (v, glow) in self.light.iter_mut().zip(&scene.glow.pixels) {
            *v = glow * slow;
        }
        if let Some(coarse) = &mut self.coarse {
            coarse.pixels.fill(0.0);
            for (image, course) in scene.neuropil.iter().zip(&scene.neuropil_courses) {
                for (v, n) in coarse.pixels.iter_mut().zip(&image.pixels) {
                    *v += n * course[t];
                }
            }
            add_coarse(coarse, scene.canvas[1], &mut self.light);
        }
        for source in &scene.sources {
            let c = source.calcium[t];
            if c > 1e-4 {
                for (p, v) in &source.light {
                    self.light[*p] += v * c;
                }
            }
        }
    }

    fn through_the_vessels(&mut self, t: usize) {
        let scene = self.scene;
        let bleaching = scene.bleaching[t];
        let pulse = -scene.pulse[t] * scene.config.vessel_depth as f32;
        let vessels = scene.transmission.pixels.iter().zip(&scene.depth.pixels);
        for (v, (through, depth)) in self.light.iter_mut().zip(vessels) {
            *v *= bleaching * through * (1.0 + pulse * depth);
        }
    }

    /// Cuts the frame out of the canvas, displaced by a fraction of a pixel: windowed sinc with six taps on each axis.
    fn moved(&mut self, [dy, dx]: [f64; 2]) {
        let scene = self.scene;
        let (w, width) = (scene.canvas[1], scene.config.width);
        let margin = scene.origin() as f64;
        let (x0, taps) = taps_of(margin - dx);
        for (row, out) in self.light.chunks_exact(w).zip(self.rows.chunks_exact_mut(width)) {
            weighted(taps.map(|(k, tap)| (&row[x0 + k..x0 + k + width], tap)), out);
        }
        let (y0, taps) = taps_of(margin - dy);
        for y in 0..scene.config.height {
            // The canvas is not needed any more; its buffer takes the frame.
            let out = &mut self.light[y * width..(y + 1) * width];
            let rows = &self.rows;
            weighted(
                taps.map(|(k, tap)| (&rows[(y0 + y + k) * width..(y0 + y + k + 1) * width], tap)),
                out,
            );
        }
    }

    /// Vignette, stray light, noise and rounding.
    fn seen(&mut self, t: usize, out: &mut [u8]) {
        let scene = self.scene;
        let config = &scene.config;
        let (read, shot) = ((config.read_noise * config.read_noise) as f32, config.shot_noise as f32);
        let (leak, row_noise) = (config.leak as f32, config.row_noise);
        let mut random = Random::new(config.seed, stream::NOISE + t as u64);
        let width = config.width;
        let rows = self.light.chunks_exact(width).zip(scene.gain.chunks_exact(width));
        for ((light, gain), out) in rows.zip(out.chunks_exact_mut(width)) {
            let row = (row_noise * random.normal()) as f32;
            scene.table.fill(&mut random, &mut self.noise);
            for (((o, v), g), n) in out.iter_mut().zip(light).zip(gain).zip(&self.noise) {
                let v = v.max(0.0) * g + leak;
                *o = (v + row + n * (read + shot * v).sqrt() + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// First index and the six weights that give the value at `at`.
fn taps_of(at: f64) -> (usize, [(usize, f32); 6]) {
    let floor = at.floor();
    let fraction = at - floor;
    let sinc = |x: f64| {
        if x.abs() < 1e-12 {
            1.0
        } else {
            (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x)
        }
    };
    let weights: [f64; 6] = std::array::from_fn(|k| {
        let x = k as f64 - 2.0 - fraction;
        if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
    });
    let sum: f64 = weights.iter().sum();
    (
        (floor as i64 - 2).max(0) as usize,
        std::array::from_fn(|k| (k, (weights[k] / sum) as f32)),
    )
}

/// Sum of six rows with their weights.
fn weighted(rows: [(&[f32], f32); 6], out: &mut [f32]) {
    let [(a, fa), (b, fb), (c, fc), (d, fd), (e, fe), (f, ff)] = rows;
    let n = out.len();
    let (a, b, c, d, e, f) = (&a[..n], &b[..n], &c[..n], &d[..n], &e[..n], &f[..n]);
    for i in 0..n {
        out[i] = a[i] * fa + b[i] * fb + c[i] * fc + d[i] * fd + e[i] * fe + f[i] * ff;
    }
}

fn glow(random: &mut Random, config: &Config, [h, w]: [usize; 2]) -> Image {
    let mut image = Image::filled(h, w, config.base as f32);
    let mut part = smooth_noise(random, h, w, 15.0);
    for v in &mut part.pixels {
        *v *= 0.1 * config.base as f32;
    }
    add_coarse(&part, w, &mut image.pixels);
    let mut part = smooth_noise(random, h, w, 1.2 * config.neuropil_sigma);
    for v in &mut part.pixels {
        *v = config.glow as f32 * (0.6 * *v).exp();
    }
    add_coarse(&part, w, &mut image.pixels);
    image
}

fn neuropil(random: &mut Random, config: &Config, [h, w]: [usize; 2]) -> Vec<Image> {
    (0..config.neuropil)
        .map(|_| {
            let sigma = config.neuropil_sigma * random.between(0.7, 1.4);
            let mut image = smooth_noise(random, h, w, sigma);
            for v in &mut image.pixels {
                *v = *v * *v / 3f32.sqrt();
            }
            image
        })
        .collect()
}

/// Ornstein-Uhlenbeck courses, coupled to the mean activity.
fn neuropil_courses(random: &mut Random, config: &Config, sources: &[Source]) -> Vec<Vec<f32>> {
    let t = config.frames;
    let mut population: Vec<f64> = (0..t).map(|t| sources.iter().map(|s| f64::from(s.calcium[t])).sum()).collect();
    let mean = population.iter().sum::<f64>() / t as f64;
    let sd = (population.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / t as f64).sqrt();
    for v in &mut population {
        *v = (*v - mean) / (sd + 1e-12);
    }
    let population = courses::smooth(&population, 0.15 * config.fps);
    let amplitude = config.neuropil_amplitude / (config.neuropil.max(1) as f64).sqrt();
    (0..config.neuropil)
        .map(|_| {
            let own = courses::wandering(random, t, config.fps, config.neuropil_tau);
            let coupling = config.neuropil_coupling * random.between(0.5, 1.5);
            let both = own.iter().zip(&population);
            both.map(|(own, common)| (amplitude * (own + coupling * common)) as f32).collect()
        })
        .collect()
}

/// Places, shapes and brightness of cells and ghosts; no activity yet.
fn sources(config: &Config, [h, w]: [usize; 2]) -> Vec<Source> {
    let mut random = Random::new(config.seed, stream::PLACES);
    let source = |body: Body, ghost: bool, amplitude: f64| {
        let light = body.render(h, w).into_iter().map(|(p, v)| (p, v * amplitude as f32)).collect();
        Source {
            body,
            ghost,
            light,
            calcium: Vec::new(),
            spikes: Vec::new(),
        }
    };
    let mut all = Vec::new();
    for centre in places(&mut random, config, [h, w]) {
        let radius = config.radius * (config.radius_spread * random.normal()).exp();
        let blur = config.blur * (0.25 * random.normal()).abs().exp();
        let body = Body::new(&mut random, centre, radius, blur);
        let spread = config.amplitude_spread;
        let amplitude = config.amplitude * (spread * random.normal() - spread * spread / 2.0).exp();
        all.push(source(body, false, amplitude));
    }
    for _ in 0..config.ghosts {
        let centre = [random.between(0.0, h as f64), random.between(0.0, w as f64)];
        let blur = 2.0 * config.radius * random.between(0.7, 1.3);
        let body = Body::new(&mut random, centre, config.radius, blur);
        let amplitude = config.amplitude * 0.35 * random.between(0.5, 1.5);
        all.push(source(body, true, amplitude));
    }
    all
}

/// Centres on the canvas, none nearer to another than the recipe allows, until enough lie inside the frame.
fn places(random: &mut Random, config: &Config, [h, w]: [usize; 2]) -> Vec<[f64; 2]> {
    let (margin, distance) = (config.margin() as f64, config.min_distance * config.radius);
    let mut all: Vec<[f64; 2]> = Vec::new();
    let mut inside = 0;
    for _ in 0..400 * config.cells + 4000 {
        if inside == config.cells {
            break;
        }
        let at = [random.between(2.0, h as f64 - 3.0), random.between(2.0, w as f64 - 3.0)];
        if all.iter().any(|q| (at[0] - q[0]).hypot(at[1] - q[1]) < distance) {
            continue;
        }
        let within = |x: f64, n: usize| x >= margin && x < margin + n as f64;
        inside += usize::from(within(at[0], config.height) && within(at[1], config.width));
        all.push(at);
    }
    all
}

/// Spikes and calcium of all sources.
fn activity(config: &Config, [h, w]: [usize; 2], sources: &mut [Source]) {
    let mut random = Random::new(config.seed, stream::ACTIVITY);
    let clusters = config.clusters.max(1);
    let centres: Vec<[f64; 2]> = (0..clusters)
        .map(|_| [random.between(0.0, h as f64), random.between(0.0, w as f64)])
        .collect();
    let nearest = |at: [f64; 2]| {
        let distance = |c: &[f64; 2]| (at[0] - c[0]).hypot(at[1] - c[1]);
        (0..clusters)
            .min_by(|a, b| distance(&centres[*a]).total_cmp(&distance(&centres[*b])))
            .unwrap_or(0)
    };
    let near: Vec<usize> = sources.iter().map(|source| nearest(source.body.centre)).collect();
    let config = Config {
        clusters,
        ..config.clone()
    };
    let all = courses::spikes(&mut random, &config, &near);
    for (source, spikes) in sources.iter_mut().zip(all) {
        source.calcium = courses::calcium(&mut random, &config, &spikes);
        source.spikes = spikes;
    }
}

fn vignette(config: &Config) -> Vec<f32> {
    let (h, w) = (config.height, config.width);
    let at = |i: usize, n: usize| 2.0 * i as f64 / (n - 1) as f64 - 1.0;
    (0..h * w)
        .map(|p| {
            let (y, x) = (at(p / w, h) - config.vignette_offset[0], at(p % w, w) - config.vignette_offset[1]);
            (1.0 - config.vignette * (y * y + x * x) / 2.0).max(0.03) as f32
        })
        .collect()
}
