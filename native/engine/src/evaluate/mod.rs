//! Stage `evaluate`: what speaks for and against each component, and the engine's suggestion with its reasons (reference, analysis 8.1 S6).

pub mod bending;
pub mod metrics;
pub mod model;
pub mod place;
pub mod rules;
pub mod shadows;

use rayon::prelude::*;

use crate::demix::Demixed;
use crate::evaluate::metrics::{Field, measure};
use crate::evaluate::model::Model;
use crate::evaluate::shadows::Shadows;
use crate::movie::check;
use crate::params::Parameters;
use crate::types::{CellMetrics, Components, Context, Registered, StageError};

/// Computes the metrics of all components and suggests which to accept. A `model`, learned from decisions, has its say beside the rules.
///
/// # Errors
/// Cancelled.
pub fn run(
    film: &Registered,
    components: &Components,
    demixed: &Demixed,
    params: &Parameters,
    model: Option<&Model>,
    ctx: &Context,
) -> Result<Vec<CellMetrics>, StageError> {
    let field = Field::new(film);
    let mut out = (0..components.footprints.len())
        .into_par_iter()
        .map(|k| {
            check(ctx)?;
            measure(film, &field, components, demixed, k)
        })
        .collect::<Result<Vec<_>, StageError>>()?;
    let diameter = film.diameter_px;
    for k in 0..out.len() {
        let mut reasons = rules::against(&out[k], params, diameter);
        if let Some((j, why)) = rules::duplicate_of(k, components, &out, diameter / film.grid.bin as f32, film.motion_blocks.is_some())? {
            out[k].duplicate_of = Some(j as u32);
            reasons.push(why);
        }
        reasons.extend(rules::remainder_of(k, components, &out));
        let (footprint, trace) = (&components.footprints[k], components.denoised[k].all()?);
        reasons.extend(place::against(film, footprint, &trace));
        reasons.extend(bending::follows(film, footprint, &trace, out[k].edge_distance_px));
        if let Some(model) = model {
            out[k].probability = model.probability(&out[k]);
            reasons.extend(model::against(out[k].probability, params.min_probability));
        }
        out[k].accepted = reasons.is_empty();
        out[k].reasons = reasons;
    }
    if let Some(shadows) = Shadows::new(film, components)? {
        let diameters = [diameter / film.grid.bin as f32, diameter];
        let found = (0..out.len())
            .map(|k| shadows.of(k, components, &out, diameters))
            .collect::<Result<Vec<_>, StageError>>()?;
        for (m, why) in out.iter_mut().zip(found) {
            m.accepted &= why.is_none();
            m.reasons.extend(why);
        }
    }
    bending::border_alone(film, &mut out);
    (ctx.progress)(1.0, film.cache.frames() as u64);
    Ok(out)
}
