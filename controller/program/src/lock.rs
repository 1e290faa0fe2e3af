//! One process per state directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Held while it lives; the kernel takes it back when the process dies, however it dies.
#[derive(Debug)]
pub struct StateLock {
    _file: Flock<File>,
}

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "the state directory {} is in use by another {program}{holder}; stop it, or set another state.directory",
        directory.display()
    )]
    Taken {
        /// What it is.
        program: &'static str,
        /// The directory.
        directory: PathBuf,
        /// ` (process 123)`, or nothing.
        holder: String,
    },
    /// Anything else.
    #[error("cannot use the state directory {}", directory.display())]
    Io {
        /// The directory.
        directory: PathBuf,
        /// Cause.
        source: io::Error,
    },
}

impl StateLock {
    /// Makes the directory if missing, for its owner and group only, and takes it.
    pub fn take(directory: &Path, program: &'static str) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { directory: directory.to_owned(), source };
        // What a network inspects is not for every user's eyes.
        DirBuilder::new().recursive(true).mode(0o750).create(directory).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join("lock"))
            .map_err(failed)?;
        let mut holder = String::new();
        // Only for the message: an unreadable holder is no reason to stop.
        let _ = file.read_to_string(&mut holder);
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                file.set_len(0).map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                // On a full disk the lock holds without the name of its holder.
                let _ = write!(file, "{}", std::process::id());
                Ok(Self { _file: file })
            }
            Err((_, Errno::EWOULDBLOCK)) => {
                let pid = holder.trim().parse::<u32>().ok();
                let holder = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
                Err(LockError::Taken { program, directory: directory.to_owned(), holder })
            }
            Err((_, errno)) => Err(failed(errno.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let held = StateLock::take(directory.path(), "sarkd").unwrap();
        let error = StateLock::take(directory.path(), "sarkd").unwrap_err();
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(held);
        StateLock::take(directory.path(), "sarkd").unwrap();
    }
}
