//! Delimited texts in every encoding, and folders of them.

#[cfg(test)]
mod tests {
    use crate::support::{Kept, kept, of};
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    use trace::sample::{Fault, Kind, Progress, read};

    const TABLE: &str =
        "NIK;Nama;Tgl Lahir\n3171014101900001;José Santoso;01/02/1990\n3171010101900002;\"Siti; S.Kep\";03/04/1991\n";

    fn is_the_table(kept: &Kept) {
        assert_eq!(kept.headings(), ["NIK", "Nama", "Tgl Lahir"]);
        let rows =
            [["3171014101900001", "José Santoso", "01/02/1990"], ["3171010101900002", "Siti; S.Kep", "03/04/1991"]];
        assert_eq!(kept.only(), rows);
        assert!(kept.remarks.is_empty(), "{:?}", kept.remarks);
    }

    fn wide(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_table_is_one_in_every_encoding_and_line_end() {
        let latin: Vec<u8> = TABLE.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        for bytes in [
            TABLE.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", TABLE.as_bytes()].concat(),
            latin,
            [vec![0xFF, 0xFE], wide(TABLE, false)].concat(),
            [vec![0xFE, 0xFF], wide(TABLE, true)].concat(),
            wide(TABLE, false),
            wide(TABLE, true),
            TABLE.replace('\n', "\r\n").into_bytes(),
            TABLE.replace('\n', "\r").into_bytes(),
            TABLE.trim_end().as_bytes().to_vec(),
            TABLE.replace(";", "\t").replace("Siti\t", "Siti;").into_bytes(),
            TABLE.replace(";", "|").replace("Siti|", "Siti;").into_bytes(),
            TABLE.replace(";", ",").replace("Siti,", "Siti;").into_bytes(),
        ] {
            is_the_table(&kept("goods", &bytes));
            is_the_table(&kept("goods.gz", gz(&bytes)));
        }
        // Two members of gzip are one file.
        let (one, two) = TABLE.as_bytes().split_at(40);
        is_the_table(&kept("goods.gz", [gz(one), gz(two)].concat()));
    }

    #[test]
    fn ragged_rows_and_rows_without_headings_are_passed_on() {
        let kept = kept("t.csv", "1,Siti,3\n2,Budi\n\n4,Wati,5,6\n7,Agus,8\n");
        assert_eq!(kept.only()[1], ["2", "Budi"]);
        assert_eq!(kept.only()[2], ["4", "Wati", "5", "6"]);
        assert_eq!(kept.only().len(), 4);
        assert_eq!(kept.headings(), ["", "", ""]);
    }

    #[test]
    fn a_list_of_numbers_is_a_table_and_a_letter_is_none() {
        assert_eq!(kept("list.txt", "3171014101900001\n3171014101900002\n").only().len(), 2);
        assert_eq!(kept("names.csv", "Nama\nSiti\nBudi\n").only(), [["Siti"], ["Budi"]]);
        let letter = kept("README", "We have everything.\nWrite to us, soon.\nBye\n");
        assert_eq!(letter.files["README"].0, Kind::Text);
        assert!(letter.rows.is_empty());
        let empty = kept("nothing.csv", "");
        assert_eq!((empty.files["nothing.csv"].0, empty.files["nothing.csv"].1), (Kind::Other, 0));
    }

    #[test]
    fn a_damaged_packing_gives_what_came_before_the_damage() {
        let rows: String = (0..50_000_u64).map(|n| format!("{n},name {},{}\n", n * 7_919 % 10_007, n * n)).collect();
        let packed = gz(rows.as_bytes());
        let cut = kept("t.csv.gz", &packed[..packed.len() / 2]);
        let count = cut.only().len();
        assert!((15_000..35_000).contains(&count), "{count}");
        assert_eq!(cut.remarks, [("t.csv.gz!t.csv".to_owned(), Fault::CutShort, 1)]);
        let mut broken = packed.clone();
        let end = broken.len() - 6;
        broken[end] ^= 1;
        let broken = kept("t.csv.gz", broken);
        assert_eq!(broken.only().len(), 50_000);
        assert!(broken.has(Fault::Damaged));
    }

    #[test]
    fn what_is_no_table_is_handed_on_with_its_kind_and_digest() {
        for (bytes, kind) in [
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF".to_vec(), Kind::Jpeg),
            (b"\x89PNG\r\n\x1A\n...".to_vec(), Kind::Png),
            (b"II*\0....".to_vec(), Kind::Tiff),
            (b"MM\0*....".to_vec(), Kind::Tiff),
            (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), Kind::WebP),
            (b"\n%PDF-1.4\n%\xE2\xE3".to_vec(), Kind::Pdf),
            ([vec![0; 128], b"DICM\x02\0".to_vec()].concat(), Kind::Dicom),
            (vec![7; 300], Kind::Other),
            (b"Dear buyer.".to_vec(), Kind::Text),
        ] {
            let kept = kept("a", &bytes);
            assert_eq!(kept.files["a"].0, kind);
            assert_eq!(
                kept.digests["a"].to_vec(),
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref()
            );
        }
    }

