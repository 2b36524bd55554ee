//! The bytes of the messages about the ledger are the format: `golden/ledger.txt` has a line for each variant.

#[cfg(test)]
mod golden {
    use record::Purpose;
    use seal::frame;
    use seal::message::ledger_proof::{LedgerAsk, LedgerProof, LedgerStanding, LedgerTold, WitnessStanding};
    use seal::message::{AdminAnswer, AdminRequest, Answer, Asker, Proof, Request};
    use std::fmt::Write as _;

    fn line<T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + PartialEq + std::fmt::Debug>(
        text: &mut String,
        name: &str,
        message: &T,
    ) {
        let framed = frame::encode(message).unwrap();
        assert_eq!(frame::decode::<T>(&framed[4..]).unwrap(), *message);
        writeln!(text, "{name} {}", hex::encode(&framed[4..])).unwrap();
    }

    #[test]
    fn every_message_about_the_ledger() {
        let asker = Asker { proof: Proof::Bearer("token".into()), purpose: Purpose::Treat, channel: "page".into() };
        let proof = LedgerProof { position: 7, extra: vec![1, 2, 3], proof: "c2sp.org/tlog-proof@v1\n".into() };
        let witness = |trouble: Option<&str>| WitnessStanding {
            name: "witness.example/1".into(),
            cosigned: trouble.is_none().then_some(8),
            trouble: trouble.map(str::to_owned),
        };
        let standing = LedgerStanding {
            size: 9,
            needed: 2,
            cosigned: Some(8),
            is_late: false,
            witnesses: vec![witness(None), witness(Some("away"))],
        };
        let mut text = String::new();
        line(&mut text, "LedgerProof", &Request::LedgerProof { asker, position: 7 });
        line(&mut text, "LedgerProof", &Answer::LedgerProof(proof.clone()));
        line(&mut text, "LedgerAsk/Proof", &AdminRequest::LedgerAsk(LedgerAsk::Proof(7)));
        line(&mut text, "LedgerAsk/Standing", &AdminRequest::LedgerAsk(LedgerAsk::Standing));
        line(&mut text, "LedgerTold/Proof", &AdminAnswer::LedgerTold(LedgerTold::Proof(proof)));
        line(&mut text, "LedgerTold/Standing", &AdminAnswer::LedgerTold(LedgerTold::Standing(standing)));
        assert_eq!(text, include_str!("golden/ledger.txt"), "{text}");
    }
}
