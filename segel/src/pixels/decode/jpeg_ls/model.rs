//! Contexts, prediction and runs (ITU-T T.87 annex A).

use super::Lines;
use super::bits::Bits;

/// Table A.1 and clauses A.1, C.2.4.1.1.
pub struct Parameters {
    max: i32,
    near: i32,
    range: i32,
    range_bits: u32,
    limit: u32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Parameters {
    /// The parameters of a scan; a preset value of 0 is the default.
    pub fn new(precision: u8, near: i32, preset: [i32; 5]) -> Option<Self> {
        let [max, t1, t2, t3, reset] = preset;
        let whole = (1 << precision) - 1;
        let max = if max == 0 { whole } else { max };
        if max > whole || max < 1 || near > (max / 2).min(255) {
            return None;
        }
        let step = 2 * near + 1;
        let range = (max + 2 * near) / step + 1;
        let log = |n: i32| u32::BITS - u32::try_from(n - 1).unwrap_or(0).leading_zeros();
        let bits = log(max + 1).max(2);
        let or = |given: i32, default: i32| if given == 0 { default } else { given };
        let [d1, d2, d3] = defaults(max, near);
        let reset = or(reset, 64);
        (reset >= 3).then_some(Self {
            max,
            near,
            range,
            range_bits: log(range),
            limit: 2 * (bits + bits.max(8)),
            thresholds: [or(t1, d1), or(t2, d2), or(t3, d3)],
            reset,
        })
    }
}

/// C.2.4.1.1.1.
fn defaults(max: i32, near: i32) -> [i32; 3] {
    let clamp = |value: i32, low: i32| if value > max || value < low { low } else { value };
    let [a, b, c] = if max >= 128 {
        let factor = (max.min(4095) + 128) / 256;
        [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
    } else {
        let factor = 256 / (max + 1);
        [(3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4)]
    };
    let t1 = clamp(a, near + 1);
    let t2 = clamp(b, t1);
    [t1, t2, clamp(c, t2)]
}

/// A context's counters (A.2).
#[derive(Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

/// A run's end has counters of its own (A.7.2).
#[derive(Clone, Copy)]
struct RunContext {
    a: i32,
    n: i32,
    negative: i32,
}

/// Table A.3 (J).
const RUN_BITS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The state of a scan.
pub struct Model {
    parameters: Parameters,
    contexts: Vec<Context>,
    runs: [RunContext; 2],
}

/// The samples around one: left, above, above left, above right.
#[derive(Clone, Copy)]
struct Around {
    left: i32,
    above: i32,
    corner: i32,
    right: i32,
}

impl Lines {
    fn around(&self, x: usize) -> Option<Around> {
        let [corner, above, right] = *self.above.get(x - 1..x + 2)?.first_chunk::<3>()?;
        Some(Around { left: *self.line.get(x - 1)?, above, corner, right })
    }
}

impl Model {
    pub fn new(parameters: Parameters) -> Self {
        let a = ((parameters.range + 32) / 64).max(2);
        let run = RunContext { a, n: 1, negative: 0 };
        Self { contexts: vec![Context { a, b: 0, c: 0, n: 1 }; 365], runs: [run; 2], parameters }
    }

    /// One line of one component.
    pub fn line(&mut self, bits: &mut Bits<'_>, lines: &mut Lines) -> Option<()> {
        let columns = lines.line.len() - 2;
        let mut x = 1;
        while x <= columns {
            let around = lines.around(x)?;
            let context = self.context(around);
            if context != 0 {
                *lines.line.get_mut(x)? = self.regular(bits, around, context)?;
                x += 1;
                continue;
            }
            let run = run(bits, &mut lines.run_index, columns + 1 - x)?;
            lines.line.get_mut(x..x + run)?.fill(around.left);
            x += run;
            if x <= columns {
                let above = *lines.above.get(x)?;
                *lines.line.get_mut(x)? = self.interrupted(bits, around.left, above, lines.run_index, true)?;
                lines.run_index = lines.run_index.saturating_sub(1);
                x += 1;
            }
        }
        Some(())
    }

    /// One line of all components, pixel by pixel (ILV = 2): a run is one of all of them.
    pub fn pixels(&mut self, bits: &mut Bits<'_>, all: &mut [Lines]) -> Option<()> {
        let columns = all.first()?.line.len() - 2;
        let mut x = 1;
        while x <= columns {
            let mut contexts = Vec::with_capacity(all.len());
            for lines in all.iter() {
                let around = lines.around(x)?;
                contexts.push((around, self.context(around)));
            }
            if contexts.iter().any(|(_, context)| *context != 0) {
                for (lines, (around, context)) in all.iter_mut().zip(&contexts) {
                    *lines.line.get_mut(x)? = self.regular(bits, *around, *context)?;
                }
                x += 1;
                continue;
            }
            let mut run_index = all.first()?.run_index;
            let run = run(bits, &mut run_index, columns + 1 - x)?;
            for (lines, (around, _)) in all.iter_mut().zip(&contexts) {
                lines.line.get_mut(x..x + run)?.fill(around.left);
            }
            x += run;
            if x <= columns {
                for (lines, (around, _)) in all.iter_mut().zip(&contexts) {
                    let above = *lines.above.get(x)?;
                    *lines.line.get_mut(x)? = self.interrupted(bits, around.left, above, run_index, false)?;
                }
                run_index = run_index.saturating_sub(1);
                x += 1;
            }
            all.first_mut()?.run_index = run_index;
        }
        Some(())
    }

    /// A.3.3 and A.3.4: the gradients' context, its sign that of the first gradient that is not 0.
    fn context(&self, around: Around) -> i32 {
        let Around { left, above, corner, right } = around;
        let [t1, t2, t3] = self.parameters.thresholds;
        let near = self.parameters.near;
        let level = |d: i32| {
            let size = d.abs();
            let level = match size {
                _ if size <= near => 0,
                _ if size < t1 => 1,
                _ if size < t2 => 2,
                _ if size < t3 => 3,
                _ => 4,
            };
            level * d.signum()
        };
        (level(right - above) * 9 + level(above - corner)) * 9 + level(corner - left)
    }

    fn regular(&mut self, bits: &mut Bits<'_>, around: Around, context: i32) -> Option<i32> {
        let Parameters { max, near, range_bits, limit, reset, .. } = self.parameters;
        let Around { left, above, corner, .. } = around;
        let sign = if context < 0 { -1 } else { 1 };
        let state = self.contexts.get_mut(usize::try_from(context.abs()).ok()?)?;
        // A.4.1: the edge-detecting predictor.
        let (low, high) = (left.min(above), left.max(above));
        let edge = match corner {
            _ if corner >= high => low,
            _ if corner <= low => high,
            _ => left + above - corner,
        };
        let predicted = (edge + sign * state.c).clamp(0, max);
        let k = shift(state.n, state.a);
        let mapped = golomb(bits, k, limit, range_bits)?;
        // A.5.3.
        let is_turned = near == 0 && k == 0 && 2 * state.b <= -state.n;
        let half = mapped >> 1;
        let error = match (mapped & 1 == 1, is_turned) {
            (false, false) => half,
            (true, false) => -half - 1,
            (true, true) => half,
            (false, true) => -half - 1,
        };
        state.update(error, 2 * near + 1, reset)?;
        Some(self.restored(predicted, sign * error))
    }

    /// A.7.2: the sample that ended a run. In pixels of several components all use the context of type 0.
    fn interrupted(
        &mut self,
        bits: &mut Bits<'_>,
        left: i32,
        above: i32,
        run_index: usize,
        may_equal: bool,
    ) -> Option<i32> {
        let Parameters { near, range_bits, limit, reset, .. } = self.parameters;
        let equal = may_equal && (left - above).abs() <= near;
        let kind = i32::from(equal);
        let state = self.runs.get_mut(usize::from(equal))?;
        let predicted = if equal { left } else { above };
        let sign = if !equal && left > above { -1 } else { 1 };
        let k = shift(state.n, if equal { state.a + (state.n >> 1) } else { state.a });
        let limit = limit.checked_sub(RUN_BITS.get(run_index)? + 1)?;
        let mapped = golomb(bits, k, limit, range_bits)?;
        let code = mapped.checked_add(kind)?;
        let odd = code & 1;
        let size = (code + odd) >> 1;
        let is_negative = (k != 0 || 2 * state.negative >= state.n) == (odd == 1);
        let error = if is_negative { -size } else { size };
        if error < 0 {
            state.negative += 1;
        }
        state.a = state.a.checked_add((mapped + 1 - kind) >> 1)?;
        if state.n == reset {
            state.a >>= 1;
            state.n >>= 1;
            state.negative >>= 1;
        }
        state.n += 1;
        Some(self.restored(predicted, sign * error))
    }

    /// A.4.5, modulo the range.
    fn restored(&self, predicted: i32, error: i32) -> i32 {
        let Parameters { max, near, range, .. } = self.parameters;
        let step = 2 * near + 1;
        let value = predicted.saturating_add(error.saturating_mul(step));
        let value = match value {
            _ if value < -near => value.saturating_add(range * step),
            _ if value > max + near => value - range * step,
            _ => value,
        };
        value.clamp(0, max)
    }
}

impl Context {
    /// A.6.
    fn update(&mut self, error: i32, step: i32, reset: i32) -> Option<()> {
        self.b = self.b.checked_add(error.checked_mul(step)?)?;
        self.a = self.a.checked_add(error.abs())?;
        if self.n == reset {
            self.a >>= 1;
            self.b >>= 1;
            self.n >>= 1;
        }
        self.n += 1;
        if self.b <= -self.n {
            self.b = (self.b + self.n).max(1 - self.n);
            self.c = (self.c - 1).max(-128);
        } else if self.b > 0 {
            self.b = (self.b - self.n).min(0);
            self.c = (self.c + 1).min(127);
        }
        Some(())
    }
}

/// The Golomb parameter: the least k with n * 2^k >= a.
fn shift(n: i32, a: i32) -> u32 {
    (0..24).find(|k| (n << k) >= a).unwrap_or(24)
}

/// A.5.3: a length-limited Golomb code.
fn golomb(bits: &mut Bits<'_>, k: u32, limit: u32, range_bits: u32) -> Option<i32> {
    let most = limit.checked_sub(range_bits + 1)?;
    let zeros = bits.zeros(most)?;
    if zeros < most {
        return i32::try_from(zeros).ok()?.checked_mul(1 << k)?.checked_add(bits.number(k)?);
    }
    bits.number(range_bits)?.checked_add(1)
}

/// A.7.1: how many samples the run holds, of those left in the line.
fn run(bits: &mut Bits<'_>, run_index: &mut usize, left: usize) -> Option<usize> {
    let mut run = 0;
    while bits.number(1)? == 1 {
        let whole = 1 << RUN_BITS.get(*run_index)?;
        let taken = whole.min(left - run);
        run += taken;
        if taken == whole {
            *run_index = (*run_index + 1).min(31);
        }
        if run == left {
            return Some(run);
        }
    }
    run += usize::try_from(bits.number(*RUN_BITS.get(*run_index)?)?).ok()?;
    (run < left).then_some(run)
}
