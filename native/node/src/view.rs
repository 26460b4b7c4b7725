//! A run's model, to look at frame by frame.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use calyx_engine::edit::View;
use calyx_engine::failure::Failure;
use napi::bindgen_prelude::{Env, Object, Uint8Array};
use napi_derive::napi;

/// Opened models by handle, and the next handle.
struct Views {
    next: u32,
    open: HashMap<u32, Arc<Mutex<View>>>,
}

static VIEWS: LazyLock<Mutex<Views>> = LazyLock::new(|| {
    Mutex::new(Views {
        next: 1,
        open: HashMap::new(),
    })
});

fn to_js(failure: &Failure) -> napi::Error {
    let data = serde_json::json!({ "code": failure.code, "message": failure.message, "hint": failure.hint });
    napi::Error::from_reason(data.to_string())
}

fn open(folder: &str, layers: Vec<String>) -> Result<u32, Failure> {
    let layers: Vec<PathBuf> = layers.into_iter().map(PathBuf::from).collect();
    let view = View::open(&PathBuf::from(folder), &layers)?;
    let mut views = VIEWS.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = views.next;
    views.next = handle.wrapping_add(1).max(1);
    views.open.insert(handle, Arc::new(Mutex::new(view)));
    Ok(handle)
}

fn render(handle: u32, frame: &[u8], t: usize) -> Result<Vec<u8>, Failure> {
    let view = VIEWS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .open
        .get(&handle)
        .cloned()
        .ok_or_else(|| Failure::new("engine.internal", "The model was closed.", ""))?;
    let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
    view.render(frame, t)
}

/// Runs `work` on a thread of its own; a panic rejects the promise.
fn promise<'env, T, F>(env: &'env Env, work: F) -> napi::Result<Object<'env>>
where
    T: napi::bindgen_prelude::ToNapiValue + Send + 'static,
    F: FnOnce() -> Result<T, Failure> + Send + 'static,
{
    let (deferred, object) = env.create_deferred::<T, _>()?;
    std::thread::Builder::new()
        .name("calyx-view".to_owned())
        .spawn(move || {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
                .unwrap_or_else(|panic| Err(Failure::from_panic(panic.as_ref())));
            match done {
                Ok(value) => deferred.resolve(move |_| Ok(value)),
                Err(failure) => deferred.reject(to_js(&failure)),
            }
        })
        .map_err(|error| napi::Error::from_reason(error.to_string()))?;
    Ok(object)
}

/// Opens the model of a run after some edits (their folders, oldest first).
#[napi(ts_return_type = "Promise<number>")]
pub fn open_view(env: &Env, folder: String, layers: Vec<String>) -> napi::Result<Object<'_>> {
    promise(env, move || open(&folder, layers))
}

/// The registered frame `frame` of the run taken apart: cells, background, residual, each of the frame's size.
#[napi(ts_return_type = "Promise<Uint8Array>")]
pub fn render_view<'env>(env: &'env Env, handle: u32, frame: i64, bytes: &[u8]) -> napi::Result<Object<'env>> {
    let bytes = bytes.to_vec();
    promise(env, move || {
        render(handle, &bytes, usize::try_from(frame).unwrap_or(usize::MAX)).map(Uint8Array::new)
    })
}

/// Closes a model.
#[napi]
pub fn close_view(handle: u32) {
    VIEWS.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&handle);
}
