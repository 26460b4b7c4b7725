//! A logistic model of a person's own decisions: the library learns it from judged cells, a job may name its file. It adds a probability to each
//! component and speaks against those below the parameter `minProbability`; it never overrules a rule.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::types::CellMetrics;

/// Version of the file's form that this engine reads.
pub const FORMAT_VERSION: u32 = 1;

/// How a metric enters the model.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// As it is.
    Identity,
    /// The natural logarithm of 1 + the value, values below 0 taken as 0.
    Log1p,
}

/// One metric's part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Feature {
    /// Name in `metrics.json`.
    pub metric: String,
    /// Applied first.
    pub transform: Transform,
    /// Taken off then.
    pub mean: f64,
    /// Divided by then; above 0.
    pub scale: f64,
    /// Weight of the result.
    pub weight: f64,
}

/// The model, as its file holds it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Version of the form.
    pub format_version: u32,
    /// Log-odds of a cell that is average in everything.
    pub bias: f64,
    /// The metrics it looks at.
    pub features: Vec<Feature>,
}

impl Model {
    /// Reads and checks a model's file.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let model: Self = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        model.check().map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(model)
    }

    fn check(&self) -> Result<(), String> {
        if self.format_version != FORMAT_VERSION {
            return Err(format!(
                "formatVersion is {}, this engine reads {FORMAT_VERSION}",
                self.format_version
            ));
        }
        let known = serde_json::to_value(CellMetrics::default()).map_err(|error| error.to_string())?;
        for feature in &self.features {
            if !known[&feature.metric].is_number() {
                return Err(format!("{} is not a metric of this engine", feature.metric));
            }
            let numbers = [feature.mean, feature.scale, feature.weight];
            if !numbers.iter().all(|v| v.is_finite()) || feature.scale <= 0.0 {
                return Err(format!("the numbers of {} cannot be used", feature.metric));
            }
        }
        if !self.bias.is_finite() {
            return Err("bias must be a number".to_owned());
        }
        Ok(())
    }

    /// Probability that the person would accept a component. A metric that is not a number counts as average.
    pub fn probability(&self, metrics: &CellMetrics) -> f32 {
        let values = serde_json::to_value(metrics).unwrap_or_default();
        let odds = self.features.iter().fold(self.bias, |odds, feature| {
            let part = values[&feature.metric].as_f64().map_or(0.0, |v| {
                let v = match feature.transform {
                    Transform::Identity => v,
                    Transform::Log1p => v.max(0.0).ln_1p(),
                };
                (v - feature.mean) / feature.scale * feature.weight
            });
            odds + part
        });
        (1.0 / (1.0 + (-odds).exp())) as f32
    }
}

/// The reason against a component of this probability, if it lies below the limit.
pub fn against(probability: f32, limit: f32) -> Option<String> {
    (probability < limit).then(|| format!("going by your own decisions it is none (probability {probability:.2}, below {limit:.2})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(metric: &str, transform: Transform, mean: f64, scale: f64, weight: f64) -> Feature {
        Feature {
            metric: metric.to_owned(),
            transform,
            mean,
            scale,
            weight,
        }
    }

    fn model() -> Model {
        Model {
            format_version: 1,
            bias: 0.5,
            features: vec![
                feature("snr", Transform::Log1p, 2.0, 0.5, 1.5),
                feature("roundness", Transform::Identity, 0.8, 0.1, 0.7),
            ],
        }
    }

    #[test]
    fn the_probability_is_that_of_the_formula() {
        let metrics = CellMetrics {
            snr: 9.0,
            roundness: 0.6,
            ..CellMetrics::default()
        };
        let odds: f64 = 0.5 + 1.5 * (10f64.ln() - 2.0) / 0.5 + 0.7 * (0.6 - 0.8) / 0.1;
        let expected = 1.0 / (1.0 + (-odds).exp());
        assert!((f64::from(model().probability(&metrics)) - expected).abs() < 1e-6);
        let unknown = CellMetrics {
            snr: f32::NAN,
            roundness: f32::NAN,
            ..metrics
        };
        assert!((f64::from(model().probability(&unknown)) - 1.0 / (1.0 + (-0.5f64).exp())).abs() < 1e-6);
    }

    #[test]
    fn it_speaks_below_its_limit_only() {
        assert!(against(0.41, 0.4).is_none());
        let why = against(0.21, 0.4).unwrap();
        assert!(why.contains("0.21") && why.contains("0.40"), "{why}");
    }

    #[test]
    fn a_broken_model_is_refused_by_name() {
        let spoiled = |spoil: fn(&mut Model)| {
            let mut model = model();
            spoil(&mut model);
            model.check().unwrap_err()
        };
        assert!(spoiled(|m| m.format_version = 2).contains("formatVersion is 2"));
        assert!(spoiled(|m| m.features[0].metric = "beauty".to_owned()).contains("beauty"));
        assert!(spoiled(|m| m.features[1].metric = "reasons".to_owned()).contains("reasons"));
        assert!(spoiled(|m| m.features[1].scale = 0.0).contains("roundness"));
        assert!(spoiled(|m| m.bias = f64::NAN).contains("bias"));
        assert!(model().check().is_ok());
    }
}
