//! Where a resolver is and how it is spoken to, in one text form.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NamePattern;

/// `system`, `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53`, `tcp://192.0.2.53:53`,
/// `tls://192.0.2.53:853#dns.example`, `https://192.0.2.53/dns-query#dns.example`. What follows `#`
/// is the name in the certificate; without it the certificate has to name the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Server {
    /// The name servers of `/etc/resolv.conf`, as they are when the resolver is built.
    System,
    /// Over UDP; over TCP what does not fit.
    Udp(SocketAddr),
    /// Over TCP alone.
    Tcp(SocketAddr),
    /// DNS over TLS.
    Tls {
        /// Address and port.
        at: SocketAddr,
        /// In its certificate.
        name: String,
    },
    /// DNS over HTTPS.
    Https {
        /// Address and port.
        at: SocketAddr,
        /// In its certificate.
        name: String,
        /// Of the URL, with `/`.
        path: String,
    },
}

/// What is wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Nobody is asked that way.
    #[error("a resolver is asked over udp, tcp, tls or https, not {0}")]
    Scheme(String),
    /// A name cannot be resolved before there is a resolver.
    #[error("{0:?} is not an address, such as 192.0.2.53, 192.0.2.53:53 or [2001:db8::53]:53")]
    Address(String),
    /// Only certificates have names.
    #[error("a name after # belongs to tls and https only")]
    Name,
    /// No certificate has it.
    #[error("{0:?} after # is not a host name")]
    HostName(String),
    /// Only URLs have paths.
    #[error("a path belongs to https only")]
    Path,
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        if text == "system" {
            return Ok(Self::System);
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("udp", text));
        let (rest, name) = match rest.split_once('#') {
            Some((rest, name)) => (rest, Some(name)),
            None => (rest, None),
        };
        let (address, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let port = match scheme {
            "udp" | "tcp" => 53,
            "tls" => 853,
            "https" => 443,
            other => return Err(ServerError::Scheme(other.to_owned())),
        };
        let at = socket(address, port)?;
        if !path.is_empty() && scheme != "https" {
            return Err(ServerError::Path);
        }
        if name.is_some() && matches!(scheme, "udp" | "tcp") {
            return Err(ServerError::Name);
        }
        let name = name.map_or_else(|| at.ip().to_string(), str::to_owned);
        if name.parse::<IpAddr>().is_err() && !is_host_name(&name) {
            return Err(ServerError::HostName(name));
        }
        Ok(match scheme {
            "udp" => Self::Udp(at),
            "tcp" => Self::Tcp(at),
            "tls" => Self::Tls { at, name },
            _ => {
                let path = if path.is_empty() { "/dns-query" } else { path };
                Self::Https { at, name, path: path.to_owned() }
            }
        })
    }
}

fn is_host_name(text: &str) -> bool {
    text.parse::<NamePattern>().is_ok_and(|name| !name.is_wildcard())
}

fn socket(text: &str, port: u16) -> Result<SocketAddr, ServerError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, port));
    let at = address.or_else(|_| text.parse());
    at.ok().filter(|at| at.port() != 0).ok_or_else(|| ServerError::Address(text.to_owned()))
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Udp(at) => write!(f, "{at}"),
            Self::Tcp(at) => write!(f, "tcp://{at}"),
            Self::Tls { at, name } => write!(f, "tls://{at}#{name}"),
            Self::Https { at, name, path } => write!(f, "https://{at}{path}#{name}"),
        }
    }
}

impl TryFrom<String> for Server {
    type Error = ServerError;

    fn try_from(text: String) -> Result<Self, ServerError> {
        text.parse()
    }
}

impl From<Server> for String {
    fn from(server: Server) -> Self {
        server.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms() {
        for (text, whole) in [
            ("system", "system"),
            ("192.0.2.53", "192.0.2.53:53"),
            ("udp://192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]", "[2001:db8::53]:53"),
            ("tcp://[2001:db8::53]:54", "tcp://[2001:db8::53]:54"),
            ("tls://192.0.2.53#dns.example", "tls://192.0.2.53:853#dns.example"),
            ("tls://2001:db8::53", "tls://[2001:db8::53]:853#2001:db8::53"),
            ("https://192.0.2.53#dns.example", "https://192.0.2.53:443/dns-query#dns.example"),
            ("https://192.0.2.53:8443/q#dns.example", "https://192.0.2.53:8443/q#dns.example"),
        ] {
            let server: Server = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(server.to_string(), whole);
            assert_eq!(whole.parse(), Ok(server), "{whole} says the same");
        }
    }

    #[test]
    fn errors_name_the_part() {
        let address = |text: &str| ServerError::Address(text.to_owned());
        for (text, error) in [
            ("", address("")),
            ("dns.example", address("dns.example")),
            ("192.0.2.53:0", address("192.0.2.53:0")),
            ("tls://dns.example", address("dns.example")),
            ("quic://192.0.2.53", ServerError::Scheme("quic".to_owned())),
            ("192.0.2.53#dns.example", ServerError::Name),
            ("tls://192.0.2.53#", ServerError::HostName(String::new())),
            ("tls://192.0.2.53#a b", ServerError::HostName("a b".to_owned())),
            ("tls://192.0.2.53/q", ServerError::Path),
        ] {
            assert_eq!(text.parse::<Server>(), Err(error), "{text}");
        }
    }
}
