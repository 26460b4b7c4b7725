//! The stages in order. Each is a plain function; this file hands the results on, says which stage runs, and keeps results for later runs where the
//! job names a folder for them.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::films::{Known, KnownFilms};
use crate::checkpoint::key::{Pixels, StageKeys};
use crate::checkpoint::{Store, load_film, save_film};
use crate::demix::Demixed;
use crate::edit::Statistics;
use crate::init::Initial;
use crate::job::Job;
use crate::movie::SlowMovie;
use crate::progress::Reporter;
use crate::result::{Analysis, Chosen};
use crate::seeds::Seeds;
use crate::types::{CellMetrics, Components, Context, RecordingInput, Registered, StageError};
use crate::{deconvolve, demix, evaluate, init, read, seeds};

/// Films to cells: `read` and `motion` in one pass, then `seeds`, `init`, `demix`, `deconvolve`, `evaluate`. Files that are needed only
/// meanwhile go to `scratch`. Where the job names a cache, stages whose result lies there are not run, and what is run is kept there.
///
/// # Errors
/// The first stage's that fails; [`StageError::Cancelled`] soon after cancellation.
pub fn analyse(job: &Job, scratch: &Path, context: &Context<'_>, reporter: &Reporter) -> Result<Analysis, StageError> {
    let store = job.cache.as_deref().map(|root| Store::open(root, reporter)).transpose()?;
    let inputs: Vec<_> = job.inputs.iter().map(|input| input.recording.clone()).collect();
    let (film, keys) = register(job, &inputs, store.as_ref(), scratch, context, reporter)?;
    let run = Run {
        job,
        film: &film,
        keys: &keys,
        store: store.as_ref(),
        context,
        reporter,
    };
    let mut seeds: Seeds = run.stage("seeds", || {
        let seeds = seeds::run(&film, &job.parameters, film.diameter_px, context)?;
        (context.preview)(&|| seeds.preview(&film));
        Ok(seeds)
    })?;
    let mut demixed: Demixed = run.demixed(&mut seeds)?;
    demixed.survey = Arc::clone(&seeds.survey);
    let components: Components = run.stage("deconvolve", || deconvolve::run(&film, &demixed, &job.parameters, context))?;
    let metrics = run.evaluated(&components, &demixed)?;
    let chosen = Chosen {
        diameter_px: film.diameter_px,
        diameter_estimated: job.parameters.diameter_px.is_none(),
        bin: film.grid.bin,
        min_correlation: seeds.min_correlation,
        min_pnr: seeds.min_pnr,
        seeds: seeds.seeds.len(),
    };
    let statistics = Some(Statistics::new(demixed, &film)?);
    Ok(Analysis {
        registered: film,
        correlation: seeds.correlation,
        pnr: seeds.pnr,
        chosen,
        components,
        f0: deconvolve::F0,
        metrics,
        stage_keys: keys,
        statistics,
        traces_bytes: context.shelf.file_bytes(),
    })
}

/// The registered film and the keys of all stages: a kept one where the films are known, else read and registered now.
fn register(
    job: &Job,
    inputs: &[RecordingInput],
    store: Option<&Store<'_>>,
    scratch: &Path,
    context: &Context<'_>,
    reporter: &Reporter,
) -> Result<(Registered, StageKeys), StageError> {
    const NAMES: (&str, &str) = ("read", "motion");
    let params = &job.parameters;
    let known = job.cache.as_deref().map(KnownFilms::new);
    let looks: Vec<_> = inputs
        .iter()
        .map(|input| known.as_ref().and_then(|_| KnownFilms::look(input)))
        .collect();
    if let Some(store) = store
        && let Some(keys) = known_keys(job, inputs, &known_films(job, &looks))
        && let Some(film) = reporter.kept(NAMES, || {
            load_film(store, keys.get("motion"), context.memory_bytes / read::CACHE_SHARE)
        })
    {
        return Ok((film, keys));
    }
    reporter.stage(
        NAMES,
        |(film, _): &(Registered, StageKeys)| film.frames(),
        || {
            let mut film = read::run(inputs, params, store.map_or(scratch, Store::scratch), context)?;
            let pixels = Pixels::of(&film);
            let keys = StageKeys::new(inputs, &pixels, params, job.model.as_ref());
            if let Some(store) = store {
                save_film(store, keys.get("motion"), &mut film)?;
            }
            if let Some(known) = &known {
                for ((input, look), pixels) in inputs.iter().zip(&looks).zip(&pixels) {
                    // A film that was changed while it was read is not known.
                    if let Some(look) = look.as_ref().filter(|look| KnownFilms::look(input).as_ref() == Some(look)) {
                        known.keep(
                            look,
                            &Known {
                                pixels: pixels.clone(),
                                size: [film.grid.frame_height, film.grid.frame_width],
                                measured_diameter_px: params
                                    .diameter_px
                                    .is_none()
                                    .then_some(film.diameter_px)
                                    .or_else(|| known.get(look)?.measured_diameter_px),
                            },
                        );
                    }
                }
            }
            Ok((film, keys))
        },
    )
}

