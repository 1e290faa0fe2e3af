//! One document over HTTP, and all of a feed's.

use std::error::Error;

use reqwest::header::{
    CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION,
};
use reqwest::{Client, Response, StatusCode, Url};
use sark_core::secret::{Secret, SecretRef};
use sark_registry::feed::{Feed, FetchError, Fetched, FetchedPart, Validator, Validators};

use crate::address::{check_literal, not_public};
use crate::client::{CONNECT, OTHER_SCHEME, Refused, SILENCE, client};
use crate::decompress::{Unpacked, gunzip, is_gzip};

/// Longest entity tag that is kept.
const TAG: usize = 256;

/// What the documents of one feed are asked with.
pub(crate) struct Http {
    client: Client,
    private: bool,
    has_proxy: bool,
}

/// How many octets a document may still have, and the feed's limit that they are left of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    left: u64,
    limit: u64,
}

impl Room {
    /// All that a feed may have.
    pub(crate) fn of(feed: &Feed) -> Self {
        let limit = feed.limits.most_octets.get();
        Self { left: limit, limit }
    }

    pub(crate) fn take(&mut self, octets: &[u8]) {
        self.left = self.left.saturating_sub(octets.len() as u64);
    }

    fn too_large(self, at: &str) -> FetchError {
        FetchError::TooLarge { at: at.to_owned(), limit: self.limit }
    }
}

/// One answer.
pub(crate) enum Document {
    /// As it was.
    Unchanged,
    /// Decompressed.
    New {
        /// The document.
        octets: Vec<u8>,
        /// For the next question.
        validator: Validator,
    },
}

impl Http {
    pub(crate) fn new(
        feed: &Feed,
        secrets: &dyn Fn(&SecretRef) -> Result<Secret, String>,
    ) -> Result<Self, FetchError> {
        let has_proxy = feed.transport.proxy.is_some();
        Ok(Self { client: client(feed, secrets)?, private: feed.transport.private, has_proxy })
    }

    /// All documents of a feed. Unchanged only if every one is; if only some are, those are asked
    /// for again without condition, because a copy is whole.
    pub(crate) async fn all(
        &self,
        feed: &Feed,
        urls: &[String],
        have: Option<&Validators>,
    ) -> Result<Fetched, FetchError> {
        let have = have.filter(|have| have.0.len() == urls.len());
        let mut room = Room::of(feed);
        let mut documents = Vec::with_capacity(urls.len());
        for url in urls {
            let known = have.and_then(|have| have.0.iter().find(|known| known.name == *url));
            let document = self.get(url, known, &[], room).await?;
            if let Document::New { octets, .. } = &document {
                room.take(octets);
            }
            documents.push(document);
        }
        if documents.iter().all(|document| matches!(document, Document::Unchanged)) {
            return Ok(Fetched::Unchanged);
        }
        let (mut parts, mut validators) = (Vec::new(), Vec::new());
        for (url, document) in urls.iter().zip(documents) {
            let (octets, validator) = match document {
                Document::New { octets, validator } => (octets, validator),
                Document::Unchanged => {
                    let again = self.get(url, None, &[], room).await?;
                    let Document::New { octets, validator } = again else {
                        return Err(FetchError::NothingYet { at: url.clone() });
                    };
                    room.take(&octets);
                    (octets, validator)
                }
            };
            validators.push(validator);
            parts.push(FetchedPart { name: url.clone(), octets });
        }
        Ok(Fetched::Copy { parts, validators: Validators(validators) })
    }

