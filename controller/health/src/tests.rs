use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rules(fail_after: u32, recover_after: u32, hold_down: u32) -> Thresholds {
    Thresholds {
        fail_after,
        recover_after,
        hold_down: SECOND * hold_down,
        flap_window: SECOND * 20,
        longest_hold_down: SECOND * 40,
    }
}

/// One answer a second; whether it is up after each.
fn run(answers: &str, rules: &Thresholds) -> String {
    let mut health = Health::taken_for_up(Duration::ZERO);
    let mut out = String::new();
    for (n, answer) in (1u32..).zip(answers.chars()) {
        let turn;
        (health, turn) = health.after(answer == '+', SECOND * n, false, rules);
        out.push(match (health.is_up(), turn) {
            (true, None) => 'u',
            (true, Some(_)) => 'U',
            (false, None) => 'd',
            (false, Some(_)) => 'D',
        });
    }
    out
}

#[test]
fn the_usual_way() {
    let rules = rules(2, 3, 5);
    assert_eq!(run("+++-+-+--", &rules), "uuuuuuuuD", "single failures are forgiven");
    assert_eq!(run("--+++++++", &rules), "uDddddUuu", "the hold-down is 5 s");
    assert_eq!(run("--+++-+++", &rules), "uDddddddU", "successes are counted in a row");
    assert_eq!(run("--------+++", &rules), "uDddddddddU", "and after the hold-down as many");
}

#[test]
fn nothing_is_known_before_the_first_verdict() {
    let rules = rules(2, 1, 0);
    let begun = Health::taken_for_up(SECOND);
    assert!(begun.is_up() && !begun.is_known());
    assert!(begun.after(true, SECOND, false, &rules).0.is_known());
    let (once, turn) = begun.after(false, SECOND, false, &rules);
    assert!(once.is_up() && !once.is_known() && turn.is_none());
    let (twice, turn) = once.after(false, SECOND * 2, false, &rules);
    assert!(!twice.is_up() && twice.is_known());
    assert_eq!(turn, Some(Turn::Down { hold_down: Duration::ZERO }));
    assert_eq!((begun.since(), twice.since()), (SECOND, SECOND * 2));
}

#[test]
fn who_flaps_is_held_down_longer_each_time_and_not_for_ever() {
    let rules = rules(1, 1, 8);
    let mut health = Health::taken_for_up(Duration::ZERO);
    let (mut now, mut held) = (Duration::ZERO, Vec::new());
    let mut fall = |up_for: u32| {
        now += SECOND * up_for;
        let turn;
        (health, turn) = health.after(false, now, false, &rules);
        let Some(Turn::Down { hold_down }) = turn else { panic!("{turn:?}") };
        held.push(hold_down.as_secs());
        assert_eq!(health.held_for(now), hold_down);
        // Just before the end of it nothing helps.
        let before = now + hold_down - Duration::from_millis(1);
        assert_eq!(health.after(true, before, false, &rules).1, None);
        now += hold_down;
        (health, _) = health.after(true, now, false, &rules);
        assert!(health.is_up());
    };
    for up_for in [100, 20, 5, 1, 1, 20, 21, 3] {
        fall(up_for);
    }
    assert_eq!(held, [8, 16, 32, 40, 40, 40, 8, 16]);
}

#[test]
fn a_hold_down_beyond_the_longest_is_as_configured() {
    let rules = Thresholds { longest_hold_down: SECOND, ..rules(1, 1, 30) };
    let down = Health::taken_for_up(Duration::ZERO).after(false, SECOND, false, &rules);
    assert_eq!(down.1, Some(Turn::Down { hold_down: SECOND * 30 }));
}

#[test]
fn who_is_needed_is_not_held_down() {
    let rules = rules(1, 2, 30);
    let (down, turn) = Health::taken_for_up(Duration::ZERO).after(false, SECOND, true, &rules);
    assert_eq!(turn, Some(Turn::Down { hold_down: SECOND * 30 }));
    let (once, turn) = down.after(true, SECOND * 2, true, &rules);
    assert_eq!((once.is_up(), turn), (false, None), "successes are counted all the same");
    assert!(!once.after(true, SECOND * 3, false, &rules).0.is_up());
    assert_eq!(once.after(true, SECOND * 3, true, &rules).1, Some(Turn::Up));
    // It answered well while it was held down, and is needed from now on.
    let held = once.after(true, SECOND * 3, false, &rules).0;
    let (up, turn) = held.after(true, SECOND * 4, true, &rules);
    assert_eq!(turn, Some(Turn::Up));
    // It falls again at once: routers are not told anew every few seconds.
    let (again, turn) = up.after(false, SECOND * 5, true, &rules);
    assert_eq!(turn, Some(Turn::Down { hold_down: SECOND * 40 }));
    let again = again.after(true, SECOND * 6, true, &rules).0;
    assert_eq!(again.after(true, SECOND * 34, true, &rules).1, None);
    assert_eq!(again.after(true, SECOND * 35, false, &rules).1, None);
    assert_eq!(again.after(true, SECOND * 35, true, &rules).1, Some(Turn::Up));
}

