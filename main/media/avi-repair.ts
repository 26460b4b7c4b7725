// SPDX-License-Identifier: MIT
import { open, type FileHandle } from 'node:fs/promises';
import { AppError } from '../contract/index.ts';
import { ffv1PacketIsWhole } from './ffv1-crc.ts';

/** One packet of an AVI file. */
interface Packet {
  /** Offset of the packet's data in the file, bytes. */
  readonly at: number;
  readonly size: number;
}

/** What an AVI file of one film holds, found by walking over its chunks; headers and index are compared, not believed. */
export interface AviState {
  /** Whole packets, in their order; every one is a frame. */
  readonly frames: number;
  /** Frames the header counts: what was known to be on the disk when it was last written. */
  readonly counted: number;
  /** An index with an entry for each frame follows the packets, and sizes are those of the file. */
  readonly isClosed: boolean;
  /** Bytes after the last whole packet that belong to no index. */
  readonly tail: number;
  /** Frames whose content is damaged (FFV1: a slice's checksum; raw: pages that never reached the disk), 0-based; only from {@link AviChecks}. */
  readonly damaged: readonly number[];
}

/** Which frames are looked into; `checksums`: only those that carry one, as raw frames do not. */
export type AviChecks = 'none' | 'uncounted' | 'checksums' | 'all';

/** What a repair did. */
export interface AviRepair {
  readonly frames: number;
  /** Whole frames that were given up: beyond the asked number, or damaged at the end. */
  readonly framesCut: number;
  /** Bytes of a cut last packet that were removed. */
  readonly bytesCut: number;
  /** False when the file was sound as it was. */
  readonly changed: boolean;
}

/** Places in the head whose values are the writer's last step. */
interface Head {
  readonly totalFrames: number;
  readonly streamLength: number;
  readonly moviSize: number;
  /** Offset of the first chunk in the list of packets. */
  readonly first: number;
  readonly moviSizeValue: number;
  readonly counted: number;
  readonly codec: string;
  readonly pixels: number;
}

const headBytes = 1 << 16;
const keyFrame = 0x10;
const page = 4096;
/** In a film that was never closed; a closed one is not doubted for a few dark pixels. */
const shortestHole = 32;
/** Read at once while walking: many small packets, or the head of a large one. */
const blockBytes = 1 << 15;

/** @throws AppError `media.unreadable` for a file whose head is not that of a film */
async function readHead(handle: FileHandle, name: string): Promise<Head> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  const head = buffer.subarray(0, bytesRead);
  const tag = (at: number): string => head.toString('latin1', at, at + 4);
  const wrong = (why: string): AppError => new AppError('media.unreadable', `${name} is no film: ${why}.`);
  if (head.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'AVI ') throw wrong('its head is missing');
  let [totalFrames, streamLength, moviSize, codec, pixels] = [0, 0, 0, '', 0];
  for (let at = 12; at + 12 <= head.length && moviSize === 0;) {
    const size = head.readUInt32LE(at + 4);
    const kind = tag(at);
    if (kind === 'LIST' && tag(at + 8) === 'movi') moviSize = at + 4;
    else if (kind === 'LIST' && (tag(at + 8) === 'hdrl' || tag(at + 8) === 'strl')) at += 12;
    else {
      if (kind === 'avih') totalFrames = at + 8 + 16;
      if (kind === 'strh' && tag(at + 8) === 'vids' && streamLength === 0) streamLength = at + 8 + 32;
      if (kind === 'strf' && codec === '' && at + 28 <= head.length) {
        codec = tag(at + 24);
        pixels = head.readUInt32LE(at + 12) * Math.abs(head.readInt32LE(at + 16));
      }
      at += 8 + size + (size % 2);
    }
  }
  if (totalFrames === 0 || streamLength === 0 || moviSize === 0) throw wrong('its head is incomplete');
  return {
    totalFrames,
    streamLength,
    moviSize,
    first: moviSize + 8,
    moviSizeValue: head.readUInt32LE(moviSize),
    counted: head.readUInt32LE(totalFrames),
    codec,
    pixels,
  };
}

interface Walked {
  readonly head: Head;
  readonly packets: readonly Packet[];
  /** Offset after the last whole packet. */
  readonly end: number;
  readonly length: number;
  readonly isClosed: boolean;
}

/** Walks over the packets by their headers. */
async function walk(handle: FileHandle, name: string): Promise<Walked> {
  const head = await readHead(handle, name);
  const { size: length } = await handle.stat();
  const packets: Packet[] = [];
  let block: Buffer = Buffer.alloc(0);
  let blockAt = 0;
  let at = head.first;
  let isClosed = false;
  while (at + 8 <= length) {
    if (at < blockAt || at + 8 > blockAt + block.length) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(blockBytes), 0, blockBytes, at);
      block = buffer.subarray(0, bytesRead);
      blockAt = at;
      if (bytesRead < 8) break;
    }
    const kind = block.toString('latin1', at - blockAt, at - blockAt + 4);
    const size = block.readUInt32LE(at - blockAt + 4);
    const next = at + 8 + size + (size % 2);
    if (kind === 'idx1') {
      isClosed = size === 16 * packets.length && next <= length && head.moviSizeValue === at - head.moviSize - 4;
      break;
    }
    const isPacket = /^\d\dd[bc]$/.test(kind);
    if ((!isPacket && kind !== 'JUNK' && !/^ix\d\d$/.test(kind)) || size === 0 || next > length) break;
    if (isPacket) packets.push({ at: at + 8, size });
    at = next;
  }
  return { head, packets, end: at, length, isClosed: isClosed && head.counted === packets.length };
}

