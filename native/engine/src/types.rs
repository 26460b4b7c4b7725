//! What passes between the stages. Conventions: images are row-major `height × width`, traces `K × T`; the centre of the top-left pixel of
//! the stored frame is (0, 0); pixel `i` of a `b`-binned grid has its centre at `b·i + (b−1)/2`; motion is the displacement of the *content*
//! in raw pixels, `(dy, dx)`; `diameter` is twice the half-maximum radius of a typical soma, `σ = diameter / 2.36`.

use crate::cache::TileCache;
use crate::motion::lattice::Lattice;
use crate::motion::report::MotionReport;
use crate::preview::Preview;
use crate::shelf::{Shelf, Trace};

/// Bits of `frame_flags.npy` (one `u32` a frame). Fixed: never renumbered, new causes take new bits.
pub mod flag {
    /// The frame's pixels equal those of the frame before it.
    pub const REPEATED: u32 = 1 << 0;
    /// Torn or corrupt rows.
    pub const TORN: u32 = 1 << 1;
    /// More than 1 % of the pixels are at the highest grey level.
    pub const SATURATED: u32 = 1 << 2;
    /// The frame's mean jumped against its neighbours (light off, flicker).
    pub const BRIGHTNESS: u32 = 1 << 3;
    /// Registration found no reliable peak; the shift is carried over from the frame before.
    pub const MOTION_UNSURE: u32 = 1 << 4;
    /// The shift lies at the bound of the search.
    pub const MOTION_BOUND: u32 = 1 << 5;
    /// The time stamp is missing (NaN in `time.npy`).
    pub const TIME_MISSING: u32 = 1 << 6;
    /// Frames were lost just before this one (a gap in the time stamps).
    pub const AFTER_GAP: u32 = 1 << 7;
    /// The frame could not be decoded; its pixels are those of the frame before.
    pub const UNREADABLE: u32 = 1 << 8;

    /// Frames with any of these bits never enter templates or statistics; their traces are interpolated.
    pub const MASKED: u32 = REPEATED | TORN | BRIGHTNESS | UNREADABLE;
}

/// The working grid: the raw frame, trimmed to a multiple of `bin` at the bottom and right, block-averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Grid {
    /// Raw pixels per grid pixel on each axis.
    pub bin: usize,
    /// Height of the grid.
    pub height: usize,
    /// Width of the grid.
    pub width: usize,
    /// Height of the stored frame.
    pub frame_height: usize,
    /// Width of the stored frame.
    pub frame_width: usize,
    /// First raw row of the grid: 0 but for a crop.
    pub top: usize,
    /// First raw column of the grid.
    pub left: usize,
}

impl Grid {
    /// Raw row of a (fractional) grid row's centre.
    pub fn raw_y(&self, y: f32) -> f32 {
        self.top as f32 + self.centre(y)
    }

    /// Raw column of a grid column's centre.
    pub fn raw_x(&self, x: f32) -> f32 {
        self.left as f32 + self.centre(x)
    }

    fn centre(&self, i: f32) -> f32 {
        let bin = self.bin as f32;
        bin * i + (bin - 1.0) / 2.0
    }

    /// Raw rows and columns (first, behind the last) that the grid stands for: at the frame's lower and right edge also the remainder
    /// that fills no block.
    pub fn covers(&self) -> [[usize; 2]; 2] {
        let end = |first: usize, count: usize, frame: usize| {
            let end = first + count * self.bin;
            if frame < end + self.bin { frame } else { end }
        };
        [
            [self.top, end(self.top, self.height, self.frame_height)],
            [self.left, end(self.left, self.width, self.frame_width)],
        ]
    }

    /// Distance of a raw point from the nearest edge of what the grid stands for, raw px.
    pub fn edge_distance(&self, y: f32, x: f32) -> f32 {
        let [rows, columns] = self.covers();
        let to = |v: f32, [first, end]: [usize; 2]| (v - first as f32).min(end as f32 - 1.0 - v);
        to(y, rows).min(to(x, columns))
    }
}

/// One recording of a run: ordered films that follow one another in one field of view.
#[derive(Clone, Debug)]
pub struct RecordingInput {
    /// The films, in order.
    pub films: Vec<std::path::PathBuf>,
    /// Seconds since the recording's start, one per film frame (from the film's first frame, not from `first_frame`); NaN where unknown; may be
    /// shorter than the film, which leaves the rest unknown.
    pub time_s: Vec<f64>,
    /// Frames per second where the time stamps do not tell.
    pub fps: f64,
    /// First frame that is used, 0-based.
    pub first_frame: u64,
    /// Last frame that is used (inclusive); `None`: to the end.
    pub last_frame: Option<u64>,
}

/// Displacements of the content at the nodes of a lattice, bilinear between them, held beyond the outermost.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct MotionBlocks {
    /// Where the nodes (the blocks' centres) lie, raw px.
    pub lattice: Lattice,
    /// `T` fields, each rows × columns, row-major, `(dy, dx)` raw px: the content that rests at `p` appears at `p + d(p)`.
    pub fields: Vec<Vec<[f32; 2]>>,
}

