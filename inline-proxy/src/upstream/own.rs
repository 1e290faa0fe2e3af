//! Connections to servers that belong to one client's connection: NTLM and Negotiate (RFC 4559 §6)
//! authenticate connections and not requests, so who comes onto one later would be who was there before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use http::header::{AUTHORIZATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Link, Server};

/// Schemes that are of a connection.
const SCHEMES: [&str; 2] = ["negotiate", "ntlm"];

/// The connection of one client, once it is authenticated.
#[derive(Debug, Default)]
pub struct Own {
    is_bound: AtomicBool,
    link: Arc<Mutex<Option<(Server, Link)>>>,
}

/// The right to use it: the next request waits until this one's answer has been read.
#[derive(Debug)]
pub struct Held(OwnedMutexGuard<Option<(Server, Link)>>);

/// Whether a request, or an answer, has to do with the authentication of its connection.
#[must_use]
pub fn is_of_connection(headers: &HeaderMap) -> bool {
    let names = [AUTHORIZATION, PROXY_AUTHORIZATION, WWW_AUTHENTICATE, PROXY_AUTHENTICATE];
    let values = names.iter().flat_map(|name| headers.get_all(name));
    values.filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|challenge| {
            let scheme = challenge.trim_start().split(' ').next().unwrap_or_default();
            SCHEMES.iter().any(|own| scheme.trim_end().eq_ignore_ascii_case(own))
        })
    })
}

impl Own {
    /// From now on this client has a connection of its own.
    pub fn bind(&self) {
        self.is_bound.store(true, Ordering::Release);
    }

    /// The right to it, if the client has one.
    pub async fn hold(&self) -> Option<Held> {
        if !self.is_bound.load(Ordering::Acquire) {
            return None;
        }
        Some(Held(Arc::clone(&self.link).lock_owned().await))
    }
}

impl Held {
    /// The connection to this server, if it is there still.
    pub fn take(&mut self, server: &Server) -> Option<Link> {
        let (of, link) = self.0.take()?;
        (of == *server && !link.is_closed()).then_some(link)
    }

    /// For the client's next request.
    pub fn keep(mut self, server: Server, link: Link) {
        *self.0 = Some((server, link));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_of_connections_are_told_from_those_of_requests() {
        let has = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            is_of_connection(&headers)
        };
        assert!(has("www-authenticate", "Negotiate"));
        assert!(has("www-authenticate", "Basic realm=\"x\", NTLM"));
        assert!(has("authorization", "ntlm TlRMTVNTUAAB"));
        assert!(has("authorization", "Negotiate YII="));
        assert!(has("proxy-authenticate", "NTLM"));
        assert!(!has("authorization", "Bearer negotiate"));
        assert!(!has("authorization", "Basic bnRsbQ=="));
        assert!(!has("www-authenticate", "Digest realm=\"ntlm\""));
        assert!(!has("x-other", "NTLM"));
    }
}
