//! Who the step is for.

use crate::fhir::identity;
use crate::worklist::element::Attributes;
use record::{FacilityCode, Identifier};
use serde_json::Value;

/// What is known of a patient: a Patient resource, or the summary that is kept of one.
#[derive(Clone, Copy)]
pub struct Person<'a>(pub &'a Value);

impl<'a> Person<'a> {
    /// The attributes of the Patient modules (PS3.4 Table K.6-1).
    pub fn put(self, facility: &FacilityCode, item: &mut Attributes) {
        item.name("00100010", &self.name());
        item.text("00100030", "DA", &self.text("birthDate").replace('-', ""));
        let sex = match self.text("gender") {
            "male" => "M",
            "female" => "F",
            "other" => "O",
            _ => "",
        };
        item.text("00100040", "CS", sex);
        put_identifiers(&self.identifiers(facility), facility, item);
    }

    fn text(self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// `family^given^middle^prefix^suffix` (PS3.5 6.2.1). A name that is given only as one text, as Indonesian names
    /// without a family name are, is one component.
    fn name(self) -> String {
        let human = match self.0.get("name") {
            Some(Value::Array(names)) => names.first(),
            // A summary has the name in words, and beside them the element as it was.
            Some(Value::String(_)) => self.0.get("human").or_else(|| self.0.get("name")),
            _ => None,
        };
        let Some(human) = human else { return String::new() };
        let plain = |text: &str| text.replace(['^', '='], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        let list = |part: &str| -> Vec<String> {
            let words = human.get(part).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            words.map(plain).filter(|word| !word.is_empty()).collect()
        };
        let family = human.get("family").and_then(Value::as_str).map(plain).unwrap_or_default();
        let mut given = list("given").into_iter();
        if family.is_empty() {
            let whole = human.as_str().or_else(|| human.get("text").and_then(Value::as_str)).map(plain);
            return whole.filter(|text| !text.is_empty()).unwrap_or_else(|| given.collect::<Vec<_>>().join(" "));
        }
        let first = given.next().unwrap_or_default();
        let middle = given.collect::<Vec<_>>().join(" ");
        [family, first, middle, list("prefix").join(" "), list("suffix").join(" ")].join("^")
    }

    fn identifiers(self, facility: &FacilityCode) -> Vec<Identifier> {
        if self.0.get("identifier").is_some() {
            return identity::of_patient(self.0, facility);
        }
        let kept = self.0.get("search").and_then(|search| search.get("identifier")).and_then(Value::as_array);
        let one = |token: &Value| {
            let text = |name: &str| token.get(name).and_then(Value::as_str).unwrap_or_default();
            identity::identifier(text("system"), text("code"), facility)
        };
        kept.into_iter().flatten().filter_map(one).collect()
    }
}

/// The number that the department knows the patient by, and its issuer; the others beside it, so that images that bring
/// them back are known to be of the same patient.
pub fn put_identifiers(identifiers: &[Identifier], facility: &FacilityCode, item: &mut Attributes) {
    let rank = |identifier: &Identifier| match identifier {
        Identifier::Local { issuer, .. } if issuer == facility.as_str() => 0,
        Identifier::Local { .. } => 1,
        Identifier::Nik(_) => 2,
        Identifier::Ihs(_) => 3,
        Identifier::JknCard(_) => 4,
        Identifier::Passport(_) => 5,
        Identifier::Unidentified { .. } => 6,
    };
    let mut ordered: Vec<&Identifier> = identifiers.iter().collect();
    ordered.sort_by_key(|identifier| rank(identifier));
    let mut numbers = ordered.into_iter().filter_map(number).filter(|(_, value)| value.chars().count() <= 64);
    if let Some((issuer, value)) = numbers.next() {
        item.text("00100020", "LO", &value);
        item.text("00100021", "LO", &issuer);
    }
    let others = numbers.map(|(issuer, value)| {
        let mut other = Attributes::default();
        other.text("00100020", "LO", &value);
        other.text("00100021", "LO", &issuer);
        // Type 1 in the sequence (PS3.3 C.7.1.1).
        other.text("00100022", "CS", "TEXT");
        other
    });
    item.items("00101002", others.collect());
}

/// Issuer, as a data set that comes back with it is understood, and number.
fn number(identifier: &Identifier) -> Option<(String, String)> {
    let of = |issuer: &str, value: &str| Some((issuer.to_owned(), value.to_owned()));
    match identifier {
        Identifier::Local { issuer, value } => of(issuer, value),
        Identifier::Nik(value) => of("NIK", value),
        Identifier::Ihs(value) => of("SATUSEHAT", value),
        Identifier::JknCard(value) => of("JKN", value),
        Identifier::Passport(value) => of("PASSPORT", value),
        Identifier::Unidentified { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(patient: &Value) -> Value {
        let mut item = Attributes::default();
        Person(patient).put(&FacilityCode::new("RSUD-A").unwrap(), &mut item);
        Value::Object(item.0)
    }

    #[test]
    fn names_become_components_where_they_have_any() {
        for (human, expected) in [
            (json!({"text": "Siti Rahayu"}), "Siti Rahayu"),
            (json!({"family": "Rahayu", "given": ["Siti", "Nur"], "prefix": ["dr."]}), "Rahayu^Siti^Nur^dr."),
            (json!({"given": ["Sukarno"]}), "Sukarno"),
            (json!({"text": "A^B=C"}), "A B C"),
        ] {
            let patient = json!({"name": [human]});
            assert_eq!(of(&patient)["00100010"]["Value"][0]["Alphabetic"], expected, "{human}");
            let summary = json!({"name": "in words", "human": human});
            assert_eq!(of(&summary)["00100010"]["Value"][0]["Alphabetic"], expected, "{human}");
        }
    }

    #[test]
    fn the_facilitys_own_number_comes_first_and_the_others_beside_it() {
        let patient = json!({
            "identifier": [
                {"system": "https://fhir.kemkes.go.id/id/nik", "value": "3174014510900001"},
                {"value": "RM-7"},
            ],
            "birthDate": "1990-10-05", "gender": "female",
        });
        let item = of(&patient);
        assert_eq!((&item["00100020"]["Value"][0], &item["00100021"]["Value"][0]), (&json!("RM-7"), &json!("RSUD-A")));
        assert_eq!(item["00101002"]["Value"][0]["00100021"]["Value"][0], "NIK");
        assert_eq!((&item["00100030"]["Value"][0], &item["00100040"]["Value"][0]), (&json!("19901005"), &json!("F")));
    }
}
