//! Grey planes of real numbers, and what pictures are made of.

use super::LEAKED_PIXELS_MAX;

/// A count as a real number: exact, as no side of a picture comes near 2^24.
#[must_use]
pub fn real(count: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "sides and counts of pictures are below 2^24")]
    let real = count as f32;
    real
}

/// The nearest count that is not negative.
#[must_use]
pub fn whole(real: f32) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    let whole = real.round() as usize;
    whole
}

/// The nearest level of eight bits.
#[must_use]
pub fn level(real: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    let level = real.round() as u8;
    level
}

/// A picture of eight bits, grey or in three colours.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl Picture {
    /// Of one byte a pixel. `None` if the bytes are not as many as the pixels, there are none, or there are more than
    /// [`LEAKED_PIXELS_MAX`].
    #[must_use]
    pub fn grey(width: usize, height: usize, bytes: Vec<u8>) -> Option<Self> {
        Self::new(width, height, 1, bytes)
    }

    /// Of red, green and blue for each pixel.
    #[must_use]
    pub fn rgb(width: usize, height: usize, bytes: Vec<u8>) -> Option<Self> {
        Self::new(width, height, 3, bytes)
    }

    fn new(width: usize, height: usize, channels: usize, bytes: Vec<u8>) -> Option<Self> {
        let pixels = width.checked_mul(height).filter(|pixels| (1..=LEAKED_PIXELS_MAX).contains(pixels))?;
        (bytes.len() == pixels * channels).then_some(Self { width, height, channels, bytes })
    }

    /// Pixels across.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels down.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, line by line.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a pixel has three colours.
    #[must_use]
    pub fn is_colour(&self) -> bool {
        self.channels == 3
    }

    /// Its luma (ITU-R BT.601), with squares of pixels averaged until no side is longer than twice `side`.
    #[must_use]
    pub fn luma(&self, side: usize) -> Plane {
        let square = (self.width.max(self.height) / side.max(1)).max(1);
        let (width, height) = (self.width.div_ceil(square), self.height.div_ceil(square));
        let mut sums = vec![0.0; width * height];
        let mut counts = vec![0.0_f32; width * height];
        for (y, line) in self.bytes.chunks_exact(self.width * self.channels).enumerate() {
            let from = y / square * width;
            let sums = sums.get_mut(from..from + width).unwrap_or_default();
            let counts = counts.get_mut(from..from + width).unwrap_or_default();
            let groups = line.chunks(square * self.channels).zip(sums.iter_mut().zip(counts.iter_mut()));
            for (pixels, (sum, count)) in groups {
                *sum += pixels.chunks_exact(self.channels).map(luma).sum::<f32>();
                *count += real(pixels.len() / self.channels);
            }
        }
        sums.iter_mut().zip(&counts).for_each(|(sum, count)| *sum /= count.max(1.0));
        Plane { width, height, samples: sums }
    }

    /// Left and right exchanged.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let lines = self.bytes.chunks_exact(self.width * self.channels);
        let bytes = lines.flat_map(|line| line.chunks_exact(self.channels).rev().flatten().copied()).collect();
        Self { bytes, ..*self }
    }

    /// Dark and bright exchanged.
    #[must_use]
    pub fn negative(&self) -> Self {
        Self { bytes: self.bytes.iter().map(|byte| 255 - byte).collect(), ..*self }
    }

    /// The picture with `change` added to each pixel's luma, which is as large as the picture.
    #[must_use]
    pub fn changed(&self, change: &Plane) -> Self {
        let mut bytes = self.bytes.clone();
        for (pixel, change) in bytes.chunks_exact_mut(self.channels).zip(&change.samples) {
            pixel.iter_mut().for_each(|byte| *byte = level(f32::from(*byte) + change));
        }
        Self { bytes, ..*self }
    }
}

fn luma(pixel: &[u8]) -> f32 {
    match pixel {
        [red, green, blue] => 0.299 * f32::from(*red) + 0.587 * f32::from(*green) + 0.114 * f32::from(*blue),
        [grey, ..] => f32::from(*grey),
        [] => 0.0,
    }
}

// Pixels are of a patient: none of them is ever printed.
impl std::fmt::Debug for Picture {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Picture({} x {} x {})", self.width, self.height, self.channels)
    }
}

