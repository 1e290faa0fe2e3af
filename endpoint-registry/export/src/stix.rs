//! A STIX 2.1 bundle: an indicator for each name and address, made by one identity.
//!
//! Ids are UUIDs of version 5 over endpoint and value: the next export gives the same indicator the
//! same id, and whoever reads both has one. When it was modified is when its endpoint was last seen,
//! so the same registry is the same bundle, octet by octet.
//!
//! What the pattern cannot say is in labels: `endpoint:`, `provider:`, `kind:`, `role:`,
//! `sharedness:` of the address itself, `verified` or `unverified`.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Timestamp;
use sark_registry::{Endpoint, Kind, NamePattern, Provenance, Sharedness};
use serde::Serialize;
use uuid::Uuid;

use crate::spared::LeftOut;
use crate::{Chosen, Exported};

/// Of our ids, and of nothing else.
const NAMESPACE: Uuid = Uuid::from_u128(0x5a7c_1d0e_93b4_4f62_8e1f_60d2_b7a9_4c35);
/// When our identity was made up.
const BEGAN: &str = "2026-11-01T00:00:00.000Z";

#[derive(Serialize)]
struct Identity {
    r#type: &'static str,
    spec_version: &'static str,
    id: String,
    created: &'static str,
    modified: &'static str,
    name: &'static str,
    identity_class: &'static str,
}

#[derive(Serialize)]
struct Indicator<'a> {
    r#type: &'static str,
    spec_version: &'static str,
    id: String,
    created_by_ref: &'a str,
    created: String,
    modified: String,
    name: String,
    description: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    indicator_types: &'static [&'static str],
    pattern: String,
    pattern_type: &'static str,
    pattern_version: &'static str,
    valid_from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
    confidence: u8,
    labels: [String; 6],
    external_references: Vec<Reference<'a>>,
}

/// The document that says so.
#[derive(Serialize)]
struct Reference<'a> {
    source_name: &'a str,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

pub(crate) fn stix(chosen: &Chosen<'_>) -> Exported {
    let by = format!("identity--{}", uuid("identity"));
    let identity = Identity {
        r#type: "identity",
        spec_version: "2.1",
        id: by.clone(),
        created: BEGAN,
        modified: BEGAN,
        name: "SARK endpoint registry",
        identity_class: "system",
    };
    let mut objects = vec![json(&identity)];
    let mut left_out = LeftOut::default();
    for e in &chosen.endpoints {
        let begin = e.first_seen().unwrap_or_default();
        for name in chosen.names(e, &mut left_out) {
            left_out.blocked += chosen.spared.below(name).count() as u64;
            let (text, pattern) = (name.as_str(), name_pattern(name));
            objects.push(json(&indicator(e, &by, text, pattern, e.sharedness, begin)));
        }
        let mut since: BTreeMap<IpNet, Timestamp> = BTreeMap::new();
        for learned in &e.learned {
            let at = since.entry(learned.address.into()).or_insert(learned.since);
            *at = learned.since.min(*at);
        }
        since.extend(e.prefixes.iter().map(|prefix| (*prefix, begin)));
        for (net, sharedness) in chosen.blockable(e, &mut left_out) {
            let begin = since.get(&net).copied().unwrap_or(begin);
            let (text, pattern) = net_pattern(net);
            objects.push(json(&indicator(e, &by, &text, pattern, sharedness, begin)));
        }
    }
    let objects = objects.join(",\n");
    let id = uuid(&format!("bundle {objects}"));
    let text =
        format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[\n{objects}\n]}}\n");
    Exported { text, notes: left_out.notes() }
}

fn indicator<'a>(
    e: &'a Endpoint,
    by: &'a str,
    value: &str,
    pattern: String,
    sharedness: Sharedness,
    begin: Timestamp,
) -> Indicator<'a> {
    let modified = e.last_seen().unwrap_or(begin).max(begin);
    let reference = |seen: &'a Provenance| Reference {
        source_name: &seen.source,
        description: format!("first seen {}", time(seen.first_seen)),
        url: Some(&*seen.source).filter(|text| {
            text.starts_with("https://") && text.bytes().all(|b| b.is_ascii_graphic())
        }),
    };
    Indicator {
        r#type: "indicator",
        spec_version: "2.1",
        id: format!("indicator--{}", uuid(&format!("{} {value}", e.id))),
        created_by_ref: by,
        created: time(begin),
        modified: time(modified),
        name: format!("{value} ({})", e.id),
        description: format!("{}: {}, {}", e.title, e.kind, e.role),
        indicator_types: types(e.kind),
        pattern,
        pattern_type: "stix",
        pattern_version: "2.1",
        valid_from: time(begin),
        valid_until: e.expires_at.filter(|end| *end > begin).map(time),
        confidence: e.confidence.min(100),
        labels: [
            format!("endpoint:{}", e.id),
            format!("provider:{}", e.provider),
            format!("kind:{}", e.kind),
            format!("role:{}", e.role),
            format!("sharedness:{sharedness}"),
            if e.verified { "verified" } else { "unverified" }.to_owned(),
        ],
        external_references: e.sources.iter().map(reference).collect(),
    }
}

/// That somebody talks to a model is no sign of an attack, and the vocabulary has no word for it.
const fn types(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Tor | Kind::Vpn | Kind::Proxy => &["anonymization"],
        _ => &[],
    }
}

fn net_pattern(net: IpNet) -> (String, String) {
    let object = if net.addr().is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    if net.prefix_len() == net.max_prefix_len() {
        let address = net.addr().to_string();
        let pattern = format!("[{object}:value = '{address}']");
        return (address, pattern);
    }
    (net.to_string(), format!("[{object}:value ISSUBSET '{net}']"))
}

/// `LIKE` knows `%` for any characters and `_` for one; what it cannot say is a regular expression.
fn name_pattern(name: &NamePattern) -> String {
    let text = name.as_str();
    let Some((before, after)) = text.split_once('*') else {
        return format!("[domain-name:value = '{text}']");
    };
    let labels = before.is_empty() && after.starts_with('.');
    if labels && !after.contains('_') {
        return format!("[domain-name:value LIKE '%{after}']");
    }
    let middle = if labels { ".+" } else { "[^.]+" };
    // A backslash in a text of the pattern is two.
    let [before, after] = [before, after].map(|part| part.replace('.', "\\\\."));
    format!("[domain-name:value MATCHES '^{before}{middle}{after}$']")
}

fn uuid(text: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, text.as_bytes())
}

/// To the millisecond, as STIX wants `created` and `modified`.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn json(value: &impl Serialize) -> String {
    // Of texts and numbers alone: cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
