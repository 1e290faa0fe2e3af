//! Overlay files: what they may say, and that hostile ones are refused where they are wrong.

use sark_core::document::Diagnostic;
use sark_registry::{
    Endpoint, Role, Sharedness, Snapshot, State, load,
    overlay::{apply, parse},
    seed,
};

const HEAD: &str = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: lab }
sources:
  plan: { document: address plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21T08:00:00Z }
";

fn read(body: &str) -> Result<Vec<Endpoint>, Vec<Diagnostic>> {
    apply(seed(), parse("lab.yaml", &format!("{HEAD}{body}"))?)
}

fn found<'a>(endpoints: &'a [Endpoint], id: &str) -> &'a Endpoint {
    endpoints.iter().find(|endpoint| endpoint.id == id).expect(id)
}

/// The one mistake in a body, as a person reads it.
fn mistake(body: &str) -> String {
    let mistakes = read(body).expect_err(body);
    assert_eq!(mistakes.len(), 1, "{body}\n{mistakes:#?}");
    mistakes[0].to_string()
}

#[test]
fn a_service_is_an_endpoint_and_what_it_does_not_say_is_the_least() {
    let endpoints = read(
        "providers:
  - provider: local
    title: Local models
    defaults: { kind: api, sources: [plan] }
    services:
      - { service: ollama, prefixes: [10.1.2.3/32, 'fd00:1::3/128'], ports: [tcp/11434] }
      - { service: gate, kind: tunnel, names: ['*.Gate.Example.com'], confidence: 100, verified: true,
          sharedness: dedicated, state: candidate, expiresAt: 2027-01-01, title: Gate, priceRef: x }
",
    )
    .unwrap();
    let ollama = found(&endpoints, "local/ollama");
    assert_eq!((ollama.role, ollama.sharedness), (Role::Ingress, Sharedness::Cdn));
    assert_eq!((ollama.confidence, ollama.verified, ollama.state), (50, false, State::Active));
    assert_eq!(ollama.sources[0].source, "address plan");
    assert_eq!(ollama.sources[0].last_seen.to_string(), "2026-11-21T08:00:00Z");
    let gate = found(&endpoints, "local/gate");
    assert_eq!((gate.role, gate.title.as_str()), (Role::Relay, "Gate"));
    assert_eq!(gate.names[0].as_str(), "*.gate.example.com");
    assert_eq!(gate.expires_at.unwrap().to_string(), "2027-01-01T00:00:00Z");
    for endpoint in &endpoints {
        endpoint.check().unwrap();
    }
}

#[test]
fn an_extension_adds_and_overrides_what_it_states() {
    let before = found(&seed(), "openai/api").clone();
    let endpoints = read(
        "extensions:
  - { extends: openai/api, prefixes: [192.0.2.0/28], sharedness: dedicated, sources: [plan] }
  - { extends: openai/api, names: [llm.example.com], prefixes: ['2001:db8::/64'], sources: [plan] }
",
    )
    .unwrap();
    let after = found(&endpoints, "openai/api");
    assert_eq!(after.prefixes.len(), 2);
    assert_eq!(after.names.len(), before.names.len() + 1);
    assert_eq!(after.sources.len(), before.sources.len() + 1);
    assert_eq!(after.sharedness, Sharedness::Dedicated);
    assert_eq!((after.confidence, after.verified), (before.confidence, before.verified));
    assert_eq!(endpoints.len(), seed().len());
}

#[test]
fn later_files_win_and_may_extend_earlier_ones() {
    let file = |body: &str| format!("{HEAD}{body}");
    let first = file(
        "providers: [{ provider: lab, title: Lab, defaults: { kind: api, sources: [plan] }, \
         services: [{ service: a, prefixes: [192.0.2.1/32] }, { service: b }] }]",
    );
    let second = file(
        "providers: [{ provider: lab, title: Lab, defaults: { kind: chat, sources: [plan] }, \
         services: [{ service: a }] }]
extensions: [{ extends: lab/b, prefixes: [192.0.2.2/32], sources: [plan] }]",
    );
    let snapshot = load([("1.yaml", &*first), ("2.yaml", &*second)]).unwrap();
    assert!(snapshot.by_id("lab/a").unwrap().prefixes.is_empty());
    assert_eq!(snapshot.by_id("lab/b").unwrap().prefixes.len(), 1);
    // The other way round there is nothing to extend yet.
    let mistakes = load([("2.yaml", &*second), ("1.yaml", &*first)]).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].to_string().starts_with("2.yaml:7:"), "{}", mistakes[0]);
}

