//! Suricata itself takes the rules, and they fire at what they are about and at nothing beside it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod support;

use std::path::Path;
use std::process::Command;

use sark_export::Form;
use support::{all, needed, scene, shipped};

const SETTINGS: &str = "%YAML 1.1
---
vars:
  address-groups: { HOME_NET: \"[10.0.0.0/8,fd00::/8]\" }
classification-file: empty
reference-config-file: empty
threshold-file: empty
outputs:
  - eve-log: { enabled: yes, filetype: regular, filename: eve.json, types: [{ alert: { metadata: yes } }] }
app-layer:
  protocols:
    tls: { enabled: yes }
    quic: { enabled: yes }
    dns:
      udp: { enabled: yes, detection-ports: { dp: 53 } }
      tcp: { enabled: yes, detection-ports: { dp: 53 } }
";

/// Runs Suricata on the rules; what it says.
fn suricata(directory: &Path, rules: &str, mode: &[&str]) -> String {
    for (name, text) in [("s.yaml", SETTINGS), ("s.rules", rules), ("empty", "")] {
        std::fs::write(directory.join(name), text).unwrap();
    }
    let output = Command::new(needed("SARK_SURICATA"))
        .args(["-c", "s.yaml", "-S", "s.rules", "-l", ".", "-k", "none"])
        .args(mode)
        .current_dir(directory)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|o| String::from_utf8_lossy(&o).into_owned());
    assert!(output.status.success(), "{}", text.concat());
    text.concat()
}

#[test]
fn it_takes_every_rule() {
    let directory = tempfile::tempdir().unwrap();
    for (snapshot, shared) in [(shipped(), true), (shipped(), false), (scene(), true)] {
        let rules = all(&snapshot, Form::Suricata, shared).text;
        let count = rules.lines().filter(|line| line.starts_with("alert ")).count();
        let said = suricata(directory.path(), &rules, &["-T"]);
        assert!(
            count > 5 && said.contains(&format!("{count} rules successfully loaded")),
            "{said}"
        );
        assert!(said.contains(" 0 rules failed"), "{said}");
        // Those on addresses are looked at once for each flow.
        let addresses = rules.lines().filter(|line| line.starts_with("alert ip ")).count();
        assert!(said.contains(&format!("{addresses} are IP-only rules")), "{said}");
    }
}

#[test]
fn rules_keep_their_ids_and_fit_into_a_line() {
    let ids = |text: &str| {
        let id = |line: &str| line.split("sid:").nth(1)?.split(';').next().map(str::to_owned);
        text.lines().filter_map(id).collect::<Vec<_>>()
    };
    let (many, few) =
        (all(&shipped(), Form::Suricata, true), all(&shipped(), Form::Suricata, false));
    let (many_ids, few_ids) = (ids(&many.text), ids(&few.text));
    let mut once = many_ids.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), many_ids.len());
    assert!(few_ids.len() < many_ids.len() && few_ids.iter().all(|id| many_ids.contains(id)));
    assert!(many.text.lines().all(|line| line.len() < 8192));
}

#[test]
fn thousands_of_addresses_are_several_rules() {
    let mut endpoints = scene().endpoints().to_vec();
    let relays = endpoints.iter_mut().find(|e| e.id == "3relays/entries").unwrap();
    for n in 0..3000u32 {
        relays
            .prefixes
            .push(ipnet::IpNet::from(std::net::IpAddr::from((0x0a64_0000 + 2 * n).to_be_bytes())));
        let six = std::net::Ipv6Addr::from_bits(
            0x2001_0db8_ffff_ffff_ffff_ffff_ffff_0000 + 2 * u128::from(n),
        );
        relays.prefixes.push(ipnet::IpNet::from(std::net::IpAddr::from(six)));
    }
    let rules = all(&sark_registry::Snapshot::build(endpoints), Form::Suricata, false).text;
    assert!(rules.lines().all(|line| line.len() < 8192));
    let entries = || rules.lines().filter(|line| line.contains(" 3relays/entries: IPv"));
    assert!(entries().count() > 10);
    let addresses: usize = entries().map(|line| line.matches(',').count() + 1 - 3).sum();
    assert_eq!(addresses, 6001, "each is in one rule");
    suricata(tempfile::tempdir().unwrap().path(), &rules, &["-T"]);
}

