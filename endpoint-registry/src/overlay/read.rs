//! Text → overlays.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use jiff::Timestamp;
use sark_core::document::{Diagnostic, Spanned, listed, nearest, parse_all};

use super::{
    Extension, NeverTouch, Overlay,
    form::{self, Form, Provider, Service, Source},
};
use crate::{
    Endpoint, Kind, Provenance, Role, Sharedness, State, endpoint::check_slug, feed::Subject,
};

/// Confidence of what does not say.
pub(crate) const UNSURE: u8 = 50;

/// All overlays of a file, in its order; or every mistake in it.
pub fn parse(file: &str, text: &str) -> Result<Vec<Overlay>, Vec<Diagnostic>> {
    read(file, text, |_, _| {})
}

/// The overlays of a user's entries: like [`parse`], but each document needs an owner and an end
/// (`metadata: { owner: …, expires: … }`), and a name, a slug, that no other has.
pub fn parse_entries(file: &str, text: &str) -> Result<Vec<Overlay>, Vec<Diagnostic>> {
    let mut names = BTreeSet::new();
    read(file, text, |reader, metadata| {
        let name = &metadata.name;
        if let Err(error) = check_slug(name) {
            reader.mistake(name, error.to_string());
        }
        if reader.whole && (metadata.owner.is_none() || metadata.expires.is_none()) {
            let at = reader.at(name, "an entry needs an owner and an end");
            let help = "write `metadata: { name: …, owner: netsec, expires: 2027-01-01 }`";
            reader.mistakes.push(at.with_help(help));
        }
        if !names.insert(name.value.clone()) {
            reader.mistake(name, format!("the entry {:?} is there twice", name.value));
        }
    })
}

fn read(
    file: &str,
    text: &str,
    mut check: impl FnMut(&mut Reader<'_>, &form::Metadata),
) -> Result<Vec<Overlay>, Vec<Diagnostic>> {
    let parsed = parse_all::<Form>(file, text);
    let mut reader = Reader { file, text, whole: true, mistakes: parsed.mistakes };
    let mut overlays = Vec::new();
    for read in parsed.documents {
        reader.whole = read.whole;
        check(&mut reader, &read.document.value.metadata);
        overlays.push(reader.overlay(read.document.value));
    }
    if reader.mistakes.is_empty() {
        return Ok(overlays);
    }
    reader.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    Err(reader.mistakes)
}

/// What is common to a file.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// Nothing was left out of the document: what is missing is missing in the file.
    whole: bool,
    mistakes: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn at<T>(&self, place: &Spanned<T>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.file, self.text, place.line, place.column, message)
    }

    fn mistake<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        let diagnostic = self.at(place, message);
        self.mistakes.push(diagnostic);
    }

    fn overlay(&mut self, form: Form) -> Overlay {
        for source in form.sources.values() {
            if source.document.trim().is_empty() {
                self.mistake(&source.document, "a source needs its document or feed");
            } else if source.last_seen.0 < source.first_seen.0 {
                self.mistake(&source.document, "lastSeen is before firstSeen");
            }
        }
        if let Some(owner) = form.metadata.owner.as_ref().filter(|owner| owner.trim().is_empty()) {
            self.mistake(owner, "the owner is empty");
        }
        let mut overlay = Overlay {
            name: form.metadata.name.value,
            version: form.metadata.version,
            endpoints: Vec::new(),
            extensions: Vec::new(),
            never_touch: Vec::new(),
            owner: form.metadata.owner.map(|owner| owner.value),
            expires_at: form.metadata.expires.map(|moment| moment.0),
        };
        for never in form.never_touch {
            let owner = overlay.owner.clone();
            overlay.never_touch.extend(self.never_touch(never, owner, overlay.expires_at));
        }
        let mut ids = BTreeSet::new();
        for provider in form.providers {
            self.provider(provider, &form.sources, &mut ids, &mut overlay.endpoints);
        }
        for extension in form.extensions {
            overlay.extensions.push(self.extension(extension, &form.sources));
        }
        overlay
    }

    fn provider(
        &mut self,
        provider: Provider,
        sources: &BTreeMap<String, Source>,
        ids: &mut BTreeSet<String>,
        endpoints: &mut Vec<Endpoint>,
    ) {
        let Provider { provider, title, defaults, services } = provider;
        if let Err(error) = check_slug(&provider) {
            self.mistake(&provider, error.to_string());
        }
        let default_sources = self.sources(defaults.sources.as_deref(), sources);
        for service in services {
            let place = service.service.clone();
            if let Err(error) = check_slug(&place) {
                self.mistake(&place, error.to_string());
            }
            let id = format!("{}/{}", provider.value, place.value);
            if !ids.insert(id.clone()) {
                self.mistake(&place, format!("{id} is there twice"));
            }
            let named = service.sources.as_ref().or(defaults.sources.as_ref());
            if self.whole && named.is_none_or(Vec::is_empty) {
                self.mistake(&place, format!("{id} has no source: name one under sources"));
            }
            let stated = self.sources(service.sources.as_deref(), sources);
            let found = stated.or_else(|| default_sources.clone()).unwrap_or_default();
            let Some(kind) = service.kind.or(defaults.kind) else {
                if self.whole {
                    let kinds = listed(Kind::ALL.iter().map(|kind| kind.as_str()));
                    let diagnostic = self.at(&place, format!("{id} has no kind"));
                    self.mistakes.push(diagnostic.with_help(format!("one of {kinds}")));
                }
                continue;
            };
            endpoints.push(endpoint(id, &provider, &title, kind, &defaults, service, found));
        }
    }

    fn extension(
        &mut self,
        extension: form::Extension,
        sources: &BTreeMap<String, Source>,
    ) -> Extension {
        let place = self.at(&extension.extends, "");
        if self.whole && extension.sources.is_empty() {
            self.mistake(&extension.extends, "an extension needs a source: name one under sources");
        }
        let found = self.sources(Some(&extension.sources), sources).unwrap_or_default();
        Extension {
            extends: extension.extends.value,
            names: extension.names,
            prefixes: nets(extension.prefixes),
            ports: extension.ports,
            sources: found,
            sharedness: extension.sharedness,
            confidence: extension.confidence.map(|percent| percent.0),
            verified: extension.verified,
            state: extension.state,
            expires_at: extension.expires_at.map(|moment| moment.0),
            place,
        }
    }

    fn never_touch(
        &mut self,
        never: form::NeverTouch,
        owner: Option<String>,
        expires_at: Option<Timestamp>,
    ) -> Option<NeverTouch> {
        let subject = match (never.prefix, never.name) {
            (Some(prefix), None) => Some(Subject::Prefix(prefix.0)),
            (None, Some(name)) => Some(Subject::Name(name)),
            _ if !self.whole => None,
            _ => {
                self.mistake(&never.reason, "say one of `prefix` and `name`");
                None
            }
        };
        if never.reason.trim().is_empty() {
            self.mistake(&never.reason, "say the reason: somebody will ask");
        }
        let owner = never.owner.or(owner).filter(|owner| !owner.trim().is_empty());
        if owner.is_none() && self.whole {
            self.mistake(&never.reason, "it needs an `owner`, here or in the metadata");
        }
        let ends = never.expires.map(|moment| moment.0).into_iter().chain(expires_at).min();
        Some(NeverTouch {
            subject: subject?,
            reason: never.reason.value,
            owner: owner?,
            expires_at: ends,
        })
    }

    /// The sources behind their short names; `None` if none are stated.
    fn sources(
        &mut self,
        names: Option<&[Spanned<String>]>,
        sources: &BTreeMap<String, Source>,
    ) -> Option<Vec<Provenance>> {
        let names = names?;
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let Some(source) = sources.get(&name.value) else {
                let known = sources.keys().map(String::as_str);
                let help = match nearest(name, known.clone()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "write it under `sources` at the top of the document".to_owned(),
                };
                let diagnostic = self.at(name, format!("there is no source {:?}", name.value));
                self.mistakes.push(diagnostic.with_help(help));
                continue;
            };
            found.push(Provenance {
                source: source.document.value.clone(),
                first_seen: source.first_seen.0,
                last_seen: source.last_seen.0,
            });
        }
        Some(found)
    }
}

