//! What can go wrong with a board.

/// Why a board does not do what it should. Sentences are for the person at the rig.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsbError {
    /// Nothing hangs on that port.
    #[error("No Miniscope DAQ board is on USB port {port}.")]
    NotFound {
        /// The port asked for.
        port: String,
    },
    /// The machine has no USB at all.
    #[error("This computer shows no USB ports to Calyx ({reason}).")]
    NoBus {
        /// What the system said.
        reason: String,
    },
    /// The system keeps the board from this person.
    #[error("You may not use the board on USB port {port}: the system gives it to administrators only.")]
    NoPermission {
        /// Its port.
        port: String,
    },
    /// Somebody else has it.
    #[error("The board on USB port {port} is in use by another program.")]
    InUse {
        /// Its port.
        port: String,
    },
    /// It is there, but not as a scope can be used.
    #[error("{message}")]
    Unusable {
        /// Why.
        message: String,
    },
    /// A frame size the board does not offer.
    #[error("The board has no frames of {width} × {height}.")]
    BadSize {
        /// Width asked for, px.
        width: u32,
        /// Height asked for, px.
        height: u32,
    },
    /// It refused a request.
    #[error("The Miniscope DAQ board refused a request.")]
    Refused,
    /// It did not answer in time, or not as agreed.
    #[error("The Miniscope DAQ board did not answer.")]
    NoAnswer,
    /// It is gone.
    #[error("The Miniscope DAQ board was unplugged.")]
    Gone,
    /// The system said something else.
    #[error("The Miniscope DAQ board cannot be used: {reason}.")]
    System {
        /// What it said.
        reason: String,
    },
}

impl UsbError {
    /// The error's code, `domain.reason`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } | Self::NoBus { .. } | Self::Unusable { .. } => "device.not_found",
            Self::NoPermission { .. } => "device.no_permission",
            Self::InUse { .. } => "device.in_use",
            Self::BadSize { .. } => "device.bad_setting",
            Self::Refused | Self::NoAnswer | Self::Gone | Self::System { .. } => "device.no_answer",
        }
    }

    /// What mends it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPermission { .. } => Some("`calyx devices` says which udev rule gives it to you."),
            Self::InUse { .. } => Some("Close the other program (Miniscope-DAQ, Bonsai, a camera viewer), then try again."),
            Self::NotFound { .. } => Some("Plug the board in; `calyx devices` lists what is there."),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_is_wrong_and_where_and_what_mends_it_where_that_is_known() {
        let port = || "2-1".to_owned();
        let told: Vec<_> = [
            UsbError::NotFound { port: port() },
            UsbError::NoPermission { port: port() },
            UsbError::InUse { port: port() },
            UsbError::Gone,
            UsbError::NoAnswer,
        ]
        .map(|error| (error.code(), error.to_string(), error.hint().unwrap_or_default()))
        .to_vec();
        let expected = [
            (
                "device.not_found",
                "No Miniscope DAQ board is on USB port 2-1.",
                "Plug the board in; `calyx devices` lists what is there.",
            ),
            (
                "device.no_permission",
                "You may not use the board on USB port 2-1: the system gives it to administrators only.",
                "`calyx devices` says which udev rule gives it to you.",
            ),
            (
                "device.in_use",
                "The board on USB port 2-1 is in use by another program.",
                "Close the other program (Miniscope-DAQ, Bonsai, a camera viewer), then try again.",
            ),
            ("device.no_answer", "The Miniscope DAQ board was unplugged.", ""),
            ("device.no_answer", "The Miniscope DAQ board did not answer.", ""),
        ];
        assert_eq!(told, expected.map(|(code, text, hint)| (code, text.to_owned(), hint)));
    }
}
