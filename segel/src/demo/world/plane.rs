//! A picture in the making: one number per pixel, drawn on with soft strokes.

/// Pixels in rows. Coordinates of drawing are in widths of the picture: x from 0 to 1, y from 0 down to height / width.
#[derive(Clone, Debug)]
pub struct Plane {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row after row.
    pub values: Vec<f32>,
}

/// A point of a stroke, with the stroke's half width and strength there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dab {
    /// Across.
    pub x: f32,
    /// Down.
    pub y: f32,
    /// Half width.
    pub radius: f32,
    /// Value at the middle.
    pub strength: f32,
}

/// From 0 at `low` to 1 at `high`, smoothly.
#[must_use]
pub fn smooth(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// How far a point lies from an ellipse's middle, 1 on its rim.
#[must_use]
pub fn ellipse(x: f32, y: f32, centre: (f32, f32), radii: (f32, f32)) -> f32 {
    ((x - centre.0) / radii.0).hypot((y - centre.1) / radii.1)
}

impl Plane {
    /// All zero.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![0.0; width * height] }
    }

    /// Changes every pixel by its place and value.
    pub fn paint(&mut self, mut change: impl FnMut(f32, f32, f32) -> f32) {
        let scale = 1.0 / self.width.max(1) as f32;
        for (row, line) in self.values.chunks_exact_mut(self.width.max(1)).enumerate() {
            let y = (row as f32 + 0.5) * scale;
            for (column, value) in line.iter_mut().enumerate() {
                *value = change((column as f32 + 0.5) * scale, y, *value);
            }
        }
    }

    /// Adds another picture of the same size.
    pub fn add(&mut self, other: &Self, factor: f32) {
        for (value, more) in self.values.iter_mut().zip(&other.values) {
            *value += more * factor;
        }
    }

    /// Draws a line through the dabs, cut off square at its ends. `profile` gives the share of the strength at a distance
    /// of 0 (middle) to 1 (edge). Where strokes of one plane cross, the stronger one shows, as tubes in one depth would.
    pub fn stroke(&mut self, dabs: &[Dab], profile: impl Fn(f32) -> f32) {
        self.line(dabs, false, profile);
    }

    /// The same with round ends, so that pieces drawn one by one join.
    pub fn rounded(&mut self, dabs: &[Dab], profile: impl Fn(f32) -> f32) {
        self.line(dabs, true, profile);
    }

    fn line(&mut self, dabs: &[Dab], round: bool, profile: impl Fn(f32) -> f32) {
        let size = self.width as f32;
        let reach = dabs.iter().map(|d| d.radius).fold(0.0, f32::max);
        let span = |of: fn(&Dab) -> f32, count: usize| {
            let low = dabs.iter().map(of).fold(f32::INFINITY, f32::min);
            let high = dabs.iter().map(of).fold(f32::NEG_INFINITY, f32::max);
            let first = ((low - reach) * size).floor().max(0.0) as usize;
            let last = (((high + reach) * size).ceil().max(0.0) as usize).min(count);
            first.min(last)..last
        };
        let (rows, columns) = (span(|d| d.y, self.height), span(|d| d.x, self.width));
        for row in rows {
            let y = (row as f32 + 0.5) / size;
            let near = Nearest::new(dabs, y, round);
            let start = row * self.width;
            let Some(line) = self.values.get_mut(start + columns.start..start + columns.end) else { continue };
            for (step, value) in line.iter_mut().enumerate() {
                let x = ((columns.start + step) as f32 + 0.5) / size;
                if let Some((distance, strength)) = near.at(x, y) {
                    *value = value.max(strength * profile(distance));
                }
            }
        }
    }

    /// Blurs with a box of `2 * radius + 1` pixels, in both directions.
    pub fn blur(&mut self, radius: usize) {
        let width = self.width.max(1);
        let mut line = Vec::new();
        for row in self.values.chunks_exact_mut(width) {
            average(row.iter_mut(), radius, &mut line);
        }
        for column in 0..width {
            average(self.values.iter_mut().skip(column).step_by(width), radius, &mut line);
        }
    }
}

