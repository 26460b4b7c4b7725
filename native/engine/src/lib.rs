//! The engine: from a film to neurons and their activity.
//!
//! Stages, in order: `read` and `motion` (one pass), `seeds`, `init`, `demix`, `deconvolve`, `evaluate`. Each is a plain function from
//! typed input to typed output. [`types`] holds what passes between them.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod cache;
pub mod motion;
pub mod params;
mod simd;
pub mod size;
pub mod types;
