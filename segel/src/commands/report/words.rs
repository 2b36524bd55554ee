//! A report as people read it, in Indonesian and English, and as programs do.

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use record::{Micros, Purpose, Role};
use seal::message::report::{AccessReport, ReportEntry};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The language of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Indonesian.
    Id,
    /// English.
    En,
}

impl Language {
    fn say(self, id: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Id => id,
            Self::En => en,
        }
    }
}

/// A time in Jakarta's zone, which every Indonesian knows how to read.
fn time(at: Micros) -> String {
    let Ok(time) = Timestamp::from_microsecond(at) else { return at.to_string() };
    match TimeZone::get("Asia/Jakarta") {
        Ok(zone) => time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S WIB").to_string(),
        Err(_) => time.to_string(),
    }
}

fn what(entry: &ReportEntry, language: Language) -> String {
    let done = match (entry.action.as_str(), entry.whole) {
        ("Admit", _) => language.say("rekaman baru diterima", "new records were taken in"),
        ("NewVersion", _) => language.say("versi baru diterima", "new versions were taken in"),
        ("Release", true) => language.say("isi rekaman dibuka", "the record's content was opened"),
        ("Release", false) => language.say("identitas dilihat dalam daftar", "the identity was seen in a list"),
        ("Erase", _) => language.say("rekaman dimusnahkan", "the record was destroyed"),
        ("BreakGlass", _) => language.say("akses darurat", "emergency access"),
        ("Export", _) => language.say("diekspor", "exported"),
        ("Report", _) => language.say("laporan akses dibuat", "an access report was made"),
        ("Relate", _) => language.say("rujukan atau persetujuan diubah", "a referral or consent was changed"),
        ("Label", _) => language.say("label diubah", "labels were changed"),
        ("IdentityConflict", _) => {
            language.say("nomor identitas bertentangan", "identity numbers contradicted each other")
        }
        _ => entry.action.as_str(),
    };
    let refused = if entry.permitted { "" } else { language.say(" (DITOLAK)", " (REFUSED)") };
    format!("{done}{refused}")
}

fn role(role: Role, language: Language) -> &'static str {
    match role {
        Role::Clinician => language.say("klinisi", "clinician"),
        Role::Radiographer => language.say("radiografer", "radiographer"),
        Role::Laboratory => language.say("laboratorium", "laboratory"),
        Role::Registrar => language.say("rekam medis", "registrar"),
        Role::System => language.say("sistem", "system"),
        Role::Auditor => language.say("auditor", "auditor"),
        Role::DataProtectionOfficer => language.say("pejabat pelindungan data", "data protection officer"),
        Role::Administrator => language.say("administrator", "administrator"),
    }
}

fn purpose(purpose: Purpose, language: Language) -> &'static str {
    match purpose {
        Purpose::Treat => language.say("pengobatan", "treatment"),
        Purpose::EmergencyTreat => language.say("pengobatan darurat", "emergency treatment"),
        Purpose::HealthcareOperations => language.say("operasional fasilitas", "health-care operations"),
        Purpose::Research => language.say("penelitian", "research"),
        Purpose::PatientRequest => language.say("permintaan pasien", "request of the patient"),
        Purpose::PublicHealth => language.say("kesehatan masyarakat", "public health"),
        Purpose::BreakGlass => language.say("akses darurat", "emergency access"),
        Purpose::SystemAdministration => language.say("administrasi sistem", "system administration"),
    }
}

fn who(entry: &ReportEntry, language: Language) -> String {
    let facility = entry.facility_name.clone().or_else(|| entry.facility.as_ref().map(ToString::to_string));
    let role = entry.role.map(|one| role(one, language).to_owned());
    let parts: Vec<String> = [entry.name.clone(), role, facility].into_iter().flatten().collect();
    if parts.is_empty() {
        language.say("pengelola sistem", "the system's administrator").to_owned()
    } else {
        parts.join(", ")
    }
}

fn fields(entry: &ReportEntry, language: Language) -> [String; 6] {
    [
        time(entry.at),
        what(entry, language),
        who(entry, language),
        entry.purpose.map(|one| purpose(one, language)).unwrap_or_default().to_owned(),
        entry.channel.clone().unwrap_or_default(),
        format!(
            "{} {}{}",
            entry.objects,
            entry.kinds.join(" "),
            entry.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
        ),
    ]
}

