//! Edits on a planted scene, through the files a run leaves.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::json;

use super::apply::{Outcome, State, apply};
use super::collect::{Collection, collect};
use super::field::{Base, Field};
use super::request::{Edit, Point};
use super::view::{CELLS_STEP, RESIDUAL_STEP, View};
use super::write::write;
use super::{Statistics, solve};
use crate::back_tests::scene;
use crate::demix::statistics::centroid;
use crate::demix::tests::{parameters, with_context};
use crate::init::cosine;
use crate::kernels::pearson;
use crate::output::RunFolder;
use crate::result::{self, Analysis, Chosen};
use crate::types::{Footprint, Registered};
use crate::{deconvolve, demix, evaluate, init, seeds};

/// Somata (y, x); the last two lie close together.
const CELLS: [(f32, f32); 6] = [(10.0, 12.0), (10.5, 44.3), (33.0, 12.0), (24.0, 52.0), (26.0, 30.0), (28.6, 33.4)];

struct Scene {
    film: Registered,
    base: Arc<Base>,
    calcium: Vec<Vec<f32>>,
    folder: Temporary,
}

struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("calyx-edit-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn analysed(film: Registered) -> Analysis {
    with_context(|ctx| {
        let params = parameters();
        let seeds = seeds::run(&film, &params, film.diameter_px, ctx).unwrap();
        let initial = init::run(&film, &seeds, &params, film.diameter_px, ctx).unwrap();
        let demixed = demix::run(&film, initial, &params, film.diameter_px, ctx).unwrap();
        let components = deconvolve::run(&film, &demixed, &params, ctx).unwrap();
        let metrics = evaluate::run(&film, &components, &demixed, &params, None, ctx).unwrap();
        let statistics = Some(Statistics::new(demixed, &film).unwrap());
        Analysis {
            chosen: Chosen {
                diameter_px: film.diameter_px,
                diameter_estimated: false,
                bin: 1,
                min_correlation: 0.5,
                min_pnr: 5.0,
                seeds: 0,
            },
            correlation: seeds.correlation.clone(),
            pnr: seeds.pnr.clone(),
            components,
            f0: deconvolve::F0,
            metrics,
            statistics,
            traces_bytes: 0,
            stage_keys: crate::checkpoint::key::StageKeys::default(),
            registered: film,
        }
    })
}

/// The scene as a run on disk, made once.
fn run() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let (film, calcium) = scene(&CELLS);
        let folder = Temporary::new("run");
        let analysis = analysed(film);
        let mut out = RunFolder::create(&folder.0.join("run")).unwrap();
        result::write(&mut out, &analysis).unwrap();
        let value = json!({ "runUuid": "r", "fps": analysis.registered.fps, "riseS": analysis.components.rise.frames / analysis.registered.fps, "leadFrames": analysis.components.rise.lead, "files": out.files() });
        out.json("run.json", &value).unwrap();
        let path = out.publish(|| Ok(())).unwrap();
        Scene {
            base: Arc::new(Base::open(&path).unwrap()),
            film: analysis.registered,
            calcium,
            folder,
        }
    })
}

fn field(layers: &[PathBuf]) -> Field {
    Field::new(Arc::clone(&run().base), layers).unwrap()
}

fn edit(field: &Field, edit: &Edit) -> Outcome {
    let next = field.cells.keys().last().map_or(0, |row| row + 1);
    with_context(|ctx| apply(field, edit, next, Some(&run().film.cache), ctx)).unwrap()
}

/// Applies an edit and writes it as one more layer.
fn layer(layers: &mut Vec<PathBuf>, name: &str, what: &Edit) -> Outcome {
    let outcome = edit(&field(layers), what);
    let target = run().folder.0.join(format!("{name}-{}", layers.len()));
    write(&run().base, what, &outcome, &target).unwrap();
    layers.push(target);
    outcome
}

/// The row of the live cell at a planted soma.
fn row_at(field: &Field, (y, x): (f32, f32)) -> usize {
    let near = |a: &Footprint| {
        let (cy, cx) = centroid(a);
        (cy - y).hypot(cx - x)
    };
    let live = field.cells.iter().filter(|(_, c)| c.state == State::Live);
    let (row, cell) = live.min_by(|a, b| near(&a.1.footprint).total_cmp(&near(&b.1.footprint))).unwrap();
    assert!(near(&cell.footprint) < 1.2, "no cell at {y}, {x}");
    *row
}

fn denoised(folder: &Path, row: usize) -> Vec<f32> {
    calyx_npy::read_rows(&folder.join("traces/denoised.npy"), &[row])
        .unwrap()
        .swap_remove(0)
}

