//! Discrete events of a cell, from its denoised trace and activity.
//!
//! The rule: activity in adjoining frames (one silent frame between does not part them) is a group; a group counts when its sum, the
//! height it adds to the calcium, is at least `eventSigma` times the noise of the raw trace and a fifth of the cell's typical group (the one
//! at which half of all its activity is reached, groups ordered by size). Groups that begin less than [`APART_S`] after the last one's end are one event (a burst).
//! Nothing spans a gap after which the level starts afresh.

use crate::types::Event;

/// Groups nearer than this are one event, seconds.
pub const APART_S: f64 = 0.5;
/// A group counts from this share of the cell's typical group on: light of neighbours and movement leave small ones well above the noise.
const TYPICAL_SHARE: f32 = 0.2;
/// An event begins with the first frame whose activity is at least this share of its group's largest.
const ONSET_SHARE: f32 = 0.2;

/// Events of one cell in order. `least` is the smallest sum of a group; `breaks` are the frames (rising) where the level starts afresh;
/// `apart` in frames.
pub fn find(denoised: &[f32], activity: &[f32], least: f32, apart: usize, breaks: &[usize]) -> Vec<Event> {
    let mut groups = groups(activity, breaks);
    let least = least.max(TYPICAL_SHARE * typical(&groups));
    groups.retain(|g| g.sum >= least);
    let mut bursts: Vec<(usize, usize)> = Vec::new();
    for Group { onset: first, last, .. } in groups {
        match bursts.last_mut() {
            Some(burst) if first - burst.1 < apart && !broken(breaks, burst.1, first) => burst.1 = last,
            _ => bursts.push((first, last)),
        }
    }
    let mut out = Vec::with_capacity(bursts.len());
    for (n, (onset, last)) in bursts.iter().copied().enumerate() {
        let mut stop = bursts.get(n + 1).map_or(denoised.len(), |b| b.0);
        if let Some(b) = breaks.iter().find(|b| **b > onset) {
            stop = stop.min(*b);
        }
        let before = if onset == 0 || breaks.binary_search(&onset).is_ok() {
            0.0
        } else {
            denoised[onset - 1]
        };
        // The highest value lies between the onset and where calcium no longer rises after the last spike.
        let mut peak = onset;
        for t in onset + 1..stop {
            if denoised[t] > denoised[peak] {
                peak = t;
            } else if t > last && denoised[t] < denoised[t - 1] {
                break;
            }
        }
        let amplitude = denoised[peak] - before;
        let half = before + 0.5 * amplitude;
        let end = (peak..stop).find(|t| denoised[*t] < half).unwrap_or(stop).max(peak + 1) - 1;
        if amplitude > 0.0 {
            out.push(Event {
                onset: onset as u32,
                peak: peak as u32,
                end: end as u32,
                amplitude,
            });
        }
    }
    out
}

/// True where a break lies after `from`, at `to` at the latest.
fn broken(breaks: &[usize], from: usize, to: usize) -> bool {
    breaks.iter().any(|b| from < *b && *b <= to)
}

/// Activity in adjoining frames.
struct Group {
    onset: usize,
    last: usize,
    sum: f32,
}

/// The sum of the group at which half of all activity is reached, from the smallest on; 0 without groups.
fn typical(groups: &[Group]) -> f32 {
    let mut sums: Vec<f32> = groups.iter().map(|g| g.sum).collect();
    sums.sort_by(f32::total_cmp);
    let half = 0.5 * sums.iter().map(|s| f64::from(*s)).sum::<f64>();
    let mut so_far = 0.0;
    for s in sums {
        so_far += f64::from(s);
        if so_far >= half {
            return s;
        }
    }
    0.0
}

/// All groups, in order.
fn groups(activity: &[f32], breaks: &[usize]) -> Vec<Group> {
    let mut out = Vec::new();
    let mut t = 0;
    while t < activity.len() {
        if activity[t] <= 0.0 {
            t += 1;
            continue;
        }
        let first = t;
        let mut last = t;
        let mut sum = 0.0f32;
        while t < activity.len() && t - last <= 2 && !broken(breaks, last, t) {
            if activity[t] > 0.0 {
                sum += activity[t];
                last = t;
            }
            t += 1;
        }
        t = last + 1;
        if sum > 0.0 {
            let highest = activity[first..=last].iter().copied().fold(0.0f32, f32::max);
            let onset = (first..=last).find(|u| activity[*u] >= ONSET_SHARE * highest).unwrap_or(first);
            out.push(Group { onset, last, sum });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calcium that decays to 0.8 each frame.
    fn calcium(activity: &[f32], breaks: &[usize]) -> Vec<f32> {
        let mut c = 0.0;
        let each = activity.iter().enumerate().map(|(t, s)| {
            c = if breaks.contains(&t) { 0.0 } else { 0.8 * c } + s;
            c
        });
        each.collect()
    }

    #[test]
    fn an_event_has_an_onset_a_peak_an_end_and_an_amplitude() {
        let mut s = vec![0.0f32; 40];
        (s[9], s[10], s[11], s[13]) = (0.2, 3.0, 2.0, 1.0);
        let c = calcium(&s, &[]);
        let events = find(&c, &s, 4.0, 10, &[]);
        assert_eq!(events.len(), 1);
        let e = events[0];
        assert_eq!((e.onset, e.peak), (10, 11), "the faint frame before does not begin it");
        assert!((e.amplitude - (c[11] - c[9])).abs() < 1e-6);
        assert!(c[e.end as usize] >= c[9] + 0.5 * e.amplitude && c[e.end as usize + 1] < c[9] + 0.5 * e.amplitude);
    }

    #[test]
    fn what_adds_too_little_is_no_event_and_bursts_are_one() {
        let mut s = vec![0.0f32; 60];
        (s[5], s[20], s[26], s[40]) = (1.0, 5.0, 5.0, 5.0);
        let events = find(&calcium(&s, &[]), &s, 3.0, 10, &[]);
        assert_eq!(events.iter().map(|e| e.onset).collect::<Vec<_>>(), [20, 40]);
        assert_eq!(events[0].peak, 26);
    }

    #[test]
    fn no_event_spans_a_gap() {
        let mut s = vec![0.0f32; 40];
        (s[18], s[19], s[21]) = (5.0, 5.0, 5.0);
        let c = calcium(&s, &[20]);
        let events = find(&c, &s, 3.0, 10, &[20]);
        assert_eq!(
            events.iter().map(|e| (e.onset, e.end.min(19))).collect::<Vec<_>>(),
            [(18, 19), (21, 19)]
        );
        assert!(events[0].end < 20 && (events[1].amplitude - 5.0).abs() < 1e-6);
    }

    #[test]
    fn silence_and_nothing_have_no_events() {
        assert!(find(&[], &[], 1.0, 5, &[]).is_empty());
        assert!(find(&[0.0; 9], &[0.0; 9], 0.0, 5, &[]).is_empty());
        assert!(find(&[f32::NAN; 9], &[0.0; 9], f32::NAN, 5, &[]).is_empty());
    }
}
