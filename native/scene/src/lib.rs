//! Known-truth pictures: the one scene generator. It makes the sample session, the films of the science tests and the picture of the
//! simulated scope, always the same ones from the same seed. [`score`] compares a result with such a truth.
//!
//! ```
//! use calyx_scene::{Config, Scene};
//! let mut config = Config::preset("tiny").unwrap();
//! config.frames = 3;
//! let scene = Scene::new(&config).unwrap();
//! let mut frame = vec![0; config.height * config.width];
//! scene.renderer().frame(2, &mut frame);
//! ```
#![deny(unsafe_op_in_unsafe_fn)]

pub mod assign;
pub mod bouts;
pub mod camera;
pub mod config;
pub mod courses;
pub mod field;
pub mod random;
pub mod scene;
pub mod score;
pub mod session;
pub mod truth;

pub use camera::Camera;
pub use config::Config;
pub use scene::{OwnedRenderer, Renderer, Scene};
