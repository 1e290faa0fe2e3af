//! One `sark-enforcer` per state directory: applies are one after another.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Held while it lives; the kernel takes it back when the process dies, however it dies.
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
}

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another sark-enforcer{holder} uses {}: stop it first", directory.display())]
    Taken {
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

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { directory: directory.to_owned(), source };
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
                Err(LockError::Taken { directory: directory.to_owned(), holder })
            }
            Err((_, errno)) => Err(failed(errno.into())),
        }
    }
}
