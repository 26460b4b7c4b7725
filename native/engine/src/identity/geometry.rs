//! Where a point of the common frame lies in a session: rotation and shift of the whole field, then a smooth field of small shifts.

/// A point or a displacement, (y, x) in px.
pub type Point = [f64; 2];

/// `q = R·p + t` with `R = [[cos θ, sin θ], [−sin θ, cos θ]]` on (y, x): a positive angle turns clockwise on a screen (y down).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rigid {
    /// θ, radians.
    pub angle: f64,
    /// t, px.
    pub offset: Point,
}

impl Rigid {
    /// Everything stays where it is.
    pub const IDENTITY: Self = Self {
        angle: 0.0,
        offset: [0.0, 0.0],
    };

    /// Rotation by `angle` about `centre`, then `shift`.
    pub fn about(centre: Point, angle: f64, shift: Point) -> Self {
        let turned = rotate(angle, centre);
        Self {
            angle,
            offset: [centre[0] - turned[0] + shift[0], centre[1] - turned[1] + shift[1]],
        }
    }

    /// The image of a point.
    pub fn apply(&self, p: Point) -> Point {
        let turned = rotate(self.angle, p);
        [turned[0] + self.offset[0], turned[1] + self.offset[1]]
    }

    /// The way back.
    pub fn inverse(&self) -> Self {
        let back = rotate(-self.angle, self.offset);
        Self {
            angle: -self.angle,
            offset: [-back[0], -back[1]],
        }
    }

    /// This one after `first`.
    pub fn after(&self, first: &Self) -> Self {
        Self {
            angle: wrapped(self.angle + first.angle),
            offset: self.apply(first.offset),
        }
    }

    /// The shift that remains when the rotation is taken about `centre`.
    pub fn shift_about(&self, centre: Point) -> Point {
        let moved = self.apply(centre);
        [moved[0] - centre[0], moved[1] - centre[1]]
    }

    /// The transform that brings `from` to `to` with the smallest weighted sum of squared distances (Procrustes in the plane).
    /// `None` without weight; one pair gives a shift.
    pub fn fit(pairs: &[(Point, Point, f64)]) -> Option<Self> {
        let total: f64 = pairs.iter().map(|(_, _, w)| w).sum();
        if total <= 0.0 {
            return None;
        }
        let mean = |side: fn(&(Point, Point, f64)) -> Point| {
            let sum = pairs.iter().fold([0.0, 0.0], |sum, pair| {
                let p = side(pair);
                [sum[0] + pair.2 * p[0], sum[1] + pair.2 * p[1]]
            });
            [sum[0] / total, sum[1] / total]
        };
        let (from, to) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let (mut along, mut across) = (0.0, 0.0);
        for (p, q, w) in pairs {
            let (py, px) = (p[0] - from[0], p[1] - from[1]);
            let (qy, qx) = (q[0] - to[0], q[1] - to[1]);
            along += w * (py * qy + px * qx);
            across += w * (px * qy - py * qx);
        }
        let angle = if along == 0.0 && across == 0.0 { 0.0 } else { across.atan2(along) };
        let turned = rotate(angle, from);
        Some(Self {
            angle,
            offset: [to[0] - turned[0], to[1] - turned[1]],
        })
    }
}

fn rotate(angle: f64, p: Point) -> Point {
    let (sin, cos) = angle.sin_cos();
    [cos * p[0] + sin * p[1], -sin * p[0] + cos * p[1]]
}

fn wrapped(angle: f64) -> f64 {
    use std::f64::consts::PI;
    (angle + PI).rem_euclid(2.0 * PI) - PI
}

/// Square of the distance of two points.
pub fn distance2(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

/// Nodes of the block field on each axis.
pub const NODES: usize = 6;

/// Small shifts on a grid of nodes over a rectangle, bilinear between them and constant beyond.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Top left node.
    pub origin: Point,
    /// Distance of the nodes on each axis, px.
    pub step: Point,
    /// Shift at node (i, j), `i · NODES + j`.
    pub shifts: Vec<Point>,
}

impl Field {
    /// No shift anywhere on a frame of `height × width`.
    pub fn zero(height: usize, width: usize) -> Self {
        let step = |n: usize| (n as f64 / (NODES - 1) as f64).max(1.0);
        Self {
            origin: [0.0, 0.0],
            step: [step(height), step(width)],
            shifts: vec![[0.0, 0.0]; NODES * NODES],
        }
    }

    /// Where node (i, j) lies.
    pub fn node(&self, i: usize, j: usize) -> Point {
        [self.origin[0] + i as f64 * self.step[0], self.origin[1] + j as f64 * self.step[1]]
    }

