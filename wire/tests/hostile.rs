//! What is sent to bring a reader down: refused soon and with little memory.
#![expect(unsafe_code, reason = "an allocator that counts can only be installed so")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts what is allocated now and what was at most.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[cfg(test)]
mod tests {
    use super::{LIVE, PEAK};
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::{Duration, Instant};
    use wire::dataset::{Outline, Scanner};
    use wire::error::Error;
    use wire::part10::{Prefix, file_meta};
    use wire::syntax::{DEFLATED, EXPLICIT_LITTLE, IMPLICIT_LITTLE};

    const MEMORY_BYTES_MAX: usize = 64 * 1024 * 1024;

    /// Reads a file as it arrives, in pieces of 16 KiB.
    fn read(file: &[u8], hint: bool) -> Result<Outline, Error> {
        let mut prefix = Some(Prefix::new());
        let mut scanner: Option<Scanner> = None;
        for chunk in file.chunks(16 * 1024) {
            if let Some(scanner) = &mut scanner {
                scanner.feed(chunk)?;
            } else if let Some(begun) = prefix.as_mut().unwrap().feed(chunk)? {
                let mut new = Scanner::new(&begun.meta.transfer_syntax);
                if hint {
                    new = new.with_total_bytes(u64::try_from(file.len()).unwrap() - begun.meta.data_set_offset);
                }
                new.feed(&begun.data_set)?;
                scanner = Some(new);
            }
        }
        match scanner {
            Some(scanner) => scanner.finish(),
            None => {
                let begun = prefix.take().unwrap().finish()?;
                let mut new = Scanner::new(&begun.meta.transfer_syntax);
                new.feed(&begun.data_set)?;
                new.finish()
            }
        }
    }

    fn file(syntax: &str, data_set: &[u8]) -> Vec<u8> {
        [file_meta("1.2.840.10008.5.1.4.1.1.7", "2.25.1", syntax, None).as_slice(), data_set].concat()
    }

    /// The least file meta information, a PatientID, and pixel data of which four bytes are there.
    fn declaring_4_gib() -> Vec<u8> {
        let mut out = vec![0; 128];
        out.extend_from_slice(b"DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0\x10\x00\x20\x00LO\x52\x00");
        out.resize(266 - 16, b'1');
        out.extend_from_slice(b"\xE0\x7F\x10\x00OB\0\0\xFE\xFF\xFF\xFF\x01\x02\x03\x04");
        out
    }

    fn nested(depth: usize, syntax: &str, defined: bool) -> Vec<u8> {
        let mut out = Vec::new();
        for level in 0..depth {
            // (0040,A730) with one item, as SR trees have it.
            let inside = u32::try_from((depth - level) * 20).unwrap();
            out.extend_from_slice(b"\x40\x00\x30\xA7");
            if syntax == EXPLICIT_LITTLE {
                out.extend_from_slice(b"SQ\0\0");
            }
            let lengths = if defined { [inside.to_le_bytes(); 2] } else { [[0xFF; 4]; 2] };
            out.extend_from_slice(&lengths[0]);
            out.extend_from_slice(b"\xFE\xFF\x00\xE0");
            out.extend_from_slice(&lengths[1]);
        }
        if !defined {
            for _ in 0..depth {
                out.extend_from_slice(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
            }
        }
        file(syntax, &out)
    }

    fn deflated_zeros(bytes: usize) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(b"\xE0\x7F\x10\x00OB\0\0").unwrap();
        encoder.write_all(&u32::try_from(bytes).unwrap().to_le_bytes()).unwrap();
        let zeros = vec![0; 1024 * 1024];
        for _ in 0..bytes / zeros.len() {
            encoder.write_all(&zeros).unwrap();
        }
        file(DEFLATED, &encoder.finish().unwrap())
    }

    fn fragments_without_end() -> Vec<u8> {
        let mut out = b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF".to_vec();
        (0..2_000_000).for_each(|_| out.extend_from_slice(b"\xFE\xFF\x00\xE0\0\0\0\0"));
        file("1.2.840.10008.1.2.4.50", &out)
    }

