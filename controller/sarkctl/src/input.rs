//! Files that a person names on the command line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sark_core::storage::PolicyFile;

use crate::exit::Failure;

/// No file that people write is longer; the parsers refuse more anyway.
const LONGEST: u64 = 1 << 20;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It does not exist, or may not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Not UTF-8.
    #[error("{path} is not UTF-8 text: octet {at} is wrong")]
    NotText {
        /// As given.
        path: PathBuf,
        /// Offset of the first wrong octet.
        at: usize,
    },
    /// Too long.
    #[error("{path} is longer than {} MiB", .most >> 20)]
    TooLong {
        /// As given.
        path: PathBuf,
        /// Octets.
        most: u64,
    },
    /// A directory without documents.
    #[error("no policies in {path}: it holds no *.yaml or *.yml file")]
    NoPolicies {
        /// As given.
        path: PathBuf,
    },
    /// `-` twice.
    #[error("standard input is named twice")]
    StdinTwice,
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        let next = match &error {
            InputError::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path; `-` reads standard input"
            }
            InputError::Unreadable { .. } => "check the permissions of the file",
            InputError::NotText { .. } => "save it as UTF-8",
            InputError::TooLong { .. } => "split it into several files",
            InputError::NoPolicies { .. } => {
                "name a file, or a directory that holds policies; directories below it are not read"
            }
            InputError::StdinTwice => "name `-` once",
        };
        Self::usage(error).next(next)
    }
}

/// The text of one file; `-` is standard input.
pub fn text(path: &Path) -> Result<PolicyFile, InputError> {
    long(path, LONGEST)
}

/// As [`text`], of a file that programs write.
pub fn long(path: &Path, most: u64) -> Result<PolicyFile, InputError> {
    let octets = octets(path, most)?;
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "<stdin>".to_owned() } else { path.display().to_string() };
    let text = String::from_utf8(octets).map_err(|error| InputError::NotText {
        path: path.to_owned(),
        at: error.utf8_error().valid_up_to(),
    })?;
    Ok(PolicyFile { name, text })
}

/// What is in one file, at most so much; `-` is standard input.
pub fn octets(path: &Path, most: u64) -> Result<Vec<u8>, InputError> {
    let unreadable = |source| InputError::Unreadable { path: path.to_owned(), source };
    let mut octets = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(most + 1).read_to_end(&mut octets).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(most + 1).read_to_end(&mut octets).map_err(unreadable)?;
    }
    if octets.len() as u64 > most {
        return Err(InputError::TooLong { path: path.to_owned(), most });
    }
    Ok(octets)
}

/// Files as they are; of a directory its `*.yaml` and `*.yml`, by name, not those below.
pub fn policies(paths: &[PathBuf]) -> Result<Vec<PolicyFile>, InputError> {
    let mut files = Vec::new();
    let mut stdin = false;
    for path in paths {
        if path == Path::new("-") && std::mem::replace(&mut stdin, true) {
            return Err(InputError::StdinTwice);
        }
        if path.is_dir() {
            for file in documents(path)? {
                files.push(text(&file)?);
            }
        } else {
            files.push(text(path)?);
        }
    }
    Ok(files)
}

fn documents(directory: &Path) -> Result<Vec<PathBuf>, InputError> {
    let unreadable = |source| InputError::Unreadable { path: directory.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let yaml = path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
        if yaml && !hidden && path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(InputError::NoPolicies { path: directory.to_owned() });
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{InputError, policies};

    #[test]
    fn a_directory_gives_its_yaml_files_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yaml", "flowspec.schema.json", ".hidden.yaml", "notes.txt"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        std::fs::create_dir(dir.path().join("below.yaml")).unwrap();
        let files = policies(&[dir.path().to_owned()]).unwrap();
        let texts: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["a.yaml", "b.yml"]);
    }

    #[test]
    fn an_empty_directory_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = policies(&[dir.path().to_owned()]).unwrap_err();
        assert!(matches!(error, InputError::NoPolicies { .. }), "{error}");
    }

    #[test]
    fn endless_and_binary_files_are_refused() {
        let error = policies(&["/dev/zero".into()]).unwrap_err();
        assert!(matches!(error, InputError::TooLong { .. }), "{error}");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.yaml");
        std::fs::write(&file, b"ab\xff").unwrap();
        let error = policies(&[file]).unwrap_err();
        assert!(matches!(error, InputError::NotText { at: 2, .. }), "{error}");
    }
}
