//! What decides which addresses have a rule: ours, and what others do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sark_registry::ageing::{Ageing, Answered, Change, Config, Event, Observed, Vantage};
use sark_registry::{Endpoint, Kind, Provenance, Role, Sharedness, State};

use super::cdn::Answer;
use super::table::Table;
use super::{ADDRESSES, Address, DAY, HOUR, Millis, NAMES, Name, Network, RESOLVERS};

/// Keeps the table. It is woken at the time it says, and asks the resolvers then.
pub trait Strategy {
    fn next(&self) -> Option<Millis>;
    fn wake(&mut self, now: Millis, network: &mut Network, table: &mut Table);
    /// The site's resolver answered a client, and the answer was seen.
    fn client_answered(&mut self, _: Millis, _: Name, _: &Answer, _: &mut Table) {}
    /// A flow to this address was reported alive.
    fn live_flow(&mut self, _: Millis, _: Address, _: &mut Table) {}
}

/// Ours.
pub struct Sark {
    ageing: Ageing,
    names: Vec<Arc<str>>,
    numbers: BTreeMap<Arc<str>, Name>,
    sees_clients: bool,
}

fn time(now: Millis) -> Timestamp {
    // A Sunday.
    const START: Timestamp = Timestamp::constant(1_793_491_200, 0);
    START + SignedDuration::from_millis(now as i64)
}

fn ip(address: Address) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, address).into()
}

impl Sark {
    pub fn new(config: Config, sees_clients: bool) -> Self {
        let names: Vec<Arc<str>> =
            (0..NAMES).map(|n| format!("api{n}.example.com").into()).collect();
        let numbers = (0..).zip(&names).map(|(n, name)| (Arc::clone(name), n)).collect();
        let endpoint = Endpoint {
            id: "example/api".into(),
            provider: "example".into(),
            title: "Example".into(),
            kind: Kind::Api,
            role: Role::Ingress,
            sharedness: Sharedness::Cdn,
            confidence: 90,
            verified: false,
            state: State::Active,
            names: names.iter().filter_map(|name| name.parse().ok()).collect(),
            prefixes: Vec::new(),
            learned: Vec::new(),
            layers: Vec::new(),
            shared: Vec::new(),
            ports: Vec::new(),
            expires_at: None,
            price_ref: None,
            sources: vec![Provenance {
                source: "example".into(),
                first_seen: time(0),
                last_seen: time(0),
            }],
        };
        // A documentation range stands in for the internet's.
        let allow = ["198.51.100.0/24".parse().ok()].into_iter().flatten().collect();
        let mut ageing = Ageing::new(Config { allow, ..config }, time(0));
        ageing.watch([&endpoint], time(0));
        Self { ageing, names, numbers, sees_clients }
    }

    fn apply(&mut self, now: Millis, event: &Event, table: &mut Table) {
        let changes = self.ageing.apply(event, time(now));
        self.decide(now, &changes, table);
    }

    fn decide(&self, now: Millis, changes: &[Change], table: &mut Table) {
        for change in changes.iter().filter(|change| change.is_visible()) {
            let IpAddr::V4(address) = change.address else { continue };
            let is_kept = matches!(change.to, Some(State::Active | State::Draining));
            table.decide(now, self.numbers[&change.name], address.octets()[3], is_kept);
        }
    }

    fn observed(&self, now: Millis, name: Name, answer: &Answer, vantage: Vantage) -> Event {
        let address = |&address: &Address| Answered { address: ip(address), ttl: answer.ttl };
        Event::Observed(Observed {
            name: self.names[usize::from(name)].to_string(),
            addresses: answer.addresses.iter().map(address).collect(),
            chain: Vec::new(),
            vantage,
            dnssec: None,
            at: time(now),
        })
    }
}

impl Strategy for Sark {
    fn next(&self) -> Option<Millis> {
        let next = [self.ageing.next_due(), self.ageing.next_change()].into_iter().flatten().min();
        // Not before it is so: a part of a millisecond counts as one.
        let since = |at: Timestamp| at.duration_since(time(0)).as_nanos().max(0) as u128;
        next.map(|at| since(at).div_ceil(1_000_000) as Millis)
    }

