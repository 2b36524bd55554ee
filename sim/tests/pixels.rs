//! Frames through real pixel workers: bit for bit beside independent decoders, and damaged ones.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;

    fn script(what: &str, rest: &[&str]) -> String {
        let segel = program::ours("segel").unwrap();
        let arguments = [&[what, segel.to_str().unwrap()], rest].concat();
        program::script("pixels.py", &arguments).unwrap()
    }

    /// Every transfer syntax that is read here, some 450 frames of many sizes, depths and predictors; and what is not, refused.
    #[test]
    fn every_transfer_syntax_is_decoded_bit_for_bit() {
        let said = script("exact", &[]);
        print!("{said}");
        assert!(said.contains("exact: done"));
    }

    /// Frames cut, bent and lied about, straight into a worker: each is answered or refused, in bounded time and memory.
    #[test]
    fn damaged_frames_are_answered_in_bounded_time_and_memory() {
        let seconds = sim::amount(10, 60).to_string();
        let said = script("hostile", &[&seconds]);
        print!("{said}");
        assert!(said.contains("hostile: done"));
    }

    /// The same through the doors: drawn, decoded, refused with a status; and the archive goes on.
    #[test]
    fn an_archive_draws_every_syntax_and_outlives_damaged_frames() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let facility = archive.facility("RSUD-A").unwrap();
        let (url, process) = (format!("http://{}/dicom-web", archive.http), archive.process_id().to_string());
        let seconds = sim::amount(10, 60).to_string();
        let arguments = ["archive", &url, &process, &facility.system, &facility.clinician, &seconds];
        let said = program::script("pixels.py", &arguments).unwrap();
        print!("{said}");
        assert!(said.contains("archive: done"));
    }
}
