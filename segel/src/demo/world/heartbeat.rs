//! A resting electrocardiogram: waves as bell curves per beat and lead, over a wandering baseline.

use super::random::Random;

/// Samples a second.
pub const SAMPLES_PER_SECOND: u32 = 500;
/// Samples of each lead: ten seconds.
pub const SAMPLES: u32 = 5_000;
/// Microvolts of one step of a stored value.
pub const MICROVOLTS_PER_STEP: f32 = 2.5;

/// The heart's rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Sinus rhythm.
    Sinus,
    /// Sinus tachycardia.
    Fast,
    /// Atrial fibrillation: no P wave, nothing regular.
    Fibrillation,
}

/// One wave: millivolts, seconds from the R peak, width in seconds.
type Wave = (f32, f32, f32);

/// P, Q, R, S, T of leads I and II, which determine the other limb leads, and of V1 to V6.
const LEADS: [[Wave; 5]; 8] = [
    [(0.08, -0.165, 0.022), (-0.05, -0.028, 0.008), (0.72, 0.0, 0.0105), (-0.10, 0.028, 0.009), (0.20, 0.255, 0.042)],
    [(0.14, -0.165, 0.022), (-0.07, -0.028, 0.008), (1.08, 0.0, 0.0105), (-0.16, 0.028, 0.009), (0.29, 0.260, 0.043)],
    [(0.06, -0.165, 0.020), (0.0, -0.028, 0.008), (0.24, -0.008, 0.009), (-0.92, 0.020, 0.012), (-0.06, 0.255, 0.040)],
    [(0.07, -0.165, 0.020), (0.0, -0.028, 0.008), (0.42, -0.006, 0.010), (-1.35, 0.022, 0.013), (0.38, 0.250, 0.045)],
    [(0.08, -0.165, 0.021), (0.0, -0.028, 0.008), (0.78, -0.003, 0.011), (-0.88, 0.025, 0.012), (0.42, 0.250, 0.045)],
    [(0.08, -0.165, 0.021), (-0.04, -0.028, 0.008), (1.42, 0.0, 0.0115), (-0.48, 0.027, 0.011), (0.38, 0.252, 0.044)],
    [(0.08, -0.165, 0.021), (-0.08, -0.028, 0.008), (1.36, 0.0, 0.0110), (-0.20, 0.028, 0.010), (0.31, 0.254, 0.043)],
    [(0.07, -0.165, 0.021), (-0.09, -0.028, 0.008), (1.04, 0.0, 0.0108), (-0.08, 0.028, 0.010), (0.24, 0.255, 0.043)],
];

/// The times of the R peaks, in seconds.
fn beats(random: &mut Random, rhythm: Rhythm) -> (Vec<f32>, f32) {
    let interval = match rhythm {
        Rhythm::Sinus => random.between(0.74, 0.98),
        Rhythm::Fast => random.between(0.50, 0.57),
        Rhythm::Fibrillation => random.between(0.55, 0.75),
    };
    let unsteady = if rhythm == Rhythm::Fibrillation { 0.30 } else { 0.025 };
    let mut peaks = vec![random.between(-0.2, 0.3)];
    let mut at = peaks.first().copied().unwrap_or_default();
    while at < 11.0 {
        at += interval * (1.0 + unsteady * random.between(-1.0, 1.0));
        peaks.push(at);
    }
    (peaks, interval)
}

/// Draws twelve leads in the order I, II, III, aVR, aVL, aVF, V1 to V6; samples interleaved by lead, as a waveform's
/// data is stored (PS3.3 C.10.9). Also the heart rate per minute.
#[must_use]
pub fn draw(mut random: Random, rhythm: Rhythm) -> (Vec<i16>, u32) {
    let (peaks, interval) = beats(&mut random, rhythm);
    let height: Vec<f32> = LEADS.iter().map(|_| random.between(0.8, 1.2)).collect();
    // Repolarisation shortens as the heart speeds up (Bazett).
    let stretch = interval.sqrt();
    let (phase, drift) = (random.between(0.0, 6.3), random.between(0.02, 0.06));
    let mut stored = Vec::with_capacity(12 * SAMPLES as usize);
    for sample in 0..SAMPLES {
        let t = sample as f32 / SAMPLES_PER_SECOND as f32;
        let mut lead = LEADS.iter().zip(&height).enumerate().map(|(number, (waves, height))| {
            let n = number as f32;
            let beat: f32 = peaks
                .iter()
                .filter(|peak| (t - **peak).abs() < 0.6)
                .map(|peak| one_beat(waves, t - peak, stretch, rhythm))
                .sum();
            let flutter = if rhythm == Rhythm::Fibrillation {
                0.035 * ((t * 38.0 + n).sin() + (t * 47.0 + n * 2.0).sin() * 0.7)
            } else {
                0.0
            };
            let wander = drift * (t * 1.5 + phase + n * 0.4).sin() + 0.012 * (t * 4.1 + n).sin();
            beat * height + flutter + wander + 0.006 * random.grain()
        });
        let mut next = || lead.next().unwrap_or_default();
        let (one, two) = (next(), next());
        let limbs = [one, two, two - one, -(one + two) / 2.0, one - two / 2.0, two - one / 2.0];
        let chest = [next(), next(), next(), next(), next(), next()];
        stored.extend(limbs.iter().chain(&chest).map(|mv| (mv * 1_000.0 / MICROVOLTS_PER_STEP) as i16));
    }
    (stored, (60.0 / interval) as u32)
}

fn one_beat(waves: &[Wave; 5], t: f32, stretch: f32, rhythm: Rhythm) -> f32 {
    let bell =
        |(height, at, width): Wave, scale: f32| height * (-((t - at * scale) / (width * scale)).powi(2) / 2.0).exp();
    let [p, q, r, s, end] = *waves;
    let start = if rhythm == Rhythm::Fibrillation { 0.0 } else { bell(p, 1.0) };
    start + bell(q, 1.0) + bell(r, 1.0) + bell(s, 1.0) + bell(end, stretch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limb_leads_obey_einthoven() {
        let (samples, rate) = draw(Random::new(4), Rhythm::Sinus);
        assert_eq!(samples.len(), 60_000);
        assert!((55..85).contains(&rate));
        for leads in samples.chunks(12) {
            assert!((i32::from(leads[0]) + i32::from(leads[2]) - i32::from(leads[1])).abs() <= 2);
        }
        assert!(samples.iter().any(|v| *v > 250), "an R wave stands above half a millivolt");
    }
}
