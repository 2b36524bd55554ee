//! C-FIND (PS3.7 9.1.2, PS3.4 C.4.1): identifiers in, queries to the archive, identifiers out.

use super::store::Failure;
use crate::dimse::acceptor::negotiate::{Context, Service};
use crate::outcome;
use archive::find::{Agreed, Level, Matching, Query, Row};
use record::Outcome;
use serde_json::{Map, Value, json};
use wire::command::{Command, DATA_SET_FOLLOWS};
use wire::dataset::{DataSet, Element, Outline, Scanner, Tag, VR, tag_key};
use wire::syntax::TransferSyntax;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const QUERY_RETRIEVE_LEVEL: Tag = Tag(0x0008, 0x0052);
const RETRIEVE_AE_TITLE: Tag = Tag(0x0008, 0x0054);
const INSTANCE_AVAILABILITY: Tag = Tag(0x0008, 0x0056);
const TIMEZONE_OFFSET_FROM_UTC: Tag = Tag(0x0008, 0x0201);

/// The levels, their names, and the unique key of each (PS3.4 C.6.1.1, C.6.2.1), from the top.
pub(super) const LEVELS: [(Level, &str, Tag, VR); 4] = [
    (Level::Patient, "PATIENT", Tag(0x0010, 0x0020), VR::LO),
    (Level::Study, "STUDY", Tag(0x0020, 0x000D), VR::UI),
    (Level::Series, "SERIES", Tag(0x0020, 0x000E), VR::UI),
    (Level::Instance, "IMAGE", Tag(0x0008, 0x0018), VR::UI),
];

/// An attribute that each answer has.
struct Asked {
    tag: Tag,
    vr: VR,
    /// What of each item, if the key was a sequence with an item; everything, if there is nothing here.
    inside: Vec<Asked>,
}

/// A C-FIND request, understood.
pub(in crate::dimse) struct Question {
    pub(in crate::dimse) query: Query,
    request: Command,
    level: &'static str,
    /// What goes into each answer: the identifier's keys and the unique keys.
    asked: Vec<Asked>,
    /// Some optional keys cannot be matched, and every answer says so (FF01H).
    unsupported: bool,
    transfer_syntax: TransferSyntax,
}

impl Question {
    /// Reads the identifier and holds it against the information model.
    pub(in crate::dimse) fn parse(
        context: &Context,
        request: Command,
        identifier: &[u8],
        agreed: Agreed,
    ) -> Result<Self, Failure> {
        let transfer_syntax = TransferSyntax::of(&context.transfer_syntax);
        let outline = scan(&transfer_syntax, identifier)?;
        let stated = outline.text(QUERY_RETRIEVE_LEVEL).unwrap_or_default();
        let level = LEVELS.iter().position(|(_, name, ..)| *name == stated.trim());
        let patient_root = context.service == Service::Find { patient_root: true };
        // The study root model begins at the study; the patient's attributes are the study's there.
        let top = usize::from(!patient_root);
        let level = level
            .filter(|level| *level >= top)
            .ok_or_else(|| mismatch("QueryRetrieveLevel is not one of the model"))?;
        let mut question = Self {
            query: Query::at(LEVELS.get(level).map_or(Level::Study, |(level, ..)| *level)),
            request,
            level: LEVELS.get(level).map_or("STUDY", |(_, name, ..)| *name),
            asked: Vec::new(),
            unsupported: false,
            transfer_syntax,
        };
        question.query.fuzzy = agreed.fuzzy_names;
        question.query.combined_date_time = agreed.combined_date_time;
        question.take_keys(&outline, agreed);
        for (above, (_, _, tag, vr)) in LEVELS.iter().enumerate().take(level.saturating_add(1)).skip(top) {
            if above < level && !agreed.relational && !question.is_single(*tag) {
                return Err(mismatch("the unique key of a level above must have one value"));
            }
            if !question.asked.iter().any(|asked| asked.tag == *tag) {
                question.asked.push(Asked { tag: *tag, vr: *vr, inside: Vec::new() });
            }
        }
        question.query.asked = question.asked.iter().map(|asked| number(asked.tag)).collect();
        question.unsupported = !question.query.unsupported().is_empty();
        Ok(question)
    }

    fn take_keys(&mut self, outline: &Outline, agreed: Agreed) {
        for element in outline.root().elements() {
            let tag = element.tag();
            let about_the_query = [SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE];
            if tag.element() == 0 || about_the_query.contains(&tag) {
                continue;
            }
            let (asked, matching) = key(&element, &outline.root(), agreed);
            self.asked.push(asked);
            // Without a negotiated adjustment the timezone is no key: times are compared as they stand.
            let is_matched = ![INSTANCE_AVAILABILITY, TIMEZONE_OFFSET_FROM_UTC].contains(&tag);
            if is_matched && matching != Matching::Universal {
                self.query.keys.push((number(tag), matching));
            }
        }
    }

