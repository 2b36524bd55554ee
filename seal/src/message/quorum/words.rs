//! A proposal in words: what an approver reads before signing.
//!
//! Every field of the bytes that are signed stands in the text, and text that somebody typed is quoted with its control
//! characters shown, so that no name can pretend to be another line.

use super::{Proposal, Subject};
use crate::message::custody::CustodyRequest;
use crate::message::export::ExportTerms;
use crate::message::{AdminRequest, Staff, Terms};
use record::{Identifier, Micros};

/// The lines that say what will happen, under which rule, and until when. `time` writes a time down.
#[must_use]
pub fn lines(proposal: &Proposal, time: &dyn Fn(Micros) -> String) -> Vec<String> {
    let Proposal { origin, nonce, subject, proposer, reason, proposed, until, rule } = proposal;
    let mut lines = vec![format!("archive:   {origin}")];
    lines.extend(subject_lines(subject));
    lines.push(format!("proposer:  {}", quoted(proposer)));
    lines.push(format!("reason:    {}", quoted(reason)));
    lines.push(format!("proposed:  {}", time(*proposed)));
    lines.push(format!("until:     {} (afterwards nothing of it can be done)", time(*until)));
    lines.push(format!(
        "rule:      {}: {} different people approve, then {} s pass, open for {} s at most",
        rule.kind.name(),
        rule.approvals,
        rule.delay_seconds,
        rule.open_seconds
    ));
    lines.push(format!("number:    {}", digits(nonce)));
    lines
}

/// What will happen, in one line.
#[must_use]
pub fn title(subject: &Subject) -> String {
    match subject {
        Subject::Administer(bytes) => match minicbor::decode::<AdminRequest>(bytes) {
            Ok(request) => administer(&request),
            Err(_) => "a request that this program cannot read: do not approve it".to_owned(),
        },
        Subject::Settings(text) => format!("replace the held settings ({} bytes)", text.len()),
        Subject::OpenName(actor) => format!("tell the name of the person behind {}", quoted(actor)),
        Subject::Export(terms) => {
            format!("export records of up to {} patients to {}", terms.patients_max, quoted(&terms.recipient))
        }
        Subject::AddApprover { name, key } => {
            format!("make {} an approver, with the key {}", quoted(name), digits(&key.fingerprint()))
        }
        Subject::RemoveApprover(name) => format!("take {} away from the approvers", quoted(name)),
        Subject::ChangeRule(rule) => format!(
            "change the rule of {}: {} approvals, {} s of delay, open for {} s",
            rule.kind.name(),
            rule.approvals,
            rule.delay_seconds,
            rule.open_seconds
        ),
    }
}

fn subject_lines(subject: &Subject) -> Vec<String> {
    let mut lines = vec![format!("WILL DO:   {}", title(subject))];
    match subject {
        Subject::Settings(text) => lines.extend(text.lines().map(|line| format!("           | {}", shown(line)))),
        Subject::Export(terms) => lines.extend(export_lines(terms)),
        _ => {}
    }
    lines
}

fn export_lines(terms: &ExportTerms) -> Vec<String> {
    let ExportTerms { recipient_key, recipient, purpose, selection, patients_max, objects_max, bytes_max } = terms;
    let or_all = |texts: Vec<String>| if texts.is_empty() { "all".to_owned() } else { texts.join(", ") };
    let day = |day: &Option<String>| day.as_deref().map_or_else(|| "any".to_owned(), shown);
    let modalities = selection.modalities.iter().map(|modality| shown(modality)).collect();
    vec![
        format!("  to:      {}, who holds the key {}", quoted(recipient), digits(recipient_key)),
        format!("  purpose: {}", purpose.code()),
        format!("  of:      patients of {}", selection.facility),
        format!("  days:    from {} to {}", day(&selection.from), day(&selection.to)),
        format!("  of kind: {}", or_all(modalities)),
        format!("  persons: {}", or_all(selection.patients.iter().map(identifier).collect())),
        format!("  at most: {patients_max} patients, {objects_max} objects, {bytes_max} bytes"),
    ]
}

/// An administrator's request in words. A request of a kind without words of its own is shown field by field.
fn administer(request: &AdminRequest) -> String {
    match request {
        AdminRequest::AddFacility { code, name } => format!("add or rename the facility {code}: {}", quoted(name)),
        AdminRequest::AddPeer { ae_title, facility, certificate, host, port } => format!(
            "let the DICOM peer {} in for {facility}, with {}, at {}:{}",
            quoted(ae_title),
            certificate
                .map_or_else(|| "no certificate (plain text)".to_owned(), |c| format!("certificate {}", digits(&c))),
            host.as_deref().map_or_else(|| "no address".to_owned(), quoted),
            port.unwrap_or_default()
        ),
        AdminRequest::AddPerson { name, facility, role } => {
            format!("let {} in as {} of {facility}", quoted(name), role.name())
        }
        AdminRequest::Token { name, purpose, seconds } => format!(
            "sign a bearer token for {} for {}, valid for {} hours: whoever is handed it acts as this person",
            quoted(name),
            purpose.code(),
            seconds.div_ceil(3_600)
        ),
        AdminRequest::Remove { name } => format!("remove {}", quoted(name)),
        AdminRequest::Staff(staff) => staff_words(staff),
        AdminRequest::Custody(CustodyRequest::PutInForce) => {
            "put the restored state in force: rights, stops and budgets are again as on the day of the backup"
                .to_owned()
        }
        other => shown(&format!("{other:?}")),
    }
}

