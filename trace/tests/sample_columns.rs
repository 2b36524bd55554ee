//! Whether columns are recognised, over generated tables: every separator, encoding, style of date and language of headings, and none.

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;
    use std::collections::BTreeMap;
    use trace::sample::columns::{Columns, Learner, Meaning};
    use trace::sample::{File, Flow, Progress, Remark, Row, Sink, Table, read_bytes};

    /// xorshift64*.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
        }

        fn pick<'a, T: Copy>(&mut self, list: &'a [T]) -> &'a T {
            &list[usize::try_from(self.below(u64::try_from(list.len()).unwrap())).unwrap()]
        }
    }

    // Half of these words are in no list of the reader.
    const MEN: [&str; 16] = [
        "Budi",
        "Slamet",
        "I Wayan",
        "Togar",
        "Cahyono",
        "Baskoro",
        "Wisnu",
        "Yohanis",
        "Muh. Ilyas",
        "Djarot",
        "Marthen",
        "Ujang",
        "Asep",
        "La Ode",
        "Daeng",
        "Agus",
    ];
    const WOMEN: [&str; 16] = [
        "Siti",
        "Ni Luh",
        "Wulan",
        "Maryam",
        "Tiur",
        "Euis",
        "Neneng",
        "Dwi",
        "Sulastri",
        "Yustina",
        "Rosalina",
        "Hj. Fatmawati",
        "Inggrid",
        "Nurhaliza",
        "Marni",
        "Dewi",
    ];
    const SECOND: [&str; 20] = [
        "Santoso",
        "Wibowo",
        "Rumbiak",
        "Tampubolon",
        "Lestari",
        "Rahayu",
        "Nasution",
        "Gultom",
        "Pohan",
        "Suparman",
        "Kurniasih",
        "Mangkunegara",
        "Latuconsina",
        "Pattimura",
        "Wijaya",
        "Hidayat",
        "Sembiring",
        "Djamaluddin",
        "O'Connor",
        "Ginting",
    ];
    const HOSPITALS: [&str; 8] = [
        "RSUD Kota Bandung",
        "RS Harapan Kita",
        "RSUP Dr. Sardjito",
        "RSIA Bunda",
        "Puskesmas Gambir",
        "RSU Haji Medan",
        "RUMAH SAKIT ISLAM JAKARTA",
        "Klinik Sehat",
    ];
    const RESULTS: [&str; 7] = [
        "Cor dan pulmo dalam batas normal",
        "Tampak infiltrat di paru kanan",
        "Kardiomegali",
        "Efusi pleura kiri",
        "Hb 11,2 g/dL; leukosit 8.900",
        "SARS-CoV-2 PCR negatif",
        "Fraktur clavicula dextra",
    ];
    const ICD: [&str; 6] = ["J18.9", "I10", "E11.9", "A15.0", "S42.0", "Z00"];
    const STREETS: [&str; 4] =
        ["Jl. Merdeka No. 5", "Jalan Mawar 12 RT 03/RW 04", "Perum Griya Asri Blok C2", "Dusun Krajan RT 01 RW 02"];
    const CITIES: [&str; 5] = ["Bandung", "Surabaya", "Medan", "Makassar", "Jakarta"];
    const DOCTORS: [&str; 4] = ["dr. Hendra, Sp.Rad", "dr. Ratna Sp.PD", "dr. Yusuf, Sp.P", "drg. Mira"];
    const MONTHS: [[&str; 12]; 2] = [
        [
            "Januari",
            "Februari",
            "Maret",
            "April",
            "Mei",
            "Juni",
            "Juli",
            "Agustus",
            "September",
            "Oktober",
            "November",
            "Desember",
        ],
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ];

    #[derive(Clone, Copy)]
    struct Day(u64, u64, u64);

    /// One patient's visit, before it is written.
    struct Person {
        woman: bool,
        name: String,
        born: Day,
        nik: String,
    }

    fn person(random: &mut Random) -> Person {
        let woman = random.below(2) == 0;
        let given = if woman { *random.pick(&WOMEN) } else { *random.pick(&MEN) };
        let single = random.below(8) == 0;
        let name = if single { given.to_owned() } else { format!("{given} {}", random.pick(&SECOND)) };
        let born = Day(1935 + random.below(85), 1 + random.below(12), 1 + random.below(28));
        let region = *random.pick(&["317101", "327305", "357801", "127112", "517102"]);
        let day = born.2 + if woman { 40 } else { 0 };
        let nik = format!("{region}{day:02}{:02}{:02}{:04}", born.1, born.0 % 100, 1 + random.below(40));
        Person { woman, name, born, nik }
    }

    fn days(day: Day) -> i64 {
        i64::from(
            trace::sample::columns::date::days_of(
                i32::try_from(day.0).unwrap(),
                u32::try_from(day.1).unwrap(),
                u32::try_from(day.2).unwrap(),
            )
            .unwrap(),
        )
    }

    fn write_date(style: u64, Day(y, m, d): Day) -> String {
        let month = |list: usize| MONTHS[list][usize::try_from(m - 1).unwrap()];
        match style {
            0 => format!("{d:02}/{m:02}/{y}"),
            1 => format!("{y}-{m:02}-{d:02}"),
            2 => format!("{d:02}-{}-{y}", month(1)),
            3 => format!("{d} {} {y}", month(0)),
            4 => format!("{d:02}-{m:02}-{y}"),
            5 => format!("{y}{m:02}{d:02}"),
            6 => format!("{}", days(Day(y, m, d)) + 25_569),
            7 => format!("{m:02}/{d:02}/{y}"),
            _ => format!("{d:02}.{m:02}.{y}"),
        }
    }

    /// The columns of one kind of table: heading in two languages, meaning.
    const COLUMNS: [(&str, &str, Meaning); 22] = [
        ("NIK", "national_id", Meaning::Nik),
        ("Nama Pasien", "patient_name", Meaning::Name),
        ("Tgl Lahir", "birth_date", Meaning::BirthDate),
        ("No HP", "phone", Meaning::Phone),
        ("No BPJS", "insurance_no", Meaning::JknCard),
        ("Nama RS", "hospital", Meaning::Hospital),
        ("Tgl Kunjungan", "visit_time", Meaning::VisitTime),
        ("JK", "sex", Meaning::Sex),
        ("No RM", "mrn", Meaning::RecordNumber),
        ("Hasil", "result", Meaning::Result),
        ("ICD10", "icd", Meaning::Result),
        ("StudyInstanceUID", "study_uid", Meaning::Uid),
        ("Accession", "AccessionNumber", Meaning::Accession),
        ("Alamat", "address", Meaning::Address),
        ("No", "id", Meaning::Other),
        ("Dokter", "doctor", Meaning::Other),
        ("No KK", "kk", Meaning::Other),
        ("Kota", "city", Meaning::Other),
        ("Umur", "age", Meaning::Other),
        ("Tarif", "price", Meaning::Other),
        // Without headings nobody could tell these two from a patient's name and a visit.
        ("Nama Ibu", "mother_name", Meaning::Other),
        ("Created At", "updated_at", Meaning::Other),
    ];

    struct Style {
        birth: u64,
        visit: u64,
        phone: u64,
        sex: u64,
        record: u64,
        upper: bool,
        missing: u64,
    }

    fn phone(style: u64, random: &mut Random) -> String {
        let number = format!("{}{:08}", random.pick(&["12", "13", "57", "78", "96"]), random.below(100_000_000));
        let part = |from, to| number.get(from..to).unwrap();
        match style {
            0 => format!("08{number}"),
            1 => format!("+628{number}"),
            2 => format!("628{number}"),
            _ => format!("08{}-{}-{}", part(0, 2), part(2, 6), part(6, 10)),
        }
    }

    fn moment(style: u64, day: Day, random: &mut Random) -> String {
        let date = write_date(style, day);
        let time = format!("{:02}:{:02}:{:02}", random.below(24), random.below(60), random.below(60));
        match style {
            5 => format!("{date}{}.{:06}", time.replace(':', ""), random.below(1_000_000)),
            1 => format!("{date} {time}.{:06}", random.below(1_000_000)),
            0 => format!("{date} {}", time.get(..5).unwrap()),
            _ => date,
        }
    }

    fn cell(column: usize, n: u64, person: &Person, style: &Style, random: &mut Random) -> String {
        let visit = Day(2019 + random.below(4), 1 + random.below(12), 1 + random.below(28));
        let missing = random.below(100) < style.missing;
        let case = |text: &str| if style.upper { text.to_uppercase() } else { text.to_owned() };
        match column {
            0 if missing => String::new(),
            0 => person.nik.clone(),
            1 => case(&person.name),
            2 => write_date(style.birth, person.born),
            3 if missing => "-".to_owned(),
            3 => phone(style.phone, random),
            4 if missing => "NULL".to_owned(),
            4 => format!("000{:010}", random.below(3_000_000_000)),
            5 => case(random.pick::<&str>(&HOSPITALS)),
            6 => moment(style.visit, visit, random),
            7 => [["L", "P"], ["Laki-laki", "Perempuan"], ["M", "F"], ["PRIA", "WANITA"]]
                [usize::try_from(style.sex).unwrap()][usize::from(person.woman)]
            .to_owned(),
            8 => {
                let number = random.below(1_000_000);
                match style.record {
                    0 => format!("{number:06}"),
                    1 => format!("00-{:02}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100),
                    2 => format!("RM-{number:07}"),
                    _ => format!("{number:08}"),
                }
            }
            9 => case(random.pick::<&str>(&RESULTS)),
            10 => (*random.pick(&ICD)).to_owned(),
            11 => format!("1.2.840.113619.2.{}.{}.{}", random.below(400), random.below(1 << 30), n),
            12 => format!("RAD{}{:02}{:02}{:04}", visit.0, visit.1, visit.2, random.below(10_000)),
            13 => case(random.pick::<&str>(&STREETS)),
            14 => (n + 1).to_string(),
            15 => (*random.pick(&DOCTORS)).to_owned(),
            16 => format!(
                "317101{:02}{:02}{:02}{:04}",
                1 + random.below(28),
                1 + random.below(12),
                5 + random.below(15),
                1 + random.below(300)
            ),
            17 => (*random.pick(&CITIES)).to_owned(),
            18 => (2022 - person.born.0).to_string(),
            19 => format!("{}", 25_000 * (1 + random.below(40))),
            20 => case(&format!("{} {}", random.pick(&WOMEN), random.pick(&SECOND))),
            _ => format!("{} {:02}:00:00", write_date(1, visit), random.below(24)),
        }
    }

    /// A table of a seed: its text, and what its columns mean.
    fn table(seed: u64) -> (Vec<u8>, Vec<Meaning>, bool) {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let separator = *random.pick(&[",", ";", "\t", "|"]);
        let headings = random.below(3);
        let mut columns: Vec<usize> = (0..if headings < 2 { COLUMNS.len() } else { 20 })
            .filter(|column| *column < 3 || random.below(3) > 0)
            .collect();
        for at in (1..columns.len()).rev() {
            let other = usize::try_from(random.below(u64::try_from(at + 1).unwrap())).unwrap();
            columns.swap(at, other);
        }
        let style = Style {
            birth: random.below(9),
            visit: *random.pick(&[0, 1, 2, 3, 4, 5, 8]),
            phone: random.below(4),
            sex: random.below(4),
            record: random.below(4),
            upper: random.below(2) == 0,
            missing: *random.pick(&[0, 5, 30]),
        };
        let mut text = String::new();
        let mut line = |cells: Vec<String>| {
            let quoted: Vec<String> = cells
                .into_iter()
                .map(|cell| {
                    if cell.contains([',', ';', '|', '"', '\t']) {
                        format!("\"{}\"", cell.replace('"', "\"\""))
                    } else {
                        cell
                    }
                })
                .collect();
            text.push_str(&quoted.join(separator));
            text.push_str("\r\n");
        };
        match headings {
            0 => line(columns.iter().map(|column| COLUMNS[*column].0.to_owned()).collect()),
            1 => line(columns.iter().map(|column| COLUMNS[*column].1.to_owned()).collect()),
            _ => {}
        }
        let rows = *random.pick(&[40, 200, 1_500, 2_600]);
        for n in 0..rows {
            let person = person(&mut random);
            line(columns.iter().map(|column| cell(*column, n, &person, &style, &mut random)).collect());
        }
        let bytes = match random.below(3) {
            0 => text.into_bytes(),
            1 => WINDOWS_1252.encode(&text).0.into_owned(),
            _ => [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        };
        (bytes, columns.iter().map(|column| COLUMNS[*column].2).collect(), headings < 2)
    }

    #[derive(Default)]
    struct Learning {
        learner: Learner,
        columns: Columns,
        headed: bool,
    }

    impl Sink for Learning {
        fn row(&mut self, row: &Row<'_>) -> Flow {
            self.learner.see(row);
            Flow::Continue(())
        }

        fn file(&mut self, _: &File<'_>) -> Flow {
            Flow::Continue(())
        }

        fn end(&mut self, table: &Table) -> Flow {
            self.columns = self.learner.columns(table);
            self.headed = table.headed;
            Flow::Continue(())
        }

        fn remark(&mut self, remark: Remark) {
            panic!("{remark:?}");
        }
    }

    #[test]
    fn columns_of_generated_tables_are_recognised() {
        let from: u64 = std::env::var("SEGEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_000);
        let (mut right, mut all) = ([0_u32; 2], [0_u32; 2]);
        let mut wrong: BTreeMap<String, u32> = BTreeMap::new();
        for seed in from..from + 100 {
            let (bytes, meanings, headed) = table(seed);
            let mut learning = Learning::default();
            read_bytes("goods", &bytes, &Progress::default(), &mut learning);
            assert_eq!(learning.headed, headed, "headings of table {seed}");
            let found: Vec<Meaning> = learning.columns.columns().iter().map(|column| column.meaning).collect();
            assert_eq!(found.len(), meanings.len(), "columns of table {seed}");
            for (at, (found, meant)) in found.iter().zip(&meanings).enumerate() {
                all[usize::from(headed)] += 1;
                if found == meant {
                    right[usize::from(headed)] += 1;
                } else {
                    *wrong.entry(format!("{meant:?} read as {found:?}, headed {headed}")).or_default() += 1;
                    println!("table {seed}, column {at}: {meant:?} read as {found:?}");
                }
            }
        }
        let share = |right: u32, all: u32| f64::from(right) / f64::from(all.max(1));
        println!(
            "seeds {from} to {}: right {:.2} % of {} columns with headings, {:.2} % of {} without; wrong: {wrong:?}",
            from + 99,
            100.0 * share(right[1], all[1]),
            all[1],
            100.0 * share(right[0], all[0]),
            all[0]
        );
        let both = share(right[0] + right[1], all[0] + all[1]);
        assert!(both >= 0.99, "{both}");
    }
}
