//! How two versions differ, endpoint by endpoint, and when something came and went.
//!
//! [`between`] compares two snapshots; [`of_endpoint`] one endpoint, so that a store that keeps
//! versions by content need only read what changed ([`Manifest::difference`](crate::Manifest)).

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;
use serde_json::Value;

use crate::{
    Endpoint, Learned, NamePattern, Question, Snapshot,
    sorted::{Side, walk},
};

/// How an endpoint differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointChange {
    /// Its id.
    pub id: String,
    /// See the type.
    pub kind: ChangeKind,
    /// What came.
    pub added: Items,
    /// What went.
    pub removed: Items,
    /// Other fields that changed; none for a new or gone endpoint.
    pub fields: Vec<FieldChange>,
}

/// See [`EndpointChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Only in the later.
    Added,
    /// Only in the earlier.
    Removed,
    /// In both.
    Changed,
}

/// Names and addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Items {
    /// Sorted.
    pub names: Vec<NamePattern>,
    /// Sorted.
    pub prefixes: Vec<IpNet>,
    /// Address and the name that led to it; sorted.
    pub learned: Vec<(IpAddr, String)>,
}

/// A field with two values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// As in JSON; `learned 192.0.2.7 (api.example.com)` for a learned address.
    pub field: String,
    /// Before; `-` for nothing.
    pub from: String,
    /// After; `-` for nothing.
    pub to: String,
}

impl Items {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.prefixes.is_empty() && self.learned.is_empty()
    }

    /// Each as text: names, prefixes, `192.0.2.7 (api.example.com)`.
    pub fn texts(&self) -> impl Iterator<Item = String> + '_ {
        let names = self.names.iter().map(ToString::to_string);
        let prefixes = self.prefixes.iter().map(ToString::to_string);
        let learned = self.learned.iter().map(|(address, name)| format!("{address} ({name})"));
        names.chain(prefixes).chain(learned)
    }
}

/// Endpoints that differ, by id.
#[must_use]
pub fn between(from: &Snapshot, to: &Snapshot) -> Vec<EndpointChange> {
    let (mut old, mut new) = (from.endpoints().iter().peekable(), to.endpoints().iter().peekable());
    let mut changes = Vec::new();
    loop {
        let (before, after) = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(a), Some(b)) if a.id == b.id => (old.next(), new.next()),
            (Some(a), Some(b)) if a.id < b.id => (old.next(), None),
            (Some(_), None) => (old.next(), None),
            (_, Some(_)) => (None, new.next()),
        };
        changes.extend(of_endpoint(before, after));
    }
}

/// How one endpoint differs, in the form of a snapshot; `None` if it does not.
#[must_use]
pub fn of_endpoint(before: Option<&Endpoint>, after: Option<&Endpoint>) -> Option<EndpointChange> {
    if before == after {
        return None;
    }
    let (mut added, mut removed) = (Items::default(), Items::default());
    let both = (before, after);
    (removed.names, added.names) = split(both, |endpoint| &endpoint.names);
    (removed.prefixes, added.prefixes) = split(both, |endpoint| &endpoint.prefixes);
    let mut fields = Vec::new();
    let (old, new) = (led(before), led(after));
    for (key, learned) in &old {
        match new.get(key) {
            None => removed.learned.push((key.0, key.1.to_owned())),
            Some(now) => fields.extend(changed(learned, now)),
        }
    }
    let came = new.keys().filter(|key| !old.contains_key(*key));
    added.learned.extend(came.map(|(address, name)| (*address, (*name).to_owned())));
    let (id, kind) = match (before, after) {
        (Some(before), Some(after)) => {
            fields.extend(other_fields(before, after));
            (&after.id, ChangeKind::Changed)
        }
        (Some(before), None) => (&before.id, ChangeKind::Removed),
        (None, Some(after)) => (&after.id, ChangeKind::Added),
        (None, None) => return None,
    };
    Some(EndpointChange { id: id.clone(), kind, added, removed, fields })
}

