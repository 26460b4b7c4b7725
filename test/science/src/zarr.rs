//! Reads arrays of Zarr version 2 whose chunks are Blosc (LZ4, shuffled bytes or not): what MiniAn stores. No more of either format.

use std::path::Path;

use serde_json::Value;

/// An array, row-major.
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The values.
    pub data: Vec<f64>,
}

/// Reads an array folder (the one with `.zarray`); chunks that are absent are NaN.
///
/// # Errors
/// A sentence that names the file.
pub fn read(folder: &Path) -> Result<Array, String> {
    let head = folder.join(".zarray");
    let text = std::fs::read_to_string(&head).map_err(|e| format!("{}: {e}", head.display()))?;
    let head: Value =
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", head.display()))?;
    let lengths = |name: &str| -> Vec<usize> {
        let axes = head[name].as_array().into_iter().flatten();
        axes.filter_map(Value::as_u64).map(|n| n as usize).collect()
    };
    let (shape, chunk) = (lengths("shape"), lengths("chunks"));
    let size = match head["dtype"].as_str() {
        Some("<f4") => 4,
        Some("<f8" | "<i8") => 8,
        other => return Err(format!("{}: values of {other:?}", folder.display())),
    };
    let whole = head["dtype"] == "<i8";
    if head["order"] != "C" || chunk.len() != shape.len() || chunk.contains(&0) {
        return Err(format!("{}: a layout that is not read", folder.display()));
    }
    let mut data = vec![f64::NAN; shape.iter().product()];
    let counts: Vec<usize> = shape
        .iter()
        .zip(&chunk)
        .map(|(n, c)| n.div_ceil(*c))
        .collect();
    for number in 0..counts.iter().product() {
        let at = unravel(number, &counts);
        let name = at
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(".");
        let path = folder.join(name);
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        let bytes = blosc(&bytes).map_err(|why| format!("{}: {why}", path.display()))?;
        for (n, value) in bytes.chunks_exact(size).enumerate() {
            let place = unravel(n, &chunk);
            let index: Vec<usize> = (0..shape.len())
                .map(|d| at[d] * chunk[d] + place[d])
                .collect();
            if index.iter().zip(&shape).any(|(i, n)| i >= n) {
                continue;
            }
            let flat = index
                .iter()
                .zip(&shape)
                .fold(0, |flat, (i, n)| flat * n + i);
            data[flat] = number_of(value, whole);
        }
    }
    Ok(Array { shape, data })
}

fn number_of(bytes: &[u8], whole: bool) -> f64 {
    match bytes {
        [a, b, c, d] => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        _ => {
            let eight = bytes.try_into().unwrap_or([0; 8]);
            if whole {
                i64::from_le_bytes(eight) as f64
            } else {
                f64::from_le_bytes(eight)
            }
        }
    }
}

fn unravel(mut number: usize, counts: &[usize]) -> Vec<usize> {
    let mut at = vec![0; counts.len()];
    for d in (0..counts.len()).rev() {
        at[d] = number % counts[d];
        number /= counts[d];
    }
    at
}

/// Undoes one Blosc buffer: a head of 16 bytes, where each block begins, blocks that are cut into a stream for each byte of the type.
fn blosc(buffer: &[u8]) -> Result<Vec<u8>, String> {
    let word = |at: usize| -> Result<usize, String> {
        let bytes = buffer.get(at..at + 4).ok_or("it ends early")?;
        Ok(u32::from_le_bytes(bytes.try_into().unwrap_or_default()) as usize)
    };
    let [_, _, flags, kind, ..] = *buffer else {
        return Err("it is empty".to_owned());
    };
    let kind = usize::from(kind).max(1);
    let (total, block) = (word(4)?, word(8)?.max(1));
    if flags & 2 != 0 {
        return Ok(buffer.get(16..16 + total).ok_or("it ends early")?.to_vec());
    }
    if flags & 4 != 0 || flags >> 5 != 1 {
        return Err("it is neither plain LZ4 nor shuffled bytes".to_owned());
    }
    let mut out = Vec::with_capacity(total);
    for n in 0..total.div_ceil(block) {
        let length = block.min(total - n * block);
        let split = flags & 16 == 0 && kind <= 16 && block / kind >= 128 && length == block;
        let streams = if split { kind } else { 1 };
        let mut at = word(16 + 4 * n)?;
        let mut plain = Vec::with_capacity(length);
        for _ in 0..streams {
            let (packed, size) = (word(at)?, length / streams);
            let bytes = buffer.get(at + 4..at + 4 + packed).ok_or("it ends early")?;
            if packed == size {
                plain.extend_from_slice(bytes);
            } else {
                let part = lz4_flex::block::decompress(bytes, size).map_err(|e| e.to_string())?;
                plain.extend(part);
            }
            at += 4 + packed;
        }
        if flags & 1 != 0 && kind > 1 {
            let values = plain.len() / kind;
            let mut together = plain.clone();
            for (i, v) in together.iter_mut().take(values * kind).enumerate() {
                *v = plain[i % kind * values + i / kind];
            }
            plain = together;
        }
        out.extend(plain);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Blosc buffer of one block, as its description says.
    fn packed(values: &[f32], split: bool) -> Vec<u8> {
        let n = values.len();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let shuffled: Vec<u8> = (0..4 * n).map(|i| bytes[i % n * 4 + i / n]).collect();
        let mut out = vec![2, 1, 0x21 | if split { 0 } else { 16 }, 4];
        out.extend(
            [4 * n as u32, 4 * n as u32, 0, 20]
                .map(u32::to_le_bytes)
                .concat(),
        );
        for stream in shuffled.chunks(if split { n } else { 4 * n }) {
            let small = lz4_flex::block::compress(stream);
            let small = if small.len() < stream.len() {
                small
            } else {
                stream.to_vec()
            };
            out.extend((small.len() as u32).to_le_bytes());
            out.extend(small);
        }
        out
    }

    #[test]
    fn a_buffer_comes_back_as_it_was() {
        let values: Vec<f32> = (0..300)
            .map(|i| if i % 7 == 0 { i as f32 * 0.37 } else { 0.0 })
            .collect();
        for split in [true, false] {
            let plain = blosc(&packed(&values, split)).unwrap();
            let back: Vec<f32> = plain
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                .collect();
            assert_eq!(back, values);
        }
    }

    #[test]
    fn a_cut_buffer_is_refused() {
        let whole = packed(&[1.0; 300], true);
        for end in [0, 3, 12, 18, 25] {
            assert!(blosc(&whole[..end]).is_err());
        }
    }
}
