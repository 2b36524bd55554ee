//! Every text of the pages in Indonesian and English.

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Bahasa Indonesia.
    Indonesian,
    /// English.
    English,
}

impl Language {
    /// Reads `id` or `en`.
    pub fn of_code(code: &str) -> Option<Self> {
        match code.to_ascii_lowercase().as_str() {
            // `in` is what old systems call Indonesian.
            "id" | "in" => Some(Self::Indonesian),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// `id` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
            Self::English => "en",
        }
    }

    /// Its texts.
    pub fn words(self) -> Words {
        Words(match self {
            Self::Indonesian => INDONESIAN,
            Self::English => ENGLISH,
        })
    }

    /// Short names of the months.
    pub fn months(self) -> &'static [&'static str; 12] {
        match self {
            Self::Indonesian => &["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"],
            Self::English => &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
        }
    }
}

/// The texts of a language.
#[derive(Clone, Copy)]
pub struct Words(&'static [(&'static str, &'static str)]);

impl Words {
    /// The text of a key; empty for a key that is not there, which the tests do not let happen.
    pub fn t(self, key: &str) -> &'static str {
        self.0.iter().find(|(known, _)| *known == key).map_or("", |(_, text)| text)
    }
}

const INDONESIAN: &[(&str, &str)] = &[
    ("tagline", "Arsip medis tersegel"),
    ("skip", "Langsung ke isi"),
    ("studies", "Studi"),
    ("results", "Hasil"),
    ("sign-in", "Masuk"),
    ("sign-out", "Keluar"),
    ("other-language", "English"),
    ("other-language-code", "en"),
    ("sealed", "Tersegel"),
    ("opened-for", "Dibuka untuk"),
    ("logged", "tercatat"),
    ("logged-note", "Setiap pembukaan diputuskan oleh layanan kunci dan dicatat di buku besar sebelum kunci keluar."),
    ("at-rest-note", "Di cakram hanya ada sandi. Tanpa layanan kunci tidak ada yang terbaca."),
    ("opened-count", "objek dibuka di halaman ini"),
    ("name", "Nama"),
    ("number", "No. rekam medis"),
    ("number-hint", "RM, NIK, atau kartu JKN"),
    ("from", "Dari tanggal"),
    ("to", "Sampai"),
    ("modality", "Modalitas"),
    ("any", "Semua"),
    ("search", "Cari"),
    ("clear", "Hapus"),
    ("date", "Tanggal"),
    ("description", "Pemeriksaan"),
    ("accession", "No. akses"),
    ("facility", "Fasilitas"),
    ("contents", "Isi"),
    ("series", "seri"),
    ("images", "citra"),
    ("image", "citra"),
    ("other-studies", "Studi lain"),
    ("studies-shown", "studi, mulai nomor"),
    ("newer", "Sebelumnya"),
    ("older", "Berikutnya"),
    ("nothing-found", "Tidak ada studi yang cocok."),
    ("nothing-found-advice", "Hanya pasien yang pernah dilayani fasilitas Anda yang tampak di sini."),
    ("years", "th"),
    ("born", "Lahir"),
    ("female", "Perempuan"),
    ("male", "Laki-laki"),
    ("other", "Lain"),
    ("patient", "Pasien"),
    ("patient-records", "Hasil dan dokumen"),
    ("physician", "Perujuk"),
    ("back", "Daftar studi"),
    ("series-list", "Seri studi ini"),
    ("viewer", "Penampil citra"),
    ("viewer-help", "Seret: jendela. Roda atau panah: irisan. Shift + seret: geser. + dan -: perbesar. R: semula."),
    ("preset", "Jendela"),
    ("preset-own", "Bawaan citra"),
    ("preset-full", "Seluruh nilai"),
    ("preset-lung", "Paru"),
    ("preset-mediastinum", "Mediastinum"),
    ("preset-brain", "Otak"),
    ("preset-bone", "Tulang"),
    ("preset-abdomen", "Abdomen"),
    ("preset-stroke", "Stroke"),
    ("level", "Level"),
    ("width", "Lebar"),
    ("invert", "Balik"),
    ("reset", "Semula"),
    ("slice", "Irisan"),
    ("loading", "Membuka segel"),
    ("not-drawn", "Objek ini tidak dapat ditampilkan di sini. Ambil melalui DICOMweb."),
    ("no-script", "Tanpa JavaScript hanya satu citra per seri yang tampil."),
    ("open-document", "Buka dokumen"),
    ("document", "Dokumen"),
    ("documents", "Dokumen"),
    ("reports", "Ekspertise"),
    ("laboratory", "Laboratorium"),
    ("findings", "Uraian"),
    ("conclusion", "Kesan"),
    ("this-study", "studi ini"),
    ("no-records", "Belum ada hasil atau dokumen."),
    ("result", "Hasil"),
    ("test", "Pemeriksaan"),
    ("results-title", "Hasil laboratorium terbaru"),
    ("signin-title", "Masuk ke arsip"),
    ("signin-lead", "Tempelkan token akses Anda. Token dibuat oleh pengelola dengan perintah segel admin token."),
    ("token", "Token akses"),
    ("signin-refused", "Token ini tidak berlaku, atau sudah habis masanya."),
    ("signin-malformed", "Ini bukan token. Tempelkan seluruh baris yang dicetak oleh segel admin token."),
    ("signin-used", "Tautan ini sudah dipakai atau sudah lewat sepuluh menit. Masuklah dengan token."),
    ("failure-refused", "Tidak ada di sini"),
    (
        "failure-refused-advice",
        "Yang Anda cari tidak ada, atau bukan untuk dibuka oleh fasilitas Anda. Jawabannya sama untuk keduanya.",
    ),
    ("failure-busy", "Sedang tidak dapat dibuka"),
    ("failure-busy-advice", "Layanan kunci atau arsip sedang sibuk. Tidak ada yang hilang. Coba lagi sebentar lagi."),
    ("failure-invalid", "Permintaan tidak dapat dipenuhi"),
    ("failure-invalid-advice", "Ubah pencarian atau alamatnya, lalu coba lagi."),
    ("failure-damaged", "Arsip menemukan kerusakan"),
    ("failure-damaged-advice", "Beri tahu pengelola arsip. Jalankan segel scrub untuk melihat apa yang berubah."),
    ("clinician", "klinisi"),
    ("radiographer", "radiografer"),
    ("laboratory-role", "laboratorium"),
    ("registrar", "pendaftaran"),
    ("system", "sistem"),
    ("auditor", "auditor"),
    ("TREAT", "Perawatan"),
    ("ETREAT", "Gawat darurat"),
    ("HOPERAT", "Operasional"),
    ("HRESCH", "Penelitian"),
    ("PATRQT", "Permintaan pasien"),
    ("PUBHLTH", "Kesehatan masyarakat"),
    ("HSYSADMIN", "Administrasi sistem"),
];