/// What of an endpoint answers to a question, as text: its prefixes, name patterns and learned
/// addresses.
#[must_use]
pub fn answers(endpoint: &Endpoint, question: &Question) -> Vec<String> {
    let learned = |hit: &dyn Fn(IpNet) -> bool| {
        let learned = endpoint.learned.iter().filter(|l| hit(IpNet::from(l.address)));
        learned.map(|l| format!("{} ({})", l.address, l.name)).collect::<Vec<_>>()
    };
    let nets = |hit: &dyn Fn(IpNet) -> bool| {
        let prefixes = endpoint.prefixes.iter().filter(|net| hit(**net));
        prefixes.map(ToString::to_string).chain(learned(hit)).collect()
    };
    match question {
        Question::Address(address) => nets(&|net| net.contains(address)),
        Question::Prefix(asked) => nets(&|net| net.contains(asked) || asked.contains(&net)),
        Question::Name(name) => {
            let own = endpoint.names.iter();
            own.filter(|own| *own == name || own.matches(name.as_str()))
                .map(ToString::to_string)
                .collect()
        }
    }
}

/// What of an endpoint began and what ceased to answer to a question: came, went.
#[must_use]
pub fn came_and_went(
    question: &Question,
    before: Option<&Endpoint>,
    after: Option<&Endpoint>,
) -> (Vec<String>, Vec<String>) {
    let of = |endpoint: Option<&Endpoint>| {
        let mut answers = endpoint.map(|e| answers(e, question)).unwrap_or_default();
        answers.sort();
        answers
    };
    let (before, after) = (of(before), of(after));
    let (mut came, mut went) = (Vec::new(), Vec::new());
    walk(&before, &after, |side, answer| {
        if side == Side::Old { went.push(answer.clone()) } else { came.push(answer.clone()) }
    });
    (came, went)
}

/// What only the earlier and what only the later has of a sorted list.
fn split<T: Ord + Clone>(
    (before, after): (Option<&Endpoint>, Option<&Endpoint>),
    of: impl Fn(&Endpoint) -> &[T],
) -> (Vec<T>, Vec<T>) {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let (before, after) = (before.map_or(&[][..], &of), after.map_or(&[][..], &of));
    walk(before, after, |side, item| {
        let list = if side == Side::Old { &mut old } else { &mut new };
        list.push(item.clone());
    });
    (old, new)
}

/// Learned addresses by address and name.
fn led(endpoint: Option<&Endpoint>) -> BTreeMap<(IpAddr, &str), &Learned> {
    let learned = endpoint.into_iter().flat_map(|endpoint| &endpoint.learned);
    learned.map(|one| ((one.address, one.name.as_str()), one)).collect()
}

/// How a learned address changed. When it became active is no change of its own.
fn changed(before: &Learned, after: &Learned) -> Option<FieldChange> {
    let text = |learned: &Learned| format!("{}, {}", learned.state, learned.sharedness);
    let (from, to) = (text(before), text(after));
    let field = format!("learned {} ({})", after.address, after.name);
    (from != to).then_some(FieldChange { field, from, to })
}

/// All but lists of names and addresses, by name.
fn other_fields(before: &Endpoint, after: &Endpoint) -> Vec<FieldChange> {
    let (old, new) = (fields_of(before), fields_of(after));
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let differ = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let field = |key: &String| FieldChange {
        field: key.clone(),
        from: text(old.get(key)),
        to: text(new.get(key)),
    };
    differ.map(field).collect()
}

