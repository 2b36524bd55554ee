//! How canaries come among the patients: on the list first, then one after the other between real arrivals.

use super::{Canaries, Canary, Kept};
use crate::alarm::rows::{self, Table};
use crate::audit::{Action, Decision, Event};
use crate::error::{Error, Result};
use crate::identity::{self, Settled};
use crate::request::{Caller, Turn};
use aws_lc_rs::rand;
use record::limits::{CANARIES_MAX, MESSAGE_ITEMS_MAX};
use record::{FacilityCode, Identifier, Micros, Outcome};
use seal::message::AdminAnswer;
use seal::message::AdmitItem;
use seal::message::canary::{CanaryAnswer, CanaryCount, CanaryPlan, CanaryRequest, Identity, Planting};
use std::collections::BTreeMap;

/// How long the archive has to plant one that was given out, before it is given out again.
const GIVEN_MICROS: Micros = 600_000_000;

/// Every number that a canary may be known by.
pub(super) fn identifiers(plan: &CanaryPlan) -> [Identifier; 3] {
    let Identity { number, nik, card, .. } = &plan.identity;
    [
        Identifier::Local { issuer: plan.facility.to_string(), value: number.clone() },
        Identifier::Nik(nik.clone()),
        Identifier::JknCard(card.clone()),
    ]
}

/// Carries out what an administrator asks.
///
/// # Errors
/// Invalid for a facility that is not there, or beyond a limit.
pub fn request(turn: &mut Turn<'_>, request: &CanaryRequest) -> Result<AdminAnswer> {
    Ok(AdminAnswer::Canary(match request {
        CanaryRequest::Plan { plans, at_once } => CanaryAnswer::Planned(plan(turn, plans, *at_once)?),
        CanaryRequest::Count => CanaryAnswer::Counts(counts(&turn.watch.canaries)),
    }))
}

fn plan(turn: &mut Turn<'_>, plans: &[CanaryPlan], at_once: bool) -> Result<u64> {
    if plans.len() > MESSAGE_ITEMS_MAX || turn.watch.canaries.list.len() + plans.len() > CANARIES_MAX {
        return Err(Error::invalid("more canaries than the list holds"));
    }
    let mut known = turn.watch.canaries.tags();
    for plan in plans {
        if !turn.register.facilities.contains_key(&plan.facility) {
            return Err(Error::invalid(format!("there is no facility {}", plan.facility)));
        }
        let tags = identity::tags(turn.keys, &plan.facility, &identifiers(plan))?;
        for tag in tags {
            // Somebody real has the number already: opening that record must not ring.
            if !known.insert(tag) || crate::store::patients::by_identifier(turn.db, &tag)?.is_some() {
                return Err(Error::new(Outcome::Busy, "a number is taken: draw another"));
            }
        }
        let kept = Kept { plan: plan.clone(), at_once };
        let id = rows::insert(turn.db, turn.keys, Table::Canary, &kept)?;
        turn.watch.canaries.add(turn.db, turn.keys, id, kept)?;
    }
    let event =
        Event { actor: Some("administrator".into()), ..Event::new(turn.now, Action::Canary, Decision::Permitted) };
    // The log says that canaries are wanted, long before any is there, and never which patient is one.
    turn.append(&event.detailed(format!("{} to be planted", plans.len())))?;
    let waiting = turn.watch.canaries.list.values().filter(|canary| canary.planted.is_none()).count();
    Ok(u64::try_from(waiting).unwrap_or(u64::MAX))
}

fn counts(canaries: &Canaries) -> Vec<CanaryCount> {
    let mut counts: BTreeMap<(FacilityCode, Option<String>, bool), (u64, u64)> = BTreeMap::new();
    for Canary { plan, planted, .. } in canaries.list.values() {
        let count = counts.entry((plan.facility.clone(), plan.recipient.clone(), plan.is_sleeping)).or_default();
        if planted.is_some() { count.1 += 1 } else { count.0 += 1 }
    }
    let entry = |((facility, recipient, is_sleeping), (waiting, planted))| CanaryCount {
        facility,
        recipient,
        is_sleeping,
        waiting,
        planted,
    };
    counts.into_iter().map(entry).collect()
}

/// The next one to be planted, if one is due. It is given to the archive that asks, and for a while to nobody else.
///
/// # Errors
/// None in practice.
pub fn due(turn: &mut Turn<'_>) -> Result<Option<Planting>> {
    let (canaries, now) = (&mut turn.watch.canaries, turn.now);
    canaries.given.retain(|_, until| now < *until);
    let is_due = |number: &i64, canary: &Canary| {
        let enough = canaries.arrived.get(&canary.plan.facility).is_some_and(|(arrived, between)| arrived >= between);
        canary.planted.is_none() && !canaries.given.contains_key(number) && (canary.at_once || enough)
    };
    let waiting: Vec<i64> =
        canaries.list.iter().filter(|(number, canary)| is_due(number, canary)).map(|(number, _)| *number).collect();
    // Any of them: the order of the list is not the order of arrival.
    let Some(chosen) = waiting.get(below(waiting.len())?).copied() else { return Ok(None) };
    let Some(canary) = canaries.list.get(&chosen) else { return Ok(None) };
    let planting = Planting {
        number: u64::try_from(chosen).unwrap_or_default(),
        facility: canary.plan.facility.clone(),
        identity: canary.plan.identity.clone(),
    };
    canaries.given.insert(chosen, now.saturating_add(GIVEN_MICROS));
    let between = gap(canaries.settings.patients_between)?;
    // Who arrived beyond the gap counts towards the next: in an import thousands arrive between two askings, and canaries would be few.
    let (arrived, before) = canaries.arrived.get(&planting.facility).copied().unwrap_or_default();
    canaries.arrived.insert(planting.facility.clone(), (arrived.saturating_sub(before), between));
    Ok(Some(planting))
}

