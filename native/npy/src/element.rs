//! The numbers an array may hold: their types, and their bytes in a file.

use crate::NpyError;

/// The element types that are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// `float32`
    F32,
    /// `float64`
    F64,
    /// `uint8`
    U8,
    /// `uint32`
    U32,
    /// `int32`
    I32,
    /// `int64`
    I64,
}

impl Dtype {
    /// NumPy's description, e.g. `<f4`.
    pub fn descr(self) -> &'static str {
        match self {
            Self::F32 => "<f4",
            Self::F64 => "<f8",
            Self::U8 => "|u1",
            Self::U32 => "<u4",
            Self::I32 => "<i4",
            Self::I64 => "<i8",
        }
    }

    /// NumPy's name, e.g. `float32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::U8 => "uint8",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::I64 => "int64",
        }
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F32 | Self::U32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    pub(crate) fn from_descr(descr: &str) -> Result<Self, NpyError> {
        match descr {
            "<f4" => Ok(Self::F32),
            "<f8" => Ok(Self::F64),
            // Booleans are bytes of 0 and 1.
            "|u1" | "<u1" | "u1" | "|b1" => Ok(Self::U8),
            "<u4" => Ok(Self::U32),
            "<i4" => Ok(Self::I32),
            "<i8" => Ok(Self::I64),
            other => Err(NpyError::Format(format!("arrays of type {other} are not read here"))),
        }
    }
}

/// A number that an NPY file can hold.
pub trait Element: Copy + Default {
    /// Its type.
    const DTYPE: Dtype;
    /// Appends the little-endian bytes.
    fn put(self, out: &mut Vec<u8>);
    /// From as many little-endian bytes as the type has.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($type:ty, $dtype:expr) => {
        impl Element for $type {
            const DTYPE: Dtype = $dtype;
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn get(bytes: &[u8]) -> Self {
                let mut raw = [0; size_of::<$type>()];
                raw.copy_from_slice(bytes);
                Self::from_le_bytes(raw)
            }
        }
    };
}
element!(f32, Dtype::F32);
element!(f64, Dtype::F64);
element!(u8, Dtype::U8);
element!(u32, Dtype::U32);
element!(i32, Dtype::I32);
element!(i64, Dtype::I64);
