//! Tailscale's map of relays, `https://login.tailscale.com/derpmap/default` (`tailcfg.DERPMap`).
//!
//! Each node gives its name and addresses, label `region` (`nyc`), ports: `DERPPort` or TCP 443
//! unless `STUNOnly`, `STUNPort` or UDP 3478 unless negative, TCP 80 if `CanPort80`. Regions 900 to
//! 999 are private to a tailnet and skipped.

use std::collections::BTreeMap;

use sark_registry::{PortRange, Transport};
use serde::Deserialize;

use crate::{ParseError, collect::Collect, json, text};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Map {
    regions: BTreeMap<String, Option<Region>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Region {
    #[serde(default)]
    region_code: String,
    nodes: Option<Vec<Node>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(default)]
    host_name: String,
    #[serde(default, rename = "IPv4")]
    ipv4: String,
    #[serde(default, rename = "IPv6")]
    ipv6: String,
    #[serde(default, rename = "DERPPort")]
    derp_port: i64,
    #[serde(default, rename = "STUNPort")]
    stun_port: i64,
    #[serde(default, rename = "STUNOnly")]
    stun_only: bool,
    #[serde(default)]
    can_port80: bool,
}

pub(crate) fn parse(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let map: Map = json::read(octets, out)?;
    for (id, region) in &map.regions {
        let place = || format!("Regions.{}", text::brief(id));
        let Some(region) = region else { continue };
        match id.parse::<u32>() {
            Ok(900..=999) => {
                out.skip(place, "regions 900 to 999 are private");
                continue;
            }
            Ok(_) => {}
            Err(_) => {
                out.skip(place, "the region's id is not a number");
                continue;
            }
        }
        let labels = out.labels(&[("region", &region.region_code)]);
        for node in region.nodes.iter().flatten() {
            let Some(ports) = ports(node) else {
                out.skip(place, "a port is not 1 to 65535");
                continue;
            };
            out.found(text::subject(&node.host_name), &labels, ports.clone(), place)?;
            // "none" says that it has none of that family.
            for address in [&node.ipv4, &node.ipv6] {
                if !address.is_empty() && address != "none" {
                    out.found(text::address(address), &labels, ports.clone(), place)?;
                }
            }
        }
    }
    Ok(())
}

fn ports(node: &Node) -> Option<Vec<PortRange>> {
    let one = |transport, port| PortRange { transport, first: port, last: port };
    let mut ports = Vec::new();
    if !node.stun_only {
        let port = if node.derp_port == 0 { 443 } else { u16::try_from(node.derp_port).ok()? };
        ports.push(one(Transport::Tcp, port));
    }
    if node.stun_port >= 0 {
        let port = if node.stun_port == 0 { 3478 } else { u16::try_from(node.stun_port).ok()? };
        ports.push(one(Transport::Udp, port));
    }
    if node.can_port80 {
        ports.push(one(Transport::Tcp, 80));
    }
    Some(ports)
}
