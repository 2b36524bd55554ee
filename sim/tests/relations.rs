//! A patient is referred, consents, has something sensitive; and those who would help themselves. Over the real programs.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::process::{Archive, Tokens};
    use sim::sample::{Person, Uids, data_set, file};
    use tempfile::TempDir;

    const FACILITY: &str = "urn:segel:facility";
    const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    const NIK: &str = "https://fhir.kemkes.go.id/id/nik";

    struct Stage {
        folder: TempDir,
        archive: Archive,
        a: Tokens,
        b: Tokens,
        person: Person,
        uids: Uids,
        /// The patient as hospital A knows it.
        patient: String,
    }

    fn stage() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let (a, b) = (archive.facility("RSUD-A").unwrap(), archive.facility("RSUD-B").unwrap());
        let (person, uids) = (Person::nth(1), Uids::new(1, 1, 1));
        let mut stage = Stage { folder, archive, a, b, person, uids, patient: String::new() };
        assert_eq!(stage.store(), 200);
        let patient = json!({
            "resourceType": "Patient",
            "identifier": [{"value": stage.person.number}, {"system": NIK, "value": stage.person.nik}],
            "name": [{"text": "Siti Rahayu"}],
        });
        stage.patient = stage.create(&stage.a.clinician, &patient).unwrap();
        stage
    }

    impl Stage {
        fn store(&self) -> u16 {
            let path = self.folder.path().join("one.dcm");
            std::fs::write(&path, file(&self.uids, &data_set(&self.person, &self.uids, 64, &[7; 32]))).unwrap();
            let body = format!("@{}", path.display());
            let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
            self.archive.curl(&self.a.system, &arguments, "/dicom-web/studies").unwrap().0
        }

        fn send(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
            let body = body.to_string();
            let arguments = ["-X", method, "-H", "Content-Type: application/fhir+json", "--data-binary", &body];
            let (status, answer) = self.archive.curl(token, &arguments, path).unwrap();
            (status, serde_json::from_slice(&answer).unwrap_or(Value::Null))
        }

        /// Creates a resource; its id, or the status of the refusal.
        fn create(&self, token: &str, resource: &Value) -> Result<String, u16> {
            let path = format!("/fhir/{}", resource["resourceType"].as_str().unwrap());
            match self.send(token, "POST", &path, resource) {
                (201, created) => Ok(created["id"].as_str().unwrap().to_owned()),
                (status, _) => Err(status),
            }
        }

        fn subject(&self) -> Value {
            json!({"reference": format!("Patient/{}", self.patient)})
        }

        fn order(&self, to: &str, status: &str) -> Value {
            json!({
                "resourceType": "ServiceRequest", "status": status, "intent": "order", "subject": self.subject(),
                "performer": [{"type": "Organization", "identifier": {"system": FACILITY, "value": to}}],
            })
        }

        fn consent(&self, to: &str, status: &str) -> Value {
            json!({
                "resourceType": "Consent", "status": status, "patient": self.subject(),
                "scope": {"coding": [{"code": "patient-privacy"}]},
                "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
                "policyRule": {"coding": [{"code": "OPTIN"}]},
                "provision": {"type": "permit", "actor": [{
                    "role": {"coding": [{"code": "PRCP"}]},
                    "reference": {"identifier": {"system": FACILITY, "value": to}},
                }]},
            })
        }

        fn frame(&self, token: &str) -> u16 {
            let Uids { study, series, instance, .. } = &self.uids;
            let path = format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/1");
            self.archive.curl(token, &[], &path).unwrap().0
        }

        /// How many studies somebody finds: of everybody, and by the national number.
        fn studies(&self, token: &str) -> (usize, usize) {
            let count = |path: &str| self.archive.json(token, path).unwrap().as_array().unwrap().len();
            let by_number = format!("/dicom-web/studies?PatientID={}", self.person.number);
            (count("/dicom-web/studies"), count(&by_number))
        }

        fn results(&self, token: &str) -> usize {
            let bundle = self.archive.json(token, "/fhir/Observation").unwrap();
            bundle["entry"].as_array().map_or(0, Vec::len)
        }
    }

    #[test]
    fn a_referral_opens_at_the_other_facility_and_ends() {
        let stage = stage();
        let doctor = &stage.b.clinician;
        assert_eq!((stage.studies(doctor), stage.frame(doctor)), ((0, 0), 404));
        // A referral that nothing is yet, and one to nowhere.
        stage.create(&stage.a.clinician, &stage.order("RSUD-B", "draft")).unwrap();
        assert_eq!(stage.studies(doctor).0, 0);
        assert_eq!(stage.create(&stage.a.clinician, &stage.order("NOWHERE", "active")), Err(400));
        let order = stage.create(&stage.a.clinician, &stage.order("RSUD-B", "active")).unwrap();
        assert_eq!((stage.studies(doctor).0, stage.frame(doctor)), (1, 200));
        assert_eq!(stage.send(doctor, "GET", &format!("/fhir/ServiceRequest/{order}"), &json!({})).0, 200);
        // Whoever was referred to hands nothing on.
        assert_eq!(stage.create(doctor, &stage.order("RSUD-A", "active")), Err(403));
        let mut completed = stage.order("RSUD-B", "completed");
        completed["id"] = json!(order);
        let path = format!("/fhir/ServiceRequest/{order}");
        assert_eq!(stage.send(&stage.a.system, "PUT", &path, &completed).0, 200);
        assert_eq!((stage.studies(doctor), stage.frame(doctor)), ((0, 0), 404));
        assert_eq!(stage.send(doctor, "GET", &path, &json!({})).0, 404);
        assert_eq!(stage.frame(&stage.a.clinician), 200);
    }

    #[test]
    fn a_consent_is_heard_by_people_and_withdrawn() {
        let stage = stage();
        let doctor = &stage.b.clinician;
        assert_eq!(stage.create(&stage.a.system, &stage.consent("RSUD-B", "active")), Err(403), "no machine hears it");
        assert_eq!(stage.create(doctor, &stage.consent("RSUD-B", "active")), Err(422), "nobody consents at B for A");
        let mut denied = stage.consent("RSUD-B", "active");
        denied["provision"]["type"] = json!("deny");
        assert_eq!(stage.create(&stage.a.clinician, &denied), Err(422));
        let id = stage.create(&stage.a.clinician, &stage.consent("RSUD-B", "active")).unwrap();
        assert_eq!((stage.studies(doctor).0, stage.frame(doctor)), (1, 200));
        let mut withdrawn = stage.consent("RSUD-B", "inactive");
        withdrawn["id"] = json!(id);
        assert_eq!(stage.send(&stage.a.clinician, "PUT", &format!("/fhir/Consent/{id}"), &withdrawn).0, 200);
        assert_eq!((stage.studies(doctor), stage.frame(doctor)), ((0, 0), 404));
    }

    #[test]
    fn what_is_sensitive_opens_to_clinicians_of_the_facility_that_labelled_it() {
        let stage = stage();
        stage.create(&stage.a.clinician, &stage.order("RSUD-B", "active")).unwrap();
        let result = |security: Value| {
            json!({
                "resourceType": "Observation", "status": "final", "subject": stage.subject(),
                "meta": {"security": security},
                "code": {"coding": [{"system": "http://loinc.org", "code": "75622-1"}]}, "valueString": "reactive",
            })
        };
        let labelled = result(json!([{"system": ACT_CODE, "code": "HIV"}]));
        let id = stage.create(&stage.a.system, &labelled).unwrap();
        stage.create(&stage.a.system, &result(json!([{"system": "urn:else", "code": "HIV"}]))).unwrap();
        let everybody = [&stage.a.clinician, &stage.a.system, &stage.b.clinician];
        assert_eq!(everybody.map(|token| stage.results(token)), [2, 1, 1]);
        let path = format!("/fhir/Observation/{id}");
        let read = |token: &&String| stage.archive.curl(token, &[], &path).unwrap().0;
        assert_eq!(everybody.each_ref().map(read), [200, 404, 404]);
        // Taking the label away is for those who may correct.
        let meta = json!({"security": [{"system": ACT_CODE, "code": "HIV"}]});
        let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]});
        let change = |token: &str, what: &str| stage.send(token, "POST", &format!("{path}/$meta-{what}"), &parameters);
        assert_eq!(change(&stage.a.system, "delete").0, 403);
        assert_eq!(change(&stage.b.clinician, "delete").0, 404);
        assert_eq!(change(&stage.b.clinician, "add").0, 404);
        assert_eq!(change(&stage.a.clinician, "delete").0, 200);
        assert_eq!(everybody.each_ref().map(read), [200, 200, 200]);
        let (status, answer) = change(&stage.a.system, "add");
        assert_eq!((status, &answer["parameter"][0]["valueMeta"]["security"]), (200, &meta["security"]));
        assert_eq!(everybody.map(|token| stage.results(token)), [2, 1, 1]);
    }

    #[test]
    fn a_purpose_that_is_unknown_or_not_granted_opens_nothing() {
        let stage = stage();
        let ask = |purpose: &str, path: &str| {
            let header = format!("X-Purpose-Of-Use: {purpose}");
            stage.archive.curl(&stage.a.clinician, &["-H", &header], path).unwrap()
        };
        for path in ["/dicom-web/studies", "/fhir/Patient"] {
            for wrong in ["CURIOSITY", "treat", "T"] {
                let (status, body) = ask(wrong, path);
                assert_eq!(status, 400, "{wrong} at {path}");
                assert!(String::from_utf8_lossy(&body).contains("X-Purpose-Of-Use"), "it says what is wrong");
            }
            assert_eq!(ask("TREAT", path).0, 200);
            assert_eq!(ask("ETREAT", path).0, 200, "treatment covers emergencies");
        }
        let Uids { study, series, instance, .. } = &stage.uids;
        let path = format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata");
        assert_eq!(ask("TREAT", &path).0, 200);
        for other in ["HRESCH", "HOPERAT", "PUBHLTH", "PATRQT", "HSYSADMIN", "BTG"] {
            assert_eq!(ask(other, &path).0, 404, "{other} was not granted, or opens nothing by itself");
        }
    }

    #[test]
    fn another_facility_cannot_refer_a_patient_to_itself() {
        let stage = stage();
        let doctor = &stage.b.clinician;
        for token in [doctor, &stage.b.system] {
            for to in ["RSUD-B", "RSUD-A"] {
                // To B the patient is not there to be referred.
                assert_eq!(stage.create(token, &stage.order(to, "active")), Err(422), "{to}");
                assert_eq!(stage.create(token, &stage.consent(to, "active")), Err(422), "{to}");
            }
        }
        // Nor by B's own patient of the same hospital number: numbers of two hospitals never meet.
        let own = json!({"resourceType": "Patient", "identifier": [{"value": stage.person.number}]});
        let own = stage.create(doctor, &own).unwrap();
        let mut order = stage.order("RSUD-A", "active");
        order["subject"] = json!({"reference": format!("Patient/{own}")});
        stage.create(doctor, &order).unwrap();
        assert_eq!((stage.studies(doctor), stage.frame(doctor)), ((0, 0), 404));
        assert_eq!(stage.studies(&stage.a.clinician).0, 1, "and A finds no more than its own");
    }
}
