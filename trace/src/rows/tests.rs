use super::*;
use aws_lc_rs::rand;

fn block() -> [u8; 16] {
    let mut block = [0; 16];
    rand::fill(&mut block).unwrap();
    block
}

fn records(count: usize) -> Vec<RecordId> {
    (0..count).map(|_| block()).collect()
}

#[test]
fn marks_are_the_ones_of_their_key_and_record_and_come_as_often_as_they_should() {
    let (biases, key, other) =
        (BiasKey::new(block()).unwrap(), DisclosureKey::new(block()).unwrap(), DisclosureKey::new(block()).unwrap());
    let records = records(200_000);
    let levels = biases.levels(&records).unwrap();
    let marks = key.marks(&records, &levels).unwrap();
    assert_eq!(marks, key.marks(&records, &levels).unwrap());
    let others = other.marks(&records, &levels).unwrap();
    let same_tag = marks.iter().zip(&others).filter(|(a, b)| a.tag == b.tag).count();
    assert!(same_tag < 10, "{same_tag} tags of two copies are the same");
    assert!(marks.iter().all(|marks| u64::from(marks.tag) < TAGS));
    for level in 0..32 {
        let at: Vec<_> = marks.iter().zip(&levels).filter(|(_, own)| **own == level).collect();
        let ones = at.iter().filter(|(marks, _)| marks.bit).count();
        let (rows, bias) = (at.len() as f64, probability(level));
        assert!((rows - 6250.0).abs() < 500.0, "level {level} has {rows} rows");
        let spread = (rows * bias * (1.0 - bias)).sqrt();
        assert!((ones as f64 - rows * bias).abs() < 6.0 * spread, "level {level}: {ones} ones of {rows} at {bias}");
    }
    assert!(probability(0) > 0.0 && probability(31) < 1.0 && (probability(0) + probability(31) - 1.0).abs() < 1e-4);
}

#[test]
fn a_published_block_is_the_cipher() {
    // FIPS 197, appendix B: the tag is the last eight bytes of the block, little-endian, modulo 10^6.
    let key = DisclosureKey::new(*b"\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c").unwrap();
    let record = *b"\x32\x43\xf6\xa8\x88\x5a\x30\x8d\x31\x31\x98\xa2\xe0\x37\x07\x34";
    let last = u64::from_le_bytes(*b"\xdc\x11\x85\x97\x19\x6a\x0b\x32");
    assert_eq!(u64::from(key.marks(&[record], &[0]).unwrap()[0].tag), last % TAGS);
}

#[test]
fn a_record_shown_with_both_bits_says_nothing_and_one_shown_twice_counts_once() {
    let biases = BiasKey::new(block()).unwrap();
    let row = |record, bit, tag| Observed { record, ordinal: 0, tag, bit };
    let (a, b) = (block(), block());
    let leak = Leak::new(
        &[
            row(a, Some(true), Some(1)),
            row(a, Some(true), Some(1)),
            row(b, Some(true), Some(2)),
            row(b, Some(false), Some(3)),
            row(b, Some(true), None),
        ],
        &biases,
    )
    .unwrap();
    assert_eq!((leak.rows_with_bits(), leak.rows_with_tags()), (1, 3));
}

#[test]
fn who_did_not_have_a_row_is_not_judged_by_it() {
    let biases = BiasKey::new(block()).unwrap();
    let records = records(600);
    let levels = biases.levels(&records).unwrap();
    let key = block();
    let marks = DisclosureKey::new(key).unwrap().marks(&records, &levels).unwrap();
    let observed: Vec<Observed> = (0..)
        .zip(records.iter().zip(&marks))
        .map(|(ordinal, (record, marks))| Observed { record: *record, ordinal, tag: None, bit: Some(marks.bit) })
        .collect();
    let leak = Leak::new(&observed, &biases).unwrap();
    let suspect = |received| vec![Suspect { key: DisclosureKey::new(key).unwrap(), received }];
    let bound = |received| accuse(&leak, &suspect(received), -13.8).unwrap();
    assert_eq!(bound(None).named.len(), 1);
    assert_eq!(bound(Some((0..300).collect())).named.len(), 1);
    let few = bound(Some((0..20).collect()));
    assert!(few.named.is_empty() && few.next.unwrap().ln_bound > -13.8, "twenty rows are too few");
    assert!(bound(Some(roaring::RoaringBitmap::new())).named.is_empty());
}

#[test]
fn nothing_is_said_of_nothing() {
    let leak = Leak::new(&[], &BiasKey::new(block()).unwrap()).unwrap();
    let key = DisclosureKey::new(block()).unwrap();
    assert_eq!(ln_by_tags(&leak, &key).unwrap(), (0, 0.0));
    assert!(accuse(&leak, &[Suspect { key, received: None }], -13.8).unwrap().named.is_empty());
    assert!(accuse(&leak, &[], -13.8).unwrap().next.is_none());
}

#[test]
fn tags_count_for_whose_they_are() {
    let biases = BiasKey::new(block()).unwrap();
    let records = records(3);
    let key = DisclosureKey::new(block()).unwrap();
    let marks = key.marks(&records, &[0; 3]).unwrap();
    let observed: Vec<Observed> = records
        .iter()
        .zip(&marks)
        .map(|(record, marks)| Observed { record: *record, ordinal: 0, tag: Some(marks.tag), bit: None })
        .collect();
    let leak = Leak::new(&observed, &biases).unwrap();
    let (hits, ln) = ln_by_tags(&leak, &key).unwrap();
    assert!(hits == 3 && (ln - 1e-18_f64.ln()).abs() < 0.01, "{ln}");
    assert_eq!(ln_by_tags(&leak, &DisclosureKey::new(block()).unwrap()).unwrap().0, 0);
}

#[test]
fn a_channel_adds_up_and_those_who_agree_show_it() {
    for attack in Attack::ALL {
        for copies in [1, 2, 3, 10, 30] {
            let channel = Channel { attack, copies, noise: 0.0 };
            for bias in [0.01, 0.3, 0.5, 0.99] {
                let alone = channel.shows_one(bias, 0, 0);
                let mixed = bias * channel.shows_one(bias, 1, 1) + (1.0 - bias) * channel.shows_one(bias, 0, 1);
                assert!((alone - mixed).abs() < 1e-12, "{channel:?} at {bias}: {alone} is not {mixed}");
            }
            assert!(
                channel.shows_one(0.5, 0, copies) == 0.0
                    && (channel.shows_one(0.5, copies, copies) - 1.0).abs() < 1e-12
            );
        }
    }
}
