//! FFT planners of the engine, in a crate of their own so that an edit of the engine does not compile them again.
