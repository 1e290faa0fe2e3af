//! Where gobgpd answers.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How to reach a gobgpd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `unix:/path/to/socket`, or a loopback `ADDRESS:PORT`.
    pub address: Address,
    /// How long gobgpd may keep silent during a call before it is given up, in seconds.
    pub timeout_seconds: u64,
}

impl Config {
    /// The usual limits.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, timeout_seconds: 10 }
    }

    /// `timeout_seconds`, at least one.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.max(1))
    }
}

/// Where gobgpd's gRPC interface listens. It has no authentication, so only what stays on this
/// machine is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A loopback address and port.
    Tcp(SocketAddr),
}

/// Why a text is not an [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither form.
    #[error("`{0}` is neither `unix:/path/to/socket` nor `ADDRESS:PORT`")]
    Form(String),
    /// Not absolute.
    #[error("the path in `{0}` must be absolute")]
    Relative(String),
    /// Reachable from elsewhere.
    #[error(
        "{0} is not a loopback address: gobgpd's interface has no authentication, use a Unix socket or 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("unix:") {
            // gobgpd itself writes `unix:///path`.
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.starts_with('/') {
                return Err(AddressError::Relative(text.to_owned()));
            }
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let address: SocketAddr = text.parse().map_err(|_| AddressError::Form(text.to_owned()))?;
        if address.ip().is_loopback() {
            Ok(Self::Tcp(address))
        } else {
            Err(AddressError::NotLoopback(address))
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("unix:/run/sark/gobgp.sock", Ok("unix:/run/sark/gobgp.sock")),
            ("unix:///run/sark/gobgp.sock", Ok("unix:/run/sark/gobgp.sock")),
            ("127.0.0.1:50051", Ok("127.0.0.1:50051")),
            ("[::1]:50051", Ok("[::1]:50051")),
            ("unix:gobgp.sock", Err(AddressError::Relative("unix:gobgp.sock".to_owned()))),
            ("localhost:50051", Err(AddressError::Form("localhost:50051".to_owned()))),
            ("192.0.2.1:50051", Err(AddressError::NotLoopback("192.0.2.1:50051".parse().unwrap()))),
        ] {
            let read = text.parse::<Address>().map(|a| a.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        }
    }
}
