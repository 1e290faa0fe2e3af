//! `set.yaml`: what happens when no rule matches, and when none can be asked.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use sark_core::decision::Action;
use sark_core::document::{Diagnostic, parse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::SETTINGS;
use super::input::Line;

/// What a set says of itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Zone of `input.time`.
    pub zone: TimeZone,
    /// What happens if no rule of a line matches.
    pub defaults: BTreeMap<Line, Fallback>,
    /// What happens on a line if a policy cannot be asked: an error, a limit.
    pub on_error: BTreeMap<Line, Fallback>,
}

impl Settings {
    pub(super) fn default_of(&self, line: Line) -> Action {
        self.defaults.get(&line).copied().map_or(Action::Deny, Action::from)
    }

    pub(super) fn on_error_of(&self, line: Line) -> Action {
        self.on_error.get(&line).copied().map_or(Action::Deny, Action::from)
    }
}

/// What may happen without a rule: nothing that needs an obligation or touches a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Fallback {
    Allow,
    Audit,
    Alert,
    Deny,
    Block,
}

impl From<Fallback> for Action {
    fn from(fallback: Fallback) -> Self {
        match fallback {
            Fallback::Allow => Self::Allow,
            Fallback::Audit => Self::Audit,
            Fallback::Alert => Self::Alert,
            Fallback::Deny => Self::Deny,
            Fallback::Block => Self::Block,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: Kind,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize, JsonSchema)]
enum ApiVersion {
    #[serde(rename = "sark/v1")]
    V1,
}

#[derive(Deserialize, JsonSchema)]
enum Kind {
    DecisionSet,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    #[serde(default)]
    owner: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    zone: Option<String>,
    defaults: Lines<DefaultOf>,
    on_error: Lines<Fallback>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DefaultOf {
    action: Fallback,
}

/// Each line is named: nothing is decided that nobody wrote.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lines<T> {
    llm: T,
    mcp: T,
    edr: T,
    tunnel: T,
    sensor: T,
}

impl<T> Lines<T> {
    fn map(self, to: impl Fn(T) -> Fallback) -> BTreeMap<Line, Fallback> {
        let Self { llm, mcp, edr, tunnel, sensor } = self;
        Line::ALL.into_iter().zip([llm, mcp, edr, tunnel, sensor].map(to)).collect()
    }
}

pub(super) fn read(text: &str) -> Result<Settings, Diagnostic> {
    let documents = parse::<Document>(SETTINGS, text)?;
    let mut documents = documents.into_iter();
    let Some(document) = documents.next() else {
        return Err(Diagnostic::of_file(SETTINGS, "no document in this file"));
    };
    if let Some(second) = documents.next() {
        return Err(Diagnostic::at(SETTINGS, text, second.line, 1, "a second document"));
    }
    let Document { metadata, spec, .. } = document.value;
    let zone = match &spec.zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            Diagnostic::of_file(SETTINGS, format!("there is no time zone `{name}`"))
                .with_help("such as `Europe/Paris` or `UTC`")
        })?,
    };
    Ok(Settings {
        name: metadata.name,
        owner: metadata.owner,
        zone,
        defaults: spec.defaults.map(|default| default.action),
        on_error: spec.on_error.map(|action| action),
    })
}
