//! Packets of an AVI, found without the reader that is tested.

/// Offset and length of each `00dc` packet's data, by walking.
pub fn packets_of(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut at = bytes.windows(4).position(|part| part == b"movi").expect("a movi list") + 4;
    let mut packets = Vec::new();
    while bytes.get(at..at + 4) == Some(b"00dc") {
        let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("4 bytes")) as usize;
        packets.push((at + 8, size));
        at += 8 + size.next_multiple_of(2);
    }
    packets
}
