use sark_core::SystemClock;
use sark_core::storage::MemoryStore;

use super::*;

const LENGTH: Duration = Duration::from_secs(15);

struct One {
    leadership: Leadership,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn one(store: &Arc<MemoryStore>, name: &str) -> One {
    let store: Arc<dyn LeaseStore> = Arc::clone(store) as Arc<dyn LeaseStore>;
    let (keeper, leadership) = LeaseKeeper::new(store, Arc::new(SystemClock), name, LENGTH);
    let stop = CancellationToken::new();
    let task = tokio::spawn(keeper.run(stop.clone()));
    One { leadership, stop, task }
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_other_takes_over_when_it_says_that_it_ends() {
    let store = Arc::new(MemoryStore::default());
    let mut a = one(&store, "a");
    assert_eq!(a.leadership.known().await.fence(), Some(1));
    let mut b = one(&store, "b");
    let following = b.leadership.known().await;
    assert_eq!(following, Standing::Following { leader: "a".into() });
    pass(LENGTH * 10).await;
    assert!(a.leadership.leads() && !b.leadership.leads());
    a.stop.cancel();
    a.task.await.unwrap();
    b.leadership.over(&following).await;
    assert_eq!(b.leadership.now().fence(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_ends_before_its_lease_does() {
    let store = Arc::new(MemoryStore::default());
    let mut a = one(&store, "a");
    let leading = a.leadership.known().await;
    store.set_broken(true);
    let broken = Instant::now();
    a.leadership.over(&leading).await;
    let after = broken.elapsed();
    assert!(after <= LENGTH * 2 / 3, "{after:?}");
    assert_eq!(a.leadership.now(), Standing::Unknown);
    // It answers again, and nobody has led meanwhile: the same time goes on.
    store.set_broken(false);
    assert_eq!(a.leadership.known().await.fence(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_was_overtaken_follows() {
    let store = Arc::new(MemoryStore::default());
    let mut a = one(&store, "a");
    let leading = a.leadership.known().await;
    store.end_lease();
    let at = SystemClock.now();
    let taken = store.take_lease("b", LENGTH * 99, at).await.unwrap();
    assert_eq!(taken, Taking::Taken { fence: 2 });
    a.leadership.over(&leading).await;
    pass(LENGTH).await;
    assert_eq!(a.leadership.now(), Standing::Following { leader: "b".into() });
    store.end_lease();
    a.leadership.over(&Standing::Following { leader: "b".into() }).await;
    assert_eq!(a.leadership.now().fence(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_leads_for_ever() {
    let mut alone = Leadership::alone();
    let leading = alone.known().await;
    assert!(tokio::time::timeout(LENGTH * 9999, alone.over(&leading)).await.is_err());
    assert!(alone.leads());
}
