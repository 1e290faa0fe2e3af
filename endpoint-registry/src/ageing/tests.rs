use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{Kind, Provenance, Role};

fn start() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn endpoint(id: &str, role: Role, names: &[&str]) -> Endpoint {
    Endpoint {
        id: id.into(),
        provider: id.split('/').next().unwrap().into(),
        title: "Example".into(),
        kind: Kind::Api,
        role,
        sharedness: Sharedness::Cdn,
        confidence: 90,
        verified: false,
        state: State::Active,
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        prefixes: vec![],
        learned: vec![],
        layers: vec![],
        shared: vec![],
        ports: vec![],
        expires_at: None,
        price_ref: None,
        sources: vec![Provenance {
            source: "test".into(),
            first_seen: start(),
            last_seen: start(),
        }],
    }
}

fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint("acme/api", Role::Ingress, &["*.acme.example.com", "api.acme.example.com"]),
        endpoint("acme/bot", Role::Egress, &["bot.acme.example.com"]),
        endpoint("other/api", Role::Ingress, &["*.eu.acme.example.com", "api.acme.example.com"]),
    ]
}

/// Documentation ranges stand in for the internet's.
fn config() -> Config {
    let allow = ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"];
    Config { allow: allow.iter().map(|net| net.parse().unwrap()).collect(), ..Config::default() }
}

fn ageing(config: Config) -> Ageing {
    let mut ageing = Ageing::new(config, start());
    ageing.watch(&endpoints(), start());
    ageing
}

fn poller(id: &str) -> Vantage {
    Vantage::Poller(id.into())
}

fn answer(name: &str, list: &[&str], ttl: u32, vantage: Vantage, seconds: i64) -> Event {
    let addresses = list.iter().map(|a| Answered { address: a.parse().unwrap(), ttl }).collect();
    let (name, chain) = (name.to_owned(), vec![]);
    Event::Observed(Observed { name, addresses, chain, vantage, dnssec: None, at: at(seconds) })
}

/// Tells it at that second.
fn tell(ageing: &mut Ageing, name: &str, list: &[&str], vantage: Vantage, s: i64) -> Vec<Change> {
    ageing.apply(&answer(name, list, 60, vantage, s), at(s))
}

fn states(ageing: &Ageing, name: &str) -> Vec<(String, State)> {
    let addresses = ageing.name(name).into_iter().flat_map(|name| &name.addresses);
    addresses.map(|(address, entry)| (address.to_string(), entry.state)).collect()
}

fn state(ageing: &Ageing, address: &str) -> Option<State> {
    let address = address.parse().unwrap();
    ageing.name(API).and_then(|name| name.addresses.get(&address)).map(|entry| entry.state)
}

mod crowd;
mod returns;

const API: &str = "api.acme.example.com";
const A: &str = "192.0.2.1";
const B: &str = "192.0.2.2";

#[test]
fn one_client_or_two_pollers_make_an_address_active() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    assert_eq!(state(&ageing, A), Some(State::Active));
    for (second, id) in [(0, "one"), (1, "one"), (2, "one")] {
        tell(&mut ageing, API, &[B], poller(id), second);
        assert_eq!(state(&ageing, B), Some(State::Candidate));
    }
    let changes = tell(&mut ageing, API, &[B], poller("two"), 3);
    assert_eq!((changes[0].because, changes[0].is_visible()), (Because::Agreed, true));
    assert_eq!(state(&ageing, B), Some(State::Active));
}

#[test]
fn an_address_belongs_to_the_endpoints_that_say_most_of_its_name() {
    let mut ageing = ageing(config());
    tell(&mut ageing, "API.acme.example.com.", &[A], Vantage::Client, 0);
    tell(&mut ageing, "x.eu.acme.example.com", &[B], Vantage::Client, 0);
    tell(&mut ageing, "bot.acme.example.com", &["192.0.2.3"], Vantage::Client, 0);
    tell(&mut ageing, "unrelated.example.org", &["192.0.2.4"], Vantage::Client, 0);
    let learned = ageing.learned();
    let of = |id: &str| -> Vec<_> {
        learned[id].iter().map(|l| (l.address.to_string(), l.name.clone())).collect()
    };
    // The bot's own name leads nowhere by itself, but the wildcard of the API covers it.
    let api = (A.to_owned(), API.to_owned());
    let bot = ("192.0.2.3".to_owned(), "bot.acme.example.com".to_owned());
    assert_eq!(of("acme/api"), [api.clone(), bot]);
    assert_eq!(of("other/api"), [api, (B.to_owned(), "x.eu.acme.example.com".to_owned())]);
    assert_eq!(learned.len(), 2);
}