#[test]
fn what_was_seen_before_counts() {
    let rules = rules(1, 1, 8);
    let before = Before {
        is_up: false,
        since: SECOND * 10,
        hold_down: SECOND * 16,
        recovered: Some(SECOND * 5),
    };
    let down = Health::resumed(&before);
    assert!(!down.is_up() && !down.is_known());
    assert_eq!(down.held_for(SECOND * 20), SECOND * 6);
    assert_eq!(down.after(true, SECOND * 25, false, &rules).1, None);
    assert_eq!(down.after(true, SECOND * 26, false, &rules).1, Some(Turn::Up));
    // One that came back just now flaps.
    let up = Health::resumed(&Before { is_up: true, since: SECOND * 26, ..before });
    assert!(up.is_up() && !up.is_known());
    let fall = |recovered| {
        let up = Health::resumed(&Before { is_up: true, recovered, ..before });
        up.after(false, SECOND * 27, false, &rules).1
    };
    assert_eq!(fall(Some(SECOND * 26)), Some(Turn::Down { hold_down: SECOND * 32 }));
    assert_eq!(fall(None), Some(Turn::Down { hold_down: SECOND * 8 }));
}

#[test]
fn what_was_seen_before_is_no_verdict() {
    let rules = rules(2, 3, 8);
    let before =
        Before { is_up: false, since: SECOND * 10, hold_down: SECOND * 8, recovered: None };
    // Up to when an answer is given, whether each works, whether it is needed, and what is known then.
    for (at, answers, is_needed, is_up, is_known) in [
        // Its fall is long ago: one failure agrees, and as many successes as ever say that it is up.
        (60, "-", false, false, true),
        (60, "++", false, false, false),
        (60, "+-", false, false, true),
        (60, "+++", false, true, true),
        // It is held down: whatever it answers, it is down.
        (12, "+", false, false, true),
        // Nobody else is there: it would have risen at once.
        (12, "+", true, false, false),
        (12, "+++", true, true, true),
    ] {
        let mut health = Health::resumed(&before);
        for answer in answers.chars() {
            (health, _) = health.after(answer == '+', SECOND * at, is_needed, &rules);
        }
        let found = (health.is_up(), health.is_known());
        assert_eq!(found, (is_up, is_known), "{answers} at {at}, {is_needed}");
    }
    let up = Health::resumed(&Before { is_up: true, ..before });
    for (answers, is_up, is_known) in
        [("-", true, false), ("+", true, true), ("-+", true, true), ("--", false, true)]
    {
        let mut health = up;
        for answer in answers.chars() {
            (health, _) = health.after(answer == '+', SECOND * 60, false, &rules);
        }
        assert_eq!((health.is_up(), health.is_known()), (is_up, is_known), "{answers}");
    }
}

/// What must hold after each answer, said of the answers so far and not of how it is kept.
fn check(answers: &[(bool, u32)], is_needed: bool, rules: &Thresholds) {
    let mut health = Health::taken_for_up(Duration::ZERO);
    let mut now = Duration::ZERO;
    let (mut fell, mut rose, mut held) = (None, None, Duration::ZERO);
    // Answers since the last turn.
    let mut seen: Vec<bool> = Vec::new();
    for (works, pause) in answers {
        now += Duration::from_millis(u64::from(*pause));
        seen.push(*works);
        let ended = |with: bool, many: u32| {
            let last = seen.iter().rev().take_while(|seen| **seen == with).count();
            last >= many.max(1) as usize
        };
        let was_up = health.is_up();
        let turn;
        (health, turn) = health.after(*works, now, is_needed, rules);
        let expected = if was_up {
            ended(false, rules.fail_after).then(|| {
                let flaps = rose.is_some_and(|rose| now - rose <= rules.flap_window);
                held = match flaps {
                    true => (held * 2).min(rules.longest_hold_down).max(rules.hold_down),
                    false => rules.hold_down,
                };
                fell = Some(now);
                Turn::Down { hold_down: held }
            })
        } else {
            let holds = match is_needed {
                true if held <= rules.hold_down => Duration::ZERO,
                true => rules.hold_down,
                false => held,
            };
            let is_over = fell.is_some_and(|fell| now - fell >= holds);
            (is_over && ended(true, rules.recover_after)).then(|| {
                rose = Some(now);
                Turn::Up
            })
        };
        assert_eq!(turn, expected, "{answers:?} {rules:?} at {now:?}");
        if turn.is_some() {
            seen.clear();
            assert_eq!(health.since(), now);
        }
        assert_eq!(health.is_up(), was_up != turn.is_some());
    }
}

#[test]
fn every_short_history() {
    for fail_after in 0..=3 {
        for recover_after in 0..=3 {
            for hold_down in [0, 2, 3] {
                let rules = rules(fail_after, recover_after, hold_down);
                for history in 0u32..1 << 11 {
                    let answers: Vec<(bool, u32)> =
                        (0..11).map(|n| (history >> n & 1 == 1, 1000)).collect();
                    check(&answers, false, &rules);
                    check(&answers, true, &rules);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_history(
        answers in proptest::collection::vec((any::<bool>(), 0u32..30_000), 0..120),
        fail_after in 0u32..5,
        recover_after in 0u32..5,
        hold_down in 0u32..30,
        is_needed in any::<bool>(),
    ) {
        check(&answers, is_needed, &rules(fail_after, recover_after, hold_down));
    }
}
