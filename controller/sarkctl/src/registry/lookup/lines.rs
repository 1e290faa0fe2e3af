//! Questions of a stream, as many at a time as are there to be read.

use std::io::{self, Read};

use super::{LONGEST, is_question};

/// Octets read at a time: what a pipe holds. A slow writer's questions do not wait for more.
const READ: usize = 64 << 10;

/// Characters shown of a line that is none.
const SHOWN: usize = 40;

/// Reads lines and counts them. Holds one read and what is left of the line before.
pub struct Lines<R> {
    reader: R,
    /// The part of a line that was read; it ends with the next read.
    begun: Vec<u8>,
    /// The line under way is too long: it is told, and passed over up to its end.
    over: bool,
    /// Number of the line under way.
    number: u64,
    buffer: Box<[u8]>,
}

/// One line that is neither empty nor a comment.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// Its text without blanks around, or as far as it can be shown and what is wrong with it.
    pub text: Result<String, (String, &'static str)>,
}

impl Line {
    /// An argument, which may be anything but two lines.
    pub fn of(number: u64, argument: &str) -> Self {
        let text = argument.trim();
        let problem = match text {
            _ if text.len() > LONGEST => Some("it is longer than 1024 octets"),
            _ if text.contains('\n') => Some("it is more than one line"),
            _ => None,
        };
        let text = match problem {
            Some(problem) => Err((text.chars().take(SHOWN).collect(), problem)),
            None => Ok(text.to_owned()),
        };
        Self { number, text }
    }
}

impl<R: Read> Lines<R> {
    pub fn new(reader: R) -> Self {
        let buffer = vec![0; READ].into();
        Self { reader, begun: Vec::new(), over: false, number: 1, buffer }
    }

    /// The lines that end in what can be read now; waits until there is something. `None` at the
    /// end.
    pub fn ready(&mut self) -> io::Result<Option<Vec<Line>>> {
        let count = loop {
            match self.reader.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let mut found = Vec::new();
        if count == 0 {
            let last = std::mem::take(&mut self.begun);
            found.extend(self.line(&last));
            self.over = false;
            return Ok((!found.is_empty()).then_some(found));
        }
        let buffer = std::mem::take(&mut self.buffer);
        for part in buffer.get(..count).unwrap_or_default().split_inclusive(|octet| *octet == b'\n')
        {
            let Some(end) = part.strip_suffix(b"\n") else {
                self.begin(part);
                // What is too long is told without waiting for its end.
                if self.begun.len() > LONGEST && !self.over {
                    let begun = std::mem::take(&mut self.begun);
                    found.extend(self.line(&begun));
                    self.over = true;
                }
                break;
            };
            if !self.over {
                if self.begun.is_empty() {
                    found.extend(self.line(end));
                } else {
                    self.begin(end);
                    let begun = std::mem::take(&mut self.begun);
                    found.extend(self.line(&begun));
                }
            }
            self.over = false;
            self.number += 1;
        }
        self.buffer = buffer;
        Ok(Some(found))
    }

    /// Keeps a part of a line; of one that is too long no more than shows it.
    fn begin(&mut self, part: &[u8]) {
        if !self.over {
            let room = (LONGEST + 1).saturating_sub(self.begun.len());
            self.begun.extend_from_slice(part.get(..room).unwrap_or(part));
        }
    }

    fn line(&self, octets: &[u8]) -> Option<Line> {
        let long = octets.len() > LONGEST;
        let text = std::str::from_utf8(octets).map(str::trim);
        let comment = octets.trim_ascii_start().starts_with(b"#");
        if comment || (!long && text.is_ok_and(|text| !is_question(text))) {
            return None;
        }
        let shown = String::from_utf8_lossy(octets).trim().chars().take(SHOWN).collect();
        let text = match text {
            _ if long => Err((shown, "the line is longer than 1024 octets")),
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err((shown, "the line is not UTF-8 text")),
        };
        Some(Line { number: self.number, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives so many octets at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn all(octets: &[u8], at_once: usize) -> Vec<(u64, Result<String, &'static str>)> {
        let mut lines = Lines::new(Slow(octets, at_once));
        let mut all = Vec::new();
        while let Some(some) = lines.ready().unwrap() {
            assert!(lines.begun.len() <= LONGEST + 1);
            all.extend(some);
        }
        assert_eq!(lines.ready().unwrap(), None);
        all.into_iter().map(|line| (line.number, line.text.map_err(|(_, what)| what))).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let mut octets = b"192.0.2.1\n\n# no\r\n  a.example\t\r\n\xff\xfe\n#\xff\n".to_vec();
        octets.extend([b'x'; LONGEST]);
        octets.extend(b"\n");
        octets.extend([b'y'; 3000]);
        octets.extend(b"\n# ");
        octets.extend([b'z'; 3000]);
        octets.extend(b"\nlast");
        let longest = "x".repeat(LONGEST);
        let expected = [
            (1, Ok("192.0.2.1")),
            (4, Ok("a.example")),
            (5, Err("the line is not UTF-8 text")),
            (7, Ok(&*longest)),
            (8, Err("the line is longer than 1024 octets")),
            (10, Ok("last")),
        ];
        let expected = expected.map(|(number, text)| (number, text.map(str::to_owned)));
        for at_once in [1, 2, 3, 7, 100, 1024, 1025, 4000, usize::MAX] {
            assert_eq!(all(&octets, at_once), expected, "{at_once}");
        }
        assert_eq!(all(b"", 1), []);
        assert_eq!(all(b"\n\n", 1), []);
        // A line without an end takes no more memory than one with.
        let endless = vec![b'e'; 1 << 20];
        assert_eq!(all(&endless, 4096), [(1, Err("the line is longer than 1024 octets"))]);
    }

    #[test]
    fn what_is_there_is_told_at_once() {
        let mut lines = Lines::new(Slow(b"a.example\nb.exam", 10));
        let now = lines.ready().unwrap().unwrap();
        assert_eq!(now, [Line { number: 1, text: Ok("a.example".into()) }]);
        assert_eq!(lines.ready().unwrap().unwrap(), []);
        assert_eq!(lines.ready().unwrap().unwrap().len(), 1);
        assert_eq!(lines.ready().unwrap(), None);
    }
}