impl std::fmt::Debug for Plane {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Plane({} x {})", self.width, self.height)
    }
}

/// A plane of real numbers, line by line.
#[derive(Clone, PartialEq)]
pub struct Plane {
    width: usize,
    height: usize,
    samples: Vec<f32>,
}

impl Plane {
    /// Of a value for each place.
    #[must_use]
    pub fn from_fn(width: usize, height: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let samples = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y)).collect();
        Self { width, height, samples }
    }

    /// Of samples, line by line; zeros stand for those that are missing.
    pub(super) fn new(width: usize, height: usize, mut samples: Vec<f32>) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        samples.resize(width * height, 0.0);
        Self { width, height, samples }
    }

    /// Samples across.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Samples down.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// All samples, line by line.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The lines, from the top.
    pub fn lines(&self) -> impl Iterator<Item = &[f32]> {
        self.samples.chunks_exact(self.width)
    }

    /// A line; the nearest one if it is outside.
    #[must_use]
    pub fn line(&self, y: isize) -> &[f32] {
        let y = usize::try_from(y).unwrap_or_default().min(self.height - 1);
        self.samples.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    /// A sample; the nearest one if it is outside.
    #[must_use]
    pub fn at(&self, x: isize, y: isize) -> f32 {
        let x = usize::try_from(x).unwrap_or_default().min(self.width - 1);
        self.line(y).get(x).copied().unwrap_or_default()
    }

    /// A value for each sample of this plane.
    #[must_use]
    pub fn map(&self, value: impl FnMut(f32) -> f32) -> Self {
        Self { samples: self.samples.iter().copied().map(value).collect(), ..*self }
    }

    /// A value for each pair of samples of this plane and another of its size.
    #[must_use]
    pub fn with(&self, other: &Self, mut value: impl FnMut(f32, f32) -> f32) -> Self {
        let samples = self.samples.iter().zip(&other.samples).map(|(own, other)| value(*own, *other)).collect();
        Self { samples, ..*self }
    }

    /// The mean of all samples.
    #[must_use]
    pub fn mean(&self) -> f32 {
        let sum: f64 = self.samples.iter().map(|sample| f64::from(*sample)).sum();
        #[expect(clippy::cast_possible_truncation, reason = "a mean of samples is like a sample")]
        let mean = (sum / f64::from(real(self.samples.len()))) as f32;
        mean
    }

    /// Smoothed by a Gaussian of a deviation in samples.
    #[must_use]
    pub fn smooth(&self, deviation: f32) -> Self {
        let reach = whole((3.0 * deviation).ceil()).clamp(1, 64);
        let kernel: Vec<f32> = (0..=2 * reach)
            .map(|tap| (-0.5 * ((real(tap) - real(reach)) / deviation.max(0.01)).powi(2)).exp())
            .collect();
        let sum: f32 = kernel.iter().sum();
        let kernel: Vec<f32> = kernel.iter().map(|tap| tap / sum).collect();
        self.convolved_across(&kernel, reach).convolved_down(&kernel, reach)
    }

    fn convolved_across(&self, kernel: &[f32], reach: usize) -> Self {
        let mut samples = Vec::with_capacity(self.samples.len());
        let mut padded = Vec::with_capacity(self.width + 2 * reach);
        for line in self.lines() {
            padded.clear();
            padded.extend(std::iter::repeat_n(line.first().copied().unwrap_or_default(), reach));
            padded.extend_from_slice(line);
            padded.extend(std::iter::repeat_n(line.last().copied().unwrap_or_default(), reach));
            let from = samples.len();
            samples.resize(from + self.width, 0.0);
            let out = samples.get_mut(from..).unwrap_or_default();
            for (shift, tap) in kernel.iter().enumerate() {
                add(out, padded.get(shift..).unwrap_or_default(), *tap);
            }
        }
        Self { samples, ..*self }
    }

    fn convolved_down(&self, kernel: &[f32], reach: usize) -> Self {
        let mut samples = vec![0.0; self.samples.len()];
        let reach = isize::try_from(reach).unwrap_or_default();
        for (y, out) in (0..).zip(samples.chunks_exact_mut(self.width)) {
            for (shift, tap) in (-reach..).zip(kernel) {
                add(out, self.line(y + shift), *tap);
            }
        }
        Self { samples, ..*self }
    }

    /// At another size, by cubic interpolation; what the new size cannot hold is smoothed away first.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let across = Taps::new(self.width, width.max(1));
        let down = Taps::new(self.height, height.max(1));
        let mut samples = Vec::with_capacity(across.0.len() * self.height);
        for line in self.lines() {
            samples.extend(across.0.iter().map(|(from, taps)| {
                line.get(*from..).unwrap_or_default().iter().zip(taps).map(|(sample, tap)| sample * tap).sum::<f32>()
            }));
        }
        let wide = Self { width: across.0.len(), height: self.height, samples };
        let mut samples = vec![0.0; wide.width * down.0.len()];
        for (out, (from, taps)) in samples.chunks_exact_mut(wide.width).zip(&down.0) {
            for (line, tap) in (*from..).zip(taps) {
                add(out, wide.line(isize::try_from(line).unwrap_or_default()), *tap);
            }
        }
        Self { width: wide.width, height: down.0.len(), samples }
    }

    /// Smaller, such that no side is longer than `side`; as it is if none is.
    #[must_use]
    pub fn within(&self, side: usize) -> Self {
        let longest = self.width.max(self.height);
        if longest <= side {
            return self.clone();
        }
        let scaled = |own: usize| (own * side / longest).max(1);
        self.resized(scaled(self.width), scaled(self.height))
    }

    /// The value between samples, whose middles are at whole numbers: by Catmull and Rom's cubic.
    #[must_use]
    pub fn between(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (floor(x), floor(y));
        let (across, down) = (cubics(x - x.floor()), cubics(y - y.floor()));
        let mut sum = 0.0;
        for (y, weight) in (top - 1..).zip(down) {
            let line = self.line(y);
            let inside = usize::try_from(left - 1).ok().and_then(|from| line.get(from..from + 4));
            let own: f32 = match inside {
                Some(four) => four.iter().zip(across).map(|(sample, weight)| sample * weight).sum(),
                None => (left - 1..).zip(across).map(|(x, weight)| self.at(x, y) * weight).sum(),
            };
            sum += own * weight;
        }
        sum
    }
}

