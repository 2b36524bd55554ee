//! Worklists by the clients that modalities and workstations have.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;

    fn started() -> (tempfile::TempDir, Archive) {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        (folder, archive)
    }

    #[test]
    fn orders_become_a_modalitys_worklist() {
        let (folder, archive) = started();
        let ours = archive.facility("RSUD-A").unwrap();
        let others = archive.facility("RSUD-B").unwrap();
        for (title, facility) in [("CT1", "RSUD-A"), ("MR1", "RSUD-A"), ("FAR1", "RSUD-B")] {
            archive.peer(title, facility).unwrap();
        }
        let place = folder.path().join("worklist");
        std::fs::create_dir(&place).unwrap();
        let url = format!("http://{}/fhir", archive.http);
        let arguments =
            [url, archive.dimse.to_string(), ours.system, others.system, ours.clinician, place.display().to_string()];
        print!("{}", program::script("worklist_dimse.py", &arguments).unwrap());
    }

    #[test]
    fn workitems_are_created_claimed_performed_and_ended() {
        let (_folder, archive) = started();
        let ours = archive.facility("RSUD-A").unwrap();
        let others = archive.facility("RSUD-B").unwrap();
        let name = ["--facility", "RSUD-A", "--role", "registrar"];
        let mut add = vec!["person", "add", "registrar RSUD-A"];
        add.extend(name);
        archive.admin(&add).unwrap();
        let registrar = archive.admin(&["token", "--as", "registrar RSUD-A"]).unwrap();
        let url = format!("http://{}/dicom-web", archive.http);
        print!("{}", program::script("workitems.py", &[url, ours.system, registrar, others.system]).unwrap());
    }
}
