//! Every mistake with its line, and what was meant.

use std::fmt::Write;

use super::*;

fn told(files: &[PolicyFile]) -> String {
    match parse_set(files) {
        Ok(set) => panic!("no mistake found: {set:#?}\n{}", files[0].text),
        Err(mistakes) => mistakes.iter().map(|mistake| format!("{mistake}\n")).collect(),
    }
}

fn all(cases: &[&str], document: fn(&str) -> String) -> String {
    let mut shown = String::new();
    for case in cases {
        let _ = writeln!(
            shown,
            "### {}\n{}",
            case.escape_debug(),
            told(&[file("a.yaml", &document(case))])
        );
    }
    shown
}

#[test]
fn documents() {
    let shown = all(
        &[
            "",
            "# nothing but a comment\n",
            "apiVersion: sark/v1\n",
            "kind: FlowSpecPolicy\n",
            "apiVersion: sark/v2\nkind: FlowspecPolicy\nmetadata: { name: x }\nspec: { from: [10.0.0.0/8], action: drop }\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, labels: {} }\ndata: {}\n",
            "apiVersion: sark/v1\nkind: EndpointOverlay\nproviders: []\n",
            "- apiVersion: sark/v1\n",
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: { owner: me, nmae: x }\nspec: {}\n",
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: { name: Block Tor }\nspec: { from: [10.0.0.0/8], action: drop }\n",
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata:\nspec:\n",
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: { name: x }\nspec: { from: [10.0.0.0/8], action: drop }\nstatus: {}\n",
        ],
        str::to_owned,
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn match_fields() {
    let shown = all(
        &[
            "action: drop",
            "from:\naction: drop",
            "from: []\nto: {}\naction: drop",
            "from: 10.0.0.0/8\naction: drop",
            "from: [10.0.0.1/8, 10.0.0.1, 10.0.0.0/33, \"2001:db8::1/64\", \"::ffff:10.0.0.0/104\", example.com]\naction: drop",
            "to: { provider: [openai] }\naction: drop",
            "to: { providers: [OpenAI, openai/api], services: [openai], kinds: [apis], tunnels: [\"\"], prefixes: [192.0.2.1/24] }\naction: drop",
            "to: { names: [localhost, 192.0.2.1, \"*.openai.com\", a_b..com, \"-x.com\", \"аpi.openai.com\", \"аррӏе.com\", \"api.openai。com\", \"xn--zzzzzz.com\"] }\naction: drop",
            "from: [10.0.0.0/8]\nprotocol: tpc\naction: drop",
            "from: [10.0.0.0/8]\nprotocol: 256\naction: drop",
            "from: [10.0.0.0/8]\nprotocol: []\naction: drop",
            "from: [10.0.0.0/8]\nprotocol: { tcp: 443 }\naction: drop",
            "from: [10.0.0.0/8]\nports: [70000, 443-80, https, 8000:8100, 0443, -1, 1-2-3, 1.5, \"\"]\naction: drop",
            "from: [10.0.0.0/8]\nports: 443\naction: drop",
            "from: [10.0.0.0/8]\nprotocol: icmp\nports: [443]\naction: drop",
            "from: [10.0.0.0/8]\nprotocol: [tcp, gre]\nsourcePorts: [443]\naction: drop",
            "from: [10.0.0.0/8]\nports: [443]\nfragment: [is]\naction: drop",
            "from: [10.0.0.0/8]\npacketLength: [65536]\ndscp: [64, eff, 9-8, af99]\naction: drop",
            "from: [10.0.0.0/8]\nprotocol: udp\ntcpFlags: [syn]\naction: drop",
            "from: [10.0.0.0/8]\ntcpFlags: [syn, !ack, sny, \"!\"]\nfragment: [is_fragment, !first]\naction: drop",
            "from: [10.0.0.0/8]\ntcpFlags: [syn, \"!syn\"]\naction: drop",
            "from: [10.0.0.0/8]\npriority: 0\nprots: [443]\nsource_port: [1]\nwhenProxydown: drop\naction: drop",
            "from: [10.0.0.0/8]\npriority: high\naction: drop",
        ],
        with_spec,
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn action_fields() {
    let shown = all(
        &[
            "",
            "dorp",
            "redirect",
            "{}",
            "[drop]",
            "true",
            "{ drop: {}, accept: {} }",
            "{ drop: {}, sample: {} }",
            "{ drop: yes }",
            "{ sample: true }",
            "{ redirect: inspection }",
            "{ redirect: {} }",
            "{ redirect: { to: 192.0.2.1 } }",
            "{ redirect: { to: inspection, vrf: \"65001:100\" } }",
            "{ redirect: { vrf: \"65001:100\", copy: true } }",
            "{ redirect: { vrf: 65001 } }",
            "{ redirect: { vrf: \"4200000001:70000\" } }",
            "{ redirect: { to: inspection, copy: yes } }",
            "{ redirect: { too: inspection } }",
            "{ rateLimit: 10M }",
            "{ rateLimit: {} }",
            "{ rateLimit: { bytesPerSecond: 0 } }",
            "{ rateLimit: { bytesPerSecond: 10Mbit } }",
            "{ rateLimit: { bytesPerSecond: 10Mbps } }",
            "{ rateLimit: { bytesPerSecond: 1.5M } }",
            "{ rateLimit: { bytesPerSecond: -5 } }",
            "{ rateLimit: { packetsPerSecond: 5kB } }",
            "{ rateLimit: { bitsPerSecond: 10M } }",
            "{ rateLimit: { bytesPerSecond: 1, packetsPerSecond: 1 } }",
            "{ rateLimit: { bytesPerSecond: 99999999999G } }",
            "{ mark: 46 }",
            "{ mark: {} }",
            "{ mark: { dscp: 8-9 } }",
            "{ mark: { dscp: 64 } }",
        ],
        |action| with_spec(&format!("from: [10.0.0.0/8]\naction: {action}")),
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn time_fields() {
    let shown = all(
        &[
            "whenProxyDown: drop",
            "whenProxyDown: withdrawn",
            "expires: 30",
            "expires: 30 days",
            "expires: 0d",
            "expires: 12h1d",
            "expires: 1d1d",
            "expires: 999999d",
            "expires: 99999999999999999999d",
            "expires: 2027-01-31",
            "expires: 2027-01-31T00:00:00",
            "expires: 2027-13-31T00:00:00Z",
            "schedule: {}",
            "schedule: { zone: Europe/Pari, windows: [{ from: 08:00, to: 18:00 }] }",
            "schedule: { zone: Nowhere, windows: [] }",
            "schedule: { zone: UTC, windows: [{}] }",
            "schedule: { zone: UTC, windows: [{ days: [], from: 8:00, to: 24:01 }] }",
            "schedule: { zone: UTC, windows: [{ days: [monday, fri-mo, sun-], from: 08:60, to: noon }] }",
            "schedule: { zone: UTC, windows: { from: 08:00, to: 18:00 } }",
        ],
        |field| with_spec(&format!("from: [10.0.0.0/8]\naction: accept\n{field}")),
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn names_are_unique_in_the_set() {
    let a = with_spec("from: [10.0.0.0/8]\naction: drop");
    let shown = told(&[file("one.yaml", &a), file("two.yaml", &format!("{a}---\n{a}"))]);
    insta::assert_snapshot!(shown);
}

#[test]
fn all_mistakes_of_all_files() {
    let first = with_spec("from: [10.0.0.1/8]\naction: dorp\nprots: [1]");
    let second = format!(
        "{}---\n{}",
        with_spec("action: drop").replace("name: x", "name: y"),
        "kind: Pod\nspec: { containers: [] }\n"
    );
    let third = "apiVersion: sark/v1\n  kind: nonsense\n";
    let shown = told(&[file("1.yaml", &first), file("2.yaml", &second), file("3.yaml", third)]);
    insta::assert_snapshot!(shown);
}

#[test]
fn hostile_files_are_refused_fast() {
    let before = std::time::Instant::now();
    for text in [
        "a".repeat(100 << 20),
        format!("spec: {}", "[".repeat(1 << 20 >> 1)),
        format!("spec: &a {{ x: *a }}\n{}", "---\nspec: {}\n".repeat(1000)),
        format!(
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: {{ name: x }}\nspec:\n  from: [{}]\n  action: drop\n",
            "10.0.0.1/8, ".repeat(50_000)
        ),
        (0..30_000).map(|key| format!("k{key}: 1\n")).collect(),
        "kind: Pod\n---\n".repeat(60_000),
        "kind: Pod\n---\n".repeat(4_000),
        format!("---\n{}", (0..25).map(|key| format!("k{key}: 1\n")).collect::<String>())
            .repeat(4_000),
        format!("---\n{}", with_spec("action: drop")).repeat(4_000),
    ] {
        assert!(parse(&text).is_err());
    }
    assert!(before.elapsed() < std::time::Duration::from_secs(60), "{:?}", before.elapsed());
}
