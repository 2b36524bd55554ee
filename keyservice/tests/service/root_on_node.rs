//! Whoever rules the archive node for a day, against the real key service, by what the node itself could do: every wrapped key and the line to the
//! key service are the thief's, every DICOM peer's name and certificate, every token that passes and every proof that somebody at work shows. The
//! thief has read the settings and the thresholds, opens in no order, and stays below every alarm that can be stayed below.

mod device;
mod sealed;
mod thief;

use crate::support::holder::{Authenticator, Holder, encode};
use crate::support::{asker, bearer, finding, item, peer};
use keyservice::Budgets;
use policy::budget::{Holder as BudgetHolder, Measure, Scope};
use record::{Identifier, Outcome, Purpose, Role};
use seal::message::alarm::Kind;
use seal::message::{Answer, Asker, Part, Proof, Request, SignIn, SignInAnswer};
use sealed::{HOUR, Sealed, Taken};
use serde_json::json;
use std::collections::HashSet;
use std::time::Instant;
use thief::{Random, Thief, patients};

const ROW: &str = "root on the archive node for 24 h";
const LIVE: usize = 8;

/// The least of what live actors may open, a two-thousandth... of all, and 2,000: what the row allows.
fn limit(all: u64, live: usize) -> f64 {
    (live as f64 * f64::from(day(Scope::Actor, all))).min(all as f64 * 0.002).min(2_000.0)
}

/// A day's contents by default.
fn day(scope: Scope, all: u64) -> u32 {
    let holder = BudgetHolder { scope, name: String::new() };
    Budgets::default().limits(&holder, Role::Clinician, Measure::Content).of(all).day
}

#[test]
fn whoever_rules_the_node_and_is_quiet_opens_by_its_own_word_what_its_budget_holds() {
    let all = patients();
    let mut sealed = Sealed::new(all, LIVE, "");
    let tokens = [0, 1].map(|n| sealed.unbound(&format!("script {n}"), Role::Clinician));
    let mut thief = Thief::new(&sealed, 41);
    let cap = day(Scope::Node, all as u64) as usize;
    let mut honest = HashSet::new();
    let (mut clicks, mut refused, mut rang) = (0, 0, None);
    sealed.pass(48 * HOUR);
    for hour in 0..24_usize {
        // Every hour begins with a kill and a new start: windows are waited for, and no restart gives anything back.
        sealed.pass(HOUR);
        for n in 0..if hour < 8 { LIVE } else { 0 } {
            if !sealed.sign_in(n) {
                continue;
            }
            for k in 0..6 {
                // Somebody at work opens a study. The node serves it, and rides on the other proofs that the browser shows for it.
                let own = thief.honest(&sealed);
                let study = format!("1.2.{hour}.{n}.{k}");
                let taken = sealed.take(&sealed.click(n, &study), Part::Content, &own);
                clicks += 1;
                refused += u32::from(taken != Taken::Opened);
                honest.insert(own.pseudonym);
                if k < 3 && thief.got.len() < cap * (hour + 1) / 24 {
                    let ridden = sealed.click(n, &study);
                    thief.take(&mut sealed, &ridden, "A");
                }
            }
        }
        // Peers' names and tokens without a key: by the hour an even share of what the day holds, fewer than any shape needs.
        let own_word: Vec<Asker> = sealed.peers.iter().chain(&tokens).cloned().collect();
        let by_now = cap * (hour + 1) / 24;
        for n in 0.. {
            let asker = &own_word[n % own_word.len()];
            if thief.got.len() >= by_now || n > 200 {
                break;
            }
            thief.take(&mut sealed, asker, thief::facility(asker));
            if rang.is_none() && !sealed.alarms().is_empty() {
                rang = Some((hour + 1, thief.got.len()));
            }
        }
    }
    // In the end without any care: whatever is left in any budget would come now.
    for asker in sealed.peers.clone().iter().chain(&tokens) {
        for _ in 0..5 {
            thief.take(&mut sealed, asker, thief::facility(asker));
        }
    }
    let got = thief.got.difference(&honest).count();
    let floor = if all < 50_000 {
        format!("; 0.2 % of so few are fewer than one small hospital's viewers open in a day: the floor is {cap}")
    } else {
        String::new()
    };
    let note = format!(
        "the node's own budget; {LIVE} at work made {clicks} clicks, {refused} of them refused; first alarm in hour and after patients: {rang:?}; frozen {}{floor}",
        sealed.frozen().len()
    );
    let way = "by the node's own word, quietly: peers' names, seen tokens, proofs ridden";
    finding(ROW, way, got as f64, limit(all as u64, LIVE), "patients", &note);
    let (hours, patients) = rang.unwrap_or((24, got));
    let note = format!(
        "after {patients} patients; whom an alarm stops is stopped by the same commit. Below every threshold nothing but a canary tells such an \
         opening from work, and about one patient in ninety is one"
    );
    finding(ROW, "quietly, evenly over the day: until an alarm rings", hours as f64 * 3_600.0, 60.0, "seconds", &note);
    assert!(got <= cap, "{got} of {cap}");
    assert!(sealed.frozen().len() >= 3 || got == cap, "{got} of {cap}: an attack that leaves something is none");
    // Whoever is at work hardly notices: refused are those who were frozen because the node opened canaries in their names.
    let is_doctor = |name: &String| name.starts_with("dr.");
    let frozen = sealed.frozen().iter().filter(|entry| entry.name.as_ref().is_some_and(is_doctor)).count();
    assert!(frozen > 0 || refused == 0, "{refused} of {clicks}");
}

