//! `segel import`: folders, zip files, DICOMDIR media; into a running archive or straight into a data folder; resumable;
//! a report of what was refused and why.

#[cfg(test)]
mod tests {
    use sim::process::{Archive, segel, segel_output};
    use sim::sample::{Person, Uids, data_set, file};
    use std::path::Path;
    use std::process::Output;

    fn write(path: &Path, n: usize) {
        let uids = Uids::new(n + 1, 1, 1);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file(&uids, &data_set(&Person::nth(n), &uids, 64, &n.to_le_bytes()))).unwrap();
    }

    fn last_line(output: &Output) -> String {
        String::from_utf8_lossy(&output.stdout).trim().lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_folder_goes_in_once_and_what_is_refused_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (data, media) = (folder.path().join("data"), folder.path().join("media"));
        for n in 0..6 {
            write(&media.join(format!("deep/{n}.dcm")), n);
        }
        std::fs::write(media.join("notes.txt"), "no DICOM").unwrap();
        segel(&data, "admin", &["facility", "add", "RSUD-A", "Rumah Sakit A"]).unwrap();
        let media = media.to_str().unwrap();
        let first = segel_output(&data, "import", &[media]).unwrap();
        assert_eq!(last_line(&first), "stored 6, duplicate 0, refused 1", "{}", String::from_utf8_lossy(&first.stderr));
        assert_eq!(first.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&first.stdout).contains("notes.txt: "), "the refusal names the file");
        let resumed = segel_output(&data, "import", &[media]).unwrap();
        assert_eq!(last_line(&resumed), "stored 0, duplicate 0, refused 1");
        let again = segel_output(&data, "import", &["--again", media]).unwrap();
        assert_eq!(last_line(&again), "stored 0, duplicate 6, refused 1");
        let as_json = segel_output(&data, "import", &["--json", "--again", media]).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&as_json.stdout).unwrap();
        assert_eq!((report["duplicate"].as_u64(), report["refused"].as_array().unwrap().len()), (Some(6), 1));
    }

    #[test]
    fn a_running_archive_takes_the_import_through_its_own_door() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        archive.facility("RSUD-B").unwrap();
        write(&folder.path().join("media/1.dcm"), 1);
        let media = folder.path().join("media").display().to_string();
        let unsaid = segel_output(&archive.data, "import", &[&media]).unwrap();
        assert_eq!(unsaid.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&unsaid.stderr).contains("--facility"), "{unsaid:?}");
        let imported = segel_output(&archive.data, "import", &["--facility", "RSUD-A", &media]).unwrap();
        assert_eq!(last_line(&imported), "stored 1, duplicate 0, refused 0", "{imported:?}");
        let found = archive.json(&tokens.clinician, "/dicom-web/studies").unwrap();
        assert_eq!(found.as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_zip_file_is_opened_and_a_missing_path_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        write(&folder.path().join("in/1.dcm"), 1);
        write(&folder.path().join("in/2.dcm"), 2);
        let script = "import sys, zipfile, pathlib\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n\
                      [z.write(p, p.name) for p in pathlib.Path(sys.argv[2]).iterdir()]\nz.close()";
        let zip = folder.path().join("media.zip");
        let python = sim::program::python().unwrap();
        let (zip, source) = (zip.to_str().unwrap(), folder.path().join("in"));
        sim::program::must(python.to_str().unwrap(), &["-c", script, zip, source.to_str().unwrap()]).unwrap();
        segel(&data, "admin", &["facility", "add", "RSUD-A", "Rumah Sakit A"]).unwrap();
        let imported = segel_output(&data, "import", &[zip]).unwrap();
        assert_eq!(last_line(&imported), "stored 2, duplicate 0, refused 0", "{imported:?}");
        let missing = segel_output(&data, "import", &["/no/such/path"]).unwrap();
        assert_eq!(missing.status.code(), Some(1));
    }

    #[test]
    fn a_dicomdir_brings_in_what_it_lists() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let python = sim::program::python().unwrap();
        let find = "import pydicom.data, pathlib; print(pathlib.Path(pydicom.data.__file__).parent / 'test_files/dicomdirtests/DICOMDIR')";
        let dicomdir = sim::program::must(python.to_str().unwrap(), &["-c", find]).unwrap();
        segel(&data, "admin", &["facility", "add", "RSUD-A", "Rumah Sakit A"]).unwrap();
        let imported = segel_output(&data, "import", &[dicomdir.trim()]).unwrap();
        let line = last_line(&imported);
        let stored: usize = line.strip_prefix("stored ").unwrap().split(',').next().unwrap().parse().unwrap();
        assert!(stored >= 20 && line.ends_with("refused 0"), "{line} {}", String::from_utf8_lossy(&imported.stdout));
    }
}
