use super::*;
use crate::config::PoolConfig;

const SMALL: &str = "bgp:
  asn: 64512
  routerId: 192.0.2.1
peers:
  - { name: edge1, address: 192.0.2.11, asn: 64601, profile: frr }
";

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn five_lines_are_enough() {
    let config = load("sark.yaml", SMALL, [], &[]).unwrap();
    assert_eq!(config.state.directory.to_str(), Some("/var/lib/sark"));
    assert_eq!(config.gobgpd_api(), "unix:///var/lib/sark/gobgpd/gobgpd.sock");
    assert_eq!(config.peers[0].port, 179);
    let environment = config.environment();
    assert_eq!(environment.profile.name, "frr");
    assert_eq!(environment.sessions.len(), 1);
    assert_eq!(environment.sessions[0].local.to_string(), "192.0.2.1");
    assert_eq!(environment.protected.len(), 1, "router id and local address are one");
}

#[test]
fn environment_and_command_line_win_over_the_file() {
    let config = load(
        "sark.yaml",
        SMALL,
        env(&[
            ("SARK_BGP__ROUTER_ID", "192.0.2.77"),
            ("SARK_BGP__GOBGPD__ON_STOP", "withdraw"),
            ("SARK_LOG__FORMAT", "json"),
            ("SARK_SOCKET", "not ours"),
            ("PATH", "/bin"),
        ]),
        &[("log.format", "text".to_owned()), ("bgp.listenPort", "1790".to_owned())],
    )
    .unwrap();
    assert_eq!(config.bgp.router_id.to_string(), "192.0.2.77");
    assert_eq!(config.bgp.gobgpd.on_stop, crate::config::OnStop::Withdraw);
    assert_eq!(config.log.format, crate::config::LogFormat::Text);
    assert_eq!(config.bgp.listen_port, 1790);
    assert_eq!(config.peers[0].name, "edge1");
}

#[test]
fn the_environment_alone_can_be_enough() {
    let config = load(
        "none",
        "",
        env(&[("SARK_BGP__ASN", "64512"), ("SARK_BGP__ROUTER_ID", "192.0.2.1")]),
        &[],
    )
    .unwrap();
    assert_eq!(config.bgp.asn, 64512);
}

#[test]
fn a_misspelt_key_is_shown_with_its_place_and_the_key_that_was_meant() {
    for layers in [vec![], env(&[("SARK_LOG__FORMAT", "json")])] {
        let text = SMALL.replace("routerId", "routerID");
        let mistakes = load("sark.yaml", &text, layers, &[]).unwrap_err();
        assert_eq!((mistakes[0].line, mistakes.len()), (3, 1), "{mistakes:?}");
        assert!(mistakes[0].to_string().contains("routerId"), "{}", mistakes[0]);
    }
}

#[test]
fn an_unknown_variable_is_refused() {
    let mistakes =
        load("sark.yaml", SMALL, env(&[("SARK_BGP__ROUTRID", "192.0.2.1")]), &[]).unwrap_err();
    assert!(mistakes[0].message.contains("routrid"), "{}", mistakes[0]);
}

#[test]
fn a_password_in_the_file_is_refused_and_not_shown() {
    let text = SMALL.replace("profile: frr", "passwordRef: hunter2");
    let mistakes = load("sark.yaml", &text, [], &[]).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(!format!("{mistakes:?}").contains("hunter2"));
    assert!(mistakes[0].to_string().contains("file:/path"), "{}", mistakes[0]);
}

