//! Words by which names, places, hospitals and findings are told from other texts.

/// Frequent words of Indonesian names, of all its larger peoples.
const NAMES: &str = " abdul abdullah achmad adi aditya agung agus agustina ahmad aisyah ali alfian amelia aminah anak andi \
 andika andri angga ani anita anwar ardi ardiansyah ari arief arif arifin aris asih astuti ayu azis bagus bahri bambang bayu \
 budi budiman butar cahya candra chandra citra damayanti dedi denny desi dewa dewi dian diana dini dina djoko dwi eka eko \
 elisabeth endang eni erna evi fadhilah fadli fahmi faisal fajar farida fatimah febri ferdinand feri fitri fitriani galih \
 gede gunawan habibi hadi hafiz hakim halim hamid handayani handoko hani hardi hari hariyanto harun hasan hasanah hasibuan \
 hendra hendri heri herman hermawan heru hidayat hidayati husein husna ibrahim ida idris ika ilham imam iman indah indra \
 indriani intan irawan irfan irma irwan iskandar ismail iwan jaya joko jumiati kadek karim kartika kartini ketut khadijah \
 komang kristina kurnia kurniawan kusuma kusumawati laila laksmi lestari lia lina linda lubis lukman made mahendra maria \
 marlina maulana maya mega meliana mira mochamad mohamad muhamad muhammad mulyadi mulyani murni mustafa nabila nadia nanda \
 nasution ngurah ni nia nita novi novita nugraha nugroho nur nurhayati nurul nyoman oktaviani pangestu panjaitan permata \
 pertiwi prabowo prasetyo pratama pratiwi purnama purnomo purwanto puspita putra putri putu rachman rahayu rahma rahman \
 rahmat rahmawati ramadhan ratih ratna ratnasari reza rian riana rini ririn riska rizal rizki rohmah roni rosdiana rosita \
 rudi rukmana saiful salim salma sandi santi santoso saputra saputri sari sartika satria setiawan setyawan sihombing \
 simanjuntak sinaga siregar siska siti situmorang slamet soeharto sofyan sri subagyo sudarsono sugeng sugiarto suharto sukma \
 sulaiman sulastri sulistyowati sumarni sumiati supriadi supriyanto suryadi suryani susanti susanto susilo susilowati \
 sutrisno suwarno suyanto syahrul syaiful syamsul taufik teguh tini titin tri trisna umar umi untung utami utomo wahyu wahyuni \
 wahyudi wati wayan widodo widya wijaya winarti wibowo wulan wulandari yanti yanto yayuk yogi yohanes yudi yudha yulia yuliana \
 yulianti yuni yunita yusuf zaenal zahra zainal zainuddin zulkifli ";

/// Words that stand in no name of a person.
const NO_NAMES: &str = " jl jalan rt rw kel kec kelurahan kecamatan kabupaten kab kota provinsi desa dusun gang komplek perum blok no \
 rs rsu rsud rsup rsia rsj rsab rumah sakit puskesmas klinik laboratorium poli instalasi hospital clinic normal dalam batas \
 tidak tampak toraks thorax foto ct mri usg scan kesan hasil positif negatif positive negative pemeriksaan dokter selesai \
 aktif umum rawat jalan inap bpjs asuransi pns swasta wiraswasta pelajar mahasiswa karyawan buruh petani guru islam kristen \
 katolik hindu buddha konghucu kawin belum menikah cerai single married wni wna lunas batal ya true false null none \
 jakarta bandung surabaya semarang medan makassar yogyakarta denpasar palembang bogor bekasi depok tangerang malang \
 anak kandungan bedah saraf jantung mata gigi kulit paru dahlia melati mawar anggrek igd icu radiologi ";

/// Words of findings, diagnoses and results.
const FINDINGS: &str = " normal abnormal positif negatif positive negative reaktif reactive detected dalam batas tampak tidak kesan \
 toraks thorax cor pulmo paru jantung hepar ginjal infiltrat kardiomegali efusi pleura pneumonia bronkopneumonia tuberkulosis \
 tb fraktur fracture lesi massa nodul kalsifikasi foto ct mri usg ekg hb hemoglobin leukosit trombosit glukosa kolesterol \
 kreatinin ureum sgot sgpt mg dl mmol iu diabetes hipertensi hypertension infark stroke demam dengue tifoid covid covid-19 swab \
 pcr antigen anemia gastritis asma ispa dispepsia vertigo migrain apendisitis kontrol post suspek curiga edema atelektasis \
 sinus rhythm aktif lama kanan kiri bilateral dextra sinistra konsolidasi bronkitis lumbal cervical spondilosis osteoartritis \
 patologi ultrasonografi abdomen kehamilan minggu janin tunggal hidup letak kepala uterus ovarium kista mioma chest unremarkable \
 findings impression acute disease mellitus type ";

/// What names of hospitals begin with or hold.
const HOSPITALS: &str = " rs rsu rsud rsup rsupn rsia rsj rsab rspad rsal rsau rskd rsk rsi rsgm rsu. puskesmas pkm klinik hospital \
 clinic siloam hermina mayapada rumkit rumkital ";

/// What addresses hold.
const PLACES: &str = " jl jln jalan rt rw kel kec dusun dsn desa komplek komp perum perumahan gang gg blok kampung kp kav lingk lingkungan \
 kelurahan kecamatan ";

/// How many of the words are in a list, and how many words there are.
fn count(text: &str, list: &str) -> (usize, usize) {
    let (mut known, mut all) = (0, 0);
    let mut key = String::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        all += 1;
        key.clear();
        key.push(' ');
        key.extend(word.chars().flat_map(char::to_lowercase));
        key.push(' ');
        known += usize::from(list.contains(key.as_str()));
    }
    (known, all)
}

/// Letters alone, in one to six words, none of which stands in no name.
pub(super) fn is_name_form(text: &str) -> bool {
    let text = text.trim();
    let fits =
        |letter: char| letter.is_alphabetic() || matches!(letter, ' ' | '.' | ',' | '\'' | '-' | '^' | '`' | '’' | '/');
    let words = text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).count();
    (3..=60).contains(&text.len()) && (1..=8).contains(&words) && text.chars().all(fits) && count(text, NO_NAMES).0 == 0
}

/// Whether a word of it is frequent among names.
pub(super) fn has_name(text: &str) -> bool {
    count(text, NAMES).0 > 0
}

/// Whether it begins as doctors' names do.
pub(super) fn is_doctor(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    text.starts_with("dr.")
        || text.starts_with("dr ")
        || text.starts_with("drg")
        || text.contains(", sp.")
        || text.contains(" sp.")
}

/// Whether it names a hospital.
pub(super) fn is_hospital(text: &str) -> bool {
    let text = text.trim();
    let first = text.split(|letter: char| !letter.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let lower = text.to_lowercase();
    (3..=100).contains(&text.len())
        && (count(first, HOSPITALS).0 > 0
            || lower.starts_with("rumah sakit")
            || lower.ends_with("hospital")
            || lower.ends_with("clinic"))
}

/// Whether it says what was found.
pub(super) fn is_finding(text: &str) -> bool {
    let (known, all) = count(text, FINDINGS);
    known > 0 && 4 * known >= all
}

/// Whether it says where somebody lives.
pub(super) fn is_address(text: &str) -> bool {
    count(text, PLACES).0 > 0 && text.len() >= 8
}
