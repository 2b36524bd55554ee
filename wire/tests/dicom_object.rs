//! The same elements as the library that later reads the pixels: what passes here must not mean something else there.

#[cfg(test)]
mod tests {
    use dicom_object::{InMemDicomObject, OpenFileOptions};
    use std::path::{Path, PathBuf};
    use wire::dataset::{DataSet, Scanner, Tag, Value};
    use wire::part10::Prefix;

    fn files(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, out);
            } else if path.extension().is_none_or(|e| e == "dcm") {
                out.push(path);
            }
        }
    }

    fn pydicom_data() -> PathBuf {
        let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let venv = std::env::var_os("SEGEL_VENV").map_or_else(|| workspace.join(".venv"), PathBuf::from);
        let lib = venv.join("lib");
        let missing = format!("{} has no pydicom: run `cargo xtask test`, or set SEGEL_VENV", venv.display());
        let versions = std::fs::read_dir(lib).expect(&missing);
        let data = versions.map(|v| v.unwrap().path().join("site-packages/pydicom/data")).find(|path| path.exists());
        data.expect(&missing)
    }

    /// The number of elements compared; a difference panics with its place.
    fn compare(ours: DataSet<'_>, theirs: &InMemDicomObject, place: &str) -> usize {
        let mut count = 0;
        let kept: Vec<_> = ours.elements().filter(|e| e.tag().element() != 0).collect();
        let expected: Vec<Tag> = theirs.iter().map(|e| e.header().tag).filter(|t| t.element() != 0).collect();
        let mut tags: Vec<Tag> = kept.iter().map(|e| e.tag()).collect();
        tags.sort_unstable();
        assert_eq!(tags, expected, "{place}");
        for element in kept {
            let their = theirs.element(element.tag()).unwrap();
            let here = format!("{place}{}", element.tag());
            count += 1;
            match element.value() {
                Value::Items(items) => {
                    // An element that the stream calls UN may be a sequence to one reader only.
                    let Some(their_items) = their.items() else { continue };
                    assert_eq!(items.len(), their_items.len(), "{here}");
                    for (item, their_item) in items.iter().zip(their_items) {
                        count += compare(*item, their_item, &format!("{here}."));
                    }
                }
                Value::Fragments(spans) => {
                    let fragments = their.fragments().unwrap();
                    assert_eq!(spans.len(), fragments.len() + 1, "{here}");
                    let lengths = fragments.iter().map(|f| u32::try_from(f.len()).unwrap());
                    assert!(lengths.eq(spans.iter().skip(1).map(|s| s.length)), "{here}");
                }
                Value::Inline(_) => {
                    // Text beyond ASCII is compared with pydicom, which knows more character sets.
                    let (Some(text), Ok(theirs)) = (element.text(), their.to_str()) else { continue };
                    if text.is_ascii() && element.vr() == their.vr() && theirs.is_ascii() && !theirs.contains('\x1b') {
                        // Each reader drops the padding of several values in its own way.
                        let values =
                            |text: &str| text.split('\\').map(|v| v.trim_matches([' ', '\0']).to_owned()).collect();
                        let (ours, theirs): (Vec<_>, Vec<_>) = (values(&text), values(&theirs));
                        assert_eq!(ours, theirs, "{here}");
                    }
                }
                Value::Bulk(_) => {}
            }
        }
        count
    }

    #[test]
    fn the_library_sees_the_same_elements() {
        let mut paths = Vec::new();
        files(&pydicom_data(), &mut paths);
        let (mut read, mut elements) = (0, 0);
        for path in &paths {
            let bytes = std::fs::read(path).unwrap();
            let Ok(Some(begun)) = Prefix::new().feed(&bytes) else { continue };
            let mut scanner = Scanner::new(&begun.meta.transfer_syntax);
            let scanned = scanner.feed(&begun.data_set).and_then(|()| scanner.finish());
            let (Ok(outline), Ok(object)) = (scanned, OpenFileOptions::new().open_file(path)) else { continue };
            read += 1;
            elements += compare(outline.root(), &object, &format!("{}: ", path.display()));
        }
        assert!(read > 140 && elements > 10_000, "only {read} of {} files, {elements} elements", paths.len());
    }
}
