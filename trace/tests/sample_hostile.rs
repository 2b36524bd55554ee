//! Goods made to bring the reader down: read or refused soon, and in little memory.
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
#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

#[cfg(test)]
mod tests {
    use super::bodies::ALL;
    use super::bodies::packed::{archive, entry};
    use super::{LIVE, PEAK};
    use flate2::{Compression, write::GzEncoder};
    use std::collections::BTreeSet;
    use std::io::Write;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::{Duration, Instant};
    use trace::sample::{Fault, File, Flow, Progress, Remark, Row, Sink, Summary, read_bytes};

    const MEBI: usize = 1024 * 1024;

    #[derive(Default)]
    struct Counts {
        faults: BTreeSet<Fault>,
        widest: usize,
    }

    impl Sink for Counts {
        fn row(&mut self, row: &Row<'_>) -> Flow {
            self.widest = self.widest.max(row.width());
            Flow::Continue(())
        }

        fn file(&mut self, _: &File<'_>) -> Flow {
            Flow::Continue(())
        }

        fn remark(&mut self, remark: Remark) {
            self.faults.insert(remark.fault);
        }
    }

    /// Packs pieces that are made while they are packed: the test's own memory stays small too.
    fn gz(piece: &[u8], count: usize) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        (0..count).for_each(|_| encoder.write_all(piece).unwrap());
        encoder.finish().unwrap()
    }

    fn run(bytes: &[u8]) -> (Summary, Counts, Duration, usize) {
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let begin = Instant::now();
        let mut counts = Counts::default();
        let summary = read_bytes("goods.csv", bytes, &Progress::default(), &mut counts);
        (summary, counts, begin.elapsed(), PEAK.load(Relaxed).saturating_sub(before))
    }

    fn sheet(cells: &str, count: usize) -> Vec<u8> {
        let body = format!("<worksheet><sheetData><row>{}</row></sheetData></worksheet>", cells.repeat(count));
        archive(&[
            entry("[Content_Types].xml", b"<T/>", true, false),
            entry("xl/workbook.xml", b"<workbook/>", true, false),
            entry("xl/worksheets/sheet1.xml", body.as_bytes(), true, false),
        ])
    }

    // One test, because the allocator counts for the whole process.
    #[test]
    fn bombs_are_seen_soon_and_in_little_memory() {
        let zeros = vec![0; MEBI];
        let line = vec![b'x'; MEBI];
        let commas = vec![b','; 10_000_000];
        let row = "1,2\n".repeat(1000);
        let nested = archive(&[entry("b.gz", &gz(&zeros, 512), false, false)]);
        let quotes = format!("a,b\n{}\"open,2\n{}", "1,2\n".repeat(50), "x,y\n".repeat(1_500_000));
        let inserts = "INSERT INTO `a` VALUES ('\n".repeat(200_000);
        let tables: String = (0..40_000).map(|n| format!("INSERT INTO t{n} (c{n}) VALUES (1);\n")).collect();
        let keys: String = (0..60_000).map(|n| format!("{{\"key{n}\":1}}\n")).collect();
        let second = Duration::from_secs(10);
        let wide = |columns: usize| format!("{}\n", vec!["1"; columns].join(",")).repeat(3).into_bytes();
        let table: Vec<(&str, Vec<u8>, usize, Option<Fault>)> = vec![
            ("gzip of 1 GiB of zeros", gz(&zeros, 1024), 100, Some(Fault::Bomb)),
            ("gzip of 512 MiB of zeros in a zip", nested, 100, Some(Fault::Bomb)),
            ("gzip in gzip in gzip", gz(&gz(&gz(&zeros, 512), 1), 1), 100, Some(Fault::Bomb)),
            ("zip of zeros", archive(&[entry("a", &vec![0; 64 * MEBI], true, false)]), 64, Some(Fault::Bomb)),
            (
                "zip of zeros without sizes",
                archive(&[entry("a", &vec![0; 64 * MEBI], true, true)]),
                64,
                Some(Fault::Bomb),
            ),
            ("a line of 1 MiB", [b"a,b\n".as_slice(), &line, b",1\n2,3\n"].concat(), 16, None),
            ("10,000,000 columns", commas, 32, Some(Fault::OverLimit)),
            ("16,384 columns", wide(16_384), 24, None),
            ("16,385 columns", wide(16_385), 24, Some(Fault::TooManyColumns)),
            ("a quotation mark without end", quotes.into_bytes(), 32, Some(Fault::Quote)),
            ("statements without end", inserts.into_bytes(), 32, Some(Fault::OverLimit)),
            ("40,000 tables", tables.into_bytes(), 64, Some(Fault::OverLimit)),
            ("60,000 keys", keys.into_bytes(), 32, Some(Fault::TooManyColumns)),
            ("64 brackets", format!("{}1{}", "[".repeat(64), "]".repeat(64)).into_bytes(), 8, None),
            ("65 brackets", format!("{}1{}", "[".repeat(65), "]".repeat(65)).into_bytes(), 8, Some(Fault::TooDeep)),
            ("10,000,000 brackets", vec![b'['; 10_000_000], 32, Some(Fault::TooDeep)),
            ("10,000,000 members", "{\"a\":".repeat(2_000_000).into_bytes(), 32, Some(Fault::TooDeep)),
            ("a sheet of 1,000,000 columns", sheet("<c><v>1</v></c>", 1_000_000), 64, Some(Fault::TooManyColumns)),
            ("a sheet's cell without end", sheet(&"x".repeat(1000), 20_000), 64, Some(Fault::OverLimit)),
            ("many short rows", gz(row.as_bytes(), 4), 8, None),
        ];
        let mut breaches: Vec<&str> = Vec::new();
        for (name, bytes, mebis, fault) in &table {
            let (summary, counts, took, memory) = run(bytes);
            println!("{name}: {took:?}, {} KiB more, {} rows, {:?}", memory / 1024, summary.rows, counts.faults);
            let is_named = match fault {
                Some(fault) => counts.faults.contains(fault),
                None => counts.faults.is_empty(),
            };
            if !is_named || took >= second || memory > mebis * MEBI {
                breaches.push(*name);
            }
            assert!(counts.widest <= trace::sample::limits::COLUMNS_MAX);
        }
        assert_eq!(breaches, [""; 0]);
        lines_of_a_gibibyte();
        for body in ALL {
            let before = LIVE.load(Relaxed);
            for seed in (body.seeds)() {
                PEAK.store(LIVE.load(Relaxed), Relaxed);
                (body.run)(&seed);
                let memory = PEAK.load(Relaxed).saturating_sub(before);
                assert!(memory <= 4 * MEBI, "{}: {} KiB for {} bytes", body.name, memory / 1024, seed.len());
            }
        }
    }

    /// A reader that makes its bytes: one line of 1 GiB between two rows.
    fn lines_of_a_gibibyte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("line.csv");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"a,b\n1,2\n3,4\n").unwrap();
        // A hole of zeros, which the disk need not hold.
        file.set_len(1 << 30).unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
        file.write_all(b"\n5,6\n").unwrap();
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let (begin, progress, mut counts) = (Instant::now(), Progress::default(), Counts::default());
        let summary = trace::sample::read(&path, &progress, &mut counts);
        let memory = PEAK.load(Relaxed).saturating_sub(before);
        println!(
            "one line of 1 GiB: {:?}, {} KiB more, {} rows, {:?}",
            begin.elapsed(),
            memory / 1024,
            summary.rows,
            counts.faults
        );
        assert_eq!(summary.rows + summary.files, if summary.files == 1 { 1 } else { 3 });
        // What is held of a file is 256 MiB, and less than twice that while it grows.
        assert!(memory <= 520 * MEBI, "{} KiB", memory / 1024);
        assert_eq!(progress.done().bytes, progress.done().bytes_total);
    }
}
