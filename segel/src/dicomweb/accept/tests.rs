use super::frames::{Frames, Making};
use super::*;
use axum::http::header;

fn of(text: &str) -> Vec<MediaRange> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, text.parse().unwrap());
    ranges(&headers, None).unwrap()
}

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const LITTLE: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

#[test]
fn ranges_are_read_with_quotes_and_weights_best_first() {
    let read =
        of("text/html;q=0.5, multipart/related; type=\"application/dicom\"; transfer-syntax=*, a/b;q=0, c/d;q=0.75");
    let types: Vec<_> = read.iter().map(|r| (r.media_type.as_str(), r.weight)).collect();
    assert_eq!(types, [("multipart/related", 1000), ("c/d", 750), ("text/html", 500), ("a/b", 0)]);
    assert_eq!(read[0].parameter("type"), Some("application/dicom"));
    assert_eq!(of("a/b; x=\"1,2;3\"")[0].parameter("x"), Some("1,2;3"));
    assert!(ranges(&HeaderMap::new(), None).unwrap()[0].fits("anything/at-all").is_some());
    for wrong in ["nonsense", "a/b/c", "/b", "a/b;q=2", "a/b;q=0.1234", "a/b;q=1.5", "a/b; c"] {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, wrong.parse().unwrap());
        assert_eq!(ranges(&headers, None).unwrap_err().status, 400, "{wrong}");
    }
    let many = vec!["a/b"; 64].join(",");
    assert!(ranges(&HeaderMap::new(), Some(&many)).is_ok());
    assert!(ranges(&HeaderMap::new(), Some(&format!("{many},a/b"))).is_err());
}

#[test]
fn the_query_parameter_goes_before_the_header() {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, "image/png".parse().unwrap());
    let read = ranges(&headers, Some("image/jpeg")).unwrap();
    assert_eq!(choose(&read, &["image/png", "image/jpeg"]), Ok("image/jpeg"));
}

#[test]
fn instances_come_as_kept_unless_another_syntax_is_asked_for() {
    use Shape::{Parts, Single};
    for (accept, syntaxes, form) in [
        ("*/*", &[JPEG][..], Some((Parts, JPEG))),
        ("multipart/related; type=\"application/dicom\"", &[JPEG, LITTLE], Some((Parts, JPEG))),
        ("multipart/related", &[JPEG], Some((Parts, JPEG))),
        ("multipart/related; type=\"application/dicom\"; transfer-syntax=*", &[JPEG], Some((Parts, JPEG))),
        (
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
            &[JPEG],
            Some((Parts, JPEG)),
        ),
        // What was lossy has no exact values.
        ("multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1", &[JPEG], None),
        ("multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1", &[LITTLE, JPEG], None),
        (
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
            &[JPEG_LS],
            Some((Parts, LITTLE)),
        ),
        (
            "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
            &[IMPLICIT, LITTLE],
            Some((Parts, LITTLE)),
        ),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2.1.99", &[IMPLICIT], Some((Single, DEFLATED))),
        ("application/dicom", &[JPEG], Some((Single, JPEG))),
        ("application/*", &[JPEG], Some((Single, JPEG))),
        ("application/dicom", &[JPEG, JPEG], None),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", &[JPEG], None),
        ("application/dicom;q=0.5, multipart/related; type=\"application/dicom\"", &[JPEG], Some((Parts, JPEG))),
        ("multipart/related; type=\"application/dicom\";q=0.2, application/dicom;q=0.5", &[JPEG], Some((Single, JPEG))),
        ("multipart/related;q=0, */*", &[JPEG], Some((Single, JPEG))),
        ("application/dicom+json", &[JPEG], None),
        ("multipart/related; type=\"application/dicom+xml\"", &[JPEG], None),
    ] {
        let chosen = instances::choose(&of(accept), syntaxes);
        let found = chosen.as_ref().ok().map(|chosen| (chosen.shape, chosen.syntax(syntaxes[0])));
        assert_eq!(found, form, "{accept} {syntaxes:?}");
    }
    let refusal = instances::choose(&of("application/dicom+json"), &[IMPLICIT]).unwrap_err();
    assert_eq!(refusal.status, 406);
    assert!(refusal.detail.contains("application/dicom; transfer-syntax=1.2.840.10008.1.2.1.99"), "{}", refusal.detail);
}

