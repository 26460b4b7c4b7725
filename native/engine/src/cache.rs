//! The tile cache: the registered film on the working grid, 8 bit, one file (or memory for small films), read again and again by later stages.

/// Registered film on the working grid. A stored byte `q` at pixel `p` means `mean0[p] + step · (q − 128)` grey levels.
pub struct TileCache {}
