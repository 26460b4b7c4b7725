//! Parameters of the engine. Their one home is `assets/engine-parameters.json` (stage, unit, range, default and why, help); the struct here
//! is what the stages read. `None` means "chosen from the data and reported".

use serde::{Deserialize, Serialize};

/// Places that may be given to the search.
pub const MOST_SEEDS: usize = 20_000;

/// The file that describes every parameter, as it was when the engine was built.
pub const DESCRIPTION: &str = include_str!("../../../assets/engine-parameters.json");

/// Every parameter of a run, by the names of `assets/engine-parameters.json`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// Twice the half-maximum radius of a typical soma, raw px; `None`: estimated from the film.
    pub diameter_px: Option<f32>,
    /// The same in µm; needs `um_per_px`, and `diameter_px` follows from both.
    pub diameter_um: Option<f32>,
    /// µm of tissue that a raw pixel shows.
    pub um_per_px: Option<f32>,
    /// Frames per second instead of what the time stamps tell; `None`: the time stamps count.
    pub frame_rate: Option<f64>,
    /// First frame of the input that is used, 0-based.
    pub first_frame: u64,
    /// Last frame that is used (inclusive); `None`: to the end.
    pub last_frame: Option<u64>,
    /// First row of the stored frame that is used.
    pub crop_top: u64,
    /// First column that is used.
    pub crop_left: u64,
    /// Rows that are used; `None`: to the bottom.
    pub crop_height: Option<u64>,
    /// Columns that are used; `None`: to the right edge.
    pub crop_width: Option<u64>,
    /// Frames are brought to one light where it bleaches or steps.
    pub normalise_light: bool,
    /// Rows that are shifted as a whole are set back.
    pub remove_row_noise: bool,
    /// Raw pixels per working-grid pixel on each axis; `None`: the largest b with σ/b ≥ 1.3.
    pub bin: Option<u32>,
    /// Largest shift that registration looks for, raw px.
    pub max_shift_px: f32,
    /// Blocks are registered when the sample departs from rigid motion by more than this, raw px; 0: always.
    pub piecewise_from_px: f32,
    /// Seeds need this local correlation; `None`: from a noise-only null.
    pub min_correlation: Option<f32>,
    /// Seeds need this peak-to-noise ratio; `None`: from a noise-only null.
    pub min_pnr: Option<f32>,
    /// Places where a person saw cells: `y,x` in raw px of the registered frame, several with `;`. They are taken before the search's own.
    pub given_seeds: Option<String>,
    /// Ring radius of the background over the neuron's diameter.
    pub ring_radius_factor: f32,
    /// Rounds of background, traces and footprints.
    pub rounds: u32,
    /// Overlapping components whose traces correlate at least so are merged.
    pub merge_correlation: f32,
    /// Time constant of the calcium's decay, seconds; `None`: estimated for each cell.
    pub decay_s: Option<f32>,
    /// Time constant of the calcium's rise, seconds, 0 for none; `None`: estimated over the recording.
    pub rise_s: Option<f32>,
    /// Events add at least so many times the noise to the calcium.
    pub event_sigma: f32,
    /// Accepted components have at least this peak trace SNR.
    pub min_snr: f32,
    /// Accepted components have at least this footprint correlation with their background-free event average.
    pub min_r_value: f32,
    /// Accepted components have footprints that agree at least so between two halves of the film.
    pub min_split_half: f32,
    /// Accepted components have outlines at least so round.
    pub min_roundness: f32,
    /// Accepted components have at least this probability by the model learned from decisions; 0: it is not asked.
    pub min_probability: f32,
}

/// The whole of `assets/engine-parameters.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Description {
    /// Version of the file's form.
    pub format_version: u32,
    /// The parameters, in the order in which a form shows them.
    pub parameters: Vec<Parameter>,
    /// What limits the run and never changes its result.
    pub budget: Vec<Parameter>,
    /// Named sets of values.
    pub presets: Vec<Preset>,
}