    fn is_single(&self, tag: Tag) -> bool {
        self.query.keys.iter().any(|(key, matching)| {
            *key == number(tag)
                && match matching {
                    Matching::Single(_) => true,
                    Matching::UidList(uids) => uids.len() == 1,
                    _ => false,
                }
        })
    }

    /// One match: the command and its identifier.
    pub(in crate::dimse) fn pending(&self, row: &Row, ae_title: &str) -> Result<(Command, Vec<u8>), wire::Error> {
        let status = if self.unsupported { outcome::PENDING_KEYS_UNSUPPORTED } else { outcome::PENDING };
        let command = Command { command_data_set_type: DATA_SET_FOLLOWS, ..self.request.response(status) };
        let identifier = wire::dataset::write(&self.identifier(row, ae_title), self.transfer_syntax.encoding())?;
        Ok((command, identifier))
    }

    fn identifier(&self, row: &Row, ae_title: &str) -> Value {
        let mut identifier = Map::new();
        for asked in &self.asked {
            identifier.insert(tag_key(asked.tag), asked.of(&row.attributes));
        }
        identifier.insert(tag_key(QUERY_RETRIEVE_LEVEL), json!({ "vr": "CS", "Value": [self.level] }));
        identifier.insert(tag_key(RETRIEVE_AE_TITLE), json!({ "vr": "AE", "Value": [ae_title] }));
        if identifier.contains_key(&tag_key(INSTANCE_AVAILABILITY)) {
            identifier.insert(tag_key(INSTANCE_AVAILABILITY), json!({ "vr": "CS", "Value": ["ONLINE"] }));
        }
        Value::Object(identifier)
    }

    /// The response that ends the operation.
    pub(in crate::dimse) fn last(&self, status: u16) -> Command {
        self.request.response(status)
    }
}

impl Asked {
    /// The attribute as the row has it, with no more of a sequence's items than was asked for (PS3.4 C.2.2.2.6).
    fn of(&self, held: &Map<String, Value>) -> Value {
        let Some(element) = held.get(&tag_key(self.tag)) else { return json!({ "vr": self.vr.to_string() }) };
        if self.inside.is_empty() {
            return element.clone();
        }
        let items = element.get("Value").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let narrowed = |item: &Map<String, Value>| {
            Value::Object(self.inside.iter().map(|asked| (tag_key(asked.tag), asked.of(item))).collect())
        };
        let items: Vec<Value> = items.iter().filter_map(Value::as_object).map(narrowed).collect();
        json!({ "vr": "SQ", "Value": items })
    }
}

fn number(tag: Tag) -> u32 {
    (u32::from(tag.group()) << 16) | u32::from(tag.element())
}

/// A key: what is asked for, and how it matches. A sequence's key has one item, whose keys must match together.
fn key(element: &Element<'_>, of: &DataSet<'_>, agreed: Agreed) -> (Asked, Matching) {
    let (tag, vr) = (element.tag(), element.vr());
    if vr != VR::SQ {
        let matching = Matching::parse_agreed(vr.to_string(), &element.text().unwrap_or_default(), agreed);
        return (Asked { tag, vr, inside: Vec::new() }, matching);
    }
    let (mut inside, mut keys) = (Vec::new(), Vec::new());
    for item in of.sequence(tag).into_iter().take(1) {
        for element in item.elements().filter(|element| element.tag().element() != 0) {
            let (asked, matching) = key(&element, &item, agreed);
            if matching != Matching::Universal {
                keys.push((number(asked.tag), matching));
            }
            inside.push(asked);
        }
    }
    let matching = if keys.is_empty() { Matching::Universal } else { Matching::Sequence(keys) };
    (Asked { tag, vr, inside }, matching)
}

/// A response that ends an operation which the archive would not do.
pub(in crate::dimse) fn failed(request: &Command, failure: Failure) -> Command {
    Command { error_comment: Some(failure.comment), ..request.response(failure.status) }
}

fn mismatch(comment: &str) -> Failure {
    Failure { status: outcome::MISMATCH, comment: comment.to_owned() }
}

