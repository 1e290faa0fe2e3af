//! What the Tor Project publishes about its relays.

use std::net::SocketAddr;

use ipnet::IpNet;
use sark_registry::{PortRange, Transport, feed::Subject};
use serde::Deserialize;

use crate::{
    ParseError,
    collect::{Collect, MOST_LABELS},
    json, text,
};

/// Onionoo "details" document, protocol 8. `or_addresses` have `role: relay` and their TCP port,
/// `exit_addresses` `role: exit`. Both have `flag` (`Guard`, `Exit`, each), `country`, `as`.
/// Published: `relays_published`.
#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    relays_published: String,
    relays: Vec<Relay>,
}

#[derive(Deserialize)]
struct Relay {
    #[serde(default)]
    or_addresses: Vec<String>,
    #[serde(default)]
    exit_addresses: Vec<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    country: String,
    #[serde(default, rename = "as")]
    network: String,
}

pub(crate) fn onionoo(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let details: Details = json::read(octets, out)?;
    out.published(details.relays_published);
    for (at, relay) in details.relays.iter().enumerate() {
        let mut labels = out.labels(&[("country", &relay.country), ("as", &relay.network)]);
        labels.extend(relay.flags.iter().take(MOST_LABELS).map(|flag| out.label("flag", flag)));
        labels.push(out.label("role", "relay"));
        for text in &relay.or_addresses {
            let place = || format!("relays[{at}].or_addresses");
            let Ok(socket) = text.parse::<SocketAddr>() else {
                out.skip(place, format!("{} is not address:port", text::few(text)));
                continue;
            };
            let port = socket.port();
            if port == 0 {
                out.skip(place, "port 0");
                continue;
            }
            let ports = vec![PortRange { transport: Transport::Tcp, first: port, last: port }];
            out.entry(Subject::Prefix(IpNet::from(socket.ip())), labels.clone(), ports)?;
        }
        labels.pop();
        labels.push(out.label("role", "exit"));
        for text in &relay.exit_addresses {
            out.address(text, &labels, || format!("relays[{at}].exit_addresses"))?;
        }
    }
    Ok(())
}

/// `https://check.torproject.org/exit-addresses` (TorDNSEL): blocks of `ExitNode`, `Published`,
/// `LastStatus` and one or more `ExitAddress ADDRESS DATE TIME`. Label `role: exit`.
pub(crate) fn exit_addresses(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let labels = out.labels(&[("role", "exit")]);
    for (number, line) in text::lines(octets) {
        let place = || format!("line {number}");
        let mut words = line.split_whitespace();
        match words.next() {
            Some("ExitAddress") => {
                out.address(words.next().unwrap_or_default(), &labels, place)?;
            }
            // `@type` annotations and dates of descriptors, in archives of it.
            Some("ExitNode" | "Published" | "LastStatus" | "Downloaded" | "@type") | None => {}
            Some(word) => {
                let expected = "ExitNode, Published, LastStatus or ExitAddress";
                return Err(json::unexpected(out, &place(), expected, &text::few(word)));
            }
        }
    }
    Ok(())
}
