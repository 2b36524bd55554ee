//! `segel admin alarms | incidents | freeze | thaw | canary`: what must not pass unseen, and what people do about it.

use super::facility;
use crate::canary::person;
use crate::commands::Done;
use crate::demo::world::random::Random;
use crate::register::AdminClient;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use record::{FacilityCode, Micros, Outcome};
use seal::message::alarm::{AlarmAnswer, AlarmEntry, AlarmRequest, Fact, IncidentEntry};
use seal::message::canary::{CanaryAnswer, CanaryPlan, CanaryRequest};
use seal::message::{AdminAnswer, AdminRequest};
use serde_json::{Value, json};

/// Times that a number is drawn anew because somebody has it.
const DRAWS_MAX: u32 = 100;

/// What must not pass unseen.
#[derive(Subcommand)]
pub enum Action {
    /// Alarms: shown, taken over, closed.
    Alarms(Alarms),
    /// Incidents: what an actor who was stopped had done before.
    Incidents(Incidents),
    /// Freezes a person, system or peer: everything is refused to it from now on.
    Freeze(Stop),
    /// Lets one go on who was frozen. It takes somebody else.
    Thaw(Stop),
    /// Lists who is frozen.
    Frozen,
    /// Records of nobody, which no honest work opens.
    #[command(subcommand)]
    Canary(Canary),
}

/// Does what was asked.
pub fn act(action: Action, client: &mut AdminClient, as_json: bool) -> Result<Done> {
    match action {
        Action::Alarms(options) => alarms(&options, client, as_json),
        Action::Incidents(options) => incidents(&options, client, as_json),
        Action::Freeze(stop) => {
            tell(client, AlarmRequest::Freeze { name: stop.name, by: stop.by, reason: stop.note }, as_json)
        }
        Action::Thaw(stop) => {
            tell(client, AlarmRequest::Thaw { name: stop.name, by: stop.by, note: stop.note }, as_json)
        }
        Action::Frozen => tell(client, AlarmRequest::Frozen, as_json),
        Action::Canary(action) => canary(action, client, as_json),
    }
}

/// `segel admin alarms`
#[derive(Args)]
pub struct Alarms {
    /// Shows closed ones too.
    #[arg(long)]
    all: bool,
    /// Shows what waits to be delivered, and what was given up.
    #[arg(long, conflicts_with = "all")]
    outbox: bool,
    #[command(subcommand)]
    handle: Option<Handle>,
}

#[derive(Subcommand)]
enum Handle {
    /// Takes an alarm over: it escalates no further.
    Take(Word),
    /// Closes an alarm.
    Close(Word),
}

#[derive(Args)]
struct Word {
    /// The alarm's number.
    alarm: u64,
    /// Who does it, by the name in the register.
    #[arg(long = "as", value_name = "NAME")]
    by: String,
    /// What it is about, or what it was.
    #[arg(long)]
    note: String,
}

/// `segel admin incidents`
#[derive(Args)]
pub struct Incidents {
    /// Shows one incident with everything that its actor did in the window before it.
    incident: Option<u64>,
}

/// `segel admin freeze` and `thaw`
#[derive(Args)]
pub struct Stop {
    /// The person's or system's name, a peer's AE title, or the id that an alarm names.
    name: String,
    /// Who decides it, by the name in the register.
    #[arg(long = "as", value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long)]
    note: String,
}

/// `segel admin canary`
#[derive(Subcommand)]
pub enum Canary {
    /// Has records of people who do not exist planted among a facility's, one for some hundred who do.
    Plant {
        /// Among whose.
        #[arg(long, value_parser = facility)]
        facility: FacilityCode,
        /// How many.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
        /// They go along with exports for this recipient and no other.
        #[arg(long, conflicts_with = "sleeping")]
        recipient: Option<String>,
        /// They are never delivered to anybody.
        #[arg(long)]
        sleeping: bool,
        /// The facility's form of a medical record number: each # becomes a digit.
        #[arg(long, default_value = "########", value_name = "FORM")]
        number_form: String,
        /// At once. Who has the archive's files then sees that they came together.
        #[arg(long)]
        now: bool,
    },
    /// How many there are, planted and waiting. Who they are is told to nobody.
    List,
}

