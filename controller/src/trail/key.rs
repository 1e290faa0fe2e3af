//! The key that signs checkpoints: made at the first start, or where the configuration says.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sark_audit::{KeyError, SigningKey};
use sark_core::secret::Secret;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum TrailKeyError {
    /// Its file.
    #[error("the key of audit checkpoints, {path}: cannot {what}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Cause.
        source: std::io::Error,
    },
    /// Its text.
    #[error("the key of audit checkpoints cannot be used")]
    Key(#[from] KeyError),
    /// Where the configuration says.
    #[error("the key of audit checkpoints cannot be read: {0}")]
    Secret(String),
    /// The key signs for another trail.
    #[error("the key of audit checkpoints is of {found}, and audit.checkpoints.origin is {wanted}")]
    Origin {
        /// Its name.
        found: String,
        /// As configured.
        wanted: String,
    },
}

/// The key in this file, for this trail; made, with mode 0600, if there is none. Its public half is
/// beside it, in `FILE.pub`, for whoever verifies.
pub fn signing_key(path: &Path, origin: &str) -> Result<SigningKey, TrailKeyError> {
    let failed = |what| move |source| TrailKeyError::Io { path: path.to_owned(), what, source };
    match fs::read_to_string(path) {
        Ok(text) => return of_text(&Secret::new(text), origin),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("read it")(error)),
    }
    let mut seed = [0; 32];
    let random = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
    random.map_err(failed("make it"))?;
    let key = SigningKey::from_seed(origin, &seed)?;
    let write = |path: &Path, mode: u32, text: &str| {
        let file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path);
        file.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
    };
    // A crash between the two leaves no half of a key: the file has its name when it is whole.
    let half = path.with_extension("key.new");
    let _ = fs::remove_file(&half);
    write(&half, 0o600, &format!("{}\n", key.text().reveal())).map_err(failed("write it"))?;
    fs::rename(&half, path).map_err(failed("write it"))?;
    let public = path.with_extension("key.pub");
    let _ = fs::remove_file(&public);
    write(&public, 0o644, &format!("{}\n", key.public()))
        .map_err(failed("write its public half"))?;
    tracing::info!(key = %key.public(), "made a key for audit checkpoints");
    Ok(key)
}

/// A key that was read elsewhere.
pub fn of_text(text: &Secret, origin: &str) -> Result<SigningKey, TrailKeyError> {
    let key = SigningKey::parse(text)?;
    let found = key.public().name();
    if found != origin {
        let (found, wanted) = (found.to_owned(), origin.to_owned());
        return Err(TrailKeyError::Origin { found, wanted });
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_nobody_else_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.key");
        let made = signing_key(&path, "sark/audit").unwrap();
        let read = signing_key(&path, "sark/audit").unwrap();
        assert_eq!(made.public(), read.public());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let public = fs::read_to_string(directory.path().join("audit.key.pub")).unwrap();
        assert_eq!(public.trim(), made.public().to_string());
        let other = signing_key(&path, "other/audit").unwrap_err();
        assert!(matches!(other, TrailKeyError::Origin { .. }), "{other:?}");
        fs::write(&path, "PRIVATE+KEY+x").unwrap();
        let error = signing_key(&path, "sark/audit").unwrap_err();
        assert!(matches!(error, TrailKeyError::Key(_)) && !format!("{error:?}").contains("x+"));
    }
}
