//! Files and directories, for networks that ask nobody outside.

use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sark_registry::feed::{Feed, FetchError, Fetched, FetchedPart, Validator, Validators};

use crate::decompress::{Unpacked, gunzip, is_gzip};

/// Most files of a directory.
const FILES: usize = 10_000;
/// `O_NONBLOCK`: opening a FIFO does not wait for a writer.
const NONBLOCK: i32 = 0o4000;

/// One file.
pub(crate) async fn one(
    feed: &Feed,
    path: &Path,
    have: Option<&Validators>,
) -> Result<Fetched, FetchError> {
    read(feed, vec![path.to_owned()], have, None).await
}

/// The regular files of a directory, by name; not those below it, none whose name begins with a dot.
pub(crate) async fn directory(
    feed: &Feed,
    path: &Path,
    have: Option<&Validators>,
) -> Result<Fetched, FetchError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !is_hidden && entry.path().is_file() {
                files.push(entry.path());
            }
            if files.len() > FILES {
                return Err(io::Error::other(format!("more than {FILES} files")));
            }
        }
        files.sort();
        Ok(files)
    };
    let files = list().map_err(|source| error(path, source))?;
    read(feed, files, have, Some(path.to_owned())).await
}

async fn read(
    feed: &Feed,
    paths: Vec<PathBuf>,
    have: Option<&Validators>,
    within: Option<PathBuf>,
) -> Result<Fetched, FetchError> {
    let (limit, have) = (feed.limits.most_octets.get(), have.cloned());
    let work = move || read_all(&paths, have.as_ref(), within.as_deref(), limit);
    let read = tokio::task::spawn_blocking(work).await;
    read.unwrap_or_else(|failure| {
        Err(FetchError::File { at: "a file".to_owned(), source: io::Error::other(failure) })
    })
}

fn read_all(
    paths: &[PathBuf],
    have: Option<&Validators>,
    within: Option<&Path>,
    limit: u64,
) -> Result<Fetched, FetchError> {
    let mut validators = Vec::with_capacity(paths.len());
    for path in paths {
        validators.push(validator(path, within).map_err(|source| error(path, source))?);
    }
    let validators = Validators(validators);
    if have == Some(&validators) && !paths.is_empty() {
        return Ok(Fetched::Unchanged);
    }
    let mut left = limit;
    let mut parts = Vec::with_capacity(paths.len());
    for path in paths {
        let at = path.display().to_string();
        let too_large = || FetchError::TooLarge { at: at.clone(), limit };
        let octets = read_one(path, left).map_err(|source| error(path, source))?;
        let octets = octets.ok_or_else(too_large)?;
        let octets = match is_gzip(&octets).then(|| gunzip(&octets, left)) {
            None => octets,
            Some(Ok(Unpacked::Octets(octets))) => octets,
            Some(Ok(Unpacked::TooLarge)) => return Err(too_large()),
            Some(Err(source)) => return Err(FetchError::Decompress { at, source }),
        };
        left = left.saturating_sub(octets.len() as u64);
        // Of a directory the name alone: lists name each other by it.
        let name = match within {
            Some(_) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            None => at,
        };
        parts.push(FetchedPart { name, octets });
    }
    Ok(Fetched::Copy { parts, validators })
}

/// Its size and time. Links that lead out of the directory are refused.
fn validator(path: &Path, within: Option<&Path>) -> io::Result<Validator> {
    if let Some(within) = within
        && !path.canonicalize()?.starts_with(within.canonicalize()?)
    {
        return Err(io::Error::other("it is a link that leads out of the directory"));
    }
    let file = std::fs::metadata(path)?;
    if !file.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let time = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let tag = Some(format!("{} {}", file.len(), time.as_nanos()));
    Ok(Validator { name: path.display().to_string(), tag, modified: None })
}

/// `None` if it is longer than the limit, also if it grows meanwhile.
fn read_one(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = std::fs::OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut octets = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut octets)?;
    Ok((octets.len() as u64 <= limit).then_some(octets))
}

fn error(path: &Path, source: io::Error) -> FetchError {
    FetchError::File { at: path.display().to_string(), source }
}
