//! `.signatures.json`: which files a bundle has, and their hashes, signed.
//!
//! OPA: <https://www.openpolicyagent.org/docs/management-bundles#signature-format>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::key::{key_id, unchecked_payload};
use super::{BundleError, BundleKey, SetFile, canonical, name_of};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    signatures: Vec<String>,
    #[serde(default)]
    plugin: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    files: Vec<Entry>,
    #[serde(default)]
    keyid: Option<String>,
    #[serde(default)]
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    hash: String,
    #[serde(default)]
    algorithm: String,
}

fn wrong(why: impl Into<String>) -> BundleError {
    BundleError::Signature(why.into())
}

/// Checks the signature and that it is of exactly these files. Returns the id of the key it names, or
/// the algorithm of one without id.
pub(super) fn check(
    document: &[u8],
    files: &[SetFile],
    keys: &[BundleKey],
) -> Result<String, BundleError> {
    let document: Document = serde_json::from_slice(document)
        .map_err(|error| wrong(format!(".signatures.json cannot be read: {error}")))?;
    if let Some(plugin) = document.plugin.filter(|plugin| !plugin.is_empty()) {
        return Err(wrong(format!("it is for OPA's plugin {plugin:?}, which we do not have")));
    }
    let [token] = document.signatures.as_slice() else {
        let count = document.signatures.len();
        return Err(wrong(format!(".signatures.json has {count} signatures and not one")));
    };
    let (claims, by) = claims(token, keys)?;
    let mut signed: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in claims.files {
        let name = entry.name.clone();
        if signed.insert(name.clone(), entry).is_some() {
            return Err(wrong(format!("{name:?} is signed twice")));
        }
    }
    for file in files {
        let entry = signed.remove(&file.path);
        let entry = entry.ok_or_else(|| wrong(format!("{:?} is not signed", file.path)))?;
        if digest(&entry.algorithm, &file.path, &file.octets)? != hex(&entry.hash) {
            return Err(wrong(format!("{:?} is not the file that was signed", file.path)));
        }
    }
    match signed.keys().next() {
        Some(missing) => Err(wrong(format!("{missing:?} was signed and is not there"))),
        None => Ok(by),
    }
}

/// What was signed, of the first key that it is signed with.
fn claims(token: &str, keys: &[BundleKey]) -> Result<(Claims, String), BundleError> {
    let read = |payload: &[u8]| {
        let claims: Result<Claims, _> = serde_json::from_slice(payload);
        claims.map_err(|error| wrong(format!("what was signed cannot be read: {error}")))
    };
    let failed = |error: super::key::SignatureError| wrong(error.to_string());
    // Which key it may be is not secret; that it is this one is checked below.
    let named = match key_id(token).map_err(failed)? {
        Some(id) => Some(id),
        None => read(&unchecked_payload(token).map_err(failed)?)?.keyid.filter(|id| !id.is_empty()),
    };
    let may_be = |key: &&BundleKey| match (&key.id, &named) {
        (Some(id), Some(named)) => id == named,
        _ => true,
    };
    let mut why = match &named {
        Some(id) => wrong(format!("it is signed with the key {id:?}, which is not configured")),
        None => wrong("there is no key to check it with"),
    };
    for key in keys.iter().filter(may_be) {
        match key.verify(token) {
            Err(error) => why = failed(error),
            Ok(signed) => {
                let claims = read(&signed.payload)?;
                let scope = |scope: &Option<String>| scope.clone().unwrap_or_default();
                if scope(&claims.scope) != scope(&key.scope) {
                    let (has, wants) = (scope(&claims.scope), scope(&key.scope));
                    return Err(wrong(format!("its scope is {has:?}, the key's is {wants:?}")));
                }
                let by = key.id.clone().unwrap_or_else(|| key.algorithm().to_owned());
                return Ok((claims, by));
            }
        }
    }
    Err(why)
}

/// Of files with structure the values are hashed, of others the octets.
fn digest(algorithm: &str, path: &str, octets: &[u8]) -> Result<Option<Vec<u8>>, BundleError> {
    let unreadable = |why: String| BundleError::Unreadable { path: path.to_owned(), why };
    let text = || std::str::from_utf8(octets).map_err(|_| unreadable("it is not UTF-8".to_owned()));
    let hashed = match name_of(path) {
        "data.json" | ".manifest" => canonical::of_json(text()?).map_err(unreadable)?.into_bytes(),
        "data.yaml" => {
            let documents = sark_core::document::parse::<Value>(path, text()?);
            let documents = documents.map_err(|mistake| unreadable(mistake.to_string()))?;
            let value = documents.into_iter().next().map_or(Value::Null, |first| first.value);
            canonical::of_value(&value).into_bytes()
        }
        _ => octets.to_vec(),
    };
    Ok(Some(match algorithm {
        "SHA-256" => Sha256::digest(&hashed).to_vec(),
        "SHA-384" => Sha384::digest(&hashed).to_vec(),
        "SHA-512" => Sha512::digest(&hashed).to_vec(),
        other => {
            return Err(wrong(format!(
                "{path:?} is hashed by {other:?}: SHA-256, SHA-384 or SHA-512 is enough"
            )));
        }
    }))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            pair.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}
