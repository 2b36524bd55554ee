//! Every file that pydicom ships, read by this crate and by pydicom: the same metadata, or a stated reason why not.

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use serde_json::{Map, Value};
    use std::path::PathBuf;
    use std::process::Command;
    use wire::dataset::{Inflater, Outline, Scanner};
    use wire::error::Error;
    use wire::part10::Prefix;
    use wire::syntax::TransferSyntax;

    /// Files that must be refused, and words of the reason.
    const REFUSED: [(&str, &str); 5] = [
        ("test_files/MR_truncated.dcm", "declares 8192 bytes where 8130 are left"),
        ("test_files/rtplan_truncated.dcm", "declares 976 bytes where 711 are left"),
        // The last item is longer than its sequence.
        ("test_files/dicomdirtests/DICOMDIR-nooffset", "declares 248 bytes where 224 are left"),
        // The data set is implicit and the file says otherwise.
        ("test_files/SC_rgb_jpeg.dcm", "no value representation"),
        // A stray byte before the first element.
        ("test_files/no_meta.dcm", "not a DICOM file"),
    ];

    fn oracle() -> Vec<Value> {
        let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let venv = std::env::var_os("SEGEL_VENV").map_or_else(|| workspace.join(".venv"), PathBuf::from);
        let python = venv.join("bin/python");
        assert!(python.exists(), "{} is missing: run `cargo xtask test`, or set SEGEL_VENV", python.display());
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pydicom_oracle.py");
        let output = Command::new(python).arg(script).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
            .stdout
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect()
    }

    /// The outline of a file, and its data set, inflated.
    fn read(file: &[u8]) -> Result<(Outline, Vec<u8>), Error> {
        let mut prefix = Prefix::new();
        let begun = match prefix.feed(file)? {
            Some(begun) => begun,
            None => prefix.finish()?,
        };
        let syntax = begun.meta.transfer_syntax;
        let mut scanner = Scanner::new(&syntax).with_total_bytes(u64::try_from(begun.data_set.len()).unwrap());
        for chunk in begun.data_set.chunks(4096) {
            scanner.feed(chunk)?;
        }
        let outline = scanner.finish()?;
        if !syntax.is_deflated() {
            return Ok((outline, begun.data_set));
        }
        let mut inflated = Vec::new();
        Inflater::default().feed(&begun.data_set, |bytes| {
            inflated.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok((outline, inflated))
    }

    fn span(value: &Value) -> (usize, usize) {
        let at = |i: usize| usize::try_from(value[i].as_u64().unwrap()).unwrap();
        (at(0), at(1))
    }

    /// Puts the bytes where the outline only points, as pydicom has them.
    fn resolve(attribute: &Value, bytes: &[u8]) -> Value {
        let vr = attribute["vr"].as_str().unwrap();
        let mut out = Map::new();
        out.insert("vr".into(), vr.into());
        let encode = |octets: &[u8]| Value::from(base64::engine::general_purpose::STANDARD.encode(octets));
        if let Some(bulk) = attribute.get("Bulk") {
            let (offset, length) = span(bulk);
            let octets = &bytes[offset..offset + length];
            if ["UT", "LT", "ST"].contains(&vr) {
                out.insert(
                    "Value".into(),
                    vec![Value::from(String::from_utf8_lossy(octets).trim_end_matches(' '))].into(),
                );
            } else {
                out.insert("InlineBinary".into(), encode(octets));
            }
        } else if let Some(fragments) = attribute.get("Fragments") {
            let all = fragments.as_array().unwrap();
            let (first, (last, length)) = (span(&all[0]).0, span(&all[all.len() - 1]));
            out.insert("InlineBinary".into(), encode(&bytes[first - 8..last + length]));
        } else {
            return attribute.clone();
        }
        Value::Object(out)
    }

    fn compare(ours: &Value, theirs: &Value, bytes: &[u8], place: &str, out: &mut Vec<String>) {
        let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
        for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
            out.push(format!("{place}{key}: only ours"));
        }
        for (key, their) in theirs {
            let here = format!("{place}{key}");
            let Some(our) = ours.get(key) else {
                out.push(format!("{here}: only theirs {their}"));
                continue;
            };
            if their.get("Inexpressible").is_some() {
                // pydicom has no JSON for a value that breaks its VR.
                continue;
            }
            let our = resolve(our, bytes);
            if our["vr"] == "SQ" && their["vr"] == "SQ" {
                let items = |v: &Value| v.get("Value").and_then(Value::as_array).cloned().unwrap_or_default();
                let (a, b) = (items(&our), items(their));
                if a.len() != b.len() {
                    out.push(format!("{here}: {} items, theirs {}", a.len(), b.len()));
                }
                for (i, (a, b)) in a.iter().zip(&b).enumerate() {
                    compare(a, b, bytes, &format!("{here}[{i}]."), out);
                }
            } else if our["vr"] == "UN" && their["vr"] != "UN" && is_private(key) {
                // pydicom has dictionaries of private elements; the standard says UN (PS3.5 A.1).
            } else if !same(&our, their) {
                let short = |v: &Value| v.to_string().chars().take(300).collect::<String>();
                out.push(format!("{here}: {} theirs {}", short(&our), short(their)));
            }
        }
    }

    fn is_private(key: &str) -> bool {
        wire::dataset::parse_tag(key).unwrap().group() % 2 == 1
    }

    fn same(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
            }
            // PS3.18 F.2.5: a missing one of several values is null. pydicom gives empty text.
            (Value::Null, Value::String(b)) => b.is_empty(),
            // Spaces at the end of a value are padding (PS3.5 6.2); pydicom drops those of the last value only.
            (Value::String(a), Value::String(b)) => a == b.trim_end_matches(' '),
            (a, b) => a == b,
        }
    }

    #[test]
    fn pydicom_reads_the_same() {
        let lines = oracle();
        let listed: Vec<_> = TransferSyntax::standard().collect();
        for uid in lines[0]["syntaxes"].as_array().unwrap().iter().filter_map(Value::as_str) {
            // RFC 2557 MIME and XML carry no data set in binary form.
            assert!(listed.contains(&uid) || uid.starts_with("1.2.840.10008.1.2.6."), "{uid} is not listed");
        }
        let (mut compared, mut differences) = (0, Vec::new());
        for line in &lines[1..] {
            let name = line["name"].as_str().unwrap();
            let file = std::fs::read(line["path"].as_str().unwrap()).unwrap();
            let expected = REFUSED.iter().find(|(refused, _)| *refused == name);
            match (read(&file), expected) {
                (Err(error), Some((_, why))) if error.to_string().contains(why) => {}
                (Err(error), _) => differences.push(format!("{name}: refused: {error}; pydicom: {}", line["error"])),
                (Ok(_), Some(_)) => differences.push(format!("{name}: was to be refused")),
                (Ok((outline, bytes)), None) => {
                    if line.get("json").is_none() {
                        differences.push(format!("{name}: pydicom alone refuses: {}", line["error"]));
                        continue;
                    }
                    compared += 1;
                    let mut found = Vec::new();
                    compare(&outline.json(), &line["json"], &bytes, "", &mut found);
                    differences.extend(found.into_iter().map(|text| format!("{name}: {text}")));
                    let text: Value = serde_json::from_slice(&outline.json_text()).unwrap();
                    assert_eq!(text, outline.json(), "{name}");
                }
            }
        }
        assert!(compared > 150, "only {compared} files were compared");
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}
