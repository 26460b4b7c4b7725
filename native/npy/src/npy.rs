//! The NPY format: a header, then the elements; whole arrays, or row by row.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::NpyError;
use crate::element::{Dtype, Element};
use crate::header::{Header, count, header_bytes, raw_header};

/// Elements converted at a time.
const CHUNK: usize = 16 << 10;
/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    /// Length of each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// The elements, the last axis fastest.
    pub data: Vec<T>,
}

fn put_all<T: Element>(writer: &mut (impl Write + ?Sized), data: &[T]) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK.min(data.len()) * T::DTYPE.size());
    for chunk in data.chunks(CHUNK) {
        bytes.clear();
        for value in chunk {
            value.put(&mut bytes);
        }
        writer.write_all(&bytes)?;
    }
    Ok(())
}

/// Writes an array of `shape` whose elements are `data` (C order).
///
/// # Errors
/// [`NpyError::Format`] when shape and data do not fit, [`NpyError::Io`] when the writer fails.
pub fn write_to<T: Element>(writer: &mut (impl Write + ?Sized), shape: &[usize], data: &[T]) -> Result<(), NpyError> {
    if count(shape)? != data.len() {
        return Err(NpyError::Format(format!("{} elements do not fill the shape {shape:?}", data.len())));
    }
    writer
        .write_all(&header_bytes(T::DTYPE.descr(), shape))
        .and_then(|()| put_all(writer, data))
        .map_err(NpyError::io("writing an array"))
}

/// Writes an array to a new file at `path` (an old one is replaced).
///
/// # Errors
/// As [`write_to`].
pub fn write<T: Element>(path: &Path, shape: &[usize], data: &[T]) -> Result<(), NpyError> {
    let name = path.display().to_string();
    let mut writer = BufWriter::new(File::create(path).map_err(NpyError::io(&name))?);
    write_to(&mut writer, shape, data)?;
    writer.flush().map_err(NpyError::io(&name))
}

/// Writes a `rows × columns` array row by row, so that it never has to be in memory whole.
pub struct RowWriter<W: Write, T: Element> {
    writer: W,
    rows: usize,
    columns: usize,
    written: usize,
    element: std::marker::PhantomData<T>,
}

