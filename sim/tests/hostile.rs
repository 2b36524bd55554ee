//! Bytes made to break a reader, at the doors of the running archive: refused at once, in little memory, and the archive
//! goes on as if nothing had been.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::sample::{Person, Uids, data_set, element, file};
    use std::io::Write as _;
    use std::path::Path;
    use std::time::{Duration, Instant};

    const MORE_MEMORY_KIB_MAX: u64 = 64 * 1024;

    /// Peak resident memory of a process in KiB (`VmHWM`).
    fn peak_kib(process_id: u32) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn nested(depth: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..depth {
            bytes.extend([0x40, 0x00, 0x75, 0x02, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
            bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
        }
        bytes
    }

    /// A file whose data set begins like any other and goes on with `rest`.
    fn with(rest: &[u8]) -> Vec<u8> {
        let uids = Uids::new(1, 1, 1);
        let mut head = Vec::new();
        head.extend(element((0x0008, 0x0016), b"UI", sim::sample::SECONDARY_CAPTURE.as_bytes()));
        head.extend(element((0x0008, 0x0018), b"UI", uids.instance.as_bytes()));
        head.extend(element((0x0010, 0x0020), b"LO", b"RM-1"));
        head.extend(element((0x0020, 0x000D), b"UI", uids.study.as_bytes()));
        head.extend(element((0x0020, 0x000E), b"UI", uids.series.as_bytes()));
        head.extend(rest);
        file(&uids, &head)
    }

    fn declares(group: u16, length: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(group.to_le_bytes());
        bytes.extend([0x10, 0x00, b'O', b'W', 0, 0]);
        bytes.extend(length.to_le_bytes());
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    /// A deflated data set of a gigabyte of zeros: a thousand times what is sent.
    fn bomb() -> Vec<u8> {
        let uids = Uids::new(1, 1, 1);
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        let plain = with(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0, 0, 0, 0, 0x40]);
        let data_set = &plain[file(&uids, &[]).len()..];
        encoder.write_all(data_set).unwrap();
        for _ in 0..1024 {
            encoder.write_all(&vec![0; 1 << 20]).unwrap();
        }
        let deflated = encoder.finish().unwrap();
        let mut bytes = file(&uids, &[]);
        // The transfer syntax in the file meta information: deflated explicit VR little endian.
        let at = bytes.windows(20).position(|window| window.starts_with(b"1.2.840.10008.1.2.1\0")).unwrap();
        let deflate = element((0x0002, 0x0010), b"UI", b"1.2.840.10008.1.2.1.99");
        let before = at - 8;
        bytes.splice(before..at + 20, deflate);
        bytes.extend(deflated);
        bytes
    }

    fn refused(archive: &Archive, token: &str, folder: &Path, what: &str, bytes: &[u8]) {
        let path = folder.join("hostile");
        std::fs::write(&path, bytes).unwrap();
        let before = peak_kib(archive.process_id());
        let begun = Instant::now();
        let body = format!("@{}", path.display());
        let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        let (status, answer) = archive.curl(token, &arguments, "/dicom-web/studies").unwrap();
        let took = begun.elapsed();
        let more = peak_kib(archive.process_id()).saturating_sub(before);
        println!("{what}: {} bytes, answered {status} in {took:?}, {more} KiB more", bytes.len());
        assert!((400..500).contains(&status), "{what}: {status} {}", String::from_utf8_lossy(&answer));
        assert!(more <= MORE_MEMORY_KIB_MAX, "{what}: {more} KiB");
        // curl's own start is most of this; a reader that works through the bomb takes many seconds.
        assert!(took < Duration::from_secs(2), "{what}: {took:?}");
    }

    #[test]
    fn bytes_made_to_break_a_reader_are_refused_and_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let uids = Uids::new(7, 1, 1);
        let good = file(&uids, &data_set(&Person::nth(7), &uids, 64, &[1, 2, 3]));
        let path_like = with(&element((0x0020, 0x4000), b"LT", b"../../../etc/passwd"));
        let corpus: Vec<(&str, Vec<u8>)> = vec![
            ("4 GiB declared", with(&declares(0x7FE0, 0xFFFF_FFFE))),
            ("2 GiB declared", with(&declares(0x7FE0, 0x7FFF_FFFE))),
            ("a private value of 4 GiB", with(&declares(0x0021, 0xFFFF_FFF0))),
            ("sequences 65 deep", with(&nested(65))),
            ("sequences 2,000 deep", with(&nested(2_000))),
            ("sequences 100,000 deep", with(&nested(100_000))),
            ("a deflated gigabyte", bomb()),
            ("cut in the middle", good[..good.len() - 1000].to_vec()),
            ("nothing", Vec::new()),
            ("128 zeros", vec![0; 128]),
            ("no DICOM", b"GET / HTTP/1.1\r\n\r\n".repeat(40)),
        ];
        for (what, bytes) in &corpus {
            refused(&archive, &tokens.system, folder.path(), what, bytes);
        }
        let studies = archive.json(&tokens.clinician, "/dicom-web/studies").unwrap();
        assert_eq!(studies, serde_json::json!([]), "something of them is visible");
        let staged = sim::kept::files(&archive.data.join("archive/staging")).unwrap();
        assert!(staged.is_empty(), "{staged:?}");
        // Text that looks like a path is text.
        std::fs::write(folder.path().join("path"), path_like).unwrap();
        let body = format!("@{}", folder.path().join("path").display());
        let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        let (status, _) = archive.curl(&tokens.system, &arguments, "/dicom-web/studies").unwrap();
        assert_eq!(status, 200);
        let kept = sim::kept::files(&archive.data.join("archive/segments")).unwrap();
        assert!(kept.iter().all(|file| file.extension().is_some_and(|extension| extension == "seg")), "{kept:?}");
    }

    #[test]
    fn a_log_that_takes_no_line_any_more_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        // What a log on a full disk is.
        std::os::unix::fs::symlink("/dev/full", data.join("log.txt")).unwrap();
        let archive = Archive::start(&data).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let uids = Uids::new(8, 1, 1);
        let path = folder.path().join("one");
        std::fs::write(&path, file(&uids, &data_set(&Person::nth(8), &uids, 64, &[1, 2, 3]))).unwrap();
        let body = format!("@{}", path.display());
        let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        let (status, _) = archive.curl(&tokens.system, &arguments, "/dicom-web/studies").unwrap();
        assert_eq!(status, 200);
        assert_eq!(archive.json(&tokens.clinician, "/dicom-web/studies").unwrap().as_array().unwrap().len(), 1);
        archive.stop().unwrap();
    }
}
