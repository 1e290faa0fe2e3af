//! Days of a site whose programs use 20 names on 64 addresses of a content network, and what share
//! of their connections a strategy's rules covered. The same seed gives the same days: the clock is
//! a number.

mod cdn;
mod random;
mod resolver;
mod site;
mod strategy;
mod table;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use sark_registry::ageing::Config;

pub use cdn::Manner;
use cdn::{Answer, Cdn};
use resolver::{PublicResolver, SiteResolver};
use site::Site;
use strategy::{OnceADay, Sark, Strategy, TtlOnly};
pub use table::Churn;
use table::Table;

pub type Name = u8;
pub type Address = u8;
/// Since the start.
pub type Millis = u64;

pub const NAMES: usize = 20;
pub const ADDRESSES: usize = 64;
/// The site's own, and two public ones.
pub const RESOLVERS: usize = 3;
pub const MINUTE: Millis = 60_000;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;

/// Live flows are reported so often.
const REPORT: Millis = 5 * MINUTE;

/// How busy the site is, as a share of the busiest moment: two in the afternoon.
pub fn busy(now: Millis) -> f64 {
    let hour = (now % DAY) as f64 / HOUR as f64;
    0.5 + 0.45 * ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos()
}

/// What decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Ours; answers to clients are seen.
    Seen(Config),
    /// Ours; only what our own questions bring.
    Polled(Config),
    /// An address is kept for its TTL.
    TtlOnly,
    /// Asked once a day.
    OnceADay,
}

/// One run.
#[derive(Debug, Clone)]
pub struct Setup {
    pub which: Which,
    pub manner: Manner,
    pub span: Millis,
    pub seed: u64,
    /// Connections a second, in the mean of a day.
    pub rate: f64,
}

/// A part of something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    pub all: u64,
    pub covered: u64,
}

impl Share {
    fn add(&mut self, all: u64, covered: u64) {
        self.all += all;
        self.covered += covered;
    }

    /// In percent; of nothing, all.
    pub fn percent(self) -> f64 {
        if self.all == 0 { 100.0 } else { self.covered as f64 / self.all as f64 * 100.0 }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    pub span: Millis,
    /// Connections with a rule at their first packet.
    pub connections: Share,
    /// Of those without, how many had one a moment later: the rule was on its way.
    pub late: u64,
    /// As `connections`, under one policy for all names.
    pub one_policy: Share,
    /// Milliseconds of connections with a rule.
    pub short: Share,
    /// Of those that live for hours and are reported, and of those that are not.
    pub reported: Share,
    pub unreported: Share,
    pub by_name: Churn,
    pub by_address: Churn,
    /// Questions to resolvers.
    pub questions: u64,
}

/// Who can be asked.
pub struct Network {
    cdn: Cdn,
    site: SiteResolver,
    public: [PublicResolver; 2],
    questions: u64,
}

impl Network {
    pub fn ask(&mut self, now: Millis, resolver: usize, name: Name) -> Answer {
        self.questions += 1;
        match resolver {
            0 => self.site.ask(now, name, &mut self.cdn),
            number => self.public[number - 1].ask(now, name, &mut self.cdn),
        }
    }
}

/// A connection, or what else is to be done at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Then {
    Ended { name: Name, address: Address, began: Millis, covered: Millis, of: u8 },
    Report { address: Address, until: Millis },
}

/// Runs it.
pub fn run(setup: &Setup) -> Outcome {
    let seed = setup.seed;
    let mut network = Network {
        cdn: Cdn::new(setup.manner, seed),
        site: SiteResolver::new(0),
        // One often asks from where the site is, the other from elsewhere.
        public: [
            PublicResolver::new(seed, 1, (0, 1), 0.7),
            PublicResolver::new(seed, 2, (2, 0), 0.6),
        ],
        questions: 0,
    };
    let mut strategy: Box<dyn Strategy> = match &setup.which {
        Which::Seen(config) => Box::new(Sark::new(config.clone(), true)),
        Which::Polled(config) => Box::new(Sark::new(config.clone(), false)),
        Which::TtlOnly => Box::new(TtlOnly::new()),
        Which::OnceADay => Box::new(OnceADay::default()),
    };
    let mut site = Site::new(seed, setup.rate);
    let mut table = Table::new();
    let mut outcome = Outcome { span: setup.span, ..Outcome::default() };
    let mut then: BinaryHeap<Reverse<(Millis, Then)>> = BinaryHeap::new();
    let mut next_connection = site.next(0);
    loop {
        let next_then = then.peek().map_or(Millis::MAX, |Reverse((at, _))| *at);
        let next_wake = strategy.next().unwrap_or(Millis::MAX);
        let now = next_connection.min(next_then).min(next_wake);
        if now >= setup.span {
            break;
        }
        table.pass(now);
        if next_wake == now {
            strategy.wake(now, &mut network, &mut table);
        } else if next_then == now {
            let Some(Reverse((_, what))) = then.pop() else { break };
            match what {
                Then::Ended { .. } => end(what, now, &table, &mut outcome),
                Then::Report { address, until } => {
                    strategy.live_flow(now, address, &mut table);
                    if now + REPORT < until {
                        then.push(Reverse((now + REPORT, what)));
                    }
                }
            }
        } else {
            let one = site.connect(now, &mut network.site, &mut network.cdn);
            if let Some(answer) = &one.asked {
                strategy.client_answered(now, one.name, answer, &mut table);
            }
            let (name, address) = (one.name, one.address);
            let has = table.has(name, address);
            outcome.connections.add(1, u64::from(has));
            outcome.one_policy.add(1, u64::from(table.has_any(address)));
            outcome.late += u64::from(!has && table.is_coming(name, address));
            let of = if !one.is_long { 0 } else { 1 + u8::from(one.is_reported) };
            let covered = table.time(name, address);
            let ended = Then::Ended { name, address, began: now, covered, of };
            then.push(Reverse((one.until, ended)));
            if one.is_reported {
                then.push(Reverse((now + REPORT, Then::Report { address, until: one.until })));
            }
            next_connection = site.next(now);
        }
    }
    table.pass(setup.span);
    for Reverse((_, what)) in then {
        end(what, setup.span, &table, &mut outcome);
    }
    (outcome.by_name, outcome.by_address) = (table.by_name, table.by_address);
    outcome.questions = network.questions;
    outcome
}

fn end(what: Then, now: Millis, table: &Table, outcome: &mut Outcome) {
    let Then::Ended { name, address, began, covered, of } = what else { return };
    let share = match of {
        0 => &mut outcome.short,
        1 => &mut outcome.unreported,
        _ => &mut outcome.reported,
    };
    share.add(now - began, table.time(name, address) - covered);
}
