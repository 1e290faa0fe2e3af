//! The YAML form of an overlay. What is not stated is the least that could be meant: shared by any
//! site, half sure, unverified. Nothing forgotten widens what may be done.

use std::{collections::BTreeMap, fmt, str::FromStr};

use ipnet::IpNet;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sark_core::document::Spanned;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::prefix;
use crate::{Kind, NamePattern, PortRange, Role, Sharedness, State};

/// A document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Form {
    #[serde(rename = "apiVersion")]
    pub _api_version: ApiVersion,
    #[serde(rename = "kind")]
    pub _kind: FormKind,
    pub metadata: Metadata,
    /// Documents and feeds by short name.
    #[serde(default)]
    pub sources: BTreeMap<String, Source>,
    #[serde(default)]
    pub providers: Vec<Provider>,
    #[serde(default)]
    pub extensions: Vec<Extension>,
    #[serde(default)]
    pub never_touch: Vec<NeverTouch>,
}

#[derive(Debug, Deserialize)]
pub(crate) enum ApiVersion {
    #[serde(rename = "sark/v1")]
    V1,
}

#[derive(Debug, Deserialize)]
pub(super) enum FormKind {
    EndpointOverlay,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Metadata {
    pub name: Spanned<String>,
    #[serde(default)]
    pub version: Option<String>,
    pub owner: Option<Spanned<String>>,
    pub expires: Option<Moment>,
    #[serde(default, rename = "description")]
    pub _description: Option<String>,
}

/// A document or feed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Source {
    /// Address, or words for what has none.
    pub document: Spanned<String>,
    pub first_seen: Moment,
    pub last_seen: Moment,
}

/// A provider and what its services have in common.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Provider {
    pub provider: Spanned<String>,
    pub title: String,
    #[serde(default)]
    pub defaults: Defaults,
    pub services: Vec<Service>,
}

/// See [`Service`].
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Defaults {
    pub kind: Option<Kind>,
    pub role: Option<Role>,
    pub sharedness: Option<Sharedness>,
    pub confidence: Option<Percent>,
    pub verified: Option<bool>,
    pub state: Option<State>,
    pub ports: Option<Vec<PortRange>>,
    pub sources: Option<Vec<Spanned<String>>>,
}

/// One endpoint; its id is `provider/service`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Service {
    pub service: Spanned<String>,
    pub title: Option<String>,
    pub kind: Option<Kind>,
    pub role: Option<Role>,
    pub sharedness: Option<Sharedness>,
    pub confidence: Option<Percent>,
    pub verified: Option<bool>,
    pub state: Option<State>,
    #[serde(default)]
    pub names: Vec<NamePattern>,
    #[serde(default)]
    pub prefixes: Vec<Prefix>,
    pub ports: Option<Vec<PortRange>>,
    pub expires_at: Option<Moment>,
    pub price_ref: Option<String>,
    pub sources: Option<Vec<Spanned<String>>>,
}

/// See [`super::Extension`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Extension {
    pub extends: Spanned<String>,
    #[serde(default)]
    pub names: Vec<NamePattern>,
    #[serde(default)]
    pub prefixes: Vec<Prefix>,
    #[serde(default)]
    pub ports: Vec<PortRange>,
    pub sources: Vec<Spanned<String>>,
    pub sharedness: Option<Sharedness>,
    pub confidence: Option<Percent>,
    pub verified: Option<bool>,
    pub state: Option<State>,
    pub expires_at: Option<Moment>,
}

/// See [`super::NeverTouch`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NeverTouch {
    pub prefix: Option<Prefix>,
    pub name: Option<NamePattern>,
    pub reason: Spanned<String>,
    pub owner: Option<String>,
    pub expires: Option<Moment>,
}

/// A prefix that may stand in a registry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix(pub IpNet);

/// 0 to 100.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Percent(pub u8);

/// A day (its first moment in UTC) or a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
        let time = text.parse().ok().or_else(|| day().map(|day| day.timestamp()));
        time.map(Self).ok_or_else(|| {
            format!("{text:?} is not a time: write 2026-11-21 or 2026-11-21T08:00:00Z")
        })
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        let percent = u8::try_from(number).ok().filter(|percent| *percent <= 100);
        let message = || format!("{number} is not a percentage, 0 to 100");
        percent.map(Self).ok_or_else(|| D::Error::custom(message()))
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| prefix::parse(text).map(Self))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, str::parse)
    }
}

fn text<'de, D: Deserializer<'de>, T, E: fmt::Display>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(D::Error::custom)
}
