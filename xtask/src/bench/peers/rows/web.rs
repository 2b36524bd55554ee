//! DICOMweb requests: the same to every archive, in turns first.

use crate::bench::load::http::{self, Answered, Client, Request};
use crate::bench::peers::Run;
use crate::bench::peers::archives::{Archives, Who};
use crate::bench::peers::report::{Figures, Line, Report, Target};
use anyhow::Result;

/// What of the answers is told.
#[derive(Clone, Copy)]
pub enum Told {
    /// Requests a second.
    Rate,
    /// The median of a request's time.
    Median,
    /// The time that 99 of 100 stay within.
    Worst,
}

impl Told {
    fn unit(self) -> &'static str {
        match self {
            Self::Rate => "a second",
            Self::Median => "ms, p50",
            Self::Worst => "ms, p99",
        }
    }

    fn of(self, answered: &Answered) -> f64 {
        match self {
            Self::Rate => answered.rate(),
            Self::Median => answered.percentile_ms(50),
            Self::Worst => answered.percentile_ms(99),
        }
    }
}

/// Requests to be measured, another list each round.
pub struct Work<'a> {
    /// How the table calls it.
    pub what: String,
    /// Connections at once.
    pub connections: usize,
    /// The requests of a round.
    pub requests: Box<dyn Fn(usize) -> Vec<Request> + 'a>,
    /// The lines that come of it.
    pub lines: Vec<(Told, Target)>,
}

/// Sends every round of every work to every archive.
pub fn measure(run: &Run, report: &mut Report, archives: &Archives, works: &[Work]) -> Result<()> {
    let who: Vec<Who> = archives.who().into_iter().filter(|who| *who != Who::Dcmqrscp).collect();
    let mut answered: Vec<Vec<Vec<Answered>>> =
        works.iter().map(|_| who.iter().map(|_| Vec::new()).collect()).collect();
    for round in 0..usize::try_from(run.rounds)? {
        for (work, answered) in works.iter().zip(&mut answered) {
            let requests = (work.requests)(round);
            for turn in 0..who.len() {
                let at = (turn + round) % who.len();
                if let (Some(who), Some(answered)) = (who.get(at), answered.get_mut(at)) {
                    answered.push(http::drive(archives.reader(*who)?, work.connections, &requests)?);
                }
            }
        }
    }
    for (work, answered) in works.iter().zip(&answered) {
        for (told, target) in &work.lines {
            let figures = who.iter().zip(answered).map(|(who, answered)| Figures {
                of: who.name(),
                peer: *who != Who::Segel,
                rounds: answered.iter().map(|answered| told.of(answered)).collect(),
            });
            let digits = if matches!(told, Told::Rate) { 0 } else { 1 };
            let (what, unit, figures) = (work.what.clone(), told.unit(), figures.collect());
            report.add(Line { what, unit, digits, figures, target: *target });
        }
    }
    Ok(())
}

/// The body that each archive answers, Segel's first: for comparing them before the clock starts.
pub fn bodies(archives: &Archives, request: &Request) -> Result<Vec<(Who, Vec<u8>)>> {
    let asked = archives.who().into_iter().filter(|who| *who != Who::Dcmqrscp);
    let one = |who| {
        let mut client = Client::new(archives.reader(who)?);
        client.must(request)?;
        Ok((who, client.body))
    };
    asked.map(one).collect()
}