#[test]
fn the_example_of_the_documentation_holds() {
    let page = include_str!("../../docs/registry.md");
    let example = |number| {
        page.split("```yaml\n").nth(number).and_then(|rest| rest.split("```").next()).unwrap()
    };
    let feeds = sark_registry::feed::parse("feed.yaml", example(1)).unwrap();
    assert_eq!(feeds[0].outputs[0].endpoint, "partner/vpn");
    let overlay = format!("{}{}", example(2), example(3));
    assert_eq!(parse("overlay.yaml", &overlay).unwrap()[0].never_touch.len(), 2);
    let snapshot = load([("overlay.yaml", example(2))]).unwrap();
    let at = |address: &str| &snapshot.longest_match(address.parse().unwrap()).unwrap().endpoint.id;
    assert_eq!(at("10.40.0.5"), "local-models/ollama");
    assert_eq!(at("192.0.2.3"), "openai/api");
}

#[test]
fn several_documents_in_a_file_are_several_overlays() {
    let one = format!(
        "{HEAD}extensions: [{{ extends: openai/api, prefixes: [192.0.2.1/32], sources: [plan] }}]\n"
    );
    let text = format!("{one}---\n{}", one.replace("192.0.2.1", "192.0.2.2"));
    assert_eq!(parse("lab.yaml", &text).unwrap().len(), 2);
    let snapshot = load([("lab.yaml", &*text)]).unwrap();
    assert_eq!(snapshot.by_id("openai/api").unwrap().prefixes.len(), 2);
    assert!(load([("empty.yaml", "")]).unwrap().version() == Snapshot::build(seed()).version());
}

#[test]
fn a_mistake_has_its_place_and_a_way_out() {
    let service = |fields: &str| {
        format!(
            "providers:\n  - provider: lab\n    title: Lab\n    services:\n      - {{ service: a, {fields} }}\n"
        )
    };
    let full = |fields: &str| service(&format!("kind: api, sources: [plan], {fields}"));
    let extension = |fields: &str| format!("extensions:\n  - {{ {fields} }}\n");
    for (body, parts) in [
        (full("prefixes: [192.0.2.1/24]"), &["lab.yaml:10:", "192.0.2.0/24"][..]),
        (full("prefixes: [0.0.0.0/0]"), &["lab.yaml:10:", "default route"]),
        (full("prefixes: ['::/0']"), &["lab.yaml:10:", "default route"]),
        (full("prefixes: [224.0.0.0/8]"), &["lab.yaml:10:", "multicast"]),
        (full("prefixes: [127.0.0.0/8]"), &["lab.yaml:10:", "no router forwards"]),
        (full("prefixes: [192.0.2.1]"), &["lab.yaml:10:", "192.0.2.1/32"]),
        (full("prefix: [192.0.2.1/32]"), &["lab.yaml:10:", "prefix", "prefixes"]),
        (full("names: ['*.com']"), &["lab.yaml:10:", "top-level domain"]),
        (full("names: [api.\u{43e}penai.com]"), &["lab.yaml:10:", "mixes scripts", "xn--"]),
        (full("ports: [443]"), &["lab.yaml:10:", "tcp/443"]),
        (full("ports: [tcp/70000]"), &["lab.yaml:10:", "1 to 65535"]),
        (full("confidence: 101"), &["lab.yaml:10:", "percentage"]),
        (full("confidence: -1"), &["lab.yaml:10:"]),
        (full("expiresAt: tomorrow"), &["lab.yaml:10:", "2026-11-21"]),
        (full("role: inbound"), &["lab.yaml:10:", "ingress"]),
        (service("kind: apis, sources: [plan]"), &["lab.yaml:10:", "did you mean `api`"]),
        (service("sources: [plan]"), &["lab.yaml:10:", "no kind", "tunnel"]),
        (service("kind: api"), &["lab.yaml:10:", "no source"]),
        (service("kind: api, sources: []"), &["lab.yaml:10:", "no source"]),
        (service("kind: api, sources: [plon]"), &["lab.yaml:10:", "did you mean `plan`"]),
        (
            service(
                "kind: api, sources: [plan] }\n      - { service: a, kind: api, sources: [plan]",
            ),
            &["lab.yaml:11:", "there twice"],
        ),
        (full("title: x").replace("provider: lab", "provider: Lab Net"), &["lab.yaml:7:", "slug"]),
        (extension("extends: opnai/api, sources: [plan]"), &["lab.yaml:7:", "openai/api"]),
        (extension("extends: openai/api, sources: []"), &["lab.yaml:7:", "source"]),
        (extension("extends: openai/api"), &["lab.yaml:7:", "sources"]),
    ] {
        let message = mistake(&body);
        for part in parts {
            assert!(message.contains(part), "{body}\nlacks {part:?}:\n{message}");
        }
    }
}

