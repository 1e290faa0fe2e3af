//! What an anchor holds: notes one after another, as a file has them, or a line of a syslog for each.
//!
//! A disk that was full or a machine that stopped leaves a piece of a note. Whoever appends after it
//! writes [`TORN`] first, and what stands before that is stepped over: it vouches for nothing, and
//! the notes after it are whole. A note that has its form and a wrong signature is none of these: it
//! was forged.

use crate::{Checkpoint, Note};

/// Stands on a line of its own after a note that was not written whole.
pub const TORN: &str = "# cut short: what stands before this line was not written whole";

/// What a syslog's line has before the note.
const PREFIX: &str = "audit checkpoint: ";
/// Stands there between the lines of a note.
const BETWEEN: &str = " | ";

/// What was found in an anchor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchored {
    /// Notes that are whole, in their order; whether they are signed is another question.
    pub notes: Vec<Note>,
    /// Lines on which pieces end that are no notes.
    pub torn: Vec<usize>,
}

/// A note on one line, as it is sent to a syslog daemon.
#[must_use]
pub fn syslog_line(note: &str) -> String {
    let lines: Vec<&str> = note.lines().filter(|line| !line.is_empty()).collect();
    format!("{PREFIX}{}", lines.join(BETWEEN))
}

/// Reads an anchor. If a line is one of a syslog, only such lines count.
#[must_use]
pub fn read_anchor(text: &str) -> Anchored {
    if text.lines().any(|line| line.contains(PREFIX)) {
        return of_syslog(text);
    }
    let mut found = Anchored::default();
    let mut piece = String::new();
    let mut number = 0;
    for line in text.split_inclusive('\n') {
        number += 1;
        if line.trim_end() == TORN {
            found.torn.extend(Some(number).filter(|_| !piece.trim().is_empty()));
            piece.clear();
        } else if line == "\n" && ends_signed(&piece) {
            found.take(&piece, number);
            piece.clear();
        } else if line != "\n" || !piece.is_empty() {
            piece.push_str(line);
        }
    }
    if !piece.trim().is_empty() {
        found.take(&piece, number);
    }
    found
}

/// Whether its last line is a signature, and whole.
fn ends_signed(piece: &str) -> bool {
    piece.ends_with('\n') && piece.lines().next_back().is_some_and(|line| line.starts_with("— "))
}

impl Anchored {
    /// Up to a signature: the note that it ends, and what is no part of it.
    fn take(&mut self, piece: &str, line: usize) {
        // The last beginning that reads as a checkpoint: what stands before it is of another.
        let starts = piece.match_indices('\n').map(|(at, _)| at + 1).rev().chain([0]);
        let found = starts.filter(|_| ends_signed(piece)).find_map(|start| {
            let note = Note::parse(piece.get(start..)?).ok()?;
            is_whole(&note).then_some((start, note))
        });
        match found {
            Some((0, note)) => self.notes.push(note),
            Some((_, note)) => {
                self.torn.push(line);
                self.notes.push(note);
            }
            None => self.torn.push(line),
        }
    }
}

/// Whether it is one checkpoint, with a signature in the name of its trail: pieces of two that stand
/// together are none.
fn is_whole(note: &Note) -> bool {
    let read = Checkpoint::read(note);
    let names = |origin: &str| {
        let signers = note.signers();
        signers.iter().any(|signer| signer.rsplit_once('+').is_some_and(|(name, _)| name == origin))
    };
    read.is_ok_and(|read| names(&read.origin)) && !note.text.contains("\n\n")
}