fn alarms(options: &Alarms, client: &mut AdminClient, as_json: bool) -> Result<Done> {
    let request = match &options.handle {
        None if options.outbox => AlarmRequest::Outbox,
        None => AlarmRequest::List { all: options.all },
        Some(Handle::Take(word)) => {
            AlarmRequest::Take { alarm: word.alarm, by: word.by.clone(), note: word.note.clone() }
        }
        Some(Handle::Close(word)) => {
            AlarmRequest::Close { alarm: word.alarm, by: word.by.clone(), note: word.note.clone() }
        }
    };
    tell(client, request, as_json)
}

fn incidents(options: &Incidents, client: &mut AdminClient, as_json: bool) -> Result<Done> {
    let request = options.incident.map_or(AlarmRequest::Incidents, |incident| AlarmRequest::Facts { incident });
    tell(client, request, as_json)
}

fn canary(action: Canary, client: &mut AdminClient, as_json: bool) -> Result<Done> {
    let answer = match action {
        Canary::List => client.must(AdminRequest::Canary(CanaryRequest::Count))?,
        Canary::Plant { facility, count, recipient, sleeping, number_form, now } => {
            let mut seed = [0; 8];
            aws_lc_rs::rand::fill(&mut seed).ok().context("no randomness to be had")?;
            let mut random = Random::new(u64::from_be_bytes(seed));
            let year = jiff::Timestamp::from_microsecond(record::time::now())?.to_zoned(jiff::tz::TimeZone::UTC).year();
            let mut last = None;
            for _ in 0..count {
                let plan = || CanaryPlan {
                    facility: facility.clone(),
                    recipient: recipient.clone(),
                    is_sleeping: sleeping,
                    identity: person::draw(&mut random, &number_form, year),
                };
                last = Some(plan_one(client, plan, now)?);
            }
            last.context("no canary was asked for")?
        }
    };
    match answer {
        AdminAnswer::Canary(CanaryAnswer::Planned(waiting)) if as_json => println!("{}", json!({"waiting": waiting})),
        AdminAnswer::Canary(CanaryAnswer::Planned(waiting)) => println!("{waiting} wait to be planted"),
        AdminAnswer::Canary(CanaryAnswer::Counts(counts)) => {
            let entries = counts.iter().map(|count| {
                json!({"facility": count.facility.as_str(), "recipient": count.recipient, "sleeping": count.is_sleeping,
                       "waiting": count.waiting, "planted": count.planted})
            });
            table(&["facility", "recipient", "sleeping", "waiting", "planted"], entries.collect(), as_json);
        }
        other => bail!("the key service answered something else: {other:?}"),
    }
    Ok(Done::Wholly)
}

/// One that nobody is: where a number is taken, another is drawn.
fn plan_one(client: &mut AdminClient, mut plan: impl FnMut() -> CanaryPlan, at_once: bool) -> Result<AdminAnswer> {
    for _ in 0..DRAWS_MAX {
        let request = AdminRequest::Canary(CanaryRequest::Plan { plans: vec![plan()], at_once });
        match client.call(request)? {
            AdminAnswer::Failed(failure) if failure.outcome == Outcome::Busy => {}
            AdminAnswer::Failed(failure) => bail!("{failure}"),
            answer => return Ok(answer),
        }
    }
    bail!("every number of this form is taken")
}

fn tell(client: &mut AdminClient, request: AlarmRequest, as_json: bool) -> Result<Done> {
    match client.must(AdminRequest::Alarm(request))? {
        AdminAnswer::Done => println!("done"),
        AdminAnswer::Alarm(answer) => show(answer, as_json),
        other => bail!("the key service answered something else: {other:?}"),
    }
    Ok(Done::Wholly)
}

