//! How a feed's servers are asked.

use sark_core::secret::{Secret, SecretRef};
use sark_outbound::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use sark_outbound::{Client, OutboundError, Reach, Redirects, Settings};
use sark_registry::feed::{Feed, FetchError};

/// Of a feed's transport settings.
pub(crate) fn client(
    feed: &Feed,
    secrets: &dyn Fn(&SecretRef) -> Result<Secret, String>,
) -> Result<Client, FetchError> {
    let transport = &feed.transport;
    let settings = Settings {
        reach: if transport.private { Reach::Any } else { Reach::Public },
        proxy: transport.proxy.clone(),
        ca_file: transport.ca_file.clone(),
        headers: headers(feed, secrets)?,
        redirects: Redirects::Follow,
    };
    Client::new(settings).map_err(|error| FetchError::Settings { why: error.why })
}

fn headers(
    feed: &Feed,
    secrets: &dyn Fn(&SecretRef) -> Result<Secret, String>,
) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    for (name, reference) in &feed.transport.headers {
        let settings = |why: String| FetchError::Settings { why: format!("header {name}: {why}") };
        let secret = secrets(&SecretRef::parse(reference)).map_err(settings)?;
        let key = HeaderName::try_from(name).map_err(|_| settings("is no header name".into()))?;
        let mut value = HeaderValue::try_from(secret.reveal())
            .map_err(|_| settings("its value cannot be in a header".into()))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// What it means that there is no answer.
pub(crate) fn failed(at: &str, error: OutboundError) -> FetchError {
    let at = at.to_owned();
    match error {
        OutboundError::NotPublic(address) => FetchError::Private { at, address },
        OutboundError::Redirect(why) => FetchError::Redirect { at, why: why.to_owned() },
        OutboundError::TooSlow { seconds } => FetchError::TooSlow { at, seconds },
        OutboundError::Tls(source) => FetchError::Tls { at, source },
        OutboundError::TooLarge { limit } => FetchError::TooLarge { at, limit },
        OutboundError::Unreachable(source) => FetchError::Unreachable { at, source },
        OutboundError::Truncated => {
            let why = "the connection ended within the answer".to_owned();
            FetchError::Truncated { at, why }
        }
    }
}