    /// The shift at a point.
    pub fn at(&self, p: Point) -> Point {
        let place = |axis: usize| {
            let t = ((p[axis] - self.origin[axis]) / self.step[axis]).clamp(0.0, (NODES - 1) as f64);
            let low = (t.floor() as usize).min(NODES - 2);
            (low, t - low as f64)
        };
        let ((i, v), (j, u)) = (place(0), place(1));
        let node = |di: usize, dj: usize| self.shifts[(i + di) * NODES + j + dj];
        let (a, b, c, d) = (node(0, 0), node(0, 1), node(1, 0), node(1, 1));
        let mix = |k: usize| (1.0 - v) * ((1.0 - u) * a[k] + u * b[k]) + v * ((1.0 - u) * c[k] + u * d[k]);
        [mix(0), mix(1)]
    }

    /// The longest shift, px.
    pub fn largest(&self) -> f64 {
        self.shifts.iter().map(|s| s[0].hypot(s[1])).fold(0.0, f64::max)
    }
}

/// From the common frame into one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Rotation and shift.
    pub rigid: Rigid,
    /// Added after it; given over the common frame.
    pub field: Field,
}

impl Placement {
    /// Where a point of the common frame lies in the session.
    pub fn apply(&self, p: Point) -> Point {
        let (q, d) = (self.rigid.apply(p), self.field.at(p));
        [q[0] + d[0], q[1] + d[1]]
    }

    /// Where a point of the session lies in the common frame (the field is small and smooth: three rounds settle it).
    pub fn back(&self, q: Point) -> Point {
        let inverse = self.rigid.inverse();
        let mut p = inverse.apply(q);
        for _ in 0..3 {
            let d = self.field.at(p);
            p = inverse.apply([q[0] - d[0], q[1] - d[1]]);
        }
        p
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Point, b: Point) {
        assert!(distance2(a, b) < 1e-12, "{a:?} {b:?}");
    }

    #[test]
    fn a_positive_angle_turns_clockwise_on_a_screen() {
        // What lies right of the centre goes down.
        let turn = Rigid::about([10.0, 20.0], 90f64.to_radians(), [0.0, 0.0]);
        close(turn.apply([10.0, 25.0]), [15.0, 20.0]);
        close(turn.apply([10.0, 20.0]), [10.0, 20.0]);
    }

    #[test]
    fn transforms_chain_and_go_back() {
        let (a, b) = (
            Rigid::about([5.0, 9.0], 0.3, [1.0, -2.0]),
            Rigid::about([0.0, 3.0], -1.1, [4.0, 0.5]),
        );
        let p = [7.0, -3.0];
        close(b.after(&a).apply(p), b.apply(a.apply(p)));
        close(a.inverse().apply(a.apply(p)), p);
        close(Rigid::about([5.0, 9.0], 0.3, [1.0, -2.0]).shift_about([5.0, 9.0]), [1.0, -2.0]);
    }

    #[test]
    fn the_fit_recovers_the_transform_of_weighted_pairs() {
        let truth = Rigid::about([60.0, 40.0], 0.07, [3.0, -5.0]);
        let mut pairs: Vec<_> = [[0.0, 0.0], [100.0, 3.0], [20.0, 70.0], [55.0, 41.0]]
            .iter()
            .enumerate()
            .map(|(i, p)| (*p, truth.apply(*p), 1.0 + i as f64))
            .collect();
        pairs.push(([50.0, 50.0], [0.0, 0.0], 0.0));
        let fit = Rigid::fit(&pairs).unwrap();
        assert!((fit.angle - truth.angle).abs() < 1e-9);
        close(fit.offset, truth.offset);
        assert_eq!(Rigid::fit(&[]), None);
        assert_eq!(Rigid::fit(&[([1.0, 1.0], [3.0, 0.0], 2.0)]).unwrap().apply([0.0, 0.0]), [2.0, -1.0]);
    }

    #[test]
    fn a_field_is_bilinear_inside_and_constant_beyond() {
        let mut field = Field::zero(50, 100);
        for i in 0..NODES {
            for j in 0..NODES {
                let [y, x] = field.node(i, j);
                field.shifts[i * NODES + j] = [0.01 * y, 0.02 * x];
            }
        }
        close(field.at([17.0, 33.0]), [0.17, 0.66]);
        close(field.at([-10.0, 300.0]), [0.0, 2.0]);
        let placed = Placement {
            rigid: Rigid::about([25.0, 50.0], 0.1, [2.0, 1.0]),
            field,
        };
        assert!(distance2(placed.back(placed.apply([20.0, 70.0])), [20.0, 70.0]) < 1e-6);
    }
}
