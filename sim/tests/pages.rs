//! The pages as a browser meets them: nobody sees anything, a token opens, a session ends, a stranger's study does not exist.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;
    use sim::sample::{self, Person, Uids};

    /// Status and everything that came, headers first.
    fn ask(archive: &Archive, cookie: &str, further: &[&str], path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", archive.http);
        let cookie = format!("Cookie: {cookie}");
        let mut arguments = vec!["-s", "-S", "-i", "-H", cookie.as_str()];
        arguments.extend(further);
        arguments.push(&url);
        let output = program::run("curl", &arguments).unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let status = answer.split_whitespace().nth(1).unwrap_or_default().parse().unwrap_or(0);
        (status, answer)
    }

    fn header<'a>(answer: &'a str, name: &str) -> &'a str {
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
    }

    fn sign_in(archive: &Archive, token: &str) -> String {
        let (status, answer) = ask(archive, "", &["--data-urlencode", &format!("token={token}")], "/signin");
        assert_eq!((status, header(&answer, "location")), (303, "/"));
        let cookie = header(&answer, "set-cookie");
        assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
        assert!(!answer.contains(token), "the token itself is in no cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    /// It signs nobody out, nor in as somebody else; a link from there is followed.
    fn another_sites_form_does_nothing(archive: &Archive, session: &str, token: &str) {
        for site in ["cross-site", "same-site"] {
            let from = format!("Sec-Fetch-Site: {site}");
            let (status, answer) = ask(archive, session, &["-X", "POST", "-H", &from], "/signout");
            assert_eq!((status, header(&answer, "set-cookie")), (403, ""));
            let data = format!("token={token}");
            assert_eq!(ask(archive, "", &["-H", &from, "--data-urlencode", &data], "/signin").0, 403);
        }
        assert_eq!(ask(archive, session, &["-H", "Sec-Fetch-Site: cross-site"], "/").0, 200);
    }

    #[test]
    fn a_token_opens_the_pages_and_a_stranger_learns_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let (ours, others) = (archive.facility("RSUD-A").unwrap(), archive.facility("RSUD-B").unwrap());
        let (person, uids) = (Person::nth(3), Uids::new(1, 2, 3));
        let body = folder.path().join("body");
        let part = b"--B\r\nContent-Type: application/dicom\r\n\r\n".as_slice();
        let file = sample::file(&uids, &sample::data_set(&person, &uids, 64, b"pixels"));
        std::fs::write(&body, [part, file.as_slice(), b"\r\n--B--\r\n"].concat()).unwrap();
        let data = format!("@{}", body.display());
        let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=B";
        let stored = archive.curl(&ours.system, &["-H", kind, "--data-binary", &data], "/dicom-web/studies");
        assert_eq!(stored.unwrap().0, 200);

        let picture = format!("/studies/{}/series/{}/instances/{}", uids.study, uids.series, uids.instance);
        let study = format!("/studies/{}", uids.study);
        for path in ["/", "/results", study.as_str(), &format!("{picture}/image"), &format!("{picture}/samples")] {
            let (status, answer) = ask(&archive, "segel-session=0000", &[], path);
            assert_eq!(status, 303, "{path}");
            // Where the visitor wanted to go is remembered in the address alone.
            let back = path.replace('/', "%2F");
            let entrance = if path == "/" { "/signin".to_owned() } else { format!("/signin?back={back}") };
            assert_eq!(header(&answer, "location"), entrance);
        }
        for wrong in ["token=x", "token=", "token=a.b.c", "token=%ff"] {
            let (status, answer) = ask(&archive, "", &["--data", wrong], "/signin");
            assert!(matches!(status, 400 | 401), "{wrong}: {status}");
            assert!(header(&answer, "set-cookie").is_empty());
        }
        assert_eq!(ask(&archive, "", &[], &format!("/signin/{}", "0".repeat(64))).0, 401);
        // A door for programs takes no cookie, so no web site can drive it through a browser.
        let session = sign_in(&archive, &ours.clinician);
        assert_eq!(ask(&archive, &session, &[], "/dicom-web/studies").0, 401);

        let shown = person.name.replace('^', ", ");
        let (status, list) = ask(&archive, &session, &[], "/");
        assert!(status == 200 && list.contains(&shown) && list.contains(&study), "{list}");
        assert!(header(&list, "content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(header(&list, "cache-control"), "no-store");
        let (status, page) = ask(&archive, &session, &["-H", "Accept-Language: en"], &study);
        assert!(status == 200 && page.contains(&shown) && page.contains("Opened for"), "{page}");
        let patient = list.split("/patients/").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let (status, page) = ask(&archive, &session, &[], &format!("/patients/{patient}"));
        assert!(
            status == 200 && page.contains(&shown) && page.contains(&study),
            "a patient of whom only images are known has a page"
        );
        let (status, samples) = ask(&archive, &session, &[], &format!("{picture}/samples"));
        assert!(status == 200 && samples.ends_with(&"\u{FFFD}".repeat(3)) && samples.contains("pixels"));
        assert_eq!(
            header(&ask(&archive, &session, &[], &format!("{picture}/image?side=64")).1, "content-type"),
            "image/jpeg"
        );

        let stranger = sign_in(&archive, &others.clinician);
        let (status, list) = ask(&archive, &stranger, &[], "/");
        assert!(status == 200 && !list.contains(&shown) && !list.contains(&study));
        let refused = ask(&archive, &stranger, &["-H", "Accept-Language: en"], &study);
        let absent = ask(&archive, &stranger, &["-H", "Accept-Language: en"], "/studies/1.2.3");
        let text = |answer: &str| answer.split("\r\n\r\n").nth(1).unwrap_or_default().replace(&uids.study, "1.2.3");
        assert_eq!((refused.0, absent.0), (404, 404));
        assert_eq!(text(&refused.1).len(), text(&absent.1).len(), "refused and absent look alike");
        for path in ["image", "samples", "document"].map(|what| format!("{picture}/{what}")) {
            assert_eq!(ask(&archive, &stranger, &[], &path).0, 404);
        }
        assert_eq!(ask(&archive, &stranger, &[], &format!("/patients/{patient}")).0, 404);

        another_sites_form_does_nothing(&archive, &session, &others.clinician);
        let own = ["-X", "POST", "-H", "Sec-Fetch-Site: same-origin"];
        assert_eq!(ask(&archive, &session, &own, "/signout").0, 303);
        assert_eq!(header(&ask(&archive, &session, &[], "/").1, "location"), "/signin");
        assert_eq!(ask(&archive, "", &[], "/healthz").0, 200);
        archive.stop().unwrap();
    }
}
