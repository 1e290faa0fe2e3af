//! A collection of a TAXII 2.1 server (OASIS, section 5.4): pages of STIX objects, each a part.

use reqwest::header::ACCEPT;
use sark_registry::feed::{Feed, FetchError, Fetched, FetchedPart, Validators};
use serde::Deserialize;

use crate::http::{Document, Http};

const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// Most pages of one collection.
const PAGES: usize = 1000;

/// What of an envelope leads on.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    more: bool,
    #[serde(default)]
    next: Option<String>,
}

/// The whole collection each time: `added_after` would not tell of what is gone.
pub(crate) async fn collection(
    http: &Http,
    feed: &Feed,
    root: &str,
    collection: &str,
) -> Result<Fetched, FetchError> {
    let base = format!("{root}collections/{collection}/objects/");
    let limit = feed.limits.most_octets.get();
    let (mut at, mut left) = (base.clone(), limit);
    let mut parts: Vec<FetchedPart> = Vec::new();
    while parts.len() < PAGES {
        let document = http.get(&at, None, &[(ACCEPT, MEDIA_TYPE)], left).await?;
        let Document::New { octets, .. } = document else {
            return Err(FetchError::NothingYet { at });
        };
        left = left.saturating_sub(octets.len() as u64);
        let truncated = |why: &str| FetchError::Truncated { at: base.clone(), why: why.to_owned() };
        let envelope: Envelope = serde_json::from_slice(&octets)
            .map_err(|_| truncated("a page is no TAXII envelope"))?;
        parts.push(FetchedPart { name: format!("page {}", parts.len() + 1), octets });
        match (envelope.more, envelope.next) {
            (false, _) => return Ok(Fetched::Copy { parts, validators: Validators::default() }),
            (true, None) => return Err(truncated("it says more, and not where")),
            (true, Some(next)) => {
                let mut url: reqwest::Url =
                    base.parse().map_err(|_| truncated("its address is no URL"))?;
                url.query_pairs_mut().append_pair("next", &next);
                at = url.into();
            }
        }
    }
    Err(FetchError::TooLarge { at: base, limit })
}
