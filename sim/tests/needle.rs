//! Nothing that names a patient or tells of one lies readable on the disk: a thousand planted values, in eight encodings,
//! against every byte that either process wrote.

#[cfg(test)]
mod tests {
    use sim::process::{Archive, UNBOUNDED};
    use sim::sample::{Person, Uids, covid_bundle, data_set, file};
    use sim::{amount, kept};

    /// Bytes that a picture of this person holds and nothing else does.
    fn pixels(n: usize) -> Vec<u8> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(n as u64 + 1);
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        std::iter::repeat_with(next).take(48).collect()
    }

    fn letter(person: &Person) -> Vec<u8> {
        format!("%PDF-1.4\n% Surat rujukan untuk {} keluhan batuk {}\n%%EOF\n", person.name, person.number).into_bytes()
    }

    fn planted(n: usize, person: &Person) -> Vec<kept::Needle> {
        let mut needles = Vec::new();
        let (family, given) = person.name.split_once('^').unwrap();
        let spoken = person.name.replace('^', " ");
        let result = format!("positif-kasus-{n:05}");
        let accession = format!("ACC{}", person.number);
        let complaint = format!("keluhan batuk {}", person.number);
        for text in
            [&spoken, family, given, &person.number, &person.nik, &person.birth_date, &result, &accession, &complaint]
        {
            needles.extend(kept::encodings(text));
        }
        let (year, day) = person.birth_date.split_at(4);
        let (month, day) = day.split_at(2);
        needles.extend(kept::encodings(&format!("{year}-{month}-{day}")));
        needles.push(kept::Needle { name: format!("pixels of person {n}"), bytes: pixels(n) });
        needles
    }

    fn plant(archive: &Archive, token: &str, work: &std::path::Path, n: usize, person: &Person) {
        let uids = Uids::new(n + 1, 1, 1);
        let dicom = work.join("one.dcm");
        std::fs::write(&dicom, file(&uids, &data_set(person, &uids, 64, &pixels(n)))).unwrap();
        let dicom = format!("@{}", dicom.display());
        let (status, body) = archive
            .curl(token, &["-H", "Content-Type: application/dicom", "--data-binary", &dicom], "/dicom-web/studies")
            .unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let bundle = work.join("bundle.json");
        std::fs::write(&bundle, covid_bundle(person, &format!("positif-kasus-{n:05}")).to_string()).unwrap();
        let bundle = format!("@{}", bundle.display());
        let (status, body) = archive
            .curl(token, &["-H", "Content-Type: application/fhir+json", "--data-binary", &bundle], "/fhir")
            .unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let patient = answer["entry"][0]["response"]["location"].as_str().unwrap();
        let patient = patient.split("/_history").next().unwrap().trim_start_matches('/').to_owned();
        let patient = patient.rsplit_once("fhir/").map_or(patient.clone(), |(_, relative)| relative.to_owned());
        let pdf = work.join("letter.pdf");
        std::fs::write(&pdf, letter(person)).unwrap();
        let pdf = format!("@{}", pdf.display());
        let context = format!("X-Security-Context: {patient}");
        let arguments = ["-H", "Content-Type: application/pdf", "-H", &context, "--data-binary", &pdf];
        let (status, body) = archive.curl(token, &arguments, "/fhir/Binary").unwrap();
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
    }

    #[test]
    fn no_planted_value_lies_readable_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (data, work) = (folder.path().join("data"), folder.path().join("work"));
        std::fs::create_dir_all(&work).unwrap();
        let archive = Archive::start_with_keyservice(&data, UNBOUNDED).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let people = amount(100, 400);
        let mut needles = Vec::new();
        let mut values = 0;
        for n in 0..people {
            let person = Person::nth(n);
            plant(&archive, &tokens.system, &work, n, &person);
            // Searches leave traces of their own: the terms go through the logs, the index and the ledger as well.
            let family = person.name.split_once('^').unwrap().0.to_owned();
            let found = archive.json(&tokens.clinician, &format!("/dicom-web/studies?PatientName={family}*")).unwrap();
            assert_eq!(found.as_array().unwrap().len(), 1, "{family}");
            let identifier = format!("https://fhir.kemkes.go.id/id/nik|{}", person.nik);
            let found = archive.json(&tokens.clinician, &format!("/fhir/Patient?identifier={identifier}")).unwrap();
            assert_eq!(found["total"], 1);
            let mut of_person = planted(n, &person);
            values += 11;
            needles.append(&mut of_person);
        }
        assert!(values >= 1000);
        // While both processes run, with their write-ahead logs as they are, and again after they ended.
        assert_eq!(kept::search(&data, &needles).unwrap(), []);
        archive.stop().unwrap();
        assert_eq!(kept::search(&data, &needles).unwrap(), []);
        println!("{values} values, {} needles: none found", needles.len());
    }
}
