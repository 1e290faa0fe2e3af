//! The reconciler on a speaker in memory: whatever goes wrong, the table becomes what the newest
//! revision asks for, and nothing else is touched. Time is the test's.

use std::time::Duration;

use crate::world::{World, drop_to, files, foreign, many};
use sark_core::audit::Outcome;
use sark_core::storage::{AuditStore, RevisionStore};
use sark_flowspec::speaker::fake::Fault;

const A: &str = "dst 203.0.113.1/32 src 10.200.0.0/16 proto =6 dport =443";
const B: &str = "dst 203.0.113.9/32 src 10.200.0.0/16 proto =6 dport =443";

fn a() -> String {
    drop_to("a", "203.0.113.1".parse().unwrap())
}

fn b() -> String {
    drop_to("b", "203.0.113.9".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn applying_twice_changes_nothing() {
    let world = World::new();
    let first = world.apply(&files(&[a(), b()])).await.unwrap();
    assert!(first.changed && first.convergence.converged, "{:?}", first.convergence);
    assert_eq!((first.revision, world.ours()), (1, vec![A.to_owned(), B.to_owned()]));
    let changes = world.speaker.changes();

    let again = world.apply(&files(&[format!("# a comment\n{}", a()), b()])).await.unwrap();
    assert!(!again.changed && again.convergence.converged);
    assert_eq!(again.revision, 1);
    assert_eq!(again.plan.summary.announce + again.plan.summary.withdraw, 0);
    assert_eq!(world.speaker.changes(), changes);
    let records = world.store.records(10).await.unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].detail["changed"], false);
    assert_eq!(records[1].detail["policies"], serde_json::json!(["a", "b"]));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_speaker_that_restarts_empty_is_filled_again_and_foreign_routes_stay() {
    let world = World::new();
    world.apply(&files(&[a(), b()])).await.unwrap();
    world.speaker.restart();
    world.speaker.insert(foreign("dst 198.51.100.1/32", true));
    world.speaker.insert(foreign("dst 198.51.100.2/32", false));
    world.ours_are(2).await;
    world.status_is(|s| s.converged && s.foreign == 2).await;
    world.apply(&files(&[a()])).await.unwrap();
    assert_eq!(world.ours(), [A]);
    assert_eq!(world.speaker.peek().len(), 3);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_taken_by_hand_comes_back_at_the_notice_or_at_the_interval() {
    let world = World::new();
    world.apply(&files(&[a()])).await.unwrap();
    for silent in [false, true] {
        world.speaker.set_drops_events(silent);
        let nlri = world.speaker.peek()[0].nlri.clone().unwrap();
        let begun = tokio::time::Instant::now();
        assert!(world.speaker.remove(&nlri));
        world.ours_are(1).await;
        let limit = if silent { Duration::from_secs(31) } else { Duration::from_secs(1) };
        assert!(begun.elapsed() < limit, "{:?}", begun.elapsed());
    }
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_revision_is_made_without_the_speaker_and_carried_out_when_it_is_back() {
    for fault in [Fault::Unreachable, Fault::Hanging, Fault::Pending] {
        let world = World::new();
        world.speaker.set_fault(Some(fault.clone()));
        let changed = world.apply(&files(&[a()])).await.unwrap();
        assert!(changed.changed && !changed.convergence.converged, "{fault:?}");
        assert!(changed.convergence.reason.is_some());
        assert!(changed.plan.warnings.iter().any(|w| w.code == "speaker-unreachable"));
        assert!(world.ours().is_empty());
        let status = world.api.observatory.status().await;
        assert!(!status.speaker.reachable);
        assert_eq!(status.revision.unwrap().number, 1);
        assert!(status.problems.iter().any(|p| p.code == "speaker-unreachable"));
        world.speaker.set_fault(None);
        world.ours_are(1).await;
        world.status_is(|s| s.converged && s.failures == 0).await;
        world.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_announcement_that_breaks_off_is_completed() {
    let world = World::new();
    world.speaker.set_fault(Some(Fault::AnnouncesOnly(40)));
    let changed = world.apply(&many(100)).await.unwrap();
    assert!(!changed.convergence.converged);
    assert_eq!(world.ours().len(), 40);
    world.speaker.set_fault(None);
    world.ours_are(100).await;
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_changes_nothing_and_is_recorded() {
    let world = World::new();
    world.apply(&files(&[a()])).await.unwrap();
    // A session address is protected: a policy that names it is refused.
    let bad = drop_to("bad", "192.0.2.1".parse().unwrap());
    let error = world.apply(&files(&[b(), bad])).await.unwrap_err();
    let sark_controller::ChangeError::Refused(plan) = error else { panic!("{error:?}") };
    assert_eq!(plan.refused[0].policy, "bad");
    assert_eq!(world.ours(), [A]);
    assert_eq!(world.store.newest().await.unwrap(), Some(1));
    let record = &world.store.records(1).await.unwrap()[0];
    assert_eq!((record.outcome, record.event.as_str()), (Outcome::Refused, "flowspec.apply"));
    assert_eq!(record.detail["refused"][0]["policy"], "bad");
    let error = world.apply(&files(&["nonsense".into()])).await.unwrap_err();
    assert!(matches!(error, sark_controller::ChangeError::Input(_)), "{error:?}");
    assert_eq!(world.store.records(1).await.unwrap()[0].outcome, Outcome::Failed);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_ends_by_itself_and_keeps_its_time_when_others_change() {
    let world = World::new();
    let ends = format!("{}  expires: 1h\n", a());
    world.apply(&files(std::slice::from_ref(&ends))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1800)).await;
    world.apply(&files(&[b(), ends.clone()])).await.unwrap();
    assert_eq!(world.ours().len(), 2);
    tokio::time::sleep(Duration::from_secs(1790)).await;
    assert_eq!(world.ours().len(), 2);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(world.ours(), [B]);
    // The same wording again does not begin anew; another wording does.
    world.apply(&files(&[b(), format!("# again\n{ends}")])).await.unwrap();
    assert_eq!(world.ours(), [B]);
    world.apply(&files(&[b(), ends.replace("1h", "2h")])).await.unwrap();
    assert_eq!(world.ours().len(), 2);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn withdrawing_leaves_the_others_on_their_lines() {
    let world = World::new();
    let c = drop_to("tunnels", "203.0.113.17".parse().unwrap());
    let together = [a(), b(), c].join("---\n");
    world.apply(&files(&[together])).await.unwrap();
    let changed = world.withdraw(&["b"]).await.unwrap();
    assert_eq!((changed.revision, changed.convergence.converged), (2, true));
    assert_eq!(world.ours().len(), 2);
    let policies = world.api.observatory.policies().await.unwrap().policies;
    let places: Vec<_> = policies.iter().map(|p| (p.name.as_str(), p.line)).collect();
    let lines_of_one = u32::try_from(a().lines().count()).unwrap();
    assert_eq!(places[0].1, 1);
    assert!(places[1].1 > 2 * lines_of_one, "{places:?}");
    let rules = world.api.observatory.rules().await.unwrap();
    assert!(rules.rules.iter().all(|r| r.state == sark_api::RuleState::InPlace));

    let error = world.withdraw(&["tunels"]).await.unwrap_err();
    assert!(
        matches!(&error, sark_controller::ChangeError::UnknownPolicy { nearest: Some(n), .. } if n == "tunnels"),
        "{error:?}"
    );
    let all = world.api.changes.withdraw(sark_controller::Which::All, &crate::world::actor()).await;
    assert_eq!(all.unwrap().revision, 3);
    assert!(world.ours().is_empty());
    let causes: Vec<_> =
        world.store.revisions(9).await.unwrap().into_iter().map(|r| r.cause).collect();
    assert_eq!(causes, ["withdraw all", "withdraw b", "apply"]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn changes_at_the_same_time_come_one_after_the_other() {
    let world = World::new();
    let sets: Vec<_> = (0..10)
        .map(|n| files(&[drop_to("x", std::net::Ipv4Addr::new(203, 0, 113, 4 * n))]))
        .collect();
    let applied = futures::future::join_all(sets.iter().map(|set| world.apply(set))).await;
    let mut numbers: Vec<u64> = applied.into_iter().map(|c| c.unwrap().revision).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    world.status_is(|s| s.converged && s.revision == Some(10)).await;
    assert_eq!(world.ours().len(), 1);

    let current = world.store.current().await.unwrap().unwrap().policy_version;
    let apply = |expect: &'static str| {
        let files = files(&[a()]);
        let changes = &world.api.changes;
        async move { changes.apply(files, Some(expect), &crate::world::actor()).await }
    };
    let error = apply("none").await.unwrap_err();
    assert!(
        matches!(&error, sark_controller::ChangeError::Unexpected { current: c, .. } if *c == current),
        "{error:?}"
    );
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_the_store_nothing_is_announced_and_nothing_is_lost() {
    let world = World::new();
    world.apply(&files(&[a()])).await.unwrap();
    world.store.set_broken(true);
    let error = world.apply(&files(&[b()])).await.unwrap_err();
    assert!(matches!(error, sark_controller::ChangeError::Store(_)), "{error:?}");
    world.signals.wake.notify_one();
    world.status_is(|s| s.failures > 0).await;
    assert_eq!(world.ours(), [A]);
    let status = world.api.observatory.status().await;
    assert!(status.problems.iter().any(|p| p.code == "store-unavailable"), "{status:?}");
    assert!(world.api.observatory.is_ready().await.is_err());
    world.store.set_broken(false);
    world.status_is(|s| s.converged).await;
    world.apply(&files(&[b()])).await.unwrap();
    assert_eq!(world.ours(), [B]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_database_takes_no_rule_away() {
    let world = World::new();
    world.apply(&files(&[a(), b()])).await.unwrap();
    let (speaker, _store) = world.stop().await;
    let world = World::resume(speaker, std::sync::Arc::default());
    world.status_is(|s| s.rounds > 1 && s.orphaned == 2).await;
    assert_eq!(world.ours().len(), 2);
    let status = world.api.observatory.status().await;
    assert!(status.problems.iter().any(|p| p.code == "orphaned-rules"), "{status:?}");
    world.api.changes.withdraw(sark_controller::Which::All, &crate::world::actor()).await.unwrap();
    assert!(world.ours().is_empty());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_carries_out_what_was_stored() {
    let world = World::new();
    world.speaker.set_fault(Some(Fault::Unreachable));
    world.apply(&files(&[a()])).await.unwrap();
    let (speaker, store) = world.stop().await;
    speaker.set_fault(None);
    let world = World::resume(speaker, store);
    world.ours_are(1).await;
    world.stop().await;
}
