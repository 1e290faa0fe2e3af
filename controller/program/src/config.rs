//! A configuration file of one document.

use std::path::{Path, PathBuf};

use sark_core::document::{self, Diagnostic};
use serde::de::DeserializeOwned;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// It is wrong: every mistake, each with its place.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Content(Vec<Diagnostic>),
}

/// A configuration that knows what is wrong with it.
pub trait Checked: DeserializeOwned {
    /// The least that has to be written, for who wrote nothing.
    const LEAST: &'static str;

    /// What no type says, a sentence each.
    fn mistakes(&self) -> Vec<String>;
}

/// Reads, parses and checks a file.
pub fn load<T: Checked>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    read(&path.display().to_string(), &text).map_err(ConfigError::Content)
}

/// Parses and checks a text; `file` is for messages.
pub fn read<T: Checked>(file: &str, text: &str) -> Result<T, Vec<Diagnostic>> {
    let config: T = document::only(file, text, T::LEAST)?;
    let mistakes = config.mistakes();
    if mistakes.is_empty() {
        return Ok(config);
    }
    Err(mistakes.into_iter().map(|mistake| Diagnostic::of_file(file, mistake)).collect())
}
