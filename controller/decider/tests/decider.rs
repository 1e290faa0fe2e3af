//! Sets in use: active, shadow, canary, swapped, and one whose worker does not answer.

#![expect(clippy::unwrap_used, reason = "tests, helpers included")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sark_core::decision::{Action, ENGINE};
use sark_core::storage::Stage;
use sark_decider::{Band, By, Counts, Decided, Decider, Pool, PoolSettings, Question, Settings};
use sark_policy::decision::{Bounds, DecisionSet, Input, Limits, Line, SetFile};

fn file(path: &str, text: &str) -> SetFile {
    SetFile { path: path.to_owned(), octets: text.as_bytes().to_vec() }
}

/// One policy, which says `action` if `condition`.
fn set(action: &str, condition: &str) -> Arc<DecisionSet> {
    let lines = |value: &str| Line::ALL.map(|line| format!("    {line}: {value}\n")).concat();
    let (defaults, on_error) = (lines("{ action: allow }"), lines("deny"));
    let head = "apiVersion: sark/v1\nkind: DecisionSet\nmetadata: { name: test }\nspec:\n";
    let settings = format!("{head}  defaults:\n{defaults}  onError:\n{on_error}");
    let policy = format!(
        "package sark.llm.one\n\ndecisions contains {{\"action\": \"{action}\", \"rule_id\": \"r\", \
         \"reason\": \"because\"}} if {{\n\t{condition}\n}}\n"
    );
    let files = [file("set.yaml", &settings), file("one.rego", &policy)];
    Arc::new(DecisionSet::load(&files, None, &Limits::default()).unwrap())
}

