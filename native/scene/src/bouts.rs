//! Bouts: what a cell's spikes let one ask of its events.

/// Spikes that follow after less are one bout, seconds.
const APART_S: f64 = 0.5;
/// Groups with less of the spikes of the cell's typical group cannot be asked for: where a burst has fifty spikes, a single one is in no trace.
const FAINT: f64 = 0.2;

/// First frames of a cell's bouts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bouts {
    /// Those that can be asked for.
    pub clear: Vec<usize>,
    /// Spikes that add too little beside the cell's bursts to be asked for.
    pub faint: Vec<usize>,
}

/// Spikes in adjoining frames (one silent frame does not part them) are a group. Groups with less than [`FAINT`] of the spikes of the cell's
/// typical one (the one at which half of its spikes are reached, groups ordered by size) are faint. Of the others, those that begin less than
/// [`APART_S`] after the last spike of the one before belong to its bout.
pub fn bouts(spikes: &[f64], fps: f64) -> Bouts {
    // (first frame, last frame, spikes)
    let mut groups: Vec<(usize, usize, f64)> = Vec::new();
    for t in (0..spikes.len()).filter(|t| spikes[*t] > 0.0) {
        match groups.last_mut() {
            Some((_, last, sum)) if t - *last <= 2 => (*last, *sum) = (t, *sum + spikes[t]),
            _ => groups.push((t, t, spikes[t])),
        }
    }
    let mut sizes: Vec<f64> = groups.iter().map(|(.., sum)| *sum).collect();
    sizes.sort_by(f64::total_cmp);
    let half = 0.5 * sizes.iter().sum::<f64>();
    let mut so_far = 0.0;
    let typical = sizes.into_iter().find(|size| {
        so_far += size;
        so_far >= half
    });
    let least = FAINT * typical.unwrap_or(0.0);
    let mut out = Bouts::default();
    let mut end = None;
    for (first, last, sum) in groups {
        if sum < least {
            out.faint.push(first);
            continue;
        }
        if end.is_none_or(|end: usize| (first - end) as f64 >= APART_S * fps) {
            out.clear.push(first);
        }
        end = Some(last);
    }
    out
}
