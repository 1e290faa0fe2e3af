//! Random rules through a real gobgpd: each has its place in the table, and its own octets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sark_flowspec::speaker::contract::observed;
use sark_flowspec::{
    Action, Afi, BitmaskItem, Component, ComponentType, LargeCommunity, Nlri, NumericItem,
    NumericOp, Rate, Route, RouteTarget, Speaker, Width,
};
use sark_gobgp::check;

use crate::process::{Gobgpd, Release};

const RULES: usize = 4000;

async fn each_keeps_its_octets(release: Release) {
    let gobgpd = Gobgpd::start(release).await;
    let mut runner = TestRunner::deterministic();
    let mut routes = BTreeMap::new();
    while routes.len() < RULES {
        let route = route().new_tree(&mut runner).unwrap().current();
        if check::routes(std::slice::from_ref(&route)).is_ok() {
            routes.insert((route.nlri.afi(), route.nlri.encode()), route);
        }
    }
    let routes: Vec<_> = routes.into_values().collect();
    gobgpd.speaker.announce(&routes).await.unwrap();
    let table = gobgpd.speaker.table().await.unwrap();
    let table: BTreeMap<_, _> =
        table.into_iter().map(|path| ((path.afi, path.octets.clone()), path)).collect();
    for route in &routes {
        let found = table
            .get(&(route.nlri.afi(), route.nlri.encode()))
            .unwrap_or_else(|| panic!("{} is not in the table", route.nlri));
        assert_eq!(*found, observed(route), "{}", route.nlri);
    }
    assert_eq!(table.len(), routes.len());
    let nlris: Vec<_> = routes.into_iter().map(|route| route.nlri).collect();
    gobgpd.speaker.withdraw(&nlris).await.unwrap();
    assert_eq!(gobgpd.speaker.table().await.unwrap(), []);
}

/// gobgpd's table key is its own text of a rule: two rules with one text would be one path.
async fn like_rules_do_not_meet(release: Release) {
    let gobgpd = Gobgpd::start(release).await;
    let mut routes = BTreeMap::new();
    let items = |mask: u64| {
        (0..=mask).flat_map(|value| {
            [(false, false), (false, true), (true, false), (true, true)].map(|(not, all)| {
                vec![BitmaskItem { and: false, not, all, value, width: Width::shortest(value) }]
            })
        })
    };
    let numbers = |max: u64| {
        (0..=max).flat_map(|value| {
            [NumericOp::Equal, NumericOp::LessOrEqual, NumericOp::GreaterOrEqual]
                .map(|op| vec![NumericItem::new(op, value)])
        })
    };
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let fragments = ComponentType::Fragment.max_value(afi);
        let fragments = items(0xf).filter(|items| items[0].value & !fragments == 0);
        let all = items(0xff)
            .chain(pairs(&[0, 1, 2, 3, 16, 18]))
            .map(Component::TcpFlags)
            .chain(pairs(&[2, 4, 6, 8]).into_iter().map(Component::Fragment))
            .chain(fragments.map(Component::Fragment))
            .chain(numbers(0xff).map(Component::Protocol))
            .chain(numbers(0xff).map(Component::IcmpType))
            .chain(numbers(0xff).map(Component::IcmpCode))
            .chain(numbers(0x3f).map(Component::Dscp));
        for component in all {
            let nlri = Nlri::new(afi, vec![component]).unwrap().canonical();
            let large_community = LargeCommunity { global: 1, local1: 2, local2: 3 };
            let route = Route { nlri, actions: Vec::new(), large_community };
            routes.insert((afi, route.nlri.encode()), route);
        }
    }
    let all: Vec<_> = routes.values().cloned().collect();
    gobgpd.speaker.announce(&all).await.unwrap();
    for path in gobgpd.speaker.table().await.unwrap() {
        routes.remove(&(path.afi, path.octets));
    }
    let lost: Vec<_> = routes.values().map(|route| route.nlri.to_string()).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), all.len());
}

/// All lists of two items with these values.
fn pairs(values: &[u64]) -> Vec<Vec<BitmaskItem>> {
    let mut items = Vec::new();
    for value in values {
        for (not, all) in [(false, false), (false, true), (true, false), (true, true)] {
            items.push(BitmaskItem { and: false, not, all, value: *value, width: Width::One });
        }
    }
    let mut pairs = Vec::new();
    for first in &items {
        for second in &items {
            for and in [false, true] {
                pairs.push(vec![*first, BitmaskItem { and, ..*second }]);
            }
        }
    }
    pairs
}

fn route() -> impl Strategy<Value = Route> {
    let nlri = select(vec![Afi::Ipv4, Afi::Ipv6]).prop_flat_map(|afi| {
        let last = if afi == Afi::Ipv4 { 12 } else { 13 };
        subsequence((1..=last).collect::<Vec<u8>>(), 1..=4)
            .prop_flat_map(move |kinds| {
                kinds.into_iter().map(|kind| component(afi, kind)).collect::<Vec<_>>()
            })
            .prop_map(move |components| Nlri::new(afi, components).unwrap().canonical())
    });
    (nlri, vec(action(), 0..=3), any::<[u32; 3]>()).prop_map(|(nlri, actions, community)| {
        let mut actions = actions;
        // GoBGP sorts nothing, but of one kind twice a peer keeps what it likes.
        actions.dedup_by_key(|action| std::mem::discriminant(action));
        let [global, local1, local2] = community;
        Route { nlri, actions, large_community: LargeCommunity { global, local1, local2 } }
    })
}

