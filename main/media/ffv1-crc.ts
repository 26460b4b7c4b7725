// SPDX-License-Identifier: MIT

/** Polynomial of the checksum: 0x04C11DB7, most significant bit first, begun with 0 (RFC 9043, 4.9.3). */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 0x8000_0000) === 0 ? value << 1 : (value << 1) ^ 0x04c1_1db7;
  return value >>> 0;
});

/** Slice size (3 bytes), error status (1), checksum (4): what each slice of FFV1 version 3 ends with. */
const footer = 8;

function checksum(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) ^ (table[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  return crc;
}

/** True when every slice of an FFV1 packet (version 3 with checksums, as Calyx records) has the checksum it says. */
export function ffv1PacketIsWhole(packet: Uint8Array): boolean {
  let end = packet.length;
  while (end > 0) {
    if (end < footer) return false;
    const at = end - footer;
    const size = ((packet[at] ?? 0) << 16) | ((packet[at + 1] ?? 0) << 8) | (packet[at + 2] ?? 0);
    const begin = end - footer - size;
    if (begin < 0 || checksum(packet.subarray(begin, end)) !== 0) return false;
    end = begin;
  }
  return packet.length > 0;
}
