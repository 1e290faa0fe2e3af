//! Files → one policy set, or every mistake in them.

use std::collections::BTreeMap;

use sark_core::document::{Diagnostic, MAX_MISTAKES, Spanned, parse_all};
use sark_core::storage::PolicyFile;
use serde::Deserialize;

use super::check::Checker;
use super::document::FlowSpecPolicy;
use super::forms::{KINDS_OF_DOCUMENT, KindOfDocument};
use super::written::Form;
use super::{Place, Policy, PolicySet, version};

/// Reads policy files. Every mistake found is returned, not only the first; of one file about a
/// hundred at most.
///
/// A file may hold several documents; no file at all is the empty set. A file without a document is
/// a mistake, so that a file cut short does not take its policies away.
pub fn parse_set(files: &[PolicyFile]) -> Result<PolicySet, Vec<Diagnostic>> {
    let mut mistakes = Vec::new();
    let mut policies: Vec<Policy> = Vec::new();
    let mut names: BTreeMap<String, Place> = BTreeMap::new();
    for file in files {
        let before = mistakes.len();
        for named in parse_file(file, &mut mistakes) {
            let Named { name, place, column, policy } = named;
            if let Some(first) = names.get(&name) {
                let message = format!("policy `{name}` exists already");
                mistakes.push(
                    Diagnostic::at(&file.name, &file.text, place.line, column, message)
                        .with_help(format!("the first is at {}:{}", first.file, first.line)),
                );
                continue;
            }
            names.insert(name, place);
            policies.extend(policy);
        }
        mistakes[before..].sort_by_key(|mistake| (mistake.line, mistake.column));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    policies.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(PolicySet { version: version::of_set(&policies), policies })
}

/// A document whose name could be read.
struct Named {
    name: String,
    place: Place,
    column: u32,
    /// Absent if the document has mistakes.
    policy: Option<Policy>,
}

fn parse_file(file: &PolicyFile, mistakes: &mut Vec<Diagnostic>) -> Vec<Named> {
    let before = mistakes.len();
    let foreign = Foreign::find(file);
    mistakes.extend(foreign.mistakes(file));
    let parsed = parse_all::<FlowSpecPolicy>(&file.name, &file.text);
    if parsed.documents.is_empty() && parsed.mistakes.is_empty() {
        mistakes.push(Diagnostic::of_file(&file.name, "no document in this file").with_help(
            "a policy begins with `apiVersion: sark/v1`; remove a file that is not needed",
        ));
    }
    mistakes.extend(parsed.mistakes.into_iter().filter(|mistake| !foreign.covers(mistake.line)));
    let mut named = Vec::new();
    for read in parsed.documents {
        if foreign.covers(read.document.line) {
            continue;
        }
        if mistakes.len() >= before + MAX_MISTAKES {
            break;
        }
        let line = read.document.line;
        let mut checker = Checker::new(file, line);
        let metadata = read.document.value.metadata.0.as_ref();
        let name = metadata
            .and_then(|metadata| metadata.name.0.as_ref())
            .map(|name| (name.value.0.clone(), name.line, name.column));
        // Fields that could not be read may be what another one needs.
        let policy = if read.whole { checker.policy(read.document.value) } else { None };
        mistakes.append(&mut checker.mistakes);
        if let Some((name, line, column)) = name {
            let place = Place { file: file.name.clone(), line };
            named.push(Named { name, place, column, policy });
        }
    }
    named
}

/// Documents that are something else than a policy: one mistake each instead of one per key.
struct Foreign {
    /// First line of each document of the file, and its kind if that is not ours.
    documents: Vec<(u32, Option<Spanned<String>>)>,
}

#[derive(Deserialize)]
struct Header {
    kind: Option<Spanned<String>>,
}

impl Foreign {
    fn find(file: &PolicyFile) -> Self {
        let documents = parse_all::<Header>(&file.name, &file.text).documents;
        let foreign = |kind: &Spanned<String>| {
            // A near miss is a slip: the rest is checked as a policy.
            let slip = sark_core::document::nearest(&kind.value, KINDS_OF_DOCUMENT.iter().copied());
            slip.is_none()
        };
        let documents = documents
            .into_iter()
            .map(|read| (read.document.line, read.document.value.kind.filter(foreign)))
            .collect();
        Self { documents }
    }

    fn covers(&self, line: u32) -> bool {
        let document = self.documents.iter().rev().find(|(first, _)| *first <= line);
        document.is_some_and(|(_, kind)| kind.is_some())
    }

    fn mistakes(&self, file: &PolicyFile) -> Vec<Diagnostic> {
        let kinds = self.documents.iter().filter_map(|(_, kind)| kind.as_ref());
        kinds
            .take(MAX_MISTAKES)
            .filter_map(|kind| KindOfDocument::read(&kind.value).err().map(|wrong| (kind, wrong)))
            .map(|(kind, wrong)| {
                let help = match kind.value.as_str() {
                    "EndpointOverlay" => {
                        Some("an overlay of the registry is given by `--registry`".to_owned())
                    }
                    _ => wrong.help,
                };
                Diagnostic::at(&file.name, &file.text, kind.line, kind.column, wrong.message)
                    .with_help(help.unwrap_or_default())
            })
            .collect()
    }
}
