//! The files of a set, and how much of them is read.

use sark_core::document::Diagnostic;
use serde_json::{Map, Value};

/// A file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetFile {
    /// Path below the set's directory, with `/`, such as `llm/models.rego`.
    pub path: String,
    /// What is in it.
    pub octets: Vec<u8>,
}

/// How much is read of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files.
    pub files: usize,
    /// Octets of one Rego file.
    pub rego: usize,
    /// Octets of all files.
    pub all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 2_000, rego: 256 << 10, all: 16 << 20 }
    }
}

/// A Rego file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Module<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
}

impl Module<'_> {
    /// Whether it only tests others.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("_test.rego")
    }
}

/// Files by what they are.
#[derive(Debug, Default)]
pub(super) struct Sorted<'a> {
    /// In order of their paths.
    pub(super) modules: Vec<Module<'a>>,
    /// The data document.
    pub(super) data: Map<String, Value>,
    /// `set.yaml`.
    pub(super) settings: Option<&'a str>,
}

/// The name of the file with the settings.
pub const SETTINGS: &str = "set.yaml";

/// Sorts files by what they are; what is neither policy, data nor settings is passed over, as OPA
/// does.
pub(super) fn sort<'a>(
    files: &'a [SetFile],
    limits: &Limits,
) -> Result<Sorted<'a>, Vec<Diagnostic>> {
    let all: usize = files.iter().map(|file| file.octets.len()).sum();
    if files.len() > limits.files || all > limits.all {
        let message = format!(
            "{} files with {all} octets are more than {} files or {} octets",
            files.len(),
            limits.files,
            limits.all
        );
        return Err(vec![Diagnostic::of_file("the set", message).with_help(
            "a decision is made in microseconds: keep lists in the registry or in groups",
        )]);
    }
    let mut files: Vec<&SetFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let (mut sorted, mut mistakes) = (Sorted::default(), Vec::new());
    for file in files {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let is_rego = name.ends_with(".rego");
        if name == "data.yml" {
            let mistake = Diagnostic::of_file(&file.path, "would not be read");
            mistakes.push(mistake.with_help("call it data.yaml"));
        }
        if !is_rego && !["data.json", "data.yaml", SETTINGS].contains(&name) {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&file.octets) else {
            mistakes.push(Diagnostic::of_file(&file.path, "is not UTF-8"));
            continue;
        };
        if is_rego && text.len() > limits.rego {
            let message = format!("{} octets are more than {}", text.len(), limits.rego);
            let help = "split the policy; lists belong into data.json";
            mistakes.push(Diagnostic::of_file(&file.path, message).with_help(help));
        } else if is_rego {
            sorted.modules.push(Module { path: &file.path, text });
        } else if name == SETTINGS {
            if folder.is_empty() {
                sorted.settings = Some(text);
            }
        } else {
            let read = data(&file.path, name, text)
                .and_then(|value| place(&mut sorted.data, &file.path, folder, value));
            mistakes.extend(read.err());
        }
    }
    if sorted.data.contains_key("sark") {
        let message = "data has a member `sark`, which is the packages'";
        mistakes.push(Diagnostic::of_file("data", message).with_help("give it another name"));
    }
    if mistakes.is_empty() { Ok(sorted) } else { Err(mistakes) }
}

fn data(path: &str, name: &str, text: &str) -> Result<Value, Diagnostic> {
    if name == "data.json" {
        return serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            Diagnostic::at(path, text, place(line), place(column.max(1)), message)
        });
    }
    let documents = sark_core::document::parse::<Value>(path, text)?;
    let mut documents = documents.into_iter();
    match (documents.next(), documents.next()) {
        (Some(document), None) => Ok(document.value),
        (None, _) => Ok(Value::Object(Map::new())),
        (_, Some(second)) => {
            Err(Diagnostic::at(path, text, second.line, 1, "a second document in a data file"))
        }
    }
}

/// Puts a value where its folder says, beside what is there.
fn place(
    data: &mut Map<String, Value>,
    path: &str,
    folder: &str,
    value: Value,
) -> Result<(), Diagnostic> {
    let mut value = value;
    for part in folder.split('/').rev().filter(|part| !part.is_empty()) {
        value = Value::Object([(part.to_owned(), value)].into_iter().collect());
    }
    let Value::Object(value) = value else {
        let message = "is no object at the top";
        return Err(Diagnostic::of_file(path, message).with_help("give it a name: `name: [...]`"));
    };
    merge(data, value).map_err(|key| {
        Diagnostic::of_file(path, format!("`{key}` is given by another data file too"))
    })
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) -> Result<(), String> {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (None, value) => {
                into.insert(key, value);
            }
            (Some(Value::Object(there)), Value::Object(value)) => {
                merge(there, value).map_err(|inner| format!("{key}.{inner}"))?;
            }
            (Some(_), _) => return Err(key),
        }
    }
    Ok(())
}
