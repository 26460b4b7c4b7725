//! Stage `motion`: the displacement of each frame's content against one template of the whole run, and the warp that takes it back.

pub mod contrast;
pub mod filter;
pub mod joint;
pub mod lattice;
pub mod peak;
pub mod piecewise;
pub mod registrar;
pub mod report;
pub mod template;
pub mod warp;
pub mod windows;

pub use peak::Shift;
pub use registrar::{Registrar, Workspace};
