//! What feeds that do their worst cost `sarkd` in memory: the program itself, its peak resident set
//! as the kernel counts it. `cargo xtask bench feeds` prints the figures.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::client::post;
use crate::daemon::Place;
use crate::feed_server::{Says, Server, ok, with_headers};

/// Limit of a feed that says none.
const LIMIT: u64 = 64 << 20;

/// Nobody is announced to: the feeds are what matters.
const CONFIG: &str =
    "bgp: { asn: 64512, routerId: 127.0.0.1, gobgpd: { mode: external, api: '127.0.0.1:9' } }
registry: { feeds: { shipped: false, files: [hostile.yaml] } }";

/// Resident now and at most since the last call, in octets.
fn resident(process: u32) -> (u64, u64) {
    let place = Path::new("/proc").join(process.to_string());
    let status = std::fs::read_to_string(place.join("status")).unwrap();
    let of = |key: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    };
    let found = (of("VmRSS:"), of("VmHWM:"));
    std::fs::write(place.join("clear_refs"), "5").unwrap();
    found
}

/// 10 GB of zeros in 10 MB: members of a gzip file may follow each other.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 64 << 20]).unwrap();
    encoder.finish().unwrap().repeat(160)
}

#[tokio::test]
async fn what_the_worst_feeds_cost() {
    const COLLECTION: &str = "00000000-0000-4000-8000-000000000000";
    let pages = "/taxii/collections/00000000-0000-4000-8000-000000000000/objects/";
    let bomb = bomb();
    let lines: String = (0..6_000_000u32).fold(String::new(), |mut text, n| {
        let [_, a, b, c] = n.to_be_bytes();
        writeln!(text, "{}.{a}.{b}.{c}", 11 + n % 3).unwrap();
        text
    });
    let server = Server::new([
        ("/endless", Says::Endless),
        ("/bomb", with_headers(&bomb, "Content-Encoding: gzip\r\n")),
        ("/bomb.gz", ok(&bomb)),
        ("/lines", ok(&lines.as_bytes()[..LIMIT as usize])),
        (pages, Says::Pages(100 << 10)),
    ])
    .await;
    let cases = [
        ("endless", "too-large", "10 GB body"),
        ("bomb", "too-large", "gzip bomb, 10 GB in 10 MB"),
        ("bomb.gz", "too-large", "the same as a file"),
        ("taxii", "too-large", "endless pages of 100 KiB"),
        ("lines", "unreadable", "64 MiB of addresses"),
    ];
    let mut place = Place::new(CONFIG);
    let mut feeds = Vec::new();
    for (name, ..) in cases {
        let at = match name {
            "taxii" => format!(
                "taxii: {{ root: \"{}\", collection: {COLLECTION} }}\n  format: stix",
                server.url("/taxii/")
            ),
            _ => format!("urls: [\"{}\"]\n  format: text", server.url(&format!("/{name}"))),
        };
        let slug = name.replace('.', "-");
        feeds.push(format!(
            "apiVersion: sark/v1
kind: EndpointFeed
metadata: {{ name: {slug}, owner: netsec }}
spec:
  title: Hostile
  {at}
  schedule: \"0 0 0 1 1 *\"
  outputs: [{{ endpoint: hostile/{slug}, title: Hostile, kind: vpn }}]
  transport: {{ private: true }}
"
        ));
    }
    std::fs::write(place.root().join("hostile.yaml"), feeds.join("---\n")).unwrap();
    place.start().await;
    let (begun, _) = resident(place.process());
    for (name, code, what) in cases {
        let (before, _) = resident(place.process());
        let names = json!({ "feeds": [name.replace('.', "-")] });
        let (status, answer) = post(&place.socket(), "/v1/registry/refresh", names).await;
        let (after, most) = resident(place.process());
        let found = &answer["results"][0]["problems"][0]["code"];
        assert_eq!((status, found.as_str()), (200, Some(code)), "{what}: {answer}");
        // The octets as they came and as they are read, and a million entries before it is too many; and what
        // the allocator keeps of the case before, which is as often given back as not.
        assert!(most - begun < 10 * LIMIT, "{what}: {most} octets, {begun} at the beginning");
        let [before, most, after] = [before, most, after].map(|octets| octets >> 20);
        eprintln!("{what:28} {code:12} {before:4} MiB before, {most:4} at most, {after:4} after");
    }
    assert!(place.terminate().await.success());
}
