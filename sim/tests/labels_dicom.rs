//! A study of images that is labelled as sensitive, over the real programs: who still finds and opens it, by every door, also when images
//! join it, until the label is taken away.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::process::{Archive, Tokens};
    use sim::sample::{Person, Uids, data_set, file};

    const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

    struct Stage {
        folder: tempfile::TempDir,
        archive: Archive,
        a: Tokens,
        b: Tokens,
        radiographer: String,
        person: Person,
    }

    fn stage() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let (a, b) = (archive.facility("RSUD-A").unwrap(), archive.facility("RSUD-B").unwrap());
        let add = ["person", "add", "radiographer A", "--facility", "RSUD-A", "--role", "radiographer"];
        archive.admin(&add).unwrap();
        let radiographer = archive.admin(&["token", "--as", "radiographer A"]).unwrap();
        let stage = Stage { folder, archive, a, b, radiographer, person: Person::nth(9) };
        // Both hospitals have treated the person, whom they know by the national number.
        for (token, n) in [(&stage.a.system, 1), (&stage.a.system, 2), (&stage.b.system, 9)] {
            let patient = json!({
                "resourceType": "Patient",
                "identifier": [
                    {"value": stage.person.number},
                    {"system": "https://fhir.kemkes.go.id/id/nik", "value": stage.person.nik},
                ],
            });
            assert_eq!(stage.send(token, "/fhir/Patient", &patient).0, 201);
            stage.store(token, &uids(n));
        }
        stage
    }

    /// Images of A are of one study; that of B is of another.
    fn uids(n: usize) -> Uids {
        Uids::new(if n == 9 { 72 } else { 71 }, 1, n)
    }

    impl Stage {
        fn store(&self, token: &str, uids: &Uids) {
            let path = self.folder.path().join("one.dcm");
            std::fs::write(&path, file(uids, &data_set(&self.person, uids, 64, &[7; 32]))).unwrap();
            let body = format!("@{}", path.display());
            let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
            assert_eq!(self.archive.curl(token, &arguments, "/dicom-web/studies").unwrap().0, 200);
        }

        fn send(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
            let body = body.to_string();
            let arguments = ["-H", "Content-Type: application/fhir+json", "--data-binary", &body];
            let (status, answer) = self.archive.curl(token, &arguments, path).unwrap();
            (status, serde_json::from_slice(&answer).unwrap_or(Value::Null))
        }

        fn change(&self, token: &str, what: &str, study: &str) -> u16 {
            let meta = json!({"security": [{"system": ACT_CODE, "code": "SEX"}]});
            let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]});
            let (status, answer) = self.send(token, &format!("/fhir/ImagingStudy/{study}/$meta-{what}"), &parameters);
            if (status, what) == (200, "add") {
                assert_eq!(answer["parameter"][0]["valueMeta"]["security"], meta["security"]);
            }
            status
        }

        /// What somebody sees of A's study: whether a list has it, how many instances, and how opening each of them ends.
        fn sees(&self, token: &str) -> (bool, usize, [u16; 3]) {
            let study = uids(1).study;
            let found = |path: &str| {
                let (status, body) = self.archive.curl(token, &[], path).unwrap();
                assert!(status == 200 || status == 204 || status == 404, "{path}: {status}");
                let list: Value = serde_json::from_slice(&body).unwrap_or_default();
                list.as_array().cloned().unwrap_or_default()
            };
            let is_listed = found("/dicom-web/studies").iter().any(|one| one["0020000D"]["Value"][0] == study.as_str());
            let instances = found(&format!("/dicom-web/studies/{study}/instances")).len();
            let opened = [1, 2, 3].map(|n| {
                let Uids { study, series, instance, .. } = uids(n);
                let path = format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata");
                self.archive.curl(token, &[], &path).unwrap().0
            });
            (is_listed, instances, opened)
        }
    }

    const NOTHING: (bool, usize, [u16; 3]) = (false, 0, [404; 3]);

    #[test]
    fn a_labelled_study_is_there_for_clinicians_of_its_facility_alone_and_so_is_what_joins_it() {
        let stage = stage();
        let study = uids(1).study;
        let others = [&stage.radiographer, &stage.a.system, &stage.b.clinician];
        let two = (true, 2, [200, 200, 404]);
        // Everybody has just looked: keys are at hand.
        for token in [&stage.a.clinician].into_iter().chain(others) {
            assert_eq!(stage.sees(token), two);
        }
        // Another's study is not one's own to label, nor is one that is not there.
        for (token, of) in [(&stage.b.clinician, &study), (&stage.a.clinician, &uids(9).study)] {
            assert_eq!(stage.change(token, "add", of), 404);
        }
        for wrong in ["1.2.3", "x", "1..2"] {
            assert_eq!(stage.change(&stage.a.clinician, "add", wrong), 404, "{wrong}");
        }
        assert_eq!(stage.change(&stage.a.clinician, "add", &study), 200);
        assert_eq!(stage.sees(&stage.a.clinician), two);
        for token in others {
            assert_eq!(stage.sees(token), NOTHING, "at once, whatever was at hand");
        }
        // An image that comes later, from a machine that knows of no label.
        stage.store(&stage.a.system, &uids(3));
        assert_eq!(stage.sees(&stage.a.clinician), (true, 3, [200; 3]));
        for token in others {
            assert_eq!(stage.sees(token), NOTHING);
        }
        emergency(&stage, &study);
        // Taking it away opens again: for whoever may correct, and no machine.
        assert_eq!(stage.change(&stage.a.system, "delete", &study), 403);
        assert_eq!(stage.change(&stage.radiographer, "delete", &study), 403);
        assert_eq!(stage.change(&stage.a.clinician, "delete", &study), 200);
        for token in [&stage.a.clinician].into_iter().chain(others) {
            assert_eq!(stage.sees(token), (true, 3, [200; 3]));
        }
    }

    /// A clinician of the other hospital breaks the glass, and opens what is closed.
    fn emergency(stage: &Stage, study: &str) {
        let asked =
            json!({"number": stage.person.number, "facility": "RSUD-A", "reason": "unconscious, brought by police"});
        let asked = asked.to_string();
        let declared = ["-H", "Content-Type: application/json", "-d", &asked];
        let (status, said) = stage.archive.curl(&stage.b.clinician, &declared, "/auth/break-glass").unwrap();
        assert!(status < 300, "{status}: {}", String::from_utf8_lossy(&said));
        let path = format!("/dicom-web/studies/{study}/metadata");
        let (status, body) = stage.archive.curl(&stage.b.clinician, &["-H", "X-Purpose-Of-Use: BTG"], &path).unwrap();
        let opened: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!((status, opened.as_array().map(Vec::len)), (200, Some(3)));
        assert_eq!(stage.sees(&stage.b.clinician), NOTHING, "for nothing else");
    }
}
