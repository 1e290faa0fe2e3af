//! One document over HTTP, and all of a feed's.

use std::error::Error;

use reqwest::header::{
    CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Client, Response, StatusCode, Url};
use sark_core::secret::{Secret, SecretRef};
use sark_registry::feed::{Feed, FetchError, Fetched, FetchedPart, Validator, Validators};

use crate::address::{check_literal, not_public};
use crate::client::{CONNECT, Refused, SILENCE, client};
use crate::decompress::{Unpacked, gunzip, is_gzip};

/// Longest entity tag that is kept.
const TAG: usize = 256;

/// What the documents of one feed are asked with.
pub(crate) struct Http {
    client: Client,
    private: bool,
    has_proxy: bool,
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
        let mut left = feed.limits.most_octets.get();
        let mut documents = Vec::with_capacity(urls.len());
        for url in urls {
            let known = have.and_then(|have| have.0.iter().find(|known| known.name == *url));
            let document = self.get(url, known, &[], left).await?;
            if let Document::New { octets, .. } = &document {
                left = left.saturating_sub(octets.len() as u64);
            }
            documents.push(document);
        }
        if documents.iter().all(|document| matches!(document, Document::Unchanged)) {
            return Ok(Fetched::Unchanged);
        }
        let (mut parts, mut validators, mut whole) = (Vec::new(), Vec::new(), 0);
        for (url, document) in urls.iter().zip(documents) {
            let document = match document {
                Document::Unchanged => self.get(url, None, &[], left).await?,
                new @ Document::New { .. } => new,
            };
            let Document::New { octets, validator } = document else {
                return Err(FetchError::NothingYet { at: url.clone() });
            };
            whole += octets.len() as u64;
            if whole > feed.limits.most_octets.get() {
                let limit = feed.limits.most_octets.get();
                return Err(FetchError::TooLarge { at: url.clone(), limit });
            }
            validators.push(validator);
            parts.push(FetchedPart { name: url.clone(), octets });
        }
        Ok(Fetched::Copy { parts, validators: Validators(validators) })
    }

    /// One document of at most `limit` octets.
    pub(crate) async fn get(
        &self,
        at: &str,
        have: Option<&Validator>,
        headers: &[(HeaderName, &str)],
        limit: u64,
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
        if let Some(have) = have {
            for (name, value) in [(IF_NONE_MATCH, &have.tag), (IF_MODIFIED_SINCE, &have.modified)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
        }
        let response = request.send().await.map_err(|error| failed(at, error))?;
        match response.status() {
            StatusCode::NOT_MODIFIED if have.is_some() => return Ok(Document::Unchanged),
            StatusCode::NOT_MODIFIED => return Err(FetchError::NothingYet { at: at.to_owned() }),
            status if !status.is_success() => {
                return Err(FetchError::Status { at: at.to_owned(), status: status.as_u16() });
            }
            _ => {}
        }
        let validator = validator(at, response.headers());
        let is_packed = response.headers().get(CONTENT_ENCODING).is_some_and(|e| e != "identity");
        let octets = body(at, response, limit).await?;
        // A .gz file is unpacked too; an answer that says so must be gzip.
        if !is_packed && !is_gzip(&octets) {
            return Ok(Document::New { octets, validator });
        }
        let unpacked = tokio::task::spawn_blocking(move || gunzip(&octets, limit)).await;
        let unpacked = unpacked.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        match unpacked {
            Ok(Unpacked::Octets(octets)) => Ok(Document::New { octets, validator }),
            Ok(Unpacked::TooLarge) => Err(FetchError::TooLarge { at: at.to_owned(), limit }),
            Err(source) => Err(FetchError::Decompress { at: at.to_owned(), source }),
        }
    }
}

async fn body(at: &str, mut response: Response, limit: u64) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge { at: at.to_owned(), limit };
    let announced = response.content_length();
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut octets = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(at, error))? {
        if octets.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_large());
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