/// What the stages `read` and `motion` leave behind.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Registered {
    /// The registered film on the working grid, 8 bit, all `T` frames.
    pub cache: TileCache,
    /// The working grid.
    pub grid: Grid,
    /// `T` words of [`flag`] bits.
    pub flags: Vec<u32>,
    /// `T × (dy, dx)`: displacement of the content, raw px.
    pub motion: Vec<[f32; 2]>,
    /// The fields of all frames, where rigid displacements were not enough; `motion` is then their mean over what each frame shows.
    pub motion_blocks: Option<MotionBlocks>,
    /// What registration did and how far it can be trusted.
    pub motion_report: MotionReport,
    /// `T` registration qualities: correlation peak against the template, 0 … 1.
    pub motion_quality: Vec<f32>,
    /// `T` seconds since the start of the frame's own recording; NaN where unknown. Where a further recording begins the value falls back
    /// and the frame carries [`flag::AFTER_GAP`].
    pub time_s: Vec<f64>,
    /// Frames per second as the time stamps tell it; where they do not, as it was given.
    pub fps: f64,
    /// Diameter that was used (given or estimated), raw px.
    pub diameter_px: f32,
    /// SHA-256 (hexadecimal) of the decoded pixels of the frames used, one for each recording: frame after frame, row by row, one byte a pixel.
    pub digests: Vec<String>,
    /// Frames used of each recording, in order; together `T`.
    pub spans: Vec<Span>,
    /// How the light changed and what each frame was multiplied by, where it was brought to one light.
    pub light: Option<Light>,
    /// Stuck or hot pixels of the sensor (row-major in the raw frame) that were replaced by the mean of their neighbours.
    pub repaired: Vec<u32>,
    /// Mean over valid frames of the registered film, raw grid `frame_height × frame_width`, grey levels.
    pub mean: Vec<f32>,
    /// Standard deviation, like `mean`.
    pub std: Vec<f32>,
    /// Maximum, like `mean`.
    pub max: Vec<f32>,
    /// Border in grid pixels (top, bottom, left, right) that motion moved out of the field in some valid frame.
    pub border: [usize; 4],
    /// `T × (top, bottom, left, right)`: rows and columns of the grid that frame `t` does not show, brought to its place; what the cache holds there
    /// is background. Empty: every frame shows all.
    pub unseen: Vec<[u16; 4]>,
}

/// The light of a run that was brought to one level before anything was learnt from it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Light {
    /// `T` factors: a grey level `v` of frame `t` became `black + factor[t] · (v − black)`.
    pub factor: Vec<f32>,
    /// Grey level of the sensor in the dark.
    pub black: f32,
    /// Samples with which another light begins: somebody turned the LED.
    pub steps: Vec<u32>,
}

/// The frames of one recording that a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Span {
    /// Number of the first one in its recording.
    pub first_frame: u64,
    /// How many.
    pub frames: u64,
}

impl Registered {
    /// Frames of the run, `T`.
    pub fn frames(&self) -> usize {
        self.flags.len()
    }
}

/// One footprint on the working grid: its bounding window and values inside it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Footprint {
    /// First row and column of the window on the working grid.
    pub top: usize,
    /// First column of the window.
    pub left: usize,
    /// Window height.
    pub height: usize,
    /// Window width.
    pub width: usize,
    /// `height × width` values ≥ 0, row-major; the largest is 1 in a finished result.
    pub values: Vec<f32>,
}

impl Footprint {
    /// The value at a pixel of the grid, 0 outside the window.
    pub fn at(&self, y: usize, x: usize) -> f32 {
        if (self.top..self.top + self.height).contains(&y) && (self.left..self.left + self.width).contains(&x) {
            self.values[(y - self.top) * self.width + x - self.left]
        } else {
            0.0
        }
    }
}

/// One discrete event of a cell (the rule is in `events.rs`), frames 0-based.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Event {
    /// Frame in which calcium starts to rise.
    pub onset: u32,
    /// Frame of the highest denoised value of the event.
    pub peak: u32,
    /// Last frame: before the denoised trace has fallen below half the amplitude, at the latest the frame before the next event or a gap.
    pub end: u32,
    /// Denoised value at the peak minus that before the onset, the trace's unit.
    pub amplitude: f32,
}

/// What `demix` and `deconvolve` hand to `evaluate` and to the run folder: all components, rejected ones too.
#[derive(serde::Deserialize, serde::Serialize)]
pub struct Components {
    /// `K` footprints on the working grid, maximum 1.
    pub footprints: Vec<Footprint>,
    /// `K × T` background-free traces before deconvolution, grey levels at the footprint's maximum.
    pub raw: Vec<Trace>,
    /// `K × T` denoised calcium, same unit.
    pub denoised: Vec<Trace>,
    /// `K × T` deconvolved activity, grey levels of jump per frame.
    pub deconvolved: Vec<Trace>,
    /// `K × T` ΔF/F: (raw − slow drift) / F0; `run.json` says what F0 is.
    pub dff: Vec<Trace>,
    /// `K` lists of discrete events.
    pub events: Vec<Vec<Event>>,
    /// `K` factors from grey levels of the denoised trace to ΔF/F.
    pub to_dff: Vec<f32>,
    /// `K` decays of the calcium per frame.
    pub gamma: Vec<f32>,
    /// The calcium's rise, of all cells.
    pub rise: crate::rise::Rise,
    /// `K` baselines, grey levels against the film's mean; already taken off `raw`.
    pub baseline: Vec<f32>,
    /// `K` noise standard deviations, grey levels.
    pub noise: Vec<f32>,
}

