//! `films [name …]`: one line for each known-truth film made elsewhere. No floor: hard films show where the engine stands.

use calyx_science::{measure, shared};
use serde_json::json;

const FILMS: [&str; 8] = [
    "tiny", "small", "dense", "motion", "lowsnr", "ca1v4", "large", "faults",
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let all = FILMS.iter().map(|name| (*name).to_owned()).collect();
    for name in if asked.is_empty() { all } else { asked } {
        match shared(&name) {
            Some(session) => drop(measure(&name, &session, &json!({}))),
            None => println!("skipped: the known-truth film {name} is not there (CALYX_SHARED)"),
        }
    }
}
