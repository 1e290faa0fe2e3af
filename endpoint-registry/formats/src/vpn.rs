//! Server lists of VPN services. Their clients read them; none promises the form. Where a list has
//! addresses, names are left out: the addresses are what clients connect to.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{ParseError, collect::Collect, json};

/// `https://api.mullvad.net/www/relays/all/`. Labels `type` (`wireguard`, `bridge`), `country`,
/// `provider` (of the hosting), `active`.
#[derive(Deserialize)]
struct MullvadRelay {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    country_code: String,
    #[serde(default)]
    provider: String,
    active: bool,
    ipv4_addr_in: Option<String>,
    ipv6_addr_in: Option<String>,
}

pub(crate) fn mullvad(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let relays: Vec<MullvadRelay> = json::read(octets, out)?;
    for (at, relay) in relays.iter().enumerate() {
        let labels = out.labels(&[
            ("type", &relay.kind),
            ("country", &relay.country_code),
            ("provider", &relay.provider),
            ("active", if relay.active { "true" } else { "false" }),
        ]);
        addresses(&[&relay.ipv4_addr_in, &relay.ipv6_addr_in], &labels, out, || format!("[{at}]"))?;
    }
    Ok(())
}

/// Proton VPN `vpn/logicals`. `EntryIP` has `role: relay`, `ExitIP` `role: exit`; `country` is
/// where the entry and the exit stand.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Proton {
    logical_servers: Vec<ProtonLogical>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProtonLogical {
    #[serde(default)]
    entry_country: String,
    #[serde(default)]
    exit_country: String,
    servers: Vec<ProtonServer>,
}

#[derive(Deserialize)]
struct ProtonServer {
    #[serde(rename = "EntryIP")]
    entry: Option<String>,
    #[serde(rename = "ExitIP")]
    exit: Option<String>,
}

pub(crate) fn proton(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let file: Proton = json::read(octets, out)?;
    for (at, logical) in file.logical_servers.iter().enumerate() {
        let relay = out.labels(&[("role", "relay"), ("country", &logical.entry_country)]);
        let exit = out.labels(&[("role", "exit"), ("country", &logical.exit_country)]);
        for (number, server) in logical.servers.iter().enumerate() {
            let place = || format!("LogicalServers[{at}].Servers[{number}]");
            addresses(&[&server.entry], &relay, out, place)?;
            addresses(&[&server.exit], &exit, out, place)?;
        }
    }
    Ok(())
}

/// `https://serverlist.piaservers.net/vpninfo/servers/v7`: a line of JSON, then a signature in
/// base64. Labels `type` (`wg`, `ovpnudp`, `ikev2`, `meta`), `region`, `country`.
#[derive(Deserialize)]
struct Pia {
    regions: Vec<PiaRegion>,
}

#[derive(Deserialize)]
struct PiaRegion {
    #[serde(default)]
    id: String,
    #[serde(default)]
    country: String,
    servers: BTreeMap<String, Vec<PiaServer>>,
}

#[derive(Deserialize)]
struct PiaServer {
    ip: Option<String>,
}

pub(crate) fn pia(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let octets = octets.trim_ascii_start();
    let line = octets.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let file: Pia = json::read(line, out)?;
    for (at, region) in file.regions.iter().enumerate() {
        for (kind, servers) in &region.servers {
            let pairs = [("type", &**kind), ("region", &region.id), ("country", &region.country)];
            let labels = out.labels(&pairs);
            for server in servers {
                addresses(&[&server.ip], &labels, out, || format!("regions[{at}].servers"))?;
            }
        }
    }
    Ok(())
}

/// `https://api.surfshark.com/v4/server/clusters/generic` and its like: names, whose addresses
/// change. Labels `type`, `country`; the entry of a double hop (`transitCluster`) too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SurfsharkCluster {
    #[serde(default)]
    country_code: String,
    #[serde(default, rename = "type")]
    kind: String,
    connection_name: String,
    transit_cluster: Option<SurfsharkTransit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SurfsharkTransit {
    #[serde(default)]
    country_code: String,
    connection_name: Option<String>,
}