#[test]
fn it_drains_after_ttl_and_grace_and_then_leaves() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    assert_eq!(ageing.next_change(), Some(at(660)));
    assert_eq!(ageing.tick(at(659)), []);
    let drained = ageing.tick(at(660));
    assert_eq!((drained[0].to, drained[0].is_visible()), (Some(State::Draining), false));
    assert_eq!(ageing.learned()["acme/api"][0].state, State::Draining);
    assert_eq!(ageing.next_change(), Some(at(720)));
    let left = ageing.tick(at(720));
    assert_eq!((left[0].to, left[0].is_visible()), (Some(State::Retired), true));
    assert!(ageing.learned().is_empty());
}

#[test]
fn every_answer_starts_its_time_anew_and_a_longer_one_stays() {
    let mut ageing = ageing(config());
    ageing.apply(&answer(API, &[A], 3600, Vantage::Client, 0), at(0));
    tell(&mut ageing, API, &[A], poller("one"), 100);
    // The first client may still use its answer.
    assert_eq!(ageing.next_change(), Some(at(4200)));
    tell(&mut ageing, API, &[A], poller("one"), 3900);
    assert_eq!(ageing.next_change(), Some(at(4560)));
    ageing.tick(at(4560));
    let changes = tell(&mut ageing, API, &[A], poller("one"), 4570);
    assert_eq!(changes[0].from, Some(State::Draining));
    assert_eq!(changes[0].to, Some(State::Active));
    assert_eq!(ageing.learned()["acme/api"][0].since, at(0));
}

#[test]
fn a_short_life_is_held_for_ten_minutes() {
    let config = Config { grace_seconds: 0, drain_seconds: 0, ..config() };
    let mut ageing = ageing(config);
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    ageing.tick(at(60));
    assert_eq!(state(&ageing, A), Some(State::Draining));
    assert_eq!(ageing.next_change(), Some(at(600)));
    assert_eq!(ageing.tick(at(600)).len(), 1);
}

#[test]
fn a_live_flow_keeps_its_address() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A, B], Vantage::Client, 0);
    for second in (0..7200).step_by(300) {
        ageing.apply(&Event::LiveFlow { address: A.parse().unwrap(), at: at(second) }, at(second));
        ageing.tick(at(second));
    }
    let kept = [(A.to_owned(), State::Draining), (B.to_owned(), State::Retired)];
    assert_eq!(states(&ageing, API), kept);
    assert_eq!(ageing.next_change(), Some(at(6900 + 600)));
}

#[test]
fn a_name_that_nobody_answers_keeps_its_addresses() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    for second in (60..7200).step_by(60) {
        ageing.apply(&Event::Failed { name: API.into(), at: at(second) }, at(second));
        assert_eq!(ageing.tick(at(second)), []);
    }
    assert_eq!(ageing.name(API).unwrap().stale_since, Some(at(60)));
    assert_eq!(state(&ageing, A), Some(State::Active));
    // Answered again, with another address: the first has the ten minutes that it had.
    tell(&mut ageing, API, &[B], Vantage::Client, 7200);
    assert_eq!(ageing.name(API).unwrap().stale_since, None);
    assert_eq!(ageing.next_change(), Some(at(7200 + 600)));
}

#[test]
fn a_resolver_that_fails_beside_one_that_answers_stops_nothing() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    for second in (20..900).step_by(20) {
        tell(&mut ageing, API, &[B], poller("one"), second);
        ageing.apply(&Event::Failed { name: API.into(), at: at(second) }, at(second));
        ageing.tick(at(second));
    }
    let kept = [(A.to_owned(), State::Retired), (B.to_owned(), State::Candidate)];
    assert_eq!(states(&ageing, API), kept);
}

