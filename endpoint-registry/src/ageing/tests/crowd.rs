//! More than there is room for: clients that make up names, content networks without end.

use super::*;

#[test]
fn what_is_remembered_takes_no_room_that_others_need() {
    let mut ageing = ageing(Config { addresses_per_name: 3, addresses: 4, ..config() });
    tell(&mut ageing, API, &[A, B], Vantage::Client, 0);
    ageing.tick(at(660));
    ageing.tick(at(720));
    assert_eq!((ageing.counts().addresses, ageing.counts().remembered), (0, 2));
    tell(&mut ageing, API, &["192.0.2.3"], poller("one"), 800);
    // The name is full, with what is only remembered.
    let changes = tell(&mut ageing, API, &["192.0.2.4"], poller("one"), 800);
    assert_eq!((changes[0].from, changes[0].to), (Some(State::Retired), None));
    assert_eq!((ageing.counts().addresses, ageing.counts().remembered), (2, 1));
    // Now there is no room for any more, and what is remembered has none to give.
    tell(&mut ageing, "x.acme.example.com", &["192.0.2.5"], Vantage::Client, 800);
    let changes = tell(&mut ageing, API, &["192.0.2.6"], poller("one"), 800);
    assert_eq!((changes[0].from, changes[0].to), (Some(State::Retired), None));
    assert_eq!((ageing.counts().addresses, ageing.counts().remembered), (4, 0));
    check(&ageing);
}

#[test]
fn what_comes_back_needs_room_as_any_other() {
    let mut ageing = ageing(Config { addresses_per_name: 3, addresses: 2, ..config() });
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    ageing.tick(at(660));
    ageing.tick(at(720));
    tell(&mut ageing, API, &["192.0.2.3", "192.0.2.4"], poller("one"), 800);
    let changes = tell(&mut ageing, API, &[A], Vantage::Client, 810);
    // In the place of a candidate.
    let steps: Vec<_> = changes.iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(
        steps,
        [(Some(State::Candidate), None), (Some(State::Retired), Some(State::Active))]
    );
    check(&ageing);
}

#[test]
fn listed_names_are_asked_before_any_others() {
    let mut ageing = ageing(config());
    for number in 0..1000 {
        let name = format!("n{number}.acme.example.com");
        tell(&mut ageing, &name, &[A], Vantage::Client, number);
    }
    assert_eq!(ageing.due(at(2000), 1), [Arc::from(API)]);
    assert_eq!(ageing.due(at(2000), 2000).len(), 1000);
}

/// A content network that gives each answer addresses that nobody saw before: each has its time, and
/// what is remembered of them makes room.
#[test]
fn addresses_without_end() {
    let limits = config();
    let mut ageing = ageing(config());
    for minute in 0..24 * 60i64 {
        while let Some(next) = ageing.next_change().filter(|next| *next <= at(minute * 60)) {
            ageing.tick(next);
        }
        let address = |n| format!("2001:db8::{:x}:{n}", minute);
        let list: Vec<_> = (1..=4).map(address).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        tell(&mut ageing, API, &list, Vantage::Client, minute * 60);
        // TTL, grace and draining are 12 minutes.
        assert!(ageing.learned()["acme/api"].len() <= 4 * 12, "{minute}");
        let known = ageing.name(API).unwrap().addresses.len();
        assert!(known <= limits.addresses_per_name as usize, "{minute}: {known}");
    }
    assert_eq!(ageing.counts().no_room, 0);
    check(&ageing);
}

/// A client asks for a million names under a wildcard, a hundred a second. Listed names keep their
/// addresses and are asked in time; so does a name under the wildcard that clients use; and what is
/// remembered of all of it stays small.
#[test]
fn a_million_names_that_a_client_makes_up() {
    const USED: &str = "tenant.acme.example.com";
    let limits = config();
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    tell(&mut ageing, USED, &[B], Vantage::Client, 0);
    let mut asked = 0;
    for number in 0..1_000_000i64 {
        let second = number / 100;
        let name = format!("{:x}.acme.example.com", number.wrapping_mul(0x1e37_79b9_7f4a_7c15));
        let made_up: Vec<_> =
            (0..2).map(|n| format!("198.51.100.{}", (number * 7 + n * 61) % 256)).collect();
        let list: Vec<&str> = made_up.iter().map(String::as_str).collect();
        tell(&mut ageing, &name, &list, Vantage::Client, second);
        if number % 6_000 == 0 {
            tell(&mut ageing, USED, &[B], Vantage::Client, second);
        }
        if number % 100 == 0 {
            ageing.tick(at(second));
            // As many as are asked at once; all but the listed one are never answered.
            if ageing.due(at(second), 64).contains(&Arc::from(API)) {
                asked += 1;
                tell(&mut ageing, API, &[A], poller("one"), second);
            }
        }
    }
    assert!(asked >= 10_000 / 67, "asked {asked} times in 10,000 s with a TTL of 60");
    assert_eq!(state(&ageing, A), Some(State::Active));
    assert_eq!(ageing.learned()["acme/api"].iter().filter(|one| one.name == USED).count(), 1);
    let counts = ageing.counts();
    assert_eq!(counts.unlisted, u64::from(limits.observed_names));
    assert_eq!(counts.names, counts.unlisted + 1);
    assert!(counts.no_room > 0, "{counts:?}");
    check(&ageing);
    let stored = serde_json::to_vec(ageing.memory()).unwrap();
    assert!(stored.len() < 32 << 20, "{} octets", stored.len());
}