fn staff_words(staff: &Staff) -> String {
    match staff {
        Staff::Terms { name, terms: Terms { duty_from, duty_until, training_until, purposes } } => {
            let day = |at: &Option<Micros>| {
                at.map_or_else(|| "any time".to_owned(), |at| format!("{} s since 1970", at / 1_000_000))
            };
            let purposes = purposes.as_ref().map_or_else(
                || "as the role is usually there for".to_owned(),
                |purposes| purposes.iter().map(|purpose| purpose.code()).collect::<Vec<_>>().join(" "),
            );
            format!(
                "let {} open records from {} until {}, with training until {}, for: {purposes}",
                quoted(name),
                day(duty_from),
                day(duty_until),
                day(training_until)
            )
        }
        Staff::Invite { name, seconds, thumbprint } => format!(
            "make a code that enrols a key of {} within {seconds} s{}: whoever is handed it can sign in as this person",
            quoted(name),
            thumbprint.map(|key| format!(", of the thumbprint {} alone", digits(&key))).unwrap_or_default()
        ),
        Staff::Keys { name, jwks } => format!("let {} sign its assertions with {}", quoted(name), quoted(jwks)),
        Staff::RemoveKey { name, key } => format!("take the key {} of {} away", quoted(key), quoted(name)),
        Staff::SignOut { name } => format!("end every session of {}", quoted(name)),
        Staff::List => "list the staff".to_owned(),
    }
}

fn identifier(identifier: &Identifier) -> String {
    let (scheme, value) = match identifier {
        Identifier::Local { issuer, value } => (format!("number of {}", quoted(issuer)), value),
        Identifier::Nik(value) => ("NIK".to_owned(), value),
        Identifier::JknCard(value) => ("JKN".to_owned(), value),
        Identifier::Passport(value) => ("passport".to_owned(), value),
        Identifier::Ihs(value) => ("IHS".to_owned(), value),
        Identifier::Unidentified { facility, study } => (format!("unknown person of {facility}"), study),
    };
    format!("{scheme} {}", quoted(value))
}

/// Text that somebody typed, between quotation marks.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

/// Text with what would not be seen made visible: control characters, and those that turn the direction of writing.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let is_hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if is_hidden || c == '"' {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::ApproverKey;
    use crate::message::export::Selection;
    use crate::message::quorum::{Kind, Rule};
    use record::{FacilityCode, Purpose, Role};

    fn proposal(subject: Subject) -> Proposal {
        Proposal {
            origin: "segel.local/x".into(),
            nonce: [1; 16],
            subject,
            proposer: "administrator".into(),
            reason: "because".into(),
            proposed: 1,
            until: 2,
            rule: Rule { kind: Kind::Access, approvals: 2, delay_seconds: 30, open_seconds: 60 },
        }
    }

    fn text(subject: Subject) -> String {
        lines(&proposal(subject), &|at| at.to_string()).join("\n")
    }

    #[test]
    fn everything_that_is_signed_is_shown() {
        let person = AdminRequest::AddPerson {
            name: "dr. Sari".into(),
            facility: FacilityCode::new("RSA").unwrap(),
            role: Role::Clinician,
        };
        let shown = text(Subject::administer(&person).unwrap());
        for needle in ["dr. Sari", "clinician", "RSA", "segel.local/x", "because", "administrator", "30 s", "60 s"] {
            assert!(shown.contains(needle), "{needle} in {shown}");
        }
        let export = ExportTerms {
            recipient_key: [0xab; 32],
            recipient: "University".into(),
            purpose: Purpose::Research,
            selection: Selection {
                facility: FacilityCode::new("RSB").unwrap(),
                from: Some("20260101".into()),
                to: None,
                modalities: vec!["CT".into()],
                patients: vec![Identifier::Nik("3171234567890123".into())],
            },
            patients_max: 77,
            objects_max: 88,
            bytes_max: 99,
        };
        let shown = text(Subject::Export(export));
        for needle in
            ["University", "abababab", "HRESCH", "RSB", "20260101", "any", "CT", "3171234567890123", "77", "88", "99"]
        {
            assert!(shown.contains(needle), "{needle} in {shown}");
        }
        let key = ApproverKey::Ed25519([3; 32]);
        let shown = text(Subject::AddApprover { name: "Budi".into(), key: key.clone() });
        assert!(shown.contains(&digits(&key.fingerprint())) && shown.contains("Budi"));
    }

    #[test]
    fn a_name_cannot_pretend_to_be_another_line() {
        let shown = text(Subject::OpenName("x\nuntil: \u{202e}never\"".into()));
        assert!(!shown.contains("\nuntil: never") && shown.contains("\\u{a}until: \\u{202e}never\\u{22}"), "{shown}");
        assert!(text(Subject::Administer(vec![0xff])).contains("do not approve"));
    }
}
