//! Signing in by a device's key and by what others vouch for; what lapses, what the settings say, and a kill.

use super::*;

#[test]
fn a_device_signs_in_by_its_own_key() {
    let Told { world, item, .. } = told();
    let (mut node, mut admin) = (world.node(), world.admin());
    let (device, thief) = (Holder::new(), Holder::new());
    let begin = |holder: &Holder| SignIn::DeviceBegin { thumbprint: holder.0.thumbprint() };
    let code = invite(&mut admin, SARI, Some(device.0.thumbprint()));
    // The code was made for one key: whoever reads it over a shoulder, or is the node, has no use for it.
    let given = nonce(&mut node, begin(&thief));
    let enrol = |holder: &Holder, nonce: &str| SignIn::EnrolDevice {
        invitation: code.clone(),
        proof: holder.proof_of(None, Some(nonce)),
        purpose: Purpose::Treat,
    };
    refused(&mut node, enrol(&thief, &given));
    logged(&world, Decision::RefusedProof, "no such invitation");
    refused(&mut node, enrol(&device, &given));
    logged(&world, Decision::RefusedProof, "challenge not given out");
    let given = nonce(&mut node, begin(&device));
    let first = token(&mut node, enrol(&device, &given));
    assert!(opens(&mut node, &device.asker(&first.token), &item));
    let sign_in = |holder: &Holder, nonce: &str| SignIn::Device {
        proof: holder.proof_of(None, Some(nonce)),
        purpose: Purpose::Treat,
    };
    refused(&mut node, sign_in(&device, &given));
    let given = nonce(&mut node, begin(&device));
    let second = token(&mut node, sign_in(&device, &given));
    assert!(opens(&mut node, &device.asker(&second.token), &item));
    let given = nonce(&mut node, begin(&thief));
    refused(&mut node, sign_in(&thief, &given));
    logged(&world, Decision::RefusedProof, "key not registered");
    // Lost: its key goes, and its sessions with it.
    let id = encode(device.0.thumbprint());
    change(&mut admin, Staff::RemoveKey { name: SARI.into(), key: id });
    assert!(!opens(&mut node, &device.asker(&second.token), &item));
    let given = nonce(&mut node, begin(&device));
    refused(&mut node, sign_in(&device, &given));
}

#[test]
fn what_lapses_stops_opening_and_leavers_are_cut_off() {
    let Told { world, holder, authenticator, signed_in, item } = told();
    let (mut node, mut admin) = (world.node(), world.admin());
    let (now, hour) = (record::time::now(), 3_600_000_000);
    let asker = || holder.asker(&signed_in.token);
    let sign_in = |node: &mut Client| {
        let begin = SignIn::Begin { name: None, thumbprint: holder.0.thumbprint() };
        let given = challenge(node, begin);
        SignIn::Finish { assertion: authenticator.answer(&given), proof: holder.proof(), purpose: Purpose::Treat }
    };
    for (terms, expected) in [
        (Terms { duty_until: Some(now - hour), ..Terms::default() }, false),
        (Terms { duty_from: Some(now + hour), ..Terms::default() }, false),
        (Terms { training_until: Some(now - hour), ..Terms::default() }, false),
        (
            Terms {
                duty_from: Some(now - hour),
                duty_until: Some(now + hour),
                training_until: Some(now + hour),
                purposes: None,
            },
            true,
        ),
        (Terms::default(), true),
    ] {
        change(&mut admin, Staff::Terms { name: SARI.into(), terms: terms.clone() });
        assert_eq!(opens(&mut node, &asker(), &item), expected, "{terms:?}");
        let attempt = sign_in(&mut node);
        if expected {
            let signed_in = token(&mut node, attempt);
            let ends = signed_in.session_ends.unwrap();
            assert!(terms.duty_until.is_none_or(|until| ends <= until), "a session ends with the duty");
        } else {
            assert_eq!(last(&world).decision, Decision::RefusedLapsed);
            assert_eq!(node.failure(Request::Tokens { asker: asker(), terms: Vec::new() }), Outcome::Refused);
            let admit = Request::Admit { asker: asker(), items: vec![crate::support::item(vec![local("9")])] };
            assert_eq!(node.failure(admit), Outcome::Refused);
            refused(&mut node, attempt);
            assert_eq!(last(&world).decision, Decision::RefusedLapsed);
        }
    }
    change(&mut admin, Staff::SignOut { name: SARI.into() });
    assert!(!opens(&mut node, &asker(), &item));
    assert_eq!(staff(&mut admin, SARI).sessions, 0);
    let attempt = sign_in(&mut node);
    let again = token(&mut node, attempt);
    assert!(opens(&mut node, &holder.asker(&again.token), &item));
    assert_eq!(admin.admin(AdminRequest::Remove { name: SARI.into() }), AdminAnswer::Done);
    assert!(!opens(&mut node, &holder.asker(&again.token), &item));
    let attempt = sign_in(&mut node);
    refused(&mut node, attempt);
    // Whoever comes back under the name is somebody else, without keys.
    add(&mut admin, SARI, Role::Clinician);
    assert!(!opens(&mut node, &holder.asker(&again.token), &item));
    assert!(staff(&mut admin, SARI).keys.is_empty());
}

