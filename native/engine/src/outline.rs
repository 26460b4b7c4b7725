//! The outline of a footprint.

use crate::types::Footprint;

/// 4π·area / perimeter² of the contour at half the maximum, by marching squares.
pub fn roundness(a: &Footprint) -> f32 {
    let at = |y: isize, x: isize| {
        let inside = y >= 0 && x >= 0 && y < a.height as isize && x < a.width as isize;
        if inside { a.values[y as usize * a.width + x as usize] } else { 0.0 }
    };
    let (mut area, mut perimeter) = (0.0f32, 0.0f32);
    for y in -1..a.height as isize {
        for x in -1..a.width as isize {
            let corners = [(0, 0), (0, 1), (1, 1), (1, 0)].map(|(j, i)| (j as f32, i as f32, at(y + j, x + i)));
            let mut polygon: Vec<(f32, f32, bool)> = Vec::with_capacity(8);
            for n in 0..4 {
                let (p, q) = (corners[n], corners[(n + 1) % 4]);
                if p.2 >= 0.5 {
                    polygon.push((p.0, p.1, false));
                }
                if (p.2 >= 0.5) != (q.2 >= 0.5) {
                    let f = (0.5 - p.2) / (q.2 - p.2);
                    polygon.push((p.0 + f * (q.0 - p.0), p.1 + f * (q.1 - p.1), true));
                }
            }
            for n in 0..polygon.len() {
                let (p, q) = (polygon[n], polygon[(n + 1) % polygon.len()]);
                area += 0.5 * (p.1 * q.0 - p.0 * q.1);
                if p.2 && q.2 {
                    perimeter += ((p.0 - q.0).powi(2) + (p.1 - q.1).powi(2)).sqrt();
                }
            }
        }
    }
    if perimeter > 0.0 {
        4.0 * std::f32::consts::PI * area.abs() / (perimeter * perimeter)
    } else {
        f32::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disc(stretch: f32) -> Footprint {
        let (h, w) = (25, 41);
        let values = (0..h * w)
            .map(|i| {
                let (y, x) = ((i / w) as f32 - 12.0, ((i % w) as f32 - 20.0) / stretch);
                (-(y * y + x * x) / 32.0).exp()
            })
            .collect();
        Footprint {
            top: 3,
            left: 5,
            height: h,
            width: w,
            values,
        }
    }

    #[test]
    fn a_disc_is_round_and_a_rod_is_not() {
        assert!((roundness(&disc(1.0)) - 1.0).abs() < 0.03);
        assert!(roundness(&disc(2.5)) < 0.75);
    }
}