#[test]
fn a_restart_counts_as_no_time() {
    let mut before = ageing(config());
    tell(&mut before, API, &[A], Vantage::Client, 0);
    before.tick(at(100));
    let stored = serde_json::to_string(before.memory()).unwrap();
    let memory: Memory = serde_json::from_str(&stored).unwrap();
    let mut after = Ageing::restore(config(), memory.clone(), at(90_000)).unwrap();
    after.watch(&endpoints(), at(90_000));
    assert_eq!(after.tick(at(90_000)), []);
    assert_eq!(after.learned()["acme/api"], before.learned()["acme/api"]);
    assert_eq!(after.next_change(), Some(at(90_000 + 560)));
    // What is not allowed any more is not learned any more.
    let strict = Ageing::restore(Config::default(), memory.clone(), at(0)).unwrap();
    assert_eq!(strict.counts().addresses, 0);
    let other = Memory { schema: 2, ..memory };
    assert_eq!(Ageing::restore(config(), other, at(0)).err(), Some(RestoreError::Schema(2)));
}

#[test]
fn private_addresses_are_refused_with_the_reason() {
    let mut ageing = ageing(config());
    let list = ["10.0.0.1", "127.0.0.1", "::ffff:192.0.2.1", "fe80::1", A];
    tell(&mut ageing, API, &list, Vantage::Client, 0);
    assert_eq!(states(&ageing, API), [(A.to_owned(), State::Active)]);
    let refused: Vec<_> = ageing.name(API).unwrap().refused.iter().map(|r| &*r.what).collect();
    assert_eq!(refused, ["private", "loopback", "IPv4 inside IPv6", "link-local"]);
    assert_eq!(ageing.counts().refused, 4);
}

#[test]
fn only_names_are_asked_and_wildcards_never() {
    let mut ageing = ageing(config());
    assert_eq!(ageing.due(at(5), 100), [Arc::from(API)]);
    assert_eq!(ageing.due(at(5), 100), [] as [Arc<str>; 0]);
    tell(&mut ageing, "x.acme.example.com", &[A], Vantage::Client, 6);
    assert_eq!(ageing.due(at(11), 100), [Arc::from("x.acme.example.com")]);
    // A poller's TTL of 60 s: again after it, at most a tenth later.
    tell(&mut ageing, API, &[A], poller("one"), 12);
    tell(&mut ageing, "x.acme.example.com", &[A], poller("one"), 12);
    let next = ageing.next_due().unwrap();
    assert!(next >= at(72) && next <= at(78), "{next}");
    // Nobody asked for it since yesterday.
    ageing.tick(at(100_000));
    assert_eq!(ageing.due(at(100_000), 100), [Arc::from(API)]);
}

/// A clock that was ahead and is put right: names are asked as before, and learned.
#[test]
fn a_clock_that_is_set_back_takes_all_times_with_it() {
    let mut ageing = ageing(config());
    ageing.due(at(86_400), 10);
    tell(&mut ageing, API, &[A], poller("one"), 86_400);
    tell(&mut ageing, API, &[A], poller("two"), 86_400);
    let back = ageing.tick(at(100));
    assert_eq!((back, state(&ageing, A)), (vec![], Some(State::Active)));
    let next = ageing.name(API).unwrap().due.unwrap();
    assert!((at(160)..=at(170)).contains(&next), "asked at its TTL from now: {next}");
    assert!(ageing.due(at(101), 10).is_empty());
    tell(&mut ageing, API, &[B], Vantage::Client, 102);
    assert_eq!(state(&ageing, B), Some(State::Active), "answers of now count");
    tell(&mut ageing, API, &[B], poller("one"), 170);
    tell(&mut ageing, API, &[B], poller("one"), 755);
    assert_eq!(ageing.tick(at(100 + 659)), []);
    assert!(!ageing.tick(at(100 + 661)).is_empty(), "and it ages from there");
}

/// What was answered before an outage says nothing of it.
#[test]
fn an_old_log_does_not_end_an_outage() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    let failed = |s| Event::Failed { name: API.to_owned(), at: at(s) };
    ageing.apply(&failed(300), at(300));
    assert_eq!(ageing.name(API).unwrap().stale_since, Some(at(300)));
    for (list, told) in [(&[A][..], 200), (&[B], 10), (&[], 4000)] {
        ageing.apply(&answer(API, list, 60, Vantage::Client, told), at(4000));
        assert_eq!(ageing.tick(at(4000)), [], "{list:?} told at {told}");
        assert_eq!(ageing.name(API).unwrap().stale_since, Some(at(300)));
    }
    tell(&mut ageing, API, &[B], Vantage::Client, 4001);
    assert_eq!(ageing.name(API).unwrap().stale_since, None);
    assert_eq!(state(&ageing, A), Some(State::Active), "the outage does not count");
}

