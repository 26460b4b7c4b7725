//! Local edits of a finished run's cells.

use calyx_engine::edit::{Collection, Request, collect, perform};
use calyx_engine::failure::Failure;
use calyx_engine::types::Context;
use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;

fn to_js(failure: &Failure) -> napi::Error {
    let data = serde_json::json!({ "code": failure.code, "message": failure.message, "hint": failure.hint });
    napi::Error::from_reason(data.to_string())
}

fn compute(request: &str) -> Result<String, Failure> {
    let request: Request = serde_json::from_str(request)
        .map_err(|error| Failure::new("review.edit_invalid", format!("The edit is not as expected: {error}"), ""))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let context = Context {
        shelf: calyx_engine::shelf::Shelf::in_memory(),
        threads,
        memory_bytes: u64::MAX,
        cancelled: &|| false,
        progress: &|_, _| {},
        preview: &|_| {},
    };
    Ok(perform(&request, &context)?.to_string())
}

fn gather(request: &str) -> Result<String, Failure> {
    let request: Collection = serde_json::from_str(request)
        .map_err(|error| Failure::new("engine.internal", format!("The collection is not as expected: {error}"), ""))?;
    serde_json::to_string(&collect(&request)?).map_err(|error| Failure::new("engine.internal", error.to_string(), ""))
}

/// Runs `work` on a thread of its own; a panic rejects the promise.
fn promise<'env>(env: &'env Env, request: String, work: fn(&str) -> Result<String, Failure>) -> napi::Result<Object<'env>> {
    let (deferred, object) = env.create_deferred::<String, _>()?;
    std::thread::Builder::new()
        .name("calyx-edit".to_owned())
        .spawn(move || {
            let done = std::panic::catch_unwind(|| work(&request)).unwrap_or_else(|panic| Err(Failure::from_panic(panic.as_ref())));
            match done {
                Ok(text) => deferred.resolve(move |_| Ok(text)),
                Err(failure) => deferred.reject(to_js(&failure)),
            }
        })
        .map_err(|error| napi::Error::from_reason(error.to_string()))?;
    Ok(object)
}

/// Computes an edit and writes its folder; takes and gives JSON (`Request` of the engine, `edit.json`).
#[napi(ts_return_type = "Promise<string>")]
pub fn compute_edit(env: &Env, request: String) -> napi::Result<Object<'_>> {
    promise(env, request, compute)
}

/// Writes the cells that hold after some edits as flat arrays; takes and gives JSON (`Collection` of the engine, the files written).
#[napi(ts_return_type = "Promise<string>")]
pub fn collect_cells(env: &Env, request: String) -> napi::Result<Object<'_>> {
    promise(env, request, gather)
}
