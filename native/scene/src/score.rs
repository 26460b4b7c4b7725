//! Compares a result with the known truth. The steps are numbered as in the description of the known-truth films that these figures are
//! quoted for elsewhere, so that they can be compared: offset, match, traces, spikes, motion.

use std::collections::BTreeMap;
use std::path::Path;

use calyx_npy::{Array, Csr, NpyError};
use serde::Serialize;

use crate::assign::assign;
use crate::bouts::{Bouts, bouts};
use crate::truth::Truth;

/// A pair matches from this cosine on.
const COSINE: f64 = 0.5;
/// Whole-pixel offset between truth and result that is looked for and removed.
const SEARCH: i64 = 10;
/// Lag common to all spike trains that is allowed, seconds.
const LAG_S: f64 = 0.3;
/// Events and bouts are the same when they begin so many frames apart at most.
const NEAR: usize = 2;
/// Spikes are counted in bins of about this rate, Hz.
const BIN_HZ: f64 = 10.0;

/// Rows of numbers, one for each component.
type Rows = Vec<Vec<f64>>;
/// A footprint: (pixel, value > 0), pixels rising.
type Footprint = Vec<(usize, f64)>;

/// A result to be judged. Any scale.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    /// `K` footprints on the frame.
    pub footprints: Vec<Footprint>,
    /// Pixels of the frame.
    pub pixels: usize,
    /// `K × T` denoised calcium.
    pub traces: Option<Rows>,
    /// `K × T` traces before denoising.
    pub raw: Option<Rows>,
    /// `K × T` spikes or deconvolved activity.
    pub spikes: Option<Rows>,
    /// `K` lists of events: frames in which they begin, rising.
    pub events: Option<Vec<Vec<usize>>>,
    /// `T × 2` displacement of the content, px.
    pub motion: Option<Rows>,
}

/// The figures; absent where there is nothing to compute them from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Score {
    /// Detectable cells.
    pub truth: usize,
    /// Components that are not empty.
    pub found: usize,
    /// Offset (dy, dx) that was added to the result.
    pub offset_px: [i64; 2],
    /// Detectable cells that were found.
    pub tp: usize,
    /// Components that are nothing true.
    pub fp: usize,
    /// Components that match a cell which cannot be asked for, or a ghost.
    pub ignored: usize,
    /// False ones that lie on a cell already matched.
    pub duplicates: usize,
    /// tp over components that count.
    pub precision: Option<f64>,
    /// tp over detectable cells.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
    /// Median footprint cosine over pairs.
    pub cosine_median: Option<f64>,
    /// 5th percentile of it.
    pub cosine_p5: Option<f64>,
    /// Median correlation of denoised traces with the truth.
    pub trace_r_median: Option<f64>,
    /// 5th percentile of it.
    pub trace_r_p5: Option<f64>,
    /// The same for raw traces.
    pub raw_r_median: Option<f64>,
    /// 5th percentile of it.
    pub raw_r_p5: Option<f64>,
    /// Median correlation of binned spikes without lag.
    pub spike_r_lag0: Option<f64>,
    /// The same with the best common lag.
    pub spike_r: Option<f64>,
    /// That lag, frames.
    pub spike_lag_frames: Option<i64>,
    /// Events that begin within two frames of a true bout of their cell, over all events of found cells but those at faint spikes.
    pub event_precision: Option<f64>,
    /// True bouts of found cells that can be asked for and have such an event.
    pub event_recall: Option<f64>,
    /// Harmonic mean of both.
    pub event_f1: Option<f64>,
    /// Root mean square error of the motion, constant removed.
    pub motion_rmse_px: Option<f64>,
    /// 95th percentile of the error's length.
    pub motion_p95_px: Option<f64>,
    /// Cells, recall, cosine and trace correlation by place.
    pub strata: BTreeMap<String, Stratum>,
    /// (component, row of the truth, cosine).
    pub matches: Vec<(usize, usize, f64)>,
    /// Trace correlation of each match, for pooling over films; empty without traces.
    #[serde(skip)]
    pub trace_r: Vec<f64>,
}

/// Figures of the cells in one kind of place.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stratum {
    /// Detectable cells there.
    pub truth: usize,
    /// Share found.
    pub recall: f64,
    /// Median cosine.
    pub cosine_median: Option<f64>,
    /// Median trace correlation.
    pub trace_r_median: Option<f64>,
    /// 5th percentile of it.
    pub trace_r_p5: Option<f64>,
}

