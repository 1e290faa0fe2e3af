//! One document over HTTP, and all of a feed's.

use sark_core::secret::{Secret, SecretRef};
use sark_outbound::header::{
    CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use sark_outbound::{Answer, Client, OutboundError, Request, StatusCode, Url};
use sark_registry::feed::{Feed, FetchError, Fetched, FetchedPart, Validator, Validators};

use crate::client::{client, failed};
use crate::decompress::{Unpacked, gunzip, is_gzip};

/// Longest entity tag that is kept.
const TAG: usize = 256;

/// What the documents of one feed are asked with.
pub(crate) struct Http {
    client: Client,
    private: bool,
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
        Ok(Self { client: client(feed, secrets)?, private: feed.transport.private })
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
        let mut request = Request::get(url);
        let mut set = |name: HeaderName, value: &str| {
            let value = HeaderValue::try_from(value)
                .map_err(|_| settings("has a validator that cannot be in a header"))?;
            request.headers.insert(name, value);
            Ok(())
        };
        for (name, value) in headers {
            set(name.clone(), value)?;
        }
        let mut is_conditional = false;
        if let Some(have) = have {
            for (name, value) in [(IF_NONE_MATCH, &have.tag), (IF_MODIFIED_SINCE, &have.modified)] {
                if let Some(value) = value {
                    is_conditional = true;
                    set(name, value)?;
                }
            }
        }
        let response = self.client.send(request).await.map_err(|error| failed(at, error))?;
        match response.status() {
            StatusCode::NOT_MODIFIED if is_conditional => return Ok(Document::Unchanged),
            StatusCode::NOT_MODIFIED => return Err(FetchError::NothingYet { at: at.to_owned() }),
            status if status.is_redirection() => {
                return Err(FetchError::Redirect {
                    at: at.to_owned(),
                    why: response.lost().to_owned(),
                });
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

async fn body(at: &str, answer: Answer, room: Room) -> Result<Vec<u8>, FetchError> {
    answer.body(room.left).await.map_err(|error| match error {
        OutboundError::TooLarge { .. } => room.too_large(at),
        error => failed(at, error),
    })
}

fn validator(at: &str, headers: &HeaderMap) -> Validator {
    let of = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        (text.len() <= TAG).then(|| text.to_owned())
    };
    Validator { name: at.to_owned(), tag: of(ETAG), modified: of(LAST_MODIFIED) }
}
