//! Coded data, bit by bit: a byte behind FF has seven (ITU-T T.87 A.1).

/// A reader of bits that stops at a marker.
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
    /// Bits that were made up behind the end. Reading them is an error; looking at them is not.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0, made_up: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let after_ff = self.at > 0 && self.bytes.get(self.at - 1) == Some(&0xFF);
            let width = if after_ff { 7 } else { 8 };
            let byte = self.bytes.get(self.at).copied();
            let is_marker = |byte: u8| byte == 0xFF && self.bytes.get(self.at + 1).is_none_or(|next| *next >= 0x80);
            let byte = match byte {
                Some(byte) if !is_marker(byte) => {
                    self.at += 1;
                    byte
                }
                _ => {
                    self.made_up += width;
                    0
                }
            };
            self.held = (self.held << width) | u64::from(byte);
            self.count += width;
        }
    }

    /// `bits` (at most 32) more bits.
    pub fn number(&mut self, bits: u32) -> Option<i32> {
        if self.count < bits {
            self.fill();
        }
        self.count = self.count.checked_sub(bits)?;
        let value = (self.held >> self.count) & ((1 << bits) - 1);
        (self.count >= self.made_up).then_some(())?;
        i32::try_from(value).ok()
    }

    /// Zeros before the next one, at most `most`; the one is taken as well.
    pub fn zeros(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0;
        loop {
            self.fill();
            let ahead = self.held << (64 - self.count);
            let run = ahead.leading_zeros().min(self.count);
            zeros += run;
            if zeros > most {
                return None;
            }
            self.count -= run;
            if self.count > 0 {
                self.count -= 1;
                return (self.count >= self.made_up).then_some(zeros);
            }
        }
    }

    /// What lies from the next marker on.
    pub fn rest(self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let marker = rest.windows(2).position(|two| matches!(two, [0xFF, 0x80..=0xFE]));
        marker.and_then(|marker| rest.get(marker..)).unwrap_or(&[])
    }
}