/// The truth, read.
pub struct Known {
    /// `truth.json`.
    pub truth: Truth,
    footprints: Vec<Footprint>,
    traces: Rows,
    spikes: Rows,
    motion: Rows,
}

fn rows(path: &Path) -> Result<Rows, NpyError> {
    let Array { shape, data } = calyx_npy::read_converted(path)?;
    match shape.as_slice() {
        [0, _] => Ok(Vec::new()),
        [n, 0] => Ok(vec![Vec::new(); *n]),
        [_, width] => Ok(data.chunks_exact(*width).map(<[f64]>::to_vec).collect()),
        _ => Err(NpyError::Format(format!("{}: rows were expected, not {shape:?}", path.display()))),
    }
}

fn footprints(path: &Path) -> Result<(Vec<Footprint>, usize), NpyError> {
    let matrix = Csr::read(path)?;
    let row = |k: usize| {
        let mut pixels: Footprint = matrix
            .row(k)
            .map(|(p, v)| (p, f64::from(v)))
            .filter(|(_, v)| v.is_finite() && *v > 0.0)
            .collect();
        pixels.sort_unstable_by_key(|(p, _)| *p);
        pixels
    };
    Ok(((0..matrix.rows).map(row).collect(), matrix.columns))
}

impl Known {
    /// Reads a truth folder.
    ///
    /// # Errors
    /// [`NpyError`] when a file is missing or broken.
    pub fn read(folder: &Path) -> Result<Self, NpyError> {
        let path = folder.join("truth.json");
        let text = std::fs::read_to_string(&path).map_err(|source| NpyError::Io {
            context: path.display().to_string(),
            source,
        })?;
        Ok(Self {
            truth: serde_json::from_str(&text).map_err(|error| NpyError::Format(format!("{}: {error}", path.display())))?,
            footprints: footprints(&folder.join("footprints.npz"))?.0,
            traces: rows(&folder.join("traces.npy"))?,
            spikes: rows(&folder.join("spikes.npy"))?,
            motion: rows(&folder.join("motion.npy"))?,
        })
    }
}

impl Estimate {
    /// Reads a result: flat files (`footprints.npz`, `traces.npy`, `traces_raw.npy`, `spikes.npy`, `motion.npy`; where there is an
    /// `accepted.npy`, its rows that are not 0), or a run folder of the engine (accepted components).
    ///
    /// # Errors
    /// [`NpyError`] when a file is broken; only footprints are needed.
    pub fn read(folder: &Path) -> Result<Self, NpyError> {
        let all = Self::read_all(folder)?;
        let run = is_run(folder);
        Ok(match accepted(folder, run)? {
            Some(keep) => all.only(&keep),
            None => all,
        })
    }

    /// As [`Self::read`], with the components that are not suggested too.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_all(folder: &Path) -> Result<Self, NpyError> {
        let (all, pixels) = footprints(&folder.join("footprints.npz"))?;
        let optional = |name: &str| {
            let path = folder.join(name);
            path.is_file().then(|| rows(&path)).transpose()
        };
        let run = is_run(folder);
        let name = |flat, own| if run { own } else { flat };
        let count = all.len();
        Ok(Self {
            footprints: all,
            pixels,
            traces: optional(name("traces.npy", "traces/denoised.npy"))?,
            raw: optional(name("traces_raw.npy", "traces/raw.npy"))?,
            spikes: optional(name("spikes.npy", "traces/deconvolved.npy"))?,
            events: events(&folder.join("events.npz"), count)?,
            motion: optional("motion.npy")?,
        })
    }

    /// The components of these rows; a row that does not exist is an empty component.
    #[must_use]
    pub fn only(&self, keep: &[usize]) -> Self {
        let pick = |rows: &Option<Rows>| {
            rows.as_ref()
                .map(|rows| keep.iter().map(|k| rows.get(*k).cloned().unwrap_or_default()).collect())
        };
        Self {
            footprints: keep.iter().map(|k| self.footprints.get(*k).cloned().unwrap_or_default()).collect(),
            pixels: self.pixels,
            traces: pick(&self.traces),
            raw: pick(&self.raw),
            spikes: pick(&self.spikes),
            events: self
                .events
                .as_ref()
                .map(|events| keep.iter().map(|k| events.get(*k).cloned().unwrap_or_default()).collect()),
            motion: self.motion.clone(),
        }
    }
}

