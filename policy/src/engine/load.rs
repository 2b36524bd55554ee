//! From texts to an engine, or to a sentence that tells what is wrong with them.

use super::Engine;
use super::entities::Names;
use crate::decision::Reason;
use crate::error::{Error, Result};
use crate::shipped::SCHEMA;
use aws_lc_rs::digest::{Context, SHA256};
use cedar_policy::{Authorizer, Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use record::limits::{POLICIES_MAX, POLICY_FILES_MAX, POLICY_NAME_BYTES_MAX, POLICY_TEXT_BYTES_MAX};
use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::Mutex;

pub(super) fn load<N: AsRef<str>, T: AsRef<str>>(texts: &[(N, T)]) -> Result<Engine> {
    let mut texts: Vec<(String, String)> =
        texts.iter().map(|(name, text)| (name.as_ref().to_owned(), text.as_ref().to_owned())).collect();
    texts.sort();
    check(&texts)?;
    let (schema, mut warnings) =
        Schema::from_cedarschema_str(SCHEMA).map_err(|error| Error::new(format!("the schema: {error}")))?;
    if let Some(warning) = warnings.next() {
        return Err(Error::new(format!("the schema: {warning}")));
    }
    drop(warnings);
    let mut loaded = Loaded::default();
    for (name, text) in &texts {
        loaded.file(name, text)?;
    }
    let Loaded { policies, permits, reasons } = loaded;
    validate(&schema, &policies)?;
    Ok(Engine {
        authorizer: Authorizer::new(),
        names: Names::new()?,
        digest: digest(&texts),
        decided: Mutex::default(),
        schema,
        policies,
        permits,
        reasons,
        texts,
    })
}

fn check(texts: &[(String, String)]) -> Result<()> {
    if texts.is_empty() || texts.len() > POLICY_FILES_MAX {
        return Err(Error::new(format!("a set of policies has 1 to {POLICY_FILES_MAX} files")));
    }
    if texts.iter().map(|(_, text)| text.len()).sum::<usize>() > POLICY_TEXT_BYTES_MAX {
        return Err(Error::new(format!("a set of policies has at most {POLICY_TEXT_BYTES_MAX} bytes")));
    }
    for (name, _) in texts {
        let word = name.strip_suffix(".cedar").unwrap_or_default();
        let fits = (1..=POLICY_NAME_BYTES_MAX).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            return Err(Error::new("a file of policies is named word.cedar"));
        }
    }
    let mut names = texts.iter().map(|(name, _)| name);
    let mut next = names.clone().skip(1);
    if names.by_ref().any(|name| next.next() == Some(name)) {
        return Err(Error::new("two files of policies have one name"));
    }
    Ok(())
}

#[derive(Default)]
struct Loaded {
    policies: PolicySet,
    permits: PolicySet,
    reasons: HashMap<PolicyId, Reason>,
}

impl Loaded {
    fn file(&mut self, name: &str, text: &str) -> Result<()> {
        let set = PolicySet::from_str(text).map_err(|error| Error::new(format!("{name}: {error}")))?;
        if set.templates().next().is_some() {
            return Err(Error::new(format!("{name}: templates are not used here")));
        }
        for policy in set.policies() {
            self.policy(name, policy)?;
        }
        Ok(())
    }

    fn policy(&mut self, name: &str, policy: &Policy) -> Result<()> {
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Error::new(format!("{name}: a rule has no @id")))?;
        if self.reasons.len() >= POLICIES_MAX {
            return Err(Error::new(format!("a set of policies has at most {POLICIES_MAX} rules")));
        }
        let reason = match (policy.effect(), policy.annotation("reason")) {
            (Effect::Permit, None) => Reason::Policy,
            (Effect::Permit, Some(_)) => return Err(Error::new(format!("{name}: {id} permits and needs no @reason"))),
            (Effect::Forbid, reason) => reason
                .and_then(Reason::named)
                .ok_or_else(|| Error::new(format!("{name}: {id} forbids without a @reason that is one")))?,
        };
        let policy_id = PolicyId::new(id);
        let policy = policy.new_id(policy_id.clone());
        let twice = |_| Error::new(format!("{name}: two rules are named {id}"));
        if policy.effect() == Effect::Permit {
            self.permits.add(policy.clone()).map_err(twice)?;
        }
        self.policies.add(policy).map_err(twice)?;
        self.reasons.insert(policy_id, reason);
        Ok(())
    }
}

/// Strictly, and without a warning: a rule that can never apply is a mistake of whoever wrote it.
fn validate(schema: &Schema, policies: &PolicySet) -> Result<()> {
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    let errors = result.validation_errors().map(ToString::to_string);
    let mut problems = errors.chain(result.validation_warnings().map(ToString::to_string));
    problems.next().map_or(Ok(()), |problem| Err(Error::new(problem)))
}

fn digest(texts: &[(String, String)]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    // Lengths stand before what they count, so that no two sets have one digest by moving a boundary.
    let schema = std::iter::once(SCHEMA);
    for text in schema.chain(texts.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()])) {
        hash.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}
