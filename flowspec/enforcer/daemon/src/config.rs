//! The configuration file, typed; unknown keys are errors.

mod load;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::SignedDuration;
use sark_caller::SarkdConfig;
use sark_core::log::LogConfig;
use sark_enforcer::{Options, Sample};
use sark_flowspec::RouteTarget;
use sark_gobgp::Address;
use serde::Deserialize;

/// All of it. Only `interfaces` has no default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Packets that come in through these are looked at, no others. They need not exist yet.
    pub interfaces: Vec<String>,
    /// The BGP daemon whose best paths are carried out.
    #[serde(default)]
    pub gobgp: GobgpConfig,
    /// Routing tables that redirects to a route target lead to.
    #[serde(default)]
    pub vrfs: Vec<VrfConfig>,
    /// Bits of the packet mark.
    #[serde(default)]
    pub marks: MarksConfig,
    /// Names and numbers of the kernel that are ours. Before they are changed, run
    /// `sark-enforcer remove`: what was made under others is not found again.
    #[serde(default)]
    pub kernel: KernelConfig,
    /// What the sample action does.
    #[serde(default)]
    pub sample: SampleConfig,
    /// When gobgpd is silent, or starts again.
    #[serde(default)]
    pub stale: StaleConfig,
    /// What becomes of the rules when the program is stopped: `keep` or `remove`.
    #[serde(default = "keep")]
    pub on_stop: Then,
    /// A round is made at least this often, beside those that gobgpd's notices cause: 1 s to 1 h.
    #[serde(default = "interval")]
    pub interval: SignedDuration,
    /// What the rules have counted is told to `sarkd`; nothing: to nobody.
    #[serde(default)]
    pub report: Option<ReportConfig>,
    /// Where Prometheus asks.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// What a restart must know, beside what the kernel tells.
    #[serde(default)]
    pub state: StateConfig,
    /// What is written on stderr.
    #[serde(default)]
    pub log: LogConfig,
}

fn keep() -> Then {
    Then::Keep
}

fn interval() -> SignedDuration {
    SignedDuration::from_secs(10)
}

/// `gobgp`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GobgpConfig {
    /// Its gRPC API: `unix:///path` or a loopback `address:port`.
    pub address: Text<Address>,
    /// How long it may keep silent during a call.
    pub timeout: SignedDuration,
}

impl Default for GobgpConfig {
    fn default() -> Self {
        let address = Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)));
        Self { address: Text(address), timeout: SignedDuration::from_secs(10) }
    }
}

/// One of `vrfs`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VrfConfig {
    /// The route target that the VRF imports.
    pub route_target: Text<RouteTarget>,
    /// Number of its routing table.
    pub table: u32,
}

/// `marks`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MarksConfig {
    /// Adjacent bits that say where a packet is redirected to; eight are 255 next hops and VRFs.
    pub redirect: Text<Mask>,
    /// Seven adjacent bits that carry a DSCP past rules that continue.
    pub dscp: Text<Mask>,
}

impl Default for MarksConfig {
    fn default() -> Self {
        let options = Options::new(["any"]);
        Self { redirect: Text(Mask(options.redirect_mask)), dscp: Text(Mask(options.dscp_mask)) }
    }
}

/// `kernel`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KernelConfig {
    /// The nftables tables, of the families `ip` and `ip6`.
    pub table: String,
    /// Routing tables of next hops are this one plus the value of the redirect bits.
    pub first_table: u32,
    /// Preference of our `ip rule`s; those of VRFs have the next one, too.
    pub preference: u32,
    /// Routing protocol number of our rules and routes, 5 to 255.
    pub protocol: u8,
    /// Whether the interfaces may hand over several packets as one (GRO, LRO). Then rules on
    /// lengths, packet rates and some TCP flags are refused.
    pub merged_segments: bool,
    /// The program `nft`.
    pub nft: PathBuf,
    /// The program `ip`.
    pub ip: PathBuf,
}

impl Default for KernelConfig {
    fn default() -> Self {
        let options = Options::new(["any"]);
        Self {
            table: options.table,
            first_table: options.first_table,
            preference: options.preference,
            protocol: options.protocol,
            merged_segments: options.merged_segments,
            nft: PathBuf::from("nft"),
            ip: PathBuf::from("ip"),
        }
    }
}

/// `sample`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SampleConfig {
    /// NFLOG group.
    pub group: u16,
    /// One packet of this many, for each rule.
    pub one_in: NonZeroU32,
    /// Octets of each packet.
    pub octets: u32,
}

impl Default for SampleConfig {
    fn default() -> Self {
        let Sample { group, one_in, octets } = Options::new(["any"]).sample;
        Self { group, one_in, octets }
    }
}

/// `stale`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StaleConfig {
    /// How long rules stay that gobgpd cannot be asked about, or has not again after its restart;
    /// up to 168h.
    pub hold: SignedDuration,
    /// What becomes of the rules when it could not be asked for that long: `remove` or `keep`.
    pub then: Then,
    /// How long all sessions of a gobgpd that started again must have been up before what it does
    /// not have counts as withdrawn.
    pub settle: SignedDuration,
}

impl Default for StaleConfig {
    fn default() -> Self {
        Self {
            hold: SignedDuration::from_mins(5),
            then: Then::Remove,
            settle: SignedDuration::from_secs(30),
        }
    }
}

/// What becomes of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Then {
    Remove,
    Keep,
}

/// `report`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportConfig {
    /// This enforcer, as `sarkctl flowspec list -o json` names it: the name of the token.
    pub name: String,
    /// Where `sarkd` is; a token has the scope `enforcer`.
    #[serde(default)]
    pub sarkd: SarkdConfig,
    /// How often: 1 s to 1 h. Counters are read once an `interval`.
    #[serde(default = "report_every")]
    pub every: SignedDuration,
}

fn report_every() -> SignedDuration {
    SignedDuration::from_secs(5)
}

/// `metrics`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Address and port. There is no authentication: leave it on loopback unless others may see
    /// the rules. `null`: not served.
    pub listen: Option<SocketAddr>,
    /// Rules that have series of their own, the first in order; the others are summed.
    pub rules: usize,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9466))), rules: 1000 }
    }
}

/// `state`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StateConfig {
    /// One `sark-enforcer` per directory. Made to be lost with the kernel's memory.
    pub directory: PathBuf,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self { directory: PathBuf::from("/run/sark-enforcer") }
    }
}

/// A value that is written as its text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String", bound = "T: FromStr, T::Err: std::fmt::Display")]
pub struct Text<T>(pub T);

impl<T: FromStr> TryFrom<String> for Text<T> {
    type Error = T::Err;

    fn try_from(text: String) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

/// A mask, such as `0x00ff0000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mask(pub u32);

impl FromStr for Mask {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
        let mask = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        mask.map(Self).ok_or("expected a mask of 32 bits such as 0x00ff0000")
    }
}
