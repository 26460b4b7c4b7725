//! Arrays in and out: NumPy's NPY files and the NPZ archive in which SciPy keeps a sparse matrix.
//!
//! What is written is always little-endian and in C order, version 1.0; what is read may be in Fortran order too (NumPy writes it for
//! transposed arrays) and is turned into C order. Nothing here knows what an array means.

mod element;
mod header;
mod npy;
mod sparse;

pub use element::{Dtype, Element};
pub use header::Header;
pub use npy::{Array, RowWriter, read, read_converted, read_from, read_header, read_rows, write, write_to};
pub use sparse::{Archive, Csr, read_member};

/// Why an array could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// The system said no.
    #[error("{context}: {source}")]
    Io {
        /// The file, or what was being done.
        context: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The bytes are not an array this crate reads, or the caller's shape does not fit its data.
    #[error("{0}")]
    Format(String),
}

impl NpyError {
    fn io(context: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let context = context.into();
        move |source| Self::Io { context, source }
    }
}
