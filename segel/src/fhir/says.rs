//! What a resource says beside itself: that it is sensitive, and that another facility may look at its patient.
//!
//! | in the resource | what it does |
//! |---|---|
//! | `meta.security` of v3-Confidentiality `R` or `V`, or any code of v3-ActCode | labels the object; a Binary has the labels of the documents of its transaction |
//! | ServiceRequest, active, an order, `performer` with an identifier of [`FACILITY`] | a referral, until the end of `occurrencePeriod`, else for 90 days |
//! | Consent, active, that permits, `provision.actor` of role PRCP or IRCP with an identifier of [`FACILITY`] | consent, until the end of `provision.period`, else for a year |
//!
//! What an order or consent gives ends with its next version, which gives what it says itself.

use super::date::Days;
use super::definition::{Definition, Subject};
use super::failure::Failure;
use super::subject::Surroundings;
use record::limits::RELATION_SECONDS_MAX;
use record::{FacilityCode, Label, Labels, Micros};
use seal::message::Part;
use seal::message::relate::{RelationChange, Says};
use serde_json::Value;

/// The system of facilities' codes: whose they are, the archive's register knows.
pub const FACILITY: &str = "urn:segel:facility";
/// A referral that names no end: what is ordered is seldom done later.
const REFERRAL_DAYS: i64 = 90;
const DAY_MICROS: Micros = 24 * 3_600_000_000;
/// Intents that ask for something to be done (FHIR R4 request-intent).
const ORDERS: [&str; 5] = ["order", "original-order", "reflex-order", "filler-order", "instance-order"];
/// Who receives information (v3-ParticipationType).
const RECIPIENTS: [&str; 2] = ["PRCP", "IRCP"];

/// What a resource that a facility sends now says.
pub fn of(
    definition: &Definition,
    resource: &Value,
    full_url: Option<&str>,
    around: &impl Surroundings,
    facility: &FacilityCode,
    now: Micros,
) -> Result<Says, Failure> {
    let mut labels = labels(resource);
    if definition.subject == Subject::Security {
        let documents = full_url.map(|url| around.referring(url)).unwrap_or_default();
        labels = documents.into_iter().fold(labels, |labels, document| labels.and(self::labels(document)));
    }
    let relation = match definition.name {
        "ServiceRequest" => referral(resource, facility, now)?,
        "Consent" => consent(resource, facility, now)?,
        _ => None,
    };
    Ok(Says { labels: labels.iter().collect(), relation })
}

/// The labels that `meta.security` stands for.
pub fn labels(resource: &Value) -> Labels {
    of_meta(resource.get("meta").unwrap_or(&Value::Null))
}

/// The labels that a Meta stands for.
pub fn of_meta(meta: &Value) -> Labels {
    let codings = meta.get("security").and_then(Value::as_array).into_iter().flatten();
    codings.filter_map(|coding| Label::from_coding(text(coding, "/system"), text(coding, "/code").trim())).collect()
}

fn referral(order: &Value, facility: &FacilityCode, now: Micros) -> Result<Option<RelationChange>, Failure> {
    if text(order, "/status") != "active" || !ORDERS.contains(&text(order, "/intent")) {
        return Ok(None);
    }
    let performers = order.get("performer").and_then(Value::as_array).into_iter().flatten();
    let Some(to) = other(performers, facility, "ServiceRequest.performer")? else { return Ok(None) };
    let end = order.get("occurrencePeriod").and_then(end_of);
    let until = end.unwrap_or(now.saturating_add(REFERRAL_DAYS * DAY_MICROS));
    Ok((until > now).then_some(RelationChange::Referral { to, until }))
}

fn consent(consent: &Value, facility: &FacilityCode, now: Micros) -> Result<Option<RelationChange>, Failure> {
    if text(consent, "/status") != "active" {
        return Ok(None);
    }
    let list = |name: &str| consent.pointer(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if text(consent, "/provision/type") == "deny" || !list("/provision/provision").is_empty() {
        // Kept without effect it would promise the patient what nobody holds to.
        let detail = "Only consents that permit, without exceptions, are carried out here.";
        return Err(Failure::unprocessable("not-supported", "Consent.provision", detail));
    }
    let receives = |actor: &&Value| {
        let roles = actor.pointer("/role/coding").and_then(Value::as_array).into_iter().flatten();
        roles.into_iter().any(|coding| RECIPIENTS.contains(&text(coding, "/code")))
    };
    let actors = list("/provision/actor").iter().filter(receives).filter_map(|actor| actor.get("reference"));
    let Some(to) = other(actors, facility, "Consent.provision.actor")? else { return Ok(None) };
    let end = consent.pointer("/provision/period").and_then(end_of);
    let longest = i64::try_from(RELATION_SECONDS_MAX).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let until = end.unwrap_or(now.saturating_add(longest));
    Ok((until > now).then_some(RelationChange::Consent { to, until, scope: Part::Content }))
}

/// The one other facility among these references.
fn other<'v>(
    references: impl Iterator<Item = &'v Value>,
    facility: &FacilityCode,
    path: &str,
) -> Result<Option<FacilityCode>, Failure> {
    let mut named: Option<FacilityCode> = None;
    for reference in references.filter(|reference| text(reference, "/identifier/system") == FACILITY) {
        let code = FacilityCode::new(text(reference, "/identifier/value"))
            .ok_or_else(|| Failure::unprocessable("value", path, "This is no facility's code."))?;
        if code == *facility || named.as_ref() == Some(&code) {
            continue;
        }
        if named.is_some() {
            let detail = "One resource names one other facility; send one for each.";
            return Err(Failure::unprocessable("business-rule", path, detail));
        }
        named = Some(code);
    }
    Ok(named)
}

