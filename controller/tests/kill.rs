//! `sarkd` killed at random points of an apply of 1,000 rules, over and over, with a real gobgpd
//! that lives on. Whatever the point: nothing is in its table that no revision asked for, and
//! after the restart the table is what the stored revision asks for.
//!
//! `SARK_SOAK_SEEDS` sets the number of kills (5 by default), `SARK_SOAK_FIRST` the first seed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::client::{self, body_of, post};
use crate::daemon::{Place, moment};
use crate::world::drop_to;
use sark_compiler::compile;
use sark_core::storage::{AuditStore, PolicyFile, Revision, RevisionStore};
use sark_flowspec::Speaker;
use sark_gobgp::Gobgp;
use sark_store::Store;

const RULES: u32 = 1000;
const CONFIG: &str = "bgp: { asn: 64512, routerId: 127.0.0.1, listenPort: 0 }
peers: [{ name: nobody, address: 127.0.0.2, asn: 64601, profile: frr, port: 17909 }]";

/// The octets of rules.
type Rules = BTreeSet<Vec<u8>>;

#[tokio::test]
async fn killed_at_any_point_of_an_apply() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (seeds, first) = (number("SARK_SOAK_SEEDS", 5), number("SARK_SOAK_FIRST", 1));
    let mut place = Place::new(CONFIG);

    // When an apply over another is stored, and when it is done: that is what the kills are
    // spread over.
    place.start().await;
    let (mut stored_after, mut whole) = (Duration::ZERO, Duration::ZERO);
    for (number, seed) in [(1, first), (2, first - 1)] {
        let begun = Instant::now();
        let body = body_of(&set(seed));
        let socket = place.socket();
        let apply = async {
            let (status, answer) = post(&socket, "/v1/flowspec/apply", body).await;
            assert_eq!(
                (status, &answer["convergence"]["converged"]),
                (200, &true.into()),
                "{answer}"
            );
            begun.elapsed()
        };
        let store = async {
            committed(&place, number).await;
            begun.elapsed()
        };
        (whole, stored_after) = tokio::join!(apply, store);
    }
    place.kill();

    let gobgp = place.gobgp();
    let (mut current, mut rules) = (stored(&place).await, rules_of(&set(first - 1)));
    let (mut kept, mut lost) = (0, 0);
    for seed in first..first + seeds {
        assert_eq!(table(&gobgp).await, rules, "before seed {seed}");
        place.start().await;
        let candidate = set(seed);
        let candidate_rules = rules_of(&candidate);
        let socket = place.socket();
        let body = body_of(&candidate).to_string();
        let apply = tokio::spawn(async move {
            let _ = client::request(&socket, hyper::Method::POST, "/v1/flowspec/apply", body).await;
        });
        // Even seeds up to a little after the commit, odd ones from there to the end.
        let limit = if seed % 2 == 0 {
            stored_after.mul_f64(1.1)
        } else {
            committed(&place, current.number + 1).await;
            whole - stored_after
        };
        let after = limit.mul_f64(random(seed));
        tokio::time::sleep(after).await;
        place.kill();
        apply.await.unwrap();

        let revision = stored(&place).await;
        let accepted = revision.number > current.number;
        assert!(revision.number <= current.number + 1);
        let mut allowed = rules;
        if accepted {
            kept += 1;
            assert_eq!(revision.files, candidate, "seed {seed}: stored as it was sent");
            allowed.extend(candidate_rules.iter().cloned());
        } else {
            lost += 1;
        }
        let there = settled(&gobgp).await;
        let stray = there.difference(&allowed).count();
        assert_eq!(stray, 0, "seed {seed}, after {after:?}: no revision asked for {stray} rules");

        place.start().await;
        let wanted = revision.number;
        place
            .status_is("it converges", |s| {
                s["reconcile"]["converged"] == true && s["reconcile"]["revision"] == wanted
            })
            .await;
        rules = if accepted { candidate_rules } else { allowed };
        current = revision;
        assert_eq!(table(&gobgp).await, rules, "seed {seed}, after {after:?}");
        place.kill();
    }
    eprintln!(
        "{seeds} kills of an apply that is stored after {stored_after:?} and done after {whole:?}: \
         {lost} before the commit, {kept} after it"
    );
    assert!(kept > 0 || seeds < 2, "no kill came after a commit");
}

/// Waits until this revision is in the database, without asking `sarkd`.
async fn committed(place: &Place, number: u64) {
    let store = Store::open(&place.root().join("state/sark.db")).await.unwrap();
    let stored = async || (store.newest().await.unwrap() == Some(number)).then_some(());
    place.until("the revision is stored", stored).await;
    store.close().await;
}

/// 1,000 policies of one rule each; half of them are in the next set too.
fn set(seed: u64) -> Vec<PolicyFile> {
    let first = u32::try_from(seed).unwrap() * RULES / 2;
    let policies: Vec<String> = (first..first + RULES)
        // Never neighbours, so that nothing is merged.
        .map(|n| drop_to(&format!("p{n}"), Ipv4Addr::from(0x0a00_0000 + 2 * n)))
        .collect();
    vec![PolicyFile { name: "set.yaml".into(), text: policies.join("---\n") }]
}

fn rules_of(files: &[PolicyFile]) -> Rules {
    let config = sark_api::config::load("test", CONFIG, [], &[]).unwrap();
    let policies = sark_policy::parse_set(files).unwrap();
    let registry = sark_registry::load([]).unwrap();
    let now = jiff::Timestamp::UNIX_EPOCH;
    let compiled =
        compile(&policies, &registry, &config.environment(), &BTreeMap::new(), now).unwrap();
    assert!(compiled.rules.len() >= RULES as usize, "{:?}", compiled.refused);
    compiled.rules.iter().map(|rule| rule.route.nlri.encode()).collect()
}

/// What a restart would find; one audit record for each revision.
async fn stored(place: &Place) -> Revision {
    let store = Store::open(&place.root().join("state/sark.db")).await.unwrap();
    let revision = store.current().await.unwrap().expect("a revision");
    let records = store.records(10_000).await.unwrap();
    let of_revisions = records.iter().filter(|r| r.detail["changed"] == true).count();
    assert_eq!(of_revisions as u64, revision.number);
    store.close().await;
    revision
}

async fn table(gobgp: &Gobgp) -> Rules {
    let paths = gobgp.table().await.unwrap();
    paths.into_iter().map(|path| path.octets).collect()
}

/// The table when gobgpd has worked off what a killed `sarkd` sent.
async fn settled(gobgp: &Gobgp) -> Rules {
    let mut last = table(gobgp).await;
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(200) {
        moment().await;
        let next = table(gobgp).await;
        if next != last {
            (last, since) = (next, Instant::now());
        }
    }
    last
}

/// 0 to 1, the same for the same seed (SplitMix64).
pub fn random(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let bits = u32::try_from((z ^ (z >> 31)) >> 32).unwrap();
    f64::from(bits) / f64::from(u32::MAX)
}
