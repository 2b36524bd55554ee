//! The HTTP doors by what a careful client sees of them: negotiation, every transfer syntax, refusals, searches, transactions.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    fn story(script: &str, base: &str) {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let others = archive.facility("RSUD-B").unwrap();
        let url = format!("http://{}{base}", archive.http);
        print!("{}", program::script(script, &[&url, &ours.system, &ours.clinician, &others.clinician]).unwrap());
    }

    #[test]
    fn the_dicomweb_door_negotiates_renders_and_refuses() {
        story("dicomweb_door.py", "/dicom-web");
    }

    #[test]
    fn the_fhir_door_finds_what_it_keeps_and_refuses_the_rest() {
        story("fhir_door.py", "/fhir");
    }

    /// Says something on a fresh connection and waits for the whole answer.
    fn say(archive: &Archive, request: &[u8]) -> (String, Duration) {
        let mut socket = TcpStream::connect(archive.http).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(request).unwrap();
        let begun = Instant::now();
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(count) = socket.read(&mut piece) {
            answer.extend_from_slice(&piece[..count]);
            let whole = count == 0 || answer.windows(4).any(|end| end == b"\r\n\r\n");
            if whole {
                break;
            }
        }
        (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
    }

    #[test]
    fn requests_that_are_none_are_answered_at_once_and_end_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let long_header = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ".as_slice(), &[b'x'; 128 * 1024], b"\r\n\r\n"].concat();
        for (request, status) in [
            (b"\x01\x00\x00\x00\x00\xcd\x00\x01\x00\x00SEGEL\r\n\r\n".as_slice(), "400"),
            (b"GET /dicom-web/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
            (b"POST /dicom-web/studies HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", "401"),
            (&long_header, "431"),
        ] {
            let (answer, time) = say(&archive, request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
            assert!(time < Duration::from_secs(1), "{time:?}");
        }
        let (status, _) = archive.curl(&tokens.clinician, &[], "/dicom-web/studies").unwrap();
        assert_eq!(status, 200);
    }
}