fn component(afi: Afi, kind: u8) -> BoxedStrategy<Component> {
    let numbers = |max: u64| vec(number(max), 1..=4).prop_map(ored);
    match kind {
        1 => prefix(afi).prop_map(|net| Component::Destination(net.into())).boxed(),
        2 => prefix(afi).prop_map(|net| Component::Source(net.into())).boxed(),
        3 => numbers(0xff).prop_map(Component::Protocol).boxed(),
        4 => numbers(0xffff).prop_map(Component::Port).boxed(),
        5 => numbers(0xffff).prop_map(Component::DestinationPort).boxed(),
        6 => numbers(0xffff).prop_map(Component::SourcePort).boxed(),
        7 => numbers(0xff).prop_map(Component::IcmpType).boxed(),
        8 => numbers(0xff).prop_map(Component::IcmpCode).boxed(),
        9 => vec(bits(0xfff), 1..=3).prop_map(Component::TcpFlags).boxed(),
        10 => numbers(0xffff).prop_map(Component::PacketLength).boxed(),
        11 => numbers(0x3f).prop_map(Component::Dscp).boxed(),
        12 => {
            let bits = bits(ComponentType::Fragment.max_value(afi));
            vec(bits, 1..=3).prop_map(Component::Fragment).boxed()
        }
        _ => numbers(0xf_ffff)
            .prop_map(|items| {
                let four = |item: NumericItem| NumericItem { width: Width::Four, ..item };
                Component::FlowLabel(items.into_iter().map(four).collect())
            })
            .boxed(),
    }
}

/// The first item has nothing to be ANDed with.
fn ored(mut items: Vec<NumericItem>) -> Vec<NumericItem> {
    items[0].and = false;
    items
}

fn number(max: u64) -> impl Strategy<Value = NumericItem> {
    let ops = vec![
        NumericOp::Equal,
        NumericOp::Greater,
        NumericOp::GreaterOrEqual,
        NumericOp::Less,
        NumericOp::LessOrEqual,
        NumericOp::NotEqual,
    ];
    let edge = select(vec![0, 1, max / 2, max - 1, max]);
    (any::<bool>(), select(ops), prop_oneof![0..=max, edge])
        .prop_map(|(and, op, value)| NumericItem { and, ..NumericItem::new(op, value) })
}

/// Items with only the bits of `mask`.
fn bits(mask: u64) -> impl Strategy<Value = BitmaskItem> {
    (any::<bool>(), any::<bool>(), any::<u64>()).prop_map(move |(not, all, value)| {
        let value = value & mask;
        BitmaskItem { and: false, not, all, value, width: Width::shortest(value) }
    })
}

fn prefix(afi: Afi) -> BoxedStrategy<IpNet> {
    match afi {
        Afi::Ipv4 => (any::<u32>(), 0..=32_u8)
            .prop_map(|(address, length)| {
                IpNet::V4(Ipv4Net::new(Ipv4Addr::from(address), length).unwrap().trunc())
            })
            .boxed(),
        Afi::Ipv6 => (any::<u128>(), 0..=128_u8, 0..=128_u32)
            .prop_map(|(address, length, zeros)| {
                // Leading zeros too: texts such as `::1` and `::192.0.2.1`.
                let address = Ipv6Addr::from(address.checked_shr(zeros).unwrap_or(0));
                IpNet::V6(Ipv6Net::new(address, length).unwrap().trunc())
            })
            .boxed(),
    }
}

fn action() -> impl Strategy<Value = Action> {
    let rate = prop_oneof![Just(0.0), 0.0..1e12_f32, any::<u16>().prop_map(f32::from)];
    let rate = rate.prop_map(|rate| Rate::new(rate).unwrap());
    let target = prop_oneof![
        any::<(u16, u32)>().prop_map(|(asn, value)| RouteTarget::As2 { asn, value }),
        any::<(u32, u16)>().prop_map(|(asn, value)| RouteTarget::As4 { asn, value }),
        any::<(u32, u16)>()
            .prop_map(|(address, value)| RouteTarget::Ipv4 { address: address.into(), value }),
    ];
    let address = prop_oneof![
        any::<u32>().prop_map(|address| IpAddr::V4(address.into())),
        any::<u128>().prop_map(|address| IpAddr::V6(address.into())),
    ];
    prop_oneof![
        (any::<u16>(), rate.clone()).prop_map(|(asn, rate)| Action::TrafficRateBytes { asn, rate }),
        (any::<u16>(), rate).prop_map(|(asn, rate)| Action::TrafficRatePackets { asn, rate }),
        any::<(bool, bool)>()
            .prop_map(|(sample, terminal)| Action::TrafficAction { sample, terminal }),
        target.prop_map(Action::RedirectVrf),
        (address, any::<bool>()).prop_map(|(address, copy)| Action::RedirectIp { address, copy }),
        (0..=63_u8).prop_map(|dscp| Action::TrafficMarking { dscp }),
    ]
}

#[tokio::test]
async fn gobgpd_installed_keeps_octets() {
    each_keeps_its_octets(Release::Installed).await;
}

#[tokio::test]
async fn gobgpd_3_36_keeps_octets() {
    each_keeps_its_octets(Release::V3_36).await;
}

#[tokio::test]
async fn gobgpd_installed_keeps_rules_apart() {
    like_rules_do_not_meet(Release::Installed).await;
}

#[tokio::test]
async fn gobgpd_3_36_keeps_rules_apart() {
    like_rules_do_not_meet(Release::V3_36).await;
}
