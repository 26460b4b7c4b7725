//! Stage keys: the name under which a stage's result is kept. Equal keys mean equal results, bit for bit (architecture.md 5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::evaluate::model::Model;
use crate::output::hex;
use crate::params::{Parameters, description};
use crate::progress::STAGES;
use crate::types::{RecordingInput, Registered, flag};

/// What identifies one recording of a run: the decoded pixels of the frames used, and their times. Paths, names and the way the film is cut into
/// files do not matter.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pixels {
    /// SHA-256 of the decoded pixels, hexadecimal.
    pub sha256: String,
    /// Frames used.
    pub frames: u64,
    /// Those of them that could not be decoded.
    pub unreadable: u64,
}

impl Pixels {
    /// Those of every recording of a film that was read.
    pub fn of(film: &Registered) -> Vec<Self> {
        let mut first = 0;
        film.digests
            .iter()
            .zip(&film.spans)
            .map(|(sha256, span)| {
                let flags = &film.flags[first..first + span.frames as usize];
                first += span.frames as usize;
                Self {
                    sha256: sha256.clone(),
                    frames: span.frames,
                    unreadable: flags.iter().filter(|f| *f & flag::UNREADABLE != 0).count() as u64,
                }
            })
            .collect()
    }
}

/// Version of a stage: the digest of its sources, made by `build.rs`.
pub fn version(stage: &str) -> &'static str {
    match stage {
        "read" | "motion" => env!("CALYX_SOURCES_FRONT"),
        "deconvolve" => env!("CALYX_SOURCES_DECONVOLVE"),
        "evaluate" => env!("CALYX_SOURCES_EVALUATE"),
        _ => env!("CALYX_SOURCES_BACK"),
    }
}

/// The keys of all stages by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct StageKeys(BTreeMap<String, String>);

impl StageKeys {
    /// The keys of a run: each the SHA-256 of the stage's version, its parameters and the key before it; the first key takes the inputs in. Threads and
    /// memory are no part of it.
    /// What was learned from a person's decisions belongs to the key of `evaluate`, which asks it.
    pub fn new(inputs: &[RecordingInput], pixels: &[Pixels], parameters: &Parameters, model: Option<&Model>) -> Self {
        let identities: Vec<Value> = inputs.iter().zip(pixels).map(|(input, pixels)| identity(input, pixels)).collect();
        let values = serde_json::to_value(parameters).unwrap_or_default();
        let described = description().map(|d| d.parameters).unwrap_or_default();
        let mut before = json!(identities);
        let mut keys = BTreeMap::new();
        for (stage, _) in STAGES {
            let own: BTreeMap<&str, &Value> = described
                .iter()
                .filter(|parameter| parameter.stage.as_deref() == Some(stage))
                .map(|parameter| (parameter.name.as_str(), &values[&parameter.name]))
                .collect();
            let mut of = json!({ "stage": stage, "version": version(stage), "parameters": own, "before": before });
            if let Some(model) = model.filter(|_| stage == "evaluate") {
                of["model"] = json!(model);
            }
            let key = hex(&Sha256::digest(of.to_string()));
            before = json!(key);
            keys.insert(stage.to_owned(), key);
        }
        Self(keys)
    }

    /// The key of a stage.
    pub fn get(&self, stage: &str) -> &str {
        self.0.get(stage).map_or("", String::as_str)
    }
}

fn identity(input: &RecordingInput, pixels: &Pixels) -> Value {
    let mut times = Sha256::new();
    for frame in input.first_frame..input.first_frame + pixels.frames {
        let time = input.time_s.get(frame as usize).copied().unwrap_or(f64::NAN);
        // One not-a-number like any other.
        let bits = if time.is_nan() { f64::NAN.to_bits() } else { time.to_bits() };
        times.update(bits.to_le_bytes());
    }
    json!({ "pixels": pixels, "timeSha256": hex(&times.finalize()), "fps": input.fps })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> RecordingInput {
        RecordingInput {
            films: vec!["a.avi".into()],
            time_s: vec![0.0, 0.1, f64::NAN],
            fps: 10.0,
            first_frame: 0,
            last_frame: None,
        }
    }

    fn pixels() -> Pixels {
        Pixels {
            sha256: "00".to_owned(),
            frames: 3,
            unreadable: 0,
        }
    }

    fn keys(input: &RecordingInput, pixels: &Pixels, change: impl FnOnce(&mut Parameters)) -> StageKeys {
        let mut parameters = Parameters::defaults().unwrap();
        change(&mut parameters);
        StageKeys::new(std::slice::from_ref(input), std::slice::from_ref(pixels), &parameters, None)
    }

    /// Stages whose keys differ.
    fn changed(a: &StageKeys, b: &StageKeys) -> Vec<&'static str> {
        STAGES
            .iter()
            .map(|(stage, _)| *stage)
            .filter(|stage| a.get(stage) != b.get(stage))
            .collect()
    }

    #[test]
    fn a_parameter_changes_the_keys_of_its_stage_and_of_the_later_ones_only() {
        let plain = keys(&input(), &pixels(), |_| ());
        assert_eq!(plain, keys(&input(), &pixels(), |_| ()));
        assert_eq!(changed(&plain, &keys(&input(), &pixels(), |p| p.min_snr = 4.0)), ["evaluate"]);
        assert_eq!(
            changed(&plain, &keys(&input(), &pixels(), |p| p.rounds = 1)),
            ["demix", "deconvolve", "evaluate"]
        );
        assert_eq!(changed(&plain, &keys(&input(), &pixels(), |p| p.diameter_px = Some(8.0))).len(), 7);
        assert_eq!(plain.get("seeds").len(), 64);
    }

    #[test]
    fn the_films_path_does_not_matter_but_pixels_times_and_rate_do() {
        let plain = keys(&input(), &pixels(), |_| ());
        let mut moved = input();
        moved.films = vec!["elsewhere/0.avi".into(), "elsewhere/1.avi".into()];
        assert_eq!(plain, keys(&moved, &pixels(), |_| ()));
        let mut later = input();
        later.time_s[1] = 0.2;
        let mut slower = input();
        slower.fps = 9.0;
        let other = Pixels {
            sha256: "01".to_owned(),
            ..pixels()
        };
        for different in [
            keys(&later, &pixels(), |_| ()),
            keys(&slower, &pixels(), |_| ()),
            keys(&input(), &other, |_| ()),
        ] {
            assert_eq!(changed(&plain, &different).len(), 7);
        }
    }

    #[test]
    fn stages_of_other_sources_have_other_versions() {
        let versions: std::collections::BTreeSet<_> = STAGES.iter().map(|(stage, _)| version(stage)).collect();
        assert!(versions.len() > 1 && version("read") != version("evaluate"));
        assert!(versions.iter().all(|version| version.len() == 32));
    }
}
