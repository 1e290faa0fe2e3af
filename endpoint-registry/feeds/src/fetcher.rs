//! The one [`Source`] of the product.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sark_core::secret::{Secret, SecretRef};
use sark_outbound::Url;
use sark_registry::feed::{Feed, FetchError, Fetched, Location, Source, Validators};

use crate::http::Http;
use crate::{file, taxii, trust};

/// Reads a secret where its reference says; the error says why not, without the secret.
pub type Secrets = Arc<dyn Fn(&SecretRef) -> Result<Secret, String> + Send + Sync>;

/// Fetches any feed.
#[derive(Clone)]
pub struct Fetcher {
    secrets: Secrets,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetcher {
    /// With a way to read the secrets that feeds' headers name.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    async fn ask(&self, feed: &Feed, have: Option<&Validators>) -> Result<Fetched, FetchError> {
        match &feed.location {
            Location::File(path) => file::one(feed, path, have).await,
            Location::Directory(path) => file::directory(feed, path, have).await,
            Location::Urls(urls) => Http::new(feed, &*self.secrets)?.all(feed, urls, have).await,
            Location::Taxii { root, collection } => {
                let http = Http::new(feed, &*self.secrets)?;
                taxii::collection(&http, feed, root, collection).await
            }
        }
    }
}

#[async_trait]
impl Source for Fetcher {
    async fn fetch(&self, feed: &Feed, have: Option<&Validators>) -> Result<Fetched, FetchError> {
        let limit = feed.transport.timeout;
        let asked = tokio::time::timeout(limit, self.ask(feed, have)).await;
        let fetched = asked.map_err(|_| too_slow(feed, limit))??;
        if let Fetched::Copy { parts, .. } = &fetched {
            let limit = feed.transport.timeout;
            let check = trust::check(self, feed, parts);
            tokio::time::timeout(limit, check).await.map_err(|_| too_slow(feed, limit))??;
        }
        Ok(fetched)
    }
}

impl Fetcher {
    /// The detached signature of a feed's copy.
    pub(crate) async fn signature(&self, feed: &Feed, url: &str) -> Result<Vec<u8>, FetchError> {
        let urls = [url.to_owned()];
        let mut feed = feed.clone();
        if !is_of_its_server(&feed, url) {
            feed.transport.headers.clear();
        }
        let feed = &feed;
        match Http::new(feed, &*self.secrets)?.all(feed, &urls, None).await? {
            Fetched::Copy { parts, .. } => {
                Ok(parts.into_iter().flat_map(|part| part.octets).collect())
            }
            Fetched::Unchanged => Err(FetchError::NothingYet { at: url.to_owned() }),
        }
    }
}

/// The secrets in a feed's headers were given to its servers, and are for what else they have.
fn is_of_its_server(feed: &Feed, url: &str) -> bool {
    let origin = |url: &str| url.parse::<Url>().map(|url| url.origin()).ok();
    let Some(there) = origin(url) else { return false };
    match &feed.location {
        Location::Urls(urls) => urls.iter().any(|url| origin(url).is_some_and(|it| it == there)),
        Location::Taxii { root, .. } => origin(root).is_some_and(|it| it == there),
        Location::File(_) | Location::Directory(_) => false,
    }
}

fn too_slow(feed: &Feed, limit: Duration) -> FetchError {
    FetchError::TooSlow { at: feed.name.clone(), seconds: limit.as_secs() }
}