#[test]
fn they_fire_at_what_they_are_about() {
    let mut capture = Capture::new();
    for name in [
        "API.models.example",
        "a.b.eu.models.example",
        "run.x.models.example",
        "pod7.models.example",
        // Beside it.
        "eu.models.example",
        "xapi.models.example",
        "api.models.example.test",
        "run.x.y.models.example",
        "run..models.example",
        "pod.models.example",
        "a.pod7.models.example",
    ] {
        capture.dns(name);
    }
    capture.tls("192.0.2.99", "api.models.example");
    capture.tls("192.0.2.98", "api.models.test");
    capture.syn("192.0.2.63");
    capture.syn("192.0.2.64");
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("flows.pcap"), capture.octets).unwrap();
    let rules = all(&scene(), Form::Suricata, false).text;
    suricata(directory.path(), &rules, &["-r", "flows.pcap"]);
    let eve = std::fs::read_to_string(directory.path().join("eve.json")).unwrap();
    let mut fired: Vec<String> = Vec::new();
    for line in eve.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["alert"]["metadata"]["sark_endpoint"][0], "models/api");
        fired.push(event["alert"]["signature"].as_str().unwrap().replace("SARK models/api: ", ""));
    }
    fired.sort();
    assert_eq!(
        fired,
        [
            "*.eu.models.example asked for",
            "IPv4 address (dedicated)",
            "api.models.example asked for",
            "api.models.example over TLS",
            "pod*.models.example asked for",
            "run.*.models.example asked for",
        ]
    );
}

/// A file of packets, of IPv4 from 10.0.0.1 or to it.
struct Capture {
    octets: Vec<u8>,
    port: u16,
}

impl Capture {
    fn new() -> Self {
        let words: [u32; 6] = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 101];
        Self { octets: words.iter().flat_map(|word| word.to_le_bytes()).collect(), port: 40000 }
    }

    fn packet(&mut self, protocol: u8, [from, to]: [[u8; 4]; 2], payload: &[u8]) {
        let length = 20 + payload.len();
        let seconds = 1_795_000_000 + u32::from(self.port) + self.octets.len() as u32 / 4096;
        for word in [seconds, 0, length as u32, length as u32] {
            self.octets.extend(word.to_le_bytes());
        }
        self.octets.extend([0x45, 0]);
        self.octets.extend((length as u16).to_be_bytes());
        self.octets.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
        self.octets.extend([from, to].concat());
        self.octets.extend(payload);
    }

    fn dns(&mut self, name: &str) {
        self.port += 1;
        let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.').filter(|label| !label.is_empty()) {
            message.push(label.len() as u8);
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        let mut datagram = [self.port.to_be_bytes(), 53u16.to_be_bytes()].concat();
        datagram.extend((8 + message.len() as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(message);
        self.packet(17, [[10, 0, 0, 1], [10, 0, 0, 53]], &datagram);
    }

    /// Sequence, acknowledgement, flags, data.
    fn tcp(&mut self, server: &str, out: bool, (seq, ack, flags): (u32, u32, u8), data: &[u8]) {
        let server: std::net::Ipv4Addr = server.parse().unwrap();
        let (mut ends, mut ports) = ([[10, 0, 0, 1], server.octets()], [self.port, 443]);
        if !out {
            ends.reverse();
            ports.reverse();
        }
        let mut segment: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
        segment.extend(seq.to_be_bytes());
        segment.extend(ack.to_be_bytes());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(data);
        self.packet(6, ends, &segment);
    }

    fn syn(&mut self, server: &str) {
        self.port += 1;
        self.tcp(server, true, (1, 0, 0x02), &[]);
    }

    /// A connection whose first words are a hello with this name.
    fn tls(&mut self, server: &str, name: &str) {
        let sized = |body: &[u8]| [&(body.len() as u16).to_be_bytes(), body].concat();
        let names = sized(&[&[0][..], &sized(name.as_bytes())].concat());
        let extensions = sized(&[&[0, 0][..], &sized(&names)].concat());
        let hello =
            [&[3, 3][..], &[7; 32], &[0], &sized(&[0xc0, 0x2f]), &[1, 0], &extensions].concat();
        let handshake = [&[1, 0][..], &sized(&hello)].concat();
        let record = [&[0x16, 3, 1][..], &sized(&handshake)].concat();
        self.syn(server);
        self.tcp(server, false, (1, 2, 0x12), &[]);
        self.tcp(server, true, (2, 2, 0x10), &[]);
        self.tcp(server, true, (2, 2, 0x18), &record);
        self.tcp(server, false, (2, 2 + record.len() as u32, 0x10), &[]);
    }
}
