//! The files of a set in a directory.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sark_policy::decision::{Limits, SETTINGS, SetFile};

/// Directories below one another.
const DEEPEST: usize = 16;

/// Why a directory is not read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or a directory cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Perhaps a link that leads upwards.
    #[error("{0} is too deep in the set; put policies nearer to set.yaml, without links upwards")]
    Deep(PathBuf),
    /// Not what its author thinks.
    #[error("{0} would not be read; call it data.yaml")]
    Name(PathBuf),
    /// Not a set, probably.
    #[error("{path} has more than {most} files; name the directory that has set.yaml")]
    Many {
        /// The directory.
        path: PathBuf,
        /// The limit.
        most: usize,
    },
    /// Longer than a whole set may be.
    #[error("{path} has more than {most} octets")]
    Long {
        /// The file.
        path: PathBuf,
        /// The limit.
        most: usize,
    },
}

/// Policies, data and settings in a directory and below it, in order of their paths. What begins with
/// a dot is passed over, and what is none of the three.
pub fn read(directory: &Path) -> Result<Vec<SetFile>, DirectoryError> {
    let mut files = Vec::new();
    below(directory, "", 0, &mut files)?;
    Ok(files)
}

fn below(
    path: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<SetFile>,
) -> Result<(), DirectoryError> {
    let limits = Limits::default();
    let unreadable = |source| DirectoryError::Unreadable { path: path.to_owned(), source };
    if depth > DEEPEST {
        return Err(DirectoryError::Deep(path.to_owned()));
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name());
    }
    names.sort();
    for name in names {
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let (path, inner) = (path.join(name), format!("{prefix}{name}"));
        if path.is_dir() {
            below(&path, &format!("{inner}/"), depth + 1, files)?;
        } else if name == "data.yml" {
            return Err(DirectoryError::Name(path));
        } else if name.ends_with(".rego")
            || matches!(name, "data.json" | "data.yaml")
            || inner == SETTINGS
        {
            files.push(SetFile { path: inner, octets: octets(&path, limits.all)? });
        }
        if files.len() > limits.files {
            return Err(DirectoryError::Many { path, most: limits.files });
        }
    }
    Ok(())
}

fn octets(path: &Path, most: usize) -> Result<Vec<u8>, DirectoryError> {
    let unreadable = |source| DirectoryError::Unreadable { path: path.to_owned(), source };
    let mut octets = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(most as u64 + 1).read_to_end(&mut octets).map_err(unreadable)?;
    if octets.len() > most {
        return Err(DirectoryError::Long { path: path.to_owned(), most });
    }
    Ok(octets)
}
