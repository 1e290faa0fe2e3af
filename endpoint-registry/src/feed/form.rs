//! The YAML form of a feed. What is not stated is the least that could be meant.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use jiff::SignedDuration;
use sark_core::document::Spanned;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    Kind, PortRange, Role, Sharedness,
    overlay::form::{ApiVersion, Percent},
};

/// A document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Form {
    #[serde(rename = "apiVersion")]
    pub _api_version: ApiVersion,
    #[serde(rename = "kind")]
    pub _kind: FormKind,
    pub metadata: Metadata,
    pub spec: Spec,
}

#[derive(Debug, Deserialize)]
pub(super) enum FormKind {
    EndpointFeed,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Metadata {
    pub name: Spanned<String>,
    pub owner: Spanned<String>,
    #[serde(default, rename = "description")]
    pub _description: Option<String>,
}

/// See [`super::Feed`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    pub title: Spanned<String>,
    pub licence: Option<String>,
    pub enabled: Option<bool>,
    pub urls: Option<Spanned<Vec<Spanned<String>>>>,
    pub file: Option<Spanned<String>>,
    pub directory: Option<Spanned<String>>,
    pub taxii: Option<Spanned<Taxii>>,
    pub format: Spanned<Word>,
    pub csv: Option<Spanned<Csv>>,
    pub json: Option<Spanned<Json>>,
    pub list: Option<Spanned<String>>,
    pub schedule: Spanned<String>,
    #[serde(default)]
    pub outputs: Vec<Output>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub trust: Trust,
    #[serde(default)]
    pub transport: Transport,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Taxii {
    pub root: Spanned<String>,
    pub collection: Spanned<String>,
}

/// The words of [`super::Format`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    Text,
    Csv,
    Json,
    Misp,
    Stix,
    Prefixes,
    Google,
    Aws,
    Azure,
    Fastly,
    Github,
    Onionoo,
    TorExitAddresses,
    Mullvad,
    Nordvpn,
    Proton,
    Pia,
    Surfshark,
    Ivpn,
    Airvpn,
    Windscribe,
    PrivateRelay,
    Derp,
    DomainList,
    RipeAnnounced,
    IpToAsn,
    PublicSuffixes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Csv {
    pub delimiter: Option<Spanned<String>>,
    pub header: Option<bool>,
    pub subject: Spanned<String>,
    pub tag: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Json {
    pub items: Spanned<String>,
    pub subjects: Vec<Spanned<String>>,
    pub tag: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Output {
    pub endpoint: Spanned<String>,
    pub title: String,
    pub kind: Kind,
    pub role: Option<Role>,
    pub sharedness: Option<Sharedness>,
    pub confidence: Option<Percent>,
    pub verified: Option<bool>,
    #[serde(default)]
    pub ports: Vec<PortRange>,
    #[serde(default)]
    pub select: BTreeMap<String, Spanned<Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Limits {
    pub widest_ipv4: Option<Spanned<u64>>,
    pub widest_ipv6: Option<Spanned<u64>>,
    #[serde(default)]
    pub change: Change,
    pub least_entries: Option<Spanned<u64>>,
    pub most_entries: Option<Spanned<u64>>,
    pub most_octets: Option<Octets>,
    pub private_ranges: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    pub percent: Option<Percent>,
    pub entries: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Trust {
    pub sha256: Option<Spanned<String>>,
    pub minisign: Option<Minisign>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Minisign {
    pub key: Spanned<String>,
    pub signature: Spanned<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Transport {
    pub timeout: Option<Span>,
    pub proxy: Option<Spanned<String>>,
    pub ca_file: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, Spanned<String>>,
    pub private: Option<bool>,
}

/// Octets: a number, or one with `KiB`, `MiB` or `GiB`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Octets(pub std::num::NonZeroU64);

impl FromStr for Octets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, shift) = [("KiB", 10), ("MiB", 20), ("GiB", 30)]
            .into_iter()
            .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end(), shift)))
            .unwrap_or((text, 0));
        let octets = number.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift));
        let octets = octets.filter(|octets| *octets <= MOST_OCTETS);
        octets
            .and_then(std::num::NonZeroU64::new)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a size: write octets or 64MiB, from 1 to 4GiB"))
    }
}

const MOST_OCTETS: u64 = 4 << 30;

/// From a second to an hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span =
            text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        let range = Duration::from_secs(1)..=Duration::from_secs(3600);
        span.filter(|span| range.contains(span))
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a time limit: write 30s or 2m, from 1s to 1h"))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