fn question(user: &str) -> Arc<Question> {
    let json = format!(r#"{{"id": "r", "operation": "chat", "user": "{user}"}}"#);
    let input = Input::from_json(Line::Llm, &json).unwrap();
    Arc::new(Question { input, facts: None, at: Timestamp::UNIX_EPOCH })
}

fn decider(band: Band) -> Decider {
    Decider::new(Settings { pool: PoolSettings::default(), band })
}

fn put(
    decider: &Decider,
    active: &Arc<DecisionSet>,
    candidate: Option<(&Arc<DecisionSet>, Stage)>,
) {
    let pool = |set: &Arc<DecisionSet>| decider.pool(Arc::clone(set)).unwrap();
    decider.put(Some(pool(active)), candidate.map(|(set, stage)| (pool(set), stage)));
}

async fn ask(decider: &Decider, user: &str) -> Decided {
    decider.decide(question(user)).await.unwrap()
}

#[tokio::test]
async fn what_is_active_decides_and_is_swapped_while_it_does() {
    let decider = Arc::new(decider(Band::default()));
    assert_eq!(decider.decide(question("ada")).await, None);
    let (deny, audit) = (set("deny", "true"), set("audit", "true"));
    put(&decider, &deny, None);
    let swapping = {
        let (decider, deny, audit) = (Arc::clone(&decider), Arc::clone(&deny), Arc::clone(&audit));
        tokio::task::spawn_blocking(move || {
            for round in 0..50 {
                put(&decider, if round % 2 == 0 { &audit } else { &deny }, None);
            }
        })
    };
    let mut seen = [0, 0];
    while !swapping.is_finished() || seen[0] + seen[1] < 100 {
        let decided = ask(&decider, "ada").await;
        let is_deny = decided.decision.action == Action::Deny;
        assert_eq!(&decided.version, if is_deny { deny.version() } else { audit.version() });
        assert!(is_deny || decided.decision.action == Action::Audit, "{decided:?}");
        seen[usize::from(is_deny)] += 1;
    }
    swapping.await.unwrap();
    assert_eq!(ask(&decider, "ada").await.version, *deny.version());
}

fn tally(decider: &Decider) -> (Counts, Counts, u64) {
    decider.in_use().candidate.as_ref().unwrap().tally.counts()
}

/// Until the shadow has answered so many.
async fn shadowed(decider: &Decider, many: u64) {
    while tally(decider).1.decided < many {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_shadow_is_counted_and_changes_nothing() {
    let decider = decider(Band::default());
    let (active, candidate) = (set("audit", "true"), set("deny", "input.user == \"eve\""));
    put(&decider, &active, Some((&candidate, Stage::Shadow)));
    for (user, many) in [("ada", 1), ("eve", 2), ("eve", 3), ("grace", 4)] {
        let decided = ask(&decider, user).await;
        assert_eq!((decided.decision.action, decided.by), (Action::Audit, By::Active));
        assert_eq!(decided.shadow, None, "what a shadow says comes later");
        shadowed(&decider, many).await;
        let [compared] = &decider.compared()[..] else { panic!("one was asked") };
        let says = if user == "eve" { Action::Deny } else { Action::Allow };
        assert_eq!((compared.shadow.action, &compared.candidate), (says, candidate.version()));
        assert_eq!((&compared.decision, &compared.active), (&decided.decision, active.version()));
        assert_eq!(compared.question, question(user));
    }
    let (own, other, differ) = tally(&decider);
    assert_eq!((own.decided, own.denied, other.decided, other.denied), (4, 0, 4, 2));
    assert_eq!(differ, 4, "audit is not allow");
    // The same once more goes on; another stage begins anew.
    put(&decider, &active, Some((&candidate, Stage::Shadow)));
    assert_eq!(tally(&decider).0.decided, 4);
    put(&decider, &active, Some((&candidate, Stage::Canary { percent: 50 })));
    assert_eq!(tally(&decider).0.decided, 0);
}

/// One thread drives all of this: what the answer does not wait for has not even begun.
#[tokio::test]
async fn nobody_waits_for_a_shadow() {
    let bounds = Bounds { instructions: 3_000_000, time: Duration::from_secs(20) };
    let patience = Duration::from_secs(600);
    let pool = PoolSettings { threads: 1, queue: 1, patience, bounds };
    let decider = Decider::new(Settings { pool, band: Band::default() });
    let slow = set("deny", "some x in numbers.range(1, 999999)\n\tx * x == 7");
    put(&decider, &set("audit", "true"), Some((&slow, Stage::Shadow)));
    let decided = ask(&decider, "ada").await;
    assert_eq!((decided.decision.action, decided.shadow), (Action::Audit, None));
    assert_eq!(tally(&decider).1.decided, 0, "the answer is there before the shadow's");
    shadowed(&decider, 1).await;
    let [compared] = &decider.compared()[..] else { panic!("one was asked") };
    assert_eq!((&*compared.shadow.policy_id, compared.decision.action), (ENGINE, Action::Audit));
}

#[tokio::test]
async fn more_than_a_shadow_can_answer_are_left_out_and_counted() {
    // It ends only when its time is up, which is after everything here.
    let bounds = Bounds { instructions: 300_000_000, time: Duration::from_secs(60) };
    let patience = Duration::from_secs(600);
    let pool = PoolSettings { threads: 1, queue: 2, patience, bounds };
    let decider = Decider::new(Settings { pool, band: Band::default() });
    let squares = "some x in numbers.range(1, 99999)\n\tsome y in numbers.range(1, 99999)";
    let hangs = set("deny", &format!("{squares}\n\tx * y == -7"));
    put(&decider, &set("audit", "true"), Some((&hangs, Stage::Shadow)));
    for n in 0..5 {
        assert_eq!(ask(&decider, &format!("u{n}")).await.decision.action, Action::Audit);
    }
    let left_out = decider.in_use().candidate.as_ref().unwrap().tally.left_out();
    assert_eq!((tally(&decider).1.decided, left_out), (0, 3));
    assert!(decider.compared().is_empty());
}

#[tokio::test]
async fn a_canary_decides_on_its_share_until_it_leaves_its_band() {
    let band = Band { denied: 0.1, failed: 0.5, after: 50 };
    let decider = decider(band);
    let (active, candidate) = (set("audit", "true"), set("deny", "true"));
    put(&decider, &active, Some((&candidate, Stage::Canary { percent: 50 })));
    let mut breach = None;
    for n in 0..1000 {
        let decided = ask(&decider, &format!("u{n}")).await;
        let (action, by) = (decided.decision.action, decided.by);
        assert_eq!(action == Action::Deny, by == By::Canary);
        breach = decided.breach;
        if breach.is_some() {
            break;
        }
    }
    let (version, breach) = breach.unwrap();
    assert_eq!(version, *candidate.version());
    let text = breach.to_string();
    assert_eq!(text, "it stopped 100.0 % of what it decided on, and the active set 0.0 %");
    assert!(decider.in_use().candidate.is_none(), "it decides no more");
    for n in 0..100 {
        assert_eq!(ask(&decider, &format!("u{n}")).await.decision.action, Action::Audit);
    }
}

#[tokio::test]
async fn nobody_pays_for_a_canary_that_errs() {
    let decider = decider(Band { denied: 0.1, failed: 0.02, after: 100 });
    let active = set("audit", "true");
    let candidate = set("audit", "some x in numbers.range(1, 999999)\n\tx * x == 7");
    put(&decider, &active, Some((&candidate, Stage::Canary { percent: 99 })));
    let mut errors = 0;
    for n in 0..100 {
        let decided = ask(&decider, &format!("u{n}")).await;
        assert_eq!((decided.decision.action, decided.by), (Action::Audit, By::Active));
        if let Some(shadow) = decided.shadow {
            assert_eq!(shadow.decision.policy_id, ENGINE);
            errors += 1;
        }
    }
    assert_eq!(errors, 3, "then it was over");
}

/// No built-in function takes long in it, and all of it does.
fn hangs() -> String {
    let numbers = "some x in numbers.range(1, 9999)\n\tsome y in numbers.range(1, 9999)";
    format!("input.user == \"eve\"\n\t{numbers}\n\tx * y == -7")
}

#[tokio::test]
async fn a_worker_that_does_not_answer_is_left_behind_and_others_answer() {
    // No limit of its own would stop it in time.
    let bounds = Bounds { instructions: 30_000_000, time: Duration::from_secs(20) };
    let patience = Duration::from_millis(100);
    let settings = PoolSettings { threads: 1, queue: 4, patience, bounds };
    let hangs = hangs();
    let lost: Arc<AtomicUsize> = Arc::default();
    let pool = Arc::new(Pool::new(set("deny", &hangs), settings, Arc::clone(&lost)).unwrap());
    let lost = || lost.load(Ordering::Acquire);
    let ask = async |user: &str| pool.decide(&question(user)).await;
    let late = ask("eve").await;
    assert_eq!(
        (late.action, &*late.policy_id, &*late.rule_id),
        (Action::Deny, ENGINE, "unanswered")
    );
    assert!(late.reason.ends_with("there was no answer within 100 ms"), "{}", late.reason);
    assert_eq!(lost(), 1);
    assert_eq!(ask("ada").await.action, Action::Allow, "another took its place");
    // As many as there are threads, and no more.
    assert!(ask("eve").await.has_error());
    assert_eq!(lost(), 1);
    // It comes back when it is through.
    while lost() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The one that took the second such question is not through yet.
    while ask("ada").await.has_error() {}
}

#[tokio::test]
async fn a_shadow_that_hangs_leaves_the_active_set_its_successors() {
    let bounds = Bounds { instructions: 30_000_000, time: Duration::from_secs(20) };
    let patience = Duration::from_millis(100);
    let settings = PoolSettings { threads: 1, queue: 4, patience, bounds };
    let hangs = hangs();
    let lost: Arc<AtomicUsize> = Arc::default();
    let pool = |action| Pool::new(set(action, &hangs), settings, Arc::clone(&lost)).unwrap();
    let (shadow, active) = (pool("audit"), pool("deny"));
    let (eve, ada) = (question("eve"), question("ada"));
    assert!(shadow.decide(&eve).await.has_error());
    assert!(shadow.decide(&eve).await.has_error(), "it has used up its successors");
    assert_eq!(lost.load(Ordering::Acquire), 1);
    assert!(active.decide(&eve).await.has_error());
    assert_eq!(lost.load(Ordering::Acquire), 2);
    assert_eq!(active.decide(&ada).await.action, Action::Allow, "another took its place");
}

#[tokio::test]
async fn more_questions_than_wait_are_answered_at_once() {
    let bounds = Bounds { instructions: 30_000_000, time: Duration::from_secs(20) };
    let patience = Duration::from_secs(60);
    let settings = PoolSettings { threads: 1, queue: 1, patience, bounds };
    let hangs = "some x in numbers.range(1, 299999)\n\tx * x == 7";
    let pool = Arc::new(Pool::new(set("deny", hangs), settings, Arc::default()).unwrap());
    let one = async || pool.decide(&question("eve")).await.has_error();
    let answers = tokio::join!(one(), one(), one(), one(), one(), one());
    let refused = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5];
    assert!(refused.iter().any(|refused| *refused) && !refused.iter().all(|refused| *refused));
}
