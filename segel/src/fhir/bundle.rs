//! Bundles as they are written: resources go in as bytes, unread.

use serde_json::{Value, json};

/// Writes a searchset.
pub struct SearchSet {
    bytes: Vec<u8>,
    entries: usize,
}

impl SearchSet {
    /// Begins one.
    pub fn new() -> Self {
        Self { bytes: Vec::new(), entries: 0 }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a match.
    pub fn push(&mut self, full_url: &str, resource: &[u8]) {
        let before: &[u8] = if self.entries == 0 { b"" } else { b"," };
        self.bytes.extend_from_slice(before);
        self.bytes.extend_from_slice(format!("{{\"fullUrl\":{},\"resource\":", Value::from(full_url)).as_bytes());
        self.bytes.extend_from_slice(resource);
        self.bytes.extend_from_slice(b",\"search\":{\"mode\":\"match\"}}");
        self.entries += 1;
    }

    /// Ends it. Without `total`, more was found than is counted.
    pub fn finish(self, total: Option<usize>, own_url: &str, next_url: Option<&str>) -> Vec<u8> {
        let mut links = vec![json!({"relation": "self", "url": own_url})];
        links.extend(next_url.map(|url| json!({"relation": "next", "url": url})));
        let mut head = json!({"resourceType": "Bundle", "type": "searchset", "link": links});
        if let (Some(total), Some(head)) = (total, head.as_object_mut()) {
            head.insert("total".to_owned(), json!(total));
        }
        let mut out = head.to_string().into_bytes();
        // FHIR R4 2.6.4: an array is never empty, so a bundle of nothing has no entry.
        if self.entries > 0 {
            out.pop();
            out.extend_from_slice(b",\"entry\":[");
            out.extend_from_slice(&self.bytes);
            out.extend_from_slice(b"]}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_stand_in_a_searchset_byte_for_byte() {
        let mut set = SearchSet::new();
        set.push("http://h/fhir/Patient/1", b"{ \"a\" : 1.50 }");
        set.push("http://h/fhir/Patient/2", b"{}");
        let text = String::from_utf8(set.finish(Some(7), "http://h/fhir/Patient", Some("n"))).unwrap();
        assert!(text.contains("{ \"a\" : 1.50 }"));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((value["total"].as_u64(), value["entry"].as_array().unwrap().len()), (Some(7), 2));
        assert_eq!(value["link"][1]["relation"], "next");

        let empty: Value = serde_json::from_slice(&SearchSet::new().finish(Some(0), "u", None)).unwrap();
        assert_eq!(empty.get("entry"), None);
        assert_eq!(empty["total"], 0);
    }
}
