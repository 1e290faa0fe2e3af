//! Text, environment and command line → a checked [`Config`].

use config::{File, FileFormat};
use sark_core::document::{self, Diagnostic};

use super::Config;

/// For who wrote nothing.
const LEAST: &str = "bgp: { asn: 64512, routerId: 192.0.2.1 }";

/// Reads and checks a configuration. `environment` is the process's, `overrides` come from the
/// command line as (`bgp.listenPort`, `1790`). Every mistake of the last step that found one is
/// returned.
pub fn load(
    file: &str,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &[(&str, String)],
) -> Result<Config, Vec<Diagnostic>> {
    // Typed first: this is the parse that knows places and the keys that were meant. It fails for
    // a required key that another layer may give, so its value is used only if no layer follows.
    let layers: Vec<(String, String)> = environment
        .into_iter()
        .filter_map(|(name, value)| Some((key_of(&name)?, value)))
        .chain(overrides.iter().map(|(key, value)| ((*key).to_owned(), value.clone())))
        .collect();
    let config = if layers.is_empty() {
        document::only(file, text, LEAST)?
    } else {
        layered(file, text, layers)?
    };
    let mistakes = config.check(file);
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

fn layered(
    file: &str,
    text: &str,
    layers: Vec<(String, String)>,
) -> Result<Config, Vec<Diagnostic>> {
    let tree: serde_json::Value = if text.trim().is_empty() {
        serde_json::Value::Object(serde_json::Map::new())
    } else {
        document::only(file, text, LEAST)?
    };
    let typed = document::parse::<Config>(file, text);
    let mut builder =
        config::Config::builder().add_source(File::from_str(&tree.to_string(), FileFormat::Json));
    for (key, value) in layers {
        builder = builder
            .set_override(&key, value)
            .map_err(|e| vec![nowhere(file, format!("{key}: {e}"))])?;
    }
    builder.build().and_then(config::Config::try_deserialize::<Config>).map_err(|error| {
        // A mistake of the file is better told by the parse that has its place.
        vec![typed.err().unwrap_or_else(|| {
            nowhere(file, error.to_string())
                .with_help("it comes from a SARK_… environment variable or the command line")
        })]
    })
}

/// `SARK_BGP__ROUTER_ID` → `bgp.routerId`; `None` for variables that are not configuration.
fn key_of(name: &str) -> Option<String> {
    let path = name.strip_prefix("SARK_")?;
    path.contains("__").then(|| path.split("__").map(camel).collect::<Vec<_>>().join("."))
}

fn camel(segment: &str) -> String {
    let mut out = String::new();
    for word in segment.split('_') {
        let word = word.to_ascii_lowercase();
        match word.chars().next() {
            Some(first) if !out.is_empty() => {
                out.push(first.to_ascii_uppercase());
                out.push_str(&word[first.len_utf8()..]);
            }
            _ => out.push_str(&word),
        }
    }
    out
}

pub(super) fn nowhere(file: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        file: file.to_owned(),
        line: 0,
        column: 0,
        message: message.into(),
        excerpt: None,
        help: None,
    }
}

#[cfg(test)]
mod tests;
