//! The rules of PS3.5 section 7 as tables: what is read, what is read with a warning, what is refused.

#[cfg(test)]
#[path = "../fuzz/bodies/samples.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::samples::{big_sample, sample, scan, undefined_sample};
    use record::limits::{
        DATASET_DEPTH_MAX, DATASET_ELEMENTS_MAX, INLINE_VALUE_BYTES_MAX, METADATA_BYTES_MAX, PREAMBLE_BYTES_MAX,
    };
    use serde_json::{Value, json};
    use wire::dataset::{
        Draft, Outline, Scanner, Span, Tag, VR, Value as Held, keyword_of, read_json, tag_of, vr_of, write,
    };
    use wire::error::Error;
    use wire::syntax::{EXPLICIT_BIG, EXPLICIT_LITTLE, Encoding, IMPLICIT_LITTLE, TransferSyntax};

    const ITEM: &[u8] = b"\xFE\xFF\x00\xE0";
    const ITEM_END: &[u8] = b"\xFE\xFF\x0D\xE0\0\0\0\0";
    const SEQUENCE_END: &[u8] = b"\xFE\xFF\xDD\xE0\0\0\0\0";
    const UNDEFINED: &[u8] = &[0xFF; 4];
    const CODE: &[u8] = b"\x08\x00\x00\x01SH\x02\x00A ";
    const SEQUENCE: &[u8] = b"\x40\x00\x30\xA7SQ\0\0";

    fn read(uid: &str, bytes: &[u8]) -> Result<Outline, Error> {
        scan(&TransferSyntax::of(uid), bytes, &[usize::MAX], false)
    }

    fn explicit(parts: &[&[u8]]) -> Result<Outline, Error> {
        read(EXPLICIT_LITTLE, &parts.concat())
    }

    /// The reason why a data set in explicit little endian is refused.
    fn refusal(parts: &[&[u8]]) -> String {
        explicit(parts).map_or_else(|error| error.to_string(), |_| "read".to_owned())
    }

    #[test]
    fn items_and_delimiters_where_they_belong() {
        let item = [ITEM, b"\x0A\0\0\0", CODE].concat();
        let open_item = [ITEM, UNDEFINED, CODE, ITEM_END].concat();
        let good: [&[&[u8]]; 4] = [
            &[SEQUENCE, b"\x12\0\0\0", &item],
            &[SEQUENCE, b"\x1A\0\0\0", &open_item],
            &[SEQUENCE, UNDEFINED, &item, SEQUENCE_END],
            &[SEQUENCE, UNDEFINED, &open_item, SEQUENCE_END],
        ];
        let expected = json!({"0040A730": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["A"]}}]}});
        for parts in good {
            let outline = explicit(parts).unwrap();
            assert_eq!((outline.json(), outline.warnings().len()), (expected.clone(), 0));
        }
        let warned: [&[&[u8]]; 2] = [
            &[SEQUENCE, UNDEFINED, ITEM, b"\x12\0\0\0", CODE, ITEM_END, SEQUENCE_END],
            &[SEQUENCE, b"\x1A\0\0\0", &item, SEQUENCE_END],
        ];
        for parts in warned {
            let outline = explicit(parts).unwrap();
            assert_eq!((outline.json(), outline.warnings().len()), (expected.clone(), 1));
        }
    }

    #[test]
    fn what_breaks_the_structure_is_refused_by_its_tag() {
        let item = [ITEM, b"\x0A\0\0\0", CODE].concat();
        let table: [(&[&[u8]], &str); 19] = [
            (&[ITEM_END], "(FFFE,E00D): delimiter out of place"),
            (&[SEQUENCE_END], "(FFFE,E0DD): delimiter out of place"),
            (&[ITEM, b"\0\0\0\0"], "(FFFE,E000): delimiter out of place"),
            (&[SEQUENCE, UNDEFINED, ITEM, UNDEFINED, SEQUENCE_END], "(FFFE,E0DD): delimiter out of place"),
            (&[SEQUENCE, UNDEFINED, CODE, SEQUENCE_END], "(0040,A730): (0008,0100) where an item is expected"),
            (&[SEQUENCE, UNDEFINED, ITEM_END], "(0040,A730): (FFFE,E00D) where an item is expected"),
            (&[SEQUENCE, UNDEFINED, &item], "(0040,A730): still open at the end of the data set"),
            (&[SEQUENCE, UNDEFINED, ITEM, UNDEFINED, CODE], "(FFFE,E000): still open at the end of the data set"),
            (&[SEQUENCE, b"\x12\0\0\0", ITEM, b"\x0C\0\0\0", CODE], "(FFFE,E000): declares 12 bytes where 10 are left"),
            (
                &[SEQUENCE, b"\x12\0\0\0", ITEM, b"\x0A\0\0\0\x08\0\0\x01SH\x04\0A   "],
                "(0008,0100): declares 4 bytes where 2 are left",
            ),
            (
                &[SEQUENCE, b"\x0C\0\0\0", ITEM, UNDEFINED, CODE],
                "(0008,0100): begins inside and ends outside what holds it",
            ),
            (&[b"\x10\0\x10\0PN\x10\0short"], "(0010,0010): 11 bytes are missing at the end of the data set"),
            (&[CODE, b"\x08\0\x01"], "the data set ends inside the header of an element"),
            (&[b"\x10\0\x10\0PNXX\x10\0\x20\0"], "(0010,0010): 22612 bytes are missing at the end of the data set"),
            (&[b"\x10\0\x10\0\x01\x02\0\0"], "(0010,0010): no value representation in an explicit data set"),
            (&[b"\x08\0\x70\0UT\0\0", UNDEFINED], "(0008,0070): undefined length is not allowed here"),
            (
                &[b"\xE0\x7F\x10\0OB\0\0", UNDEFINED, ITEM, UNDEFINED],
                "(7FE0,0010): (FFFE,E000) where a fragment is expected",
            ),
            (&[b"\xE0\x7F\x10\0OB\0\0", UNDEFINED, CODE], "(7FE0,0010): (0008,0100) where a fragment is expected"),
            (&[b"\x28\0\x10\0US\x02\0\x01\0\x10\0\x20\0LO\x02\0B "], "(0010,0020): identification behind later groups"),
        ];
        for (parts, why) in table {
            let text = refusal(parts);
            assert!(text == why || (why.contains("22612") && text.contains("are missing")), "{text} / {why}");
        }
    }

    #[test]
    fn a_repeated_element_counts_once_or_is_refused() {
        let once = b"\x10\0\x20\0LO\x02\0A ".as_slice();
        let twice = explicit(&[once, once]).unwrap();
        assert_eq!(twice.json(), json!({"00100020": {"vr": "LO", "Value": ["A"]}}));
        assert!(twice.warnings().iter().any(|w| w == "(0010,0020): occurs twice in one data set"));
        let other = b"\x10\0\x20\0LO\x02\0B ".as_slice();
        assert!(refusal(&[once, other]).contains("twice"));
        assert!(refusal(&[once, CODE, once, other]).contains("twice"));
        let item = [ITEM, b"\x14\0\0\0", once, other].concat();
        assert!(refusal(&[SEQUENCE, b"\x1C\0\0\0", &item]).contains("twice"));
    }

    #[test]
    fn what_is_only_untidy_is_read_with_a_warning() {
        let table: [(&[u8], &str); 8] = [
            (b"\x10\0\x20\0LO\x03\0ABC", "(0010,0020): odd length"),
            (b"\x10\0\x20\0LO\x02\0A \x10\0\x10\0PN\x02\0B ", "(0010,0010): out of order"),
            (b"\x10\0\x20\0ZZ\0\0\x02\0\0\0A ", "(0010,0020): unknown value representation"),
            (b"\x10\0\x20\0??\x02\0A ", "(0010,0020): no value representation"),
            (b"\x08\0\x05\0CS\x0A\0ISO_IR 999", "(0008,0005): unknown character set"),
            (b"\x08\0\x18\0UI\x08\0../../..", "(0008,0018): not a valid UID"),
            (b"\x10\0\x20\0LO\x02\0A \0\0\0\0\0\0\0\0\0\0\0\0", "zeros follow the data set"),
            (b"\x10\0\x20\0LO\x02\0A \0\0\0", "zeros follow the data set"),
        ];
        for (bytes, warning) in table {
            assert_eq!(explicit(&[bytes]).unwrap().warnings(), [warning]);
        }
        let after_zeros = refusal(&[b"\x10\0\x20\0LO\x02\0A \0\0\0\0\0\0\0\0\0\x01"]);
        assert_eq!(after_zeros, "bytes follow the padding behind the data set");
        let hundred: Vec<u8> = (0x10..0x74_u8).flat_map(|e| [0x10, 0, e, 0, b'L', b'O', 1, 0, b'A']).collect();
        let warnings = explicit(&[&hundred]).unwrap();
        assert_eq!(
            (warnings.warnings().len(), warnings.warnings()[64].as_str()),
            (65, "further warnings are left out")
        );
    }

    #[test]
    fn a_known_size_refuses_at_once() {
        let header = b"\xE0\x7F\x10\0OB\0\0\xFE\xFF\xFF\xFF";
        let mut scanner = Scanner::new(&TransferSyntax::of(EXPLICIT_LITTLE)).with_total_bytes(16);
        let error = scanner.feed(header).unwrap_err();
        assert_eq!(error.to_string(), "(7FE0,0010): declares 4294967294 bytes where 4 are left");
        assert_eq!(scanner.feed(b"more").unwrap_err(), error);
        assert_eq!(scanner.finish().unwrap_err(), error);
    }

    #[test]
    fn identification_is_complete_in_the_middle() {
        let bytes = sample().encode(Encoding::ExplicitLittle).unwrap();
        let mut scanner = Scanner::new(&TransferSyntax::of(EXPLICIT_LITTLE));
        let mut fed = bytes.iter();
        while !scanner.outline().identified() {
            scanner.feed(&[*fed.next().unwrap()]).unwrap();
        }
        assert_eq!(scanner.outline().text(Tag(0x0010, 0x0020)).as_deref(), Some("A-1"));
        assert_eq!(scanner.outline().text(Tag(0x0010, 0x0010)).as_deref(), Some("Müller^Änne=山田^花子"));
        assert!(scanner.outline().element(Tag(0x0028, 0x0010)).is_none());
        scanner.feed(fed.as_slice()).unwrap();
        assert_eq!(scanner.position(), u64::try_from(bytes.len()).unwrap());
        assert_eq!(scanner.finish().unwrap(), read(EXPLICIT_LITTLE, &bytes).unwrap());
    }

    #[test]
    fn every_encoding_gives_the_same_metadata() {
        let implicit = read(IMPLICIT_LITTLE, &sample().encode(Encoding::ImplicitLittle).unwrap()).unwrap();
        let explicit = read(EXPLICIT_LITTLE, &sample().encode(Encoding::ExplicitLittle).unwrap()).unwrap();
        let without_pixels = |outline: &Outline| {
            let mut json = outline.json();
            json.as_object_mut().unwrap().remove("7FE00010");
            json
        };
        assert_eq!(without_pixels(&implicit), without_pixels(&explicit));
        assert_eq!(implicit.json()["00280106"], json!({"vr": "SS", "Value": [-2]}));
        assert_eq!(implicit.json()["00091001"], json!({"vr": "UN", "InlineBinary": "AQIDBA=="}));
        let again = write(&without_pixels(&explicit), Encoding::ImplicitLittle).unwrap();
        assert_eq!(without_pixels(&read(IMPLICIT_LITTLE, &again).unwrap()), without_pixels(&explicit));

        let big = read(EXPLICIT_BIG, &big_sample()).unwrap();
        assert_eq!(big.json()["00280010"], json!({"vr": "US", "Value": [2]}));
        assert_eq!(big.json()["00280106"], json!({"vr": "SS", "Value": [-2]}));
        assert_eq!(big.sequence(Tag(0x0040, 0xA730))[0].text(Tag(0x0040, 0xA030)).as_deref(), Some("A"));
    }

    #[test]
    fn undefined_lengths_fragments_and_unknown_sequences() {
        let bytes = undefined_sample();
        let outline = read("1.2.840.10008.1.2.4.50", &bytes).unwrap();
        let json = outline.json();
        assert_eq!(json["00091001"], json!({"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["AB-1"]}}]}));
        assert_eq!(json["00100010"], json!({"vr": "PN", "Value": [{"Alphabetic": "Jérôme^"}]}));
        let Held::Fragments(spans) = outline.element(Tag(0x7FE0, 0x0010)).unwrap().value() else { panic!() };
        let [table, Span { offset, length }] = spans.as_slice() else { panic!() };
        assert_eq!(table.length, 4);
        let from = usize::try_from(*offset).unwrap();
        assert_eq!(&bytes[from..from + usize::try_from(*length).unwrap()], b"\xFF\xD8\x01\x02\xFF\xD9");
        assert_eq!(json["7FE00010"]["Fragments"][1], json!([offset, 6]));
        assert_eq!(outline.warnings(), Vec::<String>::new());
    }

    #[test]
    fn a_known_element_sent_as_un_is_read_by_the_dictionary() {
        let inside = b"\x10\0\x20\0UN\0\0\x04\0\0\0A-1 \x40\0\x75\x02UN\0\0\x12\0\0\0\xFE\xFF\x00\xE0\x0A\0\0\0\x08\0\0\x01\x02\0\0\0A ";
        let outline = explicit(&[inside]).unwrap();
        assert_eq!(outline.json()["00100020"], json!({"vr": "LO", "Value": ["A-1"]}));
        assert_eq!(outline.sequence(Tag(0x0040, 0x0275))[0].text(Tag(0x0008, 0x0100)).as_deref(), Some("A"));
    }

    #[test]
    fn an_item_may_have_its_own_character_set() {
        let greek = b"\x08\0\x05\0CS\x0A\0ISO_IR 126\x10\0\x10\0PN\x02\0\xC4\xC4";
        let latin = b"\x08\0\x05\0CS\x0A\0ISO_IR 100";
        let name = b"\x08\0\x80\0LO\x02\0\xC4 ";
        let item = [ITEM, &(u32::try_from(greek.len()).unwrap().to_le_bytes()), greek].concat();
        let plain = [ITEM, b"\x0A\0\0\0", name].concat();
        let sequence = u32::try_from(item.len() + plain.len()).unwrap().to_le_bytes();
        let outline = explicit(&[latin, name, SEQUENCE, &sequence, &item, &plain]).unwrap();
        let items = outline.sequence(Tag(0x0040, 0xA730));
        assert_eq!(outline.text(Tag(0x0008, 0x0080)).as_deref(), Some("Ä"));
        assert_eq!(items[0].text(Tag(0x0010, 0x0010)).as_deref(), Some("ΔΔ"));
        assert_eq!(items[1].text(Tag(0x0008, 0x0080)).as_deref(), Some("Ä"));
    }

    #[test]
    fn values_as_the_json_model_has_them() {
        let table: [(VR, &[u8], Value); 15] = [
            (VR::IS, b"7\\-12 ", json!({"vr": "IS", "Value": [7, -12]})),
            (VR::IS, b"1.5 ", json!({"vr": "IS", "Value": ["1.5"]})),
            (VR::DS, b"1.50\\ 2e3\\x ", json!({"vr": "DS", "Value": [1.5, 2000.0, "x"]})),
            (VR::DS, b"\\3\\ ", json!({"vr": "DS", "Value": [null, 3, null]})),
            (VR::CS, b"A\\ B\\ ", json!({"vr": "CS", "Value": ["A", "B", null]})),
            (VR::CS, b"  ", json!({"vr": "CS"})),
            (VR::AT, b"\x28\0\x10\0", json!({"vr": "AT", "Value": ["00280010"]})),
            (VR::FL, b"\0\0\xC0\x7F", json!({"vr": "FL", "Value": ["NaN"]})),
            (VR::FD, b"\0\0\0\0\0\0\xF8\x3F", json!({"vr": "FD", "Value": [1.5]})),
            (VR::SV, &[0xFF; 8], json!({"vr": "SV", "Value": [-1]})),
            (VR::LT, b" A\\B  ", json!({"vr": "LT", "Value": [" A\\B"]})),
            (VR::UC, b"A\\B ", json!({"vr": "UC", "Value": ["A", "B"]})),
            (VR::UR, b"a:\\b", json!({"vr": "UR", "Value": ["a:\\b"]})),
            (VR::PN, b"A==B\\ ", json!({"vr": "PN", "Value": [{"Alphabetic": "A", "Phonetic": "B"}, null]})),
            (VR::OB, b"\x01\x02", json!({"vr": "OB", "InlineBinary": "AQI="})),
        ];
        for (vr, value, expected) in table {
            let bytes = Draft::new().bytes(Tag(0x0011, 0x1001), vr, value).encode(Encoding::ExplicitLittle).unwrap();
            assert_eq!(explicit(&[&bytes]).unwrap().json()["00111001"], expected);
        }
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let table = [
            json!([]),
            json!({"0010": {"vr": "LO"}}),
            json!({"00100020": {"Value": ["A"]}}),
            json!({"00100020": {"vr": "LO", "Value": [1]}}),
            json!({"00280010": {"vr": "US", "Value": [65536]}}),
            json!({"00280010": {"vr": "US", "Value": "1"}}),
            json!({"7FE00010": {"vr": "OW", "Bulk": [0, 2]}}),
            json!({"7FE00010": {"vr": "OW", "InlineBinary": "?"}}),
            json!({"00100020": {"vr": "LO", "Value": ["A".repeat(65_536)]}}),
        ];
        for json in table {
            assert!(write(&json, Encoding::ExplicitLittle).is_err(), "{json}");
        }
        assert!(Draft::new().encode(Encoding::ExplicitBig).is_err());
        let long = json!({"00101030": {"vr": "DS", "Value": [0.123_456_789_012_345_68, -1.0e-300, 61.5]}});
        let outline = explicit(&[&write(&long, Encoding::ExplicitLittle).unwrap()]).unwrap();
        let text = outline.text(Tag(0x0010, 0x1030)).unwrap();
        assert!(text.split('\\').all(|value| value.len() <= 16), "{text}");
        assert!(text.ends_with("\\61.5"), "{text}");
    }

    #[test]
    fn the_dictionary_both_ways() {
        assert_eq!(tag_of("PatientID"), Some(Tag(0x0010, 0x0020)));
        assert_eq!(keyword_of(Tag(0x0010, 0x0020)), Some("PatientID"));
        assert_eq!((keyword_of(Tag(0x0009, 0x0010)), tag_of("Nothing")), (None, None));
        assert_eq!((vr_of(Tag(0x0010, 0x0010)), vr_of(Tag(0x0009, 0x1000))), (VR::PN, VR::UN));
    }

    fn nested(depth: usize) -> Vec<u8> {
        let open = [SEQUENCE, UNDEFINED, ITEM, UNDEFINED].concat();
        [open.repeat(depth), [ITEM_END, SEQUENCE_END].concat().repeat(depth)].concat()
    }

    /// Private elements in order, each with `value`.
    fn many(count: usize, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap().to_le_bytes();
        let mut out = Vec::with_capacity(count * (8 + value.len()));
        for n in 0..count {
            let group = u16::try_from(0x0011 + 2 * (n / 50_000)).unwrap();
            let element = u16::try_from(0x1000 + n % 50_000).unwrap();
            out.extend_from_slice(&group.to_le_bytes());
            out.extend_from_slice(&element.to_le_bytes());
            out.extend_from_slice(b"LO");
            out.extend_from_slice(&length);
            out.extend_from_slice(value);
        }
        out
    }

    #[test]
    fn depth_and_count_reach_their_limits_and_pass_them_by_one() {
        assert!(explicit(&[&nested(DATASET_DEPTH_MAX)]).is_ok());
        assert!(refusal(&[&nested(DATASET_DEPTH_MAX + 1)]).contains("deeper than 64"));
        assert_eq!(explicit(&[&many(DATASET_ELEMENTS_MAX, b"")]).unwrap().count(), DATASET_ELEMENTS_MAX);
        assert!(refusal(&[&many(DATASET_ELEMENTS_MAX + 1, b"")]).contains("more than 1000000 elements"));
    }

    #[test]
    fn the_deepest_data_set_needs_little_stack() {
        let work = || {
            let outline = explicit(&[&nested(DATASET_DEPTH_MAX)]).unwrap();
            let text = read_json(&outline.json_text()).unwrap();
            assert_eq!(text, outline.json());
            let again = write(&text, Encoding::ExplicitLittle).unwrap();
            assert_eq!(explicit(&[&again]).unwrap().json(), outline.json());
        };
        // A quarter of what a worker thread has.
        std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn metadata_is_read_at_the_depth_of_a_data_set_and_no_deeper() {
        let deep = |levels: usize| ["[".repeat(levels), "]".repeat(levels)].concat();
        assert!(read_json(deep(3 * DATASET_DEPTH_MAX + 3).as_bytes()).is_ok());
        assert!(read_json(deep(3 * DATASET_DEPTH_MAX + 4).as_bytes()).is_err());
        assert_eq!(read_json(br#"{"a":"\"[[{"}"#).unwrap(), json!({"a": "\"[[{"}));
        assert!(read_json(b"{} {}").is_err() && read_json(b"{").is_err());
    }

    #[test]
    fn values_become_bulk_one_byte_past_the_limit() {
        let held = |length: usize, vr: VR, tag: Tag| {
            let bytes = Draft::new().bytes(tag, vr, vec![b'A'; length]).encode(Encoding::ExplicitLittle).unwrap();
            let outline = explicit(&[&bytes]).unwrap();
            matches!(outline.element(tag).unwrap().value(), Held::Inline(_))
        };
        let text = Tag(0x0011, 0x1001);
        assert!(held(INLINE_VALUE_BYTES_MAX, VR::UT, text) && !held(INLINE_VALUE_BYTES_MAX + 2, VR::UT, text));
        assert!(held(1024, VR::OB, text) && !held(1026, VR::OB, text));
        assert!(!held(2, VR::OW, Tag(0x7FE0, 0x0010)) && held(0, VR::OW, Tag(0x7FE0, 0x0010)));
    }

    #[test]
    fn metadata_reaches_its_limit_and_does_not_pass_it() {
        let full = METADATA_BYTES_MAX / 64;
        let outline = explicit(&[&many(full, &[b'A'; 64])]).unwrap();
        assert!(outline.json_text().len() > METADATA_BYTES_MAX);
        assert!(refusal(&[&many(full, &[b'A'; 64]), b"\x01\x7F\x01\x10LO\x02\0A "]).contains("bytes of metadata"));
        // Past the half, long values are only pointed at, and small ones still fit.
        let long = explicit(&[&many(METADATA_BYTES_MAX / 4096, &[b'A'; 4096])]).unwrap();
        let bulk = long.root().elements().filter(|e| matches!(e.value(), Held::Bulk(_))).count();
        assert_eq!(bulk, METADATA_BYTES_MAX / 8192 - 1);
    }

    #[test]
    fn identification_must_come_within_its_limit() {
        let before = |length: usize| {
            let header = [b"\x09\0\x01\x10OB\0\0".as_slice(), &u32::try_from(length).unwrap().to_le_bytes()].concat();
            [header, vec![0; length], b"\x10\0\x20\0LO\x02\0A ".to_vec()].concat()
        };
        // 12 bytes of header before, 8 of header and 2 of value behind.
        let fits = PREAMBLE_BYTES_MAX - 22;
        assert!(explicit(&[&before(fits)]).is_ok());
        assert!(refusal(&[&before(fits + 2)]).contains("before the end of group 0010"));
    }

    #[test]
    fn pixel_data_passes_at_the_speed_of_memory() {
        let header = b"\xE0\x7F\x10\0OW\0\0\0\0\0\x10";
        let chunk = vec![0; 1 << 20];
        let mut scanner = Scanner::new(&TransferSyntax::of(EXPLICIT_LITTLE));
        scanner.feed(header).unwrap();
        let begin = std::time::Instant::now();
        (0..256).for_each(|_| scanner.feed(&chunk).unwrap());
        assert!(begin.elapsed() < std::time::Duration::from_millis(100), "{:?} for 256 MiB", begin.elapsed());
        assert_eq!(scanner.finish().unwrap().json(), json!({"7FE00010": {"vr": "OW", "Bulk": [12, 1 << 28]}}));
    }
}