impl<W: Write, T: Element> RowWriter<W, T> {
    /// Writes the header; `rows` rows of `columns` elements must follow.
    ///
    /// # Errors
    /// [`NpyError::Io`] when the writer fails.
    pub fn new(mut writer: W, rows: usize, columns: usize) -> Result<Self, NpyError> {
        writer
            .write_all(&header_bytes(T::DTYPE.descr(), &[rows, columns]))
            .map_err(NpyError::io("writing an array"))?;
        Ok(Self {
            writer,
            rows,
            columns,
            written: 0,
            element: std::marker::PhantomData,
        })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// [`NpyError::Format`] for a row of another length or one too many, [`NpyError::Io`] when the writer fails.
    pub fn push(&mut self, row: &[T]) -> Result<(), NpyError> {
        if row.len() != self.columns || self.written == self.rows {
            return Err(NpyError::Format(format!(
                "row {} of {} elements does not fit {} × {}",
                self.written,
                row.len(),
                self.rows,
                self.columns
            )));
        }
        self.written += 1;
        put_all(&mut self.writer, row).map_err(NpyError::io("writing an array"))
    }

    /// Flushes and hands the writer back.
    ///
    /// # Errors
    /// [`NpyError::Format`] when rows are missing, [`NpyError::Io`] when the writer fails.
    pub fn finish(mut self) -> Result<W, NpyError> {
        if self.written != self.rows {
            return Err(NpyError::Format(format!("{} of {} rows were written", self.written, self.rows)));
        }
        self.writer.flush().map_err(NpyError::io("writing an array"))?;
        Ok(self.writer)
    }
}

/// Reads an array of elements `T` from a file.
///
/// # Errors
/// [`NpyError::Io`] when the file cannot be read, [`NpyError::Format`] when it is no array, holds another type or ends early.
pub fn read<T: Element>(path: &Path) -> Result<Array<T>, NpyError> {
    let file = File::open(path).map_err(NpyError::io(path.display().to_string()))?;
    read_from(&mut BufReader::new(file)).map_err(|error| named(path, error))
}

/// Reads an array of any type this crate knows as `float64`.
///
/// # Errors
/// As [`read`].
pub fn read_converted(path: &Path) -> Result<Array<f64>, NpyError> {
    let file = File::open(path).map_err(NpyError::io(path.display().to_string()))?;
    converted_from(&mut BufReader::new(file)).map_err(|error| named(path, error))
}

/// Reads the type and shape of the array in a file, not its elements.
///
/// # Errors
/// As [`read`].
pub fn read_header(path: &Path) -> Result<Header, NpyError> {
    let file = File::open(path).map_err(NpyError::io(path.display().to_string()))?;
    let (descr, fortran_order, shape) = raw_header(&mut BufReader::new(file)).map_err(|error| named(path, error))?;
    let dtype = Dtype::from_descr(&descr).map_err(|error| named(path, error))?;
    Ok(Header {
        dtype,
        shape,
        fortran_order,
    })
}

/// Reads some rows of a `K × n` float32 array in C order, in the order asked for, without reading the others.
///
/// # Errors
/// As [`read`]; [`NpyError::Format`] for another kind of array or a row it does not have.
pub fn read_rows(path: &Path, rows: &[usize]) -> Result<Vec<Vec<f32>>, NpyError> {
    let header = read_header(path)?;
    let wrong = |message: String| NpyError::Format(format!("{}: {message}", path.display()));
    let [count, columns] = header.shape[..] else {
        return Err(wrong(format!("has {} axes, not 2", header.shape.len())));
    };
    if header.dtype != Dtype::F32 || header.fortran_order {
        return Err(wrong("is not float32 in C order".to_owned()));
    }
    if let Some(row) = rows.iter().find(|row| **row >= count) {
        return Err(wrong(format!("has no row {row}")));
    }
    let io = || NpyError::io(path.display().to_string());
    let mut file = File::open(path).map_err(io())?;
    let bytes = (count * columns * 4) as u64;
    let length = file.metadata().map_err(io())?.len();
    let start = length
        .checked_sub(bytes)
        .ok_or_else(|| wrong("is shorter than its header says".to_owned()))?;
    let mut buffer = vec![0u8; columns * 4];
    rows.iter()
        .map(|row| {
            file.seek(SeekFrom::Start(start + (row * columns * 4) as u64)).map_err(io())?;
            file.read_exact(&mut buffer).map_err(io())?;
            Ok(buffer.chunks_exact(4).map(f32::get).collect())
        })
        .collect()
}

fn named(path: &Path, error: NpyError) -> NpyError {
    match error {
        NpyError::Format(message) => NpyError::Format(format!("{}: {message}", path.display())),
        NpyError::Io { source, .. } => NpyError::Io {
            context: path.display().to_string(),
            source,
        },
    }
}

/// Reads an array of elements `T`.
///
/// # Errors
/// As [`read`].
pub fn read_from<T: Element>(reader: &mut impl Read) -> Result<Array<T>, NpyError> {
    let (descr, fortran_order, shape) = raw_header(reader)?;
    let dtype = Dtype::from_descr(&descr)?;
    if dtype != T::DTYPE {
        return Err(NpyError::Format(format!("holds {}, not {}", dtype.name(), T::DTYPE.name())));
    }
    elements(reader, shape, fortran_order)
}

pub(crate) fn converted_from(reader: &mut impl Read) -> Result<Array<f64>, NpyError> {
    let (descr, fortran, shape) = raw_header(reader)?;
    match Dtype::from_descr(&descr)? {
        Dtype::F32 => elements::<f32>(reader, shape, fortran).map(|a| convert(a, f64::from)),
        Dtype::F64 => elements(reader, shape, fortran),
        Dtype::U8 => elements::<u8>(reader, shape, fortran).map(|a| convert(a, f64::from)),
        Dtype::U32 => elements::<u32>(reader, shape, fortran).map(|a| convert(a, f64::from)),
        Dtype::I32 => elements::<i32>(reader, shape, fortran).map(|a| convert(a, f64::from)),
        Dtype::I64 => elements::<i64>(reader, shape, fortran).map(|a| convert(a, |v| v as f64)),
    }
}

fn convert<T: Copy>(array: Array<T>, to: impl Fn(T) -> f64) -> Array<f64> {
    Array {
        shape: array.shape,
        data: array.data.into_iter().map(to).collect(),
    }
}

fn elements<T: Element>(reader: &mut impl Read, shape: Vec<usize>, fortran: bool) -> Result<Array<T>, NpyError> {
    let n = count(&shape)?;
    let size = T::DTYPE.size();
    let mut data = Vec::new();
    let mut bytes = vec![0; CHUNK.min(n.max(1)) * size];
    // Memory grows with what is really there: a header may promise anything.
    while data.len() < n {
        let part = &mut bytes[..CHUNK.min(n - data.len()) * size];
        reader.read_exact(part).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => NpyError::Format(format!("ends before its {n} elements")),
            _ => NpyError::io("reading an array")(error),
        })?;
        data.extend(part.chunks_exact(size).map(T::get));
    }
    if fortran && shape.len() > 1 {
        data = to_c_order(&data, &shape);
    }
    Ok(Array { shape, data })
}

