//! What every [`Speaker`] must do, run against the fake and against each real one.
//!
//! A speaker's tests implement [`Harness`] and call [`speaker_contract!`](crate::speaker_contract),
//! which makes one test of each function here, so that none is forgotten.

use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::BoxStream;

pub use super::fake::observed;
use super::{Speaker, SpeakerError, SpeakerEvent};
use crate::{Action, Afi, LargeCommunity, Nlri, Observed, Rate, Route, RouteTarget};

/// A speaker of its own for one test, running and empty. Dropping it cleans up.
#[async_trait(?Send)]
pub trait Harness {
    /// The same one at every call.
    fn speaker(&self) -> Arc<dyn Speaker>;

    /// Adds some local path that this speaker handle did not announce, with an NLRI that no test
    /// here uses.
    async fn add_foreign(&mut self);

    /// Makes it silent; it keeps its connections and its table.
    async fn hang(&mut self);

    /// Ends that.
    async fn resume(&mut self);

    /// Ends it.
    async fn stop(&mut self);

    /// Starts it again, empty, at the same place.
    async fn start(&mut self);

    /// A few milliseconds. Tests wait up to [`MOMENTS`] of them for a condition.
    async fn moment(&self);
}

/// How many moments a test waits.
pub const MOMENTS: usize = 2000;

/// Makes a test of each function of the contract:
/// `speaker_contract!(tokio::test, MyHarness::new().await)`.
#[macro_export]
macro_rules! speaker_contract {
    ($test:meta, $harness:expr) => {
        $crate::speaker_contract!($test, $harness,
            announced_rules_come_back_bit_for_bit,
            an_announcement_replaces_the_actions,
            the_same_again_changes_nothing,
            withdrawing_what_is_absent_is_no_error,
            withdrawing_some_leaves_the_rest,
            empty_calls_do_nothing,
            foreign_paths_stay,
            changes_are_noticed,
            a_restarted_speaker_is_empty,
            ten_thousand_rules,
            a_hanging_speaker_is_a_timeout,
            an_absent_speaker_is_unreachable,
        );
    };
    ($test:meta, $harness:expr, $($case:ident,)+) => {
        $(
            #[$test]
            async fn $case() {
                $crate::speaker::contract::$case(&mut $harness).await;
            }
        )+
    };
}

/// Every component type in both families and every kind of action.
pub async fn announced_rules_come_back_bit_for_bit(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes = every_kind();
    announce(&speaker, &routes).await;
    assert_table(&speaker, &routes).await;
    for path in table(&speaker).await {
        let nlri = path.nlri.expect("our own octets decode");
        assert_eq!(nlri.encode(), path.octets);
    }
}

/// The NLRI is the identity.
pub async fn an_announcement_replaces_the_actions(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let before = rule(Afi::Ipv4, "dst 192.0.2.1/32 proto =6", vec![discard()]);
    let after = Route { actions: vec![Action::TrafficMarking { dscp: 46 }], ..before.clone() };
    announce(&speaker, std::slice::from_ref(&before)).await;
    announce(&speaker, std::slice::from_ref(&after)).await;
    assert_table(&speaker, std::slice::from_ref(&after)).await;
    let accept = Route { actions: Vec::new(), ..before };
    announce(&speaker, std::slice::from_ref(&accept)).await;
    assert_table(&speaker, std::slice::from_ref(&accept)).await;
}

/// Neither in the table nor as a notice.
pub async fn the_same_again_changes_nothing(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes = every_kind();
    announce(&speaker, &routes).await;
    announce(&speaker, &routes).await;
    assert_table(&speaker, &routes).await;
}

/// What is gone already is what was wanted.
pub async fn withdrawing_what_is_absent_is_no_error(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes = every_kind();
    withdraw(&speaker, &routes).await;
    announce(&speaker, &routes[..1]).await;
    withdraw(&speaker, &routes[1..]).await;
    assert_table(&speaker, &routes[..1]).await;
}