#[test]
fn whoever_rules_the_node_and_hurries_is_alarmed_and_stopped_in_time() {
    let mut sealed = Sealed::new(2_000, LIVE, "");
    let mut thief = Thief::new(&sealed, 42);
    sealed.pass(48 * HOUR);
    let begun = Instant::now();
    let (mut rang, mut stopped) = (None, begun.elapsed());
    for round in 0.. {
        let mut any = false;
        for n in 0..sealed.peers.len() {
            let asker = sealed.peers[n].clone();
            any |= thief.take(&mut sealed, &asker, thief::facility(&asker));
        }
        if round % 4 == 0 && rang.is_none() && !sealed.alarms().is_empty() {
            rang = Some(begun.elapsed());
        }
        if !any {
            stopped = begun.elapsed();
            break;
        }
    }
    let rang = rang.or_else(|| (!sealed.alarms().is_empty()).then(|| begun.elapsed())).unwrap();
    let note = format!("{} patients by then, and then nothing; {} frozen", thief.got.len(), sealed.frozen().len());
    assert!(finding(ROW, "in a hurry: until an alarm rings", rang.as_secs_f64(), 60.0, "seconds", &note));
    assert!(finding(ROW, "in a hurry: until nothing opens any more", stopped.as_secs_f64(), 300.0, "seconds", &note));
}

#[test]
fn browsers_that_a_changed_page_makes_sign_open_until_canaries_stop_them_and_then_the_node() {
    let all = patients();
    let mut sealed = Sealed::new(all, LIVE, "");
    sealed.unbound("officer", Role::DataProtectionOfficer);
    let mut most = 0;
    let mut all_got = Vec::new();
    for seed in 0..if thief::is_long() { 5 } else { 2 } {
        let mut thief = Thief::new(&sealed, 430 + seed);
        sealed.thaw_all("officer");
        sealed.pass(48 * HOUR);
        for hour in 0..24 {
            sealed.pass(HOUR);
            for n in 0..LIVE {
                if hour >= 12 || !sealed.sign_in(n) {
                    continue;
                }
                for k in 0..18 {
                    // A study that the person never asked for, signed for by the person's browser.
                    let made = sealed.click(n, &format!("9.{seed}.{hour}.{n}.{k}"));
                    if !thief.take(&mut sealed, &made, "A") {
                        break;
                    }
                }
            }
        }
        let frozen: Vec<String> = sealed.frozen().into_iter().map(|entry| entry.actor).collect();
        let is_stopped = frozen.iter().any(|actor| actor.starts_with("node "));
        assert!(is_stopped || frozen.len() < 3, "{frozen:?}");
        if is_stopped {
            // It takes in and gives nothing out, in nobody's name.
            let mine = item(vec![Identifier::Local { issuer: "A".into(), value: format!("new{seed}") }]);
            sealed.node.admit(&peer("CT-A"), vec![mine]);
            let fresh = sealed.patients[0].clone();
            assert_eq!(sealed.take(&peer("CT-A"), Part::Content, &fresh), Taken::Refused);
            assert_eq!(sealed.take(&peer("CT-A"), Part::Summary, &fresh), Taken::Refused);
        }
        most = most.max(thief.got.len());
        all_got.push((thief.got.len(), is_stopped));
    }
    let note = format!(
        "patients and whether the node was stopped, by attack: {all_got:?}. What people at work open passes through the node in any case, so less than \
         an honest day's work cannot be had by who rules it; beyond it canaries stop first the people and then the node. A page of the node signs whatever it likes \
         while somebody has it open: only a viewer that does not come from the node would not"
    );
    finding(
        ROW,
        "browsers made to sign by changed pages, below every threshold",
        most as f64,
        limit(all as u64, LIVE),
        "patients",
        &note,
    );
    assert!(most <= LIVE * day(Scope::Actor, all as u64) as usize);
    // Three canaries in 1,200 openings of a hundredth canaries each: fewer is not to be expected once in ten thousand.
    assert!(all_got.iter().all(|(_, is_stopped)| *is_stopped), "{all_got:?}");
}