    fn wake(&mut self, now: Millis, network: &mut Network, table: &mut Table) {
        let changes = self.ageing.tick(time(now));
        self.decide(now, &changes, table);
        for name in self.ageing.due(time(now), NAMES) {
            let name = self.numbers[&name];
            for resolver in 0..RESOLVERS {
                let answer = network.ask(now, resolver, name);
                // The first is the site's own: what it says, it says to clients.
                let vantage = match resolver {
                    0 => Vantage::Client,
                    _ => Vantage::Poller(format!("public{resolver}").into()),
                };
                let event = self.observed(now, name, &answer, vantage);
                self.apply(now, &event, table);
            }
        }
    }

    fn client_answered(&mut self, now: Millis, name: Name, answer: &Answer, table: &mut Table) {
        if self.sees_clients {
            let event = self.observed(now, name, answer, Vantage::Client);
            self.apply(now, &event, table);
        }
    }

    fn live_flow(&mut self, now: Millis, address: Address, table: &mut Table) {
        let event = Event::LiveFlow { address: ip(address), at: time(now) };
        self.apply(now, &event, table);
    }
}

/// Asks each resolver again when its answer's TTL is over, and keeps addresses for as long.
pub struct TtlOnly {
    jobs: BTreeSet<(Millis, Job)>,
    until: Vec<[Millis; ADDRESSES]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    /// First, so that what is answered again at the moment it ends does not leave.
    Ask(usize, Name),
    Leave(Name, Address),
}

impl TtlOnly {
    pub fn new() -> Self {
        let names = |resolver| (0..NAMES as Name).map(move |name| (0, Job::Ask(resolver, name)));
        Self { jobs: (0..RESOLVERS).flat_map(names).collect(), until: vec![[0; ADDRESSES]; NAMES] }
    }
}

impl Strategy for TtlOnly {
    fn next(&self) -> Option<Millis> {
        self.jobs.first().map(|(at, _)| *at)
    }

    fn wake(&mut self, now: Millis, network: &mut Network, table: &mut Table) {
        while let Some(&(at, job)) = self.jobs.first().filter(|(at, _)| *at <= now) {
            self.jobs.pop_first();
            match job {
                Job::Ask(resolver, name) => {
                    let answer = network.ask(now, resolver, name);
                    let end = now + u64::from(answer.ttl.max(1)) * 1000;
                    self.jobs.insert((end, job));
                    for address in answer.addresses {
                        let until = &mut self.until[usize::from(name)][usize::from(address)];
                        if *until == 0 {
                            table.decide(now, name, address, true);
                        }
                        *until = (*until).max(end);
                        self.jobs.insert((*until, Job::Leave(name, address)));
                    }
                }
                Job::Leave(name, address) => {
                    let until = &mut self.until[usize::from(name)][usize::from(address)];
                    if *until == at {
                        *until = 0;
                        table.decide(now, name, address, false);
                    }
                }
            }
        }
    }
}

/// Asks once a day, and keeps what was answered until the next day.
#[derive(Default)]
pub struct OnceADay {
    next: Millis,
    has: BTreeSet<(Name, Address)>,
}

impl Strategy for OnceADay {
    fn next(&self) -> Option<Millis> {
        Some(self.next)
    }

    fn wake(&mut self, now: Millis, network: &mut Network, table: &mut Table) {
        let mut found = BTreeSet::new();
        for name in 0..NAMES as Name {
            for resolver in 0..RESOLVERS {
                let answer = network.ask(now, resolver, name);
                found.extend(answer.addresses.map(|address| (name, address)));
            }
        }
        for &(name, address) in found.symmetric_difference(&self.has) {
            table.decide(now, name, address, found.contains(&(name, address)));
        }
        self.has = found;
        // At four in the morning, after the first time.
        self.next = if now < 4 * HOUR { 4 * HOUR } else { now + DAY };
    }
}