/// By NLRI, one for one.
pub async fn withdrawing_some_leaves_the_rest(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes = every_kind();
    announce(&speaker, &routes).await;
    let (gone, rest): (Vec<_>, Vec<_>) =
        routes.iter().cloned().enumerate().partition(|(index, _)| index % 2 == 0);
    let (gone, rest): (Vec<_>, Vec<_>) = (
        gone.into_iter().map(|(_, route)| route).collect(),
        rest.into_iter().map(|(_, route)| route).collect(),
    );
    withdraw(&speaker, &gone).await;
    assert_table(&speaker, &rest).await;
    withdraw(&speaker, &rest).await;
    assert_table(&speaker, &[]).await;
}

/// Above all, withdrawing nothing does not withdraw everything.
pub async fn empty_calls_do_nothing(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes = every_kind();
    announce(&speaker, &routes).await;
    withdraw(&speaker, &[]).await;
    announce(&speaker, &[]).await;
    assert_table(&speaker, &routes).await;
}

/// Another program's local paths are seen and not touched.
pub async fn foreign_paths_stay(harness: &mut impl Harness) {
    harness.add_foreign().await;
    let speaker = harness.speaker();
    let foreign = table(&speaker).await;
    assert_eq!(foreign.len(), 1, "{foreign:?}");
    assert!(foreign[0].local);

    let routes = every_kind();
    announce(&speaker, &routes).await;
    withdraw(&speaker, &routes).await;
    assert_eq!(table(&speaker).await, foreign);
}

/// An announcement, a replacement and a withdrawal each say "look now".
pub async fn changes_are_noticed(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let mut notices = speaker.watch().await.expect("watch");
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let text = match afi {
            Afi::Ipv4 => "dst 192.0.2.1/32",
            Afi::Ipv6 => "dst 2001:db8::1/128",
        };
        let route = rule(afi, text, vec![discard()]);
        announce(&speaker, std::slice::from_ref(&route)).await;
        assert_eq!(next(harness, &mut notices).await, Some(SpeakerEvent::Table));
        let replaced = Route { actions: Vec::new(), ..route };
        announce(&speaker, std::slice::from_ref(&replaced)).await;
        assert_eq!(next(harness, &mut notices).await, Some(SpeakerEvent::Table));
        withdraw(&speaker, std::slice::from_ref(&replaced)).await;
        assert_eq!(next(harness, &mut notices).await, Some(SpeakerEvent::Table));
    }
}

/// The watch ends, the next call finds the new one, and it knows nothing.
pub async fn a_restarted_speaker_is_empty(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes = every_kind();
    announce(&speaker, &routes).await;
    let mut notices = speaker.watch().await.expect("watch");
    harness.stop().await;
    while let Some(event) = next(harness, &mut notices).await {
        assert_eq!(event, SpeakerEvent::Table, "only what was before the end");
    }
    harness.start().await;
    wait(harness, &speaker).await;
    assert_table(&speaker, &[]).await;
    announce(&speaker, &routes).await;
    assert_table(&speaker, &routes).await;
}

/// In one call, and out again in one call.
pub async fn ten_thousand_rules(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes: Vec<_> = (0..10_000).map(numbered).collect();
    announce(&speaker, &routes).await;
    assert_table(&speaker, &routes).await;
    withdraw(&speaker, &routes).await;
    assert_table(&speaker, &[]).await;
}

/// It is there and does not answer; afterwards it has lost nothing.
pub async fn a_hanging_speaker_is_a_timeout(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    let routes = every_kind();
    announce(&speaker, &routes[..2]).await;
    harness.hang().await;
    let error = speaker.table().await.expect_err("it hangs");
    assert!(matches!(error, SpeakerError::Timeout { .. }), "{error}");
    let error = speaker.announce(&routes[..1]).await.expect_err("it hangs");
    assert!(matches!(error, SpeakerError::Timeout { .. }), "{error}");
    harness.resume().await;
    wait(harness, &speaker).await;
    assert_table(&speaker, &routes[..2]).await;
}