/** Frames whose content is damaged, among those from `from` on. */
async function damagedFrames(handle: FileHandle, { head, packets, isClosed }: Walked, from: number): Promise<number[]> {
  const damaged: number[] = [];
  for (let n = from; n < packets.length; n += 1) {
    const packet = packets[n];
    if (packet === undefined) break;
    const bytes = Buffer.alloc(packet.size);
    await handle.read(bytes, 0, packet.size, packet.at);
    const isWhole =
      head.codec === 'FFV1'
        ? ffv1PacketIsWhole(bytes)
        : head.codec !== 'GREY' ||
          (bytes.length === head.pixels &&
            !hasEmptyPage(bytes, packet.at, isClosed ? page : shortestHole) &&
            // Behind the last frame there is nothing that could show that its end has come; given up for a dark corner, it is one frame.
            (isClosed || n < packets.length - 1 || bytes.at(-1) !== 0));
    if (!isWhole) damaged.push(n);
  }
  return damaged;
}

/**
 * Zeros up to the end of a page in a raw frame: the file grew before its content reached the disk, where the page is missing or stands as it was when it was
 * partly filled. A sensor's dark level is above 0.
 *
 * @param shortest zeros in a row that are no picture
 */
function hasEmptyPage(bytes: Buffer, at: number, shortest: number): boolean {
  for (let end = page - (at % page); end <= bytes.length; end += page) {
    if (end >= shortest && bytes.subarray(end - shortest, end).every((byte) => byte === 0)) return true;
  }
  return false;
}

/**
 * Looks into an AVI file of one film.
 *
 * @throws AppError `media.unreadable`, `media.io`
 */
export async function inspectAvi(file: string, checks: AviChecks = 'none'): Promise<AviState> {
  return await opened(file, 'r', async (handle) => {
    const walked = await walk(handle, file);
    const isBelieved = checks === 'none' || (checks === 'checksums' && walked.head.codec !== 'FFV1');
    const from = checks === 'uncounted' ? walked.head.counted : 0;
    return {
      frames: walked.packets.length,
      counted: walked.head.counted,
      isClosed: walked.isClosed,
      tail: walked.isClosed ? 0 : walked.length - walked.end,
      damaged: isBelieved ? [] : await damagedFrames(handle, walked, from),
    };
  });
}

/**
 * Closes a film that its writer could not close: what is behind the last whole frame goes, the index is made, counts and sizes are those of the file. Frames
 * that the header did not count yet are looked into, since a power cut can leave them torn; from the first torn one on they are given up. A file that is sound
 * is not touched.
 *
 * @param mostFrames frames that may stay; more are cut off
 * @throws AppError `media.unreadable` for a file that holds no film, `media.io`
 */
export async function repairAvi(file: string, mostFrames = Number.POSITIVE_INFINITY): Promise<AviRepair> {
  return await opened(file, 'r+', async (handle) => {
    const walked = await walk(handle, file);
    const { head, packets } = walked;
    const [torn] = walked.isClosed ? [] : await damagedFrames(handle, walked, head.counted);
    const frames = Math.min(mostFrames, torn ?? packets.length, packets.length);
    if (walked.isClosed && frames === packets.length) {
      return { frames, framesCut: 0, bytesCut: 0, changed: false };
    }
    const kept = packets.slice(0, frames);
    const last = kept.at(-1);
    const end = last === undefined ? head.first : last.at + last.size + (last.size % 2);
    const index = Buffer.alloc(8 + 16 * frames);
    index.write('idx1', 0, 'latin1');
    index.writeUInt32LE(16 * frames, 4);
    for (const [n, { at, size }] of kept.entries()) {
      index.write('00dc', 8 + 16 * n, 'latin1');
      index.writeUInt32LE(keyFrame, 12 + 16 * n);
      index.writeUInt32LE(at - 8 - (head.moviSize + 4), 16 + 16 * n);
      index.writeUInt32LE(size, 20 + 16 * n);
    }
    await handle.truncate(end);
    await handle.write(index, 0, index.length, end);
    await handle.datasync();
    for (const [at, value] of [
      [4, end + index.length - 8],
      [head.totalFrames, frames],
      [head.streamLength, frames],
      [head.moviSize, end - head.moviSize - 4],
    ] as const) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      await handle.write(bytes, 0, 4, at);
    }
    await handle.datasync();
    const tail = walked.isClosed ? 0 : walked.length - walked.end;
    return { frames, framesCut: packets.length - frames, bytesCut: tail, changed: true };
  });
}

async function opened<T>(file: string, flags: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(file, flags);
  } catch (error) {
    throw new AppError('media.io', `${file} cannot be opened.`, { cause: error });
  }
  try {
    return await use(handle);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('media.io', `${file} could not be read or repaired.`, { cause: error });
  } finally {
    await handle.close();
  }
}
