//! The spool's name, made once, and the number of its last record, written when it is closed.
//!
//! Without a clean end the number is an older one, which is no harm: numbers only grow.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sark_core::audit::Digest;

use super::{SpoolError, failed};

const FILE: &str = "id";

/// Name and last number; made if there is none.
pub(super) fn read(directory: &Path) -> Result<(String, u64), SpoolError> {
    let path = directory.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let mut lines = text.lines().map(str::trim);
            if let Some(id) = lines.next().filter(|id| !id.is_empty()) {
                let ended = lines.next().and_then(|number| number.parse().ok());
                return Ok((id.to_owned(), ended.unwrap_or(0)));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(SpoolError::Io { path, what: "read it", source }),
    }
    let mut random = [0; 16];
    let filled = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random));
    filled.map_err(failed(&path, "make a name for it"))?;
    let id: String = Digest::of_leaf(&random).to_string().chars().take(16).collect();
    write(directory, &id, 0)?;
    Ok((id, 0))
}

/// Both or neither, whatever happens meanwhile.
pub(super) fn write(directory: &Path, id: &str, ended: u64) -> Result<(), SpoolError> {
    let path = directory.join(FILE);
    let half = directory.join("id.new");
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&half);
    let written = file.and_then(|mut file| {
        file.write_all(format!("{id}\n{ended}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&half, &path)?;
        File::open(directory)?.sync_all()
    });
    written.map_err(failed(&path, "write it"))
}
