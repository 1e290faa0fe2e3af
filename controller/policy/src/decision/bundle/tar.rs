//! tar archives, as strict as can be: plain files and directories, read from memory.
//!
//! POSIX ustar with pax headers for long names, and GNU's long names. What a bundle has no use for is
//! refused and not passed over, so that no two readers see two different sets of files.

use super::BundleError;

const BLOCK: usize = 512;
/// A long name, or the records of a pax header.
const MOST_HEADER: usize = 4_096;

/// A file in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    /// As written, with `./` or `/` before it.
    pub(super) path: String,
    pub(super) octets: &'a [u8],
}

/// All files, in the archive's order.
pub(super) fn members(archive: &[u8], most: usize) -> Result<Vec<Member<'_>>, BundleError> {
    let (mut rest, mut members) = (archive, Vec::new());
    let mut long_name: Option<String> = None;
    let mut headers = 0_usize;
    loop {
        let Some((block, after)) = rest.split_first_chunk::<BLOCK>() else {
            return Err(BundleError::Archive("it ends before its end mark".to_owned()));
        };
        if block.iter().all(|octet| *octet == 0) {
            let is_end = after.iter().all(|octet| *octet == 0) && long_name.is_none();
            let message = "there is something after its end mark".to_owned();
            return if is_end { Ok(members) } else { Err(BundleError::Archive(message)) };
        }
        headers += 1;
        if headers > most {
            return Err(BundleError::TooMany(most));
        }
        let header = Header::read(block)?;
        let (octets, after) = after
            .split_at_checked(header.size)
            .ok_or_else(|| BundleError::Archive(format!("{:?} is cut short", header.name)))?;
        let padding = header.size.next_multiple_of(BLOCK) - header.size;
        rest = after.get(padding..).unwrap_or_default();
        match header.kind {
            b'0' | 0 => {
                members.push(Member { path: long_name.take().unwrap_or(header.name), octets });
            }
            // A directory says nothing that its files do not.
            b'5' if octets.is_empty() => long_name = None,
            b'x' => long_name = pax(octets, true)?.or(long_name),
            b'g' => {
                pax(octets, false)?;
            }
            b'L' => long_name = Some(gnu_long_name(octets)?),
            b'1' | b'2' => return Err(BundleError::NotAFile { path: header.name, kind: "a link" }),
            b'3' | b'4' => {
                return Err(BundleError::NotAFile { path: header.name, kind: "a device" });
            }
            b'6' => return Err(BundleError::NotAFile { path: header.name, kind: "a pipe" }),
            _ => {
                let kind = "of a kind that bundles do not have";
                return Err(BundleError::NotAFile { path: header.name, kind });
            }
        }
    }
}

struct Header {
    name: String,
    size: usize,
    kind: u8,
}

impl Header {
    fn read(block: &[u8; BLOCK]) -> Result<Self, BundleError> {
        let field = |from: usize, length: usize| block.get(from..from + length).unwrap_or_default();
        let broken = |what: &str| BundleError::Archive(format!("a header has {what}"));
        let is_posix = field(257, 8) == b"ustar\x0000";
        if !is_posix && field(257, 8) != b"ustar  \0" {
            return Err(BundleError::Archive(
                "it is no tar archive (ustar, pax or GNU)".to_owned(),
            ));
        }
        let sum: u64 = block.iter().map(|octet| u64::from(*octet)).sum();
        let of_sum: u64 = field(148, 8).iter().map(|octet| u64::from(*octet)).sum();
        if octal(field(148, 8)) != Some(sum - of_sum + 8 * u64::from(b' ')) {
            return Err(broken("a wrong checksum"));
        }
        let size = octal(field(124, 12)).and_then(|size| usize::try_from(size).ok());
        let mut name = text(field(0, 100))?;
        let prefix = if is_posix { text(field(345, 155))? } else { String::new() };
        if !prefix.is_empty() {
            name = format!("{prefix}/{name}");
        }
        let kind = field(156, 1).first().copied().unwrap_or_default();
        Ok(Self { name, size: size.ok_or_else(|| broken("a size that is no number"))?, kind })
    }
}

/// Octal digits, then spaces or NULs. GNU's binary numbers are for files of more than 8 GiB.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() || !text.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) {
        return None;
    }
    u64::from_str_radix(text, 8).ok()
}

/// Up to the first NUL.
fn text(field: &[u8]) -> Result<String, BundleError> {
    let field = field.split(|octet| *octet == 0).next().unwrap_or_default();
    let text = std::str::from_utf8(field);
    Ok(text.map_err(|_| BundleError::Archive("a name is not UTF-8".to_owned()))?.to_owned())
}

fn gnu_long_name(octets: &[u8]) -> Result<String, BundleError> {
    if octets.len() > MOST_HEADER {
        return Err(BundleError::Archive(format!("a name has more than {MOST_HEADER} octets")));
    }
    text(octets)
}

/// `LENGTH KEY=VALUE\n`, of which only `path` is of use.
fn pax(octets: &[u8], may_name: bool) -> Result<Option<String>, BundleError> {
    let broken = || BundleError::Archive("a pax header cannot be read".to_owned());
    if octets.len() > MOST_HEADER {
        return Err(broken());
    }
    let mut rest = std::str::from_utf8(octets).map_err(|_| broken())?;
    let mut path = None;
    while !rest.is_empty() {
        let (length, _) = rest.split_once(' ').ok_or_else(broken)?;
        let length_of: usize = length.parse().map_err(|_| broken())?;
        let (record, after) = rest.split_at_checked(length_of).ok_or_else(broken)?;
        let record = record.get(length.len() + 1..).and_then(|record| record.strip_suffix('\n'));
        let (key, value) = record.and_then(|record| record.split_once('=')).ok_or_else(broken)?;
        match key {
            "path" if may_name => path = Some(value.to_owned()),
            "path" | "size" | "linkpath" | "hdrcharset" => {
                return Err(BundleError::Archive(format!("a pax header sets `{key}`")));
            }
            _ if key.starts_with("GNU.sparse") => {
                return Err(BundleError::Archive("a file is sparse".to_owned()));
            }
            _ => {}
        }
        rest = after;
    }
    Ok(path)
}
