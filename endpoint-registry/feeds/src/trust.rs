//! Whether a copy shows that it is the publisher's.

use minisign_verify::{PublicKey, Signature};
use sark_core::ContentHash;
use sark_registry::feed::{Feed, FetchError, FetchedPart};

use crate::Fetcher;

/// The pinned hash and the detached signature, over the parts one after another.
pub(crate) async fn check(
    fetcher: &Fetcher,
    feed: &Feed,
    parts: &[FetchedPart],
) -> Result<(), FetchError> {
    let trust = &feed.trust;
    if trust.sha256.is_none() && trust.minisign.is_none() {
        return Ok(());
    }
    let untrusted = |why: String| FetchError::Untrusted { at: feed.name.clone(), why };
    let whole: Vec<u8> = parts.iter().flat_map(|part| part.octets.iter().copied()).collect();
    if let Some(pinned) = &trust.sha256 {
        let found = ContentHash::of(&whole).to_string();
        let found = found.strip_prefix("sha256:").unwrap_or(&found);
        if !found.eq_ignore_ascii_case(pinned) {
            return Err(untrusted(format!("its SHA-256 is {found}, and {pinned} is pinned")));
        }
    }
    if let Some((key, url)) = &trust.minisign {
        let key = PublicKey::from_base64(key)
            .map_err(|error| untrusted(format!("the public key cannot be used: {error}")))?;
        let text = fetcher.signature(feed, url).await?;
        let text = String::from_utf8(text)
            .map_err(|_| untrusted("the signature is no text".to_owned()))?;
        let signature = Signature::decode(&text)
            .map_err(|error| untrusted(format!("the signature cannot be read: {error}")))?;
        key.verify(&whole, &signature, false)
            .map_err(|_| untrusted("the signature is not of this copy".to_owned()))?;
    }
    Ok(())
}
