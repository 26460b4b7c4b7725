//! `calyx-engine run <job folder>`.
fn main() {}