/// The end of a Period's last day, in UTC; `None` for one that has no end.
fn end_of(period: &Value) -> Option<Micros> {
    let days = Days::of(period)?;
    let day = jiff::civil::Date::strptime("%Y%m%d", &days.last).ok()?.tomorrow().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::subject::Alone;
    use super::*;
    use serde_json::json;

    const NOW: Micros = 1_800_000_000_000_000;

    fn says(resource: &Value) -> Result<Says, ()> {
        let definition = Definition::of(text(resource, "/resourceType")).unwrap();
        let facility = FacilityCode::new("RSA").unwrap();
        of(definition, resource, None, &Alone, &facility, NOW).map_err(|_| ())
    }

    fn performer(code: &str) -> Value {
        json!({"identifier": {"system": FACILITY, "value": code}})
    }

    fn order(change: &Value) -> Value {
        let mut order = json!({
            "resourceType": "ServiceRequest", "status": "active", "intent": "order", "performer": [performer("RSB")],
        });
        for (name, value) in change.as_object().unwrap() {
            order[name] = value.clone();
        }
        order
    }

    fn rsb() -> FacilityCode {
        FacilityCode::new("RSB").unwrap()
    }

    #[test]
    fn an_active_order_for_another_facility_is_a_referral_until_its_end() {
        let ninety_days = NOW + 90 * DAY_MICROS;
        let day_after = 1_830_384_000_000_000;
        for (change, until) in [
            (json!({}), Some(ninety_days)),
            (json!({"occurrencePeriod": {"start": "2027-01-01", "end": "2028-01-01"}}), Some(day_after)),
            (json!({"occurrencePeriod": {"start": "2027-01-01"}}), Some(ninety_days)),
            (json!({"occurrencePeriod": {"end": "2020-01-01"}}), None),
            (json!({"status": "revoked"}), None),
            (json!({"status": "completed"}), None),
            (json!({"intent": "proposal"}), None),
            (json!({"performer": [performer("RSA")]}), None),
            (json!({"performer": [{"identifier": {"system": "urn:else", "value": "RSB"}}, {"display": "RSB"}]}), None),
            (json!({"performer": [performer("RSA"), performer("rsb"), performer("RSB")]}), Some(ninety_days)),
        ] {
            let expected = until.map(|until| RelationChange::Referral { to: rsb(), until });
            assert_eq!(says(&order(&change)).unwrap().relation, expected, "{change}");
        }
        assert!(says(&order(&json!({"performer": [performer("RSB"), performer("RSC")]}))).is_err());
        assert!(says(&order(&json!({"performer": [performer("no code")]}))).is_err());
    }

    #[test]
    fn an_active_consent_that_permits_names_who_receives() {
        let consent = |status: &str, provision: Value| json!({"resourceType": "Consent", "status": status, "provision": provision});
        let actor = |role: &str| json!([{"role": {"coding": [{"code": role}]}, "reference": performer("RSB")}]);
        let relation = |consent: &Value| says(consent).unwrap().relation;
        let year = NOW + i64::try_from(RELATION_SECONDS_MAX).unwrap() * 1_000_000;
        let given = |until| Some(RelationChange::Consent { to: rsb(), until, scope: Part::Content });
        assert_eq!(relation(&consent("active", json!({"actor": actor("PRCP")}))), given(year));
        let period = json!({"type": "permit", "actor": actor("IRCP"), "period": {"end": "2028-01-01"}});
        assert_eq!(relation(&consent("active", period)), given(1_830_384_000_000_000));
        for (status, role) in [("inactive", "PRCP"), ("draft", "PRCP"), ("active", "CST")] {
            assert_eq!(relation(&consent(status, json!({"actor": actor(role)}))), None, "{status} {role}");
        }
        for refused in [json!({"type": "deny", "actor": actor("PRCP")}), json!({"provision": [{"type": "deny"}]})] {
            assert!(says(&consent("active", refused)).is_err());
        }
    }

    #[test]
    fn security_labels_of_a_document_are_its_binarys_as_well() {
        struct Beside(Value);
        impl Surroundings for Beside {
            fn resource(&self, _: &str) -> Option<&Value> {
                None
            }
            fn referring(&self, _: &str) -> Vec<&Value> {
                vec![&self.0]
            }
        }
        let hiv = json!({"meta": {"security": [
            {"system": record::label::ACT_CODE, "code": "HIV"}, {"system": record::label::CONFIDENTIALITY, "code": "N"},
        ]}});
        let (binary, rsa) = (Definition::of("Binary").unwrap(), FacilityCode::new("RSA").unwrap());
        let labels = |url| of(binary, &json!({}), url, &Beside(hiv.clone()), &rsa, NOW).ok().unwrap().labels;
        assert_eq!(labels(Some("urn:uuid:1")), [Label::Hiv]);
        assert!(labels(None).is_empty());
        assert!(says(&json!({"resourceType": "Observation"})).unwrap().is_empty());
    }
}
