//! Files that a command writes: replaced whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file to be. Until [`finish`](Self::finish) what is at its place stays; dropped before, nothing
/// of it is left.
#[derive(Debug)]
pub enum Replacement {
    /// Written beside the place, and moved there in the end.
    Beside(NamedTempFile, PathBuf),
    /// The place is a device or a pipe: there is nothing to replace.
    Into(File),
}

impl Replacement {
    /// For this place. A link is followed: what it leads to is replaced, and not the link.
    pub fn of(path: &Path) -> io::Result<Self> {
        let there = fs::metadata(path);
        if let Ok(there) = &there {
            if there.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            if !there.is_file() {
                return Ok(Self::Into(fs::OpenOptions::new().write(true).open(path)?));
            }
        }
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let directory = match place.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::metadata(directory)?;
        // As any new file, less what the umask takes away; else as the file before.
        let new = fs::Permissions::from_mode(0o666);
        let file =
            tempfile::Builder::new().prefix(".sarkctl-").permissions(new).tempfile_in(directory)?;
        if let Ok(there) = there {
            file.as_file().set_permissions(there.permissions())?;
        }
        Ok(Self::Beside(file, place))
    }

    /// Now it is there.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Beside(file, place) => {
                file.as_file().sync_all()?;
                file.persist(place).map_err(|error| error.error)?;
                Ok(())
            }
            Self::Into(mut file) => file.flush(),
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Beside(file, _) => file.write(octets),
            Self::Into(file) => file.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Beside(file, _) => file.flush(),
            Self::Into(file) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_not_finished_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        fs::write(&path, "old").unwrap();
        let mut file = Replacement::of(&path).unwrap();
        file.write_all(b"half of the n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        drop(file);
        assert_eq!(names(directory.path()), ["list"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn a_link_and_permissions_stay() {
        let directory = tempfile::tempdir().unwrap();
        let [path, link] = ["list", "link"].map(|name| directory.path().join(name));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("list", &link).unwrap();
        let mut file = Replacement::of(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(directory.path()), ["link", "list"]);
    }

    #[test]
    fn devices_and_directories_are_not_replaced() {
        let mut file = Replacement::of(Path::new("/dev/null")).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let directory = tempfile::tempdir().unwrap();
        Replacement::of(directory.path()).unwrap_err();
        Replacement::of(&directory.path().join("no/such")).unwrap_err();
    }
}
