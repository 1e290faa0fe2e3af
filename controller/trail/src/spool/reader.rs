//! Reads the spool behind its writer, and takes away what is stored.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use sark_core::audit::Spooled;

use super::frame::Frames;
use super::{SpoolError, failed, segments};

/// Octets read at a time: no frame is longer.
const CHUNK: usize = 8 << 20;

/// Octets of memory that are kept to read into.
const KEPT: usize = 4 << 20;

/// Octets of one batch, and what was read with them.
const MOST_OCTETS: u64 = 32 << 20;

/// The file under way (its first record, its path, octets read), and the last record.
pub(crate) type Place = (Option<(u64, PathBuf, u64)>, u64);

/// Where it reads.
#[derive(Debug)]
pub(crate) struct Reader {
    directory: PathBuf,
    mark: String,
    /// The file under way: its first record, its path, octets read.
    current: Option<(u64, PathBuf, u64)>,
    /// Number of the last record that was read.
    last: u64,
    /// What is read into, again and again.
    buffer: Vec<u8>,
}

/// Some records.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// In order.
    pub(crate) records: Vec<Spooled>,
    /// Number of the last one.
    pub(crate) last: u64,
    /// Octets of their frames.
    pub(crate) octets: u64,
    /// Numbers to which there is no record, neither here nor in the store: first and last of each gap.
    pub(crate) lost: Vec<(u64, u64)>,
}

impl Batch {
    /// Passes over the numbers before this one.
    fn skip_to(&mut self, first: u64, stored: u64) {
        let (from, to) = (self.last.max(stored) + 1, first - 1);
        if from <= to {
            self.lost.push((from, to));
        }
        self.last = self.last.max(to);
    }
}

impl Reader {
    pub(super) fn new(directory: PathBuf, mark: String) -> Self {
        Self { directory, mark, current: None, last: 0, buffer: Vec::new() }
    }

    /// The mark's name in the store.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// Number of the last record that was read.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// Where it is, to [go back](Self::go) to.
    pub(crate) fn place(&self) -> Place {
        (self.current.clone(), self.last)
    }

    /// Whether it is in the same file still as it was then.
    pub(crate) fn is_in_the_file_of(&self, place: &Place) -> bool {
        let file = |current: &Option<(u64, PathBuf, u64)>| current.as_ref().map(|it| it.0);
        file(&self.current) == file(&place.0)
    }

    /// Reads on from here: back to what was read and not stored, or on to after what need not be read.
    pub(crate) fn go(&mut self, place: Place) {
        (self.current, self.last) = place;
    }

    /// The next ones that are on the disk (up to this number), at most so many and of so many octets,
    /// which the last one may go beyond. Those up to `stored` are passed over; their octets count.
    pub(crate) fn read(
        &mut self,
        stored: u64,
        durable: u64,
        (most, octets): (usize, u64),
    ) -> Result<Batch, SpoolError> {
        let mut batch = Batch { last: self.last, ..Batch::default() };
        let most = (most, octets.min(MOST_OCTETS));
        while batch.last < durable && batch.records.len() < most.0 && batch.octets < most.1 {
            if !self.fill(&mut batch, stored, durable, most)? {
                break;
            }
        }
        self.last = batch.last;
        Ok(batch)
    }

    /// Reads on in the file under way, or begins the next; whether anything came of it.
    fn fill(
        &mut self,
        batch: &mut Batch,
        stored: u64,
        durable: u64,
        (most, most_octets): (usize, u64),
    ) -> Result<bool, SpoolError> {
        let Some((first, path, at)) = self.current.take() else {
            let last = batch.last;
            return self.next_segment(batch, stored, last);
        };
        let mut octets = std::mem::take(&mut self.buffer);
        octets.clear();
        let read = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(at))?;
            file.take(CHUNK as u64).read_to_end(&mut octets)
        });
        match read {
            // Somebody moved it away: what was in it is missing.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            read => {
                read.map_err(failed(&path, "read it"))?;
            }
        }
        if octets.is_empty() {
            return self.after(batch, stored, first);
        }
        let before = batch.last;
        let mut frames = Frames::new(&octets);
        let has_room = |batch: &Batch, frames: &Frames<'_>| {
            batch.records.len() < most && batch.octets + (frames.at() as u64) < most_octets
        };
        while batch.last < durable && has_room(batch, &frames) {
            let Some(record) = frames.next() else { break };
            batch.last += 1;
            if batch.last > stored {
                let text = match str::from_utf8(record) {
                    Ok(text) => text.to_owned(),
                    Err(_) => String::from_utf8_lossy(record).into_owned(),
                };
                batch.records.push(Spooled::again(text));
            }
        }
        let done = frames.at() as u64;
        batch.octets += done;
        if batch.last == before {
            // It was whole when it was written.
            return Err(SpoolError::Damaged { path, at });
        }
        self.current = Some((first, path, at + done));
        if octets.capacity() <= KEPT {
            self.buffer = octets;
        }
        Ok(true)
    }

    /// The first file that begins after this number; what lies between was stored and taken away, or
    /// is lost.
    fn next_segment(
        &mut self,
        batch: &mut Batch,
        stored: u64,
        after: u64,
    ) -> Result<bool, SpoolError> {
        let next = segments(&self.directory)?.into_iter().find(|(first, _)| *first > after);
        let Some((first, path)) = next else { return Ok(false) };
        batch.skip_to(first, stored);
        self.current = Some((first, path, 0));
        Ok(true)
    }

    /// A file has no more, and there are records after those that it had: they are in the next one.
    /// They were on the disk before this was asked, so what is in neither will not come.
    fn after(&mut self, batch: &mut Batch, stored: u64, first: u64) -> Result<bool, SpoolError> {
        if self.next_segment(batch, stored, first)? {
            return Ok(true);
        }
        let all = segments(&self.directory)?;
        if let Some((_, path)) = all.iter().find(|(there, _)| *there == first) {
            let length = fs::metadata(path).map_or(0, |file| file.len());
            self.current = Some((first, path.clone(), length));
        }
        Ok(false)
    }

    /// Takes away files whose records are all stored; never the one that is written to.
    pub(crate) fn forget(&self, stored: u64) -> Result<(), SpoolError> {
        let all = segments(&self.directory)?;
        for pair in all.windows(2) {
            if let [(_, path), (next, _)] = pair
                && *next <= stored + 1
                && self.current.as_ref().is_none_or(|(_, current, _)| current != path)
            {
                fs::remove_file(path).map_err(failed(path, "take it away"))?;
            }
        }
        Ok(())
    }
}
