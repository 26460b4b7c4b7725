//! Numbers of the USB video class as the board uses them.

use std::time::Duration;

/// Cypress.
pub const VENDOR: u16 = 0x04b4;
/// The video endpoint.
pub const VIDEO_ENDPOINT: u8 = 0x83;
/// The endpoint asks for whole buffers of the board; it ends each with a short packet.
pub const TRANSFER_BYTES: usize = 16 * 1024;
/// Data bytes of a full payload: a buffer of the board less its own 16.
pub const PAYLOAD_DATA: usize = 16_368;
/// Bytes before the data of each payload.
pub const PAYLOAD_HEADER: usize = 12;
/// Transfers that wait at the controller: 31 ms of a V4's read-out, 1 MiB of the 16 the kernel allows.
pub const QUEUE_DEPTH: usize = 64;
/// Interface of the controls.
pub const CONTROL_INTERFACE: u8 = 0;
/// Interface of the video stream.
pub const VIDEO_INTERFACE: u8 = 1;
/// Number of the processing unit.
pub const PROCESSING_UNIT: u8 = 2;
/// The board answers a control transfer within a millisecond, or not at all; a busy computer may need longer.
pub const CONTROL_TIMEOUT: Duration = Duration::from_secs(1);

/// SET_CUR.
pub const SET_CUR: u8 = 0x01;
/// GET_CUR.
pub const GET_CUR: u8 = 0x81;
/// Selector of PROBE on the streaming interface.
pub const PROBE: u8 = 1;
/// Selector of COMMIT, which starts the stream.
pub const COMMIT: u8 = 2;
/// Bytes of the structure both carry (UVC 1.1).
pub const NEGOTIATION_BYTES: usize = 34;

/// What the two bytes that begin each payload say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes before the data.
    pub length: usize,
    /// Changes with each frame.
    pub fid: bool,
    /// The frame ends with this payload.
    pub eof: bool,
    /// The device says that the frame is broken.
    pub error: bool,
}

/// Reads a payload's header; none when it is none.
#[must_use]
pub fn header(payload: &[u8]) -> Option<Header> {
    let [length, flags, ..] = payload else { return None };
    let length = usize::from(*length);
    (2..=payload.len()).contains(&length).then_some(Header {
        length,
        fid: flags & 0x01 != 0,
        eof: flags & 0x02 != 0,
        error: flags & 0x40 != 0,
    })
}

/// What is proposed and agreed: format 1, a frame index, the interval the board names for every size.
#[must_use]
pub fn negotiation(frame_index: u8) -> [u8; NEGOTIATION_BYTES] {
    const INTERVAL: u32 = 333_333;
    let mut bytes = [0; NEGOTIATION_BYTES];
    bytes[2] = 1;
    bytes[3] = frame_index;
    bytes[4..8].copy_from_slice(&INTERVAL.to_le_bytes());
    bytes
}

/// The index of a frame size among the descriptors of the streaming interface (one after the other, each with its length first).
#[must_use]
pub fn frame_index(descriptors: &[u8], width: u32, height: u32) -> Option<u8> {
    const CLASS_SPECIFIC_INTERFACE: u8 = 0x24;
    const FRAME_UNCOMPRESSED: u8 = 0x05;
    let mut rest = descriptors;
    while let [length, ..] = rest {
        let length = usize::from(*length);
        if length < 2 || length > rest.len() {
            return None;
        }
        if let [_, CLASS_SPECIFIC_INTERFACE, FRAME_UNCOMPRESSED, index, _, w0, w1, h0, h1, ..] = &rest[..length]
            && u32::from(u16::from_le_bytes([*w0, *w1])) == width
            && u32::from(u16::from_le_bytes([*h0, *h1])) == height
        {
            return Some(*index);
        }
        rest = &rest[length..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_where_the_data_begin_and_whether_the_frame_ends() {
        let payload = [12, 0x8c | 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x80];
        assert_eq!(
            header(&payload),
            Some(Header {
                length: 12,
                fid: true,
                eof: true,
                error: false
            })
        );
        for bad in [&[][..], &[12][..], &[12, 0x8c][..], &[1, 0x8c][..], &[0, 0][..], &[255, 255, 1][..]] {
            assert_eq!(header(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_frame_size_is_found_among_the_descriptors() {
        let frame = |index: u8, width: u16, height: u16| {
            let mut bytes = vec![30, 0x24, 5, index, 1];
            bytes.extend(width.to_le_bytes());
            bytes.extend(height.to_le_bytes());
            bytes.resize(30, 0);
            bytes
        };
        let mut all = vec![9, 4, 1, 0, 1, 0x0e, 2, 0, 0];
        all.extend(frame(1, 608, 608));
        all.extend(frame(4, 752, 480));
        assert_eq!(frame_index(&all, 752, 480), Some(4));
        assert_eq!(frame_index(&all, 640, 480), None);
        all.truncate(all.len() - 3);
        assert_eq!(frame_index(&all, 752, 480), None, "a descriptor that is cut off");
        assert_eq!(frame_index(&[0, 0], 1, 1), None);
    }
}
