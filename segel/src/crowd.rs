//! Places for connections: how many there are, and who has to go when all are taken.
//!
//! A connection that waits for its peer's next word holds a place for nothing. When every place is taken, a newcomer gets
//! that of a connection that only waits: of the address that holds the most of them, the one that has waited longest. So
//! neither a thousand silent connections nor one address keeps the others out, and nobody who is being served is cut off.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// All places of a door.
pub struct Crowd {
    places: usize,
    inside: Mutex<Inside>,
    changed: Notify,
}

#[derive(Default)]
struct Inside {
    /// Counts connections and changes, so that an earlier one has a smaller number.
    next: u64,
    members: HashMap<u64, Member>,
    /// Those that only wait, the longest first: when they began to, and who they are.
    waiting: BTreeMap<u64, u64>,
}

struct Member {
    address: IpAddr,
    /// Since when it only waits.
    since: Option<u64>,
    evicted: Arc<Notify>,
}

/// A place, until it is dropped.
pub struct Place {
    crowd: Arc<Crowd>,
    id: u64,
    evicted: Arc<Notify>,
}

impl Crowd {
    /// So many places.
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places, inside: Mutex::default(), changed: Notify::new() })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a newcomer would get a place.
    pub async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            {
                let inside = self.inside();
                if inside.members.len() < self.places || !inside.waiting.is_empty() {
                    return;
                }
            }
            changed.await;
        }
    }

    /// A place for a connection from this address, which at first only waits. `None` if everybody inside is being served.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut inside = self.inside();
        if inside.members.len() >= self.places {
            let gives_way = inside.gives_way()?;
            let member = inside.remove(gives_way)?;
            // Its task ends by itself; the place is free from now on.
            member.evicted.notify_one();
        }
        let id = inside.next;
        let evicted = Arc::new(Notify::new());
        inside.next += 1;
        inside.waiting.insert(id, id);
        inside.members.insert(id, Member { address, since: Some(id), evicted: Arc::clone(&evicted) });
        Some(Place { crowd: Arc::clone(self), id, evicted })
    }
}

impl Inside {
    /// Who has waited longest of the address with the most that wait.
    fn gives_way(&self) -> Option<u64> {
        let mut counts: HashMap<IpAddr, (usize, u64)> = HashMap::new();
        for id in self.waiting.values() {
            let address = self.members.get(id)?.address;
            counts.entry(address).or_insert((0, *id)).0 += 1;
        }
        counts.into_values().max_by_key(|(count, id)| (*count, std::cmp::Reverse(*id))).map(|(_, id)| id)
    }

    fn remove(&mut self, id: u64) -> Option<Member> {
        let member = self.members.remove(&id)?;
        if let Some(since) = member.since {
            self.waiting.remove(&since);
        }
        Some(member)
    }
}

impl Place {
    /// From here on it is being served.
    pub fn is_served(&self) {
        let mut inside = self.crowd.inside();
        if let Some(since) = inside.members.get_mut(&self.id).and_then(|member| member.since.take()) {
            inside.waiting.remove(&since);
        }
    }

    /// From here on it only waits.
    pub fn only_waits(&self) {
        let mut inside = self.crowd.inside();
        let now = inside.next;
        inside.next += 1;
        let Some(member) = inside.members.get_mut(&self.id) else { return };
        let before = member.since.replace(now);
        before.and_then(|before| inside.waiting.remove(&before));
        inside.waiting.insert(now, self.id);
        drop(inside);
        self.crowd.changed.notify_one();
    }

    /// Returns when it had to give way.
    pub async fn gave_way(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.inside().remove(self.id);
        self.crowd.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    async fn is_out(place: &Place) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(1), place.gave_way()).await.is_ok()
    }

    #[tokio::test]
    async fn the_longest_waiting_of_the_address_with_most_of_them_gives_way() {
        let crowd = Crowd::new(4);
        let other = crowd.enter(address(1)).unwrap();
        let [served, first, second] = [2, 2, 2].map(|last| crowd.enter(address(last)).unwrap());
        served.is_served();
        let _fifth = crowd.enter(address(3)).unwrap();
        assert!(is_out(&first).await);
        for place in [&other, &served, &second] {
            assert!(!is_out(place).await);
        }
        drop(first);
        assert_eq!(crowd.inside().members.len(), 4);
    }

    /// Both doors' own numbers: the last place is given, and the next is not.
    #[test]
    fn a_door_serves_as_many_as_it_has_places_and_not_one_more() {
        let doors = [record::limits::ASSOCIATIONS_MAX, crate::http::server::Settings::default().connections_max];
        for places in doors {
            let crowd = Crowd::new(places);
            let enter = |nth: usize| crowd.enter(address(u8::try_from(nth % 200).unwrap()));
            let inside: Vec<Place> = (0..places).map(|nth| enter(nth).unwrap()).collect();
            for place in &inside {
                place.is_served();
            }
            assert!(enter(places).is_none(), "{places} and one more");
            drop(inside);
            assert!(enter(places).is_some());
        }
    }

    #[tokio::test]
    async fn nobody_who_is_served_gives_way_and_a_newcomer_waits_for_room() {
        let crowd = Crowd::new(2);
        let (one, two) = (crowd.enter(address(1)).unwrap(), crowd.enter(address(1)).unwrap());
        crowd.room().await;
        one.is_served();
        two.is_served();
        assert!(crowd.enter(address(2)).is_none());
        let short = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(short, crowd.room()).await.is_err());
        two.only_waits();
        tokio::time::timeout(short, crowd.room()).await.unwrap();
        let three = crowd.enter(address(2)).unwrap();
        assert!(is_out(&two).await);
        drop((one, two, three));
        assert!(crowd.inside().members.is_empty() && crowd.inside().waiting.is_empty());
    }
}
