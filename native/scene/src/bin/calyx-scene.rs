//! `calyx-scene <preset> --out <folder>`: a simulated Miniscope V4 session with its known truth.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use calyx_scene::config::PRESETS;
use calyx_scene::session::{self, Codec, Layout};
use calyx_scene::{Config, Scene};

const HELP: &str = "\
calyx-scene <preset> --out <folder> [options]

Writes a Miniscope V4 session folder with simulated films and, in truth/, what is known about them.

presets   sample, tiny, small, scope
options   --seed N  --width N  --height N  --frames N  --fps F  --cells N  --radius PX
          --frames-per-file N (1000)  --codec ffv1|grey (ffv1)  --name NAME";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--help" | "-h") => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Some(preset) => match make(preset, &arguments[1..]) {
            Ok(said) => {
                println!("{said}");
                ExitCode::SUCCESS
            }
            Err(Problem::Usage(why)) => {
                eprintln!("{why}\n\n{HELP}");
                ExitCode::from(2)
            }
            Err(Problem::Failed(why)) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        },
        None => {
            eprintln!("{HELP}");
            ExitCode::from(2)
        }
    }
}

enum Problem {
    Usage(String),
    Failed(String),
}

fn number<T: FromStr>(flag: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::Usage(format!("{flag}: {text} is not a number")))
}

fn make(preset: &str, options: &[String]) -> Result<String, Problem> {
    let mut config =
        Config::preset(preset).ok_or_else(|| Problem::Usage(format!("there is no preset {preset}; there are {}", PRESETS.join(", "))))?;
    let (mut layout, mut out) = (Layout::default(), None);
    for pair in options.chunks(2) {
        let [flag, value] = pair else {
            return Err(Problem::Usage(format!("{} needs a value", pair[0])));
        };
        match flag.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--name" => config.name.clone_from(value),
            "--seed" => config.seed = number(flag, value)?,
            "--width" => config.width = number(flag, value)?,
            "--height" => config.height = number(flag, value)?,
            "--frames" => config.frames = number(flag, value)?,
            "--fps" => config.fps = number(flag, value)?,
            "--cells" => config.cells = number(flag, value)?,
            "--radius" => config.radius = number(flag, value)?,
            "--frames-per-file" => layout.frames_per_file = number(flag, value)?,
            "--codec" => {
                layout.codec = match value.as_str() {
                    "ffv1" => Codec::Ffv1,
                    "grey" => Codec::Grey,
                    other => return Err(Problem::Usage(format!("there is no codec {other}"))),
                }
            }
            other => return Err(Problem::Usage(format!("there is no option {other}"))),
        }
    }
    let out = out.ok_or_else(|| Problem::Usage("--out is needed".to_owned()))?;
    let scene = Scene::new(&config).map_err(Problem::Usage)?;
    let films = session::write(&scene, &out, &layout).map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(format!(
        "{}: {} films, {} frames of {} × {}",
        out.display(),
        films.len(),
        config.frames,
        config.width,
        config.height
    ))
}