fn fields_of(endpoint: &Endpoint) -> BTreeMap<String, Value> {
    let bare = Endpoint {
        id: endpoint.id.clone(),
        provider: endpoint.provider.clone(),
        title: endpoint.title.clone(),
        kind: endpoint.kind,
        role: endpoint.role,
        sharedness: endpoint.sharedness,
        confidence: endpoint.confidence,
        verified: endpoint.verified,
        state: endpoint.state,
        names: Vec::new(),
        prefixes: Vec::new(),
        learned: Vec::new(),
        ports: endpoint.ports.clone(),
        expires_at: endpoint.expires_at,
        price_ref: endpoint.price_ref.clone(),
        sources: endpoint.sources.clone(),
        layers: endpoint.layers.clone(),
        shared: endpoint.shared.clone(),
    };
    match serde_json::to_value(bare) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sharedness, State, seed};

    fn learned(address: &str, state: State) -> Learned {
        Learned {
            address: address.parse().unwrap(),
            name: "api.anthropic.com".into(),
            state,
            sharedness: Sharedness::Cdn,
            since: "2026-11-24T00:00:00Z".parse().unwrap(),
        }
    }

    /// The seed, with a change of `anthropic/api`.
    fn with(change: impl Fn(&mut Endpoint)) -> Snapshot {
        let mut endpoints = seed();
        let found = endpoints.iter_mut().find(|endpoint| endpoint.id == "anthropic/api");
        found.into_iter().for_each(change);
        Snapshot::build(endpoints)
    }

    #[test]
    fn each_difference_is_told() {
        let before = with(|endpoint| {
            endpoint.learned.push(learned("160.79.104.1", State::Active));
            endpoint.learned.push(learned("160.79.104.2", State::Active));
        });
        let after = with(|endpoint| {
            endpoint.prefixes.pop();
            endpoint.prefixes.push("192.0.2.0/24".parse().unwrap());
            endpoint.names.push("new.example.com".parse().unwrap());
            endpoint.confidence = 50;
            endpoint.price_ref = Some("x".into());
            endpoint.learned.push(learned("160.79.104.1", State::Draining));
            endpoint.learned.push(learned("160.79.104.3", State::Active));
        });
        let changes = between(&before, &after);
        let [change] = &changes[..] else { panic!("{changes:#?}") };
        assert_eq!((change.id.as_str(), change.kind), ("anthropic/api", ChangeKind::Changed));
        let added: Vec<String> = change.added.texts().collect();
        assert_eq!(added, ["new.example.com", "192.0.2.0/24", "160.79.104.3 (api.anthropic.com)"]);
        let removed: Vec<String> = change.removed.texts().collect();
        assert_eq!(removed, ["2607:6bc0::/48", "160.79.104.2 (api.anthropic.com)"]);
        let fields: Vec<_> = change.fields.iter().map(|f| (&*f.field, &*f.from, &*f.to)).collect();
        assert_eq!(
            fields,
            [
                (
                    "learned 160.79.104.1 (api.anthropic.com)",
                    "active, dedicated",
                    "draining, dedicated"
                ),
                ("confidence", "98", "50"),
                ("priceRef", "-", "x"),
            ]
        );
        // The other way round, what came went.
        let back = between(&after, &before);
        assert_eq!((&back[0].added, &back[0].removed), (&change.removed, &change.added));
        assert!(between(&after, &after).is_empty());
    }

    #[test]
    fn endpoints_come_and_go() {
        let all = Snapshot::build(seed());
        let some = seed().into_iter().filter(|e| e.provider != "tor" && e.provider != "airvpn");
        let some = Snapshot::build(some.collect());
        for (from, to, kind) in
            [(&some, &all, ChangeKind::Added), (&all, &some, ChangeKind::Removed)]
        {
            let changes = between(from, to);
            assert!(changes.iter().all(|change| change.kind == kind && change.fields.is_empty()));
            let ids: Vec<&str> = changes.iter().map(|change| change.id.as_str()).collect();
            assert_eq!(ids, ["airvpn/control", "airvpn/relays", "tor/exits", "tor/guards"]);
            let (came, went) = (&changes[0].added, &changes[0].removed);
            assert_eq!(came.is_empty(), kind == ChangeKind::Removed);
            assert_eq!(went.is_empty(), kind == ChangeKind::Added);
        }
        // It agrees with the manifests.
        let (before, after) = (some.manifest(), all.manifest());
        let ids: Vec<String> = between(&some, &all).into_iter().map(|change| change.id).collect();
        assert_eq!(before.difference(&after).added, ids);
    }

    #[test]
    fn a_question_has_a_history() {
        let (before, after) = (
            with(|_| {}),
            with(|endpoint| {
                endpoint.prefixes = vec!["160.79.104.0/24".parse().unwrap()];
                endpoint.learned.push(learned("192.0.2.7", State::Active));
            }),
        );
        let of = |query: &str| {
            let question = after.answer(query).unwrap().question;
            let (old, new) = (before.by_id("anthropic/api"), after.by_id("anthropic/api"));
            came_and_went(&question, old, new)
        };
        let told = |came: &[&str], went: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
            (owned(came), owned(went))
        };
        assert_eq!(of("160.79.104.9"), told(&["160.79.104.0/24"], &["160.79.104.0/23"]));
        assert_eq!(of("160.79.105.0/24"), told(&[], &["160.79.104.0/23"]));
        assert_eq!(of("192.0.2.7"), told(&["192.0.2.7 (api.anthropic.com)"], &[]));
        assert_eq!(of("api.anthropic.com"), told(&[], &[]));
        let question = after.answer("api.anthropic.com").unwrap().question;
        let gone = came_and_went(&question, before.by_id("anthropic/api"), None);
        assert_eq!(gone, told(&[], &["api.anthropic.com"]));
    }
}