/// A named set of values; what it does not name keeps its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preset {
    /// Its name, for the command line.
    pub name: String,
    /// What a person sees.
    pub label: String,
    /// When to choose it.
    pub help: String,
    /// Values by the parameters' names.
    pub values: serde_json::Map<String, serde_json::Value>,
}

/// Type of a parameter's value.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Any number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// Text; each such parameter has a form of its own.
    String,
}

/// One parameter as the file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameter {
    /// Its name in `job.json`, in forms and in the contract.
    pub name: String,
    /// What a person sees.
    pub label: String,
    /// The first stage that reads it; budgets have none.
    #[serde(default)]
    pub stage: Option<String>,
    /// Unit, or empty.
    pub unit: String,
    /// Type of the value.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `null` is allowed and means "chosen from the data".
    pub nullable: bool,
    /// Smallest value.
    #[serde(default)]
    pub minimum: Option<f64>,
    /// Largest value.
    #[serde(default)]
    pub maximum: Option<f64>,
    /// Step of a form's field.
    #[serde(default)]
    pub step: Option<f64>,
    /// The value where nobody says otherwise.
    pub default: serde_json::Value,
    /// Why it is this value.
    pub why: String,
    /// What it does, in plain words.
    pub help: String,
    /// Hidden until asked for.
    pub advanced: bool,
    /// Flag of the command line.
    pub cli_flag: String,
}

/// The description, read.
///
/// # Errors
/// A sentence, only when the file that was built in is broken.
pub fn description() -> Result<Description, String> {
    serde_json::from_str(DESCRIPTION).map_err(|error| format!("assets/engine-parameters.json: {error}"))
}

impl Parameters {
    /// The defaults of the file.
    ///
    /// # Errors
    /// As [`description`].
    pub fn defaults() -> Result<Self, String> {
        let values: serde_json::Map<String, serde_json::Value> = description()?
            .parameters
            .into_iter()
            .map(|parameter| (parameter.name, parameter.default))
            .collect();
        serde_json::from_value(values.into()).map_err(|error| format!("assets/engine-parameters.json: {error}"))
    }

    /// Checks values as they stand in `job.json` against the file's types and ranges and makes them a struct; absent ones take their defaults.
    ///
    /// # Errors
    /// A sentence that names the parameter by name, and the range it must lie in.
    pub fn from_json(values: &serde_json::Value) -> Result<Self, String> {
        let given = values.as_object().ok_or("parameters must be an object")?;
        let description = description()?;
        for name in given.keys() {
            if !description.parameters.iter().any(|parameter| parameter.name == *name) {
                return Err(format!("parameters.{name} is not a parameter of this engine"));
            }
        }
        let mut complete = serde_json::Map::new();
        for parameter in description.parameters {
            let value = given.get(&parameter.name).unwrap_or(&parameter.default);
            check(&parameter, value).map_err(|why| format!("parameters.{} {why}", parameter.name))?;
            complete.insert(parameter.name, whole(parameter.kind, value));
        }
        let parameters: Self = serde_json::from_value(complete.into()).map_err(|error| format!("parameters: {error}"))?;
        parameters.seeds_given()?;
        parameters.with_diameter()
    }

    /// The places of [`Self::given_seeds`] as `(y, x)`, raw px, in their order.
    ///
    /// # Errors
    /// A sentence: they are not pairs of numbers, or more than [`MOST_SEEDS`].
    pub fn seeds_given(&self) -> Result<Vec<[f32; 2]>, String> {
        let places = self.given_seeds.as_deref().unwrap_or_default().split(';');
        let seeds: Vec<[f32; 2]> = places
            .filter(|place| !place.trim().is_empty())
            .map(|place| {
                place
                    .split_once(',')
                    .and_then(|(y, x)| Some([y.trim().parse::<f32>().ok()?, x.trim().parse::<f32>().ok()?]))
                    .filter(|at| at.iter().all(|v| v.is_finite()))
                    .ok_or_else(|| format!("parameters.givenSeeds must be places as y,x with ; between them, not “{place}”"))
            })
            .collect::<Result<_, _>>()?;
        if seeds.len() > MOST_SEEDS {
            return Err(format!("parameters.givenSeeds may name {MOST_SEEDS} places, not {}", seeds.len()));
        }
        Ok(seeds)
    }

