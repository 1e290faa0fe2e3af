//! What goes wrong on the way out, told without the address: it may be a secret.

use std::error::Error;
use std::net::IpAddr;

use crate::client::{CONNECT, Refused, SILENCE};
use crate::reach::NotPublic;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The name leads where it may not ([`Reach`](crate::Reach)).
    #[error("it leads to {0}, which is not a public address")]
    NotPublic(IpAddr),
    /// It sends elsewhere, where we do not go.
    #[error("it redirects {0}")]
    Redirect(&'static str),
    /// Not done in time.
    #[error("it was not done within {seconds} s")]
    TooSlow {
        /// The limit.
        seconds: u64,
    },
    /// The server's certificate is not trusted, or its TLS is not.
    #[error("it does not prove that it is who it says")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// The connection ended within the answer.
    #[error("the connection ended within the answer")]
    Truncated,
    /// More octets than the limit.
    #[error("it sends more than {limit} octets")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Nobody answers, or the connection broke.
    #[error("it cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
}

/// Settings that no client can have.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct SettingsError {
    /// What is wrong.
    pub why: String,
}

impl SettingsError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

impl OutboundError {
    /// What it was, from what is at its bottom.
    pub(crate) fn of(error: reqwest::Error) -> Self {
        if let Some(NotPublic(address)) = find(&error) {
            return Self::NotPublic(*address);
        }
        if error.is_redirect() {
            let why = find::<Refused>(&error);
            return Self::Redirect(why.map_or("in a way we do not follow", |refused| refused.0));
        }
        if error.is_timeout() {
            let limit = if error.is_connect() { CONNECT } else { SILENCE };
            return Self::TooSlow { seconds: limit.as_secs() };
        }
        if find::<rustls::Error>(&error).is_some() {
            return Self::Tls(Box::new(error.without_url()));
        }
        if error.is_body() || error.is_decode() {
            return Self::Truncated;
        }
        Self::Unreachable(Box::new(error.without_url()))
    }

    /// Of a failed connection.
    pub(crate) fn of_io(error: std::io::Error) -> Self {
        match find::<rustls::Error>(&error) {
            Some(_) => Self::Tls(Box::new(error)),
            None => Self::Unreachable(Box::new(error)),
        }
    }

    /// Of a name that could not be resolved, or leads where it may not.
    pub(crate) fn of_name(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast_ref::<NotPublic>() {
            Some(NotPublic(address)) => Self::NotPublic(*address),
            None => Self::Unreachable(error),
        }
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // An I/O error gives out what is below the error it holds, not that error.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match held {
            Some(held) => Some(held as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}
