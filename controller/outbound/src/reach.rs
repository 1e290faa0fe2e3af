//! Who may be asked. Checked where the connection is made.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sark_registry::ageing::Special;

/// Which addresses a name may lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reach {
    /// Those of the internet: not private, loopback, link-local (where clouds keep their metadata),
    /// multicast or reserved ones.
    #[default]
    Public,
    /// Those, and these prefixes.
    PublicAnd(Vec<IpNet>),
    /// Any: the server is the operator's own.
    Any,
}

/// An address that may not be asked.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{0} is not a public address")]
pub struct NotPublic(pub IpAddr);

impl Reach {
    /// Whether this address may be asked.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let is_public = || Special::new().what(address).is_none();
        match self {
            Self::Any => true,
            Self::Public => is_public(),
            Self::PublicAnd(more) => more.iter().any(|net| net.contains(&address)) || is_public(),
        }
    }

    /// A host written as an address is not resolved.
    pub(crate) fn check_literal(&self, url: &Url) -> Result<(), NotPublic> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) if !self.permits(address) => Err(NotPublic(address)),
            _ => Ok(()),
        }
    }

    /// Resolves with the system's resolver; those that may be asked, of which there is at least
    /// one.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        let found = tokio::net::lookup_host((host, port)).await?;
        let (may, may_not): (Vec<SocketAddr>, Vec<SocketAddr>) =
            found.partition(|at| self.permits(at.ip()));
        match (may.is_empty(), may_not.first()) {
            (true, Some(at)) => Err(Box::new(NotPublic(at.ip()))),
            (true, None) => Err("the name has no address".into()),
            _ => Ok(may),
        }
    }
}

/// Gives the HTTP client what it may connect to.
#[derive(Debug)]
pub(crate) struct Guard(pub(crate) Arc<Reach>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = Arc::clone(&self.0);
        Box::pin(async move {
            let found = reach.resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_asked() {
        let more = Reach::PublicAnd(vec!["10.1.0.0/16".parse().unwrap()]);
        for (address, public, with_more) in [
            ("8.8.8.8", true, true),
            ("2606:4700::1111", true, true),
            ("10.1.2.3", false, true),
            ("10.2.2.3", false, false),
            ("127.0.0.1", false, false),
            ("169.254.169.254", false, false),
            ("::ffff:10.1.2.3", false, false),
            ("fd00:ec2::254", false, false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(Reach::Public.permits(address), public, "{address}");
            assert_eq!(more.permits(address), with_more, "{address}");
            assert!(Reach::Any.permits(address));
        }
    }

    #[test]
    fn a_host_written_as_an_address_is_checked() {
        for (url, fine) in [
            ("https://example.com/", true),
            ("https://8.8.8.8/", true),
            ("https://[::1]:8443/", false),
            // Forms that URL parsers turn into addresses.
            ("https://2130706433/", false),
            ("https://0x7f.1/", false),
            ("http://169.254.169.254/latest/meta-data/", false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(Reach::Public.check_literal(&url).is_ok(), fine, "{url}");
        }
    }
}
