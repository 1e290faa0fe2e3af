//! Names and addresses that a public feed may lead to. Checked where the connection is made, so that
//! a name that answers otherwise the second time gains nothing.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sark_registry::ageing::Special;

/// An address where no public feed is.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{0} is not a public address")]
pub(crate) struct NotPublic(pub(crate) IpAddr);

/// Resolves with the system's resolver, and gives public addresses only.
#[derive(Debug)]
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (public, special): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|at| is_public(at.ip()));
            match (public.is_empty(), special.first()) {
                (true, Some(at)) => {
                    Err(Box::new(NotPublic(at.ip())) as Box<dyn Error + Send + Sync>)
                }
                _ => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// A host written as an address is not resolved.
pub(crate) fn check_literal(url: &Url) -> Result<(), NotPublic> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) if !is_public(address) => Err(NotPublic(address)),
        _ => Ok(()),
    }
}

fn is_public(address: IpAddr) -> bool {
    Special::new().what(address).is_none()
}

/// What is at the bottom of an error, if it is that.
pub(crate) fn not_public(error: &(dyn Error + 'static)) -> Option<IpAddr> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(NotPublic(address)) = error.downcast_ref() {
            return Some(*address);
        }
        cause = error.source();
    }
    None
}
