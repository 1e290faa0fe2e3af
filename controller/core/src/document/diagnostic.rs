//! One mistake, as a person reads it.

use std::fmt;

/// A mistake in a document. `Display` prints `file:line:column: message`, the line with a caret,
/// and the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// File name as given.
    pub file: String,
    /// From 1; 0 when the mistake has no place.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// The line itself.
    pub excerpt: Option<String>,
    /// What to do, such as `` did you mean `ports`? ``.
    pub help: Option<String>,
}

/// Lines longer than this many characters are not shown.
const MAX_EXCERPT: usize = 400;

impl Diagnostic {
    /// A mistake at a place of a text: fills in the excerpt.
    pub fn at(file: &str, text: &str, line: u32, column: u32, message: impl Into<String>) -> Self {
        let excerpt = (line as usize)
            .checked_sub(1)
            .and_then(|index| text.lines().nth(index))
            .filter(|found| found.chars().take(MAX_EXCERPT + 1).count() <= MAX_EXCERPT)
            .map(|found| printable(found.trim_end()));
        let message = printable(&message.into());
        Self { file: file.to_owned(), line, column, message, excerpt, help: None }
    }

    /// A mistake of a whole file.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self::at(file, "", 0, 0, message)
    }

    /// With what to do.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(printable(&help.into())), ..self }
    }
}

impl std::error::Error for Diagnostic {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message)?,
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.message)?,
        }
        if let Some(excerpt) = &self.excerpt {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            write!(f, "\n {number} | {excerpt}\n {margin} | {}", marker(excerpt, self.column))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

/// Carets below the word or quoted text that begins at `column`.
fn marker(excerpt: &str, column: u32) -> String {
    let before = (column.max(1) - 1) as usize;
    let rest: Vec<char> = excerpt.chars().skip(before).collect();
    let width = match rest.first() {
        Some(quote @ ('"' | '\'')) => {
            rest.iter().skip(1).position(|c| c == quote).map_or(1, |inside| inside + 2)
        }
        _ => (0..rest.len()).take_while(|&at| in_word(&rest, at)).count().max(1),
    };
    let mut marker: String =
        excerpt.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    marker.extend(std::iter::repeat_n('^', width));
    marker
}

/// Whether the character at `at` belongs to a plain scalar. A colon does if it does not end a key.
fn in_word(text: &[char], at: usize) -> bool {
    let inner = |c: &char| c.is_alphanumeric() || "-_./*+!".contains(*c);
    match text.get(at) {
        Some(':') => text.get(at + 1).is_some_and(|next| inner(next) || *next == ':'),
        Some(c) => inner(c),
        None => false,
    }
}

/// Control and direction-changing characters shown as escapes, so that a file cannot paint the
/// terminal or hide what it says.
fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if (c.is_control() && c != '\t') || hidden {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// The candidate nearest to `word`, if one is near enough to be what was meant. Case, `-` and `_`
/// do not count.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
    };
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Words as a list for a message: `` `a`, `b`, `c` ``.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