/// A sleep of hours, or resolvers that are too slow for so many names: what could not be asked does
/// not go.
#[test]
fn what_was_not_asked_does_not_age() {
    let mut ageing = ageing(config());
    ageing.due(at(10), 10);
    tell(&mut ageing, API, &[A], Vantage::Site("site".into()), 10);
    assert_eq!(ageing.tick(at(36_000)), []);
    assert_eq!(ageing.due(at(36_000), 10).len(), 1);
    assert_eq!(ageing.tick(at(36_030)), [], "nor while the question is under way");
    tell(&mut ageing, API, &[B], Vantage::Site("site".into()), 36_031);
    assert_eq!(ageing.tick(at(36_031)).len(), 1, "answered without it, it drains");
}

/// Of more names than may be asked, new ones do not push out those that are.
#[test]
fn new_names_do_not_displace_those_that_are_asked() {
    let config = Config { listed_names: 1, ..config() };
    let mut ageing = Ageing::new(config, start());
    let one = |id: &str, name: &str| endpoint(id, Role::Ingress, &[name]);
    let theirs = one("acme/api", API);
    ageing.watch([&theirs], start());
    ageing.watch([&one("aaa/api", "aaa.example.com"), &theirs], start());
    assert_eq!(ageing.due(at(10), 10), [Arc::from(API)]);
    assert_eq!(ageing.counts().unasked, 1);
}

/// A resolver that clients use is asked by us all the same: its answer is the answer to our question,
/// and no sign that a client asked.
#[test]
fn a_resolver_of_clients_is_asked_as_others_are() {
    let site = || Vantage::Site("site".into());
    let mut ageing = ageing(config());
    ageing.due(at(10), 10);
    tell(&mut ageing, API, &[A], site(), 10);
    assert_eq!(state(&ageing, A), Some(State::Active));
    let next = ageing.name(API).unwrap().due.unwrap();
    assert!((at(70)..=at(76)).contains(&next), "at its TTL: {next}");
    assert_eq!(ageing.due(next, 10).len(), 1);
    assert_eq!(ageing.name(API).unwrap().stale_since, None, "it was answered");
    // Nor is a name under a wildcard kept alive by our own questions.
    tell(&mut ageing, "new.acme.example.com", &[B], site(), 100);
    assert_eq!(ageing.name("new.acme.example.com"), None);
    tell(&mut ageing, "x.acme.example.com", &[B], Vantage::Client, 100);
    tell(&mut ageing, "x.acme.example.com", &[B], site(), 200);
    assert_eq!(ageing.name("x.acme.example.com").unwrap().client_at, Some(at(100)));
}

#[test]
fn a_question_without_answer_is_a_failure() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    ageing.due(at(300), 10);
    assert_eq!(ageing.name(API).unwrap().stale_since, None);
    assert_eq!(ageing.due(at(360), 10).len(), 1);
    assert_eq!(ageing.name(API).unwrap().stale_since, Some(at(360)));
}

#[test]
fn what_clients_use_makes_room_for_itself_only_among_the_idle() {
    let mut ageing = ageing(Config { addresses_per_name: 2, ..config() });
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    tell(&mut ageing, API, &[B], Vantage::Client, 10);
    // Both were announced just now.
    assert_eq!(tell(&mut ageing, API, &["192.0.2.3"], Vantage::Client, 20), []);
    assert_eq!(ageing.counts().no_room, 1);
    tell(&mut ageing, API, &[A, B], Vantage::Client, 605);
    // Now A may go, but not for a mere candidate.
    assert_eq!(tell(&mut ageing, API, &["192.0.2.3"], poller("one"), 620), []);
    let changes = tell(&mut ageing, API, &["192.0.2.3"], Vantage::Client, 620);
    assert_eq!(changes[0].because, Because::Crowded);
    assert_eq!(changes[0].address.to_string(), A);
}

#[test]
fn names_that_clients_make_up_push_each_other_out() {
    let mut ageing = ageing(Config { observed_names: 3, ..config() });
    for number in 0..10 {
        let name = format!("n{number}.acme.example.com");
        tell(&mut ageing, &name, &[A], Vantage::Client, number * 700);
    }
    assert_eq!(ageing.counts().unlisted, 3);
    assert!(ageing.name("n9.acme.example.com").is_some());
    assert!(ageing.name(API).is_some());
}

