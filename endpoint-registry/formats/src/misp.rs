//! MISP: an event of a feed (`{"Event": {...}}`), events or attributes as its API answers them
//! (`{"response": [{"Event": ...}]}`, `{"response": {"Attribute": [...]}}`), a list of either.
//! Attribute types are those of "Categories and types" of the MISP book.
//!
//! Taken: `ip-dst`, `ip-src`, `ip-dst|port`, `ip-src|port`, `domain`, `hostname`, `hostname|port`,
//! `domain|ip`, `url`, `uri` (its host). Attributes that are deleted or not `to_ids` are skipped, as
//! are all other types. Labels: `type`, `role` (`egress` for `ip-src`, who connects to us; else
//! `ingress`), `tag` (each).

use std::{rc::Rc, str::FromStr as _};

use sark_registry::{
    PortRange, Transport,
    feed::{Label, Subject},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{ParseError, collect::Collect, json, text};

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "type")]
    kind: String,
    value: String,
    #[serde(default)]
    to_ids: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

pub(crate) fn parse(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let document: Value = json::read(octets, out)?;
    let mut known = false;
    // Path of the container, number in it, value. Paths are shared: they may be longer than values.
    let mut open = vec![(Rc::<str>::from(""), None, document)];
    while let Some((container, number, value)) = open.pop() {
        let path = || match number {
            Some(number) => format!("{container}[{number}]"),
            None => container.to_string(),
        };
        match value {
            Value::Array(items) => {
                known |= container.is_empty() && items.is_empty();
                let path: Rc<str> = path().into();
                let items = items.into_iter().enumerate().rev();
                open.extend(items.map(|(at, item)| (Rc::clone(&path), Some(at), item)));
            }
            Value::Object(mut object) => {
                if object.contains_key("type") && object.contains_key("value") {
                    known = true;
                    attribute(path, Value::Object(object), out)?;
                    continue;
                }
                for key in ["Object", "Attribute", "Event", "response"] {
                    if let Some(value) = object.remove(key) {
                        known = true;
                        if key == "Event" {
                            published(&value, out);
                        }
                        open.push((format!("{}.{key}", path()).into(), None, value));
                    }
                }
            }
            _ => {}
        }
    }
    if known {
        return Ok(());
    }
    Err(json::unexpected(out, "the document", "a MISP event or attributes", "something else"))
}

/// Time of the event, seconds since 1970 as text.
fn published(event: &Value, out: &mut Collect) {
    if let Some(Value::String(time)) = event.get("timestamp") {
        out.published(time.as_str());
    }
}

fn attribute(path: impl Fn() -> String, value: Value, out: &mut Collect) -> Result<(), ParseError> {
    let place = || path().trim_start_matches('.').to_owned();
    let attribute: Attribute = match serde_json::from_value(value) {
        Ok(attribute) => attribute,
        Err(error) => {
            out.skip(place, error.to_string());
            return Ok(());
        }
    };
    if attribute.deleted || !attribute.to_ids {
        let reason = if attribute.deleted { "deleted" } else { "to_ids is not set" };
        out.skip(place, reason);
        return Ok(());
    }
    let kind = &*attribute.kind;
    let role = if kind.starts_with("ip-src") { "egress" } else { "ingress" };
    let mut labels = out.labels(&[("type", kind), ("role", role)]);
    labels.extend(attribute.tags.iter().map(|tag| out.label("tag", &tag.name)));
    let value = attribute.value.trim();
    match kind {
        "ip-dst" | "ip-src" => out.address(value, &labels, place),
        "domain" | "hostname" => out.found(name(value), &labels, Vec::new(), place),
        "url" | "uri" => out.subject(text::host(value), &labels, place),
        "ip-dst|port" | "ip-src|port" | "hostname|port" => with_port(value, &labels, out, place),
        "domain|ip" => {
            let (domain, address) = value.split_once('|').unwrap_or((value, ""));
            out.found(name(domain), &labels, Vec::new(), place)?;
            out.address(address, &labels, place)
        }
        other => {
            out.skip(place, format!("{} is neither an address nor a name", text::few(other)));
            Ok(())
        }
    }
}

/// The port does not say TCP or UDP: both.
fn with_port(
    value: &str,
    labels: &[Label],
    out: &mut Collect,
    place: impl Fn() -> String,
) -> Result<(), ParseError> {
    let (subject, port) = value.split_once('|').unwrap_or((value, ""));
    let ports = [Transport::Tcp, Transport::Udp]
        .map(|transport| PortRange::from_str(&format!("{transport}/{}", port.trim())));
    let [Ok(tcp), Ok(udp)] = ports else {
        out.skip(place, format!("{} is not a port", text::few(port)));
        return Ok(());
    };
    out.found(text::subject(subject), labels, vec![tcp, udp], place)
}

fn name(text: &str) -> Result<Subject, String> {
    text.trim().parse().map(Subject::Name).map_err(|error| format!("{error}"))
}