pub(crate) fn surfshark(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let clusters: Vec<SurfsharkCluster> = json::read(octets, out)?;
    for (at, cluster) in clusters.iter().enumerate() {
        let labels = out.labels(&[("type", &cluster.kind), ("country", &cluster.country_code)]);
        out.subject(&cluster.connection_name, &labels, || format!("[{at}].connectionName"))?;
        if let Some(transit) = &cluster.transit_cluster
            && let Some(name) = &transit.connection_name
        {
            let labels = out.labels(&[("type", &cluster.kind), ("country", &transit.country_code)]);
            out.subject(name, &labels, || format!("[{at}].transitCluster"))?;
        }
    }
    Ok(())
}

/// `https://api.ivpn.net/v4/servers/stats`: names. Labels `type` (`openvpn`, `wireguard`),
/// `country`.
#[derive(Deserialize)]
struct Ivpn {
    servers: Vec<IvpnServer>,
}

#[derive(Deserialize)]
struct IvpnServer {
    #[serde(default)]
    country_code: String,
    hostnames: BTreeMap<String, Option<String>>,
}

pub(crate) fn ivpn(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let file: Ivpn = json::read(octets, out)?;
    for (at, server) in file.servers.iter().enumerate() {
        for (kind, name) in &server.hostnames {
            let name = name.as_deref().filter(|name| !name.is_empty());
            let Some(name) = name else { continue };
            let labels = out.labels(&[("type", kind), ("country", &server.country_code)]);
            out.subject(name, &labels, || format!("servers[{at}].hostnames"))?;
        }
    }
    Ok(())
}

/// `https://assets.windscribe.com/serverlist/mob-v2/1/`. Labels `country`, `city`. Each node has
/// three addresses, for different protocols. Published: `info.revision`.
#[derive(Deserialize)]
struct Windscribe {
    data: Vec<WindscribeRegion>,
    info: Option<WindscribeInfo>,
}

#[derive(Deserialize)]
struct WindscribeInfo {
    revision: Option<u64>,
}

#[derive(Deserialize)]
struct WindscribeRegion {
    #[serde(default)]
    country_code: String,
    #[serde(default)]
    groups: Vec<WindscribeGroup>,
}

#[derive(Deserialize)]
struct WindscribeGroup {
    #[serde(default)]
    city: String,
    #[serde(default)]
    nodes: Vec<WindscribeNode>,
}

#[derive(Deserialize)]
struct WindscribeNode {
    ip: Option<String>,
    ip2: Option<String>,
    ip3: Option<String>,
}

pub(crate) fn windscribe(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let file: Windscribe = json::read(octets, out)?;
    if let Some(revision) = file.info.and_then(|info| info.revision) {
        out.published(revision.to_string());
    }
    for (at, region) in file.data.iter().enumerate() {
        for (number, group) in region.groups.iter().enumerate() {
            let labels = out.labels(&[("country", &region.country_code), ("city", &group.city)]);
            for node in &group.nodes {
                let place = || format!("data[{at}].groups[{number}].nodes");
                addresses(&[&node.ip, &node.ip2, &node.ip3], &labels, out, place)?;
            }
        }
    }
    Ok(())
}

/// Those that are there; a server with none is skipped with that reason.
pub(crate) fn addresses(
    texts: &[&Option<String>],
    labels: &[sark_registry::feed::Label],
    out: &mut Collect,
    place: impl Fn() -> String,
) -> Result<(), ParseError> {
    let given = texts.iter().filter_map(|text| text.as_deref()).filter(|text| !text.is_empty());
    let mut none = true;
    for text in given {
        none = false;
        out.address(text, labels, &place)?;
    }
    if none {
        out.skip(place, "no address");
    }
    Ok(())
}
