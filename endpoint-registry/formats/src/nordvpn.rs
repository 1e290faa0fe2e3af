//! `https://api.nordvpn.com/v2/servers` (an object with `servers`) and `/v1/servers` (the list
//! itself). Label `status` (`online`). Names are left out: they stand for these addresses.

use serde::Deserialize;

use crate::{ParseError, collect::Collect, json, vpn::addresses};

#[derive(Deserialize)]
struct V2 {
    servers: Vec<Server>,
}

#[derive(Deserialize)]
struct Server {
    station: Option<String>,
    ipv6_station: Option<String>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    ips: Vec<Ip>,
}

#[derive(Deserialize)]
struct Ip {
    ip: Address,
}

#[derive(Deserialize)]
struct Address {
    ip: Option<String>,
}

pub(crate) fn parse(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let v1 = octets.trim_ascii_start().starts_with(b"[");
    let servers: Vec<Server> =
        if v1 { json::read(octets, out)? } else { json::read::<V2>(octets, out)?.servers };
    for (at, server) in servers.iter().enumerate() {
        let labels = out.labels(&[("status", &server.status)]);
        let mut all = vec![&server.station, &server.ipv6_station];
        all.extend(server.ips.iter().map(|ip| &ip.ip.ip));
        addresses(&all, &labels, out, || format!("servers[{at}]"))?;
    }
    Ok(())
}
