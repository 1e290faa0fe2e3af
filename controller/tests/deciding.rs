//! Deciding without a program around it: a trail that is full, another on the same store, a set that
//! cannot be used.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sark_api::Wanted;
use sark_controller::decisions::{Asked, Decisions, Material};
use sark_controller::trail::Keep;
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::decision::Action;
use sark_core::storage::{
    Candidate, DecisionStore as _, MemoryStore, PolicyFile, Rollout, Stage, StoredSet,
};
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_policy::decision::{Input, Line, SetFile};
use sark_trail::{TrailSettings, WhenFull, trail};
use serde_json::json;

use crate::decision_sets::small;
use crate::world::World;

fn decisions() -> (World, Arc<Decisions>) {
    let world = World::new();
    let decisions = Arc::clone(&world.api.decisions);
    (world, decisions)
}

fn material(files: &[(String, String)]) -> Material {
    let file = |(path, text): &(String, String)| SetFile {
        path: path.clone(),
        octets: text.clone().into_bytes(),
    };
    Material::Files(files.iter().map(file).collect())
}

async fn activate(decisions: &Decisions, files: &[(String, String)]) {
    let taken = decisions.take(material(files), "api").await.unwrap();
    assert!(decisions.activate(taken, Wanted::Active, None, None, "uid:0(root)").await.unwrap());
}

fn request(user: &str) -> Input {
    let json = format!(r#"{{"id": "r", "operation": "chat", "user": "{user}"}}"#);
    Input::from_json(Line::Llm, &json).unwrap()
}

#[tokio::test]
async fn what_the_trail_does_not_take_is_not_allowed() {
    let (world, decisions) = decisions();
    activate(&decisions, &small("one", "audit", "u")).await;
    let directory: PathBuf = tempfile::tempdir().unwrap().keep();
    let settings = TrailSettings {
        directory: directory.clone(),
        queue: 1,
        most_octets: 1 << 20,
        when_full: WhenFull::Block,
        program: "sarkd",
    };
    let clock = Arc::new(SystemClock);
    let metrics = Arc::clone(world.api.metrics.trail());
    // Nobody writes: the queue has room for one.
    let (trail, _writer, _drain) =
        trail(&settings, Arc::clone(&world.store) as _, clock, metrics, Arc::default())
            .await
            .unwrap();
    let ask = async |user: &str| {
        let (by, texts) = ("token:gateway".to_owned(), BTreeMap::new());
        let asked = Asked { input: request(user), by, texts, flow: None, durable: false };
        decisions.decide_on(asked, &trail, &Keep::default()).await.unwrap().decision
    };
    assert_eq!(ask("u1").await.action, Action::Audit);
    let closed = ask("u1").await;
    assert_eq!(
        (closed.action, closed.allow, &*closed.rule_id),
        (Action::Deny, false, "unrecorded")
    );
    world.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn another_on_the_same_store_follows() {
    let store: Arc<MemoryStore> = Arc::default();
    let one = World::resume(FakeSpeaker::new(), Arc::clone(&store));
    let two = World::resume(FakeSpeaker::new(), store);
    let (leader, follower) = (&one.api.decisions, &two.api.decisions);
    assert!(follower.decide(request("u1")).await.is_none());
    activate(leader, &small("one", "deny", "u")).await;
    follower.follow().await.unwrap();
    assert_eq!(follower.decide(request("u1")).await.unwrap().decision.action, Action::Deny);
    // What the store does not give leaves in use what is.
    activate(leader, &small("two", "audit", "u")).await;
    one.store.set_broken(true);
    follower.follow().await.unwrap_err();
    assert_eq!(follower.decide(request("u1")).await.unwrap().decision.action, Action::Deny);
    one.store.set_broken(false);
    follower.follow().await.unwrap();
    assert_eq!(follower.decide(request("u1")).await.unwrap().decision.action, Action::Audit);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_candidate_that_cannot_be_used_takes_nothing_with_it() {
    let (world, decisions) = decisions();
    activate(&decisions, &small("one", "deny", "u")).await;
    // As another version of SARK may have taken it.
    let files = vec![PolicyFile { name: "set.yaml".into(), text: "no set".into() }];
    let bad = StoredSet {
        version: sark_core::ContentHash::of(b"bad"),
        name: "bad".into(),
        origin: "api".into(),
        revision: None,
        signed_by: None,
        policies: 1,
        at: jiff::Timestamp::UNIX_EPOCH,
        actor: "noc".into(),
        files,
    };
    let before = world.store.rollout().await.unwrap().unwrap();
    let candidate = Candidate { version: bad.version.clone(), stage: Stage::Shadow };
    let number = before.number + 1;
    let rollout = Rollout { number, candidate: Some(candidate), ..before };
    let at = jiff::Timestamp::UNIX_EPOCH;
    let record = AuditRecord::new(at, "noc", "policy.activate", Outcome::Ok, json!({}));
    world.store.commit_rollout(Some(&bad), &rollout, &record).await.unwrap();
    let after = World::resume(FakeSpeaker::new(), Arc::clone(&world.store));
    let again = &after.api.decisions;
    again.follow().await.unwrap();
    assert_eq!(again.decide(request("u1")).await.unwrap().decision.action, Action::Deny);
    assert_eq!(again.problems()[0].code, "decisions-unreadable");
    // To go on with the active set alone is one word.
    again.rollback(None, "noc").await.unwrap();
    assert!(again.problems().is_empty(), "{:?}", again.problems());
    world.stop().await;
    after.stop().await;
}
