//! Packets as octets.

use std::net::IpAddr;

use sark_flowspec::Packet;
use sark_flowspec::iana::protocol;

/// Ends every packet, so that it is known again.
pub const MARKER: usize = 8;

/// How the octets are made where the packet leaves it open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape {
    /// IPv4: options. IPv6: a destination options header, before the fragment header if there is
    /// one.
    pub options: bool,
    /// IPv6: a fragment header although the packet is whole.
    pub atomic: bool,
    /// What fills the packet up, and stands where the ports would in a later fragment.
    pub fill: [u8; 4],
}

/// Octets that come before the filling.
pub fn headers(packet: &Packet, shape: Shape) -> usize {
    let upper = match packet.protocol {
        _ if packet.fragment.offset => 0,
        protocol::TCP => 20,
        protocol::UDP | protocol::ICMP | protocol::ICMPV6 => 8,
        _ => 0,
    };
    let lower = match packet.destination {
        IpAddr::V4(_) => 20 + 4 * usize::from(shape.options),
        IpAddr::V6(_) => {
            40 + 8 * usize::from(shape.options) + 8 * usize::from(has_fragment(packet, shape))
        }
    };
    lower + upper
}

fn has_fragment(packet: &Packet, shape: Shape) -> bool {
    shape.atomic || packet.fragment.more || packet.fragment.offset
}

/// The octets of the packet. Its length has room for the headers and the marker.
pub fn octets(packet: &Packet, shape: Shape, marker: u64) -> Vec<u8> {
    let mut out = match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut header = vec![0_u8; 20];
            header[0] = 0x45;
            header[1] = packet.dscp << 2 | 1;
            header[2..4].copy_from_slice(&packet.length.to_be_bytes());
            let flags = u16::from(packet.fragment.dont) << 14
                | u16::from(packet.fragment.more) << 13
                | offset(packet);
            header[6..8].copy_from_slice(&flags.to_be_bytes());
            (header[8], header[9]) = (64, packet.protocol);
            header[12..16].copy_from_slice(&source.octets());
            header[16..20].copy_from_slice(&destination.octets());
            if shape.options {
                header[0] += 1;
                header.extend([1, 1, 1, 0]);
            }
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            header
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let first = 6_u32 << 28
                | u32::from(packet.dscp) << 22
                | 1 << 20
                | packet.flow_label.unwrap_or(0);
            let mut next = Vec::new();
            let mut extensions = Vec::new();
            if shape.options {
                next.push(60);
                extensions.push(vec![0, 1, 4, 0, 0, 0, 0]);
            }
            if has_fragment(packet, shape) {
                next.push(44);
                let field = offset(packet) << 3 | u16::from(packet.fragment.more);
                let field = field.to_be_bytes();
                extensions.push(vec![0, field[0], field[1], 0, 0, 0, 7]);
            }
            next.push(packet.protocol);
            let mut out = first.to_be_bytes().to_vec();
            out.extend((packet.length - 40).to_be_bytes());
            out.extend([next[0], 64]);
            out.extend(source.octets());
            out.extend(destination.octets());
            // Each extension header says what comes after it.
            for (extension, next) in extensions.into_iter().zip(&next[1..]) {
                // A destination options header: next, length 0, PadN. A fragment header: next, 0.
                out.push(*next);
                out.extend(extension);
            }
            out
        }
        _ => panic!("addresses of two families"),
    };
    if !packet.fragment.offset {
        upper(packet, &mut out);
    }
    let end = usize::from(packet.length);
    assert!(out.len() + MARKER <= end, "{packet:?} is too short");
    out.extend(shape.fill.iter().cycle().take(end - MARKER - out.len()));
    out.extend(marker.to_be_bytes());
    out
}

/// In units of eight octets.
fn offset(packet: &Packet) -> u16 {
    if packet.fragment.offset { 1 + packet.length % 0x1fff } else { 0 }
}

fn upper(packet: &Packet, out: &mut Vec<u8>) {
    let ports = [packet.source_port, packet.destination_port].map(Option::unwrap_or_default);
    match packet.protocol {
        protocol::TCP => {
            out.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
            out.extend([0; 8]);
            out.extend((0x5000 | packet.tcp_flags.unwrap_or(0)).to_be_bytes());
            out.extend([0; 6]);
        }
        protocol::UDP => {
            out.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
            out.extend([0; 4]);
        }
        protocol::ICMP | protocol::ICMPV6 => {
            out.extend([packet.icmp_type, packet.icmp_code].map(Option::unwrap_or_default));
            out.extend([0; 6]);
        }
        _ => {}
    }
}

fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

/// The marker of a packet that came out.
pub fn marker(octets: &[u8]) -> u64 {
    octets.last_chunk().map_or(0, |marker| u64::from_be_bytes(*marker))
}

/// The DSCP of a packet that came out.
pub fn dscp(octets: &[u8]) -> u8 {
    match octets[0] >> 4 {
        4 => octets[1] >> 2,
        _ => (octets[0] & 0xf) << 2 | octets[1] >> 6,
    }
}
