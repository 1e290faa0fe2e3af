//! A packet in words, in the notation of `sarkctl flowspec simulate`.

use std::net::IpAddr;

use sark_flowspec::Afi;

use crate::net::Net;
use crate::region::{ABSENT, Field, Region, TCP, UDP, fragment};

/// One packet of a product that is not empty.
pub(crate) fn packet(afi: Afi, to: Net, from: Net, region: &Region) -> String {
    let region = region.narrowed();
    let protocols = region.get(Field::Protocol);
    let first = protocols.first().unwrap_or(TCP);
    let protocol = [TCP, UDP].into_iter().find(|p| protocols.contains(*p)).unwrap_or(first);
    let has_ports = matches!(protocol, TCP | UDP) && {
        let wants = |field| !region.get(field).contains(ABSENT);
        let whole = region.get(Field::Fragment).values().any(|s| s & fragment::OFFSET == 0);
        whole || wants(Field::DestinationPort) || wants(Field::SourcePort)
    };
    let port = |field: Field, usual: u32| {
        let set = region.get(field);
        let port = if set.contains(usual) { Some(usual) } else { set.first() };
        match port.filter(|port| *port < ABSENT && has_ports) {
            Some(port) => format!(":{port}"),
            None => String::new(),
        }
    };
    let name = match (protocol, afi) {
        (TCP, _) => "tcp".to_owned(),
        (UDP, _) => "udp".to_owned(),
        (1, Afi::Ipv4) => "icmp".to_owned(),
        (58, Afi::Ipv6) => "icmpv6".to_owned(),
        (other, _) => other.to_string(),
    };
    let address = |net: Net, any: &str| match (net == Net::ANY, net.address(afi)) {
        (true, _) => any.to_owned(),
        (_, IpAddr::V4(address)) => address.to_string(),
        (_, IpAddr::V6(address)) => address.to_string(),
    };
    let (any_from, any_to) = match afi {
        Afi::Ipv4 => ("192.0.2.1", "198.51.100.1"),
        Afi::Ipv6 => ("2001:db8::1", "2001:db8:1::1"),
    };
    let bracket = |address: String, port: String| match (afi, port.is_empty()) {
        (Afi::Ipv6, false) => format!("[{address}]{port}"),
        _ => format!("{address}{port}"),
    };
    let mut text = format!(
        "{name} {} > {}",
        bracket(address(from, any_from), port(Field::SourcePort, 50000)),
        bracket(address(to, any_to), port(Field::DestinationPort, 443)),
    );
    for (field, word) in [(Field::Length, "len"), (Field::Dscp, "dscp")] {
        if let Some(value) = region.component(field).and_then(|set| set.first()) {
            text.push_str(&format!(" --{word} {value}"));
        }
    }
    if let Some(value) = region.component(Field::TcpFlags).and_then(|set| set.first()) {
        text.push_str(&format!(" --flags 0x{value:02x}"));
    }
    if let Some(states) = region.component(Field::Fragment) {
        let words = [(0, "none"), (4, "dont"), (1, "first"), (3, "middle"), (2, "last")];
        if let Some((_, word)) = words.into_iter().find(|(state, _)| states.contains(*state)) {
            text.push_str(&format!(" --fragment {word}"));
        }
    }
    text
}
