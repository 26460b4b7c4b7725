//! Writes one AVI file so that a crash costs at most what came after the last sync: packets are appended, and each sync first makes them durable and
//! then lets the header count them. Without its index, which comes last, any reader opens the file all the same.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crate::avi::{self, Blanks, Stream};

/// Sizes in the file are 32-bit numbers, and many readers take them for signed ones.
const LARGEST_FILE: u64 = 0x7F00_0000;
/// Flag of an index entry: a key frame.
const KEY_FRAME: u32 = 0x10;

/// How packets of a film are compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Each packet is the frame: 8-bit grey, row by row from the top.
    Grey,
    /// FFV1 with this format block, as its encoder made it.
    Ffv1 {
        /// BITMAPINFOHEADER and what follows it.
        format: Vec<u8>,
    },
}

/// An AVI file being written.
pub struct AviWriter {
    file: File,
    blanks: Blanks,
    head: u64,
    length: u64,
    /// Offset in the list of packets, and length, of each packet.
    index: Vec<[u32; 2]>,
}

impl AviWriter {
    /// Makes the file; one that exists is never touched.
    ///
    /// # Errors
    /// The system's, `AlreadyExists` among them.
    pub fn create(path: &Path, size: [u32; 2], fps: f64, codec: &Codec) -> io::Result<Self> {
        let format = match codec {
            Codec::Grey => grey_format(size),
            Codec::Ffv1 { format } => format.clone(),
        };
        let stream = Stream {
            size,
            handler: if *codec == Codec::Grey { *b"GREY" } else { *b"FFV1" },
            rate: [thousandths(fps), 1000],
            format: &format,
        };
        let (head, blanks) = avi::head(&stream);
        let mut file = File::options().write(true).read(true).create_new(true).open(path)?;
        file.write_all(&head)?;
        let length = head.len() as u64;
        let mut writer = Self {
            file,
            blanks,
            head: length,
            length,
            index: Vec::new(),
        };
        writer.count()?;
        Ok(writer)
    }

    /// Frames written so far.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.index.len()
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.length
    }

    /// True when another packet of `length` bytes and the index would not fit any more.
    #[must_use]
    pub fn is_full_for(&self, length: usize) -> bool {
        self.length + length as u64 + 16 * (self.index.len() as u64 + 2) > LARGEST_FILE
    }

    /// Appends one packet.
    ///
    /// # Errors
    /// The system's; what was appended before stays readable.
    pub fn append(&mut self, packet: &[u8]) -> io::Result<()> {
        let offset = u32::try_from(self.length - self.head + 4).map_err(io::Error::other)?;
        let size = u32::try_from(packet.len()).map_err(io::Error::other)?;
        let mut chunk = Vec::with_capacity(packet.len() + 9);
        chunk.extend_from_slice(&avi::packet_header(packet.len()));
        chunk.extend_from_slice(packet);
        if packet.len() % 2 == 1 {
            chunk.push(0);
        }
        if let Err(error) = self.file.write_all(&chunk) {
            // Half a packet would stand where the next one, or the index, is looked for.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(error);
        }
        self.length += chunk.len() as u64;
        self.index.push([offset, size]);
        Ok(())
    }

    /// Makes what was appended durable, then lets the header count it.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.count()?;
        self.file.sync_data()
    }

    /// Adds the index and closes the file.
    ///
    /// # Errors
    /// The system's; without its index the file is readable all the same.
    pub fn finish(mut self) -> io::Result<()> {
        let movi_end = self.length;
        let mut index = Vec::with_capacity(8 + 16 * self.index.len());
        index.extend_from_slice(b"idx1");
        index.extend_from_slice(&u32::try_from(16 * self.index.len()).map_err(io::Error::other)?.to_le_bytes());
        for [offset, size] in &self.index {
            index.extend_from_slice(b"00dc");
            for value in [KEY_FRAME, *offset, *size] {
                index.extend_from_slice(&value.to_le_bytes());
            }
        }
        let written = self.file.write_all(&index);
        if written.is_err() {
            let _ = self.file.set_len(movi_end);
        } else {
            self.length += index.len() as u64;
        }
        self.sync()?;
        written
    }

    /// Writes counts and sizes into the head.
    fn count(&mut self) -> io::Result<()> {
        let number = |value: u64| u32::try_from(value).map_err(io::Error::other);
        let frames = number(self.index.len() as u64)?;
        let packets: u64 = self.index.iter().map(|[_, size]| u64::from(*size) + u64::from(size & 1) + 8).sum();
        for (at, value) in [
            (self.blanks.riff_size, number(self.length - 8)?),
            (self.blanks.total_frames, frames),
            (self.blanks.stream_length, frames),
            (self.blanks.movi_size, number(packets + 4)?),
        ] {
            self.file.seek(SeekFrom::Start(at as u64))?;
            self.file.write_all(&value.to_le_bytes())?;
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a frame rate is a small positive number"
)]
fn thousandths(fps: f64) -> u32 {
    (fps * 1000.0).round().max(1.0) as u32
}

/// BITMAPINFOHEADER of raw grey frames.
fn grey_format([width, height]: [u32; 2]) -> Vec<u8> {
    let mut format = Vec::with_capacity(40);
    for value in [40, width, height] {
        format.extend_from_slice(&value.to_le_bytes());
    }
    format.extend_from_slice(&1u16.to_le_bytes());
    format.extend_from_slice(&8u16.to_le_bytes());
    format.extend_from_slice(b"GREY");
    for value in [width * height, 0, 0, 0, 0] {
        format.extend_from_slice(&value.to_le_bytes());
    }
    format
}