/// What is known of the recordings of a job, whose films look like `looks` now.
pub fn known_films(job: &Job, looks: &[Option<String>]) -> Vec<Option<Known>> {
    let known = job.cache.as_deref().map(KnownFilms::new);
    looks.iter().map(|look| known.as_ref()?.get(look.as_ref()?)).collect()
}

/// The keys of a job whose films were all decoded before.
pub fn known_keys(job: &Job, inputs: &[RecordingInput], known: &[Option<Known>]) -> Option<StageKeys> {
    let pixels: Vec<Pixels> = known
        .iter()
        .map(|known| Some(known.as_ref()?.pixels.clone()))
        .collect::<Option<_>>()?;
    Some(StageKeys::new(inputs, &pixels, &job.parameters, job.model.as_ref()))
}

/// What the stages after `motion` share.
struct Run<'a> {
    job: &'a Job,
    film: &'a Registered,
    keys: &'a StageKeys,
    store: Option<&'a Store<'a>>,
    context: &'a Context<'a>,
    reporter: &'a Reporter,
}

impl Run<'_> {
    fn kept<T: DeserializeOwned>(&self, stage: &'static str) -> Option<T> {
        let store = self.store?;
        let load = || store.load(stage, self.keys.get(stage)).map(|(value, _)| value);
        self.reporter.kept((stage, stage), || self.context.shelf.during(load))
    }

    /// Runs a stage and keeps its result.
    fn compute<T: Serialize>(&self, stage: &'static str, work: impl FnOnce() -> Result<T, StageError>) -> Result<T, StageError> {
        self.reporter.stage(
            (stage, stage),
            |_| self.film.frames(),
            || {
                let value = work()?;
                if let Some(store) = self.store {
                    store.save(stage, self.keys.get(stage), &value, &[]);
                }
                Ok(value)
            },
        )
    }

    fn stage<T: Serialize + DeserializeOwned>(
        &self,
        stage: &'static str,
        work: impl FnOnce() -> Result<T, StageError>,
    ) -> Result<T, StageError> {
        match self.kept(stage) {
            Some(value) => Ok(value),
            None => self.compute(stage, work),
        }
    }

    /// The stage `evaluate`.
    fn evaluated(&self, components: &Components, demixed: &Demixed) -> Result<Vec<CellMetrics>, StageError> {
        let (film, context, params) = (self.film, self.context, &self.job.parameters);
        self.stage("evaluate", || {
            evaluate::run(film, components, demixed, params, self.job.model.as_ref(), context)
        })
    }

    /// The stages `init` and `demix`. Where the latter's result is kept nobody needs the former's, nor the slow film.
    fn demixed(&self, seeds: &mut Seeds) -> Result<Demixed, StageError> {
        let (film, context, params) = (self.film, self.context, &self.job.parameters);
        let load = || Some(self.store?.load("demix", self.keys.get("demix"))?.0);
        if let Some(demixed) = self.reporter.kept(("init", "demix"), || self.context.shelf.during(load)) {
            return Ok(demixed);
        }
        let mut initial: Initial = self.stage("init", || {
            with_movie(seeds, film, context)?;
            init::run(film, seeds, params, film.diameter_px, context)
        })?;
        self.compute("demix", || {
            with_movie(seeds, film, context)?;
            (initial.movie, initial.survey) = (Arc::clone(&seeds.movie), Arc::clone(&seeds.survey));
            demix::run(film, initial, params, film.diameter_px, context)
        })
    }
}

/// Seeds that were kept come without their film.
fn with_movie(seeds: &mut Seeds, film: &Registered, context: &Context<'_>) -> Result<(), StageError> {
    if seeds.movie.is_empty() {
        seeds.movie = Arc::new(SlowMovie::of(film, context)?);
    }
    Ok(())
}
