//! A router between a client, a server, a proxy and a VRF, each behind a wire.
//!
//! ```text
//! client ─ in0 ┐            ┌ out0 ─ servers (default route)
//!              ├── router ──┼ px0 ── proxy, next hop of redirects
//!              │            └ vr0 ── default route of table 101
//! ```

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use sark_enforcer::{Options, Sample};
use sark_flowspec::{Afi, Fragment, Packet, RouteTarget};

use crate::frame::{Shape, marker, octets};
use crate::namespace::{Wire, ip, sysctl};

/// Route targets, and the routing tables of their VRFs.
pub const VRFS: [(RouteTarget, u32); 2] = [
    (RouteTarget::As2 { asn: 65001, value: 1 }, 101),
    (RouteTarget::As2 { asn: 65001, value: 2 }, 102),
];

pub struct Topology {
    pub client: Wire,
    pub server: Wire,
    pub proxy: Wire,
    pub vrf: Wire,
}

/// Where a packet came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    Client,
    Server,
    Proxy,
    Vrf,
}

/// Marker and octets of what came out somewhere.
pub type Came = (Out, u64, Vec<u8>);

impl Topology {
    pub fn new() -> Self {
        sysctl("ipv4/conf/all/rp_filter", "0");
        sysctl("ipv4/conf/all/forwarding", "1");
        sysctl("ipv6/conf/all/forwarding", "1");
        let wire = |name: &str, number: u8, v4: &str| {
            let wire = Wire::new(name, number);
            let mac = wire.mac();
            for net in [format!("{v4}."), format!("2001:db8:{number}::")] {
                let length = if net.ends_with(':') { "64 nodad" } else { "24" };
                ip(&format!("address add {net}1/{length} dev {name}"));
                for host in [9, 10] {
                    ip(&format!("neigh add {net}{host} lladdr {mac} dev {name} nud permanent"));
                }
            }
            wire
        };
        let (client, server) = (wire("in0", 1, "192.0.2"), wire("out0", 2, "198.51.100"));
        let (proxy, vrf) = (wire("px0", 3, "203.0.113"), wire("vr0", 4, "10.4.0"));
        ip("-4 route add default via 198.51.100.9");
        ip("-6 route add default via 2001:db8:2::9");
        ip("-4 route add default via 10.4.0.9 table 101");
        ip("-6 route add default via 2001:db8:4::9 table 101");
        Self { client, server, proxy, vrf }
    }

    /// All that comes out until the packet with this marker is there, and at once after it.
    pub fn until(&self, last: u64) -> Vec<Came> {
        let mut came = Vec::new();
        let began = Instant::now();
        while !came.iter().any(|(_, marker, _)| *marker == last) {
            assert!(began.elapsed() < Duration::from_secs(5), "packet {last} came nowhere");
            std::thread::sleep(Duration::from_micros(200));
            self.drain(&mut came);
        }
        std::thread::sleep(Duration::from_millis(2));
        self.drain(&mut came);
        came
    }

    fn drain(&self, came: &mut Vec<Came>) {
        let wires = [
            (Out::Server, &self.server),
            (Out::Client, &self.client),
            (Out::Proxy, &self.proxy),
            (Out::Vrf, &self.vrf),
        ];
        for (out, wire) in wires {
            while let Some(octets) = wire.receive() {
                came.push((out, marker(&octets), octets));
            }
        }
    }

    pub fn send(&self, packet: &Packet, marker: u64) {
        self.client.send(&octets(packet, Shape::default(), marker));
    }
}

/// What rules on this router apply to: packets from the client.
pub fn options() -> Options {
    let mut options = Options::new(["in0"]);
    options.merged_segments = false;
    options.vrf_tables = VRFS.into_iter().collect();
    options.sample = Sample { one_in: NonZeroU32::MIN, ..options.sample };
    options
}

/// The proxy's address.
pub fn next_hop(afi: Afi) -> IpAddr {
    let text = if afi == Afi::Ipv4 { "203.0.113.9" } else { "2001:db8:3::9" };
    text.parse().unwrap()
}

/// A SYN from the client to a server, 1200 octets long.
pub fn syn(afi: Afi) -> Packet {
    let (source, destination) = match afi {
        Afi::Ipv4 => ("192.0.2.9", "10.80.0.80"),
        Afi::Ipv6 => ("2001:db8:1::9", "2001:db8:80::80"),
    };
    Packet {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        protocol: 6,
        source_port: Some(51_000),
        destination_port: Some(443),
        icmp_type: None,
        icmp_code: None,
        tcp_flags: Some(2),
        length: 1200,
        dscp: 0,
        fragment: Fragment::default(),
        flow_label: (afi == Afi::Ipv6).then_some(0),
    }
}