fn of_syslog(text: &str) -> Anchored {
    let mut found = Anchored::default();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((_, joined)) = line.split_once(PREFIX) else { continue };
        let parts = joined.trim_end().split(BETWEEN);
        let (signatures, lines): (Vec<&str>, Vec<&str>) =
            parts.partition(|part| part.starts_with("— "));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let signed: String = signatures.iter().map(|line| format!("{line}\n")).collect();
        let note = Note::parse(&format!("{text}\n{signed}")).ok();
        match note.filter(is_whole) {
            Some(note) => found.notes.push(note),
            None => found.torn.push(number),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use sark_core::audit::{Digest, Head};

    use super::*;
    use crate::{SigningKey, Tree};

    fn key() -> SigningKey {
        SigningKey::from_seed("sark.example/audit", &[3; 32]).unwrap()
    }

    fn notes(many: u64) -> Vec<Note> {
        let (mut head, mut tree) = (Head::BEGINNING, Tree::default());
        let at = "2026-11-28T12:00:00Z".parse().unwrap();
        let mut all = Vec::new();
        for _ in 0..many {
            tree.push(Digest::of_leaf(b"{}"));
            head = head.with_octets(b"{}");
            all.push(Checkpoint::new(key().public(), head, &tree, at).sign(&key()));
        }
        all
    }

    fn assert_all_are_signed(found: &Anchored) {
        for note in &found.notes {
            Checkpoint::open(note, key().public()).unwrap();
        }
    }

    #[test]
    fn a_whole_file_is_its_notes() {
        let notes = notes(3);
        let file: String = notes.iter().map(|note| format!("{note}\n")).collect();
        assert_eq!(read_anchor(&file), Anchored { notes: notes.clone(), torn: vec![] });
        let first = notes[0].to_string();
        assert_eq!(read_anchor(&first).notes, notes[..1], "without the empty line after it");
        assert_eq!(read_anchor("\n\n"), Anchored::default());
        assert_eq!(read_anchor("hello\n"), Anchored { notes: vec![], torn: vec![1] });
    }

    /// Wherever a note was cut, with what `sarkd` writes before the next one.
    #[test]
    fn what_comes_after_a_torn_note_is_read_wherever_it_was_cut() {
        let notes = notes(3);
        let [first, second, third] = [0, 1, 2].map(|at: usize| format!("{}\n", notes[at]));
        let is_whole = |length: usize| length + 1 >= second.len();
        for length in (1..second.len()).filter(|length| second.is_char_boundary(*length)) {
            let cut = &second[..length];
            let found = read_anchor(&format!("{first}{cut}\n{TORN}\n\n{third}"));
            assert_all_are_signed(&found);
            let expected = if is_whole(length) {
                (notes.clone(), 0)
            } else {
                (vec![notes[0].clone(), notes[2].clone()], 1)
            };
            assert_eq!((found.notes, found.torn.len()), expected, "cut at {length}");
            // Without the line, as earlier versions wrote on: at most the next one is lost too.
            let found = read_anchor(&format!("{first}{cut}{third}{first}"));
            assert_all_are_signed(&found);
            assert_eq!(found.notes.first(), Some(&notes[0]));
            assert_eq!(found.notes.last(), Some(&notes[0]));
            // And a file that ends there.
            let found = read_anchor(&format!("{first}{cut}"));
            assert_all_are_signed(&found);
            assert_eq!(found.torn.is_empty(), is_whole(length), "cut at {length}");
        }
    }

    #[test]
    fn a_forged_note_is_not_stepped_over() {
        let notes = notes(2);
        let file: String = notes.iter().map(|note| format!("{note}\n")).collect();
        let forged = file.replace("12:00:00Z", "12:00:01Z");
        let found = read_anchor(&forged);
        assert_eq!((found.notes.len(), found.torn.len()), (2, 0));
        for note in &found.notes {
            Checkpoint::open(note, key().public()).unwrap_err();
        }
    }

    #[test]
    fn a_syslog_is_read_whatever_stands_before_the_note() {
        let notes = notes(3);
        let line = |note: &Note| syslog_line(&note.to_string());
        let file = format!(
            "Nov 28 12:00:00 host cron[1]: hello — there\n\
             Nov 28 12:00:00 host sarkd: {}\n\
             2026-11-28T12:00:00.1+00:00 host sarkd {}\n\
             Nov 28 12:00:01 host sarkd: {}\n\
             <109>sarkd: {}",
            line(&notes[0]),
            line(&notes[1]),
            line(&notes[2]).split_at(150).0,
            line(&notes[2]),
        );
        let found = read_anchor(&file);
        assert_all_are_signed(&found);
        assert_eq!(found, Anchored { notes, torn: vec![4] });
    }
}