/// Adds `weight` times `line` to `sums`.
pub(super) fn add(sums: &mut [f32], line: &[f32], weight: f32) {
    sums.iter_mut().zip(line).for_each(|(sum, sample)| *sum += weight * sample);
}

/// The sum of products, in lanes that the processor adds side by side.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (whole_a, rest_a) = a.as_chunks::<16>();
    let (whole_b, rest_b) = b.as_chunks::<16>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f32>()
}

pub(super) fn floor(real: f32) -> isize {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates, and a saturated place is outside")]
    let floor = real.floor().clamp(-1e9, 1e9) as isize;
    floor
}

fn cubics(part: f32) -> [f32; 4] {
    let cubic = |distance: f32| catmull_rom(distance.abs());
    [cubic(part + 1.0), cubic(part), cubic(1.0 - part), cubic(2.0 - part)]
}

fn catmull_rom(distance: f32) -> f32 {
    if distance < 1.0 {
        (1.5 * distance - 2.5) * distance * distance + 1.0
    } else if distance < 2.0 {
        ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    } else {
        0.0
    }
}

/// For each new sample, the first old one and the weights from there on.
struct Taps(Vec<(usize, Vec<f32>)>);

impl Taps {
    fn new(old: usize, new: usize) -> Self {
        let step = real(old) / real(new);
        let wide = step.max(1.0);
        let taps = (0..new).map(|place| {
            let middle = (real(place) + 0.5) * step - 0.5;
            let from = whole((middle - 2.0 * wide).ceil().max(0.0)).min(old - 1);
            let until = whole((middle + 2.0 * wide).floor().max(0.0)).clamp(from, old - 1);
            let weights: Vec<f32> = (from..=until).map(|old| catmull_rom((real(old) - middle).abs() / wide)).collect();
            let sum: f32 = weights.iter().sum();
            let sum = if sum.abs() < 1e-6 { 1.0 } else { sum };
            (from, weights.iter().map(|weight| weight / sum).collect())
        });
        Self(taps.collect())
    }
}