#[test]
fn names_that_come_back_have_kept_their_addresses() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    ageing.watch([], at(10));
    assert!(ageing.learned().is_empty());
    ageing.watch(&endpoints(), at(20));
    assert_eq!(ageing.learned()["acme/api"].len(), 1);
    ageing.watch([], at(30));
    ageing.tick(at(660));
    ageing.tick(at(720));
    assert_eq!((ageing.counts().addresses, ageing.counts().remembered), (0, 1));
    ageing.tick(at(660 + 6 * 3600));
    assert_eq!(ageing.counts(), Counts::default());
}

const NAMES: [&str; 5] =
    [API, "a.acme.example.com", "b.eu.acme.example.com", "c.acme.example.com", "*.bad..name"];

/// Something that happens after a pause.
#[derive(Debug, Clone)]
enum Step {
    Answer { name: usize, list: Vec<u8>, ttl: u32, who: u8, late: i64 },
    Fail { name: usize },
    Flow { address: u8 },
    Watch { some: bool },
    Ask,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let ttl = prop_oneof![Just(0), 0..100u32, 100..5000u32, any::<u32>()];
    let answer = (0..NAMES.len(), prop::collection::vec(0..12u8, 0..4), ttl, 0..5u8, -50..900i64);
    prop_oneof![
        12 => answer.prop_map(|(name, list, ttl, who, late)| Step::Answer { name, list, ttl, who, late }),
        2 => (0..NAMES.len()).prop_map(|name| Step::Fail { name }),
        2 => (0..12u8).prop_map(|address| Step::Flow { address }),
        1 => any::<bool>().prop_map(|some| Step::Watch { some }),
        2 => Just(Step::Ask),
        1 => Just(Step::Restart),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let pause = prop_oneof![0..3i64, 0..120i64, 0..2000i64];
    prop::collection::vec((pause, step()), 0..120)
}

fn address(number: u8) -> IpAddr {
    // Two of twelve must never be learned.
    let texts = ["10.0.0.1", "::1"];
    let text = texts.get(usize::from(number)).map(|text| (*text).to_owned());
    text.unwrap_or_else(|| format!("192.0.2.{number}")).parse().unwrap()
}

/// Plays the steps; the changes with their times, and what clients were given with its end.
fn play(ageing: &mut Ageing, steps: &[(i64, Step)]) -> Vec<(i64, Change)> {
    let mut clock = 0;
    let mut seen = Vec::new();
    for (pause, step) in steps {
        // Time passes as it does: each change at its moment.
        let end = clock + pause;
        while let Some(next) = ageing.next_change().filter(|next| *next <= at(end)) {
            // What was held is late.
            let changes = ageing.tick(next.max(at(clock)));
            // A name that should have been asked by then is held instead.
            let is_held = ageing.next_change().is_none_or(|after| after > next);
            assert!(!changes.is_empty() || is_held, "a deadline without a change");
            clock = clock.max(next.duration_since(start()).as_secs());
            seen.extend(changes.into_iter().map(|change| (clock, change)));
        }
        clock = end;
        let changes = match step {
            Step::Answer { name, list, ttl, who, late } => {
                let vantage = match who {
                    0 | 1 => Vantage::Client,
                    id => poller(&id.to_string()),
                };
                let list = list.iter().map(|&n| Answered { address: address(n), ttl: *ttl });
                let event = Event::Observed(Observed {
                    name: NAMES[*name].into(),
                    addresses: list.collect(),
                    chain: vec![],
                    vantage,
                    dnssec: None,
                    at: at(clock - late),
                });
                ageing.apply(&event, at(clock))
            }
            Step::Fail { name } => {
                let name = NAMES[*name].into();
                ageing.apply(&Event::Failed { name, at: at(clock) }, at(clock))
            }
            Step::Flow { address: number } => {
                let event = Event::LiveFlow { address: address(*number), at: at(clock) };
                ageing.apply(&event, at(clock))
            }
            Step::Watch { some } => {
                ageing.watch(endpoints().iter().take(if *some { 3 } else { 0 }), at(clock));
                vec![]
            }
            Step::Ask => {
                ageing.due(at(clock), 2);
                vec![]
            }
            Step::Restart => {
                let memory = ageing.memory().clone();
                let (counts, learned) = (ageing.counts(), ageing.learned());
                *ageing = Ageing::restore(ageing.config.clone(), memory, at(clock)).unwrap();
                ageing.watch(&endpoints(), at(clock));
                assert_eq!(ageing.counts().addresses, counts.addresses);
                assert!(learned.keys().all(|id| ageing.learned().contains_key(id)));
                vec![]
            }
        };
        seen.extend(changes.into_iter().map(|change| (clock, change)));
        check(ageing);
    }
    seen
}

/// What holds at any time.
fn check(ageing: &Ageing) {
    let config = &ageing.config;
    let names = &ageing.memory.names;
    let sizes = || names.values().map(|name| name.addresses.len());
    assert!(sizes().all(|size| size <= config.addresses_per_name as usize));
    let entries = names.values().flat_map(|name| name.addresses.values());
    let remembered = entries.filter(|entry| entry.state == State::Retired).count() as u64;
    assert_eq!(remembered, ageing.counts().remembered);
    assert_eq!(sizes().sum::<usize>() as u64, ageing.counts().addresses + remembered);
    assert!(ageing.counts().addresses.max(remembered) <= u64::from(config.addresses));
    for (key, name) in names {
        assert!(!key.contains('*') && name.refused.len() <= REFUSED_MOST);
        for address in name.addresses.keys() {
            assert!(ageing.refusal(*address).is_none());
            assert!(ageing.index.names_of(*address).contains(key));
        }
    }
    for list in ageing.learned().values() {
        assert!(list.is_sorted_by(|a, b| a < b));
    }
}

fn small(crowded: bool) -> Config {
    if !crowded {
        return config();
    }
    Config { addresses_per_name: 3, addresses: 6, observed_names: 2, ..config() }
}

proptest! {
    #[test]
    fn no_address_is_announced_or_withdrawn_twice_in_ten_minutes(
        steps in steps(), crowded: bool, hasty: bool,
    ) {
        let mut config = small(crowded);
        if hasty {
            (config.grace_seconds, config.drain_seconds, config.floor_seconds) = (0, 0, 1);
        }
        let seen = play(&mut ageing(config), &steps);
        let mut last = BTreeMap::new();
        for (second, change) in seen.iter().filter(|(_, change)| change.is_visible()) {
            let announced = event::is_kept(change.to);
            let key = (change.name.clone(), change.address, announced);
            if let Some(before) = last.insert(key, *second) {
                prop_assert!(second - before >= 600, "{change:?} at {before} and {second}");
            }
        }
    }

    #[test]
    fn an_address_is_not_withdrawn_before_its_ttl(steps in steps()) {
        // A name that nobody watches is not learned.
        let is_kept = |step: &Step| !matches!(step, Step::Restart | Step::Watch { .. });
        let steps: Vec<_> = steps.into_iter().filter(|(_, step)| is_kept(step)).collect();
        let seen = play(&mut ageing(config()), &steps);
        let mut clock = 0;
        let mut ends: BTreeMap<(&str, IpAddr), i64> = BTreeMap::new();
        let mut left: BTreeSet<_> = BTreeSet::new();
        for (pause, step) in &steps {
            let before = clock;
            clock += pause;
            for (place, (second, change)) in seen.iter().enumerate() {
                let has_left = change.is_visible() && !event::is_kept(change.to);
                let is_now = *second > before && *second <= clock && has_left;
                if is_now && left.insert(place) {
                    let end = ends.get(&(&*change.name, change.address));
                    prop_assert!(end.is_none_or(|end| end <= second), "{change:?} at {second}");
                }
            }
            // A poller's answer says nothing of a name that nobody lists and no client asked for.
            if let Step::Answer { name, list, ttl, late, who } = step
                && (*who < 2 || *name == 0)
            {
                let end = clock - (*late).max(0) + i64::from((*ttl).clamp(60, 86_400));
                for number in list {
                    let slot = ends.entry((NAMES[*name], address(*number))).or_default();
                    *slot = (*slot).max(end);
                }
            }
        }
    }

    #[test]
    fn the_same_events_give_the_same_result(steps in steps(), crowded: bool) {
        let (mut one, mut two) = (ageing(small(crowded)), ageing(small(crowded)));
        prop_assert_eq!(play(&mut one, &steps), play(&mut two, &steps));
        prop_assert_eq!(one.memory(), two.memory());
        let json = serde_json::to_string(one.memory()).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Memory>(&json).unwrap(), one.memory());
    }
}
