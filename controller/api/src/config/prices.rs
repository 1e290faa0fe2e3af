//! `registry.prices`: where the price list is, and which changes of it are not believed.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use sark_core::secret::SecretRef;
use sark_registry::feed::{
    self, Change, Feed, Format, Limits, Location, PRICE_LIST, PriceDoubt, Transport, Trust,
};
use sark_registry::schedule::Schedule;
use serde::{Deserialize, Serialize};

/// `registry.prices`. Without `file` and `url` there is no list, and everything is unpriced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PricesConfig {
    /// A file, relative to the configuration's.
    pub file: Option<PathBuf>,
    /// An `https` address; to name it is to have it asked.
    pub url: Option<String>,
    /// When it is read or asked: cron with seconds first, UTC.
    pub schedule: String,
    /// Longest list that is read, after decompression.
    pub most_octets: u64,
    /// Which changes wait for a person.
    pub doubt: PriceDoubtConfig,
    /// How the address is asked.
    pub transport: TransportConfig,
    /// Lists kept, 2 to 10000, for the cost of what was called before.
    pub keep_versions: u32,
}

/// `registry.prices.doubt`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PriceDoubtConfig {
    /// Percent of the models in use that may go at once.
    pub lost_percent: u8,
    /// A price that is more than so many times what it was, or less than that part, jumps.
    pub factor: u32,
    /// Percent of the models in use whose prices may jump at once.
    pub jump_percent: u8,
}

/// `registry.prices.transport`, as of feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TransportConfig {
    /// From the request to the last octet, 1 s to 1 h.
    pub timeout: SignedDuration,
    /// `http://`, `https://` or `socks5://` proxy.
    pub proxy: Option<String>,
    /// PEM file with authorities that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// Header names and where their values are: `file:/path` or `env:NAME`.
    pub headers: BTreeMap<String, SecretRef>,
    /// The server is one's own: plain `http` and private addresses are allowed.
    pub private: bool,
}

impl Default for PricesConfig {
    fn default() -> Self {
        Self {
            file: None,
            url: None,
            schedule: "0 23 5 * * *".to_owned(),
            most_octets: 32 << 20,
            doubt: PriceDoubtConfig::default(),
            transport: TransportConfig::default(),
            keep_versions: 100,
        }
    }
}

impl Default for PriceDoubtConfig {
    fn default() -> Self {
        let PriceDoubt { lost_percent, factor, jump_percent } = PriceDoubt::default();
        Self { lost_percent, factor, jump_percent }
    }
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            timeout: SignedDuration::from_secs(60),
            proxy: None,
            ca_file: None,
            headers: BTreeMap::new(),
            private: false,
        }
    }
}

impl PricesConfig {
    /// The feed that brings the list, if there is one; relative paths are seen from `base`. The
    /// configuration is checked.
    #[must_use]
    pub fn feed(&self, base: &Path) -> Option<Feed> {
        let location = match (&self.file, &self.url) {
            (Some(file), _) => Location::File(base.join(file)),
            (None, Some(url)) => Location::Urls(vec![url.clone()]),
            (None, None) => return None,
        };
        let PriceDoubtConfig { lost_percent, factor, jump_percent } = self.doubt;
        let usual = Limits::default();
        let asked = &self.transport;
        let header = |(name, value): (&String, &SecretRef)| (name.clone(), value.to_string());
        Some(Feed {
            name: PRICE_LIST.to_owned(),
            title: "What models cost".to_owned(),
            owner: "registry.prices".to_owned(),
            licence: None,
            enabled: true,
            location,
            format: Format::PriceList(PriceDoubt { lost_percent, factor, jump_percent }),
            schedule: self.schedule.parse().ok()?,
            outputs: Vec::new(),
            limits: Limits {
                // Models may come; those that go, and prices that change, have a rule of their own.
                change: Change { percent: 100, ..usual.change },
                most_octets: NonZeroU64::new(self.most_octets)?,
                ..usual
            },
            trust: Trust::default(),
            transport: Transport {
                timeout: Duration::try_from(asked.timeout).ok()?,
                proxy: asked.proxy.clone(),
                ca_file: asked.ca_file.as_ref().map(|path| base.join(path)),
                headers: asked.headers.iter().map(header).collect(),
                private: asked.private,
            },
        })
    }

    /// Tells each mistake: key, what is wrong, what to do.
    pub(super) fn check(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let key = |name: &str| format!("registry.prices.{name}");
        if self.file.is_some() && self.url.is_some() {
            wrong(&key("url"), "there is a file too".into(), "one of the two brings the list");
        }
        if let Some(Err(mistake)) =
            self.url.as_ref().map(|url| feed::check_url(url, self.transport.private))
        {
            wrong(&key("url"), mistake, "the address of a list in LiteLLM's shape");
        }
        if let Err(mistake) = self.schedule.parse::<Schedule>() {
            wrong(
                &key("schedule"),
                mistake.to_string(),
                "such as \"0 23 5 * * *\": at 05:23 each day, UTC",
            );
        }
        let mut within = |name: &str, value: u64, range: std::ops::RangeInclusive<u64>| {
            if !range.contains(&value) {
                let range = format!("{} to {}", range.start(), range.end());
                wrong(&key(name), format!("{value} is out of range"), &range);
            }
        };
        within("mostOctets", self.most_octets, 1024..=1 << 30);
        within("keepVersions", self.keep_versions.into(), 2..=10_000);
        within("doubt.lostPercent", self.doubt.lost_percent.into(), 0..=100);
        within("doubt.jumpPercent", self.doubt.jump_percent.into(), 0..=100);
        within("doubt.factor", self.doubt.factor.into(), 2..=1_000_000);
        let asked = &self.transport;
        let hour = SignedDuration::from_secs(1)..=SignedDuration::from_hours(1);
        if !hour.contains(&asked.timeout) {
            wrong(&key("transport.timeout"), "out of range".into(), "1s to 1h");
        }
        if let Some(Err(mistake)) = asked.proxy.as_deref().map(feed::check_proxy) {
            wrong(&key("transport.proxy"), mistake, "without one, remove it");
        }
        for (name, value) in &asked.headers {
            let key = key(&format!("transport.headers.{name}"));
            if !feed::is_header(name) {
                wrong(&key, format!("{name:?} is not a header's name"), "such as Authorization");
            }
            if *value == SecretRef::Invalid {
                wrong(
                    &key,
                    "its value is not a reference".into(),
                    "file:/path or env:NAME; the secret itself does not belong here",
                );
            }
        }
    }
}