#[test]
fn identities_that_the_node_lists_by_its_own_word_are_what_its_budget_holds() {
    let all = patients();
    let mut sealed = Sealed::new(all, 0, "");
    let tokens: Vec<Asker> = (0..6).map(|n| sealed.unbound(&format!("script {n}"), Role::Registrar)).collect();
    sealed.pass(48 * HOUR);
    let holder = BudgetHolder { scope: Scope::Node, name: String::new() };
    let cap = Budgets::default().limits(&holder, Role::System, Measure::Summary).of(all as u64).day;
    let askers: Vec<Asker> = sealed.peers.iter().chain(&tokens).cloned().collect();
    let mut listed = HashSet::new();
    let items: Vec<_> = sealed.patients.clone();
    for hour in 0..24 {
        sealed.pass(HOUR);
        for (n, asker) in askers.iter().enumerate() {
            let facility = thief::facility(asker);
            let theirs: Vec<_> =
                items.iter().filter(|one| one.facility == facility && !listed.contains(&one.pseudonym)).collect();
            for chunk in theirs.chunks(50).take(12 + n % 2 + hour % 2) {
                let asked = chunk.iter().map(|one| one.summary.clone()).collect();
                let taken = sealed.take_all(asker, Part::Summary, asked);
                listed.extend(
                    chunk.iter().zip(taken).filter(|(_, taken)| *taken == Taken::Opened).map(|(one, _)| one.pseudonym),
                );
            }
        }
    }
    let note = format!("identities in lists and no record; {} alarms", sealed.alarms().len());
    finding(ROW, "identities listed by the node's own word", listed.len() as f64, f64::from(cap), "identities", &note);
    assert!(listed.len() <= cap as usize && !listed.is_empty(), "{} of {cap}", listed.len());
}

#[test]
fn nothing_that_the_node_makes_up_is_anybody() {
    let mut sealed = Sealed::new(200, 1, "");
    let script = sealed.unbound("script", Role::Clinician);
    let Proof::Bearer(token) = &script.proof else { panic!("no bearer") };
    let victim = sealed.patients[0].clone();
    let own = sealed.click(0, "1.2.3");
    assert_eq!(sealed.take(&own, Part::Content, &victim), Taken::Opened, "the attack would see an opening");
    let thief = Holder::new();
    let Proof::Bound { token: bound, proof, method, uri } = own.proof.clone() else { panic!("no proof") };
    let with = |token: &str, proof: &str, uri: &str| {
        let proof = Proof::Bound { token: token.into(), proof: proof.into(), method: method.clone(), uri: uri.into() };
        asker(proof, Purpose::Treat)
    };
    let body: Vec<&str> = token.split('.').collect();
    let other_body = encode(json!({"sub": "dr. 0", "exp": 9_999_999_999_i64}).to_string());
    let tried = [
        ("a token with another body", bearer(&[body[0], &other_body, body[body.len() - 1]].join("."))),
        ("a token that the thief signed", bearer(&thief.sign(&json!({"sub": "dr. 0", "exp": 9_999_999_999_i64})))),
        ("a bound token without its proof", bearer(&bound)),
        ("a bound token with the thief's proof", thief.asker(&bound)),
        ("an unbound token with the thief's proof", thief.asker(token)),
        (
            "a proof turned to another study",
            with(&bound, &proof, "http://localhost:8080/dicom-web/studies/9.9/metadata"),
        ),
        ("a proof turned to another host", with(&bound, &proof, &uri.replace("localhost", "elsewhere"))),
        ("a proof over another token", with(token, &proof, &uri)),
        ("a peer that is not registered", peer("NOBODY")),
        (
            "a peer by a certificate that is not registered",
            asker(Proof::Peer { ae_title: "PACS-A1".into(), certificate: Some([7; 32]) }, Purpose::Treat),
        ),
        (
            "the archive itself, planting",
            asker(Proof::Planting { number: 1, sender: "peer-1".into() }, Purpose::SystemAdministration),
        ),
        ("an emergency that nobody declared", Asker { purpose: Purpose::BreakGlass, ..script.clone() }),
        ("administration by a reader's token", Asker { purpose: Purpose::SystemAdministration, ..script.clone() }),
    ];
    let mut opened: Vec<&str> = Vec::new();
    for (name, asker) in &tried {
        if sealed.take(asker, Part::Content, &victim) == Taken::Opened {
            opened.push(name);
        }
    }
    // The same proof a minute later, and after a clock that went back again.
    for seconds in [61, -61, 86_400, -86_400] {
        sealed.go(seconds);
        if sealed.take(&own, Part::Content, &sealed.patients[1].clone()) == Taken::Opened && seconds > 0 {
            opened.push("a proof whose time is over");
        }
    }
    let begin = SignIn::Begin { name: Some("dr. 0".into()), thumbprint: thief.0.thumbprint() };
    let Answer::SignIn(SignInAnswer::Challenge(challenge)) = sealed.node.call(Request::SignIn(begin)) else {
        panic!("no challenge")
    };
    let answer = Authenticator::new();
    let finish = SignIn::Finish { assertion: answer.answer(&challenge), proof: thief.proof(), purpose: Purpose::Treat };
    assert_eq!(sealed.node.failure(Request::SignIn(finish)), Outcome::Refused);
    let note = format!("{} ways tried, clocks set among them", tried.len() + 5);
    let way = "minted, turned and replayed tokens, proofs and names";
    assert!(finding(ROW, way, opened.len() as f64, 0.0, "openings", &note), "{opened:?}");
}

