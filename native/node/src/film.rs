//! Films being recorded, and the picture of the simulated scope.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{LazyLock, Mutex, PoisonError};

use calyx_media::{FilmRecorder, MediaError, NotTaken, RecordOptions};
use calyx_scene::{Camera, Config, OwnedRenderer, Scene};
use napi::bindgen_prelude::{Env, Object, Uint8Array};
use napi_derive::napi;

use crate::promise;

/// Things by handle.
struct Handles<T> {
    next: u32,
    open: HashMap<u32, T>,
}

impl<T> Handles<T> {
    const fn new_in(map: HashMap<u32, T>) -> Self {
        Self { next: 1, open: map }
    }

    fn add(&mut self, value: T) -> u32 {
        let handle = self.next;
        self.next = handle.wrapping_add(1).max(1);
        self.open.insert(handle, value);
        handle
    }
}

static RECORDERS: LazyLock<Mutex<Handles<FilmRecorder>>> = LazyLock::new(|| Mutex::new(Handles::new_in(HashMap::new())));
static SCENES: LazyLock<Mutex<Handles<OwnedRenderer>>> = LazyLock::new(|| Mutex::new(Handles::new_in(HashMap::new())));

fn locked<T>(handles: &'static LazyLock<Mutex<Handles<T>>>) -> std::sync::MutexGuard<'static, Handles<T>> {
    handles.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a film is recorded.
#[napi(object)]
pub struct FilmOptions {
    pub folder: String,
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    pub ffv1: bool,
    pub frames_per_file: u32,
}

/// Counts of a film being recorded.
#[napi(object)]
pub struct FilmStats {
    pub taken: i64,
    pub written: i64,
    pub synced: i64,
    pub bytes: i64,
    pub waiting: i64,
    pub high_water: i64,
    /// Why writing failed, if it did.
    pub failure: Option<String>,
}

/// A file that was written.
#[napi(object)]
pub struct WrittenFilm {
    pub name: String,
    pub frames: i64,
    pub bytes: i64,
}

/// Begins a film: `0.avi` in a folder that exists.
#[napi(ts_return_type = "Promise<number>")]
pub fn start_film(env: &Env, options: FilmOptions) -> napi::Result<Object<'_>> {
    promise(env, "calyx-film", move || {
        let settings = RecordOptions {
            size: [options.width, options.height],
            fps: options.fps,
            ffv1: options.ffv1,
            frames_per_file: options.frames_per_file,
        };
        let recorder = FilmRecorder::start(&PathBuf::from(options.folder), settings)?;
        Ok::<_, MediaError>(locked(&RECORDERS).add(recorder))
    })
}

/// Takes a frame without waiting: `taken`, `full` (the frame is lost) or `failed`.
#[napi]
pub fn push_frame(handle: u32, frame: &[u8]) -> &'static str {
    match locked(&RECORDERS).open.get(&handle).map(|recorder| recorder.push(frame.to_vec())) {
        Some(Ok(())) => "taken",
        Some(Err(NotTaken::Full)) => "full",
        _ => "failed",
    }
}

/// Counts so far; none for a film that has ended.
#[napi]
pub fn film_stats(handle: u32) -> Option<FilmStats> {
    let handles = locked(&RECORDERS);
    let recorder = handles.open.get(&handle)?;
    let stats = recorder.stats();
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Some(FilmStats {
        taken: number(stats.taken.load(Ordering::Acquire)),
        written: number(stats.written.load(Ordering::Acquire)),
        synced: number(stats.synced.load(Ordering::Acquire)),
        bytes: number(stats.bytes.load(Ordering::Acquire)),
        waiting: number(stats.waiting()),
        high_water: number(stats.high_water.load(Ordering::Acquire)),
        failure: recorder.failure(),
    })
}

/// Writes what waits and closes the files.
#[napi(ts_return_type = "Promise<WrittenFilm[]>")]
pub fn finish_film(env: &Env, handle: u32) -> napi::Result<Object<'_>> {
    let recorder = locked(&RECORDERS).open.remove(&handle);
    promise(env, "calyx-film", move || {
        let Some(recorder) = recorder else {
            return Ok::<_, MediaError>(Vec::new());
        };
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let files = recorder.finish()?;
        Ok(files
            .into_iter()
            .map(|file| WrittenFilm {
                name: file.name,
                frames: number(file.frames),
                bytes: number(file.bytes),
            })
            .collect())
    })
}

/// A scene to look at.
#[napi(object)]
pub struct SceneInfo {
    pub handle: u32,
    pub width: u32,
    pub height: u32,
}

/// Opens a scene by the name of its preset, of this size, with this seed; rejects an unknown name.
#[napi]
pub fn open_scene(preset: String, seed: u32, width: u32, height: u32) -> napi::Result<SceneInfo> {
    let wrong = |why: String| napi::Error::from_reason(why);
    let config = Config::preset(&preset).ok_or_else(|| wrong(format!("there is no scene “{preset}”")))?;
    let config = Config {
        seed: u64::from(seed),
        width: width as usize,
        height: height as usize,
        ..config
    };
    let scene = Scene::new(&config).map_err(wrong)?;
    let handle = locked(&SCENES).add(OwnedRenderer::new(scene));
    Ok(SceneInfo { handle, width, height })
}

/// Draws frame `t` of a scene as a scope sees it into `out` (`width × height` bytes).
#[napi]
pub fn draw_scene(handle: u32, t: u32, light: f64, gain: f64, blur: f64, mut out: Uint8Array) -> napi::Result<()> {
    let mut scenes = locked(&SCENES);
    let renderer = scenes
        .open
        .get_mut(&handle)
        .ok_or_else(|| napi::Error::from_reason("the scene was closed".to_owned()))?;
    #[expect(clippy::cast_possible_truncation, reason = "settings of a camera are small numbers")]
    let camera = Camera {
        light: light as f32,
        gain: gain as f32,
        blur: blur as f32,
    };
    // SAFETY: the array belongs to this call alone until it returns: it is synchronous, and JavaScript does not run meanwhile.
    let bytes = unsafe { out.as_mut() };
    if bytes.len() != renderer.pixels() {
        return Err(napi::Error::from_reason(format!(
            "{} bytes were given for a frame of {}",
            bytes.len(),
            renderer.pixels()
        )));
    }
    renderer.frame(t as usize, &camera, bytes);
    Ok(())
}

/// Closes a scene.
#[napi]
pub fn close_scene(handle: u32) {
    locked(&SCENES).open.remove(&handle);
}