/// Each call says so, and works again when it is back.
pub async fn an_absent_speaker_is_unreachable(harness: &mut impl Harness) {
    let speaker = harness.speaker();
    speaker.info().await.expect("it is there");
    harness.stop().await;
    let routes = [numbered(1)];
    for error in [
        speaker.info().await.err(),
        speaker.announce(&routes).await.err(),
        speaker.withdraw(&[routes[0].nlri.clone()]).await.err(),
        speaker.table().await.err(),
        speaker.peers().await.err(),
        speaker.watch().await.err(),
    ] {
        assert!(matches!(error, Some(SpeakerError::Unreachable { .. })), "{error:?}");
    }
    harness.start().await;
    wait(harness, &speaker).await;
    announce(&speaker, &routes).await;
    assert_table(&speaker, &routes).await;
}

/// Rules with each component type and each kind of action that any speaker must carry.
#[must_use]
pub fn every_kind() -> Vec<Route> {
    let redirect = |address: &str, copy| Action::RedirectIp {
        address: address.parse().expect("an address"),
        copy,
    };
    let v4 = [
        ("dst 192.0.2.0/24", vec![]),
        ("dst 0.0.0.0/0 proto =17", vec![discard()]),
        ("src 203.0.113.9/32", vec![rate_bytes(1_000_000.0)]),
        ("dst 192.0.2.0/25 src 203.0.113.0/24 proto =6|=17", vec![rate_packets(1000.0)]),
        ("dst 192.0.2.2/32 port =25|>=137&<=139|>=8080", vec![rate_packets(0.0)]),
        ("dst 192.0.2.3/32 proto =6 dport =443", vec![traffic_action(true, false)]),
        ("dst 192.0.2.4/32 proto =6 sport >1023", vec![traffic_action(false, true)]),
        ("dst 192.0.2.5/32 proto =1 icmp-type =8 icmp-code =0", vec![traffic_action(true, true)]),
        ("dst 192.0.2.6/32 proto =6 tcp-flags =0x2&!=0x10", vec![vrf_as2()]),
        ("dst 192.0.2.7/32 tcp-flags 0x5|!0x82", vec![vrf_ipv4()]),
        ("dst 192.0.2.8/32 length <=64|>=1400&<=1500", vec![vrf_as4()]),
        ("dst 192.0.2.9/32 dscp =0|=46", vec![Action::TrafficMarking { dscp: 46 }]),
        ("dst 192.0.2.10/32 fragment =0x2", vec![redirect("198.51.100.1", false)]),
        ("dst 192.0.2.11/32 fragment 0x1|0x8", vec![redirect("198.51.100.1", true)]),
        (
            "dst 192.0.2.12/32 proto !=6",
            vec![traffic_action(true, false), Action::TrafficMarking { dscp: 10 }, vrf_as2()],
        ),
    ];
    let v6 = [
        ("dst 2001:db8::/32", vec![]),
        ("dst ::/0 proto =58", vec![discard()]),
        ("src 2001:db8:1::9/128 dst 2001:db8:2::/47", vec![rate_bytes(125.5)]),
        ("dst 2001:db8::2/128 proto =6|=17 port =53", vec![rate_packets(10.0)]),
        ("dst 2001:db8::3/128 proto =6 dport =443 sport >=1024", vec![vrf_as2()]),
        ("dst 2001:db8::4/128 proto =58 icmp-type =128 icmp-code =0", vec![vrf_ipv4()]),
        ("dst 2001:db8::5/128 tcp-flags =0x12", vec![vrf_as4()]),
        ("dst 2001:db8::6/128 length >1280", vec![traffic_action(true, false)]),
        ("dst 2001:db8::7/128 dscp =8", vec![Action::TrafficMarking { dscp: 0 }]),
        ("dst 2001:db8::8/128 fragment 0x2|0x4", vec![redirect("2001:db8:ff::1", false)]),
        ("dst 2001:db8::9/128 flow-label =7", vec![redirect("2001:db8:ff::1", true)]),
        (
            "dst 2001:db8::a/128 flow-label >=65536&<=70000",
            vec![rate_bytes(9.5), redirect("2001:db8:ff::2", false)],
        ),
    ];
    let of = |afi| move |(text, actions)| rule(afi, text, actions);
    v4.into_iter().map(of(Afi::Ipv4)).chain(v6.into_iter().map(of(Afi::Ipv6))).collect()
}