fn endpoint(
    id: String,
    provider: &str,
    title: &str,
    kind: Kind,
    defaults: &form::Defaults,
    service: Service,
    sources: Vec<Provenance>,
) -> Endpoint {
    let confidence = service.confidence.or(defaults.confidence);
    let mut endpoint = Endpoint {
        id,
        provider: provider.to_owned(),
        title: service.title.unwrap_or_else(|| title.to_owned()),
        kind,
        role: service.role.or(defaults.role).unwrap_or_else(|| role_of(kind)),
        sharedness: service.sharedness.or(defaults.sharedness).unwrap_or(Sharedness::Cdn),
        confidence: confidence.map_or(UNSURE, |percent| percent.0),
        verified: service.verified.or(defaults.verified).unwrap_or(false),
        state: service.state.or(defaults.state).unwrap_or(State::Active),
        names: service.names,
        prefixes: nets(service.prefixes),
        ports: service.ports.or_else(|| defaults.ports.clone()).unwrap_or_default(),
        expires_at: service.expires_at.map(|moment| moment.0),
        price_ref: service.price_ref,
        learned: Vec::new(),
        sources,
        layers: Vec::new(),
        shared: Vec::new(),
    };
    endpoint.normalize();
    endpoint
}

/// The role of what does not say.
pub(crate) fn role_of(kind: Kind) -> Role {
    match kind {
        Kind::Tunnel | Kind::Vpn | Kind::Tor | Kind::Proxy => Role::Relay,
        Kind::Api | Kind::Chat | Kind::Asset | Kind::Telemetry | Kind::Doh => Role::Ingress,
    }
}

fn nets(prefixes: Vec<form::Prefix>) -> Vec<IpNet> {
    prefixes.into_iter().map(|prefix| prefix.0).collect()
}
