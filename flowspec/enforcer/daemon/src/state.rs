//! What the kernel cannot tell of itself: which rules the table is made of.
//!
//! A file beside a lock, in a directory that is lost when the kernel's memory is. It is written
//! after each apply; a table that is not the file's (another fingerprint) is compiled anew.

mod hex;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sark_enforcer::{Counter, Program, Redirect, Target};
use sark_flowspec::{Afi, ExtendedCommunity, Nlri, Observed};
use sark_gobgp::BestPath;
use sark_program::{LockError, StateLock};
use serde::{Deserialize, Serialize};

use crate::{Heard, Totals, Unread};

/// The form of the file. Another one is as if there were none.
const FORM: u32 = 1;

/// The table that was applied last, and what is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    form: u32,
    /// [`Program::fingerprint`].
    pub fingerprint: String,
    /// In order.
    pub rules: Vec<StoredRule>,
    /// Not enforced, and why.
    pub refused: Vec<StoredRefusal>,
    /// Next hops that could not be reached, and why.
    pub unreachable: BTreeMap<IpAddr, String>,
    redirects: Vec<StoredRedirect>,
}

/// A rule of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRule {
    /// Text form.
    pub rule: String,
    /// What it asks for, text forms.
    pub actions: Vec<String>,
    /// Whether that is done.
    pub enforced: bool,
    /// What it had counted in tables before.
    pub packets: u64,
    /// See `packets`.
    pub bytes: u64,
    /// Address family.
    pub family: Afi,
    /// Octets of the NLRI.
    pub nlri: String,
    communities: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown_attributes: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
}

/// Something that is not enforced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRefusal {
    /// Address family.
    pub family: Afi,
    /// Text form; octets of what is no rule.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Its packets are counted and pass as if it had no action.
    pub in_place: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredRedirect {
    slot: u32,
    mark: u32,
    table: u32,
    next_hop: Option<IpAddr>,
    family: Afi,
}

impl Stored {
    /// What is to be remembered of a program.
    #[must_use]
    pub fn of(
        program: &Program,
        heard: &Heard,
        totals: &Totals,
        unreachable: &BTreeMap<IpAddr, String>,
    ) -> Self {
        let rules = program.rules().iter().filter_map(|placed| {
            let path = heard.paths.get(&placed.nlri)?;
            let Counter { packets, bytes } = totals.before(&placed.nlri);
            Some(StoredRule {
                rule: placed.nlri.to_string(),
                actions: placed.actions.iter().map(ToString::to_string).collect(),
                enforced: placed.enforced,
                packets,
                bytes,
                family: placed.nlri.afi(),
                nlri: hex::text(&path.observed.octets),
                communities: path.observed.communities.iter().map(community_text).collect(),
                unknown_attributes: path.unknown_attributes.clone(),
                broken: path.broken.clone(),
            })
        });
        let redirects = program.redirects().iter().map(|redirect| StoredRedirect {
            slot: redirect.slot,
            mark: redirect.mark,
            table: redirect.table,
            next_hop: match redirect.target {
                Target::NextHop(address) => Some(address),
                Target::Vrf { .. } => None,
            },
            family: redirect.target.afi(),
        });
        Self {
            form: FORM,
            fingerprint: program.fingerprint().to_owned(),
            rules: rules.collect(),
            refused: refused(program, &heard.unread),
            unreachable: unreachable.clone(),
            redirects: redirects.collect(),
        }
    }

    /// The paths that its rules were made of.
    #[must_use]
    pub fn paths(&self) -> HashMap<Nlri, BestPath> {
        self.rules.iter().filter_map(StoredRule::path).collect()
    }

    /// What its rules had counted before.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let carried = self.rules.iter().filter_map(|rule| {
            Some((rule.path()?.0, Counter { packets: rule.packets, bytes: rule.bytes }))
        });
        Totals::carried(carried.collect())
    }

    /// Where its marks lead.
    #[must_use]
    pub fn redirects(&self) -> Vec<Redirect> {
        let redirect = |stored: &StoredRedirect| Redirect {
            target: match stored.next_hop {
                Some(address) => Target::NextHop(address),
                None => Target::Vrf { table: stored.table, afi: stored.family },
            },
            slot: stored.slot,
            mark: stored.mark,
            table: stored.table,
        };
        self.redirects.iter().map(redirect).collect()
    }
}

impl StoredRule {
    /// What it matches.
    #[must_use]
    pub fn decoded(&self) -> Option<Nlri> {
        Nlri::decode(self.family, &hex::octets(&self.nlri)?).ok()
    }

    fn path(&self) -> Option<(Nlri, BestPath)> {
        let octets = hex::octets(&self.nlri)?;
        let nlri = Nlri::decode(self.family, &octets).ok()?;
        let communities = self.communities.iter().map(|text| community(text));
        let observed = Observed {
            afi: self.family,
            octets,
            nlri: Ok(nlri.clone()),
            communities: communities.collect::<Option<_>>()?,
            large_communities: Vec::new(),
            local: false,
        };
        let (unknown_attributes, broken) = (self.unknown_attributes.clone(), self.broken.clone());
        Some((nlri, BestPath { observed, unknown_attributes, broken }))
    }
}

/// All that is not enforced: rules first, then what is no rule.
#[must_use]
pub fn refused(program: &Program, unread: &[Unread]) -> Vec<StoredRefusal> {
    let rules = program.refusals().iter().map(|refusal| StoredRefusal {
        family: refusal.nlri.afi(),
        rule: refusal.nlri.to_string(),
        reason: refusal.reason.to_string(),
        in_place: refusal.in_place,
    });
    let unread = unread.iter().map(|unread| StoredRefusal {
        family: unread.afi,
        rule: hex::text(&unread.octets),
        reason: format!("no rule we know: {}", unread.error),
        in_place: false,
    });
    rules.chain(unread).collect()
}

fn community_text(community: &ExtendedCommunity) -> String {
    match community {
        ExtendedCommunity::Basic(octets) => hex::text(octets),
        ExtendedCommunity::Ipv6(octets) => hex::text(octets),
    }
}

fn community(text: &str) -> Option<ExtendedCommunity> {
    let octets = hex::octets(text)?;
    match octets.len() {
        8 => octets.try_into().ok().map(ExtendedCommunity::Basic),
        _ => octets.try_into().ok().map(ExtendedCommunity::Ipv6),
    }
}

/// Where the file is.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// Names it; touches nothing.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes it if missing, and takes it for this process: applies are one after another.
    pub fn lock(&self) -> Result<StateLock, LockError> {
        StateLock::take(&self.0, "sark-enforcer")
    }

    /// What was stored last, if anything of use was.
    pub fn load(&self) -> io::Result<Option<Stored>> {
        let octets = match fs::read(self.file()) {
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let stored: Stored = serde_json::from_slice(&octets)?;
        Ok((stored.form == FORM).then_some(stored))
    }

    /// Takes the place of what was stored, at once.
    pub fn store(&self, stored: &Stored) -> io::Result<()> {
        let new = self.0.join("state.new");
        fs::write(&new, serde_json::to_vec(stored)?)?;
        fs::rename(new, self.file())
    }

    /// Forgets it.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(self.file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.json")
    }
}

#[cfg(test)]
mod tests;
