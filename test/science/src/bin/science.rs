//! `science [film …]`: every known-truth film made elsewhere and films of the project's own generator through the engine with default
//! parameters, scored. Without names all of them, and `docs/bench/science.json` is written; a name may be a folder with `truth/`.
//! `--keep <folder>` leaves sessions and runs there.

use std::path::{Path, PathBuf};
use std::process::Command;

use calyx_scene::Config;
use calyx_science::bench::{Measured, line, measure, strata};
use calyx_science::real;
use calyx_science::{Temporary, engine, ffmpeg, make, recipes, shared};
use serde_json::{Map, Value, json};

const FILMS: [&str; 9] = [
    "tiny", "small", "dense", "motion", "lowsnr", "ca1v4", "large", "faults", "scale",
];
/// The strata are pooled over these seeds: at least 80 cells each.
const CROWDED: [u64; 6] = [721, 722, 723, 724, 725, 726];
/// Seeds of the other recipes.
const OTHERS: [u64; 2] = [731, 732];

/// A recipe by its seed.
type Recipe = fn(u64) -> Config;

fn main() {
    assert!(ffmpeg(), "no ffmpeg on the PATH (FFMPEG_BIN)");
    engine();
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    let keep = asked.iter().position(|a| a == "--keep").map(|at| {
        let folder = asked.drain(at..).take(2).nth(1);
        PathBuf::from(folder.expect("--keep needs a folder, after all names"))
    });
    let keep = keep.as_deref();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let mut films = Map::new();
    let mut last = None;
    for name in FILMS.into_iter().filter(|name| wanted(name)) {
        match shared(name) {
            Some(session) => drop(last.insert(film(name, &session, &mut films, keep))),
            None => println!("skipped {name}: the film is not there (CALYX_SHARED)"),
        }
    }
    for folder in asked
        .iter()
        .map(PathBuf::from)
        .filter(|f| f.join("truth").is_dir())
    {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        last = Some(film(&name, &folder, &mut films, keep));
    }
    let mut own = Map::new();
    let mut pooled = Vec::new();
    let groups: [(&str, Recipe, &[u64]); 4] = [
        ("crowded", recipes::crowded, &CROWDED),
        ("ordinary", recipes::ordinary, &OTHERS),
        ("dim", recipes::dim, &OTHERS),
        ("large-cells", recipes::large_cells, &OTHERS),
    ];
    for (name, recipe, seeds) in groups.into_iter().filter(|(name, ..)| wanted(name)) {
        for seed in seeds {
            let label = format!("{name}-{seed}");
            let temporary = Temporary::new(&label);
            let session = keep.map_or_else(
                || temporary.0.clone(),
                |folder| folder.join(format!("session-{label}")),
            );
            make(&recipe(*seed), &session);
            let measured = film(&label, &session, &mut own, keep);
            if name == "crowded" {
                pooled.extend(measured.cells.clone());
            }
            last = Some(measured);
        }
    }
    let pooled = strata(&pooled);
    println!("crowded, pooled: {pooled}");
    let mut facts = Map::new();
    if wanted("v4-grin-h264") {
        match real::lens(keep) {
            Some(lens) => {
                println!("v4-grin-h264: {lens:?}");
                facts.insert(
                    "v4-grin-h264".to_owned(),
                    json!({ "accepted inside the lens (at least 80)": lens.inside, "accepted in the dark corners (none)": lens.outside, "components": lens.components }),
                );
            }
            None => println!("skipped v4-grin-h264: the film is not there (CALYX_SHARED)"),
        }
    }
    if wanted("minian-demo") {
        match real::minian(keep) {
            Some(a) => {
                println!("minian-demo: {a:?}");
                let share = |v: f64| format!("{v:.3}");
                facts.insert(
                    "minian-demo".to_owned(),
                    json!({
                        "units of MiniAn": a.units, "of them matched by accepted components (at least 62)": a.matched,
                        "matched by any component": a.matched_by_all, "accepted": a.accepted, "components": a.components,
                        "footprint cosine of matches, median": share(a.cosine), "trace r of matches, median": share(a.trace_r),
                    }),
                );
            }
            None => println!("skipped minian-demo: film or result are not there (CALYX_SHARED)"),
        }
    }
    if !asked.is_empty() {
        return;
    }
    let manifest = last.map_or(Value::Null, |m| m.manifest);
    let value = json!({
        "bench": "science", "command": "npm run bench:science", "commit": commit(),
        "engineVersion": manifest["engineVersion"], "machine": manifest["machine"], "budget": manifest["budget"],
        "films": films, "own": own, "real": facts,
        "pooled": { "recipe": "crowded", "seeds": CROWDED, "strata": pooled },
    });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bench/science.json");
    let text = serde_json::to_string_pretty(&value).expect("figures are JSON");
    std::fs::write(&file, text + "\n").expect("docs/bench can be written");
}

fn film(
    name: &str,
    session: &Path,
    into: &mut Map<String, Value>,
    keep: Option<&Path>,
) -> Measured {
    let measured = measure(name, session, &json!({}), keep);
    println!("{}", line(name, &measured));
    into.insert(name.to_owned(), measured.figures());
    measured
}

fn commit() -> Option<String> {
    let out = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    out.status.success().then(|| text.trim().to_owned())
}