#[test]
fn a_system_signs_in_by_assertion() {
    let Told { world, item, .. } = told();
    let (mut node, mut admin) = (world.node(), world.admin());
    add(&mut admin, "router", Role::System);
    let audience = "http://localhost:8080/oauth/token";
    let (es384, rs384, stranger) = (Signer::es384(), Signer::rsa("RS384"), Signer::es384());
    let mut named = es384.jwk();
    named["kid"] = json!("one");
    let jwks = json!({"keys": [named, rs384.jwk()]}).to_string();
    change(&mut admin, Staff::Keys { name: "router".into(), jwks });
    let claims =
        |jti: &str| json!({"iss": "router", "sub": "router", "aud": audience, "exp": seconds() + 290, "jti": jti});
    let client = |assertion: String, holder: Option<&Holder>| SignIn::Client {
        assertion,
        audience: audience.into(),
        proof: holder.map(Holder::proof),
        purpose: Purpose::Treat,
        scope: Some("system/*.rs".into()),
    };
    let header = || json!({"typ": "JWT", "kid": "one"});
    let plain = token(&mut node, client(es384.sign(header(), &claims("1")), None));
    assert!(!plain.is_bound && plain.session_ends.is_none() && plain.scope.as_deref() == Some("system/*.rs"));
    assert!(plain.expires - record::time::now() <= 300_000_000);
    assert!(opens(&mut node, &bearer(&plain.token), &item));
    // It asked to read.
    let admit = Request::Admit { asker: bearer(&plain.token), items: vec![crate::support::item(vec![local("9")])] };
    assert_eq!(node.failure(admit), Outcome::Refused);
    logged(&world, Decision::RefusedPolicy, "scope");
    let holder = Holder::new();
    let bound = token(&mut node, client(rs384.sign(json!({"typ": "JWT"}), &claims("2")), Some(&holder)));
    assert!(bound.is_bound && opens(&mut node, &holder.asker(&bound.token), &item));
    assert!(!opens(&mut node, &bearer(&bound.token), &item));
    let with = |field: &str, value: Value| {
        let mut claims = claims(&format!("with {field}"));
        claims[field] = value;
        es384.sign(header(), &claims)
    };
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(claims("3").to_string()));
    for (name, assertion) in [
        ("shown twice", es384.sign(header(), &claims("1"))),
        ("a stranger's", stranger.sign(header(), &claims("4"))),
        ("unsigned", unsigned),
        ("for another audience", with("aud", json!("https://elsewhere.example/token"))),
        ("over", with("exp", json!(seconds() - 1))),
        ("for a day", with("exp", json!(seconds() + 86_400))),
        ("dated ahead", with("iat", json!(seconds() + 600))),
        ("about another", with("sub", json!("another"))),
        ("of a person", with("iss", json!(SARI))),
        ("of nobody", with("iss", json!("nobody"))),
        ("without number", with("jti", json!(""))),
        ("by another key's name", es384.sign(json!({"kid": "two"}), &claims("5"))),
    ] {
        // The set's second key has no name, so every name may mean it; the signature then does not hold.
        refused(&mut node, client(assertion, None));
        assert_eq!(last(&world).decision, Decision::RefusedProof, "{name}");
    }
    // A key that is taken away ends what was given for it.
    change(&mut admin, Staff::Keys { name: "router".into(), jwks: json!({"keys": [rs384.jwk()]}).to_string() });
    assert!(!opens(&mut node, &bearer(&plain.token), &item));
    logged(&world, Decision::RefusedProof, "session ended");
    assert!(opens(&mut node, &holder.asker(&bound.token), &item));
    // People sign in by what they hold themselves.
    let keys = Staff::Keys { name: SARI.into(), jwks: json!({"keys": [es384.jwk()]}).to_string() };
    assert!(
        matches!(admin.admin(AdminRequest::Staff(keys)), AdminAnswer::Failed(failure) if failure.outcome == Outcome::Invalid)
    );
}

