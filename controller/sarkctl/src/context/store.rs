//! The file of contexts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sark_core::document::nearest;
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::exit::Failure;

/// No such file is longer.
const LONGEST: u64 = 1 << 20;

/// All contexts, as read.
#[derive(Debug, Default)]
pub struct Contexts {
    file: File,
    path: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default)]
    contexts: BTreeMap<String, Entry>,
}

/// `$XDG_CONFIG_HOME/sark`, or `~/.config/sark`.
fn directory() -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    Some(config?.join("sark"))
}

impl Contexts {
    /// Reads them; none if there is no file.
    pub fn read() -> Result<Self, Failure> {
        let Some(directory) = directory() else { return Ok(Self::default()) };
        let path = directory.join("contexts.yaml");
        let text = match read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path, ..Self::default() });
            }
            Err(error) => {
                return Err(Failure::usage(format!("cannot read {}: {error}", path.display()))
                    .next("check its permissions, or remove it"));
            }
        };
        let name = path.display().to_string();
        let mut documents = sark_core::document::parse::<File>(&name, &text)
            .map_err(|mistake| Failure::from(crate::offline::Mistakes(vec![mistake])))?;
        let file = documents.pop().map(|document| document.value).unwrap_or_default();
        Ok(Self { file, path })
    }

    /// By name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.file.contexts.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The name of the one that is used: the one that is asked for, else the current one.
    pub fn chosen<'a>(&'a self, asked: Option<&'a str>) -> Option<&'a str> {
        asked.or(self.file.current.as_deref())
    }

    /// One.
    pub fn get(&self, name: &str) -> Result<&Entry, Failure> {
        self.file.contexts.get(name).ok_or_else(|| {
            let next = match nearest(name, self.file.contexts.keys().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => "sarkctl context list shows them".to_owned(),
            };
            Failure::usage(format!("there is no context {name:?}")).next(next)
        })
    }

    /// Uses this one from now on.
    pub fn select(&mut self, name: &str) {
        self.file.current = Some(name.to_owned());
    }

    /// Adds or replaces one; the first is used from now on.
    pub fn put(&mut self, name: &str, entry: Entry) {
        self.file.contexts.insert(name.to_owned(), entry);
        self.file.current.get_or_insert_with(|| name.to_owned());
    }

    /// Takes one away.
    pub fn take(&mut self, name: &str) -> Option<Entry> {
        if self.file.current.as_deref() == Some(name) {
            self.file.current = None;
        }
        self.file.contexts.remove(name)
    }

    /// Where the token of a context is stored.
    pub fn token_path(&self, name: &str) -> PathBuf {
        self.path.with_file_name("tokens").join(name)
    }

    /// Writes the file, whole or not at all, for its owner's eyes.
    pub fn write(&self) -> Result<(), Failure> {
        let text = serde_saphyr::to_string(&self.file).map_err(Failure::failed)?;
        private(&self.path, &text)
    }
}

/// Writes a file of mode 0600 in a directory of mode 0700, whole or not at all.
pub fn private(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut file = tempfile::Builder::new()
            .prefix(".sarkctl-")
            .permissions(std::fs::Permissions::from_mode(0o600))
            .tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::io::Result::Ok(())
    };
    write().map_err(|error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
            .next("set HOME or XDG_CONFIG_HOME to a directory that you may write to")
    })
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path)?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}
