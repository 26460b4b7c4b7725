//! Films in and out: AVI, raw frames, ffmpeg pipes.

/// Why a film could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
}
