//! Sparse rows in the archive that `scipy.sparse.save_npz` writes and `load_npz` reads: a ZIP of `indices`, `indptr`, `format`, `shape`, `data`.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::header::{header_bytes, raw_header};
use crate::npy::{Array, converted_from, write_to};
use crate::{Element, NpyError};

/// A `rows × columns` matrix of which only the non-zero values are kept, row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Csr {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// `rows + 1` positions: row `k` has the entries `indptr[k] .. indptr[k + 1]`.
    pub indptr: Vec<usize>,
    /// Column of each entry.
    pub indices: Vec<usize>,
    /// Value of each entry.
    pub data: Vec<f32>,
}

impl Csr {
    /// A matrix without rows.
    pub fn new(columns: usize) -> Self {
        Self {
            rows: 0,
            columns,
            indptr: vec![0],
            indices: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Appends a row given as (column, value); columns should rise.
    pub fn push_row(&mut self, entries: impl IntoIterator<Item = (usize, f32)>) {
        for (column, value) in entries {
            self.indices.push(column);
            self.data.push(value);
        }
        self.indptr.push(self.indices.len());
        self.rows += 1;
    }

    /// The entries of row `k` as (column, value); nothing for a row that does not exist.
    pub fn row(&self, k: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = match (self.indptr.get(k), self.indptr.get(k + 1)) {
            (Some(from), Some(to)) => *from..*to,
            _ => 0..0,
        };
        self.indices[range.clone()].iter().copied().zip(self.data[range].iter().copied())
    }

    /// The archive as bytes: the same bytes for the same matrix (the time stamps inside are fixed).
    ///
    /// # Errors
    /// [`NpyError::Format`] when a size does not fit 32 bits.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NpyError> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let narrow = |values: &[usize]| {
            values
                .iter()
                .map(|v| i32::try_from(*v).map_err(|_| NpyError::Format("the matrix is too large for 32-bit indices".to_owned())))
                .collect::<Result<Vec<i32>, _>>()
        };
        member(&mut zip, "indices", &array_bytes(&narrow(&self.indices)?)?)?;
        member(&mut zip, "indptr", &array_bytes(&narrow(&self.indptr)?)?)?;
        // Byte string without axes, as SciPy has written it since its first version.
        let mut format = header_bytes("|S3", &[]);
        format.extend_from_slice(b"csr");
        member(&mut zip, "format", &format)?;
        member(&mut zip, "shape", &array_bytes(&[self.rows as i64, self.columns as i64])?)?;
        member(&mut zip, "data", &array_bytes(&self.data)?)?;
        Ok(zip.finish().map_err(archive)?.into_inner())
    }

    /// Writes the archive to a new file.
    ///
    /// # Errors
    /// As [`Csr::to_bytes`], and [`NpyError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), NpyError> {
        std::fs::write(path, self.to_bytes()?).map_err(NpyError::io(path.display().to_string()))
    }

    /// Reads an archive.
    ///
    /// # Errors
    /// [`NpyError::Io`] when the file cannot be read, [`NpyError::Format`] when it is no sparse matrix of rows or does not agree with itself.
    pub fn read(path: &Path) -> Result<Self, NpyError> {
        let file = File::open(path).map_err(NpyError::io(path.display().to_string()))?;
        Self::read_from(BufReader::new(file)).map_err(|error| NpyError::Format(format!("{}: {error}", path.display())))
    }

    fn read_from(reader: impl Read + Seek) -> Result<Self, NpyError> {
        let mut zip = ZipArchive::new(reader).map_err(archive)?;
        let mut array = |name: &str| -> Result<Array<f64>, NpyError> {
            let mut file = zip.by_name(&format!("{name}.npy")).map_err(archive)?;
            converted_from(&mut file)
        };
        let whole = |values: Array<f64>| values.data.into_iter().map(|v| v as usize).collect::<Vec<_>>();
        let shape = whole(array("shape")?);
        let matrix = Self {
            rows: shape.first().copied().unwrap_or(0),
            columns: shape.get(1).copied().unwrap_or(0),
            indptr: whole(array("indptr")?),
            indices: whole(array("indices")?),
            data: array("data")?.data.into_iter().map(|v| v as f32).collect(),
        };
        let mut format = zip.by_name("format.npy").map_err(archive)?;
        raw_header(&mut format)?;
        let mut text = Vec::new();
        format
            .take(64)
            .read_to_end(&mut text)
            .map_err(NpyError::io("reading the archive"))?;
        // Written by Python as bytes, or as UTF-32 text by some programs.
        text.retain(|byte| *byte != 0);
        matrix.check(&text)?;
        Ok(matrix)
    }

    fn check(&self, format: &[u8]) -> Result<(), NpyError> {
        let rising = self.indptr.windows(2).all(|w| w[0] <= w[1]);
        let agrees = format == b"csr"
            && self.indptr.len() == self.rows + 1
            && self.indptr.last() == Some(&self.data.len())
            && self.indices.len() == self.data.len()
            && rising
            && self.indices.iter().all(|column| *column < self.columns);
        if agrees {
            Ok(())
        } else {
            Err(NpyError::Format("is not a sparse matrix kept by rows".to_owned()))
        }
    }
}

