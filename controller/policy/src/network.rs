//! What a network policy says, after parsing and checking.
//!
//! Text → [`document`] (what is written, each scalar read by its form in [`forms`]) → [`check`]
//! (what must fit together) → [`Policy`].

mod active;
mod check;
pub(crate) mod document;
pub(crate) mod forms;
mod parse;
mod version;
mod written;

pub use parse::parse_set;

use ipnet::IpNet;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_registry::Kind;

/// All policies that hold at one time. Atomic: it is applied whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySet {
    /// Hash of the content; comments, file names and the order of files do not count.
    pub version: ContentHash,
    /// By name; names are unique.
    pub policies: Vec<Policy>,
}

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// File name as given.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// One network policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Unique in the set.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Ticket.
    pub ticket: Option<String>,
    /// Where its document begins.
    pub place: Place,
    /// Hash of its meaning: an unchanged policy keeps its activation time.
    pub version: ContentHash,
    /// 1 to 65535, higher wins, 100 by default.
    pub priority: u16,
    /// Sources; empty means any. Host bits zero.
    pub from: Vec<IpNet>,
    /// Where `from` was written, for messages.
    pub from_line: u32,
    /// Destinations; `None` means any.
    pub to: Option<Destinations>,
    /// Protocols; empty means any.
    pub protocols: Vec<Protocol>,
    /// Destination ports of TCP or UDP; empty means any. Sorted, disjoint, not adjacent.
    pub ports: Vec<Range>,
    /// Source ports, likewise.
    pub source_ports: Vec<Range>,
    /// Octets of the IP packet, likewise.
    pub packet_length: Vec<Range>,
    /// DSCP values, likewise, at most 63.
    pub dscp: Vec<Range>,
    /// All of these must hold; empty means any.
    pub tcp_flags: Vec<TcpFlagMatch>,
    /// Any of these must hold; empty means any.
    pub fragment: Vec<FragmentMatch>,
    /// What is done.
    pub action: Action,
    /// When it holds; `None` is always.
    pub schedule: Option<Schedule>,
    /// When it ends.
    pub expires: Option<Expiry>,
    /// What becomes of a redirect whose proxy pool is down.
    pub when_proxy_down: WhenProxyDown,
}

/// Inclusive range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// First.
    pub first: u16,
    /// Last.
    pub last: u16,
}

/// Destinations: the union of what each list selects. `kinds` narrows `providers` and `services`;
/// alone it selects every endpoint of those kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    /// Where `to` was written.
    pub line: u32,
    /// Slugs of providers.
    pub providers: Vec<String>,
    /// Endpoint ids, such as `openai/api`.
    pub services: Vec<String>,
    /// Kinds.
    pub kinds: Vec<Kind>,
    /// Slugs of tunnel, VPN, Tor, DoH or proxy services.
    pub tunnels: Vec<String>,
    /// Literal prefixes, host bits zero.
    pub prefixes: Vec<IpNet>,
    /// Host names (A-labels, lower case); selects the endpoints that have them.
    pub names: Vec<String>,
}

/// IP protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// 1 for IPv4, 58 for IPv6.
    Icmp,
    /// Any other, by number.
    Number(u8),
}

/// A TCP flag that must be set or clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpFlagMatch {
    /// One bit: FIN 01 SYN 02 RST 04 PSH 08 ACK 10 URG 20 ECE 40 CWR 80.
    pub bit: u8,
    /// Set or clear.
    pub set: bool,
}

/// A fragment bit that must be set or clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentMatch {
    /// Which.
    pub bit: FragmentBit,
    /// Set or clear.
    pub set: bool,
}

/// Fragment bits of FlowSpec type 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FragmentBit {
    /// IPv4 don't fragment.
    Dont,
    /// A fragment that is not the first.
    Is,
    /// The first fragment.
    First,
    /// The last fragment.
    Last,
}

/// What is done with the packets.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Where they go.
    pub verdict: Verdict,
    /// DSCP to set, 0 to 63.
    pub mark: Option<u8>,
    /// Sample and log.
    pub sample: bool,
    /// Where `action` was written.
    pub line: u32,
}

/// Where packets go.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// On, untouched but for mark and sample.
    Accept,
    /// Nowhere.
    Drop,
    /// On, up to a rate.
    RateLimit(RateLimit),
    /// To a proxy pool of the configuration.
    RedirectPool {
        /// Its name.
        pool: String,
        /// A copy goes there, the packet goes on.
        copy: bool,
    },
    /// Into a VRF.
    RedirectVrf(RouteTarget),
}

/// Above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RateLimit {
    BytesPerSecond(u64),
    PacketsPerSecond(u64),
}

/// Route target text `65001:100`, `192.0.2.1:100` or `4200000001:100`, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields of the three forms")]
pub enum RouteTarget {
    As2 { asn: u16, value: u32 },
    Ipv4 { address: std::net::Ipv4Addr, value: u16 },
    As4 { asn: u32, value: u16 },
}

/// Windows of local time; the policy holds inside any of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// IANA zone, such as `Europe/Paris`.
    pub zone: jiff::tz::TimeZone,
    /// At least one.
    pub windows: Vec<Window>,
}

/// Days and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Days it begins on; empty means every day.
    pub days: Vec<jiff::civil::Weekday>,
    /// Begin.
    pub from: jiff::civil::Time,
    /// End, not included; at or before `from` it is on the next day.
    pub to: jiff::civil::Time,
}

/// When a policy ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// At this time.
    At(Timestamp),
    /// So long after it was first applied in its present wording.
    After(jiff::SignedDuration),
}

/// What becomes of a redirect whose pool is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenProxyDown {
    /// The rules go; traffic flows unseen.
    #[default]
    Withdraw,
    /// The rules turn to drop.
    Drop,
    /// The rules stay.
    Keep,
}

#[cfg(test)]
mod tests;