#[test]
fn frames_come_in_the_media_type_of_their_syntax_or_decoded() {
    use Making::{Decoded, Jpeg, Kept};
    use Shape::{Parts, Single};
    for (accept, syntax, count, expected) in [
        ("multipart/related; type=\"*/*\"", LITTLE, 2, Some((OCTETS, LITTLE, Parts, Kept))),
        ("multipart/related; type=\"*/*\"", JPEG, 1, Some(("image/jpeg", JPEG, Parts, Kept))),
        (
            "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50",
            JPEG,
            1,
            Some(("image/jpeg", JPEG, Parts, Kept)),
        ),
        ("multipart/related; type=\"image/\"", JPEG, 1, Some(("image/jpeg", JPEG, Parts, Kept))),
        ("multipart/related; type=\"application/octet-stream\"", JPEG, 1, Some((OCTETS, LITTLE, Parts, Decoded))),
        (
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            JPEG,
            1,
            Some((OCTETS, JPEG, Parts, Kept)),
        ),
        (
            "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
            JPEG_LS,
            3,
            Some((OCTETS, LITTLE, Parts, Decoded)),
        ),
        (
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
            IMPLICIT,
            1,
            Some((OCTETS, LITTLE, Parts, Kept)),
        ),
        (
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2",
            IMPLICIT,
            1,
            Some((OCTETS, LITTLE, Parts, Kept)),
        ),
        ("application/octet-stream", LITTLE, 1, Some((OCTETS, LITTLE, Single, Kept))),
        ("application/octet-stream", LITTLE, 2, None),
        ("image/jpeg", JPEG, 1, Some(("image/jpeg", JPEG, Single, Kept))),
        ("image/jpeg", LITTLE, 1, Some(("image/jpeg", JPEG, Single, Jpeg))),
        ("image/jls, image/jpeg;q=0.5", JPEG_LS, 1, Some(("image/jls", JPEG_LS, Single, Kept))),
        ("image/jls;q=0.5, image/jpeg", JPEG_LS, 1, Some(("image/jpeg", JPEG, Single, Jpeg))),
        ("image/jp2", JPEG, 1, None),
        ("*/*", JPEG, 1, Some(("image/jpeg", JPEG, Parts, Kept))),
        ("application/octet-stream", "1.2.3.4", 1, Some((OCTETS, "1.2.3.4", Single, Kept))),
    ] {
        let offered = Frames { transfer_syntax_uid: syntax, count, eight_bits: true };
        let form = offered.choose(&of(accept)).ok();
        let found = form.as_ref().map(|f| (f.media_type, f.syntax.as_deref().unwrap(), f.shape, f.how));
        assert_eq!(found, expected, "{accept} {syntax} {count}");
    }
    let sixteen_bits = Frames { transfer_syntax_uid: LITTLE, count: 1, eight_bits: false };
    assert_eq!(sixteen_bits.choose(&of("image/jpeg")).unwrap_err().status, 406);
}

#[test]
fn metadata_and_lists_are_json_only() {
    let check = |accept: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        json(&headers, None).map_err(|p| p.status.as_u16())
    };
    for accept in ["application/dicom+json", "application/json", "*/*", "application/*", "text/html, */*;q=0.1"] {
        assert_eq!(check(accept), Ok(()), "{accept}");
    }
    for accept in [
        "multipart/related; type=\"application/dicom+xml\"",
        "application/dicom+xml",
        "text/html",
        "application/dicom+json;q=0, application/json;q=0, */*",
    ] {
        assert_eq!(check(accept), Err(406), "{accept}");
    }
}

#[test]
fn the_first_preferred_representation_that_is_acceptable_is_chosen() {
    let offered = ["image/jpeg", "image/png"];
    assert_eq!(choose(&of("image/png"), &offered), Ok("image/png"));
    assert_eq!(choose(&of("image/*"), &offered), Ok("image/jpeg"));
    assert_eq!(choose(&of("image/jpeg;q=0, image/*"), &offered), Ok("image/png"));
    assert_eq!(choose(&of("image/jpeg;q=0.4, image/png;q=0.6"), &offered), Ok("image/png"));
    let refusal = choose(&of("image/gif"), &offered).unwrap_err();
    assert_eq!(
        (refusal.status.as_u16(), refusal.detail.as_str()),
        (406, "What can be had here: image/jpeg, image/png.")
    );
}
