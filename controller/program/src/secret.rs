//! Secrets, read where their references say.

use sark_core::secret::{Secret, SecretRef};

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The environment variable.
    #[error("there is no such environment variable")]
    Environment,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Refused by the check already.
    #[error("it is not a reference")]
    Reference,
}

/// The first line of a file, or an environment variable.
pub fn read(reference: &SecretRef) -> Result<Secret, SecretError> {
    let whole = whole(reference)?;
    let line = whole.reveal().lines().next().unwrap_or_default();
    if line.is_empty() { Err(SecretError::Empty) } else { Ok(Secret::new(line.to_owned())) }
}

/// All of a file, or an environment variable.
pub fn whole(reference: &SecretRef) -> Result<Secret, SecretError> {
    let text = match reference {
        SecretRef::File(path) => std::fs::read_to_string(path)?,
        SecretRef::Env(name) => std::env::var(name).map_err(|_| SecretError::Environment)?,
        SecretRef::Invalid => return Err(SecretError::Reference),
    };
    if text.is_empty() { Err(SecretError::Empty) } else { Ok(Secret::new(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_first_line_of_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        let reference = SecretRef::File(path.clone());
        assert!(matches!(read(&reference), Err(SecretError::File(_))));
        std::fs::write(&path, "\nrest").unwrap();
        assert!(matches!(read(&reference), Err(SecretError::Empty)));
        std::fs::write(&path, "s3cret\n").unwrap();
        assert_eq!(read(&reference).unwrap().reveal(), "s3cret");
    }
}