/// The segments of a stroke that a row of pixels can touch.
struct Nearest {
    segments: Vec<(Dab, Dab, bool, bool)>,
}

impl Nearest {
    fn new(dabs: &[Dab], y: f32, round: bool) -> Self {
        let last = dabs.len().saturating_sub(2);
        let segments = dabs
            .windows(2)
            .enumerate()
            .filter_map(|(at, pair)| match pair {
                [from, to] => Some((*from, *to, at == 0 && !round, at == last && !round)),
                _ => None,
            })
            .filter(|(from, to, _, _)| {
                let reach = from.radius.max(to.radius);
                y > from.y.min(to.y) - reach && y < from.y.max(to.y) + reach
            })
            .collect();
        Self { segments }
    }

    /// Distance from the stroke's middle in half widths, and the strength there; `None` beside the stroke.
    fn at(&self, x: f32, y: f32) -> Option<(f32, f32)> {
        let mut best: Option<(f32, f32)> = None;
        for (from, to, first, last) in &self.segments {
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            let along = ((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy).max(1e-9);
            if (*first && along < 0.0) || (*last && along > 1.0) {
                continue;
            }
            let t = along.clamp(0.0, 1.0);
            let radius = from.radius + (to.radius - from.radius) * t;
            let distance = (x - from.x - dx * t).hypot(y - from.y - dy * t) / radius;
            if distance < best.map_or(1.0, |(nearest, _)| nearest) {
                best = Some((distance, from.strength + (to.strength - from.strength) * t));
            }
        }
        best
    }
}

/// A running mean over one line of pixels.
fn average<'a>(values: impl Iterator<Item = &'a mut f32>, radius: usize, line: &mut Vec<f32>) {
    let mut values: Vec<&mut f32> = values.collect();
    line.clear();
    line.extend(values.iter().map(|v| **v));
    let mut sum: f32 = line.iter().take(radius).sum();
    let mut count = line.len().min(radius) as f32;
    for (at, value) in values.iter_mut().enumerate() {
        if let Some(entering) = line.get(at + radius) {
            sum += entering;
            count += 1.0;
        }
        if let Some(leaving) = at.checked_sub(radius + 1).and_then(|i| line.get(i)) {
            sum -= leaving;
            count -= 1.0;
        }
        **value = sum / count;
    }
}

/// A tube seen through: thickest in the middle.
#[must_use]
pub fn tube(distance: f32) -> f32 {
    (1.0 - distance * distance).max(0.0).sqrt()
}

/// A hollow bone seen through: the cortex shows as a brighter rim.
#[must_use]
pub fn bone(distance: f32) -> f32 {
    let rim = (distance - 0.80) / 0.15;
    tube(distance) * 0.68 + 0.42 * (-rim * rim).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_an_even_plane_and_spreads_a_point() {
        let mut plane = Plane::new(9, 9);
        plane.paint(|_, _, _| 4.0);
        plane.blur(3);
        assert!(plane.values.iter().all(|v| (v - 4.0).abs() < 1e-4));
        let mut point = Plane::new(9, 9);
        point.values[40] = 9.0;
        point.blur(1);
        assert!((point.values[40] - 1.0).abs() < 1e-4);
        assert!((point.values[30] - 1.0).abs() < 1e-4);
        assert!(point.values[0].abs() < 1e-4);
    }

    #[test]
    fn a_stroke_stays_inside_its_width() {
        let mut plane = Plane::new(100, 50);
        let dab = |x| Dab { x, y: 0.25, radius: 0.05, strength: 2.0 };
        plane.stroke(&[dab(-0.5), dab(1.5)], tube);
        assert!(plane.values[25 * 100 + 50] > 1.9);
        assert!(plane.values[10 * 100 + 50].abs() < 1e-6);
    }
}
