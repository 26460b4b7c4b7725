//! Local edits after a run (reference, analysis 8.1 S7): merge, split, trim, draw, seed, delete, restore. An edit reads the run folder, solves
//! the touched cells and their neighbours again, and leaves a folder of its own; neither the run nor an earlier edit is ever changed, so
//! taking an edit back is forgetting its folder.

pub mod apply;
pub mod background;
pub mod collect;
pub mod field;
pub mod patch;
pub mod perform;
pub mod pixels;
pub mod request;
pub mod shapes;
pub mod solve;
pub mod statistics;
#[cfg(test)]
mod tests;
pub mod view;
pub mod write;

pub use apply::{Outcome, State, apply};
pub use collect::{Collection, collect};
pub use field::Field;
pub use perform::{Request, perform};
pub use request::Edit;
pub use statistics::Statistics;
pub use view::View;