/// Frames in which the events of each of `count` components begin; `None` where the result lists none.
fn events(path: &Path, count: usize) -> Result<Option<Vec<Vec<usize>>>, NpyError> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut out = vec![Vec::new(); count];
    let (cells, onsets) = (
        calyx_npy::read_member(path, "cell")?.data,
        calyx_npy::read_member(path, "onset")?.data,
    );
    for (cell, onset) in cells.into_iter().zip(onsets) {
        let list: &mut Vec<usize> = out
            .get_mut(cell as usize)
            .ok_or_else(|| NpyError::Format(format!("{}: an event of a cell that is not there", path.display())))?;
        list.push(onset as usize);
    }
    out.iter_mut().for_each(|list| list.sort_unstable());
    Ok(Some(out))
}

/// A run folder of the engine, not flat files.
fn is_run(folder: &Path) -> bool {
    folder.join("run.json").is_file() && folder.join("traces").is_dir()
}

/// Rows the result suggests; `None` where it does not say.
fn accepted(folder: &Path, run: bool) -> Result<Option<Vec<usize>>, NpyError> {
    if run {
        let path = folder.join("metrics.json");
        let broken = |why: String| NpyError::Format(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| broken(error.to_string()))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        let cells = value["cells"].as_array().ok_or_else(|| broken("has no cells".to_owned()))?;
        let yes = cells.iter().enumerate().filter(|(_, cell)| cell["accepted"] == true);
        return Ok(Some(yes.map(|(k, _)| k).collect()));
    }
    let path = folder.join("accepted.npy");
    if !path.is_file() {
        return Ok(None);
    }
    let flags = calyx_npy::read_converted(&path)?.data;
    Ok(Some((0..flags.len()).filter(|k| flags[*k] != 0.0).collect()))
}

/// Compares a result with the truth.
///
/// # Errors
/// A sentence when their sizes differ.
pub fn score(known: &Known, estimate: &Estimate) -> Result<Score, String> {
    let truth = &known.truth;
    let (h, w) = (truth.height, truth.width);
    if estimate.pixels != h * w {
        return Err(format!("the footprints have {} pixels, the recording {h} × {w}", estimate.pixels));
    }
    check_rows(estimate, truth.frames)?;
    let gate = f64::max(4.0, 2.0 * truth.half_max_radius.unwrap_or(3.0));
    // 1: empty footprints are no components.
    let kept: Vec<usize> = (0..estimate.footprints.len())
        .filter(|k| !estimate.footprints[*k].is_empty())
        .collect();
    let estimate = estimate.only(&kept);
    let (asked, other): (Vec<usize>, Vec<usize>) = (0..truth.cells.len()).partition(|k| truth.cells[*k].detectable);
    let pick = |rows: &[usize]| rows.iter().map(|k| known.footprints[*k].clone()).collect::<Vec<_>>();
    let (cells, others) = (pick(&asked), pick(&other));
    // 2: one offset for all.
    let offset = best_offset(&estimate.footprints, &cells, h, w);
    let shifted: Vec<Footprint> = estimate.footprints.iter().map(|f| shift(f, offset, h, w)).collect();
    // 3, 4: pairs.
    let cosines = gated(&shifted, &cells, w, gate);
    let pairs = assign(shifted.len(), cells.len(), |i, j| cosines[i][j]);
    let left: Vec<usize> = (0..shifted.len()).filter(|i| !pairs.iter().any(|(k, _)| k == i)).collect();
    let leftover: Vec<Footprint> = left.iter().map(|i| shifted[*i].clone()).collect();
    let with_others = gated(&leftover, &others, w, gate);
    let ignored: Vec<usize> = assign(left.len(), others.len(), |i, j| with_others[i][j])
        .iter()
        .map(|(i, _)| left[*i])
        .collect();
    let rest: Vec<usize> = left.into_iter().filter(|i| !ignored.contains(i)).collect();
    let duplicate = |i: &&usize| pairs.iter().any(|(_, j)| cosines[**i][*j] >= COSINE);
    let mut out = Score {
        truth: asked.len(),
        found: kept.len(),
        offset_px: offset,
        tp: pairs.len(),
        fp: rest.len(),
        ignored: ignored.len(),
        duplicates: rest.iter().filter(duplicate).count(),
        matches: pairs.iter().map(|(i, j)| (kept[*i], asked[*j], cosines[*i][*j])).collect(),
        ..Score::default()
    };
    rates(&mut out);
    let pairs: Vec<(usize, usize)> = pairs.into_iter().map(|(i, j)| (i, asked[j])).collect();
    compare_traces(known, &estimate, &pairs, &mut out);
    compare_motion(known, &estimate, &mut out)?;
    Ok(out)
}