#[test]
fn each_mistake_is_told() {
    let text = "bgp: { asn: 0, routerId: 0.0.0.0, gobgpd: { mode: external, onStop: withdraw } }
peers:
  - { name: a, address: 192.0.2.11, asn: 64601, profile: fr, holdTime: 1s }
  - { name: a, address: 192.0.2.11, asn: 0, families: [ipv4, ipv4], maxRules: 0 }
  - { name: six, address: '2001:db8::1', asn: 64601 }
pools: [{ name: p, proxies: [{ name: a }] }]
protected: [{ name: x, prefix: 192.0.2.1/24 }]
metrics: { listen: '0.0.0.0:9465' }
reconcile: { interval: 0s }
";
    let mistakes = load("sark.yaml", text, [], &[]).unwrap_err();
    let all = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "bgp.asn: 0 is reserved",
        "bgp.routerId: 0.0.0.0",
        "bgp.gobgpd.onStop",
        "no profile \"fr\"",
        "did you mean frr?",
        "holdTime",
        "this name is taken",
        "another peer has this address",
        "AS 0",
        "families are empty or repeated",
        "maxRules 0",
        "localAddress",
        "no next hop",
        "host bits",
        "192.0.2.0/24",
        "loopback",
        "reconcile.interval",
    ] {
        assert!(all.contains(part), "{part} is missing from\n{all}");
    }
}

#[test]
fn an_empty_file_and_two_documents_are_refused() {
    for text in ["", "# nothing\n", "bgp: {asn: 1, routerId: 192.0.2.1}\n---\nbgp: {}\n"] {
        assert!(load("sark.yaml", text, [], &[]).is_err(), "{text:?}");
    }
}

#[test]
fn the_price_list_s_mistakes() {
    let text = format!(
        "{SMALL}registry:
  prices:
    file: prices.json
    url: http://prices.example/list.json
    schedule: '0 5 * * *'
    mostOctets: 1
    doubt: {{ lostPercent: 101, factor: 1, jumpPercent: 200 }}
    transport: {{ timeout: 0s, proxy: 'prices.example:3128', headers: {{ 'a b': hunter2 }} }}
    keepVersions: 1
"
    );
    let mistakes = load("sark.yaml", &text, [], &[]).unwrap_err();
    let all = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "prices.url: there is a file too",
        "plain http",
        "seconds come first",
        "prices.mostOctets: 1 is out of range",
        "prices.doubt.lostPercent: 101",
        "prices.doubt.factor: 1 is",
        "prices.doubt.jumpPercent: 200",
        "prices.transport.timeout",
        "prices.transport.proxy",
        "not a header's name",
        "its value is not a reference",
        "prices.keepVersions: 1",
    ] {
        assert!(all.contains(part), "{part} is not in:\n{all}");
    }
    assert!(!all.contains("hunter2"));
}

#[test]
fn the_price_list_is_a_feed() {
    use sark_registry::feed::{Format, Location, PriceDoubt};
    let with = |lines: &str| {
        let text = format!("{SMALL}registry: {{ prices: {{ {lines} }} }}\n");
        let config = load("sark.yaml", &text, [], &[]).unwrap();
        config.registry.prices.feed(std::path::Path::new("/etc/sark"))
    };
    assert_eq!(with(""), None);
    let feed = with("file: prices.json, doubt: { factor: 3 }").unwrap();
    assert_eq!(feed.location, Location::File("/etc/sark/prices.json".into()));
    assert_eq!(feed.schedule.to_string(), "0 23 5 * * * *");
    assert_eq!(feed.format, Format::PriceList(PriceDoubt { factor: 3, ..PriceDoubt::default() }));
    let feed = with(
        "url: 'https://prices.example/list.json', mostOctets: 4096, \
         transport: { timeout: 5s, caFile: ca.pem, headers: { X-Key: 'env:KEY' } }",
    );
    let feed = feed.unwrap();
    assert_eq!(feed.location, Location::Urls(vec!["https://prices.example/list.json".to_owned()]));
    assert_eq!(feed.transport.timeout, std::time::Duration::from_secs(5));
    assert_eq!(feed.transport.ca_file, Some("/etc/sark/ca.pem".into()));
    assert_eq!(feed.transport.headers, [("X-Key".to_owned(), "env:KEY".to_owned())]);
    assert_eq!(feed.limits.most_octets.get(), 4096);
}