fn heads(language: Language) -> [&'static str; 6] {
    match language {
        Language::Id => ["Waktu", "Apa", "Siapa", "Untuk apa", "Lewat", "Rekaman"],
        Language::En => ["When", "What", "Who", "What for", "Through", "Records"],
    }
}

fn intro(report: &AccessReport, language: Language) -> [String; 3] {
    let made = time(report.made);
    match language {
        Language::Id => [
            "Laporan akses rekaman medis Anda".to_owned(),
            format!(
                "Dibuat {made}. Pembuatan laporan ini tercatat sebagai entri {} di buku {}.",
                report.position, report.origin
            ),
            format!("{} kejadian; {} yang lebih lama tidak dimuat.", report.entries.len(), report.left_out),
        ],
        Language::En => [
            "Access report of your medical record".to_owned(),
            format!("Made {made}. That it was made is entry {} of the ledger {}.", report.position, report.origin),
            format!("{} events; {} older ones are left out.", report.entries.len(), report.left_out),
        ],
    }
}

/// Lines.
pub fn text(report: &AccessReport, language: Language) -> String {
    let mut text = intro(report, language).join("\n");
    text.push('\n');
    for entry in &report.entries {
        let [when, what, who, why, door, records] = fields(entry, language);
        let _never_fails = write!(text, "\n{when}  {what}\n    {who}; {why}; {door}; {records}\n");
    }
    text
}

/// A page that needs nothing else.
pub fn html(report: &AccessReport, language: Language) -> String {
    let [title, made, count] = intro(report, language);
    let code = language.say("id", "en");
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font-family:sans-serif}}td,th{{text-align:left;padding:.2em .6em;vertical-align:top}}</style></head>\
         <body><h1>{title}</h1><p>{}</p><p>{count}</p><table><thead><tr>",
        escaped(&made)
    );
    for head in heads(language) {
        let _never_fails = write!(page, "<th>{head}</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
    for entry in &report.entries {
        page.push_str("<tr>");
        for field in fields(entry, language) {
            let _never_fails = write!(page, "<td>{}</td>", escaped(&field));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></body></html>");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// For programs.
pub fn json(report: &AccessReport) -> Value {
    let entries = report.entries.iter().map(|entry| {
        json!({
            "position": entry.position,
            "at": time_utc(entry.at),
            "action": entry.action,
            "permitted": entry.permitted,
            "facility": entry.facility.as_ref().map(ToString::to_string),
            "facilityName": entry.facility_name,
            "role": entry.role.map(Role::name),
            "name": entry.name,
            "purpose": entry.purpose.map(Purpose::code),
            "channel": entry.channel,
            "whole": entry.whole,
            "objects": entry.objects,
            "kinds": entry.kinds,
            "reason": entry.reason,
        })
    });
    json!({
        "ledger": report.origin,
        "made": time_utc(report.made),
        "position": report.position,
        "leftOut": report.left_out,
        "entries": entries.collect::<Vec<_>>(),
    })
}

/// A time as programs read it (RFC 3339).
pub fn time_utc(at: Micros) -> String {
    Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::FacilityCode;

    fn report() -> AccessReport {
        let entry = ReportEntry {
            position: 7,
            at: 1_800_000_000_000_000,
            action: "Release".into(),
            permitted: true,
            facility: FacilityCode::new("RSA"),
            facility_name: Some("RS <A>".into()),
            role: Some(Role::Clinician),
            name: None,
            purpose: Some(Purpose::Treat),
            channel: Some("dicomweb".into()),
            whole: true,
            objects: 3,
            kinds: vec!["dicom".into()],
            reason: None,
        };
        let refused = ReportEntry { permitted: false, whole: false, ..entry.clone() };
        AccessReport { origin: "o".into(), made: 0, position: 9, entries: vec![entry, refused], left_out: 0 }
    }

    #[test]
    fn both_languages_say_who_when_why_and_through_which_door() {
        let id = text(&report(), Language::Id);
        let en = text(&report(), Language::En);
        for needle in ["2027-01-15 15:00:00 WIB", "klinisi", "RS <A>", "pengobatan", "dicomweb", "3 dicom", "DITOLAK"] {
            assert!(id.contains(needle), "{needle} in {id}");
        }
        for needle in ["clinician", "treatment", "REFUSED", "content was opened"] {
            assert!(en.contains(needle), "{needle} in {en}");
        }
    }

    #[test]
    fn nothing_of_a_report_becomes_markup() {
        let page = html(&report(), Language::En);
        assert!(page.contains("RS &lt;A&gt;") && !page.contains("RS <A>"));
    }
}
