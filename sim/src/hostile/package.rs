//! Zip packages and media folders for `segel import`.

use super::Expected::{Answered, Refused};
use super::build::{CANARY, EXPLICIT, Entry, Set, file, zip};
use super::{Case, Sent, input};
use crate::sample::element;

/// Everything whose hole lies in packages.
pub(super) fn cases() -> Vec<Case> {
    let good = file(300, EXPLICIT, &Set::new(300));
    let one = |name, zeros_mib, claims| zip(&[Entry { name, content: &good, zeros_mib, claims }]);
    let import = |what: &str, name, bytes: Vec<u8>, expected| input(what, Sent::Import(vec![(name, bytes)]), expected);
    let up = format!("../../../../tmp/{CANARY}");
    let reference = |file_id: &str| {
        let inside =
            [element((0x0004, 0x1430), b"CS", b"IMAGE"), element((0x0004, 0x1500), b"CS", file_id.as_bytes())].concat();
        let item =
            [b"\xFE\xFF\x00\xE0".as_slice(), &u32::try_from(inside.len()).unwrap_or(0).to_le_bytes(), &inside].concat();
        let set = [
            element((0x0004, 0x1200), b"UL", &u32::MAX.to_le_bytes()),
            super::build::declares((0x0004, 0x1220), b"SQ", u32::try_from(item.len()).unwrap_or(0)),
            item,
        ]
        .concat();
        [super::build::head(301, EXPLICIT, [0; 128]), set].concat()
    };
    let media = |what: &str, file_id: &str| import(what, "DICOMDIR", reference(file_id), Refused);
    vec![
        Case {
            numbers: "CVE-2026-5439",
            software: "Orthanc",
            published: "The length that a zip package claims for a file is allocated before the file is inflated.",
            inputs: vec![
                import("a file that claims 4 GiB", "a.zip", one("a", 0, Some(0xFFFF_FFFE)), Refused),
                import("a file that claims 500 MiB", "b.zip", one("b", 0, Some(500 << 20)), Refused),
                import("a file that claims one byte", "c.zip", one("c", 0, Some(1)), Refused),
                import("a file that inflates a thousand times", "d.zip", one("d", 200, None), Refused),
                import("a package that is cut", "e.zip", one("e", 0, None).into_iter().take(60).collect(), Refused),
                import("a package without a file", "f.zip", zip(&[]), Answered),
            ],
        },
        Case {
            numbers: "CVE-2026-32711",
            software: "pydicom (FileSet)",
            published: "The references of a DICOMDIR lead out of its folder, and files there are read, moved or removed.",
            inputs: vec![
                media("a reference that leads up", "..\\..\\..\\..\\etc\\passwd"),
                media("a reference that begins at the root", "/etc/passwd"),
                media("a reference with slashes", "../../../../etc/passwd"),
                media("a reference to itself", "DICOMDIR"),
                import(
                    "a record at offset 4,294,967,295 and a name in a package that leads up",
                    "g.zip",
                    zip(&[Entry { name: &up, content: b"not DICOM", zeros_mib: 0, claims: None }]),
                    Refused,
                ),
                import(
                    "a name in a package with a command",
                    "h.zip",
                    zip(&[Entry {
                        name: "$(touch /tmp/segel-hostile-canary);\u{1B}[2J\n",
                        content: b"not DICOM",
                        zeros_mib: 0,
                        claims: None,
                    }]),
                    Refused,
                ),
            ],
        },
    ]
}
