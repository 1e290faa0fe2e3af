//! The document as it is written. The comments here are what editors and the policy reference show.

use schemars::JsonSchema;
use serde::Deserialize;

use super::forms::{
    ApiVersion, ByteRate, Day, Destination, Dscp, Expires, FragmentWord, KindOfDocument, KindWord,
    Length, Name, PacketRate, Pool, Port, Prefix, Priority, ProtocolWord, RouteTargetText, Service,
    Slug, TcpFlag, TimeOfDay, WhenDown, Zone,
};
use super::written::{Field, FromWord, Nothing, OneOrMany, WordOr, Written};

/// What routers do with some packets. Compiled to FlowSpec rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct FlowSpecPolicy {
    /// Version of the language.
    pub api_version: Field<Written<ApiVersion>>,
    /// Kind of document.
    pub kind: Field<Written<KindOfDocument>>,
    /// Who and why.
    pub metadata: Field<Metadata>,
    /// What.
    pub spec: Field<Spec>,
}

/// Who and why.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Metadata {
    /// Name of the policy, its own within the whole set: lower-case letters, digits and hyphens.
    pub name: Field<Written<Name>>,
    /// Who answers for it.
    pub owner: Field<String>,
    /// Ticket that asked for it.
    pub ticket: Field<String>,
    /// What it is for, in a sentence.
    pub description: Field<String>,
}

/// Which packets, and what becomes of them. A packet must fit every field that is given; of several
/// values in one field, one must fit.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Spec {
    /// 1 to 65535, higher wins. One policy acts on a packet: the highest that matches. Policies of
    /// equal priority must not overlap with different actions.
    pub priority: Field<Written<Priority>>,
    /// Source prefixes. Without `from`: any source. One of `from` and `to` must be there.
    pub from: Field<Vec<Written<Prefix>>>,
    /// Destinations. Without `to`: any destination.
    pub to: Field<To>,
    /// IP protocol by name or number, or a list. `icmp` is 1 for IPv4 and 58 for IPv6.
    pub protocol: Field<OneOrMany<Written<ProtocolWord>>>,
    /// Destination ports of TCP or UDP, single or as ranges. Such rules do not match fragments
    /// after the first, which carry no ports.
    pub ports: Field<Vec<Written<Port>>>,
    /// Source ports of TCP or UDP, likewise.
    pub source_ports: Field<Vec<Written<Port>>>,
    /// Length of the whole IP packet in octets, single or as ranges.
    pub packet_length: Field<Vec<Written<Length>>>,
    /// DSCP by name or value, single or as ranges.
    pub dscp: Field<Vec<Written<Dscp>>>,
    /// TCP flags that must all be set or, with `!`, clear.
    pub tcp_flags: Field<Vec<Written<TcpFlag>>>,
    /// Fragments: `is` (not the first), `first`, `last`, `dont` (IPv4 "don't fragment" set), or the
    /// opposite with `!`. One of them must hold.
    pub fragment: Field<Vec<Written<FragmentWord>>>,
    /// What is done with the packets.
    pub action: Field<WordOr<ActionFields>>,
    /// What becomes of a redirect whose proxy pool does not answer: `withdraw` (the default: traffic
    /// flows unseen), `drop`, or `keep` the rules as they are.
    pub when_proxy_down: Field<Written<WhenDown>>,
    /// When the policy holds. Without it: always.
    pub schedule: Field<ScheduleFields>,
    /// When the policy ends: so long after it was first applied in its present wording (`30d`), or
    /// a time.
    pub expires: Field<Written<Expires>>,
}

/// Destinations: the union of what the lists select.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct To {
    /// Providers of the registry, such as `openai`.
    pub providers: Field<Vec<Written<Slug>>>,
    /// Single endpoints of the registry, such as `openai/api`.
    pub services: Field<Vec<Written<Service>>>,
    /// Narrows `providers` and `services` to endpoints of these kinds; alone it selects every
    /// endpoint of them.
    pub kinds: Field<Vec<Written<KindWord>>>,
    /// Tunnel, VPN, Tor, DNS-over-HTTPS and proxy services of the registry, such as `ngrok`.
    pub tunnels: Field<Vec<Written<Slug>>>,
    /// Literal prefixes.
    pub prefixes: Field<Vec<Written<Prefix>>>,
    /// Host names; selects the endpoints of the registry that have them.
    pub names: Field<Vec<Written<Destination>>>,
}

/// `drop`, `accept`, `rateLimit` and `redirect` exclude each other. `mark` and `sample` go with each
/// other and with all of them but `drop`; alone they leave the packet on its way.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Action")]
pub(crate) struct ActionFields {
    /// The packet goes nowhere. Allowed only towards addresses that are the service's own.
    pub drop: Field<Nothing>,
    /// The packet goes on; no policy of lower priority acts on it.
    pub accept: Field<Nothing>,
    /// The packets go on up to a rate.
    pub rate_limit: Field<RateLimitFields>,
    /// The packets go to a proxy pool or into a VRF.
    pub redirect: Field<Redirect>,
    /// Sets the DSCP.
    pub mark: Field<Mark>,
    /// Samples and logs, as the router is set up for it.
    pub sample: Field<Nothing>,
}

impl FromWord for ActionFields {
    const WORDS: &'static [&'static str] = &["accept", "drop", "sample"];
    const KEYS: &'static [&'static str] = &["rateLimit", "redirect", "mark"];

    fn from_word(word: &str) -> Self {
        let given = || Field(Some(sark_core::document::Spanned::default()));
        let mut fields = Self::default();
        match word {
            "accept" => fields.accept = given(),
            "drop" => fields.drop = given(),
            _ => fields.sample = given(),
        }
        fields
    }
}

/// Exactly one of the two rates, above zero. Whole numbers, or with `k`, `M` or `G` (1000 and up).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "RateLimit")]
pub(crate) struct RateLimitFields {
    /// Bytes, never bits.
    pub bytes_per_second: Field<Written<ByteRate>>,
    /// Packets.
    pub packets_per_second: Field<Written<PacketRate>>,
}

/// Exactly one of `to` and `vrf`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Redirect {
    /// A proxy pool of sarkd's configuration.
    pub to: Field<Written<Pool>>,
    /// Route target of a VRF: `65001:100`, `192.0.2.1:100` or `4200000001:100`.
    pub vrf: Field<Written<RouteTargetText>>,
    /// With `to`: a copy goes to the pool, the packet goes on.
    pub copy: Field<bool>,
}

/// Sets the DSCP.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Mark {
    /// Name or value, 0 to 63.
    pub dscp: Field<Written<Dscp>>,
}

/// Windows of local time; the policy holds inside any of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Schedule")]
pub(crate) struct ScheduleFields {
    /// IANA time zone, such as `Europe/Paris`. Daylight saving time is followed.
    pub zone: Field<Written<Zone>>,
    /// At least one.
    pub windows: Field<Vec<WindowFields>>,
}

/// Days and times.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Window")]
pub(crate) struct WindowFields {
    /// Days on which it begins: `mon`, or `mon-fri`. Without `days`: every day.
    pub days: Field<Vec<Written<Day>>>,
    /// Begin, `HH:MM`.
    pub from: Field<Written<TimeOfDay>>,
    /// End, not included. At or before `from` it is on the next day.
    pub to: Field<Written<TimeOfDay>>,
}