    /// One document.
    pub(crate) async fn get(
        &self,
        at: &str,
        have: Option<&Validator>,
        headers: &[(HeaderName, &str)],
        room: Room,
    ) -> Result<Document, FetchError> {
        let settings = |why: &str| FetchError::Settings { why: format!("{at} {why}") };
        let url: Url = at.parse().map_err(|_| settings("is no URL"))?;
        match url.scheme() {
            "https" => {}
            "http" if self.private => {}
            "http" => {
                return Err(settings("is not https: a server of your own needs private: true"));
            }
            _ => return Err(settings("is neither http nor https")),
        }
        if !self.private && !self.has_proxy {
            let refused = check_literal(&url);
            refused.map_err(|e| FetchError::Private { at: at.to_owned(), address: e.0 })?;
        }
        let mut request = self.client.get(url);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let mut is_conditional = false;
        if let Some(have) = have {
            for (name, value) in [(IF_NONE_MATCH, &have.tag), (IF_MODIFIED_SINCE, &have.modified)] {
                if let Some(value) = value {
                    is_conditional = true;
                    request = request.header(name, value);
                }
            }
        }
        let response = request.send().await.map_err(|error| failed(at, error))?;
        match response.status() {
            StatusCode::NOT_MODIFIED if is_conditional => return Ok(Document::Unchanged),
            StatusCode::NOT_MODIFIED => return Err(FetchError::NothingYet { at: at.to_owned() }),
            status if status.is_redirection() => {
                return Err(FetchError::Redirect { at: at.to_owned(), why: lost(&response) });
            }
            status if !status.is_success() => {
                return Err(FetchError::Status { at: at.to_owned(), status: status.as_u16() });
            }
            _ => {}
        }
        let validator = validator(at, response.headers());
        let is_packed = response.headers().get(CONTENT_ENCODING).is_some_and(|e| e != "identity");
        let octets = body(at, response, room).await?;
        // A .gz file is unpacked too; an answer that says so must be gzip.
        if !is_packed && !is_gzip(&octets) {
            return Ok(Document::New { octets, validator });
        }
        let unpacked = tokio::task::spawn_blocking(move || gunzip(&octets, room.left)).await;
        let unpacked = unpacked.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        match unpacked {
            Ok(Unpacked::Octets(octets)) => Ok(Document::New { octets, validator }),
            Ok(Unpacked::TooLarge) => Err(room.too_large(at)),
            Err(source) => Err(FetchError::Decompress { at: at.to_owned(), source }),
        }
    }
}

/// Why a redirect is still here: those that can be followed were.
fn lost(response: &Response) -> String {
    let why = match response.headers().get(LOCATION).map(|to| to.to_str().unwrap_or_default()) {
        None | Some("") => "nowhere",
        Some(to) if to.parse::<Url>().is_ok_and(|to| !matches!(to.scheme(), "http" | "https")) => {
            OTHER_SCHEME
        }
        Some(_) => "in a way we do not follow",
    };
    why.to_owned()
}

async fn body(at: &str, mut response: Response, room: Room) -> Result<Vec<u8>, FetchError> {
    let announced = response.content_length();
    if announced.is_some_and(|length| length > room.left) {
        return Err(room.too_large(at));
    }
    let mut octets = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(at, error))? {
        if octets.len() as u64 + chunk.len() as u64 > room.left {
            return Err(room.too_large(at));
        }
        octets.extend_from_slice(&chunk);
    }
    Ok(octets)
}

fn validator(at: &str, headers: &HeaderMap) -> Validator {
    let of = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        (text.len() <= TAG).then(|| text.to_owned())
    };
    Validator { name: at.to_owned(), tag: of(ETAG), modified: of(LAST_MODIFIED) }
}

/// What it was, from what is at its bottom. URLs stay out of the cause: `at` has it.
fn failed(at: &str, error: reqwest::Error) -> FetchError {
    let at = at.to_owned();
    if let Some(address) = not_public(&error) {
        return FetchError::Private { at, address };
    }
    if error.is_redirect() {
        let why = find::<Refused>(&error).map_or("in a way we do not follow", |refused| refused.0);
        return FetchError::Redirect { at, why: why.to_owned() };
    }
    if error.is_timeout() {
        let limit = if error.is_connect() { CONNECT } else { SILENCE };
        return FetchError::TooSlow { at, seconds: limit.as_secs() };
    }
    if find::<rustls::Error>(&error).is_some() {
        return FetchError::Tls { at, source: Box::new(error.without_url()) };
    }
    if error.is_body() || error.is_decode() {
        let why = "the connection ended within the answer".to_owned();
        return FetchError::Truncated { at, why };
    }
    FetchError::Unreachable { at, source: Box::new(error.without_url()) }
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
