//! Gives every stage a version that nobody can forget to raise: the digest of the sources it is made of. Checkpoints of another build are then never
//! taken for those of this one, and a stage whose sources are the same keeps its checkpoints.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

#[path = "src/checkpoint/sources.rs"]
mod sources;

/// Stages and the modules they begin in.
const STAGES: [(&str, &[&str]); 4] = [
    ("FRONT", &["read", "motion"]),
    ("BACK", &["seeds", "init", "demix"]),
    ("DECONVOLVE", &["deconvolve"]),
    ("EVALUATE", &["evaluate"]),
];

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut modules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sources::files(&root.join("src")) {
        let name = file.strip_prefix(root.join("src")).unwrap_or(&file);
        let top = name.iter().next().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        modules.entry(top.trim_end_matches(".rs").to_owned()).or_default().push(text);
    }
    // What the engine reads films and transforms pictures with; their versions are not raised for each change either.
    let below: Vec<String> = ["../media/src", "../fft/src"]
        .iter()
        .flat_map(|folder| sources::files(&root.join(folder)))
        .map(|file| std::fs::read_to_string(file).unwrap_or_default())
        .collect();
    for (name, roots) in STAGES {
        let mut hash = Sha256::new();
        for module in sources::closure(&modules, roots) {
            for text in &modules[&module] {
                hash.update(format!("{module} {}\n{text}", text.len()));
            }
        }
        below.iter().for_each(|text| hash.update(text));
        let hex: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        println!("cargo:rustc-env=CALYX_SOURCES_{name}={hex}");
    }
    for watched in ["src", "build.rs", "../media/src", "../fft/src"] {
        println!("cargo:rerun-if-changed={watched}");
    }
}
