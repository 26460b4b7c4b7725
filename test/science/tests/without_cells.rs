//! Films in which there is nothing to find: neuropil, pulsing vessels, motion, jumps and noise, no cell.

use calyx_science::real::metrics;
use calyx_science::recipes::without_cells;
use calyx_science::{Temporary, ffmpeg, make, process};
use serde_json::{Value, json};

#[test]
fn where_there_are_no_cells_none_are_suggested_and_it_is_said() {
    if !ffmpeg() {
        println!("skipped: no ffmpeg on the PATH (FFMPEG_BIN)");
        return;
    }
    let mut accepted = 0;
    for seed in [801, 802, 803] {
        for noisy in [false, true] {
            let name = format!("without-cells-{seed}-{noisy}");
            let (session, work) = (
                Temporary::new(&format!("{name}-session")),
                Temporary::new(&name),
            );
            make(&without_cells(seed, noisy), &session.0);
            let run = process(&session.0, &work.0, &json!({}));
            let cells = metrics(&run);
            let suggested = cells.iter().filter(|c| c["accepted"] == true).count();
            println!("{name}: {} components, {suggested} suggested", cells.len());
            let text = std::fs::read_to_string(run.join("run.json")).expect("run.json");
            let manifest: Value = serde_json::from_str(&text).expect("run.json is JSON");
            let said = manifest["warnings"]
                .as_array()
                .is_some_and(|w| w.iter().any(|w| w["code"] == "engine.no_signal"));
            assert_eq!(said, suggested == 0, "{name}: {}", manifest["warnings"]);
            accepted += suggested;
        }
    }
    assert!(
        accepted <= 1,
        "{accepted} cells suggested where there are none"
    );
}
