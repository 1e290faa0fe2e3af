//! The files beside the socket: pid, log, lock.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::DaemonError;

/// A log above this is set aside at the next start.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
/// Octets of the log that an error shows.
const LAST_WORDS: i64 = 500;

#[derive(Debug)]
pub(super) struct Files {
    socket: PathBuf,
    /// Held as long as we live; the daemon does not inherit it.
    _lock: File,
}

impl Files {
    /// Makes the directory if it is missing, checks that it is ours alone, and takes the lock.
    pub(super) fn prepare(socket: &Path) -> Result<Self, DaemonError> {
        let directory = socket.parent().unwrap_or(Path::new("/"));
        if !directory.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(file(directory))?;
        }
        let metadata = fs::metadata(directory).map_err(file(directory))?;
        let own = metadata.uid() == nix::unistd::geteuid().as_raw();
        if !own || metadata.mode() & 0o022 != 0 {
            return Err(DaemonError::OpenDirectory(directory.to_owned()));
        }
        let path = socket.with_extension("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(file(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { socket: socket.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DaemonError::Locked(path)),
            Err(TryLockError::Error(source)) => Err(DaemonError::File { path, source }),
        }
    }

    /// The process that listens at the socket, as the kernel knows it.
    pub(super) async fn listener(&self) -> Result<Option<i32>, DaemonError> {
        match UnixStream::connect(&self.socket).await.and_then(|stream| stream.peer_cred()) {
            Ok(credentials) => Ok(credentials.pid()),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(source) => Err(DaemonError::File { path: self.socket.clone(), source }),
        }
    }

    /// gobgpd leaves its socket behind and does not start over an old one.
    pub(super) fn clear_socket(&self) -> Result<(), DaemonError> {
        match fs::remove_file(&self.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(&self.socket)(error)),
            _ => Ok(()),
        }
    }

    /// gobgpd makes it with whatever umask we have.
    pub(super) fn close_socket_to_others(&self) -> Result<(), DaemonError> {
        fs::set_permissions(&self.socket, Permissions::from_mode(0o600)).map_err(file(&self.socket))
    }

    /// Written beside and renamed, so that it is whole or not there.
    pub(super) fn write_pid(&self, pid: i32) -> Result<(), DaemonError> {
        let path = self.socket.with_extension("pid");
        let new = self.socket.with_extension("pid.new");
        fs::write(&new, format!("{pid}\n")).map_err(file(&new))?;
        fs::rename(&new, &path).map_err(file(&path))
    }

    pub(super) fn read_pid(&self) -> Option<i32> {
        fs::read_to_string(self.socket.with_extension("pid")).ok()?.trim().parse().ok()
    }

    /// The daemon is gone.
    pub(super) fn forget(&self) {
        // Left behind they do no harm: both are checked before they are believed.
        let _ = fs::remove_file(self.socket.with_extension("pid"));
        let _ = fs::remove_file(&self.socket);
    }

    /// For the daemon's output.
    pub(super) fn log(&self) -> Result<File, DaemonError> {
        let path = self.socket.with_extension("log");
        if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_LIMIT) {
            let old = self.socket.with_extension("log.1");
            fs::rename(&path, &old).map_err(file(&old))?;
        }
        let log = File::options().create(true).append(true).open(&path).map_err(file(&path))?;
        log.set_permissions(Permissions::from_mode(0o600)).map_err(file(&path))?;
        Ok(log)
    }

    /// The end of the log, for an error message.
    pub(super) fn last_words(&self) -> String {
        let read = || -> io::Result<String> {
            let mut log = File::open(self.socket.with_extension("log"))?;
            let length = i64::try_from(log.metadata()?.len()).unwrap_or(i64::MAX);
            log.seek(SeekFrom::End(-length.min(LAST_WORDS)))?;
            let mut octets = Vec::new();
            log.read_to_end(&mut octets)?;
            Ok(String::from_utf8_lossy(&octets).into_owned())
        };
        match read() {
            Ok(text) if !text.trim().is_empty() => {
                text.trim().lines().last().unwrap_or_default().to_owned()
            }
            _ => "it said nothing".to_owned(),
        }
    }
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> DaemonError {
    let path = path.to_owned();
    move |source| DaemonError::File { path, source }
}
