//! How fast a large table is read, beside how fast its bytes can be copied and its lines counted.

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::time::{Duration, Instant};
    use trace::sample::{File, Flow, Progress, Remark, Row, Sink, read_bytes};

    /// Looks at every cell, and keeps nothing.
    #[derive(Default)]
    struct Counting {
        rows: u64,
        bytes: usize,
    }

    impl Sink for Counting {
        fn row(&mut self, row: &Row<'_>) -> Flow {
            self.rows += 1;
            self.bytes += row.cells().map(str::len).sum::<usize>();
            Flow::Continue(())
        }

        fn file(&mut self, _: &File<'_>) -> Flow {
            Flow::Continue(())
        }

        fn remark(&mut self, remark: Remark) {
            panic!("{remark:?}");
        }
    }

    const ROWS: u64 = if cfg!(debug_assertions) { 200_000 } else { 400_000 };

    fn cells(n: u64) -> [String; 8] {
        [
            format!("31710141{:02}{:06}", n % 99, n % 1_000_000),
            format!("SITI AMINAH {}", n * 7_919 % 100_003),
            format!("{:02}/{:02}/{}", n % 28 + 1, n % 12 + 1, 1940 + n % 80),
            format!("08{:010}", n * 104_729 % 10_000_000_000),
            "RSUD KOTA BANDUNG".to_owned(),
            format!("2022-0{}-1{} 08:15:{:02}.{:06}", n % 9 + 1, n % 10, n % 60, n * 31 % 1_000_000),
            "L".to_owned(),
            format!("Foto toraks, cor dan pulmo dalam batas normal {}", n % 1_000),
        ]
    }

    fn speed(name: &str, bytes: &[u8]) -> f64 {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let begin = Instant::now();
            let mut counting = Counting::default();
            read_bytes(name, bytes, &Progress::default(), &mut counting);
            best = best.min(begin.elapsed());
            assert_eq!(counting.rows, ROWS, "{name}");
            assert!(counting.bytes > 0);
        }
        rate(bytes.len(), best)
    }

    fn rate(bytes: usize, time: Duration) -> f64 {
        f64::from(u32::try_from(bytes).unwrap()) / 1e6 / time.as_secs_f64()
    }

    #[test]
    fn tables_are_read_at_the_speed_of_a_disk() {
        let mut csv = String::from("nik,nama,tgl_lahir,telp,rs,kunjungan,jk,hasil\n");
        for n in 0..ROWS {
            let row = cells(n).map(|cell| if cell.contains(',') { format!("\"{cell}\"") } else { cell });
            writeln!(csv, "{}", row.join(",")).unwrap();
        }
        let begin = Instant::now();
        let copy = std::hint::black_box(csv.as_bytes().to_vec());
        let memcpy = rate(copy.len(), begin.elapsed());
        let begin = Instant::now();
        let lines = memchr::memchr_iter(b'\n', csv.as_bytes()).count();
        let newlines = rate(csv.len(), begin.elapsed());
        assert!(lines > 0);
        println!(
            "{} MB, {ROWS} rows on one core: memcpy {memcpy:.0} MB/s, counting newlines {newlines:.0} MB/s",
            csv.len() / 1_000_000
        );
        let mut sql = String::from("-- MySQL dump 10.13\n");
        for n in 0..ROWS {
            let row = cells(n).map(|cell| format!("'{}'", cell.replace('\'', "\\'")));
            let begin = if n % 1_000 == 0 { "INSERT INTO `pasien` VALUES " } else { "," };
            let end = if n % 1_000 == 999 || n + 1 == ROWS { ";\n" } else { "" };
            write!(sql, "{begin}({}){end}", row.join(",")).unwrap();
        }
        let mut json = String::new();
        for n in 0..ROWS {
            let row = cells(n);
            let members: Vec<String> =
                row.iter().enumerate().map(|(at, cell)| format!("\"key{at}\":\"{cell}\"")).collect();
            writeln!(json, "{{{}}}", members.join(",")).unwrap();
        }
        for (name, bytes) in [("CSV", csv.as_bytes()), ("SQL", sql.as_bytes()), ("JSON", json.as_bytes())] {
            let speed = speed(name, bytes);
            println!("{name}: {speed:.0} MB/s, {:.1}x slower than counting newlines", newlines / speed);
            // A machine at work for others is slower; the figure is for an idle one.
            assert!(speed > 20.0, "{name}: {speed:.0} MB/s");
        }
    }
}
