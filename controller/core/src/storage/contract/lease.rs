//! What every store of a lease must do. A lease of no length has ended when it is looked at again.

use std::time::Duration;

use jiff::Timestamp;

use crate::audit::Outcome;
use crate::decision::Severity;
use crate::storage::{AuditStore, LeaseStore, Taking};

const LONG: Duration = Duration::from_secs(3600);

/// All checks, on a store that is empty.
pub async fn run<S: LeaseStore + AuditStore>(store: &S) {
    let at = Timestamp::new(1_790_000_000, 0).expect("a time in range");
    assert_eq!(store.leader().await.unwrap(), None);
    assert!(!store.renew_lease(1, LONG).await.unwrap());
    assert!(!store.release_lease(1).await.unwrap());

    assert_eq!(store.take_lease("a", LONG, at).await.unwrap(), Taking::Taken { fence: 1 });
    let lease = store.leader().await.unwrap().unwrap();
    assert_eq!((lease.leader.as_str(), lease.fence), ("a", 1));
    assert!(lease.left <= LONG && lease.left > LONG / 2, "{lease:?}");
    for name in ["b", "a"] {
        // One of its own name too: it may be another program on another host.
        let held = store.take_lease(name, LONG, at).await.unwrap();
        assert!(matches!(&held, Taking::Held(lease) if lease.leader == "a"), "{held:?}");
    }
    assert!(store.renew_lease(1, LONG).await.unwrap());
    assert!(!store.renew_lease(2, LONG).await.unwrap());

    // It ends, and nobody has come yet: it may go on.
    assert!(store.renew_lease(1, Duration::ZERO).await.unwrap());
    assert_eq!(store.leader().await.unwrap(), None);
    assert!(store.renew_lease(1, LONG).await.unwrap());
    assert!(store.renew_lease(1, Duration::ZERO).await.unwrap());

    // Another comes: the first is told so, and takes nothing away.
    assert_eq!(store.take_lease("b", LONG, at).await.unwrap(), Taking::Taken { fence: 2 });
    assert!(!store.renew_lease(1, LONG).await.unwrap());
    assert!(!store.release_lease(1).await.unwrap());
    assert_eq!(store.leader().await.unwrap().unwrap().leader, "b");

    assert!(store.release_lease(2).await.unwrap());
    assert_eq!(store.leader().await.unwrap(), None);
    assert!(!store.release_lease(2).await.unwrap(), "once");
    assert!(!store.renew_lease(2, LONG).await.unwrap(), "who has said that it ends does not go on");
    assert_eq!(store.take_lease("c", LONG, at).await.unwrap(), Taking::Taken { fence: 3 });

    let records = store.records(9).await.unwrap();
    let leaders: Vec<_> = records.iter().map(|r| r.detail["leader"].as_str().unwrap()).collect();
    assert_eq!(leaders, ["c", "b", "a"]);
    assert!(records.iter().all(|r| r.event == "store.leader" && r.outcome == Outcome::Ok));
    // Only a leader that was lost is told of.
    let told: Vec<_> = records.iter().map(|r| r.notice.is_some()).collect();
    assert_eq!(told, [false, true, false]);
    assert_eq!((records[1].severity, &records[1].detail["lost"]), (Severity::Medium, &"a".into()));
}
