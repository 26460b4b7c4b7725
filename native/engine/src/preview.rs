//! Small pictures of what a running stage has gathered so far, for people who wait.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The longer side of a preview has at most so many pixels: its line stays below 300 kB.
const LONGEST: usize = 256;
/// Shares of the pixels that are shown darkest and brightest.
const TAILS: f64 = 0.002;

/// How pixels that become one are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shrink {
    /// Their mean.
    Mean,
    /// Their highest value.
    Max,
}

/// Pictures of one stage, all of one size.
pub struct Preview {
    /// Frames that are in them.
    pub frames: u64,
    /// Height and width of the pictures as they are, px.
    pub size: [usize; 2],
    /// Name (`mean`, `std`, `max`, `correlation`, `pnr`), row-major values, and how to make them smaller.
    pub pictures: Vec<(&'static str, Vec<f32>, Shrink)>,
}

impl Preview {
    /// The line's fields: pictures in 8 bits, base64, with the values that codes 0 and 255 stand for.
    pub fn json(&self, stage: &str) -> Value {
        let factor = self.size[0].max(self.size[1]).div_ceil(LONGEST).max(1);
        let [height, width] = self.size.map(|n| n.div_ceil(factor));
        let pictures: Vec<Value> = self
            .pictures
            .iter()
            .map(|(name, values, how)| {
                let small = shrink(values, self.size, factor, *how);
                let [low, high] = range(&small);
                let scale = if high > low { 255.0 / (high - low) } else { 0.0 };
                let codes: Vec<u8> = small.iter().map(|v| ((v - low) * scale).round() as u8).collect();
                json!({ "name": name, "low": low, "high": high, "pixels": STANDARD.encode(codes) })
            })
            .collect();
        json!({ "type": "preview", "stage": stage, "frames": self.frames, "height": height, "width": width, "pictures": pictures })
    }
}

/// Blocks of `factor × factor` as one pixel; at the right and below blocks may be smaller. Values that are no numbers are left out.
fn shrink(values: &[f32], [height, width]: [usize; 2], factor: usize, how: Shrink) -> Vec<f32> {
    let mut out = Vec::with_capacity(height.div_ceil(factor) * width.div_ceil(factor));
    for top in (0..height).step_by(factor) {
        for left in (0..width).step_by(factor) {
            let (mut sum, mut count, mut max) = (0.0, 0u32, f32::NEG_INFINITY);
            for y in top..height.min(top + factor) {
                for v in &values[y * width + left..y * width + width.min(left + factor)] {
                    if v.is_finite() {
                        (sum, count, max) = (sum + v, count + 1, max.max(*v));
                    }
                }
            }
            out.push(match (count, how) {
                (0, _) => 0.0,
                (_, Shrink::Mean) => sum / count as f32,
                (_, Shrink::Max) => max,
            });
        }
    }
    out
}

/// The values shown darkest and brightest.
fn range(values: &[f32]) -> [f32; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f64| {
        sorted
            .get((share * sorted.len().saturating_sub(1) as f64).round() as usize)
            .copied()
    };
    [at(TAILS).unwrap_or(0.0), at(1.0 - TAILS).unwrap_or(0.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(line: &Value, picture: usize) -> Vec<u8> {
        STANDARD.decode(line["pictures"][picture]["pixels"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn large_pictures_become_small_ones_of_the_same_scene() {
        // 300 × 515, a third of that is 100 × 172; bright towards the lower right.
        let size = [300, 515];
        let values: Vec<f32> = (0..size[0] * size[1]).map(|p| (p / 515) as f32 + (p % 515) as f32 * 0.5).collect();
        let mut spots = vec![1.0; values.len()];
        spots[7 * 515 + 4] = 9.0;
        let preview = Preview {
            frames: 640,
            size,
            pictures: vec![("mean", values, Shrink::Mean), ("max", spots, Shrink::Max)],
        };
        let line = preview.json("motion");
        assert_eq!(
            (line["height"].as_u64(), line["width"].as_u64(), line["frames"].as_u64()),
            (Some(100), Some(172), Some(640))
        );
        let mean = codes(&line, 0);
        assert_eq!(mean.len(), 100 * 172);
        let value = |p: usize| {
            let (low, high) = (
                line["pictures"][0]["low"].as_f64().unwrap(),
                line["pictures"][0]["high"].as_f64().unwrap(),
            );
            low + f64::from(mean[p]) / 255.0 * (high - low)
        };
        // Rows 60 … 62, columns 150 … 152: 61 + 0.5 · 151.
        assert!((value(20 * 172 + 50) - 136.5).abs() < 1.5, "{}", value(20 * 172 + 50));
        // One pixel of 17,200 is above the brightest that is shown: it is clipped, not wrapped around.
        let max = codes(&line, 1);
        assert_eq!(max.len(), 100 * 172);
        assert!(line.to_string().len() < 300_000);
    }

    #[test]
    fn what_is_no_number_and_what_is_flat_is_black() {
        let preview = Preview {
            frames: 1,
            size: [2, 3],
            pictures: vec![
                ("mean", vec![f32::NAN; 6], Shrink::Mean),
                ("pnr", vec![4.0; 6], Shrink::Max),
                ("std", vec![0.0, 1.0, 2.0, 3.0, f32::INFINITY, 4.0], Shrink::Mean),
            ],
        };
        let line = preview.json("read");
        assert_eq!(codes(&line, 0), [0; 6]);
        assert_eq!(codes(&line, 1), [0; 6]);
        assert_eq!(codes(&line, 2), [0, 64, 128, 191, 0, 255]);
    }
}
