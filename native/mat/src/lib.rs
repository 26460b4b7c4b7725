//! MATLAB's MAT 5 files (`save -v6`, `-v7`), as far as numeric arrays go: names and sizes of the variables, and the values of one of them as
//! a stream. Footprint arrays have hundreds of megabytes of zeros once unpacked, so values are handed out one after another and nothing is
//! kept. Format: MathWorks, "MAT-File Format", sections 1-1 to 1-24.

mod element;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::ZlibDecoder;

use element::{ByteOrder, Source};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MatError {
    /// The system said no.
    #[error("{0}")]
    Io(std::io::Error),
    /// Another kind of file, or a damaged one. The sentence goes on after the file's name.
    #[error("{0}")]
    Format(String),
}

impl MatError {
    fn damaged(why: &str) -> Self {
        Self::Format(format!("is damaged: {why}"))
    }
}

impl From<std::io::Error> for MatError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::damaged("it ends too early"),
            // What the decompressor says about bytes that are no zlib stream.
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Self::damaged("a packed part cannot be unpacked"),
            _ => Self::Io(error),
        }
    }
}

/// A variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name in MATLAB.
    pub name: String,
    /// A full array of real numbers, which [`MatFile::values`] reads.
    pub numeric: bool,
    /// Length of each axis, the first axis fastest in the file.
    pub shape: Vec<usize>,
}

impl Variable {
    /// Number of elements; `None` when that does not fit.
    pub fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |product, axis| product.checked_mul(*axis))
    }
}

struct Entry {
    variable: Variable,
    start: u64,
}

/// An opened file.
pub struct MatFile<R> {
    reader: R,
    order: ByteOrder,
    entries: Vec<Entry>,
}

/// Bytes of the file's header.
const HEADER: u64 = 128;
/// HDF5 files, which MATLAB writes with `-v7.3`, say so here; MATLAB puts its own header of 512 bytes in front.
const HDF5: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

impl MatFile<BufReader<File>> {
    /// Opens a file and lists its variables.
    ///
    /// # Errors
    /// [`MatError::Io`]; [`MatError::Format`] for HDF5-based files (`-v7.3`), MAT 4, other files and damaged ones.
    pub fn open(path: &Path) -> Result<Self, MatError> {
        Self::new(BufReader::new(File::open(path).map_err(MatError::Io)?))
    }
}

impl<R: Read + Seek> MatFile<R> {
    /// As [`MatFile::open`], from anything that can be read.
    ///
    /// # Errors
    /// As there.
    pub fn new(mut reader: R) -> Result<Self, MatError> {
        let size = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        let mut header = Vec::new();
        reader.by_ref().take(520).read_to_end(&mut header)?;
        if header.starts_with(HDF5) || header.get(512..) == Some(HDF5.as_slice()) || header.starts_with(b"MATLAB 7.3") {
            return Err(MatError::Format(
                "is a MAT 7.3 (HDF5) file, which is not read here; save it in MATLAB with save(…, '-v7')".to_owned(),
            ));
        }
        let order = match header.get(126..128) {
            Some(b"IM") => ByteOrder::Little,
            Some(b"MI") => ByteOrder::Big,
            _ => return Err(MatError::Format("is not a MAT 5 file".to_owned())),
        };
        let mut file = Self {
            reader,
            order,
            entries: Vec::new(),
        };
        let mut at = HEADER;
        // Trailing bytes that cannot hold a tag are padding of some writers.
        while at + 8 <= size {
            at = file.list(at, size)?;
        }
        Ok(file)
    }

    /// The variables in the file's order.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.entries.iter().map(|entry| &entry.variable)
    }

    /// Hands out all values of a numeric variable in the file's order (first axis fastest), each with its index. Imaginary parts are left out.
    ///
    /// # Errors
    /// [`MatError::Format`] when there is no such numeric variable or its bytes do not agree with its shape.
    pub fn values(&mut self, name: &str, mut value: impl FnMut(usize, f64)) -> Result<Variable, MatError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.variable.name == name) else {
            return Err(MatError::Format(format!("has no variable {name}")));
        };
        let (start, order) = (entry.start, self.order);
        self.reader.seek(SeekFrom::Start(start))?;
        let (kind, bytes) = tag(&mut self.reader, order)?;
        let raw = self.reader.by_ref().take(bytes);
        if kind == element::COMPRESSED {
            let mut unpacked = ZlibDecoder::new(raw);
            let (_, inner) = tag(&mut unpacked, order)?;
            read_values(unpacked.take(inner), order, &mut value)
        } else {
            read_values(raw, order, &mut value)
        }
    }

    /// Notes the variable at `at`; returns where the next one starts.
    fn list(&mut self, at: u64, size: u64) -> Result<u64, MatError> {
        self.reader.seek(SeekFrom::Start(at))?;
        let (kind, bytes) = tag(&mut self.reader, self.order)?;
        let end = at + 8 + bytes;
        if end > size {
            return Err(MatError::damaged("it ends too early"));
        }
        let raw = self.reader.by_ref().take(bytes);
        let variable = match kind {
            element::COMPRESSED => {
                let mut unpacked = ZlibDecoder::new(raw);
                let (inner, length) = tag(&mut unpacked, self.order)?;
                if inner == element::MATRIX {
                    Some(Source::new(unpacked.take(length), self.order).variable()?)
                } else {
                    None
                }
            }
            element::MATRIX => Some(Source::new(raw, self.order).variable()?),
            _ => None,
        };
        if let Some(variable) = variable {
            self.entries.push(Entry { variable, start: at });
        }
        // Whole elements are padded to eight bytes, compressed ones are not.
        Ok(if kind == element::COMPRESSED {
            end
        } else {
            end.next_multiple_of(8)
        })
    }
}

/// Type and length of a top-level element; these are never in the short form.
fn tag(reader: &mut impl Read, order: ByteOrder) -> Result<(u32, u64), MatError> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes)?;
    let [a, b, c, d, e, f, g, h] = bytes;
    Ok((order.u32([a, b, c, d]), u64::from(order.u32([e, f, g, h]))))
}

fn read_values(reader: impl Read, order: ByteOrder, value: &mut dyn FnMut(usize, f64)) -> Result<Variable, MatError> {
    let mut source = Source::new(BufReader::new(reader), order);
    let variable = source.variable()?;
    if !variable.numeric {
        return Err(MatError::Format(format!("{} is not a full array of numbers", variable.name)));
    }
    let count = variable.count().ok_or_else(|| MatError::damaged("a size is too large"))?;
    source.numbers(count, value)?;
    Ok(variable)
}
