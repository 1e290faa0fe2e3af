//! What ships is readable, sourced, and claims no more than it may.

use std::collections::BTreeSet;

use sark_registry::{Endpoint, Kind, Role, Sharedness, Snapshot, State, seed};

fn providers(takes: impl Fn(&Endpoint) -> bool) -> BTreeSet<String> {
    seed().into_iter().filter(|e| takes(e)).map(|e| e.provider).collect()
}

#[test]
fn it_covers_llm_providers_and_tunnels() {
    let llm = providers(|e| matches!(e.kind, Kind::Api | Kind::Chat));
    assert!(llm.len() >= 25, "{}: {llm:?}", llm.len());
    let hidden = [Kind::Tunnel, Kind::Vpn, Kind::Tor, Kind::Doh, Kind::Proxy];
    let tunnels = providers(|e| hidden.contains(&e.kind));
    assert!(tunnels.len() >= 15, "{}: {tunnels:?}", tunnels.len());
}

#[test]
fn every_endpoint_keeps_its_promises_and_says_where_it_is_from() {
    for endpoint in seed() {
        endpoint.check().unwrap();
        for source in &endpoint.sources {
            assert!(source.source.starts_with("https://"), "{}: {}", endpoint.id, source.source);
        }
        assert!(endpoint.expires_at.is_none(), "{} would expire in a release", endpoint.id);
    }
}

#[test]
fn the_unverified_is_marked_and_less_sure() {
    let seed = seed();
    for endpoint in &seed {
        if !endpoint.verified {
            assert!(endpoint.confidence <= 80, "{}", endpoint.id);
            assert!(endpoint.prefixes.is_empty(), "{} has addresses nobody confirmed", endpoint.id);
            assert_ne!(endpoint.sharedness, Sharedness::Dedicated, "{}", endpoint.id);
        }
    }
    let unverified: BTreeSet<_> =
        seed.iter().filter(|e| !e.verified).map(|e| e.id.as_str()).collect();
    for id in ["openai/api-us", "azure/models", "anthropic/mcp-proxy", "mistral/api", "cursor/api"]
    {
        assert!(unverified.contains(id), "{id}");
    }
}

#[test]
fn the_wrong_end_of_a_connection_is_no_target() {
    for endpoint in seed() {
        let wrong_end = matches!(endpoint.role, Role::Egress | Role::Exit);
        assert_eq!(endpoint.is_destination(), !wrong_end, "{}", endpoint.id);
        // Addresses that clients may be kept from are only ever an ingress or a relay.
        if endpoint.sharedness == Sharedness::Dedicated && !endpoint.prefixes.is_empty() {
            assert!(!wrong_end, "{}", endpoint.id);
            assert_eq!(endpoint.state, State::Active, "{}", endpoint.id);
        }
        let tunnel = matches!(endpoint.kind, Kind::Tunnel | Kind::Vpn | Kind::Tor);
        assert!(!tunnel || endpoint.role != Role::Egress, "{}", endpoint.id);
    }
}

#[test]
fn dedicated_prefixes_lie_in_no_shared_range() {
    let snapshot = Snapshot::build(seed());
    let targets = snapshot.endpoints().iter().filter(|e| e.sharedness == Sharedness::Dedicated);
    for (endpoint, prefix) in targets.flat_map(|e| e.prefixes.iter().map(move |p| (e, *p))) {
        for hit in snapshot.overlaps(prefix) {
            assert_ne!(hit.endpoint.sharedness, Sharedness::Cdn, "{} {prefix}", endpoint.id);
        }
    }
}

#[test]
fn known_addresses_and_names_are_found() {
    let snapshot = Snapshot::build(seed());
    let at = |address: &str| {
        let hits = snapshot.lookup_address(address.parse().unwrap());
        hits.iter().map(|hit| hit.endpoint.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(at("160.79.104.10"), ["anthropic/api", "anthropic/egress"]);
    assert_eq!(at("160.79.106.1"), ["anthropic/egress"]);
    assert_eq!(at("2607:6bc0::1"), ["anthropic/api"]);
    assert_eq!(at("104.18.1.1"), ["cloudflare/cdn"]);
    assert_eq!(at("198.41.218.10"), ["cloudflare-tunnel/edge-us"]);
    assert!(at("198.41.218.11").is_empty() && at("192.0.2.1").is_empty());
    let named = |name: &str| {
        let hits = snapshot.lookup_name(name);
        hits.iter().map(|hit| hit.endpoint.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named("api.openai.com"), ["openai/api"]);
    assert_eq!(named("API.Anthropic.com."), ["anthropic/api"]);
    assert_eq!(named("bedrock-runtime.eu-west-1.amazonaws.com"), ["aws/bedrock"]);
    assert_eq!(named("europe-west1-aiplatform.googleapis.com"), ["google/vertex"]);
    assert_eq!(named("my-resource.openai.azure.com"), ["azure/openai"]);
    assert_eq!(named("api.nordvpn.com"), ["nordvpn/control", "nordvpn/relays"]);
    assert!(
        named("openai.com.example.net").is_empty() && named("storage.googleapis.com").is_empty()
    );
    let openai = snapshot.by_provider("openai");
    assert!(openai.flat_map(|e| &e.prefixes).next().is_none(), "OpenAI publishes no prefix");
}