    /// The diameter in µm turned into pixels.
    fn with_diameter(mut self) -> Result<Self, String> {
        let Some(um) = self.diameter_um else { return Ok(self) };
        let scale = self
            .um_per_px
            .ok_or("parameters.diameterUm needs parameters.umPerPx: how many µm a pixel shows")?;
        let px = um / scale;
        let wanted = description()?
            .parameters
            .into_iter()
            .find(|parameter| parameter.name == "diameterPx");
        if let Some(why) = wanted.and_then(|parameter| check(&parameter, &px.into()).err()) {
            return Err(format!(
                "parameters.diameterUm over parameters.umPerPx is a diameter in pixels: it {why}"
            ));
        }
        // A parameter set that was used once holds both.
        if self.diameter_px.is_some_and(|given| (given / px - 1.0).abs() > 0.01) {
            return Err("parameters.diameterPx and parameters.diameterUm say different things; give one of them".to_owned());
        }
        self.diameter_px = Some(px);
        Ok(self)
    }
}

/// JavaScript may write a whole number as `3.0`; serde wants `3` for an integer.
fn whole(kind: Kind, value: &serde_json::Value) -> serde_json::Value {
    match (kind, value.as_f64()) {
        (Kind::Integer, Some(number)) => (number as u64).into(),
        _ => value.clone(),
    }
}

