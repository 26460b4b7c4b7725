//! `calyx-score <truth> <result> [--json <file>]`: how good a result is, against the known truth.

use std::path::Path;
use std::process::ExitCode;

use calyx_scene::score::{Estimate, Known, Score, score};

const HELP: &str = "\
calyx-score <truth folder> <result folder> [--json <file>]

The result is a run folder of the engine (its accepted components), or flat files: footprints.npz, traces.npy and, where there are,
traces_raw.npy, spikes.npy, motion.npy, accepted.npy.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [truth, result] => compare(truth, result, None),
        [truth, result, "--json", file] => compare(truth, result, Some(file)),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn compare(truth: &str, result: &str, json: Option<&str>) -> Result<(), String> {
    let known = Known::read(Path::new(truth)).map_err(|error| error.to_string())?;
    let estimate = Estimate::read(Path::new(result)).map_err(|error| error.to_string())?;
    let figures: Score = score(&known, &estimate)?;
    let value = serde_json::to_value(&figures).map_err(|error| error.to_string())?;
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
        std::fs::write(file, text + "\n").map_err(|error| format!("{file}: {error}"))?;
    }
    for (name, figure) in value.as_object().into_iter().flatten() {
        match figure.as_f64() {
            _ if name == "matches" || name == "strata" => {}
            Some(number) if figure.is_f64() => println!("{name:18} {number:.4}"),
            _ => println!("{name:18} {figure}"),
        }
    }
    Ok(())
}