fn point(y: f32, x: f32) -> Point {
    Point { y, x }
}

fn square((y, x): (f32, f32), half: f32) -> Vec<Point> {
    vec![
        point(y - half, x - half),
        point(y - half, x + half),
        point(y + half, x + half),
        point(y + half, x - half),
    ]
}

#[test]
fn cells_background_and_residual_make_the_film_and_the_residual_is_its_noise() {
    let Scene { film, base, .. } = run();
    let (pixels, width) = (film.grid.height * film.grid.width, film.grid.width);
    let field = field(&[]);
    let traces: Vec<Vec<f32>> = field.cells.values().map(|c| c.solved().unwrap()).collect();
    let (mut square, mut count, mut codes) = (0.0f64, 0.0f64, Vec::new());
    for t in (3..film.flags.len()).step_by(37) {
        film.cache.read_block(t, 1, &mut codes).unwrap();
        let frame: Vec<f32> = (0..pixels).map(|p| film.cache.value(p, codes[p])).collect();
        let cells: Vec<(&Footprint, f32)> = field
            .cells
            .values()
            .zip(&traces)
            .map(|(c, trace)| (&c.footprint, trace[t]))
            .collect();
        let parts = base.background.render(&frame, t, &cells, width);
        for (p, value) in frame.iter().enumerate() {
            let sum = parts.cells[p] + parts.background[p] + parts.residual[p];
            assert!((sum - value).abs() < 0.25 * film.cache.step(), "{t} {p}: {sum} {value}");
            square += f64::from(parts.residual[p]).powi(2);
            count += 1.0;
        }
    }
    // White noise of 1.5 and the rounding to steps of 0.5.
    let rms = (square / count).sqrt();
    assert!((rms - 1.51).abs() < 0.12, "{rms}");
}

/// A frame of the scene as bytes, as a film of bytes holds it.
fn frame_bytes(t: usize) -> Vec<u8> {
    let film = &run().film;
    let mut codes = Vec::new();
    film.cache.read_block(t, 1, &mut codes).unwrap();
    (0..film.grid.height * film.grid.width)
        .map(|p| film.cache.value(p, codes[p]).round().clamp(0.0, 255.0) as u8)
        .collect()
}

#[test]
fn a_frame_to_look_at_is_the_film_taken_apart_and_a_deleted_cell_leaves_no_hole_in_it() {
    let size = run().film.grid.height * run().film.grid.width;
    let t = (0..run().film.flags.len())
        .max_by(|a, b| run().calcium[0][*a].total_cmp(&run().calcium[0][*b]))
        .unwrap();
    let frame = frame_bytes(t);
    let mut view = View::open(&run().base.folder, &[]).unwrap();
    let parts = view.render(&frame, t).unwrap();
    let at = |parts: &[u8], p: usize| {
        let cells = f32::from(parts[p]) * CELLS_STEP;
        let residual = (f32::from(parts[2 * size + p]) - 128.0) * RESIDUAL_STEP;
        (cells, f32::from(parts[size + p]), residual)
    };
    // Rounding to bytes: half a step each of cells, background and residual.
    for (p, value) in frame.iter().enumerate() {
        let (cells, background, residual) = at(&parts, p);
        assert!((cells + background + residual - f32::from(*value)).abs() < 1.0, "{p}");
    }
    let (y, x) = CELLS[0];
    let middle = y as usize * run().film.grid.width + x as usize;
    assert!(at(&parts, middle).0 > 5.0, "the cell is bright at its peak");
    let mut layers = Vec::new();
    let row = row_at(&field(&[]), CELLS[0]);
    let _ = layer(
        &mut layers,
        "looked-at",
        &Edit::Delete {
            rows: vec![row],
            free_light: false,
        },
    );
    let without = View::open(&run().base.folder, &layers).unwrap().render(&frame, t).unwrap();
    assert!(at(&without, middle).0 < 1.0, "it is not shown");
    assert!(
        (at(&without, middle).2 - at(&parts, middle).2).abs() < 0.5,
        "its light stays explained"
    );
    assert_eq!(view.render(&frame[1..], t).unwrap_err().code, "engine.internal");
}