pub(super) fn scan(syntax: &TransferSyntax, identifier: &[u8]) -> Result<Outline, Failure> {
    let total = u64::try_from(identifier.len()).unwrap_or(u64::MAX);
    let mut scanner = Scanner::new(syntax).with_total_bytes(total);
    let read = scanner.feed(identifier).and_then(|()| scanner.finish());
    read.map_err(|error| Failure { status: outcome::words(Outcome::Invalid).c_find, comment: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{FacilityCode, Pseudonym};
    use wire::command::field;
    use wire::dataset::Draft;
    use wire::syntax::{EXPLICIT_LITTLE, Encoding};

    fn ask(patient_root: bool, draft: Draft) -> Result<Question, Failure> {
        ask_agreed(patient_root, draft, Agreed::default())
    }

    fn ask_agreed(patient_root: bool, draft: Draft, agreed: Agreed) -> Result<Question, Failure> {
        let context = Context {
            id: 1,
            abstract_syntax: "1.2".into(),
            transfer_syntax: EXPLICIT_LITTLE.into(),
            service: Service::Find { patient_root },
        };
        let request = Command { command_field: field::C_FIND_RQ, message_id: Some(3), ..Command::default() };
        Question::parse(&context, request, &draft.encode(Encoding::ExplicitLittle).unwrap(), agreed)
    }

    fn level(name: &str) -> Draft {
        Draft::new().text(QUERY_RETRIEVE_LEVEL, VR::CS, name)
    }

    #[test]
    fn keys_become_matchings_of_their_vr() {
        let question = ask(
            false,
            level("STUDY")
                .text(Tag(0x0010, 0x0010), VR::PN, "SITI*")
                .text(Tag(0x0008, 0x0020), VR::DA, "20260101-20260131")
                .text(Tag(0x0020, 0x000D), VR::UI, "1.2\\1.3")
                .text(Tag(0x0008, 0x0050), VR::SH, "A1")
                .text(Tag(0x0008, 0x1030), VR::LO, ""),
        );
        let question = question.map_err(|f| f.comment).unwrap();
        assert_eq!(question.query.level, Level::Study);
        assert_eq!(
            question.query.keys,
            [
                (0x0008_0020, Matching::Range { from: Some("20260101".into()), to: Some("20260131".into()) }),
                (0x0008_0050, Matching::Single("A1".into())),
                (0x0010_0010, Matching::Wildcard("SITI*".into())),
                (0x0020_000D, Matching::UidList(vec!["1.2".into(), "1.3".into()])),
            ]
        );
    }

    #[test]
    fn levels_are_those_of_the_model_and_unique_keys_above_must_be_given() {
        let study = |draft: Draft| draft.text(Tag(0x0020, 0x000D), VR::UI, "1.2");
        let series = |draft: Draft| draft.text(Tag(0x0020, 0x000E), VR::UI, "1.3");
        let patient = |draft: Draft| draft.text(Tag(0x0010, 0x0020), VR::LO, "P1");
        for (patient_root, draft, fits) in [
            (false, level("PATIENT"), false),
            (false, level(""), false),
            (false, Draft::new(), false),
            (false, level("FRAME"), false),
            (false, level("STUDY"), true),
            (false, level("SERIES"), false),
            (false, study(level("SERIES")), true),
            (false, level("SERIES").text(Tag(0x0020, 0x000D), VR::UI, "1.2\\1.3"), false),
            (false, study(level("IMAGE")), false),
            (false, series(study(level("IMAGE"))), true),
            (true, level("PATIENT"), true),
            (true, level("STUDY"), false),
            (true, level("STUDY").text(Tag(0x0010, 0x0020), VR::LO, "P*"), false),
            (true, patient(level("STUDY")), true),
            (true, study(level("SERIES")), false),
            (true, study(patient(level("SERIES"))), true),
            (true, series(study(patient(level("IMAGE")))), true),
        ] {
            let shown = format!("{patient_root} {draft:?}");
            match ask(patient_root, draft) {
                Ok(_) => assert!(fits, "{shown}"),
                Err(failure) => assert!(!fits && failure.status == 0xA900, "{shown}"),
            }
        }
    }

    #[test]
    fn a_sequence_is_matched_and_answered_by_the_keys_of_its_item() {
        let code =
            |value: &str| Draft::new().text(Tag(0x0008, 0x0100), VR::SH, value).text(Tag(0x0008, 0x0104), VR::LO, "");
        let protocol = Draft::new().items(Tag(0x0040, 0x0008), vec![code("P1")]);
        let question = ask(true, level("PATIENT").items(Tag(0x0040, 0x0275), vec![protocol]));
        let question = question.map_err(|f| f.comment).unwrap();
        let inner = Matching::Sequence(vec![(0x0008_0100, Matching::Single("P1".into()))]);
        assert_eq!(question.query.keys, [(0x0040_0275, Matching::Sequence(vec![(0x0040_0008, inner)]))]);
        let held = json!({"00400275": {"vr": "SQ", "Value": [{
            "00400007": {"vr": "LO", "Value": ["not asked"]},
            "00400008": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["P1"]}, "00080102": {"vr": "SH"}}]},
        }]}});
        let asked = question.asked.iter().find(|asked| asked.tag == Tag(0x0040, 0x0275)).unwrap();
        let expected = json!({"vr": "SQ", "Value": [{"00400008": {"vr": "SQ", "Value": [{
            "00080100": {"vr": "SH", "Value": ["P1"]}, "00080104": {"vr": "LO"},
        }]}}]});
        assert_eq!(asked.of(held.as_object().unwrap()), expected);
        assert_eq!(asked.of(&Map::new()), json!({"vr": "SQ"}));
        // A key that no summary holds narrows nothing, and every answer says so.
        let unknown = ask(false, level("STUDY").text(Tag(0x0018, 0x0050), VR::DS, "1"));
        assert!(unknown.map_err(|f| f.comment).unwrap().unsupported && !question.unsupported);
    }

    #[test]
    fn what_was_agreed_widens_what_may_be_asked() {
        let all = Agreed {
            relational: true,
            combined_date_time: true,
            fuzzy_names: true,
            empty_values: true,
            multiple_values: true,
        };
        let draft = level("SERIES")
            .text(Tag(0x0010, 0x0010), VR::PN, "Soeharto")
            .text(Tag(0x0008, 0x1030), VR::LO, "\"\"")
            .text(Tag(0x0008, 0x0061), VR::CS, "CT\\PT");
        assert!(ask(false, draft.clone()).is_err(), "no StudyInstanceUID");
        let query = ask_agreed(false, draft, all).map_err(|f| f.comment).unwrap().query;
        assert!(query.fuzzy && query.combined_date_time);
        let both = Matching::All(vec![Matching::Single("CT".into()), Matching::Single("PT".into())]);
        assert!(query.keys.contains(&(0x0008_0061, both)) && query.keys.contains(&(0x0008_1030, Matching::Empty)));
    }

    #[test]
    fn an_answer_holds_what_was_asked_and_what_names_the_row() {
        let draft = level("STUDY")
            .text(Tag(0x0010, 0x0010), VR::PN, "")
            .text(Tag(0x0008, 0x0056), VR::CS, "")
            .text(Tag(0x0008, 0x1030), VR::LO, "")
            .items(Tag(0x0008, 0x1110), vec![]);
        let question = ask(false, draft).map_err(|f| f.comment).unwrap();
        let attributes = json!({
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "S\u{ed}ti" }] },
            "0020000D": { "vr": "UI", "Value": ["1.2"] },
            "00100020": { "vr": "LO", "Value": ["not asked"] },
        });
        let row = Row {
            attributes: attributes.as_object().unwrap().clone(),
            patient: Pseudonym([0; 16]),
            facility: FacilityCode::new("RS").unwrap(),
        };
        let (command, bytes) = question.pending(&row, "SEGEL").unwrap();
        assert_eq!(
            (command.status, command.message_id_being_responded_to, command.has_data_set()),
            (Some(0xFF00), Some(3), true)
        );
        let read = scan(&TransferSyntax::of(EXPLICIT_LITTLE), &bytes).map_err(|f| f.comment).unwrap();
        let text = |group, element| read.text(Tag(group, element));
        assert_eq!(text(0x0010, 0x0010).as_deref(), Some("S\u{ed}ti"));
        assert_eq!(text(0x0008, 0x0005).as_deref(), Some("ISO_IR 192"));
        assert_eq!(text(0x0008, 0x0052).as_deref(), Some("STUDY"));
        assert_eq!(text(0x0008, 0x0054).as_deref(), Some("SEGEL"));
        assert_eq!(text(0x0008, 0x0056).as_deref(), Some("ONLINE"));
        assert_eq!(text(0x0020, 0x000D).as_deref(), Some("1.2"));
        assert_eq!(text(0x0008, 0x1030).as_deref(), Some(""));
        assert_eq!(text(0x0010, 0x0020), None);
        assert_eq!(question.last(0).status, Some(0));
    }

    #[test]
    fn an_identifier_that_cannot_be_read_is_a_failure_and_no_panic() {
        let context = Context {
            id: 1,
            abstract_syntax: "1.2".into(),
            transfer_syntax: EXPLICIT_LITTLE.into(),
            service: Service::Find { patient_root: false },
        };
        let identifier = b"\x08\x00\x52\x00CS\xff\xffSTUDY";
        let failure = Question::parse(&context, Command::default(), identifier, Agreed::default()).err().unwrap();
        assert_eq!(failure.status, 0xC000);
    }
}
