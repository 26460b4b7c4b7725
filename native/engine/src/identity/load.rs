//! Footprints from whatever holds them: run and export folders, folders with known truth, SciPy archives, NumPy arrays, CellReg's MAT files.

use std::path::{Path, PathBuf};

use calyx_mat::{MatError, MatFile};
use calyx_npy::{Csr, NpyError};
use serde_json::Value;

use super::footprint::{Footprint, Session};
use super::job::{LARGEST_SIDE, SessionInput};
use crate::failure::Failure;

/// The variable CellReg reads, cells × y × x.
const CELLREG_VARIABLE: &str = "allFiltersMat";
/// More cells than this in one session is a mistake.
const MOST_CELLS: usize = 1_000_000;

/// A session and what is worth telling about how it was read.
#[derive(Debug)]
pub struct Loaded {
    /// Frame and cells.
    pub session: Session,
    /// Rows of the array it came from.
    pub rows: usize,
    /// Rows left out because they were rejected.
    pub rejected: usize,
    /// Rows left out because they hold nothing.
    pub empty: usize,
    /// Warnings.
    pub remarks: Vec<String>,
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(
        "review.footprints_unreadable",
        format!("{} {why}", path.display()),
        "Give run folders, export folders, footprints.npz (SciPy CSR, cells × pixels), .npy (cells × y × x) or MAT files (-v7) with allFiltersMat.",
    )
}

/// Reads one session. `all`: rejected components of a run take part too.
///
/// # Errors
/// `review.footprints_unreadable`, `review.frame_size_unknown`, `disk.io`.
pub fn load(input: &SessionInput, all: bool) -> Result<Loaded, Failure> {
    let file = footprint_file(&input.path)?;
    let lower = file.extension().map(|e| e.to_string_lossy().to_lowercase());
    match lower.as_deref() {
        Some("npz") => sparse(&file, input, all),
        Some("npy") => dense(&file),
        Some("mat") => mat(&file),
        _ => Err(unreadable(&file, "is not a file of footprints")),
    }
}

/// The file inside a folder, or the file itself.
fn footprint_file(path: &Path) -> Result<PathBuf, Failure> {
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    if !path.exists() {
        return Err(unreadable(path, "is not there"));
    }
    ["footprints.npz", "truth/footprints.npz", "footprints.npy"]
        .iter()
        .map(|name| path.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| unreadable(path, "holds no footprints.npz"))
}

fn from_npy(path: &Path) -> impl Fn(NpyError) -> Failure + '_ {
    move |error| match error {
        NpyError::Io { source, .. } if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            Failure::from_io(&path.display().to_string(), &source)
        }
        other => unreadable(path, format!("cannot be read: {other}")),
    }
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// The frame as run.json or truth.json beside the file tells it.
fn frame_beside(folder: &Path) -> Option<(usize, usize)> {
    ["run.json", "truth.json"].iter().find_map(|name| {
        let value = json(&folder.join(name))?;
        let side = |key: &str| value.get(key).and_then(Value::as_u64).and_then(|v| usize::try_from(v).ok());
        Some((side("height")?, side("width")?))
    })
}

/// The engine's suggestion for each row, where the folder has one.
fn accepted_beside(folder: &Path, rows: usize) -> Option<Vec<bool>> {
    let from_metrics = || {
        let value = json(&folder.join("metrics.json"))?;
        let cells = value.get("cells")?.as_array()?;
        Some(
            cells
                .iter()
                .map(|c| c.get("accepted").and_then(Value::as_bool).unwrap_or(false))
                .collect(),
        )
    };
    let from_array = || {
        let array = calyx_npy::read::<u8>(&folder.join("accepted.npy")).ok()?;
        Some(array.data.iter().map(|v| *v != 0).collect::<Vec<bool>>())
    };
    let accepted: Vec<bool> = from_metrics().or_else(from_array)?;
    (accepted.len() == rows).then_some(accepted)
}