#[test]
fn an_outside_issuer_vouches_for_one_key() {
    let (folder, signer) = (tempfile::tempdir().unwrap(), Signer::rsa("RS256"));
    let jwks = folder.path().join("jwks.json");
    std::fs::write(&jwks, json!({"keys": [signer.jwk()]}).to_string()).unwrap();
    let text = "[[identity.issuers]]\nname = \"rs\"\nissuer = \"https://id.example\"\nclient_id = \"segel\"\njwks = \"jwks.json\"\n";
    let mut world = World::empty(keyservice::Config::parse(text, folder.path()).unwrap());
    world.start().unwrap();
    world.set_up();
    let Told { world, item, .. } = told_in(world);
    let mut node = world.node();
    let (holder, thief) = (Holder::new(), Holder::new());
    let begin = |holder: &Holder| SignIn::OidcBegin { issuer: "rs".into(), thumbprint: holder.0.thumbprint() };
    let claims = |nonce: &str| {
        json!({"iss": "https://id.example", "aud": "segel", "sub": "1", "exp": seconds() + 60, "iat": seconds(),
               "nonce": nonce, "preferred_username": SARI})
    };
    let show = |id_token: String, holder: &Holder| SignIn::Oidc {
        issuer: "rs".into(),
        id_token,
        proof: holder.proof(),
        purpose: Purpose::Treat,
    };
    let given = nonce(&mut node, begin(&holder));
    let id_token = signer.sign(json!({}), &claims(&given));
    refused(&mut node, show(id_token.clone(), &thief));
    let signed_in = token(&mut node, show(id_token.clone(), &holder));
    assert!(signed_in.is_bound && opens(&mut node, &holder.asker(&signed_in.token), &item));
    refused(&mut node, show(id_token, &holder));
    logged(&world, Decision::RefusedProof, "used before");
    let mut with = |field: &str, value: Value| {
        let mut claims = claims(&nonce(&mut node, begin(&holder)));
        claims[field] = value;
        claims
    };
    let cases = [
        ("another issuer", with("iss", json!("https://other.example")), Decision::RefusedProof),
        ("another client", with("aud", json!("other")), Decision::RefusedProof),
        ("two clients", with("aud", json!(["segel", "other"])), Decision::RefusedProof),
        ("over", with("exp", json!(seconds() - 120)), Decision::RefusedProof),
        ("old", with("iat", json!(seconds() - 3_600)), Decision::RefusedProof),
        ("ahead", with("iat", json!(seconds() + 3_600)), Decision::RefusedProof),
        ("no nonce", with("nonce", Value::Null), Decision::RefusedProof),
        ("an invented nonce", with("nonce", json!(encode([7; 56]))), Decision::RefusedProof),
        ("no name", with("preferred_username", Value::Null), Decision::RefusedProof),
        ("nobody's name", with("preferred_username", json!("nobody")), Decision::RefusedUnknown),
    ];
    for (name, claims, decision) in cases {
        refused(&mut node, show(signer.sign(json!({}), &claims), &holder));
        assert_eq!(last(&world).decision, decision, "{name}");
    }
    let given = nonce(&mut node, begin(&holder));
    refused(&mut node, show(Signer::rsa("RS256").sign(json!({}), &claims(&given)), &holder));
    // The issuer's next key counts as soon as it is in the file.
    let next = Signer::es256();
    std::fs::write(&jwks, json!({"keys": [next.jwk()]}).to_string()).unwrap();
    token(&mut node, show(next.sign(json!({}), &claims(&given)), &holder));
}

