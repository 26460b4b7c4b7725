//! Node-API binding of the native crates.
