//! Budgets, a colleague's word and a broken glass, at the doors of the real programs.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::process::{Archive, PASSPHRASE};
    use sim::program;
    use sim::sample::{Person, Uids, data_set, file};
    use std::path::Path;

    const SETTINGS: &str = "
        [budgets.actor.clinician]
        contents = { hour = 3, day = 5 }
        summaries = { hour = 40, day = 60 }
        [budgets.step_up]
        contents = 1
    ";

    /// One image of each of some people, sent by a facility's system.
    fn send(archive: &Archive, token: &str, folder: &Path, people: std::ops::Range<usize>) {
        for number in people {
            let uids = Uids::new(number, 1, 1);
            let path = folder.join("one.dcm");
            std::fs::write(&path, file(&uids, &data_set(&Person::nth(number), &uids, 64, &[9; 16]))).unwrap();
            let body = format!("@{}", path.display());
            let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
            assert_eq!(archive.curl(token, &arguments, "/dicom-web/studies").unwrap().0, 200);
        }
    }

    fn metadata(number: usize) -> String {
        let uids = Uids::new(number, 1, 1);
        format!("/dicom-web/studies/{}/metadata", uids.study)
    }

    /// A JSON body by POST; status and what was answered.
    fn post(archive: &Archive, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let arguments = ["-H", "Content-Type: application/json", "--data-binary", &body];
        let (status, answer) = archive.curl(token, &arguments, path).unwrap();
        (status, serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    fn events(data: &Path) -> Vec<Value> {
        let keyservice = data.join("keyservice");
        let segel = program::ours("segel").unwrap();
        let output = std::process::Command::new(segel)
            .args(["keyservice", "--events", "--data", keyservice.to_str().unwrap()])
            .env("SEGEL_PASSPHRASE", PASSPHRASE)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_reader_beyond_the_budget_hears_so_and_goes_on_with_a_colleagues_word() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start_with_keyservice(&data, SETTINGS).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        send(&archive, &ours.system, folder.path(), 0..6);
        let colleague = {
            archive.admin(&["person", "add", "colleague", "--facility", "RSUD-A", "--role", "clinician"]).unwrap();
            archive.admin(&["token", "--as", "colleague"]).unwrap()
        };
        let status = |number: usize| archive.curl(&ours.clinician, &[], &metadata(number)).unwrap().0;
        assert_eq!([0, 1, 2].map(status), [200; 3]);
        let (refused, said) = archive.curl(&ours.clinician, &["-D", "-"], &metadata(3)).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(refused, 429, "{said}");
        assert!(said.to_lowercase().contains("retry-after:") && said.contains("ask a colleague"), "{said}");
        assert_eq!(status(1), 200, "whom she has opened stays open");
        assert_eq!(status(99), 404, "and who is not there is not there");
        assert_eq!(
            archive.curl(&ours.clinician, &[], "/dicom-web/studies?limit=10").unwrap().0,
            200,
            "lists are apart"
        );

        let reason = json!({"reason": "two clinics at once"});
        let (asked, list) = post(&archive, &ours.clinician, "/auth/step-up", &reason);
        assert_eq!((asked, &list[0]["state"]), (200, &json!("waiting")), "{list}");
        let id = json!({"id": list[0]["id"]});
        assert_eq!(post(&archive, &ours.clinician, "/auth/step-up/approve", &id).0, 403, "nobody for oneself");
        assert_eq!(post(&archive, &ours.system, "/auth/step-up/approve", &id).0, 403, "no machine");
        assert_eq!(status(3), 429);
        assert_eq!(archive.json(&colleague, "/auth/step-up").unwrap()[0]["reason"], "two clinics at once");
        assert_eq!(post(&archive, &colleague, "/auth/step-up/approve", &id).0, 200);
        assert_eq!((status(3), status(4)), (200, 429), "one more, and not two");

        // DIMSE peers hear the same in their words, and a restart forgets nothing.
        archive.stop().unwrap();
        let archive = Archive::start(&data).unwrap();
        assert_eq!(archive.curl(&ours.clinician, &[], &metadata(4)).unwrap().0, 429);
        archive.stop().unwrap();
        let events = events(&data);
        let of = |action: &str, decision: &str| {
            events.iter().filter(|event| event["action"] == action && event["decision"] == decision).count()
        };
        assert_eq!(of("StepUp", "Permitted"), 2);
        assert!(of("Release", "RefusedBudget") >= 3);
        let is_list = |event: &&Value| event["decision"] == "Permitted" && event["patients"].is_array();
        let listed = events.iter().find(is_list).unwrap();
        assert_eq!(listed["patients"].as_array().unwrap().len(), 6, "one event names everybody in the list");
    }

    #[test]
    fn in_an_emergency_one_record_of_another_hospital_opens_and_somebody_else_reviews_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start(&data).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let theirs = archive.facility("RSUD-B").unwrap();
        send(&archive, &theirs.system, folder.path(), 0..3);
        let person = Person::nth(1);
        let search = format!("/dicom-web/studies?PatientID={}&IssuerOfPatientID=RSUD-B", person.number);
        let purpose = ["-H", "X-Purpose-Of-Use: BTG"];
        let found = |further: &[&str], path: &str| {
            let (status, body) = archive.curl(&ours.clinician, further, path).unwrap();
            (status, serde_json::from_slice::<Value>(&body).ok().and_then(|list| list.as_array().map(Vec::len)))
        };
        assert_eq!(found(&[], &search), (200, Some(0)));
        assert_eq!(found(&purpose, &search), (200, Some(0)), "nothing was declared");
        assert_eq!(found(&purpose, &metadata(1)).0, 404);
        let declared = [&purpose[..], &["-H", "X-Break-Glass-Reason: unconscious, brought by police"]].concat();
        assert_eq!(found(&declared[2..], &search).0, 400, "an emergency has its own purpose");
        assert_eq!(found(&declared, "/dicom-web/studies?PatientName=S*").0, 400, "and names one patient");
        assert_eq!(found(&declared, &search), (200, Some(1)));
        assert_eq!(found(&purpose, "/dicom-web/studies"), (200, Some(1)), "who finds nobody else");
        assert_eq!(found(&purpose, &metadata(1)), (200, Some(1)));
        assert_eq!(found(&purpose, &metadata(2)).0, 404, "and opens nobody else");
        assert_eq!(found(&[], &metadata(1)).0, 404, "only as an emergency");

        // By the page's route as well; a number of nobody is told as any other that is not there.
        let declare = |number: &str| {
            let body = json!({"number": number, "facility": "RSUD-B", "reason": "unconscious"});
            post(&archive, &ours.clinician, "/auth/break-glass", &body)
        };
        assert!(declare(&Person::nth(2).number).1["until"].is_string());
        assert_eq!(declare("nobody").0, 404);
        assert_eq!(found(&purpose, "/dicom-web/studies"), (200, Some(2)));

        archive
            .admin(&["person", "add", "officer", "--facility", "RSUD-A", "--role", "data-protection-officer"])
            .unwrap();
        let officer = archive.admin(&["token", "--as", "officer", "--purpose", "HOPERAT"]).unwrap();
        assert_eq!(archive.curl(&ours.clinician, &[], "/auth/break-glass/queue").unwrap().0, 403);
        let queue = archive.json(&officer, "/auth/break-glass/queue").unwrap();
        assert_eq!(queue.as_array().unwrap().len(), 3);
        let review = json!({"id": queue[0]["id"], "justified": true, "note": "seen in the ward's book"});
        assert_eq!(post(&archive, &ours.clinician, "/auth/break-glass/review", &review).0, 403);
        let (status, after) = post(&archive, &officer, "/auth/break-glass/review", &review);
        assert_eq!((status, &after[0]["review"]["justified"]), (200, &json!(true)));
        archive.stop().unwrap();
        let events = events(&data);
        let of = |action: &str| events.iter().filter(|event| event["action"] == action).count();
        assert_eq!((of("BreakGlass"), of("Review") >= 1, of("Alarm") >= 1), (3, true, true));
    }
}