#[test]
fn two_cells_merged_by_mistake_are_told_apart_again() {
    let mut layers = Vec::new();
    let start = field(&[]);
    let rows = [row_at(&start, CELLS[4]), row_at(&start, CELLS[5])];
    let merged = layer(&mut layers, "apart", &Edit::Merge { rows: rows.to_vec() });
    let row = merged.touched.iter().find(|t| t.made).unwrap().cell.row;
    let split = layer(&mut layers, "apart", &Edit::Split { row, line: None });
    let after = field(&layers);
    assert_eq!(split.touched.iter().filter(|t| t.made).count(), 2);
    for row in rows {
        assert_eq!(after.cells[&row].state, State::Gone);
        let (before, old) = (&start.cells[&row].footprint, denoised(&run().base.folder, row));
        let best = split
            .touched
            .iter()
            .filter(|t| t.made)
            .map(|t| (cosine(&t.cell.footprint, before), pearson(&t.cell.denoised, &old)))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap();
        assert!(best.0 > 0.95 && best.1 > 0.97, "{best:?}");
    }
}

#[test]
fn a_cell_cut_along_a_line_and_merged_again_is_the_cell_it_was() {
    let mut layers = Vec::new();
    let start = field(&[]);
    let (y, x) = CELLS[0];
    let row = row_at(&start, (y, x));
    let line = Some([point(y - 5.0, x + 0.2), point(y + 5.0, x + 0.2)]);
    let split = layer(&mut layers, "whole", &Edit::Split { row, line });
    let parts: Vec<usize> = split.touched.iter().filter(|t| t.made).map(|t| t.cell.row).collect();
    for part in split.touched.iter().filter(|t| t.made) {
        let a = &part.cell.footprint;
        let left = (0..a.values.len()).filter(|i| a.values[*i] > 0.0).map(|i| a.left + i % a.width);
        assert!(left.clone().all(|c| c as f32 > x + 0.2) || left.clone().all(|c| (c as f32) < x + 0.2));
    }
    let merged = layer(&mut layers, "whole", &Edit::Merge { rows: parts });
    let cell = &merged.touched.iter().find(|t| t.made).unwrap().cell;
    let r = pearson(&cell.denoised, &denoised(&run().base.folder, row));
    let c = cosine(&cell.footprint, &start.cells[&row].footprint);
    assert!(r > 0.99 && c > 0.98, "{r} {c}");
}

#[test]
fn a_deleted_cell_leaves_its_neighbours_alone_and_comes_back_with_the_same_bits() {
    let mut layers = Vec::new();
    let start = field(&[]);
    let (row, neighbour) = (row_at(&start, CELLS[4]), row_at(&start, CELLS[5]));
    let bits = |field: &Field, row: usize| {
        let cell = &field.cells[&row];
        let traces = [cell.projection().unwrap(), cell.solved().unwrap()].concat();
        let all: Vec<u32> = traces.iter().chain(&cell.footprint.values).map(|v| v.to_bits()).collect();
        (cell.state, all)
    };
    let deleted = layer(
        &mut layers,
        "delete",
        &Edit::Delete {
            rows: vec![row],
            free_light: false,
        },
    );
    assert!(deleted.touched.is_empty());
    let without = field(&layers);
    assert_eq!(
        (bits(&without, neighbour), without.cells[&row].state),
        (bits(&start, neighbour), State::Dark)
    );
    layer(&mut layers, "delete", &Edit::Restore { rows: vec![row] });
    assert_eq!(bits(&field(&layers), row), bits(&start, row));
}

#[test]
fn freed_light_goes_to_the_neighbours_and_only_there() {
    let start = field(&[]);
    let (row, neighbour, far) = (row_at(&start, CELLS[4]), row_at(&start, CELLS[5]), row_at(&start, CELLS[0]));
    let outcome = edit(
        &start,
        &Edit::Delete {
            rows: vec![row],
            free_light: true,
        },
    );
    let new = outcome.touched.iter().find(|t| t.cell.row == neighbour).unwrap();
    let truth = &run().calcium;
    let (own, foreign) = (pearson(&new.cell.denoised, &truth[5]), pearson(&new.cell.denoised, &truth[4]));
    assert!(own > 0.8 && foreign > 0.1, "{own} {foreign}");
    assert!(outcome.touched.iter().all(|t| t.cell.row != far && t.cell.row != row));
}

#[test]
fn a_seed_finds_a_deleted_cell_again() {
    for (i, at) in CELLS.iter().enumerate() {
        let mut layers = Vec::new();
        let start = field(&[]);
        let row = row_at(&start, *at);
        layer(
            &mut layers,
            &format!("seed{i}"),
            &Edit::Delete {
                rows: vec![row],
                free_light: false,
            },
        );
        let at = point(at.0 + 0.8, at.1 - 0.6);
        let outcome = layer(&mut layers, &format!("seed{i}"), &Edit::Seed { at });
        let new = outcome.touched.iter().find(|t| t.made).unwrap();
        let c = cosine(&new.cell.footprint, &start.cells[&row].footprint);
        let r = pearson(&new.cell.denoised, &run().calcium[i]);
        assert!(c > 0.95 && r > 0.95, "cell {i}: {c} {r}");
        assert_eq!(field(&layers).cells[&row].state, State::Gone);
        assert!(new.metrics.r_value > 0.9 && new.metrics.split_half > 0.9 && new.metrics.snr > 5.0);
    }
}

