//! Why a film could not be read.

/// Why a film could not be read or written. Every case names the file.
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
    /// The file is not a film that can be read, or is broken before its first frame.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The film has no frame.
    #[error("{path}: the film has no frames")]
    Empty {
        /// The file.
        path: String,
    },
    /// Films of one recording differ in size.
    #[error(
        "{path} is {width} × {height} px, but {first_path} is {first_width} × {first_height} px: films of one recording must have one size"
    )]
    SizeMismatch {
        /// The film that differs.
        path: String,
        /// Its width, px.
        width: usize,
        /// Its height, px.
        height: usize,
        /// The recording's first film.
        first_path: String,
        /// Width of the first film, px.
        first_width: usize,
        /// Height of the first film, px.
        first_height: usize,
    },
    /// The film is compressed and there is no ffmpeg to decode it.
    #[error("{path} needs ffmpeg to be decoded, and none was found{tried}")]
    FfmpegMissing {
        /// The film.
        path: String,
        /// The place that was tried, if one was named.
        tried: String,
    },
    /// The memory given for a frame has another size than the frame.
    #[error("{bytes} bytes were given for a frame of {frame_bytes}")]
    BadBuffer {
        /// Bytes given.
        bytes: usize,
        /// Bytes of a frame.
        frame_bytes: usize,
    },
    /// A frame number outside the recording.
    #[error("frame {frame} was asked for, the recording has {frames}")]
    OutOfRange {
        /// The frame asked for.
        frame: u64,
        /// Frames there are.
        frames: u64,
    },
}

impl MediaError {
    /// The error's code, `domain.reason`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "media.io",
            Self::Unreadable { .. } | Self::OutOfRange { .. } | Self::BadBuffer { .. } => "media.unreadable",
            Self::Empty { .. } => "media.empty",
            Self::SizeMismatch { .. } => "media.size_mismatch",
            Self::FfmpegMissing { .. } => "media.ffmpeg_missing",
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::FfmpegMissing { .. } => {
                Some("Install ffmpeg (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg) or set FFMPEG_BIN.")
            }
            Self::SizeMismatch { .. } => Some("Keep the films of one recording in a folder of their own."),
            Self::Empty { .. } => Some("The recording probably ended before its first frame; remove the file or record again."),
            _ => None,
        }
    }
}
