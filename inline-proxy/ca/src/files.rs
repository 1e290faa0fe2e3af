//! Files that are there whole or not at all, and keys that nobody else can read.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::pem::LARGEST;

/// What went wrong with a file. What is in it is not told.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system's word for it.
    #[error("cannot {what} {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Cause.
        source: io::Error,
    },
    /// A key that is no secret any more.
    #[error(
        "{path} has mode {mode:04o}: others can read the key; `chmod 600 {path}`, if nobody has"
    )]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Others could put their own files there.
    #[error("{path} has mode {mode:04o}: others can write to the directory")]
    OpenDirectory {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// More than anybody's certificates.
    #[error("{0} has more than 1 MiB")]
    Large(PathBuf),
    /// A device, a directory.
    #[error("{0} is no regular file")]
    NoFile(PathBuf),
    /// Two at a time would undo each other's work.
    #[error("another program is changing {0}")]
    Busy(PathBuf),
}

fn failed<'a>(path: &'a Path, what: &'static str) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError::Io { path: path.to_owned(), what, source }
}

/// What is in a file, if there is one.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    read_if(path, false)
}

/// What is in a file that nobody but its owner can read, if there is one.
pub(crate) fn read_private(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    read_if(path, true)
}

fn read_if(path: &Path, private: bool) -> Result<Option<Vec<u8>>, FileError> {
    // O_NONBLOCK: opening a pipe would wait for somebody who writes into it.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "read")(error)),
    };
    // Of what is open, and not of what has the name by now.
    let metadata = file.metadata().map_err(failed(path, "read"))?;
    if !metadata.is_file() {
        return Err(FileError::NoFile(path.to_owned()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if private && mode & 0o077 != 0 {
        return Err(FileError::Open { path: path.to_owned(), mode });
    }
    let mut octets = Vec::new();
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    file.take(most + 1).read_to_end(&mut octets).map_err(failed(path, "read"))?;
    if octets.len() > LARGEST {
        return Err(FileError::Large(path.to_owned()));
    }
    Ok(Some(octets))
}

/// This file, whole: written beside its place, with its mode from the first octet, and moved there.
pub(crate) fn write(path: &Path, mode: u32, octets: &[u8]) -> Result<(), FileError> {
    let half = half(path);
    remove(&half)?;
    step(path)?;
    let file = OpenOptions::new().create_new(true).write(true).mode(mode).open(&half);
    let mut file = file.map_err(failed(&half, "make"))?;
    let written = file.write_all(octets).and_then(|()| file.sync_all());
    written.map_err(failed(&half, "write"))?;
    rename(&half, path)
}

/// What a file is called before it is whole.
pub(crate) fn half(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// The other name, in one step; still so after the power failed.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    step(to)?;
    fs::rename(from, to).map_err(failed(to, "write"))?;
    sync_directory(to)
}

/// Away, if it was there.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    step(path)?;
    match fs::remove_file(path) {
        Ok(()) => sync_directory(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(path, "remove")(error)),
    }
}

fn sync_directory(path: &Path) -> Result<(), FileError> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(failed(directory, "write"))
}

/// A directory that is ours.
pub(crate) struct Lock(File);

/// Said, and not left to the last who has the file: a process that another thread is just starting has it
/// too, until it runs its program.
impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked when it is closed.
        let _ = self.0.unlock();
    }
}

/// The directory, made if it is missing, and ours until the lock is dropped.
pub(crate) fn lock(directory: &Path) -> Result<Lock, FileError> {
    let made = DirBuilder::new().recursive(true).mode(0o755).create(directory);
    made.map_err(failed(directory, "make"))?;
    let metadata = fs::metadata(directory).map_err(failed(directory, "read"))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(FileError::OpenDirectory { path: directory.to_owned(), mode });
    }
    let path = directory.join(".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(failed(&path, "make"))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(FileError::Busy(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(&path, "lock")(source)),
    }
}

/// Where a program may stop for ever: tests have it stop.
fn step(_path: &Path) -> Result<(), FileError> {
    #[cfg(test)]
    fault::step().map_err(failed(_path, "write"))?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod fault {
    //! Stops that come after so many steps, in this thread.

    use std::cell::Cell;
    use std::io;

    thread_local!(static LEFT: Cell<u32> = const { Cell::new(u32::MAX) });

    /// Runs it, and stops it after so many steps.
    pub(crate) fn after<T>(steps: u32, run: impl FnOnce() -> T) -> T {
        LEFT.set(steps);
        let done = run();
        LEFT.set(u32::MAX);
        done
    }

    pub(super) fn step() -> io::Result<()> {
        match LEFT.get().checked_sub(1) {
            Some(left) => LEFT.set(left),
            None => return Err(io::Error::other("stopped")),
        }
        Ok(())
    }
}
