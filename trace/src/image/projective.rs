//! Ways from the places of one picture to those of another that keep straight lines straight.

use super::fit::solve;

/// A projective map of the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projective {
    /// Its matrix, line by line; the last number is one.
    matrix: [f64; 9],
}

impl Projective {
    /// Where everything stays.
    pub const SAME: Self = Self { matrix: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0] };

    /// Turned by an angle in radians, made larger and moved, in this order.
    #[must_use]
    pub fn similar(scale: f64, angle: f64, across: f64, down: f64) -> Self {
        let (sine, cosine) = (scale * angle.sin(), scale * angle.cos());
        Self { matrix: [cosine, -sine, across, sine, cosine, down, 0.0, 0.0, 1.0] }
    }

    /// Each coordinate made larger and moved: from the places of samples of a picture to those of its larger self, middles of
    /// samples being at whole numbers.
    #[must_use]
    pub fn stretched(across: f64, down: f64) -> Self {
        let shift = |scale: f64| (scale - 1.0) / 2.0;
        Self { matrix: [across, 0.0, shift(across), 0.0, down, shift(down), 0.0, 0.0, 1.0] }
    }

    /// Where a place comes to. `None` if that is at the horizon or behind it.
    #[must_use]
    pub fn of(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let [a, b, c, d, e, f, g, h, i] = self.matrix;
        let depth = g * x + h * y + i;
        (depth > 1e-9).then(|| ((a * x + b * y + c) / depth, (d * x + e * y + f) / depth))
    }

    /// This way, and then another.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let [a, b, c, d, e, f, g, h, i] = self.matrix;
        let mut matrix = [0.0; 9];
        for (out, line) in matrix.chunks_exact_mut(3).zip(next.matrix.chunks_exact(3)) {
            if let ([x, y, z], [p, q, r]) = (out, line) {
                (*x, *y, *z) = (p * a + q * d + r * g, p * b + q * e + r * h, p * c + q * f + r * i);
            }
        }
        Self { matrix }.scaled()
    }

    fn scaled(self) -> Self {
        let [.., last] = self.matrix;
        if last.abs() < 1e-12 { self } else { Self { matrix: self.matrix.map(|value| value / last) } }
    }

    /// The way back, if there is one.
    #[must_use]
    pub fn back(&self) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i] = self.matrix;
        let determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
        if determinant.abs() < 1e-12 || !determinant.is_finite() {
            return None;
        }
        let adjugate = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ];
        Some(Self { matrix: adjugate.map(|value| value / determinant) }.scaled())
    }

    /// By how much lengths grow near a place, and how unlike they grow in different directions: the largest over the smallest.
    #[must_use]
    pub fn growth(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (own, right, below) = (self.of((x, y))?, self.of((x + 1.0, y))?, self.of((x, y + 1.0))?);
        let (a, b, c, d) = (right.0 - own.0, below.0 - own.0, right.1 - own.1, below.1 - own.1);
        let area = a * d - b * c;
        let squares = a * a + b * b + c * c + d * d;
        let root = (squares * squares - 4.0 * area * area).max(0.0).sqrt();
        let (large, small) = (((squares + root) / 2.0).sqrt(), ((squares - root) / 2.0).max(0.0).sqrt());
        (area > 0.0).then_some((area.sqrt(), large / small.max(1e-9)))
    }

    /// The way that brings weighted places nearest to where they come, by least squares: `how` says what may change. The weights
    /// are not negative. `None` if the places do not tell.
    #[must_use]
    pub fn fitted(pairs: &[Pair], how: Freedom) -> Option<Self> {
        // Numbers near one are solved best.
        let (from, to) = (frame(pairs.iter().map(|pair| pair.from))?, frame(pairs.iter().map(|pair| pair.to))?);
        let matrix = match how {
            Freedom::Affine => affine(pairs, &from, &to)?,
            Freedom::Projective => projective(pairs, &from, &to)?,
        };
        Some(from.then(&Self { matrix }).then(&to.back()?))
    }
}

