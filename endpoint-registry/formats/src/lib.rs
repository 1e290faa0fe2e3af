//! feed → [registry] → policy → plan → NLRI → GoBGP → router
//!
//! Octets of a feed → what it says ([`sark_registry::feed::Parsed`]). [`parse`] is the only way in;
//! [`Part`] is a file or answer of the feed, [`ParseError`] why it cannot be used. Each module says
//! which publisher's form it reads and which labels it gives.
//!
//! Entries of a feed are taken as they are: whether they may be believed (private ranges, wide
//! prefixes, sudden change) is the registry's gate to say. Something in a feed that cannot be used
//! is skipped with its reason; a document that is not what it should be is refused whole, because
//! half a list looks like a list from which somebody took half.
//!
//! [`dns_log`] reads another kind of document: what a DNS server told its clients.
//!
//! No I/O and no clock. Memory and time grow with the input's size, documents nest at most 128 deep.

mod airvpn;
mod asn;
mod cloud;
mod collect;
mod csv;
mod derp;
pub mod dns_log;
mod domain_list;
mod error;
mod github;
mod json;
mod json_path;
mod list;
mod misp;
mod nordvpn;
mod pattern;
mod prices;
mod ripe;
mod stix;
mod suffixes;
mod text;
mod tor;
mod vpn;

use jiff::Timestamp;
use sark_registry::feed::{Format, Parsed};

use collect::Collect;
pub use error::ParseError;

/// A file or answer of a feed.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// File name or URL. Domain lists include one another by the last segment of it.
    pub name: &'a str,
    /// After decompression.
    pub octets: &'a [u8],
}

/// What a feed may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseLimits {
    /// Entries without duplicates, or ranges, or rules; more is [`ParseError::Many`].
    pub most_entries: u64,
}

/// What all parts of a feed say together. Entries are sorted, each there once. `now` is for formats
/// whose entries end: STIX.
pub fn parse(
    format: &Format,
    parts: &[Part<'_>],
    limits: &ParseLimits,
    now: Timestamp,
) -> Result<Parsed, ParseError> {
    let mut collect = Collect::new(limits, parts.len() > 1);
    match format {
        Format::IpToAsn => return asn::parse(parts, collect),
        Format::PublicSuffixes => return suffixes::parse(parts, collect),
        Format::PriceList(_) => return prices::parse(parts, collect),
        Format::DomainList { list } => domain_list::parse(list, parts, &mut collect)?,
        Format::Json(form) => {
            let paths = json_path::Paths::new(form)?;
            each(parts, &mut collect, |octets, out| json_path::parse(&paths, octets, out))?;
        }
        Format::Csv(form) => {
            each(parts, &mut collect, |octets, out| csv::parse(form, octets, out))?;
        }
        Format::Stix => each(parts, &mut collect, |octets, out| stix::parse(octets, now, out))?,
        plain => each(parts, &mut collect, reader(plain))?,
    }
    collect.finish()
}

/// Mistakes of the form itself that show without a copy: a JSON path that is none.
pub fn check(format: &Format) -> Result<(), ParseError> {
    match format {
        Format::Json(form) => json_path::Paths::new(form).map(drop),
        _ => Ok(()),
    }
}

type Reader = fn(&[u8], &mut Collect) -> Result<(), ParseError>;

fn reader(format: &Format) -> Reader {
    match format {
        Format::Prefixes | Format::Google => cloud::google,
        Format::Aws => cloud::aws,
        Format::Azure => cloud::azure,
        Format::Fastly => cloud::fastly,
        Format::Github => github::parse,
        Format::Onionoo => tor::onionoo,
        Format::TorExitAddresses => tor::exit_addresses,
        Format::Mullvad => vpn::mullvad,
        Format::Nordvpn => nordvpn::parse,
        Format::Proton => vpn::proton,
        Format::Pia => vpn::pia,
        Format::Surfshark => vpn::surfshark,
        Format::Ivpn => vpn::ivpn,
        Format::Airvpn => airvpn::parse,
        Format::Windscribe => vpn::windscribe,
        Format::PrivateRelay => csv::private_relay,
        Format::Derp => derp::parse,
        Format::RipeAnnounced => ripe::parse,
        Format::Misp => misp::parse,
        // The others have gone their own way.
        _ => list::parse,
    }
}

fn each(
    parts: &[Part<'_>],
    collect: &mut Collect,
    mut read: impl FnMut(&[u8], &mut Collect) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    if parts.is_empty() {
        return Err(ParseError::Empty { part: "feed".to_owned() });
    }
    for part in parts {
        collect.begin(part.name);
        let octets = text::open(part)?;
        read(octets, collect)?;
    }
    Ok(())
}
