use sark_api::config::load;
use sark_api::{PoolState, ProxyState};
use sark_compiler::{Fate, ProxyShare, Steering};
use sark_core::SystemClock;
use sark_flowspec::Afi;

use super::*;

const CONFIG: &str = "bgp: { asn: 64512, routerId: 192.0.2.1 }
pools:
  - name: inspection
    proxies: [{ name: a, nextHop4: 192.0.2.10 }, { name: b, nextHop4: 192.0.2.11 }]
    health: { check: tcp, port: 443, holdDownSeconds: 0, recoverAfter: 1 }
  - name: quiet
    proxies: [{ name: a, nextHop4: 192.0.2.12 }]
";

struct Place {
    pools: Arc<Pools>,
    signals: Arc<Signals>,
    turned: mpsc::Receiver<Turned>,
}

fn place() -> Place {
    let config = load("test.yaml", CONFIG, [], &[]).unwrap();
    let signals: Arc<Signals> = Arc::default();
    let (pools, turned) = Pools::new(
        config.pools.clone(),
        config.environment(),
        Arc::new(SystemClock),
        Arc::clone(&signals),
        Arc::default(),
    );
    Place { pools: Arc::new(pools), signals, turned }
}

impl Place {
    fn heard(&self, member: usize, works: bool) {
        let words = if works { "connected" } else { "connection refused" }.to_owned();
        let answer = Answer { works, words, at: SystemClock.now(), took: Duration::ZERO };
        self.pools.heard(member, answer);
    }

    fn up(&self) -> Vec<bool> {
        let environment = self.pools.environment();
        let all = environment.pools.iter().flat_map(|pool| &pool.proxies);
        all.map(|proxy| proxy.is_up).collect()
    }

    async fn is_woken(&self) -> bool {
        // A permit is there at once or not at all.
        let woken = self.signals.wake.notified();
        tokio::time::timeout(Duration::from_millis(1), woken).await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_changes_the_deployment_wakes_and_is_recorded() {
    let mut place = place();
    let before = place.pools.environment();
    assert_eq!(place.up(), [true, true, true]);
    place.heard(0, true);
    place.heard(1, false);
    assert!(Arc::ptr_eq(&before, &place.pools.environment()), "nothing turned");
    assert!(!place.is_woken().await);
    place.heard(1, false);
    assert_eq!(place.up(), [true, false, true]);
    assert!(place.is_woken().await);
    let turned = place.turned.try_recv().unwrap();
    assert_eq!((turned.pool.as_str(), turned.proxy.as_str()), ("inspection", "b"));
    assert_eq!(turned.turn, Turn::Down { hold_down: Duration::ZERO });
    place.heard(1, true);
    assert_eq!(place.up(), [true, true, true]);
    assert_eq!(place.turned.try_recv().unwrap().turn, Turn::Up);
    let metrics = place.pools.metrics.text();
    for line in [
        "sark_proxy_up{pool=\"inspection\",proxy=\"b\"} 1",
        "sark_proxy_turns_total{pool=\"inspection\",proxy=\"b\",to=\"down\"} 1",
        "sark_proxy_turns_total{pool=\"inspection\",proxy=\"b\",to=\"up\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_verdicts_are_waited_for_and_not_for_ever() {
    let place = place();
    let settled = place.pools.settled();
    tokio::pin!(settled);
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, &mut settled).await.is_err());
    place.heard(0, true);
    place.heard(1, false);
    assert!(tokio::time::timeout(second, &mut settled).await.is_err(), "one failure is no verdict");
    place.heard(1, false);
    tokio::time::timeout(second, &mut settled).await.unwrap();
    // Nobody asks: it ends all the same.
    let begun = Instant::now();
    self::place().pools.settled().await;
    assert!(begun.elapsed() >= SETTLING);
}

#[tokio::test(start_paused = true)]
async fn the_view_says_how_each_is_and_what_it_gets() {
    let place = place();
    place.heard(0, true);
    place.heard(1, false);
    place.heard(1, false);
    let share = |proxy: &str, source: &str, part| ProxyShare {
        proxy: proxy.to_owned(),
        sources: vec![source.parse().unwrap()],
        part,
    };
    let steering = |policy: &str, shares| Steering {
        policy: policy.to_owned(),
        pool: "inspection".to_owned(),
        afi: Afi::Ipv4,
        fate: Fate::Redirected,
        shares,
    };
    let steering = [
        steering("one", vec![share("a", "10.0.0.0/9", 0.5), share("b", "10.128.0.0/9", 0.5)]),
        steering("two", vec![share("a", "10.0.0.0/9", 1.0)]),
    ];
    let view = place.pools.view(&steering, true);
    let [inspection, quiet] = view.pools.as_slice() else { panic!("{view:?}") };
    assert_eq!((inspection.state, quiet.state), (PoolState::Degraded, PoolState::Up));
    let [a, b] = inspection.proxies.as_slice() else { panic!("{inspection:?}") };
    assert_eq!((a.state, b.state), (ProxyState::Up, ProxyState::Down));
    assert_eq!((a.share, b.share), (Some(75.0), Some(25.0)));
    assert_eq!(a.sources, ["10.0.0.0/9".parse().unwrap()]);
    assert_eq!(a.check.as_deref(), Some("tcp 192.0.2.10:443"));
    assert_eq!(b.answer.as_ref().unwrap().words, "connection refused");
    assert_eq!(quiet.proxies[0].state, ProxyState::Unasked);
    assert_eq!((quiet.proxies[0].share, &quiet.proxies[0].check), (None, &None));
    // One that follows knows nothing of it.
    let view = place.pools.view(&[], false);
    assert!(view.pools[0].proxies.iter().all(|proxy| proxy.state == ProxyState::Unknown));
}
