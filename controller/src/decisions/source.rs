//! Where the configuration says that the set is from.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sark_core::ContentHash;
use sark_core::secret::Secret;
use sark_decider::directory;
use sark_outbound::{Client, Redirects, Request, SettingsError, StatusCode, Url, header};
use sark_policy::decision::BundleLimits;

use super::{DecisionsError, Material};
use crate::chain;

/// Until the whole bundle is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A source.
#[derive(Debug)]
pub enum Source {
    /// A directory with a set.
    Directory(PathBuf),
    /// A bundle in a file.
    File(PathBuf),
    /// A bundle that is asked for.
    Url {
        /// Where.
        url: Url,
        /// How often.
        interval: Duration,
        /// How.
        client: Client,
    },
}

/// How a server is asked.
#[derive(Debug)]
pub struct SourceSettings {
    /// Where.
    pub url: String,
    /// How often.
    pub interval: Duration,
    /// Sent as bearer token.
    pub token: Option<Secret>,
    /// Authorities beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The server is one's own.
    pub private: bool,
}

/// What the source gave last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    etag: Option<header::HeaderValue>,
    /// Hash of what was read: the same is not read again.
    octets: Option<ContentHash>,
}

impl Source {
    /// Of a server.
    pub fn url(settings: SourceSettings) -> Result<Self, SettingsError> {
        let SourceSettings { url, interval, token, ca_file, private } = settings;
        let wrong = |why: &str| SettingsError { why: why.to_owned() };
        let url = url.parse::<Url>().map_err(|_| wrong("it is no URL"))?;
        let mut headers = header::HeaderMap::new();
        if let Some(token) = token {
            let value = format!("Bearer {}", token.reveal());
            let mut value = header::HeaderValue::from_str(&value)
                .map_err(|_| wrong("the token has octets that no header has"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let reach = if private { sark_outbound::Reach::Any } else { sark_outbound::Reach::Public };
        let client = Client::new(sark_outbound::Settings {
            reach,
            proxy: None,
            ca_file,
            headers,
            redirects: Redirects::Follow,
        })?;
        Ok(Self::Url { url, interval, client })
    }

    /// As people name it; of an address without what may be secret in it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Directory(path) | Self::File(path) => path.display().to_string(),
            Self::Url { url, .. } => {
                let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
                let (host, path) = (url.host_str().unwrap_or_default(), url.path());
                format!("{}://{host}{port}{path}", url.scheme())
            }
        }
    }

    /// How often it is asked by itself.
    #[must_use]
    pub const fn interval(&self) -> Option<Duration> {
        match self {
            Self::Directory(_) | Self::File(_) => None,
            Self::Url { interval, .. } => Some(*interval),
        }
    }

    /// What is on a disk of ours; nothing if it is elsewhere.
    pub fn on_disk(&self) -> Result<Option<Material>, DecisionsError> {
        let failed = |why: String| DecisionsError::Source(format!("{}: {why}", self.name()));
        match self {
            Self::Directory(path) => {
                let files = directory::read(path).map_err(|error| failed(chain(&error)))?;
                Ok(Some(Material::Files(files)))
            }
            Self::File(path) => {
                let octets = read_file(path).map_err(|error| failed(error.to_string()))?;
                Ok(Some(Material::Bundle(octets)))
            }
            Self::Url { .. } => Ok(None),
        }
    }

    /// Reads it; nothing if it is as it was.
    pub(super) async fn read(
        self: &Arc<Self>,
        seen: &mut Seen,
    ) -> Result<Option<Material>, DecisionsError> {
        match &**self {
            Self::Directory(_) | Self::File(_) => {
                let source = Arc::clone(self);
                tokio::task::spawn_blocking(move || source.on_disk()).await?
            }
            Self::Url { url, client, .. } => {
                let failed =
                    |why: String| DecisionsError::Source(format!("{}: {why}", self.name()));
                let asked = tokio::time::timeout(PATIENCE, ask(client, url, seen.etag.clone()));
                let had = asked.await.map_err(|_| failed("it takes too long".to_owned()))?;
                let Some((octets, etag)) = had.map_err(failed)? else { return Ok(None) };
                let hash = ContentHash::of(&octets);
                // A bundle that is wrong is as wrong the next time: it is said until there is another.
                seen.etag = etag;
                if seen.octets.replace(hash.clone()) == Some(hash) {
                    return Ok(None);
                }
                Ok(Some(Material::Bundle(octets)))
            }
        }
    }
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let most = BundleLimits::default().packed as u64;
    let mut octets = Vec::new();
    // One more than a bundle has: opening it says that it is too large.
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

type Had = Option<(Vec<u8>, Option<header::HeaderValue>)>;

async fn ask(client: &Client, url: &Url, etag: Option<header::HeaderValue>) -> Result<Had, String> {
    let mut request = Request::get(url.clone());
    if let Some(etag) = etag {
        request.headers.insert(header::IF_NONE_MATCH, etag);
    }
    let answer = client.send(request).await.map_err(|error| chain(&error))?;
    match answer.status() {
        StatusCode::NOT_MODIFIED => Ok(None),
        StatusCode::OK => {
            let etag = answer.headers().get(header::ETAG).cloned();
            let most = BundleLimits::default().packed as u64;
            let octets = answer.body(most).await.map_err(|error| chain(&error))?;
            Ok(Some((octets, etag)))
        }
        status => Err(format!("it answers {status}")),
    }
}
