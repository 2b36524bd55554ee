//! A number written into a picture so that it can be read without a list of who may have had it.
//!
//! 42 bits of number and 16 of check go through the convolutional code of rate 1/2 and constraint length 7 with the generators 133
//! and 171 (octal; CCSDS 131.0-B), ended by six zeros: 128 bits, that are read by Viterbi's algorithm from soft values.

/// Bits in a picture.
pub const BITS: usize = 128;
/// Numbers are below 2 to this power.
pub const NUMBER_BITS: u32 = 42;

const STEPS: usize = BITS / 2;
const STATES: usize = 64;
const GENERATORS: [u32; 2] = [0o171, 0o133];

/// The bits of a number, as 1 and -1. What is above [`NUMBER_BITS`] is not kept.
#[must_use]
pub fn encode(number: u64) -> Vec<f32> {
    let number = number & ((1 << NUMBER_BITS) - 1);
    let word = number << 16 | u64::from(check(number));
    let (mut state, mut bits) = (0, Vec::with_capacity(BITS));
    for step in 0..STEPS {
        let input = if step < 58 { u32::from(word >> (57 - step) & 1 == 1) } else { 0 };
        bits.extend(outputs(state, input));
        state = next(state, input);
    }
    bits
}

/// The number of soft values, whose signs say the bit and whose sizes how sure it is. `None` if the check does not hold: of noise
/// one in 65,536 passes, so a number alone names nobody.
#[must_use]
pub fn decode(soft: &[f32]) -> Option<u64> {
    let mut best = [f32::NEG_INFINITY; STATES];
    if let Some(first) = best.first_mut() {
        *first = 0.0;
    }
    let mut inputs: Vec<[Option<(u32, u32)>; STATES]> = Vec::with_capacity(STEPS);
    for (step, pair) in soft.chunks_exact(2).take(STEPS).enumerate() {
        let (mut after, mut came) = ([f32::NEG_INFINITY; STATES], [None; STATES]);
        for (state, metric) in (0_u32..).zip(best).filter(|(_, metric)| *metric > f32::NEG_INFINITY) {
            for input in 0..if step < 58 { 2 } else { 1 } {
                let gained: f32 = pair.iter().zip(outputs(state, input)).map(|(soft, bit)| soft * bit).sum();
                let to = usize::try_from(next(state, input)).unwrap_or_default();
                if let (Some(after), Some(came)) = (after.get_mut(to), came.get_mut(to))
                    && metric + gained > *after
                {
                    (*after, *came) = (metric + gained, Some((state, input)));
                }
            }
        }
        best = after;
        inputs.push(came);
    }
    if inputs.len() < STEPS {
        return None;
    }
    // The zeros at the end lead back to the first state.
    let (mut state, mut word) = (0_u32, 0_u64);
    for (step, came) in inputs.iter().enumerate().rev() {
        let (from, input) = came.get(usize::try_from(state).ok()?).copied().flatten()?;
        if step < 58 {
            word |= u64::from(input) << (57 - step);
        }
        state = from;
    }
    let number = word >> 16;
    (u64::from(check(number)) == word & 0xFFFF).then_some(number)
}

fn outputs(state: u32, input: u32) -> [f32; 2] {
    let register = input << 6 | state;
    GENERATORS.map(|generator| if (register & generator).count_ones() % 2 == 1 { 1.0 } else { -1.0 })
}

fn next(state: u32, input: u32) -> u32 {
    (input << 6 | state) >> 1
}

/// CRC-16 of ITU-T X.25's polynomial over the number's 42 bits, begun with ones so that zero has a check of its own.
fn check(number: u64) -> u16 {
    (0..NUMBER_BITS).rev().fold(0xFFFF, |check, bit| {
        let one = (check >> 15 == 1) != (number >> bit & 1 == 1);
        if one { check << 1 ^ 0x1021 } else { check << 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_with_a_tenth_of_its_bits_wrong_and_noise_has_none() {
        let mut state = 1_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let (mut wrong, mut read) = (0, 0);
        for trial in 0..2000 {
            let number = below(1 << 31) << 11 | trial;
            let mut bits = encode(number);
            assert_eq!(bits.len(), BITS);
            assert_eq!(decode(&bits), Some(number & ((1 << NUMBER_BITS) - 1)));
            for bit in &mut bits {
                *bit *= if below(100) < 7 { -0.4 } else { 1.0 };
            }
            wrong += u32::from(decode(&bits) != Some(number & ((1 << NUMBER_BITS) - 1)));
            let noise: Vec<f32> = (0..BITS).map(|_| if below(2) == 0 { 1.0 } else { -1.0 }).collect();
            read += u32::from(decode(&noise).is_some());
        }
        assert!(wrong < 20, "{wrong} of 2000 were not read");
        assert!(read < 3, "{read} of 2000 noises were read");
        assert_eq!(decode(&[]), None);
    }
}