const ENGLISH: &[(&str, &str)] = &[
    ("tagline", "Sealed medical archive"),
    ("skip", "Skip to content"),
    ("studies", "Studies"),
    ("results", "Results"),
    ("sign-in", "Sign in"),
    ("sign-out", "Sign out"),
    ("other-language", "Bahasa Indonesia"),
    ("other-language-code", "id"),
    ("sealed", "Sealed"),
    ("opened-for", "Opened for"),
    ("logged", "logged"),
    ("logged-note", "Every opening is decided by the key service and written to the ledger before a key leaves it."),
    ("at-rest-note", "On the disk there is only ciphertext. Without the key service nothing can be read."),
    ("opened-count", "objects opened on this page"),
    ("name", "Name"),
    ("number", "Record number"),
    ("number-hint", "MRN, NIK or JKN card"),
    ("from", "From date"),
    ("to", "To"),
    ("modality", "Modality"),
    ("any", "All"),
    ("search", "Search"),
    ("clear", "Clear"),
    ("date", "Date"),
    ("description", "Examination"),
    ("accession", "Accession"),
    ("facility", "Facility"),
    ("contents", "Contents"),
    ("series", "series"),
    ("images", "images"),
    ("image", "image"),
    ("other-studies", "Other studies"),
    ("studies-shown", "studies, from number"),
    ("newer", "Previous"),
    ("older", "Next"),
    ("nothing-found", "No study matches."),
    ("nothing-found-advice", "Only patients whom your facility has treated appear here."),
    ("years", "y"),
    ("born", "Born"),
    ("female", "Female"),
    ("male", "Male"),
    ("other", "Other"),
    ("patient", "Patient"),
    ("patient-records", "Results and documents"),
    ("physician", "Referred by"),
    ("back", "Study list"),
    ("series-list", "Series of this study"),
    ("viewer", "Image viewer"),
    ("viewer-help", "Drag: window. Wheel or arrows: slices. Shift + drag: move. + and -: zoom. R: reset."),
    ("preset", "Window"),
    ("preset-own", "The image's own"),
    ("preset-full", "All values"),
    ("preset-lung", "Lung"),
    ("preset-mediastinum", "Mediastinum"),
    ("preset-brain", "Brain"),
    ("preset-bone", "Bone"),
    ("preset-abdomen", "Abdomen"),
    ("preset-stroke", "Stroke"),
    ("level", "Level"),
    ("width", "Width"),
    ("invert", "Invert"),
    ("reset", "Reset"),
    ("slice", "Slice"),
    ("loading", "Opening the seal"),
    ("not-drawn", "This object cannot be shown here. Retrieve it through DICOMweb."),
    ("no-script", "Without JavaScript only one image of each series is shown."),
    ("open-document", "Open document"),
    ("document", "Document"),
    ("documents", "Documents"),
    ("reports", "Reports"),
    ("laboratory", "Laboratory"),
    ("findings", "Findings"),
    ("conclusion", "Impression"),
    ("this-study", "this study"),
    ("no-records", "No results or documents yet."),
    ("result", "Result"),
    ("test", "Test"),
    ("results-title", "Newest laboratory results"),
    ("signin-title", "Sign in to the archive"),
    ("signin-lead", "Paste your access token. An administrator makes one with the command segel admin token."),
    ("token", "Access token"),
    ("signin-refused", "This token is not valid, or no longer."),
    ("signin-malformed", "This is not a token. Paste the whole line that segel admin token printed."),
    ("signin-used", "This link has been used, or is older than ten minutes. Sign in with a token."),
    ("failure-refused", "Not here"),
    (
        "failure-refused-advice",
        "What you look for does not exist, or is not for your facility to open. The answer is the same for both.",
    ),
    ("failure-busy", "Cannot be opened now"),
    ("failure-busy-advice", "The key service or the archive is busy. Nothing is lost. Try again in a moment."),
    ("failure-invalid", "The request cannot be answered"),
    ("failure-invalid-advice", "Change the search or the address, then try again."),
    ("failure-damaged", "The archive found damage"),
    ("failure-damaged-advice", "Tell the archive's administrator. Run segel scrub to see what changed."),
    ("clinician", "clinician"),
    ("radiographer", "radiographer"),
    ("laboratory-role", "laboratory"),
    ("registrar", "registrar"),
    ("system", "system"),
    ("auditor", "auditor"),
    ("TREAT", "Treatment"),
    ("ETREAT", "Emergency treatment"),
    ("HOPERAT", "Operations"),
    ("HRESCH", "Research"),
    ("PATRQT", "Patient request"),
    ("PUBHLTH", "Public health"),
    ("HSYSADMIN", "System administration"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_languages_have_every_key_once() {
        let keys = |table: &[(&'static str, &str)]| table.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        let (indonesian, english) = (keys(INDONESIAN), keys(ENGLISH));
        assert_eq!(indonesian, english);
        assert_eq!(indonesian.iter().collect::<BTreeSet<_>>().len(), indonesian.len());
        assert!(INDONESIAN.iter().chain(ENGLISH).all(|(_, text)| !text.is_empty()));
    }

    #[test]
    fn every_key_that_a_template_names_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for after in text.split("w.t(\"").skip(1) {
                let key = after.split('"').next().unwrap();
                assert!(!Language::English.words().t(key).is_empty(), "{key}");
                seen += 1;
            }
        }
        assert!(seen > 40, "{seen}");
    }

    #[test]
    fn every_role_and_purpose_has_words() {
        for (role, _) in record::Role::all() {
            assert!(!Language::Indonesian.words().t(super::super::shown::role_key(*role)).is_empty());
        }
        for code in ["TREAT", "ETREAT", "HOPERAT", "HRESCH", "PATRQT", "PUBHLTH", "HSYSADMIN"] {
            assert!(record::Purpose::from_code(code).is_some() && !Language::English.words().t(code).is_empty());
        }
    }
}
