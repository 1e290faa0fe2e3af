//! Addresses that leave and come back.

use super::*;

/// The end of `A`'s time.
fn end(ageing: &Ageing) -> i64 {
    let entry = &ageing.name(API).unwrap().addresses[&A.parse::<IpAddr>().unwrap()];
    entry.keep_until.duration_since(start()).as_secs()
}

/// Lets time pass as it does, and counts how often `A` was announced.
fn pass(ageing: &mut Ageing, until: i64) {
    while let Some(next) = ageing.next_change().filter(|next| *next <= at(until)) {
        ageing.tick(next);
    }
}

#[test]
fn what_came_back_stays_twice_as_long_as_it_was_away() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    assert_eq!(end(&ageing), 660);
    pass(&mut ageing, 2000);
    assert_eq!(state(&ageing, A), Some(State::Retired));
    assert!(ageing.learned().is_empty());
    // Fresh until 60, so it was away for 1940 s.
    let back = tell(&mut ageing, API, &[A], Vantage::Client, 2000);
    assert_eq!((back[0].to, back[0].is_visible()), (Some(State::Active), true));
    assert_eq!(end(&ageing), 2060 + 2 * 1940);
    // As long again, and it is there still.
    pass(&mut ageing, 4000);
    assert_eq!(tell(&mut ageing, API, &[A], Vantage::Client, 4000), []);
    assert_eq!(end(&ageing), 4060 + 2 * 1940);
    assert_eq!(ageing.learned()["acme/api"][0].since, at(2000));
}

#[test]
fn a_pause_within_its_time_counts_too() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    pass(&mut ageing, 560);
    tell(&mut ageing, API, &[A], Vantage::Client, 560);
    assert_eq!(end(&ageing), 620 + 2 * 500);
}

#[test]
fn it_stays_no_longer_than_the_longest_grace_and_is_remembered_no_longer() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    let day = 24 * 3600;
    pass(&mut ageing, 5 * 3600);
    tell(&mut ageing, API, &[A], Vantage::Client, 5 * 3600);
    assert_eq!(end(&ageing), 5 * 3600 + 60 + 6 * 3600);
    pass(&mut ageing, day);
    assert_eq!(ageing.name(API).unwrap().addresses.len(), 0, "and it has left by then");
    // What left for good is as new.
    tell(&mut ageing, API, &[A], Vantage::Client, day);
    assert_eq!(end(&ageing), day + 660);
    // Nothing is remembered where nothing has a longer grace.
    let mut ageing = super::ageing(Config { longest_grace_seconds: 600, ..config() });
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    pass(&mut ageing, 720);
    assert_eq!(state(&ageing, A), None);
}

#[test]
fn pollers_must_agree_again_and_at_about_the_same_time() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    pass(&mut ageing, 1000);
    for (second, id) in [(1000, "one"), (1100, "one"), (3000, "two"), (5000, "one")] {
        assert_eq!(tell(&mut ageing, API, &[A], poller(id), second), [], "{id} at {second}");
        assert_eq!(state(&ageing, A), Some(State::Retired));
        pass(&mut ageing, second);
    }
    let back = tell(&mut ageing, API, &[A], poller("two"), 5600);
    assert_eq!((back[0].from, back[0].because), (Some(State::Retired), Because::Agreed));
}

#[test]
fn what_pollers_alone_were_given_is_not_remembered() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], poller("one"), 0);
    pass(&mut ageing, 660);
    assert_eq!(state(&ageing, A), None);
}

#[test]
fn time_in_which_nobody_could_answer_is_no_time_away() {
    let mut ageing = ageing(config());
    tell(&mut ageing, API, &[A], Vantage::Client, 0);
    ageing.apply(&Event::Failed { name: API.into(), at: at(60) }, at(60));
    tell(&mut ageing, API, &[A], Vantage::Client, 9000);
    assert_eq!(end(&ageing), 9660);
    // A restart is no time either.
    let stored = serde_json::to_string(ageing.memory()).unwrap();
    let memory: Memory = serde_json::from_str(&stored).unwrap();
    let mut ageing = Ageing::restore(config(), memory, at(90_000)).unwrap();
    ageing.watch(&endpoints(), at(90_000));
    tell(&mut ageing, API, &[A], Vantage::Client, 90_000);
    assert_eq!(end(&ageing), 90_660);
}

#[test]
fn what_is_remembered_survives_a_restart_and_is_read_as_it_was_stored_before() {
    let mut before = ageing(config());
    tell(&mut before, API, &[A], Vantage::Client, 0);
    pass(&mut before, 2000);
    before.tick(at(2000));
    let stored = serde_json::to_value(before.memory()).unwrap();
    let memory: Memory = serde_json::from_value(stored.clone()).unwrap();
    let mut after = Ageing::restore(config(), memory, at(2000)).unwrap();
    after.watch(&endpoints(), at(2000));
    assert_eq!(after.counts(), before.counts());
    tell(&mut after, API, &[A], Vantage::Client, 2000);
    assert_eq!(end(&after), 2060 + 2 * 1940);
    // Before addresses had a grace of their own, nothing was said of it.
    let text = stored.to_string().replace("\"graceSeconds\":600,", "");
    assert!(!text.contains("graceSeconds"), "{text}");
    serde_json::from_str::<Memory>(&text).unwrap();
}
