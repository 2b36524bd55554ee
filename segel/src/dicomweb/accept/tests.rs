use super::*;

fn of(text: &str) -> Vec<MediaRange> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, text.parse().unwrap());
    ranges(&headers, None).unwrap()
}

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const LITTLE: &str = "1.2.840.10008.1.2.1";

#[test]
fn ranges_are_read_with_quotes_and_weights_best_first() {
    let read =
        of("text/html;q=0.5, multipart/related; type=\"application/dicom\"; transfer-syntax=*, a/b;q=0, c/d;q=0.75");
    let types: Vec<_> = read.iter().map(|r| r.media_type.as_str()).collect();
    assert_eq!(types, ["multipart/related", "c/d", "text/html"]);
    assert_eq!(read[0].parameter("type"), Some("application/dicom"));
    assert_eq!(of("a/b; x=\"1,2;3\"")[0].parameter("x"), Some("1,2;3"));
    assert!(ranges(&HeaderMap::new(), None).unwrap()[0].takes("anything/at-all"));
    for wrong in ["nonsense", "a/b/c", "/b", "a/b;q=2", "a/b;q=0.1234", "a/b; c"] {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, wrong.parse().unwrap());
        assert_eq!(ranges(&headers, None).unwrap_err().status, 400, "{wrong}");
    }
    let many = vec!["a/b"; 64].join(",");
    assert!(ranges(&HeaderMap::new(), Some(&many)).is_ok());
    assert!(ranges(&HeaderMap::new(), Some(&format!("{many},a/b"))).is_err());
}

#[test]
fn instances_come_as_kept_unless_another_syntax_is_asked_for() {
    use InstanceForm::{Multipart, Single};
    for (accept, syntaxes, form) in [
        ("*/*", &[JPEG][..], Some(Multipart)),
        ("multipart/related; type=\"application/dicom\"", &[JPEG, LITTLE], Some(Multipart)),
        ("multipart/related", &[JPEG], Some(Multipart)),
        ("multipart/related; type=\"application/dicom\"; transfer-syntax=*", &[JPEG], Some(Multipart)),
        ("multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50", &[JPEG], Some(Multipart)),
        ("multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1", &[JPEG], None),
        ("multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1", &[JPEG, LITTLE], None),
        ("application/dicom", &[JPEG], Some(Single)),
        ("application/dicom", &[JPEG, JPEG], None),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", &[JPEG], None),
        ("application/dicom;q=0.5, multipart/related; type=\"application/dicom\"", &[JPEG], Some(Multipart)),
        ("application/dicom+json", &[JPEG], None),
        ("multipart/related; type=\"application/dicom+xml\"", &[JPEG], None),
    ] {
        assert_eq!(instances(&of(accept), syntaxes).ok(), form, "{accept}");
    }
}

#[test]
fn frames_come_in_the_media_type_of_their_syntax() {
    for (accept, syntax, count, expected) in [
        ("multipart/related; type=\"*/*\"", LITTLE, 2, Some(("application/octet-stream", false))),
        ("multipart/related; type=\"*/*\"", JPEG, 1, Some(("image/jpeg", false))),
        (
            "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50",
            JPEG,
            1,
            Some(("image/jpeg", false)),
        ),
        ("multipart/related; type=\"image/\"", JPEG, 1, Some(("image/jpeg", false))),
        ("multipart/related; type=\"application/octet-stream\"", JPEG, 1, None),
        (
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
            JPEG,
            1,
            Some(("application/octet-stream", false)),
        ),
        (
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
            "1.2.840.10008.1.2",
            1,
            Some(("application/octet-stream", false)),
        ),
        ("application/octet-stream", LITTLE, 1, Some(("application/octet-stream", true))),
        ("application/octet-stream", LITTLE, 2, None),
        ("image/jpeg", JPEG, 1, Some(("image/jpeg", true))),
        ("image/jp2", JPEG, 1, None),
        ("*/*", JPEG, 1, Some(("image/jpeg", false))),
    ] {
        let form = frames(&of(accept), syntax, count).ok();
        assert_eq!(form.map(|f| (f.media_type, f.single)), expected, "{accept} {syntax} {count}");
    }
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
    for accept in ["multipart/related; type=\"application/dicom+xml\"", "application/dicom+xml", "text/html"] {
        assert_eq!(check(accept), Err(406), "{accept}");
    }
}

#[test]
fn the_first_preferred_representation_that_is_acceptable_is_chosen() {
    let offered = ["image/jpeg", "image/png"];
    assert_eq!(choose(&of("image/png"), &offered), Ok("image/png"));
    assert_eq!(choose(&of("image/*"), &offered), Ok("image/jpeg"));
    assert_eq!(choose(&of("image/gif"), &offered).unwrap_err().status, 406);
}
