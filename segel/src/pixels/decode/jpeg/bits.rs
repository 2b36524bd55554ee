//! Entropy-coded data, bit by bit (ITU-T T.81 F.2.2).

/// A Huffman table as one look-up of 16 bits: the code's length and its value.
pub struct Huffman {
    codes: Vec<(u8, u8)>,
}

impl Huffman {
    /// Reads a table's counts and values (B.2.4.2); what follows it is returned as well.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let counts = bytes.get(..16)?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let values = bytes.get(16..16 + total)?;
        let mut codes = Vec::with_capacity(1 << 16);
        let mut values_left = values.iter();
        for (length, count) in (1_u8..).zip(counts) {
            for value in values_left.by_ref().take(usize::from(*count)) {
                // Codes of one length follow each other, and each fills all look-ups that begin with it.
                let end = codes.len() + (1 << (16 - usize::from(length)));
                if end > 1 << 16 {
                    return None;
                }
                codes.resize(end, (length, *value));
            }
        }
        codes.resize(1 << 16, (0, 0));
        Some((Self { codes }, bytes.get(16 + total..)?))
    }
}

/// A reader of bits that undoes byte stuffing and stops at a marker.
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
            let byte = match self.bytes.get(self.at) {
                Some(0xFF) if self.bytes.get(self.at + 1) == Some(&0) => {
                    self.at += 2;
                    0xFF
                }
                Some(0xFF) | None => {
                    self.made_up += 8;
                    0
                }
                Some(byte) => {
                    self.at += 1;
                    *byte
                }
            };
            self.held = (self.held << 8) | u64::from(byte);
            self.count += 8;
        }
    }

    fn peek(&mut self, bits: u32) -> u32 {
        if self.count < bits {
            self.fill();
        }
        let value = self.held.checked_shr(self.count - bits).unwrap_or(0) & ((1 << bits) - 1);
        u32::try_from(value).unwrap_or(0)
    }

    fn skip(&mut self, bits: u32) -> Option<()> {
        self.count -= bits;
        (self.count >= self.made_up).then_some(())
    }

    /// The next value of a table.
    pub fn code(&mut self, table: &Huffman) -> Option<u8> {
        let ahead = usize::try_from(self.peek(16)).ok()?;
        let (length, value) = table.codes.get(ahead).copied().filter(|(length, _)| *length > 0)?;
        self.skip(length.into())?;
        Some(value)
    }

    /// `bits` more bits as the signed number that they stand for (F.2.2.1, EXTEND).
    pub fn number(&mut self, bits: u8) -> Option<i32> {
        if bits == 0 {
            return Some(0);
        }
        let value = i32::try_from(self.peek(bits.into())).ok()?;
        self.skip(bits.into())?;
        Some(if value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value })
    }

    /// Goes behind the next restart marker.
    pub fn restart(&mut self) -> Option<()> {
        self.held = 0;
        self.count = 0;
        self.made_up = 0;
        let rest = self.bytes.get(self.at..)?;
        let marker = rest.windows(2).position(|two| matches!(two, [0xFF, 0xD0..=0xD7]))?;
        self.at += marker + 2;
        Some(())
    }

    /// What lies from the next marker on.
    pub fn rest(self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let marker = rest.windows(2).position(|two| matches!(two, [0xFF, next] if *next != 0 && *next != 0xFF));
        marker.and_then(|marker| rest.get(marker..)).unwrap_or(&[])
    }
}
