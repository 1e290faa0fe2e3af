//! What rules have counted is seen where people look at rules: a real `sarkd`, asked by `sarkctl`. Both
//! have to be built beside this test.

use std::path::{Path, PathBuf};
use std::process::Command;

use sark_flowspec::Afi;
use serde_json::Value;

use crate::enforcer::{DROP, Site, route};
use crate::namespace::{in_namespace, wait};
use crate::process::Process;

const RULE: &str = "proto =6 dport =443";

/// A program that lies where `sark-enforcer` lies.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_sark-enforcer")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is not built: cargo build -p sark-controller -p sarkctl, in the profile of this test",
        path.display()
    );
    path
}

/// The counters of the rule, as `sarkd` tells them; nothing while it does not answer.
fn counters(site: &Site) -> Option<Value> {
    let mut sarkctl = Command::new(program("sarkctl"));
    let socket = site.directory.path().join("sarkd.sock");
    sarkctl.args(["flowspec", "list", "-o", "json", "--socket"]).arg(socket);
    let rules: Value = serde_json::from_slice(&sarkctl.output().unwrap().stdout).ok()?;
    let mut found = rules["rules"].as_array()?.iter();
    found.find(|rule| rule["match"] == RULE).map(|rule| rule["counters"].clone())
}

#[test]
fn packets_are_told_to_sarkd() {
    in_namespace(|| {
        wait(async {
            let mut site = Site::new("{ hold: 5m, settle: 0s }").await;
            let root = site.directory.path().display().to_string();
            let gobgpd = site.gobgpd.address().to_string().replacen("unix:/", "unix:///", 1);
            let config = format!(
                "state: {{ directory: {root}/sarkd }}\napi: {{ socket: {root}/sarkd.sock }}\n\
                 bgp: {{ asn: 64512, routerId: 127.0.0.1, \
                         gobgpd: {{ mode: external, api: '{gobgpd}' }} }}\n"
            );
            std::fs::write(site.directory.path().join("sark.yaml"), config).unwrap();
            let told = format!("sarkd: {{ socket: {root}/sarkd.sock }}");
            site.configure(&format!("report: {{ name: router-1, every: 1s, {told} }}"));
            site.announce(&[route(Afi::Ipv4, RULE, DROP)]).await;
            site.start();
            site.until_fate(Afi::Ipv4, None).await;
            site.until("nobody is there to be told", || {
                site.log().contains("sarkd does not take counters")
            })
            .await;
            let mut sarkd = Command::new(program("sarkd"));
            sarkd.arg("--config").arg(site.directory.path().join("sark.yaml"));
            let _sarkd = Process::start(&mut sarkd, &site.directory.path().join("sarkd.log"));
            let packets = |site: &Site| counters(site).and_then(|it| it["packets"].as_u64());
            site.until("it is told", || packets(&site).is_some_and(|packets| packets > 0)).await;
            let before = packets(&site).unwrap();
            site.fate(Afi::Ipv4);
            site.until("one more is told", || packets(&site) > Some(before)).await;
            let counted = counters(&site).unwrap();
            assert_eq!(counted["enforcers"][0]["enforcer"], "router-1", "{counted}");
            assert!(counted["bytes"].as_u64() > counted["packets"].as_u64(), "{counted}");
            site.stop().await;
        });
    });
}
