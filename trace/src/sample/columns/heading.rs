//! What a heading says of its column. It is a hint: headings lie, are missing, and are translated.

use super::Meaning;

/// Words of headings and what they mean; the first line that matches counts. All words of a line's entry must be there.
const WORDS: &[(&str, Meaning)] = &[
    // What looks like one of the others and is not.
    ("nama ibu", Meaning::Other),
    ("nama ayah", Meaning::Other),
    ("mother", Meaning::Other),
    ("father", Meaning::Other),
    ("kartu keluarga", Meaning::Other),
    ("kk", Meaning::Other),
    ("tempat lahir", Meaning::Other),
    ("birth place", Meaning::Other),
    ("birthplace", Meaning::Other),
    ("umur", Meaning::Other),
    ("usia", Meaning::Other),
    ("age", Meaning::Other),
    ("doctor", Meaning::Other),
    ("dokter", Meaning::Other),
    ("dpjp", Meaning::Other),
    ("physician", Meaning::Other),
    ("petugas", Meaning::Other),
    ("created", Meaning::Other),
    ("updated", Meaning::Other),
    ("email", Meaning::Other),
    ("tarif", Meaning::Other),
    ("harga", Meaning::Other),
    ("biaya", Meaning::Other),
    ("price", Meaning::Other),
    ("amount", Meaning::Other),
    ("agama", Meaning::Other),
    ("kota", Meaning::Other),
    ("city", Meaning::Other),
    // Numbers.
    ("nik", Meaning::Nik),
    ("ktp", Meaning::Nik),
    ("national id", Meaning::Nik),
    ("induk kependudukan", Meaning::Nik),
    ("bpjs", Meaning::JknCard),
    ("jkn", Meaning::JknCard),
    ("noka", Meaning::JknCard),
    ("insurance", Meaning::JknCard),
    ("nomor kartu", Meaning::JknCard),
    ("no kartu", Meaning::JknCard),
    ("rekam medis", Meaning::RecordNumber),
    ("rm", Meaning::RecordNumber),
    ("norm", Meaning::RecordNumber),
    ("mrn", Meaning::RecordNumber),
    ("medrec", Meaning::RecordNumber),
    ("medical record", Meaning::RecordNumber),
    ("patient id", Meaning::RecordNumber),
    ("patientid", Meaning::RecordNumber),
    ("accession", Meaning::Accession),
    ("accessionnumber", Meaning::Accession),
    ("aksesi", Meaning::Accession),
    ("no order", Meaning::Accession),
    ("uid", Meaning::Uid),
    ("instanceuid", Meaning::Uid),
    ("studyinstanceuid", Meaning::Uid),
    ("telp", Meaning::Phone),
    ("telepon", Meaning::Phone),
    ("phone", Meaning::Phone),
    ("hp", Meaning::Phone),
    ("nohp", Meaning::Phone),
    ("handphone", Meaning::Phone),
    ("mobile", Meaning::Phone),
    ("wa", Meaning::Phone),
    ("whatsapp", Meaning::Phone),
    // Dates.
    ("lahir", Meaning::BirthDate),
    ("birth", Meaning::BirthDate),
    ("born", Meaning::BirthDate),
    ("dob", Meaning::BirthDate),
    ("birthdate", Meaning::BirthDate),
    ("kunjungan", Meaning::VisitTime),
    ("visit", Meaning::VisitTime),
    ("periksa", Meaning::VisitTime),
    ("pemeriksaan", Meaning::VisitTime),
    ("masuk", Meaning::VisitTime),
    ("admission", Meaning::VisitTime),
    ("studydate", Meaning::VisitTime),
    ("study date", Meaning::VisitTime),
    ("studydatetime", Meaning::VisitTime),
    ("encounter", Meaning::VisitTime),
    ("layanan", Meaning::VisitTime),
    // Places.
    ("rumah sakit", Meaning::Hospital),
    ("hospital", Meaning::Hospital),
    ("faskes", Meaning::Hospital),
    ("facility", Meaning::Hospital),
    ("institution", Meaning::Hospital),
    ("rs", Meaning::Hospital),
    ("provider", Meaning::Hospital),
    ("alamat", Meaning::Address),
    ("address", Meaning::Address),
    ("domisili", Meaning::Address),
    // People.
    ("jenis kelamin", Meaning::Sex),
    ("kelamin", Meaning::Sex),
    ("jk", Meaning::Sex),
    ("sex", Meaning::Sex),
    ("gender", Meaning::Sex),
    ("hasil", Meaning::Result),
    ("result", Meaning::Result),
    ("diagnosa", Meaning::Result),
    ("diagnosis", Meaning::Result),
    ("icd", Meaning::Result),
    ("icd10", Meaning::Result),
    ("kesan", Meaning::Result),
    ("impression", Meaning::Result),
    ("temuan", Meaning::Result),
    ("findings", Meaning::Result),
    ("expertise", Meaning::Result),
    ("nama", Meaning::Name),
    ("name", Meaning::Name),
    ("fullname", Meaning::Name),
    ("patientname", Meaning::Name),
    ("pasien", Meaning::Name),
    ("patient", Meaning::Name),
    ("tanggal", Meaning::VisitTime),
    ("tgl", Meaning::VisitTime),
    ("waktu", Meaning::VisitTime),
    ("date", Meaning::VisitTime),
    ("time", Meaning::VisitTime),
];

/// What a heading says; `None` if it says nothing that is known.
pub(crate) fn meaning_of_heading(heading: &str) -> Option<Meaning> {
    let words = words(heading);
    WORDS.iter().find(|(entry, _)| entry.split(' ').all(|word| words.iter().any(|own| own == word))).map(|line| line.1)
}

/// The words of a heading, in small letters: parted at signs, and where a capital follows a small letter.
fn words(heading: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    let mut small = false;
    for letter in heading.chars().take(200) {
        if !letter.is_alphanumeric() {
            inside = false;
            continue;
        }
        if !inside || (small && letter.is_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
        inside = true;
        small = letter.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_read_in_both_languages_and_any_style() {
        for (heading, meaning) in [
            ("NIK", Some(Meaning::Nik)),
            ("no_ktp", Some(Meaning::Nik)),
            ("NamaPasien", Some(Meaning::Name)),
            ("PatientName", Some(Meaning::Name)),
            ("nama_rs", Some(Meaning::Hospital)),
            ("Tgl. Lahir", Some(Meaning::BirthDate)),
            ("tanggal_kunjungan", Some(Meaning::VisitTime)),
            ("tempat_lahir", Some(Meaning::Other)),
            ("No. HP", Some(Meaning::Phone)),
            ("no_rm", Some(Meaning::RecordNumber)),
            ("StudyInstanceUID", Some(Meaning::Uid)),
            ("kolom7", None),
            ("", None),
        ] {
            assert_eq!(meaning_of_heading(heading), meaning, "{heading}");
        }
    }
}
