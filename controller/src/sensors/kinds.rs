//! What each kind of sensor may report: JSON Schemas that ship, and the operator's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jsonschema::{PatternOptions, Validator};
use sark_core::identity::is_name;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Those that ship.
const SHIPPED: [(&str, &str); 2] =
    [("generic", include_str!("generic.json")), ("rfc1149", include_str!("rfc1149.json"))];
/// No schema is longer.
const LONGEST: u64 = 256 << 10;
/// What `recent` counts, in a schema.
const COUNTED: &str = "x-sark-recent";
/// Events that say how something is, in a schema.
const STATES: &str = "x-sark-states";
/// Mistakes that are told of one report.
const TOLD: usize = 5;

/// A kind.
#[derive(Debug)]
pub struct Kind {
    /// Its title.
    pub title: String,
    /// Its schema.
    pub schema: Value,
    /// What `recent` counts.
    pub counted: Counted,
    states: Vec<String>,
    validator: Validator,
}

/// Which earlier reports of an event and site a report is counted with: `x-sark-recent` of the schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// All of them.
    #[default]
    All,
    /// Those on which the decision was an alert, or more.
    Alerts,
}

/// All kinds, by name.
#[derive(Debug)]
pub struct Kinds(BTreeMap<String, Kind>);

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    /// The directory or a file.
    #[error("cannot read {path}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Its name.
    #[error("{0} does not name a kind: small letters, digits, `-`, `_` and `.`, then .json")]
    Name(PathBuf),
    /// It is no JSON, or no schema.
    #[error("{name} is no JSON Schema: {why}")]
    Schema {
        /// The file.
        name: String,
        /// Why.
        why: String,
    },
}

impl Kinds {
    /// Those that ship, and those in this directory.
    pub fn load(directory: Option<&Path>) -> Result<Self, KindError> {
        let mut kinds = BTreeMap::new();
        for (name, text) in SHIPPED {
            kinds.insert(name.to_owned(), kind(name, text)?);
        }
        let Some(directory) = directory else { return Ok(Self(kinds)) };
        let failed = |source| KindError::Read { path: directory.to_owned(), source };
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let Some(name) = stem.filter(|name| is_name(name)) else {
                return Err(KindError::Name(path));
            };
            let text =
                read(&path).map_err(|source| KindError::Read { path: path.clone(), source })?;
            kinds.insert(name.to_owned(), kind(&path.display().to_string(), &text)?);
        }
        Ok(Self(kinds))
    }

    /// One.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    /// All, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Kind)> {
        self.0.iter().map(|(name, kind)| (name.as_str(), kind))
    }
}

impl Kind {
    /// Whether this event says how something is, and not what happened: `x-sark-states` of the schema.
    #[must_use]
    pub fn is_state(&self, event: &str) -> bool {
        self.states.iter().any(|state| state == event)
    }

    /// What is wrong with a report; nothing if nothing is.
    #[must_use]
    pub fn mistakes(&self, report: &Value) -> Vec<String> {
        let mistakes = self.validator.iter_errors(report);
        let told = mistakes.take(TOLD).map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the report".to_owned() } else { place };
            let text: String = error.to_string().chars().take(300).collect();
            format!("{place}: {text}")
        });
        told.collect()
    }
}

fn kind(name: &str, text: &str) -> Result<Kind, KindError> {
    let wrong = |why: String| KindError::Schema { name: name.to_owned(), why };
    let schema: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    // Patterns take no longer than what they look at is long; nothing is fetched.
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    let validator = options.build(&schema).map_err(|error| wrong(error.to_string()))?;
    let title = schema.get("title").and_then(Value::as_str).unwrap_or(name).to_owned();
    let counted = word(&schema, COUNTED).map_err(&wrong)?;
    let states = word(&schema, STATES).map_err(&wrong)?;
    Ok(Kind { title, schema, counted, states, validator })
}

/// What a schema says to SARK and to no validator.
fn word<T: DeserializeOwned + Default>(schema: &Value, name: &str) -> Result<T, String> {
    let Some(value) = schema.get(name) else { return Ok(T::default()) };
    T::deserialize(value).map_err(|error| format!("{name}: {error}"))
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn carriers_are_told_and_nothing_else() {
        let kinds = Kinds::load(None).unwrap();
        let rfc1149 = kinds.get("rfc1149").unwrap();
        let good = json!({
            "id": "r-1", "event": "carrier", "site": "roof",
            "facts": { "payload": true, "payload_bytes": 204_800, "medium": "microsd" },
        });
        assert_eq!(rfc1149.mistakes(&good), [""; 0]);
        for (wrong, place) in [
            (json!({ "id": "r-1" }), "the report"),
            (json!({ "id": "r-1", "event": "mouse" }), "/event"),
            (json!({ "id": "r 1", "event": "carrier" }), "/id"),
            (json!({ "id": "r-1", "event": "escape" }), "the report"),
            (json!({ "id": "r-1", "event": "coverage", "facts": { "agents": 3 } }), "/facts"),
            (json!({ "id": "r-1", "event": "carrier", "facts": { "prompt": "x" } }), "/facts"),
            (json!({ "id": "r-1", "event": "carrier", "confidence": 2 }), "/confidence"),
            (json!([]), "the report"),
        ] {
            let mistakes = rfc1149.mistakes(&wrong);
            assert!(mistakes.iter().any(|m| m.starts_with(place)), "{wrong}: {mistakes:?}");
        }
    }

    #[test]
    fn kinds_of_ones_own_are_checked_at_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        std::fs::write(file("door.json"), r#"{ "title": "Doors", "type": "object" }"#).unwrap();
        std::fs::write(file("notes.txt"), "no").unwrap();
        let kinds = Kinds::load(Some(directory.path())).unwrap();
        assert_eq!(kinds.get("door").unwrap().title, "Doors");
        assert_eq!(kinds.get("door").unwrap().counted, Counted::All);
        let own = r#"{ "x-sark-recent": "alerts", "x-sark-states": ["open"] }"#;
        std::fs::write(file("gate.json"), own).unwrap();
        let other = Kinds::load(Some(directory.path())).unwrap();
        let gate = other.get("gate").unwrap();
        assert_eq!(gate.counted, Counted::Alerts);
        assert!(gate.is_state("open") && !gate.is_state("shut"));
        std::fs::remove_file(file("gate.json")).unwrap();
        assert_eq!(kinds.all().count(), 3);
        for wrong in [
            "{",
            r#"{ "type": "objekt" }"#,
            r#"{ "$ref": "https://127.0.0.1:1/x" }"#,
            r#"{ "x-sark-recent": "some" }"#,
            r#"{ "x-sark-states": "open" }"#,
        ] {
            std::fs::write(file("door.json"), wrong).unwrap();
            Kinds::load(Some(directory.path())).unwrap_err();
        }
        std::fs::remove_file(file("door.json")).unwrap();
        std::fs::write(file("A Door.json"), "{}").unwrap();
        Kinds::load(Some(directory.path())).unwrap_err();
        Kinds::load(Some(&file("nowhere"))).unwrap_err();
    }
}