fn show(answer: AlarmAnswer, as_json: bool) {
    match answer {
        AlarmAnswer::Alarms(alarms) => {
            let columns = [
                "alarm", "severity", "kind", "at", "count", "who", "facility", "text", "state", "for", "due", "by",
                "incident",
            ];
            table(&columns, alarms.iter().map(alarm).collect(), as_json);
        }
        AlarmAnswer::Incidents(incidents) => {
            let columns = ["incident", "at", "kind", "who", "facility", "channel", "device", "frozen", "ledger_entry"];
            table(&columns, incidents.iter().map(incident).collect(), as_json);
        }
        AlarmAnswer::Facts { incident: one, facts, is_cut } => {
            let facts: Vec<Value> = facts.iter().map(fact).collect();
            if as_json {
                println!("{}", json!({"incident": incident(&one), "facts": facts, "is_cut": is_cut}));
            } else {
                println!("incident {} of {}", one.incident, one.name.as_deref().unwrap_or(&one.actor));
                table(&["at", "action", "decision", "patient", "part", "channel", "objects"], facts, false);
                if is_cut {
                    println!("... and more");
                }
            }
        }
        AlarmAnswer::Frozen(frozen) => {
            let entries = frozen.iter().map(|one| {
                json!({"actor": one.actor, "who": one.name.as_ref().unwrap_or(&one.actor), "since": time(one.since),
                       "by": one.by, "reason": one.reason})
            });
            table(&["who", "since", "by", "reason"], entries.collect(), as_json);
        }
        AlarmAnswer::Outbox(deliveries) => {
            let entries = deliveries.iter().map(|one| {
                json!({"delivery": one.id, "alarm": one.alarm, "to": one.to, "attempts": one.attempts,
                       "given_up": one.is_dead, "error": one.error, "next": time(one.next)})
            });
            table(&["delivery", "alarm", "to", "attempts", "given_up", "error", "next"], entries.collect(), as_json);
        }
    }
}

fn alarm(one: &AlarmEntry) -> Value {
    let stage = ["owner", "deputy", "data protection officer"].get(usize::from(one.stage));
    json!({"alarm": one.alarm, "severity": one.severity.name(), "kind": one.kind.name(), "at": time(one.at),
           "last": time(one.last), "count": one.count, "actor": one.actor, "who": one.name.as_ref().or(one.actor.as_ref()),
           "facility": one.facility.as_ref().map(FacilityCode::as_str), "text": one.text,
           "state": format!("{:?}", one.state).to_lowercase(), "for": stage, "due": time(one.due), "by": one.by,
           "note": one.note, "incident": one.incident, "ledger_entry": one.position})
}

fn incident(one: &IncidentEntry) -> Value {
    json!({"incident": one.incident, "at": time(one.at), "alarm": one.alarm, "kind": one.kind.name(), "actor": one.actor,
           "who": one.name.as_ref().unwrap_or(&one.actor), "facility": one.facility.as_ref().map(FacilityCode::as_str),
           "channel": one.channel, "device": one.device, "since": time(one.since), "frozen": one.is_frozen,
           "ledger_entry": one.position})
}

fn fact(one: &Fact) -> Value {
    json!({"at": time(one.at), "action": one.action, "decision": one.decision, "patient": one.patient.map(|p| p.to_hex()),
           "part": one.part, "channel": one.channel, "objects": one.objects, "ledger_entry": one.position})
}

fn time(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

fn table(columns: &[&str], entries: Vec<Value>, as_json: bool) {
    if as_json {
        println!("{}", Value::Array(entries));
        return;
    }
    let mut table = comfy_table::Table::new();
    table.set_header(columns);
    for entry in entries {
        table.add_row(columns.iter().map(|column| match entry.get(*column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }));
    }
    println!("{table}");
}