#[test]
fn pools_of_proxies() {
    let text = format!(
        "{SMALL}pools:
  - name: inspection
    readsSni: true
    proxies:
      - {{ name: a, nextHop4: 192.0.2.10, nextHop6: '2001:db8::10', sourcePrefixes: [192.0.2.10/32] }}
      - {{ name: b, nextHop6: '2001:db8::11', check: 192.0.2.11:9467 }}
    health: {{ check: http, port: 9467 }}
  - name: blind
    proxies: [{{ name: a, nextHop4: 192.0.2.12 }}]
"
    );
    let config = load("sark.yaml", &text, [], &[]).unwrap();
    let [inspection, blind] = config.pools.as_slice() else { panic!("{:?}", config.pools) };
    let asked = |pool: &PoolConfig| {
        let asked = pool.proxies.iter().map(|proxy| pool.asked_at(proxy).map(|at| at.to_string()));
        asked.collect::<Vec<_>>()
    };
    assert_eq!(asked(inspection), [Some("192.0.2.10:9467".into()), Some("192.0.2.11:9467".into())]);
    assert_eq!(asked(blind), [None]);
    let health = inspection.health.as_ref().unwrap();
    assert_eq!((health.every_millis, health.timeout_millis), (500, 400));
    assert_eq!((health.fail_after, health.recover_after, health.hold_down_seconds), (2, 3, 10));
    let environment = config.environment();
    assert!(environment.pools.iter().all(|pool| pool.proxies.iter().all(|proxy| proxy.is_up)));
    assert_eq!(environment.pools[0].proxies[1].next_hop4, None);
}

#[test]
fn the_pools_mistakes() {
    let text = format!(
        "{SMALL}pools:
  - name: Inspection
    proxies:
      - {{ name: a, nextHop4: 192.0.2.10, check: '192.0.2.10:0' }}
      - {{ name: a, nextHop4: 192.0.2.10 }}
      - {{ name: c, nextHop6: '::1' }}
    health: {{ check: tcp, path: /readyz, serverName: x, everyMillis: 1, timeoutMillis: 1, failAfter: 0, recoverAfter: 0, holdDownSeconds: 4000 }}
  - {{ name: none, proxies: [] }}
  - {{ name: none, proxies: [{{ name: a, nextHop4: 192.0.2.10, check: '192.0.2.10:1' }}] }}
  - {{ name: odd, proxies: [{{ name: a, nextHop4: 192.0.2.10 }}], health: {{ check: http, port: 0, path: readyz, serverName: 'a b' }} }}
"
    );
    let mistakes = load("sark.yaml", &text, [], &[]).unwrap_err();
    let all = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "pools[0] (Inspection): this is no name",
        "proxies[0] (a): check: 192.0.2.10:0 cannot be asked",
        "proxies[1] (a): this name is taken",
        "192.0.2.10 is the next hop of a too",
        "proxies[1] (a): it is not known where to ask how it is",
        "::1 is no next hop",
        "health: a tcp check asks for no path",
        "health: a tcp check asks for no name",
        "health.everyMillis: 1 is out of range",
        "health.timeoutMillis: 1 is",
        "health.failAfter: 0 is",
        "health.recoverAfter: 0 is",
        "health.holdDownSeconds: 4000 is",
        "pools[1] (none): it has 0 proxies",
        "pools[2] (none): this name is taken",
        "check: nobody asks there",
        "port 0 is none",
        "path \"readyz\" is none",
        "serverName \"a b\" is none",
    ] {
        assert!(all.contains(part), "{part} is missing from\n{all}");
    }
    // The form that pools had before.
    let old = format!("{SMALL}pools: [{{ name: p, nextHop4: 192.0.2.10 }}]\n");
    let mistakes = load("sark.yaml", &old, [], &[]).unwrap_err();
    assert!(mistakes[0].to_string().contains("proxies"), "{}", mistakes[0]);
}
