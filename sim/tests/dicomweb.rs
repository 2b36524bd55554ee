//! DICOMweb, whole: every form in which the archive gives what it keeps, and pages of other origins.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;
    use std::collections::BTreeMap;

    #[test]
    fn every_form_holds_what_was_sent() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let others = archive.facility("RSUD-B").unwrap();
        let origin = format!("http://{}", archive.http);
        let arguments = [&origin, &ours.system, &ours.clinician, &others.clinician];
        print!("{}", program::script("dicomweb_retrieve.py", &arguments).unwrap());
    }

    /// Status and headers (lower-case names) of an answer, by curl.
    fn headers(arguments: &[&str]) -> (u16, BTreeMap<String, String>) {
        let mut all = vec!["-s", "-S", "-o", "/dev/null", "-D", "-"];
        all.extend(arguments);
        let text = program::must("curl", &all).unwrap();
        let mut lines = text.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        (status, headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect())
    }

    #[test]
    fn only_pages_of_named_origins_may_speak_and_only_to_the_doors_for_programs() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("segel.toml");
        std::fs::write(&config, "[http]\ncors_origins = [\"https://viewer.example\", \"http://127.0.0.1:3000\"]\n")
            .unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start_with(&data, &["--config", config.to_str().unwrap()]).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let studies = format!("http://{}/dicom-web/studies", archive.http);
        let authorization = format!("Authorization: Bearer {}", tokens.clinician);
        // What Chromium sends before a fetch() with an Authorization header.
        let preflight = |origin: &str, url: &str| {
            headers(&[
                "-X",
                "OPTIONS",
                "-H",
                &format!("Origin: {origin}"),
                "-H",
                "Access-Control-Request-Method: GET",
                "-H",
                "Access-Control-Request-Headers: authorization",
                "-H",
                "Sec-Fetch-Mode: cors",
                url,
            ])
        };
        for origin in ["https://viewer.example", "http://127.0.0.1:3000"] {
            let (status, said) = preflight(origin, &studies);
            assert_eq!(status, 204);
            assert_eq!(said.get("access-control-allow-origin").map(String::as_str), Some(origin));
            assert!(said["access-control-allow-headers"].contains("authorization"));
            assert!(said["access-control-allow-methods"].contains("GET"));
            assert!(said.contains_key("access-control-max-age") && said["vary"].contains("origin"));
            let asked = format!("Origin: {origin}");
            let (status, said) = headers(&["-H", &asked, "-H", &authorization, &studies]);
            assert_eq!((status, said["access-control-allow-origin"].as_str()), (200, origin));
            assert!(!said.contains_key("access-control-allow-credentials"));
            // A failure can be read as well, or a viewer could not say what went wrong.
            let (status, said) = headers(&["-H", &asked, &studies]);
            assert_eq!((status, said["access-control-allow-origin"].as_str()), (401, origin));
        }
        for origin in ["https://viewer.example.evil.example", "https://viewer.example:8443", "null"] {
            let (_, said) = preflight(origin, &studies);
            assert!(!said.keys().any(|name| name.starts_with("access-control")), "{origin}: {said:?}");
        }
        let page = format!("http://{}/", archive.http);
        let (_, said) = headers(&["-H", "Origin: https://viewer.example", &page]);
        assert!(!said.keys().any(|name| name.starts_with("access-control")), "{said:?}");
        assert_eq!(said["cross-origin-resource-policy"], "same-origin");
        archive.stop().unwrap();
        // Nobody is named unless the configuration names somebody, and what is no origin is refused.
        let archive = Archive::start(&data).unwrap();
        let studies = format!("http://{}/dicom-web/studies", archive.http);
        let (_, said) = preflight("https://viewer.example", &studies);
        assert!(!said.keys().any(|name| name.starts_with("access-control") || name == "vary"), "{said:?}");
        archive.stop().unwrap();
        std::fs::write(&config, "[http]\ncors_origins = [\"*\"]\n").unwrap();
        assert!(Archive::start_with(&data, &["--config", config.to_str().unwrap()]).is_err());
    }
}
