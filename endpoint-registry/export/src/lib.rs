//! feed → [registry] → policy → plan → NLRI → GoBGP → router
//!
//! A snapshot in the forms of other tools ([`export`]). Only words that cannot be mistaken get into
//! forms without quoting: ids, checked names, prefixes; titles come from feeds, and are in JSON and
//! CSV alone. What a form cannot say, or should not, is left out and counted in the notes.

mod forms;

use ipnet::IpNet;
use jiff::Timestamp;
use sark_registry::{Endpoint, Kind, Role, Sharedness, Snapshot};

/// The forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The registry version and its endpoints, as stored.
    Json,
    /// One line for each name and address; RFC 4180.
    Csv,
    /// A file for `nft -f`: table `inet sark`, interval sets `PROVIDER_KIND_v4` and `_v6`.
    Nftables,
    /// A response policy zone that answers NXDOMAIN.
    Rpz,
    /// A hosts file that leads names to nowhere.
    Hosts,
    /// An intelligence file of Zeek, separated by tabs.
    Zeek,
}

/// What to export; an empty list means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Slugs.
    pub providers: Vec<String>,
    /// See the type.
    pub kinds: Vec<Kind>,
    /// Empty means `ingress` and `relay`. All forms but JSON and CSV take only these two.
    pub roles: Vec<Role>,
    /// Only what its owner's document confirms.
    pub verified: bool,
    /// Addresses that clouds and content networks share, too, in the forms that block addresses.
    pub shared: bool,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The document.
    pub text: String,
    /// What was left out, with the count and the reason.
    pub notes: Vec<String>,
}

/// The endpoints of a snapshot that may be used at `now`, in this form.
#[must_use]
pub fn export(snapshot: &Snapshot, form: Form, selection: &Selection, now: Timestamp) -> Exported {
    let data = matches!(form, Form::Json | Form::Csv);
    let chosen: Vec<&Endpoint> = snapshot
        .endpoints()
        .iter()
        .filter(|e| e.is_usable(now) && selection.takes(e) && (data || e.is_destination()))
        .collect();
    let version = snapshot.version().as_str();
    match form {
        Form::Json => forms::json(version, &chosen),
        Form::Csv => forms::csv(&chosen),
        Form::Nftables => forms::nftables(version, &chosen, selection.shared),
        Form::Rpz => forms::rpz(version, &chosen, now),
        Form::Hosts => forms::hosts(version, &chosen),
        Form::Zeek => forms::zeek(&chosen, selection.shared),
    }
}

impl Selection {
    fn takes(&self, e: &Endpoint) -> bool {
        let role =
            if self.roles.is_empty() { e.is_destination() } else { self.roles.contains(&e.role) };
        role && (self.providers.is_empty() || self.providers.contains(&e.provider))
            && (self.kinds.is_empty() || self.kinds.contains(&e.kind))
            && (!self.verified || e.verified)
    }
}

/// Published prefixes and learned addresses, each with what else lives there.
fn addresses(e: &Endpoint) -> impl Iterator<Item = (IpNet, Sharedness)> {
    let published = e.prefixes.iter().map(|prefix| (*prefix, e.sharedness));
    published.chain(e.learned.iter().map(|l| (l.address.into(), l.sharedness)))
}
