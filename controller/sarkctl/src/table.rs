//! Tables that a person likes to read: no frames, as wide as the terminal, the same without colour.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::output::{Out, style};

/// Columns are two blanks apart.
const GAP: usize = 2;
/// No column is squeezed below this.
const LEAST: usize = 10;

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
        let gaps = GAP * widths.len().saturating_sub(1);
        // Take from the widest, one column at a time, until it fits.
        while widths.iter().sum::<usize>() + gaps > limit {
            let Some(widest) = widths.iter_mut().max() else { break };
            if *widest <= LEAST {
                break;
            }
            *widest -= 1;
        }
        widths
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
                text.push_str(&out.paint(cell.style, part));
                blanks = 0;
            }
            blanks += width - part.width().min(*width) + GAP;
        }
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// Lines of at most `width` columns, broken at blanks where there are any.
pub fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let wide = word.width();
        if used > 0 && used + 1 + wide > width {
            lines.push(String::new());
            used = 0;
        }
        // The vector is never empty.
        let Some(mut line) = lines.pop() else { break };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for letter in word.chars() {
            let mut octets = [0; 4];
            let wide = letter.encode_utf8(&mut octets).width();
            if used + wide > width && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(letter);
            used += wide;
        }
        lines.push(line);
    }
    lines
}

/// Control characters from files or routers never reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Cell, fold};

    #[test]
    fn folds_at_blanks_and_inside_words_that_are_too_long() {
        assert_eq!(fold("dst 192.0.2.0/24 proto =6", 17), ["dst 192.0.2.0/24", "proto =6"]);
        assert_eq!(fold("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(fold("", 4), [""]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(Cell::from("a\u{1b}[2Jb").text, "a\u{fffd}[2Jb");
    }
}
