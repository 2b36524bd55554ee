//! Reading values out of DICOM JSON (PS3.18 F.2), as the archive keeps an instance's metadata.

use serde_json::Value;

/// A data set or item of DICOM JSON.
#[derive(Clone, Copy)]
pub struct Attributes<'a>(pub &'a Value);

impl<'a> Attributes<'a> {
    /// The element with this tag (`GGGGEEEE`).
    pub fn element(self, tag: &str) -> Option<&'a Value> {
        self.0.get(tag)
    }

    fn values(self, tag: &str) -> &'a [Value] {
        let values = self.element(tag).and_then(|e| e.get("Value")).and_then(Value::as_array);
        values.map_or(&[], Vec::as_slice)
    }

    /// The first value as text.
    pub fn text(self, tag: &str) -> Option<&'a str> {
        self.values(tag).first()?.as_str().map(str::trim)
    }

    /// All values as numbers; those that are none are left out. DS and IS may be numbers or strings (PS3.18 F.2.4).
    pub fn numbers(self, tag: &str) -> Vec<f64> {
        let number = |v: &Value| v.as_f64().or_else(|| v.as_str()?.trim().parse().ok());
        self.values(tag).iter().filter_map(number).filter(|n| n.is_finite()).collect()
    }

    /// The first value as a number.
    pub fn number(self, tag: &str) -> Option<f64> {
        self.numbers(tag).first().copied()
    }

    /// The first value as a whole number that is not negative.
    pub fn count(self, tag: &str) -> Option<u32> {
        let value = self.values(tag).first()?;
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
        u32::try_from(number).ok()
    }

    /// The items of a sequence.
    pub fn items(self, tag: &str) -> impl Iterator<Item = Attributes<'a>> {
        self.values(tag).iter().map(Attributes)
    }

    /// The nth item of a sequence.
    pub fn item(self, tag: &str, index: usize) -> Option<Attributes<'a>> {
        self.values(tag).get(index).map(Attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_as_what_they_are_asked_for() {
        let data_set = json!({
            "00280010": {"vr": "US", "Value": [512]},
            "00281050": {"vr": "DS", "Value": ["40", 35.5, "x", null]},
            "00080060": {"vr": "CS", "Value": ["CT "]},
            "00081140": {"vr": "SQ", "Value": [{"00080060": {"vr": "CS", "Value": ["MR"]}}]},
            "00080050": {"vr": "SH"},
        });
        let data_set = Attributes(&data_set);
        assert_eq!(data_set.count("00280010"), Some(512));
        assert_eq!(data_set.numbers("00281050"), [40.0, 35.5]);
        assert_eq!(data_set.text("00080060"), Some("CT"));
        assert_eq!(data_set.item("00081140", 0).and_then(|i| i.text("00080060")), Some("MR"));
        assert_eq!(data_set.text("00080050"), None);
        assert_eq!(data_set.items("00280010").count(), 1);
    }
}