/// The rule of a text, in canonical form, with a large community of its own.
#[must_use]
pub fn rule(afi: Afi, text: &str, actions: Vec<Action>) -> Route {
    let nlri = Nlri::parse(afi, text).expect("a rule of a test").canonical();
    let id = nlri
        .encode()
        .iter()
        .fold(0_u32, |id, octet| id.wrapping_mul(31).wrapping_add(u32::from(*octet)));
    let large_community = LargeCommunity { global: 64512, local1: 1, local2: id };
    Route { nlri, actions, large_community }
}

/// One of many like rules; each has its own large community.
#[must_use]
pub fn numbered(number: u32) -> Route {
    let [_, _, high, low] = number.to_be_bytes();
    let text = format!("dst 198.18.{high}.{low}/32 proto =6 dport =443");
    let route = rule(Afi::Ipv4, &text, vec![vrf_as2()]);
    Route { large_community: LargeCommunity { local2: number, ..route.large_community }, ..route }
}

fn discard() -> Action {
    Action::TrafficRateBytes { asn: 64512, rate: Rate::DROP }
}

fn rate_bytes(rate: f32) -> Action {
    Action::TrafficRateBytes { asn: 64512, rate: Rate::new(rate).expect("a rate") }
}

fn rate_packets(rate: f32) -> Action {
    Action::TrafficRatePackets { asn: 64512, rate: Rate::new(rate).expect("a rate") }
}

fn traffic_action(sample: bool, terminal: bool) -> Action {
    Action::TrafficAction { sample, terminal }
}

fn vrf_as2() -> Action {
    Action::RedirectVrf(RouteTarget::As2 { asn: 64512, value: 100_000 })
}

fn vrf_ipv4() -> Action {
    let address = std::net::Ipv4Addr::new(192, 0, 2, 1);
    Action::RedirectVrf(RouteTarget::Ipv4 { address, value: 100 })
}

fn vrf_as4() -> Action {
    Action::RedirectVrf(RouteTarget::As4 { asn: 4_200_000_001, value: 100 })
}

async fn announce(speaker: &Arc<dyn Speaker>, routes: &[Route]) {
    speaker.announce(routes).await.expect("announce");
}

async fn withdraw(speaker: &Arc<dyn Speaker>, routes: &[Route]) {
    let nlris: Vec<_> = routes.iter().map(|route| route.nlri.clone()).collect();
    speaker.withdraw(&nlris).await.expect("withdraw");
}

/// In the order of the octets.
async fn table(speaker: &Arc<dyn Speaker>) -> Vec<Observed> {
    let mut table = speaker.table().await.expect("table");
    sort(&mut table);
    table
}

fn sort(table: &mut [Observed]) {
    table.sort_by(|a, b| (a.afi, &a.octets).cmp(&(b.afi, &b.octets)));
}

/// The table holds these routes and nothing else.
async fn assert_table(speaker: &Arc<dyn Speaker>, routes: &[Route]) {
    let mut expected: Vec<_> = routes.iter().map(observed).collect();
    sort(&mut expected);
    let table = table(speaker).await;
    assert_eq!(table.len(), expected.len());
    for (found, expected) in table.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

/// Until it answers.
async fn wait(harness: &impl Harness, speaker: &Arc<dyn Speaker>) {
    for _ in 0..MOMENTS {
        if speaker.info().await.is_ok() {
            return;
        }
        harness.moment().await;
    }
    assert!(speaker.info().await.is_ok(), "it did not come back");
}

/// The next notice; none in time fails the test.
async fn next(
    harness: &impl Harness,
    notices: &mut BoxStream<'static, SpeakerEvent>,
) -> Option<SpeakerEvent> {
    let patience = pin!(async {
        for _ in 0..MOMENTS {
            harness.moment().await;
        }
    });
    match select(notices.next(), patience).await {
        Either::Left((event, _)) => event,
        Either::Right(_) => {
            let noticed = false;
            assert!(noticed, "no notice came");
            None
        }
    }
}
