//! feed → [registry] → policy → plan → NLRI → GoBGP → router
//!
//! A snapshot in the forms of other tools ([`export`]). Only words that cannot be mistaken get into
//! forms without quoting: ids, checked names, prefixes; titles come from feeds, and are in JSON, CSV
//! and STIX alone. What a form cannot say, or should not, is left out and counted in the notes.
//!
//! An address is exported with what is found to live there, not with what its endpoint says of
//! itself: forms that other tools block by leave out what clouds and content networks share, unless
//! they are told not to. What must not be touched now ([`Spared`]) is in none of them.

mod forms;
mod rpz;
mod selection;
mod spared;
mod stix;
mod suricata;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use jiff::Timestamp;
use sark_registry::{Endpoint, Kind, NamePattern, Sharedness, Snapshot};

use spared::LeftOut;

pub use selection::{Selection, UnknownProvider};
pub use spared::Spared;

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The registry version and its endpoints, as stored.
    Json,
    /// One line for each name and address; RFC 4180.
    Csv,
    /// A file for `nft -f`: table `inet sark`, interval sets `PROVIDER_KIND_v4` and `_v6`, empty where
    /// nothing is left.
    Nftables,
    /// A response policy zone that answers NXDOMAIN, and passes through what is spared.
    Rpz,
    /// A hosts file that leads names to nowhere.
    Hosts,
    /// An intelligence file of Zeek, separated by tabs.
    Zeek,
    /// Rules for Suricata 7 and later: names in DNS, TLS and QUIC, and addresses.
    Suricata,
    /// A STIX 2.1 bundle of indicators, one for each name and address.
    Stix,
}

impl Form {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Json,
        Self::Csv,
        Self::Nftables,
        Self::Rpz,
        Self::Hosts,
        Self::Zeek,
        Self::Suricata,
        Self::Stix,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Nftables => "nftables",
            Self::Rpz => "rpz",
            Self::Hosts => "hosts",
            Self::Zeek => "zeek",
            Self::Suricata => "suricata",
            Self::Stix => "stix",
        }
    }

    /// Of the document.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Stix => "application/stix+json;version=2.1",
            _ => "text/plain; charset=utf-8",
        }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The document.
    pub text: String,
    /// What was left out, with the count and the reason. ASCII, one line each.
    pub notes: Vec<String>,
}

/// The endpoints of a snapshot that may be used at `now`, in this form. What is spared is in JSON and
/// CSV, which are data, if it is in the snapshot; in the others it is not.
#[must_use]
pub fn export(
    snapshot: &Snapshot,
    form: Form,
    selection: &Selection,
    spared: &Spared,
    now: Timestamp,
) -> Exported {
    let data = matches!(form, Form::Json | Form::Csv);
    let takes = |e: &&Endpoint| selection.takes(e) && (data || e.is_destination());
    let usable = || snapshot.endpoints().iter().filter(|e| e.is_usable(now));
    let endpoints = usable().filter(takes).collect();
    let groups = snapshot.endpoints().iter().filter(|e| selection.names(e));
    let groups = groups.map(|e| (e.provider.as_str(), e.kind)).collect();
    let chosen = Chosen { snapshot, endpoints, groups, spared, shared: selection.shared };
    let mut exported = match form {
        Form::Json => forms::json(&chosen),
        Form::Csv => forms::csv(&chosen),
        Form::Nftables => forms::nftables(&chosen),
        Form::Rpz => rpz::rpz(&chosen, now),
        Form::Hosts => forms::hosts(&chosen),
        Form::Zeek => forms::zeek(&chosen),
        Form::Suricata => suricata::suricata(&chosen),
        Form::Stix => stix::stix(&chosen),
    };
    let others = usable().filter(|e| selection.takes(e)).count() - chosen.endpoints.len();
    let why = "they connect, and nobody connects to them";
    exported.notes.extend(forms::left_out(others as u64, "endpoint", "endpoints", why));
    if chosen.endpoints.is_empty() {
        exported.notes.push("nothing is selected: the document is empty".to_owned());
    }
    exported
}

/// What goes into a document.
struct Chosen<'a> {
    snapshot: &'a Snapshot,
    endpoints: Vec<&'a Endpoint>,
    /// Providers and kinds that are asked for, also where no endpoint is left.
    groups: BTreeSet<(&'a str, Kind)>,
    spared: &'a Spared,
    shared: bool,
}

impl Chosen<'_> {
    fn version(&self) -> &str {
        self.snapshot.version().as_str()
    }

    /// Published prefixes and learned addresses, each once, with what else is found to live there.
    fn addresses(&self, e: &Endpoint) -> BTreeMap<IpNet, Sharedness> {
        let learned = e.learned.iter().map(|l| (l.address.into(), l.sharedness));
        let mut addresses: BTreeMap<IpNet, Sharedness> = learned.collect();
        for prefix in &e.prefixes {
            addresses.insert(*prefix, self.snapshot.effective_sharedness(e, *prefix));
        }
        addresses
    }

    /// Those that may be blocked by; the others are counted.
    fn blockable(&self, e: &Endpoint, left_out: &mut LeftOut) -> BTreeMap<IpNet, Sharedness> {
        let mut addresses = self.addresses(e);
        if !self.shared {
            let before = addresses.len();
            addresses.retain(|_, sharedness| *sharedness < Sharedness::Cloud);
            left_out.shared += (before - addresses.len()) as u64;
        }
        let mut left = BTreeMap::new();
        for (net, sharedness) in addresses {
            let parts = self.spared.cut(e, net);
            left_out.spared += u64::from(parts != [net]);
            for part in parts {
                let known = left.entry(part).or_insert(sharedness);
                *known = sharedness.max(*known);
            }
        }
        left
    }

    /// Names that may be blocked by; the others are counted.
    fn names<'e>(&self, e: &'e Endpoint, left_out: &mut LeftOut) -> Vec<&'e NamePattern> {
        let (spared, left): (Vec<_>, Vec<_>) =
            e.names.iter().partition(|name| self.spared.covers(name));
        left_out.names += spared.len() as u64;
        left
    }
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
