//! Names as people of several cultures of Indonesia bear them. Every person made of them is invented.

/// How names of one culture are put together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Culture {
    /// First names of men.
    pub men: &'static [&'static str],
    /// First names of women.
    pub women: &'static [&'static str],
    /// Second words: a further given name, a clan, a family. Empty where one name is the whole name.
    pub second: &'static [&'static str],
    /// Whether the second word is a clan or family name, handed down.
    pub family: bool,
    /// Out of a hundred people, how many have no second word.
    pub single: u64,
}

/// The cultures that patients are drawn from.
pub const CULTURES: [Culture; 9] = [
    // Javanese: often one name alone.
    Culture {
        men: &[
            "Sutrisno", "Suparman", "Wagiman", "Bambang", "Slamet", "Joko", "Sugeng", "Teguh", "Paijo", "Agus", "Heru",
            "Eko",
        ],
        women: &[
            "Suryani",
            "Wahyuningsih",
            "Sulastri",
            "Parinah",
            "Tumiyem",
            "Endang",
            "Retno",
            "Lestari",
            "Sumarni",
            "Dwi",
            "Rahayu",
        ],
        second: &["Widodo", "Prasetyo", "Santoso", "Hartono", "Wibowo", "Kusuma", "Nugroho", "Setyawan", "Purnomo"],
        family: false,
        single: 55,
    },
    // Balinese: caste-free birth order names.
    Culture {
        men: &["I Wayan", "I Made", "I Nyoman", "I Ketut", "I Gede", "I Putu"],
        women: &["Ni Wayan", "Ni Made", "Ni Nyoman", "Ni Ketut", "Ni Luh", "Ni Putu"],
        second: &[
            "Suarjana",
            "Sudiarta",
            "Artawan",
            "Sukerti",
            "Widiastuti",
            "Darmayasa",
            "Sumerta",
            "Ariani",
            "Mahendra",
        ],
        family: false,
        single: 0,
    },
    // Batak: a marga, handed down by the father.
    Culture {
        men: &["Parlindungan", "Tigor", "Hotman", "Sahat", "Maruli", "Binsar", "Togar", "Jonathan"],
        women: &["Tiurma", "Rotua", "Lamria", "Duma", "Rosmaida", "Tiominar", "Natalia"],
        second: &[
            "Simanjuntak",
            "Siregar",
            "Hutagalung",
            "Nainggolan",
            "Sitompul",
            "Panjaitan",
            "Lumbantobing",
            "Harahap",
        ],
        family: true,
        single: 0,
    },
    // Minangkabau.
    Culture {
        men: &["Yusrizal", "Zulkifli", "Syafrudin", "Afrizal", "Hendri", "Rusdi", "Erizal"],
        women: &["Yulinar", "Gusmawati", "Rosnida", "Elvira", "Desmawati", "Nurhayati"],
        second: &["Chaniago", "Piliang", "Tanjung", "Koto", "Sikumbang", "Guci", "Jambak"],
        family: true,
        single: 30,
    },
    // Chinese-Indonesian: family names of Indonesian or Hokkien spelling.
    Culture {
        men: &["Hendra", "Budi", "Kevin", "Rudy", "Steven", "Herman", "Andreas"],
        women: &["Lily", "Mei Lan", "Vivian", "Linda", "Felicia", "Yohana"],
        second: &["Wijaya", "Halim", "Tanuwijaya", "Gunawan", "Salim", "Lim", "Tjandra", "Oey", "Kurniawan"],
        family: true,
        single: 0,
    },
    // Names of Arabic origin.
    Culture {
        men: &["Muhammad", "Ahmad", "Abdul", "Moch.", "M. Rizky", "Umar", "Hasan"],
        women: &["Siti", "Nur", "Fatimah", "Aisyah", "Khadijah", "Zahra"],
        second: &[
            "Rahman",
            "Nurhaliza",
            "Fauzi",
            "Hidayat",
            "Aminah",
            "Ramadhan",
            "Maulana",
            "Hasanah",
            "Syarifuddin",
            "Alatas",
        ],
        family: false,
        single: 4,
    },
    // Sundanese: rhyming pairs.
    Culture {
        men: &["Asep", "Dadang", "Ujang", "Cecep", "Yayan", "Tatang"],
        women: &["Neneng", "Euis", "Iis", "Teti", "Cucu", "Imas"],
        second: &["Suryana", "Sutisna", "Supriatna", "Komala", "Kartika", "Saepudin", "Rohaeti"],
        family: false,
        single: 12,
    },
    // Minahasa, Maluku, Papua.
    Culture {
        men: &["Yohanis", "Markus", "Frans", "Decky", "Obet", "Stenly"],
        women: &["Maria", "Yuliana", "Novita", "Deasy", "Merry", "Agustina"],
        second: &["Wenda", "Kogoya", "Rumbiak", "Pattiasina", "Latuconsina", "Mandagi", "Tumewu", "Lengkong"],
        family: true,
        single: 0,
    },
    // Bugis and Makassar.
    Culture {
        men: &["Andi", "Daeng", "Baso", "Muh. Arif", "Syahrir"],
        women: &["Andi", "Besse", "Hasnah", "Sitti", "Rosmini"],
        second: &["Mappanyukki", "Paturusi", "Bahar", "Tenri", "Baharuddin", "Mattalatta", "Amiruddin"],
        family: false,
        single: 0,
    },
];

/// Streets and villages of the addresses.
pub const STREETS: [&str; 12] = [
    "Jl. Melati",
    "Jl. Kenanga",
    "Jl. Cempaka",
    "Gg. Mawar",
    "Jl. Flamboyan",
    "Jl. Anggrek",
    "Jl. Teratai",
    "Jl. Pahlawan",
    "Jl. Diponegoro",
    "Jl. Veteran",
    "Jl. Merdeka",
    "Gg. Bakti",
];
/// Villages.
pub const VILLAGES: [&str; 10] = [
    "Sukamaju",
    "Karanganyar",
    "Tegalrejo",
    "Banjarsari",
    "Wonosari",
    "Mekarjaya",
    "Sidomulyo",
    "Purwodadi",
    "Cibodas",
    "Batuaji",
];
/// Referring physicians, family name first as DICOM writes names.
pub const PHYSICIANS: [&str; 8] = [
    "KUSUMADEWI^RATNA^^DR",
    "SIMATUPANG^HORAS^^DR",
    "ADNYANA^I KETUT^^DR",
    "MAHARANI^INTAN^^DR",
    "TANOTO^FELIX^^DR",
    "SYAHPUTRA^RIDWAN^^DR",
    "NINGSIH^SRI WAHYU^^DR",
    "RUMAKIEK^YOSEPH^^DR",
];