#[test]
fn a_walk_in_any_order_meets_a_canary_and_is_stopped_by_it() {
    const WALKS: usize = 24;
    let all = patients();
    // Budgets count and refuse nobody here, and nobody stops the node: what is looked at is the canaries.
    let mut sealed = Sealed::new(all, 0, "[budgets]\nmode = \"observe\"\n[alarms]\nnode_canaries = 0\n");
    sealed.pass(48 * HOUR);
    let mut steps = Vec::new();
    for n in 0..WALKS {
        let walker = sealed.unbound(&format!("walker {n}"), Role::Clinician);
        let mut order: Vec<_> = sealed.patients.iter().filter(|one| one.facility == "A").cloned().collect();
        Random(7_000 + n as u64).shuffle(&mut order);
        let mut opened = 0;
        for chunk in order.chunks(10) {
            let taken = sealed.take_all(&walker, Part::Content, chunk.iter().map(|one| one.content.clone()).collect());
            if taken.iter().all(|taken| *taken != Taken::Opened) {
                break;
            }
            opened += taken.len();
        }
        let met = order.iter().position(|one| sealed.canaries.contains(&one.pseudonym)).unwrap() + 1;
        // The request that met it is answered whole, and no other.
        assert_eq!(opened, met.div_ceil(10) * 10, "walk {n}");
        steps.push(met);
    }
    assert_eq!(sealed.frozen().len(), WALKS);
    assert_eq!(sealed.alarms().iter().filter(|alarm| alarm.kind == Kind::Canary).count(), WALKS);
    // The same walk over the same archive, so often that its hundredth part can be counted.
    let mut order: Vec<bool> = sealed
        .patients
        .iter()
        .filter(|one| one.facility == "A")
        .map(|one| sealed.canaries.contains(&one.pseudonym))
        .collect();
    let mut random = Random(99);
    let mut met: Vec<usize> = (0..4_000)
        .map(|_| {
            random.shuffle(&mut order);
            order.iter().position(|is_canary| *is_canary).unwrap() + 1
        })
        .collect();
    met.sort_unstable();
    let within = met.iter().filter(|steps| **steps <= 460).count() as f64 / met.len() as f64;
    steps.sort_unstable();
    let note = format!(
        "{within:.4} of 4,000 walks met one within 460; {WALKS} walks against the service were frozen after {} to {} patients, half of them within {}; {} canaries of {}",
        steps[0],
        steps[WALKS - 1],
        steps[WALKS / 2],
        sealed.canaries.len(),
        sealed.patients.len()
    );
    finding(
        ROW,
        "in any order: 99 of 100 walks meet a canary within",
        met[met.len() * 99 / 100] as f64,
        460.0,
        "patients",
        &note,
    );
    assert!(within >= 0.99, "{within}");
}