    fn items_without_end() -> Vec<u8> {
        let mut out = b"\x40\x00\x30\xA7SQ\0\0\xFF\xFF\xFF\xFF".to_vec();
        (0..2_000_000).for_each(|_| out.extend_from_slice(b"\xFE\xFF\x00\xE0\0\0\0\0"));
        file(EXPLICIT_LITTLE, &out)
    }

    fn backwards() -> Vec<u8> {
        let mut out = Vec::new();
        for group in (0x0011_u16..0x0311).rev().filter(|g| g % 2 == 1) {
            for element in (0x1000_u16..0x1000 + 2_600).rev() {
                out.extend_from_slice(&group.to_le_bytes());
                out.extend_from_slice(&element.to_le_bytes());
                out.extend_from_slice(b"UN\0\0\0\0\0\0");
            }
        }
        file(EXPLICIT_LITTLE, &out)
    }

    fn crowded() -> Vec<u8> {
        let mut out = Vec::new();
        for group in (0x0011_u16..0x0311).filter(|g| g % 2 == 1) {
            for element in 0x1000_u16..0x1000 + 2_600 {
                out.extend_from_slice(&group.to_le_bytes());
                out.extend_from_slice(&element.to_le_bytes());
                out.extend_from_slice(b"LO\x10\x00sixteen bytes...");
            }
        }
        file(EXPLICIT_LITTLE, &out)
    }

    // One test, because the allocator counts for the whole process.
    #[test]
    fn hostile_files_are_refused_soon_and_in_little_memory() {
        let soon = Duration::from_millis(10);
        // A million headers take their time; what counts there is memory.
        let later = Duration::from_secs(5);
        let table: Vec<(&str, Vec<u8>, Duration, &str)> = vec![
            ("declares 4 GiB", declaring_4_gib(), soon, "(7FE0,0010): "),
            ("65 deep", nested(65, EXPLICIT_LITTLE, false), soon, "nested deeper than 64"),
            ("2,000 deep", nested(2_000, EXPLICIT_LITTLE, false), soon, "nested deeper than 64"),
            ("100,000 deep", nested(100_000, EXPLICIT_LITTLE, false), soon, "nested deeper than 64"),
            ("100,000 deep, implicit", nested(100_000, IMPLICIT_LITTLE, false), soon, "nested deeper than 64"),
            ("1 GiB of zeros", deflated_zeros(1024 * 1024 * 1024), soon, "200 times"),
            ("2,000,000 fragments", fragments_without_end(), later, "more than 1000000 elements"),
            ("2,000,000 items", items_without_end(), later, "more than 1000000 elements"),
            ("998,400 elements backwards", backwards(), later, ""),
            ("998,400 elements of 16 bytes", crowded(), later, ""),
            ("HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), soon, "not a DICOM file"),
            ("a path", file(EXPLICIT_LITTLE, b"../../../../etc/passwd"), soon, "no value representation"),
        ];
        for (name, bytes, limit, why) in &table {
            for hint in [false, true] {
                let before = LIVE.load(Relaxed);
                PEAK.store(before, Relaxed);
                let begin = Instant::now();
                let result = read(bytes, hint);
                let took = begin.elapsed();
                let more = PEAK.load(Relaxed).saturating_sub(before);
                println!("{name}: {took:?}, {more} bytes more, {:?}", result.as_ref().err());
                match &result {
                    Err(error) => assert!(!why.is_empty() && error.to_string().contains(why), "{name}: {error}"),
                    Ok(_) => assert!(why.is_empty(), "{name}: not refused"),
                }
                assert!(took < *limit, "{name}: {took:?}");
                assert!(more <= MEMORY_BYTES_MAX, "{name}: {more} bytes");
            }
        }
        assert_eq!(declaring_4_gib().len(), 266);
        assert!(table[5].1.len() < 1_100_000, "{} is not 1 MB", table[5].0);
        for syntax in [EXPLICIT_LITTLE, IMPLICIT_LITTLE] {
            read(&nested(64, syntax, false), true).unwrap();
        }
    }
}
