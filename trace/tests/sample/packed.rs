//! Archives, workbooks, databases and JSON: written by others' programs where there are some, and by hand where they are bent.

#[cfg(test)]
mod tests {
    use crate::bodies::packed::{archive, entry, taped, tar, workbook};
    use crate::support::{Kept, kept};
    use std::io::{Cursor, Write};
    use trace::sample::{Fault, Kind, Progress, read};
    use zip::write::SimpleFileOptions;

    const TABLE: &[u8] = b"nik,nama\n3171014101900001,Siti\n3171010101900002,Budi\n";
    const ROWS: [[&str; 2]; 2] = [["3171014101900001", "Siti"], ["3171010101900002", "Budi"]];

    fn zipped(files: &[(&str, &[u8])], large: bool) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated).large_file(large);
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn archives_of_another_program_are_read() {
        for large in [false, true] {
            let inner = zipped(&[("deep/t.csv", TABLE)], large);
            let kept =
                kept("g.zip", zipped(&[("t.csv", TABLE), ("in.zip", &inner), ("x.jpg", b"\xFF\xD8\xFF\xE0")], large));
            assert_eq!(kept.remarks, []);
            assert_eq!(kept.rows["g.zip!t.csv"], ROWS);
            assert_eq!(kept.rows["g.zip!in.zip!deep/t.csv"], ROWS);
            assert_eq!(kept.files["g.zip!x.jpg"].0, Kind::Jpeg);
        }
    }

    #[test]
    fn seven_z_of_its_own_writer_is_read() {
        let mut writer = sevenz_rust2::ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
        for (name, bytes) in [("t.csv", TABLE), ("d/x.png", b"\x89PNG\r\n\x1A\n")] {
            writer.push_archive_entry(sevenz_rust2::ArchiveEntry::new_file(name), Some(bytes)).unwrap();
        }
        let file = writer.finish().unwrap().into_inner();
        let whole = kept("g.7z", &file);
        assert_eq!(whole.remarks, []);
        assert_eq!(whole.rows["g.7z!t.csv"], ROWS);
        assert_eq!(whole.files["g.7z!d/x.png"].0, Kind::Png);
        for end in 6..file.len() {
            assert!(!kept("g.7z", &file[..end]).remarks.is_empty(), "{end}");
        }
        for at in 6..file.len() {
            let mut bent = file.clone();
            bent[at] ^= 0x55;
            let _ = kept("g.7z", &bent);
        }
    }

    #[test]
    fn an_archive_that_is_cut_gives_its_first_entries() {
        let whole = zipped(&[("a.csv", TABLE), ("b.csv", TABLE)], false);
        let second = whole.windows(4).rposition(|four| four == b"PK\x03\x04").unwrap();
        let cut = kept("g.zip", &whole[..second + 50]);
        assert_eq!(cut.rows["g.zip!a.csv"], ROWS);
        assert!(cut.has(Fault::CutShort), "{:?}", cut.remarks);
        for end in 0..whole.len() {
            let _ = kept("g.zip", &whole[..end]);
        }
        // A damaged entry is remarked on, and the next one is read.
        let mut damaged = whole.clone();
        damaged[60] ^= 0xFF;
        let damaged = kept("g.zip", &damaged);
        assert_eq!(damaged.rows["g.zip!b.csv"], ROWS);
        assert!(damaged.remarks.iter().any(|remark| remark.0 == "g.zip!a.csv"), "{:?}", damaged.remarks);
    }

    #[test]
    fn locked_and_unknown_entries_are_named() {
        let mut locked = entry("a.csv", TABLE, true, false);
        locked[6] |= 1;
        let mut unknown = entry("b.csv", TABLE, false, false);
        unknown[8] = 14;
        let kept = kept(
            "g.zip",
            archive(&[locked, unknown, entry("c.csv", TABLE, true, true), entry("d.csv", TABLE, false, false)]),
        );
        assert_eq!(
            kept.remarks,
            [("g.zip!a.csv".to_owned(), Fault::Encrypted, 1), ("g.zip!b.csv".to_owned(), Fault::Unsupported, 1)]
        );
        assert_eq!(kept.rows.keys().collect::<Vec<_>>(), ["g.zip!c.csv", "g.zip!d.csv"]);
    }

    #[test]
    fn four_archives_deep_is_read_and_five_is_not() {
        let mut goods = TABLE.to_vec();
        for depth in 1..=5 {
            goods = archive(&[entry(if depth == 1 { "t.csv" } else { "z" }, &goods, true, false)]);
            let kept = kept("g", &goods);
            if depth <= 4 {
                assert_eq!(kept.only(), ROWS, "{depth}");
            } else {
                assert_eq!(kept.remarks, [("g!z!z!z!z".to_owned(), Fault::TooDeep, 1)]);
            }
        }
    }

    #[test]
    fn tapes_are_read_with_their_long_names() {
        let tapes = tar();
        let first = kept("g.tar", &tapes[0]);
        assert_eq!(first.rows["g.tar!d/t.csv"], ROWS);
        assert_eq!(first.remarks, [("g.tar!link".to_owned(), Fault::NotAFile, 1)]);
        let second = kept("g.tar", &tapes[1]);
        assert_eq!(second.rows["g.tar!a/long/name.csv"], ROWS);
        assert_eq!(second.files["g.tar!other/name.x"].0, Kind::Text);
        assert_eq!(kept("g.tgz", &tapes[2]).rows["g.tgz!tar!t.csv"], ROWS);
        // A head that is broken costs its entry.
        let mut broken =
            [taped("a.csv", TABLE, b'0'), taped("b.csv", TABLE, b'0'), taped("c.csv", TABLE, b'0')].concat();
        broken[1024 + 5] ^= 0xFF;
        let broken = kept("g.tar", &broken);
        assert_eq!(broken.rows.keys().collect::<Vec<_>>(), ["g.tar!a.csv", "g.tar!c.csv"]);
        assert!(broken.has(Fault::Damaged));
        for end in 0..tapes[0].len() {
            let _ = kept("g.tar", &tapes[0][..end]);
        }
    }

    #[test]
    fn workbooks_are_read_whatever_the_order_of_their_parts() {
        for file in workbook() {
            let kept = kept("g.xlsx", &file);
            assert_eq!(kept.remarks, []);
            assert_eq!(kept.rows.keys().collect::<Vec<_>>(), ["g.xlsx#Pasien"]);
            assert_eq!(kept.headings(), ["NIK", "nama"]);
            assert_eq!(kept.only()[0], ["3171014101900001", "Siti", "", "x & y"]);
            assert_eq!(kept.only()[1], ["44927.5"]);
            for end in (0..file.len()).step_by(7) {
                let _ = crate::support::kept("g.xlsx", &file[..end]);
            }
        }
    }

    fn database(folder: &std::path::Path, encoding: &str, page: u32, rows: i64) -> std::path::PathBuf {
        let path = folder.join(format!("{encoding}{page}.db"));
        let base = rusqlite::Connection::open(&path).unwrap();
        base.execute_batch(&format!(
            "PRAGMA page_size = {page}; PRAGMA synchronous = OFF; PRAGMA encoding = '{encoding}';
             CREATE TABLE pasien (id INTEGER PRIMARY KEY, nama TEXT, nilai REAL, foto BLOB);
             CREATE INDEX n ON pasien (nama); CREATE VIEW v AS SELECT * FROM pasien;
             CREATE TABLE \"tanpa\" (a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO tanpa VALUES ('x', 1); BEGIN;"
        ))
        .unwrap();
        for n in 0..rows {
            // Some texts go on in pages of their own.
            let name = format!("Siti é {n} {}", "x".repeat(usize::try_from(n % 7 * n % 5_000).unwrap()));
            base.execute("INSERT INTO pasien VALUES (?1, ?2, ?3, x'41ff')", (n * n - 5, name, 0.5)).unwrap();
        }
        base.execute_batch("COMMIT").unwrap();
        path
    }

    #[test]
    fn databases_are_read_as_their_engine_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        for (encoding, page) in [("UTF-8", 4096), ("UTF-16le", 512), ("UTF-16be", 65_536)] {
            let path = database(folder.path(), encoding, page, 3_000);
            let base = rusqlite::Connection::open(&path).unwrap();
            let mut statement = base.prepare("SELECT id, nama FROM pasien ORDER BY id").unwrap();
            let expected: Vec<(String, String)> = statement
                .query_map([], |row| Ok((row.get::<_, i64>(0)?.to_string(), row.get(1)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let mut kept = Kept::default();
            read(&path, &Progress::default(), &mut kept);
            let rows = kept.rows.iter().find(|(name, _)| name.ends_with("#pasien")).unwrap().1;
            assert_eq!(rows.len(), expected.len());
            for (row, (id, name)) in rows.iter().zip(&expected) {
                assert_eq!((&row[0], &row[1]), (id, name));
                assert_eq!((row[2].as_str(), row[3].as_str()), ("0.5", "0x41ff"));
            }
            assert_eq!(kept.columns.values().next().unwrap(), &["id", "nama", "nilai", "foto"]);
            assert_eq!(kept.remarks.iter().map(|remark| remark.1).collect::<Vec<_>>(), [Fault::Unsupported]);
        }
    }

    #[test]
    fn a_database_that_bites_its_tail_ends() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(database(folder.path(), "UTF-8", 512, 400)).unwrap();
        for at in (512..bytes.len().min(200_000)).step_by(509) {
            let mut bent = bytes.clone();
            bent[at] ^= 0xFF;
            bent[at + 1] = 2;
            let _ = kept("g.db", &bent);
        }
        let cut = kept("g.db", &bytes[..bytes.len() / 2]);
        assert!(cut.rows.values().map(Vec::len).sum::<usize>() > 50);
        assert!(cut.has(Fault::Damaged) || cut.has(Fault::CutShort));
    }

    #[test]
    fn json_is_read_in_all_its_shapes() {
        let rows = |text: &str| kept("g.json", text);
        let lines = rows(
            "{\"nik\":\"1\",\"nama\":\"Siti\",\"alamat\":{\"kota\":\"Bandung\"}}\n{\"nik\":\"2\",\"telp\":[\"08\",\"09\"]}\n",
        );
        assert_eq!(lines.headings(), ["nik", "nama", "alamat.kota", "telp.0", "telp.1"]);
        assert_eq!(lines.only()[1], ["2", "", "", "08", "09"]);
        let list = rows("[{\"a\":1.50,\"b\":null,\"c\":true},{\"c\":false,\"a\":3171014101900001}]");
        assert_eq!(list.headings(), ["a", "c"]);
        assert_eq!(list.only(), [["1.50", "true"], ["3171014101900001", "false"]]);
        let lists = rows(
            "{\"total\":2,\"pasien\":[{\"a\":1},{\"a\":2}],\"data\":{\"rows\":[{\"b\":\"\\u00e9\\ud83d\\ude00\"}]}}",
        );
        assert_eq!(lists.rows["g.json#pasien"], [["1"], ["2"]]);
        assert_eq!(lists.rows["g.json#data.rows"], [["é😀"]]);
        let cells = rows("[[\"1\",\"Siti\"],[\"2\",\"Budi\"]]");
        assert_eq!(cells.only(), [["1", "Siti"], ["2", "Budi"]]);
        let patient =
            rows("{\"resourceType\":\"Patient\",\"identifier\":[{\"value\":\"3171\"}],\"birthDate\":\"1990-01-01\"}");
        assert_eq!(patient.headings(), ["resourceType", "identifier.0.value", "birthDate"]);
        let bundle = rows(
            "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"id\":\"a\"}},{\"resource\":{\"id\":\"b\"}}]}",
        );
        assert_eq!(bundle.rows["g.json#entry"], [["a"], ["b"]]);
    }

    #[test]
    fn json_that_is_cut_or_broken_gives_its_other_records() {
        let broken = kept("g", "{\"a\":1}\n{\"a\":2,,\"b\"]}\n{\"a\":3}\n");
        assert_eq!(broken.only(), [["1"], ["3"]]);
        assert!(broken.has(Fault::Damaged));
        let cut = kept("g", "[{\"a\":1},{\"a\":2},{\"a\":");
        assert_eq!(cut.only(), [["1"], ["2"]]);
        assert!(cut.has(Fault::CutShort));
    }
}