#[test]
fn trimmed_and_drawn_cells_stay_inside_their_outline() {
    let start = field(&[]);
    let inside = |a: &Footprint, (y, x): (f32, f32), half: f32| {
        a.values.iter().enumerate().filter(|(_, v)| **v > 0.0).all(|(i, _)| {
            let (py, px) = ((a.top + i / a.width) as f32, (a.left + i % a.width) as f32);
            (py - y).abs() <= half && (px - x).abs() <= half
        })
    };
    let row = row_at(&start, CELLS[3]);
    let trimmed = edit(
        &start,
        &Edit::Trim {
            row,
            polygon: square(CELLS[3], 2.2),
        },
    );
    let cell = &trimmed.touched.iter().find(|t| t.cell.row == row).unwrap().cell;
    assert!(inside(&cell.footprint, CELLS[3], 2.2));
    assert!(cell.footprint.values.iter().filter(|v| **v > 0.0).count() >= 9);
    assert!(pearson(&cell.denoised, &run().calcium[3]) > 0.95);

    let mut layers = Vec::new();
    layer(
        &mut layers,
        "draw",
        &Edit::Delete {
            rows: vec![row],
            free_light: false,
        },
    );
    let drawn = layer(
        &mut layers,
        "draw",
        &Edit::Draw {
            polygon: square(CELLS[3], 3.6),
        },
    );
    let new = drawn.touched.iter().find(|t| t.made).unwrap();
    assert!(inside(&new.cell.footprint, CELLS[3], 3.6));
    let r = pearson(&new.cell.denoised, &run().calcium[3]);
    assert!(r > 0.95 && cosine(&new.cell.footprint, &start.cells[&row].footprint) > 0.9, "{r}");
}

#[test]
fn solving_the_neighbourhood_gives_what_solving_the_whole_field_gives() {
    let start = field(&[]);
    let row = row_at(&start, CELLS[4]);
    let fresh = || {
        let cell = &start.cells[&row];
        vec![solve::Fresh {
            row,
            footprint: cell.footprint.clone(),
            projection: cell.projection().unwrap(),
            from_film: false,
        }]
    };
    let solved = |whole| with_context(|ctx| solve::solve(&start, fresh(), &[row], whole, ctx)).unwrap();
    let (local, whole) = (solved(false), solved(true));
    assert!(local.len() < whole.len() && whole.len() == start.cells.len());
    for a in &local {
        let b = whole.iter().find(|b| b.row == a.row).unwrap();
        let r = pearson(&a.denoised, &b.denoised);
        let far = a.denoised.iter().zip(&b.denoised).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(r > 0.9995 && far < 0.5, "{r} {far}");
    }
    let cell = local.iter().find(|l| l.row == row).unwrap();
    assert!(pearson(&cell.denoised, &denoised(&run().base.folder, row)) > 0.995);
}

#[test]
fn threads_do_not_show_in_an_edit() {
    let all = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let start = field(&[]);
            let row = row_at(&start, CELLS[5]);
            let outcome = edit(&start, &Edit::Split { row, line: None });
            let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            outcome
                .touched
                .iter()
                .map(|t| {
                    (
                        t.cell.row,
                        bits(&t.cell.footprint.values),
                        bits(&t.cell.dff),
                        bits(&t.cell.projection),
                    )
                })
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(all(1), all(4));
}

