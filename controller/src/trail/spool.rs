//! The spool: records on the disk, until the store has them.
//!
//! Files `NUMBER.spool` in a directory, each named by the number of its first record; records are
//! numbered from 1 and never again. `id` names the spool, so that a new one is not taken for this
//! one. A record is a frame:
//!
//! ```text
//! length (4 octets, big-endian) ‖ first 8 octets of SHA-256(0x00 ‖ record) ‖ record (JSON)
//! ```
//!
//! Each batch is written and synced before it is acknowledged. What follows the last whole frame of
//! the last file was never acknowledged: a crash tore it, and it is cut off when the spool is opened.

mod frame;
mod reader;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sark_core::audit::{Digest, Written};

use frame::Frames;
pub(super) use reader::{Batch, Reader};

/// A file that is longer is followed by another.
const SEGMENT: u64 = 16 << 20;

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A file of it.
    #[error("the audit spool {path}: cannot {what}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Cause.
        source: std::io::Error,
    },
    /// Damage that no crash explains.
    #[error(
        "the audit spool {path} is damaged at octet {at}, and records follow: move the file away to \
         go on without them, and keep it"
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where.
        at: u64,
    },
}

/// What was there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whole records; those among them that are stored are skipped later.
    pub records: u64,
    /// Their octets.
    pub octets: u64,
    /// Octets of a torn record that were cut off.
    pub torn: u64,
}

/// Adds records.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    id: String,
    file: File,
    /// Octets of the file that are whole frames.
    length: u64,
    /// Number of the last record.
    last: u64,
    buffer: Vec<u8>,
}

impl Spool {
    /// Opens it, made if it is not there, after the last whole record.
    pub fn open(directory: &Path) -> Result<(Self, Found), SpoolError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(failed(directory, "make it"))?;
        let id = id_of(directory)?;
        let mut found = Found::default();
        let segments = segments(directory)?;
        let mut last = 0;
        for (at, (first, path)) in segments.iter().enumerate() {
            last = first - 1;
            let octets = fs::read(path).map_err(failed(path, "read it"))?;
            let mut frames = Frames::new(&octets);
            let whole = frames.by_ref().count() as u64;
            let length = frames.at() as u64;
            let rest = octets.len() as u64 - length;
            last += whole;
            found.records += whole;
            found.octets += length;
            if rest > 0 {
                let next_begins = segments.get(at + 1).map(|(next, _)| *next);
                if next_begins.is_some() {
                    return Err(SpoolError::Damaged { path: path.clone(), at: length });
                }
                cut(path, length)?;
                found.torn = rest;
            }
        }
        let (path, length) = match segments.last() {
            Some((_, path)) => (path.clone(), fs::metadata(path).map_or(0, |file| file.len())),
            None => (directory.join(name(last + 1)), 0),
        };
        let file = open_segment(directory, &path)?;
        let directory = directory.to_owned();
        Ok((Self { directory, id, file, length, last, buffer: Vec::new() }, found))
    }

    /// Number of the last record; 0 if there never was one.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Reads from the first record that is there.
    pub(super) fn reader(&self) -> Reader {
        Reader::new(self.directory.clone(), self.id.clone())
    }

    /// Adds these; when it returns they are on the disk. On an error none of them is there. Returns
    /// their octets.
    pub fn append<'w>(
        &mut self,
        records: impl Iterator<Item = &'w Written>,
    ) -> Result<u64, SpoolError> {
        if self.length >= SEGMENT {
            let path = self.directory.join(name(self.last + 1));
            self.file = open_segment(&self.directory, &path)?;
            self.length = 0;
        }
        self.buffer.clear();
        let mut count = 0;
        for written in records {
            frame::write(written.text().as_bytes(), &mut self.buffer);
            count += 1;
        }
        let octets = self.buffer.len() as u64;
        let done = self.file.write_all(&self.buffer).and_then(|()| self.file.sync_data());
        if let Err(source) = done {
            // Half a batch must not stay: the same records come again.
            let _ = self.file.set_len(self.length);
            return Err(SpoolError::Io { path: self.directory.clone(), what: "write it", source });
        }
        self.length += octets;
        self.last += count;
        Ok(octets)
    }
}

/// Whole files by the number of their first record, in order.
fn segments(directory: &Path) -> Result<Vec<(u64, PathBuf)>, SpoolError> {
    let listed = fs::read_dir(directory).map_err(failed(directory, "list it"))?;
    let mut found = Vec::new();
    for entry in listed {
        let path = entry.map_err(failed(directory, "list it"))?.path();
        let stem = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".spool"));
        if let Some(first) = stem.and_then(|stem| stem.parse().ok()).filter(|first| *first > 0) {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

fn name(first: u64) -> String {
    format!("{first:020}.spool")
}

/// A new file's name is on the disk before anything in it is acknowledged.
fn open_segment(directory: &Path, path: &Path) -> Result<File, SpoolError> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let file = file.map_err(failed(path, "open it"))?;
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(failed(directory, "sync it"))?;
    Ok(file)
}

fn cut(path: &Path, length: u64) -> Result<(), SpoolError> {
    let cut = OpenOptions::new().write(true).open(path).and_then(|file| {
        file.set_len(length)?;
        file.sync_all()
    });
    cut.map_err(failed(path, "cut a torn record off"))
}

/// The spool's name: made of its place and the moment it was made, written once.
fn id_of(directory: &Path) -> Result<String, SpoolError> {
    let path = directory.join("id");
    match fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(SpoolError::Io { path, what: "read it", source }),
    }
    let mut random = [0; 16];
    let filled = File::open("/dev/urandom").and_then(|mut file| {
        use std::io::Read as _;
        file.read_exact(&mut random)
    });
    filled.map_err(failed(&path, "make a name for it"))?;
    let id: String = Digest::of_leaf(&random).to_string().chars().take(16).collect();
    let written =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path);
    let written = written.and_then(|mut file| {
        file.write_all(format!("{id}\n").as_bytes())?;
        file.sync_all()
    });
    written.map_err(failed(&path, "write it"))?;
    Ok(id)
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { path, what, source }
}
