//! Data elements inside a matrix: a tag (type, length), the bytes, padding to eight.

use std::io::Read;

use crate::{MatError, Variable};

/// Type of an element that holds a variable.
pub const MATRIX: u32 = 14;
/// Type of an element that holds another one, packed by zlib.
pub const COMPRESSED: u32 = 15;

/// Classes of full numeric arrays: double, single, and the integers from int8 to uint64.
const NUMERIC: std::ops::RangeInclusive<u32> = 6..=15;
/// Class of text, which has a shape but is no number.
const LARGEST_AXES: usize = 32;
/// MATLAB's names have at most 63 letters.
const LONGEST_NAME: usize = 4096;
/// Values converted at a time; a multiple of every element size.
const CHUNK: usize = 1 << 15;

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    /// The number in `bytes`, which has as many as the type needs.
    fn number(self, kind: u32, bytes: &[u8]) -> f64 {
        let mut raw = [0u8; 8];
        let n = bytes.len();
        raw[..n].copy_from_slice(bytes);
        if self == Self::Big {
            raw[..n].reverse();
        }
        let word = u64::from_le_bytes(raw);
        match kind {
            1 => f64::from(word as u8 as i8),
            2 | 4 | 6 => word as f64,
            3 => f64::from(word as u16 as i16),
            5 => f64::from(word as u32 as i32),
            7 => f64::from(f32::from_bits(word as u32)),
            12 => word as i64 as f64,
            13 => word as f64,
            _ => f64::from_bits(word),
        }
    }
}

/// Bytes of one number of a storage type; `None` for types that hold no numbers.
fn size_of_type(kind: u32) -> Option<usize> {
    match kind {
        1 | 2 => Some(1),
        3 | 4 => Some(2),
        5..=7 => Some(4),
        9 | 12 | 13 => Some(8),
        _ => None,
    }
}

/// Length, type and, for the short form, the bytes of an element.
struct Tag {
    kind: u32,
    length: usize,
    short: Option<[u8; 4]>,
}

/// The inside of a matrix element.
pub struct Source<R> {
    reader: R,
    order: ByteOrder,
}

impl<R: Read> Source<R> {
    pub fn new(reader: R, order: ByteOrder) -> Self {
        Self { reader, order }
    }

    /// What stands before the values: flags, axes, name.
    pub fn variable(&mut self) -> Result<Variable, MatError> {
        let flags = self.small(16)?;
        let word = flags
            .get(..4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| self.order.u32(bytes))
            .ok_or_else(|| MatError::damaged("a variable has no flags"))?;
        let axes = self.small(4 * LARGEST_AXES)?;
        let shape: Vec<usize> = axes
            .chunks_exact(4)
            .map(|bytes| self.order.u32([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .map(|axis| usize::try_from(axis as i32).map_err(|_| MatError::damaged("an axis has a negative length")))
            .collect::<Result<_, _>>()?;
        if shape.len() < 2 {
            return Err(MatError::damaged("a variable has less than two axes"));
        }
        let name = String::from_utf8_lossy(&self.small(LONGEST_NAME)?).into_owned();
        Ok(Variable {
            name,
            numeric: NUMERIC.contains(&(word & 0xff)),
            shape,
        })
    }

    /// Hands out exactly `count` numbers.
    pub fn numbers(&mut self, count: usize, value: &mut dyn FnMut(usize, f64)) -> Result<(), MatError> {
        let tag = self.tag()?;
        let size = size_of_type(tag.kind).ok_or_else(|| MatError::damaged("values of an unknown type"))?;
        if count.checked_mul(size) != Some(tag.length) {
            return Err(MatError::damaged("the number of values does not fit the size of the array"));
        }
        if let Some(bytes) = tag.short {
            for (i, raw) in bytes[..tag.length].chunks_exact(size).enumerate() {
                value(i, self.order.number(tag.kind, raw));
            }
            return Ok(());
        }
        let mut buffer = vec![0; CHUNK.min(tag.length)];
        let mut done = 0;
        while done < count {
            let n = (CHUNK / size).min(count - done);
            let bytes = &mut buffer[..n * size];
            self.reader.read_exact(bytes)?;
            for (i, raw) in bytes.chunks_exact(size).enumerate() {
                // Most of a footprint array is zero; all types write that as zero bytes.
                if raw.iter().any(|byte| *byte != 0) {
                    value(done + i, self.order.number(tag.kind, raw));
                } else {
                    value(done + i, 0.0);
                }
            }
            done += n;
        }
        Ok(())
    }

    fn tag(&mut self) -> Result<Tag, MatError> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes)?;
        let [a, b, c, d, e, f, g, h] = bytes;
        let first = self.order.u32([a, b, c, d]);
        // The short form keeps the length in the upper half of the first word and the bytes in the second.
        if first >> 16 != 0 {
            let length = (first >> 16) as usize;
            if length > 4 {
                return Err(MatError::damaged("a short element is too long"));
            }
            return Ok(Tag {
                kind: first & 0xffff,
                length,
                short: Some([e, f, g, h]),
            });
        }
        Ok(Tag {
            kind: first,
            length: self.order.u32([e, f, g, h]) as usize,
            short: None,
        })
    }

    /// A whole element of at most `most` bytes, with its padding.
    fn small(&mut self, most: usize) -> Result<Vec<u8>, MatError> {
        let tag = self.tag()?;
        if let Some(bytes) = tag.short {
            return Ok(bytes[..tag.length].to_vec());
        }
        if tag.length > most {
            return Err(MatError::damaged("a part is larger than it can be"));
        }
        let mut bytes = vec![0; tag.length.next_multiple_of(8)];
        self.reader.read_exact(&mut bytes)?;
        bytes.truncate(tag.length);
        Ok(bytes)
    }
}
