//! Requests to the HTTP doors.

use super::Expected::{Answered, Http, Refused, Waiting};
use super::build::{CANARY, EXPLICIT, Entry, MARKER, Set, file, gzip, uids, zip};
use super::{Case, Input, Sent, input};

/// A request with a token, on a connection that ends after it.
fn request(line: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {{token}}\r\n{fields}");
    [head.as_bytes(), b"\r\n", body].concat()
}

pub(super) fn with_length(line: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    request(line, &format!("{fields}Content-Length: {}\r\n", body.len()), body)
}

pub(super) fn http(what: impl Into<String>, bytes: Vec<u8>, expected: super::Expected) -> Input {
    input(what, Sent::Http(bytes), expected)
}

pub(super) fn get(what: impl Into<String>, target: &str, expected: super::Expected) -> Input {
    http(what, request(&format!("GET {target}"), "", b""), expected)
}

const STOW: &str = "POST /dicom-web/studies";
const DICOM: &str = "Content-Type: application/dicom\r\n";
pub(super) const FHIR: &str = "Content-Type: application/fhir+json\r\n";

/// Everything whose hole lies in HTTP and what it carries.
pub(super) fn cases() -> Vec<Case> {
    [bodies(), access(), targets(), framing(), multipart()].into_iter().flatten().collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn bodies() -> Vec<Case> {
    let coded = |what: &str, line: &str, kind: &str, coding: &str, body: &[u8]| {
        http(what, with_length(line, &format!("{kind}Content-Encoding: {coding}\r\n"), body), Http(415))
    };
    let declared =
        |line: &str, kind: &str, length: &str| request(line, &format!("{kind}Content-Length: {length}\r\n"), b"few");
    let good = file(400, EXPLICIT, &Set::new(400));
    let package = zip(&[Entry { name: "a", content: &good, zeros_mib: 0, claims: Some(0xFFFF_FFFE) }]);
    let xml = format!("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>{MARKER}&x;</a>");
    vec![
        Case {
            numbers: "CVE-2026-5438",
            software: "Orthanc",
            published: "A request's body compressed by gzip is inflated without a limit.",
            inputs: vec![
                coded("a gigabyte of zeros by gzip to STOW-RS", STOW, DICOM, "gzip", &gzip(1024)),
                coded("64 MiB of zeros by gzip to FHIR", "POST /fhir", FHIR, "gzip", &gzip(64)),
                coded(
                    "64 MiB of zeros by deflate to UPS-RS",
                    "POST /dicom-web/workitems",
                    "Content-Type: application/dicom+json\r\n",
                    "deflate",
                    &super::build::deflated(b"", 64),
                ),
                coded("gzip in gzip in gzip", "POST /fhir/Patient", FHIR, "gzip, gzip, gzip", &gzip(1)),
                coded("an instance that is said to be compressed", STOW, DICOM, "br", &good),
            ],
        },
        Case {
            numbers: "CVE-2026-5440",
            software: "Orthanc",
            published: "The length that a request declares is allocated before its body arrives.",
            inputs: vec![
                http(
                    "99,999,999,999 bytes to STOW-RS, three of them there",
                    declared(STOW, DICOM, "99999999999"),
                    Waiting,
                ),
                http("4,294,967,295 bytes to FHIR", declared("POST /fhir", FHIR, "4294967295"), Http(413)),
                http(
                    "4,294,967,295 bytes to UPS-RS",
                    declared("POST /dicom-web/workitems", "Content-Type: application/dicom+json\r\n", "4294967295"),
                    Http(413),
                ),
                http("40 MB to FHIR, three bytes there", declared("POST /fhir", FHIR, "40000000"), Waiting),
                http("more than a number", declared(STOW, DICOM, "99999999999999999999999"), Refused),
                http("a length below zero", declared(STOW, DICOM, "-1"), Refused),
                http("a length of words", declared("POST /fhir", FHIR, "0x10"), Refused),
            ],
        },
        Case {
            numbers: "class",
            software: "packages and XML as a request's body",
            published: "A package is unpacked, or an entity of XML is read from the disk, because a content type says so (CWE-409, CWE-611).",
            inputs: vec![
                http(
                    "a zip package to STOW-RS",
                    with_length(STOW, "Content-Type: application/zip\r\n", &package),
                    Http(415),
                ),
                http("a zip package as an instance", with_length(STOW, DICOM, &package), Refused),
                http(
                    "XML with an entity to STOW-RS",
                    with_length(STOW, "Content-Type: application/dicom+xml\r\n", xml.as_bytes()),
                    Http(415),
                ),
                http(
                    "XML with an entity in multipart",
                    with_length(
                        STOW,
                        "Content-Type: multipart/related; type=\"application/dicom+xml\"; boundary=b\r\n",
                        xml.as_bytes(),
                    ),
                    Http(415),
                ),
                http(
                    "XML with an entity to FHIR",
                    with_length("POST /fhir/Patient", "Content-Type: application/fhir+xml\r\n", xml.as_bytes()),
                    Http(415),
                ),
            ],
        },
    ]
}

fn access() -> Vec<Case> {
    let bare = |what: &str, line: &str, fields: &str| {
        http(what, format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n").into_bytes(), Http(401))
    };
    let study = uids(400).study;
    let path = format!("{{\"Path\":\"/tmp/{CANARY}\",\"Method\":\"{CANARY}\"}}");
    let post = |what: &str, target: &str| {
        http(
            what,
            with_length(&format!("POST {target}"), "Content-Type: application/json\r\n", path.as_bytes()),
            Refused,
        )
    };
    vec![
        Case {
            numbers: "CVE-2025-0896, CVE-2024-33606",
            software: "Orthanc, MicroDicom",
            published: "Records are given, and taken, without asking who it is.",
            inputs: vec![
                bare("a search without a token", "GET /dicom-web/studies", ""),
                bare("a study without a token", &format!("GET /dicom-web/studies/{study}"), ""),
                bare(
                    "WADO-URI without a token",
                    &format!("GET /wado?requestType=WADO&studyUID={study}&seriesUID=1&objectUID=1"),
                    "",
                ),
                bare("workitems without a token", "GET /dicom-web/workitems", ""),
                bare("patients without a token", "GET /fhir/Patient?name=a", ""),
                bare("a store without a token", STOW, "Content-Type: application/dicom\r\nContent-Length: 0\r\n"),
                bare("an empty token", "GET /dicom-web/studies", "Authorization: Bearer \r\n"),
                bare(
                    "a token of 8,000 characters",
                    "GET /dicom-web/studies",
                    &format!("Authorization: Bearer {}\r\n", "a".repeat(8_000)),
                ),
                bare(
                    "a token without a signature",
                    "GET /dicom-web/studies",
                    "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.\r\n",
                ),
                bare("a password", "GET /dicom-web/studies", "Authorization: Basic b3J0aGFuYzpvcnRoYW5j\r\n"),
            ],
        },
        Case {
            numbers: "CVE-2023-33466",
            software: "Orthanc",
            published: "A request names the file on the server that a record is written to, and overwrites its configuration.",
            inputs: vec![
                post("an export of an instance to a path", "/instances/1/export"),
                post("a script to run", "/tools/execute-script"),
                post("a study to a path", &format!("/dicom-web/studies/{study}?path=/tmp/{CANARY}")),
                http("an upload by PUT", with_length(&format!("PUT /tmp/{CANARY}"), "", b"x"), Refused),
                http("a method of WebDAV", with_length("MKCOL /webdav/a", "", b""), Refused),
            ],
        },
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn targets() -> Vec<Case> {
    let instance = |n: usize| {
        let uids = uids(n);
        format!("/dicom-web/studies/{}/series/{}/instances/{}", uids.study, uids.series, uids.instance)
    };
    let kept = instance(230);
    let long = "a".repeat(60_000);
    let fields = (0..2_000).map(|n| format!("includefield=0010{n:04}")).collect::<Vec<_>>().join("&");
    let frames = vec!["1"; 5_000].join(",");
    let wado = |rest: &str| {
        let uids = uids(230);
        format!(
            "/wado?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}&{rest}",
            uids.study, uids.series, uids.instance
        )
    };
    vec![
        Case {
            numbers: "CVE-2025-0574",
            software: "Sante PACS Server",
            published: "The path of a request corrupts memory.",
            inputs: vec![
                get("a path of 60,000 characters", &format!("/{long}"), Refused),
                get("a path of 20,000 parts", &"/a".repeat(20_000), Refused),
                get("a path with zeros", "/dicom-web/studies/%00%00/series", Refused),
                get("a path that leads up", "/../../../../etc/passwd", Refused),
                get("a path that leads up, encoded", "/dicom-web/studies/%2e%2e%2f%2e%2e%2fetc%2fpasswd", Refused),
                get("a path that is no UTF-8", "/dicom-web/studies/%FF%FE%80", Refused),
                get("a bulk data path that leads up", &format!("{kept}/bulkdata/../../../../etc/passwd"), Refused),
                get("a bulk data path 5,000 deep", &format!("{kept}/bulkdata{}", "/00400275/1".repeat(3_000)), Refused),
                get("another host in the target", "http://127.0.0.1:1/dicom-web/studies", Answered),
            ],
        },
        Case {
            numbers: "Orthanc 1.12.11 (filename)",
            software: "Orthanc",
            published: "A parameter becomes part of a header, and line ends in it make headers of their own.",
            inputs: vec![
                get("a file name with a line end", &format!("{kept}?filename=a%0d%0aX-Injected:%20yes"), Answered),
                get("a media type with a line end", &format!("{kept}?accept=image/png%0d%0aX-Injected:%20yes"), Refused),
                get("a content type with a line end", &wado("contentType=image/png%0d%0aX-Injected:%20yes"), Refused),
                http("a host with a quote and a tag", format!("GET {kept}/metadata HTTP/1.1\r\nHost: a\"><script>\r\nConnection: close\r\nAuthorization: Bearer {{token}}\r\n\r\n").into_bytes(), Answered),
            ],
        },
        Case {
            numbers: "class",
            software: "queries of DICOMweb",
            published: "A short request asks for much work or much memory (CWE-400, CWE-789).",
            inputs: vec![
                get("a query of 60,000 characters", &format!("/dicom-web/studies?PatientName={long}"), Refused),
                get("2,000 attributes to include", &format!("/dicom-web/studies?{fields}"), Answered),
                get("a limit beyond numbers", "/dicom-web/studies?limit=99999999999999999999&offset=99999999999999999999", Refused),
                get("an offset of 4,294,967,295", "/dicom-web/studies?offset=4294967295", Answered),
                get("wildcards of wildcards", &format!("/dicom-web/studies?PatientName={}", "*?".repeat(500)), Answered),
                get("zeros in a value", "/dicom-web/studies?PatientID=%00%00&StudyDate=%00", Answered),
                get("a page mark of another's making", "/dicom-web/studies?after=AAAAAAAAAAAAAAAAAAAAAAAA", Answered),
                get("SQL in a value", "/dicom-web/studies?PatientID=%27%20OR%201=1;--", Answered),
                get("a sequence path 500 deep", &format!("/dicom-web/studies?{}=1", ["00400275"; 500].join(".")), Answered),
                get("one frame 5,000 times", &format!("{kept}/frames/{frames}"), Answered),
                get("frame 0", &format!("{kept}/frames/0"), Refused),
                get("frame 4,294,967,296", &format!("{kept}/frames/4294967296"), Refused),
                get("a picture of 4,294,967,295 x 4,294,967,295", &format!("{kept}/rendered?viewport=4294967295,4294967295"), Refused),
                get("a picture of 65,535 x 65,535", &format!("{kept}/rendered?viewport=65535,65535"), Refused),
                get("a part of a picture that lies outside", &format!("{kept}/rendered?viewport=64,64,-99999,-99999,1e9,1e9"), Answered),
                get("a window of no number", &format!("{kept}/rendered?window=NaN,inf,LINEAR"), Refused),
                get("a quality of a thousand", &format!("{kept}/rendered?quality=1000"), Refused),
                get("a region of no width", &wado("contentType=image/png&region=0.5,0.5,0.5,0.5"), Refused),
                http("5,000 ranges", request(&format!("GET {kept}"), &format!("Range: bytes={}\r\n", vec!["0-1"; 5_000].join(",")), b""), Answered),
                http("a range that ends before it begins", request(&format!("GET {kept}"), "Range: bytes=18446744073709551615-0\r\n", b""), Answered),
                http("2,000 media types", request(&format!("GET {kept}/rendered"), &format!("Accept: {}\r\n", vec!["image/png;q=0.1"; 2_000].join(", ")), b""), Answered),
            ],
        },
    ]
}

fn framing() -> Vec<Case> {
    let raw = |what: &str, text: &str, expected| http(what, text.as_bytes().to_vec(), expected);
    let flood = (0..20_000).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let start =
        "POST /fhir HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/fhir+json\r\n";
    let inner = "GET /dicom-web/studies HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = |rest: &str| format!("{start}Transfer-Encoding: chunked\r\n\r\n{rest}");
    vec![Case {
        numbers: "class",
        software: "framing of HTTP/1.1",
        published: "Where a request ends is read in two ways, so that one request hides in another (CWE-444), or what has no end is gathered.",
        inputs: vec![
            raw(
                "a length and chunks",
                &format!("{start}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
                Refused,
            ),
            raw("two lengths", &format!("{start}Content-Length: 6\r\nContent-Length: 0\r\n\r\n{inner}"), Refused),
            raw("chunks by another name", &format!("{start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), Refused),
            raw("chunks twice", &format!("{start}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), Refused),
            raw("a folded header", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", Refused),
            raw("a space before a colon", &format!("{start}Content-Length : 6\r\n\r\nabcdef"), Refused),
            raw("a chunk of FFFFFFFFFFFFFFFF", &chunked("FFFFFFFFFFFFFFFF\r\nabc\r\n"), Waiting),
            raw("a chunk longer than numbers", &chunked("FFFFFFFFFFFFFFFFFFFF\r\nabc\r\n"), Refused),
            raw("a chunk of a negative size", &chunked("-1\r\nabc\r\n"), Refused),
            raw(
                "a chunk's name of a megabyte",
                &chunked(&format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1 << 20))),
                Refused,
            ),
            raw("a trailer of a megabyte", &chunked(&format!("0\r\nX: {}\r\n\r\n", "x".repeat(1 << 20))), Answered),
            raw("20,000 headers", &format!("GET / HTTP/1.1\r\nHost: a\r\n{flood}\r\n"), Http(431)),
            raw(
                "a header of a megabyte",
                &format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)),
                Http(431),
            ),
            raw("a method of a megabyte", &format!("{} / HTTP/1.1\r\n\r\n", "G".repeat(1 << 20)), Refused),
            raw("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refused),
            raw("a version that there is not", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", Refused),
            raw(
                "a hundred requests at once",
                &"GET /dicom-web/studies HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100),
                Http(401),
            ),
            raw(
                "an upgrade",
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
                Answered,
            ),
            raw("a zero in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", Refused),
        ],
    }]
}

fn multipart() -> Vec<Case> {
    let kind = |boundary: &str| {
        format!("Content-Type: multipart/related; type=\"application/dicom\"; boundary=\"{boundary}\"\r\n")
    };
    let send = |what: &str, boundary: &str, body: &[u8], expected| {
        http(what, with_length(STOW, &kind(boundary), body), expected)
    };
    let part = "--b\r\nContent-Type: application/dicom\r\n\r\n";
    let name = format!(
        "--b\r\nContent-Type: application/dicom\r\nContent-Location: file:///tmp/{CANARY}\r\nContent-Disposition: attachment; filename=\"../../tmp/{CANARY}\"\r\n\r\nx\r\n--b--\r\n"
    );
    vec![Case {
        numbers: "class",
        software: "multipart bodies",
        published: "Boundaries, headers and parts without an end; names of parts that are taken for paths (CWE-22, CWE-400).",
        inputs: vec![
            send("a part without an end", "b", part.as_bytes(), Refused),
            send("a body without a part", "b", b"--b--\r\n", Answered),
            send(
                "headers of a megabyte",
                "b",
                format!("--b\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)).as_bytes(),
                Refused,
            ),
            send(
                "20,000 empty parts",
                "b",
                format!("{}--b--\r\n", format!("{part}\r\n").repeat(20_000)).as_bytes(),
                Refused,
            ),
            send("a boundary of 1,000 characters", &"b".repeat(1_000), part.as_bytes(), Refused),
            send("no boundary", "", part.as_bytes(), Refused),
            send(
                "a megabyte of almost boundaries",
                "bbbbbbbbbbbbbbbb",
                &b"\r\n--bbbbbbbbbbbbbbb".repeat(60_000),
                Refused,
            ),
            send("a part with the name of a path", "b", name.as_bytes(), Refused),
            send(
                "multipart in multipart",
                "b",
                b"--b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n--b--\r\n",
                Refused,
            ),
        ],
    }]
}
