//! Tables that a person likes to read: no frames, as wide as the terminal, the same without colour.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::output::{Out, printable, style};

/// Columns are two blanks apart.
const GAP: usize = 2;
/// No column is squeezed below this.
const LEAST: usize = 10;
/// A blank at which no line is broken; printed as a blank.
const BOUND: char = '\u{a0}';

/// A text in one style.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Styled.
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self { text: printable(&text.into()), style }
    }

    /// The text of a rule, which is not broken between a keyword and its values.
    pub fn rule(text: &str) -> Self {
        let mut joined = String::with_capacity(text.len() + 8);
        for (index, word) in text.split(' ').enumerate() {
            if index > 0 {
                joined.push(if index % 2 == 1 { BOUND } else { ' ' });
            }
            joined.push_str(word);
        }
        Self::from(joined)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(style::PLAIN, text)
    }
}

/// Rows under headings.
#[derive(Debug, Default)]
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// With these headings.
    pub fn new<const N: usize>(head: [&'static str; N]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, of as many cells as there are headings.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(self.head.len(), N);
        self.rows.push(cells.into());
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints it; long cells are folded at blanks when the terminal is too narrow.
    pub fn print(self, out: &mut Out) -> io::Result<()> {
        let widths = self.widths(out.width);
        let head: Vec<Cell> = self.head.iter().map(|head| Cell::new(style::HEAD, *head)).collect();
        for row in std::iter::once(&head).chain(&self.rows) {
            print_row(out, row, &widths)?;
        }
        Ok(())
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|head| head.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        let Some(limit) = limit else { return widths };
        let room = limit.saturating_sub(GAP * widths.len().saturating_sub(1));
        // First to the longest word, then through words.
        let words: Vec<usize> = (0..widths.len()).map(|column| self.longest_word(column)).collect();
        squeeze(&mut widths, room, &words);
        let least = vec![LEAST; words.len()];
        squeeze(&mut widths, room, &least);
        widths
    }

    fn longest_word(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let words = cells.flat_map(|cell| cell.text.split(' ')).map(|word| word.width());
        words.max().unwrap_or(0).max(LEAST)
    }
}

/// Takes from the widest column, one at a time, until all fit; last from the first column, which
/// names the row.
fn squeeze(widths: &mut [usize], room: usize, least: &[usize]) {
    while widths.iter().sum::<usize>() > room {
        let spare = |column: &usize| widths[*column] > least[*column];
        let widest = (1..widths.len()).filter(spare).max_by_key(|column| widths[*column]);
        let Some(column) = widest.or(Some(0).filter(spare)) else { return };
        widths[column] -= 1;
    }
}

fn print_row(out: &mut Out, row: &[Cell], widths: &[usize]) -> io::Result<()> {
    let folded: Vec<Vec<String>> =
        row.iter().zip(widths).map(|(cell, width)| fold(&cell.text, *width)).collect();
    let height = folded.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        let mut text = String::new();
        let mut blanks = 0;
        for ((cell, lines), width) in row.iter().zip(&folded).zip(widths) {
            let part = lines.get(line).map_or("", String::as_str);
            if !part.is_empty() {
                text.extend(std::iter::repeat_n(' ', blanks));
                text.push_str(&out.paint(cell.style, &part.replace(BOUND, " ")));
                blanks = 0;
            }
            blanks += width - part.width().min(*width) + GAP;
        }
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// Lines of at most `width` columns, broken at blanks, else after a sign, else anywhere.
pub fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let blank = usize::from(!line.is_empty());
        if !line.is_empty() && line.width() + blank + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        while line.width() > width {
            let rest = line.split_off(breaking(&line, width));
            if rest.is_empty() {
                break;
            }
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    lines.push(line);
    lines
}

/// Where to break a word that is too long: an offset above zero. One letter always fits.
fn breaking(word: &str, width: usize) -> usize {
    let mut used = 0;
    let mut end = 0;
    let mut sign = 0;
    for (at, letter) in word.char_indices() {
        let after = at + letter.len_utf8();
        used += word[at..after].width();
        if used > width && end > 0 {
            break;
        }
        end = after;
        // A sign near the beginning would leave lines that are almost empty.
        if "/|&,:;@".contains(letter) && used * 3 > width {
            sign = after;
        }
    }
    if sign > 0 { sign } else { end }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::{Cell, fold};

    #[test]
    fn folds_at_blanks_and_inside_words_that_are_too_long() {
        assert_eq!(fold("dst 192.0.2.0/24 proto =6", 17), ["dst 192.0.2.0/24", "proto =6"]);
        assert_eq!(fold("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(fold("", 4), [""]);
        assert_eq!(fold("llm (policies/llm.yaml:3)", 15), ["llm", "(policies/", "llm.yaml:3)"]);
        assert_eq!(fold("日本語", 1), ["日", "本", "語"]);
    }

    proptest::proptest! {
        #[test]
        fn folding_loses_nothing_and_keeps_the_width(text in "[a-z/:|日é ]{0,80}", width in 2_usize..40) {
            let lines = fold(&text, width);
            let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<String>();
            proptest::prop_assert_eq!(letters(&lines.concat()), letters(&text));
            for line in lines {
                proptest::prop_assert!(line.width() <= width, "{line:?} is wider than {width}");
            }
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(Cell::from("a\u{1b}[2Jb").text, "a\u{fffd}[2Jb");
    }
}
