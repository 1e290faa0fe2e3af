//! Where a feed is, how it is read and what it may say.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use crate::schedule::Schedule;
use crate::{Kind, PortRange, Role, Sharedness};

/// One feed, checked. Those that ship are in `seed/feeds.yaml`; the operator's have the same form.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// Slug, unique: `tor-relays`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Who answers for it here.
    pub owner: String,
    /// Licence or note of its publisher.
    pub licence: Option<String>,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// Where it is.
    pub location: Location,
    /// How it is read.
    pub format: Format,
    /// When it is asked.
    pub schedule: Schedule,
    /// The endpoints that it makes; an entry goes to the first that selects it, else nowhere.
    /// Empty for formats that make none: IP to ASN, public suffixes.
    pub outputs: Vec<Output>,
    /// What it may say.
    pub limits: Limits,
    /// How a copy shows that it is the publisher's.
    pub trust: Trust,
    /// How it is asked.
    pub transport: Transport,
}

/// See [`Feed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `https://` or `http://`. Several are parts of one feed, parsed one by one.
    Urls(Vec<String>),
    /// A file.
    File(PathBuf),
    /// Every regular file of a directory, in order of name; for `include:` of domain lists too.
    Directory(PathBuf),
    /// A collection of a TAXII 2.1 server: its API root, and the collection's id.
    Taxii {
        /// Ends with `/`.
        root: String,
        /// UUID.
        collection: String,
    },
}

/// How the octets are read. Each parser's own module says which labels it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the publishers' names")]
pub enum Format {
    /// One prefix, address or name a line; `#` and `;` begin a comment.
    Text,
    Csv(CsvForm),
    Json(JsonForm),
    Misp,
    Stix,
    /// `{creationTime, prefixes: [{ipv4Prefix | ipv6Prefix}]}`: OpenAI, Perplexity.
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
    /// A list of a v2fly domain list community file: the name of the file to start from.
    DomainList {
        list: String,
    },
    RipeAnnounced,
    IpToAsn,
    PublicSuffixes,
    /// What models cost (`sark_prices`). There is one such feed at most, [`PRICE_LIST`].
    PriceList(PriceDoubt),
}

/// The name of the feed that brings prices. It is the configuration's alone.
pub const PRICE_LIST: &str = "price-list";

/// Which changes of prices are not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceDoubt {
    /// Largest share of models, in percent of the list in use, that may go at once.
    pub lost_percent: u8,
    /// A price that is more than so many times what it was, or less than that part of it, jumps.
    pub factor: u32,
    /// Largest share of models, in percent of the list in use, whose prices may jump at once.
    pub jump_percent: u8,
}

impl Default for PriceDoubt {
    fn default() -> Self {
        Self { lost_percent: 10, factor: 10, jump_percent: 1 }
    }
}

/// Which columns hold what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvForm {
    /// One octet.
    pub delimiter: u8,
    /// Whether the first line names the columns.
    pub header: bool,
    /// See the type.
    pub columns: Columns,
}

/// Columns by name (with a header) or by number from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Prefix, address or name.
    pub subject: String,
    /// Becomes the label `tag`.
    pub tag: Option<String>,
}

/// Where in a JSON document things are (RFC 9535).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonForm {
    /// The items, such as `$.prefixes[*]`.
    pub items: String,
    /// From the item: prefixes, addresses or names; several are tried, each found is an entry.
    pub subjects: Vec<String>,
    /// From the item: becomes the label `tag`.
    pub tag: Option<String>,
}

/// An endpoint that a feed makes or adds to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its id, such as `mullvad/relays`. If the seed or an earlier feed has it, this adds to it and
    /// changes nothing else.
    pub endpoint: String,
    /// For people.
    pub title: String,
    /// See the type.
    pub kind: Kind,
    /// See the type.
    pub role: Role,
    /// The least sharedness that the feed may assert.
    pub sharedness: Sharedness,
    /// Percent.
    pub confidence: u8,
    /// The publisher owns what it lists.
    pub verified: bool,
    /// Used if an entry has none.
    pub ports: Vec<PortRange>,
    /// Entries that have all of these; empty takes every entry.
    pub select: Vec<Selector>,
}

/// A label with one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Key.
    pub label: String,
    /// Values.
    pub any: Vec<String>,
}

/// What a copy may say; more is kept for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Shortest IPv4 prefix.
    pub widest_ipv4: u8,
    /// Shortest IPv6 prefix.
    pub widest_ipv6: u8,
    /// Largest change against the copy in use.
    pub change: Change,
    /// Fewest entries of a copy that is not broken.
    pub least_entries: u64,
    /// Most entries.
    pub most_entries: u64,
    /// Most octets after decompression.
    pub most_octets: NonZeroU64,
    /// Private, shared and documentation ranges may be in it: for feeds of one's own.
    pub private_ranges: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            widest_ipv4: 16,
            widest_ipv6: 32,
            change: Change { percent: 25, entries: 20 },
            least_entries: 1,
            most_entries: 1_000_000,
            most_octets: MOST_OCTETS,
            private_ranges: false,
        }
    }
}

/// 64 MiB.
const MOST_OCTETS: NonZeroU64 = NonZeroU64::new(64 << 20).expect("not zero");

/// Largest share of entries, in percent of the copy in use, that may come or go at once. Small
/// lists may always change by `entries`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// 0 to 100; 100 allows any.
    pub percent: u8,
    /// Always allowed.
    pub entries: u64,
}

/// See [`Feed`]. A copy that does not show it is refused before it is read. Both are over the octets
/// after decompression, parts one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// SHA-256 of the only copy that is taken, lower-case hex: for a file that never changes.
    pub sha256: Option<String>,
    /// minisign public key, and where the detached signature is.
    pub minisign: Option<(String, String)>,
}

/// See [`Feed`]. Applies to `http` and `https`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// From the request to the last octet.
    pub timeout: Duration,
    /// `http://`, `https://` or `socks5://` proxy.
    pub proxy: Option<String>,
    /// PEM file with certification authorities that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// Header name and secret reference (`env:NAME`, `file:/path`).
    pub headers: Vec<(String, String)>,
    /// Private and loopback addresses may be asked, and plain `http`: for servers of one's own.
    pub private: bool,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            proxy: None,
            ca_file: None,
            headers: Vec::new(),
            private: false,
        }
    }
}