#[test]
fn every_mistake_of_a_file_is_told() {
    let mistakes = read(
        "providers:
  - provider: lab
    title: Lab
    defaults: { kind: api, sources: [plan] }
    services:
      - { service: a, prefixes: [0.0.0.0/0, 192.0.2.0/24, 10.0.0.1/8] }
      - { service: b, names: [api.example.com, '*'] }
extensions:
  - { extends: openai/api, sources: [nothing] }
",
    )
    .unwrap_err();
    let lines: Vec<_> = mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [11, 11, 12, 14], "{mistakes:#?}");
}

#[test]
fn the_wrong_document_is_refused() {
    for text in [
        "apiVersion: sark/v2\nkind: EndpointOverlay\nmetadata: { name: x }\n",
        "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: { name: x }\n",
        "kind: EndpointOverlay\nmetadata: { name: x }\n",
        "- a\n- b\n",
        "just text",
        "{ unclosed: [",
        "\u{0}\u{1}",
    ] {
        assert!(parse("x.yaml", text).is_err(), "{text:?}");
    }
    let reversed = HEAD.replace("firstSeen: 2026-11-01", "firstSeen: 2027-11-01");
    let mistakes = parse("x.yaml", &reversed).unwrap_err();
    assert!(mistakes[0].to_string().contains("lastSeen is before firstSeen"), "{}", mistakes[0]);
}

#[test]
fn hostile_files_are_refused_at_once() {
    let started = std::time::Instant::now();
    // A bomb of aliases, a cycle, depth, length, and a million entries.
    let mut bomb = String::from("apiVersion: sark/v1\na: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let last = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [*a{last}, *a{last}, *a{last}, *a{last}]\n"));
    }
    let cycle = format!("{HEAD}providers: &p [*p]\n");
    let deep = format!("{HEAD}providers: {}", "[".repeat(100_000));
    let long = format!("{HEAD}# {}", "x".repeat(100 << 20));
    let mut many = format!(
        "{HEAD}providers:\n  - provider: lab\n    title: Lab\n    services:\n      - service: a\n        kind: api\n        sources: [plan]\n        prefixes:\n"
    );
    for number in 0..1_000_000u32 {
        many.push_str(&format!(
            "          - {}/32\n",
            std::net::Ipv4Addr::from(0x0a00_0000 + number)
        ));
    }
    for text in [bomb, cycle, deep, long, many] {
        let mistakes = parse("hostile.yaml", &text).unwrap_err();
        assert!(!mistakes.is_empty() && mistakes.len() <= 100, "{}", mistakes.len());
        assert!(mistakes.iter().all(|mistake| mistake.to_string().len() < 2000));
    }
    let took = started.elapsed();
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
}

#[test]
fn a_file_of_the_greatest_length_is_read() {
    let mut text = format!(
        "{HEAD}providers:\n  - provider: lab\n    title: Lab\n    services:\n      - service: a\n        kind: api\n        sources: [plan]\n        prefixes: [10.0.0.0/32"
    );
    let mut number = 0u32;
    while text.len() < (1 << 20) - 40 {
        number += 1;
        text.push_str(&format!(", {}/32", std::net::Ipv4Addr::from(0x0a00_0000 + number)));
    }
    text.push_str("]\n");
    let snapshot = load([("large.yaml", &*text)]).unwrap();
    assert_eq!(snapshot.by_id("lab/a").unwrap().prefixes.len(), number as usize + 1);
}