/// Refuses what is not the planting that was given out: whoever has the archive node must not file anything else by it.
///
/// # Errors
/// Refused, or as the key service's state.
pub fn check(turn: &Turn<'_>, caller: &Caller, items: &[AdmitItem]) -> Result<()> {
    let Some(number) = turn.watch.planting() else { return Ok(()) };
    let canaries = &turn.watch.canaries;
    let canary =
        canaries.list.get(&number).filter(|_| canaries.given.contains_key(&number)).ok_or_else(Error::refused)?;
    if canary.plan.facility != caller.known.actor.facility {
        return Err(Error::refused());
    }
    for item in items {
        let tags = identity::tags(turn.keys, &canary.plan.facility, &item.identifiers)?;
        if item.patient.is_some() || tags.is_empty() || !tags.iter().all(|tag| canary.tags.contains(tag)) {
            return Err(Error::refused());
        }
    }
    Ok(())
}

/// Notes an arrival: a canary's own, or one of the real patients that come between two of them.
///
/// # Errors
/// Busy if the system gives no randomness.
pub fn admitted(turn: &mut Turn<'_>, caller: &Caller, settled: &Settled) -> Result<()> {
    let planting = turn.watch.planting();
    let canaries = &mut turn.watch.canaries;
    if let Some(canary) = planting.and_then(|number| canaries.list.get_mut(&number)) {
        canary.planted = Some(settled.patient.pseudonym);
        canaries.patients.entry(settled.patient.pseudonym).or_insert(turn.now);
    } else if settled.is_new && !canaries.list.is_empty() {
        let between = gap(canaries.settings.patients_between)?;
        let facility = caller.known.actor.facility.clone();
        canaries.arrived.entry(facility).or_insert((0, between)).0 += 1;
    }
    Ok(())
}

/// From half to one and a half of the average, so that no count of arrivals tells where one is.
fn gap(average: u32) -> Result<u32> {
    let half = average / 2;
    let extra = below(usize::try_from(average).unwrap_or(usize::MAX).saturating_add(1))?;
    Ok(half.saturating_add(u32::try_from(extra).unwrap_or(half)).max(1))
}

/// A random number below another; 0 if that is 0.
fn below(count: usize) -> Result<usize> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    // Of 2^64 the remainder favours nobody by more than one in a million million.
    Ok(usize::try_from(u64::from_be_bytes(bytes).checked_rem(count).unwrap_or_default()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::Settings;

    const PATIENTS: usize = 5_000;

    /// A facility's patients and canaries in order of arrival: `true` is a canary.
    fn arrivals() -> Vec<bool> {
        let mut all: Vec<bool> = Vec::new();
        let (mut left, average) = (0, Settings::default().patients_between);
        while all.iter().filter(|is_canary| !**is_canary).count() < PATIENTS {
            if left == 0 {
                left = gap(average).unwrap();
                if !all.is_empty() {
                    all.push(true);
                }
            }
            all.push(false);
            left -= 1;
        }
        all
    }

    #[test]
    fn whoever_walks_through_everybody_meets_one_within_460_patients() {
        const WORLDS: usize = 200;
        const ORDERS: usize = 50;
        let (mut met, mut in_store_order, mut share) = (0, 0, 0);
        for _ in 0..WORLDS {
            let mut all = arrivals();
            share += all.iter().filter(|is_canary| **is_canary).count();
            // In the order of arrival from anywhere, which is how a store is emptied.
            let from = below(all.len() - 460).unwrap();
            in_store_order += usize::from(all[from..from + 460].contains(&true));
            // In an order of its own: by name, by UID, at random.
            for _ in 0..ORDERS {
                for at in 0..460 {
                    let other = at + below(all.len() - at).unwrap();
                    all.swap(at, other);
                }
                met += usize::from(all[..460].contains(&true));
            }
        }
        let p = f64::from(u32::try_from(met).unwrap()) / f64::from(u32::try_from(WORLDS * ORDERS).unwrap());
        let average = share / WORLDS;
        println!(
            "canary within 460 of {PATIENTS} patients: p = {p:.4} in random order, {in_store_order} of {WORLDS} in store order, {average} canaries"
        );
        assert!(p >= 0.988, "{p}");
        assert_eq!(in_store_order, WORLDS);
    }

    #[test]
    fn gaps_are_around_their_average_and_never_none() {
        let gaps: Vec<u32> = (0..2_000).map(|_| gap(100).unwrap()).collect();
        assert!(gaps.iter().all(|gap| (50..=150).contains(gap)));
        let mean = gaps.iter().sum::<u32>() / 2_000;
        assert!((96..=104).contains(&mean), "{mean}");
        assert_eq!((gap(0).unwrap(), gap(1).unwrap()), (1, 1));
    }
}
