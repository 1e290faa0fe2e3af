//! What the demo prints: headings, and what happened with the seconds it took.

use std::io::IsTerminal;
use std::time::Instant;

/// Lines of a router's table that are shown.
const EXCERPT: usize = 12;

/// The stage.
pub struct Show {
    colour: bool,
    since: Instant,
}

impl Show {
    /// Coloured on a terminal.
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let colour = wanted && std::io::stdout().is_terminal();
        Self { colour, since: Instant::now() }
    }

    /// A new scene.
    pub fn heading(&mut self, text: &str) {
        self.since = Instant::now();
        let (on, off) = self.style("\u{1b}[1m");
        println!("\n{on}== {text}{off}");
    }

    /// Something happened; the seconds are since the last time something did.
    pub fn done(&mut self, text: &str) {
        let seconds = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        let (on, off) = self.style("\u{1b}[32m");
        println!("{on}ok{off} {text} ({seconds:.1} s)");
    }

    /// A line.
    pub fn say(&mut self, text: &str) {
        println!("{text}");
    }

    /// The beginning of a router's table, without the legend, and its last line.
    pub fn excerpt(&mut self, text: &str) {
        let lines: Vec<_> = text.trim().lines().map(str::trim_end).collect();
        let legend = lines.iter().position(|line| line.contains("Network")).unwrap_or(0);
        let table = &lines[legend..];
        for line in table.iter().take(EXCERPT) {
            // FRR pads to columns that FlowSpec does not have.
            println!("  {}", line.replace("                              ", " "));
        }
        if let Some(more) = table.len().checked_sub(EXCERPT + 1).filter(|more| *more > 0) {
            println!("  … {more} more lines");
        }
        if let Some(last) = table.last().filter(|_| table.len() > EXCERPT) {
            println!("  {last}");
        }
    }

    fn style(&self, on: &'static str) -> (&'static str, &'static str) {
        if self.colour { (on, "\u{1b}[0m") } else { ("", "") }
    }
}
