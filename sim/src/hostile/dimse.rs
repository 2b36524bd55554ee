//! Bytes for the DICOM ports: PDUs, associations, commands, queries.

use super::Expected::{Answered, Refused};
use super::build::{APPLICATION, CANARY, MARKER, Set, associate, command, data, file, item, items, uids};
use super::{Case, Input, Sent, input};
use crate::dimse::{abort, pdu};
use crate::sample::SECONDARY_CAPTURE;
use crate::stage::MODALITY;

const VERIFICATION: &str = "1.2.840.10008.1.1";

/// What is refused on a connection of its own.
pub(super) fn refused(what: &str, bytes: Vec<u8>) -> Input {
    input(what, Sent::Dimse(bytes, 1), Refused)
}

/// What comes after an association was accepted.
pub(super) fn after(what: &str, class: &str, bytes: Vec<u8>, expected: super::Expected) -> Input {
    input(what, Sent::Associated(associate("SEGEL", MODALITY, &items(APPLICATION, class)), bytes), expected)
}

/// Everything that comes by the upper layer.
pub(super) fn cases() -> Vec<Case> {
    [connections(), associations(), messages(), names()].into_iter().flatten().collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn connections() -> Vec<Case> {
    let many = |what: &str, bytes: Vec<u8>| input(format!("{what}, 200 times"), Sent::Dimse(bytes, 200), Refused);
    let whole = associate("SEGEL", "STRANGER", &items(APPLICATION, VERIFICATION));
    let half = whole.get(..whole.len() / 2).unwrap_or_default().to_vec();
    vec![
        Case {
            numbers: "CVE-2022-43272, CVE-2026-50254, CVE-2026-35505, CVE-2021-41687",
            software: "DCMTK (network, dcmqrdb)",
            published: "Connection requests that fail leave memory behind; repeated, they exhaust the server.",
            inputs: vec![
                many("a request of an unknown peer", whole),
                many("half a request", half),
                many(
                    "a request without a presentation context",
                    associate("SEGEL", MODALITY, &item(0x10, APPLICATION)),
                ),
                many("an abort", abort()),
                many(
                    "a request and its abort at once",
                    [associate("SEGEL", MODALITY, &items(APPLICATION, VERIFICATION)), abort()].concat(),
                ),
            ],
        },
        Case {
            numbers: "fo-dicom 1678, pynetdicom 1086",
            software: "fo-dicom, pynetdicom",
            published: "The length of a PDU is believed before its bytes arrive; the first bytes of an HTTP request are read as one of gigabytes.",
            inputs: vec![
                refused("an HTTP request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
                refused(
                    "a request that declares 4 GiB",
                    [&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF], [7; 100].as_slice()].concat(),
                ),
                refused("data that declare 4 GiB", [&[4, 0, 0xFF, 0xFF, 0xFF, 0xFF], [7; 100].as_slice()].concat()),
                refused("a release that declares 4 GiB", vec![5, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
                refused("nothing but 0xFF", vec![0xFF; 65_536]),
                refused("nothing but zeros", vec![0; 65_536]),
            ],
        },
        Case {
            numbers: "CVE-2025-53948",
            software: "Sante PACS Server",
            published: "A crafted HL7 message ends the server's main thread. There is no HL7 port here; the other doors get the message.",
            inputs: vec![
                refused(
                    "an HL7 message in MLLP",
                    format!("\x0BMSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|||{MARKER}\r\x1C\r").into_bytes(),
                ),
                input(
                    "an HL7 message in MLLP",
                    Sent::Http(format!("\x0BMSH|^~\\&|A|B\rPID|||{MARKER}\r\x1C\r\r\n\r\n").into_bytes()),
                    Refused,
                ),
            ],
        },
        Case {
            numbers: "class",
            software: "one protocol at the door of another",
            published: "Scanners and mistakes bring the bytes of one protocol to the port of another.",
            inputs: vec![
                refused("a TLS ClientHello", hello()),
                input(
                    "an association request in plain text",
                    Sent::DimseTls(associate("SEGEL", MODALITY, &items(APPLICATION, VERIFICATION))),
                    Refused,
                ),
                input("an HTTP request in plain text", Sent::DimseTls(b"GET / HTTP/1.1\r\n\r\n".to_vec()), Refused),
                input(
                    "an association request",
                    Sent::Http(
                        [associate("SEGEL", MODALITY, &items(APPLICATION, VERIFICATION)), b"\r\n\r\n".to_vec()]
                            .concat(),
                    ),
                    Refused,
                ),
                input("a TLS ClientHello", Sent::Http([hello(), b"\r\n\r\n".to_vec()].concat()), Refused),
                refused("an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
            ],
        },
    ]
}

/// The record header of TLS 1.2 around a ClientHello that ends early.
fn hello() -> Vec<u8> {
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03".as_slice(), &[0x42; 501]].concat()
}

fn associations() -> Vec<Case> {
    let syntaxes = |count: usize| {
        let mut context = vec![1, 0, 0, 0];
        context.extend(item(0x30, VERIFICATION.as_bytes()));
        (0..count).for_each(|_| context.extend(item(0x40, b"1.2.840.10008.1.2.1")));
        [item(0x10, APPLICATION), item(0x20, &context)].concat()
    };
    let contexts: Vec<u8> =
        (0..4_000).flat_map(|n| item(0x20, &[u8::try_from(n % 256).unwrap_or(0), 0, 0, 0])).collect();
    let request = |items: &[u8]| associate("SEGEL", MODALITY, items);
    let beyond = [item(0x10, APPLICATION), vec![0x20, 0, 0xFF, 0xFF, 1, 0, 0, 0]].concat();
    let inner = [item(0x10, APPLICATION), item(0x20, &[1, 0, 0, 0, 0x30, 0, 0xFF, 0xFF, b'1'])].concat();
    let user = [items(APPLICATION, VERIFICATION), vec![0x50, 0, 0, 8, 0x51, 0, 0xFF, 0xFF, 0, 0, 0, 0]].concat();
    let long = [item(0x10, APPLICATION), item(0x20, &[&[1, 0, 0, 0], item(0x30, &[b'1'; 60_000]).as_slice()].concat())]
        .concat();
    vec![
        Case {
            numbers: "CVE-2015-8979",
            software: "DCMTK (dcmnet)",
            published: "Items of a presentation context overflow a buffer on the stack while an association request is read.",
            inputs: vec![
                refused("a context of 3,000 transfer syntaxes", request(&syntaxes(2_600))),
                refused("4,000 presentation contexts", request(&contexts)),
                refused("a context longer than its request", request(&beyond)),
                refused("an abstract syntax longer than its context", request(&inner)),
                refused("user information longer than itself", request(&user)),
                refused("an abstract syntax of 60,000 characters", request(&long)),
                refused(
                    "a maximum length of four bytes missing",
                    request(&[items(APPLICATION, VERIFICATION), item(0x50, &item(0x51, &[1]))].concat()),
                ),
            ],
        },
        Case {
            numbers: "CVE-2024-23914",
            software: "Merge DICOM Toolkit",
            published: "An application context name with illegal characters reaches a format string while an association is opened.",
            inputs: vec![
                refused("an application context of %s%n", request(&items(b"%s%s%s%n%n%n", VERIFICATION))),
                refused(
                    "an application context of control bytes",
                    request(&items(&[0x80, 0xFF, 0, 10, 13], VERIFICATION)),
                ),
                refused("no application context", request(&[])),
                refused("titles of %s%n", associate("%s%n%s%n", "%n%n%n", &items(APPLICATION, VERIFICATION))),
                refused(
                    "titles of control bytes",
                    associate("\u{1}\u{2}\n\r", "\u{7F}\u{1B}[2J", &items(APPLICATION, VERIFICATION)),
                ),
            ],
        },
        Case {
            numbers: "io-dicom 38",
            software: "io-dicom",
            published: "A PDU that its state does not allow ends the server.",
            inputs: vec![
                refused("data before an association", data(1, true, true, &[0; 16])),
                refused("a release before an association", pdu(5, &[0; 4])),
                refused("a release answer before an association", pdu(6, &[0; 4])),
                refused("an acceptance from a requestor", pdu(2, &[0; 80])),
                refused("a rejection from a requestor", pdu(3, &[0, 1, 1, 1])),
                refused("a PDU of type 8", pdu(8, &[0; 4])),
                after("a second request", VERIFICATION, request(&items(APPLICATION, VERIFICATION)), Refused),
                after("a release answer that nobody asked for", VERIFICATION, pdu(6, &[0; 4]), Refused),
                after("an acceptance", VERIFICATION, pdu(2, &[0; 80]), Refused),
            ],
        },
    ]
}

fn messages() -> Vec<Case> {
    let one = 1_u16.to_le_bytes();
    let none = 0x0101_u16.to_le_bytes();
    let sent = |bytes: &[u8]| data(1, true, true, bytes);
    let echo = command(&[(2, VERIFICATION.as_bytes()), (0x100, &[0x30, 0]), (0x110, &one), (0x800, &none)]);
    let unknown = command(&[(2, VERIFICATION.as_bytes()), (0x100, &[0x77, 0x77]), (0x110, &one), (0x800, &none)]);
    let short = |length: u32| {
        [b"\0\0\0\0\x04\0\0\0\xFF\xFF\xFF\xFF\0\0\0\x01".as_slice(), &length.to_le_bytes(), &[0x30]].concat()
    };
    let pieces: Vec<u8> = (0..2_000).flat_map(|_| data(1, true, false, &[0; 64])).collect();
    let case = |what: &str, bytes: Vec<u8>| after(what, VERIFICATION, bytes, Refused);
    vec![
        Case {
            numbers: "CVE-2024-34508, CVE-2024-34509",
            software: "DCMTK (dcmnet, dcmdata)",
            published: "An invalid DIMSE message crashes the receiver.",
            inputs: vec![
                case("a command set without anything", sent(&command(&[]))),
                case(
                    "a command set without a command",
                    sent(&command(&[(2, VERIFICATION.as_bytes()), (0x110, &one), (0x800, &none)])),
                ),
                case("a command of one byte", sent(&[0])),
                case("a command whose length lies", sent(&short(u32::MAX))),
                case("a command of another group", sent(b"\x08\0\x18\0\x04\0\0\x001.2\0")),
                case("an operation that there is not", sent(&unknown)),
                case(
                    "a response that answers nothing",
                    sent(&command(&[(0x100, &[0x30, 0x80]), (0x120, &one), (0x800, &none), (0x900, &[0, 0])])),
                ),
                case("a store whose data set is its command", [sent(&store(1, "1.2.3")), sent(&echo)].concat()),
                case(
                    "a store without an instance",
                    sent(&command(&[(0x100, &[1, 0]), (0x110, &one), (0x800, &[0, 0])])),
                ),
                after(
                    "an echo with a data set that is none",
                    VERIFICATION,
                    [
                        sent(&command(&[
                            (2, VERIFICATION.as_bytes()),
                            (0x100, &[0x30, 0]),
                            (0x110, &one),
                            (0x800, &[0, 0]),
                        ])),
                        data(1, false, true, &[0xFF; 64]),
                    ]
                    .concat(),
                    Answered,
                ),
            ],
        },
        Case {
            numbers: "class",
            software: "values inside a P-DATA-TF",
            published: "The lengths inside a PDU are believed, or fragments are gathered without an end.",
            inputs: vec![
                case("a value of length 0", pdu(4, &[0, 0, 0, 0])),
                case("a value of length 1", pdu(4, &[0, 0, 0, 1, 1])),
                case("a value longer than its PDU", pdu(4, &[0xFF, 0xFF, 0xFF, 0xFF, 1, 3, 0, 0])),
                case("a value for a context that was not accepted", data(77, true, true, &echo)),
                case("a data set before its command", data(1, false, true, &[0; 16])),
                case("a command without an end", pieces),
                case(
                    "a thousand empty fragments",
                    (0..1_000).flat_map(|_| data(1, true, false, &[])).chain(sent(&[0])).collect(),
                ),
            ],
        },
    ]
}

fn store(context_message: u16, instance: &str) -> Vec<u8> {
    command(&[
        (2, SECONDARY_CAPTURE.as_bytes()),
        (0x100, &[1, 0]),
        (0x110, &context_message.to_le_bytes()),
        (0x700, &[0, 0]),
        (0x800, &[0, 0]),
        (0x1000, instance.as_bytes()),
    ])
}

fn names() -> Vec<Case> {
    let up = format!("../../../../tmp/{CANARY}");
    let at_root = format!("/tmp/{CANARY}");
    let shell = format!("1.2;touch /tmp/{CANARY};");
    let tick = format!("`touch /tmp/{CANARY}`");
    let named = |n: usize, uid: &str| Set::new(n).with((0x0008, 0x0018), b"UI", uid.as_bytes());
    let stored =
        |what: &str, n: usize, uid: &str| input(what, Sent::Store(uid.to_owned(), named(n, uid).bytes()), Refused);
    let stowed = |what: &str, n: usize, uid: &str| {
        input(what, Sent::Stow(file(n, super::build::EXPLICIT, &named(n, uid)), n, &[]), Refused)
    };
    let study = |n: usize, uid: &str| Set::new(n).with((0x0020, 0x000D), b"UI", uid.as_bytes());
    vec![
        Case {
            numbers: "CVE-2022-2119, CVE-2022-2120, CVE-2026-50003, CVE-2026-56445, CVE-2025-0573",
            software: "DCMTK (storescp, getscu), pynetdicom, Sante PACS Server",
            published: "A UID of the sender becomes a file name, and leads out of the folder.",
            inputs: vec![
                stored("a SOP Instance UID that leads up", 1, &up),
                stored("a SOP Instance UID that begins at the root", 2, &at_root),
                stowed("a SOP Instance UID that leads up", 3, &up),
                input(
                    "a Study Instance UID that leads up",
                    Sent::Store(uids(4).instance, study(4, &up).bytes()),
                    Refused,
                ),
                input(
                    "a Study Instance UID that begins at the root",
                    Sent::Stow(file(5, super::build::EXPLICIT, &study(5, &at_root)), 5, &[]),
                    Refused,
                ),
                input(
                    "a command and a data set that name two instances",
                    Sent::Store("1.2.3.4".into(), Set::new(6).bytes()),
                    Refused,
                ),
            ],
        },
        Case {
            numbers: "CVE-2026-5663",
            software: "DCMTK (storescp)",
            published: "UIDs and names of the sender are put into a command of the shell.",
            inputs: vec![
                stored("a SOP Instance UID with a command", 7, &shell),
                stowed("a SOP Instance UID with a command in backticks", 8, &tick),
                refused(
                    "a calling title with a command",
                    associate("SEGEL", ";touch a;`id`", &items(APPLICATION, VERIFICATION)),
                ),
                input(
                    "a patient's name with a command",
                    Sent::Store(
                        uids(9).instance,
                        Set::new(9).with((0x0010, 0x0010), b"PN", format!("{MARKER}$({shell})").as_bytes()).bytes(),
                    ),
                    super::Expected::Kept,
                ),
            ],
        },
    ]
}
