//! Names: of the document, the policy, endpoints and hosts.

use sark_registry::{Kind, NamePattern};
use schemars::{Schema, json_schema};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::{number, unknown};
use crate::network::written::{Form, Wrong};

/// The one version so far.
pub(crate) enum ApiVersion {}

const API_VERSION: &str = "sark/v1";

impl Form for ApiVersion {
    type Value = ();

    fn read(text: &str) -> Result<(), Wrong> {
        if text == API_VERSION {
            return Ok(());
        }
        Err(Wrong::new(format!("unknown version `{text}`")).help(format!("write `{API_VERSION}`")))
    }

    fn schema() -> Schema {
        json_schema!({ "const": API_VERSION })
    }
}

/// The kinds of document there are.
pub(crate) const KINDS_OF_DOCUMENT: &[&str] = &["FlowSpecPolicy"];

/// `FlowSpecPolicy`.
pub(crate) enum KindOfDocument {}

impl Form for KindOfDocument {
    type Value = ();

    fn read(text: &str) -> Result<(), Wrong> {
        if KINDS_OF_DOCUMENT.contains(&text) {
            return Ok(());
        }
        Err(unknown("kind of document", text, KINDS_OF_DOCUMENT))
    }

    fn schema() -> Schema {
        json_schema!({ "enum": KINDS_OF_DOCUMENT })
    }
}

/// Lower-case letters, digits, hyphens and dots inside; at most 63.
pub(crate) const SLUG: &str = "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$";

/// Checks [`SLUG`].
pub(super) fn slug(what: &str, text: &str) -> Result<String, Wrong> {
    let inner = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    let fine = (1..=63).contains(&text.len())
        && text.bytes().all(|octet| inner(octet) || matches!(octet, b'-' | b'.'))
        && text.bytes().next().is_some_and(inner)
        && text.bytes().next_back().is_some_and(inner);
    if fine {
        return Ok(text.to_owned());
    }
    let wrong = Wrong::new(format!("`{text}` is not a {what}"));
    let near: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' })
        .take(63)
        .collect();
    let near = near.trim_matches(['-', '.']);
    Err(if near.is_empty() {
        wrong.help("use lower-case letters, digits and hyphens")
    } else {
        wrong.help(format!("use lower-case letters, digits and hyphens, such as `{near}`"))
    })
}

/// Name of a policy.
pub(crate) enum Name {}

impl Form for Name {
    type Value = String;

    fn read(text: &str) -> Result<String, Wrong> {
        slug("policy name", text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "name", "pattern": SLUG })
    }
}

/// 1 to 65535.
pub(crate) enum Priority {}

impl Form for Priority {
    type Value = u16;

    fn read(text: &str) -> Result<u16, Wrong> {
        match number(text).and_then(|value| u16::try_from(value).ok()) {
            Some(priority @ 1..) => Ok(priority),
            _ => Err(Wrong::new(format!("`{text}` is not a priority: 1 to 65535, higher wins"))),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535, "default": 100 })
    }
}

/// Slug of a provider or tunnel service.
pub(crate) enum Slug {}

impl Form for Slug {
    type Value = String;

    fn read(text: &str) -> Result<String, Wrong> {
        if let Some((provider, _)) = text.split_once('/')
            && slug("", provider).is_ok()
        {
            return Err(Wrong::new(format!("`{text}` is a service"))
                .help(format!("write it under `services`, or `{provider}` here")));
        }
        slug("name of the registry", text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "slug", "pattern": SLUG, "examples": ["openai"] })
    }
}

/// Endpoint id.
pub(crate) enum Service {}

impl Form for Service {
    type Value = String;

    fn read(text: &str) -> Result<String, Wrong> {
        let fine = text.split_once('/').is_some_and(|(provider, service)| {
            slug("", provider).is_ok() && slug("", service).is_ok()
        });
        if fine {
            return Ok(text.to_owned());
        }
        Err(Wrong::new(format!("`{text}` is not a service"))
            .help("write provider and service, such as `openai/api`"))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "title": "service",
            "pattern": "^[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9.-]*$",
            "examples": ["openai/api"],
        })
    }
}

/// Kinds of endpoint, as the registry writes them.
const KINDS: &[&str] =
    &["api", "chat", "asset", "telemetry", "tunnel", "vpn", "tor", "doh", "proxy"];

/// Kind of endpoint.
pub(crate) enum KindWord {}

impl Form for KindWord {
    type Value = Kind;

    fn read(text: &str) -> Result<Kind, Wrong> {
        let word: StrDeserializer<'_, ValueError> = text.into_deserializer();
        Kind::deserialize(word).map_err(|_| unknown("kind", text, KINDS))
    }

    fn schema() -> Schema {
        json_schema!({ "enum": KINDS })
    }
}

/// Host name.
pub(crate) enum Destination {}

impl Form for Destination {
    type Value = String;

    fn read(text: &str) -> Result<String, Wrong> {
        let name: NamePattern = text
            .parse()
            .map_err(|error: sark_registry::NameError| Wrong::new(error.to_string()))?;
        if name.is_wildcard() {
            return Err(Wrong::new(format!("`{text}` is a pattern"))
                .help("write whole names, or select the service by `providers` or `services`"));
        }
        Ok(name.as_str().to_owned())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "host name", "examples": ["api.openai.com"] })
    }
}
