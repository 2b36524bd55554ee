//! Queries and worklists over DIMSE.

use super::Case;
use super::Expected::{Answered, Refused};
use super::build::{APPLICATION, associate, command, data, items};
use super::dimse::{after, refused};
use crate::stage::MODALITY;

const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const WORKLIST_FIND: &str = "1.2.840.10008.5.1.4.31";

/// Everything whose hole lies in reading a query.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
    let find = |class: &str, identifier: &[u8]| {
        let command = command(&[
            (2, class.as_bytes()),
            (0x100, &[0x20, 0]),
            (0x110, &[1, 0]),
            (0x700, &[0, 0]),
            (0x800, &[0, 0]),
        ]);
        let mut bytes = data(1, true, true, &command);
        let pieces: Vec<&[u8]> = identifier.chunks(16_000).collect();
        for (nth, piece) in pieces.iter().enumerate() {
            bytes.extend(data(1, false, nth + 1 == pieces.len(), piece));
        }
        bytes
    };
    let text = |tag, vr, value: &str| crate::sample::element(tag, vr, value.as_bytes());
    let level = || text((0x0008, 0x0052), b"CS", "STUDY");
    let ask = |what: &str, class: &'static str, identifier: Vec<u8>, expected| {
        after(what, class, find(class, &identifier), expected)
    };
    let stars = "*?".repeat(16);
    let values = (0..5_000).map(|n| format!("1.2.{n}")).collect::<Vec<_>>().join("\\");
    let step = |inside: &[u8]| {
        let item =
            [b"\xFE\xFF\x00\xE0".as_slice(), &u32::try_from(inside.len()).unwrap_or(0).to_le_bytes(), inside].concat();
        [super::build::declares((0x0040, 0x0100), b"SQ", u32::try_from(item.len()).unwrap_or(0)), item].concat()
    };
    vec![
        Case {
            numbers: "CVE-2026-44628",
            software: "DCMTK (worklist server)",
            published: "A crafted query crashes the worklist server.",
            inputs: vec![
                ask(
                    "a sequence without an item",
                    WORKLIST_FIND,
                    super::build::declares((0x0040, 0x0100), b"SQ", 0),
                    Answered,
                ),
                ask("an item without an element", WORKLIST_FIND, step(&[]), Answered),
                ask("a scheduled step that is text", WORKLIST_FIND, text((0x0040, 0x0100), b"LO", "x"), Answered),
                ask(
                    "a range of dates that ends before it begins",
                    WORKLIST_FIND,
                    step(&text((0x0040, 0x0002), b"DA", "99999999-00000000")),
                    Answered,
                ),
                ask("sequences 1,000 deep", WORKLIST_FIND, super::build::nested(1_000, false), Refused),
                ask(
                    "a value longer than the query",
                    WORKLIST_FIND,
                    super::build::declares((0x0040, 0x0100), b"SQ", 0xFFFF_FFFE),
                    Refused,
                ),
                ask("no bytes at all", WORKLIST_FIND, vec![0; 2], Refused),
                ask(
                    "wildcards of wildcards in a name",
                    STUDY_ROOT_FIND,
                    [level(), text((0x0010, 0x0010), b"PN", &stars)].concat(),
                    Answered,
                ),
                ask(
                    "5,000 UIDs",
                    STUDY_ROOT_FIND,
                    [level(), text((0x0020, 0x000D), b"UI", &values)].concat(),
                    Answered,
                ),
                ask("an unknown level", STUDY_ROOT_FIND, text((0x0008, 0x0052), b"CS", "../../STUDY"), Refused),
            ],
        },
        Case {
            numbers: "CVE-2026-52868",
            software: "DCMTK (worklist server)",
            published: "The called title of a request leads to another area's folder, whose worklist is read without being its member.",
            inputs: vec![
                refused(
                    "a called title that leads up",
                    associate("../RSUD-B", MODALITY, &items(APPLICATION, WORKLIST_FIND)),
                ),
                refused(
                    "a called title that is another facility's",
                    associate("RSUD-B", MODALITY, &items(APPLICATION, WORKLIST_FIND)),
                ),
                ask(
                    "a station that leads up",
                    WORKLIST_FIND,
                    step(&text((0x0040, 0x0001), b"AE", "../../RSUD-B")),
                    Answered,
                ),
            ],
        },
    ]
}
