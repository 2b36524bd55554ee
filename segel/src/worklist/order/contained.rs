//! What an order brings along about the patient's state: weight, pregnancy, allergies.

use super::code::{has, words};
use crate::worklist::element::Attributes;
use serde_json::Value;

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";

/// Puts what the contained resources say.
pub fn put(order: &Value, item: &mut Attributes) {
    let mut allergies = Vec::new();
    for resource in order.get("contained").and_then(Value::as_array).into_iter().flatten() {
        let code = resource.get("code");
        match resource.get("resourceType").and_then(Value::as_str) {
            Some("AllergyIntolerance") => allergies.push(words(code)),
            Some("Observation") if has(code, LOINC, "29463-7") || has(code, LOINC, "3141-9") => {
                if let Some(kilograms) = kilograms(resource) {
                    item.number("00101030", "DS", kilograms);
                }
            }
            Some("Observation") if has(code, LOINC, "82810-3") => {
                let value = resource.get("valueCodeableConcept");
                // PS3.3 C.7.1.3: 0001 not pregnant, 0004 definitely pregnant.
                if has(value, SNOMED, "77386006") {
                    item.number("001021C0", "US", 4);
                } else if has(value, SNOMED, "60001007") {
                    item.number("001021C0", "US", 1);
                }
            }
            _ => {}
        }
    }
    item.texts("00102110", "LO", &allergies);
}

fn kilograms(observation: &Value) -> Option<f64> {
    let quantity = observation.get("valueQuantity")?;
    let value = quantity.get("value")?.as_f64().filter(|value| value.is_finite() && *value > 0.0)?;
    match quantity.get("code").or_else(|| quantity.get("unit"))?.as_str()? {
        "kg" => Some(value),
        "g" => Some(value / 1000.0),
        _ => None,
    }
}