/// Says why a value does not fit its description.
fn check(parameter: &Parameter, value: &serde_json::Value) -> Result<(), String> {
    if value.is_null() {
        return if parameter.nullable {
            Ok(())
        } else {
            Err("must have a value".to_owned())
        };
    }
    if parameter.kind == Kind::Boolean {
        return value.as_bool().map(|_| ()).ok_or_else(|| "must be true or false".to_owned());
    }
    if parameter.kind == Kind::String {
        return value.as_str().map(|_| ()).ok_or_else(|| format!("must be a text, not {value}"));
    }
    let number = value.as_f64().ok_or_else(|| format!("must be a number, not {value}"))?;
    if parameter.kind == Kind::Integer && number.fract() != 0.0 {
        return Err(format!("must be a whole number, not {number}"));
    }
    let (low, high) = (
        parameter.minimum.unwrap_or(f64::NEG_INFINITY),
        parameter.maximum.unwrap_or(f64::INFINITY),
    );
    if number < low || number > high {
        return Err(format!("must lie between {low} and {high}, not {number}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STAGES: [&str; 7] = ["read", "motion", "seeds", "init", "demix", "deconvolve", "evaluate"];

    #[test]
    fn the_file_and_the_struct_name_the_same_parameters() {
        let serde_json::Value::Object(fields) = serde_json::to_value(Parameters::defaults().unwrap()).unwrap() else {
            panic!("a struct is an object")
        };
        let mut ours: Vec<_> = fields.keys().cloned().collect();
        let mut theirs: Vec<_> = description().unwrap().parameters.into_iter().map(|p| p.name).collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn every_description_is_complete_and_its_default_lies_in_its_range() {
        let description = description().unwrap();
        assert_eq!(description.format_version, 1);
        for parameter in description.parameters.iter().chain(&description.budget) {
            let name = &parameter.name;
            check(parameter, &parameter.default).unwrap_or_else(|why| panic!("{name} {why}"));
            assert!(
                parameter.label.len() > 2 && parameter.help.len() > 40 && parameter.why.len() > 20,
                "{name}"
            );
            let flag: String = name.chars().map(kebab).collect();
            let flag = if name == "memoryBytes" { "memory" } else { &flag };
            assert_eq!(parameter.cli_flag, format!("--{flag}"));
            if matches!(parameter.kind, Kind::Number | Kind::Integer) {
                assert!(parameter.minimum.unwrap() < parameter.maximum.unwrap() && parameter.step.unwrap() > 0.0);
            }
        }
        for parameter in &description.parameters {
            assert!(STAGES.contains(&parameter.stage.as_deref().unwrap()), "{}", parameter.name);
        }
    }

    #[test]
    fn presets_set_what_exists_to_what_is_allowed_and_one_is_the_defaults() {
        let presets = description().unwrap().presets;
        for preset in &presets {
            assert!(preset.label.len() > 2 && preset.help.len() > 20, "{}", preset.name);
            Parameters::from_json(&preset.values.clone().into()).unwrap_or_else(|why| panic!("{}: {why}", preset.name));
        }
        let count = |name: &str| presets.iter().filter(|p| p.name == name).count();
        assert_eq!(["strict", "balanced", "sensitive"].map(count), [1, 1, 1]);
        assert!(presets.iter().any(|p| p.name == "balanced" && p.values.is_empty()));
    }

    fn kebab(c: char) -> String {
        if c.is_uppercase() {
            format!("-{}", c.to_lowercase())
        } else {
            c.to_string()
        }
    }

    #[test]
    fn absent_values_take_their_defaults_and_whole_numbers_may_be_written_with_a_point() {
        let values = Parameters::from_json(&json!({ "diameterPx": 7, "rounds": 3.0, "lastFrame": 99.0 })).unwrap();
        let wanted = Parameters {
            diameter_px: Some(7.0),
            rounds: 3,
            last_frame: Some(99),
            ..Parameters::defaults().unwrap()
        };
        assert_eq!(values, wanted);
    }

    #[test]
    fn a_diameter_in_micrometres_becomes_pixels_and_comes_round_again() {
        let values = Parameters::from_json(&json!({ "diameterUm": 12, "umPerPx": 1.5 })).unwrap();
        assert_eq!(
            (values.diameter_px, values.diameter_um, values.um_per_px),
            (Some(8.0), Some(12.0), Some(1.5))
        );
        let again = Parameters::from_json(&serde_json::to_value(&values).unwrap()).unwrap();
        assert_eq!(again, values);
        let message = |values| Parameters::from_json(&values).unwrap_err();
        assert!(message(json!({ "diameterUm": 12 })).contains("parameters.diameterUm needs parameters.umPerPx"));
        assert!(message(json!({ "diameterUm": 2, "umPerPx": 10 })).contains("must lie between 3 and 120, not 0.2"));
        assert!(message(json!({ "diameterUm": 12, "umPerPx": 1, "diameterPx": 8 })).contains("say different things"));
        assert_eq!(Parameters::from_json(&json!({ "umPerPx": 2 })).unwrap().diameter_px, None);
    }

    #[test]
    fn given_seeds_are_pairs_of_numbers() {
        let seeds = |text: &str| Parameters::from_json(&json!({ "givenSeeds": text })).map(|p| p.seeds_given().unwrap());
        assert_eq!(seeds("1.5,20; 3,4"), Ok(vec![[1.5, 20.0], [3.0, 4.0]]));
        assert_eq!(seeds(""), Ok(vec![]));
        assert_eq!(Parameters::defaults().unwrap().seeds_given(), Ok(vec![]));
        for wrong in ["1", "1,b", "nan,1", "1,2,3", "(1,2)"] {
            assert!(seeds(wrong).unwrap_err().contains("givenSeeds must be places as y,x"), "{wrong}");
        }
        assert!(seeds(&"1,1;".repeat(MOST_SEEDS + 1)).unwrap_err().contains("may name 20000 places"));
        let message = Parameters::from_json(&json!({ "givenSeeds": 3 })).unwrap_err();
        assert!(message.contains("parameters.givenSeeds must be a text"));
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        let message = |values| Parameters::from_json(&values).unwrap_err();
        assert!(message(json!({ "diameter": 7 })).contains("parameters.diameter is not"));
        assert!(message(json!({ "diameterPx": 1e6 })).contains("parameters.diameterPx must lie between 3 and 120"));
        assert!(message(json!({ "diameterPx": "7" })).contains("parameters.diameterPx must be a number"));
        assert!(message(json!({ "rounds": 1.5 })).contains("parameters.rounds must be a whole number"));
        assert!(message(json!({ "rounds": null })).contains("parameters.rounds must have a value"));
        assert!(message(json!([])).contains("object"));
    }
}
