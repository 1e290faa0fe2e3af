//! What the router's owner decides.

use std::collections::HashMap;
use std::num::NonZeroU32;

use sark_flowspec::RouteTarget;

/// Where rules apply, and which names and numbers of the kernel are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Name of the tables `ip` and `ip6`, and of one `inet` that earlier versions had. They are ours
    /// alone: they are replaced and deleted as a whole.
    pub table: String,
    /// Packets that come in through these are looked at, no others. They need not exist yet.
    pub interfaces: Vec<String>,
    /// Bits of the packet mark that say where a packet is redirected to; adjacent. They are
    /// cleared in every packet that comes in. Eight bits are 255 next hops and VRFs.
    pub redirect_mask: u32,
    /// Seven adjacent bits that carry a DSCP past rules that continue.
    pub dscp_mask: u32,
    /// The routing table of each VRF, by the route target that it imports.
    pub vrf_tables: HashMap<RouteTarget, u32>,
    /// Routing tables of next hops are this one plus the value of the redirect bits.
    pub first_table: u32,
    /// Preference of our `ip rule`s; those that keep a VRF's packets in it have the next one.
    pub preference: u32,
    /// Routing protocol number that marks rules and routes as ours (`rt_protos`), 5 to 255. All
    /// that carry it are ours to delete.
    pub protocol: u8,
    /// How the S bit samples.
    pub sample: Sample,
    /// Whether the interfaces may hand over several packets of a flow as one (GRO, LRO, or a local
    /// sender's segmentation offload). Then lengths, packet rates and the flags FIN, PSH and CWR
    /// are not those of the packets on the wire, and rules that depend on them are refused.
    pub merged_segments: bool,
}

/// Where samples go: to the readers of an NFLOG group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// NFLOG group.
    pub group: u16,
    /// One packet of this many, for each rule.
    pub one_in: NonZeroU32,
    /// Octets of each packet.
    pub octets: u32,
}

/// Why options cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says each field")]
pub enum OptionsError {
    #[error("table {0:?}: a name has letters, digits and `_`, starts with a letter, at most 31")]
    Table(String),
    #[error("no interface is named: no packet would be looked at")]
    NoInterface,
    #[error("interface {0:?}: 1 to 15 letters, digits or any of `.` `_` `-` `@` `+`")]
    Interface(String),
    #[error("redirect_mask {0:#010x}: needs adjacent bits")]
    RedirectMask(u32),
    #[error("dscp_mask {0:#010x}: needs seven adjacent bits")]
    DscpMask(u32),
    #[error("redirect_mask and dscp_mask have bits in common")]
    MasksOverlap,
    #[error("routing table {table} of {target} is reserved, or one of those for next hops")]
    VrfTable { target: RouteTarget, table: u32 },
    #[error("first_table {0}: the tables behind it are reserved, or beyond the largest number")]
    FirstTable(u32),
    #[error("preference {0}: needs 1 to 32764, before the main table")]
    Preference(u32),
    #[error("protocol {0}: the kernel and administrators use 0 to 4")]
    Protocol(u8),
}

/// `default`, `main` and `local`.
const RESERVED_TABLES: std::ops::RangeInclusive<u32> = 253..=255;

impl Options {
    /// What is usual, for these interfaces.
    #[must_use]
    pub fn new<S: Into<String>>(interfaces: impl IntoIterator<Item = S>) -> Self {
        Self {
            table: "sark_flowspec".to_owned(),
            interfaces: interfaces.into_iter().map(Into::into).collect(),
            redirect_mask: 0x00ff_0000,
            dscp_mask: 0x7f00_0000,
            vrf_tables: HashMap::new(),
            first_table: 830_000,
            preference: 8300,
            protocol: 83,
            sample: Sample { group: 83, one_in: NonZeroU32::MIN.saturating_add(999), octets: 128 },
            merged_segments: true,
        }
    }

    /// The largest value that the redirect bits hold.
    pub(crate) fn slots(&self) -> u32 {
        self.redirect_mask.checked_shr(self.redirect_mask.trailing_zeros()).unwrap_or(0)
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = self.table.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts || self.table.len() > 31 || !self.table.chars().all(word) {
            return Err(OptionsError::Table(self.table.clone()));
        }
        if self.interfaces.is_empty() {
            return Err(OptionsError::NoInterface);
        }
        let fits = |name: &&String| {
            (1..=15).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-@+".contains(c))
        };
        if let Some(name) = self.interfaces.iter().find(|name| !fits(name)) {
            return Err(OptionsError::Interface(name.clone()));
        }
        self.check_masks()?;
        self.check_tables()?;
        if !(1..=32_764).contains(&self.preference) {
            return Err(OptionsError::Preference(self.preference));
        }
        if self.protocol < 5 {
            return Err(OptionsError::Protocol(self.protocol));
        }
        Ok(())
    }

    fn check_masks(&self) -> Result<(), OptionsError> {
        let adjacent = |mask: u32| {
            mask.count_ones() + mask.leading_zeros() + mask.trailing_zeros() == u32::BITS
        };
        if self.redirect_mask == 0 || !adjacent(self.redirect_mask) {
            return Err(OptionsError::RedirectMask(self.redirect_mask));
        }
        if self.dscp_mask.count_ones() != 7 || !adjacent(self.dscp_mask) {
            return Err(OptionsError::DscpMask(self.dscp_mask));
        }
        if self.redirect_mask & self.dscp_mask != 0 {
            return Err(OptionsError::MasksOverlap);
        }
        Ok(())
    }

    fn check_tables(&self) -> Result<(), OptionsError> {
        let last = self.first_table.checked_add(self.slots());
        let Some(last) = last.filter(|last| {
            self.first_table > *RESERVED_TABLES.end() || *last < *RESERVED_TABLES.start()
        }) else {
            return Err(OptionsError::FirstTable(self.first_table));
        };
        let ours = self.first_table..=last;
        let taken = |table: u32| table == 0 || table == 255 || ours.contains(&table);
        match self.vrf_tables.iter().find(|(_, table)| taken(**table)) {
            Some((target, table)) => Err(OptionsError::VrfTable { target: *target, table: *table }),
            None => Ok(()),
        }
    }
}
