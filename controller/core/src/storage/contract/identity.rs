//! What every store of tokens and approvals must do.

#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use jiff::{SignedDuration, Timestamp};

use super::record;
use crate::ContentHash;
use crate::approval::{Approval, State, Wanted};
use crate::identity::{Identity, Known, Presented, Rights, Role, Scope, Token};
use crate::storage::{ApprovalStore, AuditStore, TokenStore};

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + second, 5).expect("a time in range")
}

/// A token of this name, made from this octet.
#[must_use]
pub fn token(name: &str, octet: u8) -> Token {
    let (_, made) = Presented::make(&[octet; 40]);
    Token {
        id: made.id,
        name: name.into(),
        hash: made.hash,
        rights: Rights {
            roles: [Role::Operator, Role::Approver].into(),
            scopes: [Scope::Reports("rfc1149".into())].into(),
        },
        created_at: at(i64::from(octet)),
        created_by: "uid:0(root)".into(),
        expires_at: Some(at(1000)),
        revoked_at: None,
        revoked_by: None,
        last_used_at: None,
        last_used_from: None,
    }
}

/// All checks, on a store that is empty.
pub async fn run<S: TokenStore + ApprovalStore + AuditStore>(store: &S) {
    tokens(store).await;
    approvals(store).await;
    one_of_two_uses_it(store).await;
}

async fn tokens<S: TokenStore + AuditStore>(store: &S) {
    assert_eq!(store.token("nobody").await.unwrap(), None);
    assert!(store.tokens(10).await.unwrap().is_empty());
    let (one, two) = (token("é ci", 1), token("sensor", 2));
    assert!(store.add_token(&one, &record("made")).await.unwrap());
    assert!(store.add_token(&two, &record("made")).await.unwrap());
    assert_eq!(store.token(&one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.tokens(10).await.unwrap(), [two.clone(), one.clone()]);
    assert_eq!(store.tokens(1).await.unwrap(), [two]);
    let records = store.records(100).await.unwrap().len();
    for taken in [token("é ci", 3), Token { id: one.id.clone(), ..token("other", 3) }] {
        assert!(!store.add_token(&taken, &record("taken")).await.unwrap());
    }
    assert!(!store.revoke_token("nobody", at(5), "x", &record("none")).await.unwrap());
    assert_eq!(store.records(100).await.unwrap().len(), records, "nothing was written");
    store.token_used(&one.id, at(4), "192.0.2.7").await.unwrap();
    store.token_used("nobody", at(4), "192.0.2.7").await.unwrap();
    assert!(store.revoke_token(&one.id, at(5), "uid:0(root)", &record("revoked")).await.unwrap());
    assert!(!store.revoke_token(&one.id, at(6), "x", &record("again")).await.unwrap());
    let revoked = Token {
        revoked_at: Some(at(5)),
        revoked_by: Some("uid:0(root)".into()),
        last_used_at: Some(at(4)),
        last_used_from: Some("192.0.2.7".into()),
        ..one
    };
    assert_eq!(store.token(&revoked.id).await.unwrap(), Some(revoked.clone()));
    assert_eq!(store.records(1).await.unwrap(), [record("revoked")]);
    // The name is free again.
    assert!(store.add_token(&token("é ci", 3), &record("made")).await.unwrap());
}

/// An approval that waits.
#[must_use]
pub fn approval(id: &str) -> Approval {
    let by = Identity {
        name: "token:é".into(),
        known: Known::Token,
        rights: Rights::default(),
        made_by: Some("uid:0(root)".into()),
    };
    let wanted = Wanted {
        kind: "flowspec.plan".into(),
        subject: ContentHash::of(b"plan"),
        title: "\"Redirect\" é".into(),
        wait: SignedDuration::from_hours(1),
    };
    Approval::request(id.into(), wanted, &by, at(0)).unwrap()
}

fn other() -> Identity {
    Identity {
        name: "uid:2(b)".into(),
        known: Known::User,
        rights: Rights::default(),
        made_by: None,
    }
}

async fn approvals<S: ApprovalStore + AuditStore>(store: &S) {
    let (one, two) = (approval("one"), approval("two"));
    assert!(store.add_approval(&one, &record("asked")).await.unwrap());
    assert!(store.add_approval(&two, &record("asked")).await.unwrap());
    assert!(!store.add_approval(&one, &record("again")).await.unwrap());
    assert_eq!(store.approval("one").await.unwrap(), Some(one.clone()));
    assert_eq!(store.approval("none").await.unwrap(), None);
    assert_eq!(store.approvals(9).await.unwrap(), [two.clone(), one.clone()]);
    assert_eq!(store.undecided(9).await.unwrap(), [one.clone(), two.clone()]);
    assert_eq!(store.undecided(1).await.unwrap(), std::slice::from_ref(&one));
    let subject = one.subject.as_str();
    assert!(store.approved(&one.kind, subject).await.unwrap().is_empty());
    let approved = one.decide(true, &other(), Some("é".into()), at(1)).unwrap();
    assert!(store.step_approval(&one.step, &approved, &record("approved")).await.unwrap());
    assert!(!store.step_approval(&one.step, &approved, &record("twice")).await.unwrap());
    assert_eq!(store.records(1).await.unwrap(), [record("approved")]);
    assert_eq!(store.approved(&one.kind, subject).await.unwrap(), [approved]);
    assert!(store.approved("other", subject).await.unwrap().is_empty());
    assert!(store.approved(&one.kind, "sha256:00").await.unwrap().is_empty());
    let rejected = two.decide(false, &other(), None, at(1)).unwrap();
    assert!(store.step_approval(&two.step, &rejected, &record("rejected")).await.unwrap());
    assert_eq!(store.approval("two").await.unwrap(), Some(rejected));
    assert!(store.undecided(9).await.unwrap().is_empty());
    let three = approval("three");
    assert!(store.add_approval(&three, &record("asked")).await.unwrap());
    assert_eq!(store.undecided(9).await.unwrap(), std::slice::from_ref(&three));
    let expired = three.expire(three.until).unwrap();
    assert!(store.step_approval(&three.step, &expired, &record("expired")).await.unwrap());
    // Of two who notice it, one does.
    assert!(!store.step_approval(&three.step, &expired, &record("twice")).await.unwrap());
    assert_eq!(store.records(1).await.unwrap(), [record("expired")]);
    assert_eq!(store.approval("three").await.unwrap(), Some(expired));
    assert!(store.undecided(9).await.unwrap().is_empty());
}

async fn one_of_two_uses_it<S: ApprovalStore>(store: &S) {
    let approved = store.approval("one").await.unwrap().unwrap();
    let used = |by: &str| approved.redeem(by, at(2)).unwrap();
    let (a, b) = (used("a"), used("b"));
    let (record_a, record_b) = (record("used"), record("used"));
    let (first, second) = futures_of(
        store.step_approval(&approved.step, &a, &record_a),
        store.step_approval(&approved.step, &b, &record_b),
    )
    .await;
    assert!(first.unwrap() ^ second.unwrap(), "it is used once");
    let used = store.approval("one").await.unwrap().unwrap();
    assert_eq!(used.state(at(3)), State::Used);
}

/// One after the other: the second comes with what it read before the first.
async fn futures_of<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    (a.await, b.await)
}
