//! How a run ends without a result: one code, one sentence, one next step, one exit code. Stages return [`StageError`]; only the job
//! boundary turns it into a [`Failure`].

use calyx_npy::NpyError;
use serde::Serialize;

use crate::types::StageError;

/// What the last line on stdout says when there is no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// `domain.reason`, one of the contract's codes.
    pub code: String,
    /// What happened and where.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// The same job may succeed when tried again.
    pub retryable: bool,
}

impl Failure {
    /// A failure that trying again does not mend.
    pub fn new(code: &str, message: impl Into<String>, hint: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: hint.to_owned(),
            retryable: false,
        }
    }

    /// The job folder is not what it must be.
    pub fn bad_job(message: impl Into<String>) -> Self {
        Self::new(
            "engine.bad_job",
            message,
            "Start the run from the program again; it writes a new job.",
        )
    }

    /// The run was asked to stop.
    pub fn cancelled() -> Self {
        Self {
            retryable: true,
            ..Self::new("engine.cancelled", "The run was cancelled; nothing was kept.", "")
        }
    }

    /// The run holds more than it may.
    pub fn out_of_memory(used: u64, limit: u64) -> Self {
        Self {
            retryable: true,
            ..Self::new(
                "engine.out_of_memory",
                format!("The run needed {} and may use {}.", gigabytes(used), gigabytes(limit)),
                "Raise the memory limit, use fewer cores or process a shorter range of frames.",
            )
        }
    }

    /// A bug: the engine gave up in the middle.
    pub fn from_panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Self::new(
            "engine.internal",
            format!(
                "The engine stopped because of a mistake in it: {}",
                text.unwrap_or_else(|| "unknown".to_owned())
            ),
            "Please report this with the run's log.",
        )
    }

    /// Files could not be written or read; a full disk has its own code.
    pub fn from_io(context: &str, error: &std::io::Error) -> Self {
        if is_full(error) {
            return Self {
                retryable: true,
                ..Self::new(
                    "disk.full",
                    format!("The disk is full ({context}); the unfinished result was removed."),
                    "Free some space or choose another disk, then run again.",
                )
            };
        }
        Self::new(
            "disk.io",
            format!("{context}: {error}"),
            "Check that the disk is connected and can be written to.",
        )
    }

    /// The process's exit code: 2 usage, 3 input, 4 environment, 5 resource, 70 bug, 130 cancelled.
    pub fn exit_code(&self) -> u8 {
        match self.code.as_str() {
            "engine.cancelled" => 130,
            "engine.internal" => 70,
            "engine.bad_job" | "usage.invalid" | "export.exists" => 2,
            "media.ffmpeg_missing" | "engine.missing" => 4,
            "engine.out_of_memory" | "disk.full" | "disk.io" => 5,
            _ => 3,
        }
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded
    )
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        let message = error.to_string();
        match error {
            StageError::Cancelled => Self::cancelled(),
            StageError::Io { context, source } => Self::from_io(&context, &source),
            StageError::Memory { needed, limit, .. } => Self {
                message,
                ..Self::out_of_memory(needed, limit)
            },
            StageError::Input { code, .. } => input(code, message),
            StageError::Media(error) => media(&error),
        }
    }
}

/// What a stage says about its input, in the closed set of codes that the rest of the program knows.
fn input(code: &str, message: String) -> Failure {
    let size = "Give the neuron diameter yourself: measure a typical cell in the film, in pixels.";
    let (code, hint) = match code {
        "engine.unreadable" => (
            "media.unreadable",
            "Check the film with a player; copy it again from the rig if it is damaged.",
        ),
        "engine.no-frames" => ("media.empty", "Check the range of frames and that the films are complete."),
        "engine.size-mismatch" => (
            "media.size_mismatch",
            "Only recordings of one field with the same frame size can be processed together.",
        ),
        "engine.diameter-unknown" => ("engine.no_signal", size),
        "engine.diameter" => ("engine.bad_job", size),
        "engine.crop" => (
            "engine.bad_job",
            "Check cropTop, cropLeft, cropHeight and cropWidth against the frame's size.",
        ),
        "engine.rate-unknown" => ("engine.bad_job", "Give the frame rate."),
        "engine.too-few-frames" => ("engine.no_signal", "Process a longer range of frames."),
        "engine.frame-too-small" => ("engine.no_signal", "Record a larger field."),
        // Everything else is a mistake of the engine, not of the input.
        _ => ("engine.internal", "Please report this with the run's log."),
    };
    Failure::new(code, message, hint)
}

fn media(error: &calyx_media::MediaError) -> Failure {
    Failure::new(error.code(), error.to_string(), error.hint().unwrap_or(""))
}

impl From<NpyError> for Failure {
    fn from(error: NpyError) -> Self {
        match error {
            NpyError::Io { context, source } => Self::from_io(&context, &source),
            NpyError::Format(message) => Self::new("engine.internal", message, ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_has_its_own_code_and_exit_code() {
        for kind in [std::io::ErrorKind::StorageFull, std::io::ErrorKind::FileTooLarge] {
            let failure = Failure::from(StageError::Io {
                context: "writing traces/raw.npy".to_owned(),
                source: kind.into(),
            });
            assert_eq!((failure.code.as_str(), failure.exit_code()), ("disk.full", 5));
            assert!(failure.message.contains("traces/raw.npy"));
        }
        let other = Failure::from_io("here", &std::io::ErrorKind::PermissionDenied.into());
        assert_eq!((other.code.as_str(), other.exit_code()), ("disk.io", 5));
    }

    #[test]
    fn what_stages_say_about_input_has_a_code_of_the_contract_and_a_next_step() {
        for (code, wanted, exit) in [
            ("engine.diameter-unknown", "engine.no_signal", 3),
            ("engine.no-frames", "media.empty", 3),
            ("engine.size-mismatch", "media.size_mismatch", 3),
            ("engine.rate-unknown", "engine.bad_job", 2),
            ("engine.cache-shape", "engine.internal", 70),
        ] {
            let failure = Failure::from(StageError::Input {
                code,
                message: "why".to_owned(),
            });
            assert_eq!((failure.code.as_str(), failure.exit_code()), (wanted, exit));
            assert!(!failure.hint.is_empty() && failure.message == "why");
        }
        let missing = Failure::from(StageError::Media(calyx_media::MediaError::FfmpegMissing {
            path: "0.avi".to_owned(),
            tried: String::new(),
        }));
        assert_eq!((missing.exit_code(), missing.hint.contains("FFMPEG_BIN")), (4, true));
    }

    #[test]
    fn every_kind_of_end_has_the_exit_code_of_the_architecture() {
        assert_eq!(Failure::cancelled().exit_code(), 130);
        assert_eq!(Failure::bad_job("x").exit_code(), 2);
        assert_eq!(Failure::out_of_memory(2, 1).exit_code(), 5);
        assert_eq!(Failure::new("media.ffmpeg_missing", "x", "").exit_code(), 4);
        assert_eq!(Failure::new("media.empty", "x", "").exit_code(), 3);
        assert_eq!(Failure::new("engine.internal", "x", "").exit_code(), 70);
    }
}