#[test]
fn whose_tokens_may_be_unbound_is_a_setting() {
    for (setting, clinician, system) in [("everyone", true, true), ("systems", false, true), ("nobody", false, false)] {
        let text = format!("[identity]\nunbound_tokens = \"{setting}\"\n");
        let mut world = World::empty(keyservice::Config::parse(&text, std::path::Path::new(".")).unwrap());
        world.start().unwrap();
        world.set_up();
        for (name, role, expected) in [("dr. Adi", Role::Clinician, clinician), ("router", Role::System, system)] {
            let token = world.person(name, "A", role, Purpose::Treat);
            let answer = world.node().call(Request::Authenticate(bearer(&token)));
            assert_eq!(matches!(answer, Answer::Who(_)), expected, "{setting} {name}");
            if !expected {
                logged(&world, Decision::RefusedProof, "token bound to no key");
            }
        }
    }
}

#[test]
fn a_proof_for_another_origin_is_refused() {
    let text = "[identity]\norigins = [\"http://localhost:8080\"]\n";
    let mut world = World::empty(keyservice::Config::parse(text, std::path::Path::new(".")).unwrap());
    world.start().unwrap();
    world.set_up();
    let Told { world, holder, signed_in, item, .. } = told_in(world);
    let mut node = world.node();
    assert!(opens(&mut node, &holder.asker(&signed_in.token), &item));
    let uri = "http://elsewhere.example/dicom-web/studies";
    let proof = holder.sign(&Holder::claims("GET", uri, Some(&signed_in.token)));
    let proof = Proof::Bound { token: signed_in.token.clone(), proof, method: "GET".into(), uri: uri.into() };
    assert!(!opens(&mut node, &Asker { proof, ..bearer("") }, &item));
    logged(&world, Decision::RefusedProof, "proof for another archive");
}

/// Killed at any moment of an enrolment: either the key is there and the invitation is used, or neither.
#[test]
fn a_kill_leaves_no_half_enrolled_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &[]);
    process.set_up();
    add(&mut process.admin(), SARI, Role::Clinician);
    let (mut enrolled, mut not) = (0_usize, 0_usize);
    for round in 0..8_u64 {
        let code = invite(&mut process.admin(), SARI, None);
        let (holder, mut authenticator) = (Holder::new(), Authenticator::new());
        let mut node = process.node();
        let asked = enrolment(&mut node, &code, &holder, &mut authenticator);
        let before = staff(&mut process.admin(), SARI).keys.len();
        node.send(Request::SignIn(asked)).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(round * 1_500));
        process.kill();
        process = Process::start(folder.path(), &[]);
        let now = staff(&mut process.admin(), SARI);
        let begin = SignIn::BeginEnrol { invitation: code, thumbprint: holder.0.thumbprint() };
        let is_unused = matches!(process.node().call(Request::SignIn(begin)), Answer::SignIn(_));
        assert_eq!(now.keys.len(), before + usize::from(!is_unused), "round {round}");
        let events = process.events();
        let entries = events.iter().filter(|e| e.detail.as_ref().is_some_and(|d| d.contains("enrolled"))).count();
        assert_eq!(entries, now.keys.len(), "every key has its entry");
        if is_unused { not += 1 } else { enrolled += 1 }
    }
    assert_eq!(enrolled + not, 8);
}
