//! What happens to a connection, by its first octets: spliced, terminated or denied, before one of
//! them goes out.

use std::net::SocketAddr;

use sark_hello::{ClientHello, Ech, Protocol, SoFar};
use sark_registry::{Endpoint, Kind, NamePattern, Sharedness, Snapshot};
use serde::{Deserialize, Serialize};

use crate::opening::Said;

/// What is done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Course {
    /// Its octets go to the server as they are.
    Splice,
    /// TLS ends here, or plain HTTP is read, and each request is decided on.
    Terminate,
    /// It ends here.
    Deny,
}

impl Course {
    /// As records and metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Splice => "splice",
            Self::Terminate => "terminate",
            Self::Deny => "deny",
        }
    }
}

/// Which course for what. The first line that fits, from the top, decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Courses {
    /// TLS to these names is never opened: banks, health, what the law or a contract says.
    pub never: Vec<NamePattern>,
    /// TLS to these names, and to those of LLM providers in the registry.
    pub inspect: Vec<NamePattern>,
    /// What is done with both.
    pub llm: Course,
    /// An encrypted ClientHello for a name that is not one of these: the name may be a front's, but a
    /// client that knows no key sends one that looks the same.
    pub ech: Course,
    /// TLS without a name, to an address that is not an LLM provider's alone.
    pub unnamed: Course,
    /// Any other TLS.
    pub other: Course,
    /// HTTP without TLS.
    pub http: Course,
    /// What is neither, and servers that speak first. To terminate it is to deny it. A client that keeps
    /// silent until the proxy has asked the server is read all the same when it speaks.
    pub opaque: Course,
    /// What cannot be read: TLS that is malformed or longer than a hello may be, and beginnings that do
    /// not go on.
    pub unreadable: Course,
}

impl Default for Courses {
    fn default() -> Self {
        Self {
            never: Vec::new(),
            inspect: Vec::new(),
            llm: Course::Terminate,
            ech: Course::Splice,
            unnamed: Course::Splice,
            other: Course::Splice,
            http: Course::Terminate,
            opaque: Course::Splice,
            unreadable: Course::Deny,
        }
    }
}

/// Which line of [`Courses`] decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "as the fields of Courses")]
pub enum Why {
    Never,
    Llm,
    Ech,
    Unnamed,
    Other,
    Http,
    Opaque,
    Unreadable,
}

impl Why {
    /// As the configuration, records and metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Llm => "llm",
            Self::Ech => "ech",
            Self::Unnamed => "unnamed",
            Self::Other => "other",
            Self::Http => "http",
            Self::Opaque => "opaque",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What is to be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steered {
    /// What.
    pub course: Course,
    /// Why.
    pub why: Why,
    /// The name that was asked for: of the hello, or else of the flow.
    pub name: Option<String>,
    /// Endpoint of the registry, if one is behind it.
    pub endpoint: Option<String>,
}

/// The course of a connection. `named` is what the client asked the proxy for, if it did; `address` the
/// destination of its packets, if the client does not know the proxy.
#[must_use]
pub fn steer(
    courses: &Courses,
    registry: &Snapshot,
    said: &Said,
    named: Option<&str>,
    address: Option<SocketAddr>,
) -> Steered {
    let hello = match said {
        Said::Hello(hello) => Some(&**hello),
        _ => None,
    };
    let name = hello.and_then(ClientHello::server_name).or(named).map(str::to_owned);
    // The hello's name is the client's word. What it asked the proxy for, and where its packets went, is
    // where octets go.
    let by_name = name.as_deref().and_then(|name| of_llm(registry, name));
    let most = if name.is_some() { Sharedness::Dedicated } else { Sharedness::Provider };
    let known = by_name
        .or_else(|| named.and_then(|named| of_llm(registry, named)))
        .or_else(|| address.and_then(|address| alone_at(registry, address, most)));
    let why = match said {
        Said::Hello(_) if known.is_some() && by_name.is_none() => Why::Llm,
        Said::Hello(hello) => of_tls(courses, hello, name.as_deref(), known.is_some()),
        Said::Plain(Protocol::Http | Protocol::Http2) => Why::Http,
        Said::Plain(Protocol::Ssh | Protocol::Other) => Why::Opaque,
        Said::Late(SoFar::Tls | SoFar::Unclear) | Said::Refused(_) => Why::Unreadable,
        // Servers of models do not speak first.
        Said::Late(SoFar::Nothing) if known.is_some() => Why::Unreadable,
        Said::Late(SoFar::Nothing) | Said::Closed => Why::Opaque,
    };
    let course = match why {
        Why::Never => Course::Splice,
        Why::Llm => courses.llm,
        Why::Ech => courses.ech,
        Why::Unnamed => courses.unnamed,
        Why::Other => courses.other,
        Why::Http => courses.http,
        Why::Opaque => courses.opaque,
        Why::Unreadable => courses.unreadable,
    };
    Steered { course, why, name, endpoint: known.map(|endpoint| endpoint.id.clone()) }
}

fn of_tls(courses: &Courses, hello: &ClientHello, name: Option<&str>, is_llm: bool) -> Why {
    let is_among = |patterns: &[NamePattern]| {
        name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
    };
    if is_among(&courses.never) {
        Why::Never
    } else if is_llm || is_among(&courses.inspect) {
        Why::Llm
    } else if matches!(hello.ech(), Some(Ech::Outer { .. })) {
        Why::Ech
    } else if name.is_none() {
        Why::Unnamed
    } else {
        Why::Other
    }
}

/// The endpoint where models are asked under this name.
#[must_use]
pub fn of_llm<'a>(registry: &'a Snapshot, name: &str) -> Option<&'a Endpoint> {
    let mut found = None;
    registry.visit_name(name, |hit| {
        if found.is_none() && is_llm(hit.endpoint) {
            found = Some(hit.endpoint);
        }
    });
    found
}

/// The endpoint that has this address for itself, or shares it no wider than this.
fn alone_at(registry: &Snapshot, address: SocketAddr, most: Sharedness) -> Option<&Endpoint> {
    let hit = registry.longest_match(address.ip().to_canonical())?;
    let is_alone = hit.endpoint.sharedness <= most;
    (is_alone && is_llm(hit.endpoint)).then_some(hit.endpoint)
}

fn is_llm(endpoint: &Endpoint) -> bool {
    matches!(endpoint.kind, Kind::Api | Kind::Chat)
}
