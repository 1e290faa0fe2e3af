//! A set of policies: everything read, checked and compiled, or every mistake found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sark_core::ContentHash;
use sark_core::decision::{DEFAULT, ENGINE};
use sark_core::document::Diagnostic;
use serde_json::{Map, Value};

use super::files::{Limits, Module, SETTINGS, SetFile, Sorted, sort};
use super::input::Line;
use super::outline::Outline;
use super::reads::reads;
use super::settings::{self, Settings};
use super::{lint, rego};

/// A loaded set. It never changes.
#[derive(Debug)]
pub struct DecisionSet {
    version: ContentHash,
    settings: Settings,
    policies: Vec<PolicyRef>,
    groups: BTreeMap<String, Vec<String>>,
    /// JSON.
    data: String,
    program: Vec<u8>,
}

/// A policy of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRef {
    /// Its id: the last part of the package, with `-` for `_`.
    pub id: String,
    /// What it is asked of.
    pub line: Line,
    /// The file of its first rule.
    pub file: String,
    /// Which entry point of the program.
    pub(super) entry: usize,
    /// What of the input its answer depends on; absent if it may be anything.
    pub(super) reads: Option<Vec<Vec<String>>>,
}

impl DecisionSet {
    /// Reads and checks all files. `fallback` holds for a set without `set.yaml`, such as a bundle made
    /// for OPA.
    pub fn load(
        files: &[SetFile],
        fallback: Option<Settings>,
        limits: &Limits,
    ) -> Result<Self, Vec<Diagnostic>> {
        let sorted = sort(files, limits)?;
        let settings =
            match (sorted.settings, fallback) {
                (Some(text), _) => settings::read(text).map_err(|mistake| vec![mistake])?,
                (None, Some(settings)) => settings,
                (None, None) => {
                    return Err(vec![Diagnostic::of_file(SETTINGS, "is missing").with_help(
                        "it says what happens if no rule matches: see docs/decisions.md",
                    )]);
                }
            };
        let groups = groups(&sorted.data).map_err(|mistake| vec![mistake])?;
        let version = version(&sorted, files);
        let compiled = rego::deep(|| compile(&sorted));
        let (policies, program) = compiled.unwrap_or_else(|| {
            Err(vec![Diagnostic::of_file("the set", "the policy engine gave up on it")])
        })?;
        let data = Value::Object(sorted.data).to_string();
        Ok(Self { version, settings, policies, groups, data, program })
    }

    /// Hash of all that decides: policies, data, settings. Tests do not count.
    #[must_use]
    pub fn version(&self) -> &ContentHash {
        &self.version
    }

    /// What it says of itself.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its policies, by line and id.
    #[must_use]
    pub fn policies(&self) -> &[PolicyRef] {
        &self.policies
    }

    pub(super) fn policies_of(&self, line: Line) -> impl Iterator<Item = &PolicyRef> {
        self.policies.iter().filter(move |policy| policy.line == line)
    }

    pub(super) fn groups_of(&self, user: &str) -> &[String] {
        self.groups.get(user).map_or(&[], Vec::as_slice)
    }

    pub(super) fn data(&self) -> &str {
        &self.data
    }

    pub(super) fn program(&self) -> &[u8] {
        &self.program
    }
}

/// User → groups, of `data.groups`: `{"GROUP": ["user", …]}`.
fn groups(data: &Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, Diagnostic> {
    let Some(groups) = data.get("groups") else { return Ok(BTreeMap::new()) };
    let groups: BTreeMap<String, BTreeSet<String>> = serde_json::from_value(groups.clone())
        .map_err(|error| {
            Diagnostic::of_file("data", format!("`groups` cannot be read: {error}"))
                .with_help("groups: { ml-team: [ada, grace] }")
        })?;
    let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (group, users) in groups {
        for user in users {
            of.entry(user).or_default().push(group.clone());
        }
    }
    Ok(of)
}

fn version(sorted: &Sorted<'_>, files: &[SetFile]) -> ContentHash {
    let mut text = String::from("sark/v1 DecisionSet\n");
    let mut files: Vec<&SetFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for file in files {
        let is_module = sorted.modules.iter().any(|m| m.path == file.path && !m.is_test());
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if is_module || name == "data.json" || name == "data.yaml" || file.path == SETTINGS {
            let _ = writeln!(text, "{:?} {}", file.path, ContentHash::of(&file.octets).as_str());
        }
    }
    ContentHash::of(text.as_bytes())
}

fn compile(sorted: &Sorted<'_>) -> Result<(Vec<PolicyRef>, Vec<u8>), Vec<Diagnostic>> {
    let modules: Vec<Module<'_>> =
        sorted.modules.iter().copied().filter(|module| !module.is_test()).collect();
    let (mut outlines, mut mistakes) = (Vec::new(), Vec::new());
    for module in &sorted.modules {
        match rego::read(*module) {
            Ok(outline) => {
                mistakes.extend(lint::calls(&outline, module.text));
                if !module.is_test() {
                    outlines.push(outline);
                }
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let mut policies = policies(&outlines, &mut mistakes);
    mistakes.extend(lint::recursion(&outlines));
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    policies.sort_by(|a, b| (a.line, &a.id).cmp(&(b.line, &b.id)));
    let mut entries = Vec::new();
    for policy in &mut policies {
        policy.entry = entries.len();
        let name = policy.id.replace('-', "_");
        entries.push(format!("data.sark.{}.{name}.decisions", policy.line));
    }
    let program = rego::compile(&modules, &sorted.data, &entries);
    program.map(|program| (policies, program))
}

/// Packages directly beneath a line that have `decisions`.
fn policies(outlines: &[Outline], mistakes: &mut Vec<Diagnostic>) -> Vec<PolicyRef> {
    let mut policies: Vec<PolicyRef> = Vec::new();
    for outline in outlines {
        let [root, line, rest @ ..] = outline.package.as_slice() else { continue };
        if root != "sark" || line == "lib" {
            continue;
        }
        let at = |message: String| Diagnostic::at(&outline.file, "", outline.line, 1, message);
        let named = Line::ALL.into_iter().find(|known| known.as_str() == line);
        let (Some(line), [name]) = (named, rest) else {
            let lines = Line::ALL.map(Line::as_str).join("|");
            let message = format!("package `{}` is no policy", outline.package.join("."));
            mistakes.push(at(message).with_help(format!(
                "a policy is `package sark.({lines}).NAME`; shared rules are in `package sark.lib.NAME`"
            )));
            continue;
        };
        for rule in outline.rules.iter().filter(|rule| rule.name == "decisions" && !rule.is_set) {
            let message = "`decisions` is a set".to_owned();
            mistakes.push(
                Diagnostic::at(&outline.file, "", rule.line, rule.column, message)
                    .with_help("write `decisions contains { … } if { … }`"),
            );
        }
        let id = name.replace('_', "-");
        if [DEFAULT, ENGINE].contains(&id.as_str()) {
            let message = format!("`{id}` is what decisions are of that no policy makes");
            mistakes.push(at(message).with_help("give the policy another name"));
        }
        let has = |outline: &Outline| outline.rules.iter().any(|rule| rule.name == "decisions");
        let same = outlines.iter().filter(|other| other.package == outline.package);
        if !same.clone().any(has) {
            mistakes.push(at(format!("policy `{id}` has no rule `decisions`")));
        } else if policies.iter().all(|known| (known.line, &known.id) != (line, &id)) {
            let reads = reads(outlines, &outline.package);
            policies.push(PolicyRef { id, line, file: outline.file.clone(), entry: 0, reads });
        }
    }
    policies
}