fn sparse(file: &Path, input: &SessionInput, all: bool) -> Result<Loaded, Failure> {
    let matrix = Csr::read(file).map_err(from_npy(file))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut remarks = Vec::new();
    let side = matrix.columns.isqrt();
    let (height, width) = match input.frame.or_else(|| frame_beside(folder)) {
        Some(frame) => frame,
        None if side > 0 && side * side == matrix.columns => {
            remarks.push(format!(
                "Nothing says how large a frame of {} is; it is taken for square, {side} × {side}.",
                file.display()
            ));
            (side, side)
        }
        None => {
            return Err(Failure::new(
                "review.frame_size_unknown",
                format!("Nothing says how {} pixels of {} make a frame.", matrix.columns, file.display()),
                "Give it with --frame-size rows×columns, as in 240x376, or keep run.json or truth.json beside the file.",
            ));
        }
    };
    if height.checked_mul(width) != Some(matrix.columns) || height > LARGEST_SIDE || width > LARGEST_SIDE {
        return Err(unreadable(
            file,
            format!("has {} pixels, a frame of {height} × {width} does not", matrix.columns),
        ));
    }
    let accepted = if all { None } else { accepted_beside(folder, matrix.rows) };
    let kept = |row: usize| accepted.as_ref().is_none_or(|list| list[row]);
    let cells = (0..matrix.rows).filter(|row| kept(*row)).map(|row| {
        let pixels = matrix.row(row).map(|(p, v)| ((p / width) as i32, (p % width) as i32, v));
        Footprint::new(row, pixels)
    });
    let image = calyx_npy::read::<f32>(&folder.join("images/mean.npy"))
        .ok()
        .filter(|image| image.shape == [height, width])
        .map(|image| image.data);
    let mut loaded = gathered(matrix.rows, (height, width), cells, remarks);
    loaded.session.image = image;
    Ok(loaded)
}

fn gathered(rows: usize, frame: (usize, usize), cells: impl Iterator<Item = Option<Footprint>>, mut remarks: Vec<String>) -> Loaded {
    let (mut found, mut tried) = (Vec::new(), 0);
    for cell in cells {
        tried += 1;
        found.extend(cell);
    }
    let empty = tried - found.len();
    if empty > 0 {
        remarks.push(format!("{empty} of {rows} footprints are empty and were left out."));
    }
    Loaded {
        session: Session {
            height: frame.0,
            width: frame.1,
            cells: found,
            image: None,
        },
        rows,
        rejected: rows - tried,
        empty,
        remarks,
    }
}

fn checked(file: &Path, shape: &[usize]) -> Result<(usize, usize, usize), Failure> {
    let [cells, height, width] = *shape else {
        return Err(unreadable(file, format!("must hold cells × y × x; it has {} axes", shape.len())));
    };
    if height == 0 || width == 0 || height > LARGEST_SIDE || width > LARGEST_SIDE || cells > MOST_CELLS {
        return Err(unreadable(file, format!("has an impossible shape, {cells} × {height} × {width}")));
    }
    Ok((cells, height, width))
}

fn dense(file: &Path) -> Result<Loaded, Failure> {
    let array = calyx_npy::read_converted(file).map_err(from_npy(file))?;
    let (rows, height, width) = checked(file, &array.shape)?;
    let cells = array
        .data
        .chunks_exact(height * width)
        .enumerate()
        .map(|(row, values): (usize, &[f64])| {
            let pixels = values.iter().enumerate().filter(|(_, v)| **v > 0.0);
            Footprint::new(row, pixels.map(|(p, v)| ((p / width) as i32, (p % width) as i32, *v as f32)))
        });
    Ok(gathered(rows, (height, width), cells, Vec::new()))
}

fn mat(file: &Path) -> Result<Loaded, Failure> {
    let wrong = |error: MatError| match error {
        MatError::Io(error) => Failure::from_io(&file.display().to_string(), &error),
        MatError::Format(why) => unreadable(file, why),
    };
    let mut mat = MatFile::open(file).map_err(wrong)?;
    // CellReg's own name, else the only array of three axes.
    let stacks: Vec<_> = mat.variables().filter(|v| v.numeric && v.shape.len() == 3).cloned().collect();
    let chosen = stacks
        .iter()
        .find(|v| v.name == CELLREG_VARIABLE)
        .or(if stacks.len() == 1 { stacks.first() } else { None });
    let Some(chosen) = chosen.cloned() else {
        let names: Vec<_> = mat.variables().map(|v| v.name.as_str()).collect();
        let why = format!("has no array {CELLREG_VARIABLE} of cells × y × x; it has: {}", names.join(", "));
        return Err(unreadable(file, why));
    };
    let (rows, height, width) = checked(file, &chosen.shape)?;
    let mut pixels: Vec<Vec<(i32, i32, f32)>> = vec![Vec::new(); rows];
    mat.values(&chosen.name, |i, value| {
        if value > 0.0 {
            let (row, rest) = (i % rows, i / rows);
            pixels[row].push(((rest % height) as i32, (rest / height) as i32, value as f32));
        }
    })
    .map_err(wrong)?;
    let cells = pixels.into_iter().enumerate().map(|(row, pixels)| Footprint::new(row, pixels));
    Ok(gathered(rows, (height, width), cells, Vec::new()))
}
