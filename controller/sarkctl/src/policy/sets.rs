//! Decision sets that a person names: a directory, or an OPA bundle.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sark_core::document::Diagnostic;
use sark_core::secret::Secret;
use sark_decider::directory;
use sark_policy::decision::{
    Bundle, BundleKey, BundleLimits, DecisionSet, Input, Limits, Line, SETTINGS, SetFile,
};
use serde_json::Value;

use crate::exit::Failure;
use crate::input;
use crate::offline::Mistakes;

/// Octets of one JSON text with inputs.
const LONGEST_INPUT: u64 = 64 << 20;

/// Which set.
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    /// A decision set: a directory, or an OPA bundle (tar.gz)
    #[arg(value_name = "DIR|BUNDLE")]
    set: PathBuf,
    #[command(flatten)]
    bundle: BundleArgs,
}

/// How bundles are read.
#[derive(Debug, Default, clap::Args)]
pub struct BundleArgs {
    /// A bundle must be signed with this key: a file with a public key in PEM, or with a secret
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The key's id: a bundle that names another is refused
    #[arg(long, value_name = "ID", requires = "key")]
    key_id: Option<String>,
    /// The scope that the signature must have
    #[arg(long, value_name = "NAME", requires = "key")]
    scope: Option<String>,
    /// What stands in for a set.yaml that is not there, as in bundles made for OPA
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// The files of a set, and where they are from.
pub struct Files {
    /// As it was named.
    pub path: PathBuf,
    pub files: Vec<SetFile>,
    /// Of a bundle: its revision.
    pub revision: Option<String>,
    /// Of a bundle that was checked: which key.
    pub signed_by: Option<String>,
}

impl SetArgs {
    /// Reads the files.
    pub fn read(&self) -> Result<Files, Failure> {
        self.bundle.read(&self.set)
    }
}

impl BundleArgs {
    /// Reads the files of a set.
    pub fn read(&self, path: &Path) -> Result<Files, Failure> {
        let mut files = if path.is_dir() {
            if self.key.is_some() {
                return Err(Failure::usage(format!("{} is a directory", path.display()))
                    .next("only bundles are signed: name the tar.gz, or leave out --key"));
            }
            let found = directory::read(path).map_err(Failure::usage)?;
            let path = path.to_owned();
            Files { path, files: found, revision: None, signed_by: None }
        } else {
            self.open(path)?
        };
        if let Some(settings) = &self.settings
            && files.files.iter().all(|file| file.path != SETTINGS)
        {
            let octets = input::text(settings)?.text.into_bytes();
            files.files.push(SetFile { path: SETTINGS.to_owned(), octets });
        }
        Ok(files)
    }

    fn open(&self, path: &Path) -> Result<Files, Failure> {
        let limits = BundleLimits::default();
        let octets = input::octets(path, limits.packed as u64)?;
        let key = self.key.as_deref().map(|file| self.key(file)).transpose()?;
        let opened = Bundle::open(&octets, key.as_slice(), &limits);
        let bundle =
            opened.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        Ok(Files {
            path: path.to_owned(),
            files: bundle.files,
            revision: Some(bundle.revision).filter(|revision| !revision.is_empty()),
            signed_by: bundle.signed_by,
        })
    }

    fn key(&self, file: &Path) -> Result<BundleKey, Failure> {
        let text = input::text(file)?.text;
        let key = BundleKey::parse(Secret::new(text.trim().to_owned()))
            .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        let key = match &self.key_id {
            Some(id) => key.with_id(id),
            None => key,
        };
        Ok(match &self.scope {
            Some(scope) => key.with_scope(scope),
            None => key,
        })
    }
}

/// Whether a path is a decision set: a bundle, or a directory with settings.
pub fn is_set(path: &Path) -> bool {
    if path.is_dir() {
        return path.join(SETTINGS).is_file();
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

/// The decision sets directly in a directory.
pub fn sets_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut sets: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|p| is_set(p)).collect();
    sets.sort();
    sets
}

impl Files {
    /// Checked and compiled.
    pub fn load(&self) -> Result<Arc<DecisionSet>, Mistakes> {
        let loaded = DecisionSet::load(&self.files, None, &Limits::default());
        loaded.map(Arc::new).map_err(|mistakes| self.mistakes(mistakes))
    }

    /// With the names of files as they were given, and the lines.
    pub fn mistakes(&self, mistakes: Vec<Diagnostic>) -> Mistakes {
        Mistakes(mistakes.into_iter().map(|mistake| self.named(mistake)).collect())
    }

    fn named(&self, mistake: Diagnostic) -> Diagnostic {
        let file = self.files.iter().find(|file| file.path == mistake.file);
        let text = file.and_then(|file| std::str::from_utf8(&file.octets).ok()).unwrap_or_default();
        let name = match mistake.file.as_str() {
            "the set" => self.path.display().to_string(),
            name => self.name_of(name),
        };
        let Diagnostic { line, column, message, help, .. } = mistake;
        let named = Diagnostic::at(&name, text, line, column, message);
        match help {
            Some(help) => named.with_help(help),
            None => named,
        }
    }

    /// A file of the set, as one would name it.
    pub fn name_of(&self, file: &str) -> String {
        match self.path.is_dir() {
            true => self.path.join(file).display().to_string(),
            false => format!("{}:{file}", self.path.display()),
        }
    }
}

/// What is decided on: a JSON object, or several one after another.
pub fn inputs(path: &Path, line: Option<Line>) -> Result<Vec<Input>, Failure> {
    let file = input::long(path, LONGEST_INPUT)?;
    let wrong =
        |place: usize, why: String| Failure::usage(format!("{}: input {place} {why}", file.name));
    let mut inputs = Vec::new();
    for value in serde_json::Deserializer::from_str(&file.text).into_iter::<Value>() {
        let place = inputs.len() + 1;
        let value = value.map_err(|error| wrong(place, format!("is no JSON: {error}")))?;
        inputs.push(input_of(&value, line).map_err(|(why, next)| wrong(place, why).next(next))?);
    }
    if inputs.is_empty() {
        return Err(Failure::usage(format!("{} has no input", file.name))
            .next("give a JSON object, such as {\"id\": \"1\", \"operation\": \"chat\"}"));
    }
    Ok(inputs)
}

/// Recognised by what only one type has, unless the line is named.
fn input_of(value: &Value, line: Option<Line>) -> Result<Input, (String, String)> {
    let has = |key: &str| value.get(key).is_some();
    let guessed = if has("operation") {
        Some(Line::Llm)
    } else if has("connector") {
        Some(Line::Edr)
    } else if has("sensor") {
        Some(Line::Sensor)
    } else {
        has("kind").then_some(Line::Tunnel)
    };
    let read_as = line.or(guessed).ok_or_else(|| {
        let why = "is neither a request, an activity, a tunnel nor a report".to_owned();
        (why, "name what it is by --line".to_owned())
    })?;
    let schema = format!("see policies/decision/schemas/{read_as}.schema.json");
    let input = Input::from_json(read_as, &value.to_string())
        .map_err(|error| (format!("is no {read_as} input: {error}"), schema))?;
    match line {
        Some(line) if input.line() != line => Err((
            format!("is of the line {} and not {line}", input.line()),
            "a request is of the line mcp if it has a `call`, else of llm".to_owned(),
        )),
        _ => Ok(input),
    }
}

/// A line on the command line.
pub fn line(text: &str) -> Result<Line, String> {
    let known = Line::ALL.into_iter().find(|line| line.as_str() == text);
    known.ok_or_else(|| format!("there are: {}", Line::ALL.map(Line::as_str).join(", ")))
}
