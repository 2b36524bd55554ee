//! What became of a pull.

use super::fetch::Fetched;
use super::listing::{Listed, Study};
use serde_json::json;
use std::collections::HashSet;

/// What became of one study.
#[derive(Default)]
pub struct Pulled {
    /// Instances of it that the archive keeps.
    pub kept: u64,
    /// Instances that came over the line.
    pub fetched: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Instances that the PACS has and the archive does not, by UID.
    pub missing: Vec<String>,
    /// How many more the PACS says it has than it lists.
    pub unlisted: u64,
    /// Those that the archive did not take, and why.
    pub refused: Vec<(String, String)>,
    /// What the PACS said of it.
    pub said: Option<String>,
}

impl Pulled {
    /// Holds what is kept against what the PACS lists and counts.
    pub fn settle(&mut self, study: &Study, listed: &[Listed], kept: &HashSet<String>, fetched: Fetched) {
        self.fetched = fetched.instances;
        self.bytes = fetched.bytes;
        let arrived = if listed.is_empty() { fetched.instances } else { 0 };
        self.kept = listed.iter().filter(|listed| kept.contains(&listed.instance)).count() as u64 + arrived;
        let is_missing =
            |instance: &&String| !kept.contains(*instance) && !fetched.refused.contains_key(instance.as_str());
        self.missing = listed.iter().map(|listed| &listed.instance).filter(is_missing).cloned().collect();
        let told = self.kept + self.missing.len() as u64 + fetched.refused.len() as u64;
        self.unlisted = study.instances.map_or(0, |instances| u64::from(instances).saturating_sub(told));
        self.refused = fetched.refused.into_iter().collect();
        self.said = fetched.said;
    }

    /// Whether everything that the PACS has of the study is kept.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.unlisted == 0 && self.refused.is_empty()
    }
}

/// What became of everything.
#[derive(Default)]
pub struct Report {
    pub studies: u64,
    pub earlier: u64,
    pub instances: u64,
    pub fetched: u64,
    pub bytes: u64,
    pub missing: u64,
    pub refused: u64,
    /// Studies that are not whole, and what is the matter.
    pub partial: Vec<(String, Pulled)>,
    /// Studies that were asked for and are not there.
    pub unknown: Vec<String>,
    /// The PACS answers at most so many studies at a time.
    pub limit: Option<usize>,
    /// Where it may have more than could be asked for.
    pub unsure: Vec<String>,
}

impl Report {
    /// Adds a study.
    pub fn add(&mut self, study: &Study, pulled: Pulled) {
        self.studies += 1;
        self.instances += pulled.kept;
        self.fetched += pulled.fetched;
        self.bytes += pulled.bytes;
        self.missing += pulled.missing.len() as u64 + pulled.unlisted;
        self.refused += pulled.refused.len() as u64;
        if !pulled.is_whole() {
            self.partial.push((study.study.clone(), pulled));
        }
    }

    /// Whether nothing is left to look at.
    pub fn is_whole(&self) -> bool {
        self.partial.is_empty() && self.unknown.is_empty() && self.unsure.is_empty()
    }

    /// Prints it.
    pub fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
            return;
        }
        for (study, pulled) in &self.partial {
            for instance in &pulled.missing {
                println!("missing {instance} of study {study}");
            }
            if pulled.unlisted > 0 {
                println!(
                    "missing {} instances of study {study}, which the PACS counts and does not list",
                    pulled.unlisted
                );
            }
            for (instance, why) in &pulled.refused {
                println!("refused {instance} of study {study}: {why}");
            }
            if let Some(said) = &pulled.said {
                println!("study {study}: {said}");
            }
        }
        for study in &self.unknown {
            println!("the PACS has no study {study}");
        }
        if let Some(limit) = self.limit {
            println!("the PACS answers at most {limit} studies at a time; it was asked in parts");
        }
        for range in &self.unsure {
            println!("the PACS may have more studies than it tells: {range}");
        }
        if self.earlier > 0 {
            println!("{} studies were finished by an earlier pull (--again pulls them anyway)", self.earlier);
        }
        println!(
            "pulled studies {}, instances {}, missing {}, refused {}",
            self.studies, self.instances, self.missing, self.refused
        );
    }

    fn json(&self) -> serde_json::Value {
        let partial = self.partial.iter().map(|(study, pulled)| {
            let refused = pulled.refused.iter().map(|(uid, why)| json!({"instance": uid, "reason": why}));
            json!({"study": study, "missing": pulled.missing, "missing_unlisted": pulled.unlisted,
                   "refused": refused.collect::<Vec<_>>(), "said": pulled.said})
        });
        json!({"studies": self.studies, "earlier": self.earlier, "instances": self.instances, "fetched": self.fetched,
               "bytes": self.bytes, "missing": self.missing, "refused": self.refused,
               "partial": partial.collect::<Vec<_>>(), "unknown": self.unknown, "limit": self.limit,
               "unsure": self.unsure})
    }
}