    #[test]
    fn a_folder_is_read_in_order_and_not_left() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.csv"), TABLE).unwrap();
        std::fs::create_dir_all(folder.path().join("b/c")).unwrap();
        std::fs::write(folder.path().join("b/c/t.csv"), TABLE).unwrap();
        std::fs::write(folder.path().join("a.jpg"), b"\xFF\xD8\xFF\xE0").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.csv"), folder.path().join("b/s.csv")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe"), rustix::fs::Mode::RWXU).unwrap();
        let progress = Progress::default();
        let mut kept = Kept::default();
        let summary = read(folder.path(), &progress, &mut kept);
        assert_eq!(kept.rows.keys().collect::<Vec<_>>(), ["b/c/t.csv"]);
        assert_eq!(kept.files.keys().collect::<Vec<_>>(), ["a.jpg"]);
        let remarks = ["b/s.csv", "link", "pipe"].map(|path| (path.to_owned(), Fault::NotAFile, 1));
        assert_eq!(kept.remarks, remarks);
        assert_eq!((summary.tables, summary.rows, summary.files, summary.remarks), (1, 2, 1, 3));
        let done = progress.done();
        assert_eq!((done.bytes, done.pieces, done.rows), (done.bytes_total, 2, 2));
        // The path that the caller names may be a link, and a device is none of the goods.
        let mut linked = Kept::default();
        read(&folder.path().join("b/s.csv"), &Progress::default(), &mut linked);
        assert_eq!(linked.only().len(), 2);
        let mut device = Kept::default();
        read(std::path::Path::new("/dev/zero"), &Progress::default(), &mut device);
        assert!(device.has(Fault::NotAFile));
        read(std::path::Path::new("/nowhere/at/all"), &Progress::default(), &mut device);
        assert!(device.has(Fault::Unreadable));
    }

    #[test]
    fn the_taker_and_the_watcher_can_end_it() {
        let mut kept = Kept { rows_max: Some(1), ..Kept::default() };
        let summary = trace::sample::read_bytes("t.csv", TABLE.as_bytes(), &Progress::default(), &mut kept);
        assert!(summary.stopped && kept.only().len() == 1);
        let progress = Progress::default();
        progress.stop();
        let summary = trace::sample::read_bytes("t.csv", TABLE.as_bytes(), &progress, &mut Kept::default());
        assert!(summary.stopped);
        assert!(!of("t.csv", TABLE.as_bytes()).1.stopped);
    }

    #[test]
    fn encodings_that_break_inside_are_mended_and_counted() {
        let mut bytes = "nik,nama\n1,Zoë\n2,Zoë\n3,Zoë\n4,Jos".as_bytes().to_vec();
        bytes.extend_from_slice(b"\xE9\n");
        let kept = kept("t.csv", &bytes);
        assert_eq!(kept.only()[3], ["4", "José"]);
        assert_eq!(kept.remarks, [("t.csv".to_owned(), Fault::Encoding, 1)]);
    }
}
