//! The bytes of the messages about relations and labels are the format: `golden/relations.txt` has a line for each variant.

use crate::line;
use record::{FacilityCode, Label, ObjectId, Pseudonym, Purpose};
use seal::message::relate::{LabelRequest, Noted, RelateRequest, RelationChange, Says};
use seal::message::{Answer, Asker, Call, Part, Proof, Reply, Request};

fn requests() -> Vec<Request> {
    let asker = || Asker { proof: Proof::Bearer("eyJ0".into()), purpose: Purpose::BreakGlass, channel: "fhir".into() };
    let (patient, to) = (Pseudonym([3; 16]), FacilityCode::new("RSB").unwrap());
    let relate = |change| Request::Relate(RelateRequest { asker: asker(), patient, change });
    let labels: Vec<Label> = Label::all().iter().map(|(label, _)| *label).collect();
    let object = ObjectId([1; 16]);
    vec![
        relate(RelationChange::Referral { to: to.clone(), until: 9 }),
        relate(RelationChange::Consent { to: to.clone(), until: 9, scope: Part::Summary }),
        relate(RelationChange::Consent { to: to.clone(), until: 9, scope: Part::Content }),
        relate(RelationChange::End { to }),
        Request::Label(LabelRequest {
            asker: asker(),
            patient,
            object,
            add: labels.clone(),
            remove: Vec::new(),
            like: None,
        }),
        Request::Label(LabelRequest { asker: asker(), patient, object, add: Vec::new(), remove: labels, like: None }),
    ]
}

fn lines() -> String {
    let noted = Noted { entry: 7, linked: vec![Pseudonym([4; 16])], labels: vec![Label::Hiv] };
    let says = Says {
        labels: vec![Label::Restricted],
        relation: Some(RelationChange::Referral { to: FacilityCode::new("RSB").unwrap(), until: 9 }),
    };
    let mut lines: Vec<String> = requests().into_iter().map(|request| line("call", &Call { id: 1, request })).collect();
    lines.push(line("reply", &Reply { id: 1, answer: Answer::Noted(noted) }));
    lines.extend([Says::default(), says].map(|says| line("says", &says)));
    lines.concat()
}

#[test]
fn every_message_has_the_bytes_it_always_had() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/relations.txt");
    if std::env::var_os("SEGEL_GOLDEN").is_some() {
        std::fs::write(path, lines()).unwrap();
    }
    assert_eq!(lines(), std::fs::read_to_string(path).unwrap_or_default());
}
