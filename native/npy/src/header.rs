//! What stands before the elements of an NPY file: a magic number and a Python literal of type, order and shape.

use std::io::Read;

use crate::NpyError;
use crate::element::Dtype;

pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The header ends at a multiple of this, as NumPy pads it.
pub(crate) const ALIGN: usize = 64;
/// Headers of real files have about 100 bytes; more than this is not an array.
const LONGEST_HEADER: usize = 1 << 16;

/// What stands before the elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Element type.
    pub dtype: Dtype,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The first axis is the fastest.
    pub fortran_order: bool,
}

impl Header {
    /// Number of elements.
    ///
    /// # Errors
    /// [`NpyError::Format`] when the product does not fit.
    pub fn count(&self) -> Result<usize, NpyError> {
        count(&self.shape)
    }
}

pub(crate) fn count(shape: &[usize]) -> Result<usize, NpyError> {
    shape
        .iter()
        .try_fold(1usize, |n, axis| n.checked_mul(*axis))
        .ok_or_else(|| NpyError::Format(format!("an array of shape {shape:?} is too large")))
}

/// The bytes before the elements, padded as NumPy does it.
pub(crate) fn header_bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let tuple = match axes.as_slice() {
        [one] => format!("({one},)"),
        many => format!("({})", many.join(", ")),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple}, }}");
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGN) - unpadded));
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Type description, order and shape.
pub(crate) fn raw_header(reader: &mut impl Read) -> Result<(String, bool, Vec<usize>), NpyError> {
    let not_an_array = || NpyError::Format("is not an NPY array".to_owned());
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(|_| not_an_array())?;
    if &start[..6] != MAGIC {
        return Err(not_an_array());
    }
    let mut length = [0; 4];
    let wide = start[6] >= 2;
    reader
        .read_exact(&mut length[..if wide { 4 } else { 2 }])
        .map_err(|_| not_an_array())?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(not_an_array());
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(|_| not_an_array())?;
    parse(&String::from_utf8_lossy(&text)).ok_or_else(not_an_array)
}

fn parse(text: &str) -> Option<(String, bool, Vec<usize>)> {
    let after = |key: &str| {
        let rest = &text[text.find(&format!("'{key}'"))? + key.len() + 2..];
        Some(rest[rest.find(':')? + 1..].trim_start())
    };
    let descr = after("descr")?.strip_prefix('\'')?;
    let descr = &descr[..descr.find('\'')?];
    let fortran = after("fortran_order")?.starts_with("True");
    let shape = after("shape")?.strip_prefix('(')?;
    let shape = shape[..shape.find(')')?]
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| axis.parse().ok())
        .collect::<Option<Vec<usize>>>()?;
    Some((descr.to_owned(), fortran, shape))
}
