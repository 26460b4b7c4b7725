//! The engine: from a film to neurons and their activity.
//!
//! Stages, in order: `read` and `motion` (one pass), `seeds`, `init`, `demix`, `deconvolve`, `evaluate`. Each is a plain function from
//! typed input to typed output. [`types`] holds what passes between them.
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(test)]
mod back_tests;
pub mod cache;
pub mod checkpoint;
pub mod control;
pub mod deconvolve;
pub mod demix;
pub mod disk;
pub mod edit;
pub mod evaluate;
pub mod events;
pub mod failure;
pub mod identity;
pub mod init;
pub mod job;
pub mod kernels;
pub mod kinetics;
pub mod machine;
pub mod manifest;
pub mod mask;
pub mod moments;
pub mod motion;
pub mod movie;
pub mod need;
pub mod oasis;
pub mod outline;
pub mod output;
pub mod params;
pub mod pipeline;
pub mod plan;
pub mod preview;
pub mod progress;
pub mod read;
pub mod result;
pub mod rise;
pub mod run;
pub mod seeds;
pub mod shelf;
mod simd;
pub mod size;
pub mod types;
