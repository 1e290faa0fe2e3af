//! The spool: records on the disk, until the store has them.
//!
//! Files `NUMBER.spool` in a directory, each named by the number of its first record; records are
//! numbered from 1 and never again. `id` names the spool, so that a new one is not taken for this
//! one, and says which number was the last when it was closed. A record is a frame:
//!
//! ```text
//! length (4 octets, big-endian) ‖ first 8 octets of SHA-256(0x00 ‖ record) ‖ record (JSON)
//! ```
//!
//! Records are written, and synced before they are acknowledged. What follows the last whole frame of
//! the last file was never acknowledged: a crash tore it, and it is cut off when the spool is opened.
//! If whole frames follow, it may be damage instead: what is cut off is kept beside, in
//! `NUMBER-OCTET.damaged`.
//!
//! What is on the disk may be less than was numbered: somebody moved a file away, an octet went bad.
//! The store passes over every number up to its mark, so before the first record is taken the spool
//! [resumes](Spool::resume) after that, in a new file. The numbers between are a gap, which the
//! reader steps over; it names those that the store has not.

mod frame;
mod id;
mod reader;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sark_core::audit::Spooled;

use frame::Frames;
pub(super) use reader::{Batch, Place, Reader};

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
    /// Whole records among them, and the file that they are in now.
    pub damaged: Option<(u64, PathBuf)>,
}

/// Adds records.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    id: String,
    /// Number of the last record when it was closed, as far as that is known.
    ended: u64,
    file: File,
    /// Number of its first record, and its path.
    segment: (u64, PathBuf),
    /// Octets of the file that are whole frames, and on the disk.
    length: u64,
    /// Number of the last record of these.
    last: u64,
    /// Octets and records behind them that the kernel has, and the disk may not have yet.
    behind: (u64, u64),
    buffer: Vec<u8>,
}

impl Spool {
    /// Opens it, made if it is not there, after the last whole record.
    pub fn open(directory: &Path) -> Result<(Self, Found), SpoolError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(failed(directory, "make it"))?;
        let (id, ended) = id::read(directory)?;
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
                let records = frame::whole_in(octets.get(frames.at()..).unwrap_or_default());
                if records > 0 {
                    let beside = directory.join(format!("{first:020}-{length}.damaged"));
                    keep(&beside, octets.get(frames.at()..).unwrap_or_default())?;
                    found.damaged = Some((records, beside));
                }
                cut(path, length)?;
                found.torn = rest;
            }
        }
        let (segment, length) = match segments.last() {
            Some(it) => (it.clone(), fs::metadata(&it.1).map_or(0, |file| file.len())),
            None => ((last + 1, directory.join(name(last + 1))), 0),
        };
        let path = &segment.1;
        let file = open_segment(directory, path)?;
        // A program that was ended may have left in the kernel what is counted here.
        file.sync_data().map_err(failed(path, "sync it"))?;
        let directory = directory.to_owned();
        let (behind, buffer) = ((0, 0), Vec::new());
        Ok((Self { directory, id, ended, file, segment, length, last, behind, buffer }, found))
    }

    /// Number of the last record; 0 if there never was one.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The mark's name in the store.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("spool:{}", self.id)
    }

    /// Goes on after this number, up to which the store has its records, and after the last one that
    /// it had when it was closed; before the first record is added. Returns how many numbers there
    /// are to which it has no record.
    pub fn resume(&mut self, stored: u64) -> Result<u64, SpoolError> {
        let known = stored.max(self.ended);
        let missing = known.saturating_sub(self.last);
        if missing > 0 {
            self.last = known;
            self.begin_segment()?;
        }
        Ok(missing)
    }

    /// Writes down which number was the last.
    pub fn close(&mut self) -> Result<(), SpoolError> {
        self.ended = self.last;
        id::write(&self.directory, &self.id, self.ended)
    }

    /// Number of the last record when it was closed, as far as that is known.
    pub(super) const fn ended(&self) -> u64 {
        self.ended
    }

    /// A new file, for what comes after the last record.
    fn begin_segment(&mut self) -> Result<(), SpoolError> {
        let first = self.last + 1;
        let path = self.directory.join(name(first));
        self.file = open_segment(&self.directory, &path)?;
        (self.segment, self.length) = ((first, path), 0);
        Ok(())
    }

    /// Where a reader is that has read all that is on the disk.
    pub(super) fn place(&self) -> Place {
        let (first, path) = self.segment.clone();
        (Some((first, path, self.length)), self.last)
    }

    /// Reads from the first record that is there.
    pub(super) fn reader(&self) -> Reader {
        Reader::new(self.directory.clone(), self.mark())
    }

    /// Adds these: what ends only the program does not lose them; [`sync`](Self::sync) brings them to
    /// the disk. On an error none since the last sync is there: they have to be added again.
    pub fn add<'s>(
        &mut self,
        records: impl Iterator<Item = &'s Spooled>,
    ) -> Result<(), SpoolError> {
        if self.length >= SEGMENT && self.behind == (0, 0) {
            self.begin_segment()?;
        }
        self.buffer.clear();
        let mut count = 0;
        for spooled in records {
            frame::write(spooled.text().as_bytes(), &mut self.buffer);
            count += 1;
        }
        let done = self.file.write_all(&self.buffer);
        self.done(done)?;
        self.behind.0 += self.buffer.len() as u64;
        self.behind.1 += count;
        Ok(())
    }

    /// What was added is on the disk when it returns; on an error none of it is there. Returns its octets.
    pub fn sync(&mut self) -> Result<u64, SpoolError> {
        let done = self.file.sync_data();
        self.done(done)?;
        let (octets, records) = std::mem::take(&mut self.behind);
        self.length += octets;
        self.last += records;
        Ok(octets)
    }

    fn done(&mut self, done: std::io::Result<()>) -> Result<(), SpoolError> {
        done.map_err(|source| {
            // Half of it must not stay: the same records come again.
            let _ = self.file.set_len(self.length);
            self.behind = (0, 0);
            SpoolError::Io { path: self.directory.clone(), what: "write it", source }
        })
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

/// What was cut off, for a person to look at.
fn keep(path: &Path, octets: &[u8]) -> Result<(), SpoolError> {
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path);
    let kept = file.and_then(|mut file| {
        file.write_all(octets)?;
        file.sync_all()
    });
    kept.map_err(failed(path, "keep what was cut off in it"))
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { path, what, source }
}