/// Traces must belong to the footprints and last as long as the truth.
fn check_rows(estimate: &Estimate, frames: usize) -> Result<(), String> {
    let count = estimate.footprints.len();
    for rows in [&estimate.traces, &estimate.raw, &estimate.spikes].into_iter().flatten() {
        if rows.len() != count || rows.iter().any(|row| row.len() != frames) {
            let (n, t) = (rows.len(), rows.first().map_or(0, Vec::len));
            return Err(format!("{count} traces of {frames} frames were expected, there are {n} of {t}"));
        }
    }
    Ok(())
}

/// 5 and 6: rates and cosines.
fn rates(out: &mut Score) {
    let counted = out.found - out.ignored;
    let ratio = |a: usize, b: usize| (b > 0).then(|| a as f64 / b as f64);
    out.precision = ratio(out.tp, counted);
    out.recall = ratio(out.tp, out.truth);
    out.f1 = ratio(2 * out.tp, counted + out.truth);
    let cosines: Vec<f64> = out.matches.iter().map(|(_, _, c)| *c).collect();
    out.cosine_median = percentile(&cosines, 50.0);
    out.cosine_p5 = percentile(&cosines, 5.0);
}

/// 7 and 8: traces, strata, spikes. `pairs` are (component, row of the truth).
fn compare_traces(known: &Known, estimate: &Estimate, pairs: &[(usize, usize)], out: &mut Score) {
    let trend = Trend::new(known.truth.frames);
    let correlations = |rows: &Option<Rows>| -> Option<Vec<f64>> {
        let rows = rows.as_ref().filter(|_| !pairs.is_empty())?;
        let r = pairs
            .iter()
            .map(|(i, j)| pearson(&trend.without(&rows[*i]), &trend.without(&known.traces[*j])));
        Some(r.collect())
    };
    let (traces, raw) = (correlations(&estimate.traces), correlations(&estimate.raw));
    let at = |r: &Option<Vec<f64>>, q: f64| r.as_ref().and_then(|r| percentile(r, q));
    (out.trace_r_median, out.trace_r_p5) = (at(&traces, 50.0), at(&traces, 5.0));
    out.trace_r = traces.clone().unwrap_or_default();
    (out.raw_r_median, out.raw_r_p5) = (at(&raw, 50.0), at(&raw, 5.0));
    for place in ["interior", "vessel", "edge"] {
        let all = known.truth.cells.iter().filter(|c| c.detectable && c.stratum == place).count();
        if all == 0 {
            continue;
        }
        let here: Vec<usize> = (0..pairs.len())
            .filter(|p| known.truth.cells[pairs[*p].1].stratum == place)
            .collect();
        let part = |values: &[f64]| here.iter().map(|p| values[*p]).collect::<Vec<_>>();
        let cosines: Vec<f64> = out.matches.iter().map(|(_, _, c)| *c).collect();
        let r = traces.as_ref().map(|r| part(r));
        let stratum = Stratum {
            truth: all,
            recall: here.len() as f64 / all as f64,
            cosine_median: percentile(&part(&cosines), 50.0),
            trace_r_median: at(&r, 50.0),
            trace_r_p5: at(&r, 5.0),
        };
        out.strata.insert(place.to_owned(), stratum);
    }
    if let (Some(spikes), false) = (&estimate.spikes, pairs.is_empty()) {
        compare_spikes(known, spikes, pairs, out);
    }
    if let (Some(events), false) = (&estimate.events, pairs.is_empty()) {
        compare_events(known, events, pairs, out);
    }
}

/// Events against bouts, one to one, pooled over all pairs. An event that is left over and begins where faint spikes do is neither right nor wrong.
fn compare_events(known: &Known, events: &[Vec<usize>], pairs: &[(usize, usize)], out: &mut Score) {
    let (mut hit, mut said, mut true_ones) = (0, 0, 0);
    for (i, j) in pairs {
        let Bouts { clear, faint } = bouts(&known.spikes[*j], known.truth.fps);
        let matched = common(&events[*i], &clear);
        let left: Vec<usize> = (0..events[*i].len())
            .filter(|e| matched.binary_search(e).is_err())
            .map(|e| events[*i][e])
            .collect();
        hit += matched.len();
        said += events[*i].len() - common(&left, &faint).len();
        true_ones += clear.len();
    }
    let ratio = |a: usize, b: usize| (b > 0).then(|| a as f64 / b as f64);
    out.event_precision = ratio(hit, said);
    out.event_recall = ratio(hit, true_ones);
    out.event_f1 = ratio(2 * hit, said + true_ones);
}