#[test]
fn edited_cells_have_their_events_and_untouched_ones_keep_theirs() {
    let collected = |layers: &[PathBuf], name: &str| {
        let output = run().folder.0.join(name);
        collect(&Collection {
            run_folder: run().base.folder.clone(),
            layers: layers.to_vec(),
            output: output.clone(),
        })
        .unwrap();
        output
    };
    let column = |folder: &Path, name: &str| calyx_npy::read_member(&folder.join("events.npz"), name).unwrap().data;
    // Without edits they are those of the run.
    let plain = collected(&[], "collected-plain");
    for name in ["cell", "onset", "peak", "end"] {
        assert_eq!(column(&plain, name), column(&run().base.folder, name), "{name}");
    }
    for name in ["amplitude", "amplitude_sigma", "amplitude_dff"] {
        for (a, b) in column(&plain, name).iter().zip(column(&run().base.folder, name)) {
            assert!((a / b - 1.0).abs() < 0.02, "{name}: {a} {b}");
        }
    }
    let mut layers = Vec::new();
    let rows = [row_at(&field(&[]), CELLS[4]), row_at(&field(&[]), CELLS[5])];
    let outcome = layer(&mut layers, "events", &Edit::Merge { rows: rows.to_vec() });
    let merged = collected(&layers, "collected-merged");
    let place = calyx_npy::read::<i32>(&merged.join("rows.npy")).unwrap().data;
    let own = |folder: &Path, cell: usize| -> Vec<f64> {
        let onsets = column(folder, "onset").into_iter().zip(column(folder, "cell"));
        onsets.filter(|(_, k)| *k as usize == cell).map(|(onset, _)| onset).collect()
    };
    let touched: Vec<usize> = outcome.touched.iter().map(|t| t.cell.row).collect();
    for (k, row) in place.iter().enumerate() {
        if touched.contains(&(*row as usize)) {
            assert!(!own(&merged, k).is_empty(), "row {row} has events");
        } else {
            assert_eq!(own(&merged, k), own(&run().base.folder, *row as usize), "row {row}");
        }
    }
    // The edit's own folder lists the same, in the same units, and the numbers of cells say how many.
    for (index, t) in outcome.touched.iter().enumerate() {
        let Some(k) = place.iter().position(|row| *row as usize == t.cell.row) else {
            continue;
        };
        let of = |folder: &Path, name: &str, cell: usize| -> Vec<f64> {
            let values = column(folder, name).into_iter().zip(column(folder, "cell"));
            values.filter(|(_, k)| *k as usize == cell).map(|(v, _)| v).collect()
        };
        for name in ["onset", "peak", "end"] {
            assert_eq!(of(&layers[0], name, index), of(&merged, name, k), "{name} of row {}", t.cell.row);
        }
        for name in ["amplitude", "amplitude_sigma", "amplitude_dff"] {
            for (a, b) in of(&layers[0], name, index).iter().zip(of(&merged, name, k)) {
                assert!((a / b - 1.0).abs() < 1e-4, "{name} of row {}: {a} {b}", t.cell.row);
            }
        }
        assert_eq!(t.metrics.events as usize, own(&merged, k).len(), "row {}", t.cell.row);
    }
    // The merged cell is the last.
    assert!(place.last() > Some(&(rows[0].max(rows[1]) as i32)));
    let zscore = calyx_npy::read::<f32>(&merged.join("zscore.npy")).unwrap();
    assert_eq!(zscore.shape, [place.len(), run().base.flags.len()]);
}

#[test]
fn edits_that_cannot_be_are_refused_and_say_why() {
    let start = field(&[]);
    let refused = |edit: &Edit, film: bool| {
        let film: Option<&dyn super::pixels::Pixels> = if film { Some(&run().film.cache) } else { None };
        with_context(|ctx| apply(&start, edit, 99, film, ctx)).err().map(|f| f.code)
    };
    let code = |c: &str| Some(c.to_owned());
    let row = row_at(&start, CELLS[0]);
    let other = row_at(&start, CELLS[1]);
    assert_eq!(refused(&Edit::Seed { at: point(9.0, 9.0) }, false), code("review.edit_no_pixels"));
    assert_eq!(refused(&Edit::Merge { rows: vec![row, other] }, false), None);
    assert_eq!(refused(&Edit::Merge { rows: vec![row] }, true), code("review.edit_invalid"));
    assert_eq!(refused(&Edit::Merge { rows: vec![row, row] }, true), code("review.edit_invalid"));
    assert_eq!(refused(&Edit::Merge { rows: vec![row, 4000] }, true), code("review.unknown_cell"));
    assert_eq!(refused(&Edit::Restore { rows: vec![row] }, true), code("review.edit_invalid"));
    for at in [point(-3.0, 5.0), point(5.0, 400.0), point(f32::NAN, 5.0)] {
        assert_eq!(refused(&Edit::Seed { at }, true), code("review.edit_invalid"));
    }
    for polygon in [vec![], square((400.0, 400.0), 3.0), square(CELLS[0], f32::NAN)] {
        assert_eq!(refused(&Edit::Draw { polygon: polygon.clone() }, true), code("review.edit_invalid"));
        assert_eq!(refused(&Edit::Trim { row, polygon }, true), code("review.edit_invalid"));
    }
    let far = Some([point(0.0, 59.0), point(43.0, 59.0)]);
    assert_eq!(refused(&Edit::Split { row, line: far }, true), code("review.edit_invalid"));
}
