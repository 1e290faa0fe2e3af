//! A collection of a TAXII 2.1 server (OASIS, section 5.4): pages of STIX objects, each a part.

use std::collections::BTreeSet;

use sark_outbound::header::ACCEPT;
use sark_registry::feed::{Feed, FetchError, Fetched, FetchedPart, Validators};
use serde::Deserialize;

use crate::http::{Document, Http, Room};

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
    let (mut at, mut room) = (base.clone(), Room::of(feed));
    let mut parts: Vec<FetchedPart> = Vec::new();
    let mut seen = BTreeSet::new();
    let endless = |why: String| FetchError::Endless { at: base.clone(), why };
    while parts.len() < PAGES {
        let document = http.get(&at, None, &[(ACCEPT, MEDIA_TYPE)], room).await?;
        let Document::New { octets, .. } = document else {
            return Err(FetchError::NothingYet { at });
        };
        room.take(&octets);
        let truncated = |why: &str| FetchError::Truncated { at: base.clone(), why: why.to_owned() };
        let envelope: Envelope = serde_json::from_slice(&octets)
            .map_err(|_| truncated("a page is no TAXII envelope"))?;
        parts.push(FetchedPart { name: format!("page {}", parts.len() + 1), octets });
        match (envelope.more, envelope.next) {
            (false, _) => return Ok(Fetched::Copy { parts, validators: Validators::default() }),
            (true, None) => return Err(truncated("it says more, and not where")),
            (true, Some(next)) => {
                let mut url: sark_outbound::Url =
                    base.parse().map_err(|_| truncated("its address is no URL"))?;
                url.query_pairs_mut().append_pair("next", &next);
                at = url.into();
                if !seen.insert(next) {
                    let page = parts.len();
                    return Err(endless(format!("page {page} leads to one that was there")));
                }
            }
        }
    }
    Err(endless(format!("after {PAGES} pages it says more")))
}
