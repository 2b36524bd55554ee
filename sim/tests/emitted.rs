//! What the archive gives out is clean where what it was given was: by `dciodvfy`, by bytes, and by pydicom.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;

    #[test]
    fn every_kind_comes_out_by_every_way_as_clean_as_it_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        archive.peer("VIEWER", "RSUD-A").unwrap();
        let url = format!("http://{}/dicom-web", archive.http);
        let segel = program::ours("segel").unwrap().display().to_string();
        let (data, place) = (archive.data.display().to_string(), folder.path().display().to_string());
        let arguments = [url, archive.dimse.to_string(), tokens.system, tokens.clinician, segel, data, place];
        print!("{}", program::script("emitted.py", &arguments).unwrap());
    }
}