/// Which of `a` begin at most [`NEAR`] frames from one of `b`, each used once; both lists rise.
fn common(a: &[usize], b: &[usize]) -> Vec<usize> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i].abs_diff(b[j]) <= NEAR {
            out.push(i);
            (i, j) = (i + 1, j + 1);
        } else if a[i] < b[j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

fn compare_spikes(known: &Known, spikes: &Rows, pairs: &[(usize, usize)], out: &mut Score) {
    let fps = known.truth.fps;
    let reach = (LAG_S * fps + 0.5).floor() as i64;
    let mut lags: Vec<i64> = (-reach..=reach).collect();
    lags.sort_by_key(|lag| (lag.abs(), *lag));
    let mut best = -2.0;
    for lag in lags {
        let r = pairs.iter().map(|(i, j)| {
            let (e, g) = (&spikes[*i], &known.spikes[*j]);
            let n = e.len() - lag.unsigned_abs() as usize;
            let (from_e, from_g) = (lag.max(0) as usize, (-lag).max(0) as usize);
            pearson(&binned(&e[from_e..from_e + n], fps), &binned(&g[from_g..from_g + n], fps))
        });
        let median = percentile(&r.collect::<Vec<_>>(), 50.0).unwrap_or(0.0);
        if lag == 0 {
            out.spike_r_lag0 = Some(median);
        }
        if median > best + 1e-12 {
            best = median;
            (out.spike_r, out.spike_lag_frames) = (Some(median), Some(lag));
        }
    }
}

/// 9: motion.
fn compare_motion(known: &Known, estimate: &Estimate, out: &mut Score) -> Result<(), String> {
    let Some(motion) = &estimate.motion else { return Ok(()) };
    let n = known.motion.len();
    if motion.len() != n || motion.iter().any(|d| d.len() != 2) {
        return Err(format!("the motion has {} frames, the truth has {n}", motion.len()));
    }
    let errors: Vec<[f64; 2]> = motion.iter().zip(&known.motion).map(|(e, g)| [e[0] - g[0], e[1] - g[1]]).collect();
    let mean = [0, 1].map(|axis| errors.iter().map(|e| e[axis]).sum::<f64>() / n as f64);
    let squares: Vec<f64> = errors.iter().map(|e| (e[0] - mean[0]).powi(2) + (e[1] - mean[1]).powi(2)).collect();
    out.motion_rmse_px = Some((squares.iter().sum::<f64>() / (2 * n) as f64).sqrt());
    out.motion_p95_px = percentile(&squares.iter().map(|s| s.sqrt()).collect::<Vec<_>>(), 95.0);
    Ok(())
}

fn norm(footprint: &Footprint) -> f64 {
    let n = footprint.iter().map(|(_, v)| v * v).sum::<f64>().sqrt();
    if n > 0.0 { n } else { 1.0 }
}

/// Moved by whole pixels; what leaves the field is dropped.
fn shift(footprint: &Footprint, [dy, dx]: [i64; 2], h: usize, w: usize) -> Footprint {
    footprint
        .iter()
        .filter_map(|(p, v)| {
            let (y, x) = ((p / w) as i64 + dy, (p % w) as i64 + dx);
            let inside = y >= 0 && x >= 0 && y < h as i64 && x < w as i64;
            inside.then(|| (y as usize * w + x as usize, *v))
        })
        .collect()
}

/// For each pixel the footprints that reach it, with values over the footprint's norm.
fn by_pixel(footprints: &[Footprint], pixels: usize) -> Vec<Vec<(usize, f64)>> {
    let mut out = vec![Vec::new(); pixels];
    for (k, footprint) in footprints.iter().enumerate() {
        let norm = norm(footprint);
        for (p, v) in footprint {
            out[*p].push((k, v / norm));
        }
    }
    out
}

/// Cosines of one footprint (of norm `norm`) with all footprints of an index; also those that are 0.
fn cosines_of(footprint: &Footprint, norm: f64, index: &[Vec<(usize, f64)>], count: usize) -> Vec<f64> {
    let mut out = vec![0.0; count];
    for (p, v) in footprint {
        for (k, u) in &index[*p] {
            out[*k] += v / norm * u;
        }
    }
    out
}

/// Whole pixels to add to the result so that the best cosines add up to most; ties go to the shortest way.
fn best_offset(found: &[Footprint], cells: &[Footprint], h: usize, w: usize) -> [i64; 2] {
    let index = by_pixel(cells, h * w);
    let mut offsets: Vec<[i64; 2]> = (-SEARCH..=SEARCH)
        .flat_map(|dy| (-SEARCH..=SEARCH).map(move |dx| [dy, dx]))
        .collect();
    offsets.sort_by_key(|[dy, dx]| (dy * dy + dx * dx, *dy, *dx));
    let (mut best, mut sum) = ([0, 0], -1.0);
    if found.is_empty() || cells.is_empty() {
        return best;
    }
    for offset in offsets {
        let mut largest = vec![0.0f64; cells.len()];
        for footprint in found {
            let all = cosines_of(&shift(footprint, offset, h, w), norm(footprint), &index, cells.len());
            for (l, c) in largest.iter_mut().zip(all) {
                *l = l.max(c);
            }
        }
        let total: f64 = largest.iter().sum();
        if total > sum + 1e-9 {
            (best, sum) = (offset, total);
        }
    }
    best
}

fn centroid(footprint: &Footprint, w: usize) -> [f64; 2] {
    let sum: f64 = footprint.iter().map(|(_, v)| v).sum();
    let sum = if sum > 0.0 { sum } else { 1.0 };
    let y: f64 = footprint.iter().map(|(p, v)| v * (p / w) as f64).sum();
    let x: f64 = footprint.iter().map(|(p, v)| v * (p % w) as f64).sum();
    [y / sum, x / sum]
}

/// Cosines, 0 where too small or where the centroids lie too far apart.
fn gated(found: &[Footprint], cells: &[Footprint], w: usize, gate: f64) -> Rows {
    let pixels = found.iter().chain(cells).flatten().map(|(p, _)| p + 1).max().unwrap_or(0);
    let index = by_pixel(cells, pixels);
    let centres: Vec<[f64; 2]> = cells.iter().map(|cell| centroid(cell, w)).collect();
    found
        .iter()
        .map(|footprint| {
            let at = centroid(footprint, w);
            let mut all = cosines_of(footprint, norm(footprint), &index, cells.len());
            for (c, centre) in all.iter_mut().zip(&centres) {
                if *c < COSINE || (at[0] - centre[0]).hypot(at[1] - centre[1]) > gate {
                    *c = 0.0;
                }
            }
            all
        })
        .collect()
}

/// Orthonormal constant, slope and parabola over time.
struct Trend([Vec<f64>; 3]);

impl Trend {
    fn new(frames: usize) -> Self {
        let t = |i: usize| {
            if frames > 1 {
                2.0 * i as f64 / (frames - 1) as f64 - 1.0
            } else {
                0.0
            }
        };
        let mut basis = [0, 1, 2].map(|power| (0..frames).map(|i| t(i).powi(power)).collect::<Vec<f64>>());
        for k in 0..3 {
            let (done, rest) = basis.split_at_mut(k);
            // Twice: the second time removes what rounding left.
            for _ in 0..2 {
                for other in done.iter() {
                    let along = dot(other, &rest[0]);
                    rest[0].iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
                }
            }
            let norm = dot(&rest[0], &rest[0]).sqrt().max(1e-300);
            rest[0].iter_mut().for_each(|v| *v /= norm);
        }
        Self(basis)
    }

    fn without(&self, trace: &[f64]) -> Vec<f64> {
        let along = self.0.each_ref().map(|b| dot(b, trace));
        trace
            .iter()
            .enumerate()
            .map(|(i, v)| v - (0..3).map(|k| along[k] * self.0[k][i]).sum::<f64>())
            .collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Pearson's correlation; 0 where one is constant.
fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - ma, y - mb);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let norm = (aa * bb).sqrt();
    if norm > 0.0 { ab / norm } else { 0.0 }
}

fn binned(spikes: &[f64], fps: f64) -> Vec<f64> {
    let n = ((fps / BIN_HZ + 0.5).floor() as usize).max(1);
    spikes.chunks_exact(n).map(|bin| bin.iter().sum()).collect()
}

/// Percentile by linear interpolation; `None` of nothing.
pub fn percentile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q / 100.0 * sorted.len().checked_sub(1)? as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64))
}
