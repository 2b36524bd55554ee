//! What a node that keeps a proof gets by keeping it: a request that sends goes on for as long as its node shows its proof, and opens
//! no content by then.

use super::*;
use keyservice::Config;
use record::limits::{DPOP_REQUEST_SECONDS_MAX, MESSAGE_ITEMS_MAX};
use record::{Field, Label, Term};
use seal::message::break_glass::GlassAsk;
use seal::message::custody::Basis;
use seal::message::relate::{LabelRequest, RelateRequest, RelationChange};
use std::time::{Duration, Instant};

const SENT_TO: &str = "http://localhost:8080/dicom-web/studies";

/// An asker with a fresh proof of this method.
fn asks(holder: &Holder, token: &str, method: &str) -> Asker {
    let proof = holder.sign(&Holder::claims(method, SENT_TO, Some(token)));
    let proof = Proof::Bound { token: token.into(), proof, method: method.into(), uri: SENT_TO.into() };
    Asker { proof, purpose: Purpose::Treat, channel: "dicomweb".into() }
}

fn is_known(node: &mut Client, asker: &Asker) -> bool {
    matches!(node.call(Request::Authenticate(asker.clone())), Answer::Who(_))
}

/// Everything that a request under way may not ask any more.
fn forbidden(asker: &Asker, items: &[ReleaseItem]) -> Vec<Request> {
    let (asker, patient, object) = (asker.clone(), items[0].context.patient, items[0].context.object);
    let end = RelationChange::End { to: FacilityCode::new("A").unwrap() };
    let term = Term { field: Field::Number, text: "1".into() };
    vec![
        Request::Release { asker: asker.clone(), part: Part::Content, items: items[..1].to_vec() },
        Request::Release { asker: asker.clone(), part: Part::Content, items: items[1..2].to_vec() },
        Request::Tokens { asker: asker.clone(), terms: vec![term; PATIENTS_PER_PROOF_MAX + 1] },
        Request::Erase { asker: asker.clone(), patient, reason: "asked".into(), basis: Some(Basis::PatientRequest) },
        Request::Relate(RelateRequest { asker: asker.clone(), patient, change: end }),
        Request::Label(LabelRequest {
            asker: asker.clone(),
            patient,
            object,
            add: vec![Label::Hiv],
            remove: Vec::new(),
            like: None,
        }),
        Request::BreakGlass { asker: asker.clone(), ask: GlassAsk::Open },
        Request::Peer { asker, ae_title: "CT-A".into() },
    ]
}

#[test]
fn a_proof_that_is_kept_opens_no_content_and_lists_fifty_patients_at_most() {
    let Told { world, holder, signed_in, .. } = told();
    let mut node = world.node();
    let many: Vec<AdmitItem> = (0..=PATIENTS_PER_PROOF_MAX).map(|n| item(vec![local(&format!("k{n}"))])).collect();
    let admitted = node.admit(&peer("CT-A"), many.clone());
    let items: Vec<ReleaseItem> = many.iter().zip(&admitted).map(|(item, admitted)| key(item, admitted)).collect();
    let lists: Vec<ReleaseItem> = items
        .iter()
        .zip(&admitted)
        .map(|(item, a)| ReleaseItem { wrapped: a.summary.clone(), ..item.clone() })
        .collect();
    assert!(lists.len() <= MESSAGE_ITEMS_MAX);

    let began = Instant::now();
    let [kept, laid_aside, read] = ["POST", "POST", "GET"].map(|method| asks(&holder, &signed_in.token, method));
    for asker in [&kept, &laid_aside, &read] {
        assert!(opens(&mut node, asker, &items[0]));
    }
    // An honest node says that its requests are under way; this one says so of all.
    let moment = Duration::from_secs(DPOP_REQUEST_SECONDS_MAX.unsigned_abs());
    while began.elapsed() <= moment + Duration::from_secs(2) {
        std::thread::sleep(Duration::from_secs(5));
        let is_early = began.elapsed() < moment;
        assert!(is_known(&mut node, &kept));
        assert!(is_known(&mut node, &read) == is_early || began.elapsed().abs_diff(moment) < Duration::from_secs(1));
    }
    for over in [&read, &laid_aside] {
        assert!(!is_known(&mut node, over));
        assert!(!opens(&mut node, over, &items[0]));
    }

    // What it brings is taken in.
    assert_eq!(node.admit(&kept, vec![item(vec![local("new")])]).len(), 1);
    for request in forbidden(&kept, &items) {
        assert_eq!(node.failure(request.clone()), Outcome::Refused, "{request:?}");
    }
    logged(&world, Decision::RefusedProof, "proof too old");
    // Lists, fifty patients and no more, one of which it opened in its first moment.
    let listed = node.release(&kept, Part::Summary, lists.clone());
    assert_eq!(listed.iter().filter(|key| key.is_some()).count(), PATIENTS_PER_PROOF_MAX);
    let again = node.release(&kept, Part::Summary, lists);
    assert_eq!(again.iter().filter(|key| key.is_some()).count(), PATIENTS_PER_PROOF_MAX);
    // Its session ended, it is over at once.
    change(&mut world.admin(), Staff::SignOut { name: SARI.into() });
    assert!(!is_known(&mut node, &kept));
}

#[test]
fn a_token_that_runs_out_ends_no_request_that_is_under_way_and_begins_none() {
    let mut config = Config::default();
    config.identity.token_seconds = 60;
    let Told { world, holder, signed_in, item: kept, .. } = told_in(World::with(config));
    let mut node = world.node();
    std::thread::sleep(Duration::from_secs(50));
    let asker = asks(&holder, &signed_in.token, "POST");
    assert!(is_known(&mut node, &asker));
    std::thread::sleep(Duration::from_secs(12));
    assert!(is_known(&mut node, &asker));
    assert!(!opens(&mut node, &asker, &kept), "it goes on and opens no content");
    assert_eq!(node.admit(&asker, vec![item(vec![local("new")])]).len(), 1);
    assert!(!is_known(&mut node, &asks(&holder, &signed_in.token, "POST")));
    logged(&world, Decision::RefusedProof, "token outside its time");
}