/// Elements of a Fortran-ordered array in C order.
fn to_c_order<T: Element>(data: &[T], shape: &[usize]) -> Vec<T> {
    let mut out = vec![T::default(); data.len()];
    let mut index = vec![0; shape.len()];
    for value in data {
        let position = index.iter().zip(shape).fold(0, |p, (i, n)| p * n + i);
        out[position] = *value;
        for (i, n) in index.iter_mut().zip(shape) {
            *i += 1;
            if *i < *n {
                break;
            }
            *i = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{ALIGN, MAGIC};

    #[test]
    fn some_rows_are_read_without_the_others() {
        let path = std::env::temp_dir().join(format!("calyx-npy-rows-{}.npy", std::process::id()));
        write(&path, &[3, 2], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(read_rows(&path, &[2, 0]).unwrap(), [[5.0, 6.0], [1.0, 2.0]]);
        assert!(read_rows(&path, &[3]).is_err());
        write(&path, &[2, 2], &[1.0f64; 4]).unwrap();
        assert!(read_rows(&path, &[0]).is_err());
        std::fs::remove_file(&path).unwrap();
    }

    fn bytes_of<T: Element>(shape: &[usize], data: &[T]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_to(&mut bytes, shape, data).unwrap();
        bytes
    }

    fn comes_back<T: Element + PartialEq + std::fmt::Debug>(shape: &[usize], data: &[T]) {
        let bytes = bytes_of(shape, data);
        assert_eq!((bytes.len() - data.len() * T::DTYPE.size()) % ALIGN, 0);
        let array: Array<T> = read_from(&mut bytes.as_slice()).unwrap();
        assert_eq!((array.shape.as_slice(), array.data.as_slice()), (shape, data));
    }

    #[test]
    fn every_type_and_shape_comes_back() {
        comes_back(&[2, 3], &[1.5f32, -2.0, f32::MAX, 0.0, 1e-30, 7.0]);
        comes_back(&[3], &[1.5f64, f64::MIN, 3.0]);
        comes_back(&[1, 2, 2], &[0u8, 255, 3, 4]);
        comes_back(&[2], &[u32::MAX, 1]);
        comes_back(&[2], &[i32::MIN, 1]);
        comes_back(&[2], &[i64::MIN, 1]);
        comes_back(&[], &[4.0f32]);
        comes_back::<f32>(&[0, 5], &[]);
        comes_back(&[3, CHUNK], &vec![2.5f32; 3 * CHUNK]);
    }

    #[test]
    fn not_a_number_survives() {
        let bytes = bytes_of(&[1], &[f32::NAN]);
        assert!(read_from::<f32>(&mut bytes.as_slice()).unwrap().data[0].is_nan());
    }

    #[test]
    fn fortran_order_is_turned() {
        let mut bytes = bytes_of(&[2, 3], &[0u8, 3, 1, 4, 2, 5]);
        let at = bytes.windows(5).position(|w| w == b"False").unwrap();
        bytes[at..at + 5].copy_from_slice(b"True ");
        let array: Array<u8> = read_from(&mut bytes.as_slice()).unwrap();
        assert_eq!(array.data, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn rows_written_one_by_one_make_the_same_file() {
        let mut rows = RowWriter::<_, f32>::new(Vec::new(), 2, 3).unwrap();
        rows.push(&[1.0, 2.0, 3.0]).unwrap();
        assert!(rows.push(&[1.0]).is_err());
        rows.push(&[4.0, 5.0, 6.0]).unwrap();
        assert!(rows.push(&[7.0, 8.0, 9.0]).is_err());
        assert_eq!(rows.finish().unwrap(), bytes_of(&[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert!(RowWriter::<_, f32>::new(Vec::new(), 2, 3).unwrap().finish().is_err());
    }

    #[test]
    fn broken_files_are_refused_in_words() {
        let bytes = bytes_of(&[2, 3], &[1.0f32; 6]);
        let message = |bytes: &[u8]| read_from::<f32>(&mut &bytes[..]).unwrap_err().to_string();
        assert!(message(&bytes[..bytes.len() - 1]).contains("ends before"));
        assert!(message(&bytes[..20]).contains("not an NPY"));
        assert!(message(b"RIFF and so on").contains("not an NPY"));
        assert!(read_from::<f64>(&mut bytes.as_slice()).unwrap_err().to_string().contains("float32"));
        assert!(write_to(&mut Vec::new(), &[2, 2], &[1.0f32; 3]).is_err());
        let huge = bytes_of::<f32>(&[], &[1.0]);
        let huge: Vec<u8> = String::from_utf8_lossy(&huge[10..])
            .replace("()", "(9999999999, 9999999999, 99)")
            .into_bytes();
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&[1, 0, huge.len() as u8, (huge.len() >> 8) as u8]);
        file.extend_from_slice(&huge);
        assert!(message(&file).contains("too large"));
    }

    #[test]
    fn any_type_can_be_read_as_numbers() {
        let folder = std::env::temp_dir().join(format!("calyx-npy-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.npy");
        write(&path, &[2], &[7u8, 9]).unwrap();
        assert_eq!(read_converted(&path).unwrap().data, [7.0, 9.0]);
        assert_eq!(read_header(&path).unwrap().dtype, Dtype::U8);
        assert_eq!(read_header(&path).unwrap().count().unwrap(), 2);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
