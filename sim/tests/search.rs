//! Searches as hospitals' programs ask them.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;

    #[test]
    fn every_kind_of_matching_is_answered_over_dimse_and_dicomweb() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        archive.peer("PYNETDICOM", "RSUD-A").unwrap();
        let url = format!("http://{}/dicom-web", archive.http);
        let arguments = [archive.dimse.to_string(), url, tokens.system, tokens.clinician];
        print!("{}", program::script("search_story.py", &arguments).unwrap());
    }
}
