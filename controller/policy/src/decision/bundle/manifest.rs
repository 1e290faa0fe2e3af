//! `.manifest`: the bundle's revision, and the parts of `data` that are its own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{BundleError, SetFile, name_of};

/// Metadata are OPA's and other tools'.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Manifest {
    #[serde(default)]
    pub(super) revision: String,
    #[serde(default)]
    roots: Option<Vec<String>>,
    #[serde(default)]
    rego_version: Option<u32>,
    #[serde(default)]
    file_rego_versions: BTreeMap<String, u32>,
    #[serde(default)]
    wasm: Vec<Value>,
}

impl Manifest {
    pub(super) fn read(octets: &[u8]) -> Result<Self, BundleError> {
        let unreadable =
            |why: String| BundleError::Unreadable { path: ".manifest".to_owned(), why };
        let manifest: Self =
            serde_json::from_slice(octets).map_err(|error| unreadable(error.to_string()))?;
        if !manifest.wasm.is_empty() {
            return Err(BundleError::Wasm);
        }
        let versions = manifest.rego_version.iter().chain(manifest.file_rego_versions.values());
        if versions.into_iter().any(|version| *version != 1) {
            let why = "its policies are of Rego v0: see `opa fmt --v0-v1`".to_owned();
            return Err(unreadable(why));
        }
        Ok(manifest)
    }

    /// Without slashes at their ends; all of `data` if there are none.
    pub(super) fn roots(&self) -> Result<Vec<String>, BundleError> {
        let roots = self.roots.clone().unwrap_or_else(|| vec![String::new()]);
        let roots: Vec<String> =
            roots.iter().map(|root| root.trim_matches('/').to_owned()).collect();
        for (place, root) in roots.iter().enumerate() {
            let others = roots.iter().skip(place + 1);
            if let Some(other) = others.into_iter().find(|o| is_below(o, root) || is_below(root, o))
            {
                return Err(BundleError::Overlap(root.clone(), other.clone()));
            }
        }
        Ok(roots)
    }
}

/// `a/b` is below `a` and below itself; all is below the empty path.
fn is_below(path: &str, root: &str) -> bool {
    root.is_empty()
        || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a file has only what is below a root: a policy by its package, data by their place.
pub(super) fn permitted(file: &SetFile, roots: &[String]) -> Result<(), BundleError> {
    if roots.iter().any(String::is_empty) {
        return Ok(());
    }
    let outside = |place: String| BundleError::Outside {
        path: file.path.clone(),
        place,
        roots: roots.join(", "),
    };
    let unreadable = |why: String| BundleError::Unreadable { path: file.path.clone(), why };
    let text = || {
        let text = std::str::from_utf8(&file.octets);
        text.map_err(|_| unreadable("it is not UTF-8".to_owned()))
    };
    let name = name_of(&file.path);
    if name.ends_with(".rego") {
        let package =
            package(text()?).ok_or_else(|| unreadable("it names no package".to_owned()))?;
        let is_permitted = roots.iter().any(|root| is_below(&package, root));
        return if is_permitted { Ok(()) } else { Err(outside(package)) };
    }
    let value = match name {
        "data.json" => {
            serde_json::from_str(text()?).map_err(|error| unreadable(error.to_string()))?
        }
        "data.yaml" => {
            let documents = sark_core::document::parse::<Value>(&file.path, text()?);
            let documents = documents.map_err(|mistake| unreadable(mistake.to_string()))?;
            documents.into_iter().next().map_or(Value::Null, |first| first.value)
        }
        _ => return Ok(()),
    };
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    data(folder, &value, roots).map_err(outside)
}

/// Data at a path: below a root, or an object on the way to one.
fn data(path: &str, value: &Value, roots: &[String]) -> Result<(), String> {
    if roots.iter().any(|root| is_below(path, root)) {
        return Ok(());
    }
    match value {
        Value::Object(fields) if roots.iter().any(|root| is_below(root, path)) => {
            fields.iter().try_for_each(|(key, value)| {
                let below = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                data(&below, value, roots)
            })
        }
        _ => Err(path.to_owned()),
    }
}

/// `sark/llm/models` of `package sark.llm["models"]`.
fn package(text: &str) -> Option<String> {
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix('#') {
            Some(comment) => rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
            None => break,
        }
    }
    rest = rest.strip_prefix("package")?.strip_prefix([' ', '\t', '\r', '\n'])?.trim_start();
    let mut path = Vec::new();
    loop {
        let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (part, after) = quoted.split_once("\"]")?;
            // A name with a slash or a quote would be another place than it looks.
            part.chars().all(|c| c == '-' || is_name(c)).then(|| path.push(part))?;
            rest = after;
        } else {
            let name = if path.is_empty() { rest } else { rest.strip_prefix('.')? };
            let end = name.find(|c: char| !is_name(c)).unwrap_or(name.len());
            let (part, after) = name.split_at(end);
            (!part.is_empty()).then(|| path.push(part))?;
            rest = after;
        }
        if !rest.starts_with(['.', '[']) {
            let is_end = rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n', '#', ';']);
            return is_end.then(|| path.join("/"));
        }
    }
}