fn archive(error: zip::result::ZipError) -> NpyError {
    NpyError::Format(format!("the archive cannot be used: {error}"))
}

fn array_bytes<T: Element>(data: &[T]) -> Result<Vec<u8>, NpyError> {
    let mut bytes = Vec::new();
    write_to(&mut bytes, &[data.len()], data)?;
    Ok(bytes)
}

/// Named one-dimensional arrays in a ZIP, as `numpy.savez_compressed` writes them: the same bytes for the same arrays.
pub struct Archive(ZipWriter<Cursor<Vec<u8>>>);

impl Default for Archive {
    fn default() -> Self {
        Self::new()
    }
}

impl Archive {
    /// Without arrays.
    pub fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// Adds an array.
    ///
    /// # Errors
    /// [`NpyError::Format`] when the archive cannot take it.
    pub fn add<T: Element>(&mut self, name: &str, data: &[T]) -> Result<(), NpyError> {
        member(&mut self.0, name, &array_bytes(data)?)
    }

    /// The archive as bytes.
    ///
    /// # Errors
    /// [`NpyError::Format`] when it cannot be closed.
    pub fn to_bytes(self) -> Result<Vec<u8>, NpyError> {
        Ok(self.0.finish().map_err(archive)?.into_inner())
    }
}

/// Reads one array of an archive, whatever its type, as float64.
///
/// # Errors
/// [`NpyError::Io`] when the file cannot be read, [`NpyError::Format`] when it holds no such array.
pub fn read_member(path: &Path, name: &str) -> Result<Array<f64>, NpyError> {
    let file = File::open(path).map_err(NpyError::io(path.display().to_string()))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(archive)?;
    let mut member = zip.by_name(&format!("{name}.npy")).map_err(archive)?;
    converted_from(&mut member)
}

fn member(zip: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, bytes: &[u8]) -> Result<(), NpyError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    zip.start_file(format!("{name}.npy"), options).map_err(archive)?;
    zip.write_all(bytes).map_err(NpyError::io("packing the archive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Csr {
        let mut matrix = Csr::new(7);
        matrix.push_row([(1, 0.5), (6, 1.0)]);
        matrix.push_row([]);
        matrix.push_row([(0, 0.25)]);
        matrix
    }

    #[test]
    fn rows_come_back_and_the_bytes_are_always_the_same() {
        let bytes = example().to_bytes().unwrap();
        assert_eq!(bytes, example().to_bytes().unwrap());
        let back = Csr::read_from(Cursor::new(bytes)).unwrap();
        assert_eq!(back, example());
        assert_eq!(back.row(0).collect::<Vec<_>>(), [(1, 0.5), (6, 1.0)]);
        assert_eq!(back.row(1).count() + back.row(9).count(), 0);
    }

    #[test]
    fn a_matrix_without_rows_comes_back() {
        let none = Csr::new(12);
        assert_eq!(Csr::read_from(Cursor::new(none.to_bytes().unwrap())).unwrap(), none);
    }

    #[test]
    fn archives_that_disagree_with_themselves_are_refused() {
        let mut wrong = example();
        wrong.indices[0] = 7;
        assert!(Csr::read_from(Cursor::new(wrong.to_bytes().unwrap())).is_err());
        wrong = example();
        wrong.indptr[1] = 3;
        wrong.indptr[2] = 2;
        assert!(Csr::read_from(Cursor::new(wrong.to_bytes().unwrap())).is_err());
        assert!(Csr::read_from(Cursor::new(b"no archive".to_vec())).is_err());
    }
}