/// Metrics of one component; every value may be NaN where it cannot be computed. Written to `metrics.json`.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellMetrics {
    /// Peak to noise of the seed pixel.
    pub seed_pnr: f32,
    /// Local correlation at the seed pixel.
    pub seed_correlation: f32,
    /// Largest denoised value over the noise of the raw trace.
    pub snr: f32,
    /// Correlation of the footprint with the background-free event-triggered average.
    pub r_value: f32,
    /// Raw pixels at or above half the footprint's maximum.
    pub area_px: f32,
    /// The same over the area of a typical cell, π/4 · diameter².
    #[serde(default)]
    pub relative_area: f32,
    /// Twice the radius of a disc of that area, raw px.
    pub diameter_px: f32,
    /// 4π·area / perimeter², 1 for a disc.
    pub roundness: f32,
    /// Distance of the centroid from the frame's edge, raw px.
    pub edge_distance_px: f32,
    /// Discrete events (`events.rs`), as many as `events.npz` lists.
    pub events: u32,
    /// Unbroken runs of deconvolved activity above 3 σ: what the rules of the evaluation count.
    #[serde(default)]
    pub activity_runs: u32,
    /// Events over the minutes of frames that are not masked.
    #[serde(default)]
    pub event_rate_per_minute: f32,
    /// Skewness of the ΔF/F trace (drift taken off).
    pub skewness: f32,
    /// Cosine of footprints estimated on the two halves of the recording.
    pub split_half: f32,
    /// Own light that the background's filter leaves, `M_kk / ‖a_k‖²`.
    #[serde(default)]
    pub contrast: f32,
    /// Largest footprint cosine with another component.
    pub overlap: f32,
    /// Index of that component, if any.
    pub overlap_with: Option<u32>,
    /// Largest absolute correlation of what deconvolution leaves of the trace (raw − denoised) with the denoised trace of an overlapping component.
    #[serde(default)]
    pub cross_talk: f32,
    /// Index of that component, if any.
    #[serde(default)]
    pub cross_talk_with: Option<u32>,
    /// Largest absolute correlation of the ΔF/F trace with the motion (dy, dx, distance), frames that are not masked.
    #[serde(default)]
    pub motion_correlation: f32,
    /// Percent of the activity that lies in frames which are masked or of uncertain motion.
    #[serde(default)]
    pub flagged_percent: f32,
    /// A clearer component that is the same cell, if any.
    #[serde(default)]
    pub duplicate_of: Option<u32>,
    /// What a model learned from decisions says, 0 … 1; NaN without one.
    #[serde(default)]
    pub probability: f32,
    /// The engine's suggestion.
    pub accepted: bool,
    /// Why not, in words, one reason a string; empty when accepted.
    pub reasons: Vec<String>,
}

/// Asked between units of work: true when the run must stop.
pub type CancelFn<'a> = dyn Fn() -> bool + Sync + 'a;

/// Told how far a stage is (0 … 1) and how many frames it has handled.
pub type ProgressFn<'a> = dyn Fn(f32, u64) + Sync + 'a;

/// Told that pictures can be had; makes them only when somebody would look at them now.
pub type PreviewFn<'a> = dyn Fn(&dyn Fn() -> Preview) + Sync + 'a;

/// What every stage gets beside its data.
pub struct Context<'a> {
    /// Worker threads.
    pub threads: usize,
    /// Bytes the engine may hold.
    pub memory_bytes: u64,
    /// Cancellation.
    pub cancelled: &'a CancelFn<'a>,
    /// Progress of the running stage.
    pub progress: &'a ProgressFn<'a>,
    /// Pictures of what the running stage has so far.
    pub preview: &'a PreviewFn<'a>,
    /// Where traces are kept.
    pub shelf: &'a Shelf,
}

/// Why a stage ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A film could not be read.
    #[error(transparent)]
    Media(#[from] calyx_media::MediaError),
    /// The disk or another file failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, with the path.
        context: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The input cannot be processed; the sentence says why and what to do.
    #[error("{message}")]
    Input {
        /// Error code `domain.reason`.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// More memory is needed than the budget allows.
    #[error("stage {stage} needs about {:.2} GB, the limit is {:.2} GB", *needed as f64 / 1e9, *limit as f64 / 1e9)]
    Memory {
        /// The stage.
        stage: &'static str,
        /// Bytes it needs.
        needed: u64,
        /// The budget.
        limit: u64,
    },
}
