//! STIX 2.1 bundles and TAXII 2.1 envelopes: their `indicator` objects. STIX 2.0 is read the same.
//!
//! An indicator that is revoked, not valid at the time, or in another pattern language is skipped.
//! From its pattern come addresses, prefixes, names, wildcards and hosts of URLs. Labels: `type` (`ipv4`,
//! `ipv6`, `domain`, `url`), `tag` (each of `indicator_types` and `labels`).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    ParseError,
    collect::{Collect, MOST_LABELS},
    json, pattern, text,
};

#[derive(Deserialize)]
struct Document {
    /// Absent from an envelope of nothing.
    objects: Option<Vec<Value>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    more: Option<bool>,
}

#[derive(Deserialize)]
struct Indicator {
    pattern: String,
    pattern_type: Option<String>,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    #[serde(default)]
    revoked: bool,
    #[serde(default)]
    indicator_types: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

pub(crate) fn parse(octets: &[u8], now: Timestamp, out: &mut Collect) -> Result<(), ParseError> {
    let document: Document = json::read(octets, out)?;
    let bundle = document.kind.as_deref();
    if bundle.is_some_and(|kind| kind != "bundle") {
        let found = text::few(bundle.unwrap_or_default());
        return Err(json::unexpected(out, "type", "\"bundle\"", &found));
    }
    if bundle.is_none() && document.objects.is_none() && document.more.is_none() {
        // TAXII: `{}` is the envelope of nothing; but so is any other object without our keys.
        let only = octets.trim_ascii().iter().filter(|octet| !octet.is_ascii_whitespace());
        if !only.copied().eq(*b"{}") {
            let expected = "a STIX bundle or TAXII envelope";
            return Err(json::unexpected(out, "the document", expected, "something else"));
        }
    }
    for (at, object) in document.objects.into_iter().flatten().enumerate() {
        if object.get("type").and_then(Value::as_str) != Some("indicator") {
            continue;
        }
        let place = || format!("objects[{at}]");
        match serde_json::from_value(object) {
            Ok(read) => indicator(&read, now, out, place)?,
            Err(error) => out.skip(place, error.to_string()),
        }
    }
    Ok(())
}

fn indicator(
    read: &Indicator,
    now: Timestamp,
    out: &mut Collect,
    place: impl Fn() -> String,
) -> Result<(), ParseError> {
    let language = read.pattern_type.as_deref().unwrap_or("stix");
    let reason = if read.revoked {
        "revoked".to_owned()
    } else if language != "stix" {
        format!("a pattern in {}", text::few(language))
    } else if let Some(until) = read.valid_until.filter(|until| *until <= now) {
        format!("valid until {until}")
    } else if let Some(from) = read.valid_from.filter(|from| *from > now) {
        format!("valid from {from}")
    } else {
        String::new()
    };
    if !reason.is_empty() {
        out.skip(place, reason);
        return Ok(());
    }
    let found = match pattern::read(&read.pattern) {
        Ok(found) => found,
        Err(reason) => {
            out.skip(place, reason);
            return Ok(());
        }
    };
    for reason in &found.left {
        out.skip(&place, reason.as_str());
    }
    for value in &found.values {
        let mut labels = out.labels(&[("type", value.kind)]);
        let tags = read.indicator_types.iter().chain(&read.labels).take(MOST_LABELS);
        labels.extend(tags.map(|tag| out.label("tag", tag)));
        let subject = match value.kind {
            "domain" => value
                .text
                .parse()
                .map(sark_registry::feed::Subject::Name)
                .map_err(|error: sark_registry::NameError| error.to_string()),
            "url" => text::subject(text::host(&value.text)),
            _ => text::address(&value.text),
        };
        out.found(subject, &labels, Vec::new(), &place)?;
    }
    Ok(())
}