/// A place, where it comes to, and how much that counts.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The place.
    pub from: (f64, f64),
    /// Where it comes to.
    pub to: (f64, f64),
    /// How much it counts.
    pub weight: f64,
}

/// What a way may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freedom {
    /// Keep parallels.
    Affine,
    /// Keep straight lines.
    Projective,
}

/// Moves places to around zero, at a distance of about one.
fn frame(places: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Projective> {
    let count = places.clone().fold(0.0, |count, _| count + 1.0);
    let sum = places.clone().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let (x, y) = (sum.0 / f64::max(count, 1.0), sum.1 / f64::max(count, 1.0));
    let spread = places.map(|place| (place.0 - x).hypot(place.1 - y)).sum::<f64>() / f64::max(count, 1.0);
    let scale = 1.0 / spread;
    (spread > 1e-6 && scale.is_finite()).then(|| Projective::similar(scale, 0.0, -x * scale, -y * scale))
}

fn affine(pairs: &[Pair], from: &Projective, to: &Projective) -> Option<[f64; 9]> {
    let (mut across, mut down) = ([[0.0; 4]; 3], [[0.0; 4]; 3]);
    for pair in pairs {
        let ((x, y), (u, v)) = (from.of(pair.from)?, to.of(pair.to)?);
        gather(&mut across, [x, y, 1.0, u], pair.weight);
        gather(&mut down, [x, y, 1.0, v], pair.weight);
    }
    let ([a, b, c], [d, e, f]) = (solve(across)?, solve(down)?);
    Some([a, b, c, d, e, f, 0.0, 0.0, 1.0])
}

fn projective(pairs: &[Pair], from: &Projective, to: &Projective) -> Option<[f64; 9]> {
    let mut normal = [[0.0; 9]; 8];
    for pair in pairs {
        let ((x, y), (u, v)) = (from.of(pair.from)?, to.of(pair.to)?);
        gather(&mut normal, [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u], pair.weight);
        gather(&mut normal, [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v], pair.weight);
    }
    let [a, b, c, d, e, f, g, h] = solve(normal)?;
    Some([a, b, c, d, e, f, g, h, 1.0])
}

fn gather<const N: usize, const M: usize>(normal: &mut [[f64; M]; N], row: [f64; M], weight: f64) {
    for (line, first) in normal.iter_mut().zip(row) {
        line.iter_mut().zip(row).for_each(|(sum, second)| *sum += weight * first * second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_found_again_from_places_and_leads_back() {
        let way = Projective { matrix: [1.1, 0.2, 30.0, -0.1, 0.9, -12.0, 2e-4, -1e-4, 1.0] };
        let places = [(10.0, 20.0), (500.0, 30.0), (480.0, 500.0), (5.0, 450.0), (250.0, 260.0)];
        let pairs: Vec<Pair> =
            places.iter().map(|from| Pair { from: *from, to: way.of(*from).unwrap(), weight: 1.0 }).collect();
        let found = Projective::fitted(&pairs, Freedom::Projective).unwrap();
        for place in places {
            let (there, again) = (way.of(place).unwrap(), found.of(place).unwrap());
            assert!((there.0 - again.0).hypot(there.1 - again.1) < 1e-6);
            let home = way.back().unwrap().of(there).unwrap();
            assert!((place.0 - home.0).hypot(place.1 - home.1) < 1e-6);
        }
        assert!(Projective::fitted(&pairs[..3], Freedom::Projective).is_none(), "three places do not tell");
        assert!(Projective::fitted(&[], Freedom::Affine).is_none());
        let turned = Projective::similar(2.0, 0.3, 5.0, 6.0);
        let (growth, unlike) = turned.growth((7.0, 8.0)).unwrap();
        assert!((growth - 2.0).abs() < 1e-9 && (unlike - 1.0).abs() < 1e-4);
        assert_eq!(
            turned.then(&turned.back().unwrap()).of((3.0, 4.0)).map(|(x, y)| (x.round(), y.round())),
            Some((3.0, 4.0))
        );
    }
}
