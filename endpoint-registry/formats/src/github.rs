//! `https://api.github.com/meta` ("Get GitHub meta information" of its REST API).
//!
//! Prefixes have the label `service`, the key they stand under (`api`, `copilot`, `actions`). Names
//! of `domains` have the label `names` (`copilot`, `actions`) and no service: those of Copilot
//! include `*.github.com`, which is every service.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{ParseError, collect::Collect, json, text};

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    domains: Map<String, Value>,
    #[serde(flatten)]
    services: Map<String, Value>,
}

pub(crate) fn parse(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let meta: Meta = json::read(octets, out)?;
    let keys = |key: &str| matches!(key, "ssh_keys" | "ssh_key_fingerprints");
    let mut lists = 0;
    for (key, value) in meta.services.iter().filter(|(key, _)| !keys(key)) {
        let Value::Array(items) = value else { continue };
        lists += 1;
        let labels = out.labels(&[("service", key)]);
        for (at, item) in items.iter().enumerate() {
            let place = || format!("{}[{at}]", text::brief(key));
            match item {
                Value::String(prefix) => out.address(prefix, &labels, place)?,
                _ => out.skip(place, "not a text"),
            }
        }
    }
    if lists == 0 {
        return Err(json::unexpected(out, "the document", "lists of prefixes by service", "none"));
    }
    for (key, value) in &meta.domains {
        let labels = out.labels(&[("names", key)]);
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                Value::String(name) if !name.is_empty() => {
                    out.subject(name, &labels, || format!("domains.{}", text::brief(key)))?;
                }
                Value::Array(items) => open.extend(items),
                Value::Object(items) => open.extend(items.values()),
                _ => {}
            }
        }
    }
    Ok(())
}
