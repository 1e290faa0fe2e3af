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

/// To whom it leads, and it.
type Bound = (Arc<Server>, Link);

/// The connection of one client, once it is authenticated.
#[derive(Debug, Default)]
pub struct Own {
    is_bound: AtomicBool,
    link: Arc<Mutex<Option<Bound>>>,
}

/// The right to use it: the next request waits until this one's answer has been read.
#[derive(Debug)]
pub struct Held(OwnedMutexGuard<Option<Bound>>);

/// Whether a request, or an answer, has to do with the authentication of its connection.
#[must_use]
pub fn is_of_connection(headers: &HeaderMap) -> bool {
    let names = [AUTHORIZATION, PROXY_AUTHORIZATION, WWW_AUTHENTICATE, PROXY_AUTHENTICATE];
    let mut values = names.iter().flat_map(|name| headers.get_all(name));
    // A realm may have any octets (RFC 9110 §5.5).
    values.any(|value| {
        value.as_bytes().split(|octet| *octet == b',').any(|challenge| {
            let mut words = challenge.trim_ascii_start().split(u8::is_ascii_whitespace);
            let scheme = words.next().unwrap_or_default();
            SCHEMES.iter().any(|own| scheme.eq_ignore_ascii_case(own.as_bytes()))
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
        (*of == *server && !link.is_closed()).then_some(link)
    }

    /// For the client's next request.
    pub fn keep(mut self, server: Arc<Server>, link: Link) {
        *self.0 = Some((server, link));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn schemes_of_connections_are_told_from_those_of_requests() {
        let has = |name: &'static str, value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_bytes(value).unwrap());
            is_of_connection(&headers)
        };
        assert!(has("www-authenticate", b"Negotiate"));
        assert!(has("www-authenticate", b"Basic realm=\"x\", NTLM"));
        assert!(has("authorization", b"ntlm TlRMTVNTUAAB"));
        assert!(has("authorization", b"NTLM\tTlRMTVNTUAAB"));
        assert!(has("www-authenticate", b"Basic realm=\"caf\xe9\", NTLM"));
        assert!(has("authorization", b"Negotiate YII="));
        assert!(has("proxy-authenticate", b"NTLM"));
        assert!(!has("authorization", b"Bearer negotiate"));
        assert!(!has("authorization", b"Basic bnRsbQ=="));
        assert!(!has("www-authenticate", b"Digest realm=\"ntlm\""));
        assert!(!has("x-other", b"NTLM"));
    }
}
